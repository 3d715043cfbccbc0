"""Which phones hold which wallet pass: those that registered with Apple's service, and passes saved to Google's."""

from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, delete, select

from classtap_core.kernel.ids import Id
from cloud.storage.backend import Books
from cloud.storage.whereabouts import hold, let_go

GOOGLE = "google"
"""In place of a phone: a pass for which a guardian asked Google's link."""


class Registered(NamedTuple):
    """A pass on a phone, and the token by which Apple reaches it."""

    device: str
    token: str


def register(books: Books, studio: Id, device: str, serial: str, *, token: str, now_ms: int) -> bool:
    """Keep that a phone holds a pass; False where that was known."""
    row = {"studio_id": studio, "device": device, "serial": serial, "token": token, "made_ms": now_ms}
    with books.database.write(studio) as connection:
        gone = connection.execute(delete(books.tables.wallet).where(_mine(books, studio, device, serial))).rowcount
        connection.execute(books.tables.wallet.insert(), [row])
        if device != GOOGLE:
            hold(books, connection, studio, device)
    return not gone


def unregister(books: Books, studio: Id, device: str, serial: str) -> None:
    table = books.tables.wallet
    with books.database.write(studio) as connection:
        connection.execute(delete(table).where(_mine(books, studio, device, serial)))
        others = select(table.c.serial).where(table.c.studio_id == studio, table.c.device == device).limit(1)
        if connection.scalar(others) is None:
            let_go(books, connection, studio, device)


def registered(books: Books, studio: Id, serial: str) -> list[Registered]:
    """Who holds a pass."""
    table = books.tables.wallet
    query = select(table.c.device, table.c.token).where(table.c.studio_id == studio, table.c.serial == serial)
    with books.database.read(studio) as connection:
        return [Registered(row.device, row.token) for row in connection.execute(query)]


def _mine(books: Books, studio: Id, device: str, serial: str) -> ColumnElement[bool]:
    table = books.tables.wallet
    return and_(table.c.studio_id == studio, table.c.device == device, table.c.serial == serial)
