"""Who is to be given back: the child a code stands for or staff choose, everybody on record for it, whether it went already.

Any device that holds the child may ask. What is not held is never read as "there is none": then NotHeld."""

from collections.abc import Iterable
from typing import NamedTuple

from classtap_core.checkin.pickup import HERE, PickupCode, pickup_code_id
from classtap_core.checkin.reading import fetch, search
from classtap_core.checkin.records import Attendance
from classtap_core.checkin.release import Handing, Release, release_id, why_not
from classtap_core.checkin.rules import standing
from classtap_core.kernel.errors import NotHeld
from classtap_core.kernel.ids import Id
from classtap_core.kernel.tx import Reader
from classtap_core.people.guardians import Guardianship
from classtap_core.people.records import Badge, Child
from classtap_core.people.rules import PICKUP_CHECK, sort_name
from classtap_core.schedule.records import ClassType, Session
from classtap_core.timekeeping.rules import local_date

MOST_WRONG, PAUSE_MS = 3, 120_000
"""Ruling 22: after three wrong codes, two minutes."""


class MayTake(NamedTuple):
    """Somebody a child has to do with: `why` they may not take it now, or ""."""

    adult: Id
    relation: str
    why: str


def who_may_take(reader: Reader, child: Id, *, day: str) -> list[MayTake]:
    """Everybody on record for a child, those who may take it first, those who are kept from it last."""
    pairs = search(reader, Guardianship, "by_child", child)
    found = [MayTake(pair.guardian, pair.relation, why_not(pair, day=day)) for pair in pairs]
    return sorted(found, key=lambda one: (bool(one.why), one.why == "pickup.blocked", one.adult))


def child_of_code(
    reader: Reader, studio: Id, sessions: Iterable[Session], digits: str, *, now_ms: int
) -> tuple[Session, Id] | None:  # fmt: skip
    """The child whose code of the day this is, and the session it is in; None where it is nobody's here now.

    `sessions`: those that are looked at, all of one day and place at most.
    """
    for session in sessions:
        if session.date != local_date(now_ms, session.zone):
            continue
        for entry in search(reader, Attendance, "by_session", session.id):
            id = pickup_code_id(studio, entry.child, session.location, session.date)
            held = fetch(reader, PickupCode, [id]).get(id)
            if held is not None and held.code == digits and standing(entry.marks).state in HERE:
                return session, entry.child
    return None


class ToHand(NamedTuple):
    """A child to be given back. `ask`: there is a custody entry that only a desk may show. `given`: to whom it went already."""

    session: Session
    child: Child
    taught: str
    ask: bool
    taking: tuple[MayTake, ...]
    given: Handing | None

    @property
    def name(self) -> str:
        return _name(self.child)


def to_hand(reader: Reader, studio: Id, session: Id, child: Id) -> ToHand:
    """A child of a session with everybody on record for it. Raises NotHeld where this device holds one of them not."""
    held, known = fetch(reader, Session, [session]).get(session), fetch(reader, Child, [child]).get(child)
    if held is None:
        raise NotHeld("schedule/*")
    if known is None:
        raise NotHeld("families/*")
    id = release_id(studio, session, child)
    released = fetch(reader, Release, [id]).get(id)
    badge = fetch(reader, Badge, [child]).get(child)
    taught = fetch(reader, ClassType, [held.class_type]).get(held.class_type)
    return ToHand(
        held, known, taught.name if taught else "", badge is not None and PICKUP_CHECK in badge.codes,
        tuple(who_may_take(reader, child, day=held.date)),
        released.handed[0] if released is not None and released.handed else None,
    )  # fmt: skip


def to_hand_by_code(
    reader: Reader, studio: Id, digits: str, *, location: Id, day: str, now_ms: int
) -> ToHand | None:  # fmt: skip
    """The child with this code in any class of a day and place; None where it is nobody's here now. Raises NotHeld."""
    there = search(reader, Session, "by_location_date", location, day)
    found = child_of_code(reader, studio, there, digits, now_ms=now_ms)
    return None if found is None else to_hand(reader, studio, found[0].id, found[1])


class StillHere(NamedTuple):
    """A child who came to a session and was not given back yet."""

    session: Id
    child: Id
    name: str
    taught: str


def still_here(reader: Reader, *, location: Id, day: str) -> list[StillHere]:
    """The children of a day and place who came and were not given back, by last name. Those not held here are left out."""
    there = {session.id: session for session in search(reader, Session, "by_location_date", location, day)}
    gone = {(one.session, one.child) for id in there for one in search(reader, Release, "by_session", id) if one.handed}
    came = [
        (entry.session, entry.child)
        for id in there
        for entry in search(reader, Attendance, "by_session", id)
        if standing(entry.marks).state in HERE and (entry.session, entry.child) not in gone
    ]
    children = fetch(reader, Child, (child for _, child in came))
    classes = fetch(reader, ClassType, (one.class_type for one in there.values()))
    found = [(children[child], there[session]) for session, child in came if child in children]
    found.sort(key=lambda pair: (*sort_name(pair[0].surname, pair[0].given), pair[0].id, pair[1].start))
    return [
        StillHere(one.id, child.id, _name(child), classes[one.class_type].name if one.class_type in classes else "")
        for child, one in found
    ]


def _name(child: Child) -> str:
    return f"{child.given} {child.surname}".strip()


class WrongCodes(NamedTuple):
    """Codes that were nobody's, in a row: how many, and when the last was (ms)."""

    in_a_row: int = 0
    last_ms: int = 0

    def paused_until(self, now_ms: int) -> int | None:
        """Until when no code is looked at, ms; None when one may be."""
        until = self.last_ms + PAUSE_MS
        return until if self.in_a_row >= MOST_WRONG and self.last_ms <= now_ms < until else None

    def after(self, now_ms: int) -> "WrongCodes":
        """With one more."""
        return WrongCodes(1 if self.in_a_row >= MOST_WRONG else self.in_a_row + 1, now_ms)
