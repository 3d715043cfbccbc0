"""Present in two classes at once, said at two doors that did not hear of each other: both kept, one stands, people are told."""

import itertools

import msgspec
import pytest

from classtap_core.checkin.operations import ChildMark
from classtap_core.checkin.records import Attendance, Mark, State
from classtap_core.checkin.rules import DoublePresence, double_presence, overlap_days, standing
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.memory import MemoryCloud, MemoryDevice
from classtap_core.kernel.outcomes import Status
from classtap_core.schedule.records import Session
from classtap_core.schedule.rules import planned
from tests.unit.house.world import (
    ANA,
    BALLET,
    BLUE,
    EVENING,
    HALF_PAST,
    KIOSK,
    MAIN,
    NINE_BALLET,
    OTHER_KIOSK,
    TEACHER,
    World,
    named,
)


def mark(at: int, state: State = State.PRESENT, *, door: str = "one", half: int = 500) -> Mark:
    id = derived("device", door)
    return Mark(
        operation=derived("op", str(at), door), order=(at, id, 1), earliest=at - half, latest=at + half, state=state,
        author="device", by=id,
    )  # fmt: skip


@pytest.fixture(scope="module")
def sessions() -> dict[Id, Session]:
    found = World().cloud.state.table["session"]
    return {id: msgspec.json.decode(row.body, type=Session) for id, row in found.items()}


NINE, HALF, EVE = NINE_BALLET, HALF_PAST, EVENING
TABLE = [
    ("one class", [(NINE, mark(1_000))], []),
    ("classes apart in time", [(NINE, mark(1_000)), (EVE, mark(9_000))], []),
    ("the earlier said stands", [(NINE, mark(1_000)), (HALF, mark(9_000, door="two"))], [(NINE, HALF, False)]),
    ("whichever class begins first", [(NINE, mark(9_000)), (HALF, mark(1_000, door="two"))], [(HALF, NINE, False)]),
    ("at the same moment", [(NINE, mark(1_000)), (HALF, mark(1_400, door="two"))], [(NINE, HALF, True)]),
    ("one door cannot tie with itself", [(NINE, mark(1_000)), (HALF, mark(1_400))], [(NINE, HALF, False)]),
    ("late is not present", [(NINE, mark(1_000)), (HALF, mark(9_000, State.LATE, door="two"))], []),
    ("absent is not present", [(NINE, mark(1_000, State.ABSENT)), (HALF, mark(9_000, door="two"))], []),
]


@pytest.mark.parametrize(("what", "held", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_the_rule(
    sessions: dict[Id, Session], what: str, held: list[tuple[Id, Mark]], expected: list[tuple[Id, Id, bool]]
) -> None:
    wanted = tuple(DoublePresence(ANA, *one) for one in expected)
    for order in itertools.permutations(held):
        assert double_presence(ANA, [(sessions[id], said) for id, said in order]) == wanted


def conflicts(place: MemoryCloud | MemoryDevice) -> tuple[DoublePresence, ...]:
    rows = place.state if isinstance(place, MemoryCloud) else place.seen
    held = []
    for row in rows.table.get("attendance", {}).values():
        entry = msgspec.json.decode(row.body, type=Attendance)
        session = rows.get(("session", entry.session))
        said = standing(entry.marks).mark
        if entry.child == ANA and session is not None and said is not None:
            held.append((msgspec.json.decode(session.body, type=Session), said))
    return double_presence(ANA, held)


@pytest.mark.parametrize("first", [KIOSK, OTHER_KIOSK])
def test_two_doors_apart(first: Id) -> None:
    world = World()
    one, two = world.join(KIOSK), world.join(OTHER_KIOSK)
    one.clock.advance(60_000)
    two.clock.advance(120_000)
    assert one.mark(NINE_BALLET, ChildMark(child=ANA, state="present")).outcome.status is Status.ACCEPTED
    assert two.mark(HALF_PAST, ChildMark(child=ANA, state="present")).outcome.status is Status.ACCEPTED
    last = OTHER_KIOSK if first == KIOSK else KIOSK
    for id in (first, last, first):
        world.push(id)
        world.pull(id)
    world.sync()
    expected = (DoublePresence(ANA, NINE_BALLET, HALF_PAST, False),)
    assert conflicts(world.cloud) == conflicts(one.store) == conflicts(two.store) == expected
    told = world.members[last].store
    (notice,) = told.notices.values()
    assert notice.now.status is Status.ACCEPTED, "what happened is never undone"
    assert [owed["review"] for owed in notice.now.obligations] == ["gate.present_elsewhere"]
    assert notice.now.reasons[0].params["item"] == ANA
    assert world.members[first].store.notices == {}


@pytest.mark.parametrize(
    ("start", "minutes", "expected"),
    [
        ("2026-11-21T12:00", 60, ("2026-11-21",)),
        ("2026-11-21T23:00", 60, ("2026-11-21",)),
        ("2026-11-21T23:00", 61, ("2026-11-21", "2026-11-22")),
        ("2026-11-21T00:30", 60, ("2026-11-20", "2026-11-21")),
    ],
)
def test_the_days_on_which_another_may_share_time(start: str, minutes: int, expected: tuple[str, ...]) -> None:
    session = planned(
        named("days"), class_type=BALLET, location=MAIN, room=BLUE, instructor=TEACHER, start=start,
        zone="Europe/Madrid", duration_min=minutes, capacity=8,
    )  # fmt: skip
    assert overlap_days(session) == expected
