"""Moving a cloud to another database: what `classtap cloud copy` does."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from classtap_core.kernel.bus import Bus
from classtap_core.kernel.errors import EnvironmentFault
from cloud.blobs import copy_files
from cloud.storage import copying
from cloud.storage.copying import Copied, Side, Tell
from cloud.storage.database import Database
from cloud.storage.layout import Layout, State
from cloud.storage.tables import make_tables


def copy_cloud(
    source: str, target: str, bus: Bus, *, tell: Tell = lambda what, rows: None,
    files: tuple[Path, Path] | None = None,
) -> Copied:  # fmt: skip
    """Copy the database at one address to another, while it is served; then it takes no more writes.

    `files`: the folder of its blobs and the one they are to lie in, where that is another; copied before the database
    is shut, and what came meanwhile afterwards. What was begun is gone on with. The target is made where it is empty;
    a Citus cluster is made by `init --distributed` first. Raises as `copying.copy` and `blobs.copy_files`, and
    EnvironmentFault `cloud.older`, `cloud.newer`, `copy.nothing`.
    """
    with _side(source, bus) as (here, state), _side(target, bus) as (there, other):
        _check(state)
        if other is not State.CURRENT:
            Layout(there.database, there.tables).prepare()
        if files is not None:
            tell("blobs", copy_files(*files))
        found = copying.copy(here, there, tell=tell)
        if files is not None:
            tell("last blobs", copy_files(*files))
        return found


def reopen_cloud(source: str, bus: Bus) -> None:
    """Let a database that was copied take writes again: what the copy took meanwhile is not in it."""
    with _side(source, bus) as (here, state):
        _check(state)
        copying.reopen(here)


def _check(state: State) -> None:
    if state is State.EMPTY:
        raise EnvironmentFault("copy.nothing")
    if state is State.OLDER:
        raise EnvironmentFault("cloud.older")
    if state is State.NEWER:
        raise EnvironmentFault("cloud.newer", version="", known="")


@contextmanager
def _side(url: str, bus: Bus) -> Iterator[tuple[Side, State]]:
    database = Database(url)
    try:
        tables = make_tables(bus.registry, database.dialect)
        yield Side(database, tables), Layout(database, tables).state()
    finally:
        database.close()
