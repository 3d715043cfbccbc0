"""An open store at work: one thread that writes, a connection for each thread that reads, and what a damaged page or a
full disk does to either."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.device_store import Notice, Pulled
from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.kernel.ids import Entropy
from classtap_core.kernel.operations import Registry
from classtap_core.kernel.tx import Ref
from classtap_core.store import folder as places
from classtap_core.store import integrity, keys
from classtap_core.store.device import SqlDevice
from classtap_core.store.engine import connect
from classtap_core.store.reader import StoreReader
from classtap_core.store.rows import tables_of
from classtap_core.store.slices import Slicer
from classtap_core.store.space import Space, Stopped
from classtap_core.store.views import ThreadReader
from classtap_core.store.writer import Slices, Writer

log = logging.getLogger("classtap.store")

T = TypeVar("T")
Listener = Callable[[frozenset[Ref], frozenset[str]], None]

_PATIENCE_S = 5.0
_COMMITS_PER_CHECKPOINT = range(20, 200)
_LOG_PAGES = 4_096
"""Sixteen megabytes of write-ahead log: a start after a bad end reads all of it before anything else."""


class Running:
    """What `Store` stands on: its jobs, its readers, its listeners. Close it, or use it as a context."""

    def __init__(
        self, folder: Path, key: keys.StoreKey, registry: Registry, ownership: places.Ownership,
        entropy: Entropy = os.urandom,
    ) -> None:  # fmt: skip
        """For `Store.create` and `Store.open`, which say what may go wrong."""
        self._entropy = entropy
        self.folder, self.protection, self.registry = folder, key.protection, registry
        self.unclean = ownership.unclean
        self._key, self._ownership = key.key, ownership
        self._path = folder / places.DATABASE
        self._tables = tables_of(registry)
        self._listeners: list[Listener] = []
        self._readers: dict[threading.Thread, ThreadReader] = {}
        self._guard = threading.Lock()
        self._gate = threading.Condition(self._guard)
        self._swapping = False
        self._at_length = threading.Lock()
        self._ending = False
        self.watch = integrity.Watch()
        self.space = Space(folder)
        self._closed = False
        self._slicer = Slicer(time.perf_counter)
        self._checkpointed, self._checkpoint_after = 0, _COMMITS_PER_CHECKPOINT.stop
        self._writer = Writer(f"classtap-store-{folder.name}", idle=self._checkpoint)
        self.device: SqlDevice
        self._signer: Ed25519PrivateKey

    def run(self, work: Callable[[], T], *, background: bool = False) -> "Future[T]":
        """Queue a job for the writer's thread: interactive ones go before those in the background.

        Raises Refused `store.closed`.
        """
        return self._writer.run(lambda: self._unharmed(lambda: self._with_reserve(work)), background=background)

    def run_slices(self, work: Slices[T]) -> "Future[T]":
        """Queue work in slices behind everything else: between two of them, whatever a person does goes first."""
        return self._writer.run_slices(self._unharmed_slices(work))

    def call(self, work: Callable[[], T], *, background: bool = False) -> T:
        """Run a job on the writer's thread and wait for it; from that thread, at once."""
        return self._writer.call(lambda: self._unharmed(lambda: self._with_reserve(work)), background=background)

    def _unharmed(self, work: Callable[[], T]) -> T:
        """Run a job; where it met a damaged page, let the next one begin with a connection that has not."""
        try:
            return work()
        except EnvironmentFault as fault:
            if fault.code in integrity.DAMAGE and not self.device.conn.in_transaction:
                with suppress(EnvironmentFault):  # a disk that is gone altogether: keep the connection there is
                    self._go_on_with_file()
                self.watch.met()
            raise

    def _with_reserve(self, work: Callable[[], T]) -> T:
        """Run a job; one that the disk had no room for, and that is no new work, again in the room of the reserve."""
        commits = self.device.commits
        try:
            return work()
        except EnvironmentFault as fault:
            if self._room_made(fault) and self.device.commits == commits and not self.device.conn.in_transaction:
                return work()
            raise

    def _room_made(self, fault: EnvironmentFault) -> bool:
        return fault.code == "disk_full" and not isinstance(fault, Stopped) and self.space.use_reserve()

    def _unharmed_slices(self, slices: Slices[T]) -> Slices[T]:
        while True:
            try:
                self._unharmed(lambda: next(slices))
            except StopIteration as end:
                result: T = end.value
                return result
            except EnvironmentFault as fault:
                self._room_made(fault)  # a slice is not run twice, but whoever comes again has room
                raise
            yield

    def _go_on_with_file(self) -> None:
        fresh = connect(self._path, self._key)
        self.device.conn.close()
        self.device.go_on_with(fresh, self.registry)
        self.device.conn.execute("PRAGMA wal_autocheckpoint = 0").fetchall()

    def apply(
        self, bus: DeviceBus, rows: Sequence[Pulled], *, cursor: int | None = None, token: str = "",
        finish: Callable[[], None] = lambda: None,
    ) -> "Future[list[Notice]]":  # fmt: skip
        """Apply pulled rows behind interactive work, in slices of at most about 20 ms.

        The cursor moves, and `finish` runs, in the last slice's transaction. A slice that is applied twice (after a
        crash between two) changes nothing more. Arguments as `DeviceBus.apply`.
        """
        return self.run_slices(self._slicer.applied(self.device, bus, rows, cursor=cursor, token=token, finish=finish))

    def sign(self, statement: bytes) -> bytes:
        """The device's Ed25519 signature, 64 bytes. From any thread."""
        return self._signer.sign(statement)

    @property
    def public_key(self) -> bytes:
        return self._signer.public_key().public_bytes_raw()

    # -- reading

    @contextmanager
    def reader(self) -> Iterator[StoreReader]:
        """What is committed, as of now until the end of the context; one connection for each thread.

        Inside another of the same thread, the same view. Raises Refused `store.closed`.
        """
        mine = self._reader_of(threading.current_thread())
        try:
            with mine.view() as reader:
                yield reader
        except EnvironmentFault as fault:
            if fault.code in integrity.DAMAGE:
                self.watch.met()
            raise

    def _reader_of(self, thread: threading.Thread) -> "ThreadReader":
        with self._guard:
            if self._closed:
                raise Refused("store.closed")
            for ended in [other for other in self._readers if not other.is_alive()]:
                self._readers.pop(ended).close()
            mine = self._readers.get(thread)
            if mine is not None and mine.looking:
                return mine
            while self._swapping:
                self._gate.wait()
                if self._closed:
                    raise Refused("store.closed")
            if mine is None or mine.gone.is_set():
                conn = connect(self._path, self._key, read_only=True)
                self._readers[thread] = ThreadReader(conn, StoreReader(conn, self.registry, self._tables))
            return self._readers[thread]

    def on_change(self, listener: Listener) -> Callable[[], None]:
        """Have a listener called after each commit with the records and scopes it changed, on the writer's thread.

        It must be quick and may not wait for the store. Returns what takes it off again.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def _committed(self, refs: frozenset[Ref], scopes: frozenset[str]) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(refs, scopes)
            except Exception:
                log.exception("a listener of the store failed")

    # -- the end, and what goes on when nobody waits

    def hurry(self) -> None:
        """The program is ending: stop a backup that is being made, at its next megabyte. Nothing of it is left."""
        self._ending = True

    def go_on(self) -> None:
        """For long work, now and then: raises Refused `store.closed` when the program is ending."""
        if self._closed or self._ending:
            raise Refused("store.closed")

    @contextmanager
    def _no_readers(self) -> Iterator[None]:
        """Let nobody begin to read until the end of the context, and wait for those who do. On the writer's thread."""
        with self._guard:
            self._swapping = True
            readers = list(self._readers.values())
            self._readers.clear()
        try:
            patience = time.monotonic() + _PATIENCE_S
            for reader in readers:
                reader.close()
                if not reader.gone.wait(max(0.0, patience - time.monotonic())):
                    raise EnvironmentFault("store.locked")
            yield
        finally:
            with self._guard:
                self._swapping = False
                self._gate.notify_all()

    def _checkpoint(self) -> None:
        """When nobody waits: move the write-ahead log into the file, so that no commit has to."""
        device: SqlDevice | None = getattr(self, "device", None)
        if device is None or self._closed:
            return
        try:
            if device.truncate_due:
                device.checkpoint(truncate=True)
            elif (commits := device.commits - self._checkpointed) >= self._checkpoint_after:
                self._checkpointed = device.commits
                device.checkpoint()
                fits = _LOG_PAGES * commits // max(1, device.log_pages)
                self._checkpoint_after = min(max(_COMMITS_PER_CHECKPOINT.start, fits), _COMMITS_PER_CHECKPOINT.stop)
        except EnvironmentFault as fault:
            log.info("the write-ahead log stays for now: %s", fault.code)

    def close(self) -> None:
        """Finish interactive work, drop what waits in the background, close everything and give up ownership."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
            self._gate.notify_all()
            readers = list(self._readers.values())
            self._readers.clear()
        for reader in readers:
            reader.close()
        self._writer.close(self._end)
        self._ownership.release()

    def _end(self) -> None:
        device: SqlDevice | None = getattr(self, "device", None)
        if device is not None:
            try:
                device.checkpoint(truncate=True)
            except EnvironmentFault as fault:
                log.info("left the write-ahead log behind: %s", fault.code)
            device.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
