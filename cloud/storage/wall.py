"""The second wall on PostgreSQL: row-level security under a role that owns nothing.

Each transaction becomes that role and names its studio, both by SET LOCAL, which Citus carries to its workers (a call
of `set_config` it would not). A query that forgets its studio sees no row, and one that names another's sees none.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, Table, text

from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.ids import Id

ROLE = "classtap_app"
"""May read and write rows; owns nothing, so that every policy binds it."""
SETTING = "classtap.studio"
POLICY = "one_studio"
_LOCK_S = 10
_CARRIED = "SET LOCAL citus.propagate_set_commands = 'local'; "
ONE_VIEW = f"{_CARRIED}SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; "
"""What a transaction that only reads begins with: one view for all its queries, which Citus carries to its workers.
(`BEGIN ISOLATION LEVEL …` it would not: https://github.com/citusdata/citus/pull/4945, Citus 10.1.)"""
_BEGIN = f"SET LOCAL ROLE {ROLE}; SET LOCAL lock_timeout = '{_LOCK_S}s'; "


def behind(studio: Id | None, *, one_view: bool = False) -> str:
    """What a transaction begins with. Without a studio it sees none. `one_view`: all its queries see the same."""
    return (ONE_VIEW if one_view else _CARRIED) + _BEGIN + studio_is(studio)


def studio_is(studio: Id | None) -> str:
    named = studio or ""
    if named.strip("0123456789abcdef"):
        raise ValueError("a studio's id is hex digits")
    return f"SET LOCAL {SETTING} = '{named}'"


def make_role(connection: Connection, *, login: bool) -> None:
    """Make the role where it is not there, and let who is logged in become it.

    `login`: Citus connects to its workers as the role itself. Raises EnvironmentFault `cloud.role` when who is logged
    in may do neither.
    """
    found = connection.execute(text("SELECT rolcanlogin FROM pg_roles WHERE rolname = :name"), {"name": ROLE}).first()
    here = connection.execute(
        text(
            "SELECT current_user AS name, r.rolsuper OR r.rolcreaterole AS may FROM pg_roles r WHERE rolname = current_user"
        )
    ).one()
    member = found is not None and connection.scalar(text(f"SELECT pg_has_role(current_user, '{ROLE}', 'MEMBER')"))
    if member and (found is not None and (found.rolcanlogin or not login)):
        return
    if not here.may:
        raise EnvironmentFault("cloud.role", role=ROLE, user=here.name)
    if found is None:
        connection.execute(text(f"CREATE ROLE {ROLE} {'LOGIN' if login else 'NOLOGIN'}"))
    elif login and not found.rolcanlogin:
        connection.execute(text(f"ALTER ROLE {ROLE} LOGIN"))
    if not member:
        quoted = connection.dialect.identifier_preparer.quote(here.name)
        connection.execute(text(f"GRANT {ROLE} TO {quoted}"))


def put_up(connection: Connection, *, studio: Iterable[Table], directory: Iterable[Table]) -> None:
    """Give the role its rights, and every studio's table its policy."""
    quote = connection.dialect.identifier_preparer.format_table
    for schema in sorted({table.schema or "public" for table in directory}):
        connection.execute(text(f'GRANT USAGE ON SCHEMA "{schema}" TO {ROLE}'))
    walled = set(
        connection.scalars(
            text("SELECT tablename FROM pg_policies WHERE schemaname = current_schema() AND policyname = :name"),
            {"name": POLICY},
        )
    )
    for table in directory:
        connection.execute(text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {quote(table)} TO {ROLE}"))
    for table in studio:
        if table.name in walled:
            continue
        name = quote(table)
        mine = f"studio_id = current_setting('{SETTING}', true)"
        connection.execute(text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {ROLE}"))
        connection.execute(text(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"))
        connection.execute(text(f"CREATE POLICY {POLICY} ON {name} TO {ROLE} USING ({mine}) WITH CHECK ({mine})"))
