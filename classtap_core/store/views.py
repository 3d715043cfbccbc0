"""One thread's reading connection to an open store: a view is a read transaction, and nests."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.store import integrity
from classtap_core.store.engine import Connection, faults
from classtap_core.store.reader import StoreReader


class ThreadReader:
    """A connection and its views.

    Attributes:
        gone: set when the connection is closed.
    """

    def __init__(self, conn: Connection, reader: StoreReader) -> None:
        self._conn, self._reader = conn, reader
        self._depth = 0
        self._guard = threading.Lock()
        self._ended = False
        self.gone = threading.Event()

    @property
    def looking(self) -> bool:
        """Whether a view is open."""
        return self._depth > 0

    @contextmanager
    def view(self) -> Iterator[StoreReader]:
        self._enter()
        try:
            with faults():
                if self._depth == 1:
                    self._conn.execute("BEGIN")
                    self._reader.subject_keys.forget()
                yield self._reader
        except EnvironmentFault as fault:
            if fault.code in integrity.DAMAGE:
                self.close()  # a connection that met a broken seal reads nothing more; the next view gets another
            raise
        finally:
            self._leave()

    def _enter(self) -> None:
        with self._guard:
            if self._ended and not self._depth:
                raise Refused("store.closed")
            self._depth += 1

    def _leave(self) -> None:
        with self._guard:
            self._depth -= 1
            if self._depth == 0:
                if self._conn.in_transaction:
                    self._conn.execute("ROLLBACK")
                if self._ended:
                    self._conn.close()
                    self.gone.set()

    def close(self) -> None:
        """Close at once, or when the view that is open ends."""
        with self._guard:
            self._ended = True
            if self._depth == 0:
                self._conn.close()
                self.gone.set()
