"""What a store's damaged pages belong to, and so what can be made again, fetched again, or is gone."""

from collections.abc import Iterator
from typing import NamedTuple

from classtap_core.store.pages import TABLE_LEAF, Damaged, Pages, Row

MADE_AGAIN = ("searchable", "search_word", "search_reach", "trail", "sqlite_stat")
"""How the names of tables begin whose rows are derived from others."""

FETCHED = ("record_", "aside")
"""… whose rows the cloud has, but for what unsent work laid over them, which the log has."""

SPARE = ("observation", "meta_copy")
"""… that nothing rests on, or that is there twice."""


class Tree(NamedTuple):
    """A table or an index as the file has it.

    Attributes: `kind` is `table` or `index`; `table` an index's own; `sql` what made it, "" for an automatic index.
    """

    kind: str
    name: str
    table: str
    root: int
    sql: str


class Damage(NamedTuple):
    """What is damaged.

    Attributes:
        pages: whose seal is broken. trees: names of tables and indexes, each with its damaged pages. tables: of those the
        tables. schema: whether part of the list of tables itself is among them. beneath: pages that are whole but can
        no longer be reached, for what is above them is damaged.
    """

    pages: tuple[int, ...]
    trees: dict[str, tuple[int, ...]]
    tables: tuple[str, ...]
    schema: bool
    beneath: tuple[int, ...]

    @property
    def indexes(self) -> tuple[str, ...]:
        return tuple(name for name in self.trees if name not in self.tables)

    @property
    def losing(self) -> tuple[str, ...]:
        """Tables that may have lost rows which only this device had."""
        return tuple(name for name in self.tables if not name.startswith((*MADE_AGAIN, *FETCHED, *SPARE)))

    @property
    def mends_itself(self) -> bool:
        """Whether all that is damaged can be made or fetched again."""
        return not self.schema and not self.losing


def trees_of(pages: Pages) -> tuple[list[Tree], bool]:
    """The tables and indexes of a store, and whether some may be missing because their list is damaged."""
    reached = dict(pages.tree(1))
    leaves = [number for number, whole in reached.items() if whole]
    broken = not all(reached.values())
    if broken:
        leaves += [
            number for number in range(2, pages.count + 1) if number not in reached and _lists_trees(pages, number)
        ]
    found = {}
    for number in leaves:
        for row in pages.rows(number):
            if isinstance(row, Damaged):
                broken = True
            elif (tree := _tree(row)) is not None:
                found[tree.name] = tree
    return list(found.values()), broken


def _lists_trees(pages: Pages, number: int) -> bool:
    if pages.kind(number) != TABLE_LEAF:
        return False
    rows = [row for row in pages.rows(number) if isinstance(row, Row)]
    kinds = {"table", "index", "trigger", "view"}
    return bool(rows) and all(len(row.values) == 5 and row.values[0] in kinds for row in rows)


def _tree(row: Row) -> Tree | None:
    match row.values:
        case (str(kind), str(name), str(table), int(root), sql) if root and kind in ("table", "index"):
            return Tree(kind, name, table, root, str(sql or ""))
    return None


def find_damage(pages: Pages) -> Damage:
    """Say what is damaged."""
    trees, schema = trees_of(pages)
    damaged: dict[str, tuple[int, ...]] = {}
    reached = {number for number, _ in pages.tree(1)}
    for tree in trees:
        seen = dict(pages.tree(tree.root))
        reached |= seen.keys()
        if broken := tuple(number for number, whole in seen.items() if not whole):
            damaged[tree.name] = broken
        elif tree.kind == "table" and any(isinstance(row, Damaged) for row in _all_rows(pages, list(seen))):
            damaged[tree.name] = ()  # a row goes on over a damaged page
    beneath = tuple(_unreached(pages, reached)) if damaged or schema else ()
    tables = tuple(tree.name for tree in trees if tree.kind == "table" and tree.name in damaged)
    return Damage(pages.damaged, damaged, tables, schema, beneath)


def _all_rows(pages: Pages, numbers: list[int]) -> Iterator[Row | Damaged]:
    if pages.damaged:
        for number in numbers:
            yield from pages.rows(number)


def _unreached(pages: Pages, reached: set[int]) -> Iterator[int]:
    for number in range(1, pages.count + 1):
        if number not in reached and pages.kind(number) == TABLE_LEAF:
            yield number
