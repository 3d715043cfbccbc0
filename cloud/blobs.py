"""Blobs in the cloud: sealed files named by their hashes, taken range by range; what opens one rests sealed beside it.

The cloud carries what it cannot read without the key of whom it is about. A file counts when its hash is its name.
"""

import errno
import hashlib
import os
import threading
from collections.abc import Collection
from pathlib import Path

import msgspec

from classtap_core.kernel.blobs import RANGE_BYTES, Offer, Span, Spans, check_hash
from classtap_core.kernel.chain import Sealer
from classtap_core.kernel.errors import BadInput, EnvironmentFault, Refused
from classtap_core.kernel.ids import Id
from classtap_core.store.folder import sync_folder
from cloud.storage.backend import Books
from cloud.storage.directory import Directory
from sync.protocol import BlobStanding

_ABOUT = ".about"
MOST_BYTES = 64 << 20
"""The largest blob that is taken."""


class _About(msgspec.Struct, frozen=True, kw_only=True):
    """What lies beside a file: the offer without its key, and the key as it rests."""

    offer: Offer
    key: bytes


class Blobs:
    """The blobs of every studio, under one folder. From any thread."""

    def __init__(self, root: Path, books: Books) -> None:
        self._root, self._books = root, books
        self._locks = [threading.Lock() for _ in range(256)]

    def offer(self, studio: Id, offer: Offer, *, now_ms: int) -> BlobStanding:
        """Begin to take a blob, or go on: what is missing.

        Raises BadInput `blob.hash`, `blob.offer`; Refused `blob.too_big`, `blob.erased` (its person was erased).
        """
        path = self._path(studio, offer.blob.hash)
        if not 0 <= offer.blob.size < offer.sealed or len(offer.key) != 64:
            raise BadInput("blob.offer")
        if offer.sealed > MOST_BYTES:
            raise Refused("blob.too_big", most_mb=MOST_BYTES >> 20)
        with self._lock(path), _disk():
            if not _beside(path, "about").exists():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                kept = _About(offer=msgspec.structs.replace(offer, key=""), key=self._seal(studio, offer, now_ms))
                _write(_beside(path, "about"), msgspec.msgpack.encode(kept))
            return self._standing(path)

    def put(self, studio: Id, hash: str, start: int, data: bytes) -> BlobStanding:
        """Take one range, as often as it comes; what is missing after it. The last one has the whole checked.

        Raises BadInput `blob.range`, `blob.not_it` (all is here and it is another file: it begins anew); Refused
        `blob.unknown`; EnvironmentFault `disk_full`.
        """
        path = self._path(studio, hash)
        with self._lock(path), _disk():
            sealed = self._about(path).offer.sealed
            if start % RANGE_BYTES or not 0 <= start < sealed or len(data) != min(RANGE_BYTES, sealed - start):
                raise BadInput("blob.range")
            if path.exists():
                return self._standing(path)
            _write_at(_beside(path, "part"), start, data)
            _write_at(_beside(path, "have"), start // RANGE_BYTES, b"1")
            standing = self._standing(path)
            if not standing.missing:
                self._finish(path, hash)
            return self._standing(path)

    def about(self, studio: Id, hash: str) -> Offer:
        """What is said of a whole blob, with its key. Raises Refused `blob.unknown`, `blob.erased`; BadInput `blob.hash`."""
        path = self._path(studio, hash)
        with _disk():
            kept = self._about(path)
            if not path.exists():
                raise Refused("blob.unknown", hash=hash)
        return msgspec.structs.replace(kept.offer, key=self._open(studio, kept).hex())

    def scope(self, studio: Id, hash: str) -> str:
        """Where a blob lies. Raises Refused `blob.unknown`, BadInput `blob.hash`."""
        with _disk():
            return self._about(self._path(studio, hash)).offer.scope

    def read(self, studio: Id, hash: str, span: Span) -> bytes:
        """Sealed bytes of a whole blob. Raises BadInput `blob.range`, `blob.hash`; Refused `blob.unknown`."""
        path = self._path(studio, hash)
        with _disk():
            if not 0 <= span.start < span.end <= self._about(path).offer.sealed or span.length > RANGE_BYTES:
                raise BadInput("blob.range")
            try:
                with path.open("rb") as file:
                    file.seek(span.start)
                    return file.read(span.length)
            except FileNotFoundError as error:
                raise Refused("blob.unknown", hash=hash) from error

    def forget(self, studio: Id, people: Collection[str]) -> int:
        """Remove the files of people who are erased, whose keys are gone already; how many."""
        found = 0
        for beside in (self._root / studio).glob("*/*.about"):
            path = beside.with_suffix("")
            with self._lock(path), _disk():
                try:
                    if self._about(path).offer.subject not in people:
                        continue
                except Refused:
                    continue  # somebody else was quicker
                for file in (path, *(_beside(path, name) for name in ("part", "have", "about"))):
                    file.unlink(missing_ok=True)
                found += 1
        return found

    def _path(self, studio: Id, hash: str) -> Path:
        check_hash(hash)
        return self._root / studio / hash[:2] / hash

    def _lock(self, path: Path) -> threading.Lock:
        """One of a few for all files, by the hash's first byte. Nobody holds two."""
        return self._locks[int(path.name[:2], 16)]

    def _about(self, path: Path) -> _About:
        try:
            return msgspec.msgpack.decode(_beside(path, "about").read_bytes(), type=_About)
        except FileNotFoundError as error:
            raise Refused("blob.unknown", hash=path.name) from error

    def _standing(self, path: Path) -> BlobStanding:
        sealed = self._about(path).offer.sealed
        if path.exists():
            return BlobStanding(whole=True)
        try:
            have = _beside(path, "have").read_bytes()
        except FileNotFoundError:
            have = b""
        missing: Spans = tuple(
            Span(start, min(start + RANGE_BYTES, sealed))
            for start in range(0, sealed, RANGE_BYTES)
            if have[start // RANGE_BYTES : start // RANGE_BYTES + 1] != b"1"
        )
        return BlobStanding(whole=False, missing=missing)

    def _finish(self, path: Path, hash: str) -> None:
        part = _beside(path, "part")
        with part.open("rb") as file:
            right = hashlib.file_digest(file, "sha256").hexdigest() == hash
        if right:
            self._check_standing()
            os.replace(part, path)
            sync_folder(path.parent)
        else:
            part.unlink()
        _beside(path, "have").unlink(missing_ok=True)
        if not right:
            raise BadInput("blob.not_it", hash=hash)

    def _check_standing(self) -> None:
        """What were taken here after all was copied elsewhere would be lost, and its device would not send it again."""
        with self._books.database.read() as connection:
            Directory(self._books.database, self._books.tables).check_standing(connection)

    def _seal(self, studio: Id, offer: Offer, now_ms: int) -> bytes:
        try:
            key = bytes.fromhex(offer.key)
        except ValueError as error:
            raise BadInput("blob.offer") from error
        place = f"blob/{offer.blob.hash}"
        if not offer.subject:
            return self._books.secret.wrap(key, f"{place}/{studio}")
        with self._books.database.write(studio) as connection:
            keys = self._books.keys(connection, studio)
            keys.make({offer.subject}, now=now_ms)
            box = Sealer(keys, self._books.entropy).seal({offer.subject: key}, place)
        keys.committed()
        if offer.subject not in box:
            raise Refused("blob.erased")
        return box[offer.subject]

    def _open(self, studio: Id, kept: _About) -> bytes:
        offer, place = kept.offer, f"blob/{kept.offer.blob.hash}"
        if not offer.subject:
            return self._books.secret.unwrap(kept.key, f"{place}/{studio}")
        with self._books.database.read(studio) as connection:
            keys = self._books.keys(connection, studio)
            keys.warm({offer.subject})
            found = Sealer(keys, self._books.entropy).open({offer.subject: kept.key}, place)
        if offer.subject not in found:
            raise Refused("blob.erased")
        return found[offer.subject]


def copy_files(source: Path, target: Path) -> int:
    """Copy every blob that is not there yet from one folder to another; how many. Each is checked by its name.

    What is taken up by half stays behind: its device offers it again. Raises EnvironmentFault `copy.differs` for a
    file that is not what its name says, `disk_full`, `cloud.disk`.
    """
    copied = 0
    with _disk():
        for about in sorted(source.glob(f"*/*/*{_ABOUT}")):
            mine = about.with_name(about.name.removesuffix(_ABOUT))
            path = target / mine.relative_to(source)
            if not mine.exists() or (path.exists() and _beside(path, "about").exists()):
                continue
            data = mine.read_bytes()
            if hashlib.sha256(data).hexdigest() != mine.name:
                raise EnvironmentFault("copy.differs", table=mine.name, studio=mine.parts[-3])
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(path, data)
            _write(_beside(path, "about"), about.read_bytes())
            copied += 1
    return copied


class _disk:
    """Says what the disk did as an EnvironmentFault."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise EnvironmentFault("disk_full") from error
        if isinstance(error, OSError):
            raise EnvironmentFault("cloud.disk") from error


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.name}.{what}")


def _write(path: Path, data: bytes) -> None:
    """A whole small file, durable, or none."""
    fresh = _beside(path, "new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    sync_folder(path.parent)


def _write_at(path: Path, start: int, data: bytes) -> None:
    """Bytes at a place of a file, durable."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with open(handle, "r+b") as file:
        file.seek(start)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
