"""The cloud's own rows as they lie here, overlays lifted: by scope, in the order of a snapshot, and as digests."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.digests import MODULUS, Digest, digest, leaf_of, row_number
from classtap_core.kernel.ids import Id
from classtap_core.store.reader import StoreReader

Place = tuple[str, str, str]
"""A row's kind, scope and id: what a snapshot is in order of."""


class BaseRow(NamedTuple):
    """A row as the cloud sent it."""

    kind: str
    id: Id
    scope: str
    body: bytes

    @property
    def place(self) -> Place:
        return (self.kind, self.scope, self.id)


def base_rows(reader: StoreReader, pattern: str) -> Iterator[BaseRow]:
    """The cloud's rows of a scope or pattern, in no order; of kinds this program does not know too."""
    first = pattern.split("/", 1)[0]
    for table in reader.tables.values():
        if table.record.PREFIX.split("/", 1)[0] != first:
            continue
        for column, body, overlaid in (("scope", "body", 0), ("base_scope", "base", 1)):
            where, given = _within(column, pattern)
            rows = reader.conn.execute(
                f'SELECT id, {column}, {body} FROM "{table.name}"'
                f" WHERE overlaid = {overlaid} AND {body} IS NOT NULL AND {where}",
                given,
            )
            for id, scope, found in rows:
                yield BaseRow(table.kind, id, scope, found)
    where, given = _within("scope", pattern)
    for kind, id, scope, found in reader.conn.execute(f"SELECT kind, id, scope, body FROM aside WHERE {where}", given):
        yield BaseRow(kind, id, scope, found)


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
        Pulled(row.kind, row.id, row.scope, None)
        for row in base_rows(reader, pattern)
        if row.place not in there
        and (after is None or row.place > after)
        and (until is None or row.place <= until)
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
