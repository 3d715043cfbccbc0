"""The papers page over HTTP: a form for each child and paper, with a scan; it needs no script."""

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
from cloud.pages.parts import form_of
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
            said = await self._run(partial(form_of, body, request.headers.get("content-type", "")))
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
