"""Cards to cut out and put on the equipment: A4 sheets, eight cards each, the name as large as it fits."""

from classtap_core.seating.audience import Audience, Seen, seen_by
from classtap_core.seating.drawing import INK, MUTED, Shape, Sheet, Words
from classtap_core.seating.model import SeatMap

PAGE_MM = (210.0, 297.0)
CARD_MM = (95.0, 68.0)
COLUMNS, ROWS = 2, 4
LETTER_SHARE = 0.62
"""How wide a letter is for its height, on the safe side."""


def placard_sheets(seat_map: SeatMap, audience: Audience = Audience.CLIENTS) -> list[Sheet]:
    """Sheets with a card for every spot that an audience sees and that has a name, in the map's order.

    A card has the name, and small below it the map's name and, where it differs, the label that staff know.
    """
    named = [seen for seen in seen_by(seat_map, audience) if seen.name]
    pages = []
    for first in range(0, max(1, len(named)), COLUMNS * ROWS):
        page = Sheet(*PAGE_MM, 1)
        for place, seen in enumerate(named[first : first + COLUMNS * ROWS]):
            _draw(page, seen, seat_map, place % COLUMNS, place // COLUMNS)
        pages.append(page)
    return pages


def _draw(page: Sheet, seen: Seen, seat_map: SeatMap, column: int, row: int) -> None:
    width, height = CARD_MM
    x = (PAGE_MM[0] - COLUMNS * width) / 2 + column * width
    y = (PAGE_MM[1] - ROWS * height) / 2 + row * height
    corners = ((x, y), (x + width, y), (x + width, y + height), (x, y + height))
    page.items.append(Shape(corners, stroke=MUTED, width=0.2, dashed=True, name="cut"))
    size = min(30.0, (width - 12) / (LETTER_SHARE * max(1, len(seen.name))))
    page.items.append(Words(x + width / 2, y + height / 2 + size * 0.36, seen.name, size, "middle", INK, bold=True))
    below = seat_map.name if seen.name == seen.spot.label else f"{seat_map.name} · {seen.spot.label}"
    page.items.append(Words(x + width / 2, y + height - 6, below[:60], 3.2, "middle", MUTED))
