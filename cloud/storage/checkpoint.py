"""Copying SQLite's write-ahead log into the file and beginning it anew, beside the writer and not within somebody's commit.

Copying alone does not end a log: SQLite begins it anew at a commit that finds all of it copied and nobody who began to
read before it was. Where somebody always writes and somebody always reads, that moment does not come by itself. So
when the log has grown and is copied but for a little, the next commit holds the door: writers wait behind their lock,
new readers at `admit`, until those who are reading have ended or `_HOLD_MS` is over. Who reads for longer holds up
nobody: the log grows meanwhile, and is begun anew afterwards.
"""

import logging
import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

_log = logging.getLogger(__name__)

_QUIET_S = 0.25
"""Nobody has committed for so long: now copying is in nobody's way."""
_BEGIN_BYTES = 64 * 2**20
"""From this size of the log on, it is copied although others write, and begun anew although others read."""
_MOST_BYTES = 160 * 2**20
"""Beyond this size operators are told, and writers wait for what is copied slower than they write."""
_TAIL_BYTES = 8 * 2**20
"""So much may be left to copy while the door is held: some milliseconds' work."""
_HOLD_MS = (40, 160)
"""For so long at most the door is held for those who are reading: at first, and beyond `_MOST_BYTES`."""
_STEP_BYTES = (4 * 2**20, 32 * 2**20)
"""By so much the log grows before the next try: at first, and at most, doubled with each that failed."""
_FRAME_BYTES = 4096 + 24
KEPT_BYTES = 16 * 2**20
"""To this size the log's file is cut when it begins anew."""


class Checkpoints:
    """A thread that copies the log when nobody writes, or once it has grown; the writer tells it after each commit.

    Without it SQLite copies within the commit that meets a threshold, and whoever pushed that one waits.
    """

    def __init__(self, engine: Engine, path: str) -> None:
        self._engine = engine
        self._wal = Path(f"{path}-wal")
        self._due, self._open, self._ended = threading.Event(), threading.Event(), False
        self._open.set()
        self._thread: threading.Thread | None = None
        self._one = threading.Lock()
        self._connection: Any = None
        self._ready, self._held_ms = False, _HOLD_MS[0]
        self._step, self._next, self._told = _STEP_BYTES[0], 0, 0

    def admit(self) -> None:
        """Somebody begins to read: wait while the door is held, no longer than for those who are reading."""
        if not self._open.is_set():
            self._open.wait(self._held_ms / 1000)

    def committed(self) -> None:
        """Look at the log's size; the caller holds the writer's lock and has no transaction open."""
        size = self._size()
        if size < _BEGIN_BYTES:
            self._ready, self._step, self._next, self._told = False, _STEP_BYTES[0], 0, 0
        else:
            if self._ready:
                self._ready = False
                self._later(size)
                self._copy("RESTART", _HOLD_MS[size >= _MOST_BYTES])
            if size >= max(_MOST_BYTES, 2 * self._told):
                self._told = size
                _log.warning("the write-ahead log has grown to %d MB: somebody has been reading all along", size >> 20)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="cloud-checkpoint", daemon=True)
            self._thread.start()
        self._due.set()

    def close(self) -> None:
        """End the thread after what it is doing."""
        self._ended = True
        self._due.set()
        if self._thread is not None:
            self._thread.join()
        if self._connection is not None:
            self._connection.close()

    def _run(self) -> None:
        while True:
            self._due.wait()
            while self._due.is_set() and not self._ended and self._waits(self._size()):
                self._due.clear()
                self._due.wait(_QUIET_S)
            if self._ended:
                return
            self._due.clear()
            before = self._size()
            left = self._copy("PASSIVE", 0)
            size = self._size()
            if left is None or left > _TAIL_BYTES:
                self._later(size)  # somebody who began long ago still reads: nobody needs to wait for that
            elif size >= _BEGIN_BYTES:
                # What was written meanwhile is left too: once more, unless that does not help.
                self._ready = size - before <= _TAIL_BYTES or size >= _MOST_BYTES

    def _waits(self, size: int) -> bool:
        return size < max(_BEGIN_BYTES, self._next) or self._ready

    def _later(self, size: int) -> None:
        self._next = size + self._step
        self._step = min(2 * self._step, _STEP_BYTES[1])

    def _size(self) -> int:
        try:
            return self._wal.stat().st_size
        except OSError:
            return 0

    def _copy(self, mode: str, wait_ms: int) -> int | None:
        """Copy as far as no reader stands in the way; how many bytes one did stand in the way of, None on trouble.

        Trouble waits for the next time: nothing is lost, the log holds every commit. After a RESTART that found no
        reader left the next commit begins the log at its beginning, and `journal_size_limit` cuts its file.
        """
        if not self._one.acquire(blocking=False):
            return None
        try:
            if self._connection is None:
                pooled = self._engine.raw_connection()
                pooled.detach()  # the pool may be empty when it is wanted
                self._connection = pooled
            cursor = self._connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout={wait_ms}")
            if wait_ms:
                self._held_ms = wait_ms
                self._open.clear()
            _, log, copied = cursor.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
            return (log - copied) * _FRAME_BYTES if log >= 0 else None
        except Exception as error:  # noqa: BLE001 - a full disk must not end the thread that would free it
            _log.warning("checkpoint failed: %s", type(getattr(error, "orig", error)).__name__)
            return None
        finally:
            self._open.set()
            self._one.release()
