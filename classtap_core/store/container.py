"""The file of a backup: who made it and when in the open, its key sealed, and then what it holds.

`CTBK1\\n`, four bytes of length, a header in JSON, and the rest. The header names no person.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from classtap_core.kernel.errors import BadInput, EnvironmentFault
from classtap_core.kernel.ids import Entropy, Id
from classtap_core.store import folder
from classtap_core.store.recovery import RecoveryKey
from classtap_core.store.sealing import lock, seal, unlock, unseal

MAGIC = b"CTBK1\n"
_LONGEST_HEADER = 1 << 20
_CHUNK = 1 << 20
RECOVERY, STORE = "recovery", "store"


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself without a key.

    Attributes:
        holds: `database` or `keys`. made_ms: since the Unix epoch. epoch, sequence, acked: where the device's log
        stood. size, digest: of what follows the header, in bytes and SHA-256 (hex).
    """

    v: int = 1
    holds: str
    made_ms: int
    studio: Id
    device: Id
    epoch: int
    sequence: int
    acked: int
    size: int
    digest: str


class Opener(msgspec.Struct, frozen=True, kw_only=True):
    """What may open a backup: the owner's recovery key, the key of the store that made it, or both."""

    owner: RecoveryKey | None = None
    store: bytes | None = None


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    label: Label
    seals: dict[str, str]


def seals(key: bytes, label: Label, entropy: Entropy, *, public: bytes | None, store: bytes | None) -> dict[str, str]:
    """A backup's key, closed for each who may open it: name → hex. The label is bound to it."""
    made: dict[str, str] = {}
    if public is not None:
        made[RECOVERY] = seal(key, public, _context(label), entropy).hex()
    if store is not None:
        made[STORE] = lock(key, store, _context(label), entropy).hex()
    return made


def write(out: Path, label: Label, sealed: Mapping[str, str], body: BinaryIO) -> None:
    """Write a whole backup file, durable, for its owner alone (0600), or none. Raises OSError."""
    header = msgspec.json.encode(_Header(label=label, seals=dict(sealed)))
    fresh = out.with_name(f".{out.name}.new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(handle, "wb") as file:
            file.write(MAGIC + len(header).to_bytes(4, "big") + header)
            while chunk := body.read(_CHUNK):
                file.write(chunk)
                flush_early(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, out)
        folder.sync_folder(out.parent)
    finally:
        fresh.unlink(missing_ok=True)


def flush_early(file: BinaryIO) -> None:
    """Bring a megabyte to the disk now: a long queue of them would hold up the next mark's own flush."""
    file.flush()
    if file.tell() % (8 * _CHUNK) < _CHUNK:
        os.fsync(file.fileno())


@contextmanager
def reading(path: Path, holds: str) -> Iterator[tuple[_Header, BinaryIO]]:
    """A backup's header, and the file where its body begins.

    Raises BadInput `backup.not_one`, `backup.newer`, `backup.cut`; EnvironmentFault `backup.cannot_read`.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise EnvironmentFault("backup.cannot_read", file=str(path), why=error.strerror or "") from error
    with file:
        header = _header(file, path)
        if header.label.v > 1:
            raise BadInput("backup.newer", file=str(path))
        if header.label.holds != holds:
            raise BadInput("backup.not_one", file=str(path))
        if path.stat().st_size - file.tell() != header.label.size:
            raise BadInput("backup.cut", file=str(path))
        yield header, file


def label_of(path: Path, *, holds: str = "database") -> Label:
    """What a backup says of itself. Raises as `reading`."""
    with reading(path, holds) as (header, _):
        return header.label


def _header(file: BinaryIO, path: Path) -> _Header:
    start = file.read(len(MAGIC) + 4)
    length = int.from_bytes(start[len(MAGIC) :], "big")
    if not start.startswith(MAGIC) or length > _LONGEST_HEADER:
        raise BadInput("backup.not_one", file=str(path))
    try:
        return msgspec.json.decode(file.read(length), type=_Header)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput("backup.not_one", file=str(path)) from error


def key_of(header: _Header, opener: Opener) -> bytes:
    """A backup's key. Raises BadInput `backup.other_key` when nothing at hand opens it."""
    context = _context(header.label)
    for name, key in ((RECOVERY, opener.owner and opener.owner.private), (STORE, opener.store)):
        if key is not None and name in header.seals:
            try:
                box = bytes.fromhex(header.seals[name])
                return unseal(box, key, context) if name == RECOVERY else unlock(box, key, context)
            except (BadInput, ValueError):
                continue
    raise BadInput("backup.other_key")


def copy_body(file: BinaryIO, out: BinaryIO | None, label: Label) -> None:
    """Read the rest of a backup, writing it on where that is wanted. Raises BadInput `backup.damaged`."""
    seen = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        seen.update(chunk)
        if out is not None:
            out.write(chunk)
    if seen.hexdigest() != label.digest:
        raise BadInput("backup.damaged")


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _context(label: Label) -> str:
    return "backup " + hashlib.sha256(msgspec.json.encode(label)).hexdigest()
