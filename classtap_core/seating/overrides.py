"""A rolled-out map and what a location made of it: which fields it changed, which it may, and what a new one brings."""

from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from classtap_core.seating.diff import PARTS, SETTINGS, changed_fields
from classtap_core.seating.model import SeatMap
from classtap_core.seating.versions import Conflict, merge

_KINDS = ("spots", *PARTS)
PLACE = ("x_um", "y_um", "rotation_mdeg")
USUAL = ("label", "alias", "visibility", "status", "tags")
"""What a location may change in a spot where nobody says otherwise."""


class Override(NamedTuple):
    """One thing that is the location's own.

    Attributes:
        part: `spots`, `zones`, … or `settings`. id: of the part, or the name of the setting.
        field: of the part; `added` or `removed` where it is there on one side only.
    """

    part: str
    id: str
    field: str


def overrides(shared: SeatMap, local: SeatMap) -> tuple[Override, ...]:
    """Everything in which a location's map differs from the one that was rolled out to it."""
    found = []
    for part in _KINDS:
        theirs = {one.id: one for one in getattr(shared, part)}
        ours = {one.id: one for one in getattr(local, part)}
        found += [Override(part, id, "removed") for id in theirs if id not in ours]
        for id, one in ours.items():
            if id not in theirs:
                found.append(Override(part, id, "added"))
            else:
                found += [Override(part, id, field) for field in changed_fields(theirs[id], one)]
    found += [Override("settings", name, name) for name in SETTINGS if getattr(shared, name) != getattr(local, name)]
    return tuple(found)


def forbidden(shared: SeatMap, local: SeatMap, allowed: tuple[str, ...]) -> tuple[Override, ...]:
    """What a location changed and may not. `allowed` names fields of spots, `place`, whole parts, or settings."""
    return tuple(one for one in overrides(shared, local) if not _is_allowed(one, allowed))


class Told(NamedTuple):
    """An override as people read it: what it is of (a spot's label, a zone's name), and both values as text."""

    part: str
    id: str
    name: str
    field: str
    shared: str
    local: str
    allowed: bool


def summary(shared: SeatMap, local: SeatMap, *, allowed: tuple[str, ...] = USUAL) -> tuple[Told, ...]:
    """Everything a location has its own way, with what the shared map says and what stands here."""
    return tuple(_told(one, shared, local, allowed) for one in overrides(shared, local))


def _told(one: Override, shared: SeatMap, local: SeatMap, allowed: tuple[str, ...]) -> Told:
    if one.part == "settings":
        was, now = (_text(getattr(side, one.id)) for side in (shared, local))
        return Told(one.part, one.id, one.id, one.field, was, now, _is_allowed(one, allowed))
    theirs, ours = (
        next((part for part in getattr(side, one.part) if part.id == one.id), None) for side in (shared, local)
    )
    here = ours if ours is not None else theirs
    name = next((text for text in (getattr(here, field, "") for field in ("label", "name", "text")) if text), one.id)
    was, now = ("" if part is None else _text(getattr(part, one.field, "")) for part in (theirs, ours))
    return Told(one.part, one.id, name, one.field, was, now, _is_allowed(one, allowed))


def _text(value: object) -> str:
    """A value as text: words as they are, anything else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _is_allowed(one: Override, allowed: tuple[str, ...]) -> bool:
    if one.part != "spots":
        return one.part in allowed or one.id in allowed
    return "spots" in allowed or one.field in allowed or ("place" in allowed and one.field in PLACE)


class Brought(NamedTuple):
    """A location's map after a roll-out: what it may have as its own stays; `conflicts` are other fields both changed."""

    seat_map: SeatMap
    conflicts: tuple[Conflict, ...]


def brought(
    shared: SeatMap | None, local: SeatMap | None, new: SeatMap, *, allowed: tuple[str, ...] = USUAL, keep: str = ""
) -> Brought:
    """What a location gets when `new` is rolled out.

    `shared` is what was rolled out to it before. Where there is none, or no map at all, it gets `new` whole. `keep`
    settles conflicts: `local`, `shared`, or "" to leave them to a person.
    """
    if shared is None or local is None:
        return Brought(new, ())
    if keep == "shared":
        found = merge(shared, new, local)
        gone = {one.id for one in found.conflicts if not one.fields and one.part != "settings"}
        gone -= {part.id for name in _KINDS for part in getattr(new, name)}
        return Brought(_without(found.seat_map, gone), ())
    merged = merge(shared, local, new)
    open_ones = () if keep == "local" else tuple(one for one in merged.conflicts if not _settled(one, allowed))
    return Brought(merged.seat_map, open_ones)


def _without(seat_map: SeatMap, ids: set[str]) -> SeatMap:
    """A map without some of its parts: a merge keeps what one side changed and the other removed."""
    kept = {name: tuple(part for part in getattr(seat_map, name) if part.id not in ids) for name in _KINDS}
    return replace(seat_map, **kept) if ids else seat_map


def _settled(conflict: Conflict, allowed: tuple[str, ...]) -> bool:
    """Whether a conflict is over what the location may have its own way; a part that is gone on one side never is."""
    if conflict.part == "spots" and not conflict.fields:
        return "spots" in allowed
    fields = conflict.fields or (conflict.part,)
    return all(_is_allowed(Override(conflict.part, conflict.id, field), allowed) for field in fields)
