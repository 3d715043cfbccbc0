"""A blob on its way into the store: sealed chunk by chunk as it comes, gone on with after any cut, known when it is durable."""

import hashlib
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Self

from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from classtap_core.store.blob_files import FLUSH_BYTES, durable
from classtap_core.store.blob_rows import BlobKind, BlobRows, Kept, State
from classtap_core.store.folder import write_fault
from classtap_core.store.sealed_file import CHUNK, Opened, Sealing, sealed_size, whole_chunks

if TYPE_CHECKING:
    from classtap_core.store.blobs import Blobs


class About(NamedTuple):
    """What a blob is: its kind and media type, whose it is (empty: the studio's own), and the scope it lies in."""

    kind: BlobKind
    type: str
    subject: Id | str = ""
    scope: str = ""


class Intake:
    """A blob on its way in. A context: left without `finish`, it waits to be gone on with.

    Attributes:
        size: bytes that are here already; what is written goes on from there.
    """

    def __init__(self, blobs: "Blobs", name: Id, about: About, *, key: bytes, room: int, now_ms: int) -> None:
        """For `Blobs.begin`."""
        self._blobs, self._name, self._about = blobs, name, about
        self._key, self._room, self._now_ms = key, room, now_ms
        self._path = blobs.files.taken_in(name)
        self._file = blobs.files.opened(self._path)
        self._go_on_from(*whole_chunks(self._file, key))

    def _go_on_from(self, chunks: int, seen: "hashlib._Hash | None" = None) -> None:
        self._file.truncate()
        self._sealing = Sealing(
            self._file, self._key, self._blobs.entropy, chunks=chunks, seen=seen if chunks else None
        )
        self._flushed = self._file.tell()

    @property
    def size(self) -> int:
        return self._sealing.size

    def goes_on(self, source: BinaryIO) -> bool:
        """Whether a file begins as what is here does, as far as the last chunk of it tells."""
        at = self.size - CHUNK
        if source.seek(0, 2) < self.size:
            return False
        source.seek(at)
        mine = Opened(self._file, self._key, self.size + 1).chunk(at // CHUNK)
        self._file.seek(0, 2)
        return source.read(CHUNK) == mine

    def start_over(self) -> None:
        """Take nothing of what is here."""
        self._file.seek(0)
        self._go_on_from(0)

    def write(self, data: bytes) -> None:
        """Take more. Raises Refused `blob.quota`, after which nothing of it is left; EnvironmentFault `disk_full`,
        after which it can be gone on with."""
        need = sealed_size(self.size + len(data))
        if need > self._room:
            try:
                self._room = self._blobs.room(self._about.kind, need)
            except Refused:
                self.cancel()
                raise
        try:
            self._sealing.write(data)
            if self._file.tell() - self._flushed >= FLUSH_BYTES:
                self._blobs.admit(FLUSH_BYTES)
                durable(self._file)
                self._flushed = self._file.tell()
        except OSError as error:
            raise write_fault(error, self._blobs.files.root) from error

    def finish(self, *, of: str = "") -> Blob:
        """Seal the end, make it durable, and then known: from here on an operation may cite it.

        Raises EnvironmentFault `disk_full`, Refused `blob.erased`, `blob.quota`.
        """
        size, files, about = self.size, self._blobs.files, self._about
        try:
            hash = self._sealing.finish()
            durable(self._file)
            self._file.close()
            kept = Kept(
                hash, about.kind.value, about.type, size, sealed_size(size), about.subject, None, about.scope, of,
                self._now_ms, State.HERE, False, b"",
            )  # fmt: skip
            with files.moving:
                files.settle(self._path, hash)
                try:
                    self._blobs.change(lambda rows: self._make_known(rows, kept))
                except Refused:
                    files.remove(hash)
                    raise
        except OSError as error:
            raise write_fault(error, files.root) from error
        return kept.blob

    def _make_known(self, rows: BlobRows, kept: Kept) -> None:
        self._blobs.room(self._about.kind, kept.sealed)
        key = rows.sealed_key(self._key, kept.subject, kept.hash)
        if key is None:
            raise Refused("blob.erased")
        rows.put(kept._replace(key=key))
        rows.end_intake(self._name)

    def cancel(self) -> None:
        """Leave nothing of it."""
        self.close()
        self._path.unlink(missing_ok=True)
        self._blobs.change(lambda rows: rows.end_intake(self._name))

    def close(self) -> None:
        """Stop here; `Blobs.begin` with the same name goes on."""
        self._file.close()
        self._blobs.ended(self._name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
