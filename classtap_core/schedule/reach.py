"""Where a thing that a studio asks for counts: everywhere, or at a place, in a room, for a class or a program, for a time."""

from collections.abc import Iterable

import msgspec

from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key
from classtap_core.schedule.records import ClassType, Location, Program, Room, Session
from classtap_core.timekeeping.rules import parse_date


class Reach(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Sessions that something counts for: those that meet every limit; what is empty limits nothing.

    Attributes:
        location, room, class_type, program: ids. first, last: dates of sessions, local and inclusive.
    """

    location: str = ""
    room: str = ""
    class_type: str = ""
    program: str = ""
    first: str = ""
    last: str = ""

    def holds(self, session: Session) -> bool:
        """Whether a session is one of those."""
        return (
            self.location in ("", session.location)
            and self.room in ("", session.room)
            and self.class_type in ("", session.class_type)
            and self.program in ("", session.program)
            and self.first <= session.date
            and (not self.last or session.date <= self.last)
        )


def check(reach: Iterable[Reach]) -> None:
    """Raises BadInput `time.date`, or `reach.span` where it ends before it begins."""
    for one in reach:
        for day in (one.first, one.last):
            if day:
                parse_date(day)
        if one.last and one.last < one.first:
            raise BadInput("reach.span")


def named(reach: Iterable[Reach]) -> list[Key]:
    """What a reach names, to be read: what it names must be there."""
    found = []
    for one in reach:
        for record, id in (
            (Location, one.location),
            (Room, one.room),
            (ClassType, one.class_type),
            (Program, one.program),
        ):
            if id:
                found.append(Key(record, Id(id), "studio"))
    return found
