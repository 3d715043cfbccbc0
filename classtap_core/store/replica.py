"""The cloud's own rows as they lie here, overlays lifted: by scope, in the order of a snapshot, and as digests."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.digests import MODULUS, Digest, digest, leaf_of, row_number
from classtap_core.kernel.ids import Id
from classtap_core.store.reader import StoreReader
from classtap_core.store.rows import RecordTable

Place = tuple[str, str, str]
"""A row's kind, scope and id: what a snapshot is in order of."""


class BaseRow(NamedTuple):
    """A row as the cloud sent it."""

    kind: str
    id: Id
    scope: str
    body: bytes


def base_rows(reader: StoreReader, pattern: str) -> Iterator[BaseRow]:
    """The cloud's rows of a scope or pattern, in no order; of kinds this program does not know too."""
    for table, layer in _layers(reader, pattern):
        where, given = _within(layer.scope, pattern)
        rows = reader.conn.execute(
            f'SELECT id, {layer.scope}, {layer.body} FROM "{table.name}" WHERE {layer.where} AND {where}', given
        )
        for id, scope, found in rows:
            yield BaseRow(table.kind, id, scope, found)
    where, given = _within("scope", pattern)
    for kind, id, scope, found in reader.conn.execute(f"SELECT kind, id, scope, body FROM aside WHERE {where}", given):
        yield BaseRow(kind, id, scope, found)


def _places(reader: StoreReader, pattern: str, *, after: Place | None, until: Place | None) -> Iterator[Place]:
    """Where those of them lie that come behind `after`, and not behind `until`, in no order.

    A large scope is loaded in many pages, and this is asked for each: what lies outside is not looked at.
    """
    for table, layer in _layers(reader, pattern):
        if (after and table.kind < after[0]) or (until and table.kind > until[0]):
            continue
        low = after[1:] if after and table.kind == after[0] else None
        high = until[1:] if until and table.kind == until[0] else None
        where, given = _between(layer.scope, pattern, low, high)
        rows = reader.conn.execute(
            f'SELECT {layer.scope}, id FROM "{table.name}" WHERE {layer.where} AND {where}', given
        )
        for scope, id in rows:
            yield (table.kind, scope, id)
    where, given = _within("scope", pattern)
    for place in reader.conn.execute(f"SELECT kind, scope, id FROM aside WHERE {where}", given):
        if (after is None or place > after) and (until is None or place <= until):
            yield place


class _Layer(NamedTuple):
    """Where the cloud's rows lie in a record's table: their columns, and the condition."""

    scope: str
    body: str
    where: str


_LAYERS = (
    _Layer("scope", "body", "overlaid = 0 AND body IS NOT NULL"),
    _Layer("base_scope", "base", "overlaid = 1 AND base IS NOT NULL"),
)


def _layers(reader: StoreReader, pattern: str) -> Iterator[tuple[RecordTable, _Layer]]:
    first = pattern.split("/", 1)[0]
    for table in reader.tables.values():
        if table.record.PREFIX.split("/", 1)[0] == first:
            yield from ((table, layer) for layer in _LAYERS)


def digest_of(reader: StoreReader, pattern: str) -> Digest:
    """The digest of a scope or pattern as it lies here."""
    return digest(row_number(row.kind, row.id, row.scope, row.body) for row in base_rows(reader, pattern))


def leaves_of(reader: StoreReader, pattern: str) -> dict[str, str]:
    """The sums of those leaves of a scope that have rows."""
    sums: dict[str, int] = {}
    for row in base_rows(reader, pattern):
        leaf = leaf_of(row.id)
        sums[leaf] = (sums.get(leaf, 0) + row_number(row.kind, row.id, row.scope, row.body)) % MODULUS
    return {leaf: f"{total:016x}" for leaf, total in sums.items()}


def not_in_page(
    reader: StoreReader, pattern: str, rows: Iterable[Pulled], *, after: Place | None, last: bool
) -> list[Pulled]:
    """What is here between two places of a snapshot and is not in the page between them: as gone.

    The page begins behind `after`, and ends with its last row, or, when it is the `last`, with the scope.
    """
    there = {(row.kind, row.scope, row.id) for row in rows}
    until = None if last else max(there, default=after)
    if not last and until is None:
        return []
    return [
        Pulled(place[0], Id(place[2]), place[1], None)
        for place in _places(reader, pattern, after=after, until=until)
        if place not in there
    ]  # fmt: skip


def not_in_leaf(reader: StoreReader, pattern: str, rows: Iterable[Pulled], *, leaf: str) -> list[Pulled]:
    """What is here of a leaf and is not among its rows: as gone."""
    there = {(row.kind, row.id) for row in rows}
    return [
        Pulled(row.kind, row.id, row.scope, None)
        for row in base_rows(reader, pattern)
        if leaf_of(row.id) == leaf and (row.kind, row.id) not in there
    ]


def _within(column: str, pattern: str) -> tuple[str, tuple[str, ...]]:
    """`kernel.scopes.covers` as a condition; `0` follows `/`."""
    if not pattern.endswith("/*"):
        return f"{column} = ?", (pattern,)
    stem = pattern[:-2]
    return f"({column} = ? OR ({column} >= ? AND {column} < ?))", (stem, stem + "/", stem + "0")


def _between(
    column: str, pattern: str, low: tuple[str, str] | None, high: tuple[str, str] | None
) -> tuple[str, tuple[str, ...]]:
    """`_within`, and (scope, id) above `low` and not above `high`. Within one scope ids alone say that: they have an index."""
    scope = low[0] if low and high and low[0] == high[0] else pattern
    where, given = _within(column, scope)
    one = not scope.endswith("/*")
    for bound, sign in ((low, ">"), (high, "<=")):
        if bound:
            where += f" AND id {sign} ?" if one else f" AND ({column}, id) {sign} (?, ?)"
            given += bound[1:] if one else bound
    return where, given
