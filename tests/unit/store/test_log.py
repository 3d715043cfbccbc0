"""The log: sealed by person, erased by person, chained whatever is erased; effects, notices, observations."""

from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec
import pytest

from classtap_core.kernel.chain import verify_device
from classtap_core.kernel.clock import Timestamp
from classtap_core.kernel.device_store import Answer, Entry, Pulled
from classtap_core.kernel.effects import Home, Intent
from classtap_core.kernel.envelope import FORMAT, GENESIS, Envelope, commitments, pack, write
from classtap_core.kernel.erasure import Erasure
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Range, Registry
from classtap_core.kernel.outcomes import ACCEPTED, Status, refused
from classtap_core.kernel.records import Index, Record, about
from classtap_core.kernel.tx import Change, Touched
from classtap_core.store.check import check
from classtap_core.store.device import SqlDevice
from tests.unit.kernel import toy
from tests.unit.store.conftest import DEVICE, KEY, STAFF, STUDIO, bus_over, child_id, child_row, mark


def parts_stored(device: SqlDevice) -> list[dict[str, bytes]]:
    rows = device.conn.execute("SELECT payload, changes FROM log ORDER BY position").fetchall()
    return [msgspec.msgpack.decode(blob) for row in rows for blob in row if blob]


def test_what_is_somebodys_rests_sealed_and_what_is_nobodys_open(device: SqlDevice) -> None:
    bus_over(device).submit(mark(1, 2, note="peanut allergy"), STAFF)
    for parts in parts_stored(device):
        assert set(parts) == {"", child_id(1), child_id(2)}
        assert not any(b"peanut" in part for part in parts.values())
    (entry,) = device.entries([1])
    assert b"peanut" in entry.parts[child_id(1)]
    assert entry.changes[0].after["marks"][0]["note"] == "peanut allergy"  # type: ignore[index]


def test_erasing_one_child_of_five(device: SqlDevice) -> None:
    """OPERATIONS: the other four stay readable, the chain verifies, the marker is found 0 times."""
    bus = bus_over(device)
    bus.apply([child_row(number, f"Name{number}") for number in range(5)], cursor=1, token="t")
    for number in range(5):
        bus.submit(toy.Rename(child=child_id(number), name=f"Marker{number}"), STAFF)
    bus.submit(mark(0, 1, 2, 3, 4, note="Marker"), STAFF)
    device.add_effects(derived("op"), [label(3, "Marker3")], ready=True)

    device.erase(child_id(3))

    everything = _everything(device)
    assert "Marker3" not in everything
    assert "Name3" not in everything
    assert "Marker2" in everything
    (entry,) = device.entries([6])
    assert set(entry.parts) == {"", *(child_id(number) for number in (0, 1, 2, 4))}
    assert [change.after and change.after.get("marks") is None for change in entry.changes] == [
        False, False, False, True, False,
    ]  # fmt: skip
    assert device.erased(child_id(3))
    assert not device.erased(child_id(2))
    assert verify_device(device.chain(1), head=device.chain_head(1)).ok
    assert check(device).ok
    assert [row.id for row in device.find(Range(toy.Child, "by_house", ("north",)))] == sorted(
        child_id(number) for number in (0, 1, 2, 4)
    )
    bus.submit(mark(3, note="Marker3 again"), STAFF)
    assert b"again" not in b"".join(part for parts in parts_stored(device)[-2:] for part in parts.values())


def label(number: int, name: str) -> Intent:
    return Intent(derived("effect", name), "label", Home.HERE, {"child": child_id(number), "name": name}, False)


def _everything(device: SqlDevice) -> str:
    """All that can be read of a store by whoever opens it: tables, opened parts and changes."""
    said: list[Any] = []
    tables = device.conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (name,) in tables:
        said += device.conn.execute(f'SELECT * FROM "{name}"').fetchall()
    said += [(entry.parts, entry.changes) for entry in device.entries(range(1, device.head().sequence + 1))]
    return repr(said)


def test_a_person_who_comes_back_gets_another_key(device: SqlDevice) -> None:
    """What the old key sealed stays shut, and is not taken for tampering."""
    bus = bus_over(device)
    bus.submit(mark(1, note="before"), STAFF)
    device.subject_keys.drop([child_id(1)])
    bus.submit(mark(1, note="after"), STAFF)
    before, after = device.entries([1, 2])
    assert child_id(1) not in before.parts
    assert b"after" in after.parts[child_id(1)]


def test_a_part_that_was_tampered_with_is_seen(device: SqlDevice) -> None:
    bus_over(device).submit(mark(1, note="x"), STAFF)
    (stored,) = device.conn.execute("SELECT payload FROM log").fetchone()
    parts = msgspec.msgpack.decode(stored)
    box = parts[child_id(1)]
    parts[child_id(1)] = box[:-1] + bytes([box[-1] ^ 1])
    device.conn.execute("UPDATE log SET payload = ?", (msgspec.msgpack.encode(parts),))
    with pytest.raises(BadInput, match=r"chain\.seal"):
        device.entries([1])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("UPDATE log SET envelope = CAST(replace(CAST(envelope AS TEXT), 'toy', 'tay') AS BLOB) WHERE position & 255 = 2",
         "chain.previous"),
        ("DELETE FROM log WHERE position & 255 = 2", "chain.gap"),
        ("DELETE FROM touch; UPDATE log SET hash = 'f' WHERE position & 255 = 3", "chain.head"),
    ],
)  # fmt: skip
def test_check_finds_what_was_done_to_the_chain(device: SqlDevice, change: str, why: str) -> None:
    bus = bus_over(device)
    for number in range(3):
        bus.submit(mark(number), STAFF)
    assert check(device).ok
    device.conn.executescript(change)
    found = check(device)
    assert found.chain is not None
    assert found.chain.why == why


def test_check_finds_a_row_that_is_not_the_fold(device: SqlDevice) -> None:
    bus = bus_over(device)
    bus.apply([child_row(1)])
    bus.submit(toy.Rename(child=child_id(1), name="Anna"), STAFF)
    assert check(device).ok
    device.conn.execute("UPDATE record_child SET body = replace(CAST(body AS TEXT), 'Anna', 'Eve')")
    assert check(device).wrong == (("child", child_id(1)),)


def test_the_queue_is_what_lies_above_the_acknowledged(device: SqlDevice) -> None:
    bus = bus_over(device)
    for number in range(4):
        bus.submit(mark(number, note="n"), STAFF)
    unsent = device.unsent(3)
    entries = device.entries([1, 2, 3])
    assert [(one.sequence, one.hash, one.data, one.parts) for one in unsent] == [
        (entry.sequence, entry.hash, entry.data, entry.parts) for entry in entries
    ]
    bus.acknowledge([Answer(1, ACCEPTED, 10), Answer(2, ACCEPTED, 11)])
    assert device.pending() == 2
    assert [one.sequence for one in device.unsent(9)] == [3, 4]


def test_a_fork_begins_a_new_chain(device: SqlDevice) -> None:
    bus = bus_over(device)
    bus.submit(mark(1), STAFF)
    bus.acknowledge([Answer(1, ACCEPTED, 10)])
    device.pair(studio=device.head().studio, device=device.head().device, epoch=2)
    assert (device.head().sequence, device.head().acked, device.head().epoch) == (0, 0, 2)
    bus.submit(mark(2), STAFF)
    assert device.epochs() == [1, 2]
    found = check(device)
    assert (found.chain, found.entries) == (None, 2)
    assert [one.sequence for one in device.unsent(9)] == [1]


def test_effects_wait_their_turn_and_happen_once(device: SqlDevice) -> None:
    one, two = label(1, "one"), label(2, "two")
    device.add_effects(derived("op"), [one], ready=True)
    device.add_effects(derived("op"), [two], ready=False)
    assert device.effects_ready() == [(derived("op"), one)]
    device.release_effects(derived("op"), accepted=True)
    assert device.effects_ready() == [(derived("op"), one), (derived("op"), two)]
    assert device.effect_done(one.id)
    assert not device.effect_done(one.id)
    assert device.effects_ready() == [(derived("op"), two)]
    device.add_effects(derived("other"), [label(3, "three")], ready=False)
    device.release_effects(derived("other"), accepted=False)
    assert device.conn.execute("SELECT count(*) FROM effect").fetchone() == (1,)


def test_notices_stay_until_seen(device: SqlDevice) -> None:
    bus = bus_over(device)
    receipt = bus.submit(mark(1), STAFF)
    bus.acknowledge([Answer(1, refused("late"), 3)])
    (notice,) = device.notices()
    assert (notice.operation, notice.sequence, notice.now.status) == (receipt.operation, 1, Status.REFUSED)
    device.notice_seen(receipt.operation)
    assert device.notices() == []


def test_observations_are_counted_by_ten_minutes(device: SqlDevice) -> None:
    for at_ms in (0, 599_999, 600_000):
        device.observe("scan.refused", "tampered", at_ms, times=1, decode_ms=7)
    device.observe("scan.refused", "expired", 600_000, times=1)
    assert device.observations("scan.refused") == {
        (0, "tampered"): {"times": 2, "decode_ms": 14},
        (600_000, "tampered"): {"times": 1, "decode_ms": 7},
        (600_000, "expired"): {"times": 1},
    }
    device.forget_observations(600_000)
    assert device.observations("scan.refused", since_ms=0).keys() == {(600_000, "tampered"), (600_000, "expired")}
    assert device.observations("other") == {}


def test_touches_of_long_ago_are_forgotten(device: SqlDevice) -> None:
    bus = bus_over(device)
    bus.submit(mark(1), STAFF)
    bus.submit(mark(2), STAFF)
    bus.acknowledge([Answer(1, ACCEPTED, 10)])
    bus.apply([], cursor=10, token="t")
    ref = ("presence", toy.presence_id(child_id(1)))
    assert device.touching([ref], settled=True) == {1}
    assert device.forget_touches(bus.clock.now().wall) == 0
    assert device.forget_touches(bus.clock.now().wall + 1) == 1
    assert device.touching([ref], settled=True) == set()
    assert device.touching([("presence", toy.presence_id(child_id(2)))], settled=False) == {2}


def test_asking_what_touches_a_record_walks_no_log(device: SqlDevice) -> None:
    """However many operations wait: the plan is a search by record, never a scan."""
    sql = (
        "EXPLAIN QUERY PLAN SELECT position FROM json_each('[]') AS asked CROSS JOIN touch ON touch.kind = 'presence'"
        " AND touch.id = asked.value AND touch.position BETWEEN 1 AND 2 AND touch.settled = 0"
    )
    steps = [row[3] for row in device.conn.execute(sql).fetchall()]
    assert any(step.startswith("SEARCH touch USING") for step in steps), steps


def test_nothing_readable_lies_in_the_folder(data_dir: Path, device: SqlDevice) -> None:
    """While the store is open: database, write-ahead log and its index hold no word of anybody."""
    bus = bus_over(device)
    bus.apply([child_row(number, f"Quetzalcoatl{number}") for number in range(50)])
    for number in range(20):
        bus.submit(mark(number, note="Quetzalcoatl"), STAFF)
    device.remember("papers", b"Quetzalcoatl")
    files = [path for path in data_dir.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"store.db", "store.db-wal"}
    for path in files:
        data = path.read_bytes()
        for marker in (b"Quetzalcoatl", b"SQLite format", child_id(3).encode(), b"toy.mark", b"CREATE TABLE"):
            assert marker not in data, (path.name, marker)
    device.checkpoint(truncate=True)
    assert b"Quetzalcoatl" not in (data_dir / "store.db").read_bytes()


class Household(Record, frozen=True, kw_only=True):
    """Two persons in one row: erasing one leaves the other, under an overlay too."""

    KIND: ClassVar[str] = "household"
    PREFIX: ClassVar[str] = "families"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_street", ("street",)),)

    street: str
    first: Id
    second: Id
    first_name: Annotated[str, about("first")] = ""
    second_name: Annotated[str, about("second")] = ""


def test_a_row_about_two_keeps_the_other(data_dir: Path) -> None:
    registry = Registry([type("rooms", (), {"Household": Household})])  # type: ignore[list-item]
    device = SqlDevice.create(data_dir / "store.db", KEY, registry, studio=STUDIO, device=DEVICE)
    home = Household(
        id=derived("home"), street="a", first=child_id(1), second=child_id(2), first_name="Ann", second_name="Bo"
    )
    moved = msgspec.structs.replace(home, street="b", first_name="Anna")
    device.put_base([Pulled("household", home.id, "families/x", msgspec.json.encode(home))])
    change = Change(
        kind="household", id=home.id, before={"street": "a", "first_name": "Ann"},
        after={"street": "b", "first_name": "Anna"}, scope="families/x", body=msgspec.json.encode(moved),
    )  # fmt: skip
    device.append([entry_of(change)])
    assert check(device).ok
    device.erase(child_id(1))
    assert check(device).ok
    (body, base) = device.conn.execute("SELECT body, base FROM record_household").fetchone()
    assert [msgspec.json.decode(data, type=Household).second_name for data in (body, base)] == ["Bo", "Bo"]
    assert "Ann" not in _everything(device)
    assert len(device.find(Range(Household, "by_street", ("b",)))) == 1
    device.close()


def test_whom_the_cloud_says_is_erased_is_erased_with_the_page_that_says_so(device: SqlDevice) -> None:
    bus = bus_over(device)
    bus.apply([child_row(number, f"Name{number}") for number in range(3)], cursor=1, token="t")
    bus.submit(mark(0, 1, 2, note="Marker"), STAFF)
    gone = Erasure(id=child_id(1), at_ms=1)
    rows = [Pulled("child", child_id(1), "families/north", None)]
    bus.apply([*rows, Pulled(gone.KIND, gone.id, gone.scope(), msgspec.json.encode(gone))], cursor=2, token="u")
    assert device.erased(child_id(1))
    assert "Name1" not in _everything(device)
    assert [set(parts) for parts in parts_stored(device)[-2:]] == [
        {"", child_id(0), child_id(1), child_id(2)},
        {"", child_id(0), child_id(1), child_id(2)},
    ]
    (entry,) = device.entries([1])
    assert set(entry.parts) == {"", child_id(0), child_id(2)}
    assert verify_device(device.chain(1), head=device.chain_head(1)).ok


def entry_of(change: Change) -> Entry:
    """A folded entry as the bus would write it, for records that no operation of the toy room knows."""
    id = derived("operation")
    parts = pack({"": {"": {}}}, lambda count: bytes(count))
    sealed = write(
        Envelope(
            v=FORMAT, kind="toy.mark", version=1, studio=STUDIO, device=DEVICE, epoch=1, sequence=1, previous=GENESIS,
            id=id, author=STAFF, at=Timestamp(wall=1, mono=1, boot="b"), payload=commitments(parts),
        ),
        parts,
    )  # fmt: skip
    return Entry(
        sequence=1, epoch=1, id=id, kind="toy.mark", at_ms=1, data=sealed.data, hash=sealed.hash, parts=parts,
        told=ACCEPTED, changes=(change,), folded=True, touched=Touched(frozenset({change.ref})),
    )  # fmt: skip
