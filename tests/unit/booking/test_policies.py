"""Policies come in versions, each from an instant on: at once, or by a tick of the cloud's clock, and what waits can be replaced."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.access.operations import GiveGrant
from classtap_core.booking.policies import policy_versions, read_policy
from classtap_core.booking.policy_operations import BeginPolicy, PublishPolicy
from classtap_core.booking.reactions import due
from classtap_core.checkin.rules import Window, window_of
from classtap_core.health.rules import SEEN_BY, Part
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.outcomes import DUPLICATE, Outcome, Status
from classtap_core.kernel.undo import Undo
from classtap_core.people.guardians import MATRIX, Right, moved, moves
from tests.unit.house.world import CLERK, CLOCK, CLOUD, NINE, OWNER, STUDIO, World, named, staff

DAY = 86_400_000


def publish(world: World, head: int, minutes: int, from_ms: int = 0) -> Outcome:
    said = PublishPolicy(name="checkin", head=head, values={"after_min": minutes}, from_ms=from_ms)
    return world.say(said).link.outcome


def in_force(world: World) -> object:
    return read_policy(world.cloud, STUDIO, "checkin")[1].get("after_min")


def sweep(world: World) -> list[Outcome]:
    """What the cloud's clock does: it authors what is due."""
    drafts = [CloudDraft(one.payload, CLOCK, "clock", id=one.id) for one in due(world.cloud, world.clock.wall)]
    return [one.link.outcome for one in world.authority.author_all(CLOUD, drafts)]


def versions(world: World) -> list[tuple[int, object, int, str]]:
    found = policy_versions(world.cloud, "checkin")
    return [(one.number, one.values["after_min"], one.from_ms - NINE, one.state) for one in found]


def test_a_version_without_a_date_is_in_force_at_once_and_all_are_kept() -> None:
    world = World()
    assert publish(world, 0, 20).stands
    assert publish(world, 1, 25, NINE - DAY).stands  # a date that is past is now
    assert in_force(world) == 25
    assert versions(world) == [(1, 20, 0, "begun"), (2, 25, 0, "begun")]
    assert {one.by for one in policy_versions(world.cloud, "checkin")} == {OWNER}
    assert [one.number for one in policy_versions(world.cloud, "health")] == []


def test_a_version_begins_by_the_cloud_s_clock_on_its_day_and_once() -> None:
    world = World()
    publish(world, 0, 20)
    assert publish(world, 1, 45, NINE + DAY).stands
    assert (in_force(world), read_policy(world.cloud, STUDIO, "checkin")[0]) == (20, 2)
    assert sweep(world) == []
    early = world.authority.author(CLOUD, BeginPolicy(name="checkin", number=2), CLOCK, source="clock").link.outcome
    assert (early.status, early.reasons[0].code) == (Status.REFUSED, "tick.not_due")
    world.clock.wall += DAY
    (begun,) = sweep(world)
    assert begun.status is Status.ACCEPTED
    assert in_force(world) == 45
    assert sweep(world) == []
    again = world.authority.author(CLOUD, BeginPolicy(name="checkin", number=2), CLOCK, source="clock").link.outcome
    assert again == DUPLICATE
    assert versions(world) == [(1, 20, 0, "begun"), (2, 45, DAY, "begun")]
    assert publish(world, 2, 50).stands


def test_the_first_version_may_wait_too_and_until_then_the_usual_holds() -> None:
    world = World()
    assert publish(world, 0, 45, NINE + DAY).stands
    assert window_of(read_policy(world.cloud, STUDIO, "checkin")[1]) == Window(30, 60)


def test_what_waits_is_replaced_by_what_is_published_after_it() -> None:
    world = World()
    publish(world, 0, 20)
    publish(world, 1, 45, NINE + DAY)
    assert publish(world, 2, 20, NINE + 2 * DAY).stands
    world.clock.wall += 3 * DAY
    assert len(sweep(world)) == 1
    assert versions(world) == [(1, 20, 0, "begun"), (2, 45, DAY, "replaced"), (3, 20, 2 * DAY, "begun")]
    assert in_force(world) == 20


def test_a_version_whose_day_came_is_not_replaced_though_the_clock_s_tick_is_late() -> None:
    world = World()
    publish(world, 0, 20)
    publish(world, 1, 45, NINE + DAY)
    world.clock.wall += DAY + 1
    assert publish(world, 2, 60, NINE + 3 * DAY).stands
    assert in_force(world) == 45
    assert [state for *_, state in versions(world)] == ["begun", "begun", "waiting"]
    assert sweep(world) == []
    world.clock.wall += 2 * DAY
    assert len(sweep(world)) == 1
    assert in_force(world) == 60


def test_a_version_is_at_most_a_year_ahead() -> None:
    world = World()
    refused = publish(world, 0, 45, NINE + 367 * DAY)
    assert (refused.reasons[0].code, refused.reasons[0].params) == ("policy.too_far", {"days": 366})
    assert publish(world, 0, 45, NINE + 366 * DAY).stands


def test_what_was_published_is_taken_back_by_who_may_publish() -> None:
    world = World()
    publish(world, 0, 20)
    publish(world, 1, 30)
    said = world.say(PublishPolicy(name="checkin", head=2, values={"after_min": 45}, from_ms=NINE + DAY))
    world.say(GiveGrant(grant=named("undo"), holder=CLERK, role="", capabilities=("undo",)))
    assert not world.say(Undo(operation=said.link.operation), staff(CLERK)).link.outcome.stands
    assert world.say(Undo(operation=said.link.operation)).link.outcome.status is Status.ACCEPTED
    assert versions(world) == [(1, 20, 0, "begun"), (2, 30, 0, "begun")]
    world.clock.wall += DAY
    assert sweep(world) == []
    assert publish(world, 2, 50).stands
    assert in_force(world) == 50


def test_a_tick_for_a_version_nobody_published_does_nothing() -> None:
    world = World()
    said = world.authority.author(CLOUD, BeginPolicy(name="checkin", number=1), CLOCK, source="clock").link.outcome
    assert said.reasons[0].code == "policy.unknown"


def test_nonsense_in_a_window_is_the_usual() -> None:
    assert window_of({"before_min": "soon", "after_min": -1}) == Window(30, 60)
    assert window_of({"before_min": 0, "after_min": 1440}) == Window(0, 1440)
    assert window_of({"before_min": 1441}) == Window(30, 60)


TABLES = [(MATRIX, Right), (SEEN_BY, Part)]


@pytest.mark.parametrize(("usual", "entries"), TABLES)
@given(data=st.data())
def test_what_a_table_publishes_is_what_moves_the_usual_to_it(
    usual: Mapping[str, frozenset[Any]], entries: type[StrEnum], data: st.DataObject
) -> None:
    wanted = {role: frozenset(data.draw(st.sets(st.sampled_from(list(entries))))) for role in usual}
    values = moves(usual, wanted)
    assert moved(usual, values, entries) == wanted
    assert len(values) == sum(len(usual[role] ^ wanted[role]) for role in usual)
    assert moves(usual, usual) == {}
