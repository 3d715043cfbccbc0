"""A device's engine: what is seen while work is unsent, what is run again, and who is told what how often."""

import json
from typing import Any

import msgspec
import pytest

from classtap_core.kernel.device_store import Answer, Pulled
from classtap_core.kernel.effects import Home
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import derived
from classtap_core.kernel.outcomes import ACCEPTED, Outcome, Status, refused, undetermined
from tests.unit.kernel import toy
from tests.unit.kernel.rig import NOW, SEATS, STAFF, Cloud, Device, child, enrol, mark


def seen(device: Device, record: Any, id: str) -> dict[str, Any] | None:
    row = device.backend.rows(record, [id]).get(id)  # type: ignore[call-overload]
    return None if row is None else json.loads(row.body)


def states(device: Device, number: int) -> list[str]:
    row = seen(device, toy.Presence, toy.presence_id(child(number)))
    return [] if row is None else [mark["state"] for mark in row["marks"]]


def free(device: Device) -> int | None:
    row = seen(device, toy.Seats, SEATS)
    return None if row is None else row["free"]


def seats(free: int) -> Pulled:
    return Pulled("seats", SEATS, "schedule", json.dumps({"id": SEATS, "free": free}).encode())


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def desk(cloud: Cloud) -> Device:
    return Device("desk", cloud)


@pytest.fixture
def kiosk(cloud: Cloud) -> Device:
    return Device("kiosk", cloud)


def test_a_fact_is_seen_at_once_and_a_request_beside_the_truth(desk: Device) -> None:
    desk.bus.submit(mark(0), STAFF)
    assert states(desk, 0) == ["present"]
    receipt = desk.bus.submit(toy.Post(seats=SEATS, free=9), STAFF)
    assert (receipt.sequence, receipt.outcome.status) == (2, Status.WAITING)
    assert free(desk) is None
    desk.sync()
    assert free(desk) == 9


def test_a_refusal_leaves_nothing_behind(desk: Device) -> None:
    receipt = desk.bus.submit(toy.Rename(child=child(0), name="x"), STAFF)
    assert (receipt.sequence, receipt.outcome.reasons[0].code) == (None, "toy.no_child")
    assert (desk.backend.log, desk.backend.effects, desk.backend.head().sequence) == ([], {}, 0)


def test_several_at_once_see_one_another_and_come_to_the_same_as_one_by_one(desk: Device, kiosk: Device) -> None:
    said = [toy.Rename(child=child(0), name="too early"), enrol(0), toy.Rename(child=child(0), name="Ana"), mark(0)]
    together = desk.bus.submit_all(said, STAFF)
    alone = [kiosk.bus.submit(one, STAFF) for one in said]
    assert [receipt.outcome for receipt in together] == [receipt.outcome for receipt in alone]
    assert [receipt.sequence for receipt in together] == [None, 1, 2, 3]
    assert seen(desk, toy.Child, child(0)) == seen(kiosk, toy.Child, child(0))
    desk.sync()
    assert seen(desk, toy.Child, child(0))["name"] == "Ana"  # type: ignore[index]
    with pytest.raises(ZeroDivisionError):
        desk.bus.submit_all([mark(1), toy.Faulty()], STAFF)
    assert (states(desk, 1), desk.backend.head().sequence) == ([], 3)


def test_a_kind_the_cloud_does_not_take_is_not_authored(desk: Device) -> None:
    desk.backend._move(takes={"toy.mark": 1})
    assert desk.bus.submit(mark(0), STAFF).sequence == 1
    assert desk.bus.submit(enrol(0), STAFF).outcome.reasons[0].code == "cloud_older"


def test_what_has_no_canonical_form_is_refused_whole(desk: Device) -> None:
    with pytest.raises(BadInput):
        desk.bus.submit(toy.Post(seats=SEATS, free=2**53), STAFF)
    assert desk.backend.head().sequence == 0


def test_a_failure_while_writing_leaves_nothing(desk: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(desk.backend, "add_effects", full)
    with pytest.raises(OSError, match="disk full"):
        desk.bus.submit(toy.Chime(child=child(0), house="north"), STAFF)
    assert (desk.backend.log, desk.backend.seen.all(), desk.backend.head().sequence) == ([], {}, 0)


def test_what_is_done_inside_one_commit_is_done_or_left_together(desk: Device) -> None:
    """As on disk: an import says thousands of things in one commit."""

    def half_way() -> None:
        with desk.backend.atomic():
            desk.bus.submit(mark(0, state="late"), STAFF)
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        half_way()
    assert (desk.backend.log, desk.backend.seen.all(), desk.backend.head().sequence) == ([], {}, 0)
    with desk.backend.atomic():
        desk.bus.submit(mark(0, state="late"), STAFF)
    assert desk.backend.head().sequence == 1


def test_another_devices_earlier_mark_is_folded_beneath_ones_own(desk: Device, kiosk: Device) -> None:
    kiosk.bus.submit(mark(0, state="late"), STAFF)
    desk.clock.advance(1_000)
    desk.bus.submit(mark(0, state="present"), STAFF)
    kiosk.push()
    (notice,) = desk.pull()
    assert states(desk, 0) == ["late", "present"]
    assert (notice.before.status, notice.now.status) == (Status.ACCEPTED, Status.SUPERSEDED)
    assert desk.sync() == []
    assert states(desk, 0) == ["late", "present"]


def test_a_fact_that_comes_late_tells_whoever_was_told_otherwise_once(desk: Device, kiosk: Device) -> None:
    kiosk.bus.submit(mark(0, state="late"), STAFF)
    desk.clock.advance(1_000)
    desk.bus.submit(mark(0), STAFF)
    assert desk.sync() == []
    kiosk.sync()
    (notice,) = desk.sync()
    assert (notice.operation, notice.now.status) == (desk.backend.log[0].id, Status.SUPERSEDED)
    assert desk.sync() == []
    assert list(desk.backend.notices) == [notice.operation]


def test_an_overlay_goes_only_when_its_decision_is_included(desk: Device) -> None:
    desk.bus.submit(mark(0), STAFF)
    pushed, _ = desk.push()
    assert pushed is not None
    desk.bus.apply([], cursor=0)
    assert states(desk, 0) == ["present"]  # acknowledged, and the base rows know nothing of it yet
    desk.bus.apply([])
    assert states(desk, 0) == ["present"]
    desk.bus.apply([], cursor=1)
    assert states(desk, 0) == []  # the cloud says that up to here there is no such row


def test_an_edit_the_cloud_refused_leaves_the_screen(cloud: Cloud) -> None:
    desk = Device("desk", cloud)
    desk.bus.submit(enrol(0, name="Ana"), STAFF)
    desk.sync()
    cloud.authority.bus = toy.bus(authority=True, denied=(STAFF.id,))
    desk.bus.submit(toy.Rename(child=child(0), name="Bo"), STAFF)
    assert seen(desk, toy.Child, child(0)) == {"id": child(0), "house": "north", "name": "Bo"}
    (notice,) = desk.sync()
    assert notice.now.reasons[0].code == "permission.denied"
    assert seen(desk, toy.Child, child(0)) == {"id": child(0), "house": "north", "name": "Ana"}


def test_a_contested_fact_is_kept_and_answered_and_has_no_consequences(cloud: Cloud) -> None:
    desk = Device("desk", cloud)
    cloud.authority.bus = toy.bus(authority=True, denied=(STAFF.id,))
    desk.bus.submit(mark(0), STAFF)
    (notice,) = desk.sync()
    assert notice.now.status is Status.CONTESTED
    assert states(desk, 0) == []
    assert desk.backend.log[0].answer is not None
    assert cloud.backend.marks[desk.id].contested == 1


def test_own_later_work_is_run_again_on_top(desk: Device, kiosk: Device) -> None:
    """Rename after rename: the cloud's row beneath changes, and the last word stays the last."""
    desk.bus.submit(enrol(0, name="a"), STAFF)
    desk.sync()
    desk.bus.submit(toy.Rename(child=child(0), name="b"), STAFF)
    desk.bus.submit(toy.Rename(child=child(0), name="c"), STAFF)
    desk.bus.apply([Pulled("child", child(0), "families/south", json.dumps(
        {"id": child(0), "house": "south", "name": "z", "later": 1}).encode())])  # fmt: skip
    assert seen(desk, toy.Child, child(0)) == {"id": child(0), "house": "south", "name": "c", "later": 1}


def test_a_range_is_run_again_when_a_row_comes_into_it(desk: Device) -> None:
    desk.bus.submit(toy.Census(house="north", into=SEATS), STAFF)
    assert free(desk) == 0
    row = Pulled("child", child(0), "families/north", json.dumps(
        {"id": child(0), "house": "north", "name": "Ana"}).encode())  # fmt: skip
    desk.bus.apply([row])
    assert free(desk) == 1
    desk.bus.apply([Pulled("child", child(0), "families/north", None)])
    assert free(desk) == 0


def test_what_follows_from_a_re_run_is_run_again_too(desk: Device) -> None:
    """census → borrow: a row pulled under the first moves the second, by way of a record neither pulled."""
    desk.bus.submit(enrol(0), STAFF)
    desk.bus.submit(toy.Census(house="north", into=SEATS), STAFF)
    desk.bus.submit(toy.Borrow(seats=SEATS), STAFF)
    assert free(desk) == 0
    for number in (1, 2):
        desk.bus.apply([Pulled("child", child(number), "families/north", json.dumps(
            {"id": child(number), "house": "north", "name": "x"}).encode())])  # fmt: skip
    assert free(desk) == 2
    assert desk.backend.notices == {}


def test_a_row_that_a_re_run_moves_into_a_range_counts(desk: Device) -> None:
    """A pulled row lets a pending edit change a third record; the range over that record is run again as well."""
    desk.bus.submit(enrol(5, house="south"), STAFF)
    desk.sync()
    desk.bus.submit(toy.Census(house="north", into=SEATS), STAFF)
    desk.bus.submit(enrol(5, house="north"), STAFF)
    desk.bus.submit(toy.Census(house="north", into=derived("seats", "after")), STAFF)
    assert free(desk) == 0
    row = Pulled("child", child(5), "families/south", json.dumps(
        {"id": child(5), "house": "south", "name": "moved"}).encode())  # fmt: skip
    desk.bus.apply([row])
    assert free(desk) == 0
    after = seen(desk, toy.Seats, derived("seats", "after"))
    assert after is not None
    assert after["free"] == 1


def test_no_operation_sees_what_was_done_after_it(desk: Device) -> None:
    """A pull under the second rename alone: run again, it still starts from the first, not from the third."""
    desk.bus.submit(enrol(0, name="first"), STAFF)
    desk.bus.submit(mark(0), STAFF)
    second = desk.bus.submit(toy.Follow(child=child(0), house="north", name="second"), STAFF)
    desk.bus.submit(toy.Rename(child=child(0), name="third"), STAFF)
    desk.bus.apply([Pulled("presence", toy.presence_id(child(0)), "roster/north", None)])
    entry = desk.backend.log[(second.sequence or 0) - 1]
    assert entry.changes[0].before == {"name": "first"}
    assert seen(desk, toy.Child, child(0)) == {"id": child(0), "house": "north", "name": "third"}


def test_a_lease_that_no_longer_holds_is_told_once_and_then_the_cloud_speaks(desk: Device) -> None:
    desk.bus.apply([seats(1)])
    desk.bus.submit(toy.Borrow(seats=SEATS), STAFF)
    (notice,) = desk.bus.apply([seats(0)])
    assert notice.now.status is Status.REFUSED
    assert free(desk) == 0
    (again,) = desk.bus.apply([seats(2)])
    assert again.now.status is Status.ACCEPTED
    assert free(desk) == 1
    assert desk.bus.apply([seats(2)]) == []


def test_after_the_answer_a_re_run_tells_nobody_otherwise(desk: Device) -> None:
    """Between acknowledgement and inclusion the overlay may stand on rows that have it already."""
    desk.bus.apply([seats(1)])
    desk.bus.submit(toy.Borrow(seats=SEATS), STAFF)
    desk.bus.acknowledge([Answer(1, ACCEPTED, 7)])
    assert desk.bus.apply([seats(0)]) == []
    assert desk.bus.apply([], cursor=7) == []
    assert free(desk) == 0


def test_what_came_with_an_unfinished_page_is_told_when_the_pull_ends(desk: Device, kiosk: Device) -> None:
    """The answer stood while the page was unfinished; once it is included, how the fact stands now is said."""
    kiosk.bus.submit(mark(0, state="late"), STAFF)
    desk.clock.advance(1_000)
    desk.bus.submit(mark(0), STAFF)
    _, notices = desk.push()
    kiosk.push()
    rows, cursor = desk.cloud.backend.pull(desk.backend.scopes, after=0)
    assert notices == desk.bus.apply(rows) == []
    (notice,) = desk.bus.apply([], cursor=cursor)
    assert notice.now.status is Status.SUPERSEDED
    assert desk.bus.apply(rows, cursor=cursor) == []


def test_rows_that_came_after_an_answer_are_not_worked_again(desk: Device, kiosk: Device) -> None:
    """What was answered is in them: laid over them once more, it would hide what others did after it, or count twice."""
    desk.bus.submit(enrol(0, name="Ana"), STAFF)
    desk.bus.submit(toy.Post(seats=SEATS, free=9), STAFF)
    desk.sync()
    kiosk.pull()
    desk.bus.submit(toy.Rename(child=child(0), name="Bo"), STAFF)
    desk.bus.submit(toy.Borrow(seats=SEATS), STAFF)
    desk.push()
    kiosk.bus.submit(toy.Rename(child=child(0), name="Cy"), STAFF)
    kiosk.push()
    rows, cursor = desk.cloud.backend.pull(desk.backend.scopes, after=desk.backend.head().cursor)
    for step in (None, cursor):  # the pages are not finished yet, and then they are
        desk.bus.apply(rows, cursor=step)
        there = seen(desk, toy.Child, child(0))
        assert there is not None
        assert (there["name"], free(desk)) == ("Cy", 8)


def test_an_answer_that_overtook_another_hides_nothing(desk: Device) -> None:
    for number in range(4):
        desk.bus.submit(mark(number), STAFF)
    desk.bus.acknowledge([Answer(3, ACCEPTED, 3), Answer(4, ACCEPTED, 4)])
    assert desk.backend.head().acked == 0
    desk.bus.acknowledge([Answer(1, ACCEPTED, 1)])
    assert desk.backend.head().acked == 1
    desk.bus.acknowledge([Answer(2, ACCEPTED, 2)])
    assert desk.backend.head().acked == 4


def test_a_repeated_or_unknown_answer_changes_nothing(desk: Device) -> None:
    desk.bus.submit(mark(0), STAFF)
    desk.bus.acknowledge([Answer(1, ACCEPTED, 1)])
    assert desk.bus.acknowledge([Answer(1, refused("other"), 9), Answer(5, ACCEPTED, 5)]) == []
    assert desk.backend.head().acked == 1
    assert desk.backend.log[0].told.status is Status.ACCEPTED


def test_effects_go_once_at_their_home(cloud: Cloud, desk: Device) -> None:
    desk.bus.submit(toy.Chime(child=child(0), house="north"), STAFF)
    homes = {intent.home: ready for _, intent, ready in desk.backend.effects.values()}
    assert homes == {Home.HERE: True, Home.HERE_WHEN_ACCEPTED: False}
    desk.bus.apply([Pulled("presence", toy.presence_id(child(0)), "roster/north", None)])
    batch = desk.unsent()
    assert batch is not None
    for _ in range(3):
        pushed = cloud.authority.push(batch)
    desk.bus.acknowledge(pushed.answers)
    desk.bus.acknowledge(pushed.answers)
    desk.pull()
    homes = {intent.home: ready for _, intent, ready in desk.backend.effects.values()}
    assert homes == {Home.HERE: True, Home.HERE_WHEN_ACCEPTED: True}
    assert [effect.home for ledger in cloud.backend.ledgers for effect in ledger.effects] == [Home.CLOUD]


def test_an_effect_that_waited_for_a_refusal_is_dropped(desk: Device) -> None:
    desk.bus.apply([seats(1)])
    desk.bus.submit(toy.Borrow(seats=SEATS), STAFF)
    desk.bus.acknowledge([Answer(1, refused("no"), 1)])
    assert desk.backend.effects == {}


def test_what_cannot_be_decided_again_keeps_what_it_had_written(desk: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.bus.submit(mark(0, note="n"), STAFF)
    pulled = Pulled("presence", toy.presence_id(child(0)), "roster/north", None)

    desk.backend.scopes = ("families/*",)  # its scope went
    assert desk.bus.apply([pulled]) == []
    assert states(desk, 0) == ["present"]

    desk.backend.scopes = ("roster/*",)
    with monkeypatch.context() as patch:  # its handler fails
        patch.setattr(toy.MarkPresence.SPEC, "handler", toy.faulty)
        assert desk.bus.apply([pulled]) == []
    assert states(desk, 0) == ["present"]

    desk.backend._replace(1, parts={child(0): desk.backend.log[0].parts[child(0)]})  # a part of it was erased
    assert desk.bus.apply([pulled]) == []
    assert states(desk, 0) == ["present"]


def test_an_undetermined_fact_is_decided_when_its_scope_comes(desk: Device, cloud: Cloud) -> None:
    desk.backend.scopes = ("families/*",)
    receipt = desk.bus.submit(mark(0), STAFF)
    assert receipt.outcome == undetermined("roster/north")
    assert receipt.changes == ()
    desk.backend.scopes = ("families/*", "roster/*")
    row = {"id": toy.presence_id(child(0)), "child": child(0), "house": "north"}
    desk.bus.apply([Pulled("presence", toy.presence_id(child(0)), "roster/north", json.dumps(row).encode())])
    assert states(desk, 0) == ["present"]
    assert desk.sync() == []
    assert states(desk, 0) == ["present"]


def test_an_undetermined_fact_that_was_included_is_told_nothing_new(desk: Device) -> None:
    desk.backend.scopes = ("families/*",)
    desk.bus.submit(mark(0), STAFF)
    desk.bus.acknowledge([Answer(1, Outcome(status=Status.SUPERSEDED), 1)])
    desk.backend.notices.clear()
    gone = Pulled("presence", toy.presence_id(child(0)), "roster/north", None)
    assert desk.bus.apply([gone], cursor=1) == []
    assert desk.bus.apply([gone], cursor=2) == []


def test_what_was_measured_earlier_is_decided_at_that_time(desk: Device) -> None:
    at = desk.clock.now()
    desk.clock.advance(90_000)
    desk.bus.submit(mark(0), STAFF, at=at)
    assert desk.backend.log[0].at_ms == NOW


def test_an_entry_survives_its_bytes(desk: Device) -> None:
    desk.bus.submit(mark(0, 1, note="n"), STAFF)
    entry = desk.backend.log[0]
    assert msgspec.json.decode(msgspec.json.encode(entry.told), type=Outcome) == entry.told
