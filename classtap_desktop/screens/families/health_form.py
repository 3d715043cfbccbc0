"""What staff must know of a child, as a form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget

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
from classtap_core.people.profile_operations import RELATIONS
from classtap_desktop.desk import Desk
from classtap_desktop.kit import Label, theme
from classtap_desktop.screens.entries import Entries, Field
from classtap_desktop.screens.families import household as says
from classtap_desktop.screens.families.household import (
    ChildSheet,
    Household,
)
from classtap_desktop.screens.form import Form

T = TypeVar("T")

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
    """What staff must know of a child's health, and a guardian's word that it is right."""

    def __init__(self, desk: Desk, over: QWidget, household: Household, sheet: ChildSheet) -> None:
        words = theme().words
        name = f"{sheet.facts.given} {sheet.facts.surname}".strip()
        super().__init__(desk, over, words.say("desk.form.health", name=name), household.family, self.payloads)
        self._sheet = sheet
        facts = self._facts = sheet.health or HealthFacts()
        if sheet.review:
            self.body.addWidget(Label(words.say("desk.form.review"), "text", token="warn", wrap=True))
        self.none_known = QCheckBox(words.say("desk.form.none_known"))
        self.none_known.setChecked(facts.none_known)
        self.none_known.toggled.connect(lambda _: self.note_change())
        self.body.addWidget(self.none_known)
        self.allergies = self._many("allergies", _ALLERGY, facts.allergies)
        self.medications = self._many("medications", _MEDICATION, facts.medications)
        self.conditions = self._many("conditions", _CONDITION, facts.conditions)
        plans = [{"title": one.title, "steps": "\n".join(one.steps)} for one in facts.plans]
        self.plans = Entries(_PLAN, "desk.form.more_plans", plans)
        self.plans.changed.connect(self.note_change)
        self.section("desk.form.plans").addWidget(self.plans)
        self.contacts = self._many("calls", _CALL, facts.contacts)
        self.physician = QLineEdit(facts.physician)
        self.physician.textEdited.connect(lambda _: self.note_change())
        part = self.section("desk.form.physician")
        part.addWidget(self.physician)
        self.physician.setAccessibleName(words.say("desk.form.physician"))
        if not sheet.whole:  # written over from what its reader sees, doses and notes they do not see would clash
            self.body.addWidget(Label(words.say("desk.form.partly"), "secondary", token="muted", wrap=True))
            for part_seen in (self.medications, self.conditions, self.plans, self.physician):
                part_seen.setEnabled(False)
        self.confirm = QCheckBox(words.say("desk.form.confirm"))
        self.confirm.toggled.connect(lambda _: self.note_change())
        self.body.addWidget(self.confirm)
        self.body.addStretch(1)

    def _many(self, name: str, fields: tuple[Field, ...], items: Sequence[object]) -> Entries:
        values = [{field.name: getattr(item, field.name) for field in fields} for item in items]
        entries = Entries(fields, f"desk.form.more_{name}", values)
        entries.changed.connect(self.note_change)
        self.section(f"desk.form.{name}").addWidget(entries)
        return entries

    def payloads(self) -> list[Payload]:
        wanted = HealthFacts(
            allergies=tuple(_made(Allergy, one) for one in self.allergies.values()),
            medications=tuple(_made(Medication, one) for one in self.medications.values()),
            conditions=tuple(_made(Condition, one) for one in self.conditions.values()),
            plans=self._plans(),
            contacts=tuple(_made(EmergencyContact, one) for one in self.contacts.values()),
            physician=self.physician.text().strip(),
            none_known=self.none_known.isChecked(),
        )
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
