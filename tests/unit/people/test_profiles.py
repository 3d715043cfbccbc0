"""Children and guardians described; duplicates found; roles of other systems; days that begin at home; the higher word."""

import pytest
from msgspec.structs import replace

from classtap_core.access.operations import GiveGrant
from classtap_core.booking.operations import CancelBooking, CreateBooking
from classtap_core.booking.records import Booking, booking_id
from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Operation
from classtap_core.kernel.outcomes import DUPLICATE, Outcome, Status
from classtap_core.kernel.records import decode
from classtap_core.kernel.undo import Undo
from classtap_core.people.duplicates import alike, duplicates, marks_of
from classtap_core.people.external_roles import GuardianLink, UpsertRole
from classtap_core.people.guardian_operations import EditGuardian, GuardianFacts, MergeGuardians
from classtap_core.people.guardians import PRIMARY, SECONDARY, Guardianship, Role, guardianship_id
from classtap_core.people.operations import AddFamily, ChildDraft, ContactDraft
from classtap_core.people.profile_operations import (
    AddContacts,
    ChildFacts,
    ContactFacts,
    EditChild,
    EditContact,
)
from classtap_core.people.records import Child, Contact, ContactMasked
from classtap_core.people.verification import VerifyContact
from tests.unit.documents.paper import MUM, mum, with_mum
from tests.unit.house.world import (
    ANA,
    BEN,
    CLOCK,
    CLOUD,
    EVENING,
    FAMILY,
    MAIN,
    NINE,
    NORTH,
    OWNER,
    STUDIO,
    ZOE,
    World,
    named,
    staff,
    state_of,
)

DAD, GRAN = named("dad"), named("gran")
PHOTO = Blob(hash="cd" * 32, size=20_000, type="image/jpeg")
GINA = ContactFacts(name="Gina García", relation="mother", phone="+34600123456", email="gina@example.com")


def code(outcome: Outcome) -> str:
    return outcome.reasons[0].code if outcome.reasons else ""


def pair(world: World, child: Id, guardian: Id) -> Guardianship | None:
    row = state_of(world.cloud, Guardianship).get(guardianship_id(child, guardian))
    return None if row is None else decode(Guardianship, row)


def with_dad(world: World) -> None:
    dad = ContactDraft(contact=DAD, relation="father", name="David", phone="+34600999888", email="david@example.com")
    assert world.say(AddContacts(family=FAMILY, home=MAIN, contacts=(dad,))).link.outcome.stands
    assert world.say(VerifyContact(contact=DAD, way="phone"), CLOCK).link.outcome.stands
    secondary = GuardianFacts(relation="father", roles=(Role(SECONDARY, "2026-01-01"),))
    assert world.say(EditGuardian(child=ANA, guardian=DAD, base=GuardianFacts(), wanted=secondary)).link.outcome.stands


def test_a_child_s_picture_languages_and_consent_to_be_listed() -> None:
    world = World()
    base = ChildFacts(given="Ana", surname="Núñez")
    wanted = replace(base, photo=PHOTO, languages=("es", "en-GB"), listed=True)
    assert not decode(Child, state_of(world.cloud, Child)[ANA]).listed
    assert world.say(EditChild(child=ANA, base=base, wanted=wanted)).link.outcome.stands
    child = decode(Child, state_of(world.cloud, Child)[ANA])
    assert (child.photo, child.languages, child.listed) == (PHOTO, ("es", "en-GB"), True)
    assert world.say(EditChild(child=ANA, base=wanted, wanted=wanted)).link.outcome == DUPLICATE


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"given": "", "surname": " "}, "child.name_empty"), ({"languages": ("es", "es")}, "person.languages"),
        ({"languages": ("?",)}, "person.languages"), ({"photo": replace(PHOTO, type="text/html")}, "photo.form"),
        ({"photo": replace(PHOTO, size=(10 << 20) + 1)}, "photo.form"),
    ],
)  # fmt: skip
def test_what_may_not_be_said_of_a_child(change: dict[str, object], expected: str) -> None:
    base = ChildFacts(given="Ana", surname="Núñez")
    said = EditChild(child=ANA, base=base, wanted=replace(base, **change))
    assert code(World().say(said).link.outcome) == expected


def test_another_address_has_to_be_verified_again() -> None:
    world = World()
    with_mum(world)
    moved = replace(GINA, phone="+34611", languages=("es",))
    assert world.say(EditContact(contact=MUM, base=GINA, wanted=moved)).link.outcome.stands
    assert decode(ContactMasked, state_of(world.cloud, ContactMasked)[MUM]).verified_by == "email"
    gone = replace(moved, email="new@example.com")
    assert world.say(EditContact(contact=MUM, base=moved, wanted=gone)).link.outcome.stands
    masked = decode(ContactMasked, state_of(world.cloud, ContactMasked)[MUM])
    assert (masked.verified_ms, masked.email) == (0, "n•••@example.com")
    assert world.say(EditContact(contact=MUM, base=gone, wanted=gone)).link.outcome == DUPLICATE
    for change, expected in (
        ({"name": " "}, "guardian.name_empty"),
        ({"relation": "boss"}, "guardian.relation"),
        ({"languages": ("x" * 40,)}, "person.languages"),
    ):
        assert (
            code(world.say(EditContact(contact=MUM, base=gone, wanted=replace(gone, **change))).link.outcome)
            == expected
        )
    assert code(world.say(EditContact(contact=named("x"), base=gone, wanted=gone)).link.outcome) == "guardian.unknown"


def test_a_guardian_who_comes_and_may_be_known_is_shown_merged_and_parted_again() -> None:
    world = World()
    twin = ContactDraft(contact=DAD, relation="mother", name="Gina G.", phone="+34 600-123-456")
    outcome = world.say(AddContacts(family=FAMILY, home=MAIN, contacts=(twin,))).link.outcome
    assert outcome.obligations == ({"review": "guardian.maybe_same", "guardian": DAD, "other": MUM},)
    assert world.say(AddContacts(family=FAMILY, home=MAIN, contacts=(twin,))).link.outcome == DUPLICATE
    found = duplicates(world.cloud, MAIN)
    assert {(one.keep.id, one.drop.id) for one in found} == {tuple(sorted((MUM, DAD)))}
    merged = world.say(MergeGuardians(home=MAIN, keep=MUM, drop=DAD))
    assert merged.link.outcome.stands
    assert duplicates(world.cloud, MAIN) == ()
    assert world.say(Undo(operation=merged.link.operation)).link.outcome.stands
    assert len(duplicates(world.cloud, MAIN)) == 1
    for family, expected in ((named("x"), "family.unknown"), (FAMILY, "guardian.name_empty")):
        nobody = replace(twin, contact=GRAN, name=" ")
        assert code(world.say(AddContacts(family=family, home=MAIN, contacts=(nobody,))).link.outcome) == expected


def test_every_pair_of_duplicates_is_told_once_and_the_proven_one_is_kept() -> None:
    one, two, three = (
        Contact(id=named(str(number)), family=FAMILY, home=MAIN, relation="other", name="N", phone=phone, email=email)
        for number, (phone, email) in enumerate([("1-2", "A@b"), ("12", "a@b "), ("", "c@d")])
    )
    two = replace(two, verified_ms=5, verified_by="email")
    assert [(pair.keep.id, pair.drop.id) for pair in alike([one, two, three])] == [(two.id, one.id)]
    assert marks_of(replace(three, email="")) == frozenset()


# -- roles of other systems


def upsert(**change: object) -> UpsertRole:
    said = UpsertRole(source="school", external="r-1", child=BEN, guardian=MUM, role=PRIMARY, first="2026-01-01")
    return replace(said, **change)


def test_a_role_said_again_changes_nothing_and_said_differently_becomes_that() -> None:
    world = World()
    first, again = (world.say(upsert()).link.outcome.status for _ in range(2))
    assert (first, again) == (Status.ACCEPTED, Status.DUPLICATE)
    assert world.say(upsert(role=SECONDARY, first="2027-01-01")).link.outcome.status is Status.REFUSED
    world.say(upsert(external="r-2", role=SECONDARY))
    assert pair(world, BEN, MUM).roles == (  # type: ignore[union-attr]
        Role(PRIMARY, "2026-01-01", "", "active", "school:r-1"), Role(SECONDARY, "2026-01-01", "", "active", "school:r-2"),
    )  # fmt: skip
    assert world.say(upsert(external="r-2", role=SECONDARY, last="2026-12-31")).link.outcome.status is Status.ACCEPTED
    assert pair(world, BEN, MUM).roles[1].last == "2026-12-31"  # type: ignore[union-attr]


def test_a_role_moves_to_whom_the_other_system_names() -> None:
    world = World()
    with_dad(world)
    world.say(upsert(role=SECONDARY))
    assert world.say(upsert(role=SECONDARY, guardian=DAD)).link.outcome.status is Status.ACCEPTED
    assert pair(world, BEN, MUM).roles == ()  # type: ignore[union-attr]
    assert [role.external for role in pair(world, BEN, DAD).roles] == ["school:r-1"]  # type: ignore[union-attr]
    elsewhere = world.say(upsert(role=SECONDARY, guardian=DAD, child=ANA)).link.outcome
    assert (code(elsewhere), elsewhere.reasons[0].params) == ("guardian.role_elsewhere", {"child": BEN})
    assert code(world.say(upsert(role=SECONDARY, guardian=DAD, child=ANA, left=ZOE)).link.outcome) == code(elsewhere)
    assert world.say(upsert(role=SECONDARY, guardian=DAD, child=ANA, left=BEN)).link.outcome.status is Status.ACCEPTED
    assert pair(world, BEN, DAD).roles == ()  # type: ignore[union-attr]
    assert len(state_of(world.cloud, GuardianLink)) == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"child": named("x")}, "child.unknown"), ({"guardian": named("x")}, "guardian.unknown"),
        ({"role": "boss"}, "guardian.role"), ({"last": "2025-01-01"}, "guardian.span"), ({"external": ""}, "guardian.external"),
        ({"external": "r-9", "guardian": DAD}, "guardian.second_primary"),
    ],
)  # fmt: skip
def test_what_other_systems_may_not_say(change: dict[str, object], expected: str) -> None:
    world = World()
    with_dad(world)
    world.say(upsert())
    assert code(world.say(upsert(**change)).link.outcome) == expected


def test_nobody_takes_the_primary_away_without_a_successor() -> None:
    world = World()
    with_dad(world)
    world.say(upsert())
    assert code(world.say(upsert(child=ANA, left=BEN)).link.outcome) == "guardian.no_successor"


def test_a_role_that_moves_guards_both_children() -> None:
    said = upsert(child=ANA, left=BEN)
    op = Operation(
        said.SPEC, said, id=named("op"), studio=STUDIO, device=CLOUD, epoch=1, sequence=1, author=staff(OWNER),
        at=ManualClock(NINE).now(), source="test",
    )  # fmt: skip
    assert {f"child:{ANA}", f"child:{BEN}"} < {*said.guards(op)}
    assert sum(one.startswith("child:") for one in upsert().guards(op)) == 1


def test_a_role_goes_away_from_another_house_s_child_by_whom_both_are_for() -> None:
    world = World()
    child = ChildDraft(child=named("north child"), given="Nil", surname="N")
    world.say(AddFamily(family=named("north family"), home=NORTH, name="N", items=(child,)))
    world.say(upsert(role=SECONDARY))
    world.say(GiveGrant(grant=named("north clerk"), holder=named("clerk n"), role="front_desk", location=NORTH))
    moved = upsert(role=SECONDARY, child=named("north child"), left=BEN)
    assert code(world.say(moved, staff(named("clerk n"))).link.outcome) == "permission.denied"
    assert pair(world, BEN, MUM).roles != ()  # type: ignore[union-attr]
    assert world.say(moved).link.outcome.status is Status.ACCEPTED
    assert pair(world, BEN, MUM).roles == ()  # type: ignore[union-attr]


# -- days begin at home


@pytest.mark.parametrize(("at_ms", "expected"), [(1_795_300_200_000, "guardian.no_successor"), (1_795_303_800_000, "")])
def test_a_role_turns_at_the_midnight_of_the_child_s_home(at_ms: int, expected: str) -> None:
    """2026-11-21T22:30Z and 23:30Z: in Madrid half an hour before and after midnight, in UTC one day
    (`TZ=Europe/Madrid date -d @1795303800`). What is over may be said otherwise; today may not be left without a primary."""
    world = World(at=at_ms)
    said = GuardianFacts(relation="mother", roles=(Role(PRIMARY, "2026-01-01", "2026-11-21"),))
    assert world.say(EditGuardian(child=BEN, guardian=MUM, base=GuardianFacts(), wanted=said)).link.outcome.stands
    ended = replace(said, roles=(Role(PRIMARY, "2026-01-01", "2026-11-20"),))
    assert code(world.say(EditGuardian(child=BEN, guardian=MUM, base=said, wanted=ended)).link.outcome) == expected


# -- the higher word


def book(by: Id, world: World) -> Outcome:
    said = CreateBooking(session=EVENING, child=ANA, family=FAMILY, location=MAIN)
    return world.say(said, Author(type="guardian", id=by)).link.outcome


def cancel(by: Id, world: World) -> Outcome:
    return world.say(CancelBooking(session=EVENING, child=ANA), Author(type="guardian", id=by)).link.outcome


def test_of_clashing_guardians_the_higher_role_s_word_stands_and_the_other_is_told() -> None:
    world = World()
    with_mum(world)
    with_dad(world)
    assert book(MUM, world).stands
    assert book(DAD, world).status is Status.DUPLICATE, "the same word clashes with none"
    assert code(cancel(DAD, world)) == "gate.guardian_outranked"
    assert cancel(MUM, world).stands
    assert code(book(DAD, world)) == "gate.guardian_outranked"
    other = World()
    with_mum(other)
    with_dad(other)
    assert book(DAD, other).stands
    ledger = other.say(CancelBooking(session=EVENING, child=ANA), mum())
    assert ledger.link.outcome.stands
    told = [effect.body for effect in ledger.effects if effect.kind == "guardian.overruled"]
    assert told == [{"guardian": DAD, "child": ANA, "session": EVENING}]
    row = state_of(other.cloud, Booking)[booking_id(STUDIO, EVENING, ANA)]
    assert (decode(Booking, row).state, decode(Booking, row).by) == ("cancelled", MUM)


def test_guardians_author_nothing_a_gate_does_not_ask_their_right_for() -> None:
    world = World()
    with_mum(world)
    base = ChildFacts(given="Ana", surname="Núñez")
    said = EditChild(child=ANA, base=base, wanted=replace(base, listed=True))
    assert code(world.say(said, mum()).link.outcome) == "permission.author"
    stranger = Author(type="guardian", id=named("stranger"))
    booked = CreateBooking(session=EVENING, child=ANA, family=FAMILY, location=MAIN)
    assert code(world.say(booked, stranger).link.outcome) == "gate.contact_unverified"
    unknown = replace(booked, child=named("nobody"))
    assert code(world.say(unknown, mum()).link.outcome) == "gate.guardian_right"
