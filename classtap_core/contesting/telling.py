"""Contested facts as people read them: a code and names for the sentence, and what a mark says."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from classtap_core.auditing.lines import Kept, Line, lines
from classtap_core.checkin.operations import MarkAttendance
from classtap_core.checkin.reading import search
from classtap_core.contesting.records import UNDECIDED, Contested
from classtap_core.kernel.envelope import FORMAT, Envelope
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Registry
from classtap_core.kernel.outcomes import contested
from classtap_core.kernel.records import Sensitivity
from classtap_core.kernel.tx import Reader


class Undecided(NamedTuple):
    """A fact somebody has to decide. `line` has the names in its sentence; `states`: what a mark says of its children."""

    held: Contested
    line: Line
    states: tuple[str, ...]


class AtTheDesk:
    """Reads the names of people; words about health, custody and contacts stay masked."""

    def audits(self, location: str) -> bool:
        return True

    def sees(self, sensitivity: Sensitivity, location: str) -> bool:
        return sensitivity is Sensitivity.PERSONAL

    def of(self, entry: Id) -> "AtTheDesk":
        return self

    def withheld(self, kind: str, location: str) -> frozenset[str]:
        return frozenset()


def undecided(reader: Reader, registry: Registry) -> tuple[Undecided, ...]:
    """What is held here and nobody has decided, newest first."""
    return told(search(reader, Contested, "by_ruled", UNDECIDED), reader, registry)


def told(held: Iterable[Contested], reader: Reader, registry: Registry) -> tuple[Undecided, ...]:
    """These facts with their names, newest first."""
    kept = {one.id: one for one in sorted(held, key=lambda one: (-one.at_ms, one.id))}
    found = lines([_kept(one) for one in kept.values()], reader, registry, AtTheDesk())
    return tuple(Undecided(kept[line.operation], line, _states(kept[line.operation])) for line in found)


def _kept(held: Contested) -> Kept:
    envelope = Envelope(
        v=FORMAT, kind=held.fact, version=held.version, studio=Id(""), device=held.device, epoch=held.epoch,
        sequence=held.sequence, previous="", id=held.id, author=held.author, at=held.at, payload=(),
    )  # fmt: skip
    return Kept(held.sequence, envelope, _said(held), (), contested(held.why))


def _said(held: Contested) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(held.said)
    return said


def _states(held: Contested) -> tuple[str, ...]:
    items = _said(held).get("items", ()) if held.fact == MarkAttendance.SPEC.name else ()
    return tuple(dict.fromkeys(str(item.get("state", "")) for item in items))
