"""Which studios a telephone and a phone's wallet lead to: in the directory, so that nobody looks through every studio.

A telephone rests as a hash under the cloud's own key, beside the ids of who is reached there; what a phone calls itself to
Apple's service is long and random, and rests as a plain hash.
"""

import hmac
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from sqlalchemy import Connection, and_, delete, func, select

from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import decode
from classtap_core.messaging.routing import normalised
from classtap_core.messaging.templates import SMS
from classtap_core.people.records import Contact
from cloud.storage.backend import Books, SqlCloud
from cloud.storage.directory import hashed

T = TypeVar("T")
AT_ONCE = 500


class Telephones:
    """Keeps the directory's telephones as the studios' contacts have them."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def note(self, storage: SqlCloud, studio: Id) -> int:
        """Take in the contacts of a studio that changed since the last time; how many those were.

        Where that time is: the highest sequence among the studio's own rows, so it outlasts this process.
        """
        changed = self._changed(studio)
        if changed:
            self._put(
                studio, [row for some in _slices(list(changed)) for row in self._rows(storage, studio, some, changed)]
            )
        return len(changed)

    def _changed(self, studio: Id) -> dict[Id, int]:
        """Contacts that changed, and the studio's sequence when they last did."""
        books, change, mine = self._books, self._books.tables.change, self._books.tables.telephones
        with books.database.read() as connection:
            since = connection.scalar(select(func.max(mine.c.sequence)).where(mine.c.studio_id == studio)) or 0
        query = (
            select(change.c.id, change.c.sequence)
            .where(change.c.studio_id == studio, change.c.kind == Contact.KIND, change.c.sequence > since)
            .order_by(change.c.sequence)
        )
        with books.database.read(studio) as connection:
            return {Id(id): sequence for id, sequence in connection.execute(query)}

    def _rows(self, storage: SqlCloud, studio: Id, ids: list[Id], changed: Mapping[Id, int]) -> list[dict[str, Any]]:
        """What is kept of some contacts: of one who has no telephone, or is gone, when that was."""
        held = {id: decode(Contact, row.body) for id, row in storage.rows(Contact, ids).items()}
        return [
            {
                "studio_id": studio, "contact": id, "sequence": changed[id],
                "hash": _keyed(self._books, held[id].phone) if id in held else "",
            }
            for id in ids
        ]  # fmt: skip

    def _put(self, studio: Id, rows: list[dict[str, Any]]) -> None:
        """All in one commit: what is taken in is known by the highest sequence there."""
        table = self._books.tables.telephones
        with self._books.database.write() as connection:
            for some in _slices(rows):
                ids = [row["contact"] for row in some]
                connection.execute(delete(table).where(table.c.studio_id == studio, table.c.contact.in_(ids)))
                connection.execute(table.insert(), some)


def _slices(whole: list[T]) -> Iterator[list[T]]:
    return (whole[at : at + AT_ONCE] for at in range(0, len(whole), AT_ONCE))


def at_telephone(books: Books, number: str) -> dict[Id, list[Id]]:
    """Who may be reached at a telephone: contacts by studio. Their own records say whether they still are."""
    table, hash = books.tables.telephones, _keyed(books, number)
    if not hash:
        return {}
    query = (
        select(table.c.studio_id, table.c.contact)
        .where(table.c.hash == hash)
        .order_by(table.c.studio_id, table.c.contact)
    )
    found: dict[Id, list[Id]] = {}
    with books.database.read() as connection:
        for studio, contact in connection.execute(query):
            found.setdefault(Id(studio), []).append(Id(contact))
    return found


def _keyed(books: Books, number: str) -> str:
    """Under the cloud's own key: telephones are soon guessed from a plain hash. Nothing for no number."""
    digits = normalised(SMS, number)
    return hmac.digest(books.secret.derived("telephone"), digits.encode(), "sha256").hex() if digits else ""


def hold(books: Books, connection: Connection, studio: Id, device: str) -> None:
    """Note that a phone holds a pass of a studio, within the studio's own transaction."""
    row = {"hash": hashed(device), "studio_id": studio}
    connection.execute(books.database.insert_new(books.tables.holders), [row])


def let_go(books: Books, connection: Connection, studio: Id, device: str) -> None:
    """Forget a studio of a phone that holds no more pass of it."""
    table = books.tables.holders
    connection.execute(delete(table).where(and_(table.c.hash == hashed(device), table.c.studio_id == studio)))


def held_by(books: Books, device: str) -> list[Id]:
    """The studios of whose passes a phone holds some."""
    table = books.tables.holders
    query = select(table.c.studio_id).where(table.c.hash == hashed(device)).order_by(table.c.studio_id)
    with books.database.read() as connection:
        return [Id(studio) for studio in connection.scalars(query)]
