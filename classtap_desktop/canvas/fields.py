"""The fields of what is selected, with their values and the map that another value makes; nothing selected is the room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple

from msgspec.structs import replace

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.geometry.polygons import is_simple
from classtap_core.seating.model import (
    Mirroring,
    Modality,
    Path,
    PointUm,
    SeatMap,
    Spot,
    Status,
    Unit,
    Visibility,
    Zone,
    ZoneKind,
)
from classtap_core.seating.units import entered, shown
from classtap_desktop.canvas import edits
from classtap_desktop.canvas.badges import TAGS
from classtap_desktop.canvas.document import Document
from classtap_desktop.canvas.edits import Item
from classtap_desktop.canvas.table import type_words
from classtap_desktop.canvas.tools.draw import room_of
from classtap_desktop.kit import theme


class Field(NamedTuple):
    """A line of the form: its code, how it is edited (`text`, `length`, `turn`, `count`, `choice`, `check`,
    `points`), what it
    holds (None where the selected things differ), and the map that another value makes."""

    code: str
    kind: str
    value: Any
    make: Callable[[Any], SeatMap]
    choices: tuple[tuple[str, str], ...] = ()


def fields_of(document: Document) -> list[Field]:
    """The fields for what is selected, with their values."""
    chosen = document.chosen()
    if not chosen:
        return _room_fields(document)
    spots = [item for item in chosen if isinstance(item, Spot)]
    zones = [item for item in chosen if isinstance(item, Zone)]
    paths = [item for item in chosen if isinstance(item, Path)]
    fields = _place_fields(document, chosen)
    if len(spots) == len(chosen):
        fields = [*_spot_fields(document, spots), *fields]
    elif len(zones) == len(chosen):
        fields = [*_zone_fields(document, zones), *fields]
    elif len(paths) == len(chosen):
        fields = [*_path_fields(document, paths), *fields]
    layers = {edits.layer_of(item) for item in chosen}
    fields.append(
        Field("layer", "choice", layers.pop() if len(layers) == 1 else None,
              partial(_on_layer, document, [item.id for item in chosen]), _layer_choices(document.seat_map))
    )  # fmt: skip
    locked = _common(chosen, "locked")
    ids = [item.id for item in chosen]
    fields.append(Field("locked", "check", locked, lambda on: edits.with_lock(document.seat_map, ids, locked=bool(on))))
    return fields


def _on_layer(document: Document, ids: Sequence[str], layer: str) -> SeatMap:
    return edits.on_layer(document.seat_map, ids, layer)


def _layer_choices(seat_map: SeatMap) -> tuple[tuple[str, str], ...]:
    words = theme().words
    own = [(layer.id, layer.name) for layer in seat_map.layers if layer.id not in edits.LAYERS]
    return (*((id, words.say(f"map.layer.{id}")) for id in edits.LAYERS), *own)


def _common(items: Sequence[Any], name: str) -> Any:
    values = {getattr(item, name) for item in items}
    return values.pop() if len(values) == 1 else None


def _set(document: Document, items: Sequence[Item], name: str) -> Callable[[Any], SeatMap]:
    ids = [item.id for item in items]
    return lambda value: edits.with_fields(document.seat_map, ids, **{name: value})


def _place_fields(document: Document, items: Sequence[Item]) -> list[Field]:
    """Where it is: of one thing its place, of many the left and the top of the box around them."""
    seat_map = document.seat_map
    fields = []
    if len(items) == 1:
        item = items[0]
        x, y = edits.anchor_of(item)
        for code, value in (("x", x), ("y", y)):
            fields.append(Field(code, "length", value, _typed(document, item, code)))
    else:
        box = edits.box_around(seat_map, [item.id for item in items])
        assert box is not None
        ids = [item.id for item in items]
        fields.append(
            Field("left", "length", box.left, lambda um: edits.moved(document.seat_map, ids, um - box.left, 0))
        )
        fields.append(Field("top", "length", box.top, lambda um: edits.moved(document.seat_map, ids, 0, um - box.top)))
    turning = [item for item in items if not isinstance(item, Path)]
    if turning and len(turning) == len(items):
        fields.append(
            Field("turn", "turn", _common(turning, "rotation_mdeg"), _set(document, turning, "rotation_mdeg"))
        )
    return fields


def _typed(document: Document, item: Item, code: str) -> Callable[[Any], SeatMap]:
    at = code == "y"

    def make(um: int) -> SeatMap:
        here = edits.anchor_of(item)
        return edits.with_changed(
            document.seat_map, [edits.shifted(item, 0 if at else um - here[0], um - here[1] if at else 0)]
        )

    return make


def _points_field(document: Document, item: Zone | Path) -> Field:
    """The corners of a polygon or the points of a way, as text: the twin of dragging them."""
    least = 2 if isinstance(item, Path) else 3

    def make(points: tuple[PointUm, ...]) -> SeatMap:
        if len(points) < least or (least == 3 and not is_simple(points)):
            raise BadInput("points.crossing")
        return edits.with_fields(document.seat_map, [item.id], points_um=points)

    return Field("points", "points", item.points_um, make)


def points_text(points: Sequence[PointUm], unit: Unit) -> str:
    """Points as people write them: `0.00 0.00; 6.00 0.00`."""
    return "; ".join(f"{shown(x, unit)} {shown(y, unit)}" for x, y in points)


def points_typed(text: str, was: Sequence[PointUm], unit: Unit) -> tuple[PointUm, ...]:
    """What was typed as points; one whose text is as before keeps its micrometres. Raises BadInput `points.typed`."""
    before = points_text(was, unit).split("; ")
    points = []
    for at, part in enumerate(one.strip() for one in text.split(";") if one.strip()):
        if at < len(before) and part == before[at]:
            points.append(was[at])
            continue
        numbers = part.split()
        if len(numbers) != 2:
            raise BadInput("points.typed", text=part)
        points.append((entered(numbers[0], unit), entered(numbers[1], unit)))
    return tuple(points)


def _spot_fields(document: Document, spots: list[Spot]) -> list[Field]:
    words, seat_map = theme().words, document.seat_map
    fields = []
    if len(spots) == 1:
        fields += [
            Field(name, "text", getattr(spots[0], name), _set(document, spots, name)) for name in ("label", "alias")
        ]
    types = tuple((type.id, type_words(type)) for type in seat_map.types)
    fields.append(Field("type", "choice", _common(spots, "type"), _set(document, spots, "type"), types))
    for name, values, prefix in (
        ("visibility", Visibility, "map.visibility"), ("status", Status, "map.status"),
    ):  # fmt: skip
        choices = tuple((one.value, words.say(f"{prefix}.{one.value}")) for one in values)
        fields.append(
            Field(
                name, "choice", getattr(_common(spots, name), "value", None),
                partial(_set_one_of, document, spots, name, values), choices,
            )
        )  # fmt: skip
    ids = [spot.id for spot in spots]
    for tag in TAGS:
        has = {tag in spot.tags for spot in spots}
        fields.append(
            Field(
                f"tag.{tag}", "check", has.pop() if len(has) == 1 else None,
                partial(_tagged, document, ids, tag),
            )
        )  # fmt: skip
    return fields


def _set_one_of(document: Document, spots: Sequence[Item], name: str, values: type[StrEnum], value: str) -> SeatMap:
    return _set(document, spots, name)(values(value))


def _tagged(document: Document, ids: Sequence[str], tag: str, on: object) -> SeatMap:
    return with_tag(document.seat_map, ids, tag, on=bool(on))


def _limited(document: Document, name: str, value: int) -> SeatMap:
    limits = replace(document.seat_map.limits, **{name: value})
    return replace(document.seat_map, limits=limits)


def with_tag(seat_map: SeatMap, ids: Sequence[str], tag: str, *, on: bool) -> SeatMap:
    """Spots with a tag, or without it."""
    changed = []
    for item in edits.chosen(seat_map, ids):
        if isinstance(item, Spot) and (tag in item.tags) is not on:
            tags = (*item.tags, tag) if on else tuple(one for one in item.tags if one != tag)
            changed.append(replace(item, tags=tags))
    return edits.with_changed(seat_map, changed)


def _zone_fields(document: Document, zones: list[Zone]) -> list[Field]:
    words = theme().words
    fields = []
    if len(zones) == 1:
        fields.append(Field("name", "text", zones[0].name, _set(document, zones, "name")))
    kinds = tuple((kind.value, words.say(f"map.kind.{kind}")) for kind in ZoneKind)
    kind = _common(zones, "kind")
    fields.append(
        Field("kind", "choice", getattr(kind, "value", None),
              lambda value: _set(document, zones, "kind")(ZoneKind(value)), kinds)
    )  # fmt: skip
    if all(not zone.points_um for zone in zones):
        fields += [
            Field(name.removesuffix("_um"), "length", _common(zones, name), _set(document, zones, name))
            for name in ("width_um", "length_um")
        ]
    if len(zones) == 1 and zones[0].points_um:
        fields.append(_points_field(document, zones[0]))
    if all(zone.kind is ZoneKind.DOOR for zone in zones):
        fields.append(
            Field("clearance", "length", _common(zones, "clearance_um"), _set(document, zones, "clearance_um"))
        )
    if len(zones) == 1 and zones[0].kind is ZoneKind.TEXT:
        fields.append(Field("text", "text", zones[0].text, _set(document, zones, "text")))
        fields.append(Field("size", "length", zones[0].size_um, _set(document, zones, "size_um")))
    return fields


def _path_fields(document: Document, paths: list[Path]) -> list[Field]:
    fields = []
    if len(paths) == 1:
        fields.append(Field("name", "text", paths[0].name, _set(document, paths, "name")))
        fields.append(_points_field(document, paths[0]))
    fields.append(Field("width", "length", _common(paths, "width_um"), _set(document, paths, "width_um")))
    fields.append(Field("accessible", "check", _common(paths, "accessible"), _set(document, paths, "accessible")))
    return fields


def _room_fields(document: Document) -> list[Field]:
    """The room's size and what it is checked against."""
    seat_map, words = document.seat_map, theme().words
    room, limits = seat_map.room, seat_map.limits

    def of_map(**fields: Any) -> SeatMap:
        return replace(document.seat_map, **fields)

    fields = [Field("map_name", "text", seat_map.name, lambda text: of_map(name=text))]
    if not room.points_um:
        fields += [
            Field("room_width", "length", room.width_um, lambda um: of_map(room=replace(room, width_um=max(1_000, um)))),
            Field("room_length", "length", room.length_um, lambda um: of_map(room=replace(room, length_um=max(1_000, um)))),
        ]  # fmt: skip
        offsets = [room.offset_um(wall) for wall in range(4)]
        for wall, side in enumerate(("top", "right", "bottom", "left")):

            def offset(um: int, wall: int = wall) -> SeatMap:
                changed = tuple(um if at == wall else one for at, one in enumerate(offsets))
                return of_map(room=replace(room, wall_offsets_um=changed))

            fields.append(Field(f"offset_{side}", "length", offsets[wall], offset))
    else:

        def walls(points: tuple[PointUm, ...]) -> SeatMap:
            made = room_of(document.seat_map, points)
            if made is None:
                raise BadInput("points.crossing")
            return of_map(room=made)

        fields.append(Field("points", "points", room.points_um, walls))
        offset_all = max(room.wall_offsets_um, default=0)
        count = len(room.points_um)
        fields.append(
            Field("offset_all", "length", offset_all,
                  lambda um: of_map(room=replace(room, wall_offsets_um=(um,) * count)))
        )  # fmt: skip
    for code, name in (("spacing", "spacing_um"), ("aisle", "aisle_um"), ("accessible_width", "accessible_um")):
        fields.append(
            Field(code, "length", getattr(limits, name),
                  partial(_limited, document, name))
        )  # fmt: skip
    fields.append(Field("capacity", "count", limits.capacity, lambda n: of_map(limits=replace(limits, capacity=n))))
    fields.append(
        Field("modality", "choice", seat_map.modality.value, lambda value: of_map(modality=Modality(value)),
              tuple((one.value, words.say(f"map.modality.{one}")) for one in Modality))
    )  # fmt: skip
    fields.append(
        Field("mirroring", "choice", seat_map.mirroring.value, lambda value: of_map(mirroring=Mirroring(value)),
              tuple((one.value, words.say(f"map.mirroring.{one}")) for one in Mirroring))
    )  # fmt: skip
    return fields
