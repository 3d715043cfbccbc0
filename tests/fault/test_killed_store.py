"""1,000 kill -9 in all that a store is busy with: nothing shown as saved is lost, nothing is there twice, it opens at once."""

import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from classtap_core.kernel.clock import SystemClock
from classtap_core.store import keys
from classtap_core.store.backup import verify
from classtap_core.store.container import Opener
from classtap_core.store.store import Store
from sync.client.node import Node
from tests.end_to_end.house_rig import decided_of, everything_holds, families_due, log_of
from tests.end_to_end.rig import Studio
from tests.fault.conftest import Report
from tests.fault.killing import HEAD, Found, Killer, Tally, kill_many, percentile_95
from tests.fault.test_cuts import Marks
from tests.fault.test_kill import seeded
from tests.unit.kernel import toy
from tests.unit.store.conftest import ALL, DEVICE, STUDIO, bus_over, child_row
from tests.unit.store.test_upgrade import VERSIONS

ALONE = {"upgrade": 50, "migrate": 90, "checkpoint": 120, "backup": 140, "rotate": 140}
"""Kills in what a store does by itself, in `make fault`. `upgrade` begins each time with the oldest version there is."""
PAIRED = {"scan": 200, "push": 130, "pull": 130}
OPEN_MS = 250


def look(folder: Path) -> Found:
    """Open a store of toy records as its program would, and check all of it."""
    began = time.perf_counter()
    store = Store.open(folder, toy.registry(), program="test")
    took = (time.perf_counter() - began) * 1_000
    with store, store.reader() as reader:
        entries = reader.entries(range(1, reader.head().sequence + 1))
        return Found({entry.sequence: entry.id for entry in entries}, took, store.check().ok)


def look_at_kiosk(folder: Path) -> Found:
    began = time.perf_counter()
    node = Node.open(folder, program="kiosk", clock=SystemClock(), ring=None)
    took = (time.perf_counter() - began) * 1_000
    with node:
        return Found({entry.sequence: entry.id for entry in log_of(node)}, took, node.store.check().ok)


@pytest.fixture
def template(tmp_path: Path) -> Callable[[str], Path]:
    """Makes the store that an activity begins with."""

    def make(activity: str) -> Path:
        folder = tmp_path / activity
        folder.mkdir(mode=0o700)
        if activity == "upgrade":
            for name in ("store.db", "store.key"):
                shutil.copy(VERSIONS[0] / name, folder / name)
            return folder
        with Store.create(folder, toy.registry(), program="test", studio=STUDIO, device=DEVICE) as store:
            store.call(lambda: store.device.hold(ALL))
            store.apply(bus_over(store.device, seed=1), [child_row(number) for number in range(400)]).result()
        return folder

    return make


def kill_alone(activity: str, rounds: int, template: Path, rng: random.Random) -> Tally:
    """Kill so many; a backup that was in the making is either whole or not there."""
    out = template.with_name(f"{activity}-out")
    out.mkdir(mode=0o700)
    opener = Opener(store=keys.load(template, None).key)

    def look_at_both(folder: Path) -> Found:
        for made in out.glob("*.ctbackup"):
            verify(made, opener)
        shutil.rmtree(out)
        out.mkdir(mode=0o700)
        return look(folder)

    fresh_each_time = activity == "upgrade"
    return kill_many(
        activity, template, rng, look_at_both, rounds=rounds, given=str(out), a_folder=1 if fresh_each_time else 10
    )


def kill_paired(studio: Studio, activity: str, rounds: int, rng: random.Random) -> Tally:
    """Kill a kiosk that scans, pushes or pulls; in the end the cloud has all of it, once."""
    kiosk = studio.pair("kiosk")
    texts = [studio.pass_text(family) for family in families_due(studio)]
    device, folder = kiosk.papers.device, kiosk.store.folder
    studio.leave("kiosk")
    tally, killer = Tally(activity), Killer(activity, rng)
    known, saved = look_at_kiosk(folder).operations, set[str]()
    with studio.pair("kiosk", studio.data / "other") as other:
        others = Marks(other, rng)
        while tally.kills < rounds:
            if activity == "pull":
                others.queue(60)
                other.engine.once()
            death, found = killer.kill_one(folder, texts), look_at_kiosk(folder)
            tally.judge(death, found, known, saved)
            decided = decided_of(studio, device)
            tally.doubled += len(decided) - len(dict(decided))
            tally.lost += sum(found.operations.get(at) != id for at, id in decided)
    studio.open("kiosk").engine.once()
    everything_holds(studio, studio.nodes["kiosk"])
    studio.leave()
    return tally


def nothing_lost(tally: Tally, kills: int) -> None:
    assert (tally.kills, tally.lost, tally.doubled, tally.unsound) == (kills, 0, 0, 0), tally.line()
    assert tally.saved >= kills


@pytest.mark.parametrize("activity", ALONE)
def test_killed_in(activity: str, template: Callable[[str], Path]) -> None:
    nothing_lost(kill_alone(activity, 4, template(activity), random.Random(61)), 4)


@pytest.mark.parametrize("activity", PAIRED)
def test_a_kiosk_killed_in(activity: str, tmp_path: Path) -> None:
    with Studio(tmp_path / "data", families=8) as studio:
        nothing_lost(kill_paired(studio, activity, 3, random.Random(62)), 3)


def test_a_program_that_says_saved_too_early_is_found_out(template: Callable[[str], Path]) -> None:
    """The control: if this lost nothing, the tests above would show nothing."""
    tally = kill_many("hasty", template("hasty"), random.Random(63), look, rounds=6)
    assert tally.lost > 0, tally.line()
    assert (tally.doubled, tally.unsound) == (0, 0)


@pytest.mark.fault
def test_a_thousand_kills(template: Callable[[str], Path], tmp_path: Path, report: Report) -> None:
    rng, tallies = seeded(64), []
    report(HEAD)  # and a line for each activity as it is done: what was found until then is said in any case

    def done(tally: Tally) -> Tally:
        report(tally.line())
        return tally

    for activity, kills in ALONE.items():
        tallies.append(done(kill_alone(activity, kills, template(activity), rng)))
    for number, (activity, kills) in enumerate(PAIRED.items()):
        with Studio(tmp_path / f"data{number}", families=30) as studio:
            tallies.append(done(kill_paired(studio, activity, kills, rng)))
    control = done(kill_many("hasty", template("hasty"), rng, look, rounds=20))
    p95 = percentile_95([took for tally in tallies for took in tally.opened_ms])
    kills = sum(tally.kills for tally in tallies)
    report(
        f"{kills} kill -9, {sum(tally.inside for tally in tallies)} within the job, "
        f"{sum(tally.saved for tally in tallies)} shown as saved: {sum(tally.lost for tally in tallies)} lost, "
        f"{sum(tally.doubled for tally in tallies)} doubled; open p95 {p95:.0f} ms. "
        f"hasty is the control: a program that says saved too early."
    )
    for tally in tallies:
        nothing_lost(tally, tally.kills)
    assert kills >= 1_000
    assert control.lost > 0
    assert p95 < OPEN_MS
