"""A studio out of a cloud and into another that has none of it, equal by digest; and everything that is held of a person."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from classtap_core.exchange import studio as files
from classtap_core.exchange.person import held_of, household, name_of, written
from classtap_core.exchange.studio import Blob, Head, Taken
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.blobs import RANGE_BYTES, Offer, Span, blobs_in, carries
from classtap_core.kernel.digests import Digest
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.kernel.ids import Id, parse
from classtap_core.kernel.records import Row, decode
from classtap_core.people.records import Family
from classtap_core.schedule.taking_operations import TakeInStudio
from cloud.composition import Cloud
from cloud.storage.directory import StudioEntry
from cloud.storage.people import history
from cloud.storage.whole import rows_of


def studio_file(cloud: Cloud, entry: StudioEntry) -> Iterator[bytes]:
    """The lines of a studio's file, in one consistent view of its records."""
    rows = list(rows_of(cloud.books, entry.id))
    hashes = _blobs_named(cloud, rows)
    blobs = [found for hash in hashes if (found := _blob(cloud, entry.id, hash)) is not None]
    head = cloud.studios.storage(entry.id)
    with head.atomic():
        stands = head.lock_head()
    yield from files.lines(
        Head(
            format=files.FORMAT, version=files.VERSION, studio=entry.id, name=entry.name,
            environment=entry.environment, pass_studio=entry.pass_studio, cloud_device=entry.cloud_device,
            written=datetime.fromtimestamp(cloud.clock.now().corrected / 1000, tz=UTC).isoformat(timespec="seconds"),
            sequence=stands.sequence, hash=stands.hash, records=dict(sorted(Counter(row.kind for row in rows).items())),
            blobs=len(blobs), digest=files.digest_of(rows),
        ),
        rows, blobs,
    )  # fmt: skip


def take_in(cloud: Cloud, data: bytes) -> tuple[StudioEntry, Taken, Digest]:
    """Found the studio of a file here, with everything in it, in one operation; what it is by digest afterwards.

    Raises BadInput as `studio.read`, before anything is written; Refused `studio.exists` where the cloud has it;
    EnvironmentFault `studio_file.differs` where what was read back is not what was written.
    """
    taken = files.read(data, cloud.bus.registry)
    head = taken.head
    entry = next((one for one in cloud.studios.all() if one.id == head.studio), None)
    if entry is None:
        entry = cloud.studios.found(
            head.name, id=head.studio, environment=head.environment, pass_studio=head.pass_studio,
            cloud_device=head.cloud_device,
        )  # fmt: skip
    word = TakeInStudio(
        sequence=head.sequence, hash=head.hash, records=len(taken.rows), sum=head.digest.sum, written=head.written,
        studio=head.studio,
    )  # fmt: skip
    draft = CloudDraft(word, Author(type="clock", id=entry.id), "import", changes=files.changes(taken.rows))
    (ledger,) = cloud.studios.authority(entry.id).author_all(entry.cloud_device, [draft])
    if not ledger.link.outcome.stands:
        raise Refused("studio.exists")
    for blob in taken.blobs:
        _put(cloud, entry.id, blob)
    found = files.digest_of(rows_of(cloud.books, entry.id))
    if found != head.digest:
        raise EnvironmentFault("studio_file.differs")
    return entry, taken, found


def _blobs_named(cloud: Cloud, rows: list[Row]) -> list[str]:
    found: set[str] = set()
    for row in rows:
        record = cloud.bus.registry.records[row.kind]
        if carries(record):
            found |= {blob.hash for blob in blobs_in(decode(record, row.body))}
    return sorted(found)


def _blob(cloud: Cloud, studio: Id, hash: str) -> Blob | None:
    """A blob that is whole and whose person was not erased."""
    try:
        offer = cloud.blobs.about(studio, hash)
        spans = range(0, offer.sealed, RANGE_BYTES)
        parts = [cloud.blobs.read(studio, hash, Span(at, min(at + RANGE_BYTES, offer.sealed))) for at in spans]
    except Refused:
        return None
    return Blob(msgspec.json.encode(offer), b"".join(parts))


def _put(cloud: Cloud, studio: Id, blob: Blob) -> None:
    offer = msgspec.json.decode(blob.offer, type=Offer)
    cloud.blobs.offer(studio, offer, now_ms=cloud.clock.now().corrected)
    for at in range(0, len(blob.data), RANGE_BYTES):
        cloud.blobs.put(studio, offer.blob.hash, at, blob.data[at : at + RANGE_BYTES])


def person_file(cloud: Cloud, entry: StudioEntry, who: str) -> tuple[bytes, int]:
    """Everything that is held of somebody, the log among it, readable; and how many records. `who`: an id, or a family's name.

    Raises Refused `family.not_here`, `family.several`; BadInput `person.unknown`.
    """
    reader = cloud.studios.storage(entry.id)
    person = _meant(cloud, entry, who)
    people = {one: name_of(reader, one) for one in household(reader, person)}
    found = held_of(reader, cloud.bus.registry, list(people))
    at = datetime.fromtimestamp(cloud.clock.now().corrected / 1000, tz=UTC).isoformat(timespec="seconds")
    told = list(history(cloud.books, entry.id, list(people)))
    return written(people, found, studio=entry.id, at=at, history=told), len(found)


def _meant(cloud: Cloud, entry: StudioEntry, who: str) -> Id:
    try:
        return Id(parse(who))
    except ValueError:
        pass
    families = [row for row in rows_of(cloud.books, entry.id) if row.kind == Family.KIND]
    named = [row.id for row in families if decode(Family, row.body).name.casefold() == who.casefold()]
    if not named:
        raise Refused("family.not_here", family=who)
    if len(named) > 1:
        raise Refused("family.several", family=who, found=len(named))
    return named[0]
