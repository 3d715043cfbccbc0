"""What one cloud bears: PostgreSQL and SQLite, many studios at once, one studio with a hall of devices, hints, memory."""

import asyncio
import atexit
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import NamedTuple

from bench.claims import Claim, claim, percentile
from bench.ground import load
from bench.ground.load import DEVICES, HALL, LARGE, STUDIOS, Line, Papers, Pusher, asked
from bench.ground.server import served, serving
from classtap_core import house
from classtap_core.kernel.clock import SystemClock
from classtap_core.kernel.ids import Id
from cloud.composition import Cloud, open_cloud
from cloud.moving import copy_cloud
from sync.protocol import PREFIX, Pushed, decode
from tests.cloud.postgres import Postgres, started
from tests.guards.tools import TOOLS

RUNS = 1
WORKERS = 2
SIZE = 25
MANY = range(LARGE, STUDIOS)
"""The studios of the common size."""
TURNS = 3
QUIET = range(50, 90)
FLOODED = 40
"""Pushes of each of a studio's ten devices while the quiet ones go their pace."""
KEPT = 2 * (DEVICES - 1)
"""Places that the other nine devices of a studio of the common size share."""


class Stage(NamedTuple):
    """PostgreSQL, fsync on, full of studios; the same cloud served by a crew and by two single workers.

    Attributes:
        moved_s, moved_rows, freeze_s: what copying the studios there took.
    """

    folder: Path
    database: str
    crew: str
    one: str
    other: str
    other_pid: int
    cloud: Cloud
    moved_s: float
    moved_rows: int
    freeze_s: float


@cache
def stage() -> Stage:
    """Set up once for all runs, taken down when Python ends."""
    programs = TOOLS["postgresql"].find()
    if programs is None:
        raise RuntimeError(f"PostgreSQL is missing: {TOOLS['postgresql'].install}")
    stack = ExitStack()
    atexit.register(stack.close)
    folder = stack.enter_context(load.copied())
    server = Postgres(stack.enter_context(started(programs, durable=True)))
    url = server.url(server.database())
    bus, now_ms = house.bus(authority=True), load.load().now_ms
    began = time.perf_counter()
    moved = copy_cloud(f"sqlite:///{folder / 'cloud' / 'cloud.db'}", url, bus)
    spent = time.perf_counter() - began
    # As where it has run for a while: the files of its log are there to be used again, not to be made.
    server.execute("CHECKPOINT")
    crew = stack.enter_context(served(folder, now_ms=now_ms, url=url, workers=WORKERS))
    one = stack.enter_context(served(folder, now_ms=now_ms, url=url))
    other, process = stack.enter_context(serving(folder, now_ms=now_ms, url=url))
    cloud = open_cloud(folder, bus, url=url, clock=SystemClock(start_ms=now_ms))
    stack.callback(cloud.close)
    return Stage(folder, url, crew, one, other, process.pid, cloud, spent, moved.rows, moved.freeze_s)


@cache
def pusher(studio: int, number: int) -> Pusher:
    """A device of the stage, those of the hall after the studio's own ten; it goes on where its last push ended."""
    found = load.load()
    return Pusher(_papers(studio)[number], _places(studio, number), now_ms=found.now_ms)


def _papers(studio: int) -> list[Papers]:
    return load.load().devices[studio] + (load.load().hall if studio == 0 else [])


def _places(studio: int, number: int) -> list[tuple[Id, Id]]:
    """What this device marks and no other: in a studio of the common size nearly all is the first one's."""
    places = load.load().places[studio]
    if studio < LARGE:
        return places[number :: len(_papers(studio))]
    return places[KEPT:] if number == 0 else places[number - 1 : KEPT : DEVICES - 1]


def run() -> list[Claim]:
    """One run over the stage."""
    here = stage()
    return [
        *_pushes(here), *_sqlite(), *_hall(here), *_many_at_once(here), *_flood(here), *_hints(here),
        *_revocation(here), *_memory(here),
        claim("cloud.copy.rows_rate", here.moved_rows / here.moved_s),
        claim("cloud.copy.100_studios_freeze_s", here.freeze_s, goal=10),
    ]  # fmt: skip


def _pushes(here: Stage) -> list[Claim]:
    """How many operations a second are taken, and how long a push waits at 70 % of that; the load is made on the same cores.

    First, devices are at work: a token's first use, and from where it came, are written once. Then in turns, each 70 % of
    what was taken just before: a machine shared with others is twice as slow in one second as in another, and where it
    slows down within a turn, 70 % is more than it says. So the goal is held against the middle turn, and all are told.
    """
    asyncio.run(load.closed(here.crew, _queues(MANY, pushes=2, size=1)))
    rates: list[float] = []
    turns: list[list[float]] = []
    for _ in range(TURNS):
        whole, _each = asyncio.run(load.closed(here.crew, _queues(MANY, pushes=2)))
        rates.append(len(MANY) * 2 * SIZE / whole)
        turns.append(asyncio.run(load.paced(here.crew, _queues(MANY, pushes=5), rate=0.7 * rates[-1] / SIZE)))
    slow = [percentile(times, 99) * 1000 for times in turns]
    every = [one for times in turns for one in times]
    return [
        claim("cloud.postgresql.push_25_operations_rate", statistics.median(rates), goal=1_000),
        claim("cloud.postgresql.push_25_at_70_percent_p99_ms", statistics.median(slow), goal=150),
        claim("cloud.postgresql.push_25_at_70_percent_p99_best_turn_ms", min(slow)),
        claim("cloud.postgresql.push_25_at_70_percent_p99_worst_turn_ms", max(slow)),
        claim("cloud.postgresql.push_25_at_70_percent_p50_ms", percentile(every, 50) * 1000),
    ]


def _sqlite() -> list[Claim]:
    found = load.load()
    with load.copied() as folder, served(folder, now_ms=found.now_ms) as url:
        made = [Pusher(found.devices[studio][0], _places(studio, 0), now_ms=found.now_ms) for studio in MANY[:20]]
        whole, _ = asyncio.run(load.closed(url, [[one.request(SIZE) for _ in range(4)] for one in made]))
    return [claim("cloud.sqlite.push_25_operations_rate", 20 * 4 * SIZE / whole, goal=300)]


def _hall(here: Stage) -> list[Claim]:
    """One studio, 500 devices on as many connections, 100 pushes of 2 or 3 marks a second."""
    hall = [pusher(0, DEVICES + number) for number in range(HALL)]
    asyncio.run(load.closed(here.crew, [[one.request(1)] for one in hall]))
    queues = [[one.request(2 + (number + turn) % 2) for turn in range(3)] for number, one in enumerate(hall)]
    times = asyncio.run(load.paced(here.crew, queues, rate=100))
    return [claim("cloud.postgresql.hall_of_500_push_p99_ms", percentile(times, 99) * 1000, goal=250)]


def _many_at_once(here: Stage) -> list[Claim]:
    """A hundred studios, ten devices each, all pushing at once; how far the slowest studio is behind the middle one."""
    queues = [[pusher(studio, number).request(5)] for studio in range(STUDIOS) for number in range(DEVICES)]
    whole, times = asyncio.run(load.closed(here.crew, queues))
    last = [max(one[0] for one in times[start : start + 10]) for start in range(0, len(times), 10)]
    return [
        claim("cloud.postgresql.100_studios_10_devices_operations_rate", len(queues) * 5 / whole),
        claim("cloud.postgresql.100_studios_slowest_to_median", max(last) / statistics.median(last)),
    ]


def _flood(here: Stage) -> list[Claim]:
    """The pushes of 40 studios at a quiet pace, alone and while ten devices of another studio push all they have."""
    alone = asyncio.run(load.paced(here.crew, _queues(QUIET, pushes=4, size=3), rate=25))

    async def beside() -> list[float]:
        queues = [[pusher(1, number).request(SIZE) for _ in range(FLOODED)] for number in range(DEVICES)]
        flood = asyncio.ensure_future(load.closed(here.crew, queues))
        times = await load.paced(here.crew, _queues(QUIET, pushes=4, size=3), rate=25)
        if flood.done():
            raise RuntimeError("the flood was over before the others")
        await flood
        return times

    flooded = asyncio.run(beside())
    return [
        claim(
            "cloud.postgresql.push_beside_a_flood_p99_ms", percentile(flooded, 99) * 1000,
            beside=("without the flood", percentile(alone, 99) * 1000),
        )
    ]  # fmt: skip


def _hints(here: Stage) -> list[Claim]:
    """A mark at one worker; ten devices listen at another."""
    found = load.load()
    listeners = [*found.devices[0][1:], found.hall[0]]

    async def measure() -> list[float]:
        lines = [await _listening(here.other, papers) for papers in listeners]
        line = await Line.to(here.one)
        times: list[float] = []
        for _ in range(30):
            request = pusher(0, 0).request(1)
            began = time.perf_counter()
            _, answer = await line.ask(request)
            included = decode(Pushed, answer).answers[-1].included
            times += [at - began for at in await asyncio.gather(*(_heard(one, included) for one in lines))]
        for one in (*lines, line):
            one.close()
        return times

    times = asyncio.run(measure())
    return [claim("cloud.hint.other_worker_p95_ms", percentile(times, 95) * 1000, goal=300)]


async def _heard(line: Line, through: int) -> float:
    """When a line heard of a sequence."""
    while True:
        hint = await line.event()
        if hint is None:
            raise RuntimeError("the stream ended")
        if hint >= through:
            return time.perf_counter()


_revoked = iter(range(100, HALL))


def _revocation(here: Stage) -> list[Claim]:
    """Revoked by a third process: until the device's stream at another worker has ended, and until it is refused."""
    found = load.load()

    async def measure() -> list[float]:
        times = []
        for _ in range(5):
            papers = found.hall[next(_revoked)]
            line, calls = await _listening(here.other, papers), await Line.to(here.one)
            await asyncio.sleep(0.3)  # the worker has looked at the device
            began = time.perf_counter()
            await asyncio.to_thread(here.cloud.studios.revoke, papers.studio, papers.device)
            while await line.event() is not None:
                pass
            ended = time.perf_counter() - began
            status, _ = await calls.ask(asked("GET", f"{PREFIX}/pull", papers.token))
            if status != 403:
                raise RuntimeError(f"a revoked device was answered {status}")
            times.append(ended)
            for one in (line, calls):
                one.close()
        return times

    return [claim("cloud.revocation.other_worker_p95_ms", percentile(asyncio.run(measure()), 95) * 1000, goal=2_000)]


def _memory(here: Stage) -> list[Claim]:
    """What a worker's memory grows by with each device that listens and hears nothing."""
    papers = [one for studio in load.load().devices[2:52] for one in studio]

    async def measure() -> float:
        warm = [await _listening(here.other, one) for one in papers[:50]]
        before = _resident(here.other_pid)
        lines = [await _listening(here.other, one) for one in papers[50:]]
        await asyncio.sleep(1)
        grown = _resident(here.other_pid) - before
        for line in (*warm, *lines):
            line.close()
        return grown / len(lines)

    return [claim("cloud.memory.listening_device_kb", asyncio.run(measure()), goal=100)]


def _resident(pid: int) -> float:
    """Kilobytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1])
    raise RuntimeError("no such process")


async def _listening(url: str, papers: Papers) -> Line:
    """A device's stream, after its first event."""
    line = await Line.to(url)
    await line.stream(asked("GET", f"{PREFIX}/live", papers.token))
    await line.event()
    return line


def _queues(studios: Sequence[int], *, pushes: int, size: int = SIZE) -> list[list[bytes]]:
    return [[pusher(studio, 0).request(size) for _ in range(pushes)] for studio in studios]
