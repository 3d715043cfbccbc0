"""What a studio offers: classes in categories and levels, teachers, programs and packs."""

from typing import Any

import pytest
from msgspec.structs import replace

from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import DUPLICATE, Outcome, Status
from classtap_core.kernel.records import decode, plain, split
from classtap_core.schedule.facts import ClassFacts, InstructorFacts
from classtap_core.schedule.offer_operations import (
    CancelProgram,
    EditCategory,
    EditClass,
    EditInstructor,
    EditLevel,
    EditProgram,
    PlanProgram,
    ProgramFacts,
    PublishPack,
)
from classtap_core.schedule.operations import AddClass, AddInstructor
from classtap_core.schedule.records import Category, Certification, ClassType, Instructor, Pack, Program, Rate, Session
from tests.unit.house.world import BALLET, MAIN, TEACHER, World, named, planned, state_of

DANCE, FOLK, BEGINNERS, CAMP, TEN = (named(text) for text in ("dance", "folk", "beginners", "camp", "ten"))

PROGRAM = PlanProgram(
    program=CAMP, location=MAIN, name="Winter camp", class_type=BALLET, capacity=8,
    items=(planned(named("second"), "2026-12-28T10:00"), planned(named("first"), "2026-12-27T10:00")),
    opens="2026-12-01T08:00", tags=("holiday",),
)  # fmt: skip
PACK = PublishPack(
    pack=TEN, head=0, name="Ten visits", form="group", currency="EUR", class_types=(BALLET,), valid_days=365,
    rates=(Rate("one", 1, 1500, 1800), Rate("ten", 10, 12_000, 15_000)),
)  # fmt: skip


def code(outcome: Outcome) -> str:
    return outcome.reasons[0].code if outcome.reasons else ""


def held(world: World, record: type[Any], id: str) -> Any:
    return decode(record, state_of(world.cloud, record)[Id(id)])


def test_a_class_has_categories_a_level_and_what_its_teacher_must_hold() -> None:
    world = World()
    world.say(EditCategory(category=DANCE, name="Dance"))
    world.say(EditCategory(category=FOLK, name="Folk", parent=DANCE))
    world.say(EditLevel(level=BEGINNERS, name="Beginners", rank=1))
    base = ClassFacts(name="Ballet")
    one = replace(base, categories=(FOLK,), level=BEGINNERS)
    other = replace(base, tags=("barre",), certifications=("first_aid",), description="For the small ones")
    assert world.say(EditClass(class_type=BALLET, base=base, wanted=one)).link.outcome.status is Status.ACCEPTED
    assert world.say(EditClass(class_type=BALLET, base=base, wanted=other)).link.outcome.status is Status.ACCEPTED
    both = held(world, ClassType, BALLET)
    assert (both.categories, both.level, both.tags, both.certifications) == (
        (FOLK,), BEGINNERS, ("barre",), ("first_aid",),
    )  # fmt: skip
    assert world.say(EditClass(class_type=BALLET, base=base, wanted=other)).link.outcome == DUPLICATE
    assert world.say(EditLevel(level=BEGINNERS, name="Beginners", rank=1)).link.outcome == DUPLICATE
    assert world.say(EditCategory(category=DANCE, name="Dance")).link.outcome == DUPLICATE
    assert held(world, Category, FOLK).parent == DANCE


def test_categories_never_lie_in_themselves() -> None:
    world = World()
    chain = [named(f"c{number}") for number in range(5)]
    for number, category in enumerate(chain[:4]):
        above = chain[number - 1] if number else ""
        assert world.say(EditCategory(category=category, name="x", parent=above)).link.outcome.stands
    assert code(world.say(EditCategory(category=chain[4], name="x", parent=chain[3])).link.outcome) == "category.depth"
    assert code(world.say(EditCategory(category=chain[0], name="x", parent=chain[2])).link.outcome) == "category.depth"


def test_a_teacher_s_words_are_the_teacher_s() -> None:
    world = World()
    said = EditInstructor(
        instructor=TEACHER, base_name="Tom Teacher", name="Tom Teacher", bio="Danced in Lyon",
        wanted=InstructorFacts(certifications=(Certification("first_aid", "2026-01-01", "2027-12-31"),), languages=("fr",)),
    )  # fmt: skip
    assert set(split(EditInstructor, plain(said))) == {"", TEACHER}
    assert world.say(said).link.outcome.status is Status.ACCEPTED
    tom = held(world, Instructor, TEACHER)
    assert (tom.bio, tom.languages, tom.staff) == ("Danced in Lyon", ("fr",), TEACHER)
    assert world.say(said).link.outcome == DUPLICATE


def test_a_program_is_planned_with_its_sessions_and_cancelled_with_them() -> None:
    world = World()
    assert world.say(PROGRAM).link.outcome.status is Status.ACCEPTED
    camp = held(world, Program, CAMP)
    assert (camp.first_date, camp.last_date, camp.sessions) == (
        "2026-12-27", "2026-12-28", (named("first"), named("second")),
    )  # fmt: skip
    assert held(world, Session, named("first")).program == CAMP
    assert code(world.say(PROGRAM).link.outcome) == "program.exists"
    unseen = CancelProgram(program=CAMP, reason="snow", sessions=camp.sessions[:1])
    assert code(world.say(unseen).link.outcome) == "series.sessions_moved"
    assert held(world, Session, named("first")).state == "open"
    assert (
        world.say(CancelProgram(program=CAMP, reason="snow", sessions=camp.sessions)).link.outcome.status
        is Status.ACCEPTED
    )
    assert (held(world, Session, named("second")).state, held(world, Session, named("second")).reason) == (
        "cancelled", "snow",
    )  # fmt: skip
    assert world.say(CancelProgram(program=CAMP)).link.outcome == DUPLICATE


def test_a_new_class_and_instructor_come_whole_or_not_at_all() -> None:
    world = World()
    facts = ClassFacts(name="", tags=("loud",), certifications=("first-aid",), level=named("gold"))
    add = AddClass(class_type=named("tap"), name="Tap", audience="adults", facts=facts)
    assert code(world.say(add).link.outcome) == "level.unknown"
    world.say(EditLevel(level=named("gold"), name="Gold", rank=3))
    assert world.say(add).link.outcome.status is Status.ACCEPTED
    tap = held(world, ClassType, named("tap"))
    assert (tap.name, tap.audience, tap.tags, tap.level) == ("Tap", "adults", ("loud",), named("gold"))
    own = InstructorFacts(certifications=(Certification("first-aid", "2026-05-01", "2026-04-01"),), teaches=(tap.id,))
    noor = AddInstructor(instructor=named("noor"), name="Noor", bio="Taps.", facts=own)
    assert code(world.say(noor).link.outcome) == "instructor.certification"
    noor = replace(noor, facts=replace(own, certifications=()))
    assert world.say(noor).link.outcome.status is Status.ACCEPTED
    assert (held(world, Instructor, named("noor")).bio, held(world, Instructor, named("noor")).teaches) == (
        "Taps.", (tap.id,),
    )  # fmt: skip


def test_a_program_is_described_anew_without_its_sessions() -> None:
    world = World()
    base, wanted = ProgramFacts(name="Winter camp", capacity=8), ProgramFacts(name="Snow camp", capacity=8)
    edit = EditProgram(program=CAMP, base=base, wanted=wanted)
    assert code(world.say(edit).link.outcome) == "program.unknown"
    world.say(PROGRAM)
    before = held(world, Program, CAMP)
    assert code(world.say(replace(edit, wanted=replace(wanted, name=""))).link.outcome) == "program.incomplete"
    assert code(world.say(replace(edit, wanted=replace(wanted, opens="soon"))).link.outcome) == "time.local"
    assert world.say(edit).link.outcome.status is Status.ACCEPTED
    assert held(world, Program, CAMP) == replace(before, name="Snow camp")
    assert world.say(edit).link.outcome == DUPLICATE


def test_a_pack_is_published_over_the_version_its_author_saw() -> None:
    world = World()
    assert world.say(PACK).link.outcome.status is Status.ACCEPTED
    assert held(world, Pack, TEN).version == 1
    assert code(world.say(PACK).link.outcome) == "pack.head_moved"
    assert world.say(replace(PACK, head=1, state="withdrawn")).link.outcome.status is Status.ACCEPTED
    assert (held(world, Pack, TEN).version, held(world, Pack, TEN).state) == (2, "withdrawn")


BARE = ClassFacts(name="Ballet")


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (EditClass(class_type=named("x"), base=BARE, wanted=BARE), "class.unknown"),
        (EditClass(class_type=BALLET, base=BARE, wanted=ClassFacts(name="")), "class.name_empty"),
        (EditClass(class_type=BALLET, base=BARE, wanted=replace(BARE, categories=(DANCE,))), "category.unknown"),
        (EditClass(class_type=BALLET, base=BARE, wanted=replace(BARE, level=BEGINNERS)), "level.unknown"),
        (EditCategory(category=DANCE, name=" "), "category.name_empty"),
        (EditCategory(category=DANCE, name="x", parent=FOLK), "category.unknown"),
        (EditCategory(category=DANCE, name="x", parent=DANCE), "category.depth"),
        (EditLevel(level=BEGINNERS, name="", rank=1), "level.name_empty"),
        (EditInstructor(instructor=named("x"), base_name="", name="x"), "instructor.unknown"),
        (EditInstructor(instructor=TEACHER, base_name="", name=""), "instructor.name_empty"),
        (EditInstructor(instructor=TEACHER, base_name="", name="x",
                        wanted=InstructorFacts(certifications=(Certification(""),))), "instructor.certification"),
        (EditInstructor(instructor=TEACHER, base_name="", name="x",
                        wanted=InstructorFacts(certifications=(Certification("a", "2026-02-30"),))), "time.date"),
        (EditInstructor(instructor=TEACHER, base_name="", name="x",
                        wanted=InstructorFacts(certifications=(Certification("a", "2026-02-02", "2026-02-01"),))),
         "instructor.certification"),
        (replace(PROGRAM, class_type=named("x")), "class.unknown"),
        (replace(PROGRAM, items=()), "program.incomplete"),
        (replace(PROGRAM, opens="soon"), "time.local"),
        (replace(PROGRAM, location=named("x")), "location.unknown"),
        (CancelProgram(program=named("x")), "program.unknown"),
        (replace(PACK, name=""), "pack.incomplete"),
        (replace(PACK, form="other"), "pack.form"),
        (replace(PACK, currency="euro"), "pack.form"),
        (replace(PACK, rates=()), "pack.rates"),
        (replace(PACK, rates=(Rate("a", 0, 1, 1),)), "pack.rates"),
        (replace(PACK, rates=(Rate("a", 1, 1, 1), Rate("a", 2, 1, 1))), "pack.rates"),
        (replace(PACK, class_types=()), "pack.covers_nothing"),
        (replace(PACK, class_types=(named("x"),)), "pack.covers_unknown"),
        (replace(PACK, categories=(named("x"),)), "pack.covers_unknown"),
    ],
)  # fmt: skip
def test_what_is_refused(payload: Any, expected: str) -> None:
    assert code(World().say(payload).link.outcome) == expected
