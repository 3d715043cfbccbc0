"""What somebody may do ends everywhere: on a device with its next pull, or by itself at its instant, offline too."""

import pytest

from classtap_core.access.assignment_operations import ApplyBlueprint, EndGrant
from classtap_core.access.operations import AddStaff, GiveGrant, RegisterDevice
from classtap_core.access.records import Grant
from classtap_core.checkin.operations import ChildMark
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.records import decode
from sync.client.engine import LOOK_S
from tests.unit.house.world import ANA, CLERK, DESK, MAIN, NINE_BALLET, OWNER, World, named, staff, state_of

PRESENT = ChildMark(child=ANA, state="present")
DENIED = "permission.denied"
TICK_MS = 30_000
"""A desk's screens look again at what may be seen so often (`classtap_desktop.window`, whose test has the number)."""


def reasons(world: World) -> list[str]:
    """What the front desk hears when it marks Ana on the desk."""
    receipt = world.members[DESK].mark(NINE_BALLET, PRESENT, author=staff(CLERK))
    return [reason.code for reason in receipt.outcome.reasons] if receipt.outcome.status is Status.REFUSED else []


def test_an_ended_grant_ends_with_the_next_pull() -> None:
    world = World()
    world.join(DESK, role="desk")
    grant = named("clerk grant")
    assert world.say(EndGrant(grant=grant)).link.outcome.status is Status.ACCEPTED
    assert reasons(world) == [], "not heard of yet: what is done now was allowed here"
    world.pull(DESK)
    world.members[DESK].clock.advance(1_000)
    assert reasons(world) == ["permission.expired"]


def test_a_grant_for_a_time_ends_offline() -> None:
    world = World()
    world.say(EndGrant(grant=named("clerk grant")))
    given = GiveGrant(
        grant=named("short"), holder=CLERK, role="front_desk", location=MAIN, valid_to_ms=world.clock.wall + 60_000
    )
    assert world.say(given).link.outcome.status is Status.ACCEPTED
    world.join(DESK, role="desk")
    world.members[DESK].clock.advance(59_000)
    assert reasons(world) == []
    world.members[DESK].clock.advance(1_000)
    assert reasons(world) == ["permission.expired"]


@pytest.mark.parametrize("deny", [True, False])
def test_a_denial_beats_a_role_on_every_device(deny: bool) -> None:
    world = World()
    world.say(GiveGrant(grant=named("no"), holder=CLERK, capabilities=("mark_attendance",), location=MAIN, deny=deny))
    world.join(DESK, role="desk")
    assert reasons(world) == ([DENIED] if deny else [])


def test_a_blueprint_raised_ends_the_earlier_version_and_keeps_its_time() -> None:
    """What was given by version 1 stays until somebody raises it; what was done under it stays done."""
    world = World()
    teacher = named("new teacher")
    world.say(AddStaff(staff=teacher, name="Nina"))
    first = ApplyBlueprint(holders=(teacher,), role="instructor", mode="add", location=MAIN, version=1)
    assert world.say(first).link.outcome.status is Status.ACCEPTED
    assert world.say(first).link.outcome.status is Status.DUPLICATE
    world.clock.advance(60_000)
    raised = ApplyBlueprint(holders=(teacher,), role="instructor", mode="replace", location=MAIN)
    assert world.say(raised).link.outcome.status is Status.ACCEPTED
    held = [decode(Grant, body) for body in state_of(world.cloud, Grant).values()]
    mine = sorted((one.version, bool(one.valid_to_ms)) for one in held if one.holder == teacher)
    assert mine == [(1, True), (2, False)]
    later = ApplyBlueprint(holders=(teacher,), role="instructor", mode="replace", location=MAIN, version=9)
    assert world.say(later).link.outcome.status is Status.REFUSED


def test_nobody_gives_a_part_of_the_money_they_have_not() -> None:
    world = World()
    boss = named("boss")
    world.say(AddStaff(staff=boss, name="Bo"))
    world.say(GiveGrant(grant=named("kids"), holder=boss, role="manager", segment="kids"))
    wide = GiveGrant(grant=named("wide"), holder=CLERK, role="front_desk")
    narrow = GiveGrant(grant=named("narrow"), holder=CLERK, role="front_desk", segment="kids")
    assert world.say(wide, staff(boss)).link.outcome.status is Status.REFUSED
    assert world.say(narrow, staff(boss)).link.outcome.status is Status.ACCEPTED
    assert world.say(wide, staff(OWNER)).link.outcome.status is Status.ACCEPTED


@pytest.mark.parametrize("change", ["ended", "denied", "given"])
def test_a_change_counts_on_every_device_within_a_minute(change: str) -> None:
    """Even without a hint, and where a device looked just before: it looks again `LOOK_S` later, a screen at most a tick
    after that. What is allowed is allowed by then, and what is not is not."""
    world = World()
    devices = {id: world.join(id, role="desk") for id in (DESK, named("second desk"), named("third desk"))}
    for id in (named("second desk"), named("third desk")):
        world.say(RegisterDevice(device=id, name="Desk", role="desk", location=MAIN))
    if change == "given":
        world.say(EndGrant(grant=named("clerk grant")))
    for member in devices.values():
        member.clock.advance(1)
    world.sync()
    world.clock.advance(1)
    world.say(
        {
            "ended": EndGrant(grant=named("clerk grant")),
            "denied": GiveGrant(grant=named("no"), holder=CLERK, role="front_desk", deny=True),
            "given": GiveGrant(grant=named("again"), holder=CLERK, role="front_desk", location=MAIN),
        }[change]
    )
    elapsed_ms = round(LOOK_S * 1000)
    world.clock.advance(elapsed_ms)
    for id, member in devices.items():
        member.clock.advance(elapsed_ms)
        world.pull(id)
        receipt = member.mark(NINE_BALLET, PRESENT, author=staff(CLERK))
        refused = [reason.code for reason in receipt.outcome.reasons if reason.code.startswith("permission.")]
        assert bool(refused) is (change != "given"), id
    assert elapsed_ms + TICK_MS <= 60_000
