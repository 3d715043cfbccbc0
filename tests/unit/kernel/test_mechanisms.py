"""The four ways in which two who did not hear of each other are settled, each as a table: fold and set, merge, guard, head."""

import itertools

import pytest

from classtap_core.access.records import Device, DeviceRevocation
from classtap_core.access.rules import revoked
from classtap_core.kernel.ids import derived
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.outcomes import Status
from tests.unit.kernel import toy
from tests.unit.kernel.rig import SEATS, STAFF, Cloud, enrol, mark
from tests.unit.kernel.rig import Device as Member


def apart(first: Payload, second: Payload, *given: Payload) -> tuple[Cloud, list[Status], list[Status]]:
    """Two devices say something without hearing of each other; the first's arrives first. What each was told, and in the end."""
    cloud = Cloud()
    one, two = Member("one", cloud), Member("two", cloud)
    for payload in given:
        one.bus.submit(payload, STAFF)
    one.sync()
    two.sync()
    one.clock.advance(1_000)
    two.clock.advance(2_000)
    at_once = [device.bus.submit(payload, STAFF).outcome.status for device, payload in ((one, first), (two, second))]
    one.sync()
    two.sync()
    one.sync()
    assert one.backend.seen.all() == two.backend.seen.all() == cloud.backend.state.all()
    return cloud, at_once, [device.backend.log[-1].told.status for device in (one, two)]


ACCEPTED, SUPERSEDED, WAITING, REFUSED = Status.ACCEPTED, Status.SUPERSEDED, Status.WAITING, Status.REFUSED
NAMED, AGAIN = toy.Rename(child=enrol(0).child, name="One"), toy.Rename(child=enrol(0).child, name="Two")
FREE = toy.Post(seats=SEATS, free=1)


@pytest.mark.parametrize(
    ("first", "second", "given", "at_once", "told"),
    [
        # fold: both at once, the earlier holds, whoever came first
        (mark(0), mark(0, state="late"), (), [ACCEPTED, ACCEPTED], [ACCEPTED, SUPERSEDED]),
        (mark(0), mark(1), (), [ACCEPTED, ACCEPTED], [ACCEPTED, ACCEPTED]),
        # merge: both at once, the last confirmed stays
        (NAMED, AGAIN, (enrol(0),), [ACCEPTED, ACCEPTED], [ACCEPTED, ACCEPTED]),
        # guard: both wait, one seat, one gets it
        (toy.Take(seats=SEATS), toy.Take(seats=SEATS), (FREE,), [WAITING, WAITING], [ACCEPTED, REFUSED]),
        # guard, spent on a lease: both at once; the cloud's count decides
        (toy.Borrow(seats=SEATS), toy.Borrow(seats=SEATS), (FREE,), [ACCEPTED, ACCEPTED], [ACCEPTED, REFUSED]),
    ],
)
def test_two_apart(
    first: Payload, second: Payload, given: tuple[Payload, ...], at_once: list[Status], told: list[Status]
) -> None:
    _, before, after = apart(first, second, *given)
    assert (before, after) == (at_once, told)


@pytest.mark.parametrize("swapped", [False, True])
def test_a_fold_does_not_ask_who_arrived_first(swapped: bool) -> None:
    cloud = Cloud()
    one, two = Member("one", cloud), Member("two", cloud)
    one.clock.advance(1_000)
    two.clock.advance(2_000)
    one.bus.submit(mark(0), STAFF)
    two.bus.submit(mark(0, state="late"), STAFF)
    for device in (two, one) if swapped else (one, two):
        device.push()
    (row,) = cloud.backend.state.all().values()
    assert row.body.index(b"present") < row.body.index(b"late")


WORDS = [DeviceRevocation(at, derived("op", str(at)), derived("staff", "x")) for at in (30, 10, 20)]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_set_only_grows_in_any_order_and_with_repeats(order: tuple[int, ...]) -> None:
    device = Device(id=derived("device"), name="d", role="kiosk")
    for at in (*order, *order):
        device = Device(id=device.id, name="d", role="kiosk", revocations=revoked(device, WORDS[at]))
    assert [word.at_ms for word in device.revocations] == [10, 20, 30]
    assert device.revoked_at_ms == 10
