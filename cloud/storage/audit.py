"""Checking what is stored against itself: the studio's chain of decisions, each device's chain, and every signature."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, TypeVar

import psycopg
from sqlalchemy import Connection, select

from classtap_core.kernel.batches import Verifier
from classtap_core.kernel.chain import ChainRow, Sealer, Verified, verify_device, verify_studio
from classtap_core.kernel.envelope import Parts, batch_statement, link_hash
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import OPEN
from cloud.storage.backend import Books, change_context, part_context, unpack_parts
from cloud.storage.subjects import SubjectKeys

T = TypeVar("T")
_SLICE = 5_000
"""Rows fetched together: with fewer, two threads spend their time on waiting for each other."""


class Fault(NamedTuple):
    """The first thing that is wrong. `chain`: `studio`, or a device's id, a slash and its epoch."""

    chain: str
    sequence: int
    why: str


class Audit(NamedTuple):
    """What a check came to: how many decided operations were looked at, and the first fault."""

    entries: int
    first_bad: Fault | None = None

    @property
    def ok(self) -> bool:
        return self.first_bad is None


class _Unsealed(Exception):
    """A sealed part that was tampered with, met at a sequence."""

    def __init__(self, sequence: int) -> None:
        super().__init__(sequence)
        self.sequence = sequence


def audit(books: Books, studio: Id, *, verify: Verifier) -> Audit:
    """Check every chain of a studio. Parts of erased persons no longer open; their commitments still count."""
    with books.database.read(studio) as connection, books.database.read(studio) as beside, _unwritten(connection):
        return _Check(books, studio, connection, verify, keys=books.keys(beside, studio)).run()


@contextmanager
def _unwritten(connection: Connection) -> Iterator[None]:
    """Have PostgreSQL send bytes as they are: else it writes them as hex digits, and the driver reads them back."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        yield
        return
    before = driver.cursor_factory
    driver.cursor_factory = _BinaryCursor
    try:
        yield
    finally:
        driver.cursor_factory = before


class _BinaryCursor(psycopg.Cursor[Any]):
    def __init__(self, connection: psycopg.Connection[Any], **more: Any) -> None:
        super().__init__(connection, **more)
        self.format = psycopg.pq.Format.BINARY


class _Check:
    """One check, over one consistent view. While a slice is checked, the next one is fetched; so keys come by another
    connection."""

    def __init__(
        self, books: Books, studio: Id, connection: Connection, verify: Verifier, *, keys: SubjectKeys
    ) -> None:  # fmt: skip
        self._tables, self._studio, self._connection, self._verify = books.tables, studio, connection, verify
        self._keys = keys
        self._sealer = Sealer(keys, books.entropy)

    def run(self) -> Audit:
        head = self._tables.head
        last = self._connection.scalar(select(head.c.hash).where(head.c.studio_id == self._studio))
        checked = _checked("studio", lambda: verify_studio(self._links(), head=last))
        device = self._tables.device
        marks = self._connection.execute(
            select(device).where(device.c.studio_id == self._studio).order_by(device.c.id)
        ).all()
        for mark in marks:
            if checked.ok:
                checked = self._device(mark, checked.entries)
        return checked

    def _device(self, mark: Any, entries: int) -> Audit:
        log = self._tables.log
        epochs = self._connection.scalars(
            select(log.c.epoch).distinct().where(log.c.studio_id == self._studio, log.c.device_id == mark.id)
        )
        for epoch in sorted(epochs):
            chain = f"{mark.id}/{epoch}"
            head = mark.hash if epoch == mark.epoch else None
            found = _checked(chain, lambda: verify_device(self._envelopes(mark.id, epoch), head=head))  # noqa: B023
            if not found.ok:
                return Audit(entries, found.first_bad)
            unsigned = self._unsigned(mark, epoch)
            if unsigned is not None:
                return Audit(entries, Fault(chain, unsigned, "chain.signature"))
        return Audit(entries)

    def _unsigned(self, mark: Any, epoch: int) -> int | None:
        """The first operation that no good signature stands over; a batch's covers all before it."""
        log, batch = self._tables.log, self._tables.batch
        covered = 0
        rows = self._connection.execute(
            select(batch.c.sequence, batch.c.signature, log.c.envelope)
            .join(
                log,
                (log.c.studio_id == batch.c.studio_id)
                & (log.c.device_id == batch.c.device_id)
                & (log.c.epoch == batch.c.epoch)
                & (log.c.device_sequence == batch.c.sequence),
            )
            .where(batch.c.studio_id == self._studio, batch.c.device_id == mark.id, batch.c.epoch == epoch)
            .order_by(batch.c.sequence)
        )
        for row in rows:
            statement = batch_statement(
                studio=self._studio, device=mark.id, epoch=epoch, last_sequence=row.sequence,
                last_hash=link_hash(row.envelope),
            )  # fmt: skip
            if not self._verify(mark.public_key, row.signature, statement):
                return covered + 1
            covered = row.sequence
        missing = self._connection.scalar(
            select(log.c.device_sequence)
            .where(
                log.c.studio_id == self._studio,
                log.c.device_id == mark.id,
                log.c.epoch == epoch,
                log.c.device_sequence > covered,
            )
            .order_by(log.c.device_sequence)
            .limit(1)
        )
        return None if missing is None else int(missing)

    def _links(self) -> Iterator[ChainRow]:
        log = self._tables.log
        for at, link, changes in self._slices(log.c.sequence, (log.c.link, log.c.changes)):
            yield ChainRow(at, link, self._open(changes, at, change_context))

    def _envelopes(self, device: Id, epoch: int) -> Iterator[ChainRow]:
        log = self._tables.log
        mine = (log.c.device_id == device, log.c.epoch == epoch)
        for at, envelope, parts in self._slices(log.c.device_sequence, (log.c.envelope, log.c.parts), *mine):
            yield ChainRow(at, envelope, self._open(parts, at, partial(part_context, device, epoch)))

    def _slices(
        self, by: Any, columns: tuple[Any, ...], *only: Any
    ) -> Iterator[tuple[int, bytes, dict[str, bytes] | None]]:  # fmt: skip
        """Rows in order, their sealed parts unpacked; None for what is no parts."""
        for fetched in _ahead(self._fetched(by, columns, *only)):
            rows = [(at, data, _unpacked(packed)) for at, data, packed in fetched]
            self._keys.warm({subject for _, _, parts in rows for subject in parts or () if subject != OPEN})
            yield from rows

    def _fetched(self, by: Any, columns: tuple[Any, ...], *only: Any) -> Iterator[Sequence[Any]]:
        after = 0
        while True:
            query = select(by, *columns).where(self._tables.log.c.studio_id == self._studio, by > after, *only)
            rows = self._connection.execute(query.order_by(by).limit(_SLICE)).all()
            if rows:
                yield rows
            if len(rows) < _SLICE:
                return
            after = rows[-1][0]

    def _open(self, parts: dict[str, bytes] | None, sequence: int, context: Callable[[int], str]) -> Parts:
        if parts is None:
            raise _Unsealed(sequence)
        if len(parts) == 1 and OPEN in parts:
            return parts
        try:
            return self._sealer.open(parts, context(sequence))
        except (BadInput, ValueError) as error:
            raise _Unsealed(sequence) from error


def _ahead(slices: Iterator[T]) -> Iterator[T]:
    """The same, each made on another thread while the one before it is looked at."""
    with ThreadPoolExecutor(1, "audit-ahead") as worker:
        coming = worker.submit(next, slices, None)
        while (slice_ := coming.result()) is not None:
            coming = worker.submit(next, slices, None)
            yield slice_


def _unpacked(packed: bytes) -> dict[str, bytes] | None:
    try:
        return unpack_parts(packed)
    except ValueError:
        return None


def _checked(chain: str, check: Callable[[], Verified]) -> Audit:
    try:
        found = check()
    except _Unsealed as unsealed:
        return Audit(0, Fault(chain, unsealed.sequence, "chain.seal"))
    if found.bad_sequence is not None:
        return Audit(found.entries, Fault(chain, found.bad_sequence, found.why))
    return Audit(found.entries)
