"""What steps are written with: columns as `tables.py` has them, a studio's table, a table of the directory."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op


def text(name: str, *, empty: bool = False) -> sa.Column[Any]:
    """Text that compares by its bytes."""
    return sa.Column(name, sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=empty)


def number(name: str, *, empty: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=empty, autoincrement=False)


def octets(name: str, *, empty: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.LargeBinary, nullable=empty)


def studio_table(name: str, *columns: Any, key: Sequence[str], rowid: bool = True) -> None:
    """A table of studios: `studio_id` stands first in it and in its key."""
    primary = sa.PrimaryKeyConstraint("studio_id", *key)
    op.create_table(name, text("studio_id"), *columns, primary, sqlite_with_rowid=rowid)


def directory(name: str, *columns: Any) -> None:
    """A table of the directory: in a schema of its own, or on SQLite under a name of its own."""
    if op.get_bind().dialect.name == "postgresql":
        op.create_table(name, *columns, schema="directory")
    else:
        op.create_table(f"directory_{name}", *columns)


def directory_column(table: str, column: sa.Column[Any]) -> None:
    """One more column of a table of the directory."""
    if op.get_bind().dialect.name == "postgresql":
        op.add_column(table, column, schema="directory")
    else:
        op.add_column(f"directory_{table}", column)


def directory_index(name: str, table: str, columns: Sequence[str]) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.create_index(name, table, columns, schema="directory")
    else:
        op.create_index(name, f"directory_{table}", columns)
