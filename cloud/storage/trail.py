"""A studio's log as it is looked at: found by its terms, read with names and masks, and let go of when its time is over.

The index follows the log when somebody looks, in slices, so that no push pays for it. Whoever follows holds the index's
head row; on SQLite there is one writer anyway.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, delete, func, or_, select, tuple_, update

from classtap_core.auditing.finding import Found, Query, Scan, Spot, find
from classtap_core.auditing.lines import Kept, Line, Viewer, lines
from classtap_core.auditing.records import AuditStream, stream_id
from classtap_core.auditing.rules import STREAMS, cutoffs, stream_of
from classtap_core.auditing.terms import WORD, terms_of
from classtap_core.kernel.canonical import parse
from classtap_core.kernel.chain import Link, Sealer, join_changes
from classtap_core.kernel.envelope import join_parts, own
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Registry
from classtap_core.kernel.records import OPEN, decode
from cloud.storage.backend import Books, SqlCloud, change_context, part_context, unpack_parts
from cloud.storage.database import How
from cloud.storage.tables import Tables

SLICE = 1_000
"""Entries that one transaction takes in, or lets go of."""
_CHUNK = 500
_NOTHING = msgspec.msgpack.encode({})
_link = msgspec.json.Decoder(Link).decode


class Trail:
    """One studio's log for those who look at it."""

    def __init__(self, books: Books, studio: Id, registry: Registry) -> None:
        self._books, self._studio, self._registry = books, studio, registry
        self._tables = books.tables

    def follow(self) -> int:
        """Bring the index up to the log; how many entries came in."""
        total = 0
        while True:
            with self._books.database.read(self._studio) as connection:
                if not self._behind(connection):
                    return total
            with self._books.database.write(self._studio) as connection:
                taken = self._take(connection)
            total += taken
            if not taken:
                return total

    def find(self, query: Query) -> Found:
        """A page of what fits. Raises BadInput as `auditing.finding.find`."""
        self.follow()
        with self._books.database.read(self._studio) as connection:
            return find(_Index(connection, self._tables, self._studio), query)

    def lines(self, spots: Sequence[Spot], viewer: Viewer) -> list[Line]:
        """Entries as a viewer may read them, in the order asked."""
        kept = self.kept([spot.sequence for spot in spots])
        return lines(kept, SqlCloud(self._books, self._studio), self._registry, viewer)

    def kept(self, sequences: Sequence[int]) -> list[Kept]:
        """Entries by their sequence, in the order asked."""
        log, batch = self._tables.log, self._tables.batch
        # The batch an operation came in is the first that ends behind it.
        carrier = (
            select(batch.c.carrier)
            .where(
                batch.c.studio_id == self._studio, batch.c.device_id == log.c.device_id, batch.c.epoch == log.c.epoch,
                batch.c.sequence >= log.c.device_sequence,
            )
            .order_by(batch.c.sequence)
            .limit(1)
            .scalar_subquery()
        )  # fmt: skip
        with self._books.database.read(self._studio) as connection:
            rows = connection.execute(
                select(log, carrier.label("carrier")).where(
                    log.c.studio_id == self._studio, log.c.sequence.in_(list(sequences))
                )
            ).all()
            keys = self._books.keys(connection, self._studio)
            keys.warm(
                {name for row in rows for part in (row.parts, row.changes) for name in unpack_parts(part)} - {OPEN}
            )
            addresses = self._addresses(connection, {row.device_id for row in rows})
            sealer = Sealer(keys, self._books.entropy)
            found = {row.sequence: _kept(row, sealer, addresses) for row in rows}
        return [found[sequence] for sequence in sequences if sequence in found]

    def let_go(self, now_ms: int) -> int:
        """Let the words go of entries whose time is over; how many entries that was. Both chains go on to verify.

        A stream under a hold keeps all it has.
        """
        streams: list[AuditStream] = []
        if AuditStream.KIND in self._registry.records:
            rows = SqlCloud(self._books, self._studio).rows(AuditStream, [stream_id(name) for name in STREAMS])
            streams = [decode(AuditStream, row.body) for row in rows.values()]
        before = cutoffs(streams, now_ms)
        with self._books.database.read(self._studio) as connection:
            kinds = connection.scalars(
                select(self._tables.log.c.kind).distinct().where(self._tables.log.c.studio_id == self._studio)
            ).all()
        total = 0
        for kind in kinds:
            cutoff = before.get(stream_of(kind))
            while cutoff is not None:
                with self._books.database.write(self._studio) as connection:
                    gone = self._forget(connection, kind, cutoff)
                total += gone
                if gone < SLICE:
                    break
        return total

    def _behind(self, connection: Connection) -> bool:
        head, trail = self._tables.head, self._tables.trail_head
        last = connection.scalar(select(head.c.sequence).where(head.c.studio_id == self._studio)) or 0
        seen = connection.scalar(select(trail.c.sequence).where(trail.c.studio_id == self._studio)) or 0
        return last > seen

    def _take(self, connection: Connection) -> int:
        """The next slice of the log, within a writing transaction."""
        head, log = self._tables.trail_head, self._tables.log
        mine = {"studio_id": self._studio}
        self._books.database.put(connection, head, [{**mine, "sequence": 0, "names": 0}], How.KEEP)
        seen = connection.execute(
            select(head.c.sequence, head.c.names).where(head.c.studio_id == self._studio).with_for_update()
        ).one()
        rows = connection.execute(
            select(log.c.sequence, log.c.envelope, log.c.parts, log.c.changes)
            .where(log.c.studio_id == self._studio, log.c.sequence > seen.sequence)
            .order_by(log.c.sequence)
            .limit(SLICE)
        ).all()
        if not rows:
            return 0
        found = [(row.sequence, *_found_by(row)) for row in rows]
        names = {term for _, _, terms in found for term in terms}
        numbers = dict(_Index(connection, self._tables, self._studio).numbers(names))
        new = sorted(names - numbers.keys())
        numbers |= {name: number for number, name in enumerate(new, seen.names + 1)}
        if new:
            rows_of = [{**mine, "name": name, "number": numbers[name]} for name in new]
            self._books.database.put(connection, self._tables.trail_name, rows_of)
        entries = sorted({(numbers[term], at_ms, sequence) for sequence, at_ms, terms in found for term in terms})
        self._books.database.put(
            connection,
            self._tables.trail,
            [{**mine, "number": number, "at_ms": at_ms, "sequence": sequence} for number, at_ms, sequence in entries],
        )
        connection.execute(
            update(head)
            .where(head.c.studio_id == self._studio)
            .values(sequence=rows[-1].sequence, names=seen.names + len(new))
        )
        return len(rows)

    def _forget(self, connection: Connection, kind: str, cutoff: int) -> int:
        log, trail = self._tables.log, self._tables.trail
        rows = connection.execute(
            select(log.c.sequence, log.c.envelope, log.c.parts, log.c.changes)
            .where(
                log.c.studio_id == self._studio,
                log.c.kind == kind,
                log.c.decided_ms < cutoff,
                or_(log.c.parts != _NOTHING, log.c.changes != _NOTHING),
            )
            .order_by(log.c.sequence)
            .limit(SLICE)
        ).all()
        index = _Index(connection, self._tables, self._studio)
        for row in rows:
            at_ms, terms = _found_by(row)
            numbers = list(index.numbers(terms).values())
            connection.execute(
                delete(trail).where(
                    trail.c.studio_id == self._studio, trail.c.number.in_(numbers), trail.c.at_ms == at_ms,
                    trail.c.sequence == row.sequence,
                )
            )  # fmt: skip
        for start in range(0, len(rows), _CHUNK):
            connection.execute(
                update(log)
                .where(
                    log.c.studio_id == self._studio,
                    log.c.sequence.in_([row.sequence for row in rows[start : start + _CHUNK]]),
                )
                .values(parts=_NOTHING, changes=_NOTHING)
            )
        return len(rows)

    def _addresses(self, connection: Connection, devices: set[str]) -> dict[str, list[tuple[int, str]]]:
        """Device → since when it spoke from where, latest first."""
        table = self._tables.address
        found: dict[str, list[tuple[int, str]]] = {}
        for row in connection.execute(
            select(table.c.device_id, table.c.since_ms, table.c.address)
            .where(table.c.studio_id == self._studio, table.c.device_id.in_(sorted(devices)))
            .order_by(table.c.since_ms.desc())
        ):
            found.setdefault(row.device_id, []).append((row.since_ms, row.address))
        return found


class _Index:
    """The index of `auditing.finding` within one transaction."""

    def __init__(self, connection: Connection, tables: Tables, studio: Id) -> None:
        self._connection, self._studio = connection, studio
        self._names, self._trail = tables.trail_name, tables.trail

    def numbers(self, terms: Iterable[str]) -> Mapping[str, int]:
        names, wanted = self._names, sorted(set(terms))
        found: dict[str, int] = {}
        for start in range(0, len(wanted), _CHUNK):
            query = select(names.c.name, names.c.number).where(
                names.c.studio_id == self._studio, names.c.name.in_(wanted[start : start + _CHUNK])
            )
            found |= {row.name: row.number for row in self._connection.execute(query)}
        return found

    def words_with(self, part: str, most: int) -> Sequence[int]:
        names = self._names
        escaped = part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        query = (
            select(names.c.number)
            .where(
                names.c.studio_id == self._studio, names.c.name >= WORD, names.c.name < WORD + "\U0010ffff",
                names.c.name.like(f"{WORD}%{escaped}%", escape="\\"),
            )
            .order_by(names.c.name)
            .limit(most)
        )  # fmt: skip
        return list(self._connection.scalars(query))

    def weigh(self, number: int, low: Spot, high: Spot, most: int) -> int:
        inner = select(self._trail.c.sequence).where(*self._between(number, low, high)).limit(most).subquery()
        return int(self._connection.scalar(select(func.count()).select_from(inner)) or 0)

    def scan(
        self, number: int, others: Sequence[Sequence[int]], low: Spot, high: Spot, *, most: int, budget: int
    ) -> Scan:
        trail = self._trail
        inside = (
            select(trail.c.at_ms, trail.c.sequence)
            .where(*self._between(number, low, high))
            .order_by(trail.c.at_ms.desc(), trail.c.sequence.desc())
        )
        near = inside.limit(budget).subquery("near")
        query = select(near.c.at_ms, near.c.sequence)
        for group in others:
            other = trail.alias()
            query = query.where(
                select(other.c.sequence)
                .where(
                    other.c.studio_id == self._studio, other.c.number.in_(group), other.c.at_ms == near.c.at_ms,
                    other.c.sequence == near.c.sequence,
                )
                .exists()
            )  # fmt: skip
        query = query.order_by(near.c.at_ms.desc(), near.c.sequence.desc()).limit(most)
        spots = [Spot(*row) for row in self._connection.execute(query)]
        reached: Spot | None = None
        if len(spots) < most:
            last = self._connection.execute(inside.limit(1).offset(budget - 1)).first()
            reached = Spot(*last) if last is not None else None
        return Scan(spots, reached)

    def _between(self, number: int, low: Spot, high: Spot) -> tuple[Any, ...]:
        trail = self._trail
        spot = tuple_(trail.c.at_ms, trail.c.sequence)
        return (
            trail.c.studio_id == self._studio, trail.c.number == number, trail.c.at_ms.between(low.at_ms, high.at_ms),
            spot >= tuple_(*low), spot < tuple_(*high),
        )  # fmt: skip


def note_address(books: Books, studio: Id, device: Id, address: str, now_ms: int) -> None:
    """Remember from where, masked, a device speaks from now on, where that is news."""
    table = books.tables.address
    with books.database.write(studio) as connection:
        last = connection.scalar(
            select(table.c.address)
            .where(and_(table.c.studio_id == studio, table.c.device_id == device))
            .order_by(table.c.since_ms.desc())
            .limit(1)
        )
        if last != address:
            row = {"studio_id": studio, "device_id": device, "since_ms": now_ms, "address": address}
            books.database.put(connection, table, [row], How.REPLACE)


def _kept(row: Any, sealer: Sealer, addresses: Mapping[str, list[tuple[int, str]]]) -> Kept:
    envelope, link = own(row.envelope), _link(row.link)
    parts = sealer.open(unpack_parts(row.parts), part_context(row.device_id, row.epoch, row.device_sequence))
    changes = sealer.open(unpack_parts(row.changes), change_context(row.sequence))
    try:
        payload = join_parts(parts)
    except BadInput:
        payload = None
    spoken = (address for since, address in addresses.get(row.device_id, ()) if since <= row.decided_ms)
    return Kept(
        row.sequence, envelope, payload, join_changes(changes) if OPEN in changes else (), link.outcome,
        row.decided_ms, "" if row.carrier else next(spoken, ""), row.carrier or "",
    )  # fmt: skip


def _found_by(row: Any) -> tuple[int, frozenset[str]]:
    envelope = own(row.envelope)
    return envelope.at.corrected, terms_of(envelope, _open(row.parts, {}), _open(row.changes, []))


def _open(packed: bytes, empty: Any) -> Any:
    """The open part's values, or `empty` where there is none (any more)."""
    data = unpack_parts(packed).get(OPEN)
    part = parse(data) if data is not None else None
    return part["values"].get("", empty) if isinstance(part, dict) else empty
