"""Marks of a batch that are judged together come to what they come to one by one."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from classtap_core.booking.operations import CancelBooking, CreateBooking
from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.checkin.gates import MarksTogether
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.checkin.rules import CHECKIN_POLICY
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.operations import Payload
from tests.unit.house.world import (
    ANA,
    BEN,
    CLERK,
    DESK,
    EVENING,
    FAMILY,
    HALF_PAST,
    KIOSK,
    MAIN,
    MINUTE,
    NINE_BALLET,
    OWNER,
    ZOE,
    World,
    staff,
)

CHILDREN, SESSIONS = (ANA, BEN, ZOE), (NINE_BALLET, HALF_PAST, EVENING)
AUTHORS = (staff(OWNER), staff(CLERK))

items = st.builds(
    lambda child, state, override: ChildMark(child=child, state=state, override=override),
    st.sampled_from(CHILDREN), st.sampled_from(("present", "late", "absent")), st.sampled_from(("", "", "known")),
)  # fmt: skip
marks = st.builds(
    lambda session, items: MarkAttendance(session=session, items=tuple(items)),
    st.sampled_from(SESSIONS), st.lists(items, min_size=1, max_size=3),
)  # fmt: skip
places = st.builds(
    lambda taken, session, child: CreateBooking(session=session, child=child, family=FAMILY, location=MAIN)
    if taken else CancelBooking(session=session, child=child),
    st.booleans(), st.sampled_from(SESSIONS), st.sampled_from((ANA, BEN)),
)  # fmt: skip
said = st.lists(
    st.tuples(st.sampled_from(AUTHORS), st.one_of(marks, marks, marks, places), st.integers(0, 90)), max_size=12
)


def taken(queue: list[tuple[Author, Payload, int]], before_min: int, *, together: bool) -> tuple[Any, ...]:
    """What the cloud makes of a desk's queue under a policy that the desk has not heard of."""
    world = World()
    desk = world.join(DESK, role="desk")
    world.join(KIOSK).mark(NINE_BALLET, ChildMark(child=ANA, state="present"))
    world.push(KIOSK)
    world.say(PublishPolicy(name=CHECKIN_POLICY, head=0, values={"before_min": before_min}))
    for author, payload, minutes in queue:
        desk.clock.advance(minutes * MINUTE // 10)
        desk.bus.submit(payload, author)
    if not together:
        world.authority.bus._together = None
    answers = world.push(DESK)
    return answers, world.cloud.state.all(), world.cloud.ledgers[-1].link_hash


@given(said, st.sampled_from((0, 10, 30)))
def test_a_batch_comes_to_the_same_as_its_marks_one_by_one(
    queue: list[tuple[Author, Payload, int]], before_min: int
) -> None:
    assert taken(queue, before_min, together=True) == taken(queue, before_min, together=False)


def test_marks_of_one_session_are_judged_at_once_and_a_place_given_up_in_between_is_seen() -> None:
    """Ben's place is cancelled between two marks of his session: what was said beforehand of the second is not used."""
    world = World()
    desk = world.join(DESK, role="desk")
    for child in (ANA, BEN):
        desk.mark(HALF_PAST, ChildMark(child=child, state="late", reason="traffic"), author=staff(CLERK))
    desk.bus.submit(CancelBooking(session=HALF_PAST, child=BEN), staff(CLERK))
    desk.mark(HALF_PAST, ChildMark(child=BEN, state="present"), author=staff(CLERK))
    seen: list[int] = []

    class Counting(MarksTogether):
        def check(self, tx: Any, ops: Any) -> Any:
            seen.append(len(ops))
            return super().check(tx, ops)

    world.authority.bus._together = Counting()
    answers = world.push(DESK)
    assert seen == [2, 1]
    assert [answer.outcome.reasons[0].code for answer in answers if answer.outcome.reasons] == ["gate.walk_in"]
