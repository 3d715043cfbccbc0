"""Three kiosks of one place in processes of their own, the internet cut: one is killed while it tells the others.

What it told is with the others, and through them in the cloud once there is one, though it never comes back; what it had
not told waits in its store, and comes with it when it does.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from classtap_core.kernel.clock import SystemClock
from sync.client.node import Node
from tests.end_to_end.house_rig import agrees, decided_of, everything_holds, log_of
from tests.end_to_end.rig import Studio
from tests.fault import place
from tests.fault.conftest import Report
from tests.fault.forked import Program
from tests.fault.seeds import LONG, each, runs, said
from tests.fault.working import opened

KIOSKS = 3
MANY = 40 if LONG else 15


class Kiosk:
    """Attributes: device; saved, what it said is durable, while it lives."""

    def __init__(self, studio: Studio, number: int, *, multicast: bool) -> None:
        self.folder, self.number, self._multicast = studio.data / f"kiosk-{number}", number, multicast
        name = f"Kiosk {number}"
        with Node.pair(
            self.folder, url=studio.url, code=studio.code("kiosk", name), name=name, program="kiosk",
            clock=SystemClock(), ring=None,
        ) as node:  # fmt: skip
            node.engine.once()
            self.device = node.papers.device
        self.saved: set[str] = set()
        self.deaths = 0

    def learn(self) -> None:
        """Hear of those that were paired later."""
        with opened(self.folder) as node:
            node.engine.once()

    def start(self) -> None:
        self.program = Program(place.run, self.folder, 1_000 * self.number + self.deaths, self._multicast)
        self.address = f"127.0.0.1:{self.program.hear()}"

    def ask(self, *words: object) -> list[Any]:
        """Have it done; what it said."""
        self.program.tell(*words)
        return self.answer()

    def answer(self) -> list[Any]:
        heard: list[Any] = []
        while (word := self.program.hear()) != "done":
            heard.append(word)
        return heard


class Round(NamedTuple):
    """What one kill came to: operations it had in its store that the cloud had not, those that others had heard."""

    waiting: int
    heard: int


class Site:
    """The kiosks, and the cable to the cloud."""

    def __init__(self, studio: Studio, *, multicast: bool) -> None:
        self.studio, self._multicast = studio, multicast
        self.kiosks = [Kiosk(studio, number, multicast=multicast) for number in range(KIOSKS)]
        for one in self.kiosks:
            one.learn()
            one.start()
        self._meet()

    def _meet(self) -> None:
        for one in self.kiosks:
            others = [] if self._multicast else [other.address for other in self.kiosks if other is not one]
            one.program.tell("meet", others, KIOSKS - 1)
        for one in self.kiosks:
            one.answer()

    def kill_one(self, seed: int) -> Round:
        """Cut off, all mark; one is killed amid that; the others find the cloud; then it comes back. Raises AssertionError."""
        rng = random.Random(seed)
        victim, *others = rng.sample(self.kiosks, KIOSKS)
        self.studio.proxy.cut()
        for one in self.kiosks:
            one.ask("apart")
        first = victim.ask("mark", rng.randint(5, 30))
        for one in others:
            (kept,) = one.ask("heard", victim.device, first)
            assert kept[-len(first) :] == first, "what was told is not what was said"
            one.program.tell("mark", rng.randint(5, 40))
        many = rng.randint(20, 60)
        victim.program.tell("mark", many)
        unheard = victim.program.kill_after(rng.randint(1, many))
        saved = {*first, *unheard} - {"done"}
        for one in others:
            one.saved |= set(one.answer())
        told = {id for one in others for id in one.ask("heard", victim.device, [])[0]}
        assert told >= set(first)
        self.studio.proxy.restore()
        for one in others:
            one.ask("drain")
            one.ask("forgotten")
        in_cloud = {id for _, id in decided_of(self.studio, victim.device)}
        assert told <= in_cloud, "what it told is not in the cloud without it"
        with opened(victim.folder) as node:
            log = [entry.id for entry in log_of(node)]
            waiting = node.pending()
        assert saved <= set(log), "what was shown as saved is lost"
        assert in_cloud == set(log[: len(in_cloud)]), "the cloud has what it never said"
        victim.saved |= saved
        victim.deaths += 1
        victim.start()
        self._meet()
        victim.ask("drain")
        return Round(waiting, len(told))

    def judged(self) -> int:
        """Everything counts once, and all hold the same; how many operations there were."""
        operations = 0
        for one in self.kiosks:
            one.program.kill()
        nodes = [opened(one.folder) for one in self.kiosks]
        try:
            for one, node in zip(self.kiosks, nodes, strict=True):
                node.engine.once()
                ids = {entry.id for entry in log_of(node)}
                assert one.saved <= ids, "lost"
                operations += len(ids)
            for node in nodes:
                agrees(self.studio, node)
                # of a run that was half heard when this one was killed nothing can be brought
                with node.reader() as reader:
                    assert reader.told.runs(self.studio.plan.studio, heard_before=1 << 60) == []
            everything_holds(self.studio, *nodes)
        finally:
            for node in nodes:
                node.close()
        return operations

    def end(self) -> None:
        for one in self.kiosks:
            one.program.kill()


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with Studio(tmp_path / "data", families=10) as made:
        yield made


@pytest.mark.fault
@pytest.mark.parametrize("multicast", [False, True], ids=["written", "multicast"])
def test_kiosks_are_killed_while_they_tell(studio: Studio, multicast: bool, report: Report) -> None:
    seeds = runs(MANY)
    site = Site(studio, multicast=multicast)
    try:
        found = each(seeds, site.kill_one)
        operations = site.judged()
    finally:
        site.end()
    report(
        f"kiosks of one place killed while they told, found by {'multicast' if multicast else 'address'}, {said(seeds)}:"
        f" {len(found)} kills, {operations} operations; {sum(one.heard for one in found)} came to the cloud without their"
        f" author, {sum(one.waiting for one in found)} waited for it to come back; 0 lost, 0 doubled"
    )
    assert sum(one.heard for one in found) > 5 * MANY
