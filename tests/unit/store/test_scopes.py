"""Scopes that are held, and what goes when one is lost."""

import msgspec

from classtap_core.kernel.chain import verify_device
from classtap_core.kernel.device_store import Answer, Pulled
from classtap_core.kernel.ids import derived
from classtap_core.kernel.operations import Range
from classtap_core.kernel.outcomes import ACCEPTED
from classtap_core.store.check import check
from classtap_core.store.device import SqlDevice
from tests.unit.kernel import toy
from tests.unit.store.conftest import ALL, STAFF, bus_over, child_id, child_row, mark

NORTH, SOUTH = (Range(toy.Child, "by_house", (house,)) for house in ("north", "south"))


def ids(device: SqlDevice, wanted: Range) -> set[str]:
    return {row.id for row in device.find(wanted)}


def test_patterns_hold_what_lies_below_them(device: SqlDevice) -> None:
    device.release_scopes(ALL)
    device.hold(["families/north", "roster/*"])
    held = {scope: device.holds(scope) for scope in ("families/north", "families/south", "families/*", "roster/a/b")}
    assert held == {"families/north": True, "families/south": False, "families/*": False, "roster/a/b": True}
    device.release_scopes(["families/north"])
    assert not device.holds("families/north")
    assert device.held() == ("roster/*",)


def test_losing_a_scope_purges_its_rows_and_keys(device: SqlDevice) -> None:
    bus = bus_over(device)
    device.release_scopes(ALL)
    device.hold(["families/north", "families/south", "roster/north"])
    bus.apply([child_row(1), child_row(2, house="south")])
    bus.submit(toy.Rename(child=child_id(1), name="Anna"), STAFF)
    bus.submit(toy.Rename(child=child_id(2), name="Berta"), STAFF)
    bus.acknowledge([Answer(1, ACCEPTED, 10), Answer(2, ACCEPTED, 11)])
    bus.apply([child_row(1, "Anna"), child_row(2, "Berta", "south")], cursor=11, token="t")

    assert device.release_scopes(["families/north"]) == 1

    assert ids(device, NORTH) == set()
    assert ids(device, SOUTH) == {child_id(2)}
    one, two = device.entries([1, 2])
    assert set(one.parts) == {""}
    assert child_id(2) in two.parts
    assert device.conn.execute("SELECT subject FROM subject_key").fetchall() == [(child_id(2),)]
    assert not device.erased(child_id(1))
    assert verify_device(device.chain(1)).ok
    assert check(device).ok


def test_unsent_work_stays_and_can_still_be_sent(device: SqlDevice) -> None:
    """OPERATIONS: rows and keys go, the marks arrive."""
    bus = bus_over(device)
    bus.apply([child_row(1), child_row(2)])
    bus.submit(toy.Rename(child=child_id(1), name="Anna"), STAFF)
    bus.submit(mark(1, note="late"), STAFF)

    device.release_scopes(["families/*", "roster/*"])

    assert ids(device, NORTH) == {child_id(1)}
    assert set(device.rows(toy.Presence, [toy.presence_id(child_id(1))])) == {toy.presence_id(child_id(1))}
    assert [sorted(one.parts) for one in device.unsent(9)] == [["", child_id(1)]] * 2
    assert device.conn.execute("SELECT base FROM record_child").fetchall() == [(None,)]
    bus.acknowledge([Answer(1, ACCEPTED, 10), Answer(2, ACCEPTED, 11)])
    bus.apply([], cursor=11, token="t")
    assert ids(device, NORTH) == set()
    assert check(device).ok


def test_a_row_that_another_pattern_still_holds_stays(device: SqlDevice) -> None:
    device.hold(["families/north"])
    bus_over(device).apply([child_row(1), child_row(2, house="south")])
    device.release_scopes(["families/*"])
    assert ids(device, NORTH) == {child_id(1)}
    assert ids(device, SOUTH) == set()


def test_a_dated_scope_that_goes_leaves_everybodys_keys(device: SqlDevice) -> None:
    """Yesterday's roster goes every night; the children are still here, and so is what the log says of them."""
    bus = bus_over(device)
    bus.apply([child_row(1)])
    bus.submit(mark(1, note="hat"), STAFF)
    bus.acknowledge([Answer(1, ACCEPTED, 10)])
    bus.apply([], cursor=10, token="t")
    device.release_scopes(["roster/*"])
    assert b"hat" in device.entries([1])[0].parts[child_id(1)]


def test_rows_of_a_kind_that_only_a_later_version_knows(device: SqlDevice) -> None:
    row = Pulled("comet", derived("comet"), "families/sky", msgspec.json.encode({"tail": 3}))
    bus = bus_over(device)
    bus.apply([row])
    assert device.conn.execute("SELECT kind, scope FROM aside").fetchall() == [("comet", "families/sky")]
    bus.apply([msgspec.structs.replace(row, body=None)])
    assert device.conn.execute("SELECT count(*) FROM aside").fetchone() == (0,)
    bus.apply([row])
    device.release_scopes(["families/*"])
    assert device.conn.execute("SELECT count(*) FROM aside").fetchone() == (0,)


def test_a_body_that_this_version_cannot_read_is_kept(device: SqlDevice) -> None:
    """It is there by its id, so that nobody takes it for absent; no index leads to it."""
    body = msgspec.json.encode({"id": child_id(1), "house": 7})
    bus_over(device).apply([Pulled("child", child_id(1), "families/north", body)])
    assert device.rows(toy.Child, [child_id(1)])[child_id(1)].body == body
    assert device.find(NORTH) == []
