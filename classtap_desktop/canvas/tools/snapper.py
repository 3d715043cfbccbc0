"""Where what is dragged comes to rest: on guides first, then in equal gaps, then on the grid; distances in screen pixels."""

from __future__ import annotations

from collections.abc import Iterable

from classtap_core.seating.boxes import Box, around
from classtap_core.seating.model import PointUm, SeatMap
from classtap_core.seating.snapping import Axis, Gap, Guide, Guides, Snap, to_grid
from classtap_desktop.canvas.crowd import Crowd
from classtap_desktop.canvas.edits import item_box, layer_of


class Snapper:
    """The edges of everything that stands still, ready for a drag.

    Attributes: ``found`` (the last snap, to be drawn).
    """

    def __init__(
        self, seat_map: SeatMap, crowd: Crowd, moving: Iterable[str], *, grid_um: int, grid: bool, guides: bool
    ) -> None:
        self._grid_um = grid_um if grid else 0
        self._guides: Guides | None = None
        self.boxes: list[Box] = []
        self.found = Snap(0, 0)
        if guides:
            still = frozenset(moving)
            hidden = {layer.id for layer in seat_map.layers if not layer.visible}
            boxes = crowd.boxes().tolist()
            self.boxes = [
                Box(*box)
                for spot, box in zip(crowd.spots, boxes, strict=True)
                if spot.id not in still and spot.layer not in hidden
            ]
            self.boxes += [
                item_box(zone, seat_map)
                for zone in seat_map.zones
                if zone.id not in still and layer_of(zone) not in hidden
            ]
            self._guides = Guides([*self.boxes, around(seat_map.room.corners())])
            self.boxes.append(around(seat_map.room.corners()))

    def rest(self, box: Box, anchor: PointUm, um_per_px: float) -> PointUm:
        """How far to move on, across and down, from where the pointer has dragged a box and its anchor."""
        snap = self._guides.snap(box, um_per_px) if self._guides else Snap(0, 0)
        axes = {guide.axis for guide in snap.guides} | {gap.axis for gap in snap.gaps}
        across, down = snap.across_um, snap.down_um
        if self._grid_um:
            node = to_grid(anchor, self._grid_um, um_per_px)
            if Axis.X not in axes:
                across = node[0] - anchor[0]
            if Axis.Y not in axes:
                down = node[1] - anchor[1]
        self.found = Snap(across, down, snap.guides, snap.gaps)
        return across, down

    def lines(self) -> tuple[tuple[Guide, ...], tuple[Gap, ...]]:
        """What to draw of the last snap."""
        return self.found.guides, self.found.gaps
