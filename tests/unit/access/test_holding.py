"""What may lie on a device, as its record says it: the one rule for the cloud and for a neighbour that tells it something."""

import itertools

import msgspec
import pytest

from classtap_core.access import rules
from classtap_core.access.blueprints import CLOUD, DESK, KIOSK, SCOPES
from classtap_core.access.operations import DescribeDevice, RegisterDevice
from classtap_core.access.records import Device, DeviceRevocation
from classtap_core.house import registry
from classtap_core.kernel.ids import derived
from classtap_core.kernel.scopes import covers
from tests.unit.house.world import CLOCK, MAIN, NINE, NORTH, OWNER, World, named, staff, state_of

KEY = "ab" * 32
FOUND = registry()


def device(role: str, location: str = MAIN, *withheld: str) -> Device:
    return Device(id=named(f"{role} {location}"), name=role, role=role, location=location, withheld=withheld)


GONE = DeviceRevocation(NINE, derived("operation", "gone"), OWNER)
ROSTER, HEALTH, FAMILIES = f"roster/{MAIN}/2026-11-21", f"health/{MAIN}", f"families/{MAIN}"


@pytest.mark.parametrize(
    ("told", "kind", "scope", "may"),
    [
        (device(KIOSK), "attendance", ROSTER, True),
        (device(KIOSK), "attendance", f"roster/{NORTH}/2026-11-21", False),
        (device(KIOSK, ""), "attendance", f"roster/{NORTH}/2026-11-21", True),
        (device(KIOSK, MAIN, "roster"), "attendance", ROSTER, False),
        (device(KIOSK, MAIN, "roster"), "family", FAMILIES, True),
        (device(KIOSK, MAIN, "health"), "attendance", ROSTER, True),
        (device(KIOSK), "child_health", HEALTH, False),
        # a kind that is never for kiosks, wherever somebody says that it lies
        (device(KIOSK), "child_health", FAMILIES, False),
        (device(KIOSK), "contact", FAMILIES, False),
        (device(KIOSK), "contact_masked", f"contact_masked/{MAIN}", False),
        (device(KIOSK), "booking_answers", f"registrations/{MAIN}", False),
        (device(DESK), "child_health", HEALTH, True),
        (device(DESK), "child_health", f"health/{NORTH}", False),
        (device(DESK, ""), "child_health", f"health/{NORTH}", True),
        (device(DESK, MAIN, "health"), "child_health", HEALTH, False),
        (device(DESK, "", "health"), "child_health", HEALTH, False),
        (device(CLOUD, ""), "attendance", ROSTER, False),
        (device("of a later version", ""), "studio", "studio", False),
        (msgspec.structs.replace(device(DESK), revocations=(GONE,)), "studio", "studio", False),
    ],
)  # fmt: skip
def test_which_rows_may_lie_on_which_device(told: Device, kind: str, scope: str, may: bool) -> None:
    record = FOUND.records.get(kind, Device)
    assert rules.may_be_told(told, record, scope) is may


def test_a_row_that_moved_is_told_only_to_who_may_hold_both_places() -> None:
    attendance = FOUND.records["attendance"]
    elsewhere = f"roster/{NORTH}/2026-11-21"
    assert not rules.may_be_told(device(KIOSK), attendance, ROSTER, elsewhere)
    assert rules.may_be_told(device(KIOSK, ""), attendance, ROSTER, elsewhere)


@pytest.mark.parametrize(
    ("kind", "kiosk"),
    [
        ("attendance.mark", True), ("scan.record", True), ("device.revoke", True), ("pass.revoke", True),
        ("health.edit", False), ("child.add", False), ("contact.edit", False), ("guardian.block", False),
    ],
)  # fmt: skip
def test_what_an_operation_says_is_judged_by_its_fields(kind: str, kiosk: bool) -> None:
    payload = FOUND.specs[kind].payload
    assert rules.may_be_told(device(KIOSK), payload) is kiosk
    assert rules.may_be_told(device(DESK), payload)
    assert not rules.may_be_told(msgspec.structs.replace(device(DESK), revocations=(GONE,)), payload)
    assert not rules.may_be_told(device("of a later version"), payload)


@pytest.mark.parametrize("role", [KIOSK, DESK])
@pytest.mark.parametrize("location", ["", MAIN])
def test_what_the_record_allows_is_what_the_directory_holds(role: str, location: str) -> None:
    """`withheld` is made of the list in the directory: what is read out of it again is never more than that."""
    patterns = rules.scopes_for(role, location)
    assert rules.may_hold(device(role, location)) == patterns
    assert rules.withheld_of(patterns, patterns) == ()
    for first, second in itertools.combinations(patterns, 2):
        held = tuple(one for one in patterns if one not in (first, second))
        withheld = rules.withheld_of(patterns, held)
        assert set(withheld) == {first.partition("/")[0], second.partition("/")[0]}
        allowed = rules.may_hold(device(role, location, *withheld))
        assert allowed
        assert all(covers(held, one) for one in allowed)
    # narrower than the role's: none of it is said to be held
    narrow = (f"roster/{MAIN}/2026-11-21", "studio")
    allowed = rules.may_hold(device(role, location, *rules.withheld_of(patterns, narrow)))
    assert allowed == ("studio",)
    assert SCOPES[CLOUD] == () == rules.may_hold(device(CLOUD))


def test_a_key_counts_only_where_the_cloud_says_it() -> None:
    """Who may pair devices cannot put a key of their own into the record: neighbours would take its word."""
    world = World()
    for author, key in ((staff(OWNER), ""), (CLOCK, KEY)):
        paired = named(f"by {author.type}")
        said = RegisterDevice(device=paired, name="k", role=KIOSK, location=MAIN, public_key=KEY, withheld=("pins",))
        assert world.say(said, author).link.outcome.stands
        held = FOUND.records["device"]
        row = msgspec.json.decode(state_of(world.cloud, held)[paired], type=Device)
        assert (row.public_key, row.withheld) == (key, ("pins",))


def test_a_device_is_described_once() -> None:
    world = World()
    paired = named("described")
    world.say(RegisterDevice(device=paired, name="k", role=KIOSK, location=MAIN))
    word = DescribeDevice(device=paired, public_key=KEY, withheld=("pins",))
    first, again = world.say(word, CLOCK), world.say(word, CLOCK)
    assert (first.link.outcome.status.value, len(first.changes)) == ("accepted", 1)
    assert (again.link.outcome.status.value, again.changes) == ("duplicate", ())
    row = msgspec.json.decode(state_of(world.cloud, Device)[paired], type=Device)
    assert row == Device(id=paired, name="k", role=KIOSK, location=MAIN, public_key=KEY, withheld=("pins",))


def test_logs_and_rows_of_before_are_read_as_they_were() -> None:
    plain = {"device": named("old"), "name": "Door", "role": "kiosk", "location": MAIN}
    read = RegisterDevice.SPEC.decode(1, plain)
    assert (read.public_key, read.withheld) == ("", ())  # type: ignore[attr-defined]
    assert msgspec.to_builtins(read) == plain, "nothing is written that was not said"
    row = Device(id=named("old"), name="Door", role="kiosk", location=MAIN)
    assert set(msgspec.to_builtins(row)) == {"id", "name", "role", "location"}
