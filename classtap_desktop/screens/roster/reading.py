"""A session's roster as read from the store: every booked or marked child with the mark that holds."""

from __future__ import annotations

from typing import NamedTuple

from classtap_core.access.blueprints import Capability
from classtap_core.access.records import Device, Staff
from classtap_core.booking.policies import health_seen
from classtap_core.checkin.pickup import HERE, codes_of_roster
from classtap_core.checkin.reading import fetch
from classtap_core.checkin.records import Mark
from classtap_core.checkin.roster import RosterRow, roster
from classtap_core.health.card import roster_badges
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.tx import Reader
from classtap_core.people.rules import HEALTH_NOTE, PICKUP_CHECK
from classtap_core.schedule.operations import of_session
from classtap_desktop.operator import Operator, sight
from classtap_desktop.screens.sessions import SessionLine, counted, line_of
from classtap_desktop.source import DeskSource

KINDS = frozenset({"session", "booking", "attendance", "child", "badge", "child_health", "health_profile", "class_type", "room",
                   "instructor", "device", "staff", "pickup_code", "policy"})  # fmt: skip


class Said(NamedTuple):
    """One mark of a child: what it said, when, where and by whom (names, or "" where unknown)."""

    state: str
    at_ms: int
    device: str
    staff: str
    reason: str
    expected_ms: int
    holds: bool


class RosterLine(NamedTuple):
    """One child of a session.

    Attributes:
        state: `none`, `present`, `late` or `absent`. mark: the operation that said so, "" before any.
        at_ms, device, staff: when, on what and by whom it was said. tie: nobody can say which mark was first.
        badge: there is a health note. health: what it says, only for staff who may read it.
        pickup: pickup needs a look. booked: False for a child who was marked and holds no booking.
        said: every mark, in order. code: the pickup code that is active, or "".
    """

    child: Id
    family: Id
    given: str
    surname: str
    state: str = "none"
    mark: str = ""
    at_ms: int = 0
    device: str = ""
    staff: str = ""
    reason: str = ""
    note: str = ""
    expected_ms: int = 0
    tie: bool = False
    badge: bool = False
    health: str = ""
    pickup: bool = False
    booked: bool = True
    said: tuple[Said, ...] = ()
    code: str = ""

    @property
    def name(self) -> str:
        """Return the child's name as it is said."""
        return f"{self.given} {self.surname}".strip()


class Roster(NamedTuple):
    """A session and its children, by surname."""

    session: SessionLine
    lines: tuple[RosterLine, ...]


def read_roster(source: DeskSource, session: Id, operator: Operator | None) -> Roster:
    """Return a session's roster as its operator may see it.

    Raises NotHeld when this device does not hold the session, Refused `session.unknown` where there is none, or none
    whose children they may see.
    """
    reader = source.reader
    whole = roster(reader, session)
    where = of_session(whole.card.session)
    if operator is None or not sight(operator, Capability.VIEW_ROSTER, source).allows(where):
        raise Refused("session.unknown")
    head = line_of(reader, whole.card)
    rows = [row for row in whole.rows if row.booked or row.state != "none"]
    seen = health_seen(reader, source.place.studio, operator.grants, at_ms=source.clock.now().corrected)
    badges = roster_badges(reader, (row.child for row in rows), seen(where))
    names = _names(reader, [mark for row in rows for mark in row.marks])
    here = [row.child for row in rows if row.state in HERE]
    codes = codes_of_roster(
        reader, whole.card.session, source.place.studio, here, now_ms=source.clock.now().corrected
    )  # fmt: skip
    lines = tuple(
        _line(row, badges[row.child].text if row.child in badges else "", names)._replace(code=codes.get(row.child, ""))
        for row in rows
    )
    booked = sum(line.booked for line in lines)
    return Roster(head._replace(booked=booked, counts=counted(line.state for line in lines)), lines)


def _line(row: RosterRow, health: str, names: dict[str, str]) -> RosterLine:
    line = RosterLine(
        row.child, Id(row.family), row.given, row.surname, state=str(row.state), badge=HEALTH_NOTE in row.badges,
        health=health, pickup=PICKUP_CHECK in row.badges, booked=row.booked, tie=row.tie,
        said=tuple(_said(mark, names, holds=mark == row.mark) for mark in row.marks),
    )  # fmt: skip
    if row.mark is None:
        return line
    line = line._replace(mark=row.mark.operation)
    if row.state == "none":
        return line
    return line._replace(
        at_ms=row.mark.at_ms, device=names.get(row.mark.device, ""), staff=_staff(row.mark, names),
        reason=row.mark.reason, note=row.mark.note, expected_ms=row.mark.expected_ms,
    )  # fmt: skip


def _said(mark: Mark, names: dict[str, str], *, holds: bool) -> Said:
    return Said(
        str(mark.state), mark.at_ms, names.get(mark.device, ""), _staff(mark, names), mark.reason, mark.expected_ms,
        holds,
    )  # fmt: skip


def _staff(mark: Mark, names: dict[str, str]) -> str:
    return names.get(mark.by, "") if mark.author == "staff" else ""


def _names(reader: Reader, marks: list[Mark]) -> dict[str, str]:
    devices = fetch(reader, Device, (Id(mark.device) for mark in marks))
    staff = fetch(reader, Staff, (mark.by for mark in marks if mark.author == "staff"))
    return {**{id: one.name for id, one in devices.items()}, **{id: one.name for id, one in staff.items()}}
