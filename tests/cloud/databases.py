"""The databases that tests of the cloud run on: a SQLite file, a PostgreSQL, and a Citus cluster where there is one."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import inspect, text

from cloud.storage.database import Database
from tests.cloud.one_studio import Asking
from tests.cloud.postgres import Postgres, started
from tests.cloud.rig import CITUS
from tests.guards.tools import needs

ENGINES = ("sqlite", "postgresql", *(["citus"] if CITUS else []))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of the tests' own."""
    with started(needs("postgresql")) as url:
        yield Postgres(url)


class Shared:
    """One database a set of record kinds, which the tests of those kinds share, each finding it empty."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._made: dict[str, str] = {}

    def url(self, room: str) -> str:
        if room not in self._made:
            self._made[room] = self._postgres.url(self._postgres.database())
        return self._made[room]


@pytest.fixture(scope="session")
def shared(postgres: Postgres) -> Shared:
    return Shared(postgres)


class Cluster:
    """The Citus cluster's one database: wiped at first, and where other record kinds are wanted than those laid out in it."""

    def __init__(self) -> None:
        self._room = ""

    def url(self, room: str) -> str:
        if room != self._room:
            wiped(CITUS)
        self._room = room
        return CITUS


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture(scope="session")
def asking() -> Iterator[Asking]:
    made = Asking()
    with made.listening():
        yield made


@pytest.fixture(params=ENGINES)
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database for the toy room; empty text for the SQLite file in the cloud's folder."""
    with empty(request, request.param, room="toy") as url:
        yield url


@pytest.fixture(params=ENGINES)
def house_database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The same for the rooms of the house."""
    with empty(request, request.param, room="house") as url:
        yield url


@contextmanager
def empty(request: pytest.FixtureRequest, engine: str, *, room: str) -> Iterator[str]:
    """An empty database. What was asked of a PostgreSQL is looked at afterwards: each query must name its studio."""
    if engine == "sqlite":
        yield ""
        return
    place: Shared | Cluster = request.getfixturevalue("cluster" if engine == "citus" else "shared")
    url = place.url(room)
    emptied(url)
    asking: Asking = request.getfixturevalue("asking")
    yield url
    found = Database(url)
    try:
        with found.administer() as connection:
            wrong = asking.check(connection)
    finally:
        found.close()
    assert not wrong, "\n".join(wrong)


def wiped(url: str) -> None:
    """Drop every table."""
    found = Database(url)
    try:
        with found.administer() as connection:
            connection.execute(text("SET LOCAL citus.multi_shard_modify_mode TO 'sequential'"))
            for name in inspect(connection).get_table_names(schema="public"):
                connection.execute(text(f'DROP TABLE IF EXISTS public."{name}" CASCADE'))
            connection.execute(text("DROP SCHEMA IF EXISTS directory CASCADE"))
    finally:
        found.close()


def emptied(url: str) -> None:
    """Take every row out, but for what says how the tables are laid out."""
    found = Database(url)
    try:
        with found.administer() as connection:
            inspector = inspect(connection)
            there = inspector.get_table_names(schema="public")
            apart = inspector.get_table_names(schema="directory") if inspector.has_schema("directory") else []
            names = [f'public."{name}"' for name in there if not name.startswith("pg_")]
            names += [f'directory."{name}"' for name in apart if name not in ("version", "fact")]
            if names:
                connection.execute(text(f"TRUNCATE {', '.join(names)}"))
            if "fact" in apart:
                connection.execute(text("DELETE FROM directory.fact WHERE name <> 'records'"))
    finally:
        found.close()
