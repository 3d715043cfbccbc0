"""A room whose map has a life: three versions, two drafts kept beside each other, comments, a lock, roll-outs."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from classtap_core.booking.records import Booking, booking_id
from classtap_core.checkin.reading import search
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.records import Record, plain
from classtap_core.schedule.records import Room, Session
from classtap_core.schedule.rules import starts_ms
from classtap_core.schedule.seats import (
    HELD,
    RoomSeating,
    SeatLock,
    SeatMapVersion,
    lock_id,
    room_seating_id,
    version_id,
)
from classtap_core.seating.documents import packed
from classtap_core.seating.model import SeatMap
from classtap_core.seating.records import (
    SeatComment,
    SeatDraft,
    SeatRollout,
    SeatRolloutStep,
    Target,
    Told,
    rollout_id,
    step_id,
)
from tests.desk.maps import reformers
from tests.desk.world import KIOSK, NOW_MS, World

HOUR = 3_600_000


def named(*words: str) -> Id:
    return derived("life", *words)


def put(world: World, *records: Record) -> None:
    """The desk pulls records as the cloud has them."""
    world.pull([Pulled(one.KIND, one.id, one.scope(), msgspec.json.encode(plain(one))) for one in records])


def maps() -> tuple[SeatMap, SeatMap, SeatMap]:
    """The reformer studio; one spot moved and one called otherwise; one spot gone and one come."""
    first = reformers()
    spots = list(first.spots)
    spots[0] = replace(spots[0], y_um=spots[0].y_um + 150_000)
    spots[3] = replace(spots[3], label="A9")
    second = replace(first, spots=tuple(spots))
    extra = replace(spots[6], id=named("extra"), label="C1")
    third = replace(second, spots=(*spots[:6], *spots[7:], extra))
    return first, second, third


class Life:
    """Attributes: ``room``, ``location``, ``sessions`` (to come, by start), ``maps`` (versions 1 to 3)."""

    def __init__(self, world: World) -> None:
        self.world = world
        coming = [one for one in search(world.store, Session, "by_location_date", world.plan.main)
                  if starts_ms(one) > NOW_MS and one.state == "open"]  # fmt: skip
        rooms = [one for one in search(world.store, Room, "by_location") if one.location == world.plan.main]
        room = max(rooms, key=lambda room: sum(one.room == room.id for one in coming))
        self.room, self.location = room.id, room.location
        self.sessions = sorted((one for one in coming if one.room == room.id), key=lambda one: (starts_ms(one), one.id))
        self.maps = maps()
        self.owner, self.manager = world.plan.staff[0].staff, world.staff("manager").staff
        self.other_rooms = [one for one in search(world.store, Room, "by_location") if one.id != room.id][:3]

    def publish(self, numbers: int = 3) -> None:
        """Versions up to a number, the last one in force for every class."""
        for number, seat_map in enumerate(self.maps[:numbers], 1):
            put(
                self.world,
                SeatMapVersion(
                    id=version_id(self.room, number), room=self.room, location=self.location, number=number,
                    document=packed(seat_map), public=tuple(spot.id for spot in seat_map.spots), staff=(),
                    published_ms=NOW_MS - (10 - number) * 24 * HOUR, publisher=self.owner,
                    approver=self.manager if number == 2 else "", draft=named("draft", str(number)),
                ),
            )  # fmt: skip
        seating = RoomSeating(
            id=room_seating_id(self.room), room=self.room, location=self.location, latest=numbers, current=numbers
        )
        put(self.world, seating, *(replace(one, seat_map=numbers, capacity=14) for one in self.sessions))

    def seat(self, at: int, spot: str) -> Id:
        """The first child booked in the class at a place of the list sits on a spot; whose booking it is."""
        session = self.sessions[at]
        found = search(self.world.store, Booking, "by_session", session.id)
        if found:
            booking = replace(found[0], spot=spot)
        else:
            family = self.world.plan.families[0]
            child = family.children[0].child
            booking = Booking(
                id=booking_id(self.world.plan.studio, session.id, child), session=session.id, child=child,
                family=family.family, location=session.location, date=session.date, state="booked", spot=spot,
            )  # fmt: skip
        put(self.world, booking)
        return booking.id

    def draft(self, name: str, seat_map: SeatMap, *, editor: Id | None = None, **fields: object) -> SeatDraft:
        made = SeatDraft(
            id=named(name), room=self.room, location=self.location, name="Room", document=packed(seat_map),
            author=editor or self.owner, editor=editor or self.owner, revision=named(name, "saved"),
            saved_ms=NOW_MS - HOUR, based_on=1,
        )  # fmt: skip
        put(self.world, replace(made, **fields))
        return replace(made, **fields)

    def comment(self, subject: str, text: str, *, spot: str = "", ago_ms: int = HOUR) -> None:
        put(
            self.world,
            SeatComment(
                id=named("comment", text), location=self.location, subject=Id(subject), author=self.manager,
                at_ms=NOW_MS - ago_ms, text=text, spot=spot,
            ),
        )  # fmt: skip

    def lock(self) -> None:
        """The owner edits at another device, for seven minutes now."""
        put(
            self.world,
            SeatLock(
                id=lock_id(self.room), room=self.room, location=self.location, holder=self.owner, device=KIOSK,
                since_ms=NOW_MS - 7 * 60_000, renewed_ms=NOW_MS - 60_000, state=HELD,
            ),
        )  # fmt: skip

    def roll_out(self) -> SeatRollout:
        """Version 1 to three rooms: one has it, one waits, one needs a decision."""
        targets = tuple(Target(one.id, one.location) for one in self.other_rooms)
        source, rooms = version_id(self.room, 1), tuple(one.room for one in targets)
        rollout = SeatRollout(
            id=rollout_id(source, rooms, NOW_MS - HOUR), name="Reformer hall", source=source,
            document=packed(self.maps[0]), effective_ms=NOW_MS - HOUR, targets=targets, allowed=("label",),
            planner=self.owner,
        )  # fmt: skip
        states = (("succeeded", 1, ()), ("queued", 2, (Told("seatmap.head_moved", "head=3"),)),
                  ("conflict", 1, (Told("seatrollout.conflict", "spots A1"),)))  # fmt: skip
        steps = [
            SeatRolloutStep(
                id=step_id(rollout.id, one.room), rollout=rollout.id, room=one.room, location=one.location, state=state,
                due_ms=NOW_MS - HOUR, tries=tries, told=told, version=1 if state == "succeeded" else 0,
            )
            for one, (state, tries, told) in zip(targets, states, strict=False)
        ]  # fmt: skip
        own = targets[0]
        local = replace(self.maps[0], spots=(replace(self.maps[0].spots[0], label="W1"), *self.maps[0].spots[1:]))
        put(
            self.world, rollout, *steps,
            SeatMapVersion(
                id=version_id(own.room, 1), room=own.room, location=own.location, number=1, document=packed(local),
                public=(), staff=(), published_ms=NOW_MS - HOUR, publisher=self.owner, rollout=rollout.id,
            ),
            RoomSeating(
                id=room_seating_id(own.room), room=own.room, location=own.location, latest=1, current=1,
                rollout=rollout.id,
            ),
        )  # fmt: skip
        return rollout
