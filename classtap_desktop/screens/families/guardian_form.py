"""How a guardian is reached, and how they stand to each child of the family."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLineEdit, QWidget

from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload
from classtap_core.people.guardian_operations import GuardianFacts
from classtap_core.people.guardians import ACTIVE, MATRIX, PRIMARY, RANKS, REVOKED, Right, Role
from classtap_core.people.profile_operations import RELATIONS, ContactFacts
from classtap_desktop.desk import Desk
from classtap_desktop.kit import Card, Label, theme
from classtap_desktop.screens.entries import Entry, Field
from classtap_desktop.screens.families import household as says
from classtap_desktop.screens.families.household import (
    GuardianEntry,
    GuardianSheet,
    Household,
    Link,
    LinkEntry,
)
from classtap_desktop.screens.form import Form
from classtap_desktop.screens.photo_field import PhotoField
from classtap_desktop.screens.sheet import words as parted
from classtap_desktop.spacing import column

CONTACT = (
    Field("name", "desk.form.name", 3),
    Field("relation", "desk.form.relation", 3, choices=tuple((code, f"desk.relation.{code}") for code in RELATIONS)),
    Field("phone", "desk.form.phone", 3, hint="desk.form.phone_hint"),
    Field("email", "desk.form.email", 3),
)
LANGUAGES = Field("languages", "desk.form.languages", 3, hint="desk.form.languages_hint")
"""The first that there are words for is the one they are written to in."""


class GuardianForm(Form):
    """How a guardian is reached, and for each child: which role, from when to when, and what they may beside it."""

    def __init__(self, desk: Desk, over: QWidget, household: Household, sheet: GuardianSheet | None = None) -> None:
        words = theme().words
        title = "desk.form.new_guardian" if sheet is None else "desk.form.guardian"
        super().__init__(desk, over, words.say(title), household.family, self.payloads)
        self._household, self._sheet = household, sheet
        facts = sheet.facts if sheet is not None else ContactFacts(name="", relation="guardian")
        self._guardian = sheet.id if sheet is not None else self.id()
        self.photo = PhotoField(desk, facts.name, self._guardian, f"contact/{household.home}", facts.photo)
        self.photo.changed.connect(self.note_change)
        self.photo.setVisible(sheet is None or not sheet.masked)
        self.body.addWidget(self.photo)
        values = {
            "name": facts.name, "relation": facts.relation, "phone": facts.phone, "email": facts.email,
            "languages": ", ".join(facts.languages),
        }  # fmt: skip
        self.entry = Entry((*CONTACT, LANGUAGES), values, removable=False)
        if sheet is not None and sheet.masked:
            self.entry.setEnabled(False)
            self.body.addWidget(
                Label(
                    words.say("desk.form.masked_yet" if sheet.yet else "desk.form.masked"),
                    "secondary",
                    token="muted",
                    wrap=True,
                )
            )
        self.entry.changed.connect(self.note_change)
        self.body.addWidget(self.entry)
        self.stands: dict[Id, StandsTo] = {}
        part = self.section("desk.form.stands_to")
        for child in household.children:
            link = sheet.links.get(child.id, Link()) if sheet is not None else Link()
            before = household.primary_of(child.id, but=sheet.id if sheet is not None else Id(""))
            name = f"{child.facts.given} {child.facts.surname}".strip()
            stands = StandsTo(
                name, link, household.today, before=before.facts.name if before is not None else "",
                lifts=household.lifts_blocks,
            )  # fmt: skip
            stands.changed.connect(self.note_change)
            self.stands[child.id] = stands
            part.addWidget(stands)
        self.body.addStretch(1)

    def payloads(self) -> list[Payload]:
        facts = replace(contact_facts(self.entry.values()), photo=self.photo.blob)
        if not facts.name:
            raise BadInput("form.need_name")
        links = {child: stands.said(facts.relation) for child, stands in self.stands.items() if stands.touched}
        entry = GuardianEntry(facts, links)
        if self._sheet is None:
            return says.new_guardian(self._household, self._guardian, entry)
        return says.changed_guardian(self._household, self._sheet, entry)


class StandsTo(Card):
    """How a guardian stands to one child: a role with its dates, and the seven rights. Signals: ``changed``.

    A right follows the role until somebody ticks or unticks it for this child alone. ``before`` is the name of another
    who is the primary today; ``lifts``: whether a block may be taken back here.
    """

    changed = Signal()

    def __init__(self, name: str, link: Link, today: str, *, before: str = "", lifts: bool = False) -> None:
        super().__init__(radius=12)
        words = theme().words
        self._link, self._today, self._before = link, today, before
        self.touched = False
        current = _current(link.facts.roles, today)
        whole = column(self, margins=(14, 10, 14, 12), gap=8)
        whole.addWidget(Label(name, "strong", elide=True))
        roles = (("", "desk.form.no_role"), *((role, f"desk.role.{role}") for role in RANKS))
        fields = (
            Field("role", "desk.form.role", choices=roles),
            Field("first", "desk.form.first_day", hint="desk.form.date_hint"),
            Field("last", "desk.form.last_day", hint="desk.form.no_end"),
        )
        self.entry = Entry(
            fields,
            {"role": current.role, "first": current.first or today, "last": current.last}
            if current
            else {"first": today},
            removable=False,
        )
        self.entry.changed.connect(self._role_changed)
        whole.addWidget(self.entry)
        self.rights: dict[Right, QCheckBox] = {}
        grid = QGridLayout()
        columns = 2 if theme().text_scale < 1.4 else 1
        for at, right in enumerate(Right):
            box = QCheckBox(words.say(f"desk.right.{right}"))
            box.toggled.connect(lambda _: self._touch())
            self.rights[right] = box
            grid.addWidget(box, at // columns, at % columns)
        whole.addLayout(grid)
        self.handing = Label("", "secondary", token="info", wrap=True)
        whole.addWidget(self.handing)
        self.blocked = QCheckBox(words.say("desk.form.blocked"))
        self.blocked.setChecked(bool(link.blocks))
        self.blocked.setEnabled(lifts or not link.blocks)
        self.reason = QLineEdit()
        self.reason.setPlaceholderText(words.say("desk.form.blocked_why"))
        self.reason.setAccessibleName(words.say("desk.form.blocked_why"))
        self.reason.textEdited.connect(lambda _: self._touch())
        self.blocked.toggled.connect(lambda _: self._touch())
        for widget in (self.blocked, self.reason):
            whole.addWidget(widget)
        self._own = {**dict.fromkeys(link.facts.allow, True), **dict.fromkeys(link.facts.deny, False)}
        self._follow()

    def said(self, relation: str) -> LinkEntry:
        """What is wanted. Roles of other times stay as they are."""
        return LinkEntry(self._facts(relation), self.blocked.isChecked(), self.reason.text().strip())

    def _facts(self, relation: str) -> GuardianFacts:
        values = self.entry.values()
        role = str(values["role"])
        current = _current(self._link.facts.roles, self._today)
        roles = tuple(one for one in self._link.facts.roles if one != current)
        if role:
            external = current.external if current is not None else ""
            roles += (Role(role, str(values["first"]), str(values["last"]), external=external),)
        elif current is not None:
            roles += (replace(current, state=REVOKED),)
        allowed = MATRIX.get(role, frozenset())
        ticked = {right for right, box in self.rights.items() if box.isChecked()}
        return GuardianFacts(
            relation=relation if not self._link.facts.roles else self._link.facts.relation,
            roles=roles,
            allow=tuple(sorted(ticked - allowed)) if role else (),
            deny=tuple(sorted(allowed - ticked)),
        )

    def _role_changed(self) -> None:
        self._follow()
        self._touch()

    def _follow(self) -> None:
        """Tick what the role allows, but for what was said for this child alone."""
        role = str(self.entry.values()["role"])
        for right, box in self.rights.items():
            box.blockSignals(True)
            box.setChecked(self._own.get(right, right in MATRIX.get(role, ())))
            box.setEnabled(bool(role))
            box.blockSignals(False)
        self.reason.setVisible(self.blocked.isChecked() and not self._link.blocks)
        hands = role == PRIMARY and bool(self._before)
        self.handing.setVisible(hands)
        if hands:
            self.handing.show_text(theme().words.say("desk.form.hands_over", name=self._before))

    def _touch(self) -> None:
        role = str(self.entry.values()["role"])
        self._own = {
            right: box.isChecked()
            for right, box in self.rights.items()
            if box.isChecked() != (right in MATRIX.get(role, ()))
        }
        self.touched = True
        self._follow()
        self.changed.emit()


def contact_facts(values: dict[str, str | bool]) -> ContactFacts:
    """What a guardian's fields say."""
    name, relation, phone, email = (str(values[name]) for name in ("name", "relation", "phone", "email"))
    spoken = parted(values.get("languages", ""))
    return ContactFacts(name=name, relation=relation, phone=phone, email=email, languages=spoken)


def _current(roles: Sequence[Role], today: str) -> Role | None:
    """The role that a form edits: the highest of today, else the next to come."""
    live = [role for role in roles if role.state == ACTIVE and (not role.last or role.last >= today)]
    return min(live, key=lambda role: (role.first > today, RANKS.index(role.role), role.first), default=None)
