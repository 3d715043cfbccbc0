"""Rows that an earlier version stored in the open: sealed once, when a database is opened."""

import time

from classtap_core.kernel.ids import Id
from cloud.storage.backend import Books
from cloud.storage.directory import Directory
from cloud.storage.filling import once
from cloud.storage.sealing import RowSeals, seal_plain


def fill(books: Books, directory: Directory) -> int:
    """Seal the rows that are not; how many. Once done for a database, it is not looked for again."""
    return once(books, directory, "rows_sealed", _seal_studio)


def _seal_studio(books: Books, studio: Id) -> int:
    with books.database.write(studio) as connection:
        keys = books.keys(connection, studio)
        seals, now = RowSeals(keys, books.entropy), time.time_ns() // 1_000_000
        sealed = sum(seal_plain(connection, found, seals, studio, now=now) for found in books.tables.records.values())
    keys.committed()
    return sealed
