"""Drawings: to scale, whole again from our own SVG, judged by PDFium and by an XML reader."""

import json
import random
import subprocess
import sys
import xml.etree.ElementTree as ET
from unicodedata import normalize

import cv2
import numpy as np
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.audience import Audience
from classtap_core.seating.drawing import Shape, Words, cropped, sheet
from classtap_core.seating.formats.native import write_native
from classtap_core.seating.formats.pdf import missing_letters, write_pdf
from classtap_core.seating.formats.svg import read_svg, write_svg
from classtap_core.seating.model import Mirroring, Room, SeatMap, Visibility, ZoneKind
from classtap_core.seating.numbering import Numbering, number
from classtap_desktop.canvas.sheet_png import write_png
from resources import path
from tests.unit.seating.layouts import layout
from tests.unit.seating.rooms import room, zone

SVG = "{http://www.w3.org/2000/svg}"


def labelled() -> SeatMap:
    pillar = zone(ZoneKind.OBSTRUCTION, x_um=2_500_000, y_um=500_000, width_um=300_000, length_um=300_000)
    return number(room("ab.c defg", zones=(pillar,)), Numbering())


def test_the_largest_scale_that_fits_the_paper() -> None:
    assert [
        sheet(replace(room("a"), room=Room(width_um=w * 10**6, length_um=h * 10**6))).scale
        for w, h in ((3, 2), (8, 5), (15, 10), (40, 40))
    ] == [10, 25, 50, 200]
    assert sheet(room("a"), scale=7).scale == 7


def test_ten_metres_are_ten_metres_divided_by_the_scale_in_svg() -> None:
    wide = replace(room("a"), room=Room(width_um=10_000_000, length_um=4_000_000))
    root = ET.fromstring(write_svg(wide, scale=50))
    assert root.get("width", "").removesuffix("mm") == root.get("viewBox", "").split()[2]
    outline = next(one for one in root.iter(f"{SVG}polygon") if one.get("data-part") == "room")
    xs = [float(point.split(",")[0]) for point in outline.get("points", "").split()]
    assert max(xs) - min(xs) == pytest.approx(200.0, abs=0.001)


def test_ten_metres_are_ten_metres_divided_by_the_scale_in_pdf() -> None:
    wide = replace(room("a"), room=Room(width_um=10_000_000, length_um=4_000_000))
    page = pypdfium2.PdfDocument(write_pdf([sheet(wide, scale=50)], title="Wide"))[0]
    image = page.render(scale=200 / 72, grayscale=True).to_numpy()
    dark = np.flatnonzero((image < 128).sum(axis=0) > 400)  # columns the long walls run through
    wall_to_wall_mm = (dark.max() - dark.min()) * 25.4 / 200
    assert wall_to_wall_mm == pytest.approx(200.6, abs=0.4)  # the walls' own stroke is 0.6 mm


def test_the_words_of_a_pdf_can_be_found_in_it() -> None:
    seat_map = replace(labelled(), name="Ζώνη (1) Бег \\ שלום")
    fonts = [path("fonts", name).read_bytes() for name in ("NotoSans-Regular.ttf", "NotoSansHebrew-Regular.ttf")]
    page = sheet(seat_map)
    document = pypdfium2.PdfDocument(write_pdf([page], title=seat_map.name, fonts=fonts))
    text = document[0].get_textpage().get_text_range()
    assert "Ζώνη (1) Бег \\" in text
    assert {"A1", "A3", "B4"} <= set(text.split())
    assert document.get_metadata_dict()["Title"] == seat_map.name
    assert missing_letters([page], fonts) == 0
    assert missing_letters([page], []) == 11
    assert pypdfium2.PdfDocument(write_pdf([page], title="x"))[0].get_textpage().get_text_range().count("?") >= 7


def test_scripts_that_need_shaping_are_painted_by_qt() -> None:
    # runs in a process of its own: a test of the core leaves no Qt application behind
    script = (
        "import sys; from classtap_desktop.canvas.sheet_pdf import printed; from classtap_core.seating.drawing import sheet;"
        "from classtap_core.seating.formats.native import read_native;"
        "made, missing = printed([sheet(read_native(sys.stdin.buffer.read()))], title='x');"
        "assert missing == 0; sys.stdout.buffer.write(made)"
    )
    seat_map = replace(labelled(), name="قاعة 中文")
    done = subprocess.run(
        [sys.executable, "-c", script], input=write_native(seat_map), capture_output=True, check=True, timeout=120
    )
    document = pypdfium2.PdfDocument(done.stdout)
    page = sheet(seat_map)
    assert document[0].get_size() == (
        pytest.approx(page.width * 72 / 25.4, abs=1),
        pytest.approx(page.height * 72 / 25.4, abs=1),
    )
    text = document[0].get_textpage().get_text_range()
    assert "中文" in normalize("NFKC", text)
    assert "B4" in text


def test_an_svg_of_ours_is_the_map_again() -> None:
    seat_map = replace(labelled(), name="<&\"'> \ufffe \x01 Ζ")
    again, report = read_svg(write_svg(seat_map))
    assert again == seat_map
    assert report.kept == 7


@pytest.mark.parametrize("seed", range(10))
def test_any_room_can_be_drawn_every_way(seed: int) -> None:
    seat_map = layout(random.Random(seed))
    page = sheet(seat_map)
    assert read_svg(write_svg(seat_map))[0] == seat_map
    assert len(pypdfium2.PdfDocument(write_pdf([page], title="x"))) == 1
    assert cv2.imdecode(np.frombuffer(write_png(page, dpi=40), np.uint8), cv2.IMREAD_COLOR) is not None


def test_clients_see_public_spots_only_mirrored_and_no_zones() -> None:
    seat_map = labelled()
    staff_only = replace(seat_map.spots[0], visibility=Visibility.STAFF)
    seat_map = replace(seat_map, spots=(staff_only, *seat_map.spots[1:]), mirroring=Mirroring.RIGHT)
    page = sheet(seat_map, audience=Audience.CLIENTS)
    words = {item.text: item.x for item in page.items if isinstance(item, Words)}
    assert "A1" not in words
    assert words["B1"] > words["B4"]  # B1 is on the left of the room, on the right of its mirror image
    assert not any(isinstance(item, Shape) and item.name == "obstruction" for item in page.items)
    assert b"classtap.seatmap" not in write_svg(seat_map, audience=Audience.CLIENTS)


def test_a_png_is_as_large_as_its_paper_and_has_a_spot_where_it_belongs() -> None:
    page = sheet(room("a", room=Room(width_um=2_000_000, length_um=2_000_000)), scale=10)
    image = cv2.imdecode(np.frombuffer(write_png(page, dpi=254), np.uint8), cv2.IMREAD_COLOR)
    assert image.shape[:2] == (round(page.height * 10), round(page.width * 10))
    x, y = (10 + 50 + 20) * 10, (24 + 50 + 20) * 10  # margin, half a metre at 1:10, 20 mm off the middle
    assert tuple(image[y, x]) == (0xEA, 0xEE, 0xDD)
    assert cropped(page).height < page.height


FLOOR = b"""<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns="http://www.w3.org/2000/svg" width="200mm" height="100mm" viewBox="0 0 400 200">
<title>Floor</title><path d="M0 0h400v200z"/>
<g transform="translate(10 20) scale(2)"><circle class="seat" id="s1" cx="5" cy="5" r="2"/>
<rect data-seat="s1" x="20" y="10" width="4" height="8" transform="rotate(90 22 14)"/></g></svg>"""


def test_a_drawing_of_somebody_else_is_an_underlay_with_its_seats() -> None:
    seat_map, report = read_svg(FLOOR)
    # 200 mm over 400 units: half a millimetre a unit
    assert (seat_map.name, seat_map.room.width_um, seat_map.room.length_um) == ("Floor", 200_000, 100_000)
    assert [(spot.origin, spot.x_um, spot.y_um) for spot in seat_map.spots] == [
        ("s1", 10_000, 15_000),
        ("s1", 27_000, 24_000),
    ]
    circle, rect = (seat_map.type_of(spot) for spot in seat_map.spots)
    assert (circle.width_um, rect.width_um, rect.length_um) == (4_000, 4_000, 8_000)
    assert seat_map.spots[1].rotation_mdeg == 90_000
    assert [(one.id, one.times) for one in report.repeated_ids] == [("s1", 2)]
    assert seat_map.source is not None
    assert seat_map.source.document.encode() == FLOOR
    assert report.lost[0].what == "shapes kept in the underlay only: 1"


@pytest.mark.parametrize(
    "data",
    [
        b"<svg",
        b"<html/>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><svg width='1' height='1'>&a;</svg>",
        "<!DOCTYPE x [<!ENTITY a 'b'>]><svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>".encode("utf-16"),
        b"<svg viewBox='0 0 1e300 1e300'/>",
        b"<svg width='1' height='1'>" + b"<g>" * 5000 + b"</g>" * 5000 + b"</svg>",
        b"<svg width='9' height='9'><circle id='seat1' cx='1e99' r='1'/></svg>",
        b"<svg width='9' height='9'><metadata id='classtap-seatmap'>{}</metadata></svg>",
        b"",
    ],
)
def test_what_is_no_drawing_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        read_svg(data)


@given(st.integers(0, 2**32))
def test_a_damaged_drawing_never_breaks_the_reader(seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(chance.choice((FLOOR, write_svg(labelled()))))
    for _ in range(chance.randrange(1, 6)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    try:
        read_svg(bytes(data))
    except BadInput as refused:
        json.dumps(refused.params)
