"""Bringing a database to the shape this program wants: tables, columns and indexes that are not there yet."""

from sqlalchemy import Connection, bindparam, select, update

from cloud.storage.database import Database
from cloud.storage.tables import RecordTable, Tables

_SLICE = 2_000


def conform(database: Database, tables: Tables, connection: Connection) -> None:
    """Make what is missing. A field that is indexed from now on is read out of every row's body once."""
    grown = []
    for found in tables.records.values():
        there = database.columns_of(found.table, connection)
        if there and any(column not in there for column in found.columns.values()):
            grown.append(found)
    database.create(tables.metadata, connection)
    for found in grown:
        _fill(found, connection)


def _fill(found: RecordTable, connection: Connection) -> None:
    columns = found.table.c
    statement = (
        update(found.table)
        .where(columns.studio_id == bindparam("at_studio"), columns.id == bindparam("at_id"))
        .values({column: bindparam(column) for column in found.columns.values()})
    )
    rows = connection.execute(select(columns.studio_id, columns.id, columns.body)).all()
    for start in range(0, len(rows), _SLICE):
        connection.execute(
            statement,
            [
                {"at_studio": studio, "at_id": id, **found.values(body)}
                for studio, id, body in rows[start : start + _SLICE]
            ],
        )
