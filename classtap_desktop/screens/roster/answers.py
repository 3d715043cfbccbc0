"""What those who booked a session answered to what the studio asks, for whom the studio shows it to."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtWidgets import QWidget

from classtap_core.access.blueprints import Capability
from classtap_core.access.rules import decide
from classtap_core.booking.fields import YES_NO, CustomField, Registration, shown
from classtap_core.checkin.reading import fetch, search
from classtap_core.kernel.ids import Id
from classtap_core.people.records import Child
from classtap_core.people.rules import sort_name
from classtap_core.schedule.records import Session
from classtap_core.schedule.rules import resource_of
from classtap_desktop.frame.dialog import Dialog
from classtap_desktop.kit import Label, theme
from classtap_desktop.operator import Operator
from classtap_desktop.source import DeskSource
from classtap_desktop.spacing import column


class Answered(NamedTuple):
    """A child, and each question with what was answered to it."""

    name: str
    answers: tuple[tuple[CustomField, str], ...]


def read_answers(source: DeskSource, session: Id, operator: Operator | None) -> tuple[Answered, ...]:
    """Return the answers of a session that its reader's roles there may see, by surname."""
    reader, at_ms = source.reader, source.clock.now().corrected
    held = fetch(reader, Session, [session]).get(session)
    if held is None or operator is None or not reader.holds(f"registrations/{held.location}"):
        return ()
    where = resource_of(held)
    roles = [
        grant.role
        for grant in operator.grants
        if not grant.deny and decide((grant,), Capability.VIEW_ROSTER, where, at_ms=at_ms).allowed
    ]
    fields = {one.id: one for one in search(reader, CustomField, "by_state")}
    found = search(reader, Registration, "by_session", session)
    children = fetch(reader, Child, (one.child for one in found))
    lines = [
        (sort_name(child.surname, child.given), Answered(f"{child.given} {child.surname}".strip(), tuple(answers)))
        for one in found
        if (child := children.get(one.child)) is not None and (answers := shown(one, fields, roles))
    ]
    return tuple(line for _, line in sorted(lines, key=lambda line: (line[0], line[1].name)))


class AnswersPage(Dialog):
    """The answers of a session, child by child. Attributes: ``found``."""

    def __init__(self, over: QWidget, name: str, found: tuple[Answered, ...]) -> None:
        words = theme().words
        super().__init__(over, words.say("desk.answers.title", name=name))
        self.found = found
        for one in found:
            part = column(gap=2)
            part.addWidget(Label(one.name, "strong", wrap=True))
            for field, value in one.answers:
                said = words.say(f"desk.answers.{value}") if field.kind == YES_NO else ", ".join(value.split("\n"))
                part.addWidget(Label(f"{field.label} {said}", "text", wrap=True))
            self.body.addLayout(part)
        if not found:
            self.body.addWidget(Label(words.say("desk.answers.none"), "text", token="muted", wrap=True))
        self.body.addStretch(1)
        self.button(words.say("a11y.close"), self.close_overlay, kind="primary")
