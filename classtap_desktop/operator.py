"""Who is at the desk: signing in with a PIN, and what they may do where."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from classtap_core.access import pins, rules
from classtap_core.access.blueprints import Capability
from classtap_core.access.filtering import RowFilter
from classtap_core.access.records import Grant, Staff, StaffPin
from classtap_core.auditing.lines import PIN
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range, Resource
from classtap_core.kernel.records import decode
from classtap_desktop.source import DeskSource


class Operator(NamedTuple):
    """A signed-in member of staff and the grants they act under."""

    id: Id
    name: str
    grants: tuple[Grant, ...]

    @property
    def author(self) -> Author:
        """The author of what they do from now on."""
        return Author(type="staff", id=self.id, proof=PIN)

    def may(self, capability: str, *, location: str | None, at_ms: int, money: str | None = None) -> bool:
        """Say whether they may do something at a location (None: in the whole studio) at an instant. ``money``: the part of
        the money that it is about."""
        resource = Resource(Id(location) if location else None, money=money)
        return rules.decide(self.grants, capability, resource, at_ms=at_ms).allowed


def sight(operator: Operator | None, capability: str, source: DeskSource) -> RowFilter:
    """Which rows somebody may see now; nobody sees none."""
    grants = operator.grants if operator is not None else ()
    return RowFilter(grants, capability, at_ms=source.clock.now().corrected)


class Answer(StrEnum):
    """What a PIN came to."""

    RIGHT = "right"
    WRONG = "wrong"
    PAUSED = "paused"
    MANAGER = "manager"
    NO_PIN = "no_pin"
    NOT_MANAGER = "not_manager"


class SignIn(NamedTuple):
    """Attributes: `operator` when the PIN was right; `tries_left` before the next pause; `until_ms` of a pause."""

    answer: Answer
    operator: Operator | None = None
    tries_left: int = 0
    until_ms: int = 0


class StaffLine(NamedTuple):
    """Somebody who can sign in here."""

    id: Id
    name: str


def staff_here(source: DeskSource) -> tuple[StaffLine, ...]:
    """Everybody with a grant and a PIN, in the order of their names."""
    holders = {decode(Grant, row.body).holder for row in source.reader.find(Range(Grant, "by_holder", ()))}
    pinned = source.reader.rows(StaffPin, holders)
    found = [decode(Staff, row.body) for row in source.reader.rows(Staff, pinned).values()]
    return tuple(sorted((StaffLine(staff.id, staff.name) for staff in found), key=lambda line: line.name.casefold()))


def operator_of(source: DeskSource, staff: Id) -> Operator | None:
    """The person with their grants as they stand now; None when they are not here any more."""
    row = source.reader.rows(Staff, [staff]).get(staff)
    if row is None:
        return None
    found = source.reader.find(Range(Grant, "by_holder", (staff,), scope="studio"))
    return Operator(staff, decode(Staff, row.body).name, tuple(decode(Grant, grant.body) for grant in found))


def sign_in(source: DeskSource, staff: Id, pin: str) -> SignIn:
    """Try a PIN: 3 wrong pause the person on this device for 5 minutes, 6 for 30, 10 until a manager opens (ruling 22)."""
    now = source.clock.now().corrected
    tries = source.tries(staff)
    lock = pins.lock_of(tries, now)
    if lock.manager:
        return SignIn(Answer.MANAGER)
    if lock.until_ms is not None:
        return SignIn(Answer.PAUSED, until_ms=lock.until_ms)
    kept = source.reader.rows(StaffPin, [staff]).get(staff)
    if kept is None:
        return SignIn(Answer.NO_PIN)
    if pins.verify_pin(pin, decode(StaffPin, kept.body).hash, pepper=source.pepper()):
        source.keep_tries(staff, pins.Tries())
        found = operator_of(source, staff)
        return SignIn(Answer.RIGHT, found) if found is not None else SignIn(Answer.NO_PIN)
    tries = pins.after_wrong(tries, now)
    source.keep_tries(staff, tries)
    lock = pins.lock_of(tries, now)
    if lock.manager:
        return SignIn(Answer.MANAGER)
    if lock.until_ms is not None:
        return SignIn(Answer.PAUSED, until_ms=lock.until_ms)
    steps = (*(wrong for wrong, _ in pins.STEPS_MS), pins.NEEDS_MANAGER)
    return SignIn(Answer.WRONG, tries_left=next(wrong for wrong in steps if wrong > tries.wrong) - tries.wrong)


def open_lock(source: DeskSource, staff: Id, manager: Id, pin: str) -> SignIn:
    """Let somebody try again whom ten wrong PINs locked here: a manager vouches with a PIN of their own.

    The manager is not signed in by it. `not_manager` for who may not manage staff; nobody opens their own lock.
    """
    found = sign_in(source, manager, pin)
    if found.operator is None:
        return found
    at_ms = source.clock.now().corrected
    may = found.operator.may(Capability.MANAGE_STAFF, location=source.place.location, at_ms=at_ms)
    if not may or manager == staff:
        return SignIn(Answer.NOT_MANAGER)
    source.keep_tries(staff, pins.Tries())
    return found
