"""Custom fields: what a studio asks of who books a class or a program; kinds, what may be answered, who sees it. Pure.

Answers lie apart from the booking, so that a kiosk, which holds bookings, never holds them.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar

import msgspec

from classtap_core.access.blueprints import FRONT_DESK, INSTRUCTOR, MANAGER, OWNER, SUBSTITUTE
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import Index, Record, about
from classtap_core.schedule import reach as reaching
from classtap_core.schedule.reach import Reach
from classtap_core.schedule.records import Session
from classtap_core.timekeeping.rules import parse_date

TEXT, NUMBER, DATE, CHOICE, CHOICES, YES_NO = "text", "number", "date", "choice", "choices", "yes_no"
KINDS = (TEXT, NUMBER, DATE, CHOICE, CHOICES, YES_NO)
STAFF = (OWNER, MANAGER, FRONT_DESK, INSTRUCTOR, SUBSTITUTE)
LONGEST, MOST_CHOICES = 500, 50


class CustomField(Record, frozen=True, kw_only=True):
    """Something asked when a place is taken. `version` is its head.

    Attributes:
        label: the question. kind: one of `KINDS`. choices: what may be answered, for `choice` and `choices`.
        required: no place without an answer. reach: the sessions it is asked for; none at all: nowhere.
        seen_by: roles that see the answers.
    """

    KIND: ClassVar[str] = "custom_field"
    PREFIX: ClassVar[str] = "studio"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_state", ("state",)),)

    label: str
    kind: str
    version: int
    state: str
    choices: tuple[str, ...] = ()
    required: bool = False
    reach: tuple[Reach, ...] = ()
    seen_by: tuple[str, ...] = (OWNER, MANAGER, FRONT_DESK)


class Answer(msgspec.Struct, frozen=True):
    """What was answered to a field: its id, and the words. Numbers, dates and `yes` or `no` as text; several choices one a line."""

    field: Id
    value: str


class Registration(Record, frozen=True, kw_only=True):
    """Under the booking's own id: what was answered when the place was taken."""

    KIND: ClassVar[str] = "registration"
    PREFIX: ClassVar[str] = "registrations"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_session", ("session",)),)

    session: Id
    child: Id
    location: Id
    answers: Annotated[tuple[Answer, ...], about("child")] = ()

    def scope(self) -> str:
        return f"registrations/{self.location}"


def asked(fields: Iterable[CustomField], session: Session) -> list[CustomField]:
    """The fields a session asks for, in order of their labels."""
    found = [one for one in fields if one.state == "open" and any(part.holds(session) for part in one.reach)]
    return sorted(found, key=lambda one: (one.label, one.id))


def trouble(fields: Iterable[CustomField], answers: Iterable[Answer]) -> tuple[str, Mapping[str, str]]:
    """Why answers do not do: a code and its parameters; "" where they do. `fields`: those the session asks for."""
    fields = tuple(fields)
    given: dict[Id, str] = {}
    for answer in answers:
        if answer.field in given or answer.field not in {one.id for one in fields}:
            return "booking.answer_unknown", {"field": answer.field}
        given[answer.field] = answer.value
    for field in fields:
        value = given.get(field.id, "")
        if not value.strip():
            if field.required:
                return "booking.answer_missing", {"field": field.id, "label": field.label}
        elif not fitting(field, value):
            return "booking.answer_form", {"field": field.id, "label": field.label}
    return "", {}


def fitting(field: CustomField, value: str) -> bool:
    """Whether a value is one that may be answered to a field."""
    if len(value) > LONGEST:
        return False
    if field.kind == NUMBER:
        return value.removeprefix("-").isascii() and value.removeprefix("-").isdigit() and len(value) <= 15
    if field.kind == DATE:
        try:
            parse_date(value)
        except BadInput:
            return False
        return True
    if field.kind == YES_NO:
        return value in ("yes", "no")
    if field.kind in (CHOICE, CHOICES):
        chosen = value.split("\n") if field.kind == CHOICES else [value]
        return len(set(chosen)) == len(chosen) and all(one in field.choices for one in chosen)
    return True


def shown(
    registration: Registration, fields: Mapping[Id, CustomField], roles: Iterable[str]
) -> list[tuple[CustomField, str]]:
    """The answers that somebody in these roles may see, in order of labels."""
    roles = frozenset(roles)
    found = [
        (fields[answer.field], answer.value)
        for answer in registration.answers
        if answer.field in fields and roles & set(fields[answer.field].seen_by)
    ]
    return sorted(found, key=lambda one: (one[0].label, one[0].id))


def check(field: CustomField) -> None:
    """Raises BadInput `field.form`, and as `reach.check`."""
    reaching.check(field.reach)
    choosing = field.kind in (CHOICE, CHOICES)
    sound = (
        field.label.strip()
        and field.kind in KINDS
        and len(field.label) <= LONGEST
        and bool(field.choices) == choosing
        and len(field.choices) <= MOST_CHOICES
        and len(set(field.choices)) == len(field.choices)
        and all(one.strip() and "\n" not in one for one in field.choices)
        and set(field.seen_by) <= set(STAFF)
        and field.state in ("open", "closed")
    )
    if not sound:
        raise BadInput("field.form")
