"""Families: cut along sensitivity, sealed person by person, edited by two at once."""

from typing import Any

import pytest

from classtap_core.kernel.envelope import join_parts
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.outcomes import DUPLICATE, Outcome, Status
from classtap_core.kernel.records import decode, plain, split
from classtap_core.people import rules
from classtap_core.people.operations import (
    AddFamily,
    ChildDraft,
    ContactDraft,
    CorrectBirthDate,
    EditHealth,
    RenameFamily,
)
from classtap_core.people.records import (
    Badge,
    Child,
    ChildHealth,
    Contact,
    ContactMasked,
    Custody,
    Family,
    HealthProposal,
)
from tests.unit.house.world import (
    ANA,
    BEN,
    CLERK,
    DESK,
    FAMILY,
    KIOSK,
    MAIN,
    OWNER,
    TEACHER,
    ZOE,
    World,
    device,
    named,
    staff,
    state_of,
)

GINA, LEO, MIA, GRAN = named("gina"), named("leo"), named("mia"), named("gran")

NEW = AddFamily(
    family=GINA, home=MAIN, name="Lindqvist",
    items=(
        ChildDraft(child=LEO, given="Leo", surname="Lindqvist", birth_date="2018-05-05", blocked=("Max Mustermann",)),
        ChildDraft(child=MIA, given="Mia", surname="Öst", birth_date="2020-01-31", health_notes="Coeliac"),
    ),
    contacts=(ContactDraft(contact=GRAN, relation="grandparent", name="Greta", phone="+46 70 174 06 35", email="g@x.se"),),
)  # fmt: skip


def code(outcome: Outcome) -> str:
    return outcome.reasons[0].code if outcome.reasons else ""


def held(world: World, record: type[Any], id: str) -> Any:
    return decode(record, state_of(world.cloud, record)[id])  # type: ignore[index]


def test_a_family_is_one_operation_and_records_of_five_sensitivities() -> None:
    world = World()
    assert world.say(NEW).link.outcome.status is Status.ACCEPTED
    assert held(world, Family, GINA).name == "Lindqvist"
    assert held(world, Child, MIA) == Child(id=MIA, family=GINA, home=MAIN, given="Mia", surname="Öst")
    assert held(world, ChildHealth, MIA).notes == "Coeliac"
    assert held(world, ChildHealth, LEO).birth_date == "2018-05-05"
    assert held(world, Custody, LEO).blocked == ("Max Mustermann",)
    assert MIA not in state_of(world.cloud, Custody)
    assert held(world, Badge, LEO).codes == ("pickup_check",)
    assert held(world, Badge, MIA).codes == ("health_note",)
    assert held(world, ContactMasked, GRAN).phone == "••35"


def test_each_person_s_words_are_sealed_under_that_person_alone() -> None:
    parts = split(AddFamily, plain(NEW))
    assert set(parts) == {"", GINA, LEO, MIA, GRAN}
    assert set(parts[LEO]) == {"items/0/given", "items/0/surname", "items/0/birth_date", "items/0/blocked"}
    words = ("Leo", "Lindqvist", "Öst", "Coeliac", "Mustermann", "2018", "Greta", "g@x.se", "174")
    assert [word for word in words if word in str(parts[""])] == []


def test_erasing_one_child_leaves_the_siblings_readable() -> None:
    world = World()
    ledger = world.say(NEW)
    parts = {subject: part for subject, part in ledger.parts.items() if subject != LEO}
    data = join_parts(parts)
    assert data["items"][1]["given"] == "Mia"
    assert "given" not in data["items"][0]
    assert "Leo" not in str(data)
    with pytest.raises(BadInput):
        world.registry.spec("family.add").decode(1, data)


def test_a_kiosk_gets_names_and_badges_and_nothing_of_why() -> None:
    world = World()
    world.say(NEW)
    kiosk, desk = world.join(KIOSK), world.join(DESK, role="desk")
    for record in (Family, Child, Badge):
        assert state_of(kiosk.store, record) == state_of(world.cloud, record)
    for record in (ChildHealth, Custody, Contact, ContactMasked):
        assert state_of(kiosk.store, record) == {}
        assert state_of(desk.store, record) == state_of(world.cloud, record)
    everything = b"".join(row.body for row in kiosk.store.base.all().values())
    for secret in (b"Coeliac", b"Mustermann", b"2018-05-05", b"gina@example.com", b"Peanut"):
        assert secret not in everything


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (AddFamily(family=FAMILY, home=MAIN, name="x"), "family.exists"),
        (
            AddFamily(family=GINA, home=MAIN, name="x", items=(ChildDraft(child=ANA, given="a", surname="b"),)),
            "child.exists",
        ),
        (RenameFamily(family=named("none"), base="", name="x"), "family.unknown"),
        (RenameFamily(family=FAMILY, base="García Núñez", name="  "), "family.name_empty"),
        (EditHealth(child=named("none"), base="", notes="x"), "child.unknown"),
    ],
)
def test_what_is_refused(payload: AddFamily | RenameFamily | EditHealth, expected: str) -> None:
    assert code(World().say(payload).link.outcome) == expected


def test_two_desks_rename_and_the_last_confirmed_stands() -> None:
    world = World()
    one, other = world.join(DESK, role="desk"), world.join(named("desk 2"), role="desk")
    one.bus.submit(RenameFamily(family=FAMILY, base="García Núñez", name="García"), staff(CLERK))
    assert decode(Family, state_of(one.store, Family)[FAMILY]).name == "García"
    world.say(RenameFamily(family=FAMILY, base="García Núñez", name="Núñez"))
    world.sync()
    assert held(world, Family, FAMILY).name == "García"
    assert state_of(one.store, Family) == state_of(other.store, Family) == state_of(world.cloud, Family)


def test_a_rename_to_what_stands_changes_nothing() -> None:
    world = World()
    assert world.say(RenameFamily(family=FAMILY, base="old", name="García Núñez")).link.outcome == DUPLICATE


def test_a_health_note_edited_twice_from_one_base_keeps_both_for_review() -> None:
    world = World()
    desk = world.join(DESK, role="desk")
    world.say(EditHealth(child=ANA, base="Peanut allergy", notes="Peanut and soy allergy"))
    receipt = desk.bus.submit(
        EditHealth(child=ANA, base="Peanut allergy", notes="Nut allergy, pen in bag"), staff(CLERK)
    )
    assert receipt.outcome.status is Status.ACCEPTED
    world.sync()
    health = held(world, ChildHealth, ANA)
    assert health.notes == "Peanut and soy allergy"
    assert [one.notes for one in health.review] == ["Nut allergy, pen in bag"]
    answer = world.cloud.ledgers[-1].link.outcome
    assert (answer.status, code(answer)) == (Status.ACCEPTED, "edit.kept_for_review")
    assert answer.obligations == ({"review": "edit.kept_for_review"},)
    assert state_of(desk.store, ChildHealth) == state_of(world.cloud, ChildHealth)


def test_a_birth_date_is_corrected_and_nobody_is_born_tomorrow() -> None:
    world = World()
    world.say(NEW)
    right = CorrectBirthDate(child=LEO, base="2018-05-05", birth_date="2018-05-15")
    assert world.say(right).link.outcome.status is Status.ACCEPTED
    assert held(world, ChildHealth, LEO).birth_date == "2018-05-15"
    assert world.say(right).link.outcome == DUPLICATE
    for wrong, expected in (("2999-01-01", "child.not_born"), ("15.5.2018", "time.date")):
        said = world.say(CorrectBirthDate(child=LEO, base="2018-05-15", birth_date=wrong))
        assert code(said.link.outcome) == expected
    world.say(CorrectBirthDate(child=LEO, base="2018-05-15", birth_date=""))
    assert held(world, ChildHealth, LEO).birth_date == ""


def test_a_health_note_moves_the_badge_with_it() -> None:
    world = World()
    assert BEN not in state_of(world.cloud, Badge)
    world.say(EditHealth(child=BEN, base="", notes="Asthma"))
    assert held(world, Badge, BEN).codes == ("health_note",)
    world.say(EditHealth(child=BEN, base="Asthma", notes=""))
    assert held(world, Badge, BEN).codes == ()
    assert world.say(EditHealth(child=BEN, base="Asthma", notes="")).link.outcome == DUPLICATE


@pytest.mark.parametrize("author", [staff(TEACHER), device(DESK)])
def test_who_may_not_edit_families_does_not(author: Any) -> None:
    desk = World().join(DESK, role="desk")
    rename = RenameFamily(family=FAMILY, base="García Núñez", name="x")
    assert desk.bus.submit(rename, author).outcome.status is Status.REFUSED


def test_a_kiosk_without_health_waits_rather_than_guess() -> None:
    kiosk = World().join(KIOSK)
    outcome = kiosk.bus.submit(EditHealth(child=ANA, base="", notes="x"), staff(OWNER)).outcome
    assert outcome.status is Status.WAITING


@pytest.mark.parametrize(("phone", "masked"), [("+34600123456", "••56"), ("1234", ""), ("", ""), ("12345", "••45")])
def test_a_phone_shows_its_last_two(phone: str, masked: str) -> None:
    assert rules.masked_phone(phone) == masked


@pytest.mark.parametrize(
    ("email", "masked"),
    [("gina@example.com", "g•••@example.com"), ("", ""), ("no at", ""), ("@example.com", ""), ("a@b@c.d", "a•••@c.d")],
)
def test_an_address_shows_its_first_letter_and_domain(email: str, masked: str) -> None:
    """Catalogue 35: email first letter and domain, phone last 2."""
    assert rules.masked_email(email) == masked


def test_proposals_are_a_set_in_order() -> None:
    first, second = HealthProposal(named("a"), "x"), HealthProposal(named("b"), "y")
    base = ChildHealth(id=ZOE, home=MAIN)
    one = ChildHealth(id=ZOE, home=MAIN, review=rules.proposed(base, first))
    other = ChildHealth(id=ZOE, home=MAIN, review=rules.proposed(base, second))
    assert rules.proposed(one, second) == rules.proposed(other, first)
    assert rules.proposed(one, first) == one.review
    assert rules.badge(one, None).codes == ("health_note",)
    assert rules.badge(base, Custody(id=ZOE, home=MAIN)).codes == ()
    assert rules.badge(base, Custody(id=ZOE, home=MAIN, note="order")).codes == ("pickup_check",)


def test_names_sort_the_same_everywhere() -> None:
    names = [("de la Cruz", "Ana"), ("DE LA CRUZ", "ada"), ("Zed", "Zoe"), ("árbol", "x"), ("Abbott", "x")]
    assert sorted(names, key=lambda name: rules.sort_name(*name)) == [
        ("Abbott", "x"), ("DE LA CRUZ", "ada"), ("de la Cruz", "Ana"), ("Zed", "Zoe"), ("árbol", "x"),
    ]  # fmt: skip
