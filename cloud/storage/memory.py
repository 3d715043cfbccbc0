"""Rows that this worker read lately, as they are stored: a push looks at the same session, class and policies again.

Good only behind a studio's head lock: nobody else can change a row then, and the change index tells what was changed
since. What is sealed stays sealed here.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, Text, bindparam, literal_column, select, union_all

from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import Row
from classtap_core.kernel.tx import Ref
from cloud.storage.database import Database
from cloud.storage.heads import Head
from cloud.storage.tables import Tables

MOST_BYTES = 64 << 20
"""Of all studios in one worker; the one that was not asked for the longest goes first."""
KEPT_S = 3600.0
"""Far shorter than the change index remembers what was deleted."""
MOST_STEPS = 2_000
"""Where the log went further meanwhile, everything is read again."""

_ROW_BYTES, _RANGE_BYTES = 400, 300
"""What a row costs besides its body, and a range besides its rows."""


class StudioRows:
    """One studio's rows as they stand at a step of its log. Belongs to whoever holds the studio's head lock; who held it
    before may still be telling what it moved."""

    def __init__(self, head: Head) -> None:
        self.sequence, self.hash, self.born = head.sequence, head.hash, time.monotonic()
        self.bytes = self.counted = 0
        self._lock = threading.Lock()
        self._rows: dict[str, dict[Id, Row | None]] = {}
        self._ranges: dict[str, dict[Range, Sequence[Row]]] = {}

    def rows(self, kind: str, ids: Iterable[Id], fetch: Callable[[list[Id]], Iterable[Row]]) -> list[Row]:
        """The rows of one kind that are there; `fetch` reads those that are not known here."""
        with self._lock:
            known: dict[Id, Row | None] = self._rows.setdefault(kind, {})
            wanted = list(ids)
            missing = [id for id in wanted if id not in known]
            if missing:
                found = {row.id: row for row in fetch(missing)}
                known.update({id: found.get(id) for id in missing})
                self.bytes += sum(_ROW_BYTES + len(row.body) for row in found.values()) + _ROW_BYTES * len(missing)
            there = [known[id] for id in wanted]
            return [row for row in there if row is not None]

    def ranges(
        self, wanted: Sequence[Range], fetch: Callable[[list[Range]], Sequence[Sequence[Row]]]
    ) -> list[Sequence[Row]]:
        """The rows of each range."""
        with self._lock:
            missing = [one for one in wanted if one not in self._ranges.get(one.record.KIND, ())]
            for one, rows in zip(missing, fetch(missing) if missing else (), strict=True):
                self._ranges.setdefault(one.record.KIND, {})[one] = rows
                self.bytes += _RANGE_BYTES + sum(_ROW_BYTES + len(row.body) for row in rows)
            return [self._ranges[one.record.KIND][one] for one in wanted]

    def moved(self, changed: Iterable[Ref], *, sequence: int, hash: str) -> None:
        """Let go of what was changed up to a step of the log."""
        with self._lock:
            if sequence <= self.sequence:
                return  # whoever has the lock by now looked at the index, and saw more
            for kind, id in changed:
                self._ranges.pop(kind, None)
                self._rows.get(kind, {}).pop(id, None)
            self.sequence, self.hash = sequence, hash


class RowMemory:
    """The rows of all studios of one worker. Safe to ask from any thread."""

    def __init__(self, database: Database, tables: Tables, *, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes, self._bytes = most_bytes, 0
        self._studios: OrderedDict[Id, StudioRows] = OrderedDict()
        self._lock = threading.Lock()
        log, change = tables.log.c, tables.change.c
        studio: BindParameter[Any] = bindparam("studio")
        after: BindParameter[Any] = bindparam("after")
        since = select(change.kind, change.id).where(change.studio_id == studio, change.sequence > after)
        self._since = database.prepared(
            union_all(
                select(literal_column("''", Text).label("kind"), log.link_hash).where(
                    log.studio_id == studio, log.sequence == after
                ),
                since,
            )
        )

    def at(self, connection: Connection, studio: Id, head: Head) -> StudioRows:
        """A studio's rows as they stand at its head, which the caller has locked."""
        with self._lock:
            kept = self._studios.get(studio)
            if kept is not None and time.monotonic() - kept.born > KEPT_S:
                kept = None
        if kept is not None and (kept.sequence, kept.hash) != (head.sequence, head.hash):
            kept = self._followed(connection, studio, kept, head)
        if kept is None:
            kept = StudioRows(head)
        self._keep(studio, kept)
        return kept

    def forget(self, studio: Id) -> None:
        """After a trouble in the midst of a transaction."""
        with self._lock:
            gone = self._studios.pop(studio, None)
            self._bytes -= gone.counted if gone else 0

    def _followed(self, connection: Connection, studio: Id, kept: StudioRows, head: Head) -> StudioRows | None:
        """What is left of the rows at a later head; None where that is another history: a backup was brought back, or a
        standby took over."""
        if not 0 < head.sequence - kept.sequence <= MOST_STEPS:
            return None
        found = self._since.run(connection, {"studio": studio, "after": kept.sequence})
        if ("", kept.hash) not in [tuple(one) for one in found]:
            return None
        kept.moved([(kind, Id(id)) for kind, id in found if kind], sequence=head.sequence, hash=head.hash)
        return kept

    def _keep(self, studio: Id, kept: StudioRows) -> None:
        with self._lock:
            before = self._studios.pop(studio, None)
            self._bytes -= before.counted if before else 0
            self._studios[studio] = kept
            kept.counted = kept.bytes
            self._bytes += kept.counted
            while self._bytes > self._most_bytes:
                _, gone = self._studios.popitem(last=False)
                self._bytes -= gone.counted
