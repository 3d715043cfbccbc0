"""What families are to hear of sessions that change; whoever sends messages in the cloud listens."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

import msgspec

from classtap_core.kernel.effects import Effect, Home
from classtap_core.kernel.ids import Id
from classtap_core.kernel.tx import Tx
from classtap_core.schedule.records import Session
from classtap_core.schedule.rules import starts_ms

CANCELLED, MOVED, TEACHER = "cancelled", "moved", "teacher"


class Changed(msgspec.Struct, frozen=True, array_like=True):
    """A session that changed, and when it would have begun before (milliseconds since the Unix epoch)."""

    session: Id
    was_ms: int


class SessionsChanged(Effect, frozen=True, kw_only=True):
    """Sessions were cancelled, moved to another time or room, or are taught by somebody else: `what`."""

    KIND: ClassVar[str] = "sessions.changed"

    what: str
    sessions: tuple[Changed, ...]


def tell_cancelled(tx: Tx, sessions: Iterable[Session]) -> None:
    """Say that these do not take place."""
    _tell(tx, CANCELLED, sessions)


def tell_changed(tx: Tx, before: Sequence[Session], after: Sequence[Session]) -> None:
    """Say which of these are at another time or in another room, and which only have another teacher."""
    pairs = list(zip(before, after, strict=True))
    moved = [old for old, new in pairs if _place(old) != _place(new)]
    _tell(tx, MOVED, moved)
    taught = [old for old, new in pairs if _place(old) == _place(new) and old.instructor != new.instructor]
    _tell(tx, TEACHER, taught)


def _place(session: Session) -> tuple[str, ...]:
    return session.start, session.zone, session.room, session.location


def _tell(tx: Tx, what: str, sessions: Iterable[Session]) -> None:
    """What has begun already is nobody's news."""
    changed = tuple(Changed(one.id, start) for one in sessions if (start := starts_ms(one)) > tx.now)
    if changed:
        tx.effect(SessionsChanged(what=what, sessions=changed), home=Home.CLOUD)
