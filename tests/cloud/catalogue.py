"""Why Citus could not distribute the tables of a live database by `studio_id`: asked of PostgreSQL's own catalogue.

The rules are Citus': the distribution column is in every primary key, unique index and foreign key, and of one type and
collation; foreign keys join tables that lie beside each other; no triggers, sequences, inheritance or exclusion constraints.
"""

from collections.abc import Iterator

from sqlalchemy import Connection, text

COLUMN = "studio_id"
APART = "directory"

_TABLES = "SELECT c.oid, c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'f')"
_COLUMN = (
    "SELECT a.attnotnull, t.typname, c.collname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
    "LEFT JOIN pg_collation c ON c.oid = a.attcollation WHERE a.attrelid = :table AND a.attname = :column AND NOT a.attisdropped"
)
_KEYS = (
    "SELECT i.indexrelid::regclass::text AS name, i.indisprimary, i.indexprs IS NOT NULL AS computed, "
    "(SELECT array_agg(a.attname ORDER BY k.place) FROM unnest(i.indkey) WITH ORDINALITY AS k(number, place) "
    "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number) AS columns "
    "FROM pg_index i WHERE i.indrelid = :table AND (i.indisunique OR i.indisprimary)"
)
_FOREIGN = (
    "SELECT o.conname, n.nspname, "
    "(SELECT array_agg(a.attname ORDER BY k.place) FROM unnest(o.conkey) WITH ORDINALITY AS k(number, place) "
    "JOIN pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = k.number) AS mine, "
    "(SELECT array_agg(a.attname ORDER BY k.place) FROM unnest(o.confkey) WITH ORDINALITY AS k(number, place) "
    "JOIN pg_attribute a ON a.attrelid = o.confrelid AND a.attnum = k.number) AS theirs "
    "FROM pg_constraint o JOIN pg_class f ON f.oid = o.confrelid JOIN pg_namespace n ON n.oid = f.relnamespace "
    "WHERE o.conrelid = :table AND o.contype = 'f'"
)
_ELSE = {
    "a trigger": "SELECT tgname FROM pg_trigger WHERE tgrelid = :table AND NOT tgisinternal",
    "an exclusion constraint": "SELECT conname FROM pg_constraint WHERE conrelid = :table AND contype = 'x'",
    "a parent or a partition": "SELECT inhrelid::regclass::text FROM pg_inherits WHERE :table IN (inhrelid, inhparent)",
    "a sequence": (
        "SELECT d.objid::regclass::text FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' "
        "WHERE d.refobjid = :table"
    ),
    "a computed default": "SELECT adnum::text FROM pg_attrdef WHERE adrelid = :table",
    "a rule": "SELECT rulename FROM pg_rewrite WHERE ev_class = :table",
}
_INTO_APART = (
    "SELECT o.conname FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid WHERE o.contype = 'f' "
    f"AND c.relnamespace = '{APART}'::regnamespace"
)


def faults(connection: Connection) -> list[str]:
    """What stands in the way; empty where nothing does."""
    found = [f"{APART}: {name} points to another table" for name in connection.scalars(text(_INTO_APART))]
    tables = connection.execute(text(_TABLES)).all()
    for oid, name in tables:
        found += [f"{name}: {fault}" for fault in _of(connection, oid)]
    return found if tables else ["there are no tables"]


def _of(connection: Connection, oid: int) -> Iterator[str]:
    column = connection.execute(text(_COLUMN), {"table": oid, "column": COLUMN}).first()
    if column is None:
        yield f"no {COLUMN}"
        return
    if tuple(column)[:2] != (True, "text"):
        yield f"{COLUMN} is {'' if column.attnotnull else 'nullable '}{column.typname}"
    elif column.collname != "C":
        yield f"{COLUMN} is compared by {column.collname}"  # tables lie beside each other only where this is alike
    keys = connection.execute(text(_KEYS), {"table": oid}).all()
    if not any(key.indisprimary for key in keys):
        yield "no primary key"
    for key in keys:
        if key.computed or not key.columns or key.columns[0] != COLUMN:
            yield f"{key.name} does not begin with {COLUMN}"
    for key in connection.execute(text(_FOREIGN), {"table": oid}):
        if key.nspname != "public":
            yield f"{key.conname} points into {key.nspname}"
        if key.mine[0] != COLUMN or key.theirs[0] != COLUMN:
            yield f"{key.conname} does not begin with {COLUMN} on both sides"
    for what, query in _ELSE.items():
        for name in connection.scalars(text(query), {"table": oid}):
            yield f"{what} ({name})"
