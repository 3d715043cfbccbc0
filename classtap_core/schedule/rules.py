"""When sessions are, and which of them share time. Pure; local times become instants by the pinned zone data."""

from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Resource
from classtap_core.schedule.records import Session
from classtap_core.timekeeping.rules import check_local, instant_ms, overlaps, zone_of

LONGEST_MIN = 24 * 60


def starts_ms(session: Session) -> int:
    return instant_ms(session.start, session.zone)


def ends_ms(session: Session) -> int:
    """The duration is elapsed time: a class of 45 minutes lasts 45 minutes on the night the clocks change."""
    return starts_ms(session) + session.duration_min * 60_000


def share_time(one: Session, other: Session) -> bool:
    return overlaps(starts_ms(one), ends_ms(one), other_start_ms=starts_ms(other), other_end_ms=ends_ms(other))


def resource_of(session: Session) -> Resource:
    """What a permission is asked about when something is done to a session: where it is, of which class, for whom."""
    return Resource(session.location, session.room, session.class_type, session.audience or None)


def planned(
    id: Id, *, class_type: Id, location: Id, room: Id, instructor: Id, start: str, zone: str, duration_min: int,
    capacity: int,
) -> Session:  # fmt: skip
    """A session with what follows from its start filled in. Raises BadInput `time.local` or `time.zone`."""
    check_local(start)
    zone_of(zone)
    return Session(
        id=id, class_type=class_type, location=location, room=room, instructor=instructor, start=start,
        date=start[:10], zone=zone, duration_min=duration_min, capacity=capacity,
    )  # fmt: skip


def trouble(*, duration_min: int, capacity: int) -> str:
    """The code of what is wrong with a planned session, or ""."""
    if not 0 < duration_min <= LONGEST_MIN:
        return "session.duration"
    if capacity < 0:
        return "session.capacity"
    return ""
