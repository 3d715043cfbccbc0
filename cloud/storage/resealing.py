"""Rows that an earlier version stored in the open: sealed once, when a database is opened."""

import time

from sqlalchemy import select

from classtap_core.kernel.ids import Id
from cloud.storage.backend import Books
from cloud.storage.directory import Directory
from cloud.storage.sealing import RowSeals, seal_plain

_FACT, _DONE = "rows_sealed", "1"


def fill(books: Books, directory: Directory) -> int:
    """Seal the rows that are not; how many. Once done for a database, it is not looked for again."""
    facts = books.tables.facts
    with books.database.read() as connection:
        if connection.scalar(select(facts.c.value).where(facts.c.name == _FACT)) == _DONE:
            return 0
        studios = [entry.id for entry in directory.studios(connection)]
    sealed = sum(_seal_studio(books, studio) for studio in studios)
    with books.database.write() as connection:
        connection.execute(books.database.upsert(facts), [{"name": _FACT, "value": _DONE}])
    return sealed


def _seal_studio(books: Books, studio: Id) -> int:
    with books.database.write(studio) as connection:
        keys = books.keys(connection, studio)
        seals, now = RowSeals(keys, books.entropy), time.time_ns() // 1_000_000
        sealed = sum(seal_plain(connection, found, seals, studio, now=now) for found in books.tables.records.values())
    keys.committed()
    return sealed
