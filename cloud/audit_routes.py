"""The audit over HTTP: a page of the studio's log for who is signed in at a desk, masked by what they may see."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from classtap_core.access.blueprints import DESK
from classtap_core.access.masking import Sight
from classtap_core.access.records import Grant
from classtap_core.auditing.addresses import masked_address
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import Sensitivity
from classtap_core.kernel.records import decode as read_record
from cloud.bodies import json_answer, read_body, takes_gzip
from cloud.composition import Cloud
from cloud.storage.directory import DeviceEntry
from cloud.storage.trail import Trail, note_address
from sync.audit import AskAudit, AuditPage
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


def sight_of(cloud: Cloud, studio: Id, staff: Id, shown: Iterable[Sensitivity] = ()) -> Sight:
    """What a member of staff may read now. Raises Refused `audit.not_yours` where that is nothing of the audit."""
    rows = cloud.studios.storage(studio).find(Range(Grant, "by_holder", (staff,)))
    grants = [read_record(Grant, row.body) for row in rows]
    sight = Sight(grants, at_ms=cloud.clock.now().corrected, shown={Sensitivity.PERSONAL, *shown})
    if not any(sight.audits(place) for place in {"", *(grant.location for grant in grants)}):
        raise Refused("audit.not_yours")
    return sight


def audit_page(cloud: Cloud, studio: Id, asked: AskAudit) -> AuditPage:
    """A page for a member of staff. Entries they may not read are not in it, which may leave a page short."""
    trail = Trail(cloud.books, studio, cloud.bus.registry)
    sight = sight_of(cloud, studio, asked.staff, asked.shown)
    found = trail.find(asked.query)
    return AuditPage(lines=tuple(trail.lines(found.spots, sight)), next=found.next)
