"""The one log of a device: the queue is its rows above the acknowledged sequence, the audit is the same rows.

An entry's position is its epoch and its sequence in one number, so that the log grows at its end only. What it says
about persons rests sealed under their keys.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from classtap_core.kernel.chain import ChainRow, change_parts, join_changes
from classtap_core.kernel.device_store import Answer, Entry
from classtap_core.kernel.envelope import GENESIS, Parts
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range, Registry
from classtap_core.kernel.outcomes import UNDETERMINED, Outcome, Status
from classtap_core.kernel.tx import Change, Ref, Touched
from classtap_core.store.engine import Connection
from classtap_core.store.rows import id_list
from classtap_core.store.subjects import Seals

_INCLUDED = 2
"""What touches are marked with that count neither as waiting (0) nor as settled (1)."""
LET_GO = 2
"""What `settled` says of an entry whose words have left this device."""
_EPOCH = 40
_SEQUENCE = (1 << _EPOCH) - 1

pack = msgspec.msgpack.Encoder().encode
_bodies = msgspec.msgpack.Decoder(list[bytes | None]).decode
_json = msgspec.json.Encoder().encode
_outcome = msgspec.json.Decoder(Outcome).decode
_equals = msgspec.json.Decoder(tuple[str | int, ...]).decode
_bounds = msgspec.json.Decoder(tuple[str | int | None, str | int | None]).decode

_COLUMNS = "position, id, kind, at_ms, folded, included, hash, told, answer, envelope, payload, changes, bodies"


def position(epoch: int, sequence: int) -> int:
    return epoch << _EPOCH | sequence


def sequence_of(at: int) -> int:
    return at & _SEQUENCE


def epoch_of(at: int) -> int:
    return at >> _EPOCH


class Unsent(NamedTuple):
    """An operation of the queue as it travels."""

    sequence: int
    hash: str
    data: bytes
    parts: Parts


class Log:
    """Reads and writes log rows through one connection, in the epoch it is told."""

    def __init__(self, conn: Connection, registry: Registry, seals: Seals) -> None:
        self.conn, self.registry, self.seals = conn, registry, seals
        self.epoch = 1

    @property
    def _span(self) -> tuple[int, int]:
        return position(self.epoch, 0), position(self.epoch, _SEQUENCE)

    def last(self) -> tuple[int, str]:
        """Sequence and hash of the last entry of this epoch."""
        row = self.conn.execute(
            "SELECT position, hash FROM log WHERE position BETWEEN ? AND ? ORDER BY position DESC LIMIT 1", self._span
        ).fetchone()
        return (0, GENESIS) if row is None else (sequence_of(row[0]), row[1])

    def append(self, entry: Entry) -> None:
        at = position(entry.epoch, entry.sequence)
        payload = self.seals.seal(entry.parts, payload_context(entry.id))
        self.conn.execute(
            f"INSERT INTO log ({_COLUMNS}, settled) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            (
                at, entry.id, entry.kind, entry.at_ms, int(entry.folded), entry.included, entry.hash,
                _json(entry.told), None if entry.answer is None else _json(entry.answer), entry.data, payload,
                self._sealed_changes(entry.id, entry.changes), _kept_bodies(entry.changes),
            ),
        )  # fmt: skip
        if entry.folded:
            self._touch(at, entry.touched)

    def _sealed_changes(self, operation: Id, changes: Sequence[Change]) -> bytes:
        if not changes:
            return b""
        parts = change_parts(changes, self.registry.records, self.seals.entropy)
        return self.seals.seal(parts, changes_context(operation))

    def _touch(self, at: int, touched: Touched) -> None:
        self.conn.executemany(
            "INSERT OR REPLACE INTO touch (kind, id, position, settled) VALUES (?, ?, ?, 0)",
            [(kind, id, at) for kind, id in touched.refs],
        )
        if touched.ranges:
            self.conn.executemany(
                "INSERT INTO touch_range (position, kind, settled, index_name, equals, bounds, scope)"
                " VALUES (?, ?, 0, ?, ?, ?, ?)",
                [
                    (at, one.record.KIND, one.by, _json(one.equals), _json((one.low, one.high)), one.scope)
                    for one in touched.ranges
                ],
            )

    def retouch(self, sequence: int, touched: Touched, changes: Sequence[Change], *, folded: bool) -> None:
        """Replace what an entry rests on and changed."""
        at = position(self.epoch, sequence)
        (operation,) = self.conn.execute("SELECT id FROM log WHERE position = ?", (at,)).fetchone()
        self.conn.execute(
            "UPDATE log SET folded = ?, changes = ?, bodies = ? WHERE position = ?",
            (int(folded), self._sealed_changes(operation, changes), _kept_bodies(changes), at),
        )
        self.conn.execute("DELETE FROM touch WHERE position = ?", (at,))
        self.conn.execute("DELETE FROM touch_range WHERE position = ?", (at,))
        if folded:
            self._touch(at, touched)

    def entries(self, sequences: Iterable[int], *, epoch: int | None = None) -> list[Entry]:
        """Entries of this epoch (or another) by sequence, in the order asked. Parts of erased persons are not in them."""
        wanted = [position(epoch or self.epoch, sequence) for sequence in sequences]
        if not wanted:
            return []
        rows = self.conn.execute(
            f"SELECT {_COLUMNS} FROM log WHERE position IN (SELECT value FROM json_each(?))",
            (msgspec.json.encode(wanted).decode(),),
        ).fetchall()
        touched = self._touched_by([row[0] for row in rows])
        found = {row[0]: self._entry(row, touched.get(row[0], Touched())) for row in rows}
        return [found[at] for at in wanted if at in found]

    def outlines(self, sequences: Iterable[int], *, epoch: int | None = None) -> list[Entry]:
        """As `entries`, with nothing of them opened that is sealed."""
        wanted = [position(epoch or self.epoch, sequence) for sequence in sequences]
        rows = self.conn.execute(
            "SELECT position, id, kind, at_ms, folded, included, hash, told, answer FROM log"
            " WHERE position IN (SELECT value FROM json_each(?))",
            (msgspec.json.encode(wanted).decode(),),
        ).fetchall()
        found = {
            at: Entry(
                sequence=sequence_of(at), epoch=at >> _EPOCH, id=id, kind=kind, at_ms=at_ms, data=b"", hash=hash,
                parts={}, told=_outcome(told), changes=(), folded=bool(folded), touched=Touched(),
                answer=None if answer is None else _outcome(answer), included=included,
            )
            for at, id, kind, at_ms, folded, included, hash, told, answer in rows
        }  # fmt: skip
        return [found[at] for at in wanted if at in found]

    def at(self, positions: Sequence[int]) -> list[tuple[int, Entry]]:
        """Entries of any epoch by their positions, in the order asked, without what they rest on."""
        rows = self.conn.execute(
            f"SELECT {_COLUMNS} FROM log WHERE position IN (SELECT value FROM json_each(?))",
            (msgspec.json.encode(list(positions)).decode(),),
        ).fetchall()
        found = {row[0]: self._entry(row, Touched()) for row in rows}
        return [(at, found[at]) for at in positions if at in found]

    def _entry(self, row: tuple[Any, ...], touched: Touched) -> Entry:
        at, id, kind, at_ms, folded, included, hash, told, answer, envelope, payload, changes, bodies = row
        return Entry(
            sequence=sequence_of(at), epoch=at >> _EPOCH, id=id, kind=kind, at_ms=at_ms, data=envelope, hash=hash,
            parts=self.seals.open(payload, payload_context(id)), told=_outcome(told),
            changes=_with_bodies(self._opened(id, changes), bodies), folded=bool(folded), touched=touched,
            answer=None if answer is None else _outcome(answer), included=included,
        )  # fmt: skip

    def _opened(self, operation: Id, changes: bytes) -> tuple[Change, ...]:
        if not changes:
            return ()
        return join_changes(self.seals.open(changes, changes_context(operation)))

    def recorded(self, operation: Id) -> tuple[Change, ...] | None:
        """What an operation changed, without bodies; None when that is not in this log, or not any more."""
        row = self.conn.execute("SELECT changes FROM log WHERE id = ? AND settled <> ?", (operation, LET_GO)).fetchone()
        return None if row is None else self._opened(operation, row[0])

    def _touched_by(self, positions: Sequence[int]) -> Mapping[int, Touched]:
        asked = (msgspec.json.encode(list(positions)).decode(),)
        refs: dict[int, set[Ref]] = {}
        for at, kind, id in self.conn.execute(
            "SELECT position, kind, id FROM touch WHERE position IN (SELECT value FROM json_each(?))", asked
        ):
            refs.setdefault(at, set()).add((kind, id))
        ranges: dict[int, list[Range]] = {}
        for at, one in self._ranges("position IN (SELECT value FROM json_each(?)) ORDER BY number", asked):
            ranges.setdefault(at, []).append(one)
        return {at: Touched(frozenset(refs.get(at, ())), tuple(ranges.get(at, ()))) for at in {*refs, *ranges}}

    def _ranges(self, where: str, asked: Sequence[object]) -> list[tuple[int, Range]]:
        rows = self.conn.execute(
            f"SELECT position, kind, index_name, equals, bounds, scope FROM touch_range WHERE {where}", asked
        ).fetchall()
        records = self.registry.records
        return [
            (at, Range(records[kind], by, _equals(equals), *_bounds(bounds), scope))
            for at, kind, by, equals, bounds, scope in rows
            if kind in records
        ]

    def touching(self, refs: Iterable[Ref], *, settled: bool) -> set[int]:
        if self.conn.execute("SELECT 1 FROM touch LIMIT 1").fetchone() is None:
            return set()
        by_kind: dict[str, list[str]] = {}
        for kind, id in refs:
            by_kind.setdefault(kind, []).append(id)
        found: set[int] = set()
        for kind, ids in by_kind.items():
            rows = self.conn.execute(
                "SELECT position FROM json_each(?) AS asked CROSS JOIN touch ON touch.kind = ?"
                " AND touch.id = asked.value AND touch.position BETWEEN ? AND ? AND touch.settled = ?",
                (id_list(ids), kind, *self._span, int(settled)),
            )
            found.update(sequence_of(at) for (at,) in rows)
        return found

    def ranges_touched(self, kinds: Iterable[str], *, settled: bool) -> list[tuple[int, Range]]:
        found = self._ranges(
            "kind IN (SELECT value FROM json_each(?)) AND settled = ? AND position BETWEEN ? AND ? ORDER BY number",
            (id_list(kinds), int(settled), *self._span),
        )
        return [(sequence_of(at), one) for at, one in found]

    def settled_by(self, cursor: int) -> list[int]:
        rows = self.conn.execute(
            "SELECT position FROM log WHERE folded = 1 AND settled = 0 AND included <= ?"
            " AND position BETWEEN ? AND ? ORDER BY position",
            (cursor, *self._span),
        )
        return [sequence_of(at) for (at,) in rows]

    def included_by(self, cursor: int, most: int) -> list[int]:
        """The studio sequences of the first such decisions, ascending."""
        rows = self.conn.execute(
            "SELECT included FROM log WHERE folded = 1 AND settled = 0 AND included <= ?"
            " AND position BETWEEN ? AND ? ORDER BY included LIMIT ?",
            (cursor, *self._span, most),
        )
        return [included for (included,) in rows]

    def included(self, sequences: Iterable[int]) -> None:
        """The base rows have these in: they lay nothing over them any more, and rest on nothing until they are settled."""
        positions = [(position(self.epoch, sequence),) for sequence in sequences]
        self.conn.executemany("UPDATE log SET bodies = NULL WHERE position = ?", positions)
        self.conn.executemany(f"UPDATE touch SET settled = {_INCLUDED} WHERE position = ?", positions)
        self.conn.executemany(f"UPDATE touch_range SET settled = {_INCLUDED} WHERE position = ?", positions)

    def settle(self, sequences: Iterable[int]) -> None:
        positions = [(position(self.epoch, sequence),) for sequence in sequences]
        self.conn.executemany("UPDATE log SET settled = 1, bodies = NULL WHERE position = ?", positions)
        self.conn.executemany("UPDATE touch SET settled = 1 WHERE position = ?", positions)
        self.conn.executemany("UPDATE touch_range SET settled = 1 WHERE position = ?", positions)

    def forget_touches(self, before_ms: int) -> int:
        """Let go of what settled entries older than this rested on; how many were forgotten."""
        found = self.conn.execute(
            "SELECT DISTINCT t.position FROM (SELECT position FROM touch WHERE settled = 1 UNION"
            " SELECT position FROM touch_range WHERE settled = 1) t JOIN log l ON l.position = t.position"
            " WHERE l.at_ms < ?",
            (before_ms,),
        ).fetchall()
        self.conn.executemany("DELETE FROM touch WHERE position = ?", found)
        self.conn.executemany("DELETE FROM touch_range WHERE position = ?", found)
        return len(found)

    def unsent_in(self, epoch: int, after: int, most: int = -1) -> list[Unsent]:
        """Operations of an epoch above a sequence, in order, as they travel; -1 for all."""
        rows = self.conn.execute(
            "SELECT position, id, hash, envelope, payload FROM log WHERE position > ? AND position <= ?"
            " ORDER BY position LIMIT ?",
            (position(epoch, after), position(epoch, _SEQUENCE), most),
        ).fetchall()
        return [
            Unsent(sequence_of(at), hash, envelope, self.seals.open(payload, payload_context(id)))
            for at, id, hash, envelope, payload in rows
        ]

    def closed(self, epoch: int, sequence: int) -> bool:
        """Whether a part of an entry does not open, although its person was not erased."""
        row = self.conn.execute("SELECT payload FROM log WHERE position = ?", (position(epoch, sequence),)).fetchone()
        return row is not None and bool(self.seals.closed(row[0]))

    def epochs(self) -> list[int]:
        """The epochs there are entries of."""
        found, after = [], 0
        while (row := self.conn.execute("SELECT min(position) FROM log WHERE position >= ?", (after,)).fetchone())[0]:
            found.append(row[0] >> _EPOCH)
            after = position(found[-1] + 1, 0)
        return found

    def chain(self, epoch: int) -> Iterator[ChainRow]:
        """An epoch's entries as a verifier needs them."""
        rows = self.conn.execute(
            "SELECT position, id, envelope, payload FROM log WHERE position BETWEEN ? AND ? ORDER BY position",
            (position(epoch, 0), position(epoch, _SEQUENCE)),
        )
        for at, id, envelope, payload in rows:
            yield ChainRow(sequence_of(at), envelope, self.seals.open(payload, payload_context(id)))

    def chain_end(self, epoch: int, most: int) -> tuple[str, list[ChainRow]]:
        """The last entries of an epoch, in order, and the hash kept beside the one before them."""
        rows = self.conn.execute(
            "SELECT position, id, hash, envelope, payload FROM log WHERE position BETWEEN ? AND ?"
            " ORDER BY position DESC LIMIT ?",
            (position(epoch, 0), position(epoch, _SEQUENCE), most + 1),
        ).fetchall()[::-1]
        previous = rows.pop(0)[2] if len(rows) > most else GENESIS
        return previous, [
            ChainRow(sequence_of(at), envelope, self.seals.open(payload, payload_context(id)))
            for at, id, _, envelope, payload in rows
        ]

    def hash_at_end(self, epoch: int) -> str | None:
        """The hash an epoch's chain ends with, as kept beside its last entry."""
        row = self.conn.execute(
            "SELECT hash FROM log WHERE position BETWEEN ? AND ? ORDER BY position DESC LIMIT 1",
            (position(epoch, 0), position(epoch, _SEQUENCE)),
        ).fetchone()
        return None if row is None else row[0]

    def pending_changes(self) -> Iterator[Change]:
        """What entries changed that lie over the base rows, in their order, without bodies."""
        rows = self.conn.execute(
            "SELECT id, changes FROM log WHERE folded = 1 AND settled = 0 AND bodies IS NOT NULL"
            " AND position BETWEEN ? AND ? ORDER BY position",
            self._span,
        )
        for id, changes in rows:
            yield from self._opened(id, changes)

    def undetermined(self) -> list[int]:
        """Entries in the overlay that were kept without being decided."""
        rows = self.conn.execute(
            "SELECT position FROM log WHERE folded = 1 AND settled = 0 AND position BETWEEN ? AND ?"
            " AND instr(told, ?) ORDER BY position",
            (*self._span, f'"{UNDETERMINED}"'.encode()),
        )
        return [sequence_of(at) for (at,) in rows]

    def set_aside(self) -> list[int]:
        """Entries of this epoch that the cloud has quarantined."""
        rows = self.conn.execute(
            "SELECT position FROM log WHERE answer IS NOT NULL AND position BETWEEN ? AND ?"
            " AND json_extract(answer, '$.status') = ? ORDER BY position",
            (*self._span, Status.QUARANTINED.value),
        )
        return [sequence_of(at) for (at,) in rows]

    def answered(self, answer: Answer, *, epoch: int | None = None) -> None:
        self.conn.execute(
            "UPDATE log SET answer = ?, included = ? WHERE position = ?",
            (_json(answer.outcome), answer.included, position(epoch or self.epoch, answer.sequence)),
        )

    def tell(self, sequence: int, outcome: Outcome, *, epoch: int | None = None) -> None:
        self.conn.execute(
            "UPDATE log SET told = ? WHERE position = ?", (_json(outcome), position(epoch or self.epoch, sequence))
        )

    def adopt(self, entry: Entry, *, epoch: int, sequence: int) -> None:
        """Move an entry to another place of the log, with the envelope it has there."""
        self.conn.execute(
            "UPDATE log SET position = ?, envelope = ?, hash = ?, answer = NULL, included = NULL WHERE position = ?",
            (position(entry.epoch, entry.sequence), entry.data, entry.hash, position(epoch, sequence)),
        )


def _kept_bodies(changes: Sequence[Change]) -> bytes | None:
    """Whole rows after a change, kept while it waits: one that cannot be run again is laid over as it was."""
    return pack([change.body for change in changes]) if changes else None


def _with_bodies(changes: tuple[Change, ...], bodies: bytes | None) -> tuple[Change, ...]:
    if bodies is None:
        return changes
    return tuple(
        msgspec.structs.replace(change, body=body) for change, body in zip(changes, _bodies(bodies), strict=True)
    )


def bodies_without(bodies: bytes, subject: str) -> bytes:
    """Kept bodies without those that name a subject."""
    needle = subject.encode()
    return pack([None if body is not None and needle in body else body for body in _bodies(bodies)])


def payload_context(operation: Id) -> str:
    return f"payload/{operation}"


def changes_context(operation: Id) -> str:
    return f"changes/{operation}"
