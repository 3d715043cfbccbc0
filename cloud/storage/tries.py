"""How often somebody tried, counted for all workers of a database: the buckets of `limits.Tries`, in the directory."""

from sqlalchemy import case, delete

from classtap_core.kernel.clock import Clock
from cloud.storage.database import Database
from cloud.storage.directory import hashed
from cloud.storage.tables import Tables

_TRY = 60_000
"""What a try costs: at so many a minute a bucket gains that number each millisecond."""
_KEPT_MS = 3_600_000


class SharedTries:
    """Buckets by caller. Who tried rests as a hash, and for an hour only."""

    def __init__(self, database: Database, tables: Tables, clock: Clock) -> None:
        self._database, self._table, self._clock = database, tables.tries, clock

    def allow(self, who: str, *, burst: int, per_minute: int) -> bool:
        """Spend a try, if there is one: at most `burst` at once, and `per_minute` over time."""
        table, now = self._table, self._clock.now().wall
        made = self._database.inserted(table).values(who=hashed(who), left=(burst - 1) * _TRY, since_ms=now)
        since = case((table.c.since_ms > now, now), else_=table.c.since_ms)  # another worker's clock may be ahead
        gained = table.c.left + (now - since) * per_minute
        left = case((gained > burst * _TRY, burst * _TRY), else_=gained)
        spent = made.on_conflict_do_update(
            index_elements=["who"], set_={"left": left - _TRY, "since_ms": now}, where=left >= _TRY
        ).returning(table.c.who)
        with self._database.write() as connection:
            allowed = connection.execute(spent).first() is not None
            connection.execute(delete(table).where(table.c.since_ms < now - _KEPT_MS))
        return allowed

    def give_back(self, who: str) -> None:
        """The last try was a good one, and counts for nothing."""
        table = self._table
        with self._database.write() as connection:
            connection.execute(table.update().where(table.c.who == hashed(who)).values(left=table.c.left + _TRY))
