"""What is different between two versions of a map: for people (a list, a coloured picture) and for publishing."""

from math import isqrt
from typing import Any, NamedTuple

import msgspec

from classtap_core.seating.model import Part, SeatMap, Spot

PARTS = ("types", "zones", "paths", "layers", "groups", "categories")
SETTINGS = ("name", "modality", "unit", "room", "limits", "mirroring", "background")
_PLACE = ("x_um", "y_um", "rotation_mdeg")
_NAMES = ("label", "alias", "row", "seat")


class Moved(NamedTuple):
    """A spot that stands elsewhere or is turned."""

    id: str
    label: str
    by_um: int
    turned_mdeg: int


class Renumbered(NamedTuple):
    """A spot that is called something else; `before` and `after` are labels, or aliases where only those changed."""

    id: str
    before: str
    after: str


class Changed(NamedTuple):
    """A spot or another part of which these fields are different."""

    id: str
    fields: tuple[str, ...]


class PartsDiff(NamedTuple):
    """The same for zones, types, paths and the rest: ids."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[Changed, ...]


class Difference(NamedTuple):
    """Everything different from one map to another.

    Attributes:
        added, removed: ids of spots. settings: names of the map's own fields that changed.
        changed: spots of which something else than place and name changed.
        parts: by name (`zones`, `types`, …), only those with a difference.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    moved: tuple[Moved, ...]
    renumbered: tuple[Renumbered, ...]
    changed: tuple[Changed, ...]
    parts: dict[str, PartsDiff]
    settings: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether there is any difference."""
        return any((self.added, self.removed, self.moved, self.renumbered, self.changed, self.parts, self.settings))


def difference(before: SeatMap, after: SeatMap) -> Difference:
    """What must be done to the first map to get the second. Parts are known by their ids, wherever they stand."""
    old = {spot.id: spot for spot in before.spots}
    new = {spot.id: spot for spot in after.spots}
    both = [(old[id], spot) for id, spot in new.items() if id in old]
    parts = {name: _parts(getattr(before, name), getattr(after, name)) for name in PARTS}
    return Difference(
        added=tuple(id for id in new if id not in old),
        removed=tuple(id for id in old if id not in new),
        moved=tuple(moved for one, other in both if (moved := _moved(one, other))),
        renumbered=tuple(named for one, other in both if (named := _renumbered(one, other))),
        changed=tuple(
            Changed(one.id, fields)
            for one, other in both
            if (fields := tuple(name for name in changed_fields(one, other) if name not in _PLACE + _NAMES))
        ),
        parts={name: found for name, found in parts.items() if any(found)},
        settings=tuple(name for name in SETTINGS if getattr(before, name) != getattr(after, name)),
    )


def changed_fields(one: Part, other: Part) -> tuple[str, ...]:
    """The names of the fields in which two parts of one kind differ."""
    return tuple(name for name in one.__struct_fields__ if getattr(one, name) != getattr(other, name))


def as_plain(found: Difference) -> dict[str, Any]:
    """A difference as decoded JSON."""

    def plain(value: Any) -> Any:
        if isinstance(value, tuple) and hasattr(value, "_asdict"):
            return {key: plain(item) for key, item in value._asdict().items()}
        if isinstance(value, tuple):
            return [plain(item) for item in value]
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return msgspec.to_builtins(value)

    built: dict[str, Any] = plain(found)
    return built


def _moved(one: Spot, other: Spot) -> Moved | None:
    across, down = other.x_um - one.x_um, other.y_um - one.y_um
    turned = (other.rotation_mdeg - one.rotation_mdeg + 180_000) % 360_000 - 180_000
    if not (across or down or turned):
        return None
    return Moved(one.id, other.label, isqrt(across * across + down * down), turned)


def _renumbered(one: Spot, other: Spot) -> Renumbered | None:
    if one.label != other.label:
        return Renumbered(one.id, one.label, other.label)
    if one.alias != other.alias:
        return Renumbered(one.id, one.alias, other.alias)
    return None


def _parts(before: tuple[Any, ...], after: tuple[Any, ...]) -> PartsDiff:
    old, new = {part.id: part for part in before}, {part.id: part for part in after}
    return PartsDiff(
        tuple(id for id in new if id not in old),
        tuple(id for id in old if id not in new),
        tuple(Changed(id, changed_fields(old[id], part)) for id, part in new.items() if id in old and old[id] != part),
    )
