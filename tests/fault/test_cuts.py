"""The connection cut at every kind of place, and the cloud killed in mid-push: every operation counts exactly once."""

import random
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from classtap_core.kernel.clock import SystemClock
from classtap_core.store.folder import ARRIVING
from classtap_core.store.reader import StoreReader
from sync.client.engine import State
from sync.client.node import Node
from sync.client.transport import Unreachable
from sync.protocol import SnapshotPage
from tests.end_to_end.house_rig import agrees, everything_holds, until
from tests.end_to_end.rig import Studio
from tests.fault.test_kill import seeded
from tests.fault.working import STATES, booked, mark

HEADER_END = b"\r\n\r\n"


class Scissors:
    """Cuts one connection when so many bytes have passed in one direction since it was armed; then it is spent."""

    def __init__(self, studio: Studio) -> None:
        self.proxy = studio.proxy
        self.proxy.scissors = self
        self._guard = threading.Lock()
        self._direction, self._left = "", 0
        self.passed = {"up": 0, "down": 0}
        self.seen: dict[str, bytes] = {"up": b"", "down": b""}

    def arm(self, direction: str, after: int) -> None:
        with self._guard:
            self._direction, self._left = direction, after
            self.passed = {"up": 0, "down": 0}
            self.seen = {"up": b"", "down": b""}

    @property
    def spent(self) -> bool:
        return not self._direction

    def __call__(self, direction: str, passed: int, chunk: bytes) -> int | None:
        with self._guard:
            self.passed[direction] += len(chunk)
            if len(self.seen[direction]) < 65_536:
                self.seen[direction] += chunk
            if direction != self._direction:
                return None
            if self._left >= len(chunk):
                self._left -= len(chunk)
                return None
            self._direction = ""
            return self._left


class Marks:
    """Queues marks at a kiosk: seeded, without end."""

    def __init__(self, node: Node, rng: random.Random) -> None:
        self.node, self.rng, self.places = node, rng, booked(node)

    def queue(self, number: int) -> None:
        """So many operations more."""
        done = 0
        while done < number:
            session, child = self.rng.choice(self.places)
            work = partial(
                mark, session=session, child=child, state=self.rng.choice(STATES), device=self.node.papers.device
            )
            done += self.node.call(work).sequence is not None


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with Studio(tmp_path / "data", families=10) as made:
        yield made


def measured(node: Node, scissors: Scissors) -> dict[str, list[int]]:
    """Where a round's bytes have their edges, by direction: the queue is pushed once with nothing cut."""
    scissors.arm("none", 0)
    node.engine.once()
    edges = {}
    for direction, seen in scissors.seen.items():
        head = seen.find(HEADER_END) + len(HEADER_END)
        whole = scissors.passed[direction]
        edges[direction] = [0, 1, head // 2, head - 1, head, (head + whole) // 2, whole - 1]
    return edges


def cut_everywhere(studio: Studio, rng: random.Random, *, each: int, extra: int) -> int:
    """Push `each` operations for every edge of a round and `extra` seeded points, each cut there; how many points."""
    kiosk = studio.pair("kiosk")
    marks, scissors = Marks(kiosk, rng), Scissors(studio)
    marks.queue(each)
    edges = measured(kiosk, scissors)
    points = [(direction, at) for direction, ats in edges.items() for at in ats]
    for _ in range(extra):
        direction = rng.choice(("up", "down"))
        points.append((direction, rng.randrange(edges[direction][-1] * 7 // 10)))
    missed = 0
    for direction, at in points:
        marks.queue(each)
        scissors.arm(direction, at)
        try:
            kiosk.engine.once()
            missed += 1  # the round was shorter than the one that was measured
        except Unreachable:
            assert scissors.spent
        scissors.arm("none", 0)
        kiosk.engine.once()
        assert kiosk.pending() == 0
    assert missed <= len(points) // 4
    everything_holds(studio, kiosk)
    return len(points)


def test_cut_at_every_edge_of_a_push(studio: Studio) -> None:
    assert cut_everywhere(studio, seeded(51), each=12, extra=8) == 22


@pytest.mark.fault
def test_cut_at_two_hundred_places(studio: Studio) -> None:
    assert cut_everywhere(studio, seeded(52), each=25, extra=186) == 200


def test_no_connection_at_all_loses_nothing(studio: Studio) -> None:
    kiosk = studio.pair("kiosk")
    Marks(kiosk, seeded(53)).queue(5)
    studio.proxy.cut()
    for _ in range(3):
        with pytest.raises(Unreachable):
            kiosk.engine.once()
    assert kiosk.pending() == 5
    studio.proxy.restore()
    kiosk.engine.once()
    everything_holds(studio, kiosk)


def load_in_pieces(studio: Studio, folder: Path, points: Sequence[tuple[str, int]]) -> None:
    """Load a new device, cut at each of these points in turn."""
    scissors = Scissors(studio)
    with Node.pair(
        folder, url=studio.url, code=studio.code("desk"), name="d", program="desk", clock=SystemClock(), ring=None
    ) as node:
        for direction, at in points:
            scissors.arm(direction, at)
            try:
                node.engine.once()
            except Unreachable:
                assert scissors.spent
        scissors.arm("none", 0)
        node.engine.once()
        assert node.store.check().ok
        agrees(studio, node)


def test_cut_while_loading(studio: Studio) -> None:
    load_in_pieces(
        studio, studio.data / "new", [("up", 0), ("up", 200), ("down", 0), ("down", 100), ("down", 3_000), ("up", 900)]
    )


def test_what_came_of_a_page_before_a_cut_is_not_fetched_again(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    scissors = Scissors(studio)
    with studio.pair("desk", studio.data / "new") as node:
        scope = f"families/{studio.plan.main}"
        node.engine.pulling.allowed = (scope,)
        node.engine.local.release([state.scope for state in node.engine.local.scopes()])
        fetched: list[list[str]] = []
        answer, asked = node.transport.snapshot, []

        def seen(scope: str, after: str = "", **more: Any) -> SnapshotPage:
            asked.append(after)
            page = answer(scope, after, **more)
            fetched.append([row.id for row in page.rows])
            return page

        monkeypatch.setattr(node.transport, "snapshot", seen)
        for _ in range(2):
            scissors.arm("down", 2_000)
            with pytest.raises(Unreachable):
                node.engine.pulling.bootstrap()
            assert scissors.spent
            files = [path for path in node.store.folder.iterdir() if path.name in ARRIVING]
            assert files
            assert not any(
                family.name.encode() in path.read_bytes() for path in files for family in studio.plan.families
            )
        scissors.arm("none", 0)
        assert node.engine.pulling.bootstrap()
        assert [after.count("~") for after in asked] == [0, 1, 1]
        with node.reader() as reader:
            here = {row for kind in node.store.registry.records for row in _ids(reader, kind, scope)}
        assert len(fetched) == 1, "only the last answer came to its end"
        assert set(fetched[0]) < here
        assert len(here) - len(fetched[0]) > 10
        assert not any(path.name in ARRIVING for path in node.store.folder.iterdir()), (
            "nothing stays of a load that ended"
        )
        with node.engine.local.load_begins().keeping(scope, "") as keep:
            keep(b"the last page of a load, by a program that was killed behind it")
        assert node.engine.pulling.bootstrap()
        assert not any(path.name in ARRIVING for path in node.store.folder.iterdir())


def _ids(reader: StoreReader, kind: str, scope: str) -> list[str]:
    found = reader.conn.execute(f'SELECT id FROM "record_{kind}" WHERE scope = ?', (scope,))
    return [id for (id,) in found]


def test_with_a_scope_that_is_lost_goes_what_came_of_it(studio: Studio) -> None:
    scissors = Scissors(studio)
    with studio.pair("desk", studio.data / "new") as node:
        pulling, local = node.engine.pulling, node.engine.local
        scopes = [state.scope for state in local.scopes()]
        local.release(scopes)
        scissors.arm("down", 1_000)
        with pytest.raises(Unreachable):
            pulling.bootstrap()
        assert local.load_begins().left()
        local.release(scopes[:1])
        assert not any(path.name in ARRIVING for path in node.store.folder.iterdir())
        assert not local.load_begins().left()
        scissors.arm("none", 0)
        node.engine.once()
        agrees(studio, node)


@pytest.mark.fault
def test_cut_while_loading_many_times(studio: Studio) -> None:
    rng = seeded(54)
    for number in range(8):  # the cloud lets ten devices pair a minute
        points = [(rng.choice(("up", "down")), rng.randrange(8_000)) for _ in range(15)]
        load_in_pieces(studio, studio.data / f"new{number}", points)


def test_cut_while_pulling(studio: Studio) -> None:
    """The desk's page is cut in its middle: what it had applied stays, what it missed comes."""
    kiosk, desk = studio.pair("kiosk"), studio.pair("desk")
    marks, scissors = Marks(kiosk, seeded(55)), Scissors(studio)
    for direction, at in (("up", 0), ("up", 300), ("down", 0), ("down", 150), ("down", 900)):
        marks.queue(15)
        kiosk.engine.once()
        scissors.arm(direction, at)
        with pytest.raises(Unreachable):
            desk.engine.once()
        scissors.arm("none", 0)
    desk.engine.once()
    kiosk.engine.once()
    agrees(studio, desk)
    agrees(studio, kiosk)
    everything_holds(studio, kiosk, desk)


def weather(studio: Studio, rng: random.Random, marks: Marks, node: Node, steps: int) -> None:
    """Bad weather for a running engine: the cable comes and goes, connections tear, marks are made throughout."""
    guard = threading.Lock()

    def tear(direction: str, passed: int, chunk: bytes) -> int | None:
        with guard:
            return rng.randrange(len(chunk)) if rng.random() < 0.12 else None

    studio.proxy.scissors = tear
    for _ in range(steps):
        marks.queue(rng.randint(1, 4))
        turn = rng.random()
        if turn < 0.25:
            studio.proxy.cut()
        elif turn < 0.6:
            studio.proxy.restore()
        elif turn < 0.7:
            node.engine.nudge()
    studio.proxy.scissors = lambda direction, passed, chunk: None
    studio.proxy.restore()


def ride_out(studio: Studio, rng: random.Random, steps: int) -> None:
    kiosk, desk = studio.pair("kiosk"), studio.pair("desk")
    marks = Marks(kiosk, rng)
    kiosk.start()
    desk.start()
    weather(studio, rng, marks, kiosk, steps)
    until(lambda: not kiosk.pending(), kiosk, what="the queue drains with no new write and no restart")
    until(lambda: kiosk.engine.status().state is State.ONLINE, kiosk)
    studio.leave("kiosk", "desk")
    kiosk, desk = studio.open("kiosk"), studio.open("desk")
    for node in (kiosk, desk):
        node.engine.once()
        agrees(studio, node)
    everything_holds(studio, kiosk, desk)


def test_after_bad_weather_the_queue_drains_by_itself(studio: Studio) -> None:
    ride_out(studio, seeded(56), 60)


@pytest.mark.fault
def test_after_long_bad_weather_the_queue_drains_by_itself(studio: Studio) -> None:
    ride_out(studio, seeded(57), 1_500)
