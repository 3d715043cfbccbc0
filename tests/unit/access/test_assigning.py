"""Blueprints given, given again, and taken; what each grant had to say; and a second engine's opinion on every answer."""

from typing import Any

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from classtap_core.access import rules
from classtap_core.access.assigning import Mode, assigned_id, assignment, difference, ended, explained
from classtap_core.access.assignment_operations import ApplyBlueprint, EndGrant
from classtap_core.access.blueprints import ROLES, Capability
from classtap_core.access.operations import AddStaff, GiveGrant
from classtap_core.access.records import Grant
from classtap_core.access.rules import Place, capabilities_of
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Resource
from classtap_core.kernel.outcomes import DUPLICATE, Outcome, Status
from classtap_core.kernel.records import decode
from classtap_core.kernel.undo import Undo
from tests.unit.house.world import BALLET, BLUE, CLERK, MAIN, NORTH, OWNER, TEACHER, World, named, staff, state_of

WHO, A, B, YOGA, ROOM = (derived("place", name) for name in ("who", "a", "b", "yoga", "room"))
NOW = 1_795_248_000_000
RIGHTS = tuple(sorted(capability.value for capability in Capability))


def grant(name: str, role: str = "", **fields: Any) -> Grant:
    return Grant(id=derived("grant", name), holder=WHO, role=role, **fields)


_GRANTS = st.lists(
    st.builds(
        lambda number, role, extra, location, room, kind, span, deny, segment, money, version: grant(
            str(number), role, capabilities=extra, location=location, room=room, class_type=kind,
            valid_from_ms=span[0], valid_to_ms=span[1], deny=deny, segment=segment, money=money, version=version,
        ),
        st.integers(0, 10_000), st.sampled_from(["", *ROLES]),
        st.lists(st.sampled_from(RIGHTS), max_size=2, unique=True).map(tuple), st.sampled_from(["", A, B]),
        st.sampled_from(["", ROOM]), st.sampled_from(["", YOGA]),
        st.sampled_from([(0, 0), (NOW, 0), (NOW + 1, 0), (0, NOW), (0, NOW + 1)]), st.booleans(),
        st.sampled_from(["", "kids"]), st.sampled_from(["", "refunds"]), st.integers(0, 3),
    ),
    max_size=4, unique_by=lambda one: one.id,
)  # fmt: skip
_RESOURCES = st.builds(
    Resource,
    st.sampled_from([None, A, B]),
    st.sampled_from([None, ROOM]),
    st.sampled_from([None, YOGA]),
    st.sampled_from([None, "kids", "adults"]),
    st.sampled_from([None, "refunds"]),
)


# -- a second engine


def cedar(grants: list[Grant], right: str, resource: Resource) -> bool:
    """The same grants as Cedar policies: forbid overrides permit, and nothing is allowed by default."""
    policies = []
    for one in grants:
        if right not in capabilities_of(one):
            continue
        when = [f"context.at >= {one.valid_from_ms}"]
        if one.valid_to_ms:
            when.append(f"context.at < {one.valid_to_ms}")
        for name, limit in rules.place_of(one)._asdict().items():
            if limit and one.deny:
                when.append(f'(!(resource has {name}) || resource.{name} == "{limit}")')
            elif limit:
                when.append(f'(resource has {name} && resource.{name} == "{limit}")')
        effect = "forbid" if one.deny else "permit"
        policies.append(f'{effect}(principal, action == Action::"do", resource) when {{ {" && ".join(when)} }};')
    attributes = {name: value for name, value in resource._asdict().items() if value}
    entities = [{"uid": {"type": "Thing", "id": "it"}, "attrs": attributes, "parents": []}]
    request = {"principal": 'Staff::"who"', "action": 'Action::"do"', "resource": 'Thing::"it"', "context": {"at": NOW}}
    return bool(cedarpy.is_authorized(request, "\n".join(policies), entities).allowed)


@settings(max_examples=300, deadline=None)
@given(_GRANTS, st.sampled_from(RIGHTS), _RESOURCES)
def test_cedar_gives_the_same_answers(grants: list[Grant], right: str, resource: Resource) -> None:
    assert rules.decide(grants, right, resource, at_ms=NOW).allowed is cedar(grants, right, resource)


@settings(max_examples=200, deadline=None)
@given(_GRANTS, st.sampled_from(RIGHTS), _RESOURCES)
def test_an_explanation_says_what_was_decided(grants: list[Grant], right: str, resource: Resource) -> None:
    found = explained(grants, right, resource, at_ms=NOW)
    says = [step.says for step in found.steps]
    assert found.verdict == rules.decide(grants, right, resource, at_ms=NOW)
    assert found.verdict.allowed is ("allows" in says and "denies" not in says)
    assert all(bool(step.why) is (step.says == "silent") for step in found.steps)


def test_each_grant_says_why_it_is_silent() -> None:
    grants = [
        grant("a", "instructor"), grant("b", "owner", location=B), grant("c", "owner", room=B), grant("d", "owner", class_type=B),
        grant("e", "owner", valid_to_ms=NOW), grant("f", "owner", valid_from_ms=NOW + 1), grant("g", "owner"),
        grant("h", deny=True, capabilities=("undo",)),
    ]  # fmt: skip
    found = explained(grants, "undo", Resource(A, ROOM, YOGA), at_ms=NOW)
    assert [step.why for step in found.steps] == [
        "capability", "location", "room", "class_type", "ended", "not_yet", "", "",
    ]  # fmt: skip
    assert [step.says for step in found.steps][-2:] == ["allows", "denies"]


# -- assignments


HERE = Place(A)


def after(grants: list[Grant], role: str, mode: Mode, place: Place = HERE) -> list[Grant]:
    plan = assignment(grants, WHO, role, place, mode=mode, at_ms=NOW)
    kept = {one.id: one for one in grants}
    kept |= {one.id: ended(one, NOW) for one in plan.end} | {one.id: one for one in plan.give}
    return list(kept.values())


def able(grants: list[Grant], place: Id = A) -> set[str]:
    return {right for right in RIGHTS if rules.decide(grants, right, Resource(place), at_ms=NOW).allowed}


@settings(max_examples=200, deadline=None)
@given(_GRANTS, st.sampled_from(sorted(ROLES)), st.sampled_from(list(Mode)))
def test_modes_by_set_arithmetic_and_applied_twice_is_applied_once(grants: list[Grant], role: str, mode: Mode) -> None:
    """What somebody may do by grants of that very place; denials and other places are not touched."""
    mine = [one for one in grants if not one.deny and Place(one.location, one.room, one.class_type) == HERE]
    rest = [one for one in grants if one not in mine]
    had, gets = able(mine), set(ROLES[role])
    expected = {Mode.REPLACE: gets, Mode.RESTRICT: had & gets, Mode.ADD: had | gets}[mode]
    found = after(grants, role, mode)
    assert able([one for one in found if one not in rest]) == expected
    assert [one for one in found if one in rest] == rest
    again = assignment(found, WHO, role, HERE, mode=mode, at_ms=NOW)
    assert (again.give, again.end) == ((), ())


def test_what_has_drifted_is_repaired_and_nothing_else() -> None:
    given_once = after([], "instructor", Mode.REPLACE)
    drifted = [
        *given_once,
        grant("by hand", capabilities=("undo",), location=A),
        grant("elsewhere", "manager", location=B),
    ]
    repaired = after(drifted, "instructor", Mode.REPLACE)
    assert able(repaired) == set(ROLES["instructor"])
    assert able(repaired, B) == set(ROLES["manager"])


def test_a_preview_names_what_is_gained_and_lost() -> None:
    before = [grant("a", "instructor", location=A)]
    found = difference(before, after(before, "substitute", Mode.REPLACE), Resource(A), at_ms=NOW)
    assert (found.gained, found.lost) == ((), ("edit_seatmap",))


@pytest.mark.parametrize(
    ("span", "until"), [((0, 0), NOW), ((0, NOW - 5), NOW - 5), ((0, NOW + 5), NOW), ((NOW + 9, 0), NOW + 9)]
)
def test_an_end_is_never_put_off(span: tuple[int, int], until: int) -> None:
    one = ended(grant("a", "owner", valid_from_ms=span[0], valid_to_ms=span[1]), NOW)
    assert one.valid_to_ms == until
    assert not rules.in_force(one, max(NOW, span[0]))


# -- through the door


def code(outcome: Outcome) -> str:
    first = (outcome.items[0].reasons if outcome.items else outcome.reasons) or ()
    return first[0].code if first else ""


def grants_of(world: World, holder: Id) -> list[Grant]:
    found = [decode(Grant, body) for body in state_of(world.cloud, Grant).values()]
    return [one for one in found if one.holder == holder]


def doing(world: World, holder: Id, place: Id = MAIN) -> set[str]:
    at = world.clock.wall
    return {
        right for right in RIGHTS if rules.decide(grants_of(world, holder), right, Resource(place), at_ms=at).allowed
    }


GIVE = ApplyBlueprint(holders=(CLERK, TEACHER), role="substitute", mode="replace", location=MAIN)


def test_many_are_given_a_role_in_one_operation_that_is_undone_as_one() -> None:
    world = World()
    had = {who: doing(world, who) for who in (CLERK, TEACHER)}
    ledger = world.say(GIVE)
    assert ledger.link.outcome.status is Status.ACCEPTED
    assert [doing(world, who) for who in (CLERK, TEACHER)] == [set(ROLES["substitute"])] * 2
    world.clock.advance(1)
    assert world.say(GIVE).link.outcome == DUPLICATE
    assert world.say(Undo(operation=ledger.link.operation)).link.outcome.status is Status.ACCEPTED
    assert {who: doing(world, who) for who in (CLERK, TEACHER)} == had


def test_a_substitute_for_a_class_in_a_room_for_a_while() -> None:
    world = World()
    new = named("new")
    world.say(AddStaff(staff=new, name="Nora"))
    brief = ApplyBlueprint(
        holders=(new,), role="substitute", mode="add", location=MAIN, room=BLUE, class_type=BALLET,
        valid_to_ms=world.clock.wall + 60_000,
    )  # fmt: skip
    assert world.say(brief).link.outcome.status is Status.ACCEPTED
    (one,) = grants_of(world, new)
    assert one.id == assigned_id(new, "substitute", Place(MAIN, BLUE, BALLET), Mode.ADD)
    inside = Resource(MAIN, BLUE, BALLET)
    assert rules.decide([one], "mark_attendance", inside, at_ms=world.clock.wall).allowed
    assert not rules.decide([one], "mark_attendance", inside, at_ms=world.clock.wall + 60_000).allowed
    assert not rules.decide([one], "mark_attendance", Resource(MAIN), at_ms=world.clock.wall).allowed


def test_nobody_gives_or_takes_what_they_have_not() -> None:
    world = World()
    manager = named("manager")
    world.say(AddStaff(staff=manager, name="Max"))
    world.say(GiveGrant(grant=named("mg"), holder=manager, role="manager", location=MAIN))
    assert code(world.say(replace(GIVE, role="owner"), staff(manager)).link.outcome) == "grant.beyond_own"
    assert code(world.say(replace(GIVE, location=NORTH), staff(manager)).link.outcome) == "permission.denied"
    assert world.say(GIVE, staff(manager)).link.outcome.status is Status.ACCEPTED
    assert (
        code(world.say(replace(GIVE, holders=(OWNER,), location=""), staff(manager)).link.outcome)
        == "permission.denied"
    )
    assert code(world.say(GIVE, staff(CLERK)).link.outcome) == "permission.denied"


def test_a_studio_is_never_left_without_an_owner() -> None:
    world = World()
    (first,) = grants_of(world, OWNER)
    assert code(world.say(EndGrant(grant=first.id)).link.outcome) == "grant.last_owner"
    assert (
        code(world.say(ApplyBlueprint(holders=(OWNER,), role="manager", mode="replace")).link.outcome)
        == "grant.last_owner"
    )
    assert world.say(ApplyBlueprint(holders=(CLERK,), role="owner", mode="add")).link.outcome.status is Status.ACCEPTED
    assert world.say(EndGrant(grant=first.id)).link.outcome.status is Status.ACCEPTED
    second = next(one for one in grants_of(world, CLERK) if one.role == "owner")
    assert code(world.say(EndGrant(grant=second.id), staff(CLERK)).link.outcome) == "grant.last_owner"


def test_a_grant_ends_once() -> None:
    world = World()
    (one,) = grants_of(world, TEACHER)
    assert world.say(EndGrant(grant=one.id)).link.outcome.status is Status.ACCEPTED
    assert doing(world, TEACHER) == set()
    world.clock.advance(5)
    assert world.say(EndGrant(grant=one.id)).link.outcome == DUPLICATE


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (replace(GIVE, role="king"), "grant.role_unknown"), (replace(GIVE, mode="maybe"), "blueprint.mode"),
        (replace(GIVE, holders=()), "blueprint.nobody"), (replace(GIVE, holders=(named("x"), CLERK)), "staff.unknown"),
        (EndGrant(grant=named("x")), "grant.unknown"),
    ],
)  # fmt: skip
def test_what_is_refused(payload: Any, expected: str) -> None:
    assert code(World().say(payload).link.outcome) == expected


def test_restricting_keeps_what_both_have() -> None:
    """Catalogue 34: with merge_restrictive only what is in both the person's own set and the blueprint stays."""
    own = [grant("own", capabilities=("view_audit", "mark_attendance"), location=A)]
    assert able(after(own, "instructor", Mode.RESTRICT)) == {"mark_attendance"}
    assert able(after([], "instructor", Mode.RESTRICT)) == set()
