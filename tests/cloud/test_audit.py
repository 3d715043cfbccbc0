"""What is stored is checked against itself; a person erased takes nothing of it down."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import update

from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.operations import Range
from cloud.composition import Cloud, open_cloud
from cloud.secret import VARIABLE, load_secret
from cloud.storage.audit import Audit, audit
from cloud.storage.directory import StudioEntry
from cloud.storage.subjects import count_erasure
from sync.signed import is_signed
from tests.cloud.rig import Device, child_id, enrolments, make_cloud, marks, seed
from tests.unit.kernel import toy


def check(cloud: Cloud, studio: StudioEntry) -> Audit:
    return audit(cloud.books, studio.id, verify=is_signed)


@pytest.fixture
def told(device: Device, cloud: Cloud, studio: StudioEntry) -> Device:
    """Ten operations of a device in two batches, three of the cloud's own."""
    device.submit(marks(10))
    device.push(1, 4)
    seed(cloud, studio.id, enrolments(3))
    device.push(5, 10)
    return device


def test_every_chain_holds(told: Device, cloud: Cloud, studio: StudioEntry) -> None:
    assert check(cloud, studio) == Audit(13)
    assert check(cloud, cloud.studios.found("Empty")) == Audit(0)


@pytest.mark.parametrize(
    ("column", "bend", "sequence", "chain", "why"),
    [
        ("link", lambda data: data.replace(b'"decided":1', b'"decided":2'), 3, "studio", "chain.previous"),
        ("link", lambda data: data[:-1], 3, "studio", "chain.malformed"),
        ("changes", lambda data: data[:-1] + bytes([data[-1] ^ 1]), 3, "studio", "chain.seal"),
        ("envelope", lambda data: data.replace(b'"wall":17', b'"wall":18'), 3, "device", "chain.previous"),
        ("parts", lambda data: data[:-1] + bytes([data[-1] ^ 1]), 3, "device", "chain.seal"),
        # The last of a batch, which its signature stands over; and the last of all, which the head names.
        ("envelope", lambda data: data.replace(b'"wall":17', b'"wall":18'), 4, "device", "chain.previous"),
        ("link", lambda data: data.replace(b'"decided":1', b'"decided":2'), 13, "studio", "chain.head"),
    ],
)  # fmt: skip
def test_what_was_changed_is_found(
    told: Device, cloud: Cloud, studio: StudioEntry, column: str, bend: object, sequence: int, chain: str, why: str
) -> None:
    assert callable(bend)
    log = cloud.books.tables.log
    with cloud.database.administer() as connection:
        where = (log.c.studio_id == studio.id, log.c.sequence == sequence)
        stored = connection.scalar(log.select().with_only_columns(log.c[column]).where(*where))
        bent = bend(stored)
        assert bent != stored
        connection.execute(update(log).where(*where).values({column: bent}))
    found = check(cloud, studio).first_bad
    assert found is not None
    assert found.chain.startswith(chain) or (chain == "device" and "/" in found.chain)
    assert found.why == why
    assert found.sequence in (sequence, sequence + 1)


def test_what_was_removed_is_found(told: Device, cloud: Cloud, studio: StudioEntry) -> None:
    log = cloud.books.tables.log
    with cloud.database.administer() as connection:
        connection.execute(log.delete().where(log.c.studio_id == studio.id, log.c.sequence == 6))
    found = check(cloud, studio).first_bad
    assert found is not None
    assert (found.chain, found.sequence, found.why) == ("studio", 6, "chain.gap")


def test_a_missing_signature_is_found(told: Device, cloud: Cloud, studio: StudioEntry) -> None:
    batch = cloud.books.tables.batch
    assert told.papers is not None
    with cloud.database.administer() as connection:
        connection.execute(batch.delete().where(batch.c.device_id == told.papers.device, batch.c.sequence == 10))
    found = check(cloud, studio).first_bad
    assert found is not None
    assert (found.sequence, found.why) == (5, "chain.signature")


def test_one_child_erased_the_others_stay_and_every_chain_holds(
    device: Device, cloud: Cloud, studio: StudioEntry, tmp_path: Path
) -> None:
    """Five children in one operation (OPERATIONS, tests that hold it)."""
    words = [f"Marker-{number}-word" for number in range(5)]
    items = tuple(toy.Item(child_id(number), "present", words[number]) for number in range(5))
    device.submit([toy.MarkPresence(house="h1", items=items)])
    pushed = device.push(1, 1)
    presence = cloud.books.tables.records["presence"].table
    with cloud.database.administer() as connection:
        keys = cloud.books.keys(connection, studio.id)
        keys.destroy(child_id(2), now=0)
        count_erasure(connection, cloud.books.tables, studio.id)
        # The records themselves are overwritten; here they are dropped, so that only the log is left to look at.
        connection.execute(presence.delete())
    assert check(cloud, studio) == Audit(1)
    storage = cloud.studios.storage(studio.id)
    operation = device.store.log[0].id
    changes = storage.recorded(operation)
    assert changes is not None
    told = str(changes)
    assert [word in told for word in words] == [True, True, False, True, True]
    # Nor is the key ever made again: what is written about the child from now on is dropped at once.
    device.submit([toy.MarkPresence(house="h1", items=(toy.Item(child_id(2), "absent", "Marker-later"),))])
    device.push(2, 2)
    assert "Marker-later" not in str(storage.recorded(device.store.log[1].id))
    assert check(cloud, studio).ok
    assert pushed.acked == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # looks into the file
def test_persons_words_are_sealed_in_the_log(told: Device, cloud: Cloud, studio: StudioEntry) -> None:
    path = cloud.database._engine.url.database
    assert path is not None
    with sqlite3.connect(path) as connection:
        log = b"".join(
            part for row in connection.execute("SELECT envelope, parts, link, changes FROM log") for part in row
        )
    connection.close()
    assert b"toy.mark" in log
    assert b"note 1" not in log
    assert "Åsa".encode() not in log


def test_another_key_does_not_open_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_cloud(tmp_path).close()
    make_cloud(tmp_path).close()
    monkeypatch.setenv(VARIABLE, "11" * 32)
    with pytest.raises(EnvironmentFault, match=r"cloud\.secret"):
        make_cloud(tmp_path)


def test_the_key_is_for_its_owner_only(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    load_secret(tmp_path, {})
    path = tmp_path / "secret.key"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(EnvironmentFault, match=r"cloud\.secret_open"):
        load_secret(tmp_path, {})
    with pytest.raises(EnvironmentFault, match=r"cloud\.secret_malformed"):
        load_secret(tmp_path, {VARIABLE: "zz"})


def test_a_folder_open_to_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cloud").mkdir(mode=0o755)
    with pytest.raises(EnvironmentFault, match=r"cloud\.folder_open"):
        open_cloud(tmp_path, toy.bus(authority=True))


def test_every_key_begins_with_the_studio(cloud: Cloud) -> None:
    """Catalogue of the law: only the directory may be read without naming a studio."""
    for table in cloud.books.tables.of_studios:
        assert next(iter(table.primary_key.columns)).name == "studio_id", table.name
        for constraint in table.constraints:
            assert next(iter(constraint.columns)).name == "studio_id", (table.name, constraint)  # type: ignore[attr-defined]
        for index in table.indexes:
            assert next(iter(index.columns)).name == "studio_id", (table.name, index.name)


def test_a_field_indexed_by_a_later_version_is_filled_in(tmp_path: Path) -> None:
    cloud = make_cloud(tmp_path)
    studio = cloud.studios.found("Toy")
    seed(cloud, studio.id, enrolments(3))
    with cloud.database.administer() as connection:
        connection.exec_driver_sql("DROP INDEX record_child_by_house")
        connection.exec_driver_sql("ALTER TABLE record_child DROP COLUMN by_house")
        connection.exec_driver_sql("UPDATE directory_fact SET value = 'before by_house' WHERE name = 'records'")
    cloud.close()
    cloud = make_cloud(tmp_path)
    found = cloud.studios.storage(studio.id).find(Range(toy.Child, "by_house", ("h1",)))
    cloud.close()
    assert len(found) == 3
