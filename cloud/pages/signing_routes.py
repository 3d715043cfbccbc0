"""The signing page over HTTP: the words, a box for each child and version, a code, a name or a drawing, one button."""

from collections.abc import Mapping
from functools import partial
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from classtap_core.kernel.errors import BadInput, ClassTapError, Refused
from classtap_core.people.verification import WAYS
from cloud.bodies import read_body
from cloud.composition import Cloud
from cloud.limits import Tries, may_try
from cloud.messaging.codes import send_code
from cloud.pages.doors import Inside
from cloud.pages.forms import FormPage, status_of
from cloud.pages.frame import (
    PREFIX,
    SECURITY,
    Handler,
    answering,
    html,
    language_of,
    render,
    same_site,
)
from cloud.pages.signing import Wanted, kept_artifact, shown, sign, strokes_of
from resources.text import Catalogue, languages

MOST_BYTES = 256 << 10


def signing_routes(cloud: Cloud) -> list[tuple[str, Handler, str]]:
    """The page's addresses, what answers them, and with which method."""
    pages = _Signing(cloud)
    return [
        (f"{PREFIX}/sign", answering(pages.page), "GET"),
        (f"{PREFIX}/sign", answering(pages.signed), "POST"),
        (f"{PREFIX}/sign/code", answering(pages.code), "POST"),
        (f"{PREFIX}/sign/kept/{{hash}}.pdf", answering(pages.kept), "GET"),
    ]


class _Signing(FormPage):
    NAME, SAID = "signing", ("", "family.", "page.")

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self._codes = Tries(cloud.clock, burst=3, per_minute=1)

    async def page(self, request: Request) -> Response:
        inside = await self._inside(request)
        return await self._page(request, inside, {})

    async def code(self, request: Request) -> Response:
        """Send six digits to one of the guardian's own addresses, and show the page again with what was ticked."""
        same_site(request)
        inside, form = await self._inside(request), await _form(request)
        way = next((value for name, value in form if name == "way"), "")
        words = Catalogue(language_of(request))
        try:
            if way not in WAYS:
                raise Refused("code.unsent")
            if not await may_try(self._codes, self._cloud.tries, "code", inside.contact, self._run):
                raise Refused("rate.limited")
            await self._run(partial(send_code, self._cloud, inside, way, words))
        except Refused as refusal:
            return await self._page(request, inside, form, trouble=refusal)
        return await self._page(request, inside, form, sent=True)

    async def signed(self, request: Request) -> Response:
        same_site(request)
        inside, form = await self._inside(request), await _form(request)
        words = Catalogue(language_of(request))
        said = dict(form)
        try:
            wanted = Wanted(
                marks=frozenset(value for name, value in form if name == "sign"), name=said.get("name", ""),
                strokes=strokes_of(said.get("drawing", "")), code=said.get("code", "").strip(), once=said.get("once", "")[:64],
                address=request.client.host if request.client else "", device=request.headers.get("user-agent", "")[:200],
                language=words.language,
            )  # fmt: skip
            await self._run(partial(sign, self._cloud, inside, wanted, words, session=_session(request)))
        except ClassTapError as trouble:
            return await self._page(request, inside, form, trouble=trouble)
        return await self._page(request, inside, (), done=True)

    async def kept(self, request: Request) -> Response:
        inside = await self._inside(request)
        data = await self._run(partial(kept_artifact, self._cloud, inside, request.path_params["hash"]))
        headers = {
            **SECURITY,
            "Cache-Control": "private, no-store",
            "Content-Disposition": 'inline; filename="signed.pdf"',
        }
        return Response(data, media_type="application/pdf", headers=headers)

    async def _page(
        self, request: Request, inside: Inside, form: object, *, sent: bool = False, done: bool = False,
        trouble: ClassTapError | None = None,
    ) -> Response:  # fmt: skip
        words = Catalogue(language_of(request))
        page = await self._run(partial(shown, self._cloud, inside, words, session=_session(request)))
        said = form if isinstance(form, list) else []
        body = render(
            "signing.html", words=words, languages=languages(), page=page, sent=sent, done=done,
            trouble=self._sentence(words, trouble), ticked={value for name, value in said if name == "sign"},
            said={"name": "", "drawing": "", **{name: value for name, value in said if name in ("name", "drawing")}},
            address=f"{PREFIX}/sign", query=_query(request),
        )  # fmt: skip
        return html(body, status_of(trouble))


def _session(request: Request) -> str:
    """The session somebody wants a place in, where they came from one."""
    wanted = request.query_params.get("for", "")
    return wanted if len(wanted) == 32 and all(one in "0123456789abcdef" for one in wanted) else ""


def _query(request: Request) -> str:
    kept: Mapping[str, str] = {"lang": request.query_params.get("lang", ""), "for": _session(request)}
    found = "&".join(f"{name}={value}" for name, value in kept.items() if value.isalnum())
    return f"?{found}" if found else ""


async def _form(request: Request) -> list[tuple[str, str]]:
    try:
        text = (await read_body(request, most=MOST_BYTES)).decode()
    except UnicodeDecodeError as error:
        raise BadInput("signing.form") from error
    return parse_qsl(text, keep_blank_values=True, max_num_fields=1_000)
