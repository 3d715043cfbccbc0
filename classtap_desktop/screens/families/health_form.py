"""What staff must know of a child, as a form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from msgspec.structs import replace
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QLineEdit, QVBoxLayout, QWidget

from classtap_core.health.operations import ConfirmProfile
from classtap_core.health.records import (
    SEVERITIES,
    ActionPlan,
    Allergy,
    Condition,
    EmergencyContact,
    HealthFacts,
    Medication,
)
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.records import Sensitivity
from classtap_core.people.profile_operations import RELATIONS
from classtap_desktop.desk import Desk
from classtap_desktop.kit import Label, theme
from classtap_desktop.screens.entries import Entries, Field
from classtap_desktop.screens.families import household as says
from classtap_desktop.screens.families.household import ChildSheet, Household, read_household
from classtap_desktop.screens.form import Form
from classtap_desktop.screens.revealing import Revealing, WhyRow
from classtap_desktop.spacing import column

T = TypeVar("T")
HEALTH = Sensitivity.HEALTH

_ALLERGY = (
    Field("what", "desk.form.allergy", 3),
    Field("severity", "desk.form.severity", 3, choices=tuple((one, f"desk.severity.{one}") for one in SEVERITIES)),
    Field("reaction", "desk.form.reaction"),
    Field("action", "desk.form.what_to_do"),
    Field("pen", "desk.form.pen"),
)
_MEDICATION = (
    Field("name", "desk.form.medicine"), Field("dose", "desk.form.dose"), Field("when", "desk.form.when"),
    Field("how", "desk.form.how"), Field("here", "desk.form.here", flag=True),
    Field("by_staff", "desk.form.by_staff", flag=True),
)  # fmt: skip
_CONDITION = (
    Field("name", "desk.form.condition"), Field("action", "desk.form.what_to_do"), Field("note", "desk.form.note"),
)  # fmt: skip
_PLAN = (
    Field("title", "desk.form.plan", 6), Field("steps", "desk.form.steps", 6, tall=True),
)  # fmt: skip
_CALL = (
    Field("name", "desk.form.name"), Field("phone", "desk.form.phone", hint="desk.form.phone_hint"),
    Field("relation", "desk.form.relation", choices=tuple((code, f"desk.relation.{code}") for code in RELATIONS)),
)  # fmt: skip


class HealthForm(Form):
    """What staff must know of a child's health, and a guardian's word that it is right.

    What is known already is masked until a reason was given, and again when that reveal is over; what was written by then
    is kept, out of sight, and may be saved. Nothing is ever written over from a form that does not show it.
    Attributes: ``asking`` (why), ``shows`` (whether the fields do).
    """

    def __init__(
        self, desk: Desk, over: QWidget, household: Household, sheet: ChildSheet, revealing: Revealing
    ) -> None:
        words = theme().words
        name = f"{sheet.facts.given} {sheet.facts.surname}".strip()
        super().__init__(desk, over, words.say("desk.form.health", name=name), household.family, self.payloads)
        self._household, self._sheet, self._revealing = household, sheet, revealing
        self._fields: _Fields | None = None
        self.masked = Label("", "text", token="muted", wrap=True)
        self.body.addWidget(self.masked)
        self.asking = WhyRow()
        self.asking.given.connect(self._ask)
        self.body.addWidget(self.asking)
        self.body.addStretch(1)
        revealing.changed.connect(self._revealed)
        revealing.refused.connect(self.complain)
        if sheet.health is not None:
            self._fill(sheet)
        self._dress()

    @property
    def shows(self) -> bool:
        """Whether the fields are there to be read."""
        return self._fields is not None and not self._fields.isHidden()

    @property
    def fields(self) -> _Fields:
        """The fields, once they were shown."""
        assert self._fields is not None
        return self._fields

    def payloads(self) -> list[Payload]:
        return self._fields.payloads() if self._fields is not None else []

    def _ask(self, why: str) -> None:
        self._revealing.ask((HEALTH,), subject=self._sheet.id, home=self._household.home, why=why)
        self.asking.why.clear()

    def _revealed(self) -> None:
        """Something shows or is masked again: read what does, or hide what does no longer."""
        if HEALTH not in self._revealing.shown(self._sheet.id) or self._fields is not None:
            self._dress()
            return
        family, operator, shown = self._household.family, self._desk.operator, self._revealing.standing()
        self._desk.read(
            "family.health", lambda source: read_household(source, family, operator, shown), then=self._read,
            failed=self._failed,
        )  # fmt: skip

    def _read(self, household: Household | None) -> None:
        sheet = next((one for one in household.children if one.id == self._sheet.id), None) if household else None
        if sheet is not None and sheet.health is not None and self._fields is None:
            self._fill(sheet)
        self._dress()

    def _fill(self, sheet: ChildSheet) -> None:
        self._fields = _Fields(sheet)
        self._fields.changed.connect(self.note_change)
        self.body.insertWidget(0, self._fields)

    def _dress(self) -> None:
        shows = not self._sheet.hidden or HEALTH in self._revealing.shown(self._sheet.id)
        if self._fields is not None and not shows and not self.written:
            self._fields.hide()
            self._fields.setParent(None)  # gone at once, and not when there is time
            self._fields.deleteLater()
            self._fields = None
        if self._fields is not None:
            self._fields.setVisible(shows)
        there = self.shows
        kept = "desk.form.health_kept" if self._fields is not None else "desk.form.health_masked"
        self.masked.show_text("" if there else theme().words.say(kept))
        self.masked.setVisible(not there)
        self.asking.setVisible(not there)
        self.save.setEnabled(self._fields is not None)


class _Fields(QWidget):
    """The fields themselves. Signals: ``changed``."""

    changed = Signal()

    def __init__(self, sheet: ChildSheet) -> None:
        super().__init__()
        words = theme().words
        self._sheet = sheet
        facts = self._facts = sheet.health or HealthFacts()
        self._body = column(self, gap=12)
        if sheet.review:
            self._body.addWidget(Label(words.say("desk.form.review"), "text", token="warn", wrap=True))
        self.none_known = QCheckBox(words.say("desk.form.none_known"))
        self.none_known.setChecked(facts.none_known)
        self.none_known.toggled.connect(lambda _: self.changed.emit())
        self._body.addWidget(self.none_known)
        self.allergies = self._many("allergies", _ALLERGY, facts.allergies)
        self.medications = self._many("medications", _MEDICATION, facts.medications)
        self.conditions = self._many("conditions", _CONDITION, facts.conditions)
        plans = [{"title": one.title, "steps": "\n".join(one.steps)} for one in facts.plans]
        self.plans = Entries(_PLAN, "desk.form.more_plans", plans)
        self.plans.changed.connect(self.changed)
        self._section("desk.form.plans").addWidget(self.plans)
        self.contacts = self._many("calls", _CALL, facts.contacts)
        self.physician = QLineEdit(facts.physician)
        self.physician.textEdited.connect(lambda _: self.changed.emit())
        self._section("desk.form.physician").addWidget(self.physician)
        self.physician.setAccessibleName(words.say("desk.form.physician"))
        if not sheet.whole:  # written over from what its reader sees, doses and notes they do not see would clash
            self._body.addWidget(Label(words.say("desk.form.partly"), "secondary", token="muted", wrap=True))
            for part_seen in (self.medications, self.conditions, self.plans, self.physician):
                part_seen.setEnabled(False)
        self.confirm = QCheckBox(words.say("desk.form.confirm"))
        self.confirm.toggled.connect(lambda _: self.changed.emit())
        self._body.addWidget(self.confirm)

    def _section(self, code: str) -> QVBoxLayout:
        part = column(gap=8)
        part.addWidget(Label(theme().words.say(code), "label", token="muted"))
        self._body.addLayout(part)
        return part

    def _many(self, name: str, fields: tuple[Field, ...], items: Sequence[object]) -> Entries:
        values = [{field.name: getattr(item, field.name) for field in fields} for item in items]
        entries = Entries(fields, f"desk.form.more_{name}", values)
        entries.changed.connect(self.changed)
        self._section(f"desk.form.{name}").addWidget(entries)
        return entries

    def payloads(self) -> list[Payload]:
        """What was written of what shows; a part that shows only partly stays word for word as it is."""
        wanted = HealthFacts(
            allergies=tuple(_made(Allergy, one) for one in self.allergies.values()),
            medications=tuple(_made(Medication, one) for one in self.medications.values()),
            conditions=tuple(_made(Condition, one) for one in self.conditions.values()),
            plans=self._plans(),
            contacts=tuple(_made(EmergencyContact, one) for one in self.contacts.values()),
            physician=self.physician.text().strip(),
            none_known=self.none_known.isChecked(),
        )
        if not self._sheet.whole:
            kept = {name: getattr(self._facts, name) for name in ("medications", "conditions", "plans", "physician")}
            wanted = replace(wanted, **kept)
        payloads = says.changed_health(self._sheet, wanted)
        if self.confirm.isChecked():
            payloads.append(ConfirmProfile(child=self._sheet.id))
        return payloads

    def _plans(self) -> tuple[ActionPlan, ...]:
        papers = {one.title: one.paper for one in self._facts.plans}
        return tuple(
            ActionPlan(
                title=str(one["title"]), paper=papers.get(str(one["title"])),
                steps=tuple(step.strip() for step in str(one["steps"]).split("\n") if step.strip()),
            )
            for one in self.plans.values()
        )  # fmt: skip


def _made(kind: type[T], values: dict[str, str | bool]) -> T:
    return kind(**values)
