"""The spots of a map as arrays, kept from one map to the next: for drawing, finding and snapping thousands of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classtap_core.seating.boxes import Box, around
from classtap_core.seating.geometry.polygons import contains
from classtap_core.seating.geometry.turning import footprint
from classtap_core.seating.model import EquipmentType, PointUm, SeatMap, Spot
from classtap_desktop.canvas.edits import locked_layers
from classtap_desktop.canvas.sprites import Face, face_of

Ints = NDArray[np.int64]


class Kind(NamedTuple):
    """What spots share that look alike: their equipment, their turn, their state, and the box around one."""

    type: EquipmentType
    mdeg: int
    face: Face
    box: Box


class Crowd:
    """Attributes: ``spots`` (in the map's order), ``xs``, ``ys`` (middles, µm), ``kinds`` and ``which`` (of each spot,
    its place in ``kinds``), ``place`` (of a spot, by id)."""

    def __init__(self, seat_map: SeatMap) -> None:
        self._map = seat_map
        self.spots: tuple[Spot, ...] = seat_map.spots
        self._begin(seat_map)

    def put(self, seat_map: SeatMap, moved: Iterable[Spot]) -> None:
        """Become the crowd of a map in which only these spots are elsewhere: for a drag, at every step."""
        self._map, self.spots = seat_map, seat_map.spots
        for spot in moved:
            self._put(self.place[spot.id], spot)

    def follow(self, seat_map: SeatMap) -> None:
        """Become the crowd of another map; what is the same is kept."""
        before = self._map
        if seat_map.spots is before.spots and seat_map.types is before.types and seat_map.layers is before.layers:
            self._map = seat_map
            return
        if len(seat_map.spots) != len(self.spots) or seat_map.types is not before.types or (
            seat_map.layers is not before.layers
        ):  # fmt: skip
            self._begin(seat_map)
            return
        self._map = seat_map
        for index, (old, new) in enumerate(zip(self.spots, seat_map.spots, strict=True)):
            if old is not new:
                if old.id != new.id:
                    self._begin(seat_map)
                    return
                self._put(index, new)
        self.spots = seat_map.spots

    def _begin(self, seat_map: SeatMap) -> None:
        self._map = seat_map
        self._types = seat_map.types_by_id()
        self._locked = locked_layers(seat_map)
        self._hidden = {layer.id for layer in seat_map.layers if not layer.visible}
        self._known: dict[tuple[object, ...], int] = {}
        self.kinds: list[Kind] = []
        self.spots = seat_map.spots
        self.place = {spot.id: index for index, spot in enumerate(self.spots)}
        count = len(self.spots)
        self.xs: Ints = np.fromiter((spot.x_um for spot in self.spots), dtype=np.int64, count=count)
        self.ys: Ints = np.fromiter((spot.y_um for spot in self.spots), dtype=np.int64, count=count)
        self.which: Ints = np.fromiter((self._kind(spot) for spot in self.spots), dtype=np.int64, count=count)

    def _put(self, index: int, spot: Spot) -> None:
        self.xs[index], self.ys[index], self.which[index] = spot.x_um, spot.y_um, self._kind(spot)

    def _kind(self, spot: Spot) -> int:
        locked = spot.locked or spot.layer in self._locked
        key = (spot.type, spot.rotation_mdeg, spot.status, spot.visibility, spot.tags, locked)
        found = self._known.get(key)
        if found is None:
            face = face_of(spot, chosen=False, hurt=False, locked=locked)
            found = self._known[key] = len(self.kinds)
            type = self._types[spot.type]
            self.kinds.append(Kind(type, spot.rotation_mdeg, face, around(footprint(_at_origin(spot), type))))
        return found

    def kind(self, spot: Spot) -> Kind:
        """What a spot looks like, also one that is not in the map."""
        return self.kinds[self._kind(spot)]

    def boxes(self) -> NDArray[np.int64]:
        """The upright boxes around all spots: left, top, right, bottom in µm."""
        own = np.array([kind.box for kind in self.kinds] or [Box(0, 0, 0, 0)], dtype=np.int64)
        middles = np.stack((self.xs, self.ys, self.xs, self.ys), axis=1)
        result: NDArray[np.int64] = own[self.which] + middles if len(self.xs) else middles
        return result

    def within(self, box: Box) -> Ints:
        """The places of the spots whose box touches a box; those on hidden layers aside."""
        if not len(self.xs):
            return np.zeros(0, dtype=np.int64)
        found = self.boxes()
        touching = (found[:, 0] <= box.right) & (found[:, 2] >= box.left)
        touching &= (found[:, 1] <= box.bottom) & (found[:, 3] >= box.top)
        places = np.flatnonzero(touching)
        if self._hidden:
            places = np.array([at for at in places if self.spots[at].layer not in self._hidden], dtype=np.int64)
        return places

    def at(self, place: PointUm, reach_um: int = 0) -> Spot | None:
        """The uppermost spot under a point, or one whose box lies within reach of it."""
        box = Box(place[0] - reach_um, place[1] - reach_um, place[0] + reach_um, place[1] + reach_um)
        near = [self.spots[index] for index in self.within(box)[::-1]]
        for spot in near:
            if contains(footprint(spot, self._types[spot.type]), place):
                return spot
        return near[0] if near and reach_um else None


def _at_origin(spot: Spot) -> Spot:
    return Spot(id=spot.id, type=spot.type, x_um=0, y_um=0, rotation_mdeg=spot.rotation_mdeg)
