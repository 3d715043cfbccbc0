"""The first load of twenty thousand children by a kiosk that is killed fifty times: its bytes, beside those of another."""

import random
import time
from pathlib import Path

from bench.claims import Claim, claim
from bench.ground.counting import CountingProxy
from bench.ground.loading import begun
from bench.ground.server import served
from bench.ground.studio import copied, ground, opened_cloud, paired

KILLS = 50
MORE = 1.1
"""The most that may be fetched, as a multiple of what is fetched where nobody kills."""

_chance = random.Random(11)


def run() -> list[Claim]:
    """One run. What the cloud sends to a program that is dead already counts as fetched: a system takes some 12 ms to take one
    apart, and hangs up only then."""
    with copied("cloud") as folder, served(folder, now_ms=ground().now_ms) as url, CountingProxy(url) as proxy:
        for name in ("alone", "killed"):
            _pair(folder, proxy.url, name)
        proxy.passed = 0
        took_s = _whole(folder / "alone")
        alone, proxy.passed = proxy.passed, 0
        dead = _killed(folder / "killed", took_s, proxy)
        _whole(folder / "killed")
        killed = proxy.passed
    beside = ("the same load alone", alone / 1_000_000)
    return [
        claim("killed.50_times_wire_mb", killed / 1_000_000, goal=MORE * alone / 1_000_000, beside=beside),
        claim("killed.of_that_to_the_dead_mb", dead / 1_000_000),
    ]


def _whole(folder: Path) -> float:
    """Load what is missing; seconds."""
    process = begun(folder, ground().now_ms)
    began = time.perf_counter()
    process.join()
    if process.exitcode:
        raise RuntimeError("the load failed")
    return time.perf_counter() - began


def _killed(folder: Path, took_s: float, proxy: CountingProxy) -> int:
    """Begin to load `KILLS` times, and end each at any instant: all over a load that takes so long alone. The bytes that
    came after that."""
    dead = 0
    for _ in range(KILLS):
        process = begun(folder, ground().now_ms)
        process.join(_chance.uniform(0, 2.5 * took_s / KILLS))
        if process.exitcode is not None:
            raise RuntimeError("the load had ended before it was killed")
        before = proxy.passed
        process.kill()
        process.join()
        dead += proxy.passed - before
    return dead


def _pair(folder: Path, url: str, name: str) -> None:
    cloud = opened_cloud(folder, ground().now_ms)
    try:
        paired(folder, cloud, url=url, name=name, main=ground().main, now_ms=ground().now_ms).close()
    finally:
        cloud.close()
