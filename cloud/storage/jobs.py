"""Jobs and their leases: rows that one worker at a time takes, for as long as it says. In the directory, undistributed."""

from typing import NamedTuple

from sqlalchemy import select, update

from classtap_core.kernel.ids import Id
from cloud.storage.database import Connection, Database
from cloud.storage.tables import Tables

TICKS = "ticks"
"""Asking a studio's rooms what is due."""


class Job(NamedTuple):
    """A job taken. `until_ms` is its lease's end, and what tells this taking from a later one."""

    kind: str
    studio: Id
    until_ms: int


class Jobs:
    """The jobs of one database. Times are milliseconds since the Unix epoch, by the workers' clock."""

    def __init__(self, database: Database, tables: Tables) -> None:
        self._database, self._table = database, tables.jobs

    def add(self, connection: Connection, kind: str, studio: Id, *, due_ms: int) -> None:
        """A job that comes again and again; there once however often it is added."""
        row = {"kind": kind, "studio_id": studio, "due_ms": due_ms, "holder": "", "until_ms": 0}
        connection.execute(self._database.insert_new(self._table), [row])

    def take(self, kind: str, *, holder: str, now_ms: int, lease_ms: int, most: int) -> list[Job]:
        """Jobs that are due and that nobody holds, the oldest first; they are this holder's until the lease ends.

        On PostgreSQL rows that another worker is just taking are passed over; SQLite has one writer.
        """
        table = self._table
        due = (
            select(table.c.studio_id)
            .where(table.c.kind == kind, table.c.due_ms <= now_ms, table.c.until_ms <= now_ms)
            .order_by(table.c.due_ms, table.c.studio_id)
            .limit(most)
        )
        with self._database.read() as connection:
            if not connection.execute(due).first():
                return []
        with self._database.write() as connection:
            studios = list(connection.scalars(due.with_for_update(skip_locked=True)))
            if studios:
                connection.execute(
                    update(table)
                    .where(table.c.kind == kind, table.c.studio_id.in_(studios))
                    .values(holder=holder, until_ms=now_ms + lease_ms)
                )
        return [Job(kind, Id(studio), now_ms + lease_ms) for studio in studios]

    def done(self, job: Job, *, holder: str, due_ms: int) -> bool:
        """Give a job back until it is due again; False when its lease had ended and another worker has it."""
        table = self._table
        with self._database.write() as connection:
            given = connection.execute(
                update(table)
                .where(
                    table.c.kind == job.kind, table.c.studio_id == job.studio, table.c.holder == holder,
                    table.c.until_ms == job.until_ms,
                )
                .values(holder="", until_ms=0, due_ms=due_ms)
            )  # fmt: skip
        return given.rowcount == 1
