"""Giving a child back at a kiosk's own store: who is here, whose code this is, who may take the child, that somebody did.

The rules are `classtap_core.checkin`'s, the same as a desk's. No adult has a name here, and nothing says why one may not.
"""

from collections import Counter

from classtap_core.access.blueprints import Capability
from classtap_core.access.records import Grant
from classtap_core.access.rules import decide
from classtap_core.auditing.lines import PIN
from classtap_core.checkin.handing import ToHand, WrongCodes, still_here, to_hand, to_hand_by_code
from classtap_core.checkin.reading import search
from classtap_core.checkin.release import HandOver
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import NotHeld
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.tx import Reader
from classtap_core.schedule.operations import of_session
from classtap_core.timekeeping.rules import local_date
from kiosk.pickup import Adult, ChildAt, ChildRead, ChildUnread, Given, HandTo, HereRead, NotGiven, Waiting
from sync.client.node import Node

_NOT_NOW = frozenset({"pickup.blocked", "pickup.not_allowed", "pickup.unknown_adult"})


class PickupDoor:
    """Where one kiosk gives children back; slow work, not for the window's thread."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._wrong = WrongCodes()

    def here(self) -> HereRead:
        """The children who are here, by last name."""
        with self._node.reader() as reader:
            found = still_here(reader, location=self._node.papers.location, day=self._day())
        return HereRead(tuple(Waiting(one.session, one.child, one.name, one.taught) for one in found))

    def look_up(self, digits: str, staff: Id) -> ChildRead | ChildUnread:
        """The child of a code. After three codes that are nobody's, none is looked at for two minutes (ruling 22)."""
        now_ms = self._node.clock.now().corrected
        until = self._wrong.paused_until(now_ms)
        if until is not None:
            return ChildUnread("desk.pickup.paused", max(1, -(-(until - now_ms) // 60_000)))
        papers = self._node.papers
        try:
            with self._node.reader() as reader:
                found = to_hand_by_code(
                    reader, papers.studio, digits, location=papers.location, day=self._day(), now_ms=now_ms
                )
                self._wrong = self._wrong.after(now_ms) if found is None else WrongCodes()
                return ChildUnread("desk.pickup.nobody") if found is None else self._shown(reader, found, staff)
        except NotHeld:
            return ChildUnread("kiosk.pickup.not_held")

    def child(self, session: Id, child: Id, staff: Id) -> ChildRead | ChildUnread:
        """A child that staff chose."""
        try:
            with self._node.reader() as reader:
                return self._shown(reader, to_hand(reader, self._node.papers.studio, session, child), staff)
        except NotHeld:
            return ChildUnread("kiosk.pickup.not_held")

    def hand(self, asked: HandTo, staff: Id) -> Given | NotGiven:
        """Keep that a child was given to an adult, in the name of whose PIN it was. Raises EnvironmentFault and NotHeld:
        then nothing was kept."""
        session, child = Id(asked.session), Id(asked.child)
        with self._node.reader() as reader:
            found = to_hand(reader, self._node.papers.studio, session, child)
        said = HandOver(session=session, child=child, adult=Id(asked.adult), method=asked.method)
        outcome = self._node.submit(said, Author(type="staff", id=staff, proof=PIN), source="kiosk").result().outcome
        if outcome.stands or outcome.status is Status.SUPERSEDED:
            relation = next((one.relation for one in found.taking if one.adult == said.adult), "")
            return Given(found.name, relation, outcome.status is Status.SUPERSEDED)
        code = outcome.reasons[0].code if outcome.reasons else ""
        return NotGiven("kiosk.pickup.not_now" if code in _NOT_NOW else "kiosk.pickup.failed")

    def _shown(self, reader: Reader, found: ToHand, staff: Id) -> ChildRead:
        session, now_ms = found.session, self._node.clock.now().corrected
        alike = Counter(one.relation for one in found.taking)
        adults = tuple(Adult(one.adult, one.relation, not one.why, alike[one.relation] > 1) for one in found.taking)
        grants = search(reader, Grant, "by_holder", staff)
        may = decide(grants, Capability.MARK_ATTENDANCE, of_session(session), at_ms=now_ms).allowed
        given = found.given
        to = next((one.relation for one in found.taking if given is not None and one.adult == given.adult), "")
        return ChildRead(
            ChildAt(
                session.id, found.child.id, found.name, found.taught, adults, ask=found.ask, may=may,
                given_ms=given.at_ms if given is not None else None, given_to=to,
            )
        )  # fmt: skip

    def _day(self) -> str:
        return local_date(self._node.clock.now().corrected, self._node.zone())
