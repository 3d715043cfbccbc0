"""Attendee passes: one child and one session, let in once; two doors that never met come to one answer, and tell."""

import itertools

import pytest

from classtap_core.booking.operations import CancelBooking
from classtap_core.checkin.attempts import Attempt, OverrideScan, RecordAttempts, ScanAttempts, added
from classtap_core.checkin.attendees import (
    AttendeePass,
    IssueAttendeePass,
    PassUse,
    RevokeAttendeePass,
    attendee_pass_id,
    event_number,
)
from classtap_core.checkin.operations import RecordScan
from classtap_core.checkin.records import Scan
from classtap_core.checkin.scanning import HeldPasses
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import DUPLICATE, Outcome, Status
from classtap_core.kernel.records import decode
from classtap_core.passes.admission import Use, admitted, with_use
from classtap_core.passes.codec import Algorithm, Kind, PassClaims
from tests.unit.house.world import (
    ANA,
    CLERK,
    EVENING,
    FAMILY,
    HALF_PAST,
    KIOSK,
    MAIN,
    NINE,
    OTHER_KIOSK,
    STUDIO,
    ZOE,
    World,
    device,
    named,
    staff,
    state_of,
)

NOW_S = NINE // 1000
HANDLE, TOKEN = "ab" * 8, "cd" * 6
PASS = attendee_pass_id(STUDIO, HALF_PAST, ANA)


def issue(child: Id = ANA, *, limit: int = 1, window_s: int = 0, again: bool = False) -> IssueAttendeePass:
    return IssueAttendeePass(
        session=HALF_PAST, child=child, handle=HANDLE, token=TOKEN, issued_s=NOW_S, expires_s=NOW_S + 7200,
        entry_limit=limit, entry_window_s=window_s, again=again,
    )  # fmt: skip


def entry(world: World) -> RecordScan:
    held: AttendeePass = decode(AttendeePass, state_of(world.cloud, AttendeePass)[PASS])
    return RecordScan(
        location=MAIN, date="2026-11-21", outcome="ok", handle=HANDLE, epoch=held.epoch, attendee=held.id,
        within=held.scope(),
    )  # fmt: skip


def code(outcome: Outcome) -> str:
    return outcome.reasons[0].code if outcome.reasons else ""


def test_who_is_booked_has_one_pass_and_nobody_else_any() -> None:
    world = World()
    assert world.say(issue()).link.outcome.status is Status.ACCEPTED
    assert world.say(issue()).link.outcome == DUPLICATE
    assert code(world.say(issue(ZOE)).link.outcome) == "pass.not_booked"
    held: AttendeePass = decode(AttendeePass, state_of(world.cloud, AttendeePass)[PASS])
    assert (held.family, held.child, held.session, held.epoch, held.entry_limit) == (FAMILY, ANA, HALF_PAST, 1, 1)
    assert world.say(issue(again=True)).link.outcome.stands
    again: AttendeePass = decode(AttendeePass, state_of(world.cloud, AttendeePass)[PASS])
    assert (again.epoch, again.handle) == (2, HANDLE)


def test_a_place_given_up_takes_its_pass_with_it() -> None:
    """What a pass resolves to follows the enrolment: as soon as the kiosk has the booking's row."""
    world = World()
    world.say(issue())
    kiosk = world.join()
    handle = int(HANDLE, 16)
    before = HeldPasses(kiosk.store, STUDIO).state(handle)
    assert before is not None
    assert (before.active_epoch, before.revoked_through, before.entry_limit) == (1, None, 1)
    said = CancelBooking(session=HALF_PAST, child=ANA)
    assert world.say(said).link.outcome.stands
    world.sync()
    after = HeldPasses(kiosk.store, STUDIO).state(handle)
    assert after is not None
    assert after.revoked_through == 1


def test_a_handle_leads_to_family_child_and_session_without_a_network() -> None:
    world = World()
    world.say(issue())
    kiosk = world.join()
    claims = PassClaims(
        algorithm=Algorithm.ED25519, key_id=1, studio=1, handle=int(HANDLE, 16), epoch=1, not_before=0, expires=1,
        nonce=0, kind=Kind.EVENT, event=event_number(HALF_PAST), token=int(TOKEN, 16),
    )  # fmt: skip
    whose = HeldPasses(kiosk.store, STUDIO).whose(claims)
    assert (whose.family, whose.child, whose.session) == (FAMILY, ANA, HALF_PAST)
    assert event_number(HALF_PAST) != event_number(EVENING) < 1 << 64


def test_a_revoked_one_is_revoked_offline_too() -> None:
    world = World()
    world.say(issue())
    desk = world.join(role="kiosk")
    gone = RevokeAttendeePass(session=HALF_PAST, child=ANA, epoch=1, reason="lost")
    assert desk.bus.submit(gone, staff(CLERK)).outcome.status is Status.ACCEPTED
    state = HeldPasses(desk.store, STUDIO).state(int(HANDLE, 16))
    assert state is not None
    assert state.revoked_through == 1
    world.push(KIOSK)
    assert world.cloud.ledgers[-1].link.outcome.status is Status.ACCEPTED


@pytest.mark.parametrize("first", [KIOSK, OTHER_KIOSK])
def test_the_second_door_is_told_as_soon_as_it_has_contact(first: Id) -> None:
    """Both offline, both let the same single entry in; the later scan loses whichever door comes back first."""
    world = World()
    world.say(issue())
    doors = {KIOSK: world.join(), OTHER_KIOSK: world.join(OTHER_KIOSK, offset=9_000)}
    for id, door in doors.items():
        receipt = door.bus.submit(entry(world), device(id))
        assert receipt.outcome.status is Status.ACCEPTED
    second = OTHER_KIOSK if first == KIOSK else KIOSK
    world.push(first)
    world.push(second)
    world.sync()
    (use,) = (decode(PassUse, body) for body in state_of(world.cloud, PassUse).values())
    assert [one.device for one in use.uses] == [KIOSK, OTHER_KIOSK]
    assert [one.device for one in admitted(use.uses, limit=1)] == [KIOSK]
    told = {id: [notice.now.status for notice in door.store.notices.values()] for id, door in doors.items()}
    assert told == {KIOSK: [], OTHER_KIOSK: [Status.SUPERSEDED]}
    (notice,) = doors[OTHER_KIOSK].store.notices.values()
    assert code(notice.now) == "pass.used_elsewhere"
    assert notice.now.reasons[0].params["device"] == KIOSK


def use(name: str, at_ms: int) -> Use:
    return Use(named(name), (at_ms, "k", 1), "door")


def test_re_entry_is_counted_in_its_window_whatever_the_order() -> None:
    """Catalogue 44: three times in 24 hours."""
    day = 86_400_000
    uses = [use("a", 0), use("b", 1), use("c", day - 1), use("d", day - 1 + 1), use("e", day + 1), use("f", day + 2)]
    results = set()
    for order in itertools.permutations(uses):
        kept: tuple[Use, ...] = ()
        for one in order:
            kept = with_use(with_use(kept, one), one)
        results.add(tuple(one.operation for one in admitted(kept, limit=3, window_ms=day)))
    assert results == {tuple(named(name) for name in "abcde")[:5]}
    assert len(admitted(uses, limit=0)) == 6
    assert [one.operation for one in admitted(uses, limit=2)] == [named("a"), named("b")]


def test_attempts_are_added_up_and_told_once() -> None:
    items: tuple[Attempt, ...] = ()
    for at_ms in range(1000, 1005):
        one = Attempt(outcome="tampered", reason="signature", count=1, first_ms=at_ms, last_ms=at_ms, key_id=1)
        items = added(items, one)
    assert items == (Attempt(outcome="tampered", reason="signature", count=5, first_ms=1000, last_ms=1004, key_id=1),)
    for key_id in range(2, 200):
        items = added(items, Attempt(outcome="unknown_key", reason="x", count=1, first_ms=0, last_ms=0, key_id=key_id))
    assert (len(items), sum(one.count for one in items)) == (64, 203)
    world = World()
    kiosk = world.join()
    told = RecordAttempts(location=MAIN, date="2026-11-21", items=items[:2])
    assert kiosk.bus.submit(told, device(KIOSK)).outcome.status is Status.ACCEPTED
    world.push(KIOSK)
    (row,) = (decode(ScanAttempts, body) for body in state_of(world.cloud, ScanAttempts).values())
    assert (row.device, row.items[0].count, row.first_ms, row.evicted) == (KIOSK, 5, 0, 0)


@pytest.mark.parametrize(("evicted", "stands"), [(31, True), (0, False), (-1, False)])
def test_what_left_the_ledger_is_told_even_if_nothing_was_refused(evicted: int, stands: bool) -> None:
    world = World()
    kiosk = world.join()
    told = RecordAttempts(location=MAIN, date="2026-11-21", items=(), evicted=evicted, evicted_ms=NINE)
    assert kiosk.bus.submit(told, device(KIOSK)).outcome.stands is stands
    world.push(KIOSK)
    rows = [decode(ScanAttempts, body) for body in state_of(world.cloud, ScanAttempts).values()]
    assert [(row.evicted, row.evicted_ms, row.first_ms) for row in rows] == [(31, NINE, NINE)] * stands


@pytest.mark.parametrize(
    ("outcome", "reason", "expected"),
    [
        ("used", "came back with a jacket", ""),
        ("revoked", "I know them", "scan.not_to_override"),
        ("tampered", "I know them", "scan.not_to_override"),
        ("used", " ", "scan.override_reason"),
    ],
)
def test_staff_take_on_themselves_only_what_may_be(outcome: str, reason: str, expected: str) -> None:
    world = World()
    kiosk = world.join()
    said = OverrideScan(
        location=MAIN, date="2026-11-21", outcome=outcome, handle=HANDLE, family=FAMILY, reason=reason
    )  # fmt: skip
    receipt = kiosk.bus.submit(said, staff(CLERK))
    assert code(receipt.outcome) == expected
    if not expected:
        scan: Scan = decode(Scan, state_of(kiosk.store, Scan)[receipt.operation])
        assert (scan.outcome, scan.operator, scan.reason) == ("override", CLERK, "used")
