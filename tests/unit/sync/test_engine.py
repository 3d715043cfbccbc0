"""The engine drains, pulls and recovers: every rule shown over a wire whose failures are planned."""

import json
import random
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import date
from typing import Any

import msgspec
import pytest

from classtap_core.kernel.clock import Correction, ManualClock
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.envelope import Author, own
from classtap_core.kernel.ids import derived
from classtap_core.kernel.outcomes import Status as Outcome
from sync.client import pulling, pushing
from sync.client.engine import State, SyncEngine
from sync.client.retry import Backoff
from sync.client.subscriptions import subscriptions
from sync.client.transport import Rejected, Silent, Unreachable
from sync.protocol import Page, Push, Pushed, SnapshotPage, encode, wire_row
from tests.unit.kernel import toy
from tests.unit.sync.rig import Cloud, Device, Wire

ALLOWED = ("studio", "schedule/*", "families/*", "roster/*")
STAFF = Author(type="staff", id=derived("staff", "ines"))
CHILDREN = [derived("child", str(number)) for number in range(5)]


class House:
    def __init__(self, *names: str) -> None:
        self.clock = ManualClock(1_763_700_000_000)
        entropy = random.Random(7).randbytes
        self.cloud = Cloud(self.clock, entropy)
        self.devices = [Device(name, self.clock, entropy) for name in names]
        self.wires = [Wire(self.cloud) for _ in names]
        for device in self.devices:
            self.cloud.admit(device)
        self.engines = [self.started(number) for number in range(len(names))]

    def started(self, number: int) -> SyncEngine:
        """A program of a device that begins, knowing nothing but what the device kept."""
        return SyncEngine(
            self.devices[number], self.wires[number], self.clock, allowed=ALLOWED, today=lambda: date(2026, 11, 21),
            backoff=Backoff(),
        )  # fmt: skip

    def settle(self) -> None:
        for engine in [*self.engines, *self.engines]:
            engine.once()

    def agree(self) -> bool:
        cloud = {ref: row.body for ref, row in self.cloud.storage.state.all().items()}
        return all(device.seen() == cloud for device in self.devices)


def enrol(device: Device, *children: str) -> None:
    for child in children:
        device.bus.submit(toy.Enrol(child=child, house="h", name="Zoë"), STAFF)


def mark(device: Device, *children: str, state: str = "present") -> None:
    device.bus.submit(toy.MarkPresence(house="h", items=tuple(toy.Item(child, state) for child in children)), STAFF)


@pytest.fixture
def house() -> House:
    house = House("kiosk", "desk")
    house.settle()
    return house


def test_what_one_device_does_every_other_sees(house: House) -> None:
    kiosk, desk = house.devices
    enrol(kiosk, *CHILDREN)
    mark(kiosk, *CHILDREN)
    house.settle()
    assert house.agree()
    assert len(desk.seen()) == 10
    assert kiosk.pending() == 0


def test_an_answer_lost_after_the_commit_repeats_nothing(house: House) -> None:
    kiosk = house.devices[0]
    enrol(kiosk, *CHILDREN)
    house.wires[0].fail_after = ["push"]
    with pytest.raises(Unreachable):
        house.engines[0].once()
    assert kiosk.pending() == 5
    ledgers = len(house.cloud.storage.ledgers)
    house.settle()
    assert kiosk.pending() == 0
    assert len(house.cloud.storage.ledgers) == ledgers == 5
    assert house.agree()


def test_pulls_apply_while_the_queue_is_not_empty(house: House) -> None:
    kiosk, desk = house.devices
    enrol(desk, CHILDREN[0])
    house.engines[1].once()
    house.clock.advance(1_000)
    mark(kiosk, CHILDREN[0])
    rows, head = house.cloud.storage.pull(("families/*",), after=0)
    kiosk.apply(rows, cursor=head, token=str(head))
    assert kiosk.pending() == 1
    assert len(kiosk.seen()) == 2


def test_a_poison_operation_is_answered_and_holds_up_nobody(house: House) -> None:
    kiosk = house.devices[0]
    enrol(kiosk, CHILDREN[0])
    with pytest.raises(ZeroDivisionError):
        kiosk.bus.submit(toy.Faulty(), STAFF)
    healthy, toy.Faulty.SPEC.handler = toy.Faulty.SPEC.handler, lambda tx, op: toy.ACCEPTED
    try:
        kiosk.bus.submit(toy.Faulty(), STAFF)
    finally:
        toy.Faulty.SPEC.handler = healthy
    enrol(kiosk, CHILDREN[1])
    house.settle()
    assert kiosk.pending() == 0
    assert [entry.answer.status for entry in kiosk.store.log] == [
        Outcome.ACCEPTED,
        Outcome.QUARANTINED,
        Outcome.ACCEPTED,
    ]
    assert house.agree()


def test_the_loser_of_a_meeting_is_told_once(house: House) -> None:
    kiosk, desk = house.devices
    mark(kiosk, CHILDREN[0])
    house.clock.advance(2_000)
    mark(desk, CHILDREN[0], state="late")
    house.engines[1].once()
    assert not desk.store.notices
    house.engines[0].once()
    house.engines[1].once()
    house.settle()
    (notice,) = desk.store.notices.values()
    assert (notice.before.status, notice.now.status) == (Outcome.ACCEPTED, Outcome.SUPERSEDED)
    assert not kiosk.store.notices
    assert house.agree()


def test_a_claim_waits_for_the_cloud_and_its_rows_come_back(house: House) -> None:
    kiosk, desk = house.devices
    seats = derived("seats", "x")
    desk.bus.submit(toy.Census(house="h", into=seats), STAFF)
    house.settle()
    enrol(desk, CHILDREN[0])
    desk.bus.submit(toy.Census(house="h", into=seats), STAFF)
    house.settle()
    receipt = kiosk.bus.submit(toy.Take(seats=seats), STAFF)
    assert receipt.outcome.status is Outcome.WAITING
    second = desk.bus.submit(toy.Take(seats=seats), STAFF)
    house.settle()
    assert kiosk.store.log[receipt.sequence - 1].answer.status is Outcome.ACCEPTED
    assert desk.store.log[second.sequence - 1].answer.status is Outcome.REFUSED
    assert list(desk.store.notices) == [second.operation]
    assert house.agree()


def test_states_follow_what_happens(house: House) -> None:
    engine, wire = house.engines[0], house.wires[0]
    assert engine._round() == 30.0
    assert engine.status().state is State.ONLINE
    wire.down = True
    assert 0 < engine._round() <= Backoff.PROBE_MOST
    assert engine.status().state is State.OFFLINE
    assert engine.last_trouble == ("cloud.unreachable", engine.clock.now().corrected)
    wire.down = False
    wire.reject = [Rejected(429, "sync.rate", {}, 7.0)]
    assert 0 <= engine._round() <= Backoff.MOST
    assert engine._held_s == 7.0
    wire.reject = [Rejected(409, "sync.gap", {"expected": 3}, None)]
    engine._round()
    assert (engine.status().trouble, engine.status().params) == ("sync.gap", {"expected": 3})
    engine.backoff.rejections = 1
    assert engine.status().state is State.FAILING
    for code in ("cloud.database_unreachable", "cloud.stopping"):  # as soon over as any outage
        engine._held_s = 0.0
        wire.reject = [Rejected(503, code, {}, 5.0)]
        assert 0 < engine._round() <= Backoff.PROBE_MOST
        assert (engine._held_s, engine.status().trouble) == (0.0, code)
    assert engine.backoff.rejections == 1
    engine._round()
    assert (engine.status().state, engine.backoff.rejections) == (State.ONLINE, 0)
    assert engine.last_trouble is not None
    assert engine.last_trouble[0] == "cloud.stopping", "it has passed, and whoever asks may still hear of it"
    engine.pause(True)
    assert engine._round() is None
    assert engine.status().state is State.PAUSED
    engine.pause(False)
    wire.reject = [Rejected(403, "device.revoked", {}, None)]
    engine._round()
    assert engine.status().state is State.REVOKED


def test_a_line_gone_silent_is_told_at_once_and_one_that_was_closed_is_looked_into(house: House) -> None:
    engine = house.engines[0]
    engine._round()
    engine._look_if_online(Unreachable("RemoteProtocolError"))
    assert engine.status().state is State.ONLINE
    engine._look_if_online(Silent("ReadTimeout"))
    assert engine.status().state is State.OFFLINE
    engine._round()
    assert engine.status().state is State.ONLINE


def test_an_outage_uses_up_no_attempt() -> None:
    backoff = Backoff()
    for _ in range(50):
        assert 0.2 <= backoff.outage() <= Backoff.PROBE_MOST
    assert backoff.rejections == 0
    assert max(backoff.rejection() for _ in range(40)) <= Backoff.MOST


def test_dated_scopes_are_asked_for_around_today() -> None:
    found = subscriptions(("studio", "roster/a/*", "families/*"), date(2026, 12, 31), behind=1, ahead=2)
    assert found == (
        "studio",
        "roster/a/2026-12-31",
        "families/*",
        "roster/a/2026-12-30",
        "roster/a/2027-01-01",
        "roster/a/2027-01-02",
    )


def test_while_the_day_is_in_doubt_old_days_stay_and_what_may_not_be_held_goes() -> None:
    house = House("kiosk")
    (pulling,) = (engine.pulling for engine in house.engines)
    pulling.allowed = ("studio", "families/*", "roster/a/*")
    house.engines[0].once()
    certain, house.clock.correction = house.clock.correction, Correction()
    days = {f"roster/a/2026-11-{day}" for day in range(20, 29)}
    pulling.today = lambda: date(2026, 12, 21)
    pulling.allowed = ("studio", "roster/a/*")
    house.engines[0].once()
    held = house.devices[0].loaded.keys()
    assert days < held
    assert "roster/a/2026-12-21" in held
    assert "families/*" not in held
    house.clock.correction = certain
    house.engines[0].once()
    assert not days & held


def test_the_days_around_midnight_at_the_studio_come_and_go_by_themselves() -> None:
    house = House("kiosk")
    (pulling,) = (engine.pulling for engine in house.engines)
    pulling.allowed = ("roster/a/*",)
    held = house.devices[0].loaded.keys()
    for day in (21, 22):
        pulling.today = lambda day=day: date(2026, 11, day)
        house.engines[0].once()
        assert held == {f"roster/a/{date(2026, 11, day + step)}" for step in range(-1, 8)}


def test_a_day_that_the_first_answer_put_right_is_loaded_in_the_same_round() -> None:
    house = House("kiosk")
    (pulling,) = (engine.pulling for engine in house.engines)
    pulling.allowed = ("roster/a/*",)
    days = iter([date(2026, 12, 9)])
    pulling.today = lambda: next(days, date(2026, 11, 21))
    house.engines[0].once()
    assert house.devices[0].loaded.keys() == {f"roster/a/{date(2026, 11, 21 + step)}" for step in range(-1, 8)}


def test_a_snapshot_cut_between_pages_goes_on_where_it_stopped() -> None:
    house = House("desk", "late")
    desk = house.devices[0]
    house.engines[0].once()
    enrol(desk, *CHILDREN)
    house.engines[0].once()
    wire = house.wires[1]
    asked: list[tuple[str, str]] = []
    answer = wire.snapshot

    def cut_once(scope: str, after: str = "", **more: Any) -> SnapshotPage:
        asked.append((scope, after))
        if asked.count(("families/*", "2")) == 1 and asked[-1] == ("families/*", "2"):
            raise Unreachable("cut")
        return answer(scope, after, **more)

    wire.snapshot = cut_once
    with pytest.raises(Unreachable):
        house.engines[1].once()
    house.settle()
    assert house.agree()
    assert [after for scope, after in asked if scope == "families/*"] == ["", "2", "2", "4"]


def test_a_first_load_that_is_killed_fifty_times_fetches_a_tenth_more_at_most() -> None:
    """Bar F 11, in bytes: of a page that was cut, what came is kept."""
    house = House("desk", "killed", "alone")
    enrol(house.devices[0], *(derived("child", str(number)) for number in range(1_500)))
    house.engines[0].once()
    lines = [_Metered(wire) for wire in house.wires[1:]]
    lines[1].left = sys.maxsize
    house.engines[2].once()
    chance = random.Random(11)
    for _ in range(50):
        lines[0].left = chance.randrange(lines[1].served // 30)
        with pytest.raises(Unreachable):
            house.started(1).once()
    assert lines[0].served > lines[1].served / 2
    lines[0].left = sys.maxsize
    house.started(1).once()
    assert lines[0].served <= 1.1 * lines[1].served
    assert house.agree()


class _Metered:
    """Snapshots over a wire that carries so many bytes more, and then none."""

    def __init__(self, wire: Wire) -> None:
        self._answer, self.served, self.left = wire.snapshot, 0, 0
        wire.page = 100
        wire.snapshot = self.snapshot  # type: ignore[method-assign]

    def snapshot(
        self, scope: str, after: str = "", *, leaf: str = "", keep: Callable[[bytes], None] = lambda data: None
    ) -> SnapshotPage:
        sent: list[bytes] = []
        page = self._answer(scope, after, leaf=leaf, keep=sent.append)
        came = sent[0][: self.left]
        self.served += len(came)
        self.left -= len(came)
        keep(came)
        if came != sent[0]:
            raise Unreachable("killed with the page on its way")
        return page


class _AtOnce(Executor):
    """Work is done when it is given."""

    def __init__(self, *_: object) -> None: ...

    def submit(self, work: Callable[..., Any], /, *given: Any, **named: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        try:
            done.set_result(work(*given, **named))
        except Unreachable as failure:
            done.set_exception(failure)
        return done


def test_a_load_that_was_cut_asks_for_nothing_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "ThreadPoolExecutor", _AtOnce)
    house = House("desk", "late", "whole")
    enrol(house.devices[0], *CHILDREN)
    house.engines[0].once()
    done = _recorded(house.wires[2], house.devices[2])
    house.engines[2].once()
    assert done == ["asked", "asked", "kept", "asked", "kept", "kept"]
    house.wires[1].fail_after = ["snapshot"]
    with pytest.raises(Unreachable):
        house.engines[1].once()
    done = _recorded(house.wires[1], house.devices[1])
    house.engines[1].once()
    assert done == ["asked", "kept"] * 3
    assert house.agree()


def _recorded(wire: Wire, device: Device) -> list[str]:
    """The order in which pages of families are asked for and kept from now on."""
    done: list[str] = []
    answer, keep = wire.snapshot, device.snapshot

    def asked(scope: str, after: str = "", **more: Any) -> SnapshotPage:
        done.extend(["asked"] * (scope == "families/*"))
        return answer(scope, after, **more)

    def kept(scope: str, *page: Any, **more: Any) -> None:
        keep(scope, *page, **more)
        done.extend(["kept"] * (scope == "families/*"))

    wire.snapshot, device.snapshot = asked, kept  # type: ignore[method-assign]
    return done


def test_what_came_of_a_page_counts_unless_something_newer_was_pulled_since() -> None:
    house = House("desk", "late")
    enrol(house.devices[0], *CHILDREN)
    house.engines[0].once()
    late, wire = house.devices[1], house.wires[1]
    answer, asked = wire.snapshot, []

    def counted(scope: str, after: str = "", **more: Any) -> SnapshotPage:
        asked.append((scope, after))
        return answer(scope, after, **more)

    wire.snapshot = counted  # type: ignore[method-assign]

    def keep_page(name: str) -> None:
        """As a program leaves it that was killed while it wrote the page."""
        row = late.store.base.all()["child", CHILDREN[0]]
        page = SnapshotPage(
            through=house.cloud.storage.lock_head().sequence, cursor="1",
            rows=(wire_row(Pulled(row.kind, row.id, row.scope, row.body.replace("Zoë".encode(), name.encode()))),),
        )  # fmt: skip
        with late.arriving.keeping("families/*", "") as keep:
            keep(encode(page))

    def name() -> str:
        return json.loads(late.store.base.all()["child", CHILDREN[0]].body)["name"]

    house.engines[1].once()
    late.reload(["families/*"])
    keep_page("Kept")
    asked.clear()
    house.engines[1].once()
    assert ("families/*", "") not in asked
    assert name() == "Kept"
    late.reload(["families/*"])
    keep_page("Old")
    mark(house.devices[0], *CHILDREN)
    house.engines[0].once()
    mark(late, CHILDREN[0])  # with its push comes what changed, before the scope is loaded
    house.engines[1].once()
    assert ("families/*", "") in asked
    assert name() == "Zoë"


def test_a_cloud_that_answers_nothing_is_not_asked_at_once_again(house: House) -> None:
    kiosk, wire = house.devices[0], house.wires[0]
    enrol(kiosk, CHILDREN[0])
    answer = wire.push

    def nothing(push: Push) -> Pushed:
        assert wire.pushes < 2, "asked again and again"
        return msgspec.structs.replace(answer(push), answers=())

    wire.push = nothing
    house.engines[0]._round()
    assert house.engines[0].status().state is State.FAILING
    assert wire.pushes == 1
    wire.push = answer
    house.settle()
    assert kiosk.pending() == 0
    assert house.agree()


def test_a_long_queue_goes_in_order_though_a_batch_overtakes_another(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cloud refuses what comes before its forerunner; it is sent again, and nothing happens twice."""
    monkeypatch.setattr(pushing, "MOST_OPERATIONS", 2)
    kiosk, wire = house.devices[0], house.wires[0]
    enrol(kiosk, *CHILDREN)
    send, overtaken, refused = wire.push, threading.Event(), set()
    said: dict[int, list[bool]] = {}

    def overtake(push: Push) -> Pushed:
        first = own(push.items[0].envelope.encode()).sequence
        said.setdefault(first, []).append(push.behind)
        if first == 1:
            assert overtaken.wait(60)
        try:
            return send(push)
        except Rejected as no:
            refused.add((first, no.code))
            raise
        finally:
            if first == 3:
                overtaken.set()

    monkeypatch.setattr(wire, "push", overtake)
    house.engines[0].once()
    assert {(3, "sync.gap")} <= refused <= {(3, "sync.gap"), (5, "sync.gap")}  # a cloud that does not wait
    assert said[1] == [False]
    assert said[3] == [True, False], "sent again, it is behind nobody"
    assert kiosk.pending() == 0
    assert [ledger.link.device_sequence for ledger in house.cloud.storage.ledgers] == [1, 2, 3, 4, 5]
    monkeypatch.undo()
    house.settle()
    assert house.agree()


def test_a_long_queue_whose_first_answer_is_lost_repeats_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "MOST_OPERATIONS", 2)
    kiosk = house.devices[0]
    enrol(kiosk, *CHILDREN)
    house.wires[0].fail_after = ["push"]
    with pytest.raises(Unreachable):
        house.engines[0].once()
    assert kiosk.pending() == 5
    house.settle()
    assert kiosk.pending() == 0
    assert len(house.cloud.storage.ledgers) == 5
    assert house.agree()


def test_what_was_done_here_stays_in_sight_until_all_pages_have_come(house: House) -> None:
    """A page tells how far it goes, but its rows stand as they are now: one that changed again comes with a later page."""
    kiosk, engine = house.devices[0], house.engines[0]
    mark(kiosk, CHILDREN[0])
    batch = engine.pushing.batch()
    assert batch is not None
    answer = house.wires[0].push(msgspec.structs.replace(batch.push, scopes=()))  # no page comes with it
    engine.pushing.acknowledge(answer, batch.push.epoch)
    before, mine = kiosk.head(), kiosk.seen()
    assert (kiosk.pending(), len(mine)) == (0, 1)
    engine.pulling.take(Page(rows=(), through=answer.answers[0].included, cursor="half-way", more=True))
    assert kiosk.seen() == mine
    assert (kiosk.head().cursor, kiosk.head().token) == (before.cursor, "half-way")


def test_a_stale_cursor_in_a_pushs_answer_is_heeded(house: House) -> None:
    """Scopes to be loaded anew are let go before the cursor moves on, and loaded in the next round."""
    kiosk, desk = house.devices
    enrol(desk, *CHILDREN[1:])
    house.engines[1].once()
    enrol(kiosk, CHILDREN[0])
    wire = house.wires[0]
    answer = wire.push

    def stale(push: Push) -> Pushed:
        pushed = answer(push)
        assert pushed.page is not None
        page = Page(through=pushed.page.through, cursor=pushed.page.cursor, resnapshot=push.scopes)
        return msgspec.structs.replace(pushed, page=page)

    wire.push = stale
    house.engines[0].once()
    wire.push = answer
    house.settle()
    assert len(kiosk.seen()) == 5
    assert house.agree()


def test_nothing_is_pulled_past_a_scope_that_is_half_loaded(house: House) -> None:
    """What changes on a page that is already here would otherwise never come again."""
    desk = house.devices[1]
    enrol(desk, *CHILDREN)
    house.engines[1].once()
    late = House("late")
    late.cloud, late.wires[0].cloud = house.cloud, house.cloud
    house.cloud.admit(late.devices[0])
    wire = late.wires[0]
    answer = wire.snapshot

    def cut(scope: str, after: str = "", **more: Any) -> SnapshotPage:
        if (scope, after) == ("families/*", "2"):
            raise Unreachable("cut")
        return answer(scope, after, **more)

    wire.snapshot = cut
    with pytest.raises(Unreachable):
        late.engines[0].once()
    desk.bus.submit(toy.Rename(child=min(CHILDREN), name="Changed"), STAFF)
    house.engines[1].once()
    mark(late.devices[0], CHILDREN[0])
    with pytest.raises(Unreachable):
        late.engines[0].once()
    assert late.devices[0].pending() == 0
    wire.snapshot = answer
    late.engines[0].once()
    house.settle()
    late.engines[0].once()
    assert late.agree()
    assert house.agree()
