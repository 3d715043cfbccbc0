"""Custom fields: what may be asked, what may be answered, who sees it, and no place without a required answer."""

import pytest
from msgspec.structs import replace

from classtap_core.booking import fields
from classtap_core.booking.field_operations import PublishField
from classtap_core.booking.fields import Answer, CustomField, Registration
from classtap_core.booking.operations import CreateBooking, TakeLease
from classtap_core.booking.records import Lease
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Outcome, Status
from classtap_core.kernel.records import decode
from classtap_core.schedule.reach import Reach
from tests.unit.house.world import (
    ANA,
    BALLET,
    DESK,
    EVENING,
    FAMILY,
    HALF_PAST,
    KIOSK,
    MAIN,
    NORTH,
    World,
    device,
    named,
    state_of,
)

FOOD, SHIRT = named("food"), named("shirt")
EVERYWHERE = (Reach(),)


def field(
    kind: str = "text", *, choices: tuple[str, ...] = (), required: bool = True, label: str = "Food"
) -> CustomField:
    return CustomField(
        id=FOOD, label=label, kind=kind, version=1, state="open", choices=choices, required=required, reach=EVERYWHERE
    )


def asking(*, required: bool = True) -> World:
    world = World()
    said = PublishField(
        field=FOOD, head=0, label="Food", kind="choice", choices=("Vegetarian", "Any"), required=required,
        reach=(Reach(class_type=BALLET),),
    )  # fmt: skip
    assert world.say(said).link.outcome.stands
    return world


def book(*answers: Answer, session: Id = EVENING) -> CreateBooking:
    return CreateBooking(session=session, child=ANA, family=FAMILY, location=MAIN, answers=answers)


def code(outcome: Outcome) -> str:
    return outcome.reasons[0].code if outcome.reasons else ""


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("text", ["x", "x" * 500], ["x" * 501]), ("number", ["0", "-12"], ["1.5", "one", "--1", "1" * 16, "²"]),
        ("date", ["2026-02-28"], ["2026-02-29", "28.2.2026"]), ("yes_no", ["yes", "no"], ["maybe"]),
        ("choice", ["A"], ["a", "A\nB"]), ("choices", ["A", "A\nB"], ["A\nA", "C"]),
    ],
)  # fmt: skip
def test_what_may_be_answered(kind: str, good: list[str], bad: list[str]) -> None:
    asked = field(kind, choices=("A", "B") if kind.startswith("choice") else ())
    fields.check(asked)
    assert [fields.trouble([asked], [Answer(FOOD, value)])[0] for value in good] == [""] * len(good)
    assert {fields.trouble([asked], [Answer(FOOD, value)])[0] for value in bad} == {"booking.answer_form"}


def test_answers_that_are_missing_unknown_or_given_twice() -> None:
    assert fields.trouble([field()], [])[0] == "booking.answer_missing"
    assert fields.trouble([field(required=False)], [Answer(FOOD, " ")])[0] == ""
    assert fields.trouble([field()], [Answer(FOOD, "  ")])[0] == "booking.answer_missing"
    assert fields.trouble([field()], [Answer(SHIRT, "M")])[0] == "booking.answer_unknown"
    assert fields.trouble([field()], [Answer(FOOD, "a"), Answer(FOOD, "b")])[0] == "booking.answer_unknown"


@pytest.mark.parametrize(
    "change",
    [
        {"label": " "}, {"kind": "poem"}, {"choices": ("A",)}, {"kind": "choice"}, {"kind": "choice", "choices": ("A", "A")},
        {"kind": "choice", "choices": ("A\nB",)}, {"seen_by": ("stranger",)}, {"state": "lost"}, {"label": "x" * 501},
    ],
)  # fmt: skip
def test_what_may_not_be_asked(change: dict[str, object]) -> None:
    with pytest.raises(BadInput, match=r"field\.form"):
        fields.check(replace(field(), **change))


def test_no_place_without_a_required_answer() -> None:
    world = asking()
    refused = world.say(book()).link.outcome
    assert (code(refused), refused.reasons[0].params) == ("booking.answer_missing", {"field": FOOD, "label": "Food"})
    assert code(world.say(book(Answer(FOOD, "Cake"))).link.outcome) == "booking.answer_form"
    assert world.say(book(Answer(FOOD, "Vegetarian"))).link.outcome.stands
    (row,) = state_of(world.cloud, Registration).values()
    kept = decode(Registration, row)
    assert (kept.child, kept.session, kept.answers) == (ANA, EVENING, (Answer(FOOD, "Vegetarian"),))
    asked = {FOOD: field()}
    assert fields.shown(kept, asked, ["front_desk"]) == [(asked[FOOD], "Vegetarian")]
    assert fields.shown(kept, asked, ["instructor"]) == []
    assert fields.shown(kept, {}, ["owner"]) == []
    assert code(world.say(book(Answer(FOOD, "Any"), session=HALF_PAST)).link.outcome) == ""


def test_a_kiosk_never_holds_answers_and_a_desk_does() -> None:
    world = asking(required=False)
    world.say(book(Answer(FOOD, "Any")))
    kiosk, desk = world.join(KIOSK), world.join(DESK, role="desk")
    assert state_of(kiosk.store, Registration) == {}
    assert len(state_of(desk.store, Registration)) == 1


def test_a_kiosk_on_a_lease_asks_too() -> None:
    world = asking()
    kiosk = world.join(KIOSK)
    kiosk.bus.submit(TakeLease(session=EVENING, places=1), device(KIOSK))
    world.sync(KIOSK)
    (lease,) = state_of(kiosk.store, Lease)
    alone = kiosk.bus.submit(replace(book(), lease=lease), device(KIOSK))
    assert (alone.outcome.status, code(alone.outcome)) == (Status.REFUSED, "booking.answer_missing")
    answered = kiosk.bus.submit(replace(book(Answer(FOOD, "Any")), lease=lease), device(KIOSK))
    assert answered.outcome.status is Status.WAITING


def test_fields_are_written_over_the_version_somebody_saw() -> None:
    world = asking()
    again = PublishField(field=FOOD, head=0, label="Food", kind="choice", choices=("A",))
    assert code(world.say(again).link.outcome) == "field.head_moved"
    assert code(world.say(replace(again, head=1, kind="text", choices=())).link.outcome) == "field.kind"
    assert code(world.say(replace(again, head=1, choices=())).link.outcome) == "field.form"
    assert code(world.say(replace(again, head=1, reach=(Reach(location=named("x")),))).link.outcome) == "field.reach"
    assert world.say(replace(again, head=1, reach=(Reach(location=NORTH),))).link.outcome.stands
    assert world.say(book()).link.outcome.stands
