"""The folder of one device: closed to others, owned by one process at a time.

Its files: `store.db` (with `-wal` and `-shm`), `store.key`, `store.recovery`, `owner.lock`, `owner.sock`, where the owner
listens, `reserve`, which holds room on the disk, and the folder `blobs`. While the key is being changed there are also
`.next` ones, and during a first load `arriving.0` and `.1`.
"""

import contextlib
import errno
import json
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from classtap_core.kernel.errors import EnvironmentFault, Refused

DATABASE, KEY_FILE, LOCK, SOCKET = "store.db", "store.key", "owner.lock", "owner.sock"
RECOVERY_FILE, RESERVE, BLOBS = "store.recovery", "reserve", "blobs"
ARRIVING = ("arriving.0", "arriving.1")
NEXT = ".next"
"""What the files of a key that is not yet in force end in."""
ASIDE = ".damaged"
"""What a damaged database that is kept aside ends in."""

_OTHERS = 0o077
_LOCKED_BYTE = 1 << 30  # Windows locks bytes against reading too, so the lock lies beyond what is written


def prepare(folder: Path) -> None:
    """Make the folder for its owner alone (0700), or see that it is, and that it is this user's.

    Raises Refused `store.folder_open` with the `command` that mends it, EnvironmentFault `store.folder`.
    """
    try:
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700)
        found = folder.stat()
    except OSError as error:
        raise EnvironmentFault("store.folder", folder=str(folder), why=error.strerror or "") from error
    if not folder.is_dir():
        raise EnvironmentFault("store.folder", folder=str(folder), why=os.strerror(errno.ENOTDIR))
    if os.name == "posix" and found.st_uid != os.geteuid():
        command = f"chown -R {os.geteuid()} {shlex.quote(str(folder))}"
        raise Refused("store.folder_open", folder=str(folder), command=command)
    if os.name == "posix" and found.st_mode & _OTHERS:
        raise Refused("store.folder_open", folder=str(folder), command=f"chmod 700 {shlex.quote(str(folder))}")


class Ownership:
    """The lock on a folder, held until `release` or the end of the process, however that comes.

    On a full disk it is held without a name: what frees room must be able to begin.

    Attributes:
        unclean: whether an owner before this one ended without releasing it, and nobody has looked at the store since.
        in_a_row: how many did so, one after the other.
    """

    def __init__(self, folder: Path, program: str) -> None:
        """Raises Refused `store.in_use` with the `program` and `pid` of the owner."""
        self._path = folder / LOCK
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError as error:
            raise write_fault(error, folder) from error
        if not _lock(self._file):
            os.close(self._file)
            raise Refused("store.in_use", **owner(folder))
        try:
            said = os.pread(self._file, 4096, 0) if hasattr(os, "pread") else os.read(self._file, 4096)
            self.unclean = bool(said)
            self.in_a_row = _in_a_row(said) + (1 if said and _named(said) else 0)
            self._looked_at = not said
            self._write(program, os.getpid())
        except OSError as error:
            if error.errno != errno.ENOSPC:
                os.close(self._file)
                raise write_fault(error, folder) from error

    def _write(self, program: str, pid: int) -> None:
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        os.write(self._file, json.dumps({"program": program, "pid": pid, "unclean": self.in_a_row}).encode())

    def looked_at(self) -> None:
        """Every page was looked at since the bad end: a good end of this owner settles it."""
        self._looked_at = True

    def release(self) -> None:
        """Give it up. A bad end before that nobody has looked into stays written down for whoever comes next."""
        if self._file >= 0:
            os.ftruncate(self._file, 0)
            if not self._looked_at:
                with contextlib.suppress(OSError):
                    self._write("", 0)
            os.close(self._file)
            self._file = -1


def _named(said: bytes) -> bool:
    """Whether an owner's name stands in its lock: it has not given it up."""
    try:
        return bool(json.loads(said)["program"])
    except (ValueError, KeyError, TypeError):
        return True


def bad_ends(folder: Path) -> int:
    """How many programs in a row ended badly, as far as nobody has looked into it since; the one that runs left out."""
    try:
        return _in_a_row((folder / LOCK).read_bytes())
    except OSError:
        return 0


def _in_a_row(said: bytes) -> int:
    try:
        return int(json.loads(said)["unclean"])
    except (ValueError, KeyError, TypeError):
        return 0


def write_fault(error: OSError, folder: Path) -> EnvironmentFault:
    """What to say when a small file could not be written."""
    if error.errno == errno.ENOSPC:
        return EnvironmentFault("disk_full")
    return EnvironmentFault("store.read_only", folder=str(folder))


@contextlib.contextmanager
def opening() -> Iterator[None]:
    """What the system keeps from us while a store is opened, or what lies there under one of our names, as a fault.

    Raises EnvironmentFault `disk_full`, `store.cannot_open`.
    """
    try:
        yield
    except OSError as error:
        raise EnvironmentFault("disk_full" if error.errno == errno.ENOSPC else "store.cannot_open") from error


def owner(folder: Path) -> dict[str, str | int]:
    """Program and pid of who owns (or last owned) a folder; an empty program when nobody does."""
    try:
        said = json.loads((folder / LOCK).read_text())
        return {"program": str(said["program"]), "pid": int(said["pid"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {"program": "", "pid": 0}


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> bool:
        os.lseek(file, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(file, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def write_closed(path: Path, data: bytes) -> None:
    """Write a small file for its owner alone (0600), whole and durable or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, data)
        os.fsync(file)
    finally:
        os.close(file)
    os.replace(fresh, path)
    sync_folder(path.parent)


def remove_database(path: Path) -> None:
    """Remove a database file and what SQLite leaves beside it."""
    for end in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a rename durable, where the system has a way to."""
    if os.name == "posix":
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
