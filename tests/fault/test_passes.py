"""Passes under attack: a million bent texts, a fuzzer that learns, and three minutes at a busy door without a network."""

import contextlib
import os
import random
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.claims import percentile
from classtap_core.passes import base45, codec, jws, keys, picture, trial
from classtap_core.passes import verify as verifying
from classtap_core.passes.jws import BadJws, claims_of, to_jws
from classtap_core.passes.keys import KeyBundleError, signed_bundle, verify_bundle
from classtap_core.passes.signing import ed25519_signer
from classtap_core.passes.verify import Outcome
from kiosk.decoding import Decoder, Purse
from kiosk.door import Door, Sighted
from tests.end_to_end.house_rig import families_due
from tests.end_to_end.rig import Studio as WholeStudio
from tests.fault.guided import Found, Guided
from tests.unit.passes.conftest import Studio
from tests.unit.passes.mutating import essence, mutated
from tests.unit.passes.test_mutations import good_texts, judged

pytestmark = pytest.mark.fault

MUTATED = 1_000_000
FUZZ_S = float(os.environ.get("CLASSTAP_FUZZ_S", "600"))
LONG = bool(os.environ.get("CLASSTAP_LONG"))
SOAK_S = float(os.environ.get("CLASSTAP_SOAK_S", "1800" if LONG else "180"))
SCANS_A_SECOND = 10


def usual(seed: int) -> int:
    return random.SystemRandom().randrange(1 << 32) if LONG else seed


def test_a_million_bent_texts(report: Callable[[str], None]) -> None:
    studio, seed = Studio(), usual(20_261_121)
    found = judged(studio, mutated(good_texts(studio), MUTATED, seed=seed))
    told = ", ".join(f"{outcome.value} {count:,}" for outcome, count in found.most_common())
    report(f"{MUTATED:,} bent texts (seed {seed}): {told}")
    assert found[Outcome.OK] == 0
    assert sum(found.values()) == MUTATED


def test_a_fuzzer_that_learns_finds_no_way_in_and_no_crash(report: Callable[[str], None]) -> None:
    """Text decoder and verdict for most of the time, key bundles and JWS for the rest."""
    studio, root = Studio(), ed25519_signer(bytes(32))
    good = good_texts(studio)
    passes = {essence(text) for text in good}

    def at_the_door(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        assert studio.scan(text).outcome is not Outcome.OK or essence(text) in passes

    bundle = signed_bundle(studio.bundle, root)

    def at_the_cloud(data: bytes) -> None:
        try:
            verify_bundle(data, root.public)
        except KeyBundleError:
            return
        assert data == bundle

    signed = to_jws(studio.claims(), studio.signers[1]).encode()

    def at_the_api(data: bytes) -> None:
        try:
            claims_of(data.decode("utf-8", "replace"), studio.bundle)
        except BadJws:
            return
        assert data == signed

    files = [Path(one.__file__) for one in (base45, codec, verifying, keys, jws)]
    seed = usual(7)
    for name, target, corpus, share in (
        ("texts", at_the_door, [text.encode() for text in good], 0.8),
        ("bundles", at_the_cloud, [bundle], 0.1),
        ("JWS", at_the_api, [signed], 0.1),
    ):
        found: Found = Guided(target, files, seed=seed).run(corpus, seconds=FUZZ_S * share)
        report(
            f"fuzzed {name} for {FUZZ_S * share:.0f} s (seed {seed}): {found.runs:,} runs, line pairs "
            f"{found.edges_at_first} to {found.edges}, {found.corpus} inputs kept"
        )
        assert found.edges > found.edges_at_first


def test_ten_scans_a_second_without_a_network(tmp_path: Path, report: Callable[[str], None]) -> None:
    """From frame to committed verdict: none dropped, no queue, as fast at the end as at the start, a third of a core.

    Depth and time are taken where nobody else held this process's processor; on a machine of its own that is always.
    """
    with WholeStudio(tmp_path / "data", families=12) as studio:
        node = studio.pair("kiosk")
        families = families_due(studio)
        texts = [studio.pass_text(family) for family in families]
        studio.server.stop()
        shots = [_shot(text, seed=number) for number, text in enumerate(texts)]
        soaked = _Soak(Door(node), shots)
        soaked.run(SOAK_S)
        assert node.store.check().ok
        studio.leave()
    scans = round(SOAK_S * SCANS_A_SECOND)
    first, last = soaked.minute(0), soaked.minute(-1)
    report(
        f"{soaked.done} scans in {SOAK_S:.0f} s, {len(soaked.took)} of them undisturbed: queue at most {soaked.deepest}, "
        f"p99 {first:.1f} ms in the first minute and {last:.1f} ms in the last, {soaked.cpu_percent:.0f} % of a core, "
        f"{soaked.grown_mb:.1f} MB more, {soaked.slipped} begun late by our own doing"
    )
    assert soaked.unread == 0
    assert soaked.done == scans, "none dropped"
    assert soaked.slipped == 0
    assert soaked.cpu_percent <= 35
    assert soaked.grown_mb <= 64
    assert soaked.deepest <= 3
    assert len(soaked.took) >= scans / 3, "others held the processor most of the time: run it with nothing beside it"
    assert last <= max(1.2 * first, first + 10.0)


def _shot(text: str, *, seed: int) -> trial.Colour:
    drawn = cv2.imdecode(np.frombuffer(picture.png(text), np.uint8), cv2.IMREAD_COLOR)
    return next(trial.frames(np.asarray(drawn, np.uint8), count=1, seed=seed, side_px=200))


PERIOD_S = 1 / SCANS_A_SECOND
DISTURBED_S = PERIOD_S / 5
"""How long others may have held back our threads, together, before a sample tells of them and not of us."""


class _Soak:
    """Holds frames to a door by the clock, whatever the door does with them: nobody is passed over.

    A frame that comes late because this process was not let run is not made up for by a burst: what follows comes a
    period after it. One that is late because of what we did ourselves is counted (`slipped`).
    """

    def __init__(self, door: Door, shots: list[trial.Colour]) -> None:
        self._door, self._shots, self._decoder = door, shots, Decoder(purse=Purse())
        self.took: list[float] = []
        self.done = self.unread = self.deepest = self.slipped = 0
        self.cpu_percent = self.grown_mb = 0.0
        self._waiting = 0
        self._quiet = True
        self._lock = threading.Condition()

    def run(self, seconds: float) -> None:
        busy: list[float] = []
        pause = threading.Event()  # never set: the clock alone says when the next one comes
        due = second = time.monotonic()
        used, own, held_back = time.process_time(), time.thread_time(), _held_back_s()
        at_first = 0.0
        for number in range(round(seconds * SCANS_A_SECOND)):
            pause.wait(max(0.0, due - time.monotonic()))
            late = time.monotonic() - due
            if late > PERIOD_S:
                self.slipped += time.thread_time() - own > 0.8 * PERIOD_S
                due += late
            waited = _held_back_s()
            self._quiet = late <= DISTURBED_S and waited - held_back <= DISTURBED_S
            held_back, own = waited, time.thread_time()
            self._one(self._shots[number % len(self._shots)])
            due += PERIOD_S
            now = time.monotonic()
            if now - second >= 1.0:
                busy.append(100 * (time.process_time() - used) / (now - second))
                second, used = now, time.process_time()
            if number == SCANS_A_SECOND * 10:  # what is loaded once is loaded by now
                at_first = _resident_mb()
        with self._lock:
            assert self._lock.wait_for(lambda: not self._waiting, 30)
        self.cpu_percent, self.grown_mb = statistics.median(busy), _resident_mb() - at_first

    def _one(self, shot: trial.Colour) -> None:
        began, before = time.perf_counter(), _held_back_s()
        seen = self._decoder.decode(shot)
        if not seen:
            self.unread += 1
            return
        with self._lock:
            self._waiting += 1
            if self._quiet:
                self.deepest = max(self.deepest, self._waiting)
        self._door.scan(seen[0].text).add_done_callback(lambda future: self._done(future, began, before))

    def _done(self, future: "Future[Sighted]", began: float, before: float) -> None:
        spent, quiet = (time.perf_counter() - began) * 1000, _held_back_s() - before <= DISTURBED_S
        with self._lock:
            self._waiting -= 1
            self._lock.notify()
            if future.result().outcome in ("ok", "rate_limited"):
                self.done += 1
                if quiet and self._quiet:
                    self.took.append(spent)

    def minute(self, which: int) -> float:
        """The p99 of the first (0) or the last (-1) minute, ms."""
        many = 60 * SCANS_A_SECOND
        return percentile(self.took[:many] if which == 0 else self.took[-many:], 99)


def _held_back_s() -> float:
    """How long threads of this process were ready and not let run, together, s; 0 where the system does not say."""
    waited = 0
    for thread in os.scandir("/proc/self/task"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            waited += int(Path(thread.path, "schedstat").read_text().split()[1])
    return waited / 1e9


def _resident_mb() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6
