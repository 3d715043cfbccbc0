"""Numbers of rows that were written before the change index kept them: filled in once, when a database is opened."""

from sqlalchemy import bindparam, select, update

from classtap_core.kernel.digests import row_number, signed
from classtap_core.kernel.ids import Id
from cloud.storage.backend import Books
from cloud.storage.directory import Directory
from cloud.storage.filling import once


def fill(books: Books, directory: Directory) -> int:
    """Number the rows that have none; how many. Once done for a database, it is not looked for again."""
    return once(books, directory, "row_numbers", _fill_studio)


def _fill_studio(books: Books, studio: Id) -> int:
    change = books.tables.change
    statement = (
        update(change)
        .where(
            change.c.studio_id == studio, change.c.scope == bindparam("at_scope"),
            change.c.kind == bindparam("at_kind"), change.c.id == bindparam("at_id"),
        )
        .values(digest=bindparam("number"))
    )  # fmt: skip
    filled = 0
    with books.database.write(studio) as connection:
        for kind, found in books.tables.records.items():
            rows = found.table.c
            lacking = connection.execute(
                select(rows.id, rows.scope, rows.body)
                .join(
                    change,
                    (change.c.studio_id == rows.studio_id) & (change.c.id == rows.id) & (change.c.scope == rows.scope),
                )
                .where(rows.studio_id == studio, change.c.studio_id == studio, change.c.kind == kind)
                .where(change.c.digest.is_(None))
            ).all()
            with books.opening(connection, studio) as seals:
                bodies = seals.open(found.record, [(Id(id), body) for id, _, body in lacking])
            numbers = [
                {
                    "at_scope": scope,
                    "at_kind": kind,
                    "at_id": id,
                    "number": signed(row_number(kind, Id(id), scope, body)),
                }
                for id, scope, _ in lacking
                if (body := bodies.get(Id(id))) is not None
            ]
            if numbers:
                connection.execute(statement, numbers)
            filled += len(numbers)
    return filled
