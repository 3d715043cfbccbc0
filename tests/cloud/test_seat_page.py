"""What the page of seats draws and in which colours, without a browser."""

import itertools

import pytest
from msgspec.structs import replace
from starlette.requests import Request

from classtap_core.seating.model import Mirroring, SeatMap, Status, Visibility
from classtap_core.seating.numbering import Numbering, number
from cloud.pages.frame import language_of, static_files
from cloud.pages.seats import draw
from resources.themes import contrast, tokens
from tests.unit.seating.rooms import room, spot_id


def a_map(drawing: str = "abcd efgh", alias: str = "Bike {n}") -> SeatMap:
    return number(room(drawing.replace(" ", "\n")), Numbering(alias=alias))


def having(seat_map: SeatMap, name: str, **fields: object) -> SeatMap:
    changed = (replace(spot, **fields) if spot.id == spot_id(name) else spot for spot in seat_map.spots)
    return replace(seat_map, spots=tuple(changed))


def test_clients_get_public_spots_that_work_and_staffs_count_as_places() -> None:
    seat_map = having(a_map(), "1,1", visibility=Visibility.STAFF)
    seat_map = having(seat_map, "1,2", visibility=Visibility.HIDDEN)
    seat_map = having(seat_map, "1,3", status=Status.OUT_OF_SERVICE)
    drawn = draw(seat_map, 7)
    assert [spot.name for spot in drawn.spots] == ["Bike 4", "Bike 5", "Bike 6", "Bike 7", "Bike 8"]
    assert [spot.short for spot in drawn.spots] == ["4", "5", "6", "7", "8"]
    assert len(drawn.reservable) == 6
    assert drawn.version == 7


@pytest.mark.parametrize(
    ("names", "shorts"),
    [
        (("Bike 1", "Bike 12"), ["1", "12"]),
        (("Bike A 1", "Bike A 2"), ["1", "2"]),
        (("Bike 1", "Mat 1"), ["Bike 1", "Mat 1"]),
        (("A1", "A2"), ["A1", "A2"]),
        (("Bike 1",), ["Bike 1"]),
    ],
)
def test_what_all_names_share_is_not_drawn_on_the_spots(names: tuple[str, ...], shorts: list[str]) -> None:
    seat_map = room("abcd"[: len(names)])
    spots = tuple(replace(spot, label=name) for spot, name in zip(seat_map.spots, names, strict=True))
    assert [spot.short for spot in draw(replace(seat_map, spots=spots), 1).spots] == shorts


def test_a_mirrored_map_is_drawn_mirrored_walls_and_all() -> None:
    plain, mirrored = (draw(replace(a_map(), mirroring=side), 1) for side in (Mirroring.LEFT, Mirroring.RIGHT))
    assert [plain.width - spot.x for spot in plain.spots] == [spot.x for spot in mirrored.spots]
    assert [spot.y for spot in plain.spots] == [spot.y for spot in mirrored.spots]
    corners = [{tuple(point.split(",")) for point in one.room.split()} for one in (plain, mirrored)]
    assert corners[0] == corners[1], "a rectangle is its own mirror image"


@pytest.mark.parametrize("drawing", ["ab", "abcdefgh abcdefgh abcdefgh", "a b c d e f g h"])
def test_a_spot_is_never_drawn_smaller_than_a_fingertip(drawing: str) -> None:
    drawn = draw(a_map(drawing), 1)
    per_mm = drawn.least_px / (drawn.width + 300)
    assert 500 * per_mm >= 24, "WCAG 2.2, 2.5.8: the chair is half a metre wide"
    assert drawn.best_px >= drawn.least_px


@pytest.mark.parametrize("look", ["light", "dark"])
def test_every_pair_of_colours_can_be_read(look: str) -> None:
    """WCAG 2.2: 4.5:1 for words (1.4.3), 3:1 for edges that matter (1.4.11)."""
    colour = tokens(look)
    words = [
        ("ink", "bg"), ("ink", "surface"), ("ink", "accent_soft"), ("muted", "bg"), ("muted", "surface"),
        ("muted", "raised"), ("on_accent", "accent"), ("info", "info_soft"), ("accent", "bg"),
    ]  # fmt: skip
    edges = [("accent", "raised"), ("control_line", "raised"), ("control_line", "bg"), ("info", "raised")]
    assert [(one, other) for one, other in words if contrast(colour[one], colour[other]) < 4.5] == []
    assert [(one, other) for one, other in edges if contrast(colour[one], colour[other]) < 3] == []
    css = static_files()["seats.css"][1].decode()
    used = {
        name.replace("-", "_") for name in itertools.chain(*(part.split(")")[:1] for part in css.split("var(--")[1:]))
    }
    assert used <= set(colour)


@pytest.mark.parametrize(
    ("header", "query", "wanted"),
    [
        ("", "", "en"), ("es-MX,es;q=0.9", "", "es_MX"), ("fr, ar;q=0.5, en;q=0.1", "", "ar"), ("ar", "lang=es", "es"),
        ("xx;q=abc,,;;", "", "en"), ("es-XX", "", "es"), ("de", "lang=<script>", "en"), ("*", "", "en"),
    ],
)  # fmt: skip
def test_the_readers_language(header: str, query: str, wanted: str) -> None:
    scope = {"type": "http", "headers": [(b"accept-language", header.encode())], "query_string": query.encode()}
    assert language_of(Request(scope)) == wanted
