"""What time causes: a sweep asks every room what is due, and the studio's own device authors it, once."""

import logging
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from classtap_core.booking import reactions as booking_reactions
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import ClassTapError
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.timetable import Timetable
from classtap_core.kernel.tx import Reader
from classtap_core.messaging import reactions as messaging_reactions
from classtap_core.messaging.operations import AskMessage
from classtap_core.passes.operations import IssuePass
from classtap_core.people.records import Contact
from classtap_core.schedule import reactions as schedule_reactions
from classtap_core.seating import reactions as seating_reactions
from cloud.jobs import effects
from cloud.jobs.authoring import author
from cloud.jobs.effects import Runner, drain
from cloud.jobs.pass_care import PassCare
from cloud.messaging import returns
from cloud.messaging.reminding import Reminders
from cloud.pages import once
from cloud.pages.doors import Doors
from cloud.storage.jobs import EVERY_MS, PASSES, REMINDERS, TICKS, TIDY, Job, Jobs
from cloud.storage.pulls import forget, head_of, moved_since
from cloud.storage.trail import Trail
from cloud.storage.whereabouts import Telephones
from cloud.studios import Studios

PACE_MS = 1_000
"""How often a worker looks for jobs that are due."""
LEASE_MS = 60_000
"""How long a worker has for what it took; after that another may take it."""
PUT_RIGHT_MS = 60_000
"""How often jobs are looked for that a clock which was ahead put off."""
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
    with storage.viewing():
        found = {tick.id: tick for query in due for tick in query(storage, now)}
        done = storage.settled(found)
    drafts = [
        CloudDraft(tick.payload, Author(type="clock", id=studio), "clock", id=id)
        for id, tick in found.items()
        if id not in done
    ][:MOST_AT_ONCE]
    author(studios, studio, drafts)
    return len(drafts)


class Ticks:
    """The clock's thread: every studio's jobs, again and again; each job by one worker at a time."""

    def __init__(self, studios: Studios, runners: Mapping[str, Runner] | None = None) -> None:
        """`runners`: who carries out which kind of effect."""
        self._studios, self._runners = studios, runners or {}
        self._due = [query for kind, query in ROOMS if kind in studios.bus.registry.specs]
        self._jobs = Jobs(studios.books.database, studios.books.tables)
        self._passes = PassCare(studios) if IssuePass.SPEC.name in studios.bus.registry.specs else None
        self._telephones = Telephones(studios.books)
        self._reminders = Reminders(studios) if AskMessage.SPEC.name in studios.bus.registry.specs else None
        self._work = {TICKS: self._sweep, PASSES: self._look, REMINDERS: self._remind, TIDY: self._tidy}
        self._holder = secrets.token_hex(8)
        self._timetable = Timetable("cloud-ticks")
        self._timetable.every(PUT_RIGHT_MS, self.put_right, first_ms=0)
        self._timetable.every(PACE_MS, self.sweep_all)

    def sweep_all(self) -> None:
        """One round: every studio's jobs that are due and that no other worker has. One in trouble holds up no other."""
        try:
            while jobs := self._take():
                for job in jobs:
                    self._do(job)
        except ClassTapError as error:
            _log.error("sweep: %s", error.code)

    def put_right(self) -> None:
        """Nothing waits for a time that was only a clock's that went wrong, and was put back."""
        try:
            self._jobs.put_right(now_ms=self._studios.clock.now().corrected, lease_ms=LEASE_MS)
        except ClassTapError as error:
            _log.error("jobs: %s", error.code)

    def _take(self) -> list[Job]:
        now = self._studios.clock.now().corrected
        return self._jobs.take(holder=self._holder, now_ms=now, lease_ms=LEASE_MS, most=MOST_TAKEN)

    def _do(self, job: Job) -> None:
        seen = job.seen
        try:
            seen = self._work[job.kind](job)
        except ClassTapError as error:
            _log.error("%s: %s", job.kind, error.code)
        except Exception as fault:  # noqa: BLE001 - the next round tries again
            _log.error("%s: %s", job.kind, type(fault).__name__)
        due_ms = self._studios.clock.now().corrected + EVERY_MS[job.kind]
        self._jobs.done(job, holder=self._holder, due_ms=due_ms, seen=seen)

    def _sweep(self, job: Job) -> int:
        """What is due by now, and what changes ask for since the last round; up to which sequence that was seen."""
        studio, books = job.studio, self._studios.books
        sweep(self._studios, studio, self._due)
        head, moved = moved_since(books, studio, job.seen)
        more = 0
        if self._passes is not None and self._passes.concerned(studio, moved):
            more = self._passes.tend(studio, since=job.seen)
        if Contact.KIND in moved:
            self._telephones.note(self._studios.storage(studio), studio)
        drain(self._studios, studio, self._runners)
        return job.seen if more else head

    def _look(self, job: Job) -> int:
        """Each hour, whatever changed: passes end, keys change, and a worker that died may not have listed an erasure, or
        written down of a device what the others are to know."""
        self._studios.list_erased(job.studio)
        self._studios.describe(job.studio)
        if self._passes is not None:
            self._passes.tend(job.studio, since=head_of(self._studios.books, job.studio))
        return job.seen

    def _remind(self, job: Job) -> int:
        now_ms = self._studios.clock.now().corrected
        if self._reminders is not None:
            self._reminders.tend(job.studio, since_ms=job.seen)
        return now_ms

    def _tidy(self, job: Job) -> int:
        """Once a day: let go of words in the log whose time is over, of what the change index says about rows
        that are long gone, of effects nobody wants, of links and codes that ended, and of what providers told."""
        studio, now_ms = job.studio, self._studios.clock.now().corrected
        before_ms = now_ms - REMEMBERED_DAYS * DAY_MS
        Trail(self._studios.books, studio, self._studios.bus.registry).let_go(now_ms)
        forget(self._studios.books, studio, before_ms=before_ms)
        effects.forget(self._studios, studio, self._runners)
        Doors(self._studios.books, self._studios.clock).forget(studio)
        returns.forget(self._studios, studio, before_ms=before_ms)
        once.forget(self._studios.books, studio, before_ms=now_ms - once.KEPT_MS)
        return job.seen

    def start(self) -> None:
        self._timetable.start()

    def stop(self) -> None:
        """Ends after the round that runs."""
        self._timetable.stop()
