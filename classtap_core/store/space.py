"""Room on the disk: said early, while there is still some; new work stops before anything breaks, and what frees room goes on.

A reserve file holds room that nobody else can take. It goes when the disk is full, so that sending and purging can be
written, and is made again when there is room.
"""

import logging
import os
import shutil
import threading
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.store.folder import RESERVE, sync_folder

log = logging.getLogger("classtap.store")

MARK_BYTES = 8192
"""What a mark takes for good, reckoned well: the tests measure five thousand."""
QUEUE_LOW, QUEUE_MOST = 5_000, 100_000
"""From so many operations that wait to be sent it is said; with so many new work stops (ruling 4)."""
_MB = 1 << 20
_PIECE = 64 * 1024


class Level(StrEnum):
    """ENOUGH; LOW: somebody should be told; FULL: new work is refused until there is room again."""

    ENOUGH = "enough"
    LOW = "low"
    FULL = "full"


class Limits(NamedTuple):
    """Bytes: below `low` it is said, below `stop` new work stops, `reserve` is kept for what frees room."""

    low: int = 512 * _MB
    stop: int = 32 * _MB
    reserve: int = 8 * _MB

    def on(self, total: int) -> "Limits":
        """The same for a disk of so many bytes: on a small one they are parts of it."""
        return Limits(min(self.low, total // 8), min(self.stop, total // 32), min(self.reserve, total // 64))


class Room(NamedTuple):
    """What is left. `marks` says for how many marks it is enough; `reserve` whether the reserve lies ready."""

    level: Level
    free: int
    marks: int
    reserve: bool


def queue_level(waiting: int) -> Level:
    """How a queue of so many unsent operations stands."""
    if waiting >= QUEUE_MOST:
        return Level.FULL
    return Level.LOW if waiting >= QUEUE_LOW else Level.ENOUGH


class Stopped(EnvironmentFault):
    """`disk_full` or `queue_full`, said before anything was written: the reserve is not for new work."""


class Space:
    """Watches the disk that a store's folder lies on. From any thread.

    Attributes:
        room: as it was last looked at.
    """

    def __init__(self, folder: Path, *, limits: Limits | None = None) -> None:
        self._folder, self._path = folder, folder / RESERVE
        self._wanted = limits or Limits()
        self._listeners: list[Callable[[Room], None]] = []
        self._guard = threading.Lock()
        self.room = Room(Level.ENOUGH, 0, 0, False)

    def on_change(self, listener: Callable[[Room], None]) -> Callable[[], None]:
        """Call back when the level changes, on the thread that noticed. Returns what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def look(self) -> Room:
        """Measure now, and say so where the level is another than before."""
        try:
            usage = shutil.disk_usage(self._folder)
        except OSError:
            return self.room  # whoever writes next hears what is wrong with the disk
        limits = self._wanted.on(usage.total)
        room = Room(
            self._level(usage.free, limits), usage.free, max(0, usage.free - limits.stop) // MARK_BYTES,
            self._path.exists(),
        )  # fmt: skip
        with self._guard:
            changed, self.room = room.level is not self.room.level, room
        if changed:
            log.info("room on the disk: %s", room)
            for listener in tuple(self._listeners):
                listener(room)
        return room

    def _level(self, free: int, limits: Limits) -> Level:
        """A level that was left has to be left by a quarter, so that it does not come and go with each mark."""
        full = limits.stop + (limits.stop // 4 if self.room.level is Level.FULL else 0)
        low = limits.low + (limits.low // 4 if self.room.level is not Level.ENOUGH else 0)
        if free < full:
            return Level.FULL
        return Level.LOW if free < low else Level.ENOUGH

    def admit(self, size: int = 0) -> None:
        """Before new work of so many bytes. Raises Stopped (`disk_full`) when it would leave too little for the rest."""
        room = self.look()
        if room.level is Level.FULL or (size and room.free - size < self._stop()):
            raise Stopped("disk_full")

    def _stop(self) -> int:
        return self._wanted.on(shutil.disk_usage(self._folder).total).stop

    # -- the reserve

    def keep_reserve(self) -> bool:
        """Have the reserve ready, where there is room for it; whether it is. Raises nothing."""
        try:
            usage = shutil.disk_usage(self._folder)
            limits = self._wanted.on(usage.total)
            there = self._path.stat().st_size if self._path.exists() else 0
            if there >= limits.reserve:
                return True
            if usage.free - limits.reserve < limits.stop * 2:
                return False
            self._make(limits.reserve)
        except OSError as error:
            log.warning("no reserve was made: %s", error.strerror)
            return False
        return True

    def _make(self, size: int) -> None:
        """Random bytes, because a disk that compresses would keep no room for zeros."""
        fresh = self._path.with_name(self._path.name + ".new")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
        try:
            with open(handle, "wb") as file:
                file.writelines(os.urandom(min(_PIECE, size - start)) for start in range(0, size, _PIECE))
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, self._path)
            sync_folder(self._folder)
        finally:
            fresh.unlink(missing_ok=True)

    def use_reserve(self) -> bool:
        """Let the reserve go, because what frees room could not be written; whether there was one."""
        try:
            self._path.unlink()
        except OSError:
            return False
        log.warning("the disk is full: the reserve of the store was let go")
        return True
