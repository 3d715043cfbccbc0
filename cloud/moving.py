"""Moving a cloud to another database: what `classtap cloud copy` does."""

from collections.abc import Iterator
from contextlib import contextmanager

from classtap_core.kernel.bus import Bus
from classtap_core.kernel.errors import EnvironmentFault
from cloud.storage import copying
from cloud.storage.copying import Copied, Side, Tell
from cloud.storage.database import Database
from cloud.storage.layout import Layout, State
from cloud.storage.tables import make_tables


def copy_cloud(source: str, target: str, bus: Bus, *, tell: Tell = lambda what, rows: None) -> Copied:
    """Copy the database at one address to another, while it is served; then it takes no more writes.

    What was begun is gone on with. The target is made where it is empty; a Citus cluster is made by `init
    --distributed` first. Raises as `copying.copy`, and EnvironmentFault `cloud.older`, `cloud.newer`, `copy.nothing`.
    """
    with _side(source, bus) as (here, state), _side(target, bus) as (there, other):
        _check(state)
        if other is not State.CURRENT:
            Layout(there.database, there.tables).prepare()
        return copying.copy(here, there, tell=tell)


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
