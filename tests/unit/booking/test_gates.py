"""The pipeline: one order for every route, and who may take a class, at booking and at the door."""

from typing import Any

import pytest
from msgspec.structs import replace

from classtap_core.booking.gates import STAGES, judged, pipeline
from classtap_core.booking.guardian_gates import GuardianRight
from classtap_core.booking.operations import CreateBooking
from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.booking.records import Booking
from classtap_core.checkin.gates import GATES
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.eligibility import rules
from classtap_core.eligibility.rules import (
    Advise,
    Age,
    Condition,
    Every,
    Fulfilled,
    Grade,
    Membership,
    Prerequisite,
    Tagged,
)
from classtap_core.house import bus
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import ProgramFault
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Operation
from classtap_core.kernel.outcomes import DUPLICATE, Outcome, Status
from classtap_core.kernel.records import decode, plain, split
from classtap_core.kernel.tx import Snapshot, Tx
from classtap_core.people.guardian_operations import BlockGuardian, EditGuardian, GuardianFacts
from classtap_core.people.guardians import Role
from classtap_core.people.learners import EditLearner, Learner, LearnerFacts
from classtap_core.schedule.facts import ClassFacts
from classtap_core.schedule.offer_operations import EditClass, PlanProgram
from classtap_core.schedule.records import ClassType, Session
from tests.unit.house.world import (
    ANA,
    BALLET,
    BEN,
    CLERK,
    CLOUD,
    DESK,
    EVENING,
    FAMILY,
    KIOSK,
    MAIN,
    NINE_BALLET,
    STRANGERS,
    STUDIO,
    TEACHER,
    ZOE,
    World,
    device,
    named,
    planned,
    staff,
    state_of,
)

SEVEN = Age(min_months=84)
"""Ana was born on 2019-03-01: 92 months on 2026-11-21. Ben on 2021-08-30: 62. Of Zoe nobody has said."""


def code(outcome: Outcome) -> str:
    reasons = outcome.items[0].reasons if outcome.items else outcome.reasons
    return reasons[0].code if reasons else ""


def asking(condition: Condition) -> World:
    world = World()
    base = ClassFacts(name="Ballet")
    wanted = replace(base, eligibility=rules.write(condition))
    assert world.say(EditClass(class_type=BALLET, base=base, wanted=wanted)).link.outcome.status is Status.ACCEPTED
    return world


def book(child: Id, *, session: Id = EVENING, family: Id = FAMILY, override: str = "") -> CreateBooking:
    return CreateBooking(session=session, child=child, family=family, location=MAIN, override=override)


def booked(world: World) -> set[tuple[str, str]]:
    found = [decode(Booking, body) for body in state_of(world.cloud, Booking).values()]
    return {(one.session, one.child) for one in found}


def test_stages_stand_in_the_order_of_ruling_10b() -> None:
    assert STAGES == (
        "window", "identity", "capability", "overlap", "consent", "health", "eligibility", "capacity", "payment",
    )  # fmt: skip
    places = [STAGES.index(gate.stage) for gate in bus(authority=False).gates]  # type: ignore[attr-defined]
    assert places == sorted(places)


def test_a_gate_registered_later_takes_its_place_and_no_other() -> None:
    class Payment:
        name, stage = "payment", "payment"

    class Identity:
        name, stage = "id", "identity"

    class Nowhere:
        name, stage = "x", "somewhere"

    names = [gate.name for gate in pipeline(Payment(), *GATES, Identity())]  # type: ignore[arg-type]
    assert names == ["window", "id", "capability", "overlap", "consent", "health", "eligibility", "booking", "payment"]
    with pytest.raises(ProgramFault, match="somewhere"):
        pipeline(Nowhere())  # type: ignore[arg-type]


def test_a_class_that_asks_for_nothing_books_as_ever() -> None:
    assert World().say(book(ZOE, family=STRANGERS)).link.outcome.status is Status.ACCEPTED


def test_who_is_too_young_is_told_from_when() -> None:
    world = asking(SEVEN)
    assert world.say(book(ANA)).link.outcome.status is Status.ACCEPTED
    refusal = world.say(book(BEN, session=NINE_BALLET)).link.outcome
    assert (refusal.status, code(refusal)) == (Status.REFUSED, "gate.too_young")
    assert refusal.reasons[0].params == {"months": 84, "eligible_on": "2028-08-30"}
    missing = world.say(book(ZOE, family=STRANGERS)).link.outcome
    assert code(missing) == "gate.birth_date_missing"
    assert (NINE_BALLET, BEN) not in booked(world)


def test_who_is_booked_already_stays_booked() -> None:
    world = asking(SEVEN)
    assert world.say(book(BEN)).link.outcome == DUPLICATE


def test_staff_who_may_override_say_why() -> None:
    world = asking(SEVEN)
    sure = book(BEN, session=NINE_BALLET, override="sibling_in_class")
    assert code(world.say(sure, staff(TEACHER)).link.outcome) == "permission.denied"
    assert world.say(sure, staff(CLERK)).link.outcome.status is Status.ACCEPTED
    assert (NINE_BALLET, BEN) in booked(world)


def test_advice_lets_through() -> None:
    world = asking(Advise(SEVEN))
    assert world.say(book(BEN, session=NINE_BALLET)).link.outcome.status is Status.ACCEPTED


def test_a_kiosk_that_may_not_know_asks_staff() -> None:
    world = asking(SEVEN)
    kiosk = world.join(KIOSK)
    outcome = kiosk.bus.submit(book(ZOE, family=STRANGERS), device(KIOSK)).outcome
    assert outcome.status is Status.WAITING
    world.sync()
    assert code(world.cloud.ledgers[-1].link.outcome) == "gate.birth_date_missing"


def mark(world: World, child: Id, *, override: str = "") -> Outcome:
    desk = world.members[DESK] if DESK in world.members else world.join(DESK, role="desk")
    item = ChildMark(child=child, state="present", override=override)
    return desk.bus.submit(MarkAttendance(session=NINE_BALLET, items=(item,)), staff(CLERK)).outcome


def test_who_walks_in_is_judged_at_the_door_and_who_is_booked_is_not() -> None:
    world = asking(SEVEN)
    assert code(mark(world, BEN)) == "gate.too_young"
    assert mark(world, BEN, override="parent_asked").status is Status.ACCEPTED
    strict = asking(Tagged("nobody"))
    assert mark(strict, ANA).status is Status.ACCEPTED


def test_a_kiosk_marks_as_ever_whatever_the_class_asks() -> None:
    world = asking(SEVEN)
    kiosk = world.join(KIOSK)
    assert kiosk.mark(NINE_BALLET, ChildMark(child=ANA, state="present")).outcome.status is Status.ACCEPTED
    assert code(kiosk.mark(NINE_BALLET, ChildMark(child=ZOE, state="present")).outcome) == "gate.not_held"


def test_a_program_is_judged_on_its_own_dates() -> None:
    world = asking(Age(min_months=94, on="end"))
    camp = PlanProgram(
        program=named("camp"), location=MAIN, name="Camp", class_type=BALLET, capacity=8,
        items=(planned(named("d1"), "2026-12-28T10:00"), planned(named("d2"), "2027-01-02T10:00")),
    )  # fmt: skip
    world.say(camp)
    assert world.say(book(ANA, session=named("d1"))).link.outcome.status is Status.ACCEPTED
    assert code(world.say(book(ANA)).link.outcome) == "gate.too_young"
    assert code(world.say(book(BEN, session=named("d1"))).link.outcome) == "gate.too_young"


FACTS = LearnerFacts(
    grade=2, graded="2026-09-01", prerequisites=(Fulfilled("intro", "2026-01-01"),), tags=("approved",),
    memberships=(Membership("gold", "2026-01-01"),),
)  # fmt: skip


def test_what_a_child_has_done_opens_a_class() -> None:
    world = asking(Every((Grade(min=2), Prerequisite("intro"), Tagged("approved"))))
    assert code(world.say(book(ANA)).link.outcome) == "gate.prerequisite"
    said = EditLearner(child=ANA, base=LearnerFacts(), wanted=FACTS)
    assert set(split(EditLearner, plain(said))) == {"", ANA}
    assert world.say(said).link.outcome.status is Status.ACCEPTED
    assert world.say(said).link.outcome == DUPLICATE
    assert decode(Learner, state_of(world.cloud, Learner)[ANA]).grade == 2
    assert world.say(book(ANA)).link.outcome.status is Status.ACCEPTED
    assert state_of(world.join(KIOSK).store, Learner) == {}
    assert ANA in state_of(world.join(DESK, role="desk").store, Learner)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (replace(FACTS, graded=""), "learner.grade"),
        (replace(FACTS, grade=14), "learner.grade"),
        (replace(FACTS, graded="September"), "time.date"),
        (replace(FACTS, tags=("a", "a")), "learner.tags"),
        (replace(FACTS, tags=("",)), "learner.tags"),
        (replace(FACTS, prerequisites=(Fulfilled("", "2026-01-01"),)), "learner.span"),
        (replace(FACTS, prerequisites=(Fulfilled("a", "2026-01-02", "2026-01-01"),)), "learner.span"),
        (replace(FACTS, memberships=(Membership("gold", ""),)), "time.date"),
    ],
)
def test_what_is_no_learner(wanted: Any, expected: str) -> None:
    assert code(World().say(EditLearner(child=ANA, base=LearnerFacts(), wanted=wanted)).link.outcome) == expected
    assert (
        code(World().say(EditLearner(child=named("x"), base=LearnerFacts(), wanted=FACTS)).link.outcome)
        == "child.unknown"
    )


def test_a_class_never_asks_what_makes_no_sense() -> None:
    base = ClassFacts(name="Ballet")
    bad = replace(base, eligibility=rules.write(Age(min_months=96, max_months=72)))
    assert code(World().say(EditClass(class_type=BALLET, base=base, wanted=bad)).link.outcome) == "eligibility.rule"


def by_guardian(world: World, child: Id, guardian: Id) -> list[tuple[str, str, str]]:
    """What the gate says to a guardian who books: their route to the bus opens with families' pages."""
    op = Operation(
        CreateBooking.SPEC, book(child, session=NINE_BALLET), id=named("op"), studio=STUDIO, device=CLOUD, epoch=1, sequence=1,
        author=Author(type="guardian", id=guardian), at=world.clock.now(),
    )  # fmt: skip
    gate, snapshot = GuardianRight(), Snapshot(world.cloud, world.registry)
    tx = Tx(snapshot, now=world.clock.wall, operation=op.id)
    assert gate.applies(op)
    for wants in gate.reads(tx, op):
        snapshot.warm(wants)  # type: ignore[arg-type]
        tx.declare(wants)  # type: ignore[arg-type]
    return [(one.gate, one.result, one.code) for one in gate.check(tx, op)]


def test_a_guardian_books_only_where_a_role_or_the_studio_allows_it() -> None:
    world, mum = World(), named("guardian")
    pickup = GuardianFacts(roles=(Role("pickup", "2026-01-01"),))
    blocked = [("capability", "block", "guardian_right")]
    assert by_guardian(world, BEN, mum) == blocked
    world.say(EditGuardian(child=BEN, guardian=mum, base=GuardianFacts(), wanted=pickup))
    assert by_guardian(world, BEN, mum) == blocked
    world.say(PublishPolicy(name="guardians", head=0, values={"pickup.book_classes": 1}))
    assert by_guardian(world, BEN, mum) == [("capability", "allow", "")]
    world.say(BlockGuardian(child=BEN, guardian=mum))
    assert by_guardian(world, BEN, mum) == blocked
    assert not GuardianRight().applies(_staffs())


def _staffs() -> Operation[Any]:
    return Operation(
        CreateBooking.SPEC, book(BEN), id=named("op"), studio=STUDIO, device=CLOUD, epoch=1, sequence=1,
        author=staff(CLERK), at=World().clock.now(),
    )  # fmt: skip


def test_what_asks_for_nothing_allows_and_what_is_not_there_asks_for_nothing() -> None:
    """The rule itself, asked beside the pipeline; and a session nobody planned."""
    world = World()
    snapshot = Snapshot(world.cloud, world.registry)
    tx = Tx(snapshot, now=world.clock.wall, operation=named("op"))
    wants = [Key(Session, EVENING), Key(ClassType, BALLET, "studio")]
    snapshot.warm(wants)
    tx.declare(wants)
    session = tx.get(Session, EVENING)
    assert session is not None
    assert judged(tx, session, ZOE) == rules.ALLOWED
    assert code(world.say(book(ZOE, session=named("no session"), family=STRANGERS)).link.outcome) == "session.unknown"
    mark = MarkAttendance(session=named("no session"), items=(ChildMark(child=ANA, state="present"),))
    assert code(world.say(mark).link.outcome) == "session.unknown"
    nobody_s = Key(Session, named("no session"))
    snapshot.warm([nobody_s])
    tx.declare([nobody_s])
    said = Operation(
        MarkAttendance.SPEC, mark, id=named("op"), studio=STUDIO, device=DESK, epoch=1, sequence=1, author=staff(CLERK),
        at=world.clock.now(),
    )  # fmt: skip
    assert list(GATES[0].reads(tx, said)) == [nobody_s]


def test_at_the_door_only_who_walks_in_present_is_judged() -> None:
    world = asking(SEVEN)
    items = (ChildMark(child=BEN, state="absent"), ChildMark(child=ANA, state="present"))
    outcome = world.say(MarkAttendance(session=NINE_BALLET, items=items)).link.outcome
    assert [(one.key, one.status) for one in outcome.items] == [(BEN, Status.ACCEPTED), (ANA, Status.ACCEPTED)]


def test_where_bookings_are_not_held_nobody_is_taken_for_a_walk_in() -> None:
    """Staff are asked by the gate of bookings; no rule is held against a child who may well be booked."""
    world = asking(SEVEN)
    held = ("studio", "keys", f"schedule/{MAIN}/*", f"families/{MAIN}", f"health/{MAIN}", "pins")
    world.join(DESK, role="desk", scopes=held)
    receipt = world.members[DESK].mark(NINE_BALLET, ChildMark(child=BEN, state="present"), author=staff(CLERK))
    assert "gate.too_young" not in repr(receipt.outcome)
    assert receipt.outcome.status is not Status.ACCEPTED
