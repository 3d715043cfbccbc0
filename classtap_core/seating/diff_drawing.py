"""Two versions of a map as one picture: what is new, what went, what moved and from where, what is called otherwise."""

from collections.abc import Callable
from typing import NamedTuple

from classtap_core.seating.diff import Difference, difference
from classtap_core.seating.drawing import INK, MARGIN, TITLE, Mm, Points, Shape, Sheet, Words, sheet
from classtap_core.seating.geometry.turning import footprint
from classtap_core.seating.model import SeatMap, Spot

ADDED, REMOVED, MOVED, RENUMBERED, CHANGED = "#19704A", "#9B2C46", "#2A57A5", "#8A5200", "#565762"
ADDED_SOFT, MOVED_SOFT, RENUMBERED_SOFT, CHANGED_SOFT = "#DDF0E5", "#E0E9F8", "#FBEBD0", "#F5F3EE"


class DiffCaptions(NamedTuple):
    """The words of the key in the reader's language; each has a sign besides its colour."""

    added: str = "added"
    removed: str = "removed"
    moved: str = "moved"
    renumbered: str = "renumbered"
    changed: str = "otherwise changed"


ENGLISH = DiffCaptions()


def diff_sheet(before: SeatMap, after: SeatMap, *, scale: int | None = None, captions: DiffCaptions = ENGLISH) -> Sheet:
    """The later map to scale, with what is different drawn over it: `+` new, `×` gone, an arrow moved, `#` renamed."""
    page = sheet(after, scale=scale)
    found = difference(before, after)
    mm = 1 / (1000 * page.scale)

    def on_page(points: tuple[tuple[int, int], ...]) -> Points:
        return tuple((MARGIN + x * mm, MARGIN + TITLE + y * mm) for x, y in points)

    old, new = ({spot.id: spot for spot in one.spots} for one in (before, after))
    _draw_renumbered(page, after, found, new, on_page)
    for one in found.changed:
        _mark(page, after, new[one.id], on_page, CHANGED, CHANGED_SOFT, "changed", new[one.id].label)
    for id in found.added:
        _mark(page, after, new[id], on_page, ADDED, ADDED_SOFT, "added", f"+{new[id].label}")
    for moved in found.moved:
        _mark(page, after, new[moved.id], on_page, MOVED, MOVED_SOFT, "moved", new[moved.id].label)
        _ghost(page, before, old[moved.id], on_page, MOVED)
        way = on_page(((old[moved.id].x_um, old[moved.id].y_um), (new[moved.id].x_um, new[moved.id].y_um)))
        page.items.append(Shape(way, stroke=MOVED, width=0.5, closed=False, name="way"))
    for id in found.removed:
        _ghost(page, before, old[id], on_page, REMOVED)
        x, y = on_page(((old[id].x_um, old[id].y_um),))[0]
        page.items.append(Words(x, y + 1, f"×{old[id].label}", 2.8, "middle", REMOVED))
    _draw_key(page, found, captions, after.room.width_um * mm)
    return page


_OnPage = Callable[[tuple[tuple[int, int], ...]], Points]


def _draw_renumbered(page: Sheet, after: SeatMap, found: Difference, new: dict[str, Spot], on_page: _OnPage) -> None:
    for one in found.renumbered:
        text = f"#{one.before or '–'}→{one.after or '–'}"
        _mark(page, after, new[one.id], on_page, RENUMBERED, RENUMBERED_SOFT, "renumbered", text)


def _mark(
    page: Sheet, seat_map: SeatMap, spot: Spot, on_page: _OnPage, color: str, fill: str, name: str, text: str
) -> None:
    corners = on_page(footprint(spot, seat_map.type_of(spot)))
    page.items.append(Shape(corners, fill, color, 0.6, name=f"{name} {spot.id}"))
    xs = [x for x, _ in corners]
    size: Mm = min(3.2, 1.55 * (max(xs) - min(xs)) / max(1, len(text)))
    x, y = on_page(((spot.x_um, spot.y_um),))[0]
    page.items.append(Words(x, y + size * 0.35, text, size, "middle", INK))


def _ghost(page: Sheet, seat_map: SeatMap, spot: Spot, on_page: _OnPage, color: str) -> None:
    """Where something stood before."""
    corners = on_page(footprint(spot, seat_map.type_of(spot)))
    page.items.append(Shape(corners, "", color, 0.4, dashed=True, name=f"before {spot.id}"))


def _draw_key(page: Sheet, found: Difference, captions: DiffCaptions, room_width: Mm) -> None:
    """How many of each, over the room's right corner; nothing of what there is none of."""
    entries = (
        (f"+ {len(found.added)} {captions.added}", found.added, ADDED),
        (f"× {len(found.removed)} {captions.removed}", found.removed, REMOVED),
        (f"→ {len(found.moved)} {captions.moved}", found.moved, MOVED),
        (f"# {len(found.renumbered)} {captions.renumbered}", found.renumbered, RENUMBERED),
        (f"{len(found.changed)} {captions.changed}", found.changed, CHANGED),
    )
    end = MARGIN + max(room_width, 90.0)
    for index, (text, color) in enumerate((text, color) for text, there, color in entries if there):
        page.items.append(Words(end, MARGIN + 1 + index * 3.4, text, 2.6, "end", color))
