"""Passes over HTTP: a studio's public keys for whoever wants to check a pass, and passes' texts for its desks."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from classtap_core.access.blueprints import DESK
from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.kernel.ids import Id
from cloud.bodies import read_body
from cloud.composition import Cloud
from cloud.limits import Tries
from cloud.passes import attendee_pass, jws_of, studio_numbered, text_of, texts_of
from cloud.storage.directory import DeviceEntry, StudioEntry
from sync.cards import AT_ONCE, AskPasses
from sync.protocol import decode, encode

T = TypeVar("T")
Handler = Callable[[Request], Awaitable[Response]]
WELL_KNOWN = "/.well-known/classtap"
FORMS = ("text", "jws")
_ASKED_BYTES = 16_384
SHEET_CALLS = 60
"""How often a device may ask for `cards.AT_ONCE` passes before it has to wait: 12,000 families, then 6,000 a minute."""


class PassLimits:
    """How often passes may be asked for: by a device, of a family, from an address."""

    def __init__(self, cloud: Cloud) -> None:
        self._device = Tries(cloud.clock, burst=600, per_minute=300)
        self._family = Tries(cloud.clock, burst=30, per_minute=10)
        self._address = Tries(cloud.clock, burst=1200, per_minute=600)
        self._sheets = Tries(cloud.clock, burst=SHEET_CALLS, per_minute=SHEET_CALLS // 2)

    def check(self, *, family: str, address: str, device: str = "") -> None:
        """Count one asking. Raises Refused `rate.limited`."""
        allowed = self._address.allow(address) and self._family.allow(family)
        if not allowed or (device and not self._device.allow(device)):
            raise Refused("rate.limited")

    def check_many(self, *, address: str, device: str) -> None:
        """Count one asking for a sheet of cards, which has a budget of its own. Raises Refused `rate.limited`."""
        if not (self._sheets.allow(f"device/{device}") and self._sheets.allow(f"address/{address}")):
            raise Refused("rate.limited")


class PassRoutes:
    """The handlers. `device` reads who asks from a request, as for every call of a device."""

    def __init__(self, cloud: Cloud, device: Callable[[Request], Awaitable[DeviceEntry]]) -> None:
        self._cloud, self._device = cloud, device
        self.limits = PassLimits(cloud)
        self._public = Tries(cloud.clock, burst=600, per_minute=300)

    def public(self) -> list[tuple[str, Handler]]:
        """What anybody may read: the signed bundle, and the same keys as a JWK set."""
        return [
            (f"{WELL_KNOWN}/{{studio}}/keys", self._bundle),
            (f"{WELL_KNOWN}/{{studio}}/jwks.json", self._jwks),
        ]

    async def text(self, request: Request) -> Response:
        """A family's pass for a desk: its text, or with `form=jws` the same claims as a JWS."""
        device = await self._device(request)
        if device.role != DESK:
            raise Refused("pass.not_here")
        family, form = Id(request.path_params["family"]), request.query_params.get("form", "text")
        if form not in FORMS:
            raise BadInput("pass.form")
        address = request.client.host if request.client else ""
        self.limits.check(family=f"{device.studio}/{family}", address=address, device=device.id)
        work = partial(text_of if form == "text" else jws_of, self._cloud.studios, device.studio, family)
        return Response(encode(await self._run(work)), media_type="application/json")

    async def texts(self, request: Request) -> Response:
        """Many families' passes at once for a desk, for a sheet of cards."""
        device = await self._device(request)
        if device.role != DESK:
            raise Refused("pass.not_here")
        asked: AskPasses = decode(AskPasses, await read_body(request, most=_ASKED_BYTES))
        if not 0 < len(asked.families) <= AT_ONCE:
            raise BadInput("pass.too_many", most=AT_ONCE)
        self.limits.check_many(address=request.client.host if request.client else "", device=device.id)
        work = partial(texts_of, self._cloud.studios, device.studio, asked.families)
        return Response(encode(await self._run(work)), media_type="application/json")

    async def attendee(self, request: Request) -> Response:
        """A child's pass to a session for a desk, once it was issued (`pass.admit`)."""
        device = await self._device(request)
        if device.role != DESK:
            raise Refused("pass.not_here")
        session, child = Id(request.path_params["session"]), Id(request.path_params["child"])
        address = request.client.host if request.client else ""
        self.limits.check(family=f"{device.studio}/{child}", address=address, device=device.id)
        found = await self._run(partial(attendee_pass, self._cloud.studios, device.studio, session, child))
        return Response(encode(found), media_type="application/json")

    async def _bundle(self, request: Request) -> Response:
        def work() -> bytes:
            return self._cloud.studios.pass_keys.bundle(self._studio(request), now_s=self._now_s())

        return _published(await self._read(request, work), "text/plain; charset=utf-8")

    async def _jwks(self, request: Request) -> Response:
        def work() -> bytes:
            return msgspec.json.encode(
                self._cloud.studios.pass_keys.jwks(self._studio(request), now_s=self._now_s())
            )  # fmt: skip

        return _published(await self._read(request, work), "application/jwk-set+json")

    async def _read(self, request: Request, work: Callable[[], bytes]) -> bytes:
        if not self._public.allow(request.client.host if request.client else ""):
            raise Refused("rate.limited")
        return await self._run(work)

    def _studio(self, request: Request) -> StudioEntry:
        named = request.path_params["studio"]
        return studio_numbered(self._cloud.studios, named)

    def _now_s(self) -> int:
        return self._cloud.clock.now().corrected // 1000

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._cloud.reading, work)


def _published(body: bytes, kind: str) -> Response:
    return Response(body, media_type=kind, headers={"Cache-Control": "public, max-age=60"})
