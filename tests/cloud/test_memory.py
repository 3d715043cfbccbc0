"""What a worker remembers of rows is what stands in the database, whoever wrote it; another history is not believed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import Row
from cloud.composition import Cloud
from cloud.storage.backend import SqlCloud
from cloud.storage.directory import StudioEntry
from cloud.storage.heads import Head
from cloud.storage.memory import RowMemory, StudioRows
from tests.cloud.rig import child_id, enrolments, make_cloud, seed
from tests.unit.kernel import toy

CHILD = child_id(0)
OF_HOUSE = Range(toy.Child, "by_house", ("h1",))


@pytest.fixture
def other(tmp_path: Path, cloud: Cloud, database: str) -> Iterator[Cloud]:
    """Another worker on the same database and key; of SQLite's one file, another program."""
    made = make_cloud(tmp_path, clock=cloud.clock, url=database)  # type: ignore[arg-type]
    yield made
    made.close()


def looked(cloud: Cloud, studio: Id, ids: list[Id]) -> tuple[dict[Id, bytes], list[bytes]]:
    """Rows by id and by range, as a push sees them."""
    storage = SqlCloud(cloud.books, studio)
    with storage.atomic():
        by_id = {id: row.body for id, row in storage.rows(toy.Child, ids).items()}
        return by_id, [row.body for row in storage.find(OF_HOUSE)]


def fresh(cloud: Cloud, studio: Id, ids: list[Id]) -> tuple[dict[Id, bytes], list[bytes]]:
    """The same, read outside of any turn."""
    storage = SqlCloud(cloud.books, studio)
    return {id: row.body for id, row in storage.rows(toy.Child, ids).items()}, [
        row.body for row in storage.find(OF_HOUSE)
    ]


def test_what_others_and_oneself_wrote_is_seen_again_and_again(cloud: Cloud, other: Cloud, studio: StudioEntry) -> None:
    ids = [child_id(number) for number in range(6)]
    assert looked(cloud, studio.id, ids) == ({}, [])
    for count, writer in enumerate([other, cloud, other, other, cloud, other], 1):
        seed(writer, studio.id, enrolments(count, house="h1"))
        for reader in (cloud, other):
            seen = looked(reader, studio.id, ids)
            assert seen == fresh(reader, studio.id, ids)
            assert len(seen[0]) == len(seen[1]) == count


def test_another_history_is_read_anew(cloud: Cloud, studio: StudioEntry) -> None:
    seed(cloud, studio.id, enrolments(2, house="h1"))
    memory, tables = cloud.books.memory, cloud.books.tables
    head = _head(cloud, studio.id)
    with cloud.database.write(studio.id) as connection:
        kept = memory.at(connection, studio.id, head)
        assert memory.at(connection, studio.id, head) is kept
        assert memory.at(connection, studio.id, head._replace(hash="0" * 64)) is not kept
        kept = memory.at(connection, studio.id, head)
        assert memory.at(connection, studio.id, head._replace(sequence=head.sequence - 1)) is not kept
        # A standby that had not got the last step took over, and went on from there.
        kept = StudioRows(head._replace(hash="f" * 64))
        memory._keep(studio.id, kept)
        assert memory.at(connection, studio.id, head._replace(sequence=head.sequence + 1)) is not kept
    with cloud.database.write(studio.id) as connection:
        connection.execute(update(tables.head).where(tables.head.c.studio_id == studio.id).values(hash="0" * 64))
    assert len(looked(cloud, studio.id, [CHILD])[1]) == 2


def test_after_a_trouble_nothing_is_remembered(cloud: Cloud, studio: StudioEntry) -> None:
    storage = SqlCloud(cloud.books, studio.id)
    with storage.atomic():
        kept = storage._standing

    def broken() -> None:
        with storage.atomic():
            assert storage._standing is kept
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    with storage.atomic():
        assert storage._standing is not kept


def test_memory_has_an_end(cloud: Cloud, studio: StudioEntry) -> None:
    memory = RowMemory(cloud.database, cloud.books.tables, most_bytes=100_000)
    with cloud.database.write(studio.id) as connection:
        for number in range(50):
            head = Head(1, "a" * 64, 0)
            one = memory.at(connection, Id(f"{number:032x}"), head)
            one.rows("child", [CHILD], lambda ids: [Row("child", CHILD, "families/h1", b"x" * 9_200)])
            memory.at(connection, Id(f"{number:032x}"), head)
    assert len(memory._studios) == 10
    assert list(memory._studios) == [Id(f"{number:032x}") for number in range(40, 50)]


def _head(cloud: Cloud, studio: Id) -> Head:
    with cloud.database.write(studio) as connection:
        found = cloud.books.heads.turn(connection, studio)
    assert found is not None
    return found
