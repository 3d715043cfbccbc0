"""What other workers commit: looked for while a device listens here, and told to it; and our own commits told to them.

No worker is called by another and PostgreSQL notifies nobody (NOTIFY takes one lock for all writers): each leaves a
note after its commits, and each that has listeners looks for notes every `POLL_S`.
"""

import logging
import threading
import time

from classtap_core.kernel.errors import ClassTapError
from classtap_core.kernel.ids import Id
from cloud.hints import Hints
from cloud.storage.backend import Place
from cloud.storage.wakes import Wakes

POLL_S = 0.075
_TELL_S = 0.05
"""Notes of this long are written together."""
_SLACK_MS = 2_000
"""A note written before another may be seen after it."""
_BACK = 50
"""Steps looked back on first sight of a studio: what was committed between a device's first answer and our first look."""
_SWEPT, _SWEPT_NOTED = 10, 1
"""Studios whose head is looked at each round: where nobody leaves notes, and for notes that got lost."""

_log = logging.getLogger("classtap.cloud")


class Watch:
    """A thread beside one worker's hints.

    `noted`: whether other workers read and write notes; on SQLite, where only commands write beside the one worker,
    looking at the heads is enough.
    """

    def __init__(self, wakes: Wakes, hints: Hints, *, noted: bool) -> None:
        self._wakes, self._hints, self._noted = wakes, hints, noted
        self._moved: dict[Id, int] = {}
        self._lock = threading.Lock()
        self._stir, self._stopped = threading.Event(), False
        self._known: dict[Id, int] = {}
        self._papers: dict[Id, str] = {}
        self._stamp = 0
        self._stamps: dict[Id, int] = {}
        self._turn = 0
        self._thread: threading.Thread | None = None
        hints.joined = self._stir.set

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="cloud-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what was not told yet is told."""
        self._stopped = True
        self._stir.set()
        if self._thread is not None:
            self._thread.join()
        self._guarded(self._tell)

    def announce(self, studio: Id, through: int, places: frozenset[Place]) -> None:
        """After a commit of this worker: tell who listens here, and leave a note for the others."""
        self._hints.announce(studio, through, places)
        self.note(studio, through)

    def drop(self, studio: Id, device: Id) -> None:
        """End a device's connections, here and at other workers: it was revoked, or may hold something else now."""
        self._hints.drop(studio, device)
        self.note(studio)

    def note(self, studio: Id, through: int = 0) -> None:
        """Have other workers look at a studio and its devices."""
        if not self._noted:
            return
        with self._lock:
            self._moved[studio] = max(through, self._moved.get(studio, 0))
        self._stir.set()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopped:
            listening = self._hints.studios()
            self._stir.wait(max(0.0, due - time.monotonic()) if listening else None)
            self._stir.clear()
            self._guarded(self._tell)
            if listening and time.monotonic() >= due:
                self._guarded(self.look)
                due = time.monotonic() + POLL_S
            elif not self._stopped:
                time.sleep(_TELL_S)  # what is committed meanwhile goes into one note

    def _guarded(self, work: object) -> None:
        try:
            work()  # type: ignore[operator]
        except ClassTapError as error:
            _log.debug("watch: %s", error.code)  # the next round tries again; devices see their own calls fail
        except Exception as fault:  # noqa: BLE001 - whatever it is, listeners must be told again
            _log.error("watch: %s", type(fault).__name__)

    def _tell(self) -> None:
        with self._lock:
            moved, self._moved = self._moved, {}
        if not moved:
            return
        try:
            self._wakes.tell(moved)
        except BaseException:
            with self._lock:
                for studio, through in moved.items():
                    self._moved[studio] = max(through, self._moved.get(studio, 0))
            raise

    def look(self) -> None:
        """One round: studios of the new notes, then some more in their turn."""
        listening = self._hints.studios()
        wanted = dict.fromkeys(studio for studio in listening if studio not in self._known)
        if self._noted:
            for wake in self._wakes.since(self._stamp - _SLACK_MS):
                self._stamp = max(self._stamp, wake.stamp_ms)
                if wake.studio in listening and self._stamps.get(wake.studio) != wake.stamp_ms:
                    self._stamps[wake.studio] = wake.stamp_ms
                    wanted[wake.studio] = None
        ordered = sorted(listening)
        for _ in range(min(_SWEPT_NOTED if self._noted else _SWEPT, len(ordered))):
            wanted.setdefault(ordered[self._turn % len(ordered)])
            self._turn += 1
        for gone in self._known.keys() - listening:
            self._known.pop(gone)
            self._stamps.pop(gone, None)
        for studio in wanted:
            self._look_at(studio)

    def _look_at(self, studio: Id) -> None:
        devices = self._hints.devices(studio) - {Id("")}  # a page's listener is no device
        found = self._wakes.look(studio, devices, after=self._known.get(studio), back=_BACK)
        for device in devices:
            papers = found.standing.get(device)
            if papers is None or self._papers.setdefault(device, papers) != papers:
                self._papers.pop(device, None)
                self._hints.drop(studio, device)
        if found.places:
            self._hints.announce(studio, found.head, found.places)
        self._known[studio] = found.head
