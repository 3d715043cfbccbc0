"""A map as arrays: footprints and what is kept free around them, walls, and what stands in the room."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from classtap_core.seating.geometry import batches, turning
from classtap_core.seating.geometry.batches import Boxes, Indices, Shapes
from classtap_core.seating.geometry.polygons import Polygon, area_um2_twice, convex_pieces, edges, is_simple
from classtap_core.seating.model import EquipmentType, Outline, PointUm, SeatMap, Spot, Zone, ZoneKind

SIDES = ("front", "rear", "left", "right")
BLOCKING = turning.STANDING | {ZoneKind.AISLE}
"""Zones in which no spot may stand; a door is judged by what it keeps free."""


class Scene:
    """What the rules look at.

    Attributes:
        spots: in the map's order; `place` finds one by its id.
        footprints: (spots, corners, 2) µm. around: their boxes.
        free: for each side (spots, 4, 2), the rectangle to be kept free, the spot's own edge first.
        depths: for each side how deep that is, per spot.
        pieces: convex pieces of the blocking zones; `owners` says whose each is (its place in `zones`).
        walls: (walls, 2, 2), the room's sides clockwise. offsets: what is kept free along each.
    """

    def __init__(self, seat_map: SeatMap) -> None:
        self.map = seat_map
        self.types = seat_map.types_by_id()
        self.spots: list[Spot] = list(seat_map.spots)
        self.place = {spot.id: index for index, spot in enumerate(self.spots)}
        self.zones: tuple[Zone, ...] = seat_map.zones
        self._corners = max(
            (4 if type.outline is Outline.RECTANGLE else turning.ROUND_CORNERS for type in seat_map.types), default=4
        )
        self._shapes: dict[tuple[str, int], int] = {}
        self._footprint_of: list[NDArray[np.int64]] = []
        self._free_of: dict[str, list[NDArray[np.int64]]] = {side: [] for side in SIDES}
        self._depth_of: dict[str, list[int]] = {side: [] for side in SIDES}
        self._lay_spots()
        self._lay_zones()
        self._lay_walls()

    def move(self, spots: Iterable[Spot]) -> list[int]:
        """Put spots elsewhere (position, turn, type); says which places changed. Raises KeyError for a new spot."""
        places = []
        for spot in spots:
            place = self.place[spot.id]
            self.spots[place] = spot
            key = self._shape(spot)
            middle = np.array((spot.x_um, spot.y_um), dtype=np.int64)
            if len(self._footprint_of) > len(self._footprints_by_shape):
                self._stack()
            self.footprints[place] = self._footprints_by_shape[key] + middle
            self.around[place] = (*self.footprints[place].min(axis=0), *self.footprints[place].max(axis=0))
            for side in SIDES:
                self.free[side][place] = self._free_by_shape[side][key] + middle
                self.depths[side][place] = self._depth_of[side][key]
            places.append(place)
        return places

    def footprint(self, place: int) -> Polygon:
        """A spot's corners as Python integers."""
        return batches.points(self.footprints[place])

    def type_at(self, place: int) -> EquipmentType:
        """The equipment on a spot."""
        return self.types[self.spots[place].type]

    def middle(self, place: int) -> PointUm:
        """Where a spot is."""
        return self.spots[place].x_um, self.spots[place].y_um

    def _lay_spots(self) -> None:
        keys = np.array([self._shape(spot) for spot in self.spots], dtype=np.int64)
        middles = np.array([(spot.x_um, spot.y_um) for spot in self.spots], dtype=np.int64).reshape(-1, 1, 2)
        self._stack()
        self.footprints: Shapes = self._footprints_by_shape[keys] + middles
        self.around: Boxes = batches.boxes(self.footprints)
        self.free: dict[str, Shapes] = {side: self._free_by_shape[side][keys] + middles for side in SIDES}
        self.depths: dict[str, NDArray[np.int64]] = {
            side: np.array(self._depth_of[side] or [0], dtype=np.int64)[keys] for side in SIDES
        }

    def _stack(self) -> None:
        self._footprints_by_shape: Shapes = np.array(
            self._footprint_of or [np.zeros((self._corners, 2), dtype=np.int64)], dtype=np.int64
        )
        self._free_by_shape: dict[str, Shapes] = {
            side: np.array(self._free_of[side] or [np.zeros((4, 2), dtype=np.int64)], dtype=np.int64) for side in SIDES
        }

    def _shape(self, spot: Spot) -> int:
        """The number of a type at a turn: how its corners lie around its middle."""
        key = (spot.type, spot.rotation_mdeg)
        if key not in self._shapes:
            type = self.types[spot.type]
            self._shapes[key] = len(self._footprint_of)
            footprint, free = _around(type, spot.rotation_mdeg)
            filled = (*footprint, *(footprint[-1] for _ in range(self._corners - len(footprint))))
            self._footprint_of.append(np.array(filled, dtype=np.int64))
            depths = {"front": type.front_um, "rear": type.rear_um, "left": type.side_um, "right": type.side_um}
            for side in SIDES:
                self._free_of[side].append(np.array(free[side], dtype=np.int64))
                self._depth_of[side].append(depths[side])
        return self._shapes[key]

    def _lay_zones(self) -> None:
        pieces: list[Polygon] = []
        owners: list[int] = []
        for index, zone in enumerate(self.zones):
            if zone.kind in BLOCKING:
                for piece in solid_pieces(zone):
                    pieces.append(piece)
                    owners.append(index)
        self.pieces: list[Polygon] = pieces
        self.piece_shapes: Shapes = batches.shapes(pieces)
        self.piece_boxes: Boxes = batches.boxes(self.piece_shapes)
        self.owners: Indices = np.array(owners, dtype=np.int64)
        self.doors = [zone for zone in self.zones if zone.kind is ZoneKind.DOOR]

    def _lay_walls(self) -> None:
        room = self.map.room
        corners = room.corners()
        offsets = [room.offset_um(wall) for wall in range(len(corners))]
        self.room_corners: tuple[PointUm, ...] = corners
        sides = edges(corners)
        if area_um2_twice(corners) < 0:
            sides = [(b, a) for a, b in sides]
        self.wall_lines: list[tuple[PointUm, PointUm]] = sides
        self.walls: Shapes = np.array(sides, dtype=np.int64)
        self.offsets: NDArray[np.int64] = np.array(offsets, dtype=np.int64)


def _around(type: EquipmentType, mdeg: int) -> tuple[Polygon, dict[str, Polygon]]:
    """A type's corners and what it keeps free, turned, around (0, 0)."""
    shape = turning.rectangle if type.outline is Outline.RECTANGLE else turning.ellipse
    footprint = turning.placed(shape(type.width_um, type.length_um), mdeg, (0, 0))
    free = turning.surroundings(type.width_um, type.length_um, type.front_um, type.rear_um, type.side_um)
    return footprint, {side: turning.placed(corners, mdeg, (0, 0)) for side, corners in free.items()}


def solid_pieces(zone: Zone) -> list[tuple[PointUm, ...]]:
    """A zone as convex pieces; none where it has no inside (a line, or a polygon that crosses itself)."""
    corners = turning.zone_corners(zone)
    if not is_simple(corners):
        return []
    return convex_pieces(corners)
