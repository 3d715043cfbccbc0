"""What can be done to a map, as functions from one map to the next: no Qt, no state, so undo is the map before."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from classtap_core.kernel.ids import fresh
from classtap_core.seating.arranging import (
    Edge,
    aligned,
    distributed_across,
    distributed_down,
    mirrored_in_place,
    turned_together,
)
from classtap_core.seating.arranging import shifted as _shifted
from classtap_core.seating.boxes import Box, around, box_of, united
from classtap_core.seating.equipment import type_or_plain
from classtap_core.seating.model import EquipmentType, Group, Layer, Path, PointUm, SeatMap, Spot, Zone
from classtap_core.seating.snapping import DUPLICATE_PX, beyond

Item = Spot | Zone | Path


class Made(NamedTuple):
    """A map with new things in it, and the things' ids."""

    seat_map: SeatMap
    ids: tuple[str, ...]


class Clip(NamedTuple):
    """What was copied: the things, the equipment they stand for, and the middle of the box around them."""

    items: tuple[Item, ...]
    types: tuple[EquipmentType, ...]
    middle: PointUm


def new_id() -> str:
    """An id no other thing has."""
    return fresh(int(time.time() * 1000), os.urandom)


def every_item(seat_map: SeatMap) -> Iterable[Item]:
    """Everything that can be selected, spots first."""
    yield from seat_map.spots
    yield from seat_map.zones
    yield from seat_map.paths


def items_by_id(seat_map: SeatMap) -> dict[str, Item]:
    """Everything that can be selected, by its id."""
    return {item.id: item for item in every_item(seat_map)}


def chosen(seat_map: SeatMap, ids: Iterable[str]) -> list[Item]:
    """The things with these ids, in the map's order."""
    wanted = frozenset(ids)
    return [item for item in every_item(seat_map) if item.id in wanted]


def with_changed(seat_map: SeatMap, changed: Iterable[Item]) -> SeatMap:
    """The map with things as they are now in place of those with their ids; what did not change keeps its identity."""
    new = {item.id: item for item in changed}
    fields = {}
    for name in ("spots", "zones", "paths"):
        old = getattr(seat_map, name)
        parts = tuple([new.get(part.id, part) for part in old])
        if any(one is not other for one, other in zip(old, parts, strict=True)):
            fields[name] = parts
    return replace(seat_map, **fields) if fields else seat_map


def with_added(seat_map: SeatMap, new: Sequence[Item], types: Iterable[EquipmentType] = ()) -> SeatMap:
    """The map with more things, and the equipment they need where it was not there."""
    layers = {layer.id for layer in seat_map.layers}
    new = [replace(item, layer=layer_of(item)) if layer_of(item) in layers else item for item in new]
    known = {type.id for type in seat_map.types}
    more = [type for type in types if type.id not in known]
    wanted = {item.type for item in new if isinstance(item, Spot)} - known - {type.id for type in more}
    more += [type_or_plain(id) for id in sorted(wanted)]
    return replace(
        seat_map,
        types=(*seat_map.types, *more),
        spots=(*seat_map.spots, *(item for item in new if isinstance(item, Spot))),
        zones=(*seat_map.zones, *(item for item in new if isinstance(item, Zone))),
        paths=(*seat_map.paths, *(item for item in new if isinstance(item, Path))),
    )


def without(seat_map: SeatMap, ids: Iterable[str]) -> SeatMap:
    """The map without these things. Locked ones stay."""
    gone = {item.id for item in free_to_change(seat_map, ids)}
    return replace(
        seat_map,
        spots=tuple(part for part in seat_map.spots if part.id not in gone),
        zones=tuple(part for part in seat_map.zones if part.id not in gone),
        paths=tuple(part for part in seat_map.paths if part.id not in gone),
    )


def locked_layers(seat_map: SeatMap) -> frozenset[str]:
    """Layers whose things cannot be touched: locked ones and those not shown."""
    return frozenset(layer.id for layer in seat_map.layers if layer.locked or not layer.visible)


def is_locked(seat_map: SeatMap, item: Item) -> bool:
    """Whether a thing, its layer or its group is locked, or its layer is not shown."""
    if item.locked or item.layer in locked_layers(seat_map):
        return True
    group = getattr(item, "group", "")
    return bool(group) and any(one.id == group and one.locked for one in seat_map.groups)


def free_to_change(seat_map: SeatMap, ids: Iterable[str]) -> list[Item]:
    """The things with these ids that are not locked."""
    layers = locked_layers(seat_map)
    groups = {group.id for group in seat_map.groups if group.locked}
    return [
        item
        for item in chosen(seat_map, ids)
        if not item.locked and item.layer not in layers and getattr(item, "group", "") not in (groups - {""})
    ]


def with_groups(seat_map: SeatMap, ids: Iterable[str]) -> tuple[str, ...]:
    """These ids and those of everything in a group with one of them, in the map's order."""
    wanted = frozenset(ids)
    groups = {getattr(item, "group", "") for item in chosen(seat_map, wanted)} - {""}
    if not groups:
        return tuple(item.id for item in every_item(seat_map) if item.id in wanted)
    return tuple(item.id for item in every_item(seat_map) if item.id in wanted or getattr(item, "group", "") in groups)


def item_box(item: Item, seat_map: SeatMap) -> Box:
    """The upright box around anything; a path's is widened by half its width."""
    if isinstance(item, Path):
        box, half = around(item.points_um), item.width_um // 2
        return Box(box.left - half, box.top - half, box.right + half, box.bottom + half)
    return box_of(item, seat_map)


def box_around(seat_map: SeatMap, ids: Iterable[str]) -> Box | None:
    """The box around several things; None without any."""
    boxes = [item_box(item, seat_map) for item in chosen(seat_map, ids)]
    return united(boxes) if boxes else None


def shifted(item: Item, across_um: int, down_um: int) -> Item:
    """The same thing elsewhere."""
    if isinstance(item, Path):
        return replace(item, points_um=tuple((x + across_um, y + down_um) for x, y in item.points_um))
    return _shifted(item, across_um, down_um)


def moved(seat_map: SeatMap, ids: Iterable[str], across_um: int, down_um: int) -> SeatMap:
    """Things shifted; locked ones stay."""
    return with_changed(seat_map, [shifted(item, across_um, down_um) for item in free_to_change(seat_map, ids)])


def turned(seat_map: SeatMap, ids: Iterable[str], mdeg: int) -> SeatMap:
    """Things turned clockwise about the middle of the box around them, as if they were one."""
    found = _turning(seat_map, ids)
    if not found:
        return seat_map
    if len(found) == 1:
        around_um = (found[0].x_um, found[0].y_um) if not getattr(found[0], "points_um", ()) else None
    else:
        around_um = None
    box = united(box_of(item, seat_map) for item in found)
    return with_changed(
        seat_map, turned_together(found, mdeg, around_um or ((box.left + box.right) // 2, (box.top + box.bottom) // 2))
    )


def aligned_to(seat_map: SeatMap, ids: Iterable[str], edge: Edge) -> SeatMap:
    """Things with one edge, or their middles, on one line."""
    return with_changed(seat_map, aligned(_turning(seat_map, ids), seat_map, edge))


def distributed(seat_map: SeatMap, ids: Iterable[str], *, across: bool) -> SeatMap:
    """Things with equal gaps from left to right, or from top to bottom; the outermost stay."""
    spread = distributed_across if across else distributed_down
    return with_changed(seat_map, spread(_turning(seat_map, ids), seat_map))


def mirrored(seat_map: SeatMap, ids: Iterable[str]) -> SeatMap:
    """Things mirrored left to right about the middle of the box around them."""
    return with_changed(seat_map, mirrored_in_place(_turning(seat_map, ids), seat_map))


def _turning(seat_map: SeatMap, ids: Iterable[str]) -> list[Spot | Zone]:
    return [item for item in free_to_change(seat_map, ids) if not isinstance(item, Path)]


def duplicated(seat_map: SeatMap, ids: Iterable[str], *, grid_um: int, um_per_px: float, snap: bool) -> Made:
    """Copies 20 px to the right and below, on the nearest free grid crossing beyond where snapping is on (ruling 12)."""
    found = chosen(seat_map, ids)
    if not found:
        return Made(seat_map, ())
    across = down = round(DUPLICATE_PX * um_per_px)
    anchor = anchor_of(found[0])
    if snap and grid_um:
        taken = [anchor_of(item) for item in every_item(seat_map)]
        others = [(x - anchor[0], y - anchor[1]) for x, y in map(anchor_of, found)]
        node = beyond(anchor, grid_um, um_per_px, taken, others=others)
        across, down = node[0] - anchor[0], node[1] - anchor[1]
    made = _anew([shifted(item, across, down) for item in found])
    return Made(with_added(_with_groups_of(seat_map, made), made), tuple(item.id for item in made))


def anchor_of(item: Item) -> PointUm:
    """The point of a thing that is put on the grid: its middle, or a path's first point."""
    if isinstance(item, Path):
        return item.points_um[0]
    if isinstance(item, Zone) and item.points_um:
        return item.points_um[0]
    return item.x_um, item.y_um


def copied(seat_map: SeatMap, ids: Iterable[str]) -> Clip | None:
    """What a clipboard holds; None for nothing."""
    found = chosen(seat_map, ids)
    box = box_around(seat_map, ids)
    if box is None:
        return None
    types = seat_map.types_by_id()
    needed = tuple({item.type: types[item.type] for item in found if isinstance(item, Spot)}.values())
    return Clip(tuple(found), needed, ((box.left + box.right) // 2, (box.top + box.bottom) // 2))


def pasted(seat_map: SeatMap, clip: Clip, middle: PointUm) -> Made:
    """What was copied, here or in another room, with its middle at a place. Labels come along, ids are new."""
    across, down = middle[0] - clip.middle[0], middle[1] - clip.middle[1]
    known = {layer.id for layer in seat_map.layers}
    categories = {category.id for category in seat_map.categories}
    items = []
    for item in clip.items:
        here = shifted(item, across, down)
        if here.layer not in known:
            here = replace(here, layer="")
        if isinstance(here, Spot) and here.category not in categories:
            here = replace(here, category="")
        items.append(here)
    made = _anew(items)
    return Made(with_added(_with_groups_of(seat_map, made), made, clip.types), tuple(item.id for item in made))


def with_new_id(item: Item) -> Item:
    """The same thing under an id of its own."""
    return replace(item, id=new_id())


def _anew(items: Sequence[Item]) -> list[Item]:
    """Things with ids of their own; groups among them become groups of their own."""
    groups = {group: new_id() for group in {getattr(item, "group", "") for item in items} - {""}}
    made: list[Item] = []
    for item in items:
        fields: dict[str, object] = {"id": new_id(), "locked": False}
        if isinstance(item, Spot):
            fields |= {"origin": "", "origin_path": ""}
        if getattr(item, "group", ""):
            fields["group"] = groups[getattr(item, "group", "")]
        made.append(replace(item, **fields))
    return made


def _with_groups_of(seat_map: SeatMap, items: Sequence[Item]) -> SeatMap:
    known = {group.id for group in seat_map.groups}
    missing = {getattr(item, "group", "") for item in items} - known - {""}
    return (
        replace(seat_map, groups=(*seat_map.groups, *(Group(id=id) for id in sorted(missing)))) if missing else seat_map
    )


def grouped(seat_map: SeatMap, ids: Iterable[str]) -> SeatMap:
    """Spots and zones selected and moved as one from now on."""
    found = _turning(seat_map, ids)
    if len(found) < 2:
        return seat_map
    group = new_id()
    changed = with_changed(seat_map, [replace(item, group=group) for item in found])
    return _without_empty_groups(replace(changed, groups=(*changed.groups, Group(id=group))))


def ungrouped(seat_map: SeatMap, ids: Iterable[str]) -> SeatMap:
    """Things of which each stands for itself again."""
    found = [item for item in _turning(seat_map, ids) if item.group]
    return _without_empty_groups(with_changed(seat_map, [replace(item, group="") for item in found]))


def _without_empty_groups(seat_map: SeatMap) -> SeatMap:
    used = {getattr(item, "group", "") for item in every_item(seat_map)}
    kept = tuple(group for group in seat_map.groups if group.id in used)
    return replace(seat_map, groups=kept) if len(kept) < len(seat_map.groups) else seat_map


def with_lock(seat_map: SeatMap, ids: Iterable[str], *, locked: bool) -> SeatMap:
    """Things that cannot be moved, or can be again."""
    return with_changed(seat_map, [replace(item, locked=locked) for item in chosen(seat_map, ids)])


def with_fields(seat_map: SeatMap, ids: Iterable[str], **fields: object) -> SeatMap:
    """Things with some fields set; locked ones, and those without such a field, stay as they are."""
    free = free_to_change(seat_map, ids)
    changed = [replace(item, **fields) for item in free if all(hasattr(item, name) for name in fields)]
    return with_changed(seat_map, changed)


LAYERS = ("spots", "zones", "paths", "drawings")
"""The layers every map is offered; a map keeps those of its own beside them."""


def with_layer(seat_map: SeatMap, id: str, *, visible: bool, locked: bool) -> SeatMap:
    """The map with a layer shown or hidden, locked or not; a standard layer takes its things in when first set."""
    if any(layer.id == id for layer in seat_map.layers):
        layers = tuple(
            replace(layer, visible=visible, locked=locked) if layer.id == id else layer for layer in seat_map.layers
        )
        return replace(seat_map, layers=layers)
    made = replace(seat_map, layers=(*seat_map.layers, Layer(id=id, name=id, visible=visible, locked=locked)))
    return with_changed(
        made, [replace(item, layer=id) for item in every_item(made) if not item.layer and layer_of(item) == id]
    )


def on_layer(seat_map: SeatMap, ids: Iterable[str], id: str) -> SeatMap:
    """Things on a layer; a standard one is made where the map has none of it yet, with all it stands for."""
    if not any(layer.id == id for layer in seat_map.layers):
        seat_map = with_layer(seat_map, id, visible=True, locked=False)
    return with_fields(seat_map, ids, layer=id)


def layer_of(item: Item) -> str:
    """The layer a thing is on: its own, or the standard one of its kind."""
    if item.layer:
        return item.layer
    if isinstance(item, Spot):
        return "spots"
    if isinstance(item, Path):
        return "paths"
    return "drawings" if item.kind.value in ("drawing", "text") else "zones"
