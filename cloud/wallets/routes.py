"""Wallet passes over HTTP: from the family's page, and the web service that Apple publishes for passes that change."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import msgspec
from sqlalchemy import and_, select
from starlette.requests import Request
from starlette.responses import Response

from classtap_core.checkin.reading import fetch
from classtap_core.kernel.errors import ClassTapError, Refused
from classtap_core.kernel.ids import Id
from classtap_core.passes.records import Pass, pass_id
from classtap_core.people.records import Family
from cloud.bodies import read_body
from cloud.composition import Cloud
from cloud.limits import Tries
from cloud.pages.family import families_shown, standing_of
from cloud.pages.frame import COOKIE, PREFIX, SECURITY, Handler, answering, language_of
from cloud.passes import brand_of, held_pass
from cloud.storage.pulls import head_of
from cloud.storage.whereabouts import held_by
from cloud.wallets.apple import MEDIA, Card, is_holders, pkpass, serial_of, token_of
from cloud.wallets.google import google_pass, save_link
from cloud.wallets.registered import GOOGLE, register, unregister
from resources.text import Catalogue

T = TypeVar("T")
SERVICE = f"{PREFIX}/wallet"
_BODY = 4_096


def wallet_routes(cloud: Cloud) -> list[tuple[str, Handler, str]]:
    """The addresses, what answers them, and with which method."""
    pages = _Wallets(cloud)
    one = f"{SERVICE}/v1/devices/{{device}}/registrations/{{type}}"
    return [
        (f"{PREFIX}/home/wallets", answering(pages.offered), "GET"),
        (f"{PREFIX}/home/apple.pkpass", answering(pages.apple), "GET"),
        (f"{PREFIX}/home/google", answering(pages.google), "GET"),
        (f"{one}/{{serial}}", _bare(pages.register), "POST"),
        (f"{one}/{{serial}}", _bare(pages.unregister), "DELETE"),
        (one, _bare(pages.changed), "GET"),
        (f"{SERVICE}/v1/passes/{{type}}/{{serial}}", _bare(pages.latest), "GET"),
        (f"{SERVICE}/v1/log", _bare(pages.log), "POST"),
    ]


def _bare(handler: Handler) -> Handler:
    """A handler for phones: a refusal is a status and nothing else."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as error:
            return Response(status_code=401 if error.code == "auth.token" else 404, headers=SECURITY)

    return answer


class _Wallets:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud, self._wallets = cloud, cloud.wallets
        self._changes = Tries(cloud.clock, burst=300, per_minute=120)

    async def offered(self, request: Request) -> Response:
        """Which wallets this cloud can make passes for."""
        return _json(self._wallets.offered)

    # --- from the family's page

    async def apple(self, request: Request) -> Response:
        studio, family = await self._family(request)
        words = Catalogue(language_of(request))
        data = await self._read(partial(self._pkpass, studio, family, words))
        headers = {**SECURITY, "Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="pass.pkpass"'}
        return Response(data, media_type=MEDIA, headers=headers)

    async def google(self, request: Request) -> Response:
        studio, family = await self._family(request)
        words = Catalogue(language_of(request))
        link = await self._read(partial(self._link, studio, family, words))
        return Response(status_code=303, headers={**SECURITY, "Location": link, "Cache-Control": "no-store"})

    async def _family(self, request: Request) -> tuple[Id, Id]:
        """Whose pass: one that this guardian shows."""
        inside = await self._read(partial(self._cloud.doors.inside, request.cookies.get(COOKIE, "")))
        family = request.query_params.get("family", "")

        def shown() -> tuple[Id, ...]:
            storage, now_ms = self._cloud.studios.storage(inside.studio), self._cloud.clock.now().corrected
            return families_shown(standing_of(storage, inside, now_ms=now_ms))

        if family not in await self._read(shown):
            raise Refused("link.unknown")
        return inside.studio, Id(family)

    def _pkpass(self, studio: Id, family: Id, words: Catalogue) -> bytes:
        if self._wallets.apple is None:
            raise Refused("link.unknown")
        studios = self._cloud.studios
        serial = serial_of(studio, family)
        name = fetch(studios.storage(studio), Family, [family])[family].name
        try:
            held = held_pass(studios, studio, family)
            card = Card(serial, studios.studio(studio).name, name, studios.pass_of(studio, family).text, held.expires_s)
        except ClassTapError:
            # What was cancelled is voided on the phone, where it lies for the guardian to see.
            card = Card(
                serial, studios.studio(studio).name, name, "", studios.clock.now().corrected // 1000, voided=True
            )
        card = card._replace(brand=brand_of(studios, studio))
        said = {"title": words.say("family.pass"), "family": words.say("family.title")}
        base = self._cloud.post.url or studios.url
        token = token_of(self._cloud.books.secret, serial)
        return pkpass(card, self._wallets.apple, service=f"{base}{SERVICE}", token=token, said=said)

    def _link(self, studio: Id, family: Id, words: Catalogue) -> str:
        signer, studios, now_ms = self._wallets.google, self._cloud.studios, self._cloud.clock.now().corrected
        if signer is None:
            raise Refused("link.unknown")
        made = google_pass(studios, signer, studio, family)
        name = fetch(studios.storage(studio), Family, [family])[family].name
        register(self._cloud.books, studio, GOOGLE, serial_of(studio, family), token="", now_ms=now_ms)
        return save_link(
            made, signer, words, studio=studios.studio(studio).name, family=name, now_s=now_ms // 1000
        )  # fmt: skip

    # --- Apple's web service

    async def register(self, request: Request) -> Response:
        studio, _ = self._asked(request)
        try:
            said: Any = msgspec.json.decode(await read_body(request, most=_BODY))
            push = str(said["pushToken"])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
            raise Refused("link.unknown") from None
        device, serial = request.path_params["device"], request.path_params["serial"]
        now_ms = self._cloud.clock.now().corrected
        keep = partial(register, self._cloud.books, studio, device, serial, token=push, now_ms=now_ms)
        return Response(status_code=201 if await self._read(keep) else 200, headers=SECURITY)

    async def unregister(self, request: Request) -> Response:
        studio, _ = self._asked(request)
        device, serial = request.path_params["device"], request.path_params["serial"]
        await self._read(partial(unregister, self._cloud.books, studio, device, serial))
        return Response(status_code=200, headers=SECURITY)

    async def changed(self, request: Request) -> Response:
        """Which of a phone's passes changed since a tag: the studio's log says so. Apple's phones ask without a token."""
        if not self._changes.allow(request.client.host if request.client else ""):
            return Response(status_code=429, headers={**SECURITY, "Retry-After": "60"})
        since = request.query_params.get("passesUpdatedSince", "")
        found = await self._read(partial(self._changed, request.path_params["device"], since))
        if not found["serialNumbers"]:
            return Response(status_code=204, headers=SECURITY)
        return _json(found)

    def _changed(self, device: str, since: str) -> dict[str, Any]:
        """The tag names each studio's place in its log: a phone may hold passes of several."""
        after = dict(part.split(":") for part in since.split(",") if part.count(":") == 1)
        books, serials, tag = self._cloud.books, list[str](), list[str]()
        wallet, change = books.tables.wallet, books.tables.change
        for studio in held_by(books, device):
            with self._cloud.database.read(studio) as connection:
                of_device = and_(wallet.c.studio_id == studio, wallet.c.device == device)
                held = connection.scalars(select(wallet.c.serial).where(of_device)).all()
                passes = {pass_id(studio, Id(serial.partition(".")[2])): serial for serial in held}
                of_passes = and_(
                    change.c.studio_id == studio, change.c.kind == Pass.KIND, change.c.id.in_(passes),
                    change.c.sequence > _number(after.get(studio, "")),
                )  # fmt: skip
                serials += [passes[id] for id in connection.scalars(select(change.c.id).where(of_passes)).all()]
            if held:
                tag.append(f"{studio}:{head_of(books, studio)}")
        return {"serialNumbers": serials, "lastUpdated": ",".join(tag)}

    async def latest(self, request: Request) -> Response:
        studio, family = self._asked(request)
        data = await self._read(partial(self._pkpass, studio, family, Catalogue(language_of(request))))
        return Response(data, media_type=MEDIA, headers={**SECURITY, "Cache-Control": "no-store"})

    async def log(self, request: Request) -> Response:
        """Phones say what went wrong with a pass; it is theirs, and nothing of it is kept."""
        await read_body(request, most=_BODY)
        return Response(status_code=200, headers=SECURITY)

    def _asked(self, request: Request) -> tuple[Id, Id]:
        """The pass a phone speaks of, with its own token. Raises Refused `auth.token`, `link.unknown`."""
        serial, signer = request.path_params["serial"], self._wallets.apple
        if signer is None or request.path_params["type"] != signer.pass_type:
            raise Refused("link.unknown")
        if not is_holders(self._cloud.books.secret, serial, request.headers.get("authorization", "")):
            raise Refused("auth.token")
        studio, _, family = serial.partition(".")
        return Id(studio), Id(family)

    async def _read(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._cloud.reading, work)


def _json(value: Any) -> Response:
    return Response(
        msgspec.json.encode(value), media_type="application/json", headers={**SECURITY, "Cache-Control": "no-store"}
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
