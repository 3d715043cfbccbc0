"""Guardians: who may do what, by every combination; one primary and never none; blocks that always win; two made one."""

from itertools import chain, combinations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from classtap_core.access.operations import RegisterDevice
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import DUPLICATE, Outcome, Status
from classtap_core.kernel.records import decode, plain, split
from classtap_core.kernel.undo import Undo
from classtap_core.people import guardians
from classtap_core.people.duplicates import same_person
from classtap_core.people.guardian_operations import (
    BlockGuardian,
    EditGuardian,
    GuardianFacts,
    HandOver,
    MergeGuardians,
    UnblockGuardian,
)
from classtap_core.people.guardians import (
    EMERGENCY,
    MATRIX,
    PICKUP,
    PRIMARY,
    RANKS,
    SECONDARY,
    SUSPENDED,
    Answer,
    Block,
    Guardianship,
    Right,
    Role,
    guardianship_id,
)
from classtap_core.people.operations import AddFamily, ChildDraft, ContactDraft
from classtap_core.people.records import Badge, Child, Contact, ContactMasked, Custody
from classtap_core.timekeeping.rules import shift_date
from tests.unit.house.world import ANA, CLERK, DESK, KIOSK, MAIN, OWNER, World, device, named, staff, state_of

MUM, DAD, GRAN = named("mum"), named("dad"), named("gran")
HOUSE, KID, SIB = named("house"), named("kid"), named("sib")
TODAY = "2026-11-21"


def pair(*roles: Role, allow: tuple[str, ...] = (), deny: tuple[str, ...] = (), blocked: bool = False) -> Guardianship:
    return Guardianship(
        id=named("pair"), child=KID, guardian=MUM, home=MAIN, roles=roles, allow=allow, deny=deny,
        blocks=(Block(named("b"), 1),) if blocked else (),
    )  # fmt: skip


# -- rights


def test_every_combination_of_roles_overrides_and_blocks() -> None:
    """4 roles × 3 overrides × blocked or not × 7 rights, beside the catalogue's sentence written out a second time."""
    subsets = list(chain.from_iterable(combinations(RANKS, size) for size in range(5)))
    seen = 0
    for roles, override, blocked, right in product(subsets, ("", "allow", "deny"), (False, True), Right):
        found = guardians.may(
            right, pair(*(Role(role, "2026-01-01") for role in roles), allow=(right,) if override == "allow" else (),
                        deny=(right,) if override == "deny" else (), blocked=blocked), day=TODAY)  # fmt: skip
        expected = (
            not blocked
            and bool(roles)
            and override != "deny"
            and (override == "allow" or any(right in MATRIX[role] for role in roles))
        )
        assert found.allowed is expected, (roles, override, blocked, right)
        seen += 1
    assert seen == 16 * 3 * 2 * 7


def test_the_catalogue_s_examples() -> None:
    """Catalogue 08: Alex is secondary, Taylor secondary and pickup-only and later primary."""
    alex = pair(Role(SECONDARY, "2026-01-01"))
    assert {right for right in Right if guardians.may(right, alex, day=TODAY).allowed} == {
        Right.BOOK, Right.SIGN, Right.ATTENDANCE, Right.MESSAGES,
    }  # fmt: skip
    paying = replace(alex, allow=(Right.PAY,))
    assert guardians.may(Right.PAY, paying, day=TODAY) == Answer(True, "allowed_for_child")
    assert guardians.may(Right.PAYMENT_METHODS, paying, day=TODAY) == Answer(False, SECONDARY)
    taylor = pair(Role(SECONDARY, "2026-01-01"), Role(PICKUP, "2026-01-01"), deny=(Right.PAY,))
    assert guardians.may(Right.BOOK, taylor, day=TODAY) == Answer(True, SECONDARY)
    first = replace(taylor, roles=(*taylor.roles, Role(PRIMARY, "2026-01-01")))
    assert guardians.may(Right.PAY, first, day=TODAY) == Answer(False, "denied_for_child")
    assert guardians.may(Right.BOOK, None, day=TODAY) == Answer(False, "no_role")


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role(PRIMARY, TODAY), True), (Role(PRIMARY, "2026-11-22"), False), (Role(PRIMARY, "2026-01-01", TODAY), True),
        (Role(PRIMARY, "2026-01-01", "2026-11-20"), False), (Role(PRIMARY, "2026-01-01", state=SUSPENDED), False),
    ],
)  # fmt: skip
def test_a_role_counts_from_its_first_day_to_its_last(role: Role, allowed: bool) -> None:
    assert guardians.may(Right.PAY, pair(role), day=TODAY).allowed is allowed
    assert not guardians.may(Right.PAY, pair(role, blocked=True), day=TODAY).allowed


def test_a_studio_s_own_matrix() -> None:
    matrix = guardians.matrix_of(
        {"secondary.make_payments": 1, "secondary.book_classes": 0, "dog.bark": 1, "pickup.x": 1}
    )
    alex = pair(Role(SECONDARY, "2026-01-01"))
    assert guardians.may(Right.PAY, alex, day=TODAY, matrix=matrix).allowed
    assert not guardians.may(Right.BOOK, alex, day=TODAY, matrix=matrix).allowed
    assert guardians.matrix_of({}) == MATRIX


def test_of_clashing_words_the_higher_role_s_stands() -> None:
    ranked = [pair(Role(role, "2026-01-01")) for role in RANKS]
    for one, other in product(range(4), repeat=2):
        assert guardians.outranks(ranked[one], ranked[other], day=TODAY) is (one < other)
    assert guardians.outranks(ranked[3], pair(Role(PRIMARY, "2026-01-01"), blocked=True), day=TODAY)


# -- primaries


_DATES = st.integers(0, 12).map(lambda number: shift_date("2026-11-15", number))
_SPAN = st.tuples(_DATES, st.one_of(st.just(""), _DATES)).filter(lambda span: not span[1] or span[0] <= span[1])
_HELD = st.lists(_SPAN, max_size=3)


def of(spans: list[tuple[str, str]]) -> list[Guardianship]:
    return [pair(Role(PRIMARY, first, last)) for first, last in spans]


@settings(max_examples=300, deadline=None)
@given(_HELD, _HELD)
def test_one_primary_a_day_and_no_day_left_without_one(
    before: list[tuple[str, str]], after: list[tuple[str, str]]
) -> None:
    """Beside counting, day by day, how many primaries there are."""
    every = [shift_date("2026-11-14", number) for number in range(30)]

    def count(spans: list[tuple[str, str]], day: str) -> int:
        return sum(first <= day and (not last or day <= last) for first, last in spans)

    found = guardians.primary_trouble(of(after), today=TODAY, before=of(before))
    if any(count(after, day) > 1 for day in every):
        assert found == "guardian.second_primary"
    elif any(count(before, day) and not count(after, day) for day in every if day >= TODAY):
        assert found == "guardian.no_successor"
    else:
        assert found == ""


# -- through the door


def code(outcome: Outcome) -> str:
    return outcome.reasons[0].code if outcome.reasons else ""


def held(world: World, record: type[Any], id: str) -> Any:
    return decode(record, state_of(world.cloud, record)[Id(id)])


def facts(*roles: Role, **more: Any) -> GuardianFacts:
    return GuardianFacts(roles=roles, **more)


FIRST = facts(Role(PRIMARY, "2026-01-01"), relation="mother")


def ready() -> World:
    world = World()
    world.say(
        AddFamily(
            family=HOUSE, home=MAIN, name="Rossi",
            items=(ChildDraft(child=KID, given="Kim", surname="Rossi"), ChildDraft(child=SIB, given="Sam", surname="Rossi")),
            contacts=(
                ContactDraft(contact=MUM, relation="mother", name="Mia Rossi", phone="+34 600 11 22 33"),
                ContactDraft(contact=DAD, relation="father", name="Dan Rossi"),
                ContactDraft(contact=GRAN, relation="mother", name="Mia R.", phone="0034600112233", email="mia@example.com"),
            ),
        )
    )  # fmt: skip
    assert world.say(link(MUM, FIRST)).link.outcome.status is Status.ACCEPTED
    return world


def link(guardian: Id, wanted: GuardianFacts, *, child: Id = KID, base: GuardianFacts | None = None) -> EditGuardian:
    return EditGuardian(child=child, guardian=guardian, base=base or GuardianFacts(), wanted=wanted)


def of_kid(world: World, guardian: Id, child: Id = KID) -> Guardianship:
    found: Guardianship = held(world, Guardianship, guardianship_id(child, guardian))
    return found


def test_guardians_are_linked_and_a_kiosk_holds_no_name_of_them() -> None:
    world = ready()
    second = facts(Role(SECONDARY, "2026-01-01"), Role(PICKUP, "2026-01-01", external="sis:17"))
    assert world.say(link(DAD, second)).link.outcome.status is Status.ACCEPTED
    assert world.say(link(DAD, second)).link.outcome == DUPLICATE
    assert guardians.roles_on(of_kid(world, DAD), TODAY) == [SECONDARY, PICKUP]
    kiosk = world.join(KIOSK)
    assert len(state_of(kiosk.store, Guardianship)) == 2
    assert state_of(kiosk.store, Contact) == {}


def test_two_editors_both_have_their_way() -> None:
    world = ready()
    world.say(link(MUM, replace(FIRST, deny=(Right.PAY,)), base=FIRST))
    world.say(link(MUM, replace(FIRST, relation="guardian"), base=FIRST))
    assert (of_kid(world, MUM).deny, of_kid(world, MUM).relation) == ((Right.PAY,), "guardian")


def test_never_two_primaries_and_never_none() -> None:
    world = ready()
    assert code(world.say(link(DAD, facts(Role(PRIMARY, "2026-06-01")))).link.outcome) == "guardian.second_primary"
    for gone in (
        facts(),
        facts(Role(PRIMARY, "2026-01-01", "2026-12-31")),
        facts(Role(PRIMARY, "2026-01-01", state=SUSPENDED)),
    ):
        assert code(world.say(link(MUM, gone, base=FIRST)).link.outcome) == "guardian.no_successor"
    other = facts(Role(PRIMARY, "2026-06-01"))
    assert world.say(link(DAD, other, child=SIB)).link.outcome.status is Status.ACCEPTED


def test_the_first_place_is_handed_over_on_a_day() -> None:
    world = ready()
    world.say(link(DAD, facts(Role(EMERGENCY, "2026-01-01"))))
    give = HandOver(child=KID, to=DAD, first="2027-01-01", then=SECONDARY)
    assert world.say(give).link.outcome.status is Status.ACCEPTED
    roles = {
        day: [guardians.roles_on(of_kid(world, one), day) for one in (MUM, DAD)] for day in ("2026-12-31", "2027-01-01")
    }
    assert roles == {
        "2026-12-31": [[PRIMARY], [EMERGENCY]], "2027-01-01": [[SECONDARY], [PRIMARY, EMERGENCY]],
    }  # fmt: skip
    assert world.say(give).link.outcome == DUPLICATE
    assert code(world.say(HandOver(child=KID, to=GRAN, first="2027-01-01")).link.outcome) == "guardian.unknown"


def test_a_block_wins_at_once_offline_and_only_the_cloud_lifts_it() -> None:
    world = ready()
    desk = world.join(DESK, role="desk")
    said = BlockGuardian(child=KID, guardian=MUM, reason="Court order 7/26")
    assert set(split(BlockGuardian, plain(said))) == {"", KID}
    receipt = desk.bus.submit(said, staff(CLERK))
    assert receipt.outcome.obligations == ({"review": "guardian.no_primary"},)
    seen = decode(Guardianship, state_of(desk.store, Guardianship)[guardianship_id(KID, MUM)])
    assert not any(guardians.may(right, seen, day=TODAY).allowed for right in Right)
    world.sync()
    assert held(world, Badge, KID).codes == ("pickup_check",)
    assert held(world, Custody, KID).orders[0].reason == "Court order 7/26"
    kiosk = world.join(KIOSK)
    assert b"Court" not in b"".join(row.body for row in kiosk.store.base.all().values())
    block = of_kid(world, MUM).blocks[0].operation
    lift = UnblockGuardian(child=KID, guardian=MUM, block=block)
    assert desk.bus.submit(lift, staff(CLERK)).outcome.status is Status.REFUSED
    assert desk.bus.submit(lift, staff(OWNER)).outcome.status is Status.WAITING
    assert world.say(lift).link.outcome.status is Status.ACCEPTED
    assert world.say(lift).link.outcome == DUPLICATE
    assert not of_kid(world, MUM).blocked
    assert held(world, Badge, KID).codes == ()


def test_two_blocks_in_any_order_come_to_the_same() -> None:
    states = []
    for order in ((0, 1), (1, 0)):
        world = ready()
        for number in range(2):
            world.say(RegisterDevice(device=named(f"desk {number}"), name="Desk", role="desk", location=MAIN))
        desks = [world.join(named(f"desk {number}"), role="desk") for number in range(2)]
        for number, desk in enumerate(desks):
            desk.clock.advance(number * 1000)
            desk.bus.submit(BlockGuardian(child=KID, guardian=DAD, reason=f"{number}"), staff(CLERK))
        for number in order:
            world.push(named(f"desk {number}"))
        states.append((of_kid(world, DAD).blocks, held(world, Custody, KID).orders))
    assert states[0] == states[1]
    assert len(states[0][0]) == 2


def test_lifting_a_block_never_makes_a_second_primary() -> None:
    world = ready()
    world.say(BlockGuardian(child=KID, guardian=MUM))
    assert world.say(link(DAD, facts(Role(PRIMARY, "2026-01-01")))).link.outcome.status is Status.ACCEPTED
    block = of_kid(world, MUM).blocks[0].operation
    again = world.say(UnblockGuardian(child=KID, guardian=MUM, block=block)).link.outcome
    assert code(again) == "guardian.second_primary"


def merging(world: World, *, keep: Id, drop: Id) -> MergeGuardians:
    """As somebody says it who sees the cloud's rows."""
    pairs = [decode(Guardianship, body) for body in state_of(world.cloud, Guardianship).values()]
    children = tuple(one.child for one in pairs if one.guardian == drop)
    return MergeGuardians(home=MAIN, keep=keep, drop=drop, children=children)


def test_a_merge_guards_the_children_it_is_about_and_stands_only_for_those() -> None:
    """So that a role given meanwhile to one of them is seen, and nobody gets a second primary."""
    world = ready()
    world.say(link(GRAN, facts(Role(PICKUP, "2026-01-01"))))
    said = merging(world, keep=MUM, drop=GRAN)
    edit = link(GRAN, facts(Role(SECONDARY, "2026-01-01")))
    assert set(said.guards(None)) >= {f"child:{KID}", f"contact:{GRAN}", f"contact:{MUM}"}  # type: ignore[arg-type]
    assert set(edit.guards(None)) == {f"child:{KID}", f"contact:{GRAN}"}  # type: ignore[arg-type]
    world.say(link(GRAN, facts(Role(PICKUP, "2026-01-01")), child=SIB))
    assert code(world.say(said).link.outcome) == "guardian.children_moved"
    assert world.say(merging(world, keep=MUM, drop=GRAN)).link.outcome.stands


def test_two_records_of_one_person_become_one_and_part_again() -> None:
    world = ready()
    world.say(link(GRAN, facts(Role(PICKUP, "2026-01-01"), deny=(Right.PAY,))))
    world.say(link(GRAN, facts(Role(PRIMARY, "2026-01-01")), child=SIB))
    mum, gran = held(world, Contact, MUM), held(world, Contact, GRAN)
    assert same_person(replace(mum, phone="+34600112233"), [replace(gran, phone="+34 600-112-233")]) != ()
    before = {record: dict(state_of(world.cloud, record)) for record in (Contact, ContactMasked, Guardianship)}
    ledger = world.say(merging(world, keep=MUM, drop=GRAN))
    assert ledger.link.outcome.status is Status.ACCEPTED
    assert GRAN not in state_of(world.cloud, Contact)
    assert guardians.roles_on(of_kid(world, MUM), TODAY) == [PRIMARY, PICKUP]
    assert of_kid(world, MUM).deny == (Right.PAY,)
    assert guardians.roles_on(of_kid(world, MUM, SIB), TODAY) == [PRIMARY]
    assert held(world, Contact, MUM).email == "mia@example.com"
    assert world.say(Undo(operation=ledger.link.operation)).link.outcome.status is Status.ACCEPTED
    assert {record: dict(state_of(world.cloud, record)) for record in before} == before


def test_a_merge_that_would_make_two_primaries_is_refused() -> None:
    world = ready()
    world.say(BlockGuardian(child=KID, guardian=MUM))
    world.say(link(DAD, facts(Role(PRIMARY, "2026-01-01"))))
    world.say(link(GRAN, facts(Role(SECONDARY, "2026-01-01"))))
    assert world.say(merging(world, keep=GRAN, drop=MUM)).link.outcome.status is Status.ACCEPTED
    assert of_kid(world, GRAN).blocked  # who was kept from a child stays so under any record


def test_a_block_said_of_a_record_that_is_no_more_finds_the_person() -> None:
    """Said offline of a second record of somebody, while the cloud made the two one."""
    world = ready()
    desk = world.join(DESK, role="desk")
    desk.bus.submit(BlockGuardian(child=KID, guardian=GRAN), staff(CLERK))
    world.say(merging(world, keep=MUM, drop=GRAN))
    world.sync()
    assert of_kid(world, MUM).blocked
    assert guardianship_id(KID, GRAN) not in state_of(world.cloud, Guardianship)
    assert state_of(desk.store, Guardianship) == state_of(world.cloud, Guardianship)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (link(MUM, FIRST, child=named("x")), "child.unknown"),
        (link(named("x"), FIRST), "guardian.unknown"),
        (link(DAD, facts(Role("uncle", "2026-01-01"))), "guardian.role"),
        (link(DAD, facts(Role(PICKUP, "2026-01-01", state="gone"))), "guardian.role"),
        (link(DAD, facts(Role(PICKUP, "2026-01-02", "2026-01-01"))), "guardian.span"),
        (link(DAD, facts(Role(PICKUP, "soon"))), "time.date"),
        (link(DAD, facts(allow=("fly",))), "guardian.rights"),
        (link(DAD, facts(deny=(Right.PAY,), allow=(Right.PAY,))), "guardian.rights"),
        (HandOver(child=named("x"), to=DAD, first=TODAY), "child.unknown"),
        (HandOver(child=KID, to=DAD, first="soon"), "time.date"),
        (HandOver(child=KID, to=DAD, first=TODAY, then=PRIMARY), "guardian.role"),
        (BlockGuardian(child=named("x"), guardian=MUM), "child.unknown"),
        (UnblockGuardian(child=KID, guardian=MUM, block=named("x")), "guardian.no_block"),
        (MergeGuardians(home=MAIN, keep=MUM, drop=MUM), "guardian.unknown"),
        (MergeGuardians(home=MAIN, keep=MUM, drop=named("x")), "guardian.unknown"),
    ],
)
def test_what_is_refused(payload: Any, expected: str) -> None:
    assert code(ready().say(payload).link.outcome) == expected


def test_a_kiosk_alone_changes_nobody_s_guardians() -> None:
    kiosk = ready().join(KIOSK)
    assert kiosk.bus.submit(link(DAD, FIRST), device(KIOSK)).outcome.status is Status.REFUSED
    assert ANA in state_of(kiosk.store, Child)
