"""What each writing transaction of a studio does to its head and its devices, in statements compiled once."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Connection, bindparam, select, update

from classtap_core.kernel.authority import Moved
from classtap_core.kernel.ids import Id
from cloud.storage.database import Database
from cloud.storage.tables import Tables


class Head(NamedTuple):
    """A studio's head row. `erasures`: how many people were erased; where it moved, unwrapped keys are forgotten."""

    sequence: int
    hash: str
    erasures: int


class Heads:
    """The compiled statements of one database."""

    def __init__(self, database: Database, tables: Tables) -> None:
        head, device = tables.head, tables.device
        studio: BindParameter[Any] = bindparam("studio")
        asked = select(head.c.sequence, head.c.hash, head.c.erasures).where(head.c.studio_id == studio)
        self._turn = database.prepared(asked.with_for_update())
        self._move = database.prepared(
            update(head)
            .where(head.c.studio_id == studio)
            .values(sequence=bindparam("sequence"), hash=bindparam("hash"))
        )
        known = update(device).where(device.c.studio_id == studio, device.c.id == bindparam("of"))
        fields = ("epoch", "sequence", "hash", "contested")
        self._ahead = database.prepared(known.values({name: bindparam(name) for name in fields}))
        self._behind = database.prepared(known.values(contested=bindparam("contested")))

    def turn(self, connection: Connection, studio: Id) -> Head | None:
        """The studio's head, locked until the transaction ends; None where there is no such studio."""
        found = self._turn.run(connection, {"studio": studio})
        return Head(*found[0]) if found else None

    def move(self, connection: Connection, studio: Id, *, sequence: int, hash: str) -> None:
        self._move.do(connection, [{"studio": studio, "sequence": sequence, "hash": hash}])

    def mark(self, connection: Connection, studio: Id, moved: Sequence[Moved]) -> None:
        """Move devices' marks; one that speaks of an earlier epoch only counts what is contested."""
        ahead: list[dict[str, Any]] = []
        behind: list[dict[str, Any]] = []
        for mark, earlier, _ in moved:
            row = {"studio": studio, "of": mark.device, "contested": mark.contested}
            if earlier:
                behind.append(row)
            else:
                ahead.append({**row, "epoch": mark.epoch, "sequence": mark.sequence, "hash": mark.hash})
        for statement, rows in ((self._ahead, ahead), (self._behind, behind)):
            if rows:
                statement.do(connection, rows)
