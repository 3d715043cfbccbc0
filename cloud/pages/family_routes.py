"""The family's page over HTTP: in by a one-time link, then by a cookie; the day, the pass, codes, and out again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.kernel.ids import Id
from classtap_core.messaging.operations import StopContact, WishMessages
from classtap_core.messaging.templates import USUAL
from classtap_core.messaging.templates import WAYS as CHOICES
from classtap_core.people.verification import WAYS, VerifyContact
from cloud.bodies import read_body
from cloud.composition import Cloud
from cloud.hints import Listener
from cloud.limits import Tries, may_try
from cloud.messaging.codes import send_code
from cloud.messaging.stopping import Stop, stop_of
from cloud.pages import frame
from cloud.pages.doors import SESSION_MS, Inside
from cloud.pages.family import families_shown, family_day, initials, scopes_of, standing_of
from cloud.pages.frame import (
    COOKIE,
    PREFIX,
    SECURITY,
    Handler,
    answering,
    html,
    language_of,
    message,
    render,
    same_site,
)
from cloud.passes import family_pass, picture_of, text_of
from resources import path
from resources.text import Catalogue, languages

MOST_LIVE = 2_000
WAIT_S = 60
"""When who asked too often may ask again: each limit here lets go of one a minute at least."""
_BODY = 2_048
_STATUS = frame.MISSING | {"pass.no_right": 404}
"""What a guardian has no right to is not there (ruling 21)."""
T = TypeVar("T")


def family_routes(cloud: Cloud, *, heartbeat_s: float) -> list[tuple[str, Handler, str]]:
    """The page's addresses, what answers them, and with which method."""
    pages = _Family(cloud, heartbeat_s)
    home = f"{PREFIX}/home"
    return [
        (f"{PREFIX}/in/{{token}}", answering(pages.landing), "GET"),
        (f"{PREFIX}/in/{{token}}", answering(pages.enter), "POST"),
        (f"{PREFIX}/sw.js", answering(pages.worker), "GET"),
        (home, answering(pages.shell), "GET"),
        (f"{home}/day", _plain(pages.day), "GET"),
        (f"{home}/pass", _plain(pages.pass_), "GET"),
        (f"{home}/pass.png", answering(pages.fixed), "GET"),
        (f"{home}/live", _plain(pages.live), "GET"),
        (f"{home}/code", _plain(pages.code), "POST"),
        (f"{home}/confirm", _plain(pages.confirm), "POST"),
        (f"{home}/wish", _plain(pages.wish), "POST"),
        (f"{home}/out", answering(pages.ask_out), "GET"),
        (f"{home}/out", _plain(pages.out), "POST"),
        (f"{PREFIX}/stop/{{token}}", answering(pages.ask_stop), "GET"),
        (f"{PREFIX}/stop/{{token}}", answering(pages.stop), "POST"),
    ]


def _plain(handler: Handler) -> Handler:
    """A handler for the page's own script: a refusal is its code, and its sentence where it has one."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as error:
            words = Catalogue(language_of(request))
            codes = (f"family.{error.code}", f"page.{error.code}", "page.unavailable")
            said = words.say(next(code for code in codes if words.has(code)), **error.params)
            status = _STATUS.get(error.code, 409)
            return _json({"code": error.code, "said": said}, status)

    return answer


class _Family:
    def __init__(self, cloud: Cloud, heartbeat_s: float) -> None:
        self._cloud, self._heartbeat_s = cloud, heartbeat_s
        self._live = 0
        self._wrong = Tries(cloud.clock, burst=30, per_minute=30)
        self._codes = Tries(cloud.clock, burst=3, per_minute=1)
        self._reads = Tries(cloud.clock, burst=240, per_minute=240)

    # --- in and out

    async def landing(self, request: Request) -> Response:
        """A button, so that a mail server that looks into links does not use this one up."""
        try:
            await self._read(partial(self._cloud.doors.look, request.path_params["token"]))
        except Refused:
            await self._count(request)
            raise
        return html(render("enter.html", words=Catalogue(language_of(request))), 200)

    async def enter(self, request: Request) -> Response:
        same_site(request)
        try:
            session = await self._read(partial(self._cloud.doors.enter, request.path_params["token"]))
        except Refused:
            await self._count(request)
            raise
        answer = Response(
            status_code=303, headers={**SECURITY, "Location": f"{PREFIX}/home", "Cache-Control": "no-store"}
        )
        answer.set_cookie(
            COOKIE, session, max_age=SESSION_MS // 1000, path=PREFIX, httponly=True, samesite="strict",
            secure=self._cloud.post.url.startswith("https:"),
        )  # fmt: skip
        return answer

    async def out(self, request: Request) -> Response:
        same_site(request)
        with contextlib.suppress(Refused):  # whoever has no session, or one that ended, is out already
            await self._read(partial(self._cloud.doors.leave, request.cookies.get(COOKIE, "")))
        answer = _json({})
        answer.delete_cookie(COOKIE, path=PREFIX)
        return answer

    async def ask_out(self, request: Request) -> Response:
        """The address typed or kept: looking ends no session; the page says whether there is one."""
        return Response(status_code=303, headers={**SECURITY, "Location": f"{PREFIX}/home"})

    # --- the page

    async def shell(self, request: Request) -> Response:
        """The page without anybody in it: a phone keeps it, and what belongs into it apart."""
        words = Catalogue(language_of(request))
        known = {code: words.say(code) for code in _SAID}
        forms = {str(n): words.say_n("family.countdown", n) for n in range(16)}
        return html(
            render(
                "family.html", words=words, languages=languages(), version=frame.version(),
                said=msgspec.json.encode({**known, "countdown": forms}).decode(),
            ),
            200,
        )  # fmt: skip

    async def worker(self, request: Request) -> Response:
        """The service worker; its version changes with the pages, and with it what a phone keeps."""
        text = path("pages", "worker.js").read_text(encoding="utf-8").replace("VERSION", frame.version())
        headers = {**SECURITY, "Cache-Control": "no-cache"}
        return Response(text, media_type="text/javascript", headers=headers)

    async def day(self, request: Request) -> Response:
        inside = await self._inside(request)
        words = Catalogue(language_of(request))
        return _json(await self._read(partial(family_day, self._cloud.studios, inside, words)))

    async def pass_(self, request: Request) -> Response:
        inside = await self._inside(request)
        words = Catalogue(language_of(request))
        return _json(await self._read(partial(self._pass, inside, request.query_params.get("family", ""), words)))

    def _pass(self, inside: Inside, family: str, words: Catalogue) -> dict[str, Any]:
        """The pass as a phone keeps it. The key of its codes travels once, into a store it cannot be read out of."""
        studios = self._cloud.studios
        who = standing_of(studios.storage(inside.studio), inside, now_ms=studios.clock.now().corrected)
        if family not in families_shown(who):
            raise Refused("pass.no_right")
        shown = family_pass(studios, inside.studio, Id(family))
        return {
            "family": family, "text": shown.rolling.text, "key": shown.rolling.key.hex(), "expires": shown.rolling.expires,
            "fixed": shown.text, "fixed_expires": shown.held.expires_s, "refresh_s": shown.refresh_s,
            "now_ms": studios.clock.now().corrected, "initials": initials(who.contact.name),
            "until": words.say("family.until", when=words.datetime(shown.rolling.expires * 1000, who.zone)),
        }  # fmt: skip

    async def fixed(self, request: Request) -> Response:
        """The fixed picture, for a browser without scripts."""
        inside = await self._inside(request)
        data = await self._read(partial(self._fixed, inside))
        return Response(data, media_type="image/png", headers={**SECURITY, "Cache-Control": "no-store"})

    def _fixed(self, inside: Inside) -> bytes:
        studios = self._cloud.studios
        who = standing_of(studios.storage(inside.studio), inside, now_ms=studios.clock.now().corrected)
        shown = families_shown(who)
        if not shown:
            raise Refused("link.unknown")
        return picture_of(studios, inside.studio, text_of(studios, inside.studio, shown[0]).text)

    async def live(self, request: Request) -> Response:
        """A word after each change, with nothing of it; ends with the session."""
        inside = await self._inside(request)
        storage, now_ms = self._cloud.studios.storage(inside.studio), self._cloud.clock.now().corrected
        scopes = await self._read(partial(scopes_of, storage, inside, now_ms=now_ms))
        if self._live >= MOST_LIVE:
            raise Refused("rate.limited")
        listener = Listener(inside.studio, Id(""), scopes, asyncio.get_running_loop())
        headers = {**SECURITY, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._events(listener), media_type="text/event-stream", headers=headers)

    async def _events(self, listener: Listener) -> AsyncIterator[bytes]:
        self._cloud.hints.join(listener)
        self._live += 1
        try:
            yield b"event: look\ndata: 0\n\n"
            while not listener.closed:
                through = await listener.wait(self._heartbeat_s)
                if not listener.closed:
                    yield b": beat\n\n" if through is None else b"event: look\ndata: %d\n\n" % through
        finally:
            self._live -= 1
            self._cloud.hints.leave(listener)

    # --- a verified contact

    async def code(self, request: Request) -> Response:
        """Send six digits to one of the guardian's own addresses."""
        same_site(request)
        inside = await self._inside(request)
        way = (await _said(request)).get("way", "")
        if way not in WAYS:
            raise Refused("code.unsent")
        if not await may_try(self._codes, self._cloud.tries, "code", inside.contact, self._read):
            raise Refused("rate.limited")
        words = Catalogue(language_of(request))
        await self._read(partial(send_code, self._cloud, inside, way, words))
        return _json({"said": words.say("family.code_sent")})

    async def confirm(self, request: Request) -> Response:
        """Take six digits."""
        same_site(request)
        inside = await self._inside(request)
        code = (await _said(request)).get("code", "").strip()
        await self._read(partial(self._confirm, inside, code))
        return _json({"said": Catalogue(language_of(request)).say("family.code_right")})

    def _confirm(self, inside: Inside, code: str) -> None:
        way = self._cloud.doors.check(inside.studio, inside.contact, code)
        verified = VerifyContact(contact=inside.contact, way=way)
        if not self._cloud.studios.author(inside.studio, verified, source="family_page").link.outcome.stands:
            raise Refused("code.unsent")

    async def wish(self, request: Request) -> Response:
        """On which ways the guardian wants to hear of a child, or of everything."""
        same_site(request)
        inside, said = await self._inside(request), await _said(request)
        await self._read(partial(self._wish, inside, said.get("child", ""), said.get("ways", "")))
        return _json({"said": Catalogue(language_of(request)).say("family.wished")})

    def _wish(self, inside: Inside, child: str, ways: str) -> None:
        studios = self._cloud.studios
        who = standing_of(studios.storage(inside.studio), inside, now_ms=studios.clock.now().corrected)
        if (child and child not in who.children) or ways not in (USUAL, *CHOICES):
            raise Refused("link.unknown")
        wish = WishMessages(contact=who.contact.id, channels=CHOICES.get(ways, ()), child=child, usual=ways == USUAL)
        if not studios.author(inside.studio, wish, source="family_page").link.outcome.stands:
            raise Refused("link.unknown")

    # --- no more mail

    async def ask_stop(self, request: Request) -> Response:
        stop_of(self._cloud.books.secret, request.path_params["token"])
        return html(render("stop.html", words=Catalogue(language_of(request))), 200)

    async def stop(self, request: Request) -> Response:
        """One press, also of a mail program's own button (RFC 8058)."""
        wanted = stop_of(self._cloud.books.secret, request.path_params["token"])
        await self._read(partial(self._stop, wanted))
        words = Catalogue(language_of(request))
        return message(words, words.say("family.stopped"))

    def _stop(self, wanted: Stop) -> None:
        payload = StopContact(items=(wanted.contact,), channel=wanted.channel)
        self._cloud.studios.author(wanted.studio, payload, source="family_page")

    async def _inside(self, request: Request) -> Inside:
        """Who asks. A page reads a few times a second at most; each worker counts for itself, for it is no secret."""
        inside = await self._read(partial(self._cloud.doors.inside, request.cookies.get(COOKIE, "")))
        if not self._reads.allow(inside.contact):
            raise Refused("rate.limited")
        return inside

    async def _count(self, request: Request) -> None:
        caller = request.client.host if request.client else ""
        if not await may_try(self._wrong, self._cloud.tries, "link", caller, self._read):
            raise Refused("rate.limited")

    async def _read(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._cloud.reading, work)


_SAID = (
    "family.may", "family.may_not", "family.nothing", "family.no_children", "family.offline", "family.rights",
    "family.pass.unknown", "family.pass.revoked", "family.pass.ended", "family.show_fixed", "family.show_moving",
    "family.fixed", "family.changes", "family.send_code", "family.verified", "page.session.over", "page.unavailable",
    "family.entries", "family.entries_hint",
)  # fmt: skip
"""Sentences the page's script says itself."""


async def _said(request: Request) -> Mapping[str, str]:
    """What the page's script says. Raises BadInput `body.malformed`, and as `read_body`."""
    body = await read_body(request, most=_BODY)
    try:
        return msgspec.json.decode(body, type=dict[str, str])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("body.malformed") from error


def _json(value: Any, status: int = 200) -> Response:
    headers = {**SECURITY, "Cache-Control": "no-store"}
    if status == 429:
        headers["Retry-After"] = str(WAIT_S)
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json", headers=headers)
