"""The studio's audit for those who ask for it: what they may read, a page, and an export with a signed manifest."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec.structs import replace

from classtap_core.access.masking import Sight
from classtap_core.access.records import Grant
from classtap_core.auditing.exporting import Going, Manifest, export
from classtap_core.auditing.finding import Query
from classtap_core.auditing.lines import Viewer
from classtap_core.auditing.saying import Words
from classtap_core.booking.policies import health_withheld
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import Sensitivity
from classtap_core.kernel.records import decode as read_record
from cloud.composition import Cloud
from cloud.storage.trail import Trail
from sync.audit import AskAudit, AuditPage, every


def sight_of(
    cloud: Cloud, studio: Id, staff: str, revealed: Mapping[Id, Iterable[Sensitivity]] | None = None
) -> Sight:  # fmt: skip
    """What a member of staff may read now; of what is masked only what is `revealed` of an entry, where that is given.

    Raises Refused `audit.not_yours` where that is nothing of the audit.
    """
    reader, now_ms = cloud.studios.storage(studio), cloud.clock.now().corrected
    grants = [read_record(Grant, row.body) for row in reader.find(Range(Grant, "by_holder", (staff,)))]
    sight = Sight(
        grants,
        at_ms=now_ms,
        shown=tuple(Sensitivity) if revealed is None else (Sensitivity.PERSONAL,),
        revealed=revealed or {},
        withheld=health_withheld(reader, studio, grants, at_ms=now_ms),
    )
    if not any(sight.audits(place) for place in {"", *(grant.location for grant in grants)}):
        raise Refused("audit.not_yours")
    return sight


def audit_page(cloud: Cloud, studio: Id, asked: AskAudit) -> AuditPage:
    """A page for a member of staff. Entries they may not read are not in it, which may leave a page short."""
    trail = Trail(cloud.books, studio, cloud.bus.registry)
    sight = sight_of(cloud, studio, asked.staff, asked.revealed)
    found = trail.find(asked.query)
    return AuditPage(lines=tuple(trail.lines(found.spots, sight)), next=found.next)


def export_studio(
    cloud: Cloud, studio: Id, path: Path, query: Query, words: Words, *, sight: Viewer, viewer: str,
    going: Going = lambda count: True,
) -> Manifest:  # fmt: skip
    """Write all that a query finds, signed by the studio's own device. Raises as `exporting.export`."""
    trail = Trail(cloud.books, studio, cloud.bus.registry)
    with cloud.database.read(studio) as connection:
        entry = cloud.studios.directory.studio(connection, studio)
        device = None if entry is None else cloud.studios.directory.device(connection, studio, entry.cloud_device)
    if device is None:
        raise Refused("cloud.no_studio")
    manifest = Manifest(
        studio=studio, chain="studio", made_ms=cloud.clock.now().corrected, viewer=Id(viewer), roles=(),
        query=replace(query, after=""), entries=0, sha256="", key=device.public_key.hex(),
    )  # fmt: skip

    def page(asked: Query) -> AuditPage:
        found = trail.find(asked)
        return AuditPage(lines=tuple(trail.lines(found.spots, sight)), next=found.next)

    return export(path, every(page, query), words, manifest, sign=cloud.studios.signer(studio), going=going)
