"""All records of a studio, opened, by kind and id: what an export writes, and what a digest over a studio is of."""

from collections.abc import Iterator

from sqlalchemy import select

from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import Row
from cloud.storage.backend import Books

_PAGE = 2_000


def rows_of(books: Books, studio: Id) -> Iterator[Row]:
    """In one consistent view."""
    with books.database.read(studio) as connection, books.opening(connection, studio) as seals:
        for kind, found in sorted(books.tables.records.items()):
            columns, last = found.table.c, ""
            while True:
                page = connection.execute(
                    select(columns.id, columns.scope, columns.body)
                    .where(columns.studio_id == studio, columns.id > last)
                    .order_by(columns.id)
                    .limit(_PAGE)
                ).all()
                bodies = seals.open(found.record, [(Id(row.id), row.body) for row in page])
                yield from (Row(kind, Id(row.id), row.scope, bodies[Id(row.id)]) for row in page if row.id in bodies)
                if len(page) < _PAGE:
                    break
                last = page[-1].id
