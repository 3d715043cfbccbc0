"""Templates: proven rooms whose parameters stay alive, and presets of one's own made from them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

from msgspec import Meta
from msgspec.structs import replace

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.formats.native import converted, lowered
from classtap_core.seating.model import EquipmentType, Extent, Length, Modality, Name, Part
from classtap_core.seating.numbering import Numbering

GRID_UM = 50_000
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
