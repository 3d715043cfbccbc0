"""The shape of the database: made, brought up from the first version, refused when a newer program made it."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, inspect, select

from classtap_core.kernel.errors import BadInput, EnvironmentFault
from classtap_core.kernel.operations import Range
from cloud.composition import Cloud, prepare_cloud
from cloud.secret import VARIABLE
from cloud.storage.audit import audit
from cloud.storage.database import Database
from cloud.storage.jobs import EVERY_MS, Jobs
from cloud.storage.layout import Layout, State
from cloud.storage.pulls import pull
from cloud.storage.tables import make_tables
from sync.signed import is_signed
from tests.cloud.postgres import Postgres
from tests.cloud.rig import ALL, enrolments, make_cloud, seed
from tests.data.cloud.make_v1 import CHILDREN, KEY, OPERATIONS, STUDIOS
from tests.unit.kernel import toy

OLD = Path(__file__).parents[1] / "data" / "cloud"


@pytest.fixture(params=["sqlite", "postgresql"])
def first(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database as the first version left it."""
    monkeypatch.setenv(VARIABLE, KEY)
    said = (OLD / f"v1.{request.param}.sql").read_text(encoding="utf-8")
    if request.param == "sqlite":
        (tmp_path / "cloud").mkdir(mode=0o700)
        path = tmp_path / "cloud" / "cloud.db"
        connection = sqlite3.connect(path)
        connection.executescript(said)
        connection.close()
        yield f"sqlite:///{path}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.database()
    found = Database(server.url(name))
    with found.administer() as connection:
        connection.exec_driver_sql(said)
    found.close()
    yield server.url(name)
    server.drop(name)


def test_what_is_made_is_what_is_wanted(cloud: Cloud) -> None:
    """The steps and `tables.py` say the same: a column added to one only is found here."""
    ours = (None, "directory")  # a cluster has others beside
    directory = {
        "include_schemas": True, "include_name": lambda name, kind, _: kind != "schema" or name in ours,
    }  # fmt: skip
    with cloud.database.administer() as connection:
        context = MigrationContext.configure(
            connection, opts=directory if cloud.database.dialect == "postgresql" else {}
        )
        found = [
            step for step in compare_metadata(context, cloud.books.tables.metadata) if "version" not in str(step[1])
        ]
        assert found == []
        assert Layout(cloud.database, cloud.books.tables).version(connection) == "0009"


def test_a_database_of_the_first_version_comes_up_whole(tmp_path: Path, first: str) -> None:
    tmp_path.chmod(0o700)
    assert prepare_cloud(tmp_path, toy.bus(authority=True), url=first) is State.OLDER
    assert prepare_cloud(tmp_path, toy.bus(authority=True), url=first) is State.CURRENT
    cloud = make_cloud(tmp_path, url=first)
    try:
        studios = cloud.studios.all()
        assert [entry.name for entry in studios] == list(STUDIOS)
        for entry in studios:
            checked = audit(cloud.books, entry.id, verify=is_signed)
            assert (checked.ok, checked.entries) == (True, OPERATIONS)
            seed(cloud, entry.id, enrolments(1, house="h2"))
            children = cloud.studios.storage(entry.id).find(Range(toy.Child, "by_house", ("h1",)))
            assert len(children) == CHILDREN - 1
            whole = pull(cloud.books, entry.id, ALL, cursor="", most=500)
            assert len([row for row in whole.rows if row.kind == "child"]) == CHILDREN
        change = cloud.books.tables.change.c
        with cloud.database.administer() as connection:
            # Every row counts where it lies: only what left a scope has no number there.
            assert connection.scalar(select(func.count()).where(change.digest.is_(None))) == len(studios)
        jobs = Jobs(cloud.database, cloud.books.tables).take(holder="me", now_ms=2**50, lease_ms=9, most=99)
        assert {(job.kind, job.studio) for job in jobs} == {(kind, entry.id) for kind in EVERY_MS for entry in studios}
        assert {job.seen for job in jobs} == {0}
    finally:
        cloud.close()


def test_an_older_server_is_not_brought_up_by_the_first_who_opens_it(
    tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other workers of the older version may be at it."""
    monkeypatch.setenv(VARIABLE, KEY)
    url = postgres.url(postgres.database())
    found = Database(url)
    with found.administer() as connection:
        connection.exec_driver_sql((OLD / "v1.postgresql.sql").read_text(encoding="utf-8"))
    found.close()
    tmp_path.chmod(0o700)
    with pytest.raises(EnvironmentFault, match=r"cloud\.older"):
        open_unprepared(tmp_path, url)


def open_unprepared(folder: Path, url: str) -> None:
    from cloud.composition import open_cloud

    open_cloud(folder, toy.bus(authority=True), url=url).close()


@pytest.mark.parametrize("what", ["a version", "an index"])
def test_what_a_newer_program_made_is_refused_and_left_alone(tmp_path: Path, database: str, what: str) -> None:
    cloud = make_cloud(tmp_path, url=database)
    studio = cloud.studios.found("Toy")
    version = "directory_version" if cloud.database.dialect == "sqlite" else "directory.version"
    fact = version.replace("version", "fact")
    with cloud.database.administer() as connection:
        current = connection.exec_driver_sql(f"SELECT version_num FROM {version}").scalar_one()
        if what == "a version":
            connection.exec_driver_sql(f"UPDATE {version} SET version_num = '9999'")
        else:
            connection.exec_driver_sql("ALTER TABLE record_child ADD COLUMN by_shoe_size bigint")
            connection.exec_driver_sql(f"UPDATE {fact} SET value = 'later' WHERE name = 'records'")
    cloud.close()
    try:
        for open in (lambda: open_unprepared(tmp_path, database), lambda: make_cloud(tmp_path, url=database)):
            with pytest.raises(EnvironmentFault, match=r"cloud\.newer"):
                open()
    finally:
        found = Database(database or f"sqlite:///{tmp_path / 'cloud' / 'cloud.db'}")
        tables = make_tables(toy.registry(), found.dialect)
        with found.administer() as connection:
            assert connection.scalar(select(func.count()).where(tables.studios.c.id == studio.id)) == 1
            connection.exec_driver_sql(f"UPDATE {version} SET version_num = '{current}'")
            if what == "an index":
                connection.exec_driver_sql("ALTER TABLE record_child DROP COLUMN by_shoe_size")
            connection.exec_driver_sql(f"DELETE FROM {fact} WHERE name = 'records'")
        found.close()


def test_two_who_make_the_same_database_at_once_make_it_once(tmp_path: Path, postgres: Postgres) -> None:
    from concurrent.futures import ThreadPoolExecutor

    url = postgres.url(postgres.database())
    folders = [tmp_path / str(number) for number in range(4)]
    for folder in folders:
        (folder / "cloud").mkdir(parents=True, mode=0o700)
        (folder / "cloud" / "secret.key").touch(0o600)
        (folder / "cloud" / "secret.key").write_text(KEY)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda folder: prepare_cloud(folder, toy.bus(authority=True), url=url), folders))
    found = Database(url)
    with found.administer() as connection:
        assert inspect(connection).has_table("head")
    found.close()


@pytest.mark.parametrize("url", ["", "mysql://x/y", "nonsense", "postgresql+asyncpg://x/y", "sqlite+none:///x"])
def test_an_address_that_is_none_is_said_so(url: str) -> None:
    with pytest.raises(BadInput, match=r"cloud\.url"):
        Database(url)


def test_a_plain_postgresql_address_is_ours() -> None:
    found = Database("postgresql://somebody@nowhere.invalid/x")
    assert re.match(r"postgresql\+psycopg://", str(found._engine.url))
    found.close()
