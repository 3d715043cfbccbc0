"""The second wall: who forgets the studio sees nothing, and who names another's row does not reach it."""

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import ProgrammingError

from classtap_core.kernel.ids import Id
from cloud.composition import Cloud
from cloud.storage import wall
from cloud.storage.directory import StudioEntry
from tests.cloud.databases import ENGINES
from tests.cloud.rig import CITUS, enrolments, marks, seed

pytestmark = pytest.mark.parametrize("database", [one for one in ENGINES if one != "sqlite"], indirect=True)


@pytest.fixture
def two(cloud: Cloud, studio: StudioEntry) -> tuple[Id, Id]:
    """Two studios with rows in every table that a test can fill."""
    other = cloud.studios.found("Other")
    for one in (studio.id, other.id):
        seed(cloud, one, [*enrolments(3), *marks(2)])
    return studio.id, other.id


def test_a_query_that_forgets_the_studio_sees_nothing(cloud: Cloud, two: tuple[Id, Id]) -> None:
    tables = cloud.books.tables
    seen = {table.name: 0 for table in tables.of_studios}
    with cloud.database.administer() as connection:
        for table in tables.of_studios:
            seen[table.name] = connection.scalar(select(func.count()).select_from(table)) or 0
    assert min(seen[name] for name in ("head", "log", "change", "device", "record_child", "subject_key")) > 0
    with cloud.database.read() as connection:
        connection.info["classtap_studio"] = two[0]  # so that the check of the tests takes these for somebody's own
        for table in tables.of_studios:
            assert connection.exec_driver_sql(f"TABLE {table.name}").all() == [], table.name


def test_a_query_that_forgets_its_condition_sees_its_own_studio(cloud: Cloud, two: tuple[Id, Id]) -> None:
    with cloud.database.read(two[0]) as connection:
        found = connection.exec_driver_sql("TABLE log").all()
    assert {row.studio_id for row in found} == {two[0]}


def test_another_studios_rows_are_out_of_reach_of_a_writer(cloud: Cloud, two: tuple[Id, Id]) -> None:
    mine, other = two
    head = cloud.books.tables.head
    with cloud.database.write(mine) as connection:
        connection.info["classtap_studio"] = other
        done = connection.execute(update(head).where(head.c.studio_id == other).values(sequence=99))
        assert done.rowcount == 0
    with pytest.raises(ProgrammingError, match="row-level security"):
        plant(cloud, mine, other)


def plant(cloud: Cloud, mine: Id, other: Id) -> None:
    """Write a row of another studio from a transaction about one's own."""
    with cloud.database.write(mine) as connection:
        connection.info["classtap_studio"] = other
        connection.execute(insert(cloud.books.tables.guard), [{"studio_id": other, "name": "x"}])


def test_a_connection_back_from_the_pool_remembers_no_studio(cloud: Cloud, two: tuple[Id, Id]) -> None:
    for _ in range(20):
        with cloud.database.read(two[1]):
            pass
        with cloud.database.read() as connection:
            assert connection.exec_driver_sql(f"SELECT current_setting('{wall.SETTING}')").scalar_one() == ""
            assert connection.exec_driver_sql("SELECT current_user").scalar_one() == wall.ROLE


def test_who_only_reads_sees_one_view_in_all_its_queries(cloud: Cloud, studio: StudioEntry) -> None:
    level = "SHOW transaction_isolation"
    for reading in (cloud.database.read(studio.id), cloud.database.survey()):
        with reading as connection:
            assert connection.exec_driver_sql(level).scalar_one() == "repeatable read"
    with cloud.database.write(studio.id) as connection:
        assert connection.exec_driver_sql(level).scalar_one() == "read committed"
    head = select(cloud.books.tables.head.c.sequence).where(cloud.books.tables.head.c.studio_id == studio.id)
    with cloud.database.read(studio.id) as connection:
        before = connection.scalar(head)
        seed(cloud, studio.id, marks(1))
        assert connection.scalar(head) == before
    with cloud.database.read(studio.id) as connection:
        assert connection.scalar(head) == before + 1


def test_the_role_owns_nothing_and_no_table_stands_open(cloud: Cloud, database: str) -> None:
    with cloud.database.administer() as connection:
        owned = connection.scalar(
            text("SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = :role"),
            {"role": wall.ROLE},
        )
        role = connection.execute(
            text("SELECT rolsuper, rolbypassrls, rolcreaterole, rolcanlogin FROM pg_roles WHERE rolname = :role"),
            {"role": wall.ROLE},
        ).one()
        walled = set(connection.scalars(text("SELECT tablename FROM pg_policies WHERE schemaname = 'public'")))
        open_ = connection.scalars(
            text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
                "AND NOT relrowsecurity"
            )
        ).all()
    assert owned == 0
    assert tuple(role) == (False, False, False, database == CITUS)  # a coordinator logs in at its machines as the role
    assert walled == {table.name for table in cloud.books.tables.of_studios}
    assert open_ == []


def test_who_works_behind_the_wall_lays_out_nothing(cloud: Cloud, studio: StudioEntry) -> None:
    for command in ("CREATE TABLE mine (x int)", "DROP TABLE head", "ALTER TABLE head DISABLE ROW LEVEL SECURITY"):
        with pytest.raises(ProgrammingError), cloud.database.write(studio.id) as connection:
            connection.exec_driver_sql(command)
