"""Staff, grants and devices through the door: who gives what to whom, and whose word ends."""

import itertools

import pytest

from classtap_core.access.operations import AddStaff, DescribeDevice, GiveGrant, RegisterDevice, RevokeDevice, SetPin
from classtap_core.access.records import Device, Grant, Staff, StaffPin
from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.outcomes import Outcome, Status
from classtap_core.kernel.records import decode
from classtap_core.people.operations import RenameFamily
from classtap_core.schedule.operations import AddLocation, FoundStudio
from tests.unit.house.world import (
    ANA,
    CLERK,
    CLOCK,
    CLOUD,
    DESK,
    FAMILY,
    KIOSK,
    MAIN,
    MINUTE,
    NINE,
    NINE_BALLET,
    NORTH,
    OTHER_KIOSK,
    OWNER,
    TEACHER,
    World,
    device,
    named,
    staff,
    state_of,
)


def code(outcome: Outcome) -> str:
    return outcome.reasons[0].code if outcome.reasons else ""


def said(payload: Payload, author: Author, world: World | None = None) -> str:
    """The code of a refusal, or "" when it was accepted."""
    outcome = (world or World()).say(payload, author).link.outcome
    return "" if outcome.stands else code(outcome)


def give(holder: str = TEACHER, **fields: object) -> GiveGrant:
    return GiveGrant(grant=named("new grant"), holder=holder, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("payload", "author", "expected"),
    [
        (FoundStudio(name="x", pass_number="", owner=OWNER, owner_name="x"), CLOCK, "studio.exists"),
        (FoundStudio(name="x", pass_number="", owner=OWNER, owner_name="x"), staff(OWNER), "permission.clock_only"),
        (AddStaff(staff=named("new"), name="Nell New"), staff(OWNER), ""),
        (AddStaff(staff=CLERK, name="Again"), staff(OWNER), "staff.exists"),
        (AddStaff(staff=named("new"), name="Nell New"), staff(CLERK), "permission.denied"),
        (SetPin(staff=CLERK, hash="$argon2id$"), staff(OWNER), ""),
        (SetPin(staff=named("nobody"), hash="$argon2id$"), staff(OWNER), "staff.unknown"),
        (give(role="manager", location=NORTH), staff(OWNER), ""),
        (give(role="jester"), staff(OWNER), "grant.role_unknown"),
        (give(holder=named("nobody"), role="manager"), staff(OWNER), "staff.unknown"),
        (GiveGrant(grant=named("clerk grant"), holder=CLERK, role="manager"), staff(OWNER), "grant.exists"),
        (RegisterDevice(device=named("k"), name="k", role="kiosk", location=MAIN), staff(OWNER), ""),
        (RegisterDevice(device=named("k"), name="k", role="kiosk", location=MAIN), CLOCK, ""),
        (RegisterDevice(device=KIOSK, name="k", role="kiosk"), staff(OWNER), "device.exists"),
        (RegisterDevice(device=named("k"), name="k", role="toaster"), staff(OWNER), "device.role_unknown"),
        (RevokeDevice(device=named("nothing")), staff(OWNER), "device.unknown"),
        (DescribeDevice(device=KIOSK, public_key="ab" * 32), CLOCK, ""),
        (DescribeDevice(device=KIOSK, public_key="ab" * 32), staff(OWNER), "permission.clock_only"),
        (DescribeDevice(device=named("nothing")), CLOCK, "device.unknown"),
        (AddLocation(location=named("l"), name="L", zone="Europe/Madrid"), staff(CLERK), "permission.denied"),
        (AddLocation(location=named("l"), name="L", zone="Europe/Madrid"), device(CLOUD), "permission.denied"),
        (AddLocation(location=named("l"), name="L", zone="Europe/Madrid"), device(KIOSK), "permission.not_this_device"),
        (AddLocation(location=named("l"), name="L", zone="x"), Author(type="guardian", id=OWNER), "permission.author"),
        (AddLocation(location=named("l"), name="L", zone="x"), Author(type="partner", id=OWNER), "permission.author"),
    ],
)
def test_who_may_say_what_in_the_cloud(payload: Payload, author: Author, expected: str) -> None:
    assert said(payload, author) == expected


def test_a_manager_gives_no_more_than_they_have() -> None:
    world = World()
    world.say(give(holder=TEACHER, role="manager", location=MAIN))
    clerk_in_charge = GiveGrant(grant=named("g2"), holder=CLERK, role="front_desk", location=MAIN)
    assert said(clerk_in_charge, staff(TEACHER), world) == ""
    owner = GiveGrant(grant=named("g3"), holder=CLERK, role="owner", location=MAIN)
    assert said(owner, staff(TEACHER), world) == "grant.beyond_own"
    elsewhere = GiveGrant(grant=named("g4"), holder=CLERK, role="front_desk", location=NORTH)
    assert said(elsewhere, staff(TEACHER), world) == "permission.denied"
    denies = GiveGrant(grant=named("g5"), holder=CLERK, capabilities=("undo",), location=MAIN, deny=True)
    assert said(denies, staff(TEACHER), world) == ""


def test_a_deny_takes_effect_at_once() -> None:
    world = World()
    rename = RenameFamily(family=FAMILY, base="García Núñez", name="García")
    world.say(give(holder=CLERK, capabilities=("edit_family",), deny=True))
    assert said(rename, staff(CLERK), world) == "permission.denied"


def test_a_grant_that_ended_is_contested_for_what_came_after_only() -> None:
    """OPERATIONS 2: who had no right at the time is not believed; what was done in time stays."""
    world = World()
    helper = named("helper")
    world.say(AddStaff(staff=helper, name="Hal Helper"))
    world.say(give(holder=helper, role="instructor", location=MAIN, valid_to_ms=NINE + 10 * MINUTE))
    kiosk = world.join()
    kiosk.mark(NINE_BALLET, ChildMark(child=ANA, state="present"), author=staff(helper))
    kiosk.clock.advance(10 * MINUTE)
    late = kiosk.mark(NINE_BALLET, ChildMark(child=ANA, state="absent"), author=staff(helper))
    assert (late.outcome.status, code(late.outcome)) == (Status.REFUSED, "permission.expired")
    world.clock.advance(60 * MINUTE)
    world.push(KIOSK)
    assert world.cloud.ledgers[-1].link.outcome.status is Status.ACCEPTED


def test_a_clock_speaks_only_through_the_cloud_s_own_device() -> None:
    world = World()
    kiosk = world.join()
    receipt = kiosk.bus.submit(RevokeDevice(device=DESK), CLOCK)
    assert (receipt.sequence, code(receipt.outcome)) == (None, "permission.author")


def test_an_unknown_device_says_nothing() -> None:
    world = World()
    stray = world.join(named("stray"))
    assert code(stray.mark(NINE_BALLET, ChildMark(child=ANA, state="present")).outcome) == "permission.device_unknown"


def test_publishing_takes_the_whole_studio() -> None:
    world = World()
    world.say(give(holder=TEACHER, role="manager", location=MAIN))
    assert said(PublishPolicy(name="p", head=0, values={}), staff(TEACHER), world) == "permission.denied"
    assert said(PublishPolicy(name="p", head=0, values={}), staff(OWNER), world) == ""


def test_a_revocation_holds_at_once_where_it_was_said_and_everywhere_after() -> None:
    world = World()
    desk, kiosk = world.join(DESK, role="desk"), world.join(KIOSK)
    assert desk.bus.submit(RevokeDevice(device=KIOSK, reason="lost"), staff(OWNER)).outcome.status is Status.ACCEPTED
    assert decode(Device, state_of(desk.store, Device)[KIOSK]).revoked_at_ms == NINE
    kiosk.clock.advance(1)
    assert kiosk.mark(NINE_BALLET, ChildMark(child=ANA, state="present")).outcome.stands
    world.sync()
    assert world.cloud.ledgers[-1].link.outcome.status is Status.CONTESTED
    receipt = kiosk.mark(NINE_BALLET, ChildMark(child=ANA, state="present"))
    assert code(receipt.outcome) == "permission.device_revoked"


def test_revocations_are_a_set_that_grows_the_same_in_every_order() -> None:
    results = set()
    for order in itertools.permutations((DESK, OTHER_KIOSK, KIOSK)):
        world = World()
        offsets = {DESK: 3000, OTHER_KIOSK: 1000, KIOSK: 2000}
        for id in offsets:
            world.join(id, role="desk", offset=offsets[id])
            world.members[id].bus.submit(RevokeDevice(device=CLOUD), staff(OWNER))
        for id in order:
            world.push(id)
        held = decode(Device, state_of(world.cloud, Device)[CLOUD])
        results.add((held.revoked_at_ms, tuple(word.at_ms for word in held.revocations)))
    assert results == {(NINE + 1000, (NINE + 1000, NINE + 2000, NINE + 3000))}


def test_what_is_stored() -> None:
    world = World()
    world.say(SetPin(staff=CLERK, hash="$argon2id$x"))
    pin = decode(StaffPin, state_of(world.cloud, StaffPin)[CLERK])
    assert (pin.hash, pin.scope()) == ("$argon2id$x", "pins")
    assert decode(Staff, state_of(world.cloud, Staff)[CLERK]).name == "Clara Clerk"
    grant = decode(Grant, state_of(world.cloud, Grant)[named("clerk grant")])
    assert (grant.holder, grant.role, grant.location, grant.scope()) == (CLERK, "front_desk", MAIN, "studio")


def test_a_staff_member_marks_in_their_own_place_only() -> None:
    world = World()
    world.say(AddStaff(staff=named("north clerk"), name="Nora"))
    world.say(GiveGrant(grant=named("n"), holder=named("north clerk"), role="front_desk", location=NORTH))
    marks = MarkAttendance(session=NINE_BALLET, items=(ChildMark(child=ANA, state="present"),))
    assert said(marks, staff(named("north clerk")), world) == "permission.denied"
    assert said(marks, staff(TEACHER), world) == ""
