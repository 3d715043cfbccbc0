"""How far roll-outs are, room by room: what waits, what failed and why, and what each room has its own way."""

from __future__ import annotations

from typing import NamedTuple

from classtap_core.checkin.reading import fetch, search
from classtap_core.kernel.ids import Id
from classtap_core.schedule.records import Location, Room
from classtap_core.schedule.seats import RoomSeating, SeatMapVersion, room_seating_id, version_id
from classtap_core.seating.overrides import Told as Overridden
from classtap_core.seating.overrides import summary
from classtap_core.seating.records import SeatRollout, SeatRolloutStep, Told, drafts_scope
from classtap_desktop.canvas.life.reading import map_of, names_of
from classtap_desktop.source import DeskSource


class StepLine(NamedTuple):
    """A roll-out at one room; `own` is what the room has its own way, `both` what was changed here and there."""

    room: Id
    name: str
    location: Id
    place: str
    state: str
    due_ms: int
    tries: int
    told: tuple[Told, ...]
    version: int
    own: tuple[Overridden, ...]
    both: tuple[str, ...]


class RolloutLine(NamedTuple):
    """A roll-out with its rooms."""

    id: Id
    name: str
    effective_ms: int
    planner: str
    steps: tuple[StepLine, ...]


class RoomChoice(NamedTuple):
    """A room a map can come from (`version` above 0) or go to."""

    id: Id
    name: str
    location: Id
    place: str
    zone: str
    version: int


class Rollouts(NamedTuple):
    """Every roll-out, the latest first, and the studio's rooms."""

    lines: tuple[RolloutLine, ...]
    rooms: tuple[RoomChoice, ...]


def read_rollouts(source: DeskSource) -> Rollouts:
    """Roll-outs with how far each is."""
    reader = source.reader
    rooms = {room.id: room for room in search(reader, Room, "by_location")}
    places = fetch(reader, Location, {room.location: None for room in rooms.values()})
    seating = fetch(reader, RoomSeating, (room_seating_id(room) for room in rooms))
    steps: dict[Id, list[SeatRolloutStep]] = {}
    for one in search(reader, SeatRolloutStep, "by_state"):
        steps.setdefault(one.rollout, []).append(one)
    known = fetch(reader, SeatRollout, steps)
    names = names_of(source, [one.planner for one in known.values()])

    def line(step: SeatRolloutStep) -> StepLine:
        room, place = rooms.get(step.room), places.get(step.location)
        return StepLine(
            step.room, room.name if room else "", step.location, place.name if place else "", step.state, step.due_ms,
            step.tries, step.told, step.version, _own(source, known[step.rollout], step, seating.get(room_seating_id(step.room))),
            _both(known[step.rollout], step),
        )  # fmt: skip

    lines = [
        RolloutLine(
            one.id, one.name, one.effective_ms, names.get(one.planner, ""),
            tuple(sorted(map(line, steps[one.id]), key=lambda step: (step.place, step.name))),
        )
        for one in known.values()
    ]  # fmt: skip
    choices = []
    for room in rooms.values():
        place, stands = places.get(room.location), seating.get(room_seating_id(room.id))
        choices.append(
            RoomChoice(
                room.id, room.name, room.location, place.name if place else "", place.zone if place else "UTC",
                stands.current if stands and reader.holds(drafts_scope(room.location)) else 0,
            )
        )  # fmt: skip
    choices.sort(key=lambda room: (room.place.casefold(), room.name.casefold()))
    return Rollouts(tuple(sorted(lines, key=lambda line: (-line.effective_ms, line.id))), tuple(choices))


def _both(rollout: SeatRollout, step: SeatRolloutStep) -> tuple[str, ...]:
    """What a conflict is over, by the names of the shared map."""
    ids = [told.about.partition(" ")[2] for told in step.told if told.code == "seatrollout.conflict"]
    shared = map_of(rollout.document) if ids else None
    names = {} if shared is None else {spot.id: spot.label for spot in shared.spots}
    names |= {} if shared is None else {zone.id: zone.name for zone in shared.zones}
    return tuple(names.get(id) or id[-4:] for id in ids)


def _own(
    source: DeskSource, rollout: SeatRollout, step: SeatRolloutStep, seating: RoomSeating | None
) -> tuple[Overridden, ...]:
    """What a room that has the shared map made its own; nothing where another roll-out came since."""
    if not step.version or seating is None or seating.rollout != rollout.id:
        return ()
    id = version_id(step.room, seating.current)
    version = fetch(source.reader, SeatMapVersion, [id]).get(id)
    shared, local = map_of(rollout.document), map_of(version.document) if version else None
    return () if shared is None or local is None else summary(shared, local, allowed=rollout.allowed)
