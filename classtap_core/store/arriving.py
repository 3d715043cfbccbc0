"""Pages of a first load, kept as they come from the cloud, for a program that is killed meanwhile: two files, one for the
page that is being written into the store, one for the page on its way.

Each is a run of boxes (length in 4 bytes, nonce of 12, what is sealed, tag of 16); the first says which page it is, and
each later one belongs behind it. What follows is left from an earlier page: a file that is written over needs no room in
the file system's journal, which every commit of the store would wait for. Nothing is brought to the disk for its own sake: a
machine that loses its power fetches those two pages again.
"""

import errno
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Self

import msgspec

from classtap_core.kernel.errors import BadInput, ClassTapError
from classtap_core.kernel.ids import Entropy
from classtap_core.store.folder import ARRIVING
from classtap_core.store.sealing import lock, unlock

log = logging.getLogger("classtap.store")

_LENGTH, _TAG = 4, 16
_FIRST = "arriving"


class _Page(msgspec.Struct, frozen=True, array_like=True):
    scope: str
    after: str


class Arriving:
    """The pages on their way into one folder, under a key of their own. One thread at a time."""

    def __init__(self, folder: Path, key: bytes, entropy: Entropy) -> None:
        self._files = tuple(folder / name for name in ARRIVING)
        self._key, self._entropy = key, entropy
        self._last: tuple[_Page | None, Path] = None, self._files[1]
        self._here: dict[_Page, Path] = {}
        for path in self._files:
            head = next(self._boxes(path), None)
            if head is not None:
                self._here[msgspec.json.decode(head, type=_Page)] = path

    @contextmanager
    def keeping(self, scope: str, after: str) -> Iterator[Callable[[bytes], None]]:
        """Keep a page as it comes, in the file that the one before it does not lie in; trouble with the disk is the
        store's to tell of. What turns out to be no page at all (a ClassTapError) is not kept."""
        page = _Page(scope, after)
        last, lies = self._last
        path = lies if last == page else self._files[lies == self._files[0]]
        self._last = page, path
        self._here = {one: other for one, other in self._here.items() if other != path} | {page: path}
        with _Writing(path, self._key, self._entropy) as writing:
            writing.add(msgspec.json.encode(page))
            try:
                yield writing.add
            except ClassTapError:
                self._here.pop(page)
                raise

    def left(self) -> bool:
        """Whether there is something to take."""
        return bool(self._here)

    def take(self, scope: str, after: str) -> bytes | None:
        """What came of a page, in this program or the one before it; only once."""
        page = _Page(scope, after)
        path = self._here.pop(page, None)
        if path is None:
            return None
        self._last = page, path
        return b"".join(self._boxes(path))[len(msgspec.json.encode(page)) :]

    def _boxes(self, path: Path) -> Iterator[bytes]:
        """What lies in a file, as far as it is whole and under this key."""
        try:
            data = path.read_bytes()
        except OSError:
            return
        at, place = 0, _FIRST
        while size := int.from_bytes(data[at : at + _LENGTH], "big"):
            box = data[at + _LENGTH : at + _LENGTH + size]
            try:
                yield unlock(box, self._key, place)
            except BadInput:
                return
            at, place = at + _LENGTH + size, _behind(box)


def forget(folder: Path) -> None:
    """Let go of what is kept of pages."""
    for name in ARRIVING:
        with suppress(OSError):
            (folder / name).unlink()


class _Writing:
    """A file that is written box by box; one that cannot be is left at that."""

    def __init__(self, path: Path, key: bytes, entropy: Entropy) -> None:
        self._path, self._key, self._entropy, self._place = path, key, entropy, _FIRST
        self._file: FileIO | None = None

    def add(self, data: bytes) -> None:
        if self._file is None:
            return
        box = lock(data, self._key, self._place, self._entropy)
        try:
            if self._file.write(len(box).to_bytes(_LENGTH, "big") + box) < _LENGTH + len(box):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._end(error)
        self._place = _behind(box)

    def __enter__(self) -> Self:
        try:
            flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)
            self._file = FileIO(os.open(self._path, flags, 0o600), "w")
        except OSError as error:
            self._end(error)
        return self

    def __exit__(self, *exc: object) -> None:
        self._end(None)

    def _end(self, error: OSError | None) -> None:
        if error is not None:
            log.info("a page on its way is not kept: %s", error.strerror)
        if self._file is not None:
            self._file.close()
        self._file = None


def _behind(box: bytes) -> str:
    """Where the box that follows this one belongs."""
    return f"{_FIRST} {box[-_TAG:].hex()}"
