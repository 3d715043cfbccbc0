"""When a lock stands, what a draft may become, and what people were promised in a session. Pure."""

from collections.abc import Iterable

from classtap_core.booking.records import Booking, Lease
from classtap_core.booking.rules import CANCELLED, unspent
from classtap_core.kernel.outcomes import Outcome, refused
from classtap_core.schedule.seats import SeatLock, lock_ends_ms
from classtap_core.seating.model import SeatMap, Visibility
from classtap_core.seating.records import SeatDraft
from classtap_core.seating.templates import Template, preset_problems
from classtap_core.seating.versions import Demand

DRAFT, PENDING, APPROVED, PUBLISHED, DISCARDED = "draft", "pending", "approved", "published", "discarded"
APPROVAL_POLICY = "seating"
"""The policy whose value `approval`, where it is 1, lets only approved drafts be published."""


def taken(lock: SeatLock) -> Outcome:
    """What a second editor hears: who has it, since when, and when it ends by itself (423 over HTTP)."""
    return refused("seatlock.taken", holder=lock.holder, since_ms=lock.since_ms, until_ms=lock_ends_ms(lock))


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


def preset_trouble(template: Template) -> str:
    """Why a template cannot be a preset: a code, or ""."""
    found = preset_problems(template, ())
    return f"seatpreset.{found[0]}" if found else ""
