"""The rows of pass keys: public halves in the open, private halves as they were wrapped."""

from typing import NamedTuple

from sqlalchemy import select

from classtap_core.kernel.ids import Id
from cloud.storage.database import Connection
from cloud.storage.tables import Tables


class StoredKey(NamedTuple):
    """One pass key. Times are Unix seconds."""

    key_id: int
    algorithm: int
    public: bytes
    wrapped: bytes
    not_before: int
    not_after: int
    revoked_at: int | None

    def in_force(self, now_s: int) -> bool:
        return self.revoked_at is None and self.not_before <= now_s <= self.not_after


def add_key(connection: Connection, tables: Tables, studio: Id, key: StoredKey) -> None:
    connection.execute(tables.pass_key.insert(), [{"studio_id": studio, **key._asdict()}])


def keys_of(connection: Connection, tables: Tables, studio: Id) -> list[StoredKey]:
    """All keys a studio ever had, in the order they were made."""
    table = tables.pass_key
    columns = [table.c[name] for name in StoredKey._fields]
    rows = connection.execute(select(*columns).where(table.c.studio_id == studio).order_by(table.c.key_id))
    return [StoredKey(*row) for row in rows]


def revoke_key(connection: Connection, tables: Tables, studio: Id, key_id: int, *, at_s: int) -> None:
    """From a moment on a key counts for nothing; the first word about that stands."""
    table = tables.pass_key
    connection.execute(
        table.update()
        .where(table.c.studio_id == studio, table.c.key_id == key_id, table.c.revoked_at.is_(None))
        .values(revoked_at=at_s)
    )
