"""What a power cut leaves: a program's own writes, recorded by strace, replayed up to an instant.

A disk keeps what was synced. Of the rest it may have kept any 512-byte sector and lost any other, in any order; a
file's length may be the old one or the new one. Names (creating, renaming, removing) are kept in order, as
filesystems with a journal do, and are certain once their folder was synced; a folder's own name lies in the one above.
"""

import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

SECTOR = 512
ROOT = Path(__file__).resolve().parents[2]
_CALLS = "openat,write,pwrite64,ftruncate,rename,renameat,renameat2,unlink,unlinkat,fsync,fdatasync,mkdir,mkdirat"
_NOT_KEPT = ("-shm", "owner.lock", "owner.sock")
"""Shared memory is made again by whoever opens first; locks end with the machine."""


class Event(NamedTuple):
    """One call that touched the folder, in the order of their beginnings; a sync counts when it has returned.

    The names of folders end in `/`; the one that was given is empty.
    """

    call: str
    name: str = ""
    at: int = 0
    data: bytes = b""
    to: str = ""


def record(folder: Path, log: Path, *words: str, program: str) -> list[Event]:
    """Run a program on a folder under strace, to its end."""
    command = ["strace", "-f", "-y", "-xx", "-s", "1000000", "-e", f"trace={_CALLS}", "-o", str(log)]
    command += [sys.executable, "-m", program, str(folder), *words]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    if "ptrace" in ran.stderr and ran.returncode:
        pytest.skip(f"strace may not look on here: {ran.stderr.splitlines()[0]}")
    assert ran.returncode == 0, ran.stderr
    with log.open() as lines:
        return list(_events(lines, str(folder)))


Recorded = Callable[[str], tuple[Path, list[Event]]]
"""Runs a program in one of its ways: the folder before, and what was done to it."""


def recorder(base: Callable[[str], Path], make: Callable[[Path], None], *, program: str) -> Recorded:
    """Records a program once for each way: `base` gives a new folder to work in, `make` makes the store it begins with."""
    done: dict[str, tuple[Path, list[Event]]] = {}

    def run(how: str) -> tuple[Path, list[Event]]:
        if how not in done:
            work = base(how)
            before, folder = work / "before", work / "desk"
            make(before)
            shutil.copytree(before, folder)
            folder.chmod(0o700)
            done[how] = (before, record(folder, work / "strace", how, program=program))
        return done[how]

    return run


_LINE = re.compile(r"^(\d+) +(.*)$")
_RESUMED = re.compile(r"^<\.\.\. \w+ resumed>(.*)$")
_RETURNED = re.compile(r"= (-?\d+)(?:<.*>)?(?: .*)?$")
_CALL = re.compile(r"^(\w+)\((.*)$")
_FD = re.compile(r"^(\d+)<(.*?)>(?:\(deleted\))?")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def _events(lines: Iterator[str], folder: str) -> Iterator[Event]:
    begun: dict[str, str] = {}
    ends: dict[str, int] = {}
    for line in lines:
        found = _LINE.match(line)
        if found is None:
            continue
        thread, words = found.groups()
        if words.endswith("<unfinished ...>"):
            begun[thread] = words.removesuffix("<unfinished ...>").rstrip()
            continue
        if resumed := _RESUMED.match(words):
            words = begun.pop(thread) + resumed.group(1)
        returned, called = _RETURNED.search(words), _CALL.match(words)
        if returned is None or called is None or int(returned.group(1)) < 0:
            continue
        yield from _event(called.group(1), called.group(2), int(returned.group(1)), folder, ends)


def _event(call: str, rest: str, returned: int, folder: str, ends: dict[str, int]) -> Iterator[Event]:
    texts = [bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(rest)]
    fd = _FD.match(rest)
    name = _inside(_decoded(fd.group(2)), folder) if fd else None
    match call:
        case "write" if fd and fd.group(1) == "1":
            yield Event("said", data=texts[0])
        case "write" if name:
            at = ends.get(name, 0)
            ends[name] = at + returned
            yield Event("write", name, at, texts[0][:returned])
        case "pwrite64" if name:
            at = int(rest.rsplit(")", 1)[0].rsplit(",", 1)[1])
            yield Event("write", name, at, texts[0][:returned])
        case "ftruncate" if name:
            yield Event("cut", name, int(rest.rsplit(")", 1)[0].rsplit(",", 1)[1]))
        case "fsync" | "fdatasync" if name is not None:
            yield Event("sync", name)
        case "mkdir" | "mkdirat" if made := _inside(texts[0].decode(), folder):
            yield Event("make", made + "/")
        case "openat" if "O_CREAT" in rest and (opened := _inside(texts[0].decode(), folder)):
            ends[opened] = 0
            yield Event("make", opened)
            if "O_TRUNC" in rest:
                yield Event("cut", opened, 0)
        case "rename" | "renameat" | "renameat2":
            here, there = (_inside(text.decode(), folder) for text in texts[:2])
            if here and there:
                yield Event("rename", here, to=there)
        case "unlink" | "unlinkat" if gone := _inside(texts[0].decode(), folder):
            yield Event("remove", gone)


def _decoded(path: str) -> str:
    return bytes.fromhex(path.replace("\\x", "")).decode() if path.startswith("\\x") else path


def _inside(path: str, folder: str) -> str | None:
    """A file's name in the folder, with the folders between; empty for the folder itself; None elsewhere."""
    if path == folder:
        return ""
    name = path.removeprefix(folder + "/")
    return name if name != path and not name.endswith(_NOT_KEPT) else None


def _above(name: str) -> str:
    """The folder that a name lies in."""
    folder, slash, _ = name.removesuffix("/").rpartition("/")
    return folder + slash


class _File:
    """What the disk surely has of a file, and what it was told since."""

    def __init__(self, data: bytes = b"") -> None:
        self.kept = bytearray(data)
        self.told: list[tuple[str, int, bytes]] = []

    def sync(self) -> None:
        for change in self.told:
            _apply(self.kept, change)
        self.told.clear()

    def image(self, rng: random.Random, likely: float) -> bytes:
        """One of the states that the disk may be in."""
        found = bytearray(self.kept)
        for call, at, data in self.told:
            if call == "cut":
                if rng.random() < likely:
                    _apply(found, (call, at, data))
                continue
            for start, sector in _sectors(at, data):
                if rng.random() < likely:
                    _apply(found, ("write", start, sector))
        return bytes(found)


def _apply(data: bytearray, change: tuple[str, int, bytes]) -> None:
    call, at, new = change
    if call == "cut":
        del data[at:]
        data.extend(bytes(at - len(data)))
    else:
        data.extend(bytes(max(0, at - len(data))))
        data[at : at + len(new)] = new


def _sectors(at: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    """A write, cut where the disk may tear it."""
    end, start = at + len(data), at
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        yield start, data[start - at : stop - at]
        start = stop


class Disk:
    """A folder as a disk has it while a program goes on writing."""

    def __init__(self, folder: Path) -> None:
        """Begins with what lies there: all of that is kept."""
        there = [path for path in sorted(folder.rglob("*")) if not path.name.endswith(_NOT_KEPT)]
        named = {path.relative_to(folder).as_posix(): path for path in there}
        self._now = {
            name + "/" * path.is_dir(): _File(b"" if path.is_dir() else path.read_bytes())
            for name, path in named.items()
        }
        self._names = dict(self._now)
        self._told: list[tuple[Event, _File]] = []
        self.said: list[str] = []

    def take(self, event: Event) -> None:
        """Go on by one event."""
        match event.call:
            case "said":
                self.said += event.data.decode().split("\n")[:-1]
            case "make":
                if event.name not in self._now:
                    self._now[event.name] = _File()
                    self._told.append((event, self._now[event.name]))
            case "rename" | "remove":
                if event.name in self._now:
                    moved = self._now.pop(event.name)
                    self._told.append((event, moved))
                    if event.to:
                        self._now[event.to] = moved
            case "sync" if not event.name or event.name + "/" in self._now:
                certain = [told for told in self._told if self._lies_in(told[0], event.name)]
                self._told = [told for told in self._told if told not in certain]
                for told, file in certain:
                    _rename(self._names, told, file)
            case "sync":
                if event.name in self._now:
                    self._now[event.name].sync()
            case "write" | "cut":
                if event.name in self._now:
                    self._now[event.name].told.append((event.call, event.at, event.data))

    @staticmethod
    def _lies_in(event: Event, folder: str) -> bool:
        return _above(event.to or event.name) == (folder and folder + "/")

    def image(self, out: Path, rng: random.Random) -> None:
        """Write one of the folders that a power cut now may leave."""
        names = dict(self._names)
        for event, file in self._told[: rng.randint(0, len(self._told))]:
            _rename(names, event, file)
        likely = rng.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(mode=0o700)
        for name, file in sorted(names.items()):  # folders before what is in them
            path = out / name
            if not path.parent.exists():
                continue  # nobody finds a file in a folder that has no name
            if name.endswith("/"):
                path.mkdir(mode=0o700)
            else:
                path.write_bytes(file.image(rng, likely))
                path.chmod(0o600)


def _rename(names: dict[str, _File], event: Event, file: _File) -> None:
    """Do to names what an event did."""
    if event.call == "make":
        names[event.name] = file
        return
    names.pop(event.name, None)
    if event.to:
        names[event.to] = file


class Image(NamedTuple):
    """A power cut: after how many events, and what had been shown as saved by then."""

    number: int
    events: int
    said: tuple[tuple[int, str], ...]


def images(folder: Path, events: Sequence[Event], out: Path, *, count: int, rng: random.Random) -> Iterator[Image]:
    """Build `count` images one after another in `out`, at random instants from the first saying on.

    `folder` is as it was before the recording.
    """
    cuts = sorted(rng.randint(1, len(events)) for _ in range(count))
    disk, taken = Disk(folder), 0
    for number, cut in enumerate(cuts):
        while taken < cut:
            disk.take(events[taken])
            taken += 1
        disk.image(out, rng)
        said = tuple((int(sequence), operation) for sequence, operation in (line.split() for line in disk.said))
        yield Image(number, cut, said)
