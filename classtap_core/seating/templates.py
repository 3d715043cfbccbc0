"""Templates: proven rooms with parameters that stay alive, laid out from nothing, fitted to a room, kept as presets."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

from msgspec import Meta
from msgspec.structs import replace

from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.kernel.ids import derived
from classtap_core.seating import patterns
from classtap_core.seating.boxes import Box, around, united
from classtap_core.seating.formats.native import converted, lowered
from classtap_core.seating.geometry.turning import footprint, placed, surroundings
from classtap_core.seating.model import (
    EquipmentType,
    Extent,
    Length,
    Limits,
    Modality,
    Name,
    Part,
    PointUm,
    Room,
    SeatMap,
    Spot,
    Unit,
    Zone,
    ZoneKind,
)
from classtap_core.seating.numbering import Numbering, number
from classtap_core.seating.units import shown

GRID_UM = 50_000
DOOR_UM = (1_000_000, 100_000)
MIRROR_UM = 20_000
LEAST_WIDTH_UM = 2_400_000
LEAST_RADIUS_UM, MOST_RADIUS_UM, SPREAD_MDEG = 1_500_000, 100_000_000, 120_000
MOST_SPOTS = 5_000
TURNING_UM = 500_000
"""A wheelchair's half, with a hand's breadth."""
Values = Mapping[str, int]


class Arrangement(StrEnum):
    """How a block's spots stand to each other."""

    GRID = "grid"
    STAGGERED = "staggered"
    ARC = "arc"


class Block(Part, frozen=True, kw_only=True):
    """Equal equipment in rows. Several blocks stand behind each other.

    Attributes:
        name: before the block's parameters, such as `bikes.rows`. growth: how many more each row of an arc has.
        gap_side_um, gap_row_um: between footprints beside and behind each other. aisles: ways between the columns.
    """

    name: Name
    type: EquipmentType
    arrangement: Arrangement = Arrangement.GRID
    rows: Annotated[int, Meta(ge=1, le=60)] = 1
    columns: Annotated[int, Meta(ge=1, le=60)] = 1
    gap_side_um: Length = 0
    gap_row_um: Length = 0
    aisles: Annotated[int, Meta(ge=0, le=10)] = 0
    growth: Annotated[int, Meta(ge=0, le=20)] = 0


class Template(Part, frozen=True, kw_only=True):
    """A room to start from.

    Attributes:
        front_um: from the mirror wall to the first row. side_um, rear_um: what is left at the sides and behind.
        aisle_um: how wide aisles are. mirror: whether the front wall is one.
    """

    id: Name
    name: Name
    summary: str = ""
    modality: Modality
    blocks: Annotated[tuple[Block, ...], Meta(min_length=1)]
    front_um: Length = 2_000_000
    side_um: Length = 800_000
    rear_um: Length = 1_500_000
    between_um: Length = 1_000_000
    aisle_um: Extent = 1_000_000
    mirror: bool = True
    numbering: Numbering = Numbering()


class Parameter(NamedTuple):
    """Something of a template that can be set: `unit` is `um`, or `count`."""

    name: str
    unit: str
    value: int
    least: int
    most: int


class Fitted(NamedTuple):
    """Values under which a template fits a room, and what became of the counts."""

    values: dict[str, int]
    spots: int
    before: int


_COUNTS = (("rows", 1, 60), ("columns", 1, 60), ("aisles", 0, 10))


def read_template(plain: Any) -> Template:
    """A template from decoded JSON. Raises BadInput `seatmap.wrong` with the path of the first wrong value."""
    template: Template = converted(plain, Template)
    parameters(template)
    return template


def parameters(template: Template) -> dict[str, Parameter]:
    """Everything that can be set, with its default and its bounds, which keep equipment from being unsafe.

    A gap is never less than what the equipment beside it keeps free.
    """
    found = [
        Parameter("front_um", "um", template.front_um, template.blocks[0].type.front_um + GRID_UM, 20_000_000),
        Parameter("side_um", "um", template.side_um, max(block.type.side_um for block in template.blocks), 20_000_000),
        Parameter("rear_um", "um", template.rear_um, 1_200_000, 20_000_000),
        Parameter("aisle_um", "um", template.aisle_um, 800_000, 5_000_000),
    ]
    if len(template.blocks) > 1:
        least = max(max(block.type.rear_um, block.type.front_um) for block in template.blocks)
        found.append(Parameter("between_um", "um", template.between_um, least, 10_000_000))
    for block in template.blocks:
        type = block.type
        for name, least, most in _COUNTS:
            found.append(Parameter(f"{block.name}.{name}", "count", getattr(block, name), least, most))
        side, row = type.side_um, max(type.front_um, type.rear_um)
        found += [
            Parameter(f"{block.name}.gap_side_um", "um", max(block.gap_side_um, side), side, 5_000_000),
            Parameter(f"{block.name}.gap_row_um", "um", max(block.gap_row_um, row), row, 5_000_000),
            Parameter(f"{block.name}.width_um", "um", type.width_um, 200_000, 5_000_000),
            Parameter(f"{block.name}.length_um", "um", type.length_um, 200_000, 5_000_000),
        ]
    return {parameter.name: parameter for parameter in found}


def with_values(template: Template, values: Values) -> Template:
    """The template with some parameters set; lengths become even, so that their halves are whole.

    Raises BadInput `seatmap.parameter` for one that is not there or out of its bounds.
    """
    known = parameters(template)
    for name, value in values.items():
        bounds = known.get(name)
        if bounds is None:
            raise BadInput("seatmap.parameter", name=name, least=0, most=0, value=value)
        if not bounds.least <= value <= bounds.most:
            raise BadInput("seatmap.parameter", name=name, least=bounds.least, most=bounds.most, value=value)
    chosen = {name: values.get(name, parameter.value) for name, parameter in known.items()}
    chosen = {name: value + value % 2 if known[name].unit == "um" else value for name, value in chosen.items()}
    own = {name: value for name, value in chosen.items() if "." not in name}
    blocks = []
    for block in template.blocks:
        mine = {name.partition(".")[2]: value for name, value in chosen.items() if name.startswith(f"{block.name}.")}
        type = replace(block.type, width_um=mine.pop("width_um"), length_um=mine.pop("length_um"))
        blocks.append(replace(block, type=type, **mine))
    return replace(template, blocks=tuple(blocks), **own)


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


def fitted_to(template: Template, room: Room, values: Values | None = None) -> Fitted:
    """Fit to Room: as many rows and columns as the room holds, gaps and aisles as they are.

    Aisles keep their share of the columns. Raises Refused `seatmap.no_room` where not even one spot fits.
    """
    chosen = dict(values or {})
    before = len(lay_out(template, chosen, seed="").spots)
    for block in template.blocks:
        chosen |= {
            f"{block.name}.rows": 1,
            f"{block.name}.columns": chosen.get(f"{block.name}.aisles", block.aisles) + 1,
        }
    _check_room(template, room, chosen)
    growing = True
    while growing:
        growing = False
        for block in template.blocks:
            for name in ("columns", "rows"):
                more = {**chosen, f"{block.name}.{name}": chosen[f"{block.name}.{name}"] + 1}
                if _fits(template, room, more):
                    chosen, growing = more, True
    return Fitted(chosen, len(lay_out(template, chosen, seed="", room=room).spots), before)


def with_counts_kept(template: Template, room: Room, values: Values | None = None) -> Fitted:
    """Keep Counts: every spot, with gaps and margins as narrow as needed and no narrower than allowed.

    Raises Refused `seatmap.no_room` where that is not enough.
    """
    chosen = dict(values or {})
    before = len(lay_out(template, chosen, seed="").spots)
    if _fits(template, room, chosen):
        return Fitted(chosen, before, before)
    known = parameters(template)
    lengths = [
        name for name, one in known.items() if one.unit == "um" and not name.endswith((".width_um", ".length_um"))
    ]
    _check_room(template, room, {**chosen, **{name: known[name].least for name in lengths}})
    low, high = 0, 64
    while low < high:
        share = (low + high + 1) // 2
        if _fits(template, room, _narrowed(known, lengths, chosen, share)):
            low = share
        else:
            high = share - 1
    return Fitted(_narrowed(known, lengths, chosen, low), before, before)


def preset(template: Template, values: Values, *, id: str, name: str) -> Template:
    """A template of one's own with these values as its defaults. Raises BadInput `seatmap.parameter`."""
    return replace(with_values(template, values), id=id, name=name)


def preset_problems(template: Template, others: tuple[Template, ...]) -> tuple[str, ...]:
    """Why a preset cannot be saved, as codes: `name_missing`, `name_taken`, `type_of_other_modality`."""
    found = []
    if not template.name.strip():
        found.append("name_missing")
    if any(other.name.casefold() == template.name.casefold() and other.id != template.id for other in others):
        found.append("name_taken")
    mixed = template.modality is Modality.MIXED
    if not mixed and any(block.type.modality is not template.modality for block in template.blocks):
        found.append("type_of_other_modality")
    return tuple(found)


def template_plain(template: Template) -> dict[str, Any]:
    """A template as decoded JSON."""
    return lowered(template)


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


def _fits(template: Template, room: Room, values: Values) -> bool:
    try:
        lay_out(template, values, seed="", room=room)
    except (Refused, BadInput):
        return False
    return True


def _check_room(template: Template, room: Room, values: Values) -> None:
    lay_out(template, values, seed="", room=room)


def _narrowed(known: dict[str, Parameter], lengths: list[str], values: Values, share: int) -> dict[str, int]:
    """Lengths so many 64ths of the way from their least to what they were."""
    narrow = {}
    for name in lengths:
        least = known[name].least
        wanted = values.get(name, known[name].value)
        narrow[name] = max(least, (least + max(0, wanted - least) * share // 64) // 2_000 * 2_000)
    return {**values, **narrow}


def _up(length_um: int) -> int:
    return -(-length_um // GRID_UM) * GRID_UM
