"""Reads of records, many at once: one query for all keys of a kind, or all ranges of one index, compiled once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Select,
    Text,
    any_,
    bindparam,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from classtap_core.kernel.authority import Mark
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import Row, index_of
from cloud.storage.database import Database, Prepared
from cloud.storage.tables import Tables, indexed

_encode = msgspec.json.Encoder().encode
_Asked = list[tuple[str | int, ...]]


class _Shape(NamedTuple):
    """What a query of ranges is compiled for."""

    kind: str
    by: str
    width: int
    low: bool
    high: bool


class Finds:
    """The compiled queries of one database.

    What is asked for travels as one JSON text (SQLite) or as one array a column (PostgreSQL), so that a query is the
    same for one and for a thousand.
    """

    def __init__(self, database: Database, tables: Tables) -> None:
        self._database, self._tables = database, tables
        self._ranges: dict[_Shape, Prepared] = {}
        self._keys: dict[Column[Any], Prepared] = {}

    def by_id(self, connection: Connection, studio: Id, kind: str, ids: Iterable[Id]) -> Iterator[Row]:
        """The rows of one kind that are there, in any order."""
        columns = self._tables.records[kind].table.c
        made = lambda: select(columns.id, columns.scope, columns.body)  # noqa: E731
        for id, scope, body in self._keyed(connection, studio, columns.id, made, ids):
            yield Row(kind, id, scope, body)

    def authors(self, connection: Connection, studio: Id, operations: Iterable[Id]) -> dict[Id, Id]:
        """Which device wrote each of the operations that are there."""
        log = self._tables.log.c
        made = lambda: select(log.operation, log.device_id)  # noqa: E731
        found = self._keyed(connection, studio, log.operation, made, operations)
        return {Id(operation): Id(device) for operation, device in found}

    def marks(self, connection: Connection, studio: Id, devices: Iterable[Id]) -> Iterator[Mark]:
        """How far the cloud has taken devices, their rows locked."""
        device = self._tables.device.c
        columns = (device.id, device.epoch, device.sequence, device.hash, device.public_key, device.contested)
        made = lambda: select(*columns).order_by(device.id).with_for_update()  # noqa: E731
        for id, epoch, sequence, hash, key, contested in self._keyed(connection, studio, device.id, made, devices):
            yield Mark(
                device=Id(id), epoch=epoch, sequence=sequence, hash=hash, public_key=bytes(key), contested=contested
            )

    def guards(self, connection: Connection, studio: Id, names: Iterable[str]) -> set[str]:
        """Those of the guards that are there, locked in the order of their names."""
        guard = self._tables.guard.c
        made = lambda: select(guard.name).order_by(guard.name).with_for_update()  # noqa: E731
        return {name for (name,) in self._keyed(connection, studio, guard.name, made, names)}

    def keys(self, connection: Connection, studio: Id, subjects: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """The wrapped keys of those subjects that ever had one; None of a destroyed one."""
        key = self._tables.subject_key.c
        made = lambda: select(key.subject, key.wrapped)  # noqa: E731
        for subject, wrapped in self._keyed(connection, studio, key.subject, made, subjects):
            yield subject, None if wrapped is None else bytes(wrapped)

    def _keyed(
        self, connection: Connection, studio: Id, key: Column[Any], made: Callable[[], Select[Any]], ids: Iterable[str]
    ) -> Sequence[Any]:
        if key not in self._keys:
            wanted: ColumnElement[bool]
            if self._database.dialect == "sqlite":
                wanted = key.in_(select(func.json_each(bindparam("ids")).table_valued("value").c.value))
            else:
                wanted = key == any_(bindparam("ids", type_=ARRAY(Text)))
            studio_id = key.table.c.studio_id
            self._keys[key] = self._database.prepared(made().where(studio_id == bindparam("studio"), wanted))
        several = list(ids)
        asked = _encode(several).decode() if self._database.dialect == "sqlite" else several
        return self._keys[key].run(connection, {"studio": studio, "ids": asked})

    def run(self, connection: Connection, studio: Id, wanted: Sequence[Range]) -> list[list[Row]]:
        """The rows of each range, in its index's order, then by id."""
        found: list[list[Row]] = [[] for _ in wanted]
        alike: dict[_Shape, _Asked] = {}
        for position, one in enumerate(wanted):
            shape = _Shape(one.record.KIND, one.by, len(one.equals), one.low is not None, one.high is not None)
            told = [position, *map(indexed, one.equals)]
            if shape.low:
                told.append(indexed(one.low))
            if shape.high:
                told.append(indexed(one.high))
            alike.setdefault(shape, []).append(tuple(told))
        for shape, asked in alike.items():
            if shape not in self._ranges:
                self._ranges[shape] = self._database.prepared(self._query(shape))
            given = {"studio": studio, **self._given(shape, asked)}
            for position, id, scope, body in self._ranges[shape].run(connection, given):
                found[position].append(Row(shape.kind, id, scope, body))
        return found

    def _given(self, shape: _Shape, asked: _Asked) -> dict[str, Any]:
        if self._database.dialect == "sqlite":
            return {"asked": _encode(asked).decode()}
        return dict(zip(_names(shape), map(list, zip(*asked, strict=True)), strict=True))

    def _query(self, shape: _Shape) -> Select[Any]:
        found = self._tables.records[shape.kind]
        columns = found.table.c
        fields = [columns[f"by_{field}"] for field in index_of(found.record, shape.by).fields]
        names = _names(shape)
        bounds = fields[shape.width : shape.width + 1] * (shape.low + shape.high)
        kinds = [BigInteger(), *map(_plain, fields[: shape.width] + bounds)]
        asked: Any
        if self._database.dialect == "sqlite":
            each = func.json_each(bindparam("asked")).table_valued("value")
            values = [
                func.json_extract(each.c.value, literal_column(f"'$[{place}]'")).label(name)
                for place, name in enumerate(names)
            ]
            asked = select(*values).cte("asked")
        else:
            arrays = [bindparam(name, type_=ARRAY(kind)) for name, kind in zip(names, kinds, strict=True)]
            asked = func.unnest(*arrays).table_valued(*names).render_derived(name="asked")
        clauses = [columns.studio_id == bindparam("studio")]
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


def _names(shape: _Shape) -> list[str]:
    """The columns of what is asked: a number for the range, its equal fields, its bounds."""
    ends = [name for name, there in (("low", shape.low), ("high", shape.high)) if there]
    return ["n", *(f"e{order}" for order in range(shape.width)), *ends]


def _plain(field: Column[Any]) -> BigInteger | Text:
    return BigInteger() if isinstance(field.type, BigInteger) else Text()
