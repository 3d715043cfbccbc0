"""What a later version adds to rows that were written before it: done once, when a database is opened."""

from collections.abc import Callable

from sqlalchemy import select

from classtap_core.kernel.ids import Id
from cloud.storage.backend import Books
from cloud.storage.directory import Directory

_DONE = "1"


def once(books: Books, directory: Directory, fact: str, fill_studio: Callable[[Books, Id], int]) -> int:
    """Fill every studio, and note that under a fact's name; how many rows. Not looked for again once it is noted."""
    facts = books.tables.facts
    with books.database.read() as connection:
        if connection.scalar(select(facts.c.value).where(facts.c.name == fact)) == _DONE:
            return 0
        studios = [entry.id for entry in directory.studios(connection)]
    filled = sum(fill_studio(books, studio) for studio in studios)
    with books.database.write() as connection:
        connection.execute(books.database.upsert(facts), [{"name": fact, "value": _DONE}])
    return filled
