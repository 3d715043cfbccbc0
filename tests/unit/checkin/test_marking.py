"""A mark from a tap to every roster: gates, siblings, corrections, two kiosks that never met."""

import pytest

from classtap_core.access.operations import RevokeDevice
from classtap_core.booking.operations import CancelBooking
from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.checkin.operations import AttendanceChanged, ChildMark, MarkAttendance, RecordScan
from classtap_core.checkin.records import Attendance, Scan, State
from classtap_core.checkin.rules import CHECKIN_POLICY, standing
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.records import decode
from classtap_core.schedule.operations import CancelSession
from tests.unit.house.world import (
    ANA,
    BEN,
    CLERK,
    DESK,
    EARLY,
    EVENING,
    FAMILY,
    HALF_PAST,
    KIOSK,
    MAIN,
    MINUTE,
    NINE,
    NINE_BALLET,
    OTHER_KIOSK,
    OWNER,
    TEACHER,
    ZOE,
    Member,
    World,
    device,
    named,
    staff,
    state_of,
)


def present(child: Id, **fields: object) -> ChildMark:
    return ChildMark(child=child, state="present", **fields)  # type: ignore[arg-type]


def items(receipt: object) -> list[tuple[Status, str]]:
    """Each item's status and the code of its first reason."""
    return [(one.status, one.reasons[0].code if one.reasons else "") for one in receipt.outcome.items]  # type: ignore[attr-defined]


def states(world: World, place: Member | None = None) -> dict[tuple[Id, Id], State]:
    rows = state_of(place.store if place else world.cloud, Attendance).values()
    entries = [decode(Attendance, body) for body in rows]
    return {(one.session, one.child): standing(one.marks).state for one in entries}


def test_siblings_are_marked_in_one_operation_and_the_cloud_agrees() -> None:
    world = World()
    kiosk = world.join()
    receipt = kiosk.mark(HALF_PAST, present(ANA), present(BEN))
    assert items(receipt) == [(Status.ACCEPTED, ""), (Status.ACCEPTED, "")]
    world.sync()
    assert states(world) == states(world, kiosk) == {(HALF_PAST, ANA): State.PRESENT, (HALF_PAST, BEN): State.PRESENT}
    assert kiosk.store.notices == {}


def test_a_gate_that_stops_one_child_never_stops_a_sibling() -> None:
    """Ruling 6; catalogue 14: Present elsewhere disables Present, Late and Absent remain."""
    world = World()
    kiosk = world.join()
    kiosk.mark(NINE_BALLET, present(ANA))
    receipt = kiosk.mark(HALF_PAST, present(ANA), present(BEN))
    assert items(receipt) == [(Status.REFUSED, "gate.present_elsewhere"), (Status.ACCEPTED, "")]
    assert receipt.outcome.items[0].reasons[0].params == {"session": NINE_BALLET}
    late = kiosk.mark(HALF_PAST, ChildMark(child=ANA, state="late", reason="traffic"))
    assert items(late) == [(Status.ACCEPTED, "")]


def test_present_that_was_cleared_blocks_nothing() -> None:
    world = World()
    kiosk = world.join()
    first = kiosk.mark(NINE_BALLET, present(ANA))
    kiosk.clock.advance(MINUTE)
    kiosk.mark(NINE_BALLET, ChildMark(child=ANA, state="none", corrects=first.operation))
    assert items(kiosk.mark(HALF_PAST, present(ANA))) == [(Status.ACCEPTED, "")]


@pytest.mark.parametrize(
    ("session", "shift_min", "code"),
    [(EARLY, 0, "gate.too_late"), (EVENING, 0, "gate.too_early"), (NINE_BALLET, 30, ""), (NINE_BALLET, 31, "gate.too_late"),
     (HALF_PAST, -30, ""), (HALF_PAST, -31, "gate.too_early")],
)  # fmt: skip
def test_a_kiosk_marks_inside_the_window_only(session: Id, shift_min: int, code: str) -> None:
    world = World()
    kiosk = world.join(offset=shift_min * MINUTE)
    receipt = kiosk.mark(session, present(BEN if session == EVENING else ANA))
    assert receipt.outcome.status is (Status.REFUSED if code else Status.ACCEPTED)
    assert items(receipt)[0][1] == code


def test_a_published_policy_moves_the_window() -> None:
    world = World()
    world.say(PublishPolicy(name=CHECKIN_POLICY, head=0, values={"after_min": 20}))
    assert items(world.join().mark(HALF_PAST, present(ANA)))[0][1] == "gate.too_early"


def test_staff_override_a_window_and_it_shows_but_never_an_overlap() -> None:
    world = World()
    desk = world.join(DESK, role="desk")
    by = staff(CLERK)
    assert items(desk.mark(EVENING, present(BEN), author=by)) == [(Status.REFUSED, "gate.too_early")]
    receipt = desk.mark(EVENING, present(BEN, override="early_arrival"), author=by)
    assert items(receipt) == [(Status.ACCEPTED, "")]
    assert [(gate.gate, gate.result) for gate in receipt.decision.gates if gate.result != "allow"] == [
        ("window", "warn")
    ]
    desk.mark(NINE_BALLET, present(ANA), author=by)
    again = desk.mark(HALF_PAST, present(ANA, override="insists"), author=by)
    assert items(again) == [(Status.REFUSED, "gate.present_elsewhere")]


def test_who_may_not_override_does_not() -> None:
    world = World()
    desk = world.join(DESK, role="desk")
    kiosk = world.join()
    wanted = present(BEN, override="because")
    assert items(desk.mark(EVENING, wanted, author=staff(TEACHER)))[0][1] == "gate.override_denied"
    assert items(kiosk.mark(EVENING, wanted))[0][1] == "gate.override_denied"


def test_staff_correct_until_a_day_after_the_end() -> None:
    """Catalogue 14: edits until 24 h after class end (09:45)."""
    world = World()
    desk = world.join(DESK, role="desk")
    first = desk.mark(NINE_BALLET, present(ANA), author=staff(CLERK))
    absent = ChildMark(child=ANA, state="absent", reason="sick", corrects=first.operation)
    desk.clock.advance((24 * 60 + 46) * MINUTE)
    assert items(desk.mark(NINE_BALLET, absent, author=staff(CLERK)))[0][1] == "gate.too_late"
    desk.clock.advance(-MINUTE)
    assert items(desk.mark(NINE_BALLET, absent, author=staff(CLERK))) == [(Status.ACCEPTED, "")]


def test_what_staff_said_a_kiosk_does_not_take_back() -> None:
    world = World()
    desk, kiosk = world.join(DESK, role="desk"), world.join()
    said = desk.mark(NINE_BALLET, ChildMark(child=ANA, state="absent", reason="sick"), author=staff(CLERK))
    world.sync()
    receipt = kiosk.mark(NINE_BALLET, present(ANA, corrects=said.operation))
    assert items(receipt)[0][1] == "gate.staff_marked"


def test_a_walk_in_is_staff_s_to_admit_and_flagged() -> None:
    """Ruling 10a."""
    world = World()
    desk, kiosk = world.join(DESK, role="desk"), world.join()
    assert items(kiosk.mark(NINE_BALLET, present(ZOE)))[0][1] == "gate.not_booked"
    receipt = desk.mark(NINE_BALLET, present(ZOE), author=staff(CLERK))
    assert items(receipt) == [(Status.ACCEPTED, "")]
    assert [(gate.code, gate.result) for gate in receipt.decision.gates if gate.code] == [("walk_in", "warn")]


def test_a_session_called_off_takes_no_marks() -> None:
    world = World()
    world.say(CancelSession(session=NINE_BALLET))
    assert items(world.join().mark(NINE_BALLET, present(ANA)))[0][1] == "gate.session_cancelled"


def test_a_booking_cancelled_meanwhile_flags_the_mark_and_never_undoes_it() -> None:
    """OPERATIONS 1: on a fact the cloud's verdict adds a flag or an obligation."""
    world = World()
    kiosk = world.join()
    kiosk.mark(NINE_BALLET, present(ANA))
    world.say(CancelBooking(session=NINE_BALLET, child=ANA))
    world.sync()
    link = world.cloud.ledgers[-1].link
    assert link.kind == "attendance.mark"
    assert link.outcome.status is Status.ACCEPTED
    assert [reason.code for reason in link.outcome.reasons] == ["gate.not_booked"]
    assert link.outcome.obligations == ({"review": "gate.not_booked"},)
    assert states(world)[NINE_BALLET, ANA] is State.PRESENT


def test_two_kiosks_apart_agree_and_the_one_that_lost_is_told_once() -> None:
    world = World()
    one, other = world.join(KIOSK), world.join(OTHER_KIOSK, offset=2 * MINUTE)
    other.mark(NINE_BALLET, present(ANA))
    one.mark(NINE_BALLET, ChildMark(child=ANA, state="late", reason="traffic"))
    world.sync(OTHER_KIOSK)
    assert other.store.notices == {}
    world.sync(KIOSK, OTHER_KIOSK)
    expected = {(NINE_BALLET, ANA): State.LATE}
    assert states(world) == states(world, one) == states(world, other) == expected
    assert [notice.now.items[0].status for notice in other.store.notices.values()] == [Status.SUPERSEDED]
    assert one.store.notices == {}
    world.sync()
    assert len(other.store.notices) == 1


def test_clocks_that_may_agree_leave_a_tie_on_the_record() -> None:
    world = World()
    one, other = world.join(KIOSK), world.join(OTHER_KIOSK, offset=1000)
    one.mark(NINE_BALLET, present(ANA))
    other.mark(NINE_BALLET, ChildMark(child=ANA, state="absent", reason="sick"))
    world.sync()
    (body,) = state_of(world.cloud, Attendance).values()
    entry = decode(Attendance, body)
    assert len(entry.marks) == 2
    assert standing(entry.marks).tie
    assert world.cloud.ledgers[-1].link.outcome.items[0].status is Status.SUPERSEDED


def test_a_second_tap_on_what_stands_leaves_no_trace() -> None:
    world = World()
    kiosk = world.join()
    kiosk.mark(NINE_BALLET, present(ANA))
    before = kiosk.store.head()
    kiosk.clock.advance(1000)
    receipt = kiosk.mark(NINE_BALLET, present(ANA))
    assert receipt.outcome.status is Status.DUPLICATE
    assert kiosk.store.head() == before


def test_a_change_of_mind_names_what_it_corrects() -> None:
    world = World()
    kiosk = world.join()
    first = kiosk.mark(NINE_BALLET, ChildMark(child=ANA, state="late"))
    kiosk.clock.advance(1000)
    plain = kiosk.mark(NINE_BALLET, present(ANA))
    assert items(plain) == [(Status.SUPERSEDED, "attendance.already")]
    kiosk.clock.advance(1000)
    named_it = kiosk.mark(NINE_BALLET, present(ANA, corrects=first.operation))
    assert items(named_it) == [(Status.ACCEPTED, "")]
    world.sync()
    assert states(world) == {(NINE_BALLET, ANA): State.PRESENT}


def test_late_without_a_reason_stands_and_the_reason_is_owed() -> None:
    receipt = World().join().mark(NINE_BALLET, ChildMark(child=ANA, state="late"))
    assert receipt.outcome.status is Status.ACCEPTED
    assert receipt.outcome.obligations == ({"ask": "reason", "child": ANA, "state": "late"},)


def test_what_a_mark_must_not_say_is_refused_child_by_child() -> None:
    receipt = World().join().mark(HALF_PAST, ChildMark(child=ANA, state="absent", note=" "), present(BEN), present(BEN))
    assert items(receipt) == [
        (Status.REFUSED, "attendance.note_blank"), (Status.ACCEPTED, ""), (Status.REFUSED, "attendance.twice"),
    ]  # fmt: skip


def test_a_device_revoked_before_a_mark_is_contested_and_its_marks_before_are_believed() -> None:
    world = World()
    kiosk = world.join()
    kiosk.mark(HALF_PAST, present(ANA))
    world.clock.advance(MINUTE)
    world.say(RevokeDevice(device=KIOSK, reason="stolen"))
    kiosk.clock.advance(2 * MINUTE)
    kiosk.mark(HALF_PAST, present(BEN))
    world.push(KIOSK)
    before, after = (ledger.link.outcome for ledger in world.cloud.ledgers[-2:])
    assert before.status is Status.ACCEPTED
    assert after.status is Status.CONTESTED
    assert after.reasons[0].code == "permission.device_revoked"
    assert states(world) == {(HALF_PAST, ANA): State.PRESENT}


def test_the_cloud_hears_of_late_and_absent_once_per_change_and_of_nobody_who_came() -> None:
    world = World()
    one, other = world.join(KIOSK), world.join(OTHER_KIOSK, offset=2 * MINUTE)
    late, absent = (ChildMark(child=child, state=state) for child, state in ((ANA, "late"), (BEN, "absent")))
    one.mark(HALF_PAST, late, absent)
    other.mark(HALF_PAST, late)
    other.mark(NINE_BALLET, present(ANA))
    other.clock.advance(-4 * MINUTE)
    other.mark(HALF_PAST, absent)
    world.sync()
    heard = [effect for ledger in world.cloud.ledgers for effect in ledger.effects]
    assert [(effect.kind, effect.body["child"], effect.body["state"]) for effect in heard] == [
        (AttendanceChanged.KIND, ANA, "late"), (AttendanceChanged.KIND, BEN, "absent"),
    ]  # fmt: skip
    assert one.store.effects == {}


def test_a_device_that_does_not_hold_the_schedule_records_and_does_not_judge() -> None:
    world = World()
    kiosk = world.join(scopes=("studio", "keys"))
    receipt = kiosk.mark(NINE_BALLET, present(ANA))
    assert receipt.outcome.status is Status.ACCEPTED
    assert receipt.outcome.reasons[0].code == "undetermined"
    assert receipt.changes == ()
    world.push(KIOSK)
    assert states(world) == {(NINE_BALLET, ANA): State.PRESENT}


def test_a_roster_not_held_makes_a_gate_ask_rather_than_guess() -> None:
    world = World()
    kiosk = world.join(scopes=("studio", f"schedule/{MAIN}/*"))
    gates = {(gate.gate, gate.result, gate.code) for gate in kiosk.bus.decide(_one(), device(KIOSK)).gates}
    assert gates >= {("overlap", "ask", "not_held"), ("booking", "ask", "not_held")}


def _one() -> MarkAttendance:
    return MarkAttendance(session=NINE_BALLET, items=(present(ANA),))


def test_a_mark_in_a_session_nobody_planned_is_kept_and_contested() -> None:
    world = World()
    ledger = world.say(MarkAttendance(session=named("nowhere"), items=(present(ANA),)), staff(OWNER))
    assert ledger.link.outcome.status is Status.CONTESTED
    assert ledger.link.outcome.reasons[0].code == "session.unknown"


def test_a_scan_is_kept_under_its_operation_s_id_in_the_day_s_scope() -> None:
    world = World()
    kiosk = world.join()
    seen = RecordScan(
        location=MAIN, date="2026-11-21", outcome="ok", handle="00000000000000ff", epoch=1, family=FAMILY, key_id=1,
        decode_us=900, verify_us=150, trace="t-1",
    )  # fmt: skip
    receipt = kiosk.bus.submit(seen, device(KIOSK))
    world.sync()
    (body,) = state_of(world.cloud, Scan).values()
    scan = decode(Scan, body)
    assert (scan.id, scan.at_ms, scan.device, scan.handle) == (receipt.operation, NINE, KIOSK, "00000000000000ff")
    assert scan.scope() == f"scans/{MAIN}/2026-11-21"
    assert Key(Scan, scan.id).record is Scan
    assert (
        kiosk.bus.submit(RecordScan(location=MAIN, date="2026-11-21", outcome="", handle=""), device(KIOSK)).sequence
        is None
    )
