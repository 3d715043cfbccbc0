"""Writing pretix seating plans: what came from one goes back as it was, and what pretix cannot say is listed."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from classtap_core.seating.formats.pretix import FORMAT, NM_PER_PX, from_document
from classtap_core.seating.formats.pretix_plan import DEFAULT_RADIUS, a_number
from classtap_core.seating.formats.report import Note, Report, repeated
from classtap_core.seating.geometry.turning import zone_corners
from classtap_core.seating.model import Outline, SeatMap, Spot, Visibility, Zone, ZoneKind

_DRAWN = (ZoneKind.DRAWING, ZoneKind.TEXT)
_COLORS = {
    ZoneKind.WALL: "#565762",
    ZoneKind.MIRROR: "#B9D3E8",
    ZoneKind.OBSTRUCTION: "#8A867C",
    ZoneKind.STAGE: "#DDEEEA",
    ZoneKind.AISLE: "#F5F3EE",
    ZoneKind.DOOR: "#DEDAD1",
}


def write_pretix(seat_map: SeatMap) -> tuple[bytes, Report]:
    """A map as a pretix seating plan, and what is lost by that.

    A map that came from a plan gives that plan back, with every value nobody changed exactly as it stood: repeated
    seat ids, unknown keys, fractions of pixels.
    """
    source = seat_map.source
    if source is not None and source.format == FORMAT and isinstance(source.document, dict):
        document = _restored(seat_map, source.document, source.nm_per_px)
    else:
        document = _fresh(seat_map)
    data = msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
    written = [seat.origin or seat.id for seat in seat_map.spots]
    report = Report(
        seats=len(seat_map.spots), kept=len(seat_map.spots), repeated_ids=repeated(written), lost=tuple(_lost(seat_map))
    )
    return data, report


def _fresh(seat_map: SeatMap) -> dict[str, Any]:
    scale = NM_PER_PX / 1000
    room = seat_map.room
    document: dict[str, Any] = {
        "name": seat_map.name,
        "categories": [],
        "zones": [{"name": seat_map.name, "zone_id": "room", "position": {"x": 0, "y": 0}, "rows": [], "areas": []}],
        "size": {"width": -(-room.width_um // round(scale)), "height": -(-room.length_um // round(scale))},
    }
    _write_categories(document, seat_map)
    _append(document, seat_map, seat_map.spots, seat_map.zones, scale)
    return document


def _restored(seat_map: SeatMap, original: dict[str, Any], nm_per_px: int) -> dict[str, Any]:
    """The original document with what was changed since, removed since and added since."""
    before, _ = from_document(original, nm_per_px=nm_per_px)
    scale = nm_per_px / 1000
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(original))  # a copy, however deep
    if seat_map.name != before.name:
        document["name"] = seat_map.name
    if (seat_map.room.width_um, seat_map.room.length_um) != (before.room.width_um, before.room.length_um):
        size = {"width": round(seat_map.room.width_um / scale), "height": round(seat_map.room.length_um / scale)}
        document["size"] = {**(document.get("size") or {}), **size}
    if seat_map.categories != before.categories:
        _write_categories(document, seat_map)
    old_spots = {spot.origin_path: spot for spot in before.spots}
    old_zones = {zone.origin_path: zone for zone in before.zones}
    spots = {spot.origin_path: spot for spot in seat_map.spots if spot.origin_path in old_spots}
    zones = {zone.origin_path: zone for zone in seat_map.zones if zone.origin_path in old_zones}
    for index, zone in enumerate(document["zones"]):
        for number, row in enumerate(zone.get("rows") or ()):
            path = f"zones/{index}/rows/{number}"
            _update_row(row, path, zone, spots, old_spots, seat_map, scale)
        for number, area in enumerate(zone.get("areas") or ()):
            path = f"zones/{index}/areas/{number}"
            if path in zones and zones[path] != old_zones[path]:
                _update_area(area, zones[path], zone, scale)
        if zone.get("areas"):
            zone["areas"] = [
                area for number, area in enumerate(zone["areas"]) if f"zones/{index}/areas/{number}" in zones
            ]
    kept = {id(spot) for spot in spots.values()} | {id(zone) for zone in zones.values()}
    new_spots = [spot for spot in seat_map.spots if id(spot) not in kept]
    new_zones = [zone for zone in seat_map.zones if id(zone) not in kept]
    if new_spots or new_zones:
        if not document["zones"]:
            document["zones"].append({"name": seat_map.name, "position": {"x": 0, "y": 0}, "rows": [], "areas": []})
        _append(document, seat_map, new_spots, new_zones, scale)
    return document


def _update_row(
    row: dict[str, Any],
    path: str,
    zone: dict[str, Any],
    spots: dict[str, Spot],
    old: dict[str, Spot],
    seat_map: SeatMap,
    scale: float,
) -> None:
    places = [f"{path}/seats/{index}" for index in range(len(row.get("seats") or ()))]
    rows = {spots[place].row for place in places if place in spots}
    if len(rows) == 1 and any(spots[place].row != old[place].row for place in places if place in spots):
        row["row_number"] = next(iter(rows))
    for seat, place in zip(row.get("seats") or (), places, strict=True):
        if place in spots and spots[place] != old[place]:
            _update_seat(seat, spots[place], old[place], (zone, row), seat_map, scale, one_row=len(rows) == 1)
    if row.get("seats"):
        row["seats"] = [seat for seat, place in zip(row["seats"], places, strict=True) if place in spots]


def _update_seat(
    seat: dict[str, Any],
    spot: Spot,
    old: Spot,
    parents: tuple[dict[str, Any], ...],
    seat_map: SeatMap,
    scale: float,
    *,
    one_row: bool,
) -> None:
    if (spot.x_um, spot.y_um) != (old.x_um, old.y_um):
        place, now = dict(seat.get("position") or {}), _within(spot, parents, scale)
        still = {"x": spot.x_um == old.x_um and "x" in place, "y": spot.y_um == old.y_um and "y" in place}
        seat["position"] = {**place, **{axis: value for axis, value in now.items() if not still[axis]}}
    if (spot.seat, spot.label, spot.row) != (old.seat, old.label, old.row):
        seat["seat_number"] = spot.seat if spot.seat and one_row else spot.label
    if spot.category != old.category:
        seat["category"] = spot.category
    if spot.type != old.type:
        seat["radius"] = _radius(seat_map, spot, scale)
    if spot.origin != old.origin:
        seat["seat_guid"] = spot.origin or spot.id


def _update_area(area: dict[str, Any], zone: Zone, parent: dict[str, Any], scale: float) -> None:
    fresh = _area(zone, _offset((parent,)), scale)
    for shape in ("polygon", "rectangle", "circle", "ellipse", "text"):
        if shape != "text" or zone.kind is ZoneKind.TEXT:
            area.pop(shape, None)
    if zone.text and isinstance(area.get("text"), dict):
        fresh["text"] = {**area["text"], "text": zone.text}
    area.update(fresh)


def _append(
    document: dict[str, Any], seat_map: SeatMap, spots: Iterable[Spot], zones: Iterable[Zone], scale: float
) -> None:
    """New spots as rows and new zones as areas of the first zone."""
    zone = document["zones"][0]
    offset = _offset((zone,))
    by_row: dict[str, list[Spot]] = {}
    for spot in spots:
        by_row.setdefault(spot.row, []).append(spot)
    rows = zone["rows"] = zone.get("rows") or []
    for name, members in by_row.items():
        seats = [_seat(spot, seat_map, offset, scale, document) for spot in members]
        rows.append({"row_number": name, "row_number_position": None, "position": {"x": 0, "y": 0}, "seats": seats})
    areas = [_area(one, offset, scale) for one in zones]
    if areas:
        zone["areas"] = [*(zone.get("areas") or ()), *areas]


def _seat(
    spot: Spot, seat_map: SeatMap, offset: tuple[float, float], scale: float, document: dict[str, Any]
) -> dict[str, Any]:
    category = spot.category or spot.type
    categories = document["categories"] = document.get("categories") or []
    if category not in [known.get("name") for known in categories]:
        categories.append({"name": category, "color": "#0B655D"})
    seat = {
        "seat_guid": spot.origin or spot.id,
        "seat_number": spot.seat or spot.label,
        "position": {"x": _px(spot.x_um / scale - offset[0]), "y": _px(spot.y_um / scale - offset[1])},
        "category": category,
    }
    radius = _radius(seat_map, spot, scale)
    return seat if radius == DEFAULT_RADIUS else {**seat, "radius": radius}


def _area(zone: Zone, offset: tuple[float, float], scale: float) -> dict[str, Any]:
    corners = zone_corners(zone)
    fill = {"color": zone.color or _COLORS.get(zone.kind, "#DEDAD1"), "border_color": zone.border_color or "#8A867C"}
    at = {"x": _px(zone.x_um / scale - offset[0]), "y": _px(zone.y_um / scale - offset[1])}
    words = {"text": zone.text, "color": zone.color or "#333333", "size": round(zone.size_um / scale) or 16}
    if zone.kind is ZoneKind.TEXT:
        turn = zone.rotation_mdeg / 1000
        return {"shape": "text", **fill, "rotation": _px(turn), "position": at, "text": {**words, "position": _ZERO}}
    text = {"text": {**words, "color": "#333333", "position": _ZERO}} if zone.text else {}
    if zone.outline is Outline.ROUND and not zone.points_um:
        radius = {"x": _px(zone.width_um / 2 / scale), "y": _px(zone.length_um / 2 / scale)}
        turn = zone.rotation_mdeg / 1000
        return {
            "shape": "ellipse",
            **fill,
            "rotation": _px(turn),
            "position": at,
            "ellipse": {"radius": radius},
            **text,
        }
    first = corners[0]
    start = {"x": _px(first[0] / scale - offset[0]), "y": _px(first[1] / scale - offset[1])}
    points = [{"x": _px((x - first[0]) / scale), "y": _px((y - first[1]) / scale)} for x, y in corners]
    return {"shape": "polygon", **fill, "rotation": 0, "position": start, "polygon": {"points": points}, **text}


_ZERO = {"x": 0, "y": 0}


def _write_categories(document: dict[str, Any], seat_map: SeatMap) -> None:
    known = {one.get("name"): one for one in document.get("categories") or ()}
    document["categories"] = [
        {**known.get(category.name, {}), "name": category.name, "color": category.color or "#0B655D"}
        for category in seat_map.categories
    ]


def _within(spot: Spot, parents: tuple[dict[str, Any], ...], scale: float) -> dict[str, float]:
    x, y = _offset(parents)
    return {"x": _px(spot.x_um / scale - x), "y": _px(spot.y_um / scale - y)}


def _offset(parents: tuple[dict[str, Any], ...]) -> tuple[float, float]:
    places = [parent.get("position") or {} for parent in parents]
    return sum(a_number(place.get("x"), "") for place in places), sum(a_number(place.get("y"), "") for place in places)


def _radius(seat_map: SeatMap, spot: Spot, scale: float) -> float:
    type = seat_map.type_of(spot)
    return max(1, round(min(type.width_um, type.length_um) / 2 / scale))


def _px(value: float) -> float:
    """Pixels to a millionth: far below a micrometre at any scale; whole ones as whole numbers."""
    short = round(value, 6)
    return int(short) if short == int(short) else short


def _lost(seat_map: SeatMap) -> list[Note]:
    """What a pretix plan has no place for, each kind once with how often it occurs."""
    met: Counter[str] = Counter()
    for spot in seat_map.spots:
        met["rotation"] += spot.rotation_mdeg != 0
        met["alias"] += bool(spot.alias)
        met["visibility"] += spot.visibility is not Visibility.PUBLIC
        met["tags"] += bool(spot.tags)
        met["status"] += spot.status.value != "operational"
        met["layer or group"] += bool(spot.layer or spot.group)
    for type in seat_map.types:
        met["footprint"] += type.outline is not Outline.ROUND
        met["clearances"] += bool(type.front_um or type.rear_um or type.side_um)
    for zone in seat_map.zones:
        if zone.kind not in _DRAWN:
            met[f"meaning of a {zone.kind} (drawn as an area)"] += 1
    met["path"] = len(seat_map.paths)
    met["background"] = int(seat_map.background is not None)
    met["wall offsets"] = int(any(seat_map.room.wall_offsets_um))
    met["shape of the room"] = int(bool(seat_map.room.points_um))
    return [Note("", f"{what}: {count}") for what, count in met.items() if count]
