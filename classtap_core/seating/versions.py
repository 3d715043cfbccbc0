"""Versions of one room: what a new one owes to bookings, where a booked spot went, and two drafts made into one."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from msgspec.structs import replace

from classtap_core.seating.diff import PARTS, SETTINGS, changed_fields
from classtap_core.seating.model import SeatMap, Spot
from classtap_core.seating.validation.findings import SPOTS, Rule, Violation

_PLACE = ("x_um", "y_um", "rotation_mdeg")


class Demand(NamedTuple):
    """What people were promised in one session.

    Attributes:
        booked, held: how many places, with a spot or without one.
        spots: ids of spots that are booked, held or offered to somebody who waits.
    """

    booked: int = 0
    held: int = 0
    spots: frozenset[str] = frozenset()


def unkept(seat_map: SeatMap, demand: Demand) -> tuple[Violation, ...]:
    """What a map would break if it were published: too few spots, or promised spots that nobody can be given.

    Capacity never falls below booked + held (catalogue 15, requirement 6). Both are `capacity` findings; that of lost
    spots names them.
    """
    found = []
    owed, there = demand.booked + demand.held, seat_map.capacity()
    if there < owed:
        found.append(Violation(Rule.CAPACITY, (), owed, there, SPOTS, (0, 0)))
    reservable = {spot.id for spot in seat_map.spots if spot.reservable}
    lost = tuple(sorted(demand.spots - reservable))
    if lost:
        found.append(Violation(Rule.CAPACITY, lost, len(demand.spots), len(demand.spots) - len(lost), SPOTS, (0, 0)))
    return tuple(found)


class Remapped(NamedTuple):
    """Where booked spots went.

    Attributes:
        same: ids that are still there. moved_to: old id to the id of the spot that took its name.
        exceptions: ids with no counterpart; a person must decide. Nothing is ever deleted.
    """

    same: tuple[str, ...]
    moved_to: dict[str, str]
    exceptions: tuple[str, ...]


def remap(before: SeatMap, after: SeatMap, spots: Iterable[str]) -> Remapped:
    """Find each spot of one version in another: by its id, else by its label where just one spot that can be given
    away has it and nobody else's spot is moved there."""
    old = {spot.id: spot for spot in before.spots}
    there = {spot.id for spot in after.spots if spot.reservable}
    by_label: dict[str, list[Spot]] = {}
    for spot in after.spots:
        by_label.setdefault(spot.label, []).append(spot)
    wanted = list(dict.fromkeys(spots))
    same = [id for id in wanted if id in there]
    taken = set(same)
    moved_to: dict[str, str] = {}
    for id in wanted:
        label = old[id].label if id in old else ""
        found = [spot for spot in by_label.get(label, []) if spot.reservable] if label else []
        if id not in there and len(found) == 1 and found[0].id not in taken:
            moved_to[id] = found[0].id
            taken.add(found[0].id)
    return Remapped(tuple(same), moved_to, tuple(id for id in wanted if id not in there and id not in moved_to))


class Foreseen(NamedTuple):
    """What another map would mean to one session.

    Attributes:
        lost: every promised spot nobody could be given, with the spot that took its name ("" for none).
        short: how many places fewer there would be than are booked and held.
    """

    lost: dict[str, str]
    short: int


def foreseen(before: SeatMap | None, after: SeatMap, demand: Demand) -> Foreseen:
    """What a session that has one map would owe if it got another; the cloud decides by the same rules."""
    found = remap(before or after, after, sorted(demand.spots))
    lost = {spot: found.moved_to.get(spot, "") for spot in sorted((*found.moved_to, *found.exceptions))}
    return Foreseen(lost, max(0, demand.booked + demand.held - after.capacity()))


def unsettled(before: SeatMap, after: SeatMap) -> tuple[str, ...]:
    """Spots of one map that another has not, has elsewhere, or does not give away: nobody is to book them meanwhile."""
    now = {spot.id: spot for spot in after.spots}

    def stays(spot: Spot) -> bool:
        there = now.get(spot.id)
        return there is not None and there.reservable and all(getattr(there, at) == getattr(spot, at) for at in _PLACE)

    return tuple(spot.id for spot in before.spots if spot.reservable and not stays(spot))


class Conflict(NamedTuple):
    """One thing that two drafts changed differently.

    Attributes:
        part: `spots`, `zones`, … or `settings`. id: of the part, or the name of the setting.
        fields: those both changed; empty where one removed what the other changed.
    """

    part: str
    id: str
    fields: tuple[str, ...]


class Merged(NamedTuple):
    """Two drafts as one: where they conflict, the first one's value stands until somebody decides."""

    seat_map: SeatMap
    conflicts: tuple[Conflict, ...]
    from_mine: int
    from_theirs: int


def merge(base: SeatMap, mine: SeatMap, theirs: SeatMap) -> Merged:
    """Bring two drafts of one version together, field by field. Neither draft is changed or lost."""
    conflicts: list[Conflict] = []
    counts = [0, 0]
    fields: dict[str, Any] = {}
    for name in ("spots", *PARTS):
        fields[name] = _merged_parts(name, base, mine, theirs, conflicts, counts)
    for name in SETTINGS:
        was, ours, other = (getattr(one, name) for one in (base, mine, theirs))
        if other not in (was, ours):
            if ours == was:
                fields[name] = other
                counts[1] += 1
            else:
                conflicts.append(Conflict("settings", name, (name,)))
        counts[0] += ours != was
    return Merged(replace(mine, **fields), tuple(conflicts), counts[0], counts[1])


def _merged_parts(
    name: str, base: SeatMap, mine: SeatMap, theirs: SeatMap, conflicts: list[Conflict], counts: list[int]
) -> tuple[Any, ...]:
    was, ours, other = ({part.id: part for part in getattr(one, name)} for one in (base, mine, theirs))
    merged: list[Any] = []
    for id in dict.fromkeys((*ours, *other)):
        old, one, two = was.get(id), ours.get(id), other.get(id)
        if one is None or two is None:
            _one_sided(name, id, old, one, two, merged, conflicts, counts)
            continue
        changed_here = changed_fields(old, one) if old else ()
        changed_there = changed_fields(old, two) if old else changed_fields(one, two)
        clash = tuple(field for field in changed_there if getattr(one, field) != getattr(two, field))
        clash = tuple(field for field in clash if not old or field in changed_here)
        if clash:
            conflicts.append(Conflict(name, id, clash))
        taken = {field: getattr(two, field) for field in changed_there if field not in clash} if old else {}
        merged.append(replace(one, **taken))
        counts[0] += bool(changed_here)
        counts[1] += bool(taken)
    return tuple(merged)


def _one_sided(
    name: str,
    id: str,
    old: Any,
    one: Any,
    two: Any,
    merged: list[Any],
    conflicts: list[Conflict],
    counts: list[int],
) -> None:
    """A part that only one draft has: added there, or removed in the other."""
    kept, side = (one, 0) if one is not None else (two, 1)
    if old is None:
        merged.append(kept)
        counts[side] += 1
    elif kept != old:
        conflicts.append(Conflict(name, id, ()))
        merged.append(kept)
    else:
        counts[1 - side] += 1
