"""Maps as pictures: SVG, PDF and PNG of a sheet."""

from collections.abc import Sequence
from pathlib import Path

from classtap_cli.seat_files import wrong_use
from classtap_core.seating import drawing
from classtap_core.seating.audience import Audience
from classtap_core.seating.diff_drawing import DiffCaptions
from classtap_core.seating.formats.report import Note
from classtap_core.seating.formats.svg import write_svg
from classtap_core.seating.model import SeatMap
from classtap_desktop.canvas.sheet_pdf import printed as print_pdf
from classtap_desktop.canvas.sheet_png import write_png
from resources.text import Catalogue


def drawn(
    seat_map: SeatMap, kind: str, audience: Audience, scale: int | None, dpi: int
) -> tuple[bytes, tuple[Note, ...]]:
    return page_as(drawing.sheet(seat_map, audience=audience, scale=scale), kind, seat_map, audience, dpi)


def page_as(
    page: drawing.Sheet, kind: str, seat_map: SeatMap, audience: Audience, dpi: int
) -> tuple[bytes, tuple[Note, ...]]:
    if kind == "svg":
        return write_svg(seat_map, audience=audience, page=page), ()
    if kind == "png":
        return write_png(drawing.cropped(page), dpi=dpi), ()
    return printed([page], seat_map.name)


def ending(out: Path) -> str:
    kind = out.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg", "pdf"):
        wrong_use("seatmap.render_ending")
    return kind


def diff_captions(words: Catalogue) -> DiffCaptions:
    return DiffCaptions(*(words.say(f"seatmap.diff.{name}") for name in DiffCaptions._fields))


def printed(pages: Sequence[drawing.Sheet], title: str) -> tuple[bytes, tuple[Note, ...]]:
    made, missing = print_pdf(pages, title=title)
    return made, (Note("", f"letters without a font: {missing}"),) if missing else ()
