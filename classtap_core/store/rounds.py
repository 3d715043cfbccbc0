"""What is done for a store without anybody asking: backups and their rotation, looks at its soundness, tidying, room."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from classtap_core.kernel.clock import Clock
from classtap_core.kernel.errors import BadInput, ClassTapError, EnvironmentFault
from classtap_core.kernel.timetable import Timetable
from classtap_core.store import blob_backup, container
from classtap_core.store.backup import KEEP, KEYS_END, Made, Rule, to_keep
from classtap_core.store.folder import DATABASE, prepare
from classtap_core.store.integrity import Depth
from classtap_core.store.retention import Bound
from classtap_core.store.space import Level
from classtap_core.store.store import Store
from classtap_core.store.sweeping import sweep

log = logging.getLogger("classtap.store")

END = ".ctbackup"
_HALF_MADE = ".????-??-??T??????Z"
A_DAY = timedelta(hours=20)  # a desk that is opened at nine each day gets one each day
KEYS_STAY = timedelta(days=30)
MINUTE_MS = 60_000
FIRST_AFTER_MS = 5 * MINUTE_MS
LOOK_AT_DUE_MS = 30 * MINUTE_MS
DAILY_MS = 24 * 60 * MINUTE_MS
MENDED_IN_USE = 16 << 20
"""A larger store is mended when it is opened next: it would keep people waiting for more than six seconds."""
MADE_AT_ONCE = 64 << 20
"""How much room a round makes where there is little, in bytes."""


class Backups:
    """The backups of one store in one folder.

    Attributes:
        last: the newest made by this object. fault: the code of what stood in the way last; empty when nothing did.
    """

    def __init__(self, store: Store, clock: Clock, folder: Path, *, rule: Rule = KEEP) -> None:
        self._store, self._clock, self.folder, self._rule = store, clock, folder, rule
        self.last: Made | None = None
        self._made_at: int | None = None
        self.fault = ""

    def there(self) -> dict[datetime, Path]:
        """Backups by when they were made (UTC), newest first; other files are left out."""
        found: dict[datetime, Path] = {}
        for path in self.folder.glob(f"*{END}"):
            with suppress(BadInput, EnvironmentFault):
                found[_moment(container.label_of(path).made_ms)] = path
        return dict(sorted(found.items(), reverse=True))

    def due(self) -> bool:
        """Whether the newest is older than a day: by elapsed time where this object made it, else by what it says, or
        when that is of a clock that was ahead."""
        if self._made_at is not None:
            return timedelta(milliseconds=self._clock.now().mono - self._made_at) >= A_DAY
        newest = next(iter(self.there()), None)
        age = None if newest is None else self._now() - newest
        return age is None or age >= A_DAY or age < timedelta()

    def once(self) -> Made:
        """Make one now, and let go of those that the rule does not keep. Raises as `Store.back_up`, `prepare`."""
        prepare(self.folder)
        for left in self.folder.glob(f"{_HALF_MADE}{END}*"):
            left.unlink(missing_ok=True)  # a program was killed while it made one; nothing opens these
        now = self._now()
        made = self._store.back_up(self.folder / f"{now:%Y-%m-%dT%H%M%S}Z{END}", now_ms=int(now.timestamp() * 1_000))
        self.last, self._made_at = made, self._clock.now().mono
        self.thin()
        return made

    def thin(self) -> list[Path]:
        """Remove what is no longer kept: backups by the rule, persons' keys after thirty days but the newest, and blobs
        that no backup has any more."""
        there = self.there()
        kept = to_keep(there, self._rule)
        gone = [path for at, path in there.items() if at not in kept]
        files: dict[datetime, Path] = {}
        for path in self.folder.glob(f"*{END}{KEYS_END}"):
            with suppress(BadInput, EnvironmentFault):
                files[_moment(container.label_of(path, holds="keys").made_ms)] = path
        oldest = self._now() - KEYS_STAY
        gone += [path for at, path in files.items() if at < oldest and at != max(files)]
        for path in gone:
            path.unlink(missing_ok=True)
        return gone + blob_backup.thin(self.folder, [path for at, path in there.items() if at in kept])

    def if_due(self) -> None:
        """One round: never raises for what the surroundings do, but remembers and logs it."""
        try:
            if self.due():
                self.once()
            self.fault = ""
        except ClassTapError as fault:
            if fault.code != "store.closed":
                self.fault = fault.code
                log.warning("no backup was made: %s", fault)

    def _now(self) -> datetime:
        return _moment(self._clock.now().corrected)


class Rounds:
    """A thread of its own that makes backups when they are due, looks at the store (soon after a bad end, and daily) and
    at the room on its disk, and lets go daily of what is old or nobody's.

    Start it with the program, stop it before the store is closed.
    """

    def __init__(
        self, store: Store, clock: Clock, backups: Path, *, heard: Callable[[], int | None] | None = None,
        bounds: Sequence[Bound] = (),
    ) -> None:  # fmt: skip
        """`heard`: when the cloud was last there (ms), by which what is old is judged; without it the clock is believed.
        `bounds`: kinds of which only so many stay, looked at every half hour."""
        self._store, self._clock, self._heard, self.bounds = store, clock, heard, tuple(bounds)
        self.backups = Backups(store, clock, backups)
        self._timetable = plan = Timetable("store-rounds", steady=lambda: clock.now().mono)
        self._commits = -1
        store.watch.on_met(lambda: plan.once(self.hurt))
        if store.unclean:
            plan.once(partial(self.look, Depth.QUICK), after_ms=10_000)
        plan.every(LOOK_AT_DUE_MS, self.backups.if_due, first_ms=FIRST_AFTER_MS)
        plan.every(DAILY_MS, self.tidy, first_ms=FIRST_AFTER_MS // 2)
        if self.bounds:
            plan.every(LOOK_AT_DUE_MS, self.keep_within, first_ms=FIRST_AFTER_MS // 2)
        plan.every(DAILY_MS, partial(self.look, Depth.FULL), first_ms=2 * FIRST_AFTER_MS)
        plan.every(MINUTE_MS, self.make_room, first_ms=FIRST_AFTER_MS // 2)

    def look(self, depth: Depth) -> None:
        """One look; what it finds is remembered by the store's `watch`, and of blobs by `blobs.wrong`."""
        try:
            if self._store.look(depth).mends:
                self._commits = -1
                self._timetable.every(MINUTE_MS, self.mend)
            if depth is Depth.FULL:
                self._store.blobs.look()
        except ClassTapError as fault:
            if fault.code != "store.closed":
                log.warning("the store could not be looked at: %s", fault)

    def mend(self) -> None:
        """Mend a damaged store once nothing was done for a minute, so that nobody waits for it."""
        if self._store.device.commits != self._commits:
            self._commits = self._store.device.commits
            return
        self._timetable.drop(self.mend)
        self._mend()

    def hurt(self) -> None:
        """What somebody did just failed on a damaged page: look at once, and mend where that can be done."""
        if self._store.watch.health.sound:
            self.look(Depth.QUICK)
        if self._store.watch.health.mends:
            self._timetable.drop(self.mend)
            self._mend()

    def _mend(self) -> None:
        try:
            if (self._store.folder / DATABASE).stat().st_size <= MENDED_IN_USE:
                self._store.mend()
                self.look(self._store.watch.health.depth)
        except (ClassTapError, OSError) as fault:
            log.warning("the store is mended by the next start: %s", fault)

    def tidy(self) -> None:
        """Let go of what is old, kept only for a while, or nobody's; it waits behind whatever a person is doing.

        Offline a clock may be years ahead, and today's rosters would be old by it: so nothing is older than it was when
        the cloud was last there.
        """
        now_ms = self._clock.now().corrected
        heard = now_ms if self._heard is None else self._heard()
        try:
            self._store.tidy(now_ms).result()
            if heard is not None:
                self._store.let_go_of_old(min(now_ms, heard)).result()
            sweep(self._store, now_ms=now_ms)
        except CancelledError:
            return
        except ClassTapError as fault:
            if fault.code != "store.closed":
                log.warning("not everything that is old could leave: %s", fault)

    def keep_within(self) -> None:
        """Let the oldest go of what only so many are kept of."""
        for bound in self.bounds:
            try:
                self._store.keep_within(bound, self._clock.now().corrected).result()
            except CancelledError:
                return
            except ClassTapError as fault:
                if fault.code != "store.closed":
                    log.warning("more than %d %s stay: %s", bound.most, bound.record.KIND, fault)
                return

    def make_room(self) -> None:
        """Look at the room on the disk; where there is little, let what the cloud has too leave, else have the reserve
        ready."""
        with suppress(ClassTapError):
            room = self._store.space.look()
            if room.level is not Level.ENOUGH:
                self._store.blobs.let_go(MADE_AT_ONCE)
                self._store.space.look()
            if room.level is not Level.FULL:
                self._store.space.keep_reserve()

    def start(self) -> None:
        """Begin, with one look at the room there is: whoever listens is told at once."""
        self._store.space.look()
        self._timetable.start()

    def stop(self) -> None:
        """Ends after the round that runs, which hurries; stopping what was never started is fine."""
        if self._timetable.running:
            self._store.hurry()
            self._timetable.stop()


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1_000, tz=UTC)
