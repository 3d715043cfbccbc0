"""What a store needs now and then, while a program runs: old traces forgotten, the file kept small."""

from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler

from classtap_core.kernel.clock import Clock
from classtap_core.store.store import Store

FIRST_AFTER = timedelta(minutes=2)
EVERY_HOURS = 24


class Upkeep:
    """Runs on a thread of its own; what it does to the store waits behind whatever a person is doing."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._scheduler = BackgroundScheduler(
            timezone=UTC, executors={"default": {"type": "threadpool", "max_workers": 1}}
        )
        self._scheduler.add_job(
            self.once, "interval", hours=EVERY_HOURS, next_run_time=datetime.now(UTC) + FIRST_AFTER, coalesce=True,
            max_instances=1, misfire_grace_time=None,
        )  # fmt: skip

    def once(self) -> None:
        """One round, now."""
        self._store.tidy(self._clock.now().corrected)

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Ends after the round that runs; stopping what was never started is fine."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
