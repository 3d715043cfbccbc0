"""A finding as a code and parameters; whoever shows it makes the sentence of them."""

from collections.abc import Mapping

from classtap_core.seating.model import SeatMap
from classtap_core.seating.units import shown
from classtap_core.seating.validation.findings import Rule, Violation

Params = Mapping[str, str | int]


class Teller:
    """Names the parts of one map."""

    def __init__(self, seat_map: SeatMap) -> None:
        self._unit = seat_map.unit
        self._names: dict[str, str] = {}
        for spot in seat_map.spots:
            self._names[spot.id] = spot.label or f"{spot.type} {spot.id[-4:]}"
        for zone in seat_map.zones:
            self._names[zone.id] = zone.name or zone.text or f"{zone.kind} {zone.id[-4:]}"
        for path in seat_map.paths:
            self._names[path.id] = path.name or f"path {path.id[-4:]}"

    def told(self, found: Violation) -> tuple[str, Params]:
        """The code of a finding's sentence and what belongs into it, lengths in the map's unit."""
        items = [self._names.get(id, id) for id in found.items]
        if found.rule is Rule.CAPACITY:
            code = "seatmap.rule.capacity" if found.actual > found.required else "seatmap.rule.capacity_owed"
            code = "seatmap.rule.capacity_lost" if items else code
            return code, {"items": ", ".join(items), "required": found.required, "actual": found.actual}
        if found.rule is Rule.DUPLICATE_LABEL:
            return "seatmap.rule.duplicate_label", {"label": items[0], "actual": found.actual}
        places = self._places(found.required, found.actual)
        params: dict[str, str | int] = {
            "one": items[0],
            "other": items[1] if len(items) > 1 else "",
            "required": self._length(found.required, places),
            "actual": self._length(found.actual, places),
            "depth": self._length(-found.actual, places),
        }
        return f"seatmap.rule.{self._kind(found)}", params

    def _kind(self, found: Violation) -> str:
        if found.rule is Rule.WALL_OFFSET:
            return "wall_offset" if found.required else "outside"
        if found.rule in (Rule.CLEARANCE_FRONT, Rule.CLEARANCE_REAR, Rule.CLEARANCE_SIDE):
            return found.rule.value if len(found.items) > 1 else f"{found.rule.value}_wall"
        if found.rule is Rule.ACCESSIBLE_PATH:
            return "accessible_path" if len(found.items) == 1 else "accessible_path_blocked"
        if found.rule is Rule.AISLE_WIDTH:
            return "aisle_width" if len(found.items) == 1 else "aisle_width_blocked"
        return found.rule.value

    def _places(self, required: int, actual: int) -> int:
        """So many places after the point that what is there does not look like what is required; two at least."""
        for places in range(2, 6):
            if shown(required, self._unit, places=places) != shown(actual, self._unit, places=places):
                return places
        return 6

    def _length(self, length_um: int, places: int) -> str:
        return f"{shown(length_um, self._unit, places=places)} {self._unit}"
