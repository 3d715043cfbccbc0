"""What other devices of this place told: operations as their authors signed them, until the cloud has been heard on them.

What they say about persons rests sealed under their keys, as in the log.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import msgspec

from classtap_core.kernel.batches import Batch, Received
from classtap_core.kernel.device_store import Answer, Told
from classtap_core.kernel.ids import Id
from classtap_core.kernel.scopes import covers
from classtap_core.kernel.tx import Ref
from classtap_core.store.engine import Connection, Database
from classtap_core.store.log import payload_context
from classtap_core.store.rows import id_list
from classtap_core.store.subjects import Seals, subjects_in

MOST, MOST_BYTES = 500, 1_500_000
"""So many operations, and bytes, are brought to the cloud at once, where what came at once was no more."""

TABLES = ("told", "told_run", "told_touch", "told_scope")

_COLUMNS = "told.device, told.epoch, told.sequence, told.id, told.at_ms, told.envelope, told.hash, told.payload"


def create(db: Database) -> None:
    run = {"number": int, "device": str, "epoch": int, "last": int, "signature": bytes, "heard_ms": int}
    db.table("told_run").create(run, pk="number", not_null=set(run) - {"number"})
    told = {
        "number": int, "run": int, "device": str, "epoch": int, "sequence": int, "id": str, "at_ms": int,
        "hash": str, "envelope": bytes, "payload": bytes,
    }  # fmt: skip
    db.table("told").create({**told, "included": int}, pk="number", not_null=set(told) - {"number"})
    db.table("told").create_index(["device", "epoch", "sequence"], index_name="told_place", unique=True)
    db.table("told").create_index(["run"], index_name="told_run_of")
    db.execute("CREATE INDEX told_included ON told (included) WHERE included IS NOT NULL")
    touch = {"kind": str, "id": str, "number": int}
    db.table("told_touch").create(touch, pk=("kind", "id", "number"), not_null=set(touch))
    db.table("told_touch").create_index(["number"], index_name="told_touch_number")
    scope = {"number": int, "scope": str}
    db.table("told_scope").create(scope, pk=("number", "scope"), not_null=set(scope))


class ToldRows:
    """Reads and writes what was told, through one connection."""

    def __init__(self, conn: Connection, seals: Seals) -> None:
        self.conn, self._seals = conn, seals

    def any(self) -> bool:
        return self.conn.execute("SELECT 1 FROM told LIMIT 1").fetchone() is not None

    def here(self, device: Id, epoch: int, sequences: Iterable[int]) -> set[int]:
        rows = self.conn.execute(
            "SELECT sequence FROM told WHERE device = ? AND epoch = ? AND sequence IN (SELECT value FROM json_each(?))",
            (device, epoch, msgspec.json.encode(list(sequences)).decode()),
        )
        return {sequence for (sequence,) in rows}

    def end(self, device: Id) -> tuple[int, int]:
        """The last epoch and sequence that are kept of a device with a signature; (0, 0) for nothing.

        What was cut off in the middle of a run is to be told again: without its end nobody can bring it to the cloud.
        """
        row = self.conn.execute(
            "SELECT told.epoch, told.sequence FROM told JOIN told_run ON told_run.number = told.run"
            " WHERE told.device = ? AND told.sequence = last ORDER BY told.epoch DESC, told.sequence DESC LIMIT 1",
            (device,),
        ).fetchone()
        return (0, 0) if row is None else (row[0], row[1])

    def count(self, device: Id) -> int:
        """How many operations of a device are kept."""
        return int(self.conn.execute("SELECT count(*) FROM told WHERE device = ?", (device,)).fetchone()[0])

    def keep(self, run: Batch, last: int, entries: Sequence[Told], *, heard_ms: int) -> None:
        number = self.conn.execute(
            "INSERT INTO told_run (device, epoch, last, signature, heard_ms) VALUES (?, ?, ?, ?, ?)",
            (run.device, run.epoch, last, run.signature, heard_ms),
        ).lastrowid
        self.conn.executemany(
            "INSERT OR IGNORE INTO told (run, device, epoch, sequence, id, at_ms, hash, envelope, payload)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    number, one.device, one.epoch, one.sequence, one.id, one.at_ms, one.hash, one.data,
                    self._seals.seal(one.parts, payload_context(one.id)),
                )
                for one in entries
            ],
        )  # fmt: skip

    def touch(self, entry: Told, refs: Iterable[Ref], scopes: Iterable[str]) -> None:
        where = (entry.device, entry.epoch, entry.sequence)
        of = "(SELECT number FROM told WHERE device = ? AND epoch = ? AND sequence = ?)"
        self.conn.executemany(
            f"INSERT OR IGNORE INTO told_touch (kind, id, number) VALUES (?, ?, {of})",
            [(kind, id, *where) for kind, id in refs],
        )
        self.conn.executemany(
            f"INSERT OR IGNORE INTO told_scope (scope, number) VALUES (?, {of})", [(scope, *where) for scope in scopes]
        )

    def touching(self, refs: Collection[Ref]) -> list[Told]:
        if not self.any():
            return []
        by_kind: dict[str, list[str]] = {}
        for kind, id in refs:
            by_kind.setdefault(kind, []).append(id)
        numbers = {
            number
            for kind, ids in by_kind.items()
            for (number,) in self.conn.execute(
                "SELECT number FROM told_touch WHERE kind = ? AND id IN (SELECT value FROM json_each(?))",
                (kind, id_list(ids)),
            )
        }
        rows = self.conn.execute(
            f"SELECT {_COLUMNS} FROM told WHERE number IN (SELECT value FROM json_each(?)) ORDER BY number",
            (msgspec.json.encode(sorted(numbers)).decode(),),
        )
        return [self._told(row) for row in rows.fetchall()]

    def _told(self, row: Sequence[Any]) -> Told:
        device, epoch, sequence, id, at_ms, envelope, hash, payload = row
        parts = self._seals.open(payload, payload_context(Id(id)))
        return Told(Id(device), epoch, sequence, Id(id), at_ms, envelope, hash, parts)

    def refs(self, entries: Iterable[Told]) -> set[Ref]:
        return {
            (kind, Id(id))
            for one in entries
            for kind, id in self.conn.execute(
                "SELECT kind, told_touch.id FROM told_touch JOIN told USING (number)"
                " WHERE device = ? AND epoch = ? AND sequence = ?",
                (one.device, one.epoch, one.sequence),
            )
        }

    def runs(self, studio: Id, *, heard_before: int, but: Collection[Id] = ()) -> list[Batch]:
        """What the cloud was not heard on, as its authors signed it, the first of each device; none of those in `but`.

        Runs of a device that follow on each other go as one, under the last one's signature.
        """
        found = []
        for (device,) in self.conn.execute("SELECT DISTINCT device FROM told WHERE included IS NULL ORDER BY device"):
            if device not in but:
                found += self._runs_of(studio, Id(device), heard_before)
        return found

    def _runs_of(self, studio: Id, device: Id, heard_before: int) -> list[Batch]:
        rows = self.conn.execute(
            f"SELECT {_COLUMNS}, last, signature FROM told JOIN told_run ON told_run.number = told.run"
            " WHERE told.device = ? AND included IS NULL AND heard_ms < ? ORDER BY told.epoch, told.sequence",
            (device, heard_before),
        )
        found: list[Batch] = []
        items: list[Received] = []
        ends: tuple[int, bytes] | None = None  # how many of the items the last signature met vouches for
        size, before = 0, (0, 0)
        for *row, last, signature in rows:
            one = self._told(row)
            length = len(one.data) + sum(map(len, one.parts.values()))
            if ends is not None and (len(items) >= MOST or size + length > MOST_BYTES):
                break  # the rest goes once this is answered; a run alone goes whole, for nobody signed its middle
            if items and (one.epoch, one.sequence) != (before[0], before[1] + 1):
                found += _signed(studio, device, before[0], items, ends)
                items, ends, size = [], None, 0
            items.append(Received(one.data, one.parts))
            size, before = size + length, (one.epoch, one.sequence)
            if one.sequence == last:
                ends = len(items), signature
        return found + _signed(studio, device, before[0], items, ends)

    def answered(self, device: Id, epoch: int, answers: Sequence[Answer]) -> None:
        self.conn.executemany(
            "UPDATE told SET included = ? WHERE device = ? AND epoch = ? AND sequence = ?",
            [(answer.included, device, epoch, answer.sequence) for answer in answers],
        )

    def drop_through(self, sequence: int) -> int:
        return self._drop("included <= ?", (sequence,))

    def heard_before(self, at_ms: int) -> bool:
        """Whether something was heard before a time."""
        return self.conn.execute("SELECT 1 FROM told_run WHERE heard_ms < ? LIMIT 1", (at_ms,)).fetchone() is not None

    def drop_heard(self, before_ms: int) -> int:
        """Let go of what was heard before a time and nobody brought to an end; how many."""
        return self._drop("run IN (SELECT number FROM told_run WHERE heard_ms < ?)", (before_ms,))

    def scopes(self) -> set[str]:
        """Where something that was told lies over the cloud's rows."""
        return {scope for (scope,) in self.conn.execute("SELECT DISTINCT scope FROM told_scope")}

    def drop_device(self, device: Id) -> int:
        """Let go of all that a device told; how many."""
        return self._drop("device = ?", (device,))

    def drop_all(self) -> None:
        """Let go of all of it, also of what belongs to nothing any more."""
        for table in TABLES:
            self.conn.execute(f"DELETE FROM {table}")

    def drop_scopes(self, gone: Collection[str], kept: Collection[str]) -> int:
        """Let go of what wrote in scopes that are lost, and of what wrote nothing, which may be about them; how many."""
        lost = [scope for scope in self.scopes() if covers(gone, scope) and not covers(kept, scope)]
        return self._drop(
            "number IN (SELECT number FROM told_scope WHERE scope IN (SELECT value FROM json_each(?)))"
            " OR number NOT IN (SELECT number FROM told_scope)",
            (id_list(lost),),
        )

    def drop_subject(self, subject: str) -> int:
        """Let go of what says something about a person; how many."""
        rows = self.conn.execute("SELECT number, payload FROM told").fetchall()
        about = [number for number, payload in rows if subject in subjects_in(payload)]
        return self._drop("number IN (SELECT value FROM json_each(?))", (msgspec.json.encode(about).decode(),))

    def subjects(self) -> set[str]:
        """Whom what is kept says something about."""
        found: set[str] = set()
        for (payload,) in self.conn.execute("SELECT payload FROM told"):
            found |= subjects_in(payload)
        return found

    def seal_anew(self, anew: Callable[[bytes, str], tuple[bytes, int]]) -> int:
        """Put what `anew` makes of each payload and its context in its place; how many boxes that were."""
        count = 0
        for number, id, payload in self.conn.execute("SELECT number, id, payload FROM told").fetchall():
            made, several = anew(payload, payload_context(Id(id)))
            if several:
                self.conn.execute("UPDATE told SET payload = ? WHERE number = ?", (made, number))
            count += several
        return count

    def _drop(self, where: str, given: Sequence[object]) -> int:
        gone = self.conn.execute(f"DELETE FROM told WHERE {where} RETURNING number, run", tuple(given)).fetchall()
        if gone:
            numbers, runs = (msgspec.json.encode(list(column)).decode() for column in zip(*gone, strict=True))
            for table in ("told_touch", "told_scope"):
                self.conn.execute(f"DELETE FROM {table} WHERE number IN (SELECT value FROM json_each(?))", (numbers,))
            self.conn.execute(
                "DELETE FROM told_run WHERE number IN (SELECT value FROM json_each(?))"
                " AND NOT EXISTS (SELECT 1 FROM told WHERE run = told_run.number)",
                (runs,),
            )
        return len(gone)


def _signed(
    studio: Id, device: Id, epoch: int, items: Sequence[Received], ends: tuple[int, bytes] | None
) -> list[Batch]:
    return [] if ends is None else [Batch(studio, device, epoch, tuple(items[: ends[0]]), ends[1])]
