"""What was heard from others goes to the cloud before what was said here; what cannot go there holds nothing up."""

import msgspec
import pytest

from classtap_core.kernel.batches import Batch, Received, read_batch
from classtap_core.kernel.envelope import batch_statement
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Status as Outcome
from sync.client.local import TOLD_STAYS_MS
from sync.client.onsite import address_of
from sync.client.transport import Rejected, Unreachable
from sync.protocol import Push, Pushed
from tests.unit.sync.rig import STUDIO, Device
from tests.unit.sync.test_engine import CHILDREN, House, mark


def run_of(author: Device, first: int, last: int) -> Batch:
    """Own operations of a device, signed by it."""
    log = author.store.log[first - 1 : last]
    statement = batch_statement(
        studio=STUDIO, device=author.id, epoch=1, last_sequence=log[-1].sequence, last_hash=log[-1].hash
    )
    items = tuple(Received(entry.data, entry.parts) for entry in log)
    return Batch(STUDIO, author.id, 1, items, author.key.sign(statement))


def hear(listener: Device, run: Batch) -> None:
    listener.bus.hear(run, read_batch(run), holds=lambda shape, scopes: True)


def decided(house: House) -> list[tuple[Id, int]]:
    return [(ledger.link.device, ledger.link.device_sequence) for ledger in house.cloud.storage.ledgers]


@pytest.fixture
def house() -> House:
    made = House("front", "back")
    made.settle()
    return made


def test_what_was_heard_goes_first_and_the_loser_is_told_once(house: House) -> None:
    front, back = house.devices
    mark(front, CHILDREN[0])
    house.clock.advance(2_000)
    mark(back, CHILDREN[0])
    hear(back, run_of(front, 1, 1))
    (told,) = back.store.notices.values()
    assert told.now.items[0].status is Outcome.SUPERSEDED
    house.engines[1].once()
    assert decided(house) == [(front.id, 1), (back.id, 1)]
    assert back.store.notices == {told.operation: told}
    assert back.store.told_runs() == []
    house.settle()
    assert decided(house) == [(front.id, 1), (back.id, 1)]
    assert house.agree()


def test_an_answer_that_was_lost_is_asked_for_again(house: House) -> None:
    front, back = house.devices
    mark(front, CHILDREN[0])
    hear(back, run_of(front, 1, 1))
    house.wires[1].fail_after = ["push"]
    with pytest.raises(Unreachable):
        house.engines[1].once()
    assert back.store.told_runs()
    house.engines[1].once()
    assert back.store.told_runs() == []
    assert decided(house) == [(front.id, 1)]


def test_what_the_cloud_cannot_take_yet_stays_and_holds_nothing_up(house: House) -> None:
    front, back = house.devices
    mark(front, CHILDREN[0])
    mark(front, CHILDREN[1])
    hear(back, run_of(front, 2, 2))  # its first operation is not for this device
    mark(back, CHILDREN[2])
    house.engines[1].once()
    assert decided(house) == [(back.id, 1)]
    assert len(back.store.told_runs()) == 1
    house.engines[0].once()
    house.engines[1].once()
    assert decided(house) == [(back.id, 1), (front.id, 1), (front.id, 2)]
    assert back.store.told_runs() == []
    house.settle()
    assert house.agree()


@pytest.mark.expected_log("differ from the cloud", reason="rows show what the cloud does not take")
@pytest.mark.parametrize("code", ["sync.unpaired", "sync.fork", "sync.parts_missing"])
def test_what_the_cloud_will_never_take_from_here_is_let_go_and_rows_are_compared(house: House, code: str) -> None:
    front, back = house.devices
    mark(front, CHILDREN[0])
    hear(back, run_of(front, 1, 1))
    assert back.seen()
    house.wires[1].reject = [Rejected(409, code, {}, None)]
    house.engines[1].once()
    assert back.store.told_runs() == []
    assert not back.seen()  # what it showed of that is gone with the comparison


@pytest.mark.parametrize("code", ["sync.not_yours", "cloud.fault", "rate.limited"])
def test_another_refusal_of_what_was_heard_holds_up_nothing_of_its_own(house: House, code: str) -> None:
    front, back = house.devices
    mark(front, CHILDREN[0])
    hear(back, run_of(front, 1, 1))
    mark(back, CHILDREN[1])
    house.wires[1].reject = [Rejected(403, code, {}, None)]
    house.engines[1].once()
    assert (back.id, 1) in decided(house)
    assert decided(house)[-1] == (front.id, 1)  # asked again behind its own


@pytest.mark.parametrize("said", [(), (7,)], ids=["nothing", "something else"])
def test_a_cloud_that_answers_something_else_is_not_asked_at_once_again(house: House, said: tuple[int, ...]) -> None:
    front, back = house.devices
    mark(front, CHILDREN[0])
    hear(back, run_of(front, 1, 1))
    push, asked = house.wires[1].push, 0

    def elsewhere(batch: Push) -> Pushed:
        nonlocal asked
        asked += 1
        answered = push(batch)
        wrong = tuple(msgspec.structs.replace(answered.answers[0], sequence=one) for one in said)
        return msgspec.structs.replace(answered, answers=wrong)

    house.wires[1].push = elsewhere  # type: ignore[method-assign]
    house.engines[1].once()
    assert asked == 2  # before its own work, and behind it
    assert back.store.told_runs()


def test_a_long_list_of_what_was_heard_goes_behind_its_own(house: House) -> None:
    front, back = house.devices
    for number in range(3):
        mark(front, CHILDREN[number])
        hear(back, run_of(front, number + 1, number + 1))
    mark(back, CHILDREN[3])
    push = house.wires[1].push

    def slow(asked: Push) -> Pushed:
        house.clock.advance(1_500)
        return push(asked)

    house.wires[1].push = slow  # type: ignore[method-assign]
    house.engines[1].once()
    assert decided(house) == [(front.id, 1), (front.id, 2), (back.id, 1), (front.id, 3)]
    assert back.store.told_runs() == []


@pytest.mark.expected_log("differ from the cloud", reason="rows show what the cloud does not take")
def test_that_one_counts_does_not_hide_that_another_does_not() -> None:
    house = House("front", "back", "side")
    house.settle()
    front, back, side = house.devices
    before = back.seen()
    for author, child in ((front, CHILDREN[0]), (side, CHILDREN[1])):
        mark(author, child)
        hear(back, run_of(author, 1, 1))
    house.wires[1].reject = [Rejected(409, "sync.unpaired", {}, None)]  # of the first
    house.engines[1].once()
    assert len(decided(house)) == 1
    assert len(back.seen()) == len(before) + 1  # what the other showed is gone with the comparison


def test_where_the_cloud_lacks_what_came_before_nothing_behind_it_is_tried_in_this_round(house: House) -> None:
    front, back = house.devices
    for child in CHILDREN[:3]:
        mark(front, child)
    hear(back, run_of(front, 2, 2))
    hear(back, run_of(front, 3, 3))
    before = house.wires[1].pushes
    assert len(back.store.told_runs()) == 2
    house.engines[1].once()
    assert house.wires[1].pushes - before == 2  # before own work, and after it
    assert len(back.store.told_runs()) == 2


def test_rows_that_show_what_the_cloud_cannot_know_yet_are_no_damage(house: House) -> None:
    front, back = house.devices
    mark(front, CHILDREN[0])
    mark(front, CHILDREN[1])
    hear(back, run_of(front, 2, 2))  # the cloud lacks what came before
    shown = back.seen()
    for _ in range(3):
        house.engines[1].compare()
        house.engines[1].once()
        assert back.seen() == shown
    assert house.engines[1].pulling.repaired == 0
    assert len(back.store.told_runs()) == 1


def test_what_nobody_could_bring_in_two_weeks_is_let_go_of_and_shown_no_more(house: House) -> None:
    front, back = house.devices
    before = back.seen()
    mark(front, CHILDREN[0])
    mark(front, CHILDREN[1])
    hear(back, run_of(front, 2, 2))
    for passed, stays in ((TOLD_STAYS_MS, True), (1, False)):
        house.clock.advance(passed)
        house.engines[1].compare()
        house.engines[1].once()
        assert bool(back.store.told_runs()) is stays
        assert (back.seen() != before) is stays


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.168.1.20:5123", ("192.168.1.20", 5123)),
        ("kiosk-2.local:80", ("kiosk-2.local", 80)),
        (" [fe80::1%eth0]:7 ", ("fe80::1%eth0", 7)),
    ],
)
def test_an_address_as_somebody_types_it(text: str, address: tuple[str, int]) -> None:
    assert address_of(text) == address


@pytest.mark.parametrize("text", ["", "host", ":80", "host:", "host:0", "host:65536", "host:x", "fe80::1:80", "a:٣"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(BadInput, match=r"relay\.address"):
        address_of(text)
