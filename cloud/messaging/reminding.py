"""What ends soon: once a day families hear of health papers and certifications before they end, and of what is to be signed anew.

Each document is told once for each of `DAYS`, however often this runs and wherever: the messages say what they told.
"""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from classtap_core.checkin.reading import fetch, search
from classtap_core.documents.records import Consents
from classtap_core.health.records import Cleared, HealthClearance, HealthRequirement
from classtap_core.health.rules import paper_state
from classtap_core.kernel.ids import Id
from classtap_core.kernel.tx import Reader
from classtap_core.messaging.operations import AskMessage
from classtap_core.messaging.records import Message
from classtap_core.messaging.settings import settings_of
from classtap_core.messaging.templates import PAPERS, SIGN_AGAIN
from classtap_core.people.learners import Learner
from classtap_core.people.records import Child
from classtap_core.schedule.records import Location
from classtap_core.signing.bundle import bundle
from classtap_core.timekeeping.rules import local_of, parse_date
from cloud.messaging.telling import Asked, ask
from cloud.studios import Studios

DAYS = (0, 7, 14, 30)
"""So many days before its end a document is told of: each time once, late rather than never (catalogue 10)."""
OVER_DAYS = 7
"""What ended longer ago is no news."""
HOUR = 9
"""Nobody is written to before this hour of the house's own clock."""
REMEMBERED_MS = 400 * 86_400_000
OPEN = "open"


class Ends(NamedTuple):
    """A document that ends, or asks to be signed anew. Attributes: `days`: one of `DAYS`; `key` tells it and its period
    from every other, and says nothing of it to who has not the cloud's key."""

    days: int
    child: Id
    key: str


class Reminders:
    """Each house's reminders: once a day, from `HOUR` on."""

    def __init__(self, studios: Studios) -> None:
        self._studios = studios
        self._secret = studios.books.secret.derived("reminders")

    def tend(self, studio: Id, *, since_ms: int = 0) -> int:
        """Ask for what is due in a studio's houses whose hour has come since the last time; how many messages that was."""
        reader, now_ms = self._studios.storage(studio), self._studios.clock.now().corrected
        places = {}
        for place in search(reader, Location, "by_id"):
            day, _, hour = local_of(now_ms, place.zone).partition("T")
            if int(hour[:2]) >= HOUR and not _was_told(since_ms, day, place.zone):
                places[place.id] = day
        if not places:
            return 0
        asked = list(_Round(reader, studio, now_ms, self._secret).due(places))
        for template in (PAPERS, SIGN_AGAIN):
            ask(self._studios, studio, template, [one for one in asked if one.payload.template == template])
        return len(asked)


def _was_told(since_ms: int, day: str, zone: str) -> bool:
    """Whether the last time was on this very day, and late enough. A later day was that of a clock which was ahead."""
    last, _, hour = local_of(since_ms, zone).partition("T")
    return last == day and int(hour[:2]) >= HOUR


class _Round:
    """One look through a studio's families."""

    def __init__(self, reader: Reader, studio: Id, now_ms: int, secret: bytes) -> None:
        self._reader, self._studio, self._now_ms, self._secret = reader, studio, now_ms, secret
        self._sends = settings_of(reader, studio).sends
        papers = search(reader, HealthRequirement, "by_state")
        self._gone = {one.paper for one in papers} - {one.paper for one in papers if one.state == OPEN}
        """Kinds of papers that the studio once asked for, and no longer does."""

    def due(self, places: Mapping[Id, str]) -> Iterator[Asked]:
        """Messages to families of these houses, each with its own date; one for all that is new to a family."""
        children = [child for child in search(self._reader, Child, "by_family") if child.home in places]
        children.sort(key=lambda child: (child.family, child.id))
        for family, group in groupby(children, key=lambda child: child.family):
            theirs = {child.id: places[child.home] for child in group}
            found = {
                PAPERS: set(self._papers(theirs)) if PAPERS in self._sends else set(),
                SIGN_AGAIN: set(self._outdated(family, theirs)) if SIGN_AGAIN in self._sends else set(),
            }
            told = self._told(family) if any(found.values()) else frozenset()
            for template, ends in found.items():
                new = sorted(one for one in ends if one.key not in told)
                if new:
                    yield _asked(template, family, new)

    def _told(self, family: Id) -> frozenset[str]:
        """What a family was told of lately."""
        messages = search(self._reader, Message, "by_family", family, low=self._now_ms - REMEMBERED_MS)
        return frozenset(key for one in messages for key in str(one.values.get("documents", "")).split(",") if key)

    def _papers(self, children: Mapping[Id, str]) -> Iterator[Ends]:
        """Health papers and certifications whose period has begun, and nothing newer is on file."""
        clearances, learners = fetch(self._reader, HealthClearance, children), fetch(self._reader, Learner, children)
        for child, day in children.items():
            papers = clearances[child].papers if child in clearances else ()
            done = learners[child].prerequisites if child in learners else ()
            # A certification is kept as a paper is: from a day to another.
            held = {
                "paper": [one for one in papers if one.paper not in self._gone],
                "certificate": [Cleared(one.code, one.verified, one.expires) for one in done],
            }
            for kind, some in held.items():
                for name in sorted({one.paper for one in some}):
                    ends = paper_state(some, name, day)[1]
                    days = _period(ends, day)
                    if days is not None:
                        yield Ends(days, child, self._key(kind, child, name, ends, str(days)))

    def _outdated(self, family: Id, children: Mapping[Id, str]) -> Iterator[Ends]:
        """What a guardian signed in a version that no longer does for the sessions ahead: once a version."""
        signed = fetch(self._reader, Consents, children)
        if not any(one.signings for one in signed.values()):
            return
        found = bundle(self._reader, self._studio, family, now_ms=self._now_ms)
        for item in found.items if found is not None else ():
            for one in item.asked:
                if one.outdated and item.child.id in children:
                    key = self._key("sign", item.child.id, one.document.id, item.program, str(one.version.number))
                    yield Ends(0, item.child.id, key)

    def _key(self, *parts: str) -> str:
        return hmac.digest(self._secret, "\n".join(parts).encode(), "sha256").hex()[:16]


def _asked(template: str, family: Id, new: Sequence[Ends]) -> Asked:
    """One message for all of these documents; it keeps which they were."""
    keys = ",".join(one.key for one in new)
    children = tuple(dict.fromkeys(one.child for one in new))
    values: dict[str, str | int] = {"days": new[0].days, "documents": keys}
    return Asked(keys, AskMessage(family=family, template=template, children=children, values=values))


def _period(ends: str, day: str) -> int | None:
    """Which of `DAYS` a date falls into; None for none of them."""
    left = (parse_date(ends) - parse_date(day)).days if ends else DAYS[-1] + 1
    return None if left < -OVER_DAYS else next((days for days in DAYS if left <= days), None)
