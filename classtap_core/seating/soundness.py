"""Whether the parts of a map fit together: what every reader of a file checks before anybody sees the map."""

from collections.abc import Iterator

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.geometry.polygons import is_simple
from classtap_core.seating.geometry.turning import zone_corners
from classtap_core.seating.model import SeatMap, Spot, Zone, ZoneKind


def check_soundness(seat_map: SeatMap) -> None:
    """Say when parts of a map do not fit together: ids twice, or a type, layer, group or category that is not there.

    Raises BadInput `seatmap.broken` with the path of the first such part.
    """
    for path, why in _broken(seat_map):
        raise BadInput("seatmap.broken", path=path, why=why)


def _broken(seat_map: SeatMap) -> Iterator[tuple[str, str]]:
    for name in ("types", "layers", "groups", "categories"):
        yield from _repeats(name, [part.id for part in getattr(seat_map, name)])
    yield from _repeats("spots", [spot.id for spot in seat_map.spots])
    yield from _repeats("zones", [zone.id for zone in seat_map.zones])
    yield from _repeats("paths", [path.id for path in seat_map.paths])
    known = {name: {"", *(part.id for part in getattr(seat_map, name))} for name in ("layers", "groups", "categories")}
    types = {type.id for type in seat_map.types}
    for index, spot in enumerate(seat_map.spots):
        if spot.type not in types:
            yield f"spots[{index}].type", "no equipment type has this id"
        if spot.category not in known["categories"]:
            yield f"spots[{index}].category", "no category has this id"
    placed: tuple[tuple[str, tuple[Spot | Zone, ...]], ...] = (("spots", seat_map.spots), ("zones", seat_map.zones))
    for name, parts in placed:
        for index, part in enumerate(parts):
            if part.layer not in known["layers"]:
                yield f"{name}[{index}].layer", "no layer has this id"
            if part.group not in known["groups"]:
                yield f"{name}[{index}].group", "no group has this id"
    if not is_simple(seat_map.room.corners()):
        yield "room.points_um", "the room's walls cross or touch each other"
    for index, zone in enumerate(seat_map.zones):
        if zone.kind not in (ZoneKind.DRAWING, ZoneKind.TEXT) and not is_simple(zone_corners(zone)):
            yield f"zones[{index}]", "it has no inside: its sides cross or touch, or it has no width"


def _repeats(name: str, ids: list[str]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for index, id in enumerate(ids):
        if id in seen:
            yield f"{name}[{index}].id", "this id is used twice"
        seen.add(id)
