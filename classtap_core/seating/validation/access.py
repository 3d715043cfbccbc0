"""Accessible spots can be reached, and accessible paths are clear, as wide as the map demands."""

from itertools import pairwise

import numpy as np

from classtap_core.seating.geometry import batches
from classtap_core.seating.geometry.batches import Boxes, Shapes
from classtap_core.seating.geometry.polygons import contains, convex_distance
from classtap_core.seating.geometry.turning import STANDING, placed
from classtap_core.seating.geometry.walking import Ground
from classtap_core.seating.model import Path, PointUm, Spot, Zone
from classtap_core.seating.validation.findings import UM, Rule, Violation
from classtap_core.seating.validation.scene import Scene

ACCESSIBLE = "accessible"
_HAIR = 2
"""µm added where a place is computed, so that rounding never puts it nearer than half a width."""


def has_accessible(scene: Scene) -> bool:
    """Whether there is a way to be judged: a tagged spot, and a door to come in by."""
    return bool(scene.doors) and any(ACCESSIBLE in spot.tags for spot in scene.spots)


class Access:
    """The ways to the tagged spots of a scene, kept up to date while spots move."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._ground = _ground_of(scene)
        self._width = scene.map.limits.accessible_um
        self._tagged = [index for index, spot in enumerate(scene.spots) if ACCESSIBLE in spot.tags]
        self._places: dict[int, list[PointUm]] = {index: self._beside(index) for index in self._tagged}
        self._doorways = [
            doorway(door, self._width)
            for door in scene.doors
            if door.width_um >= self._width and contains(scene.room_corners, doorway(door, self._width))
        ]
        self._free: dict[PointUm, bool] = {}
        self._clear: dict[PointUm, int] = {}

    def move(self, places: list[int], changed: Boxes) -> None:
        """Spots moved; `changed` are their boxes before and after."""
        found = _filled(self._scene.footprints[places], self._ground.shapes.shape[1])
        self._ground.move(places, found)
        for index in set(places) & set(self._tagged):
            self._places[index] = self._beside(index)
        known = list(self._free)
        if not known:
            return
        points = np.array([(*place, *place) for place in known], dtype=np.int64)
        touched = batches.boxes_near(changed[None, :, :], points[:, None, :], self._width // 2 + 1).any(axis=1)
        for index in np.flatnonzero(touched).tolist():
            del self._free[known[index]]
            self._clear.pop(known[index], None)

    def not_reached(self) -> list[Violation]:
        """The tagged spots that nobody as wide as the limit can come to from any door."""
        starts = [place for place in self._doorways if self._is_free(place)]
        found = []
        for index in self._tagged:
            actual = self._widest_way_um(self._places[index], starts)
            if actual < self._width:
                spot = self._scene.spots[index]
                at = (spot.x_um, spot.y_um)
                found.append(Violation(Rule.ACCESSIBLE_PATH, (spot.id,), self._width, actual, UM, at))
        return found

    def _beside(self, index: int) -> list[PointUm]:
        spot, type = self._scene.spots[index], self._scene.type_at(index)
        places = approaches(spot, type.width_um, type.length_um, self._width)
        return [place for place in places if contains(self._scene.room_corners, place)]

    def _is_free(self, place: PointUm) -> bool:
        if place not in self._free:
            self._free[place] = self._ground.is_free(place)
        return self._free[place]

    def _clear_um(self, place: PointUm) -> int:
        if place not in self._clear:
            self._clear[place] = self._ground.clear_um(place)
        return self._clear[place]

    def _widest_way_um(self, places: list[PointUm], starts: list[PointUm]) -> int:
        ground = self._ground
        free = [place for place in places if self._is_free(place)]
        if any(ground.joined(start, place) for place in free for start in starts):
            return self._width
        if not starts:
            return 0
        if not free:
            return min(self._width - 1, max((self._clear_um(place) for place in places), default=0))
        return max(ground.bottleneck_um(start, place) for place in free for start in starts)


def paths_blocked(scene: Scene) -> list[Violation]:
    """The accessible paths that are too narrow, or that something stands in."""
    found = []
    for path in scene.map.paths:
        if path.accessible:
            required = max(path.width_um, scene.map.limits.accessible_um)
            if path.width_um < scene.map.limits.accessible_um:
                found.append(
                    Violation(Rule.ACCESSIBLE_PATH, (path.id,), required, path.width_um, UM, path.points_um[0])
                )
            for item, clear in _in_the_way(scene, path):
                found.append(Violation(Rule.ACCESSIBLE_PATH, (path.id, item), required, clear, UM, path.points_um[0]))
    return found


def approaches(spot: Spot, width_um: int, length_um: int, disc_um: int) -> tuple[PointUm, ...]:
    """Where a disc of some width can wait beside a spot: at the quarters of each side, the front's middle first."""
    w, h, out = width_um, length_um, disc_um + 2 * _HAIR
    half = []
    for share in (0, -1, 1):
        half += [(share * w // 2, -h - out), (share * w // 2, h + out)]
        half += [(-w - out, share * h // 2), (w + out, share * h // 2)]
    return placed(tuple(half), spot.rotation_mdeg, (spot.x_um, spot.y_um))


def doorway(door: Zone, disc_um: int) -> PointUm:
    """Where a disc has just come in by a door: before the middle of its front."""
    return placed(((0, -door.length_um - disc_um - 2 * _HAIR),), door.rotation_mdeg, (door.x_um, door.y_um))[0]


def _ground_of(scene: Scene) -> Ground:
    """Everything that is in the way: spots in their order, then what stands in the room, then its walls."""
    standing = [piece for piece, owner in zip(scene.pieces, scene.owners, strict=True) if _stands(scene, int(owner))]
    corners = max(scene.footprints.shape[1], max((len(piece) for piece in standing), default=0))
    parts = [scene.footprints, batches.shapes(standing), scene.walls]
    filled = [_filled(part, corners) for part in parts if len(part)]
    return Ground(np.concatenate(filled), scene.map.limits.accessible_um)


def _in_the_way(scene: Scene, path: Path) -> list[tuple[str, int]]:
    """What stands nearer to a path's centre line than half its width, and the width that is left, doubled over."""
    clear: dict[str, int] = {}
    half = path.width_um // 2 + 1
    for start, stop in pairwise(path.points_um):
        line = np.array(
            (min(start[0], stop[0]), min(start[1], stop[1]), max(start[0], stop[0]), max(start[1], stop[1]))
        )
        near = np.flatnonzero(batches.boxes_near(scene.around, line, half)).tolist()
        things = [(scene.spots[place].id, scene.footprint(place)) for place in near]
        for owner, piece in zip(scene.owners.tolist(), scene.pieces, strict=True):
            if _stands(scene, owner):
                things.append((scene.zones[owner].id, piece))
        for item, corners in things:
            gap = convex_distance(corners, (start, stop))
            if 4 * gap.num < path.width_um * path.width_um * gap.den:
                clear[item] = min(clear.get(item, path.width_um - 1), 2 * gap.floor_um())
    return sorted(clear.items())


def _stands(scene: Scene, owner: int) -> bool:
    return scene.zones[owner].kind in STANDING


def _filled(found: Shapes, corners: int) -> Shapes:
    missing = corners - found.shape[1]
    return np.concatenate((found, np.repeat(found[:, -1:], missing, axis=1)), axis=1) if missing else found
