"""The papers page over HTTP: a form for each child and paper, with a scan; it needs no script."""

from collections.abc import Mapping
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from classtap_core.health.scans import LARGEST
from classtap_core.kernel.errors import BadInput, ClassTapError, Refused
from cloud.bodies import read_body
from cloud.composition import Cloud
from cloud.limits import Tries, may_try
from cloud.pages.doors import Inside
from cloud.pages.forms import FormPage, status_of
from cloud.pages.frame import (
    PREFIX,
    Handler,
    answering,
    html,
    language_of,
    render,
    same_site,
)
from cloud.pages.papers import Sent, file, shown
from resources.text import Catalogue, languages

MOST_BYTES = LARGEST + (64 << 10)


def papers_routes(cloud: Cloud) -> list[tuple[str, Handler, str]]:
    """The page's addresses, what answers them, and with which method."""
    pages = _Papers(cloud)
    return [
        (f"{PREFIX}/papers", answering(pages.page), "GET"),
        (f"{PREFIX}/papers", answering(pages.sent), "POST"),
    ]


class _Papers(FormPage):
    NAME, SAID = "papers", ("papers.", "", "page.", "error.", "desk.refused.")

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self._files = Tries(cloud.clock, burst=20, per_minute=2)

    async def page(self, request: Request) -> Response:
        return await self._page(request, await self._inside(request))

    async def sent(self, request: Request) -> Response:
        same_site(request)
        inside = await self._inside(request)
        try:
            if not await may_try(self._files, self._cloud.tries, "papers", inside.contact, self._run):
                raise Refused("rate.limited")
            body = await read_body(request, most=MOST_BYTES)
            said = form_of(body, request.headers.get("content-type", ""))
            text = {name: value.decode("utf-8", "replace").strip() for name, value in said.items() if name != "scan"}
            if not said.get("scan"):
                raise BadInput("health.file")
            found = Sent(
                text.get("child", ""), text.get("paper", ""), text.get("issued", ""), text.get("expires", ""), said["scan"],
                text.get("once", "")[:64],
            )  # fmt: skip
            await self._run(partial(file, self._cloud, inside, found))
        except ClassTapError as trouble:
            return await self._page(request, inside, trouble=trouble)
        return await self._page(request, inside, done=True)

    async def _page(
        self, request: Request, inside: Inside, *, done: bool = False, trouble: ClassTapError | None = None
    ) -> Response:
        words = Catalogue(language_of(request))
        page = await self._run(partial(shown, self._cloud, inside))
        lang = request.query_params.get("lang", "")
        body = render(
            "papers.html", words=words, languages=languages(), page=page, done=done,
            trouble=self._sentence(words, trouble), address=f"{PREFIX}/papers",
            query=f"?lang={lang}" if lang.isalnum() else "",
        )  # fmt: skip
        return html(body, status_of(trouble))


def form_of(body: bytes, content_type: str) -> Mapping[str, bytes]:
    """The fields of a form with a file in it (RFC 7578). Raises BadInput `form.parts`."""
    kind, _, rest = content_type.partition(";")
    boundary = rest.strip().removeprefix("boundary=").strip('"').encode()
    if kind.strip().lower() != "multipart/form-data" or not 0 < len(boundary) <= 70:
        raise BadInput("form.parts")
    found: dict[str, bytes] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:]:
        if part.startswith(b"--"):
            return found
        head, parted, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = _name(head.decode("utf-8", "replace"))
        if not parted or not name or len(found) >= 20:
            break
        found[name] = data
    raise BadInput("form.parts")


def _name(head: str) -> str:
    for line in head.split("\r\n"):
        title, _, value = line.partition(":")
        if title.strip().lower() == "content-disposition":
            for one in value.split(";"):
                key, _, said = one.strip().partition("=")
                if key == "name":
                    return said.strip('"')
    return ""
