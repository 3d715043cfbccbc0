"""The one door: who may, what stops it, and what may not even be asked on a device."""

from collections.abc import Iterable
from typing import Any

import pytest

from classtap_core.kernel.bus import Bus, Decision, Phase, Verdict
from classtap_core.kernel.clock import Timestamp
from classtap_core.kernel.envelope import Author, GateResult
from classtap_core.kernel.errors import NotHeld, ProgramFault
from classtap_core.kernel.ids import derived
from classtap_core.kernel.memory import MemoryDevice
from classtap_core.kernel.operations import Key, Operation, Payload, Reads
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.tx import Snapshot, Tx
from tests.unit.kernel import toy
from tests.unit.kernel.rig import ALL, SEATS, STAFF, STUDIO, Cloud, Device, child, enrol, mark

CLOCK = Author(type="clock", id=STUDIO)


def store(*scopes: str) -> MemoryDevice:
    return MemoryDevice(toy.registry(), studio=STUDIO, device=derived("device"), scopes=scopes or ALL)


def an(payload: Payload, author: Author = STAFF, *, gates: tuple[GateResult, ...] = ()) -> Operation[Any]:
    return Operation(
        payload.SPEC, payload, id=derived("op"), studio=STUDIO, device=derived("device"), epoch=1, sequence=1,
        author=author, at=Timestamp(wall=1, mono=1, boot="b"), gates=gates,
    )  # fmt: skip


def decided(bus: Bus, op: Operation[Any], phase: Phase = Phase.AUTHOR, backend: MemoryDevice | None = None) -> Decision:
    return bus.decide(op, Snapshot(backend or store(), bus.registry), now=5, phase=phase)


class DenyAll:
    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield from ()

    def allows(self, tx: Tx, op: Operation[Any]) -> Verdict:
        return Verdict(False, "permission.denied")


class Watch:
    """A gate that stops the children named, and looks at each child's record first where told."""

    name = "watch"

    def __init__(self, *stopped: int, looks: bool = False, result: str = "block") -> None:
        self.stopped, self.looks, self.result = {child(n) for n in stopped}, looks, result

    def applies(self, op: Operation[Any]) -> bool:
        return op.kind == "toy.mark"

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        if self.looks:
            yield [Key(toy.Child, item) for item in op.payload.items_of()]

    def check(self, tx: Tx, op: Operation[Any]) -> Iterable[GateResult]:
        for item in op.payload.items_of():
            if self.looks:
                tx.get(toy.Child, item)
            if item in self.stopped:
                yield GateResult(self.name, item, self.result, "stopped")
            else:
                yield GateResult(self.name, item, "allow")


def with_gates(*gates: Watch, authority: bool = False) -> Bus:
    return Bus(toy.registry(), toy.AllowAll(), gates, authority=authority)


@pytest.mark.parametrize(
    "payload", [mark(0), enrol(0), toy.Take(seats=SEATS), toy.Borrow(seats=SEATS), toy.Post(seats=SEATS, free=1)]
)
def test_what_nobody_allowed_is_refused_on_a_device(payload: Payload) -> None:
    decision = decided(Bus(toy.registry(), DenyAll(), authority=False), an(payload))
    assert decision.outcome.status is Status.REFUSED
    assert decision.outcome.reasons[0].code == "permission.denied"
    assert (decision.changes, decision.effects, decision.folded) == ((), (), False)


def test_a_fact_of_somebody_without_the_right_is_refused_even_where_nothing_is_held() -> None:
    decision = decided(Bus(toy.registry(), DenyAll(), authority=False), an(mark(0)), backend=store("none"))
    assert decision.outcome.status is Status.REFUSED


@pytest.mark.parametrize(
    ("payload", "status"),
    [(mark(0), Status.CONTESTED), (enrol(0), Status.REFUSED), (toy.Take(seats=SEATS), Status.REFUSED)],
)
def test_the_cloud_contests_a_fact_and_refuses_the_rest(payload: Payload, status: Status) -> None:
    decision = decided(Bus(toy.registry(), DenyAll(), authority=True), an(payload), Phase.ACCEPT)
    assert decision.outcome.status is status
    assert (decision.changes, decision.effects) == ((), ())


def test_a_re_run_asks_neither_permission_nor_gates() -> None:
    bus = Bus(toy.registry(), DenyAll(), [Watch(0)], authority=False)
    assert decided(bus, an(mark(0)), Phase.RERUN).outcome.status is Status.ACCEPTED


def test_offline_a_claim_waits_a_lease_decides_a_publication_waits_a_step_is_refused() -> None:
    bus = toy.bus(authority=False)
    assert decided(bus, an(toy.Take(seats=SEATS))).outcome.needs == ("cloud",)
    assert decided(bus, an(toy.Post(seats=SEATS, free=1))).outcome.needs == ("cloud",)
    assert decided(bus, an(toy.Borrow(seats=SEATS, lease=False))).outcome.status is Status.WAITING
    assert decided(bus, an(toy.Borrow(seats=SEATS))).outcome.reasons[0].code == "toy.full"
    step = decided(bus, an(toy.Charge(amount=1))).outcome
    assert (step.status, step.reasons[0].code) == (Status.REFUSED, "needs_cloud")
    assert not any(decided(bus, an(p)).folded for p in (toy.Take(seats=SEATS), toy.Post(seats=SEATS, free=1)))


def test_a_tick_is_never_authored_on_a_device() -> None:
    decision = decided(toy.bus(authority=False), an(toy.Strike(seats=SEATS), CLOCK))
    assert isinstance(decision.fault, ProgramFault)
    with pytest.raises(ProgramFault):
        Device("d", Cloud()).bus.submit(toy.Strike(seats=SEATS), CLOCK)


@pytest.mark.parametrize("payload", [toy.Strike(seats=SEATS), toy.Charge(amount=1)])
@pytest.mark.parametrize("author", [CLOCK, STAFF])
def test_a_device_cannot_push_the_clouds_own_work(payload: Payload, author: Author) -> None:
    """A forged envelope that says `clock` is still a device's."""
    decision = decided(toy.bus(authority=True), an(payload, author), Phase.ACCEPT)
    assert decision.outcome.status is Status.REFUSED
    assert decision.changes == ()


def test_only_the_clock_authors_what_needs_no_capability() -> None:
    bus = toy.bus(authority=True)
    assert decided(bus, an(toy.Strike(seats=SEATS), STAFF)).outcome.status is Status.REFUSED
    assert decided(bus, an(toy.Strike(seats=SEATS), CLOCK)).outcome.status is Status.ACCEPTED


def test_the_authors_verdicts_are_written_into_the_operation() -> None:
    op = an(mark(0, 1))
    decision = decided(with_gates(Watch(0)), op)
    assert op.gates == decision.gates == (
        GateResult("watch", child(0), "block", "stopped"), GateResult("watch", child(1), "allow"),
    )  # fmt: skip
    assert op.blocked(child(0)) is not None
    assert op.blocked(child(1)) is None


def test_on_a_fact_the_clouds_verdict_adds_a_flag_and_undoes_nothing() -> None:
    bus = with_gates(Watch(0), authority=True)
    decision = decided(bus, an(mark(0, 1)), Phase.ACCEPT)
    assert decision.outcome.status is Status.ACCEPTED
    assert [reason.code for reason in decision.outcome.reasons] == ["gate.stopped"]
    assert decision.outcome.obligations == ({"review": "gate.stopped"},)
    assert len(decision.changes) == 2


def test_what_the_author_had_seen_is_no_news() -> None:
    seen = (GateResult("watch", child(0), "block", "stopped"),)
    op = an(mark(0, 1), gates=seen)
    assert decided(with_gates(Watch(0), authority=True), op, Phase.ACCEPT).outcome.reasons == ()
    assert op.gates == seen


def test_a_gate_that_cannot_look_asks_for_each_child() -> None:
    decision = decided(with_gates(Watch(looks=True)), an(mark(0, 1)), backend=store("roster/*"))
    assert [(gate.item, gate.result, gate.code) for gate in decision.gates] == [
        (child(0), "ask", "not_held"), (child(1), "ask", "not_held"),
    ]  # fmt: skip
    assert decision.outcome.status is Status.ACCEPTED


def test_a_gate_that_could_look_at_some_stops_no_sibling() -> None:
    cloud = Cloud()
    device = Device("d", cloud, bus=with_gates(Watch(looks=True)))
    device.bus.submit(enrol(0), STAFF)
    device.backend.scopes = ("roster/*",)
    gates = device.bus.submit(mark(0, 1), STAFF).decision.gates
    assert [(gate.item, gate.result) for gate in gates] == [(child(0), "allow"), (child(1), "ask")]


def test_gates_speak_although_the_operation_reads_what_is_not_held() -> None:
    decision = decided(with_gates(Watch(0)), an(mark(0)), backend=store("families/*"))
    assert decision.missing == "roster/north"
    assert decision.outcome.reasons[0].code == "undetermined"
    assert [gate.result for gate in decision.gates] == ["block"]


def test_where_a_scope_is_not_held_a_fact_is_undetermined_and_the_rest_waits() -> None:
    bus, nothing = toy.bus(authority=False), store("none")
    fact = decided(bus, an(mark(0)), backend=nothing)
    assert (fact.outcome.status, fact.outcome.reasons[0].code, fact.folded) == (Status.ACCEPTED, "undetermined", True)
    assert fact.touched.refs == {("presence", toy.presence_id(child(0)))}
    edit = decided(bus, an(toy.Rename(child=child(0), name="x")), backend=nothing)
    assert (edit.outcome.status, edit.outcome.needs, edit.folded) == (Status.WAITING, ("families/*",), False)
    claim = decided(bus, an(toy.Borrow(seats=SEATS)), backend=nothing)
    assert claim.outcome.needs == ("schedule",)


def test_a_handlers_bug_holds_up_nobody() -> None:
    decision = decided(toy.bus(authority=True), an(toy.Faulty()), Phase.ACCEPT)
    assert decision.outcome.status is Status.QUARANTINED
    assert isinstance(decision.fault, ZeroDivisionError)
    assert (decision.changes, decision.effects) == ((), ())


class Broken(Watch):
    def __init__(self, where: str, trouble: Exception) -> None:
        super().__init__()
        self.where, self.trouble = where, trouble

    def applies(self, op: Operation[Any]) -> bool:
        if self.where == "applies":
            raise self.trouble
        return super().applies(op)

    def check(self, tx: Tx, op: Operation[Any]) -> Iterable[GateResult]:
        raise self.trouble


@pytest.mark.parametrize("where", ["applies", "check"])
def test_a_gates_bug_quarantines_and_does_not_stop_the_batch(where: str) -> None:
    cloud = Cloud(bus=with_gates(Broken(where, ValueError()), authority=True))
    device = Device("d", cloud)
    device.bus.submit(mark(0), STAFF)
    pushed, _ = device.push()
    assert pushed is not None
    assert pushed.answers[0].outcome.status is Status.QUARANTINED


class Careless(toy.AllowAll):
    """Reads, for its resource, what a later round would have declared."""

    def allows(self, tx: Tx, op: Operation[Any]) -> Verdict:
        tx.get(toy.Seats, SEATS)
        return Verdict(True)


def test_a_permission_that_needs_what_is_not_held_lets_the_scope_be_named() -> None:
    bus = Bus(toy.registry(), Careless(), authority=False)
    follow = toy.Follow(child=child(0), house="north", name="x")
    assert decided(bus, an(follow), backend=store("families/*")).outcome.needs == ("roster/north",)
    assert decided(bus, an(follow)).fault is not None


def test_a_second_round_of_reads_looks_at_the_first() -> None:
    device = Device("d", Cloud())
    device.bus.submit(enrol(0), STAFF)
    device.bus.submit(mark(0), STAFF)
    (change,) = device.bus.submit(toy.Follow(child=child(0), house="north", name="Bo"), STAFF).changes
    assert change.after == {"name": "Bo"}


def test_decide_commits_nothing() -> None:
    device = Device("d", Cloud())
    decision = device.bus.decide(mark(0), STAFF)
    assert decision.changes
    assert device.backend.log == []
    assert device.backend.seen.all() == {}
    assert device.backend.head().sequence == 0


def test_a_handler_that_changes_and_refuses_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(tx: Tx, op: Operation[Any]) -> Any:
        tx.put(toy.Child(id=child(0), house="north", name="x"))
        return toy.refused("no")

    monkeypatch.setattr(toy.Enrol.SPEC, "handler", both)
    assert isinstance(decided(toy.bus(authority=False), an(enrol(0))).fault, ProgramFault)


def test_not_held_of_the_permissions_own_reads_names_the_scope() -> None:
    class Nowhere(toy.AllowAll):
        def allows(self, tx: Tx, op: Operation[Any]) -> Verdict:
            raise NotHeld("studio")

    bus = Bus(toy.registry(), Nowhere(), authority=False)
    assert decided(bus, an(enrol(0))).outcome.needs == ("studio",)
