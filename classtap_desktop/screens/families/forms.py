"""A new family, and a child of one."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from PySide6.QtWidgets import QComboBox, QWidget

from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id, fresh
from classtap_core.kernel.operations import Payload
from classtap_core.timekeeping.rules import parse_date
from classtap_desktop.desk import Desk
from classtap_desktop.frame.dialog import named
from classtap_desktop.kit import Label, theme
from classtap_desktop.screens.entries import Entries, Entry, Field
from classtap_desktop.screens.families import household as says
from classtap_desktop.screens.families.guardian_form import CONTACT, contact_facts
from classtap_desktop.screens.families.household import (
    ChildEntry,
    ChildSheet,
    Household,
)
from classtap_desktop.screens.form import Form
from classtap_desktop.screens.photo_field import PhotoField
from classtap_desktop.spacing import row

_CHILD = (
    Field("given", "desk.form.given"), Field("surname", "desk.form.surname"),
    Field("birth_date", "desk.form.birth_date", hint="desk.form.date_hint"),
)  # fmt: skip
_MORE_OF_CHILD = (
    Field("languages", "desk.form.languages", 3, hint="desk.form.languages_hint"),
    Field("listed", "desk.form.listed", 3, flag=True),
)


class NewFamilyForm(Form):
    """A family that comes for the first time. ``homes``: locations it may belong to, with their names and today's date."""

    def __init__(self, desk: Desk, over: QWidget, homes: Sequence[tuple[Id, str, str]]) -> None:
        words = theme().words
        super().__init__(
            desk, over, words.say("desk.form.new_family"), fresh(desk.now().corrected, secrets.token_bytes),
            self.payloads,
        )  # fmt: skip
        self._homes = {home: today for home, _, today in homes}
        choices = tuple((home, name) for home, name, _ in homes)
        self.head = Entry((Field("name", "desk.form.family_name", 3),), {}, removable=False)
        self.home = QComboBox()
        for home, name in choices:
            self.home.addItem(name, home)
        self.body.addWidget(self.head)
        if len(choices) > 1:
            line = row(gap=12)
            line.addWidget(named(self.home, words.say("desk.form.home")))
            line.addWidget(self.home, 1)
            self.body.addLayout(line)
        self.children_ = Entries(_CHILD, "desk.form.more_children", [{}])
        self.guardians = Entries(CONTACT, "desk.form.more_guardians", [{}])
        self.section("desk.form.children").addWidget(self.children_)
        self.section("desk.form.guardians").addWidget(self.guardians)
        self.body.addWidget(Label(words.say("desk.form.first_is_primary"), "secondary", token="muted", wrap=True))
        self.body.addStretch(1)
        for part in (self.head, self.children_, self.guardians):
            part.changed.connect(self.note_change)

    def payloads(self) -> list[Payload]:
        name = str(self.head.values()["name"])
        if not name:
            raise BadInput("form.need_name")
        children = [(self.id(), child_entry(one)) for one in self.children_.values()]
        if not children:
            raise BadInput("form.need_child")
        guardians = [(self.id(), contact_facts(one)) for one in self.guardians.values()]
        home = Id(str(self.home.currentData()))
        return says.new_family(home, name, children, guardians, family=self._about, today=self._homes[home])


class ChildForm(Form):
    """A child's names, birth date, languages and whether they may be listed; somebody new without a sheet."""

    def __init__(self, desk: Desk, over: QWidget, household: Household, sheet: ChildSheet | None = None) -> None:
        words = theme().words
        title = "desk.form.new_child" if sheet is None else "desk.form.child"
        super().__init__(desk, over, words.say(title), household.family, self.payloads, wide=720, high=520)
        self._household, self._sheet = household, sheet
        values: dict[str, str | bool] = {}
        fields: tuple[Field, ...] = _CHILD
        if sheet is not None:
            values = {
                "given": sheet.facts.given, "surname": sheet.facts.surname, "birth_date": sheet.birth_date or "",
                "languages": ", ".join(sheet.facts.languages), "listed": sheet.facts.listed,
            }  # fmt: skip
            if sheet.birth_date is None:
                fields = _CHILD[:2]
        self._child = sheet.id if sheet is not None else self.id()
        facts = sheet.facts if sheet is not None else None
        self.photo = PhotoField(
            desk, f"{facts.given} {facts.surname}" if facts else "", self._child, f"families/{household.home}",
            facts.photo if facts else None,
        )  # fmt: skip
        self.photo.changed.connect(self.note_change)
        self.body.addWidget(self.photo)
        self.entry = Entry((*fields, *_MORE_OF_CHILD), values, removable=False)
        self.entry.changed.connect(self.note_change)
        self.body.addWidget(self.entry)
        self.body.addWidget(Label(words.say("desk.form.listed_text"), "secondary", token="muted", wrap=True))
        self.body.addStretch(1)

    def payloads(self) -> list[Payload]:
        entry = child_entry(self.entry.values())._replace(photo=self.photo.blob)
        if not (entry.given or entry.surname):
            raise BadInput("form.need_name")
        if self._sheet is None:
            return says.new_child(self._household, self._child, entry)
        return says.changed_child(self._sheet, entry)


def child_entry(values: dict[str, str | bool]) -> ChildEntry:
    """What a child's fields say. Raises BadInput `time.date`."""
    spoken = tuple(
        part.strip() for part in str(values.get("languages", "")).replace(";", ",").split(",") if part.strip()
    )
    born = values.get("birth_date")
    if born:
        parse_date(str(born))
    return ChildEntry(
        str(values["given"]), str(values["surname"]), None if born is None else str(born), spoken,
        bool(values.get("listed", False)),
    )  # fmt: skip
