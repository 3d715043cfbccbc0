"""Reading records for a screen: typed, in bulk, one query per kind."""

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import Record, decode
from classtap_core.kernel.tx import Reader
from classtap_core.schedule.records import ClassType, Instructor, Room, Session
from classtap_core.schedule.rules import ends_ms, starts_ms
from classtap_core.timekeeping.rules import iso_local

R = TypeVar("R", bound=Record)


def fetch(reader: Reader, record: type[R], ids: Iterable[Id]) -> dict[Id, R]:
    """The records that are there, by id."""
    wanted = dict.fromkeys(ids)
    return {id: decode(record, row.body) for id, row in reader.rows(record, wanted).items()} if wanted else {}


def search(
    reader: Reader, record: type[R], by: str, *equals: str | int, low: str | int | None = None,
    high: str | int | None = None,
) -> list[R]:  # fmt: skip
    """The records an index leads to, in its order."""
    return [decode(record, row.body) for row in reader.find(Range(record, by, equals, low, high))]


class SessionCard(NamedTuple):
    """A session with the names a screen shows. `start` is ISO 8601 with offset; `local` as stored, `2026-11-21T09:00`."""

    session: Session
    class_name: str
    audience: str
    room: str
    instructor: str
    local: str
    start: str
    start_ms: int
    end_ms: int


def cards(reader: Reader, sessions: Iterable[Session]) -> list[SessionCard]:
    """Sessions in order of start, then room, then class."""
    sessions = tuple(sessions)
    rooms = fetch(reader, Room, (session.room for session in sessions))
    classes = fetch(reader, ClassType, (session.class_type for session in sessions))
    instructors = fetch(reader, Instructor, (session.instructor for session in sessions))
    found = []
    for session in sessions:
        room, kind, teacher = (
            rooms.get(session.room),
            classes.get(session.class_type),
            instructors.get(session.instructor),
        )
        start = starts_ms(session)
        found.append(
            SessionCard(
                session,
                kind.name if kind else "",
                kind.audience if kind else "",
                room.name if room else "",
                teacher.name if teacher else "",
                session.start,
                iso_local(start, session.zone),
                start,
                ends_ms(session),
            )
        )
    found.sort(key=lambda card: (card.start_ms, card.room, card.class_name, card.session.id))
    return found


def day_of_sessions(reader: Reader, location: Id, first: str, *, last: str = "") -> list[SessionCard]:
    """The sessions of a location from one local date to another (inclusive), as the week schedule shows them."""
    return cards(reader, search(reader, Session, "by_location_date", location, low=first, high=last or first))
