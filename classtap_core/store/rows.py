"""Record tables: what a person sees, and beneath an overlay the cloud's own row. One table per kind of record.

A row without an overlay holds its body once. An overlay moves the cloud's body to `base`; a NULL body under an
overlay is a row that unsent work deleted.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

import msgspec

from classtap_core.kernel.blobs import Blob, blobs_in, carries, may_name, subjects_of_blobs
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.errors import ProgramFault
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range, Registry
from classtap_core.kernel.records import Record, Row, decode, index_of
from classtap_core.kernel.tx import Change, Ref
from classtap_core.store import search
from classtap_core.store.blob_rows import BlobRows
from classtap_core.store.engine import Connection


class RecordTable:
    """The SQL of one kind of record, made from its declaration.

    Attributes:
        name: of the table. fields: of all its declared indexes, each a column `f_<field>` of no type, so that text
            and integers come back, compare and sort as they are. carries: whether its rows may name blobs.
    """

    def __init__(self, record: type[Record]) -> None:
        self.record, self.kind = record, record.KIND
        self.name = f"record_{record.KIND}"
        self.fields = tuple(dict.fromkeys(field for index in record.INDEXES for field in index.fields if field != "id"))
        self.searched = bool(record.SEARCH)
        self.carries = carries(record)
        columns = [column(field) for field in self.fields]
        table = f'"{self.name}"'
        seen = ["scope", "body", *columns]
        self.seen_sql = (
            f"INSERT INTO {table} (id, {', '.join(seen)}) VALUES (?{', ?' * len(seen)})"
            f" ON CONFLICT (id) DO UPDATE SET {_taken(seen)} WHERE NOT overlaid"
        )
        self.base_sql = f"UPDATE {table} SET base = ?, base_scope = ? WHERE id = ? AND overlaid = 1"
        self.gone_sql = f"DELETE FROM {table} WHERE id = ? AND overlaid = 0"
        keep = (
            "base = CASE overlaid WHEN 1 THEN base ELSE body END,"
            " base_scope = CASE overlaid WHEN 1 THEN base_scope ELSE scope END, overlaid = 1"
        )
        self.overlay_sql = (
            f"INSERT INTO {table} (id, {', '.join(seen)}, overlaid) VALUES (?{', ?' * len(seen)}, 1)"
            f" ON CONFLICT (id) DO UPDATE SET {keep}, {_taken(seen)}"
        )
        blank = ", ".join(f"{name} = NULL" for name in ("body", *columns))
        self.hide_sql = f"UPDATE {table} SET {keep}, {blank} WHERE id = ?"
        bare = ", ".join(f"{name} = ?" for name in seen)
        self.bare_sql = f"UPDATE {table} SET {bare}, base = NULL, base_scope = NULL, overlaid = 0 WHERE id = ?"
        told = ", ".join(f"{name} = ?" for name in ("body", "base", *columns))
        self.erase_sql = f"UPDATE {table} SET {told} WHERE id = ?"
        self.drop_sql = f"DELETE FROM {table} WHERE id = ?"
        many = "(SELECT value FROM json_each(?))"
        self.row_sql = f"SELECT id, scope, body FROM {table} WHERE id = ? AND body IS NOT NULL"
        self.rows_sql = f"SELECT id, scope, body FROM {table} WHERE id IN {many} AND body IS NOT NULL"
        self.beneath_sql = f"SELECT id, base_scope, base FROM {table} WHERE overlaid = 1 AND id IN {many}"
        self.any_overlaid_sql = f"SELECT 1 FROM {table} WHERE overlaid = 1 LIMIT 1"
        self._find_sql: dict[tuple[Any, ...], str] = {}

    def derived(self, body: bytes) -> tuple[tuple[Any, ...], search.Words]:
        """The index columns and the search words of a body. One this version cannot read is kept, and not found."""
        if not self.fields and not self.searched:
            return (), search.NOTHING
        made = self.read(body)
        if made is None:
            return (None,) * len(self.fields), search.NOTHING
        values = tuple(_stored(getattr(made, field)) for field in self.fields)
        return values, search.words_of(made) if self.searched else search.NOTHING

    def blobs(self, body: bytes | None) -> Iterator[tuple[Blob, str]]:
        """The blobs a body names, and whose each is; none of one this version cannot read."""
        if body is None or not self.carries or not may_name(body):
            return
        made = self.read(body)
        if made is None:
            return
        subjects = subjects_of_blobs(self.record, made)
        for blob in blobs_in(made):
            yield blob, subjects.get(blob.hash, "")

    def read(self, body: bytes) -> Record | None:
        """The record of a body, or None where this version cannot read it."""
        try:
            found: Record = decode(self.record, body)
        except msgspec.DecodeError:
            return None
        return found

    def find_sql(self, wanted: Range) -> str:
        """The query of a range: `equals`, then `low` and `high` that are not None, as parameters."""
        equals = wanted.equals[: len(index_of(wanted.record, wanted.by).fields)]
        shape = (wanted.by, len(equals), wanted.low is None, wanted.high is None)
        made = self._find_sql.get(shape)
        if made is None:
            made = self._find_sql[shape] = self._make_find(wanted, len(equals))
        return made

    def _make_find(self, wanted: Range, leading: int) -> str:
        fields = index_of(wanted.record, wanted.by).fields
        tests = [f"{column(field)} IS ?" for field in fields[:leading]]
        if wanted.low is not None or wanted.high is not None:
            if leading == len(fields):
                raise ProgramFault(f"{self.kind} {wanted.by}: bounds beyond the index's fields")
            after = column(fields[leading])
            tests += [f"{after} >= ?"] if wanted.low is not None else [f"{after} IS NOT NULL"]
            tests += [f"{after} <= ?"] if wanted.high is not None else []
        order = ", ".join(dict.fromkeys([*(column(field) for field in fields), "id"]))
        where = " AND ".join([*tests, "body IS NOT NULL"])
        return f'SELECT id, scope, body FROM "{self.name}" WHERE {where} ORDER BY {order}'


def column(field: str) -> str:
    return "id" if field == "id" else f'"f_{field}"'


def _taken(columns: Iterable[str]) -> str:
    return ", ".join(f"{name} = excluded.{name}" for name in columns)


def _stored(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def tables_of(registry: Registry) -> dict[str, RecordTable]:
    return {kind: RecordTable(record) for kind, record in registry.records.items()}


def id_list(ids: Iterable[str]) -> str:
    """Ids as one parameter, for `json_each`."""
    return msgspec.json.encode(list(ids)).decode()


class RowReader:
    """Reads what a person sees, through one connection."""

    def __init__(self, conn: Connection, tables: Mapping[str, RecordTable]) -> None:
        self.conn, self.tables = conn, tables

    def rows(self, record: type[Record], ids: Iterable[Id]) -> Mapping[Id, Row]:
        table = self.tables[record.KIND]
        wanted = list(ids)
        if len(wanted) == 1:
            found = self.conn.execute(table.row_sql, wanted).fetchall()
        else:
            found = self.conn.execute(table.rows_sql, (id_list(wanted),)).fetchall()
        return {id: Row(table.kind, id, scope, body) for id, scope, body in found}

    def find(self, wanted: Range) -> list[Row]:
        table = self.tables[wanted.record.KIND]
        leading = wanted.equals[: len(index_of(wanted.record, wanted.by).fields)]
        bounds = [bound for bound in (wanted.low, wanted.high) if bound is not None]
        found = self.conn.execute(table.find_sql(wanted), (*leading, *bounds)).fetchall()
        return [Row(table.kind, id, scope, body) for id, scope, body in found]

    def search(
        self, text: str, *, kinds: Iterable[str] | None, readable: search.Readable | None, most: int
    ) -> list[search.Found]:
        """As `StoreReader.search`."""
        wanted = [kind for kind, table in self.tables.items() if table.searched and (kinds is None or kind in kinds)]
        return search.find(
            self.conn, text, kinds=wanted, rows=lambda kind, ids: self.rows(self.tables[kind].record, ids).values(),
            record_of=lambda row: self.tables[row.kind].read(row.body), readable=readable, most=min(most, search.MOST),
        )  # fmt: skip


class RowWriter(RowReader):
    """Writes base rows and overlays, and says each record it changed to `changed`."""

    def __init__(
        self, conn: Connection, tables: Mapping[str, RecordTable], changed: Callable[[str, Id, str], None],
        blobs: BlobRows,
    ) -> None:  # fmt: skip
        super().__init__(conn, tables)
        self._changed, self._blobs = changed, blobs

    def overlay(self, changes: Iterable[Change]) -> None:
        """Lay changes over the base rows; of several of one record the last stays."""
        by_kind: dict[str, dict[Id, Change]] = {}
        for change in changes:
            if change.body is None and change.after is not None:
                continue  # what an erased person's operation wrote is gone
            by_kind.setdefault(change.kind, {})[change.id] = change
            self._changed(change.kind, change.id, change.scope)
            if change.left:
                self._changed(change.kind, change.id, change.left)
        for kind, latest in by_kind.items():
            self._overlay_kind(self.tables[kind], list(latest.values()))

    def _overlay_kind(self, table: RecordTable, changes: Sequence[Change]) -> None:
        found: list[tuple[Id, search.Words]] = []
        shown: list[tuple[Any, ...]] = []
        for change in changes:
            if change.body is None:
                self.conn.execute(table.hide_sql, (change.id,))
                found.append((change.id, search.NOTHING))
            else:
                values, words = table.derived(change.body)
                shown.append((change.id, change.scope, change.body, *values))
                found.append((change.id, words))
        if shown:
            self.conn.executemany(table.overlay_sql, shown)
        if table.searched:
            search.put(self.conn, table.kind, found)

    def put_base(self, rows: Iterable[Pulled]) -> None:
        """Replace the cloud's rows: at once where nothing lies over them, beneath the overlay elsewhere.

        Rows of a kind this version does not know are kept aside for the version that will.
        """
        by_kind: dict[str, dict[Id, Pulled]] = {}
        for row in rows:
            by_kind.setdefault(row.kind, {})[row.id] = row
            self._changed(row.kind, row.id, row.scope)
        for kind, latest in by_kind.items():
            table = self.tables.get(kind)
            if table is None:
                self._keep_aside(kind, list(latest.values()))
            else:
                self._put_kind(table, list(latest.values()))

    def _put_kind(self, table: RecordTable, rows: Sequence[Pulled]) -> None:
        conn = self.conn
        if conn.execute(table.any_overlaid_sql).fetchone():
            conn.executemany(table.base_sql, [(row.body, row.body and row.scope, row.id) for row in rows])
            overlaid = {id for id, _, _ in conn.execute(table.beneath_sql, (id_list(row.id for row in rows),))}
            rows = [row for row in rows if row.id not in overlaid]
        written, words = [], []
        for row in rows:
            if row.body is not None:
                values, found = table.derived(row.body)
                written.append((row.id, row.scope, row.body, *values))
                words.append((row.id, found))
        conn.executemany(table.seen_sql, written)
        if table.carries:
            self._note_blobs(table, rows)
        gone = [row.id for row in rows if row.body is None]
        conn.executemany(table.gone_sql, [(id,) for id in gone])
        if table.searched:
            search.put(conn, table.kind, words)
            search.remove(conn, table.kind, gone)

    def _note_blobs(self, table: RecordTable, rows: Sequence[Pulled]) -> None:
        """The cloud has what its rows name: it may be asked for it."""
        for row in rows:
            for blob, subject in table.blobs(row.body):
                self._blobs.note(blob, subject=subject, scope=row.scope)

    def _keep_aside(self, kind: str, rows: Sequence[Pulled]) -> None:
        self.conn.executemany(
            "INSERT INTO aside (kind, id, scope, body) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET scope = excluded.scope, body = excluded.body",
            [(kind, row.id, row.scope, row.body) for row in rows if row.body is not None],
        )
        self.conn.executemany(
            "DELETE FROM aside WHERE kind = ? AND id = ?", [(kind, row.id) for row in rows if row.body is None]
        )

    def bare(self, refs: Iterable[Ref]) -> None:
        """Show the cloud's row again for each of these."""
        by_kind: dict[str, list[Id]] = {}
        for kind, id in refs:
            by_kind.setdefault(kind, []).append(id)
        for kind, ids in by_kind.items():
            table = self.tables.get(kind)
            if table is not None and self.conn.execute(table.any_overlaid_sql).fetchone():
                self._bare_kind(table, ids)

    def _bare_kind(self, table: RecordTable, ids: Sequence[Id]) -> None:
        for id, scope, base in self.conn.execute(table.beneath_sql, (id_list(ids),)).fetchall():
            if base is None:
                self.conn.execute(table.drop_sql, (id,))
                words = search.NOTHING
            else:
                values, words = table.derived(base)
                self.conn.execute(table.bare_sql, (scope, base, *values, id))
            if table.searched:
                search.put(self.conn, table.kind, [(id, words)])
            self._changed(table.kind, id, scope or "")
