"""A store's blobs: photos, documents and signatures, taken in little by little, sealed, and read again.

A file is durable before its row says so, and the row before an operation may cite it.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from classtap_core.kernel.blobs import Blob, Spans
from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.kernel.ids import Entropy, Id
from classtap_core.store.blob_files import BlobFiles
from classtap_core.store.blob_rows import BlobKind, BlobRows, Kept, State
from classtap_core.store.engine import KEY_BYTES
from classtap_core.store.intake import About, Intake
from classtap_core.store.sealed_file import CHUNK, Opened, hash_of, sealed_size

if TYPE_CHECKING:
    from classtap_core.store.store import Store

log = logging.getLogger("classtap.store")

_GB = 1 << 30


class Quotas(NamedTuple):
    """The most bytes on this disk: of all blobs, of one file, and of each kind."""

    store: int = 10 * _GB
    file: int = _GB // 4
    kinds: Mapping[BlobKind, int] = {
        BlobKind.PHOTO: 4 * _GB,
        BlobKind.DOCUMENT: 4 * _GB,
        BlobKind.SIGNATURE: _GB // 2,
        BlobKind.THUMBNAIL: _GB // 2,
        BlobKind.MANIFEST: _GB,
    }


class BlobFault(NamedTuple):
    """A blob that is not what its row says: `missing`, `short`, `damaged`, or `lost` (here no more, and never sent)."""

    hash: str
    why: str


class Blobs:
    """The blobs of an open store. From any thread: files are written on the caller's, rows on the writer's.

    Attributes:
        files: where they lie. quotas: how much there may be. wrong: what the last `look` found.
    """

    def __init__(
        self, store: "Store", entropy: Entropy, *, admit: Callable[[int], None] = lambda size: None,
        quotas: Quotas | None = None,
    ) -> None:  # fmt: skip
        """`admit` is asked before so many bytes are written, and may refuse."""
        self._store, self.entropy, self.admit = store, entropy, admit
        self.files, self.quotas = BlobFiles(store.folder), quotas or Quotas()
        self.wrong: tuple[BlobFault, ...] = ()
        self._open: set[str] = set()
        self._guard = threading.Lock()

    # -- taking in

    def begin(self, name: Id, about: About, *, now_ms: int, size: int | None = None) -> "Intake":
        """Begin to take in a blob, or go on with one of that name that was cut off: `Intake.size` says from where.

        `name` is a fresh id, kept by whoever may have to go on. `size`, where it is known, is checked at once. Raises
        Refused `blob.quota`, `blob.quota_all`, `blob.too_big`, `blob.erased`, `blob.busy`; EnvironmentFault `disk_full`.
        """
        self.files.taken_in(name)
        with self._guard:
            if name in self._open:
                raise Refused("blob.busy")
            self._open.add(name)
        try:
            self.admit(sealed_size(size or 0))
            room = self.room(about.kind, sealed_size(size or 0))
            key = self._store.call(lambda: self._intake_key(name, about.subject, now_ms))
            return Intake(self, name, about, key=key, room=room, now_ms=now_ms)
        except BaseException:
            self.ended(name)
            raise

    def ended(self, name: Id) -> None:
        """For an intake: nobody is at it now."""
        self._open.discard(name)

    def add(self, source: BinaryIO, about: About, *, now_ms: int, name: Id | None = None) -> Blob:
        """Take in all of a file that can be read and sought, a chunk at a time. Cut off, the same call with the same
        name goes on, where the file still begins as it did. Raises as `begin`; OSError of the source."""
        size = source.seek(0, 2)
        name = name or Id(self.entropy(16).hex())
        with self.begin(name, about, now_ms=now_ms, size=size) as intake:
            if intake.size and not intake.goes_on(source):
                intake.start_over()
            source.seek(intake.size)
            while piece := source.read(CHUNK):
                intake.write(piece)
            return intake.finish()

    def add_thumbnail(self, of: str, data: bytes, type: str, *, now_ms: int) -> Blob:
        """Keep a small picture of a blob; it is whose that is, goes when that goes, and never travels.

        Raises Refused `blob.unknown`, and as `begin`.
        """
        kept = self._kept(of)
        about = About(BlobKind.THUMBNAIL, type, kept.subject, kept.scope)
        with self.begin(Id(self.entropy(16).hex()), about, now_ms=now_ms, size=len(data)) as intake:
            intake.write(data)
            return intake.finish(of=of)

    def thumbnail(self, of: str) -> Blob | None:
        """The newest small picture of a blob."""
        with self._store.reader() as reader:
            found = sorted(reader.blobs.all("of = ? AND state = 'here'", (of,)), key=lambda kept: kept.made_ms)
        return found[-1].blob if found else None

    def _intake_key(self, name: str, subject: str, now_ms: int) -> bytes:
        rows, device = self._rows, self._store.device
        known = rows.intake(name)
        if known is not None and known[0] == subject and known[1] is not None:
            return known[1]
        self.files.taken_in(name).unlink(missing_ok=True)
        with device.atomic():
            if subject and device.subject_keys.key(subject) is None:
                raise Refused("blob.erased")
            key = self.entropy(KEY_BYTES)
            rows.begin_intake(name, subject, key, now_ms)
        return key

    def room(self, kind: BlobKind, need: int) -> int:
        """How many bytes a new file of a kind may have; where quotas ask for it, what the cloud has goes first.

        Raises Refused `blob.quota`, `blob.quota_all`, `blob.too_big` when that is less than `need`.
        """
        return self._store.call(lambda: self._room(kind, need))

    def _room(self, kind: BlobKind, need: int) -> int:
        if need > self.quotas.file:
            raise Refused("blob.too_big", most_mb=self.quotas.file >> 20)
        most, all_most = self.quotas.kinds.get(kind, self.quotas.store), self.quotas.store
        if not self._made_room(kind, need, most):
            raise Refused("blob.quota", kind=kind.value, used_mb=self._rows.used(kind) >> 20, most_mb=most >> 20)
        if not self._made_room(None, need, all_most):
            raise Refused("blob.quota_all", kind=kind.value, used_mb=self._rows.used() >> 20, most_mb=all_most >> 20)
        return min(self.quotas.file, most - self._rows.used(kind), all_most - self._rows.used())

    def _made_room(self, kind: BlobKind | None, need: int, most: int) -> bool:
        over = self._rows.used(kind) + need - most
        return over <= 0 or self._let_go(over, kind) >= over

    @property
    def _rows(self) -> BlobRows:
        """On the writer's thread only."""
        return self._store.device.blobs

    # -- reading

    def has(self, hash: str) -> bool:
        """Whether a blob is whole here."""
        with self._store.reader() as reader:
            kept = reader.blobs.get(hash)
        return kept is not None and kept.state is State.HERE

    def read(self, hash: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """What is in a blob, in pieces of at most 256 KiB, each verified.

        Raises Refused `blob.unknown`, `blob.away` (to be asked of the cloud), `blob.sealed` (its person's key is not
        here); EnvironmentFault `blob.damaged`, after which it is asked of the cloud again, where the cloud has it.
        """
        with self._opened(hash) as (opened, _):
            yield from opened.read(start, length)

    def read_all(self, hash: str, *, most: int = 4 << 20) -> bytes:
        """A small blob at once. Raises as `read`, and Refused `blob.too_big`."""
        if self._kept(hash).size > most:
            raise Refused("blob.too_big", most_mb=most >> 20)
        return b"".join(self.read(hash))

    @contextmanager
    def _opened(self, hash: str) -> Iterator[tuple[Opened, Kept]]:
        kept = self._kept(hash)
        with self._store.reader() as reader:
            key = reader.blobs.key_of(kept)
        if kept.state is not State.HERE:
            raise Refused("blob.away", hash=hash)
        if key is None:
            raise Refused("blob.sealed", hash=hash)
        try:
            with self._file(kept) as file:
                yield Opened(file, key, kept.size), kept
        except EnvironmentFault as fault:
            if fault.code == "blob.damaged":
                self.mend(hash)
            raise

    def _kept(self, hash: str) -> Kept:
        with self._store.reader() as reader:
            kept = reader.blobs.get(hash)
        if kept is None:
            raise Refused("blob.unknown", hash=hash[:64])
        return kept

    @contextmanager
    def _file(self, kept: Kept) -> Iterator[BinaryIO]:
        try:
            file = self.files.path(kept.hash).open("rb")
        except OSError as error:
            raise EnvironmentFault("blob.damaged") from error
        with file:
            yield file

    # -- keeping

    def mend(self, hash: str) -> bool:
        """Have the broken chunks of a damaged blob asked of the cloud again; whether the cloud can be asked."""
        kept = self._kept(hash)
        if not kept.sent or kept.state is not State.HERE:
            return False
        with self._store.reader() as reader:
            key = reader.blobs.key_of(kept)
        spans: Spans = ()
        with suppress(EnvironmentFault), self._file(kept) as file:
            spans = Opened(file, key, kept.size).sound() if key is not None else ()
        with self.files.moving:
            if spans:
                part = self.files.coming(hash)
                self.files.opened(part).close()
                self.files.path(hash).replace(part)
            self.change(lambda rows: rows.set_state(hash, State.COMING, spans))
        return True

    def look(self) -> None:
        """Check every blob and have what the cloud has mended; the rest is said by `wrong`."""
        found = self.check(going_on=self._store.go_on)
        self.wrong = tuple(fault for fault in found if fault.why == "lost" or not self.mend(fault.hash))
        if self.wrong:
            log.error("blobs are damaged: %s", self.wrong)

    def check(self, *, going_on: Callable[[], None] = lambda: None) -> tuple[BlobFault, ...]:
        """Look at every blob's file, byte by byte; what is wrong. `going_on` may raise to stop."""
        with self._store.reader() as reader:
            rows = list(reader.blobs.all("state = 'here' OR (state = 'away' AND sent = 0)"))
        found = []
        for kept in rows:
            going_on()
            why = "lost" if kept.state is State.AWAY else self._wrong(kept)
            if why and self._still(kept):
                found.append(BlobFault(kept.hash, why))
        return tuple(found)

    def _wrong(self, kept: Kept) -> str:
        try:
            with self.files.path(kept.hash).open("rb") as file:
                if file.seek(0, 2) != kept.sealed:
                    return "short"
                return "" if hash_of(file) == kept.hash else "damaged"
        except OSError:
            return "missing"

    def _still(self, kept: Kept) -> bool:
        with self._store.reader() as reader:
            now = reader.blobs.get(kept.hash)
        return now is not None and now.state is kept.state

    def let_go(self, need: int) -> int:
        """Free so many bytes of what the cloud has, and of thumbnails; how many it came to."""
        return self._store.call(lambda: self._let_go(need, None), background=True)

    def _let_go(self, need: int, kind: BlobKind | None) -> int:
        """The oldest first. What waits to be sent, or an unanswered operation cites, stays."""
        freed = 0
        with self._store.device.atomic():
            may_go = sorted(
                self._rows.all(
                    "state = 'here' AND (sent = 1 OR of <> '') AND hash NOT IN (SELECT hash FROM blob_cite)"
                    " AND kind = coalesce(?, kind)",
                    (kind and kind.value,),
                ),
                key=lambda kept: (kept.of == "", kept.made_ms),
            )
            for kept in may_go:
                if freed >= need:
                    break
                if kept.of:
                    self._store.device.forget_blobs([kept.hash])
                else:
                    self._rows.set_state(kept.hash, State.AWAY)
                    self._store.device.forget_files([kept.hash])
                freed += kept.sealed
        return freed

    def change(self, work: Callable[[BlobRows], None]) -> None:
        """Change rows in a transaction of their own, on the writer, and wait."""

        def change() -> None:
            with self._store.device.atomic():
                work(self._rows)

        self._store.call(change)
