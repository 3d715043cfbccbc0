"""Families from a table: headers guessed, every bad row named, then all of it or nothing. Run again, it changes nothing.

A row is a child. Rows of one family belong together by a family number, or by its name and a guardian's phone or e-mail.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.outcomes import Outcome, Status
from classtap_core.people.operations import AddChildren, AddFamily, ChildDraft, ContactDraft
from classtap_core.people.tables import Table

ALIASES: Mapping[str, tuple[str, ...]] = {
    "family_number": ("family id", "family number", "household id", "id familia", "numero familia", "account id"),
    "family": ("family", "family name", "household", "familia", "apellido familia", "account name", "العائلة"),
    "given": ("first name", "given name", "child first name", "child name", "name", "nombre", "vorname", "prenom", "الاسم"),
    "surname": ("last name", "surname", "child last name", "family name child", "apellidos", "apellido", "nachname", "nom",
                "اللقب"),
    "birth_date": ("birth date", "date of birth", "dob", "birthday", "fecha de nacimiento", "nacimiento", "geburtsdatum",
                   "date de naissance", "تاريخ الميلاد"),
    "health_notes": ("health notes", "medical notes", "allergies", "medical", "notas medicas", "alergias", "allergien"),
    "guardian": ("guardian", "parent", "guardian name", "parent name", "mother", "padre o madre", "tutor", "madre"),
    "relation": ("relation", "relationship", "parentesco", "relacion"),
    "phone": ("phone", "mobile", "parent phone", "guardian phone", "cell", "telefono", "movil", "telefon", "الهاتف"),
    "email": ("email", "e mail", "parent email", "guardian email", "correo", "correo electronico", "البريد"),
    "guardian_2": ("guardian 2", "parent 2", "guardian 2 name", "second guardian", "father", "padre", "tutor 2"),
    "relation_2": ("relation 2", "guardian 2 relation", "parentesco 2"),
    "phone_2": ("phone 2", "guardian 2 phone", "parent 2 phone", "telefono 2"),
    "email_2": ("email 2", "guardian 2 email", "parent 2 email", "correo 2"),
}  # fmt: skip
NEEDED = ("given", "surname")
RELATIONS = ("mother", "father", "guardian", "grandparent", "other")
_GUARDIANS = (("guardian", "relation", "phone", "email"), ("guardian_2", "relation_2", "phone_2", "email_2"))
_OLDEST_YEARS = 120
_LONGEST = 2_000
_AT_ONCE = 100


class BadRow(NamedTuple):
    """What is wrong with a row: its number, the field, a code, and what stands there."""

    number: int
    field: str
    code: str
    found: str = ""


class Import(NamedTuple):
    """What a table comes to. Nothing may be brought in while there are bad rows."""

    families: tuple[AddFamily, ...]
    bad: tuple[BadRow, ...]

    @property
    def children(self) -> int:
        return sum(len(family.items) for family in self.families)


def guess(headers: Sequence[str]) -> dict[str, int]:
    """Which column is which field, by its header: the first that says it exactly. What is not known is left out."""
    plain = [_plain(header) for header in headers]
    found: dict[str, int] = {}
    for field, names in ALIASES.items():
        for name in (_plain(field.replace("_", " ")), *names):
            if name in plain and plain.index(name) not in found.values():
                found[field] = plain.index(name)
                break
    return found


def read_families(
    table: Table, columns: Mapping[str, int], *, studio: Id, home: Id, today: str, day_first: bool | None = None
) -> Import:
    """Families of one home from a table; ids follow from what the rows say, so that the same rows are the same people.

    `day_first` says how dates such as 03/04/2018 are meant; None to find out from the others of the column.
    """
    missing = [field for field in NEEDED if field not in columns]
    if missing:
        return Import((), tuple(BadRow(0, field, "import.column_missing") for field in missing))
    rows = [_Row(number, row, columns) for number, row in zip(table.numbers, table.rows, strict=True)]
    dates = _Dates.of((row.says("birth_date") for row in rows), date.fromisoformat(today), day_first)
    bad: list[BadRow] = []
    grouped: dict[str, list[tuple[_Row, ChildDraft]]] = {}
    seen: dict[Id, int] = {}
    for row in rows:
        troubles, born = _troubles(row, dates)
        key = row.family_key()
        child = derived("import.child", studio, key, row.says("given").casefold(), row.says("surname").casefold(), born)
        if child in seen and not troubles:
            troubles = [BadRow(row.number, "given", "import.child_twice", str(seen[child]))]
        seen.setdefault(child, row.number)
        bad += troubles
        draft = ChildDraft(
            child=child, given=row.says("given"), surname=row.says("surname"), birth_date=born,
            health_notes=row.says("health_notes"),
        )  # fmt: skip
        grouped.setdefault(key, []).append((row, draft))
    if bad:
        return Import((), tuple(bad))
    return Import(tuple(_family(studio, home, key, members) for key, members in grouped.items()), ())


def bring_in(bus: DeviceBus, families: Sequence[AddFamily], author: Author, *, going_on: Callable[[int], bool]) -> int:
    """Say all of it on this device in one commit; how many families were new, or have new children.

    `going_on` hears after each how many are done and says whether to go on. Where it says no, or one is refused, nothing
    of it has happened. Raises Refused `import.cancelled` or `import.refused`.
    """
    new = 0
    with bus.backend.atomic():
        for start in range(0, len(families), _AT_ONCE):
            chunk = families[start : start + _AT_ONCE]
            outcomes = [receipt.outcome for receipt in bus.submit_all(chunk, author, source="import")]
            there = [place for place, outcome in enumerate(outcomes) if _code(outcome) == "family.exists"]
            more = [
                AddChildren(family=chunk[place].family, home=chunk[place].home, items=chunk[place].items)
                for place in there
            ]
            for place, receipt in zip(there, bus.submit_all(more, author, source="import"), strict=True):
                outcomes[place] = receipt.outcome
            for place, outcome in enumerate(outcomes, start + 1):
                if not outcome.stands:
                    raise Refused("import.refused", row=place, why=_code(outcome))
                new += outcome.status is Status.ACCEPTED
            if not going_on(start + len(chunk)):
                raise Refused("import.cancelled", done=start + len(chunk))
    return new


def _code(outcome: Outcome) -> str:
    return outcome.reasons[0].code if outcome.reasons else str(outcome.status)


class _Row(NamedTuple):
    number: int
    cells: tuple[str, ...]
    columns: Mapping[str, int]

    def says(self, field: str) -> str:
        return self.cells[self.columns[field]] if field in self.columns else ""

    def family_name(self) -> str:
        return self.says("family") or self.says("surname")

    def family_key(self) -> str:
        """What its family is known by: its number, or its name and how a guardian is reached."""
        if self.says("family_number"):
            return f"#{self.says('family_number')}"
        reached = (
            re.sub(r"\D", "", self.says("phone")) or self.says("email").casefold() or self.says("guardian").casefold()
        )
        return f"{_plain(self.family_name())}/{reached}"


def _family(studio: Id, home: Id, key: str, members: Sequence[tuple[_Row, ChildDraft]]) -> AddFamily:
    family = derived("import.family", studio, key)
    contacts: dict[Id, ContactDraft] = {}
    for row, _ in members:
        for fields in _GUARDIANS:
            name, relation, phone, email = (row.says(field) for field in fields)
            if name or phone or email:
                id = derived("import.contact", family, name.casefold(), re.sub(r"\D", "", phone), email.casefold())
                contacts[id] = ContactDraft(
                    contact=id, relation=relation.casefold() or "other", name=name or row.family_name(), phone=phone,
                    email=email,
                )  # fmt: skip
    return AddFamily(
        family=family, home=home, name=members[0][0].family_name(), items=tuple(draft for _, draft in members),
        contacts=tuple(contacts.values()),
    )  # fmt: skip


def _troubles(row: _Row, dates: "_Dates") -> tuple[list[BadRow], str]:
    """What is wrong with a row, and the birth date it gives."""
    found = [BadRow(row.number, field, "import.empty") for field in NEEDED if not row.says(field)]
    found += [BadRow(row.number, field, "import.long") for field in row.columns if len(row.says(field)) > _LONGEST]
    for _, relation, phone, email in _GUARDIANS:
        if row.says(relation) and row.says(relation).casefold() not in RELATIONS:
            found.append(BadRow(row.number, relation, "import.relation", row.says(relation)))
        if row.says(phone) and not 5 <= len(re.sub(r"\D", "", row.says(phone))) <= 15:
            found.append(BadRow(row.number, phone, "import.phone", row.says(phone)))
        if row.says(email) and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", row.says(email)):
            found.append(BadRow(row.number, email, "import.email", row.says(email)))
    born, code = dates.read(row.says("birth_date"))
    if code:
        found.append(BadRow(row.number, "birth_date", code, row.says("birth_date")))
    return found, born


class _Dates(NamedTuple):
    """How a column writes its dates. `day_first` is None where nobody can tell."""

    today: date
    day_first: bool | None

    @classmethod
    def of(cls, written: Iterable[str], today: date, day_first: bool | None) -> "_Dates":
        if day_first is not None:
            return cls(today, day_first)
        pairs = [(int(found[1]), int(found[2])) for text in written if (found := _SLASHED.fullmatch(text))]
        day, month = any(first > 12 for first, _ in pairs), any(second > 12 for _, second in pairs)
        return cls(today, None if day is month else day)

    def read(self, text: str) -> tuple[str, str]:
        """The date as `2018-04-03`, and what is wrong with it: a code, or ""."""
        if not text:
            return "", ""
        slashed = _SLASHED.fullmatch(text)
        try:
            if slashed is None:
                born = date.fromisoformat(text)
            else:
                first, second, year = (int(part) for part in slashed.groups())
                if self.day_first is None and first != second:
                    return "", "import.date_unclear"
                day, month = (first, second) if self.day_first else (second, first)
                born = date(year, month, day)
        except ValueError:
            return "", "import.date"
        if born > self.today or born.year < self.today.year - _OLDEST_YEARS:
            return "", "import.date"
        return born.isoformat(), ""


_SLASHED = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})")


def _plain(text: str) -> str:
    """Without case, accents and punctuation, one space between words."""
    bare = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return " ".join(re.sub(r"[\W_]+", " ", bare.casefold()).split())
