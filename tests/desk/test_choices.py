"""What can be done about a result that is no longer so, over the real rooms: keep, apply, late, undo, and all at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from classtap_core.access.assignment_operations import EndGrant
from classtap_core.access.operations import RevokeDevice
from classtap_core.access.records import Grant
from classtap_core.booking.operations import CreateBooking
from classtap_core.booking.records import Booking
from classtap_core.checkin.operations import ChildMark, MarkAttendance, RecordScan
from classtap_core.checkin.reading import cards, fetch, search
from classtap_core.checkin.records import Attendance, State, attendance_id
from classtap_core.checkin.rules import Window, standing
from classtap_core.contesting.choices import KEEP, Choice, choices_of
from classtap_core.contesting.doubling import Chooser
from classtap_core.health.operations import ConfirmProfile, FilePaper
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.device_store import Notice, Pulled
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.kernel.memory import MemoryDevice
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.outcomes import ACCEPTED, Outcome, Reason, Status
from classtap_core.kernel.undo import Undo
from classtap_core.messaging.operations import StopContact
from classtap_core.schedule.operations import AddSessions
from classtap_core.schedule.records import Session
from classtap_core.schedule.rules import share_time, starts_ms
from classtap_core.seating.tagging import BROKEN, TagSpot
from classtap_desktop.kit import Button
from classtap_desktop.kit.notice_words import lines_of, sentence
from classtap_desktop.screens.devices.view import DevicesScreen
from classtap_desktop.window import DeskWindow
from resources.text import Catalogue
from tests.desk.test_devices import changed
from tests.desk.world import KIOSK as DESK_KIOSK
from tests.desk.world import NOW_MS
from tests.desk.world import World as DeskWorld
from tests.unit.house.world import (
    ANA,
    BLUE,
    CLERK,
    DESK,
    EVENING,
    FAMILY,
    HALF_PAST,
    KIOSK,
    MAIN,
    NINE_BALLET,
    OTHER_KIOSK,
    OWNER,
    RED,
    STUDIO,
    Member,
    World,
    named,
    planned,
    staff,
)

Open = Callable[..., DeskWindow]


def mark(child: Id, state: str) -> ChildMark:
    return ChildMark(child=child, state=state)


def state(store: MemoryDevice, session: Id) -> State:
    id = attendance_id(STUDIO, session, ANA)
    return standing(fetch(store, Attendance, [id])[id].marks).state


@pytest.fixture
def doors() -> tuple[World, Member, Member]:
    world = World()
    one, two = world.join(KIOSK), world.join(OTHER_KIOSK)
    one.clock.advance(60_000)
    two.clock.advance(120_000)
    return world, one, two


def the_notice(member: Member) -> Notice:
    (notice,) = member.store.notices.values()
    return notice


@pytest.mark.parametrize(("code", "comes_to"), [("keep", State.PRESENT), ("apply", State.ABSENT)])
def test_another_mark_stands_before_it(doors: tuple[World, Member, Member], code: str, comes_to: State) -> None:
    world, one, two = doors
    one.mark(NINE_BALLET, mark(ANA, "present"))
    two.mark(NINE_BALLET, mark(ANA, "absent"))
    world.sync(KIOSK, OTHER_KIOSK)
    found = {choice.code: choice for choice in choices_of(two.store, the_notice(two))}
    assert list(found) == ["keep", "apply"]
    payload = found[code].payload
    if payload is not None:
        assert two.mark(NINE_BALLET, *payload.items).outcome.status is Status.ACCEPTED
    world.sync()
    assert state(one.store, NINE_BALLET) is state(two.store, NINE_BALLET) is comes_to


@pytest.mark.parametrize(("code", "comes_to"), [("late", State.LATE), ("keep", State.PRESENT), ("undo", State.NONE)])
def test_present_in_two_classes_at_once(doors: tuple[World, Member, Member], code: str, comes_to: State) -> None:
    world, one, two = doors
    one.mark(NINE_BALLET, mark(ANA, "present"))
    two.mark(HALF_PAST, mark(ANA, "present"))
    world.sync(KIOSK, OTHER_KIOSK)
    found = {choice.code: choice for choice in choices_of(two.store, the_notice(two))}
    assert list(found) == ["late", "keep", "undo"], "the recommended one first"
    payload = found[code].payload
    if payload is not None:
        assert payload.session == HALF_PAST
        assert two.mark(HALF_PAST, *payload.items).outcome.status is Status.ACCEPTED
    world.sync()
    assert state(one.store, HALF_PAST) is comes_to
    assert state(one.store, NINE_BALLET) is State.PRESENT


CLASH = [  # when each said it, seconds after nine; what is recommended first; what the sentence says
    (60, 120, ["late", "keep", "undo"], "Ballet was said first, at 09:01, and stands; Yoga is in doubt."),
    (120, 60, ["keep", "undo"], "Yoga was said first, at 09:01, and stands; Ballet is in doubt."),
    (60, 61, ["keep", "undo"], "Both were said at the same moment, 09:01: nobody can say which was first."),
]


@pytest.mark.parametrize(("at_nine", "at_half", "codes", "said"), CLASH, ids=["second", "first", "tie"])
def test_the_sentence_says_which_of_two_classes_stands(at_nine: int, at_half: int, codes: list[str], said: str) -> None:
    world = World()
    one, two = world.join(KIOSK), world.join(OTHER_KIOSK)
    one.clock.advance(at_nine * 1000)
    two.clock.advance(at_half * 1000)
    one.mark(NINE_BALLET, mark(ANA, "present"))
    two.mark(HALF_PAST, mark(ANA, "present"))
    world.sync(KIOSK, OTHER_KIOSK)
    (line,) = lines_of(two.store, [the_notice(two)], "Europe/Madrid")
    assert [choice.code for choice in line.choices] == codes, "of nobody's right nothing is known"
    whole = f"Ana Núñez, present in Yoga, is also present in Ballet (09:00). {said}"
    assert sentence(line, Catalogue("en_GB")) == whole
    for language in ("es", "ar"):
        told = sentence(line, Catalogue(language))
        assert "Ballet" in told
        assert "desk." not in told


@pytest.mark.parametrize(
    ("who", "hours", "offered"), [(CLERK, 0, True), (OWNER, 0, True), (FAMILY, 0, False), (CLERK, 25, False)]
)
def test_the_other_mark_is_taken_back_by_who_may(
    doors: tuple[World, Member, Member], who: Id, hours: int, offered: bool
) -> None:
    world, one, two = doors
    one.mark(NINE_BALLET, mark(ANA, "present"))
    two.mark(HALF_PAST, mark(ANA, "present"))
    world.sync(KIOSK, OTHER_KIOSK)
    notice = the_notice(two)
    by = Chooser(tuple(search(two.store, Grant, "by_holder", who)), two.clock.now().corrected + hours * 3_600_000)
    found = {choice.code: choice.payload for choice in choices_of(two.store, notice, by)}
    assert list(found) == ["late", "keep", "undo", *(["undo_other"] if offered else [])]
    payload = found.get("undo_other")
    if payload is not None:
        assert two.bus.submit(payload, staff(who)).outcome.status is Status.ACCEPTED
        world.sync()
        assert (state(one.store, NINE_BALLET), state(one.store, HALF_PAST)) == (State.NONE, State.PRESENT)
        (line,) = lines_of(two.store, [notice], "Europe/Madrid", by=by)
        assert line.choices == ()
        assert sentence(line, Catalogue("en")).endswith("two classes at once; by now that has been put right.")


def test_two_classes_of_one_name_are_told_apart_by_their_rooms(doors: tuple[World, Member, Member]) -> None:
    world, one, two = doors
    again = planned(named("again"), "2026-11-21T09:15", room=RED)
    told = world.say(AddSessions(location=MAIN, items=(again,), despite=("conflict.instructor", "conflict.room")))
    assert told.link.outcome.stands, told.link.outcome
    world.sync()
    one.mark(NINE_BALLET, mark(ANA, "present"))
    assert two.mark(again.session, mark(ANA, "present"), author=staff(CLERK)).outcome.stands
    world.sync(KIOSK, OTHER_KIOSK)
    (line,) = lines_of(two.store, [the_notice(two)], "Europe/Madrid")
    assert "present in Ballet · Amber, is also present in Ballet · Blue (09:00)." in sentence(line, Catalogue("en_GB"))


def test_where_not_all_is_held_nothing_is_made_up(doors: tuple[World, Member, Member]) -> None:
    world, one, two = doors
    one.mark(NINE_BALLET, mark(ANA, "present"))
    two.mark(HALF_PAST, mark(ANA, "present"))
    world.sync(KIOSK, OTHER_KIOSK)
    two.store.scopes = tuple(scope for scope in two.store.scopes if not scope.startswith("roster/"))
    (line,) = lines_of(two.store, [the_notice(two)], "Europe/Madrid")
    assert (line.doubles, line.code) == ((), "review")
    assert [choice.code for choice in line.choices] == ["late", "keep", "undo"]


def overlapping(world: DeskWorld) -> tuple[Session, Session, Id]:
    """Two sessions of this hour in which the kiosk and staff may mark one child."""
    today = search(world.store, Session, "by_location_date", world.plan.main, "2026-11-21")
    soon = [one for one in today if Window().holds(starts_ms(one), world.clock.now().corrected)]
    for booked in soon:
        for other in soon:
            if booked.id != other.id and share_time(booked, other):
                for booking in search(world.store, Booking, "by_session", booked.id):
                    return booked, other, booking.child
    raise AssertionError("no two classes at once in the demo studio")


def test_the_desk_says_which_class_stands_and_takes_the_other_back(
    qtbot: QtBot, world: DeskWorld, open_desk: Open
) -> None:
    booked, other, child = overlapping(world)
    at_kiosk = world.kiosk.submit(
        MarkAttendance(session=booked.id, items=(mark(child, "present"),)), Author(type="device", id=DESK_KIOSK)
    )
    assert at_kiosk.outcome.stands, at_kiosk.outcome
    world.tick(60_000)
    manager = world.staff("manager").staff
    here = world.bus.submit(MarkAttendance(session=other.id, items=(mark(child, "present"),)), staff(manager))
    assert here.outcome.stands, here.outcome
    assert here.sequence is not None
    world.pull([Pulled(one.kind, one.id, one.scope, one.body) for one in at_kiosk.changes])
    flagged = Reason("gate.present_elsewhere", {"item": child, "session": booked.id})
    now = Outcome(status=Status.ACCEPTED, reasons=(flagged,), obligations=({"review": flagged.code},))
    world.store.notify(Notice(here.operation, here.sequence, "attendance.mark", ACCEPTED, now, NOW_MS))
    screen = open_desk("manager", screen="devices").screens["devices"]
    assert isinstance(screen, DevicesScreen)
    card = screen.notices
    qtbot.waitUntil(lambda: len(card.lines) == 1)
    (line,) = card.lines
    names = {card.session.id: card.class_name for card in cards(world.store, [booked, other])}
    said = sentence(line, Catalogue("en"))
    assert f", present in {names[other.id]}, is also present in {names[booked.id]} (" in said
    assert f"{names[booked.id]} was said first" in said
    button = next(one for one in card.area.findChildren(Button) if one.text() == "Undo the other one")
    button.click()
    qtbot.waitUntil(lambda: not world.store.notices)
    ids = [attendance_id(world.plan.studio, session.id, child) for session in (booked, other)]
    entries = fetch(world.store, Attendance, ids)
    assert [standing(entries[id].marks).state for id in ids] == [State.NONE, State.PRESENT]
    held = standing(entries[ids[0]].marks).mark
    assert held is not None
    assert held.by == manager


@pytest.mark.parametrize(("code", "comes_to"), [("happened", State.LATE), ("dismissed", State.NONE)])
def test_what_was_not_believed_is_decided_where_it_was_told(
    doors: tuple[World, Member, Member], code: str, comes_to: State
) -> None:
    world, _one, two = doors
    world.say(EndGrant(grant=named("clerk grant")))
    assert two.mark(NINE_BALLET, mark(ANA, "late"), author=staff(CLERK)).outcome.status is Status.ACCEPTED
    world.sync(KIOSK, OTHER_KIOSK)
    notice = the_notice(two)
    assert notice.now.status is Status.CONTESTED
    id = attendance_id(STUDIO, NINE_BALLET, ANA)
    assert id not in fetch(two.store, Attendance, [id]), "kept, and without consequences"
    found = {choice.code: choice for choice in choices_of(two.store, notice)}
    assert list(found) == ["leave", "happened", "dismissed"], "nothing is recommended that makes somebody answer for it"
    payload = found[code].payload
    assert payload is not None
    two.bus.submit(payload, staff(OWNER))
    world.sync(OTHER_KIOSK)
    assert (State.NONE if id not in fetch(two.store, Attendance, [id]) else state(two.store, NINE_BALLET)) is comes_to
    assert [choice.code for choice in choices_of(two.store, notice)] == ["leave"], "it is decided"


def notice_of(member: Member, receipt: Receipt, now: Outcome) -> Notice:
    assert receipt.sequence is not None
    entry = member.store.entries([receipt.sequence])[0]
    return Notice(entry.id, entry.sequence, entry.kind, ACCEPTED, now, 0)


OTHERS = (
    (TagSpot(location=MAIN, room=BLUE, spot="s1", by=OWNER, state=min(BROKEN)), Status.SUPERSEDED, ["keep", "apply"]),
    (RevokeDevice(device=KIOSK), Status.SUPERSEDED, ["keep", "apply"]),
    (RecordScan(location=MAIN, date="2026-11-21", outcome="ok", handle="00" * 8), Status.SUPERSEDED, []),
    (ConfirmProfile(child=ANA), Status.QUARANTINED, ["retry", "leave"]),
    (StopContact(items=(named("guardian"),), channel="email"), Status.CONTESTED, ["leave"]),
    (CreateBooking(session=EVENING, child=ANA, family=FAMILY, location=MAIN), Status.REFUSED, ["leave", "again"]),
    (FilePaper(child=ANA, paper="vaccination"), Status.REFUSED, []),
)


@pytest.mark.parametrize(("payload", "status", "codes"), OTHERS)
def test_whatever_was_said_has_its_choices_and_its_sentence(payload: Payload, status: Status, codes: list[str]) -> None:
    world = World()
    member = world.join(DESK, role="desk")
    receipt = member.bus.submit(payload, staff(OWNER))
    notice = notice_of(member, receipt, Outcome(status=status))
    (line,) = lines_of(member.store, [notice], "Europe/Madrid")
    assert [choice.code for choice in line.choices] == codes
    said = [choice.payload for choice in line.choices if choice.code in ("apply", "again")]
    assert all(one == payload for one in said)
    for language in ("en", "es", "ar"):
        told = sentence(line, Catalogue(language))
        assert payload.SPEC.name not in told, "no codes are shown to people"
    assert all(Catalogue("en").has(f"desk.choice.{code}") for code in codes)


def test_what_stands_and_is_to_be_looked_at_can_be_taken_back() -> None:
    world = World()
    member = world.join(DESK, role="desk")
    receipt = member.bus.submit(TagSpot(location=MAIN, room=BLUE, spot="s1", by=OWNER, state=min(BROKEN)), staff(OWNER))
    doubted = Outcome(status=Status.ACCEPTED, obligations=({"review": "gate.x"},))
    keep, undo = choices_of(member.store, notice_of(member, receipt, doubted))
    assert (keep, undo.code) == (KEEP, "undo")
    assert undo.payload == Undo(operation=receipt.operation)


def test_what_leaves_no_choice_has_none(doors: tuple[World, Member, Member]) -> None:
    world, one, two = doors
    one.mark(NINE_BALLET, mark(ANA, "present"))
    world.sync()
    assert not two.store.notices
    gone = Notice(Id("9" * 32), 1, "family.rename", ACCEPTED, ACCEPTED, 0)
    assert choices_of(one.store, gone) == ()
    assert choices_of(one.store, gone._replace(now=Outcome(status=Status.SUPERSEDED))) == ()
    assert choices_of(one.store, gone._replace(kind="attendance.mark")) == ()


def test_what_is_recommended_is_done_for_all_and_can_be_saved(
    qtbot: QtBot, world: DeskWorld, open_desk: Open, tmp_path: Path
) -> None:
    for number in range(3):
        world.store.notify(changed(world)._replace(operation=Id(f"{number}" * 32)))
    window = open_desk("manager", screen="devices")
    screen = window.screens["devices"]
    assert isinstance(screen, DevicesScreen)
    card = screen.notices
    qtbot.waitUntil(lambda: len(card.lines) == 3 and not window.desk.waiting)
    card._show(tuple(line._replace(choices=(KEEP,)) for line in card.lines))
    assert card.all.isVisibleTo(card)
    card.all.click()
    qtbot.waitUntil(lambda: not world.store.notices)
    file = tmp_path / "summary.txt"
    with qtbot.waitSignal(window.desk.told):
        card.save_summary(file)
    assert len(file.read_text(encoding="utf-8").splitlines()) == 3
    world.store.notify(changed(world))
    card.reload()
    qtbot.waitUntil(lambda: len(card.lines) == 1 and not window.desk.waiting)
    with qtbot.waitSignal(window.desk.told):
        card.choose(card.lines[0], Choice("again", RevokeDevice(device=Id("9" * 32), reason="test")))
    assert len(card.lines) == 1, "what was refused stays"
    *_, refused = card.summary
    assert "Say it again: That was not taken" in refused, "and the summary says that it was not taken"
