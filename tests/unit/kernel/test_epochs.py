"""Copies of a device: both histories are kept, nothing is taken twice, and what was set aside is said again."""

import copy

import pytest

from classtap_core.kernel.batches import Batch
from classtap_core.kernel.chain import ChainRow, verify_device
from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.device_store import Answer
from classtap_core.kernel.effects import Home
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.outcomes import ACCEPTED, Outcome, Reason, Status, refused
from tests.unit.kernel import toy
from tests.unit.kernel.rig import SEATS, STAFF, Cloud, Device, child, enrol, mark, seeded


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def desk(cloud: Cloud) -> Device:
    return Device("desk", cloud)


def copied(device: Device) -> Device:
    """Another machine with the same disk, from now on by itself."""
    twin = copy.copy(device)
    twin.backend = copy.deepcopy(device.backend)
    twin.bus = DeviceBus(twin.backend, toy.bus(authority=False), device.clock, seeded("twin"))
    return twin


def restored(device: Device) -> Device:
    """A copy made again from a backup: it knows that it is one."""
    twin = copied(device)
    twin.backend.begin_epoch(device.backend.head().epoch + 1)
    twin.backend.scopes = device.backend.scopes
    return twin


def submitted(device: Device, *children: int, note: str = "") -> list[Id]:
    device.clock.advance(1_000)
    return [device.bus.submit(mark(number, note=note), STAFF).operation for number in children]


def taken(cloud: Cloud) -> list[Id]:
    return [ledger.link.operation for ledger in cloud.backend.ledgers]


def push_earlier(device: Device) -> None:
    while waiting := device.backend.unsent_before():
        epoch = waiting[0][0]
        run = [entry.sequence for of, entry in waiting if of == epoch]
        pushed = device.cloud.authority.push(device.batch(run[0], run[-1], epoch=epoch))
        device.bus.acknowledge(pushed.answers, epoch=epoch)
        assert device.backend.acked(epoch) >= run[-1]  # else it would be sent for ever


def chains_verify(cloud: Cloud, device: Id) -> None:
    for epoch in {ledger.link.epoch for ledger in cloud.backend.ledgers if ledger.link.device == device}:
        rows = [
            ChainRow(ledger.link.device_sequence, ledger.data, ledger.parts)
            for ledger in cloud.backend.ledgers
            if (ledger.link.device, ledger.link.epoch) == (device, epoch)
        ]
        assert verify_device(rows).ok


def test_a_restored_copy_begins_an_epoch_and_sends_what_the_first_had_not(cloud: Cloud, desk: Device) -> None:
    sent = submitted(desk, 0, 1)
    desk.sync()
    unsent = submitted(desk, 2, 3)
    twin = restored(desk)
    new = submitted(twin, 4)
    push_earlier(twin)
    twin.sync()
    assert taken(cloud) == [*sent, *unsent, *new]
    assert (twin.backend.head().epoch, twin.backend.head().acked) == (2, 1)
    assert twin.backend.unsent_before() == []
    assert [entry.answer is not None for entry in twin.backend.past[1]] == [True] * 4
    # The first one was not dead: what it says again is known, what it says now goes on in its own epoch.
    known = desk.push()[0]
    assert known is not None
    assert [answer.outcome.status for answer in known.answers] == [Status.ACCEPTED, Status.ACCEPTED]
    more = submitted(desk, 5)
    desk.sync()
    newest = submitted(twin, 6)
    twin.sync()
    assert taken(cloud) == [*sent, *unsent, *new, *more, *newest]
    desk.sync()
    assert desk.backend.seen.all() == twin.backend.seen.all() == cloud.backend.state.all()
    chains_verify(cloud, desk.id)


def test_a_copied_disk_is_found_at_its_first_push_and_both_go_on(cloud: Cloud, desk: Device) -> None:
    sent = submitted(desk, 0)
    desk.sync()
    both = submitted(desk, 1)
    twin = copied(desk)
    first = submitted(desk, 2, 3)
    second = submitted(twin, 4, 5, 6)
    desk.sync()
    with pytest.raises(Refused) as fork:
        twin.push()
    assert (fork.value.code, fork.value.params) == ("sync.fork", {"sequence": 3, "epoch": 2})
    known = cloud.authority.push(twin.batch(2, 2))
    twin.bus.acknowledge(known.answers)
    assert twin.bus.fork(epoch=1, after=2, new=2) == 3
    twin.backend.scopes = desk.backend.scopes
    third = submitted(twin, 7)
    twin.sync()
    assert twin.backend.unsent_before() == []
    more = submitted(desk, 8)
    desk.sync()
    twin.sync()
    assert taken(cloud) == [*sent, *both, *first, *second, *third, *more]
    assert desk.backend.seen.all() == twin.backend.seen.all() == cloud.backend.state.all()
    assert {ledger.link.outcome.status for ledger in cloud.backend.ledgers} == {Status.ACCEPTED}
    chains_verify(cloud, desk.id)


def test_an_epoch_begins_at_its_beginning(cloud: Cloud, desk: Device) -> None:
    twin = restored(desk)
    submitted(twin, 0, 1, 2)
    with pytest.raises(Refused) as gap:
        cloud.authority.push(twin.batch(2, 3))
    assert (gap.value.code, gap.value.params) == ("sync.gap", {"expected": 1})
    assert cloud.backend.marks[desk.id].epoch == 1
    assert cloud.authority.push(twin.batch(1, 3)).acked == 3
    assert cloud.backend.marks[desk.id].epoch == 2


def test_one_id_is_decided_once(cloud: Cloud, desk: Device) -> None:
    kiosk = Device("kiosk", cloud)
    (id,) = submitted(desk, 0)
    desk.sync()
    before = cloud.backend.state.all()
    kiosk.bus.submit(mark(0, state="late"), STAFF, id=id)
    desk.bus.submit(mark(0, state="late"), STAFF, id=id)
    same, other = desk.push()[0], kiosk.push()[0]
    assert same is not None
    assert other is not None
    assert same.answers[0].outcome.status is Status.DUPLICATE
    assert other.answers[0].outcome == refused("operation.id_taken")
    assert cloud.backend.state.all() == before
    for _ in range(2):
        kiosk.bus.submit(mark(1), STAFF, id=derived("twice"))
    again = kiosk.push()[0]
    assert again is not None
    assert [answer.outcome.status for answer in again.answers] == [Status.ACCEPTED, Status.DUPLICATE]


def test_what_lacks_a_part_is_set_aside_and_never_decided_by_defaults(cloud: Cloud, desk: Device) -> None:
    submitted(desk, 0, note="a note")
    submitted(desk, 1)
    whole = desk.unsent()
    assert whole is not None
    first = whole.items[0]._replace(parts={"": whole.items[0].parts[""]})
    pushed = cloud.authority.push(Batch(*whole[:3], (first, *whole.items[1:]), whole.signature))
    assert [answer.outcome.status for answer in pushed.answers] == [Status.QUARANTINED, Status.ACCEPTED]
    assert pushed.answers[0].outcome.reasons[0].code == "operation.part_missing"
    assert cloud.backend.state.get(("presence", toy.presence_id(child(0)))) is None


def test_a_request_that_waited_has_its_effect_once_when_it_is_granted(cloud: Cloud, desk: Device) -> None:
    desk.bus.submit(toy.Post(seats=SEATS, free=1), STAFF)
    desk.sync()
    granted = desk.bus.submit(toy.Borrow(seats=SEATS, lease=False), STAFF).operation
    desk.bus.submit(toy.Borrow(seats=SEATS, lease=False), STAFF)
    assert desk.backend.effects == {}
    batch = desk.unsent()
    assert batch is not None
    cloud.authority.push(batch)  # its answer was lost
    pushed = cloud.authority.push(batch)
    desk.bus.acknowledge(pushed.answers)
    assert [(operation, one.home, ready) for operation, one, ready in desk.backend.effects.values()] == [
        (granted, Home.HERE_WHEN_ACCEPTED, True)
    ]
    desk.backend.effects.clear()  # carried out
    desk.bus.acknowledge(pushed.answers)
    desk.pull()
    assert desk.backend.effects == {}


def test_what_could_not_be_decided_is_looked_at_when_its_scope_has_come(desk: Device) -> None:
    """Also where the scope is empty: nothing in it would make anybody look."""
    desk.backend.scopes = ("families/*",)
    receipt = desk.bus.submit(mark(0), STAFF)
    assert receipt.outcome.reasons[0].code == "undetermined"
    assert desk.bus.reconsider() == []
    assert desk.backend.seen.get(("presence", toy.presence_id(child(0)))) is None
    desk.backend.hold(["roster/*"])
    assert desk.bus.reconsider() == []
    assert desk.backend.seen.get(("presence", toy.presence_id(child(0)))) is not None
    assert desk.backend.log[0].told.reasons == ()
    assert desk.bus.reconsider() == []


def test_a_part_of_a_pull_is_remembered(desk: Device) -> None:
    desk.bus.apply([], token="in the middle")
    assert (desk.backend.head().cursor, desk.backend.head().token) == (0, "in the middle")
    desk.bus.apply([], cursor=7, token="the end")
    assert (desk.backend.head().cursor, desk.backend.head().token) == (7, "the end")


def test_what_a_cloud_did_not_know_is_said_again_when_it_does(cloud: Cloud, desk: Device) -> None:
    spec = cloud.authority.bus.registry.specs.pop("toy.mark")
    (first,) = submitted(desk, 0)
    desk.bus.submit(enrol(1), STAFF)
    desk.sync()
    assert [entry.answer and entry.answer.status for entry in desk.backend.log] == [
        Status.QUARANTINED, Status.ACCEPTED,
    ]  # fmt: skip
    assert [entry.id for entry in desk.bus.waits_for_retry()] == [first]
    assert desk.bus.retry_understood() == 0
    cloud.authority.bus.registry.specs["toy.mark"] = spec
    desk.backend._move(takes={"toy.mark": 1, "toy.enrol": 1})
    assert desk.bus.retry_understood() == 1
    assert desk.bus.retry_understood() == 0
    assert desk.bus.waits_for_retry() == []
    again = desk.backend.log[-1]
    assert again.id == derived("retry", first)
    assert again.at_ms == desk.backend.log[0].at_ms
    desk.sync()
    assert cloud.backend.ledgers[-1].link.outcome.status is Status.ACCEPTED
    assert cloud.backend.ledgers[-1].op is not None
    assert cloud.backend.ledgers[-1].op.cause == first
    assert desk.backend.seen.all() == cloud.backend.state.all()


def test_only_what_was_set_aside_is_said_again(desk: Device) -> None:
    submitted(desk, 0)
    assert desk.bus.retry(1) is None
    desk.bus.acknowledge([Answer(1, ACCEPTED, 1)])
    assert desk.bus.retry(1) is None
    assert desk.bus.retry(2) is None


def test_what_was_set_aside_can_be_said_again_before_the_next_pull(desk: Device) -> None:
    """An edit that still lies over the rows would otherwise find that it has nothing to say."""
    desk.bus.submit(enrol(0), STAFF)
    desk.bus.submit(toy.Rename(child=child(0), name="New"), STAFF)
    aside = Outcome(status=Status.QUARANTINED, reasons=(Reason("fault"),))
    desk.bus.acknowledge([Answer(1, ACCEPTED, 1), Answer(2, aside, 2)])
    again = desk.bus.retry(2)
    assert again is not None
    assert (again.sequence, again.outcome) == (3, ACCEPTED)
