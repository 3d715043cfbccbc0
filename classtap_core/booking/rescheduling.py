"""Sessions that are booked move: one alone, or one of a series and those that follow. Their bookings go with them.

A session that can be checked into already does not change its day.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from classtap_core.access.blueprints import Capability
from classtap_core.booking.freed import SeatsFreed
from classtap_core.booking.records import Booking, Lease
from classtap_core.booking.rules import places_left
from classtap_core.kernel.effects import Home
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Range, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import DUPLICATE, ItemOutcome, Outcome, Status, of_items, reason, refused
from classtap_core.kernel.tx import Tx
from classtap_core.schedule import rules as schedule_rules
from classtap_core.schedule import series as series_rules
from classtap_core.schedule import surroundings
from classtap_core.schedule.conflicts import equipment_trouble
from classtap_core.schedule.operations import PLANNING, of_session
from classtap_core.schedule.records import Location, Room, Series, Session
from classtap_core.schedule.rules import starts_ms
from classtap_core.schedule.seats import SeatMapVersion, maps_scope, version_id
from classtap_core.schedule.series import ENDED, Change, Cut, Start
from classtap_core.schedule.series_operations import call_off, guards_of, judge_all, key_of, of_series, unseen
from classtap_core.schedule.telling import tell_changed
from classtap_core.timekeeping.recurrence import normal

LOCKED_MS = 60 * 60_000
"""So long before its start a session's day stands: families may be checking in (ruling of catalogue 14, `after_min`)."""


def _bookings(session: Session) -> Range:
    return Range(Booking, "by_session", (session.id,), scope=f"roster/{session.location}/{session.date}")


@operation("session.change", version=1, kind=Kind.CLAIM, needs=Capability.MANAGE_SCHEDULE)
class ChangeSession(Payload, frozen=True, kw_only=True):
    """This session alone becomes different. Clashes are refused with ways round, but for codes named in `despite`."""

    session: Id
    change: Change
    despite: tuple[str, ...] = ()

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Session, self.session)
        session = tx.get(Session, self.session)
        if session is not None:
            yield from _wants(tx, op, [session], self.changed(session), self.despite)

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (PLANNING, f"session:{self.session}")

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return of_session(tx.get(Session, self.session))

    def changed(self, session: Session) -> list[Session]:
        """What it will be; nothing where the wanted start is no time."""
        try:
            return [series_rules.changed(session, self.change)]
        except BadInput:
            return []


@handles(ChangeSession)
def change_session(tx: Tx, op: Operation[ChangeSession]) -> Outcome:
    session = tx.get(Session, op.payload.session)
    if session is None:
        return refused("session.unknown")
    if session.state != "open":
        return refused("session.cancelled")
    changed = op.payload.changed(session)
    if not changed:
        return refused("time.local")
    if changed == [session]:
        return DUPLICATE
    return _moved(tx, op, [session], changed, op.payload.despite)


@operation("series.change", version=1, kind=Kind.CLAIM, needs=Capability.MANAGE_SCHEDULE)
class ChangeSeries(Payload, frozen=True, kw_only=True):
    """A start of a series and all that follow become different; with `original` "", all that have not begun.

    What was changed for one alone stays so. Sessions of starts that the series no longer gives are called off.

    Attributes:
        original: the local start the series gives the first of them.
        rule: another RFC 5545 rule from there on; "" for the one it has.
        skip, extra: local starts, as they will be, that are left out of the rule and added to it; None for those it has.
        sessions: those it was seen to change (`schedule.series.sessions_from`); where there are more by now it is refused.
        reason: the code why sessions are called off.
    """

    series: Id
    change: Change
    original: str = ""
    rule: str = ""
    skip: tuple[str, ...] | None = None
    extra: tuple[str, ...] | None = None
    sessions: tuple[Id, ...] = ()
    reason: str = ""
    despite: tuple[str, ...] = ()

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(Series, self.series, "studio"), Key(Series, next_series(op.id), "studio")]
        series = tx.get(Series, self.series)
        if series is None:
            return
        try:
            at, cut = self.cut(tx, op, series)
        except BadInput:
            return
        keys = dict.fromkeys((*_from(series, at), *(start.session for start in _starts(cut.after))))
        yield [key_of(session, series.location) for session in keys]
        shape = _shape(tx, series, at, cut.after)
        gone = [session.id for session in shape.gone]
        yield from _wants(tx, op, shape.before, [*shape.after, *shape.new], self.despite, leaving=gone)

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (PLANNING, f"series:{self.series}", *guards_of(self.sessions))

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return of_series(tx.get(Series, self.series))

    def cut(self, tx: Tx, op: Operation[Any], series: Series) -> tuple[str, Cut]:
        """The start it is cut at, and what comes of it. Raises BadInput where there is nothing to cut at."""
        at = self.original or first_to_come(series, tx.now)
        cut = series_rules.cut(series, at, self.change, id=next_series(op.id))
        wanted = replace(
            cut.after,
            rule=normal(self.rule, series.zone) if self.rule else cut.after.rule,
            skip=cut.after.skip if self.skip is None else tuple(sorted(set(self.skip))),
            extra=cut.after.extra if self.extra is None else tuple(sorted(set(self.extra))),
        )
        if wanted == cut.after:
            return at, cut
        after = series_rules.patterned(
            cut.after, rule=wanted.rule, skip=wanted.skip, extra=wanted.extra, stem=next_series(op.id)
        )
        return at, cut._replace(after=after)


def first_to_come(series: Series, now_ms: int) -> str:
    """The first start of a series that has not begun; "" where all have."""
    coming = (start.original for start in _starts(series) if starts_ms(series_rules.made(series, start)) > now_ms)
    return next(coming, "")


def next_series(operation: Id) -> Id:
    """The series that a `series.change` cuts off, from the operation's id."""
    return derived("series", operation)


@handles(ChangeSeries)
def change_series(tx: Tx, op: Operation[ChangeSeries]) -> Outcome:
    series = tx.get(Series, op.payload.series)
    if series is None:
        return refused("series.unknown")
    if series.state == ENDED:
        return refused("series.ended")
    try:
        at, cut = op.payload.cut(tx, op, series)
    except BadInput as bad:
        return refused(bad.code, **bad.params)
    if cut.before is None and cut.after == series:
        return DUPLICATE
    code = series_rules.trouble(cut.after) or equipment_trouble(cut.after.equipment)
    if code:
        return refused(code)
    shape = _shape(tx, series, at, cut.after)
    if any(starts_ms(session) <= tx.now for session in shape.gone):
        return refused("session.begun")
    moved_unseen = unseen((*shape.before, *shape.gone), op.payload.sessions)
    if moved_unseen is not None:
        return moved_unseen
    gone = [session.id for session in shape.gone]
    outcome = _moved(tx, op, shape.before, shape.after, op.payload.despite, new=shape.new, leaving=gone)
    if outcome.stands:
        call_off(tx, shape.gone, op.payload.reason)
        if cut.before is not None:
            tx.put(cut.before)
        tx.put(cut.after)
    return outcome


class _Shape(NamedTuple):
    """What comes of a series' sessions: `before` become `after`, `new` come, `gone` are called off."""

    before: Sequence[Session]
    after: Sequence[Session]
    new: Sequence[Session]
    gone: Sequence[Session]


def _shape(tx: Tx, was: Series, at: str, now: Series) -> _Shape:
    starts = _starts(now)
    given = {start.session for start in starts}
    before = _open(tx, (start.session for start in starts))
    new = [series_rules.made(now, start) for start in starts if tx.get(Session, start.session) is None]
    gone = _open(tx, (session for session in _from(was, at) if session not in given))
    return _Shape(before, followed(before, was, now), new, gone)


def _from(series: Series, at: str) -> tuple[Id, ...]:
    return series_rules.sessions_from(series, at)


def followed(sessions: Sequence[Session], was: Series, now: Series) -> list[Session]:
    """Sessions as they follow their changed series, each at the start it now gives them."""
    originals = {start.session: start.original for start in _starts(now)}
    return [series_rules.followed(session, was, now, originals[session.id]) for session in sessions]


def _starts(series: Series) -> tuple[Start, ...]:
    return series_rules.starts_of(series, through=series.through)


def _open(tx: Tx, sessions: Iterable[Id]) -> list[Session]:
    """Those that are made and not called off."""
    found = [tx.get(Session, id) for id in sessions]
    return [session for session in found if session is not None and session.state == "open"]


def _wants(
    tx: Tx, op: Operation[Any], before: Sequence[Session], after: Sequence[Session], despite: Sequence[str], *,
    leaving: Sequence[Id] = (),
) -> Reads:  # fmt: skip
    if not after:
        return
    yield [
        Key(Location, after[0].location, "studio"),
        *(Key(Room, room, "studio") for room in dict.fromkeys(session.room for session in after)),
        *(_bookings(session) for session in before),
        *(Range(Lease, "by_session", (session.id,), scope=f"lease/{session.location}") for session in before),
        *(Key(SeatMapVersion, one, maps_scope(after[0].location)) for one in _maps(before)),
    ]
    yield from surroundings.wants(tx, op, after, despite=despite, leaving=leaving)


def _moved(
    tx: Tx, op: Operation[Any], before: Sequence[Session], after: Sequence[Session], despite: Sequence[str], *,
    new: Sequence[Session] = (), leaving: Sequence[Id] = (),
) -> Outcome:  # fmt: skip
    """Put changed sessions and, where their day or room is another, their bookings; and `new` ones beside them."""
    for old, changed in zip(before, after, strict=True):
        code = _trouble(tx, old, changed)
        if code:
            return refused(code, session=old.id)
    if any(not _in_house(tx, session) for session in new):
        return refused("room.unknown")
    everything = sorted((*after, *new), key=lambda session: (session.start, session.id))
    clashes = judge_all(tx, op, everything, despite, leaving=leaving)
    if clashes is not None:
        return clashes
    seated = [surroundings.for_whom(tx, _on_map(tx, old, changed)) for old, changed in zip(before, after, strict=True)]
    short = [one for old, changed in zip(before, seated, strict=True) if (one := _short(tx, old, changed))]
    if short:
        return of_items(
            ItemOutcome(session, Status.REFUSED, (reason("session.capacity_owed", **owed),)) for session, owed in short
        )
    for old, changed in zip(before, seated, strict=True):
        tx.put(changed)
        more = changed.capacity + changed.overbook - old.capacity - old.overbook
        if more > 0:
            tx.effect(SeatsFreed(session=changed.id, places=more), home=Home.CLOUD)
        for booking in tx.find(Booking, "by_session", old.id):
            spot = booking.spot if changed.room == old.room else ""
            tx.put(replace(booking, date=changed.date, spot=spot))
    for session in new:
        tx.put(surroundings.settled(tx, session))
    tell_changed(tx, before, seated)
    moved = [changed for old, changed in zip(before, seated, strict=True) if changed.start != old.start]
    return surroundings.planned((*moved, *new))


def _maps(sessions: Iterable[Session]) -> list[Id]:
    return sorted({map for session in sessions if (map := _map_of(session))})


def _map_of(session: Session) -> Id | None:
    return version_id(session.room, session.seat_map) if session.seat_map else None


def _on_map(tx: Tx, old: Session, new: Session) -> Session:
    """In another room a session follows that room's map; where it stays it never has more places than its own."""
    if new.room != old.room:
        return surroundings.on_map(tx, replace(new, seat_map=0))
    map = _map_of(old)
    version = tx.get(SeatMapVersion, map) if map else None
    return new if version is None else replace(new, capacity=min(new.capacity, version.capacity))


def _short(tx: Tx, old: Session, new: Session) -> tuple[Id, dict[str, int]] | None:
    """Whether a session would have fewer places than it had, and fewer than are booked and lent."""
    before, after = old.capacity + old.overbook, new.capacity + new.overbook
    bookings, leases = tx.find(Booking, "by_session", old.id), tx.find(Lease, "by_session", old.id)
    owed = after - places_left(after, bookings, leases)
    return (old.id, {"owed": owed, "there": after}) if after < min(before, owed) else None


def _trouble(tx: Tx, old: Session, new: Session) -> str:
    if new.date != old.date and starts_ms(old) - LOCKED_MS <= tx.now:
        return "session.begun"
    if not _in_house(tx, new):
        return "room.unknown"
    least = min(new.capacity, new.overbook)
    return schedule_rules.trouble(duration_min=new.duration_min, capacity=least) or equipment_trouble(new.equipment)


def _in_house(tx: Tx, session: Session) -> bool:
    room = tx.get(Room, session.room)
    return room is not None and room.location == session.location
