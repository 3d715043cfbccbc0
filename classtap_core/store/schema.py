"""The tables that every store has, one migration per schema version, and the record tables made from declarations."""

from collections.abc import Mapping

import msgspec

from classtap_core.kernel.operations import Registry
from classtap_core.store import blob_rows, search, told, trail
from classtap_core.store.engine import Connection, Database
from classtap_core.store.rows import RecordTable, column, tables_of

VERSION = 7
"""The schema this program writes. A store of a later one is refused; of an earlier one, upgraded."""


def create(db: Database, registry: Registry) -> None:
    """Make every table of a new store, inside the caller's transaction."""
    for step in range(VERSION):
        _STEPS[step](db)
    db.execute(f"PRAGMA user_version = {VERSION}")
    fit_records(db, registry)


def version_of(conn: Connection) -> int:
    return int(conn.execute("PRAGMA user_version").fetchone()[0])


def upgrade(db: Database, registry: Registry) -> None:
    """Bring an older store to this version, inside the caller's transaction."""
    for step in range(version_of(db.conn), VERSION):
        _STEPS[step](db)
    db.execute(f"PRAGMA user_version = {VERSION}")
    fit_records(db, registry)


def _first(db: Database) -> None:
    """Version 1."""
    db.table("meta").create({"name": str, "value": bytes}, pk="name")
    # AUTOINCREMENT: a number is never given twice, so that what an old key sealed is known as such.
    db.execute("CREATE TABLE subject_key (number INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT NOT NULL, key BLOB)")
    db.table("subject_key").create_index(["subject"], index_name="subject_key_subject", unique=True)
    log = db.table("log")
    log.create(
        {
            "position": int, "id": str, "kind": str, "at_ms": int, "folded": int, "settled": int, "included": int,
            "hash": str, "told": bytes, "answer": bytes, "envelope": bytes, "payload": bytes, "changes": bytes,
            "bodies": bytes,
        },
        pk="position",
        not_null={"id", "kind", "at_ms", "folded", "settled", "hash", "told", "envelope", "payload", "changes"},
    )  # fmt: skip
    log.create_index(["id"], index_name="log_id", unique=True)
    db.execute("CREATE INDEX log_overlay ON log (included) WHERE folded = 1 AND settled = 0")
    touch = {"kind": str, "id": str, "position": int, "settled": int}
    db.table("touch").create(touch, pk=("kind", "id", "position"), not_null=set(touch))
    db.table("touch").create_index(["position"], index_name="touch_position")
    span = {"position": int, "kind": str, "settled": int, "index_name": str, "equals": bytes, "bounds": bytes}
    db.table("touch_range").create({"number": int, **span, "scope": str}, pk="number", not_null=set(span))
    db.table("touch_range").create_index(["kind", "settled"], index_name="touch_range_kind")
    db.table("touch_range").create_index(["position"], index_name="touch_range_position")
    effect = {"number": int, "id": str, "operation": str, "kind": str, "home": str, "body": bytes}
    db.table("effect").create({**effect, "at_most_once": int, "ready": int}, pk="number")
    db.table("effect").create_index(["id"], index_name="effect_id", unique=True)
    db.table("effect").create_index(["operation"], index_name="effect_operation")
    notice = {"operation": str, "position": int, "kind": str, "before": bytes, "now": bytes, "at_ms": int}
    db.table("notice").create(notice, pk="operation", not_null=set(notice) - {"operation"})
    db.table("observation").create(
        {"slot_ms": int, "kind": str, "key": str, "name": str, "total": int}, pk=("slot_ms", "kind", "key", "name")
    )
    db.table("scope").create({"pattern": str, "rank": int, "state": str, "next": str}, pk="pattern")
    aside = {"kind": str, "id": str, "scope": str, "body": bytes}
    db.table("aside").create(aside, pk=("kind", "id"), not_null=set(aside))
    search.create(db)


def _second(db: Database) -> None:
    """Version 2: blobs."""
    blob_rows.create(db)


def _third(db: Database) -> None:
    """Version 3: people are found by parts, other spellings, numbers and addresses."""
    search.drop(db)
    search.create(db)


def _fourth(db: Database) -> None:
    """Version 4: what says which device this is lies in two pages, so that a damaged one does not take it away."""
    db.table("meta_copy").create({"name": str, "value": bytes}, pk="name")
    db.execute("INSERT INTO meta_copy (name, value) SELECT name, value FROM meta")
    db.execute(
        "CREATE TRIGGER meta_kept AFTER INSERT ON meta BEGIN"
        " INSERT OR REPLACE INTO meta_copy (name, value) VALUES (new.name, new.value); END"
    )
    db.execute("CREATE TRIGGER meta_let_go AFTER DELETE ON meta BEGIN DELETE FROM meta_copy WHERE name = old.name; END")


def _fifth(db: Database) -> None:
    """Version 5: the index of words is written by hand, which takes half the time."""
    search.drop(db)
    search.create(db)


def _sixth(db: Database) -> None:
    """Version 6: the log can be searched."""
    trail.create(db)


def _seventh(db: Database) -> None:
    """Version 7: what other devices of this place told."""
    told.create(db)


_STEPS = (_first, _second, _third, _fourth, _fifth, _sixth, _seventh)


def fit_records(db: Database, registry: Registry) -> None:
    """Make the record tables what this program's records declare: new kinds, new and dropped indexes, search words."""
    stored = declared(db.conn)
    tables = tables_of(registry)
    for kind, table in tables.items():
        if stored.get(kind) != declaration(table):
            _fit(db, table, new=kind not in stored)
            stored[kind] = declaration(table)
    written = msgspec.json.encode(stored)
    db.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('records', ?)", [written])


def fits(conn: Connection, registry: Registry) -> bool:
    """Whether a store is of this version and its record tables are as declared."""
    stored = declared(conn)
    tables = tables_of(registry)
    return version_of(conn) == VERSION and all(stored.get(kind) == declaration(table) for kind, table in tables.items())


def declared(conn: Connection) -> dict[str, list[str]]:
    """Record kind → what its table was made from."""
    row = conn.execute("SELECT value FROM meta WHERE name = 'records'").fetchone()
    found: dict[str, list[str]] = {} if row is None else msgspec.json.decode(row[0])
    return found


def declaration(table: RecordTable) -> list[str]:
    """What the columns of a record table are derived from; when this changes, they are derived again."""
    record = table.record
    fields = {field.name: field for field in msgspec.structs.fields(record)}
    told = [f"index {index.name}: {' '.join(index.fields)}" for index in record.INDEXES]
    told += [f"field {name}: {fields[name].default!r}" for name in table.fields]
    return [*told, *([f"search {search.FORM}: {' '.join(record.SEARCH)}"] if record.SEARCH else [])]


def _fit(db: Database, table: RecordTable, *, new: bool) -> None:
    if new:
        made = {"id": str, "scope": str, "body": bytes, "base": bytes, "base_scope": str, "overlaid": int}
        db.table(table.name).create(made, pk="id", not_null={"scope", "overlaid"}, defaults={"overlaid": 0})
        db.execute(f'CREATE INDEX "{table.name}_overlaid" ON "{table.name}" (id) WHERE overlaid = 1')
    _fit_columns(db, table)
    if new:
        _bring_in(db, table)
    else:
        _derive_again(db, table)


def _fit_columns(db: Database, table: RecordTable) -> None:
    target = db.table(table.name)
    for old in target.indexes:
        if old.name.startswith(f"{table.name}_by_"):
            db.execute(f'DROP INDEX "{old.name}"')
    wanted = {f"f_{field}" for field in table.fields}
    there = {found.name for found in target.columns if found.name.startswith("f_")}
    for name in sorted(there - wanted):
        db.execute(f'ALTER TABLE "{table.name}" DROP COLUMN "{name}"')
    for name in (f"f_{field}" for field in table.fields):
        if name not in there:
            target.add_column(name, bytes)
    for index in table.record.INDEXES:
        columns = ", ".join(dict.fromkeys([*(column(field) for field in index.fields), "id"]))
        db.execute(f'CREATE INDEX "{table.name}_by_{index.name}" ON "{table.name}" ({columns})')


def _bring_in(db: Database, table: RecordTable) -> None:
    """Rows that came before this program knew their kind."""
    rows = db.execute("SELECT id, scope, body FROM aside WHERE kind = ?", [table.kind]).fetchall()
    for id, scope, body in rows:
        values, words = table.derived(body)
        db.conn.execute(table.seen_sql, (id, scope, body, *values))
        search.put(db.conn, table.kind, [(id, words)])
    db.execute("DELETE FROM aside WHERE kind = ?", [table.kind])


def derive_all(db: Database, tables: Mapping[str, RecordTable]) -> None:
    """Derive index columns and search words of every record from its body."""
    for table in tables.values():
        _derive_again(db, table)


def _derive_again(db: Database, table: RecordTable) -> None:
    rows = db.execute(f'SELECT id, body FROM "{table.name}" WHERE body IS NOT NULL').fetchall()
    assigned = ", ".join(f"{column(field)} = ?" for field in table.fields)
    words = []
    for id, body in rows:
        values, found = table.derived(body)
        if assigned:
            db.conn.execute(f'UPDATE "{table.name}" SET {assigned} WHERE id = ?', (*values, id))
        words.append((id, found))
    search.put(db.conn, table.kind, words)
