"""What this device said itself, read again from its log: what a notice is about, in words and as it was said."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from classtap_core.auditing.lines import Kept, Line, lines
from classtap_core.contesting.telling import AtTheDesk
from classtap_core.kernel.device_store import Entry
from classtap_core.kernel.envelope import join_parts, own
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload, Registry
from classtap_core.kernel.records import plain
from classtap_core.kernel.tx import Reader


class OwnLog(Reader, Protocol):
    """A device's store as it is read: rows, and the log of what was said here."""

    @property
    def registry(self) -> Registry: ...

    def entries(self, sequences: Iterable[int], *, epoch: int | None = None) -> list[Entry]: ...


class Spoken(Protocol):
    """Something that names an own operation: a notice, what was set aside, what was not judged."""

    @property
    def operation(self) -> Id: ...

    @property
    def sequence(self) -> int: ...


def said(log: OwnLog, notice: Spoken) -> Payload | None:
    """What the operation of a notice said; None where it is of an earlier epoch, or a person in it was erased."""
    entry = _entry(log, notice)
    return None if entry is None else _payload(log, entry)


def said_lines(log: OwnLog, spoken: Sequence[Spoken]) -> dict[Id, Line]:
    """Own operations as the audit tells them: a code and names for a sentence. Those that can be read."""
    found = [entry for one in spoken if (entry := _entry(log, one)) is not None]
    kept = []
    for entry in found:
        payload = _payload(log, entry)
        if payload is not None:
            kept.append(Kept(entry.sequence, own(entry.data), plain(payload), (), entry.told))
    return {line.operation: line for line in lines(kept, log, log.registry, AtTheDesk())}


def _entry(log: OwnLog, spoken: Spoken) -> Entry | None:
    return next((entry for entry in log.entries([spoken.sequence]) if entry.id == spoken.operation), None)


def _payload(log: OwnLog, entry: Entry) -> Payload | None:
    try:
        read: Payload = log.registry.read(own(entry.data), join_parts(entry.parts)).payload
    except BadInput:
        return None
    return read
