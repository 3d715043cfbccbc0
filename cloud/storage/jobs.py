"""Jobs and their leases: rows that one worker at a time takes, for as long as it says. In the directory, undistributed."""

from typing import NamedTuple

from sqlalchemy import or_, select, update

from classtap_core.kernel.ids import Id
from cloud.storage.database import Connection, Database
from cloud.storage.tables import Tables

TICKS, PASSES, REMINDERS, TIDY = "ticks", "passes", "reminders", "tidy"
EVERY_MS = {TICKS: 15_000, REMINDERS: 600_000, PASSES: 3_600_000, TIDY: 86_400_000}
"""What is done for each studio, and how often: asking its rooms what is due; telling what ends soon; a look at its passes
where nothing changed; letting go of what was kept for a while."""


class Job(NamedTuple):
    """A job taken. `until_ms` is its lease's end, and what tells this taking from a later one; `seen` is how far its last
    round came, in numbers of its own kind (0 before the first), whichever worker that was."""

    kind: str
    studio: Id
    until_ms: int
    seen: int = 0


class Jobs:
    """The jobs of one database. Times are milliseconds since the Unix epoch, by the workers' clock."""

    def __init__(self, database: Database, tables: Tables) -> None:
        self._database, self._table = database, tables.jobs

    def add(self, connection: Connection, studio: Id, *, now_ms: int) -> None:
        """A studio's jobs; there once however often they are added. Its ticks are due at once, the others at a moment of
        their own, or every studio of a cloud would be tidied in the same minute."""
        place = int(studio[-12:], 16)
        rows = [
            {
                "kind": kind, "studio_id": studio, "holder": "", "until_ms": 0, "seen": 0,
                "due_ms": now_ms if kind == TICKS else now_ms + place % every,
            }
            for kind, every in EVERY_MS.items()
        ]  # fmt: skip
        connection.execute(self._database.insert_new(self._table), rows)

    def take(self, *, holder: str, now_ms: int, lease_ms: int, most: int) -> list[Job]:
        """Jobs that are due and that nobody holds, the oldest first; they are this holder's until the lease ends.

        On PostgreSQL rows that another worker is just taking are passed over; SQLite has one writer.
        """
        table = self._table
        due = (
            select(table.c.kind, table.c.studio_id, table.c.seen)
            .where(table.c.due_ms <= now_ms, table.c.until_ms <= now_ms)
            .order_by(table.c.due_ms, table.c.studio_id, table.c.kind)
            .limit(most)
        )
        until_ms = now_ms + lease_ms
        with self._database.read() as connection:
            if not connection.execute(due).first():
                return []
        with self._database.write() as connection:
            rows = connection.execute(due.with_for_update(skip_locked=True)).all()
            for kind in {row.kind for row in rows}:
                connection.execute(
                    update(table)
                    .where(
                        table.c.kind == kind, table.c.studio_id.in_([row.studio_id for row in rows if row.kind == kind])
                    )
                    .values(holder=holder, until_ms=until_ms)
                )
        return [Job(row.kind, Id(row.studio_id), until_ms, row.seen) for row in rows]

    def put_right(self, *, now_ms: int, lease_ms: int) -> int:
        """Have those be due now that a worker put off by more than twice their time: its clock was ahead. How many."""
        table, found = self._table, 0
        for kind, every_ms in EVERY_MS.items():
            late = or_(table.c.due_ms > now_ms + 2 * every_ms, table.c.until_ms > now_ms + 2 * lease_ms)
            with self._database.write() as connection:
                found += connection.execute(
                    update(table).where(table.c.kind == kind, late).values(holder="", until_ms=0, due_ms=now_ms)
                ).rowcount
        return found

    def done(self, job: Job, *, holder: str, due_ms: int, seen: int) -> bool:
        """Give a job back until it is due again; False when its lease had ended and another worker has it."""
        table = self._table
        with self._database.write() as connection:
            given = connection.execute(
                update(table)
                .where(
                    table.c.kind == job.kind, table.c.studio_id == job.studio, table.c.holder == holder,
                    table.c.until_ms == job.until_ms,
                )
                .values(holder="", until_ms=0, due_ms=due_ms, seen=seen)
            )  # fmt: skip
        return given.rowcount == 1
