"""Where the files of blobs lie: `blobs/ab/<hash>`; what is still coming, or being taken in, beside them."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from classtap_core.kernel.blobs import check_hash
from classtap_core.kernel.errors import BadInput
from classtap_core.store.folder import BLOBS, sync_folder, write_fault
from classtap_core.store.sealed_file import hash_of

FLUSH_BYTES = 8 << 20
"""How much is written before it is brought to the disk: a longer queue would hold up the next mark's own flush."""
_COMING, _TAKEN_IN = "coming", "taken-in"
_PIECE = 1 << 20


class BlobFiles:
    """The files of one folder. `moving` is held while a whole file gets its name and its row.

    Attributes:
        root: the folder they lie in; made with the first of them.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / BLOBS
        self.moving = threading.Lock()

    def path(self, hash: str) -> Path:
        return self.root / check_hash(hash)[:2] / hash

    def coming(self, hash: str) -> Path:
        return self.root / _COMING / check_hash(hash)

    def taken_in(self, name: str) -> Path:
        if len(name) != 32 or set(name) - set("0123456789abcdef"):
            raise BadInput("blob.name")
        return self.root / _TAKEN_IN / name

    def opened(self, path: Path) -> BinaryIO:
        """A file to go on writing, made where there is none. Raises EnvironmentFault as `write_fault`."""
        try:
            self.make_folder(path.parent)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        except OSError as error:
            raise write_fault(error, self.root) from error
        return os.fdopen(handle, "r+b")

    def make_folder(self, folder: Path) -> None:
        """Make a folder of these, durably. Raises OSError."""
        for one in (self.root, folder):
            if not one.exists():
                one.mkdir(mode=0o700, exist_ok=True)
                sync_folder(one.parent)

    def settle(self, part: Path, hash: str) -> None:
        """Give a whole, durable file its name, durably. Raises OSError."""
        path = self.path(hash)
        self.make_folder(path.parent)
        os.replace(part, path)
        sync_folder(path.parent)

    def remove(self, hash: str) -> None:
        """Remove a blob's file, and what of it was coming."""
        self.path(hash).unlink(missing_ok=True)
        self.coming(hash).unlink(missing_ok=True)

    def whole(self) -> Iterator[Path]:
        """Files that have their name."""
        for folder in _listed(self.root):
            if len(folder.name) == 2:
                yield from _listed(folder)

    def parts(self) -> Iterator[Path]:
        """Files that are coming, or being taken in."""
        yield from _listed(self.root / _COMING)
        yield from _listed(self.root / _TAKEN_IN)


def _listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def copied(source: Path, into: Path) -> str:
    """Copy a file, durable and for its owner alone, and read the copy back; the hash of what lies there now.

    Raises OSError.
    """
    fresh = into.with_name(f".{into.name}.new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with open(handle, "w+b") as out, source.open("rb") as file:
            written = 0
            while piece := file.read(_PIECE):
                out.write(piece)
                written += len(piece)
                if written % FLUSH_BYTES == 0:
                    durable(out)
            durable(out)
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(out.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # from the disk, not from memory
            found = hash_of(out)
        os.replace(fresh, into)
        sync_folder(into.parent)
    finally:
        fresh.unlink(missing_ok=True)
    return found


def durable(file: BinaryIO) -> None:
    """On the disk, not only on its way there."""
    file.flush()
    os.fsync(file.fileno())
