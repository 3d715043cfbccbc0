"""An entry as people read it: a code and names for its sentence, who and with what right, and what was so before and after.

Values are masked by what the reader may see; a mask says that there was a value, never how long it was.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from classtap_core.auditing.diffs import FORMAT, Step, differences, patch
from classtap_core.auditing.names import Names
from classtap_core.auditing.sentences import SENTENCES, code_of
from classtap_core.auditing.terms import places_of
from classtap_core.kernel.envelope import Author, Envelope
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Registry
from classtap_core.kernel.outcomes import Outcome, Reason, Status
from classtap_core.kernel.records import FieldPlan, Sensitivity, plan
from classtap_core.kernel.tx import Change, Reader

MASK: Final = "•••"

PIN, KEY, CODE, API_KEY, NONE, UNKNOWN = "pin", "key", "code", "api_key", "none", "unknown"
_METHODS = {"device": KEY, "guardian": CODE, "partner": API_KEY, "provider": API_KEY, "clock": NONE}


class Kept(NamedTuple):
    """An entry as a log gives it.

    Attributes:
        sequence: its place in the log. payload: what was said; what is about erased persons is not in it, None where
        nothing is left. decided_ms: when the cloud decided it, 0 before. address: masked; "" where none is known.
        carrier: the device that brought it to the cloud, where that was another than it was said on.
    """

    sequence: int
    envelope: Envelope
    payload: Mapping[str, Any] | None
    changes: tuple[Change, ...]
    outcome: Outcome
    decided_ms: int = 0
    address: str = ""
    carrier: str = ""


class Viewer(Protocol):
    """Who reads: which entries, and how much of each."""

    def of(self, entry: Id) -> "Viewer":
        """The same, with what they may see of one entry, by its operation, beside the rest."""
        ...

    def audits(self, location: str) -> bool:
        """Whether they may read entries of a location; "" for what is the whole studio's."""
        ...

    def sees(self, sensitivity: Sensitivity, location: str) -> bool: ...

    def withheld(self, kind: str, location: str) -> frozenset[str]:
        """The fields of a kind, ``field`` or ``field.inner``, that are hidden from them all the same."""
        ...


class Changed(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one record: `made`, `changed` or `removed`, and how. `name` is "" where it has none."""

    kind: str
    id: Id
    name: str
    became: str
    steps: tuple[Step, ...]

    def patch(self) -> list[dict[str, Any]]:
        """The same for a program."""
        return patch(self.steps, root=f"/{self.kind}/{self.id}")


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of the audit. Times are milliseconds since the Unix epoch.

    Attributes:
        code: of its sentence; `who` and `params` are the names in it. roles: what the author acted as, then.
        method: how the author was known: `pin`, `key` (a device's own), `code`, `api_key`, `none`, `unknown`.
        carrier: the name of the device that brought it to the cloud, where that was another.
        erased: something in it was about a person who was erased. format: of the steps.
    """

    sequence: int
    operation: Id
    kind: str
    code: str
    at_ms: int
    decided_ms: int = 0
    author: Id
    author_type: str
    who: str
    roles: tuple[str, ...] = ()
    device: Id
    device_name: str = ""
    address: str = ""
    carrier: str = ""
    method: str
    source: str = ""
    status: Status
    reasons: tuple[Reason, ...] = ()
    params: dict[str, tuple[str, ...]] = {}
    changed: tuple[Changed, ...] = ()
    erased: bool = False
    format: int = FORMAT


def lines(kept: Iterable[Kept], reader: Reader, registry: Registry, viewer: Viewer) -> list[Line]:
    """Entries as a viewer may read them; what they may not read at all is left out."""
    seen = [(one, places) for one in kept for places in [_places(one)] if _may_read(viewer, places)]
    names = Names(reader, registry)
    names.want(pair for one, _ in seen for pair in _asked(one))
    return [_line(one, places, names, registry, viewer.of(one.envelope.id)) for one, places in seen]


def method_of(author: Author) -> str:
    """How an author was known to be who they say."""
    return PIN if author.type == "staff" and author.proof == PIN else _METHODS.get(author.type, UNKNOWN)


def _may_read(viewer: Viewer, places: Sequence[str]) -> bool:
    return all(viewer.audits(place) for place in places or ("",))


def _places(kept: Kept) -> tuple[str, ...]:
    scopes = [scope for change in kept.changes for scope in (change.scope, change.left) if scope]
    said = [str((kept.payload or {}).get(name, "")) for name in ("location", "home")]
    return places_of(scopes) or tuple(place for place in said if place)


def _asked(kept: Kept) -> Iterable[tuple[str, Id]]:
    author = kept.envelope.author
    yield author.type, author.id
    yield "device", kept.envelope.device
    if kept.carrier:
        yield "device", Id(kept.carrier)
    for grant in author.grants:
        yield "grant", grant
    for change in kept.changes:
        yield change.kind, change.id
    for field in SENTENCES.get(kept.envelope.kind, {}).values():
        for value in _values(kept.payload or {}, field.split(".")):
            yield field.rpartition(".")[2], Id(value)


def _line(kept: Kept, places: Sequence[str], names: Names, registry: Registry, viewer: Viewer) -> Line:
    envelope = kept.envelope
    place = places[0] if places else ""
    who = names.name(envelope.author.type, envelope.author.id)
    device = names.name("device", envelope.device)
    return Line(
        sequence=kept.sequence, operation=envelope.id, kind=envelope.kind, code=code_of(envelope.kind),
        at_ms=envelope.at.corrected, decided_ms=kept.decided_ms, author=envelope.author.id,
        author_type=envelope.author.type, who=who, roles=names.roles(envelope.author), device=envelope.device,
        device_name=device, address=kept.address,
        carrier=(names.name("device", Id(kept.carrier)) or kept.carrier) if kept.carrier else "",
        method=method_of(envelope.author), source=envelope.source,
        status=kept.outcome.status, reasons=kept.outcome.reasons,
        params=_params(kept, place, names, registry, viewer),
        changed=tuple(_changed(change, names, registry, viewer) for change in kept.changes),
        erased=kept.payload is None,
    )  # fmt: skip


def _params(
    kept: Kept, place: str, names: Names, registry: Registry, viewer: Viewer
) -> dict[str, tuple[str, ...]]:  # fmt: skip
    spec = registry.specs.get(kept.envelope.kind)
    marks = _marks(plan(spec.payload)) if spec is not None else {}
    found = {}
    for param, field in SENTENCES.get(kept.envelope.kind, {}).items():
        values = list(dict.fromkeys(_values(kept.payload or {}, field.split("."))))
        mark = marks.get(field, Sensitivity.OPEN)
        if mark is not Sensitivity.OPEN and not names.of_staff(kept.changes) and not viewer.sees(mark, place):
            found[param] = (MASK,) * len(values)
        else:
            found[param] = tuple(_named(field.rpartition(".")[2], value, place, names, viewer) for value in values)
    return found


def _named(field: str, value: str, place: str, names: Names, viewer: Viewer) -> str:
    name = names.name(field, Id(value))
    if not name:
        return "" if names.is_id(value) else value
    return MASK if names.personal(field, Id(value)) and not viewer.sees(Sensitivity.PERSONAL, place) else name


def _values(payload: Any, path: Sequence[str]) -> list[str]:
    if not path:
        several = payload if isinstance(payload, list | tuple) else [payload]
        return [str(one) for one in several if isinstance(one, str | int) and not isinstance(one, bool) and one != ""]
    if isinstance(payload, list | tuple):
        return [value for one in payload for value in _values(one, path)]
    return _values(payload.get(path[0]), path[1:]) if isinstance(payload, Mapping) else []


def _changed(change: Change, names: Names, registry: Registry, viewer: Viewer) -> Changed:
    record = registry.records.get(change.kind)
    place = next(iter(places_of([change.scope])), "")
    steps = differences(change.before, change.after)
    if change.before is None and change.after is None:
        steps = ()
    name = names.name(change.kind, change.id)
    if names.personal(change.kind, change.id) and not viewer.sees(Sensitivity.PERSONAL, place):
        name = MASK if name else ""
    if record is not None:
        marks = _marks(plan(record))
        of_staff = record.PREFIX == "studio"
        hidden = {
            path
            for path, mark in marks.items()
            if not (of_staff and mark is Sensitivity.PERSONAL) and not viewer.sees(mark, place)
        } | viewer.withheld(change.kind, place)
        steps = tuple(masked(step, hidden) for step in steps)
    became = "made" if change.before is None else "removed" if change.after is None else "changed"
    return Changed(change.kind, change.id, name, became, steps)


def _marks(plans: Iterable[FieldPlan]) -> dict[str, Sensitivity]:
    """Field, or ``field.inner``, → how it must be kept; what is open is not in it."""
    found: dict[str, Sensitivity] = {}
    for field in plans:
        if field.about is not None:
            found[field.name] = field.about.sensitivity
        for inner in field.items or ():
            if inner.about is not None:
                found[f"{field.name}.{inner.name}"] = inner.about.sensitivity
    return found


def masked(step: Step, hidden: Iterable[str]) -> Step:
    """A step without the values of hidden fields (``field`` or ``field.inner``)."""
    hidden = set(hidden)
    first = step.path[0] if step.path else ""
    inner = {path.partition(".")[2] for path in hidden if path.startswith(f"{first}.")}
    whole = first in hidden or (len(step.path) > 2 and step.path[2] in inner)
    path = step.path
    if first in hidden:
        path = path[:1]
    elif inner and len(path) > 1 and not Names.is_id(path[1].strip("[]")):
        path = (path[0], f"[{MASK}]", *path[2:])
    if whole:
        return Step(path, step.op, _hide(step.before), _hide(step.after))
    return Step(path, step.op, _without(step.before, inner), _without(step.after, inner))


def _hide(value: Any) -> Any:
    return None if value is None else MASK


def _without(value: Any, inner: set[str]) -> Any:
    if not inner:
        return value
    if isinstance(value, list):
        return [_without(one, inner) for one in value]
    if isinstance(value, dict):
        return {name: MASK if name in inner else one for name, one in value.items()}
    return value
