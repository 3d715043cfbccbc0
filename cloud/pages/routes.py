"""The seat page over HTTP: the page, how its spots stand, and a stream that says when to look again. Reading only."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date as Day
from functools import partial
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from cloud.composition import Cloud
from cloud.hints import Listener
from cloud.limits import Tries, may_try
from cloud.pages.frame import PREFIX, SECURITY, Handler, answering, html, language_of, render, static_files
from cloud.pages.links import SeatLink, opened
from cloud.pages.seats import SeatPage, SeatPages
from resources.text import Catalogue, languages

TOLD = ("accessible", "companion", "instructor_view", "aisle", "premium")
"""Tags that clients read; there are words for each."""
MOST_LIVE = 500
"""So many pages are told of changes at once; the others look for themselves every few seconds."""
T = TypeVar("T")


def seat_routes(cloud: Cloud, *, heartbeat_s: float) -> list[tuple[str, Handler]]:
    """The pages' addresses and what answers them; all are read with GET."""
    pages = _Pages(cloud, heartbeat_s)
    return [
        (f"{PREFIX}/static/{{name}}", answering(pages.static)),
        (f"{PREFIX}/seats/{{token}}", answering(pages.page)),
        (f"{PREFIX}/seats/{{token}}/state", answering(pages.state)),
        (f"{PREFIX}/seats/{{token}}/live", answering(pages.live)),
    ]


class _Pages:
    def __init__(self, cloud: Cloud, heartbeat_s: float) -> None:
        self._cloud, self._heartbeat_s = cloud, heartbeat_s
        self._seats = SeatPages(cloud.studios)
        self._live = 0
        self._wrong = Tries(cloud.clock, burst=60, per_minute=60)

    async def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        found = static_files().get(name)
        if found is None:
            raise Refused("link.unknown")
        media, body = found
        headers = {**SECURITY, "Cache-Control": "public, max-age=300"}
        return Response(body, media_type=media, headers=headers)

    async def page(self, request: Request) -> Response:
        link = await self._opened(request)
        page = await self._read(partial(self._seats.page, link.studio, link.session))
        words = Catalogue(language_of(request))
        body = render(
            "seats.html",
            page=page,
            words=words,
            languages=languages(),
            token=request.path_params["token"],
            **_words(page, words),
        )
        return html(body, 200)

    async def state(self, request: Request) -> Response:
        link = await self._opened(request)
        found = await self._read(partial(self._seats.states, link.studio, link.session))
        headers = {**SECURITY, "Cache-Control": "no-store"}
        return Response(msgspec.json.encode(found), media_type="application/json", headers=headers)

    async def live(self, request: Request) -> Response:
        link = await self._opened(request)
        scopes = await self._read(partial(self._seats.scopes, link.studio, link.session))
        if self._live >= MOST_LIVE:
            raise Refused("rate.limited")
        listener = Listener(link.studio, Id(""), scopes, asyncio.get_running_loop())
        headers = {**SECURITY, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._events(listener, link), media_type="text/event-stream", headers=headers)

    async def _events(self, listener: Listener, link: SeatLink) -> AsyncIterator[bytes]:
        """A word after each change, with nothing of it. Ends with the link."""
        self._cloud.hints.join(listener)
        self._live += 1
        try:
            yield b"event: look\ndata: 0\n\n"
            while not listener.closed and self._cloud.clock.now().corrected < link.expires_ms:
                through = await listener.wait(self._heartbeat_s)
                if not listener.closed:
                    yield b": beat\n\n" if through is None else b"event: look\ndata: %d\n\n" % through
        finally:
            self._live -= 1
            self._cloud.hints.leave(listener)

    async def _opened(self, request: Request) -> SeatLink:
        caller = request.client.host if request.client else ""
        try:
            now_ms = self._cloud.clock.now().corrected
            return opened(self._cloud.books.secret, request.path_params["token"], now_ms=now_ms)
        except Refused:
            if not await may_try(self._wrong, self._cloud.tries, "link", caller, self._read):
                raise Refused("rate.limited") from None
            raise

    async def _read(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._cloud.reading, work)


def _words(page: SeatPage, words: Catalogue) -> dict[str, Any]:
    """What the page says that depends on the session."""
    day = Day.fromisoformat(page.date)
    span = words.span(page.starts_ms, page.ends_ms, page.zone)
    when = words.join([words.date(day), span, page.room, page.location, page.instructor])
    tags = {tag: words.say(f"seats.tag.{tag}") for tag in TOLD}
    return {"when": when, "tags": tags}
