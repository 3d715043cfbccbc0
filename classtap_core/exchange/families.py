"""Families from a table: headers guessed, every bad row named, then all of it or nothing. Run again, it changes nothing.

A row is a child. Rows of one family belong together by a family number, or by its name and a guardian's phone or e-mail.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from msgspec.structs import replace

from classtap_core.exchange.bringing import Step
from classtap_core.exchange.columns import (
    Aliases,
    BadRow,
    Dates,
    Line,
    digits,
    gaps,
    lacking,
    lines,
    plain,
    ragged,
)
from classtap_core.exchange.tables import Table
from classtap_core.kernel.ids import Id, derived
from classtap_core.people.guardians import RANKS
from classtap_core.people.operations import AddChildren, AddFamily, ChildDraft, ContactDraft, GuardianDraft

ALIASES: Aliases = {
    "family_number": ("numero de familia", "رقم العائلة", "family id", "family number", "household id", "id familia",
                      "numero familia", "account id"),
    "family": ("family", "family name", "household", "familia", "apellido familia", "account name", "العائلة"),
    "given": ("first", "student first name", "student name", "given names", "first name", "given name",
              "child first name", "child name", "name", "nombre", "vorname", "prenom", "الاسم"),
    "surname": ("last", "student last name", "last name", "surname", "child last name", "family name child",
                "apellidos", "apellido", "nachname", "nom", "اللقب"),
    "birth_date": ("birthdate", "d o b", "birth date", "date of birth", "dob", "birthday", "fecha de nacimiento",
                   "nacimiento", "geburtsdatum", "date de naissance", "تاريخ الميلاد"),
    "health_notes": ("notas de salud", "ملاحظات صحية", "allergies medical", "health notes", "medical notes",
                     "allergies", "medical", "notas medicas", "alergias", "allergien"),
    "guardian": ("ولي الأمر", "parent guardian", "parent guardian name", "guardian full name", "guardian", "parent",
                 "guardian name", "parent name", "mother", "padre o madre", "tutor", "madre"),
    "relation": ("صلة القرابة", "relation", "relationship", "parentesco", "relacion"),
    "phone": ("phone number", "mobile phone", "cell phone", "phone", "mobile", "parent phone", "guardian phone",
              "cell", "telefono", "movil", "telefon", "الهاتف"),
    "email": ("البريد الإلكتروني", "email address", "e mail address", "email", "e mail", "parent email",
              "guardian email", "correo", "correo electronico", "البريد"),
    "guardian_2": ("segundo tutor", "ولي الأمر الثاني", "guardian 2", "parent 2", "guardian 2 name",
                   "second guardian", "father", "padre", "tutor 2"),
    "relation_2": ("their relation", "su parentesco", "صلة قرابته", "relation 2", "guardian 2 relation",
                   "parentesco 2"),
    "phone_2": ("their phone", "su telefono", "هاتفه", "phone 2", "guardian 2 phone", "parent 2 phone", "telefono 2"),
    "email_2": ("their e mail", "su correo", "بريده الإلكتروني", "email 2", "guardian 2 email", "parent 2 email",
                "correo 2"),
}  # fmt: skip
NEEDED = ("given", "surname")
RELATIONS = ("mother", "father", "guardian", "grandparent", "other")
_GUARDIANS = (("guardian", "relation", "phone", "email"), ("guardian_2", "relation_2", "phone_2", "email_2"))


class Families(NamedTuple):
    """What a table comes to. Nothing may be brought in while there are bad rows."""

    families: tuple[AddFamily, ...]
    bad: tuple[BadRow, ...]

    @property
    def children(self) -> int:
        return sum(len(family.items) for family in self.families)

    @property
    def steps(self) -> tuple[Step, ...]:
        """What is said for it: a family that is there gets the children that lack."""
        return tuple(
            Step(
                row, family,
                {"family.exists": AddChildren(family=family.family, home=family.home, items=family.items)},
            )
            for row, family in enumerate(self.families, 1)
        )  # fmt: skip


def read(
    table: Table, columns: Mapping[str, int], *, studio: Id, home: Id, today: str, day_first: bool | None = None
) -> Families:
    """Families of one home from a table; ids follow from what the rows say, so that the same rows are the same people.

    `day_first` says how dates such as 03/04/2018 are meant; None to find out from the others of the column.
    """
    missing = lacking(columns, NEEDED)
    if missing:
        return Families((), missing)
    rows = lines(table, columns)
    dates = Dates.of((row.says("birth_date") for row in rows), date.fromisoformat(today), day_first)
    bad = ragged(table)
    named: dict[str, tuple[int, str]] = {}
    grouped: dict[str, list[tuple[Line, ChildDraft]]] = {}
    seen: dict[Id, int] = {}
    for row in rows:
        troubles, born = _troubles(row, dates)
        key = _family_key(row)
        child = derived("import.child", studio, key, row.says("given").casefold(), row.says("surname").casefold(), born)
        if child in seen and not troubles:
            troubles = [BadRow(row.number, "given", "import.child_twice", str(seen[child]))]
        seen.setdefault(child, row.number)
        troubles += _other_family(row, key, named)
        bad += troubles
        draft = ChildDraft(
            child=child, given=row.says("given"), surname=row.says("surname"), birth_date=born,
            health_notes=row.says("health_notes"),
        )  # fmt: skip
        grouped.setdefault(key, []).append((row, draft))
    if bad:
        return Families((), tuple(bad))
    return Families(
        tuple(_family(studio, home, key, members, today=today) for key, members in grouped.items()), ()
    )  # fmt: skip


def _other_family(row: Line, key: str, named: dict[str, tuple[int, str]]) -> list[BadRow]:
    """One number, and two families by their names: which of them is meant nobody can tell."""
    name = plain(row.says("family"))
    first, before = named.setdefault(key, (row.number, name)) if name else (0, "")
    return [BadRow(row.number, "family", "import.family_other", str(first))] if name != before else []


def _family_name(row: Line) -> str:
    return row.says("family") or row.says("surname")


def _family_key(row: Line) -> str:
    """What a row's family is known by: its number, or its name and how a guardian is reached."""
    if row.says("family_number"):
        return f"#{row.says('family_number')}"
    reached = digits(row.says("phone")) or row.says("email").casefold() or row.says("guardian").casefold()
    return f"{plain(_family_name(row))}/{reached}"


def _family(studio: Id, home: Id, key: str, members: Sequence[tuple[Line, ChildDraft]], *, today: str) -> AddFamily:
    """One family. Who a row names are that child's first and second guardian, and where it names nobody, whoever the
    family's first row that names somebody does."""
    family = derived("import.family", studio, key)
    contacts: dict[Id, ContactDraft] = {}
    named = [_named(family, row) for row, _ in members]
    for drafts in named:
        contacts.update({draft.contact: draft for draft in drafts})
    usual = next((drafts for drafts in named if drafts), [])
    items = tuple(
        replace(child, guardians=_standing(drafts or usual, today))
        for (_, child), drafts in zip(members, named, strict=True)
    )
    return AddFamily(
        family=family, home=home, name=_family_name(members[0][0]), items=items, contacts=tuple(contacts.values())
    )


def _named(family: Id, row: Line) -> list[ContactDraft]:
    """The guardians of a row, each once."""
    found: dict[Id, ContactDraft] = {}
    for fields in _GUARDIANS:
        name, relation, phone, email = (row.says(field) for field in fields)
        if name or phone or email:
            id = derived("import.contact", family, name.casefold(), digits(phone), email.casefold())
            draft = ContactDraft(
                contact=id, relation=relation.casefold() or "other", name=name or _family_name(row), phone=phone,
                email=email,
            )  # fmt: skip
            found.setdefault(id, draft)
    return list(found.values())


def _standing(drafts: Sequence[ContactDraft], today: str) -> tuple[GuardianDraft, ...]:
    return tuple(
        GuardianDraft(guardian=draft.contact, role=role, first=today, relation=draft.relation)
        for role, draft in zip(RANKS, drafts, strict=False)
    )


def _troubles(row: Line, dates: Dates) -> tuple[list[BadRow], str]:
    """What is wrong with a row, and the birth date it gives."""
    found = gaps(row, NEEDED)
    for _, relation, phone, email in _GUARDIANS:
        if row.says(relation) and row.says(relation).casefold() not in RELATIONS:
            found.append(BadRow(row.number, relation, "import.relation", row.says(relation)))
        found += reach_troubles(row, phone=phone, email=email)
    born, code = dates.born(row.says("birth_date"))
    if code:
        found.append(BadRow(row.number, "birth_date", code, row.says("birth_date")))
    return found, born


def reach_troubles(row: Line, *, phone: str, email: str) -> list[BadRow]:
    """What is wrong with the phone and the address in these fields of a row."""
    found = []
    if row.says(phone) and not 5 <= len(digits(row.says(phone))) <= 15:
        found.append(BadRow(row.number, phone, "import.phone", row.says(phone)))
    if row.says(email) and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", row.says(email)):
        found.append(BadRow(row.number, email, "import.email", row.says(email)))
    return found
