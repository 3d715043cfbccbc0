"""Records: what a studio is made of. Each says its scope, its declared indexes, and whose data each field is."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, ClassVar, NamedTuple, get_args, get_origin, get_type_hints

import msgspec

from classtap_core.kernel.errors import ProgramFault
from classtap_core.kernel.ids import Id


class Sensitivity(StrEnum):
    """How a field must be kept: what is not OPEN is sealed under its subject's key in every log."""

    OPEN = "open"
    PERSONAL = "personal"
    CONTACT = "contact"
    HEALTH = "health"
    CUSTODY = "custody"
    SECRET = "secret"


class About(NamedTuple):
    """Whose data a field is: `subject` names the field of the same struct that holds the person's id."""

    subject: str
    sensitivity: Sensitivity = Sensitivity.PERSONAL


def about(subject: str, sensitivity: Sensitivity = Sensitivity.PERSONAL) -> About:
    """For `Annotated`: `name: Annotated[str, about("child")]`."""
    return About(subject, sensitivity)


class Index(NamedTuple):
    """A declared way to find records: by equality on leading fields, and a range on the next.

    Fields hold text or integers. Results come in the byte order of the fields, then the id.
    """

    name: str
    fields: tuple[str, ...]


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing a studio keeps. A device holds it whole or not at all.

    Class attributes:
        KIND: its name in stores, on the wire and for ever.
        PREFIX: first part of its scope's name; a device that holds `PREFIX/*` holds every one.
        INDEXES: how handlers and screens may find it.
        SEARCH: fields (text, or tuples of text) a person may look for; one called `phone` is found by its digits, one
            called `email` by any part.
    """

    id: Id

    KIND: ClassVar[str] = ""
    PREFIX: ClassVar[str] = ""
    INDEXES: ClassVar[tuple[Index, ...]] = ()
    SEARCH: ClassVar[tuple[str, ...]] = ()

    def scope(self) -> str:
        """The static scope this row lies in, computed from the row alone."""
        return self.PREFIX


class Row(NamedTuple):
    """A record as stores and the wire carry it: the body is JSON, with fields of any later version untouched."""

    kind: str
    id: Id
    scope: str
    body: bytes


@cache
def index_of(record: type[Record], name: str) -> Index:
    for index in record.INDEXES:
        if index.name == name:
            return index
    raise ProgramFault(f"{record.__name__} declares no index {name}")


@cache
def decoder(record: type[Record]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(record)


def decode(record: type[Record], body: bytes) -> Any:
    """The record in a row's body; fields this version does not know stay in the body."""
    return decoder(record).decode(body)


def plain(struct: msgspec.Struct) -> dict[str, Any]:
    """A struct as plain data, just as it comes back from JSON; fields at their default are left out."""
    built: dict[str, Any] = msgspec.json.decode(_encode(struct))
    return built


_encode = msgspec.json.Encoder(order="deterministic").encode


class FieldPlan(NamedTuple):
    """How a field is split: to its subject, into its items, or left open."""

    name: str
    about: About | None
    items: "tuple[FieldPlan, ...] | None"


@cache
def plan(struct: type[msgspec.Struct]) -> tuple[FieldPlan, ...]:
    """Whose data each field of a struct is, worked out once per type.

    Raises ProgramFault where a mark lies too deep to be cut along: it would stay readable in every log.
    """
    hints = get_type_hints(struct, include_extras=True)
    plans = []
    for field in struct.__struct_fields__:
        hint = hints[field]
        found = next((extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, About)), None)
        item = None if found else _item_type(hint)
        inner = plan(item) if item else None
        if inner is not None and not any(part.about for part in inner):
            inner = None
        if found is None and inner is None and _marked(hint):
            raise ProgramFault(
                f"{struct.__name__}.{field}: about() belongs on the field itself, or on a field of its items"
            )
        if inner is not None and any(part.items for part in inner):
            raise ProgramFault(f"{struct.__name__}.{field}: items of items cannot be cut along")
        plans.append(FieldPlan(field, found, inner))
    return tuple(plans)


def _item_type(hint: Any) -> type[msgspec.Struct] | None:
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) is tuple:
        first = get_args(hint)[0]
        if isinstance(first, type) and issubclass(first, msgspec.Struct):
            return first
    return None


def _marked(hint: Any) -> bool:
    """Whether a mark lies anywhere inside a type."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return any(part.about or part.items for part in plan(hint))
    if any(isinstance(extra, About) for extra in getattr(hint, "__metadata__", ())):
        return True
    return any(_marked(part) for part in get_args(hint))


@cache
def sensitivities(struct: type[msgspec.Struct]) -> frozenset[Sensitivity]:
    """How the fields of a struct, and of its items, must be kept."""
    found = {part.about.sensitivity for part in plan(struct) if part.about}
    for part in plan(struct):
        found |= {inner.about.sensitivity for inner in part.items or () if inner.about}
    return frozenset(found)


OPEN = ""
"""The subject of what is nobody's: names of rooms, ids, times, states."""


def split(struct: type[msgspec.Struct], data: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Cut plain data into one part per subject: pointer → value. The open part holds the rest, under ``""``.

    A pointer is a field name, or ``field/position/field`` inside items.
    """
    skeleton: dict[str, Any] = dict(data)
    parts: dict[str, dict[str, Any]] = {OPEN: {"": skeleton}}
    for name, whose, items in plan(struct):
        if name not in skeleton:
            continue
        if whose is not None:
            subject = data.get(whose.subject)
            if subject:
                parts.setdefault(subject, {})[name] = skeleton.pop(name)
        elif items is not None:
            skeleton[name] = split_items(items, skeleton[name], name, parts)
    return parts


def split_items(
    plans: tuple[FieldPlan, ...], items: Iterable[Mapping[str, Any]], pointer: str, parts: dict[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """What of a field's items is nobody's; the rest goes to `parts`, under ``pointer/position/field``."""
    return [_split_item(plans, item, f"{pointer}/{position}/", parts) for position, item in enumerate(items)]


def _split_item(
    items: tuple[FieldPlan, ...], item: Mapping[str, Any], prefix: str, parts: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    open_fields = dict(item)
    for name, whose, _ in items:
        if whose is not None and name in open_fields:
            subject = item.get(whose.subject)
            if subject:
                parts.setdefault(subject, {})[prefix + name] = open_fields.pop(name)
    return open_fields


def join(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Plain data from its parts. What an erased subject's part held is simply not there."""
    whole: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(parts[OPEN][""]))
    return fill(whole, parts)


def fill(whole: dict[str, Any], parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """As `join`, into the open part itself."""
    for subject, values in parts.items():
        if subject != OPEN:
            for pointer, value in values.items():
                place(whole, pointer, value)
    return whole


def place(target: Any, pointer: str, value: Any) -> None:
    """Put a value back where `split` took it from. Raises KeyError, IndexError, TypeError or ValueError."""
    path = pointer.split("/")
    for step in path[:-1]:
        target = target[int(step)] if isinstance(target, list) else target[step]
    target[path[-1]] = value
