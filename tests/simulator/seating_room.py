"""The studio with seat maps in the simulator: drafts by two hands, locks, publishes made offline, spots taken and broken."""

from collections.abc import Iterable
from typing import Any

from classtap_core.access.operations import GiveGrant
from classtap_core.booking import rules as booking_rules
from classtap_core.booking.operations import CreateBooking
from classtap_core.booking.records import Booking
from classtap_core.booking.spots import SeatBooking
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Payload
from classtap_core.people.records import Child
from classtap_core.schedule.records import Room, Session
from classtap_core.schedule.seats import RoomSeating, SeatMapVersion, SpotStatus, room_seating_id
from classtap_core.seating import reactions as seating_reactions
from classtap_core.seating.documents import packed, unpacked
from classtap_core.seating.in_force import affected
from classtap_core.seating.locking import ReleaseLock, TakeLock
from classtap_core.seating.model import SeatMap
from classtap_core.seating.numbering import Numbering, number
from classtap_core.seating.operations import SaveDraft, SubmitDraft, kept_beside_id
from classtap_core.seating.publishing import PublishSeatMap, RollBack
from classtap_core.seating.records import SeatDraft, SeatRolloutStep, Target
from classtap_core.seating.rollouts import PlanRollout
from classtap_core.seating.tagging import RestoreSpot, TagSpot
from tests.simulator.node import Node
from tests.simulator.studio_room import CLERK, PLACES, StudioRoom
from tests.simulator.world import World
from tests.unit.seating.rooms import room as drawn

DRAWINGS = ("abcd efgh", "abcd ef..", "ab cd", "abcd efgh ijkl", "a.cd .fgh")
MAPS: tuple[SeatMap, ...] = tuple(number(drawn(one.replace(" ", "\n")), Numbering()) for one in DRAWINGS)
DOCUMENTS = tuple(packed(one) for one in MAPS)
SPOTS = tuple(sorted({spot.id for one in MAPS for spot in one.spots}))


BUSY = tuple(derived("room", PLACES[0], room, start) for room, start in (("b", "09:30"), ("a", "10:00")))
"""Rooms with a class still to come, few enough that people meet in them."""


class SeatingRoom(StudioRoom):
    """People at the desks draw, publish and tag as often as they do everything else."""

    def _founding(self) -> Iterable[Payload]:
        yield from super()._founding()
        for place in PLACES:
            yield GiveGrant(grant=derived("drawing grant", place), holder=CLERK, role="instructor", location=place)

    def act(self, world: World, node: Node) -> None:
        if world.rng.random() < 0.4:
            super().act(world, node)
        elif node.author.type == "device" or world.rng.random() < 0.3:
            self._sit(world, node)
        else:
            rooms = [one for one in self._all(node, Room) if one.id in BUSY]
            if rooms:
                self._draw(world, node, world.rng.choice(rooms), world.rng.random())

    def _sit(self, world: World, node: Node) -> None:
        session, spot = self._one(world, node, Session), world.rng.choice(SPOTS)
        booking, child = self._one(world, node, Booking), self._one(world, node, Child)
        if session is None or child is None:
            return
        if booking is not None and world.rng.random() < 0.6:
            node.submit(SeatBooking(session=booking.session, child=booking.child, spot=world.rng.choice((spot, ""))))
        else:
            node.submit(
                CreateBooking(
                    session=session.id, child=child.id, family=child.family, location=session.location, spot=spot
                )
            )

    def _draw(self, world: World, node: Node, room: Any, what: float) -> None:
        where: dict[str, Any] = {"room": room.id, "location": room.location}
        drafts = [one for one in self._all(node, SeatDraft) if one.room == room.id]
        draft = world.rng.choice(drafts) if drafts else None
        hand = Id(node.author.id)
        spot = world.rng.choice(SPOTS)
        if what < 0.3 or draft is None:
            fresh = draft is None or world.rng.random() < 0.3
            id = derived("draft", room.id, str(world.rng.randrange(10**9))) if fresh or draft is None else draft.id
            base = "" if fresh or draft is None else draft.revision
            document = world.rng.choice(DOCUMENTS)
            node.submit(SaveDraft(draft=id, name="d", document=document, base=base, **where))
        elif what < 0.4:
            node.submit(TakeLock(**where) if world.rng.random() < 0.7 else ReleaseLock(**where))
        elif what < 0.65:
            node.submit(
                PublishSeatMap(draft=draft.id, revision=draft.revision, **where, **self._reach(world, node, room))
            )
        elif what < 0.72:
            node.submit(RollBack(to=world.rng.randint(1, 3), **where, **self._reach(world, node, room)))
        elif what < 0.76:
            node.submit(SubmitDraft(draft=draft.id, location=room.location, revision=draft.revision))
        elif what < 0.8:
            others = tuple(Target(one.id, one.location) for one in self._all(node, Room) if one.id != room.id)[:2]
            asked = PlanRollout(name="r", version=1, targets=others, effective_ms=world.now_ms + 60_000, **where)
            node.submit(asked)
        elif what < 0.92:
            node.submit(
                TagSpot(spot=spot, by=hand, state=world.rng.choice(("needs_attention", "out_of_service")), **where)
            )
        else:
            node.submit(RestoreSpot(spot=spot, by=hand, **where))

    def _reach(self, world: World, node: Node, room: Any) -> dict[str, Any]:
        seating = next((one for one in self._all(node, RoomSeating) if one.id == room_seating_id(room.id)), None)
        sessions = affected(self._all(node, Session), room.id, now_ms=node.clock.now().corrected)
        return {"head": 0 if seating is None else seating.latest, "sessions": sessions}

    def cloud(self, world: World) -> None:
        super().cloud(world)
        clock = Author(type="clock", id=world.studio)
        for tick in seating_reactions.due(world.server.backend, world.now_ms):
            world.server.authority.author(world.server.own, tick.payload, clock, source="clock", id=tick.id)
            world.note("rolled out", tick.id)

    # --- what must hold

    def check(self, world: World) -> None:
        super().check(world)
        self._one_spot_one_person(world)
        self._versions_stand(world)
        self._no_draft_is_lost(world)
        for step in self._cloud(world, SeatRolloutStep):
            assert step.state in ("queued", "succeeded", "failed", "conflict"), step
        for status in self._cloud(world, SpotStatus):
            order = [(one.at_ms, one.device, one.sequence) for one in status.entries]
            assert order == sorted(order)
            assert status.state == status.entries[-1].state

    def _one_spot_one_person(self, world: World) -> None:
        versions = {(one.room, one.number): one for one in self._cloud(world, SeatMapVersion)}
        for session in self._cloud(world, Session):
            standing = [
                one for one in self._cloud(world, Booking)
                if one.session == session.id and one.state != booking_rules.CANCELLED
            ]  # fmt: skip
            spots = [one.spot for one in standing if one.spot]
            assert len(set(spots)) == len(spots), session.id
            if session.seat_map:
                version = versions[session.room, session.seat_map]
                assert set(spots) <= {*version.public, *version.staff}, session.id
                assert session.capacity == version.capacity >= len(standing)
            else:
                assert not spots

    def _versions_stand(self, world: World) -> None:
        """Numbers without a gap, and every version as it was published: the maps we drew, or drawn together of them."""
        for seating in self._cloud(world, RoomSeating):
            found = sorted(one.number for one in self._cloud(world, SeatMapVersion) if one.room == seating.room)
            assert found == list(range(1, seating.latest + 1))
            assert seating.current in (0, *found)
        for version in self._cloud(world, SeatMapVersion):
            assert version.capacity == unpacked(version.document).capacity()

    def _no_draft_is_lost(self, world: World) -> None:
        """Every save that was taken is a draft's last word, or the base of another save that was."""
        taken = [
            ledger for ledger in world.server.backend.ledgers
            if ledger.link.kind == "seatdraft.save" and ledger.link.outcome.stands and ledger.op is not None
        ]  # fmt: skip
        bases = {ledger.op.payload.base for ledger in taken if ledger.op is not None}
        drafts = {one.revision: one for one in self._cloud(world, SeatDraft)}
        for ledger in taken:
            id = ledger.link.operation
            assert id in drafts or id in bases, id
            if id in drafts and drafts[id].id == kept_beside_id(id):
                assert drafts[id].forked_from
