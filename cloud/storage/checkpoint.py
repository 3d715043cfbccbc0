"""Copying SQLite's write-ahead log into the file, beside the writer and not within somebody's commit."""

import contextlib
import logging
import threading
from pathlib import Path

from sqlalchemy import Engine

_log = logging.getLogger(__name__)

_QUIET_S = 0.25
"""Nobody has committed for so long: now copying is in nobody's way."""
_BEGIN_BYTES = 64 * 2**20
"""From this size of the log on, it is copied although others write."""
_MOST_BYTES = 160 * 2**20
"""At this size the next writer copies it before others write: a log that never ends would fill the disk."""
KEPT_BYTES = 16 * 2**20
"""To this size the log's file is cut when it begins anew."""


class Checkpoints:
    """A thread that copies the log when nobody writes, or once it has grown; the writer tells it after each commit.

    Without it SQLite copies within the commit that meets a threshold, and whoever pushed that one waits.
    """

    def __init__(self, engine: Engine, path: str) -> None:
        self._engine = engine
        self._wal = Path(f"{path}-wal")
        self._due, self._ended = threading.Event(), False
        self._thread: threading.Thread | None = None

    def committed(self) -> None:
        """Look at the log's size; the caller holds the writer's lock and has no transaction open."""
        if self._size() >= _MOST_BYTES:
            self._copy()
            return
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

    def _run(self) -> None:
        while True:
            self._due.wait()
            while self._due.is_set() and not self._ended and self._size() < _BEGIN_BYTES:
                self._due.clear()
                self._due.wait(_QUIET_S)
            if self._ended:
                return
            self._due.clear()
            self._copy()

    def _size(self) -> int:
        try:
            return self._wal.stat().st_size
        except OSError:
            return 0

    def _copy(self) -> None:
        """Copy as far as no reader stands in the way, waiting for nobody: `journal_size_limit` cuts the file afterwards.

        Trouble waits for the next time: nothing is lost, the log holds every commit.
        """
        try:
            raw = self._engine.raw_connection()
            with contextlib.closing(raw):
                raw.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except Exception as error:  # noqa: BLE001 - a full disk must not end the thread that would free it
            _log.warning("checkpoint failed: %s", type(getattr(error, "orig", error)).__name__)
