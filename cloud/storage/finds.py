"""Reads of records, many at once: one query for all keys of a kind, or all ranges of one index, compiled once."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Select,
    Text,
    bindparam,
    cast,
    column,
    literal_column,
    select,
    values,
)

from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import Row, index_of
from cloud.storage.database import Database, Prepared
from cloud.storage.tables import Tables, indexed

_MOST = 128
"""Ranges in one query: SQLite takes 32,766 parameters, and a compiled query of this size is kept for each shape."""


_MOST_IDS = 512
"""Keys in one query."""


class _Shape(NamedTuple):
    """What a query is compiled for. `size`: how many ranges it asks at once, a power of two."""

    kind: str
    by: str
    width: int
    low: bool
    high: bool
    size: int


class Finds:
    """The compiled queries of one database's ranges."""

    def __init__(self, database: Database, tables: Tables) -> None:
        self._database, self._tables = database, tables
        self._kept: dict[_Shape, Prepared] = {}
        self._by_key: dict[tuple[Column[Any], int], Prepared] = {}

    def by_id(self, connection: Connection, studio: Id, kind: str, ids: Iterable[Id]) -> Iterator[Row]:
        """The rows of one kind that are there, in any order."""
        columns = self._tables.records[kind].table.c
        wanted = select(columns.id, columns.scope, columns.body).where(columns.studio_id == bindparam("studio"))
        for id, scope, body in self._keyed(connection, studio, wanted, columns.id, list(ids)):
            yield Row(kind, id, scope, body)

    def authors(self, connection: Connection, studio: Id, operations: Iterable[Id]) -> dict[Id, Id]:
        """Which device wrote each of the operations that are there."""
        log = self._tables.log.c
        wanted = select(log.operation, log.device_id).where(log.studio_id == bindparam("studio"))
        found = self._keyed(connection, studio, wanted, log.operation, list(operations))
        return {Id(operation): Id(device) for operation, device in found}

    def _keyed(
        self, connection: Connection, studio: Id, wanted: Select[Any], key: Column[Any], ids: list[Id]
    ) -> Iterator[Any]:
        for start in range(0, len(ids), _MOST_IDS):
            some = ids[start : start + _MOST_IDS]
            size = 1 << (len(some) - 1).bit_length()
            if (key, size) not in self._by_key:
                places = [bindparam(f"id{place}", type_=Text()) for place in range(size)]
                self._by_key[(key, size)] = self._database.prepared(wanted.where(key.in_(places)))
            # Places left over ask for the last one again.
            given: dict[str, Any] = {f"id{place}": some[min(place, len(some) - 1)] for place in range(size)}
            yield from self._by_key[(key, size)].run(connection, {"studio": studio, **given})

    def run(self, connection: Connection, studio: Id, wanted: Sequence[Range]) -> list[list[Row]]:
        """The rows of each range, in its index's order, then by id."""
        found: list[list[Row]] = [[] for _ in wanted]
        alike: dict[tuple[Any, ...], list[int]] = {}
        for position, one in enumerate(wanted):
            shape = (one.record, one.by, len(one.equals), one.low is not None, one.high is not None)
            alike.setdefault(shape, []).append(position)
        for positions in alike.values():
            for start in range(0, len(positions), _MOST):
                self._some(connection, studio, wanted, positions[start : start + _MOST], found)
        return found

    def _some(
        self, connection: Connection, studio: Id, wanted: Sequence[Range], positions: list[int], found: list[list[Row]]
    ) -> None:
        first = wanted[positions[0]]
        size = 1 << (len(positions) - 1).bit_length()
        shape = _Shape(
            first.record.KIND, first.by, len(first.equals), first.low is not None, first.high is not None, size
        )
        if shape not in self._kept:
            self._kept[shape] = self._database.prepared(self._query(first, shape))
        given: dict[str, Any] = {"studio": studio}
        for place, names in enumerate(_names(shape)):
            # Places left over are numbered below 0, and ask for nothing.
            asked = place < len(positions)
            one = wanted[positions[place if asked else 0]]
            told = [place if asked else -1, *map(indexed, one.equals)]
            if shape.low:
                told.append(indexed(one.low))
            if shape.high:
                told.append(indexed(one.high))
            given.update(zip(names, told, strict=True))
        for place, id, scope, body in self._kept[shape].run(connection, given):
            found[positions[place]].append(Row(shape.kind, id, scope, body))

    def _query(self, one: Range, shape: _Shape) -> Select[Any]:
        columns = self._tables.records[shape.kind].table.c
        fields = [columns[f"by_{field}"] for field in index_of(one.record, one.by).fields]
        names = [f"e{order}" for order in range(shape.width)]
        kinds: list[Any] = [fields[order].type for order in range(shape.width)]
        for name, there in (("low", shape.low), ("high", shape.high)):
            if there:
                names.append(name)
                kinds.append(fields[shape.width].type)
        plain = [BigInteger() if isinstance(kind, BigInteger) else Text() for kind in kinds]
        rows = [
            (
                cast(bindparam(f"n{place}"), BigInteger),
                *(
                    cast(bindparam(f"{name}_{place}" if name[0] == "e" else f"{name}{place}"), kind)
                    for name, kind in zip(names, plain, strict=True)
                ),
            )
            for place in range(shape.size)
        ]
        asked = (
            values(column("n", BigInteger), *(column(name, kind) for name, kind in zip(names, plain, strict=True)))
            .data(rows)
            .cte("asked")
        )
        clauses = [columns.studio_id == bindparam("studio"), asked.c.n >= literal_column("0")]
        clauses += [fields[order] == asked.c[f"e{order}"] for order in range(shape.width)]
        if shape.low:
            clauses.append(fields[shape.width] >= asked.c.low)
        if shape.high:
            clauses.append(fields[shape.width] <= asked.c.high)
        return (
            select(asked.c.n, columns.id, columns.scope, columns.body)
            .where(*clauses)
            .order_by(asked.c.n, *(field.nulls_first() for field in fields), columns.id)
        )


@cache
def _names(shape: _Shape) -> list[tuple[str, ...]]:
    """The names of the parameters of each place in a query of this shape."""
    ends = [name for name, there in (("low", shape.low), ("high", shape.high)) if there]
    return [
        (f"n{place}", *(f"e{order}_{place}" for order in range(shape.width)), *(f"{end}{place}" for end in ends))
        for place in range(shape.size)
    ]
