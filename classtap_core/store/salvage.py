"""A store made again from what of a damaged one can be read: every whole row, every unsent operation, indexes anew.

Nothing is guessed: a page whose seal is broken is left out, and what it may have held is named. What the cloud has is
fetched again, scope by scope; the damaged file stays aside.
"""

import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.kernel.ids import Entropy
from classtap_core.kernel.operations import Registry
from classtap_core.store import keys, rotation, schema
from classtap_core.store.check import KNOWN_GAPS, check, known_gaps
from classtap_core.store.damage import MADE_AGAIN, Damage, find_damage, trees_of
from classtap_core.store.device import SqlDevice
from classtap_core.store.engine import connect, database, faults, whole
from classtap_core.store.folder import ASIDE, DATABASE, Ownership, prepare, remove_database, sync_folder, write_fault
from classtap_core.store.log import position, sequence_of
from classtap_core.store.pages import Damaged, Pages, Row
from classtap_core.store.rows import RecordTable
from classtap_core.store.told import TABLES

log = logging.getLogger("classtap.store")

READY = ".salvaged"
"""What is put after the name of a new file that is whole and only has to be swapped in."""

MEND_FILE = "store.mend"
"""Says that the next start mends the store before it opens it: nothing is lost by that."""

BAD_ENDS = 3
"""So many bad ends one after the other, and the next start looks at every page before it opens the store."""

_NOT_REUSED = 1_000_000
_NEEDED = ("standing", "signing_key")
_RESTED_ON = frozenset({"log", "subject_key", "touch", "touch_range"})
"""Tables without which an epoch cannot go on: what is in them says what was done, and what it rested on."""

_TOLD = frozenset(TABLES)
"""What other devices told: the tables say something only together, and what it came to may lie in any scope's rows."""


class Salvaged(NamedTuple):
    """What salvaging came to.

    Attributes:
        pages: that were damaged. rebuilt: indexes and searches made anew. lost: tables that may have lost rows, with how
        many pages of each are damaged. entries: of the log that were kept. unsent: of those, what the cloud has not
        acknowledged. missing: sequences of the log that are gone, as far as their neighbours tell. scopes: to be fetched
        again. epoch: that the device is in now. begun: whether it is a new one, because the log is not whole, does
        not open everywhere or no longer says what it rests on. aside: where the damaged file lies; "" where there was nothing to mend.
    """

    pages: tuple[int, ...]
    rebuilt: tuple[str, ...] = ()
    lost: dict[str, int] = {}  # noqa: RUF012 - never changed
    entries: int = 0
    unsent: int = 0
    missing: tuple[int, ...] = ()
    scopes: tuple[str, ...] = ()
    epoch: int = 0
    begun: bool = False
    aside: str = ""


def salvage(
    folder: Path, registry: Registry, *, program: str, ring: keys.Ring | None = None, entropy: Entropy = os.urandom
) -> Salvaged:
    """Mend the store of a folder that nobody has open.

    Raises Refused `store.in_use`, `store.folder_open`; EnvironmentFault `store.missing`, `store.unreadable` (no page opens
    with the key), `store.no_identity` (which device this is cannot be read), `disk_full`, and as `keys.load`.
    """
    if not (folder / DATABASE).exists() and not (folder / (DATABASE + READY)).exists():
        raise EnvironmentFault("store.missing", folder=str(folder))
    prepare(folder)
    ownership = Ownership(folder, program)
    try:
        finish(folder)
        return mend(folder, rotation.settled_key(folder, ring).key, registry, entropy)
    finally:
        ownership.release()


def look(folder: Path, key: bytes) -> Damage:
    """What of a store is damaged. Raises EnvironmentFault `store.unreadable` where no page opens with the key."""
    return find_damage(Pages(folder / DATABASE, key))


def mend(folder: Path, key: bytes, registry: Registry, entropy: Entropy) -> Salvaged:
    """As `salvage`, for who owns the folder and knows the key."""
    path = folder / DATABASE
    pages = Pages(path, key)
    damage = find_damage(pages)
    if not damage.pages and not damage.trees and not damage.schema:
        (folder / MEND_FILE).unlink(missing_ok=True)
        return Salvaged(())
    fresh = path.with_name(path.name + ".new")
    try:
        remove_database(fresh)
        found = _made_again(fresh, key, pages, damage, registry, entropy)
        with fresh.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(fresh, path.with_name(path.name + READY))
        sync_folder(folder)
        return found._replace(aside=str(finish(folder)))
    except OSError as error:
        raise write_fault(error, folder) from error
    finally:
        remove_database(fresh)


def before_open(folder: Path, key: bytes, registry: Registry, entropy: Entropy, *, bad_ends: int) -> None:
    """Finish a salvage that was cut short, and mend what a look found and mends without loss.

    After every third bad end in a row the seals of all pages are looked at first: a damaged page must not be what ends
    the program again and again. (A damaged write-ahead log ends, for SQLite, before what is damaged of it.) Raises Refused `store.safe_start` with how many `pages` and the `tables`, where mending
    would lose something that only this device has.
    """
    ready = folder / (DATABASE + READY)
    if ready.is_file() and ready.stat().st_size and rotation.opens(ready, key):  # nothing else takes a store's place
        finish(folder)
    suspect = bad_ends > 0 and bad_ends % BAD_ENDS == 0
    if not (folder / MEND_FILE).exists() and (not suspect or whole(folder / DATABASE, key)):
        return
    damage = look(folder, key)
    if damage.mends_itself:
        _mend_or_go_on(folder, key, registry, entropy)
    elif suspect:
        raise Refused("store.safe_start", pages=len(damage.pages), tables=", ".join(damage.losing) or "?")
    else:
        (folder / MEND_FILE).unlink(missing_ok=True)


def _mend_or_go_on(folder: Path, key: bytes, registry: Registry, entropy: Entropy) -> None:
    """What cannot be mended now (the disk is full) must not keep the store closed: all but the damaged pages is there."""
    try:
        found = mend(folder, key, registry, entropy)
    except EnvironmentFault as fault:
        (folder / MEND_FILE).unlink(missing_ok=True)
        log.warning("the store could not be mended: %s", fault)
    else:
        if found.aside:
            log.warning("the store was mended: %s", found)


def to_be_mended(folder: Path, key: bytes) -> bool:
    """Whether what is damaged can be made again without loss; then the next start does it."""
    mends = look(folder, key).mends_itself
    if mends:
        (folder / MEND_FILE).touch(mode=0o600)
    return mends


def finish(folder: Path) -> Path | None:
    """Swap in a file that was made again; also where a power cut came between. Where the damaged one is now."""
    path = folder / DATABASE
    ready = path.with_name(path.name + READY)
    if not ready.exists():
        return None
    aside = path.with_name(path.name + ASIDE)
    for end in ("", "-wal"):
        there = path.with_name(path.name + end)
        if there.exists():
            copy = aside.with_name(aside.name + end)
            shutil.copyfile(there, copy)
            os.chmod(copy, 0o600)
            with copy.open("rb+") as file:
                os.fsync(file.fileno())
    sync_folder(folder)
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    os.replace(ready, path)
    (folder / MEND_FILE).unlink(missing_ok=True)
    sync_folder(folder)
    return aside


def _made_again(path: Path, key: bytes, pages: Pages, damage: Damage, registry: Registry, entropy: Entropy) -> Salvaged:
    made = SqlDevice.create(path, key, registry, entropy=entropy)
    try:
        with faults(path), database(made.conn).atomic():
            reader = _Reader(pages, damage, made)
            for table in reader.tables:
                reader.copy(table)
            made.conn.execute("INSERT OR IGNORE INTO meta (name, value) SELECT name, value FROM meta_copy")
            made.go_on_with(made.conn, registry)
            there = {name for (name,) in made.conn.execute("SELECT name FROM meta")}
            if not there.issuperset(_NEEDED):
                raise EnvironmentFault("store.no_identity")
            schema.derive_all(database(made.conn), made.tables)
            _number_on(made, reader)
        found = _stand(made, damage, reader)
        if check(made).file:
            raise EnvironmentFault("store.damaged")
        if not made.checkpoint(truncate=True):
            raise EnvironmentFault("store.locked")
        return found
    finally:
        made.close()


class _Reader:
    """Copies rows of a damaged store into a new one, table by table of the new one's."""

    def __init__(self, pages: Pages, damage: Damage, into: SqlDevice) -> None:
        self._pages, self._damage, self._into = pages, damage, into
        trees, _ = trees_of(pages)
        self._trees = {tree.name: tree for tree in trees if tree.kind == "table"}
        names = into.conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rootpage")
        self.tables = [name for (name,) in names if not name.startswith(("sqlite_", *MADE_AGAIN)) and name != "search"]
        self._columns = {
            table: [
                (name, kind, bool(key))
                for _, name, kind, _, _, key in into.conn.execute(f'PRAGMA table_info("{table}")')
            ]
            for table in self.tables
        }
        self._doubtful = [name for name in self.tables if name in damage.tables or name not in self._trees]
        self.lost = {name: max(1, len(damage.trees.get(name, ()))) for name in self._doubtful}
        self.sequences: dict[str, int] = {
            str(row.values[0]): int(row.values[1] or 0) for row in self._rows("sqlite_sequence") if len(row.values) == 2
        }

    def _rows(self, table: str) -> Iterator[Row]:
        tree = self._trees.get(table)
        numbers = [] if tree is None else [number for number, whole in self._pages.tree(tree.root) if whole]
        for number in numbers:
            yield from (row for row in self._pages.rows(number) if not isinstance(row, Damaged))

    def _loose(self, table: str) -> Iterator[Row]:
        """Rows that can no longer be reached, where they can be of this table and of no other."""
        if table not in self._doubtful:
            return
        for number in self._damage.beneath:
            rows = [row for row in self._pages.rows(number) if not isinstance(row, Damaged)]
            if rows and [one for one in self._doubtful if all(self._may_be(one, row) for row in rows)] == [table]:
                yield from rows

    def _may_be(self, table: str, row: Row) -> bool:
        """Whether a row has a table's columns, and where it is a record's, says of itself what it is."""
        columns = self._columns[table]
        types = {"TEXT": str, "INTEGER": int, "BLOB": bytes}
        if len(row.values) != len(columns):
            return False
        if not all(
            value is None or name.startswith("f_") or isinstance(value, types.get(kind, object))
            for value, (name, kind, _) in zip(row.values, columns, strict=True)
        ):
            return False
        record = next((one for one in self._into.tables.values() if one.name == table), None)
        return record is None or _says_so(record, dict(zip([name for name, *_ in columns], row.values, strict=True)))

    def copy(self, table: str) -> None:
        columns = self._own_columns(table)
        there = [name for name, *_ in self._columns[table]]
        numbered = [name for name, kind, key in self._columns[table] if key and kind == "INTEGER"]
        number = numbered[0] if len(numbered) == 1 and sum(key for *_, key in self._columns[table]) == 1 else ""
        taken = [name for name in columns if name in there]
        sql = f'INSERT OR IGNORE INTO "{table}" ({", ".join(f"{chr(34)}{name}{chr(34)}" for name in taken)}) VALUES ({", ".join("?" * len(taken))})'
        for rows, names in ((self._rows(table), columns), (self._loose(table), there)):
            self._into.conn.executemany(sql, (_values(row, names, taken, number) for row in rows))

    def _own_columns(self, table: str) -> Sequence[str]:
        """The columns a table had in the damaged store, in the order its rows have them."""
        tree = self._trees.get(table)
        if tree is None:
            return [name for name, *_ in self._columns[table]]
        conn = connect(Path(":memory:"), None, journal="MEMORY")
        try:
            conn.execute(tree.sql)
            return [name for _, name, *_ in conn.execute(f'PRAGMA table_info("{table}")')]
        finally:
            conn.close()


def _values(row: Row, columns: Sequence[str], taken: Sequence[str], number: str) -> list[Any]:
    named = dict(zip(columns, row.values, strict=False))
    if number and named.get(number) is None:
        named[number] = row.number
    return [named.get(name) for name in taken]


def _says_so(table: RecordTable, row: dict[str, Any]) -> bool:
    """Whether the record in a row is of the table's kind, by its id and the scope it computes for itself."""
    body, scope = (row["body"], row["scope"]) if row["body"] is not None else (row["base"], row["base_scope"])
    made = None if body is None else table.read(body)
    return made is not None and made.id == row["id"] and made.scope() == scope


def _number_on(made: SqlDevice, reader: _Reader) -> None:
    """No number of a person's key is given twice, also where it is lost which was the last."""
    for name, last in made.conn.execute("SELECT name, seq FROM sqlite_sequence").fetchall():
        known = reader.sequences.get(name)
        following = max(last, known) if known is not None else last + _NOT_REUSED
        made.conn.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (following, name))
    begun = {name for (name,) in made.conn.execute("SELECT name FROM sqlite_sequence")}
    made.conn.executemany(
        "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)",
        [(name, known) for name, known in reader.sequences.items() if name not in begun],
    )


def _stand(made: SqlDevice, damage: Damage, reader: _Reader) -> Salvaged:
    """Where the device stands with what was kept: what is laid over again, fetched again, begun anew."""
    head = made.head()
    own = [
        sequence_of(at)
        for (at,) in made.conn.execute(
            "SELECT position FROM log WHERE position BETWEEN ? AND ? ORDER BY position",
            (position(head.epoch, 0), position(head.epoch + 1, 0) - 1),
        )
    ]
    missing = sorted(set(range(1, max(own[-1] if own else 0, head.acked) + 1)) - set(own))
    begun = bool(missing) or not _RESTED_ON.isdisjoint(reader.lost)
    unsent = sum(1 for sequence in own if sequence > head.acked) + len(made.unsent_before())
    scopes = _to_refetch(made, reader)
    with made.atomic():
        if begun:
            scopes = tuple(state.scope for state in made.scopes())
            made.begin_epoch(head.epoch + 1)
        else:
            _lay_over(made)
            if not _TOLD.isdisjoint(reader.lost):
                made.told.drop_all()  # it is told again, or comes with the cloud's rows
            made.reload(scopes)
        if begun:
            made.remember(KNOWN_GAPS, msgspec.json.encode(sorted({*known_gaps(made), head.epoch})))
    return Salvaged(
        pages=damage.pages, rebuilt=(*damage.indexes, *(name for name in damage.tables if name.startswith(MADE_AGAIN))),
        lost=reader.lost, entries=len(own), unsent=unsent, missing=tuple(missing), scopes=scopes,
        epoch=made.head().epoch, begun=begun,
    )  # fmt: skip


def _to_refetch(made: SqlDevice, reader: _Reader) -> tuple[str, ...]:
    """Held scopes of which rows may be gone."""
    held = [state.scope for state in made.scopes()]
    if "aside" in reader.lost or not _TOLD.isdisjoint(reader.lost):
        return tuple(held)
    prefixes = {table.record.PREFIX.split("/")[0] for table in made.tables.values() if table.name in reader.lost}
    return tuple(scope for scope in held if scope.split("/")[0] in prefixes)


def _lay_over(made: SqlDevice) -> None:
    """Lay what unsent work wrote over what is lost: the log has it whole."""
    waiting = made.conn.execute(
        "SELECT position FROM log WHERE folded = 1 AND settled = 0 ORDER BY position"
    ).fetchall()
    entries = made.entries(sequence_of(at) for (at,) in waiting)
    absent = {
        change.ref
        for entry in entries
        for change in entry.changes
        if change.kind in made.tables
        and made.conn.execute(f'SELECT 1 FROM "{made.tables[change.kind].name}" WHERE id = ?', (change.id,)).fetchone()
        is None
    }
    for entry in entries:
        made.lay_over([change for change in entry.changes if change.ref in absent and change.body is not None])
