"""The cloud's authority: exactly once, in order, under locks, and nobody's fault holds up anybody else."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.kernel.authority import MOST_EPOCHS, CloudDraft, Incoming, Pushed
from classtap_core.kernel.batches import Batch, Received, read_batch
from classtap_core.kernel.bus import Bus
from classtap_core.kernel.chain import ChainRow, verify_studio
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.envelope import Author, batch_statement, commitments, make_parts, read, write
from classtap_core.kernel.errors import BadInput, ProgramFault, Refused
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.memory import MemoryCloud
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.records import plain
from tests.unit.kernel import toy
from tests.unit.kernel.rig import NOW, SEATS, STAFF, STUDIO, Cloud, Device, child, enrol, mark, seeded

CLOCK = Author(type="clock", id=STUDIO)


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def desk(cloud: Cloud) -> Device:
    return Device("desk", cloud)


def some(desk: Device, count: int) -> None:
    for number in range(count):
        desk.bus.submit(mark(number), STAFF)


def resigned(desk: Device, batch: Batch) -> Batch:
    """The batch with the signature its last envelope would have."""
    last = read(batch.items[-1].data, {})
    statement = batch_statement(
        studio=batch.studio, device=batch.device, epoch=batch.epoch,
        last_sequence=last.envelope.sequence, last_hash=last.hash,
    )  # fmt: skip
    return batch._replace(signature=desk.key.sign(statement))


def code(cloud: Cloud, batch: Batch) -> str:
    before = (len(cloud.backend.ledgers), dict(cloud.backend.marks), cloud.backend.state.all())
    with pytest.raises((Refused, BadInput)) as refusal:
        cloud.authority.push(batch)
    assert before == (len(cloud.backend.ledgers), cloud.backend.marks, cloud.backend.state.all())
    return refusal.value.code


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), max_size=8))
def test_however_often_and_in_whatever_cuts_it_comes_it_counts_once(cuts: list[tuple[int, int]]) -> None:
    """Re-sent, overlapping and repeated batches: every operation is decided once, and answered alike."""
    cloud = Cloud()
    desk = Device("desk", cloud)
    some(desk, 6)
    answers = {}
    for first, last in [*cuts, (1, 6)]:
        if first > last:
            continue
        expected = cloud.backend.marks[desk.id].sequence + 1
        if first > expected:
            with pytest.raises(Refused) as gap:
                cloud.authority.push(desk.batch(first, last))
            assert (gap.value.code, gap.value.params) == ("sync.gap", {"expected": expected})
            continue
        pushed = cloud.authority.push(desk.batch(first, last))
        assert pushed.acked == cloud.backend.marks[desk.id].sequence >= last
        for answer in pushed.answers:
            assert answers.setdefault(answer.sequence, answer) == answer
    assert [ledger.link.device_sequence for ledger in cloud.backend.ledgers] == [1, 2, 3, 4, 5, 6]
    assert [ledger.link.sequence for ledger in cloud.backend.ledgers] == [1, 2, 3, 4, 5, 6]


def test_a_gap_names_what_is_expected(cloud: Cloud, desk: Device) -> None:
    some(desk, 3)
    with pytest.raises(Refused) as refusal:
        cloud.authority.push(desk.batch(2, 3))
    assert (refusal.value.code, refusal.value.params) == ("sync.gap", {"expected": 1})


def test_a_device_that_tells_two_stories_is_a_fork(cloud: Cloud, desk: Device) -> None:
    some(desk, 2)
    desk.push()
    twin = Device("desk", Cloud())
    for number in (7, 8, 9):
        twin.bus.submit(mark(number), STAFF)
    assert code(cloud, twin.batch(1, 3)) == "sync.fork"
    assert code(cloud, twin.batch(2, 2)) == "sync.fork"
    assert code(cloud, twin.batch(3, 3)) == "sync.fork"


def test_a_wrong_signature_refuses_all(cloud: Cloud, desk: Device) -> None:
    some(desk, 2)
    batch = desk.batch(1, 2)
    assert code(cloud, batch._replace(signature=bytes(64))) == "sync.signature"
    assert code(cloud, batch._replace(signature=b"")) == "sync.signature"
    assert code(cloud, batch._replace(items=batch.items[:1])) == "sync.signature"


def test_who_may_push_at_all(cloud: Cloud, desk: Device) -> None:
    some(desk, 2)
    batch = desk.batch(1, 2)
    assert code(cloud, batch._replace(items=())) == "sync.empty"
    assert code(cloud, batch._replace(device=derived("nobody"))) == "sync.unpaired"
    assert code(cloud, batch._replace(studio=derived("other"))) == "sync.mixed"
    assert code(cloud, batch._replace(epoch=2)) == "sync.mixed"
    other = Device("kiosk", cloud)
    some(other, 1)
    assert code(cloud, batch._replace(items=(*batch.items, *other.batch(1, 1).items))) == "sync.mixed"
    assert code(cloud, other.batch(1, 1)._replace(device=desk.id)) == "sync.mixed"
    elsewhere = Cloud()
    elsewhere.backend.studio = derived("elsewhere")
    elsewhere.backend.marks = cloud.backend.marks
    assert code(elsewhere, batch) == "sync.other_studio"
    far = Device("desk", cloud)
    far.backend.begin_epoch(1 + MOST_EPOCHS + 1)
    some(far, 1)
    assert code(cloud, far.unsent()) == "sync.epoch"


def test_a_batch_is_one_run(cloud: Cloud, desk: Device) -> None:
    some(desk, 3)
    one, two, three = desk.batch(1, 3).items
    for items in ((one, three), (two, one), (one, one, two), (two, three, one)):
        batch = resigned(desk, Batch(STUDIO, desk.id, 1, items, b""))
        assert code(cloud, batch) == "sync.broken_chain"


def test_bytes_and_parts_are_checked_at_the_door(cloud: Cloud, desk: Device) -> None:
    """And which of them it was is told: whose log it is has to do something about it."""
    some(desk, 2)
    desk.bus.submit(mark(0, note="n"), STAFF)
    *before, item = desk.batch(1, 3).items
    for wrong, why in (
        (Received(item.data[:-1], item.parts), "envelope.malformed"),
        (Received(item.data, {**item.parts, child(0): b"{}"}), "envelope.commitment"),
        (Received(item.data.replace(b'"epoch":1', b'"epoch":2'), item.parts), "sync.mixed"),
    ):
        with pytest.raises(BadInput) as no:
            cloud.authority.push(desk.batch(1, 3)._replace(items=(*before, wrong)))
        assert (no.value.code, no.value.params) == (why, {"index": 2})


def test_a_poisoned_operation_is_quarantined_and_the_rest_land(cloud: Cloud, desk: Device) -> None:
    some(desk, 1)
    broken = foreign(desk, "toy.faulty", {"why": "bug"})
    unknown = foreign(desk, "toy.from_the_future", {"x": 1})
    newer = foreign(desk, "toy.mark", {"house": "north", "items": []}, version=9)
    wrong = foreign(desk, "toy.mark", {"house": 5})
    desk.bus.submit(mark(1, 2), STAFF)
    desk.bus.submit(mark(3), STAFF)
    pushed, notices = desk.push()
    assert pushed is not None
    found = {answer.sequence: answer.outcome for answer in pushed.answers}
    assert [found[n].status for n in range(1, 8)] == [
        Status.ACCEPTED, *[Status.QUARANTINED] * 4, Status.ACCEPTED, Status.ACCEPTED,
    ]  # fmt: skip
    assert [found[n].reasons[0].code for n in (broken, unknown, newer, wrong)] == [
        "fault", "operation.unknown", "operation.version", "operation.payload",
    ]  # fmt: skip
    assert len(notices) == 4
    assert desk.backend.head().acked == 7


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("first", ["toy.rename", "toy.from_the_future"])
def test_an_id_said_twice_of_different_things_is_decided_once(
    cloud: Cloud, desk: Device, first: str, apart: bool
) -> None:
    """Also within one batch: what comes second under an id is answered, and is no harm to what came first."""
    desk.bus.submit(enrol(0), STAFF)
    desk.bus.submit(enrol(1), STAFF)
    for number, kind in ((0, first), (1, "toy.rename")):
        foreign(desk, kind, {"child": child(number), "name": "Bo"}, id=derived("operation", "twice"))
    answers = [*cloud.authority.push(desk.batch(1, 3)).answers] if apart else []
    answers += cloud.authority.push(desk.batch(4, 4) if apart else desk.batch(1, 4)).answers
    decided = Status.ACCEPTED if first == "toy.rename" else Status.QUARANTINED
    assert [answer.outcome.status for answer in answers[2:]] == [decided, Status.DUPLICATE]


def foreign(desk: Device, kind: str, data: dict[str, object], *, version: int = 1, id: Id | None = None) -> int:
    """Put an operation of another program version into the device's log, chained like any other."""
    receipt = desk.bus.submit(enrol(0), STAFF)
    entry = desk.backend.log.pop()
    parts = make_parts(msgspec.defstruct("Any", []), data, seeded(kind + str(version)))
    envelope = msgspec.structs.replace(
        read(entry.data, entry.parts).envelope,
        kind=kind,
        version=version,
        payload=commitments(parts),
        id=id or entry.id,
    )
    sealed = write(envelope, parts)
    desk.backend.log.append(entry._replace(data=sealed.data, hash=sealed.hash, parts=parts, kind=kind, changes=()))
    desk.backend._move(hash=sealed.hash)
    assert receipt.sequence is not None
    return receipt.sequence


def test_what_the_storage_cannot_take_is_named_and_left_out(cloud: Cloud, desk: Device) -> None:
    some(desk, 3)
    pushed = cloud.authority.push(desk.batch(1, 3), poison={2})
    assert [answer.outcome.status for answer in pushed.answers] == [
        Status.ACCEPTED, Status.QUARANTINED, Status.ACCEPTED,
    ]  # fmt: skip
    assert cloud.backend.state.get(("presence", toy.presence_id(child(1)))) is None


def test_a_failure_while_writing_leaves_nothing(cloud: Cloud, desk: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    some(desk, 2)
    batch = desk.batch(1, 2)
    for step in ("write_rows", "lock_head", "append", "set_marks"):
        with monkeypatch.context() as patch:
            real = getattr(MemoryCloud, step)

            def fails(backend: MemoryCloud, *args: object, real: object = real, **more: object) -> None:
                if args:
                    real(backend, *args, **more)  # type: ignore[operator]
                raise OSError("connection lost")

            patch.setattr(MemoryCloud, step, fails)
            with pytest.raises(OSError, match="connection lost"):
                cloud.authority.push(batch)
        assert (cloud.backend.state.all(), cloud.backend.ledgers, cloud.backend.index) == ({}, [], [])
        assert cloud.backend.marks[desk.id].sequence == 0
    assert cloud.authority.push(batch).acked == 2


def test_later_operations_of_a_batch_see_earlier_ones_and_places_run_out(cloud: Cloud, desk: Device) -> None:
    cloud.authority.author(cloud.own, toy.Post(seats=SEATS, free=2), STAFF, source="test")
    for _ in range(3):
        desk.bus.submit(toy.Take(seats=SEATS), STAFF)
    notices = desk.sync()
    assert [notice.now.status for notice in notices] == [Status.REFUSED]
    row = cloud.backend.state.get(("seats", SEATS))
    assert row is not None
    assert b'"free":0' in row.body


def test_taken_together_each_is_answered_as_alone() -> None:
    """The same five batches in one transaction and one after the other: the same answers, the same bytes in the chain."""
    told = []
    for at_once in (True, False):
        cloud = Cloud()
        cloud.authority.author(cloud.own, toy.Post(seats=SEATS, free=3), STAFF, source="test")
        devices = [Device(name, cloud) for name in ("one", "two", "three", "four", "five")]
        for number, device in enumerate(devices):
            device.clock.advance(number)
            for payload in (mark(0), mark(number), toy.Take(seats=SEATS)):
                device.bus.submit(payload, STAFF)
        batches = [device.batch(1, 3) for device in devices]
        batches[1] = batches[1]._replace(signature=bytes(64))
        batches[3] = devices[3].batch(2, 3)
        cloud.authority.push(devices[0].batch(1, 1))  # some of its batch, and all of another one, come a second time
        cloud.authority.push(batches[2])
        found: list[Pushed | Refused | BadInput] = []
        if at_once:
            waiting = [Incoming(one, read_batch(one)) for one in batches]
            found += cloud.authority.push_together(waiting.copy)
        else:
            for batch in batches:
                try:
                    found.append(cloud.authority.push(batch))
                except Refused as refusal:
                    found.append(refusal)
        told.append(
            (
                [one.code if isinstance(one, Refused) else one[:3] for one in found],
                [ledger.link_data for ledger in cloud.backend.ledgers],
                dict(cloud.backend.marks),
                cloud.backend.state.all(),
            )
        )
    assert told[0] == told[1]
    answers, chain, _, _ = told[0]
    assert [answers[1], answers[3]] == ["sync.signature", "sync.gap"]
    assert [len(answers[number][0]) for number in (0, 2, 4)] == [3, 3, 3]
    assert len(chain) == 10


def test_two_batches_of_one_device_are_not_taken_together(cloud: Cloud, desk: Device) -> None:
    some(desk, 2)
    both = [Incoming(batch, read_batch(batch)) for batch in (desk.batch(1, 1), desk.batch(2, 2))]
    with pytest.raises(ProgramFault):
        cloud.authority.push_together(both.copy)
    assert cloud.backend.ledgers == []


class Order(MemoryCloud):
    """Remembers in which order a transaction took its locks and wrote."""

    def __init__(self, real: MemoryCloud) -> None:
        super().__init__(real.registry, real.studio)
        self.marks, self.steps = real.marks, list[str]()

    @contextmanager
    def atomic(self) -> Iterator[None]:
        self.steps = ["begin"]
        with super().atomic():
            yield
        self.steps.append("commit")

    def __getattribute__(self, name: str):  # type: ignore[no-untyped-def]
        if name in ("marks_of", "lock", "rows", "write_rows", "lock_head", "append", "set_marks"):
            self.steps.append(name)
        return super().__getattribute__(name)


def test_locks_come_first_sorted_and_the_head_last(cloud: Cloud, desk: Device) -> None:
    ids = [derived("seats", str(number)) for number in range(6)]
    for id in ids:
        desk.bus.submit(toy.Take(seats=id), STAFF)
        desk.bus.submit(toy.Take(seats=id), STAFF)
    cloud.backend = cloud.authority.backend = Order(cloud.backend)
    desk.push()
    assert cloud.backend.locked == sorted(f"seats:{id}" for id in ids)
    assert cloud.backend.steps == [
        "begin", "marks_of", "lock", "rows", "write_rows", "lock_head", "append", "set_marks", "commit",
    ]  # fmt: skip


def test_the_clouds_own_operations_are_chained_and_see_each_other(cloud: Cloud) -> None:
    drafts = [CloudDraft(toy.Strike(seats=SEATS), CLOCK, "clock") for _ in range(3)]
    ledgers = cloud.authority.author_all(cloud.own, drafts)
    assert [ledger.link.sequence for ledger in ledgers] == [1, 2, 3]
    previous = [read(ledger.data, ledger.parts).envelope.previous for ledger in ledgers]
    assert previous[1:] == [ledger.link.envelope for ledger in ledgers[:-1]]
    row = cloud.backend.state.get(("seats", SEATS))
    assert row is not None
    assert b'"free":3' in row.body
    assert cloud.backend.marks[cloud.own].sequence == 3


def test_a_fault_in_the_clouds_own_work_keeps_nothing(cloud: Cloud) -> None:
    drafts = [CloudDraft(toy.Strike(seats=SEATS), CLOCK, "clock"), CloudDraft(toy.Faulty(), STAFF, "job")]
    with pytest.raises(ZeroDivisionError):
        cloud.authority.author_all(cloud.own, drafts)
    assert (cloud.backend.ledgers, cloud.backend.state.all()) == ([], {})
    with pytest.raises(Refused):
        cloud.authority.author(derived("nobody"), toy.Strike(seats=SEATS), CLOCK, source="clock")


def test_the_cloud_decides_by_its_own_clock(desk: Device, cloud: Cloud) -> None:
    cloud.clock.advance(60_000)
    some(desk, 1)
    desk.push()
    assert cloud.backend.ledgers[0].link.decided == NOW + 60_000


def test_what_was_decided_verifies(desk: Device, cloud: Cloud) -> None:
    some(desk, 5)
    desk.push()
    rows = [ChainRow(ledger.link.sequence, ledger.link_data, ledger.change_parts) for ledger in cloud.backend.ledgers]
    assert verify_studio(rows, head=cloud.backend.lock_head().hash) == (5, None, "")


def test_decide_writes_nothing(cloud: Cloud) -> None:
    decision = cloud.authority.decide(cloud.own, enrol(0), STAFF, source="page")
    assert decision.outcome.status is Status.ACCEPTED
    assert (cloud.backend.ledgers, cloud.backend.state.all()) == ([], {})


def test_two_devices_orders_of_arrival_give_one_fold() -> None:
    """Facts fold in event order: whichever device reaches the cloud first, the record is the same, byte for byte."""
    bodies = set()
    for late_first in (False, True):
        cloud = Cloud()
        early = Device("early", cloud)
        late = Device("late", cloud, clock=ManualClock(NOW + 5_000))
        early.bus.submit(mark(0, state="present"), STAFF)
        late.bus.submit(mark(0, state="absent"), STAFF)
        for device in (late, early) if late_first else (early, late):
            device.push()
        for device in (late, early):
            device.pull()
        row = cloud.backend.state.get(("presence", toy.presence_id(child(0))))
        assert row is not None
        bodies.add(row.body)
        assert early.backend.seen.all() == late.backend.seen.all() == cloud.backend.state.all()
    assert len(bodies) == 1


def test_contested_facts_beyond_the_limit_are_not_kept(cloud: Cloud, desk: Device) -> None:
    cloud.authority.bus = Bus(toy.registry(), toy.AllowAll(STAFF.id), authority=True)
    cloud.authority.MOST_CONTESTED = 2  # type: ignore[misc]
    for number in range(3):
        desk.bus.submit(mark(number, note="n"), STAFF)
    desk.push()
    assert [ledger.link.outcome.status for ledger in cloud.backend.ledgers] == [
        Status.CONTESTED, Status.CONTESTED, Status.REFUSED,
    ]  # fmt: skip
    assert [bool(ledger.parts) for ledger in cloud.backend.ledgers] == [True, True, False]
    assert plain(cloud.backend.ledgers[2].link.outcome)["reasons"][0]["code"] == "contested.too_many"


def test_a_tick_happens_once(cloud: Cloud) -> None:
    tick = derived("tick", "due")
    first = cloud.authority.author(cloud.own, toy.Strike(seats=SEATS), CLOCK, source="clock", id=tick)
    again = cloud.authority.author(cloud.own, toy.Strike(seats=SEATS), CLOCK, source="clock", id=tick)
    assert first.link.outcome.status is Status.ACCEPTED
    assert again.link.outcome.status is Status.DUPLICATE
    assert again.changes == ()
    drafts = [CloudDraft(toy.Strike(seats=SEATS), CLOCK, "clock", id=derived("tick", "next")) for _ in range(2)]
    one, two = cloud.authority.author_all(cloud.own, drafts)
    assert (one.link.outcome.status, two.link.outcome.status) == (Status.ACCEPTED, Status.DUPLICATE)
    row = cloud.backend.state.get(("seats", SEATS))
    assert row is not None
    assert b'"free":2' in row.body
