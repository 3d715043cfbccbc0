"""Which studio moved: a note in the directory that other workers look for, written after the commit. It may be lost.

A sweep over the heads finds what got lost. The note stands outside the studio's transaction, so that on Citus a push
stays with one worker.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, bindparam, case, literal_column, select

from classtap_core.kernel.ids import Id
from cloud.storage.backend import Place
from cloud.storage.database import Database
from cloud.storage.tables import Tables

_NOW = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"


class Wake(NamedTuple):
    """A studio that moved. `stamp_ms` is by the database's clock."""

    studio: Id
    sequence: int
    stamp_ms: int


class Moved(NamedTuple):
    """What happened in a studio since a sequence.

    Attributes:
        head: where its head is now. places: where it changed. standing: of the devices asked about, those that are
            not revoked, with what they may hold as one text.
    """

    head: int
    places: frozenset[Place]
    standing: dict[Id, str]


class Wakes:
    """The notes of one database."""

    def __init__(self, database: Database, tables: Tables) -> None:
        self._database, self._tables = database, tables
        table = tables.wakes
        stamp: Any = bindparam("stamp", type_=BigInteger) if database.dialect == "sqlite" else literal_column(_NOW)
        made = database.inserted(table).values(
            studio_id=bindparam("studio"), sequence=bindparam("sequence"), stamp_ms=stamp
        )
        later = case((table.c.sequence > made.excluded.sequence, table.c.sequence), else_=made.excluded.sequence)
        self._note = database.prepared(
            made.on_conflict_do_update(
                index_elements=["studio_id"], set_={"sequence": later, "stamp_ms": made.excluded.stamp_ms}
            )
        )

    def tell(self, moved: Mapping[Id, int]) -> None:
        """Note where studios stand now."""
        stamp = time.time_ns() // 1_000_000
        # In one order, so that two workers never wait for each other in a circle.
        rows = [{"studio": studio, "sequence": sequence, "stamp": stamp} for studio, sequence in sorted(moved.items())]
        with self._database.write() as connection:
            self._note.do(connection, rows)

    def since(self, stamp_ms: int) -> list[Wake]:
        """Studios that moved at or after a stamp, the oldest first."""
        table = self._tables.wakes
        query = select(table).where(table.c.stamp_ms >= stamp_ms).order_by(table.c.stamp_ms)
        with self._database.read() as connection:
            return [Wake(Id(row.studio_id), row.sequence, row.stamp_ms) for row in connection.execute(query)]

    def look(self, studio: Id, devices: Iterable[Id], *, after: int | None, back: int = 0) -> Moved:
        """What changed in a studio after a sequence; without one, in the last `back` steps."""
        head, change, device = self._tables.head.c, self._tables.change.c, self._tables.device.c
        asked = select(device.id, device.scopes).where(
            device.studio_id == studio, device.id.in_(list(devices)), device.revoked_ms.is_(None)
        )
        with self._database.read(studio) as connection:
            standing = {Id(row.id): row.scopes for row in connection.execute(asked)}
            now = connection.scalar(select(head.sequence).where(head.studio_id == studio)) or 0
            begin = max(now - back, 0) if after is None else after
            if begin >= now:
                return Moved(now, frozenset(), standing)
            places = select(change.scope, change.kind).distinct()
            found = connection.execute(places.where(change.studio_id == studio, change.sequence > begin))
            return Moved(now, frozenset((row.scope, row.kind) for row in found), standing)
