"""What the tests of the whole house share: waiting for what must come, clocks that are wrong, what everybody agrees on."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import msgspec
from sqlalchemy import func, select

from classtap_cli.demo.studio import DemoFamily
from classtap_core.booking.operations import CreateBooking
from classtap_core.checkin.records import Attendance, Scan, attendance_id
from classtap_core.checkin.roster import roster
from classtap_core.kernel.clock import SystemClock, Timestamp
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.outcomes import Outcome
from classtap_core.kernel.records import decode
from classtap_core.schedule.operations import AddLocation, AddSessions
from classtap_core.timekeeping.rules import instant_ms
from cloud.storage.audit import audit
from cloud.storage.pulls import snapshot
from kiosk.door import Door, Marked, Said, Sighted
from kiosk.headless import mark_all
from sync.client.node import Node
from sync.client.transport import Unreachable
from sync.signed import is_signed
from tests.end_to_end.rig import Studio

PATIENCE_S = 30.0
"""How long anything here may take before the test says that it does not come."""


def until(condition: Callable[[], Any], *nodes: Node, what: str = "", within_s: float = PATIENCE_S) -> Any:
    """Wait until a condition holds, looking after every commit and every status of the nodes; what it came to.

    What no node tells of (the cloud's own books) is looked at every 20 ms.
    """
    told = threading.Event()
    with ExitStack() as ends:
        for node in nodes:
            ends.callback(node.on_change(lambda refs: told.set()))
            ends.callback(node.on_status(lambda status: told.set()))
        deadline = time.monotonic() + within_s
        while True:
            told.clear()
            found = condition()
            if found:
                return found
            left = deadline - time.monotonic()
            states = [node.engine.status() for node in nodes]
            assert left > 0, f"did not come within {within_s} s: {what or condition}, {states}"
            told.wait(min(left, 0.02))


class WrongClock(SystemClock):
    """A machine whose clock somebody set wrong: `wrong_ms` ahead (behind, when negative) of the cloud's."""

    def __init__(self, wrong_ms: int) -> None:
        super().__init__()
        self.wrong_ms = wrong_ms

    def now(self) -> Timestamp:
        here = super().now()
        return self.correction.stamp(wall=here.wall + self.wrong_ms, mono=here.mono, boot=here.boot)


class Sky:
    """One time for everybody, which a test may move on."""

    def __init__(self) -> None:
        self.moved_ms = 0

    def clock(self) -> SystemClock:
        return _UnderSky(self)


class _UnderSky(SystemClock):
    def __init__(self, sky: Sky) -> None:
        super().__init__()
        self._sky = sky

    def now(self) -> Timestamp:
        here = super().now()
        moved = self._sky.moved_ms
        return self.correction.stamp(wall=here.wall + moved, mono=here.mono + moved, boot=here.boot)


def staff(studio: Studio, role: str = "manager") -> Author:
    """Somebody who works at the main location, or everywhere."""
    plan = studio.plan
    return next(
        Author(type="staff", id=one.staff)
        for one in plan.staff
        if one.role == role and one.location in ("", plan.main, "Riverside")
    )


def say(node: Node, payload: Payload, author: Author) -> Any:
    """Submit, and the receipt."""
    return node.submit(payload, author, source="test").result()


def show(studio: Studio, door: Door, family: DemoFamily) -> Sighted:
    """Hold a family's pass to the kiosk."""
    return door.scan(studio.pass_text(family)).result()


def check_in(
    studio: Studio, door: Door, family: DemoFamily, state: str = "present"
) -> tuple[Sighted, list[tuple[Id, Id]]]:
    """Hold a pass to the kiosk and mark every child on the board; (session, child) of each mark that stands.

    A gate may stop a child who is present elsewhere at that time; its siblings go on.
    """
    sighted = show(studio, door, family)
    assert sighted.outcome == "ok", sighted.outcome
    said = [
        (Id(session), Id(item.key))
        for session, one in mark_all(door, sighted, state)
        for item in one.outcome.items
        if item.status.value == "accepted"
    ]
    assert said
    return sighted, said


def mark_one(door: Door, sighted: Sighted, state: str, *, group: int = 0) -> Marked:
    """Mark the first child of a group on a board."""
    assert sighted.board is not None
    shown = sighted.board.groups[group]
    said = [Said(Id(shown.children[0].child), state)]
    return door.mark(Id(sighted.family), shown.card.session.id, said, scan=sighted.scan).result()


def families_due(studio: Studio, most: int = 50) -> list[DemoFamily]:
    plan = studio.plan
    return [one for one in plan.families if one.due and one.home == plan.main][:most]


def planned_starts(studio: Studio) -> dict[Id, int]:
    """When each session of the plan's week starts, milliseconds since the Unix epoch."""
    payloads = [draft.payload for draft in studio.plan.drafts]
    zones = {one.location: one.zone for one in payloads if isinstance(one, AddLocation)}
    weeks = [one for one in payloads if isinstance(one, AddSessions)]
    return {item.session: instant_ms(item.start, zones[one.location]) for one in weeks for item in one.items}


def booked_now(studio: Studio, family: Id) -> CreateBooking:
    """The booking of a family whose session starts nearest to now, on whichever side of midnight."""
    starts, now_ms = planned_starts(studio), studio.clock.now().wall
    payloads = [draft.payload for draft in studio.plan.drafts]
    booked = [one for one in payloads if isinstance(one, CreateBooking) and one.family == family]
    return min(booked, key=lambda one: abs(starts[one.session] - now_ms))


def states_in(node: Node, session: Id) -> dict[str, str]:
    """Each child's state in a session, as a node's screens show it."""
    with node.reader() as reader:
        return {row.child: row.state.value for row in roster(reader, session).rows}


def states_in_cloud(studio: Studio, session: Id) -> dict[str, str]:
    storage = studio.cloud.studios.storage(studio.plan.studio)
    with storage.atomic():
        return {row.child: row.state.value for row in roster(storage, session).rows}


def cloud_row(studio: Studio, record: Any, id: Id) -> Any:
    """A record as the cloud has it, or None."""
    row = studio.cloud.studios.storage(studio.plan.studio).rows(record, [id]).get(id)
    return None if row is None else decode(record, row.body)


def answer_of(node: Node, operation: Id) -> Outcome | None:
    """The cloud's word on an operation of a node, once it is there."""
    with node.reader() as reader:
        head = reader.head()
        for entry in reader.entries(range(1, head.sequence + 1)):
            if entry.id == operation:
                return entry.answer
    raise AssertionError("no such operation here")


def log_of(node: Node) -> list[Any]:
    with node.reader() as reader:
        return reader.entries(range(1, reader.head().sequence + 1))


def decided_of(studio: Studio, device: Id) -> list[tuple[int, str]]:
    """(device's sequence, operation) of everything the cloud decided that a device authored, in its order."""
    log = studio.cloud.books.tables.log.c
    with studio.cloud.database.read(studio.plan.studio) as connection:
        found = connection.execute(
            select(log.device_sequence, log.operation)
            .where(log.studio_id == studio.plan.studio, log.device_id == device)
            .order_by(log.sequence)
        )
        return [(row[0], row[1]) for row in found]


def effects_in_cloud(studio: Studio) -> dict[str, int]:
    """How many effects the cloud keeps for each operation."""
    effect = studio.cloud.books.tables.effect.c
    with studio.cloud.database.read(studio.plan.studio) as connection:
        found = connection.execute(
            select(effect.operation, func.count())
            .where(effect.studio_id == studio.plan.studio)
            .group_by(effect.operation)
        )
        return {row[0]: row[1] for row in found}


def marks_in_cloud(studio: Studio, session: Id, child: Id) -> list[str]:
    """The operations whose marks the cloud's record of a child holds."""
    entry = cloud_row(studio, Attendance, attendance_id(studio.plan.studio, session, child))
    return [] if entry is None else [mark.operation for mark in entry.marks]


def scan_in_cloud(studio: Studio, scan: str) -> Scan | None:
    found: Scan | None = cloud_row(studio, Scan, Id(scan))
    return found


def everything_holds(studio: Studio, *nodes: Node) -> None:
    """Every chain and store is sound, nothing waits, and the cloud has what each device wrote exactly once."""
    checked = audit(studio.cloud.books, studio.plan.studio, verify=is_signed)
    assert checked.ok, checked
    for node in nodes:
        found = node.store.check()
        assert found.ok, found
        assert node.pending() == 0
        mine = [(entry.sequence, entry.id) for entry in log_of(node)]
        assert decided_of(studio, node.papers.device) == mine


def started(nodes: Iterable[Node]) -> None:
    for node in nodes:
        node.start()


def agrees(studio: Studio, node: Node) -> None:
    """Every row a device shows in the scopes it holds is the cloud's, and none is missing, once it has heard the last.

    The cloud's own clock may author something at any moment, which reaches the device with the next round: its own, or
    one given here where its engine was not started.
    """

    def look() -> bool:
        if not node.engine._threads:
            with suppress(Unreachable):
                node.engine.once()
        return _agree(studio, node)

    until(look, node)


def _agree(studio: Studio, node: Node) -> bool:
    with node.reader() as reader:
        held = reader.held()
        here = {
            (table.kind, id): msgspec.json.decode(body)
            for table in reader.tables.values()
            for id, body in reader.conn.execute(f'SELECT id, body FROM "{table.name}" WHERE body IS NOT NULL')
        }
    books, there = studio.cloud.books, {}
    for scope in held:
        for row in snapshot(books, studio.plan.studio, scope, after="", most=1_000_000).rows:
            there[row.kind, row.id] = msgspec.json.decode(row.body or b"null")
    return here == there


def paired(studio: Studio, role: str, clock: SystemClock) -> Node:
    """A new device with a clock of its own, loaded; kept in the studio's nodes."""
    node = Node.pair(
        studio.data / role, url=studio.url, code=studio.code(role), name=role, program=role, clock=clock, ring=None
    )
    studio.nodes[role] = node
    node.engine.once()
    return node


def opened(studio: Studio, role: str, clock: SystemClock) -> Node:
    """Open a device that was left, under another clock."""
    studio.nodes[role] = Node.open(studio.data / role, program=role, clock=clock, ring=None)
    return studio.nodes[role]


@contextmanager
def filled(node: Node) -> Iterator[None]:
    """A full disk: SQLite may take not one page more for the store's file than it has."""

    def limit(pages: int) -> None:
        node.store.device.conn.execute(f"PRAGMA max_page_count = {pages}").fetchall()

    (has,) = node.store.call(lambda: node.store.device.conn.execute("PRAGMA page_count").fetchone())
    node.store.call(lambda: limit(has))
    try:
        yield
    finally:
        node.store.call(lambda: limit(1_073_741_823))
