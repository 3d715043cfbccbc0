"""The studio's people and plans in the simulator: guardians by two hands, blocks made offline, sessions moved and series cut."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

from classtap_core.access.operations import GiveGrant
from classtap_core.booking.records import Booking
from classtap_core.booking.rescheduling import ChangeSeries, ChangeSession
from classtap_core.house import GATES
from classtap_core.kernel.bus import Gate
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.outcomes import Status
from classtap_core.people.guardian_operations import (
    BlockGuardian,
    EditGuardian,
    GuardianFacts,
    HandOver,
    MergeGuardians,
    UnblockGuardian,
)
from classtap_core.people.guardians import PRIMARY, RANKS, SECONDARY, Guardianship, Role, primary_trouble, roles_on
from classtap_core.people.operations import AddFamily, ContactDraft
from classtap_core.people.records import Badge, Child, ContactMasked, Custody
from classtap_core.schedule.records import Room, Series, Session
from classtap_core.schedule.rules import share_time
from classtap_core.schedule.series import Change, sessions_from
from classtap_core.schedule.series_operations import PlanSeries
from tests.simulator.node import Node
from tests.simulator.studio_room import BALLET, CLERK, PLACES, TODAY, StudioRoom, named
from tests.simulator.world import World

CLOCKS = ("12:00", "12:30", "13:00", "14:00")


class PeopleRoom(StudioRoom):
    """Half of what people do is about guardians and plans, on a few children, so that they meet."""

    def gates(self, *, authority: bool) -> Sequence[Gate]:
        return GATES

    def _founding(self) -> Iterable[Payload]:
        yield from super()._founding()
        for place in PLACES:
            yield GiveGrant(grant=derived("managing grant", place), holder=CLERK, role="manager", location=place)
            contacts = tuple(
                ContactDraft(contact=named(f"{place} guardian {number}"), relation="other", name=f"Guardian {number}")
                for number in range(4)
            )
            yield AddFamily(family=named(f"{place} guardians"), home=place, name="Guardians", contacts=contacts)

    def act(self, world: World, node: Node) -> None:
        if node.author.type == "device" or world.rng.random() < 0.5:
            super().act(world, node)
        elif world.rng.random() < 0.7:
            self._about_guardians(world, node, world.rng.random())
        else:
            self._plan(world, node, world.rng.random())

    def _about_guardians(self, world: World, node: Node, what: float) -> None:
        children, people = self._all(node, Child)[:2], self._all(node, ContactMasked)
        if not children or not people:
            return
        child, guardian = world.rng.choice(children).id, world.rng.choice(people)
        pair = next(
            (one for one in self._all(node, Guardianship) if (one.child, one.guardian) == (child, guardian.id)), None
        )
        if what < 0.5:
            base = GuardianFacts() if pair is None else GuardianFacts(relation=pair.relation, roles=pair.roles)
            roles = (Role(world.rng.choice(RANKS), "2026-11-01", world.rng.choice(("", "2026-12-31"))),)
            wanted = GuardianFacts(relation=base.relation, roles=roles)
            node.submit(EditGuardian(child=child, guardian=guardian.id, base=base, wanted=wanted))
        elif what < 0.65:
            node.submit(BlockGuardian(child=child, guardian=guardian.id, reason="order"))
        elif what < 0.75 and pair is not None and pair.blocks:
            node.submit(UnblockGuardian(child=child, guardian=guardian.id, block=pair.blocks[0].operation))
        elif what < 0.92:
            node.submit(HandOver(child=child, to=guardian.id, first=TODAY, then=world.rng.choice(("", SECONDARY))))
        else:
            drop = world.rng.choice(people)
            children = tuple(one.child for one in self._all(node, Guardianship) if one.guardian == drop.id)
            node.submit(MergeGuardians(home=guardian.home, keep=guardian.id, drop=drop.id, children=children))

    def _plan(self, world: World, node: Node, what: float) -> None:
        rooms, series = self._all(node, Room), self._all(node, Series)
        if not rooms:
            return
        room = world.rng.choice(rooms)
        start = f"{TODAY}T{world.rng.choice(CLOCKS)}"
        if what < 0.3 or not series:
            id = derived("series", node.id, str(world.rng.randrange(2**32)))
            teacher = derived("teacher", str(world.rng.randrange(3)))
            node.submit(
                PlanSeries(
                    series=id, location=room.location, rule="FREQ=DAILY;COUNT=3", start=start, class_type=BALLET,
                    room=room.id, instructor=teacher, duration_min=40, capacity=4,
                )
            )  # fmt: skip
        elif what < 0.6:
            one = world.rng.choice(series)
            change = Change(start=f"{one.start[:11]}{world.rng.choice(CLOCKS)}", duration_min=world.rng.randint(20, 40))
            node.submit(ChangeSeries(series=one.id, change=change, sessions=sessions_from(one)))
        else:
            later = [one for one in self._all(node, Session) if one.series]
            if later:
                session = world.rng.choice(later)
                day = world.rng.choice((session.date, "2026-11-24"))
                node.submit(ChangeSession(session=session.id, change=Change(start=f"{day}T{world.rng.choice(CLOCKS)}")))

    # --- what must hold

    def check(self, world: World) -> None:
        super().check(world)
        self._one_primary(world)
        self._blocks_stand(world)
        self._rooms_are_used_once(world)
        self._bookings_lie_where_their_sessions_are(world)

    def _pairs(self, world: World) -> dict[Id, list[Any]]:
        found: dict[Id, list[Any]] = {}
        for pair in self._cloud(world, Guardianship):
            found.setdefault(pair.child, []).append(pair)
        return found

    def _one_primary(self, world: World) -> None:
        for pairs in self._pairs(world).values():
            assert primary_trouble(pairs, today=TODAY) == ""
            first = [pair for pair in pairs if not pair.blocked and PRIMARY in roles_on(pair, TODAY)]
            assert len(first) <= 1

    def _blocks_stand(self, world: World) -> None:
        """Every block that was accepted is on some record of the child, and its words in the child's custody."""
        pairs = self._pairs(world)
        orders = {one.id: {order.operation for order in one.orders} for one in self._cloud(world, Custody)}
        badges = {one.id: one.codes for one in self._cloud(world, Badge)}
        for ledger in world.server.backend.ledgers:
            if ledger.link.kind == "guardian.block" and ledger.link.outcome.status is Status.ACCEPTED:
                child = next(
                    child for child, held in pairs.items()
                    if any(block.operation == ledger.link.operation for one in held for block in one.blocks)
                )  # fmt: skip
                assert ledger.link.operation in orders[child]
        for child, held in pairs.items():
            if any(pair.blocked for pair in held):
                assert "pickup_check" in badges[child]

    def _rooms_are_used_once(self, world: World) -> None:
        planned = [one for one in self._cloud(world, Session) if one.series and one.state == "open"]
        for one, other in combinations(planned, 2):
            if one.room == other.room or one.instructor == other.instructor:
                assert not share_time(one, other), (one.id, other.id)

    def _bookings_lie_where_their_sessions_are(self, world: World) -> None:
        dates = {one.id: one.date for one in self._cloud(world, Session)}
        for booking in self._cloud(world, Booking):
            assert booking.date == dates[booking.session]
