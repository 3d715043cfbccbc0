"""Badges of at most 280 letters, papers on dates, who sees what, and what two editors' words come to. Catalogue 10's numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.access.records import Grant
from classtap_core.health import rules
from classtap_core.health.records import (
    ActionPlan,
    Allergy,
    Cleared,
    Condition,
    EmergencyContact,
    HealthClearance,
    HealthFacts,
    HealthPaper,
    HealthProfile,
    HealthRequirement,
    Medication,
)
from classtap_core.health.rules import BADGE_LENGTH, Level, Mark, PaperState, Part
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.operations import Resource
from classtap_core.schedule.reach import Reach
from classtap_core.schedule.records import Program, Session
from tests.unit.house.world import ANA, BALLET, BLUE, MAIN, NORTH, OWNER, TEACHER, YOGA, named

PEANUT = Allergy(
    what="Peanut", severity="severe", reaction="swelling", action="adrenaline at once, then 112", pen="blue bag"
)
INSULIN = Medication(name="Insulin", dose="4 units", when="before lunch", here=True)
ASTHMA = Condition(name="Asthma", action="two puffs of the inhaler", note="hospital in 2024")
FACTS = HealthFacts(
    allergies=(Allergy(what="Pollen"), PEANUT), medications=(INSULIN, Medication(name="Vitamin D")), conditions=(ASTHMA,),
    plans=(ActionPlan(title="Anaphylaxis", steps=("Pen", "112")),),
    contacts=(EmergencyContact(name="Gina", phone="+34 600 123 456"),), physician="Dr Ruiz",
)  # fmt: skip


def test_a_badge_says_the_worst_first_and_what_to_do() -> None:
    badge = rules.badge(FACTS)
    assert badge.marks == (Mark.PEN, Mark.SEVERE_ALLERGY, Mark.ALLERGY, Mark.MEDICATION, Mark.CONDITION)
    assert badge.level is Level.CRITICAL
    assert badge.text == (
        "Peanut: adrenaline at once, then 112, blue bag; Pollen; Insulin: 4 units, before lunch; "
        "Asthma: two puffs of the inhaler"
    )
    assert rules.badge(HealthFacts()) == ((), "")
    assert rules.badge(HealthFacts(), notes="Coeliac").text == "Coeliac"


@given(st.text(max_size=2_000), st.integers(2, 400))
def test_what_is_clipped_fits(text: str, most: int) -> None:
    found = rules.clipped(text, most)
    assert len(found) <= most
    assert found == " ".join(text.split()) or found.endswith("…")


@given(st.lists(st.text(min_size=1, max_size=200).filter(str.strip), max_size=50))
def test_no_badge_is_longer_than_280_letters(names: list[str]) -> None:
    facts = HealthFacts(allergies=tuple(Allergy(what=name) for name in names))
    assert len(rules.badge(facts).text) <= BADGE_LENGTH == 280


@pytest.mark.parametrize(
    ("expires", "day", "state"),
    [
        ("2026-12-31", "2026-12-01", PaperState.VALID), ("2026-12-31", "2026-12-02", PaperState.SOON),
        ("2026-12-31", "2026-12-31", PaperState.SOON), ("2026-12-31", "2027-01-01", PaperState.EXPIRED),
        ("", "2099-01-01", PaperState.VALID), ("2026-12-31", "2025-12-31", PaperState.MISSING),
    ],
)  # fmt: skip
def test_how_a_paper_stands_on_a_date(expires: str, day: str, state: PaperState) -> None:
    """Thirty days before its end it expires soon (catalogue 10: reminders at 30, 14, 7)."""
    papers = [Cleared("vaccination", "2026-01-01", expires), Cleared("other", "2026-01-01")]
    assert rules.paper_state(papers, "vaccination", day)[0] is state


def test_the_longest_of_several_papers_counts_and_void_ones_do_not() -> None:
    papers = [
        HealthPaper(id=named("a"), child=ANA, home=MAIN, paper="v", expires="2026-01-01"),
        HealthPaper(id=named("b"), child=ANA, home=MAIN, paper="v", expires="2027-06-01"),
        HealthPaper(id=named("c"), child=ANA, home=MAIN, paper="v", void=True),
    ]
    assert rules.paper_state(rules.cleared(papers), "v", "2026-11-21") == (PaperState.VALID, "2027-06-01")


def asking(severity: str = "block", *, through_end: bool = False) -> HealthRequirement:
    return HealthRequirement(
        id=named("r"), paper="v", name="Vaccination card", version=1, state="open", reach=(Reach(class_type=BALLET),),
        severity=severity, through_end=through_end,
    )  # fmt: skip


SESSION = Session(
    id=named("s"), class_type=BALLET, location=MAIN, room=BLUE, instructor=TEACHER, start="2026-11-21T09:00", date="2026-11-21",
    zone="Europe/Madrid", duration_min=45, capacity=8, program=named("p"),
)  # fmt: skip
PROGRAM = Program(
    id=named("p"), location=MAIN, name="P", class_type=BALLET, capacity=8, first_date="2026-11-01", last_date="2026-12-20",
    sessions=(),
)  # fmt: skip


def test_a_paper_must_hold_to_the_end_of_the_program_where_that_is_asked() -> None:
    held = HealthClearance(id=ANA, home=MAIN, papers=(Cleared("v", "", "2026-12-01"),))
    for through_end, result in ((False, "allow"), (True, "block")):
        gate = rules.gate(ANA, [asking(through_end=through_end)], held, SESSION, PROGRAM)
        assert (gate.result, gate.params.get("ended", "")) == (result, "2026-12-01" if through_end else "")


def test_what_the_gate_says_of_missing_papers() -> None:
    assert [one.paper for one in rules.required([asking()], SESSION)] == ["v"]
    found = {
        (severity, override): rules.gate(ANA, [asking(severity)], None, SESSION, None, override=override)
        for severity in ("block", "warn")
        for override in (False, True)
    }
    assert {key: (gate.result, gate.code) for key, gate in found.items()} == {
        ("block", False): ("block", "health_missing"), ("block", True): ("warn", "health_missing"),
        ("warn", False): ("warn", "health_missing"), ("warn", True): ("warn", "health_missing"),
    }  # fmt: skip
    assert rules.gate(ANA, [], None, SESSION, None).result == "allow"


def grant(
    role: str = "", *, location: str = MAIN, class_type: str = "", deny: bool = False, does: tuple[str, ...] = ()
) -> Grant:
    return Grant(
        id=named(f"{role}{location}{deny}"), holder=OWNER, role=role, location=location, class_type=class_type, deny=deny,
        capabilities=does,
    )  # fmt: skip


def test_who_sees_which_part_and_where() -> None:
    here = Resource(MAIN, BLUE, BALLET)

    def seen(*grants: Grant, at: Resource = here) -> set[str]:
        return {part.value for part in rules.visible(grants, at, at_ms=1, seen=rules.SEEN_BY)}

    some = {"allergies", "conditions", "plans", "contacts"}
    assert seen(grant("owner", location="")) == {part.value for part in Part}
    assert seen(grant("front_desk")) == {*some, "medications", "papers"}
    assert seen(grant("instructor")) == seen(grant("substitute")) == some
    assert seen(grant("instructor", class_type=YOGA)) == set()
    assert seen(grant("instructor"), at=Resource(NORTH)) == set()
    assert seen(grant("accountant")) == set()
    denied = grant(deny=True, does=("view_health",))
    assert seen(grant("owner", location=""), denied) == set()
    assert seen(grant("owner", location=""), denied, at=Resource(NORTH)) == {part.value for part in Part}


def test_a_studio_s_own_table_and_what_is_left_of_a_profile() -> None:
    table = rules.seen_by({"instructor.medications": 1, "front_desk.contacts": 0, "dog.detail": 1, "owner.x": 1})
    assert Part.MEDICATIONS in table["instructor"]
    assert Part.CONTACTS not in table["front_desk"]
    shown = rules.redacted(FACTS, table["front_desk"])
    assert shown.medications == (Medication(name="Insulin", here=True), Medication(name="Vitamin D"))
    assert (shown.conditions[0].note, shown.physician, shown.contacts) == ("", "", ())
    assert rules.redacted(FACTS, frozenset(Part)) == FACTS
    assert rules.redacted(FACTS, frozenset()) == HealthFacts()


def test_two_editors_keep_the_stricter_of_both_words() -> None:
    """The law: health keeps the stricter until a guardian confirms."""
    base = HealthFacts(allergies=(Allergy(what="Peanut", severity="mild"),))
    profile = HealthProfile(id=ANA, home=MAIN, allergies=base.allergies)
    one = HealthFacts(allergies=(Allergy(what="Peanut", severity="severe", pen="bag"),))
    other = HealthFacts(allergies=(Allergy(what="peanut", severity="serious", action="call"), Allergy(what="Egg")))
    for first, second in ((one, other), (other, one)):
        after = rules.edited(rules.edited(profile, base, first), base, second)
        assert after.review == ("allergies",)
        found = {
            allergy.what.casefold(): (allergy.severity, allergy.pen, allergy.action) for allergy in after.allergies
        }
        assert found == {"peanut": ("severe", "bag", "call"), "egg": ("mild", "", "")}
    alone = rules.edited(profile, base, one)
    assert (alone.allergies, alone.review) == (one.allergies, ())


def test_clashes_in_other_fields() -> None:
    base = HealthFacts(medications=(INSULIN,), physician="A", none_known=False)
    profile = HealthProfile(id=ANA, home=MAIN, medications=(INSULIN,), physician="A")
    more = HealthFacts(medications=(Medication(name="Insulin", dose="6 units"),), physician="B", none_known=True)
    now = rules.edited(profile, base, HealthFacts(medications=(), physician="C", none_known=False))
    after = rules.edited(now, base, more)
    assert (after.physician, after.none_known, after.review) == ("C / B", False, ("medications", "physician"))
    assert [one.dose for one in after.medications] == ["6 units"]
    both = rules.edited(
        rules.edited(profile, base, more), base, HealthFacts(medications=(INSULIN, INSULIN), physician="A")
    )
    assert sorted(one.dose for one in both.medications) == ["4 units", "6 units"]
    assert rules._stricter("none_known", True, False) is False


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (HealthFacts(allergies=(Allergy(what=" "),)), "health.text"),
        (HealthFacts(allergies=(Allergy(what="x" * 2_001),)), "health.text"),
        (HealthFacts(allergies=(Allergy(what="x", severity="bad"),)), "health.severity"),
        (HealthFacts(conditions=(Condition(name="x"),) * 51), "health.many"),
        (HealthFacts(plans=(ActionPlan(title="x", steps=("y",) * 51),)), "health.text"),
        (HealthFacts(contacts=(EmergencyContact(name="x", phone="112"),)), "health.phone"),
        (HealthFacts(contacts=(EmergencyContact(name="x", phone="+0123456789"),)), "health.phone"),
        (HealthFacts(none_known=True, allergies=(PEANUT,)), "health.nothing"),
        (HealthFacts(physician="x" * 2_001), "health.text"),
    ],
)  # fmt: skip
def test_what_no_profile_may_say(facts: HealthFacts, code: str) -> None:
    with pytest.raises(BadInput, match=code):
        rules.check(facts)


def test_what_a_profile_may_say() -> None:
    rules.check(FACTS)
    assert rules.says_something(HealthProfile(id=ANA, home=MAIN)) == ""
    assert rules.says_something(HealthProfile(id=ANA, home=MAIN, plans=FACTS.plans)) == "info"
    assert rules.says_something(HealthProfile(id=ANA, home=MAIN, allergies=FACTS.allergies)) == "critical"
    assert rules.facts_of(None) == HealthFacts()


def test_papers_that_are_none() -> None:
    good = HealthPaper(id=named("a"), child=ANA, home=MAIN, paper="v", issued="2026-01-01", expires="2026-01-01")
    rules.check_paper(good)
    for change in ({"paper": " "}, {"expires": "2025-12-31"}, {"issued": "soon"}):
        with pytest.raises(BadInput):
            rules.check_paper(
                HealthPaper(
                    **{
                        "id": good.id,
                        "child": ANA,
                        "home": MAIN,
                        "paper": "v",
                        "issued": "2026-01-01",
                        "expires": "2026-12-31",
                        **change,
                    }
                )
            )
