"""Doors of one place without the internet: how long until one knows whom another let in, and what it costs to be able to.

Real kiosks with encrypted stores of 20,000 children, over the real relay (TLS on the loopback) and, beside it, over the
cloud. Without either a second door lets the same pass in again: until the next sync, however long that takes.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from bench.claims import Claim, claim, percentile
from bench.ground.server import served
from bench.ground.studio import Due, copied, ground, opened_cloud, paired
from bench.push import online
from classtap_cli.demo.proxy import SwitchProxy
from classtap_core.checkin.attendees import IssueAttendeePass
from classtap_core.checkin.records import Attendance, Scan, attendance_id
from classtap_core.kernel.batches import Batch
from classtap_core.kernel.ids import Id
from classtap_core.kernel.tx import Ref
from cloud.composition import Cloud
from cloud.passes import attendee_pass
from kiosk.door import Door, Said
from sync.client.engine import State
from sync.client.node import Node
from sync.client.onsite import NodeNeighbours
from sync.client.relay.finding import Fixed

RUNS = 1
DOORS = 5
APART, FIVE, BY_CLOUD, ALONE, FAMILIES = 200, 60, 60, 10, 150
PATIENCE_S = 30.0
BESIDE = "over the cloud, with internet"
BESIDE_OFF = "with the relay off"


class Ticket(NamedTuple):
    """A pass of one child to one class, that admits once."""

    text: str
    family: Id
    session: Id
    child: Id


class Way(NamedTuple):
    """Milliseconds from a commit at the first door: until all others have the scan, until they have the mark, and until the
    last of them refused the same pass."""

    scans: list[float]
    marks: list[float]
    refused: list[float]


def run() -> list[Claim]:
    """One run: two doors apart, five, the same over the cloud, with neither, and all online with and without a relay."""
    with _doors() as (doors, proxy, tickets):
        left = iter(tickets)

        def some(count: int) -> list[Ticket]:
            return [next(left) for _ in range(count)]

        _relays(doors, on=False)
        over_cloud = _measured(doors[:2], some(BY_CLOUD))
        off_ms, off_rate = _marking(doors[0], 0)
        _relays(doors, on=True)
        _meet(doors)
        on_ms, on_rate, told = _told_while(lambda: _marking(doors[0], FAMILIES))
        _until(lambda: not any(node.pending() for node in doors), "all is sent")
        proxy.cut()
        _until(lambda: all(node.engine.state is State.OFFLINE for node in doors), "offline")
        five = _measured(doors, some(FIVE))
        for node in doors[2:]:
            node.set_relay(False)
        two = _measured(doors[:2], some(APART))
        _relays(doors, on=False)
        flagged = _refused_alone(doors, some(ALONE))
    return [
        *_claims("relay.two_doors", two, over_cloud),
        *_claims("relay.five_doors", five, over_cloud),
        claim("relay.off.second_scan_refused_percent", flagged),
        claim("relay.online.heard_bytes_per_family", told / FAMILIES),
        claim("relay.online.mark_p95_ms", on_ms, beside=(BESIDE_OFF, off_ms)),
        claim("relay.online.scans_and_marks_per_s_rate", on_rate, beside=(BESIDE_OFF, off_rate)),
    ]


def _claims(name: str, apart: Way, over_cloud: Way) -> list[Claim]:
    made = []
    for what, ours, theirs in zip(("scan_heard", "mark_heard", "second_scan_refused"), apart, over_cloud, strict=True):
        for percent, goal in ((50, None), (95, 1_000.0), (100, None)):
            label = f"p{percent}" if percent < 100 else "max"
            beside = (BESIDE, percentile(theirs, percent))
            made.append(claim(f"{name}.{what}_{label}_ms", percentile(ours, percent), goal=goal, beside=beside))
    return made


# --- the doors


@contextmanager
def _doors() -> Iterator[tuple[list[Node], SwitchProxy, list[Ticket]]]:
    """Kiosks of one place behind one cable to the cloud, all by one clock, and passes that the doors know."""
    with ExitStack() as ends:
        folder = ends.enter_context(copied("cloud", "kiosk"))
        url = ends.enter_context(served(folder, now_ms=ground().now_ms))
        proxy = SwitchProxy(int(url.rsplit(":", 1)[1]))
        ends.callback(proxy.close)
        cloud = opened_cloud(folder, ground().now_ms)
        clock = ground().clock()
        try:
            tickets = _issued(cloud, APART + FIVE + BY_CLOUD + ALONE)
            doors = [ends.enter_context(online(folder, proxy.url, clock))]
            for number in range(1, DOORS):
                node = paired(
                    folder, cloud, url=proxy.url, name=f"door {number}", main=ground().main, now_ms=ground().now_ms,
                    clock=clock,
                )  # fmt: skip
                doors.append(ends.enter_context(node))
        finally:
            cloud.close()
        for node in doors:
            node.engine.once()
        for node in doors:
            node.engine.once()  # those paired later are in the studio's records by now
        _start(doors)
        yield doors, proxy, tickets


def _issued(cloud: Cloud, count: int) -> list[Ticket]:
    now_s, made = cloud.studios.clock.now().corrected // 1_000, []
    for due in ground().due[FAMILIES * 2 :][:count]:
        session, child = due.session, due.children[0]
        wanted = IssueAttendeePass(
            session=session, child=child, handle=os.urandom(8).hex(), token=os.urandom(6).hex(), issued_s=now_s,
            expires_s=now_s + 4 * 3_600,
        )  # fmt: skip
        if not cloud.studios.author(ground().studio, wanted, source="bench").link.outcome.stands:
            raise RuntimeError("no pass was issued")
        text = attendee_pass(cloud.studios, ground().studio, session, child).text
        made.append(Ticket(text, due.family, session, child))
    return made


def _start(doors: Sequence[Node]) -> None:
    """Each knows where those before it listen."""
    ports: list[int] = []
    for node in doors:
        node.start(Fixed([("127.0.0.1", port) for port in ports]))
        relay = node.site.relay
        if relay is None or not relay.port:
            raise RuntimeError("a door listens nowhere")
        ports.append(relay.port)
    _until(lambda: all(node.engine.state is State.ONLINE for node in doors), "online")


def _relays(doors: Sequence[Node], *, on: bool) -> None:
    for node in doors:
        node.set_relay(on)


def _meet(doors: Sequence[Node]) -> None:
    """Tell each where those before it listen now."""
    ports: list[str] = []
    for node in doors:
        node.set_relay_peers(ports)
        relay = node.site.relay
        if relay is None:
            raise RuntimeError("a door listens nowhere")
        ports.append(f"127.0.0.1:{relay.port}")
    _until(lambda: all(len(node.neighbourhood().neighbours) == DOORS - 1 for node in doors), "all neighbours")


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"did not come: {what}")
        time.sleep(0.01)


# --- how long it takes


class Watch:
    """When a node had what it committed."""

    def __init__(self, node: Node) -> None:
        self._at: dict[Ref, float] = {}
        self._came = threading.Condition()
        self.end = node.on_change(self._changed)

    def _changed(self, refs: frozenset[Ref]) -> None:
        now = time.perf_counter()
        with self._came:
            for ref in refs:
                self._at.setdefault(ref, now)
            self._came.notify_all()

    def at(self, ref: Ref) -> float:
        """When a record came to be here first."""
        with self._came:
            if not self._came.wait_for(lambda: ref in self._at, PATIENCE_S):
                raise RuntimeError(f"did not come: {ref}")
            return self._at[ref]


def _measured(doors: Sequence[Node], tickets: Sequence[Ticket]) -> Way:
    first, *others = [Door(node) for node in doors]
    watch, *watches = [Watch(node) for node in doors]
    way = Way([], [], [])
    try:
        for ticket in tickets:
            scan = first.scan(ticket.text).result()
            if scan.outcome != "ok":
                raise RuntimeError(f"not let in: {scan.outcome} {scan.reason}")
            came: Ref = (Scan.KIND, Id(scan.scan))
            committed = watch.at(came)
            way.scans.append(1_000 * (max(one.at(came) for one in watches) - committed))
            for door in others:
                again = door.scan(ticket.text).result()
                if again.outcome != "used":
                    raise RuntimeError(f"a door let it in again: {again.outcome} {again.reason}")
            way.refused.append(1_000 * (time.perf_counter() - committed))
            first.mark(ticket.family, ticket.session, [Said(ticket.child, "present")], scan=scan.scan).result()
            came = (Attendance.KIND, attendance_id(ground().studio, ticket.session, ticket.child))
            way.marks.append(1_000 * (max(one.at(came) for one in watches) - watch.at(came)))
    finally:
        for one in (watch, *watches):
            one.end()
    return way


def _refused_alone(doors: Sequence[Node], tickets: Sequence[Ticket]) -> float:
    """Percent of passes that the second door refused where the two hear neither each other nor the cloud."""
    first, second = Door(doors[0]), Door(doors[1])
    refused = 0
    for ticket in tickets:
        first.scan(ticket.text).result()
        refused += second.scan(ticket.text).result().outcome == "used"
    return 100 * refused / len(tickets)


def _marking(node: Node, start: int) -> tuple[float, float]:
    """Families one after the other at one door while all are online: p95 of the two commits in ms, and families a second."""
    door = Door(node)
    families = [one for one in ground().due if one.text][start : start + FAMILIES]
    began = time.perf_counter()
    times = [_scan_and_mark(door, due) for due in families]
    return percentile(times, 95), FAMILIES / (time.perf_counter() - began)


def _scan_and_mark(door: Door, due: Due) -> float:
    started = time.perf_counter()
    seen = door.scan(due.text).result()
    door.mark(due.family, due.session, [Said(child, "present") for child in due.children], scan=seen.scan).result()
    return 1_000 * (time.perf_counter() - started)


def _told_while(work: Callable[[], tuple[float, float]]) -> tuple[float, float, int]:
    """What the work came to, and how many bytes of operations were told meanwhile."""
    told = 0
    hear = NodeNeighbours.hear

    def counted(self: NodeNeighbours, peer: Id, run: Batch) -> None:
        nonlocal told
        told += sum(len(item.data) + sum(map(len, item.parts.values())) for item in run.items)
        hear(self, peer, run)

    NodeNeighbours.hear = counted  # type: ignore[method-assign]
    try:
        return (*work(), told)
    finally:
        NodeNeighbours.hear = hear  # type: ignore[method-assign]
