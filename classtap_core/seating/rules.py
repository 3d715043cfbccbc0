"""When a lock stands, what a draft may become, and what people were promised in a session. Pure."""

from collections.abc import Iterable

from classtap_core.booking.records import Booking, Lease
from classtap_core.booking.rules import CANCELLED, unspent
from classtap_core.kernel.outcomes import Outcome, refused
from classtap_core.seating.model import SeatMap, Status, Visibility
from classtap_core.seating.records import SeatDraft, SeatLock, SpotStatus, StatusEntry
from classtap_core.seating.templates import Template, preset_problems
from classtap_core.seating.versions import Demand

LOCK_IDLE_MS = 15 * 60_000
HELD, RELEASED = "held", "released"
DRAFT, PENDING, APPROVED, PUBLISHED, DISCARDED = "draft", "pending", "approved", "published", "discarded"
APPROVAL_POLICY = "seating"
"""The policy whose value `approval`, where it is 1, lets only approved drafts be published."""


def lock_ends_ms(lock: SeatLock) -> int:
    return lock.renewed_ms + LOCK_IDLE_MS


def lock_stands(lock: SeatLock | None, now_ms: int) -> bool:
    """Whether somebody edits just now."""
    return lock is not None and lock.state == HELD and now_ms < lock_ends_ms(lock)


def taken(lock: SeatLock) -> Outcome:
    """What a second editor hears: who has it, since when, and when it ends by itself (423 over HTTP)."""
    return refused("seatlock.taken", holder=lock.holder, since_ms=lock.since_ms, until_ms=lock_ends_ms(lock))


def locked_out(lock: SeatLock | None, *, session: str, spot: str, now_ms: int) -> bool:
    """Whether a spot of a session cannot be booked because its map is being edited."""
    if lock is None or not lock_stands(lock, now_ms) or session not in lock.sessions:
        return False
    return not lock.spots or spot in lock.spots


def is_open(draft: SeatDraft) -> bool:
    """Whether a draft can be saved into."""
    return draft.state == DRAFT


def decision_trouble(draft: SeatDraft | None, *, revision: str, decider: str, comment: str) -> str:
    """Why somebody may not approve or reject what they saw: a code, or "". Nobody decides their own last change."""
    if draft is None:
        return "seatdraft.unknown"
    if draft.state != PENDING:
        return "seatdraft.not_pending"
    if draft.revision != revision:
        return "seatdraft.moved"
    if draft.editor == decider:
        return "seatdraft.own"
    if not comment.strip():
        return "seatdraft.comment"
    return ""


def publish_trouble(draft: SeatDraft | None, *, room: str, revision: str, approval: bool) -> str:
    """Why a draft may not be published: a code, or ""."""
    if draft is None or draft.room != room:
        return "seatdraft.unknown"
    if draft.revision != revision:
        return "seatdraft.moved"
    if draft.state == APPROVED or (draft.state == DRAFT and not approval):
        return ""
    return {
        DRAFT: "seatdraft.not_approved", PENDING: "seatdraft.pending", PUBLISHED: "seatdraft.published",
    }.get(draft.state, "seatdraft.discarded")  # fmt: skip


def promised(bookings: Iterable[Booking], leases: Iterable[Lease]) -> Demand:
    """What a session owes: every booking that was not given back, and every place still lent."""
    standing = [booking for booking in bookings if booking.state != CANCELLED]
    spots = frozenset(booking.spot for booking in standing if booking.spot)
    return Demand(booked=len(standing), held=sum(unspent(lease) for lease in leases), spots=spots)


def reservable(seat_map: SeatMap) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The spots that clients can be given, and those that only staff give away, by their ids."""
    found = [spot for spot in seat_map.spots if spot.reservable]
    public = tuple(spot.id for spot in found if spot.visibility is Visibility.PUBLIC)
    return public, tuple(spot.id for spot in found if spot.visibility is not Visibility.PUBLIC)


def with_entry(entries: tuple[StatusEntry, ...], entry: StatusEntry) -> tuple[StatusEntry, ...]:
    """What was said of a spot with one thing more: a set, in order of time, whatever order it comes in."""
    known = {one.operation: one for one in entries}
    known[entry.operation] = entry
    return tuple(sorted(known.values(), key=lambda one: (one.at_ms, one.device, one.sequence)))


def usable(state: str) -> bool:
    """Whether a spot of this status can be given away."""
    return state == Status.OPERATIONAL


def idle_places(spots: Iterable[str], statuses: Iterable[SpotStatus], taken: Iterable[str]) -> int:
    """How many places of a map nobody can be given because their spot is not usable; those already taken count not."""
    out = {status.spot for status in statuses if not usable(status.state)}
    return len((out & set(spots)) - set(taken))


def preset_trouble(template: Template) -> str:
    """Why a template cannot be a preset: a code, or ""."""
    found = preset_problems(template, ())
    return f"seatpreset.{found[0]}" if found else ""
