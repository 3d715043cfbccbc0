"""An export: a table a spreadsheet opens, and a signed manifest that says what is in it and that nobody changed it.

Columns and their order are fixed; times are UTC; what is not known is blank. A cell that a spreadsheet would take for a
formula begins with an apostrophe. A file whose name ends in `.json` is a list of objects with the same names instead, and
its patches are JSON too.
"""

import csv
import hashlib
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import msgspec

from classtap_core.auditing.finding import Query
from classtap_core.auditing.lines import Line
from classtap_core.auditing.saying import Words, sentence, step_sentence
from classtap_core.kernel.canonical import canonical
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id

FORMAT = 1
COLUMNS = (
    "sequence", "operation", "at_utc", "decided_utc", "kind", "sentence", "author_type", "author", "author_name", "roles",
    "method", "device", "device_name", "address", "source", "outcome", "reasons", "differences", "patch", "format",
)  # fmt: skip
SUFFIX = ".manifest.json"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_EVERY = 200


class Manifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an export holds, and who made it with which sight. `key` (Ed25519, hex) made `signature` over the rest."""

    format: int = FORMAT
    studio: Id
    chain: str
    made_ms: int
    viewer: Id
    roles: tuple[str, ...]
    query: Query
    entries: int
    columns: tuple[str, ...] = COLUMNS
    sha256: str
    key: str = ""
    signature: str = ""

    def statement(self) -> bytes:
        """What is signed."""
        return b"CTX1" + canonical(msgspec.to_builtins(msgspec.structs.replace(self, signature="")))


class Cancelled(Exception):
    """Somebody ended the export; nothing of it is left."""


Sign = Callable[[bytes], bytes]
Going = Callable[[int], bool]
"""Told how many lines are written; False ends the export."""


def export(
    path: Path, lines: Iterable[Line], words: Words, manifest: Manifest, *, sign: Sign, going: Going = lambda count: True
) -> Manifest:  # fmt: skip
    """Write the table and its manifest beside it, both whole or not at all; `manifest` lacks counts, hash, signature.

    Raises Cancelled, and OSError as the file system does.
    """
    part = path.with_name(path.name + ".part")
    beside = path.with_name(path.name + SUFFIX)
    count = 0
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            os.chmod(part, 0o600)
            write, end = _listing(file) if path.suffix.lower() == ".json" else _table(file)
            for line in lines:
                write(row(line, words))
                count += 1
                if count % _EVERY == 0 and not going(count):
                    raise Cancelled
            end()
            file.flush()
            os.fsync(file.fileno())
        if not going(count):
            raise Cancelled
        made = msgspec.structs.replace(manifest, entries=count, sha256=_sha256(part))
        made = msgspec.structs.replace(made, signature=sign(made.statement()).hex())
        beside.write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n")
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        if not path.exists():
            beside.unlink(missing_ok=True)
        raise
    return made


_Write = tuple[Callable[[list[str]], object], Callable[[], object]]
"""Writes a row; and what comes after the last."""


def _table(file: TextIO) -> _Write:
    table = csv.writer(file)
    table.writerow(COLUMNS)
    return lambda cells: table.writerow([_cell(one) for one in cells]), lambda: None


def _listing(file: TextIO) -> _Write:
    """One object a line, so that a list of any length is read and compared line by line."""
    before = ["[\n"]

    def write(cells: list[str]) -> None:
        entry: dict[str, Any] = dict(zip(COLUMNS, cells, strict=True))
        entry["patch"] = msgspec.json.decode(entry["patch"] or "[]")
        file.write(before[0] + msgspec.json.encode(entry).decode())
        before[0] = ",\n"

    return write, lambda: file.write("\n]\n" if before[0] == ",\n" else "[]\n")


def checked(path: Path, verify: Callable[[bytes, bytes, bytes], bool]) -> Manifest:
    """The manifest of an export that is as it was made.

    Raises BadInput `audit.manifest` (none, or none of ours), `audit.export_signature`, `audit.export_changed`.
    """
    beside = path.with_name(path.name + SUFFIX)
    try:
        found = msgspec.json.decode(beside.read_bytes(), type=Manifest)
        key, signature = bytes.fromhex(found.key), bytes.fromhex(found.signature)
    except (OSError, msgspec.DecodeError, ValueError) as error:
        raise BadInput("audit.manifest") from error
    if found.format > FORMAT:
        raise BadInput("audit.manifest")
    if not verify(key, signature, found.statement()):
        raise BadInput("audit.export_signature")
    if _sha256(path) != found.sha256:
        raise BadInput("audit.export_changed")
    return found


def row(line: Line, words: Words) -> list[str]:
    """A line's cells, in the order of `COLUMNS`."""
    steps = [
        f"{changed.kind} {changed.name or changed.id}: {step_sentence(step, words)}"
        for changed in line.changed
        for step in changed.steps
    ]
    patches: list[dict[str, Any]] = [one for changed in line.changed for one in changed.patch()]
    return [
        str(line.sequence), line.operation, iso(line.at_ms), iso(line.decided_ms), line.kind, sentence(line, words),
        line.author_type, line.author, line.who, " ".join(line.roles), line.method, line.device, line.device_name,
        line.address, line.source, line.status.value, " ".join(reason.code for reason in line.reasons),
        "\n".join(steps), msgspec.json.encode(patches).decode() if patches else "", str(line.format),
    ]  # fmt: skip


def iso(at_ms: int) -> str:
    """An instant in UTC, to the millisecond; "" for none."""
    if not at_ms:
        return ""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
