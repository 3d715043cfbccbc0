"""Health through the bus: edited, clashing, confirmed; papers at the door; the card and who opened it; nothing on a kiosk."""

from classtap_core.checkin.board import board
from classtap_core.checkin.operations import ChildMark
from classtap_core.checkin.roster import roster
from classtap_core.checkin.rules import Window
from classtap_core.health.card import emergency_card, roster_badges
from classtap_core.health.operations import ConfirmProfile, EditProfile, FilePaper, OpenCard, RequirePaper, UnfilePaper
from classtap_core.health.records import (
    Allergy,
    CardView,
    EmergencyContact,
    HealthClearance,
    HealthFacts,
    HealthPaper,
    HealthProfile,
    Medication,
)
from classtap_core.health.rules import ALL_PARTS, SEEN_BY, Mark
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Outcome, Status
from classtap_core.kernel.records import decode
from classtap_core.people.records import Badge
from classtap_core.schedule.reach import Reach
from tests.unit.documents.paper import mum, with_mum
from tests.unit.house.world import (
    ANA,
    BALLET,
    BEN,
    CLERK,
    DESK,
    FAMILY,
    KIOSK,
    MAIN,
    NINE,
    NINE_BALLET,
    STUDIO,
    TEACHER,
    World,
    device,
    named,
    staff,
    state_of,
)

NOTHING = HealthFacts()
PEANUT = HealthFacts(allergies=(Allergy(what="Peanut", severity="severe", pen="blue bag"),))
VACCINATION = named("vaccination")


def code(outcome: Outcome) -> str:
    reasons = outcome.items[0].reasons if outcome.items else outcome.reasons
    return reasons[0].code if reasons else ""


def profile(world: World, child: Id) -> HealthProfile:
    return decode(HealthProfile, state_of(world.cloud, HealthProfile)[child])


def asking_for_papers(*, severity: str = "block") -> World:
    world = World()
    said = RequirePaper(
        requirement=VACCINATION, head=0, paper="vaccination", name="Vaccination card", reach=(Reach(class_type=BALLET),),
        severity=severity,
    )  # fmt: skip
    assert world.say(said).link.outcome.stands
    return world


def test_a_profile_shows_on_a_kiosk_as_something_to_ask_and_never_what() -> None:
    world = World()
    kiosk = world.join(KIOSK)
    assert world.say(EditProfile(child=BEN, base=NOTHING, wanted=PEANUT), staff(CLERK)).link.outcome.stands
    world.pull(KIOSK)
    assert decode(Badge, state_of(kiosk.store, Badge)[BEN]).codes == ("health_note",)
    assert not any("eanut" in str(row.body) for row in kiosk.store.seen.all().values())
    assert world.say(EditProfile(child=BEN, base=PEANUT, wanted=NOTHING)).link.outcome.stands
    assert decode(Badge, state_of(world.cloud, Badge)[BEN]).codes == ()


def test_clashing_edits_keep_both_until_a_guardian_confirms() -> None:
    world = World()
    with_mum(world)
    other = HealthFacts(allergies=(Allergy(what="Egg"),))
    assert world.say(EditProfile(child=BEN, base=NOTHING, wanted=PEANUT)).link.outcome.status is Status.ACCEPTED
    outcome = world.say(EditProfile(child=BEN, base=NOTHING, wanted=other)).link.outcome
    assert (code(outcome), outcome.obligations) == ("health.kept_both", ({"review": "health.kept_both"},))
    assert [one.what for one in profile(world, BEN).allergies] == ["Peanut", "Egg"]
    world.clock.advance(1)
    assert code(world.say(ConfirmProfile(child=BEN), mum()).link.outcome) == ""
    assert profile(world, BEN).review == ()
    assert profile(world, BEN).confirmed_ms == NINE + 1
    assert world.say(EditProfile(child=BEN, base=other, wanted=other)).link.outcome.status is Status.DUPLICATE


def test_who_may_not_speak_of_a_child_s_health() -> None:
    world = World()
    said = EditProfile(child=BEN, base=NOTHING, wanted=PEANUT)
    assert code(world.say(said, mum()).link.outcome) == "gate.guardian_right"
    assert code(world.say(said, staff(TEACHER)).link.outcome) == "permission.denied"
    assert code(world.say(EditProfile(child=named("x"), base=NOTHING, wanted=PEANUT)).link.outcome) == "child.unknown"
    bad = HealthFacts(allergies=(Allergy(what=""),))
    assert code(world.say(EditProfile(child=BEN, base=NOTHING, wanted=bad)).link.outcome) == "health.text"
    with_mum(world)
    assert world.say(said, mum()).link.outcome.stands


def test_a_paper_is_asked_for_at_the_door_and_a_kiosk_knows_without_the_cloud() -> None:
    world = asking_for_papers()
    kiosk = world.join(KIOSK)
    assert code(kiosk.mark(NINE_BALLET, ChildMark(child=ANA, state="present")).outcome) == "gate.health_missing"
    filed = world.say(FilePaper(child=ANA, paper="vaccination", issued="2026-01-01", expires="2026-11-20"))
    world.pull(KIOSK)
    refused = kiosk.mark(NINE_BALLET, ChildMark(child=ANA, state="present")).outcome
    assert (code(refused), refused.items[0].reasons[0].params["ended"]) == ("gate.health_expired", "2026-11-20")
    good = world.say(FilePaper(child=ANA, paper="vaccination", issued="2026-01-01", expires="2027-01-01"))
    world.pull(KIOSK)
    shown = board(kiosk.store, STUDIO, FAMILY, location=MAIN, now_ms=NINE, window=Window())
    gates = {gate.gate: gate.result for child in shown.groups[0].children if child.child == ANA for gate in child.gates}
    assert gates == {"window": "allow", "overlap": "allow", "health": "allow"}
    assert [(row.child, [gate.result for gate in row.care]) for row in roster(kiosk.store, NINE_BALLET).rows] == [
        (ANA, ["allow"])
    ]
    assert kiosk.mark(NINE_BALLET, ChildMark(child=ANA, state="present")).outcome.stands
    assert world.say(UnfilePaper(child=ANA, paper=good.link.operation)).link.outcome.stands
    assert decode(HealthClearance, state_of(world.cloud, HealthClearance)[ANA]).papers[0].expires == "2026-11-20"
    assert decode(HealthPaper, state_of(world.cloud, HealthPaper)[good.link.operation]).void
    assert filed.link.outcome.stands


def test_a_warning_lets_through_and_staff_admit_without_a_paper() -> None:
    for severity, override, status in (
        ("warn", "", Status.ACCEPTED),
        ("block", "seen_on_paper", Status.ACCEPTED),
        ("block", "", Status.REFUSED),
    ):
        world = asking_for_papers(severity=severity)
        desk = world.join(DESK, role="desk")
        receipt = desk.mark(NINE_BALLET, ChildMark(child=ANA, state="present", override=override), author=staff(CLERK))
        assert receipt.outcome.items[0].status is status, (severity, override)


def test_papers_and_requirements_that_make_no_sense() -> None:
    world = asking_for_papers()
    assert code(world.say(FilePaper(child=ANA, paper="")).link.outcome) == "health.paper"
    assert code(world.say(UnfilePaper(child=ANA, paper=named("x"))).link.outcome) == "health.paper_unknown"
    stale = RequirePaper(requirement=VACCINATION, head=0, paper="v", name="V")
    assert code(world.say(stale).link.outcome) == "health.head_moved"
    nowhere = RequirePaper(requirement=named("y"), head=0, paper="v", name="V", reach=(Reach(room=named("x")),))
    assert code(world.say(nowhere).link.outcome) == "health.requirement"
    backwards = RequirePaper(
        requirement=named("y"), head=0, paper="v", name="V", reach=(Reach(first="2026-02-01", last="2026-01-01"),)
    )
    assert code(world.say(backwards).link.outcome) == "reach.span"


def test_the_card_and_the_roster_s_badges() -> None:
    world = asking_for_papers()
    facts = HealthFacts(
        allergies=PEANUT.allergies, medications=(Medication(name="Insulin", dose="4 units", here=True),),
        contacts=(EmergencyContact(name="Gina", phone="+34600123456"),),
    )  # fmt: skip
    world.say(EditProfile(child=ANA, base=NOTHING, wanted=facts))
    desk = world.join(DESK, role="desk")
    card = emergency_card(desk.store, ANA, ALL_PARTS, today="2026-11-21")
    assert card is not None
    assert (card.given, card.birth_date, card.notes) == ("Ana", "2019-03-01", "Peanut allergy")
    assert card.facts == facts
    assert [(one.name, one.phone) for one in card.guardians] == [("Gina García", "+34600123456")]
    assert [(one.paper, one.state.value) for one in card.papers] == [("vaccination", "missing")]
    badges = roster_badges(desk.store, [ANA, BEN], SEEN_BY["instructor"])
    assert badges[ANA].marks == (Mark.PEN, Mark.SEVERE_ALLERGY)
    assert badges[ANA].text == "Peanut: blue bag"
    assert BEN not in badges
    whole = roster_badges(desk.store, [ANA], ALL_PARTS)[ANA]
    assert whole.text == "Peanut: blue bag; Insulin: 4 units; Peanut allergy"
    assert emergency_card(desk.store, named("x"), ALL_PARTS, today="2026-11-21") is None


def test_nobody_opens_a_card_unseen() -> None:
    world = World()
    desk = world.join(DESK, role="desk")
    receipt = desk.bus.submit(OpenCard(child=ANA, location=MAIN, reason="fell"), staff(TEACHER))
    assert receipt.outcome.status is Status.ACCEPTED
    view = decode(CardView, state_of(desk.store, CardView)[receipt.operation])
    assert (view.by, view.child, view.reason) == (TEACHER, ANA, "fell")
    assert code(desk.bus.submit(OpenCard(child=ANA, location=MAIN), device(DESK)).outcome) == "permission.denied"
    assert code(world.say(OpenCard(child=named("x"), location=MAIN)).link.outcome) == "child.unknown"


def test_words_about_nobody_and_words_that_come_late() -> None:
    world = World()
    nobody = named("x")
    for said in (
        ConfirmProfile(child=nobody),
        FilePaper(child=nobody, paper="v"),
        UnfilePaper(child=nobody, paper=nobody),
    ):
        assert code(world.say(said).link.outcome) == "child.unknown"
    desk = world.join(DESK, role="desk", offset=-60_000)
    early = desk.bus.submit(ConfirmProfile(child=BEN), staff(CLERK))
    world.say(ConfirmProfile(child=BEN))
    (answer,) = world.push(DESK)
    assert (early.outcome.status, answer.outcome.status) == (Status.ACCEPTED, Status.SUPERSEDED)
    assert profile(world, BEN).confirmed_ms == NINE
