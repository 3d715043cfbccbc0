"""The audit over HTTP: a page of the studio's log for who is signed in at a desk, masked by what they may see."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from classtap_core.access.blueprints import DESK
from classtap_core.auditing.addresses import masked_address
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from cloud.auditing import audit_page
from cloud.bodies import json_answer, read_body, takes_gzip
from cloud.composition import Cloud
from cloud.storage.directory import DeviceEntry
from cloud.storage.trail import note_address
from sync.audit import AskAudit
from sync.protocol import decode, encode

_ASKED_BYTES = 16_384


class AuditRoutes:
    """The handlers. `device` reads who asks from a request, as for every call of a device."""

    def __init__(self, cloud: Cloud, device: Callable[[Request], Awaitable[DeviceEntry]]) -> None:
        self._cloud, self._device = cloud, device
        self._heard: dict[Id, str] = {}

    async def page(self, request: Request) -> Response:
        """Refused `audit.not_here` (no desk), `audit.not_yours` (no right to any of it)."""
        device = await self._device(request)
        if device.role != DESK:
            raise Refused("audit.not_here")
        asked: AskAudit = decode(AskAudit, await read_body(request, most=_ASKED_BYTES))
        found = await asyncio.get_running_loop().run_in_executor(
            self._cloud.reading, partial(audit_page, self._cloud, device.studio, asked)
        )
        return json_answer(encode(found), gzip=takes_gzip(request))

    async def heard(self, device: DeviceEntry, request: Request) -> None:
        """Remember from where, masked, a device speaks; costs nothing while that stays the same."""
        address = masked_address(request.client.host if request.client else "")
        if not address or self._heard.get(device.id) == address:
            return
        self._heard[device.id] = address
        now_ms = self._cloud.clock.now().corrected
        work = partial(note_address, self._cloud.books, device.studio, device.id, address, now_ms)
        await asyncio.get_running_loop().run_in_executor(self._cloud.reading, work)
