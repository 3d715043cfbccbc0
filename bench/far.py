"""The same five thousand queued marks over a long way: 200 ms there and back, two segments in a hundred lost."""

from collections.abc import Callable
from functools import cache

from bench.claims import Claim, claim
from bench.ground.far import FarProxy
from bench.ground.server import served
from bench.ground.studio import copied, ground
from bench.push import QUEUED, drained, one_by_one, online, queued
from sync.client.node import Node

RUNS = 3
ROUND_TRIP_S, LOSS = 0.2, 0.02
ONE_BY_ONE = 20
BESIDE = f"one request an operation, {ONE_BY_ONE} measured"


def run() -> list[Claim]:
    """One run; the losses are the same in each."""
    queued()
    pushed = _over(lambda node: drained(node)[0])
    return [claim("push.5000_operations.far_away_s", pushed, goal=6, beside=(BESIDE, _alone()))]


@cache
def _alone() -> float:
    """Measured once: it is three hundred times as long, whatever the run."""
    return _over(lambda node: one_by_one(node, ONE_BY_ONE)) * QUEUED / ONE_BY_ONE


def _over(measure: Callable[[Node], float]) -> float:
    with (
        copied("cloud", "queued") as folder,
        served(folder, now_ms=ground().now_ms) as url,
        FarProxy(url, round_trip_s=ROUND_TRIP_S, loss=LOSS) as proxy,
        online(folder / "queued", proxy.url) as node,
    ):
        return measure(node)
