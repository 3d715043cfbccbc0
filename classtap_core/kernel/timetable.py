"""Work that comes again, on a thread of its own: run by APScheduler, planned by elapsed time.

APScheduler plans by the time of day: left alone it does nothing for a day when a clock is put back by one.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from apscheduler.job import Job
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from classtap_core.kernel.clock import steady_ms

Work = Callable[[], None]

LOOK_S = 5.0
"""How often it is looked whether the clock on the wall was set."""
APART = timedelta(seconds=1)
"""How far a planned time may be from what elapsed time says."""

_log = logging.getLogger("classtap.timetable")


def _wall() -> datetime:
    return datetime.now(UTC)


class Timetable:
    """Pieces of work, one at a time; each is planned once, and planning it again moves it. Times are milliseconds.

    When the clock on the wall is set ahead, what is planned may come once too early; set back, it waits for a look.

    Attributes:
        running: whether it was started and not stopped.
    """

    def __init__(
        self, name: str, *, steady: Callable[[], int] = steady_ms, wall: Callable[[], datetime] = _wall
    ) -> None:
        """`name`: the thread's. `steady`: elapsed milliseconds, of a clock that never steps. `wall`: the clock that
        APScheduler goes by, in UTC."""
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a round that is left out is a warning, each time
        self._name, self._steady, self._wall = name, steady, wall
        worker = {"type": "threadpool", "max_workers": 1, "pool_kwargs": {"thread_name_prefix": name}}
        self._scheduler = BackgroundScheduler(
            timezone=UTC, executors={"default": worker},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )  # fmt: skip
        self._jobs: dict[Work, Job] = {}
        self._planning, self._at_work, self._ended = threading.Lock(), threading.Lock(), threading.Event()
        self._watcher = threading.Thread(target=self._watch, name=f"{name}-clock", daemon=True)
        self.running = False

    def every(self, period_ms: int, work: Work, *, first_ms: int | None = None) -> None:
        """Do something after `first_ms` (else a period), and again each period; not while it is still being done."""
        self._plan(work, period_ms if first_ms is None else first_ms, period_ms)

    def once(self, work: Work, *, after_ms: int = 0) -> None:
        """Do something one time."""
        self._plan(work, after_ms, None)

    def drop(self, work: Work) -> None:
        """Do something no more; what was never planned is fine."""
        with self._planning:
            self._forget(work)

    def follow(self) -> None:
        """Where the clock on the wall was set, move what is planned to the time that elapsed time says."""
        for job in self._scheduler.get_jobs():
            planned, right = job.next_run_time, self._time_of(job.trigger)
            if abs(right - planned) > APART:
                with suppress(JobLookupError):  # it has begun, or was dropped
                    job.modify(next_run_time=right)

    def start(self) -> None:
        """Begin. One that was stopped is not started again."""
        with self._planning:
            self.running = True
            self._scheduler.start()
        self._watcher.start()

    def stop(self) -> None:
        """Ends after the piece that runs; stopping what was never started is fine."""
        if not self.running:
            return
        self.running = False
        self._ended.set()
        self._watcher.join()
        with self._planning:
            self._scheduler.remove_all_jobs()  # its thread falls over a last one that it begins while it is shut down
            self._scheduler.shutdown(wait=False)  # it would wait with its lock held, which the piece may want
        with self._at_work:
            return

    def _plan(self, work: Work, after_ms: int, period_ms: int | None) -> None:
        plan = _Plan(self._steady, after_ms, period_ms)
        with self._planning:
            self._forget(work)
            self._jobs[work] = self._scheduler.add_job(
                self._do, plan, args=(work, plan), next_run_time=self._time_of(plan)
            )

    def _forget(self, work: Work) -> None:
        if (job := self._jobs.pop(work, None)) is not None:
            with suppress(JobLookupError):
                job.remove()

    def _time_of(self, plan: "_Plan") -> datetime:
        return self._wall() + timedelta(milliseconds=plan.due_ms - self._steady())

    def _do(self, work: Work, plan: "_Plan") -> None:
        with self._at_work:
            with self._planning:
                job = self._jobs.get(work)
                if not self.running or job is None or job.trigger is not plan:
                    return  # dropped, or planned anew, while it waited for the thread
                if plan.period_ms is None:
                    del self._jobs[work]
            try:
                work()
            except Exception as fault:  # noqa: BLE001 - whatever it is, the others and its next time come
                _log.error("%s: %s", self._name, type(fault).__name__)

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_S):
            self.follow()
            self._scheduler.wakeup()  # its wait stands still while the machine sleeps, elapsed time does not


class _Plan(BaseTrigger):  # type: ignore[misc]
    """When a piece of work is due, in elapsed milliseconds.

    APScheduler's own intervals list every time between two, one by one: for ten years and a second, until no memory
    is left.
    """

    def __init__(self, steady: Callable[[], int], after_ms: int, period_ms: int | None) -> None:
        self._steady, self.period_ms = steady, period_ms
        self.due_ms = steady() + after_ms

    def get_next_fire_time(self, _before: datetime | None, now: datetime) -> datetime | None:
        """A period from now on the clock on the wall; None for what is done one time."""
        if self.period_ms is None:
            return None
        self.due_ms = self._steady() + self.period_ms
        return now + timedelta(milliseconds=self.period_ms)
