"""Which column of a table says what, and what is wrong with a row. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from classtap_core.exchange.tables import FAULT, Table

LONGEST = 2_000
"""No cell says more."""
_OLDEST_YEARS = 120
_SLASHED = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})")

_ASIDE = re.compile(r"\([^)]*\)|['’]s\b")

Aliases = Mapping[str, tuple[str, ...]]
"""Field → what headers call it, in any case and with any accents."""


class BadRow(NamedTuple):
    """What is wrong with a row: its number, the field, a code, and what stands there."""

    number: int
    field: str
    code: str
    found: str = ""


class Line(NamedTuple):
    """One row of a table, its cells by field."""

    number: int
    cells: tuple[str, ...]
    columns: Mapping[str, int]

    def says(self, field: str) -> str:
        text = self.cells[self.columns[field]] if field in self.columns else ""
        return "" if text.startswith(FAULT) else text

    def fault(self, field: str) -> str:
        """The formula that came to nothing here, or ""."""
        text = self.cells[self.columns[field]] if field in self.columns else ""
        return text.removeprefix(FAULT) if text.startswith(FAULT) else ""


def guess(headers: Sequence[str], aliases: Aliases) -> dict[str, int]:
    """Which column is which field, by its header: the first that says it exactly. What is not known is left out."""
    said = [_heading(header) for header in headers]
    found: dict[str, int] = {}
    for field, names in aliases.items():
        for name in map(plain, (field.replace("_", " "), *names)):
            if name in said and said.index(name) not in found.values():
                found[field] = said.index(name)
                break
    return found


def _heading(header: str) -> str:
    """A header without what explains it in brackets, and without whose it is."""
    return plain(_ASIDE.sub(" ", header)) or plain(header)


def lines(table: Table, columns: Mapping[str, int]) -> list[Line]:
    return [Line(number, row, columns) for number, row in zip(table.numbers, table.rows, strict=True)]


def ragged(table: Table) -> list[BadRow]:
    """Rows that say more than there are columns: everything in them may stand in the wrong one."""
    return [BadRow(number, "", "import.ragged") for number in table.ragged]


def lacking(columns: Mapping[str, int], needed: Iterable[str]) -> tuple[BadRow, ...]:
    """Columns without which nothing can be read."""
    return tuple(BadRow(0, field, "import.column_missing") for field in needed if field not in columns)


def gaps(line: Line, needed: Iterable[str]) -> list[BadRow]:
    """Cells that are empty and must not be, and those that say too much."""
    faults = {field: line.fault(field) for field in line.columns if line.fault(field)}
    return [
        *(BadRow(line.number, field, "import.formula", found) for field, found in faults.items()),
        *(BadRow(line.number, one, "import.empty") for one in needed if not line.says(one) and one not in faults),
        *(BadRow(line.number, one, "import.long") for one in line.columns if len(line.says(one)) > LONGEST),
    ]


def plain(text: str) -> str:
    """Without case, accents and punctuation, one space between words."""
    bare = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return " ".join(re.sub(r"[\W_]+", " ", bare.casefold()).split())


def digits(text: str) -> str:
    return re.sub(r"\D", "", text)


class Dates(NamedTuple):
    """How a column writes its dates. `day_first` is None where nobody can tell."""

    today: date
    day_first: bool | None

    @classmethod
    def of(cls, written: Iterable[str], today: date, day_first: bool | None) -> "Dates":
        """`day_first` says how dates such as 03/04/2018 are meant; None to find out from the others of the column."""
        if day_first is not None:
            return cls(today, day_first)
        pairs = [(int(found[1]), int(found[2])) for text in written if (found := _SLASHED.fullmatch(text))]
        day, month = any(first > 12 for first, _ in pairs), any(second > 12 for _, second in pairs)
        return cls(today, None if day is month else day)

    def born(self, text: str) -> tuple[str, str]:
        """A birth date as `2018-04-03`, and what is wrong with it: a code, or ""."""
        found, code = self.read(text)
        if found and not self.today.year - _OLDEST_YEARS <= int(found[:4]) <= self.today.year:
            return "", "import.date"
        return (found, code) if found <= self.today.isoformat() else ("", "import.date")

    def read(self, text: str) -> tuple[str, str]:
        """A date as `2018-04-03`, and what is wrong with it: a code, or ""."""
        if not text:
            return "", ""
        slashed = _SLASHED.fullmatch(text)
        try:
            if slashed is None:
                return date.fromisoformat(text).isoformat(), ""
            first, second, year = (int(part) for part in slashed.groups())
            if self.day_first is None and first != second:
                return "", "import.date_unclear"
            day, month = (first, second) if self.day_first else (second, first)
            return date(year, month, day).isoformat(), ""
        except ValueError:
            return "", "import.date"
