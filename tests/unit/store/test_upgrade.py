"""A store of any earlier version opens and upgrades, with its unsent work; what goes wrong on the way changes nothing."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pytest

from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.ids import derived
from classtap_core.kernel.operations import Range, Registry
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.records import Index, Record, about
from classtap_core.store import keys, schema
from classtap_core.store.device import SqlDevice
from classtap_core.store.engine import Database
from classtap_core.store.store import Store
from tests.unit.kernel import toy
from tests.unit.store.conftest import DEVICE, STAFF, STUDIO, bus_over, child_id, mark

STORES = Path(__file__).resolve().parents[2] / "data" / "stores"
VERSIONS = sorted(path for path in STORES.iterdir() if (path / "store.db").exists())


class Child(toy.Child, frozen=True, kw_only=True):
    """The children of a later version: found by name, and counted by siblings."""

    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_name", ("name", "siblings")),)
    SEARCH: ClassVar[tuple[str, ...]] = ("name",)

    siblings: int = 2


class Comet(Record, frozen=True, kw_only=True):
    """A kind that the version before did not know."""

    KIND: ClassVar[str] = "comet"
    PREFIX: ClassVar[str] = "families"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_tail", ("tail",)),)
    SEARCH: ClassVar[tuple[str, ...]] = ("name",)

    tail: int
    name: Annotated[str, about("id")] = "Halley"


LATER = Registry([type("later", (), {"Child": Child, "Comet": Comet, "Presence": toy.Presence, "Seats": toy.Seats})])  # type: ignore[list-item]


@pytest.fixture
def old(tmp_path: Path) -> Callable[[Path], Path]:
    """Takes a copy of a stored version that may be changed."""

    def take(version: Path) -> Path:
        folder = tmp_path / version.name
        folder.mkdir(mode=0o700)
        for name in ("store.db", "store.key"):
            shutil.copy(version / name, folder / name)
        return folder

    return take


@pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.name)
def test_every_version_opens_with_all_it_had(version: Path, old: Callable[[Path], Path]) -> None:
    folder = old(version)
    for _ in range(2):
        with Store.open(folder, toy.registry(), program="test") as store:
            assert store.check().ok
            with store.reader() as reader:
                head = reader.head()
                assert (head.studio, head.device, head.epoch) == (STUDIO, DEVICE, 1)
                assert (head.sequence, head.acked, head.cursor, head.token) == (12, 7, 16, "c16")
                assert [one.sequence for one in reader.unsent(99)] == [8, 9, 10, 11, 12]
                children = reader.find(Range(toy.Child, "by_house", ("north",)))
                assert {row.id for row in children} == {child_id(number) for number in range(5)}
                assert b"Bogdan" in reader.rows(toy.Child, [child_id(1)])[child_id(1)].body
                (notice,) = reader.notices()
                assert notice.now.status is Status.REFUSED
                ((_, effect),) = reader.effects_ready()
                assert effect.body == {"child": child_id(2)}
                assert b"note 1" in reader.entries([2])[0].parts[child_id(1)]
                assert set(reader.entries([6])[0].parts) == {""}
                assert reader.erased(child_id(5))
                assert reader.scopes()[-1][:3] == ("contact/*", False, "page-3")
                assert reader.holds("roster/north")
                assert reader.recall("papers") == b'{"token":"t"}'
                assert reader.observations("scan.refused")[1_789_999_800_000, "tampered"] == {"times": 3}
    with Store.open(folder, toy.registry(), program="test") as store:
        bus = bus_over(store.device, seed=99)
        store.call(lambda: bus.submit(mark(4, state="late"), STAFF))
        assert store.check().ok


def test_there_is_a_store_of_this_version() -> None:
    assert f"v{schema.VERSION}" in [path.name for path in VERSIONS]


@pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.name)
def test_records_that_declare_more_are_found_by_it(version: Path, old: Callable[[Path], Path]) -> None:
    """A new index, a new search field and a new kind: derived from the bodies that were there all along."""
    folder = old(version)
    with Store.open(folder, LATER, program="test") as store:
        with store.reader() as reader:
            found = reader.find(Range(Child, "by_name", (), "B", "Bogdan"))
            assert [row.id for row in found] == [child_id(1)]
            assert len(reader.find(Range(Child, "by_name", ("Zoë", 2)))) == 1
            assert [found.row.id for found in reader.search("zoe")] == [child_id(3)]
            assert [found.row.id for found in reader.search("halley")] == [derived("comet")]
            assert [row.id for row in reader.find(Range(Comet, "by_tail", (3,)))] == [derived("comet")]
            assert reader.conn.execute("SELECT count(*) FROM aside").fetchone() == (0,)
            columns = [name for _, name, *_ in reader.conn.execute("PRAGMA table_info(record_child)")]
            assert "f_house" not in columns
            assert reader.pending() == 5
        assert store.check().ok
    with Store.open(folder, toy.registry(), program="test") as store, store.reader() as reader:
        assert len(reader.find(Range(toy.Child, "by_house", ("north",)))) == 5
        assert reader.search("zoe") == []


def _second(db: Database) -> None:
    db.table("log").add_column("later", str)


@pytest.fixture
def next_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program whose schema is one step further."""
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    monkeypatch.setattr(schema, "_STEPS", (*schema._STEPS, _second))


@pytest.mark.usefixtures("next_version")
def test_a_step_runs_once_and_unsent_work_rides_along(old: Callable[[Path], Path]) -> None:
    folder = old(VERSIONS[-1])
    key = keys.load(folder, None).key
    for _ in range(2):
        with Store.open(folder, toy.registry(), program="test") as store, store.reader() as reader:
            assert schema.version_of(reader.conn) == schema.VERSION
            assert reader.conn.execute("SELECT count(*), count(later) FROM log").fetchone() == (12, 0)
            assert len(reader.unsent(99)) == 5
    assert sorted(path.name for path in folder.iterdir()) == ["owner.lock", "store.db", "store.key"]
    SqlDevice.open(folder / "store.db", key, toy.registry()).close()


@pytest.mark.usefixtures("next_version")
@pytest.mark.parametrize("trouble", ["raises", "loses an entry", "breaks a row"])
def test_a_failed_upgrade_leaves_the_store_as_it_was(
    old: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    def fail(db: Database) -> None:
        if trouble == "raises":
            raise ZeroDivisionError
        if trouble == "loses an entry":
            db.execute("DELETE FROM log WHERE position & 255 = 12")
        else:
            db.execute("UPDATE record_presence SET body = base WHERE overlaid = 1")

    folder = old(VERSIONS[-1])
    before = (folder / "store.db").read_bytes()
    monkeypatch.setattr(schema, "_STEPS", (*schema._STEPS[:-1], fail))
    expected: Any = ZeroDivisionError if trouble == "raises" else EnvironmentFault
    with pytest.raises(expected):
        Store.open(folder, toy.registry(), program="test")
    assert (folder / "store.db").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["owner.lock", "store.db", "store.key"]
    monkeypatch.setattr(schema, "_STEPS", (*schema._STEPS[:-1], _second))
    with Store.open(folder, toy.registry(), program="test") as store:
        assert store.check().ok


@pytest.mark.usefixtures("next_version")
def test_what_a_killed_upgrade_left_is_swept_away(old: Callable[[Path], Path]) -> None:
    folder = old(VERSIONS[-1])
    for name in ("store.db.upgrade", "store.db.upgrade-wal"):
        (folder / name).write_bytes(b"half")
    with Store.open(folder, toy.registry(), program="test") as store:
        assert store.check().entries == 12
    assert sorted(path.name for path in folder.iterdir()) == ["owner.lock", "store.db", "store.key"]
