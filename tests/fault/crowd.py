"""A hall of kiosks at a real cloud of several workers, and what can befall them: the rig of `test_crowd.py`."""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url, select

from classtap_core.kernel.clock import SystemClock
from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import derived
from classtap_core.kernel.memory import MemoryDevice
from classtap_core.kernel.outcomes import Status
from cloud.composition import Cloud
from cloud.storage.audit import audit
from cloud.storage.pulls import snapshot
from sync.client.engine import SyncEngine
from sync.client.transport import Transport
from sync.protocol import Pair, Push, Pushed
from sync.signed import is_signed
from tests.cloud.postgres import Server
from tests.cloud.rig import ALL, PLACE, child_id, make_cloud
from tests.fault.wire import Wire
from tests.unit.kernel import toy
from tests.unit.sync.rig import Device

ROOT = Path(__file__).parents[2]
STAFF = Author(type="staff", id=derived("staff", "ines"))
KIOSKS, STEPS = 8, 6
ANSWERED_S, BUSY_S = 5.0, 5.0
"""So long after the last fault, and after each answer while something waits, the next one may take; and on a busy machine."""
_GATHERED_S = 2.0
_STEP_S = 1.0
"""Longer than this no clock of ours goes unread, but in a machine that sleeps."""


class Counting(Transport):
    """Knows whether a push is on its way, and says when one sets out."""

    flying = 0
    stir: threading.Condition

    def push(self, push: Push) -> Pushed:
        with self.stir:
            self.flying += 1
            self.stir.notify_all()
        try:
            return super().push(push)
        finally:
            with self.stir:
                self.flying -= 1


class OneAtATime:
    """A device's store as its engine has it: each call alone, also beside who marks there. Says when it has an answer."""

    def __init__(self, device: Device, stir: threading.Condition) -> None:
        self._device, self._stir, self.guard = device, stir, threading.RLock()

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._device, name)

        def alone(*given: Any, **named: Any) -> Any:
            with self.guard:
                found = call(*given, **named)
            if name == "acknowledge":
                with self._stir:
                    self._stir.notify_all()
            return found

        return alone


class Kiosk:
    """The real engine and the real transport over a store in memory, behind a bad wire of its own."""

    def __init__(self, port: int, code: str, stir: threading.Condition) -> None:
        """`stir` is told when a push sets out, and when one is answered."""
        self._clock = SystemClock()
        self.device = Device(code, self._clock, os.urandom)  # type: ignore[arg-type]
        self.local = OneAtATime(self.device, stir)
        self.wire = Wire(port)
        self.transport = Counting(self.wire.proxy.url)
        self.transport.stir = stir
        public = self.device.key.public_key().public_bytes_raw().hex()
        papers = self.transport.pair(Pair(code=code, public_key=public, name="Kiosk", program="test"))
        self.transport.use(papers.token)
        self.device.id = papers.device
        self.device.store = MemoryDevice(toy.registry(), studio=papers.studio, device=papers.device)
        self.device.bus = DeviceBus(self.device.store, toy.bus(authority=False), self._clock, os.urandom)
        self.engine = self._engine()
        self.engine.once()
        self.engine.start()

    def _engine(self) -> SyncEngine:
        return SyncEngine(
            self.local, self.transport, self._clock, allowed=ALL, today=lambda: date(2026, 11, 21),
        )  # fmt: skip

    def mark(self, rng: random.Random, dozen: int = 0) -> None:
        """Some marks, of a dozen children whom the other kiosks mark too."""
        for _ in range(rng.randint(1, 30)):
            items = (toy.Item(child_id(12 * dozen + rng.randrange(12)), rng.choice(("present", "late"))),)
            with self.local.guard:
                self.device.bus.submit(toy.MarkPresence(house="h1", items=items), STAFF)
        self.engine.nudge()

    @property
    def waits(self) -> int:
        return int(self.local.pending())

    def look(self) -> None:
        """End what runs, and have a last round on this thread."""
        self.engine.stop()
        self.transport.close()
        self.transport = Transport(self.wire.proxy.url, self.transport.token)  # type: ignore[assignment]
        self._engine().once()

    def close(self) -> None:
        self.engine.stop()
        self.transport.close()
        self.wire.proxy.close()


class Hall:
    """A studio's kiosks at a cloud in a process of its own; with a server, of two workers.

    Attributes: kiosks; deaths of a worker; away, how often the database was; raged, how often the weather was bad.
    """

    def __init__(self, folder: Path, url: str, server: Server | None, *, kiosks: int = KIOSKS) -> None:
        self.folder, self.url, self.server = folder, url, server
        self.deaths = self.away = self.raged = 0
        folder.mkdir(mode=0o700)
        with self._opened() as cloud:
            self.studio = cloud.studios.found("Toy").id
            codes = [
                cloud.studios.pairing_code(self.studio, role="kiosk", location=PLACE, name="K", scopes=ALL).code
                for _ in range(kiosks)
            ]
        self.kiosks: list[Kiosk] = []
        self._stir = threading.Condition()
        self._port, self._there = 0, True
        self._serve()
        try:
            self.kiosks.extend(Kiosk(self._port, code, self._stir) for code in codes)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def _opened(self) -> Iterator[Cloud]:
        cloud = make_cloud(self.folder, url=self.url, clock=SystemClock())  # type: ignore[arg-type]
        try:
            yield cloud
        finally:
            cloud.close()

    def _serve(self) -> None:
        workers = "1" if self.server is None else "2"
        command = [sys.executable, "-m", "tests.cloud.crew", str(self.folder), self.url, workers, str(self._port)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        self._port = int(self._process.stdout.readline().strip().rsplit(":", 1)[1])

    def _end(self) -> None:
        if self.server is None:
            self._process.kill()
        else:
            self._process.terminate()
        self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()

    # --- faults

    def rage(self, rng: random.Random, steps: int = STEPS) -> None:
        """Some steps of bad weather, and its end. Each time over children of its own: a record holds all marks of a child,
        and thousands of them again at each mark would be gigabytes."""
        self.raged += 1
        for one in self.kiosks:
            one.wire.rage(random.Random(rng.random()))
        for _ in range(steps):
            if rng.random() < 0.7:
                self.come_back()
            crowded = rng.random() < 0.7
            marking = rng.sample(self.kiosks, len(self.kiosks) * 3 // 4)
            with self.held() if crowded else contextlib.nullcontext():
                for one in marking:
                    one.mark(rng, self.raged)
                if crowded:
                    with self._stir:  # or for a moment: what comes next comes either way
                        self._stir.wait_for(self._gathered, _GATHERED_S)
                self._fault(rng)
        self.come_back()
        for one in self.kiosks:
            one.wire.calm()

    def _gathered(self) -> bool:
        return 2 * sum(one.transport.flying > 0 for one in self.kiosks) >= len(self.kiosks)

    def _fault(self, rng: random.Random) -> None:
        what = rng.choice(("nothing", "hang up", "hang up", "worker", "worker", "database"))
        if what == "worker":
            self.kill_one()
        elif what == "database":
            self.go_away()
        elif what == "hang up":
            for one in rng.sample(self.kiosks, len(self.kiosks) // 2):
                one.wire.proxy.cut()
                one.wire.proxy.restore()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Somebody else writes: whoever pushes waits behind the studio's head. Nothing, where there is no database."""
        with contextlib.ExitStack() as end:
            if self._there and self.server is None:
                file = self.folder / "cloud" / "cloud.db"
                writer = end.enter_context(contextlib.closing(sqlite3.connect(file, isolation_level=None)))
                writer.execute("BEGIN IMMEDIATE")
            elif self._there:
                plain = make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)
                holder = end.enter_context(contextlib.closing(psycopg.connect(plain)))
                holder.execute("SELECT 1 FROM head WHERE studio_id = %s FOR UPDATE", [self.studio])
            yield

    def workers(self) -> list[int]:
        """The processes of the crew. Raises FileNotFoundError where it has ended."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return [int(one) for one in children.read_text().split()]

    def kill_one(self) -> None:
        """The worker that has lived longest. A cloud without others is away until it is started again."""
        if self.server is None:
            self.deaths += self._there
            self.go_away()
            return
        if there := self.workers():
            os.kill(min(there), signal.SIGKILL)
            self.deaths += 1

    def go_away(self) -> None:
        """The database, at once, as a power cut would; one in a file goes with its cloud."""
        if self._there:
            self.away += 1
            self._there = False
            if self.server is None:
                self._end()
            else:
                self.server.stop()

    def come_back(self) -> None:
        if not self._there:
            if self.server is None:
                self._serve()
            else:
                self.server.start()
            self._there = True

    # --- what becomes of it

    def drained(self) -> tuple[float, float]:
        """Only looks until nothing waits: seconds to the first answer, and to the last. Raises AssertionError.

        What the whole machine slept meanwhile, or this test stood still, does not count.
        """
        passed = came = first = 0.0
        with self._stir:
            at, before = time.monotonic(), self._waiting()
            while before:
                self._stir.wait(_STEP_S)  # for an answer; or to look at the clock
                now = time.monotonic()
                passed += min(now - at, _STEP_S)
                at, waiting = now, self._waiting()
                if waiting < before:
                    first, came, before = first or passed, passed, waiting
                elif passed - came > ANSWERED_S + BUSY_S:
                    states = [(one.waits, *one.engine.status()[::3]) for one in self.kiosks]
                    raise AssertionError(f"still waiting: {states}")
        return first, passed

    def _waiting(self) -> int:
        return sum(one.waits for one in self.kiosks)

    def judged(self) -> int:
        """Everything counts once and all hold the same; how many operations there were. Ends the cloud."""
        for one in self.kiosks:
            one.look()
        self._end()
        with self._opened() as cloud:
            assert audit(cloud.books, self.studio, verify=is_signed).ok
            rows = {
                (row.kind, row.id): row.body
                for scope in ALL
                for row in snapshot(cloud.books, self.studio, scope, after="", most=1_000_000).rows
            }
            return sum(self._judged(cloud, one, rows) for one in self.kiosks)

    def _judged(self, cloud: Cloud, kiosk: Kiosk, rows: dict[Any, Any]) -> int:
        log, mine = cloud.books.tables.log.c, kiosk.device.store.log
        with cloud.database.read(self.studio) as connection:
            decided = connection.execute(
                select(log.device_sequence, log.operation)
                .where(log.studio_id == self.studio, log.device_id == kiosk.device.id)
                .order_by(log.sequence)
            ).all()
        assert [tuple(row) for row in decided] == [(entry.sequence, entry.id) for entry in mine], "lost, or doubled"
        told = {entry.answer.status if entry.answer else None for entry in mine}
        assert told <= {Status.ACCEPTED, Status.SUPERSEDED}, "not told, or set aside"
        assert kiosk.device.seen() == rows, "a replica differs"
        return len(mine)

    def close(self) -> None:
        for one in self.kiosks:
            one.close()
        if self._process.poll() is None:
            self._end()
