"""Laying out a template: blocks behind each other in a room, with mirror, door, aisles and an accessible spot."""

from collections.abc import Iterator
from typing import NamedTuple

from msgspec.structs import replace

from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.kernel.ids import derived
from classtap_core.seating import patterns
from classtap_core.seating.boxes import Box, around, united
from classtap_core.seating.geometry.turning import footprint, placed, surroundings
from classtap_core.seating.model import EquipmentType, Limits, PointUm, Room, SeatMap, Spot, Unit, Zone, ZoneKind
from classtap_core.seating.numbering import number
from classtap_core.seating.templates import GRID_UM, Arrangement, Block, Template, Values, with_values
from classtap_core.seating.units import shown

DOOR_UM = (1_000_000, 100_000)
MIRROR_UM = 20_000
LEAST_WIDTH_UM = 2_400_000
LEAST_RADIUS_UM, MOST_RADIUS_UM, SPREAD_MDEG = 1_500_000, 100_000_000, 120_000
MOST_SPOTS = 5_000
TURNING_UM = 500_000
"""A wheelchair's half, with a hand's breadth."""


def lay_out(template: Template, values: Values | None = None, *, seed: str, room: Room | None = None) -> SeatMap:
    """A map from a template: in a room just large enough, or in the middle of a given one.

    A spot keeps its id while parameters change, as long as its row and column are there; `seed` (the map's own id)
    makes ids differ between maps. Raises BadInput `seatmap.parameter`, and Refused `seatmap.no_room` where a given
    room is too small.
    """
    values = dict(values or {})
    chosen = with_values(template, values)
    blocks = _placed(chosen, seed)
    content = united(block.box for block in blocks)
    free = united(block.free for block in blocks)
    side = max(chosen.side_um, content.left - free.left, free.right - content.right)
    front = max(chosen.front_um, _up(content.top - free.top + MIRROR_UM))
    rear = max(chosen.rear_um, free.bottom - content.bottom)
    width = max(LEAST_WIDTH_UM, _up(content.width + 2 * _up(side)))
    length = _up(front + content.height + rear)
    if room is None:
        room = Room(width_um=width, length_um=length)
    if room.width_um < width or room.length_um < length:
        count = sum(len(block.spots) for block in blocks)
        needed = {"width": shown(width, Unit.METRE) + " m", "length": shown(length, Unit.METRE) + " m"}
        raise Refused("seatmap.no_room", count=count, **needed)
    across = max(_up(side), (room.width_um - content.width) // 2 // GRID_UM * GRID_UM) - content.left
    down = front - content.top
    spots = [replace(spot, x_um=spot.x_um + across, y_um=spot.y_um + down) for block in blocks for spot in block.spots]
    spots = _with_accessible(spots, room)
    aisles = [box.shifted(across, down) for block in blocks for box in block.aisles]
    seat_map = SeatMap(
        name=chosen.name,
        room=room,
        modality=chosen.modality,
        limits=Limits(aisle_um=chosen.aisle_um * 9 // 10 // 10_000 * 10_000 if aisles else 0),
        types=tuple({block.type.id: block.type for block in chosen.blocks}.values()),
        spots=tuple(spots),
        zones=tuple(_zones(chosen, room, aisles, seed)),
        template=template.id,
        template_values=values,
    )
    return number(seat_map, chosen.numbering)


class _PlacedBlock(NamedTuple):
    """A block's spots, the box around them, that around all they keep free, and its aisles."""

    spots: list[Spot]
    box: Box
    free: Box
    aisles: list[Box]


def _placed(template: Template, seed: str) -> list[_PlacedBlock]:
    """The blocks behind each other, each even about x = 0, from y = 0 downwards."""
    many = sum(
        block.rows * block.columns + block.growth * block.rows * (block.rows - 1) // 2 for block in template.blocks
    )
    if many > MOST_SPOTS:
        raise BadInput("seatmap.parameter", name="spots", least=1, most=MOST_SPOTS, value=many)
    found: list[_PlacedBlock] = []
    top = 0
    for block in template.blocks:
        spots = list(_spots(block, template.aisle_um, seed))
        boxes = [around(footprint(spot, block.type)) for spot in spots]
        box = united(boxes)
        down = _up(top - box.top) if top else -box.top
        middle = -(box.left + box.right) // 2 // GRID_UM * GRID_UM
        spots = [replace(spot, x_um=spot.x_um + middle, y_um=spot.y_um + down) for spot in spots]
        box = box.shifted(middle, down)
        aisles = [strip.shifted(middle, down) for strip in _aisles(block, template.aisle_um, box.height)]
        free = united(around(corners) for spot in spots for corners in _kept_free(spot, block.type))
        found.append(_PlacedBlock(spots, box, united((box, free)), aisles))
        top = box.bottom + template.between_um
    return found


def _kept_free(spot: Spot, type: EquipmentType) -> Iterator[tuple[PointUm, ...]]:
    free = surroundings(type.width_um, type.length_um, type.front_um, type.rear_um, type.side_um)
    for corners in free.values():
        yield placed(corners, spot.rotation_mdeg, (spot.x_um, spot.y_um))


def _spots(block: Block, aisle_um: int, seed: str) -> Iterator[Spot]:
    for place in _places(block, aisle_um):
        yield Spot(
            id=derived("seatmap.template.spot", seed, block.name, str(place.row), str(place.seat)),
            type=block.type.id,
            x_um=place.x_um,
            y_um=place.y_um,
            rotation_mdeg=place.rotation_mdeg,
            row=f"{block.name} {place.row:02}",
        )


def _places(block: Block, aisle_um: int) -> list[patterns.Place]:
    type = block.type
    pitch = (type.width_um + block.gap_side_um, type.length_um + block.gap_row_um)
    if block.arrangement is Arrangement.ARC:
        counts = tuple(block.columns + row * block.growth for row in range(block.rows))
        size, gap = (type.width_um, type.length_um), (block.gap_side_um, block.gap_row_um)
        return patterns.fan(counts, size_um=size, gap_um=gap, radius_um=_arc_radius(counts, size, gap))
    make = patterns.grid if block.arrangement is Arrangement.GRID else patterns.staggered
    wider = max(0, aisle_um - block.gap_side_um)
    cuts = _cuts(block)
    return [
        place._replace(x_um=place.x_um + wider * sum(place.seat >= cut for cut in cuts))
        for place in make(block.rows, block.columns, pitch)
    ]


def _arc_radius(counts: tuple[int, ...], size_um: tuple[int, int], gap_um: tuple[int, int]) -> int:
    """The least radius of the first row under which every row goes round a third of a circle at most."""
    low, high = LEAST_RADIUS_UM // GRID_UM, MOST_RADIUS_UM // GRID_UM
    while low < high:
        radius = (low + high) // 2
        if patterns.spread_mdeg(counts, size_um=size_um, gap_um=gap_um, radius_um=radius * GRID_UM) <= SPREAD_MDEG:
            high = radius
        else:
            low = radius + 1
    return low * GRID_UM


def _cuts(block: Block) -> list[int]:
    """Before which columns aisles lie: they part the columns evenly."""
    if block.arrangement is not Arrangement.GRID:
        return []
    parts = min(block.aisles, block.columns - 1) + 1
    return [block.columns * part // parts for part in range(1, parts)]


def _aisles(block: Block, aisle_um: int, height: int) -> Iterator[Box]:
    """The strips between columns, from the block's top left spot's middle; none where they were wider than long."""
    pitch = block.type.width_um + block.gap_side_um
    width = max(aisle_um, block.gap_side_um)
    if height < width:
        return
    for index, cut in enumerate(_cuts(block)):
        wider = max(0, aisle_um - block.gap_side_um)
        left = (cut - 1) * pitch + index * wider + block.type.width_um // 2
        top = -(block.type.length_um // 2)
        yield Box(left, top, left + width, top + height)


def _zones(template: Template, room: Room, aisles: list[Box], seed: str) -> Iterator[Zone]:
    if template.mirror:
        yield Zone(
            id=derived("seatmap.template.zone", seed, "mirror"),
            kind=ZoneKind.MIRROR,
            name="Mirror",
            x_um=room.width_um // 2,
            y_um=MIRROR_UM // 2,
            width_um=room.width_um,
            length_um=MIRROR_UM,
        )
    yield Zone(
        id=derived("seatmap.template.zone", seed, "door"),
        kind=ZoneKind.DOOR,
        name="Door",
        x_um=room.width_um - DOOR_UM[0] // 2 - 300_000,
        y_um=room.length_um,
        width_um=DOOR_UM[0],
        length_um=DOOR_UM[1],
        clearance_um=1_000_000,
    )
    for index, box in enumerate(aisles):
        yield Zone(
            id=derived("seatmap.template.zone", seed, "aisle", str(index)),
            kind=ZoneKind.AISLE,
            name=f"Aisle {index + 1}",
            x_um=(box.left + box.right) // 2,
            y_um=(box.top + box.bottom) // 2,
            width_um=box.width,
            length_um=box.height,
        )


def _with_accessible(spots: list[Spot], room: Room) -> list[Spot]:
    """The accessible spot: the one of the last row nearest to the door that a wheelchair fits beside the wall at."""
    last = max((spot.y_um for spot in spots), default=0)
    fit = [spot for spot in spots if spot.y_um == last and TURNING_UM <= spot.x_um <= room.width_um - TURNING_UM]
    nearest = max(fit, key=lambda spot: spot.x_um, default=None)
    return [replace(spot, tags=("accessible",)) if spot is nearest else spot for spot in spots]


def _up(length_um: int) -> int:
    return -(-length_um // GRID_UM) * GRID_UM
