"""A second judge of seat maps: Shapely (GEOS) on the same corners, rule by rule, written without looking at numpy.

What it takes from the program is the corners of every shape; `test_turning.py` judges those apart.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from shapely import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from classtap_core.seating.geometry import turning
from classtap_core.seating.model import SeatMap, Spot, ZoneKind

Verdicts = dict[tuple[str, tuple[str, ...]], tuple[int, float | None]]
"""(rule, items) to what is required and what is there in µm (None where this judge does not measure)."""
SIDES = {"front": "clearance_front", "rear": "clearance_rear", "left": "clearance_side", "right": "clearance_side"}
DOUBT_UM = 1e-6


class InDoubt(Exception):
    """A distance falls so near a limit that floats cannot say."""


def insides_meet(one: BaseGeometry, other: BaseGeometry) -> bool:
    """Whether the interiors have a point in common (DE-9IM; GEOS decides predicates exactly)."""
    return one.relate_pattern(other, "T********")


def judge(seat_map: SeatMap) -> Verdicts:
    """Everything wrong but aisles, access, labels and capacity."""
    found: Verdicts = {}

    def say(rule: str, items: tuple[str, ...], required: int, actual: float | None) -> None:
        known = found.get((rule, items))
        if known is None or (actual is not None and known[1] is not None and actual < known[1]):
            found[rule, items] = (required, actual)

    types = seat_map.types_by_id()
    room = Polygon(seat_map.room.corners())
    walls = list(zip(seat_map.room.corners(), (*seat_map.room.corners()[1:], seat_map.room.corners()[0]), strict=True))
    bodies = {spot.id: Polygon(turning.footprint(spot, types[spot.type])) for spot in seat_map.spots}
    zones = {
        zone.id: Polygon(turning.zone_corners(zone))
        for zone in seat_map.zones
        if zone.kind in turning.STANDING or zone.kind is ZoneKind.AISLE
    }
    kinds = {zone.id: zone.kind for zone in seat_map.zones}
    spacing = seat_map.limits.spacing_um
    ids = [spot.id for spot in seat_map.spots]
    for index, one in enumerate(ids):
        for other in ids[index + 1 :]:
            if insides_meet(bodies[one], bodies[other]):
                say("overlap", (one, other), 0, None)
            elif below(gap := bodies[one].distance(bodies[other]), spacing):
                say("spacing", (one, other), spacing, gap)
    for spot in seat_map.spots:
        for side, depth, free in frees(spot, seat_map):
            for other, body in (*bodies.items(), *((id, zones[id]) for id in zones if kinds[id] is not ZoneKind.AISLE)):
                if other != spot.id and insides_meet(free, body):
                    say(SIDES[side], (spot.id, other), depth, left_before(free, body))
            for wall in walls:
                if room.covers(bodies[spot.id]) and insides_meet(LineString(wall), free):
                    say(SIDES[side], (spot.id,), depth, left_before(free, LineString(wall)))
        for zone, body in zones.items():
            if insides_meet(bodies[spot.id], body):
                say("overlap", (spot.id, zone), 0, None)
        if not room.covers(bodies[spot.id]):
            say("wall_offset", (spot.id,), 0, None)
        else:
            for number, wall in enumerate(walls):
                gap = bodies[spot.id].distance(LineString(wall))
                if below(gap, seat_map.room.offset_um(number)):
                    say("wall_offset", (spot.id,), seat_map.room.offset_um(number), gap)
    for door in (zone for zone in seat_map.zones if zone.kind is ZoneKind.DOOR):
        leaf = Polygon(turning.zone_corners(door))
        area = Polygon(turning.egress(door)) if door.clearance_um else leaf
        for spot_id, body in bodies.items():
            if insides_meet(leaf, body):
                say("egress", (spot_id, door.id), max(1, door.clearance_um), 0.0)
            elif insides_meet(area, body):
                say("egress", (spot_id, door.id), door.clearance_um, left_before(area, body))
        for zone, body in zones.items():
            if kinds[zone] in (ZoneKind.OBSTRUCTION, ZoneKind.STAGE) and door.clearance_um and insides_meet(area, body):
                say("egress", (zone, door.id), door.clearance_um, left_before(area, body))
    return found


def below(gap: float, limit: int) -> bool:
    """Whether a distance is below a limit. Raises InDoubt."""
    if limit and abs(gap - limit) < DOUBT_UM:
        raise InDoubt
    return gap < limit


def frees(spot: Spot, seat_map: SeatMap) -> Iterator[tuple[str, int, Polygon]]:
    """What a spot keeps free: side, depth, rectangle."""
    type = seat_map.type_of(spot)
    depths = {"front": type.front_um, "rear": type.rear_um, "left": type.side_um, "right": type.side_um}
    around = turning.surroundings(type.width_um, type.length_um, type.front_um, type.rear_um, type.side_um)
    for side, depth in depths.items():
        if depth:
            yield side, depth, Polygon(turning.placed(around[side], spot.rotation_mdeg, (spot.x_um, spot.y_um)))


def left_before(free: Polygon, intruder: BaseGeometry) -> float:
    """How far what lies in a free rectangle is from the edge it is measured from (its first side)."""
    edge = LineString(list(free.exterior.coords)[:2])
    return free.intersection(intruder).distance(edge)


def reached(seat_map: SeatMap, width: float) -> dict[str, bool] | None:
    """For each accessible spot whether a disc gets there from a door; None where there is no door.

    The ways in and up to a spot are computed by trigonometry here, not taken from the program.
    """
    from shapely import affinity

    doors = [zone for zone in seat_map.zones if zone.kind is ZoneKind.DOOR]
    if not doors:
        return None
    types = seat_map.types_by_id()
    half = width / 2
    solid = [Polygon(turning.footprint(spot, types[spot.type])) for spot in seat_map.spots]
    solid += [Polygon(turning.zone_corners(zone)) for zone in seat_map.zones if zone.kind in turning.STANDING]
    blocked = unary_union([body.buffer(half, quad_segs=64) for body in solid])
    free = Polygon(seat_map.room.corners()).buffer(-half, quad_segs=64).difference(blocked)
    parts = list(getattr(free, "geoms", [free]))
    starts = []
    for door in doors:
        if door.width_um >= width:
            place = affinity.rotate(Point(0, -door.length_um / 2 - half - 4), door.rotation_mdeg / 1000, origin=(0, 0))
            starts.append(affinity.translate(place, door.x_um, door.y_um))
    verdicts: dict[str, bool] = defaultdict(bool)
    for spot in seat_map.spots:
        if "accessible" in spot.tags:
            type = types[spot.type]
            w, h, out = type.width_um / 2, type.length_um / 2, half + 4
            beside = [(w + out, s * h) for s in (-0.5, 0, 0.5)] + [(-w - out, s * h) for s in (-0.5, 0, 0.5)]
            beside += [(s * w, h + out) for s in (-0.5, 0, 0.5)] + [(s * w, -h - out) for s in (-0.5, 0, 0.5)]
            for x, y in beside:
                place = affinity.rotate(Point(x, y), spot.rotation_mdeg / 1000, origin=(0, 0))
                place = affinity.translate(place, spot.x_um, spot.y_um)
                joined = any(part.covers(place) and any(part.covers(start) for start in starts) for part in parts)
                verdicts[spot.id] |= joined
            verdicts[spot.id] |= False
    return dict(verdicts)


def aisle_widths(seat_map: SeatMap) -> dict[str, float]:
    """For each rectangular aisle what is left across it where that is least, sampled between every two edges."""
    from shapely import affinity

    types = seat_map.types_by_id()
    bodies = [Polygon(turning.footprint(spot, types[spot.type])) for spot in seat_map.spots]
    bodies += [Polygon(turning.zone_corners(zone)) for zone in seat_map.zones if zone.kind in turning.STANDING]
    found = {}
    for aisle in (zone for zone in seat_map.zones if zone.kind is ZoneKind.AISLE and not zone.points_um):
        outline = Polygon(turning.zone_corners(aisle))
        parts = []
        for body in bodies:
            if insides_meet(body, outline):
                part = affinity.rotate(
                    body.intersection(outline), -aisle.rotation_mdeg / 1000, (aisle.x_um, aisle.y_um)
                )
                parts.append(affinity.translate(part, -aisle.x_um, -aisle.y_um).bounds)
        w, h = aisle.width_um, aisle.length_um
        if w > h:
            w, h, parts = h, w, [(b, a, d, c) for a, b, c, d in parts]
        cuts = sorted({-h / 2, h / 2, *(y for part in parts for y in (part[1], part[3]))})
        widths = [float(w)]
        for low, high in pairwise(cuts):
            if high - low > 1e-3:
                middle = (low + high) / 2
                taken = sorted((a, c) for a, b, c, d in parts if b < middle < d)
                edges, at = [], -w / 2
                for a, c in taken:
                    edges.append(a - at)
                    at = max(at, c)
                widths.append(max([*edges, w / 2 - at]))
        found[aisle.id] = max(0.0, min(widths))
    return found
