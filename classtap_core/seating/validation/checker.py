"""All rules over one map: once as a whole, then again and again only around what moved."""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from msgspec.structs import replace

from classtap_core.seating.geometry import batches
from classtap_core.seating.geometry.turning import egress
from classtap_core.seating.model import SeatMap, Spot, ZoneKind
from classtap_core.seating.validation import access, aisles, labels, spots
from classtap_core.seating.validation.findings import UM, Rule, Violation, in_order
from classtap_core.seating.validation.scene import Scene

CHUNK = 50_000
"""So many pairs at a time, to keep arrays small."""
_Key = tuple[Rule, tuple[str, ...]]
BLOCKS = frozenset({ZoneKind.OBSTRUCTION, ZoneKind.STAGE})
"""Zones that may not stand before a door; walls and mirrors are what it is let into."""


def validate(seat_map: SeatMap) -> tuple[Violation, ...]:
    """Everything wrong with a map, by rule and then by item."""
    return Checker(seat_map).violations()


class Checker:
    """Keeps the findings of a map up to date while spots are dragged.

    Anything but moving, turning and relabelling spots (adding, removing, zones, limits) takes a new checker.
    """

    def __init__(self, seat_map: SeatMap) -> None:
        self._scene = Scene(seat_map)
        self._spot_findings: dict[_Key, Violation] = {}
        self._of_spot: dict[str, set[_Key]] = defaultdict(set)
        everyone = np.arange(len(self._scene.spots))
        one, other = spots.pairs_of_all(self._scene)
        for start in range(0, len(one), CHUNK):
            self._keep(spots.among_spots(self._scene, one[start : start + CHUNK], other[start : start + CHUNK]))
        self._keep(spots.against_room(self._scene, everyone))
        self._aisles = {
            aisle.id: aisles.aisles_too_narrow(self._scene, [aisle])
            for aisle in self._scene.zones
            if aisle.kind is ZoneKind.AISLE
        }
        self._doors = _doors_blocked(self._scene)
        self._ways = access.Access(self._scene) if access.has_accessible(self._scene) else None
        self._judge_access()
        self._names = labels.duplicate_labels(seat_map)
        self._capacity = labels.too_many(seat_map)

    def violations(self) -> tuple[Violation, ...]:
        """Everything that is wrong now."""
        narrow = [one for found in self._aisles.values() for one in found]
        rest = [*narrow, *self._doors, *self._access, *self._names, *self._capacity]
        return in_order([*self._spot_findings.values(), *rest])

    def moved(self, changed: Iterable[Spot]) -> tuple[Violation, ...]:
        """Spots as they are now in place of those with their ids; says everything that is wrong then.

        Raises KeyError for a spot or an equipment type the map does not have.
        """
        changed = list(changed)
        if not changed:
            return self.violations()
        scene = self._scene
        old = [scene.spots[scene.place[spot.id]] for spot in changed]
        boxes = [scene.around[[scene.place[spot.id] for spot in changed]].copy()]
        places = scene.move(changed)
        boxes.append(scene.around[places])
        for spot in changed:
            self._forget(spot.id)
        self._keep(spots.among_spots(scene, *spots.pairs_of(scene, places)))
        self._keep(spots.against_room(scene, np.array(places, dtype=np.int64)))
        for aisle in aisles.aisles_near(scene, np.concatenate(boxes)):
            self._aisles[aisle.id] = aisles.aisles_too_narrow(scene, [aisle])
        if self._ways is not None:
            self._ways.move(places, np.concatenate(boxes))
        self._judge_access()
        if self._names or any(_named(one) != _named(other) for one, other in zip(old, changed, strict=True)):
            now = _with_spots(scene.map, scene.spots)
            self._names, self._capacity = labels.duplicate_labels(now), labels.too_many(now)
        return self.violations()

    def hurts(self, spot: Spot) -> tuple[Violation, ...]:
        """What would be wrong with one spot of the map if it stood like this: itself, aisles it stands in, doors.

        Nothing is kept. Ways to accessible spots are not asked, for they depend on everything. Raises KeyError for a
        spot the map does not have.
        """
        scene = self._scene
        now = scene.spots[scene.place[spot.id]]
        places = scene.move([spot])
        try:
            found = spots.among_spots(scene, *spots.pairs_of(scene, places))
            found += spots.against_room(scene, np.array(places, dtype=np.int64))
            found += aisles.aisles_too_narrow(scene, aisles.aisles_near(scene, scene.around[places]))
        finally:
            scene.move([now])
        return in_order(found)

    def _judge_access(self) -> None:
        self._access = access.paths_blocked(self._scene)
        if self._ways is not None:
            self._access += self._ways.not_reached()

    def _keep(self, found: Iterable[Violation]) -> None:
        for one in found:
            key = (one.rule, one.items)
            known = self._spot_findings.get(key)
            if known is None or one.actual < known.actual:
                self._spot_findings[key] = one
            for item in one.items:
                self._of_spot[item].add(key)

    def _forget(self, spot: str) -> None:
        for key in self._of_spot.pop(spot, set()):
            self._spot_findings.pop(key, None)


def _named(spot: Spot) -> tuple[object, ...]:
    return spot.label, spot.alias, spot.visibility, spot.status


def _with_spots(seat_map: SeatMap, found: list[Spot]) -> SeatMap:
    return replace(seat_map, spots=tuple(found))


def _doors_blocked(scene: Scene) -> list[Violation]:
    """Pillars and stages before a door."""
    found: dict[tuple[str, str], Violation] = {}
    for door in scene.doors:
        if door.clearance_um:
            area = egress(door)
            for index, owner in enumerate(scene.owners.tolist()):
                items = (scene.zones[owner].id, door.id)
                piece = scene.piece_shapes[index : index + 1]
                if scene.zones[owner].kind in BLOCKS and batches.overlapping(piece, batches.shapes([area]))[0]:
                    actual = spots.room_before(area, scene.pieces[index])
                    if items not in found or actual < found[items].actual:
                        at = (door.x_um, door.y_um)
                        found[items] = Violation(Rule.EGRESS, items, door.clearance_um, actual, UM, at)
    return list(found.values())
