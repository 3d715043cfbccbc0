"""Nobody takes back what they could not have said themselves, and whoever may say it may take it back where it is."""

from collections.abc import Callable

import pytest

from classtap_core.access.assignment_operations import EndGrant
from classtap_core.access.operations import AddStaff, GiveGrant
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.undo import Undo
from classtap_core.people.guardian_operations import BlockGuardian
from classtap_core.people.operations import AddFamily, ChildDraft
from classtap_core.schedule.operations import AddSessions
from tests.unit.house.world import ANA, CLERK, MAIN, NORTH, OWNER, World, named, planned, staff

BOSS, NORTHERN = named("boss"), named("northern")
FAMILY = AddFamily(
    family=named("new"), home=MAIN, name="Neu", items=(ChildDraft(child=named("kid"), given="Kim", surname="Neu"),)
)
SESSION = AddSessions(location=MAIN, items=(planned(named("late"), "2026-11-23T20:00"),))
BLOCK = BlockGuardian(child=ANA, guardian=named("guardian"))


@pytest.fixture(scope="module")
def founded() -> Callable[[], World]:
    """A manager of everything, and one of another place; who owned the studio for a while, and a clerk who managed it."""

    def make() -> World:
        world = World()
        for who, grant in (
            (BOSS, GiveGrant(grant=named("boss grant"), holder=BOSS, role="manager")),
            (BOSS, GiveGrant(grant=named("boss owned"), holder=BOSS, role="owner")),
            (NORTHERN, GiveGrant(grant=named("north grant"), holder=NORTHERN, role="manager", location=NORTH)),
            (CLERK, GiveGrant(grant=named("clerk managed"), holder=CLERK, role="manager", location=MAIN)),
        ):
            world.say(AddStaff(staff=who, name="N"))
            assert world.say(grant).link.outcome.status is Status.ACCEPTED
        return world

    return make


@pytest.mark.parametrize(
    ("payload", "who", "allowed"),
    [
        (FAMILY, CLERK, True),
        (FAMILY, BOSS, True),
        (FAMILY, NORTHERN, False),
        (SESSION, CLERK, False),
        (SESSION, BOSS, True),
        (SESSION, NORTHERN, False),
        (BLOCK, CLERK, False),
        (BLOCK, BOSS, True),
        (EndGrant(grant=named("clerk managed")), CLERK, False),
        (EndGrant(grant=named("clerk managed")), BOSS, True),
        (EndGrant(grant=named("clerk managed")), NORTHERN, False),
        (EndGrant(grant=named("boss owned")), BOSS, False),
        (EndGrant(grant=named("boss owned")), OWNER, True),
        (AddStaff(staff=named("n"), name="Nell"), CLERK, False),
    ],
)
def test_who_may_take_back(founded: Callable[[], World], payload: Payload, who: Id, allowed: bool) -> None:
    world = founded()
    if payload != EndGrant(grant=named("clerk managed")):
        assert world.say(EndGrant(grant=named("clerk managed"))).link.outcome.status is Status.ACCEPTED
        world.clock.advance(1)
    if payload != EndGrant(grant=named("boss owned")):
        assert world.say(EndGrant(grant=named("boss owned"))).link.outcome.status is Status.ACCEPTED
        world.clock.advance(1)
    done = world.say(payload)
    assert done.link.outcome.status is Status.ACCEPTED, done.link.outcome
    world.clock.advance(1)
    undone = world.say(Undo(operation=done.link.operation), staff(who)).link.outcome
    if allowed:
        assert undone.status is Status.ACCEPTED
    else:
        assert [one.code.split(".")[0] for one in undone.reasons] == ["permission"]
