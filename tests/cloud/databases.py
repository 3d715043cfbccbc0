"""The databases that tests of the cloud run on: a SQLite file, a PostgreSQL, and a Citus cluster where there is one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import create_engine, inspect, make_url, text

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
    """The Citus cluster's one database, which the processes of a run use in turn, a file of tests each.

    Wiped at first, and where other record kinds are wanted than those laid out in it.
    """

    _TURN = 0x434C5441
    """The advisory lock of whose turn it is: the tests' own, on a connection beside what is tested."""

    def __init__(self, url: str) -> None:
        self._url = url
        engine = create_engine(url)
        arguments, words = engine.dialect.create_connect_args(make_url(url))
        self._turn = psycopg.connect(*arguments, autocommit=True, **words)
        self._turn.execute("SELECT pg_advisory_lock(%s)", [self._TURN])
        self._turn.execute("CREATE SCHEMA IF NOT EXISTS tests")
        self._turn.execute("CREATE TABLE IF NOT EXISTS tests.laid (run text, room text)")

    def url(self, room: str) -> str:
        """The address of the database, laid out for these record kinds or empty."""
        wanted = (os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid())), room)
        if self._turn.execute("SELECT run, room FROM tests.laid").fetchall() != [wanted]:
            self._turn.execute("DELETE FROM tests.laid")
            wiped(self._url)
            self._turn.execute("INSERT INTO tests.laid VALUES (%s, %s)", wanted)
        return self._url

    def close(self) -> None:
        self._turn.close()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    made = Cluster(CITUS)
    yield made
    made.close()


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
    """Drop every table, one a commit: together, their shards would be more locks than a server has by default."""
    found = Database(url)
    try:
        with found.administer() as connection:
            names = inspect(connection).get_table_names(schema="public")
        for one in [*(f'TABLE IF EXISTS public."{name}"' for name in names), "SCHEMA IF EXISTS directory"]:
            with found.administer() as connection:
                connection.execute(text("SET LOCAL citus.multi_shard_modify_mode TO 'sequential'"))
                connection.execute(text(f"DROP {one} CASCADE"))
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
