"""What time causes: a sweep asks every room what is due, and the studio's own device authors it, once."""

import logging
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from apscheduler.schedulers.background import BackgroundScheduler

from classtap_core.booking import reactions as booking_reactions
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import ClassTapError
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.tx import Reader
from classtap_core.messaging import reactions as messaging_reactions
from classtap_core.messaging.operations import AskMessage
from classtap_core.passes.operations import IssuePass
from classtap_core.schedule import reactions as schedule_reactions
from classtap_core.seating import reactions as seating_reactions
from cloud.jobs import effects
from cloud.jobs.effects import Runner, drain
from cloud.jobs.pass_care import PassCare
from cloud.messaging import returns
from cloud.messaging.reminding import Reminders
from cloud.pages import once
from cloud.pages.doors import Doors
from cloud.storage.jobs import TICKS, Job, Jobs
from cloud.storage.pulls import forget
from cloud.storage.trail import Trail
from cloud.storage.whereabouts import Telephones
from cloud.studios import Studios

SWEEP_S = 15
PACE_S = 1
"""How often a worker looks for studios whose sweep is due."""
LEASE_S = 60
"""How long a worker has for what it took; after that another may take it."""
MOST_TAKEN = 20
DAY_MS = 86_400_000
REMEMBERED_DAYS = 30
"""A device that was away for longer is told to load its scopes anew."""
MOST_AT_ONCE = 500

_log = logging.getLogger("classtap.cloud")


class Tick(Protocol):
    """What a room says is due: an operation, and the id that every clock would give it."""

    @property
    def payload(self) -> Payload: ...

    @property
    def id(self) -> Id: ...


Due = Callable[[Reader, int], Iterable[Tick]]
"""A room's query: what is due by now (milliseconds since the Unix epoch)."""

ROOMS: tuple[tuple[str, Due], ...] = (
    ("lease.lapse", booking_reactions.due),
    ("seatrollout.apply", seating_reactions.due),
    ("series.extend", schedule_reactions.due),
    ("message.escalate", messaging_reactions.due),
)
"""What each room authors by the clock, and its query."""


def sweep(studios: Studios, studio: Id, due: Sequence[Due]) -> int:
    """Author what is due in one studio; how many operations that was. A sweep that comes again does nothing."""
    now = studios.clock.now().corrected
    storage = studios.storage(studio)
    found = {tick.id: tick for query in due for tick in query(storage, now)}
    done = storage.settled(found)
    drafts = [
        CloudDraft(tick.payload, Author(type="clock", id=studio), "clock", id=id)
        for id, tick in found.items()
        if id not in done
    ][:MOST_AT_ONCE]
    if drafts:
        studios.authority(studio).author_all(studios.studio(studio).cloud_device, drafts)
    return len(drafts)


class Ticks:
    """The clock's thread: sweeps every studio, again and again; of several workers one at a time."""

    def __init__(
        self, studios: Studios, runners: Mapping[str, Runner] | None = None, *, every_s: int = SWEEP_S
    ) -> None:
        """`runners`: who carries out which kind of effect."""
        self._studios, self._every_ms, self._runners = studios, every_s * 1000, runners or {}
        self._due = [query for kind, query in ROOMS if kind in studios.bus.registry.specs]
        self._jobs = Jobs(studios.books.database, studios.books.tables)
        self._passes = PassCare(studios) if IssuePass.SPEC.name in studios.bus.registry.specs else None
        self._telephones = Telephones(studios.books)
        self._reminders = Reminders(studios) if AskMessage.SPEC.name in studios.bus.registry.specs else None
        self._forgot: dict[Id, int] = {}
        self._holder = secrets.token_hex(8)
        executors = {"default": {"type": "threadpool", "max_workers": 1}}
        self._scheduler = BackgroundScheduler(timezone="UTC", executors=executors)
        self._scheduler.add_job(
            self.sweep_all, "interval", seconds=PACE_S, coalesce=True, max_instances=1, misfire_grace_time=None
        )

    def sweep_all(self) -> None:
        """One round: every studio whose sweep is due and that no other worker has. One in trouble holds up no other."""
        try:
            while jobs := self._take():
                for job in jobs:
                    self._sweep(job)
        except ClassTapError as error:
            _log.error("sweep: %s", error.code)

    def _take(self) -> list[Job]:
        now = self._studios.clock.now().corrected
        return self._jobs.take(TICKS, holder=self._holder, now_ms=now, lease_ms=LEASE_S * 1000, most=MOST_TAKEN)

    def _sweep(self, job: Job) -> None:
        try:
            sweep(self._studios, job.studio, self._due)
            if self._passes is not None:
                self._passes.tend(job.studio)
            if self._reminders is not None:
                self._telephones.note(self._studios.storage(job.studio), job.studio)
                self._reminders.tend(job.studio)
            drain(self._studios, job.studio, self._runners)
            self._forget(job.studio)
        except ClassTapError as error:
            _log.error("sweep: %s", error.code)
        except Exception as fault:  # noqa: BLE001 - the next round tries again
            _log.error("sweep: %s", type(fault).__name__)
        self._jobs.done(job, holder=self._holder, due_ms=self._studios.clock.now().corrected + self._every_ms)

    def _forget(self, studio: Id) -> None:
        """Once a day: let go of words in the log whose time is over, of what the change index says about rows
        that are long gone, of effects nobody wants, of links and codes that ended, and of what providers told."""
        day = self._studios.clock.now().corrected // DAY_MS
        if self._forgot.get(studio) != day:
            Trail(self._studios.books, studio, self._studios.bus.registry).let_go(self._studios.clock.now().corrected)
            forget(self._studios.books, studio, before_ms=(day - REMEMBERED_DAYS) * DAY_MS)
            effects.forget(self._studios, studio, self._runners)
            Doors(self._studios.books, self._studios.clock).forget(studio)
            returns.forget(self._studios, studio, before_ms=(day - REMEMBERED_DAYS) * DAY_MS)
            self._studios.list_erased(studio)
            once.forget(self._studios.books, studio, before_ms=self._studios.clock.now().corrected - once.KEPT_MS)
            self._forgot[studio] = day

    def start(self) -> None:
        # A sweep that takes longer than its interval is told as a warning, each time; the next one does its work.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler.start()

    def stop(self) -> None:
        """Ends after the round that runs."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
