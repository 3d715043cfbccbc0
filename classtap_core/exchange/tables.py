"""Tables that people bring: CSV in whatever form a spreadsheet writes it, and XLSX. Text in, nothing guessed of what it means."""

import codecs
import csv
import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from classtap_core.kernel.errors import BadInput

MOST_ROWS, MOST_BYTES = 50_000, 50_000_000
_DELIMITERS = ",;\t|"


class Table(NamedTuple):
    """A header and rows of text, each as wide as the header. `numbers` are the rows' own, as a spreadsheet counts them."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...]


def read_table(data: bytes) -> Table:
    """The first sheet of an XLSX file, or a CSV file in UTF-8, UTF-16 or Windows-1252, with any usual delimiter.

    Empty rows are left out. Raises BadInput `table.unreadable`, `table.empty` or `table.long`.
    """
    if len(data) > MOST_BYTES:
        raise BadInput("table.long", most=MOST_ROWS)
    rows = _sheet(data) if data.startswith(b"PK") else _lines(data)
    numbered = [(number, row) for number, row in enumerate(rows, 1) if any(row)]
    if not numbered:
        raise BadInput("table.empty")
    if len(numbered) > MOST_ROWS + 1:
        raise BadInput("table.long", most=MOST_ROWS)
    headers = tuple(numbered[0][1])
    width = len(headers)
    fitted = [(*row[:width], *[""] * (width - len(row))) for _, row in numbered[1:]]
    return Table(headers, tuple(fitted), tuple(number for number, _ in numbered[1:]))


def _lines(data: bytes) -> list[list[str]]:
    text = _decoded(data)
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        return [
            [cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        ]
    except csv.Error as error:
        raise BadInput("table.unreadable") from error


def _decoded(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings: Sequence[str] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise BadInput("table.unreadable")


def _sheet(data: bytes) -> list[list[str]]:
    from openpyxl import load_workbook  # for those who bring a workbook: a kiosk starts without it

    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        try:
            return [[_text(cell) for cell in row] for row in book.worksheets[0].iter_rows(values_only=True)]
        finally:
            book.close()
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, OSError, SyntaxError) as error:
        raise BadInput("table.unreadable") from error


def _text(cell: Any) -> str:
    """A cell as a person would write it: dates by ISO 8601, whole numbers without a point."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
