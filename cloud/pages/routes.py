"""The seat page over HTTP: the page, how its spots stand, and a stream that says when to look again. Reading only."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import date as Day
from functools import cache, partial
from typing import Any, TypeVar

import msgspec
from babel import Locale, UnknownLocaleError, negotiate_locale
from jinja2 import DictLoader, Environment, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from classtap_core.kernel.errors import ClassTapError, Refused
from classtap_core.kernel.ids import Id
from cloud.composition import Cloud
from cloud.hints import Listener
from cloud.limits import Tries
from cloud.pages.links import SeatLink, opened
from cloud.pages.seats import SeatPage, SeatPages
from resources import path
from resources.text import Catalogue, languages
from resources.themes import tokens

PREFIX = "/f"
TOLD = ("accessible", "companion", "instructor_view", "aisle", "premium")
"""Tags that clients read; there are words for each."""
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
MOST_LIVE = 500
"""So many pages are told of changes at once; the others look for themselves every few seconds."""
MISSING = {"link.unknown": 404, "link.expired": 410, "session.unknown": 404, "seats.no_map": 404, "rate.limited": 429}
T = TypeVar("T")
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def seat_routes(cloud: Cloud, *, heartbeat_s: float) -> list[tuple[str, Handler]]:
    """The pages' addresses and what answers them; all are read with GET."""
    pages = _Pages(cloud, heartbeat_s)
    return [
        (f"{PREFIX}/static/{{name}}", pages.answering(pages.static)),
        (f"{PREFIX}/seats/{{token}}", pages.answering(pages.page)),
        (f"{PREFIX}/seats/{{token}}/state", pages.answering(pages.state)),
        (f"{PREFIX}/seats/{{token}}/live", pages.answering(pages.live)),
    ]


class _Pages:
    def __init__(self, cloud: Cloud, heartbeat_s: float) -> None:
        self._cloud, self._heartbeat_s = cloud, heartbeat_s
        self._seats = SeatPages(cloud.studios)
        self._live = 0
        self._wrong = Tries(cloud.clock, burst=60, per_minute=60)

    def answering(self, handler: Handler) -> Handler:
        """A handler whose refusals become a page with a sentence."""

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except ClassTapError as error:
                status = MISSING.get(error.code, 503)
                words = Catalogue(_language(request))
                code = f"page.{error.code}" if error.code in MISSING else "page.unavailable"
                body = _environment().get_template("message.html").render(words=words, message=words.say(code))
                return _html(body, status)

        return answer

    async def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        found = _static().get(name)
        if found is None:
            raise Refused("link.unknown")
        media, body = found
        headers = {**SECURITY, "Cache-Control": "public, max-age=300"}
        return Response(body, media_type=media, headers=headers)

    async def page(self, request: Request) -> Response:
        link = self._opened(request)
        page = await self._read(partial(self._seats.page, link.studio, link.session))
        words = Catalogue(_language(request))
        body = (
            _environment()
            .get_template("seats.html")
            .render(
                page=page, words=words, languages=languages(), token=request.path_params["token"], **_words(page, words)
            )
        )
        return _html(body, 200)

    async def state(self, request: Request) -> Response:
        link = self._opened(request)
        found = await self._read(partial(self._seats.states, link.studio, link.session))
        headers = {**SECURITY, "Cache-Control": "no-store"}
        return Response(msgspec.json.encode(found), media_type="application/json", headers=headers)

    async def live(self, request: Request) -> Response:
        link = self._opened(request)
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

    def _opened(self, request: Request) -> SeatLink:
        caller = request.client.host if request.client else ""
        try:
            now_ms = self._cloud.clock.now().corrected
            return opened(self._cloud.books.secret, request.path_params["token"], now_ms=now_ms)
        except Refused:
            if not self._wrong.allow(caller):
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


def _html(body: str, status: int) -> Response:
    headers = {**SECURITY, "Cache-Control": "no-store", "Vary": "Accept-Language"}
    return Response(body, status_code=status, media_type="text/html", headers=headers)


def _language(request: Request) -> str:
    """The language asked for in the address, else the best the browser names that there are words for."""
    there = [language.code for language in languages()]
    asked = request.query_params.get("lang", "")
    if asked in there:
        return asked
    wanted = request.headers.get("accept-language", "")[:500].split(",")
    ranked = sorted(wanted, key=lambda part: -_quality(part))
    names = [part.split(";")[0].strip().replace("-", "_") for part in ranked]
    for name in names:
        found = negotiate_locale([name], there) if name else None
        if found:
            return name if _is_locale(name) else found
    return there[0]


def _is_locale(name: str) -> bool:
    try:
        Locale.parse(name)
    except (UnknownLocaleError, ValueError):
        return False
    return True


def _quality(part: str) -> float:
    _, _, value = part.partition(";q=")
    try:
        return float(value) if value else 1.0
    except ValueError:
        return 0.0


@cache
def _environment() -> Environment:
    files = {name: path("pages", name).read_text(encoding="utf-8") for name in ("seats.html", "message.html")}
    return Environment(
        loader=DictLoader(files), autoescape=select_autoescape(default=True), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


@cache
def _static() -> dict[str, tuple[str, bytes]]:
    looks = {name: _custom(tokens(name)) for name in ("light", "dark")}
    css = f":root{{{looks['light']}}}\n@media (prefers-color-scheme: dark){{:root{{{looks['dark']}}}}}\n"
    return {
        "seats.css": ("text/css", (css + path("pages", "seats.css").read_text(encoding="utf-8")).encode()),
        "seats.js": ("text/javascript", path("pages", "seats.js").read_bytes()),
    }


def _custom(look: Any) -> str:
    """A look's colours as custom properties."""
    colours = {name: value for name, value in look.items() if value.startswith("#")}
    return "".join(f"--{name.replace('_', '-')}:{value};" for name, value in colours.items())
