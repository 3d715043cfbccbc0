"""Who sees which part of a child's health, by role, part and published policy; and the same for the audit's fields."""

import pytest

from classtap_core.access.records import Grant
from classtap_core.booking.policies import health_seen, health_withheld, read_policy
from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.health.rules import HEALTH_POLICY, Part
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Resource
from tests.unit.house.world import MAIN, NINE, NORTH, OWNER, STUDIO, World, named

PARTS = ("allergies", "medications", "conditions", "plans", "contacts", "papers", "detail")
TABLE = {
    "owner": "1111111", "manager": "1111111", "front_desk": "1111110", "instructor": "1011100",
    "substitute": "1011100", "accountant": "0000000",
}  # fmt: skip
"""Catalogue 10, part by part in the order above, where a studio says nothing."""
MOVED = [(role, at) for role, row in TABLE.items() if "1" in row for at in range(len(PARTS))]


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def grant(role: str, *, deny: bool = False, does: tuple[str, ...] = ()) -> Grant:
    return Grant(id=named(role or "denied"), holder=OWNER, role=role, location=MAIN, deny=deny, capabilities=does)


def publish(world: World, **values: int) -> None:
    head, _ = read_policy(world.cloud, STUDIO, HEALTH_POLICY)
    wanted = {name.replace("__", "."): value for name, value in values.items()}
    assert world.say(PublishPolicy(name=HEALTH_POLICY, head=head, values=wanted)).link.outcome.stands


def row(world: World, *grants: Grant, at: Id = MAIN) -> str:
    parts = health_seen(world.cloud, STUDIO, grants, at_ms=NINE)(Resource(at))
    return "".join(str(int(Part(part) in parts)) for part in PARTS)


def test_what_each_role_sees_where_nothing_is_published(world: World) -> None:
    assert [part.value for part in Part] == [*PARTS]
    publish(world)
    assert {role: row(world, grant(role)) for role in TABLE} == TABLE


def test_the_published_policy_moves_each_cell_and_no_other(world: World) -> None:
    for role, at in MOVED:
        usual = TABLE[role]
        turned = str(1 - int(usual[at]))
        publish(world, **{f"{role}__{PARTS[at]}": int(turned)})
        wanted = {**TABLE, role: usual[:at] + turned + usual[at + 1 :]}
        assert {one: row(world, grant(one)) for one in TABLE} == wanted, (role, PARTS[at])


def test_two_roles_see_together_a_denial_hides_and_another_place_shows_nothing(world: World) -> None:
    publish(world, instructor__detail=1, front_desk__allergies=0)
    assert row(world, grant("front_desk")) == "0111110"
    assert row(world, grant("instructor"), grant("front_desk")) == "1111111"
    assert row(world, grant("owner"), grant("", deny=True, does=("view_health",))) == "0000000"
    assert row(world, grant("owner"), at=NORTH) == "0000000"


def test_the_fields_that_the_audit_hides(world: World) -> None:
    publish(world)

    def hidden(role: str, kind: str) -> set[str]:
        return set(health_withheld(world.cloud, STUDIO, [grant(role)], at_ms=NINE)(kind, MAIN))

    doses = {"medications.dose", "medications.when", "medications.how", "medications.by_staff"}
    detail = {"physician", "conditions.note", *doses}
    assert hidden("owner", "health_profile") == set()
    assert hidden("front_desk", "health_profile") == detail
    assert hidden("instructor", "health_profile") == {*detail, "medications"}
    assert hidden("instructor", "health_paper") == {"issued", "expires", "file"}
    assert hidden("front_desk", "health_paper") == hidden("front_desk", "family") == set()
    assert hidden("front_desk", "child_health") == {"notes", "review"}
    publish(world, front_desk__detail=1, front_desk__plans=0)
    assert hidden("front_desk", "health_profile") == {"plans"}
    assert hidden("front_desk", "child_health") == set()
