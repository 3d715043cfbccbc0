"""Tables that people bring: CSV in whatever form a spreadsheet writes it, and XLSX. Text in, nothing guessed of what it means."""

import codecs
import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from classtap_core.kernel.errors import BadInput

MOST_ROWS, MOST_BYTES = 50_000, 50_000_000
_MOST_UNPACKED = 10 * MOST_BYTES
_MERGED_WITHIN = 60_000_000
"""A workbook that is longer unpacked is read row by row, and merged cells say only what their first one says."""
_DELIMITERS = ",;\t|"
_SAMPLE = 20_000
FAULT = "\0"
"""Before the text of a cell that cannot be taken: a formula nobody has worked out, or one that failed."""


class Table(NamedTuple):
    """A header and rows of text, each as wide as the header. `numbers` are the rows' own, as a spreadsheet counts them.

    `ragged` are numbers of rows that say more than the header has columns for: a delimiter stood in a cell unquoted.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...]
    ragged: tuple[int, ...] = ()


def read_table(data: bytes) -> Table:
    """The first sheet of an XLSX file, or a CSV file in UTF-8, UTF-16 or Windows-1252, with any usual delimiter.

    Empty rows are left out, and so is what stands above the header in a single cell. Merged cells all say what stands
    in them. Raises BadInput `table.unreadable`, `table.empty` or `table.long`.
    """
    if len(data) > MOST_BYTES:
        raise BadInput("table.long", most=MOST_ROWS)
    numbered = _filled(_sheet(data) if data.startswith(b"PK") else _lines(data))
    if not numbered:
        raise BadInput("table.empty")
    at = next((at for at, (_, row) in enumerate(numbered) if len({*row} - {""}) > 1), 0)
    header, body = numbered[at][1], numbered[at + 1 :]
    headers = tuple(_trimmed(header))
    width = len(headers)
    fitted = tuple((*row[:width], *[""] * (width - len(row))) for _, row in body)
    usual = Counter(len(row) for _, row in body).most_common(1)
    most = max(len(header), usual[0][0] if usual else 0)
    ragged = tuple(number for number, row in body if len(row) > most or any(row[width:]))
    return Table(headers, fitted, tuple(number for number, _ in body), ragged)


def _filled(rows: Iterable[list[str]]) -> list[tuple[int, list[str]]]:
    """The rows that say something, with their numbers."""
    found = []
    for number, row in enumerate(rows, 1):
        if any(row):
            found.append((number, row))
        if len(found) > MOST_ROWS + 1:
            raise BadInput("table.long", most=MOST_ROWS)
    return found


def _trimmed(row: list[str]) -> list[str]:
    """Without the empty cells at its end."""
    return row[: max(at for at, cell in enumerate(row, 1) if cell)]


def _lines(data: bytes) -> Iterator[list[str]]:
    text, delimiter = _parted(_decoded(data))
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            yield [cell.strip() for cell in row]
    except csv.Error as error:
        raise BadInput("table.unreadable") from error


def _parted(text: str) -> tuple[str, str]:
    """A text and its delimiter: the one a spreadsheet names in its first line (`sep=;`), or the commonest outside quotes."""
    named = re.match(r"sep=(.)\r?\n", text)
    if named:
        return "\n" + text[named.end() :], named[1]
    bare = re.sub(r'"(?:[^"]|"")*"', "", text[:_SAMPLE])
    return text, max(_DELIMITERS, key=bare.count)


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


def _sheet(data: bytes) -> Iterator[list[str]]:
    from openpyxl.utils.exceptions import (
        InvalidFileException,
    )  # for those who bring a workbook: a kiosk starts without it

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            unpacked = sum(one.file_size for one in packed.infolist())
        if unpacked > _MOST_UNPACKED:
            raise BadInput("table.long", most=MOST_ROWS)
        yield from _cells(data, whole=unpacked <= _MERGED_WITHIN)
    except (
        zipfile.BadZipFile,
        InvalidFileException,
        KeyError,
        ValueError,
        IndexError,
        OSError,
        SyntaxError,
        TypeError,
    ) as error:
        raise BadInput("table.unreadable") from error


def _cells(data: bytes, *, whole: bool) -> Iterator[list[str]]:
    """The cells of the first sheet as text; `whole` reads it at once, and so knows which are merged."""
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(data), read_only=not whole)
    worked_out = None
    try:
        sheet = book.worksheets[0]
        merged = _merged(sheet) if whole else {}
        for at, row in enumerate(sheet.iter_rows(), 1):
            texts = []
            values: tuple[Any, ...] = ()
            if any(cell.data_type == "f" for cell in row):
                worked_out = worked_out or _worked_out(data)
                values = next((found for number, found in worked_out if number == at), ())
            for place, cell in enumerate(row):
                known = values[place] if place < len(values) else None
                texts.append(_said(cell, known))
            for place, text in merged.get(at, {}).items():
                texts[place] = text
            yield texts
    finally:
        book.close()


def _worked_out(data: bytes) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The rows with what their formulas came to when the workbook was last worked out."""
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    try:
        yield from enumerate(book.worksheets[0].iter_rows(values_only=True), 1)
    finally:
        book.close()


def _merged(sheet: Any) -> dict[int, dict[int, str]]:
    """What the cells of merged ranges say, by row and place: each the same as the range's first."""
    found: dict[int, dict[int, str]] = {}
    for span in sheet.merged_cells.ranges:
        text = _text(sheet.cell(span.min_row, span.min_col).value)
        for number in range(span.min_row, span.max_row + 1):
            row = found.setdefault(number, {})
            row.update(dict.fromkeys(range(span.min_col - 1, span.max_col), text))
    return found


def _said(cell: Any, worked_out: Any) -> str:
    if cell.data_type == "f":
        return _text(worked_out) or f"{FAULT}{_text(getattr(cell.value, 'text', cell.value))}"
    return f"{FAULT}{cell.value}" if cell.data_type == "e" else _text(cell.value)


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
