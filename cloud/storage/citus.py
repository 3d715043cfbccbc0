"""Citus: every table of studios distributed by `studio_id` and laid beside one another; the directory is left alone."""

import secrets
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Table, TextClause, text

from classtap_core.kernel.errors import EnvironmentFault

_FIRST = "head"
"""The table that the others are laid beside."""


def is_distributed(connection: Connection) -> bool:
    """Whether `init --distributed` laid this database out."""
    return bool(_here(connection) and connection.scalar(_placed(), {"name": _FIRST}))


def prepare(connection: Connection) -> None:
    """Raises EnvironmentFault `cloud.no_citus` when the extension cannot be had here."""
    if not _here(connection):
        known = connection.scalar(text("SELECT 1 FROM pg_available_extensions WHERE name = 'citus'"))
        if not known:
            raise EnvironmentFault("cloud.no_citus")
        connection.execute(text("CREATE EXTENSION citus"))
    plain_schemas(connection)
    # What one transaction changes of several tables, Citus does one shard after the other.
    connection.execute(text("SET LOCAL citus.multi_shard_modify_mode TO 'sequential'"))


def plain_schemas(connection: Connection) -> None:
    """Until the transaction ends, a new schema is one like any other, even where the cluster lays each on a machine of its
    own (`citus.enable_schema_based_sharding`, Citus 12): the directory stays on the coordinator."""
    setting = {"name": "citus.enable_schema_based_sharding"}
    connection.execute(
        text("SELECT set_config(:name, 'off', true) WHERE current_setting(:name, true) IS NOT NULL"), setting
    )


def in_order(tables: Iterable[Table]) -> list[Table]:
    """`head` first, for all others are laid beside it; a table after those it points to, as they come."""
    return sorted(tables, key=lambda one: one.name != _FIRST)


def distribute(connection: Connection, table: Table) -> None:
    """Distribute a table, if it is not yet."""
    if connection.scalar(_placed(), {"name": table.name}):
        return
    # One copy of each shard, whatever the cluster's default is: Citus locks no row that has several (FOR UPDATE).
    connection.execute(text("SET LOCAL citus.shard_replication_factor TO 1"))
    connection.execute(
        text("SELECT create_distributed_table(:name, 'studio_id', colocate_with => :beside)"),
        {"name": table.name, "beside": "none" if table.name == _FIRST else _FIRST},
    )


def let_in(connection: Connection, role: str) -> None:
    """Have the machines let the coordinator in as a role, by a password that only the coordinator and they have.

    The password travels as PostgreSQL keeps it, so that no statement in a log tells it.
    """
    password = secrets.token_urlsafe(24)
    driver: Any = connection.connection.driver_connection
    kept = driver.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.exec_driver_sql(f"ALTER ROLE {role} PASSWORD '{kept}'")
    connection.execute(text("DELETE FROM pg_dist_authinfo WHERE nodeid = 0 AND rolename = :role"), {"role": role})
    connection.execute(
        text("INSERT INTO pg_dist_authinfo (nodeid, rolename, authinfo) VALUES (0, :role, :how)"),
        {"role": role, "how": f"password={password}"},
    )


def _here(connection: Connection) -> bool:
    return bool(connection.scalar(text("SELECT 1 FROM pg_extension WHERE extname = 'citus'")))


def _placed() -> TextClause:
    return text("SELECT 1 FROM pg_dist_partition WHERE logicalrelid = to_regclass(:name) AND partmethod = 'h'")
