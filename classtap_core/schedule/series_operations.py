"""Series are planned, made further ahead by the clock, and ended; instructors stand in for each other."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, Status, refused
from classtap_core.kernel.tx import Tx
from classtap_core.schedule import series as rules
from classtap_core.schedule import surroundings
from classtap_core.schedule.conflicts import equipment_trouble
from classtap_core.schedule.operations import PLANNING, of_session
from classtap_core.schedule.records import Equipment, Location, Room, Series, Session
from classtap_core.schedule.series import ENDED, OPEN
from classtap_core.schedule.telling import tell_cancelled, tell_changed
from classtap_core.timekeeping.recurrence import normal
from classtap_core.timekeeping.rules import local_date, shift_date

_MADE_AHEAD_DAYS = 300
"""The clock makes more of a series once it reaches less far ahead than this."""


def key_of(session: Id, location: Id) -> Key:
    """A session of a series, which may have been moved to any month of its location."""
    return Key(Session, session, f"schedule/{location}/*")


@operation("series.plan", version=1, kind=Kind.CLAIM, needs=Capability.MANAGE_SCHEDULE)
class PlanSeries(Payload, frozen=True, kw_only=True):
    """Sessions by a recurrence rule; all or none. `skip` and `extra` are local starts left out and added.

    `through` is the date up to which they are made now (a year ahead where it is left out). Clashes are refused with
    ways round that hold for every one of them, except for codes named in `despite`.
    """

    series: Id
    location: Id
    rule: str
    start: str
    class_type: Id
    room: Id
    instructor: Id
    duration_min: int
    capacity: int
    overbook: int = 0
    equipment: tuple[Equipment, ...] = ()
    skip: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    through: str = ""
    despite: tuple[str, ...] = ()

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [
            Key(Location, self.location, "studio"),
            Key(Series, self.series, "studio"),
            Key(Room, self.room, "studio"),
        ]
        try:
            sessions = self.sessions(tx)
        except BadInput:
            return
        yield [key_of(session.id, self.location) for session in sessions]
        yield from surroundings.wants(tx, op, sessions, despite=self.despite)

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (PLANNING,)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.location, self.room, self.class_type)

    def made(self, tx: Tx) -> Series | None:
        """The series it asks for; None where its location is not known. Raises BadInput."""
        location = tx.get(Location, self.location)
        if location is None:
            return None
        rule, through = normal(self.rule, location.zone), self.through or rules.horizon(self.start[:10])
        return Series(
            id=self.series, location=self.location, rule=rule, start=self.start, zone=location.zone,
            class_type=self.class_type, room=self.room, instructor=self.instructor, duration_min=self.duration_min,
            capacity=self.capacity, stem=self.series, through=through,
            state=rules.state_of(rule, self.start, through=through), skip=self.skip, extra=self.extra, overbook=self.overbook,
            equipment=self.equipment,
        )  # fmt: skip

    def sessions(self, tx: Tx) -> tuple[Session, ...]:
        """Raises BadInput where the rule or its start are wrong."""
        series = self.made(tx)
        return () if series is None else rules.sessions_of(series, through=series.through)


@handles(PlanSeries)
def plan_series(tx: Tx, op: Operation[PlanSeries]) -> Outcome:
    new = op.payload
    room = tx.get(Room, new.room)
    try:
        series, sessions = new.made(tx), new.sessions(tx)
    except BadInput as bad:
        return refused(bad.code, **bad.params)
    if series is None:
        return refused("location.unknown")
    if room is None or room.location != new.location:
        return refused("room.unknown")
    if tx.get(Series, new.series) is not None:
        return refused("series.exists")
    code = rules.trouble(series) or equipment_trouble(series.equipment) or ("" if sessions else "series.empty")
    if code:
        return refused(code)
    clashes = surroundings.refusal(tx, op, sessions, despite=new.despite, together=True)
    if clashes is not None:
        return clashes
    tx.put(series)
    for session in sessions:
        tx.put(surroundings.settled(tx, session))
    return surroundings.planned(sessions)


@operation("series.extend", version=1, kind=Kind.TICK, needs=None)
class ExtendSeries(Payload, frozen=True, kw_only=True):
    """More of a series without end is made, up to and including `through`. What clashes is made, and named for review."""

    series: Id
    through: str

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Series, self.series, "studio")
        series = tx.get(Series, self.series)
        if series is not None:
            sessions = self.sessions(series)
            yield [Key(Location, series.location, "studio"), *(key_of(one.id, one.location) for one in sessions)]
            yield from surroundings.wants(tx, op, sessions, despite=())

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (PLANNING, f"series:{self.series}")

    def sessions(self, series: Series) -> tuple[Session, ...]:
        if series.state != OPEN or self.through <= series.through:
            return ()
        return rules.sessions_of(series, through=self.through, after=series.through)


@handles(ExtendSeries)
def extend_series(tx: Tx, op: Operation[ExtendSeries]) -> Outcome:
    series = tx.get(Series, op.payload.series)
    if series is None:
        return refused("series.unknown")
    if series.state != OPEN or op.payload.through <= series.through:
        return DUPLICATE
    sessions = op.payload.sessions(series)
    clashes = surroundings.refusal(tx, op, sessions, despite=(), together=False) if sessions else None
    for session in sessions:
        tx.put(surroundings.settled(tx, session))
    state = rules.state_of(series.rule, series.start, through=op.payload.through)
    tx.put(replace(series, through=op.payload.through, state=state))
    if clashes is None:
        return ACCEPTED
    return Outcome(status=Status.ACCEPTED, reasons=clashes.reasons, obligations=({"review": "series.conflict"},))


def far_enough(zone: str, now_ms: int) -> tuple[str, str]:
    """Before which date a series must be made further, and up to which date then."""
    today = local_date(now_ms, zone)
    return shift_date(today, _MADE_AHEAD_DAYS), rules.horizon(today)


@operation("series.end", version=1, kind=Kind.CLAIM, needs=Capability.MANAGE_SCHEDULE)
class EndSeries(Payload, frozen=True, kw_only=True):
    """Call off one start of a series and every later one. `original` is the local start the series gives the first.

    `sessions` are those it was seen to call off (`rules.sessions_from`); where there are more by now it is refused.
    """

    series: Id
    original: str
    reason: str = ""
    sessions: tuple[Id, ...] = ()

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Series, self.series, "studio")
        series = tx.get(Series, self.series)
        if series is not None:
            yield [key_of(start.session, series.location) for start in _later(series, self.original)]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (PLANNING, f"series:{self.series}", *guards_of(self.sessions))

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return of_series(tx.get(Series, self.series))


@handles(EndSeries)
def end_series(tx: Tx, op: Operation[EndSeries]) -> Outcome:
    series = tx.get(Series, op.payload.series)
    if series is None:
        return refused("series.unknown")
    if series.state == ENDED:
        return DUPLICATE
    try:
        cut = rules.cut(series, op.payload.original, rules.Change(), id=op.id)
    except BadInput as bad:
        return refused(bad.code, **bad.params)
    found = [tx.get(Session, start.session) for start in _later(series, op.payload.original)]
    standing = [session for session in found if session is not None and session.state == "open"]
    trouble = unseen(standing, op.payload.sessions)
    if trouble is not None:
        return trouble
    call_off(tx, standing, op.payload.reason)
    tx.put(replace(series if cut.before is None else cut.before, state=ENDED))
    return ACCEPTED


def _later(series: Series, original: str) -> list[rules.Start]:
    return [start for start in rules.starts_of(series, through=series.through) if start.original >= original]


@operation("session.substitute", version=1, kind=Kind.CLAIM, needs=Capability.MANAGE_SCHEDULE)
class Substitute(Payload, frozen=True, kw_only=True):
    """Somebody else teaches these sessions; who was to teach stays on record, and may come back the same way."""

    location: Id
    sessions: tuple[Id, ...]
    instructor: Id
    despite: tuple[str, ...] = ()

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(Location, self.location, "studio"), *(key_of(id, self.location) for id in self.sessions)]
        yield from surroundings.wants(tx, op, self.substituted(tx), despite=self.despite)

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (PLANNING, *guards_of(self.sessions))

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return of_session(tx.get(Session, self.sessions[0])) if len(self.sessions) == 1 else Resource(self.location)

    def substituted(self, tx: Tx) -> list[Session]:
        """The sessions that are there and open, as they will be."""
        found = [tx.get(Session, id) for id in self.sessions]
        return [
            replace(one, instructor=self.instructor, covers=_covered(one, self.instructor))
            for one in found
            if one is not None and one.state == "open" and one.location == self.location
        ]


def _covered(session: Session, instructor: Id) -> str:
    first = session.covers or session.instructor
    return "" if first == instructor else first


@handles(Substitute)
def substitute(tx: Tx, op: Operation[Substitute]) -> Outcome:
    wanted = op.payload
    sessions = wanted.substituted(tx)
    if not sessions or len(sessions) < len(set(wanted.sessions)):
        return refused("session.unknown")
    if all(tx.get(Session, one.id) == one for one in sessions):
        return DUPLICATE
    clashes = surroundings.refusal(tx, op, sessions, despite=wanted.despite, together=False)
    if clashes is not None:
        return clashes
    tell_changed(tx, [before for one in sessions if (before := tx.get(Session, one.id)) is not None], sessions)
    for session in sessions:
        tx.put(session)
    return ACCEPTED


def of_series(series: Series | None) -> Resource:
    """What a permission is asked about when something is done to a series."""
    return Resource() if series is None else Resource(series.location, series.room, series.class_type)


def judge_all(
    tx: Tx, op: Operation[Any], sessions: Sequence[Session], despite: Sequence[str], *, leaving: Collection[Id] = ()
) -> Outcome | None:
    """Why these changed sessions may not stand; None where nothing unforeseen is in the way. `leaving` make room."""
    standing = [session for session in sessions if session.state == "open"]
    if not standing:
        return None
    return surroundings.refusal(tx, op, standing, despite=despite, together=True, leaving=leaving)


def guards_of(sessions: Iterable[Id]) -> tuple[str, ...]:
    """The names under which sessions are guarded: who books one of them waits, or is waited for."""
    return tuple(f"session:{session}" for session in sessions)


def unseen(sessions: Iterable[Session], named: Collection[Id]) -> Outcome | None:
    """Why a change of many sessions may not stand: some of them its author did not name, so nothing guards them."""
    missing = sum(session.id not in named for session in sessions)
    return refused("series.sessions_moved", missing=missing) if missing else None


def call_off(tx: Tx, sessions: Sequence[Session], why: str) -> None:
    """These sessions do not take place; their bookings stay on record, and the families are told."""
    for session in sessions:
        tx.put(replace(session, state="cancelled", reason=why))
    tell_cancelled(tx, sessions)
