"""A crowd of kiosks at one studio while workers die, wires tear, who waits hangs up, and the database goes away.

Pushes of one studio wait for one another behind its head, in each worker: what befalls a worker, a caller or the
database in that moment may cost none of them its answer. When the faults end, every queue drains by itself.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cloud.postgres import Postgres, Server
from tests.fault.conftest import Report
from tests.fault.crowd import KIOSKS, STEPS, Hall
from tests.fault.killing import percentile_95
from tests.fault.seeds import LONG, each, runs, said
from tests.guards.tools import needs

MANY = 60 if LONG else 20


class Place(NamedTuple):
    """Where a hall's cloud keeps what it has."""

    folder: Path
    url: str
    server: Server | None


class Found(NamedTuple):
    """What a crowd came to: how each seed drained, operations, deaths of a worker, times the database was away."""

    drained: list[tuple[float, float]]
    operations: int
    deaths: int
    away: int


def ran(place: Place, *seeds: range, kiosks: int = KIOSKS, steps: int = STEPS) -> Found:
    hall = Hall(*place, kiosks=kiosks)

    def drained(seed: int) -> tuple[float, float]:
        hall.rage(random.Random(seed), steps)
        return hall.drained()

    try:
        return Found(each(seeds, drained), hall.judged(), hall.deaths, hall.away)
    finally:
        hall.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A PostgreSQL of this file's own, to be stopped and started."""
    with Server.made(needs("postgresql")) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return Place(tmp_path / "cloud", "", None)
    if not hasattr(os, "fork"):
        pytest.skip("workers share a port by fork")
    server: Server = request.getfixturevalue("server")
    made = Postgres(server.url)
    return Place(tmp_path / "cloud", made.url(made.database()), server)


def test_a_crowd_in_bad_weather(place: Place) -> None:
    found = ran(place, range(19, 20), kiosks=5, steps=3)
    assert found.operations > 50
    assert found.deaths + found.away > 1


@pytest.mark.fault
def test_crowds_in_bad_weather(place: Place, report: Report) -> None:
    seeds = runs(MANY)
    found = ran(place, *seeds)
    first, whole = ([one[which] for one in found.drained] for which in (0, 1))
    report(
        f"crowds on {'PostgreSQL' if place.server else 'SQLite'}, {said(seeds)}: {found.operations} operations,"
        f" {found.deaths} workers died, the database was away {found.away} times"
    )
    report(
        f"after the last fault: answered within {max(first):.1f} s (p95 {percentile_95(first):.1f}), nothing waits"
        f" within {max(whole):.1f} s (p95 {percentile_95(whole):.1f}); 0 stalls, 0 lost, 0 doubled"
    )
    assert len(found.drained) >= MANY


@pytest.mark.fault
@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
def test_workers_that_die_while_the_database_is_away_come_back(place: Place) -> None:
    """Whoever takes a dead one's place finds no database, and dies too, and the next: the crew goes on."""
    hall = Hall(*place)
    try:
        hall.go_away()
        hall.kill_one()
        seen: set[int] = set()
        while len(seen) < 8:
            seen |= set(hall.workers())
        hall.come_back()
        for one in hall.kiosks:
            one.mark(random.Random(1))
        hall.drained()
        assert hall.judged() > len(hall.kiosks)
    finally:
        hall.close()
