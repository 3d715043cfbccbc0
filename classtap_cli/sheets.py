"""Rosters as files: CSV and XLSX for spreadsheets, PDF to print."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from classtap_cli.invocation import sentences
from classtap_cli.written import write_whole

COLUMNS = ("date", "start", "class", "room", "instructor", "surname", "given", "family", "state", "at", "reason")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_PAGE_MM = (210.0, 297.0)
_ROW_MM = 6.4


def rows(found: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """One row a child, in the order of COLUMNS; a state before any mark reads "Not checked in" (ruling 7)."""
    words = sentences()
    for one in found["sessions"]:
        session = (one["date"], one["start"][11:16], one["class"], one["room"], one["instructor"])
        for child in one["children"]:
            reason = (
                words.say(f"reason.{child['reason']}") if words.has(f"reason.{child['reason']}") else child["reason"]
            )
            yield (
                *session, child["surname"], child["given"], child["family"], words.say(f"state.{child['state']}"),
                (child["at"] or "")[11:16], reason,
            )  # fmt: skip


def headings() -> tuple[str, ...]:
    return tuple(sentences().say(f"cli.column.{name}") for name in COLUMNS)


def as_csv(out: Path, found: dict[str, Any]) -> None:
    write_whole(out, csv_table(headings(), rows(found)))


def csv_table(first: Iterable[str], rows: Iterable[Iterable[str]]) -> bytes:
    """UTF-8 with a mark, as spreadsheets want it; nothing in it can be taken for a formula (OWASP, CSV injection)."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(first)
    writer.writerows([_tame(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(out: Path, found: dict[str, Any]) -> None:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    book = Workbook(write_only=True)
    sheet = book.create_sheet(sentences().say("cli.sheet"))
    sheet.freeze_panes = "A2"
    for letter, width in zip("ABCDEFGHIJK", (11, 7, 18, 16, 20, 20, 16, 20, 15, 7, 16), strict=True):
        sheet.column_dimensions[letter].width = width

    def cell(text: str, *, bold: bool = False) -> Any:
        made = WriteOnlyCell(sheet, value=text)
        made.data_type = "s"  # a name that begins with = stays a name
        made.font = Font(bold=bold)
        return made

    sheet.append([cell(heading, bold=True) for heading in headings()])
    for row in rows(found):
        sheet.append([cell(text) for text in row])
    data = io.BytesIO()
    book.save(data)
    write_whole(out, data.getvalue())


def as_pdf(out: Path, found: dict[str, Any]) -> None:
    """A4, one block a session; a session that does not fit begins on the next page."""
    from PySide6.QtCore import QRectF

    from classtap_desktop.kit.paper import Paper

    words = sentences()
    left, right, bottom = 16.0, _PAGE_MM[0] - 16, _PAGE_MM[1] - 16
    columns = [(0.0, 74.0), (76.0, 60.0), (138.0, 40.0)]
    if words.is_rtl:
        columns = [(right - left - x - width, width) for x, width in columns]
    with Paper(title=words.say("cli.sheet"), size_mm=_PAGE_MM, rtl=words.is_rtl) as paper:
        y = 16.0
        paper.words(QRectF(left, y, right - left, 8), found["studio"], size_mm=3, colour="#555555")
        y += 9
        for one in found["sessions"]:
            needed = 14 + _ROW_MM * max(1, len(one["children"]))
            if y > 30 and y + min(needed, 60) > bottom:
                paper.next_page()
                y = 16.0
            title = words.join((f"{one['start'][11:16]} {one['class']}", one["room"], one["instructor"], one["date"]))
            paper.words(QRectF(left, y, right - left, 7), title, size_mm=3.8, bold=True, wrap=False)
            y += 8
            for child in one["children"]:
                if y + _ROW_MM > bottom:
                    paper.next_page()
                    y = 16.0
                name = " ".join(part for part in (child["given"], child["surname"]) if part)
                state = words.say(f"state.{child['state']}")
                at = (child["at"] or "")[11:16]
                for (x, width), text in zip(columns, (name, child["family"], f"{state} {at}".strip()), strict=True):
                    paper.words(QRectF(left + x, y, width, _ROW_MM), text, size_mm=3.2, wrap=False)
                y += _ROW_MM
            y += 6
    write_whole(out, paper.data)


WRITERS: dict[str, Callable[[Path, dict[str, Any]], None]] = {".csv": as_csv, ".xlsx": as_xlsx, ".pdf": as_pdf}


def _tame(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
