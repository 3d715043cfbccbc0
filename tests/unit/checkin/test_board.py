"""The board a scan shows and the roster a desk shows, drawn as text."""

import pytest

from classtap_core.booking.operations import CancelBooking, CreateBooking
from classtap_core.checkin.board import Board, board
from classtap_core.checkin.operations import ChildMark
from classtap_core.checkin.records import State
from classtap_core.checkin.roster import Roster, roster
from classtap_core.checkin.rules import Window
from classtap_core.kernel.errors import NotHeld, Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.memory import MemoryCloud, MemoryDevice
from classtap_core.schedule.operations import AddSessions, CancelSession
from tests.unit.house.world import (
    ANA,
    BEN,
    BLUE,
    CLERK,
    DESK,
    EARLY,
    FAMILY,
    HALF_PAST,
    KIOSK,
    MAIN,
    MINUTE,
    NINE,
    NINE_BALLET,
    NORTH,
    STRANGERS,
    STUDIO,
    ZOE,
    World,
    named,
    planned,
    staff,
)

WINDOW = Window()


def seen(reader: MemoryCloud | MemoryDevice, family: Id = FAMILY, *, now: int = NINE, location: Id = MAIN) -> Board:
    return board(reader, STUDIO, family, location=location, now_ms=now, window=WINDOW)


def drawn(shown: Board) -> list[str]:
    """A line a session, then a line a child: name, state, what may be tapped, badges."""
    lines = []
    for group in shown.groups:
        lines.append(f"{group.card.local[11:]} {group.card.room}: {group.card.class_name}")
        for child in group.children:
            may = "".join(state.value[0] if child.may(state) else "-" for state in list(State)[1:])
            lines.append(" ".join([f"  {child.given} {child.surname} [{child.state}] {may}", *child.badges]))
    return lines


def listed(shown: Roster) -> list[str]:
    return [
        f"{row.surname}, {row.given}: {row.state}{'' if row.booked else ' (walk-in)'}{' ~' if row.tie else ''}"
        for row in shown.rows
    ]


def test_the_board_is_by_start_then_room_then_last_name() -> None:
    """Catalogue 14: groups by start ascending then room, children by last name ascending."""
    world = World()
    sessions = (planned(named("blue"), "2026-11-21T09:30", room=BLUE),)
    world.say(AddSessions(location=MAIN, items=sessions, despite=("conflict.room", "conflict.instructor")))
    world.say(CreateBooking(session=named("blue"), child=BEN, family=FAMILY, location=MAIN))
    assert drawn(seen(world.join().store)) == [
        "09:00 Blue: Ballet",
        "  Ana Núñez [none] pla health_note",
        "09:30 Amber: Yoga",
        "  Ben García [none] pla",
        "  Ana Núñez [none] pla health_note",
        "09:30 Blue: Ballet",
        "  Ben García [none] pla",
    ]


def test_present_elsewhere_takes_present_away_and_leaves_the_rest() -> None:
    kiosk = World().join()
    kiosk.mark(NINE_BALLET, ChildMark(child=ANA, state="present"))
    shown = seen(kiosk.store)
    assert drawn(shown) == [
        "09:00 Blue: Ballet",
        "  Ana Núñez [present] pla health_note",
        "09:30 Amber: Yoga",
        "  Ben García [none] pla",
        "  Ana Núñez [none] -la health_note",
    ]
    ana = shown.groups[1].children[1]
    why = ana.why_not(State.PRESENT)
    assert why is not None
    assert (why.gate, why.code, why.params) == ("overlap", "present_elsewhere", {"session": NINE_BALLET})


def test_the_board_tells_which_mark_to_correct() -> None:
    kiosk = World().join()
    receipt = kiosk.mark(NINE_BALLET, ChildMark(child=ANA, state="late", reason="traffic", expected_ms=NINE + MINUTE))
    child = seen(kiosk.store).groups[0].children[0]
    assert (child.mark, child.at_ms, child.by) == (receipt.operation, NINE, "device")
    assert (child.reason, child.expected_ms) == ("traffic", NINE + MINUTE)


@pytest.mark.parametrize(
    ("shift", "sessions"),
    [(-61, []), (-60, ["09:00"]), (-31, ["09:00"]), (-30, ["09:00", "09:30"]), (30, ["09:00", "09:30"]), (31, ["09:30"]),
     (60, ["09:30"]), (61, [])],
)  # fmt: skip
def test_the_window_slides_over_starts(shift: int, sessions: list[str]) -> None:
    shown = seen(World().cloud, now=NINE + shift * MINUTE)
    assert [group.card.local[11:] for group in shown.groups] == sessions


def test_an_empty_board_says_what_comes_later() -> None:
    shown = seen(World().cloud, now=NINE + 120 * MINUTE)
    assert shown.groups == ()
    assert shown.later is not None
    assert shown.later.local == "2026-11-21T18:00"
    assert seen(World().cloud, now=NINE + 600 * MINUTE).later is None
    assert seen(World().cloud, STRANGERS).groups == ()


def test_only_what_is_booked_here_and_stands_is_shown() -> None:
    world = World()
    world.say(CancelBooking(session=NINE_BALLET, child=ANA))
    world.say(CancelSession(session=HALF_PAST))
    assert drawn(seen(world.cloud)) == [
        "09:30 Amber: Yoga",
        "  Ben García [none] ---",
        "  Ana Núñez [none] --- health_note",
    ]
    assert seen(world.cloud, location=NORTH).groups == ()


def test_a_family_that_is_not_held_is_not_a_family_that_is_not_there() -> None:
    world = World()
    with pytest.raises(Refused, match=r"family\.unknown"):
        seen(world.cloud, named("nobody"))
    with pytest.raises(NotHeld):
        seen(world.join(KIOSK, scopes=("studio", "keys")).store)
    with pytest.raises(NotHeld):
        seen(world.cloud, location=named("nowhere"))


def test_every_device_draws_the_same_board() -> None:
    world = World()
    boards = [seen(world.join(KIOSK).store), seen(world.join(DESK, role="desk").store), seen(world.cloud)]
    assert boards[0] == boards[1] == boards[2]


def test_the_roster_lists_who_is_booked_and_who_walked_in() -> None:
    world = World()
    desk = world.join(DESK, role="desk")
    desk.mark(HALF_PAST, ChildMark(child=BEN, state="present"), author=staff(CLERK))
    desk.mark(HALF_PAST, ChildMark(child=ZOE, state="present"), author=staff(CLERK))
    shown = roster(desk.store, HALF_PAST)
    assert listed(shown) == ["García, Ben: present", "Núñez, Ana: none", "Zed, Zoe: present (walk-in)"]
    assert (shown.card.class_name, shown.card.room, shown.count(State.PRESENT)) == ("Yoga", "Amber", 2)
    assert shown.rows[1].badges == ("health_note",)
    world.sync()
    assert roster(world.cloud, HALF_PAST) == roster(desk.store, HALF_PAST)


def test_the_roster_keeps_every_mark_that_was_made() -> None:
    world = World()
    one, other = world.join(KIOSK), world.join(DESK, role="desk", offset=500)
    one.mark(NINE_BALLET, ChildMark(child=ANA, state="present"))
    other.mark(NINE_BALLET, ChildMark(child=ANA, state="absent", note="Called in sick"), author=staff(CLERK))
    world.sync()
    (row,) = roster(other.store, NINE_BALLET).rows
    assert [mark.state for mark in row.marks] == [State.PRESENT, State.ABSENT]
    assert row.mark == row.marks[0]
    assert row.tie


def test_a_roster_shows_a_child_whose_name_is_not_held() -> None:
    world = World()
    bare = world.join(KIOSK, scopes=("studio", f"schedule/{MAIN}/*", f"roster/{MAIN}/*"))
    shown = roster(bare.store, NINE_BALLET)
    assert [(row.child, row.known, row.family) for row in shown.rows] == [(ANA, False, FAMILY)]


def test_a_session_that_is_not_held_is_not_one_that_is_not_there() -> None:
    world = World()
    with pytest.raises(Refused, match=r"session\.unknown"):
        roster(world.cloud, named("none"))
    with pytest.raises(NotHeld):
        roster(world.join(KIOSK, scopes=("studio",)).store, EARLY)
