"""Forms of places: locations with their hours, rooms, closures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import structs

from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Payload
from classtap_core.schedule.facts import LocationFacts, RoomFacts
from classtap_core.schedule.operations import AddLocation, AddRoom, Shut
from classtap_core.schedule.place_operations import AddClosure, EditLocation, EditRoom, RemoveClosure
from classtap_core.schedule.records import Address, Closure, Equipment, Hours, Location, Room
from classtap_desktop.screens.entries import Field, Value, Values
from classtap_desktop.screens.sheet import Group, Sheet, Written, number, scaled, unscaled
from classtap_desktop.screens.studio.reading import Known

WEEKDAYS = tuple((str(day), f"desk.weekday.{day}") for day in range(7))
EQUIPMENT = (Field("kind", "desk.studio.thing", 3), Field("count", "desk.studio.count", 3))
_UM, _E7 = 6, 7


def location_sheet(known: Known, id: Id, *, new: bool) -> Sheet:
    """A location. Its zone is said once: sessions are planned by it. A new one starts from the house the desk stands in."""
    held, like = known.locations.get(id), known.locations.get(known.here)
    base = None if held is None else _facts(held)
    shut = {one.id: one for one in known.closures.values() if one.location == id and not one.room}

    def said(written: Written) -> list[Payload]:
        wanted = _written(written)
        times = _closures(written, id, shut)
        if base is None:
            closures = tuple(Shut(closure=one, first=first, last=last, reason=why) for one, first, last, why in times)
            zone = written.text("zone")
            return [AddLocation(location=id, name=wanted.name, zone=zone, facts=wanted, closures=closures)]
        edit = [EditLocation(location=id, base=base, wanted=wanted)] if wanted != base else []
        kept = {one for one, *_ in times}
        opened = [RemoveClosure(closure=one) for one in shut if one not in kept]
        closed = [
            AddClosure(closure=one, location=id, first=first, last=last, reason=why)
            for one, first, last, why in times
            if one not in shut
        ]
        return [*edit, *opened, *closed]

    zone = (Field("zone", "desk.studio.zone", 3, hint="desk.studio.zone_hint"),) if new else ()
    fields = (
        Field("name", "desk.studio.name", 3), *zone, Field("lines", "desk.studio.address", 3, tall=True),
        Field("postcode", "desk.studio.postcode"), Field("city", "desk.studio.city"),
        Field("region", "desk.studio.region"), Field("country", "desk.studio.country", hint="desk.studio.country_hint"),
        Field("latitude", "desk.studio.latitude"), Field("longitude", "desk.studio.longitude"),
    )  # fmt: skip
    hours = (
        Field("weekday", "desk.studio.weekday", choices=WEEKDAYS), Field("opens", "desk.studio.opens", hint="desk.studio.clock_hint"),
        Field("closes", "desk.studio.closes", hint="desk.studio.clock_hint"),
    )  # fmt: skip
    closed = (
        Field("first", "desk.studio.from_local", hint="desk.studio.local_hint"),
        Field("last", "desk.studio.to_local", hint="desk.studio.local_hint"), Field("reason", "desk.studio.why"),
    )  # fmt: skip
    open_ = base.hours if base is not None else (like.hours if like is not None else ())
    stock = base.stock if base is not None else ()
    return Sheet(
        id=id, title="desk.studio.new.locations" if new else "desk.studio.subject.locations", said=said,
        groups={
            "place": Group(fields=fields, values=_shown(base, like)),
            "hours": Group(
                fields=hours, heading="desk.studio.hours", note="desk.studio.hours_note", more="desk.studio.more_hours",
                values=[{"weekday": str(one.weekday), "opens": one.opens, "closes": one.closes} for one in open_],
            ),
            "closures": Group(
                fields=closed, heading="desk.studio.subject.closures", more="desk.studio.new.closures",
                values=[_of_closure(one) for one in sorted(shut.values(), key=lambda one: (one.first, one.id))],
            ),
            "stock": Group(fields=EQUIPMENT, values=of_equipment(stock), heading="desk.studio.stock", more="desk.studio.more_stock"),
        },
    )  # fmt: skip


def _facts(location: Location) -> LocationFacts:
    return LocationFacts(
        name=location.name, address=location.address, latitude_e7=location.latitude_e7,
        longitude_e7=location.longitude_e7, hours=location.hours, stock=location.stock,
    )  # fmt: skip


def _shown(base: LocationFacts | None, like: Location | None) -> Values:
    """A location as its fields show it; a new one with the zone and the country of another."""
    if base is None:
        return {} if like is None else {"zone": like.zone, "country": like.address.country}
    address = base.address
    return {
        "name": base.name, "lines": "\n".join(address.lines), "postcode": address.postcode, "city": address.city,
        "region": address.region, "country": address.country, "latitude": unscaled(base.latitude_e7, _E7),
        "longitude": unscaled(base.longitude_e7, _E7),
    }  # fmt: skip


def _written(written: Written) -> LocationFacts:
    lines = tuple(line.strip() for line in written.text("lines").split("\n") if line.strip())
    return LocationFacts(
        name=written.name(),
        address=Address(
            lines=lines, city=written.text("city"), region=written.text("region"), postcode=written.text("postcode"),
            country=written.text("country").upper(),
        ),
        latitude_e7=scaled(written.text("latitude"), _E7), longitude_e7=scaled(written.text("longitude"), _E7),
        hours=tuple(
            Hours(number(one["weekday"]), _clock(one["opens"]), _clock(one["closes"])) for one in written.many["hours"]
        ),
        stock=equipment(written.many["stock"]),
    )  # fmt: skip


def _closures(written: Written, location: Id, shut: Mapping[Id, Closure]) -> list[tuple[Id, str, str, str]]:
    """The times that cards say, each with the id it has, or one that follows from what it says."""
    known = {(one.first, one.last, one.reason): one.id for one in shut.values()}
    found = []
    for one in written.many["closures"]:
        said = local(str(one["first"])), local(str(one["last"])), str(one["reason"])
        found.append((known.get(said) or derived("closure", location, *said), *said))
    return found


def _of_closure(closure: Closure) -> Values:
    first, last = (one.replace("T", " ") for one in (closure.first, closure.last))
    return {"first": first, "last": last, "reason": closure.reason}


def room_sheet(known: Known, id: Id, *, new: bool) -> Sheet:
    room = known.rooms.get(id)
    base = None if room is None else _room_facts(room)

    def said(written: Written) -> list[Payload]:
        wanted = RoomFacts(
            name=written.name(), capacity=written.number("capacity"), width_um=scaled(written.text("width"), _UM) or 0,
            length_um=scaled(written.text("length"), _UM) or 0, equipment=equipment(written.many["equipment"]),
        )  # fmt: skip
        if base is None:
            return [AddRoom(room=id, location=Id(written.text("location")), **structs.asdict(wanted))]
        return [EditRoom(room=id, base=base, wanted=wanted)] if wanted != base else []

    where = (Field("location", "desk.studio.at", 6, things=known.place_choices()),) if new else ()
    fields = (
        *where, Field("name", "desk.studio.name", 3), Field("capacity", "desk.studio.capacity", 3),
        Field("width", "desk.studio.width", 3), Field("length", "desk.studio.length", 3),
    )  # fmt: skip
    values: Values = {"location": known.here, "capacity": "10"}
    if base is not None:
        values = {
            "name": base.name, "capacity": str(base.capacity), "width": unscaled(base.width_um or None, _UM),
            "length": unscaled(base.length_um or None, _UM),
        }  # fmt: skip
    things = of_equipment(base.equipment) if base is not None else []
    return Sheet(
        id=id, title="desk.studio.new.rooms" if new else "desk.studio.subject.rooms", said=said,
        groups={
            "room": Group(fields=fields, values=values),
            "equipment": Group(fields=EQUIPMENT, values=things, heading="desk.studio.equipment", more="desk.studio.more_stock"),
        },
    )  # fmt: skip


def _room_facts(room: Room) -> RoomFacts:
    return RoomFacts(
        name=room.name, capacity=room.capacity, width_um=room.width_um, length_um=room.length_um,
        equipment=room.equipment,
    )  # fmt: skip


def closure_sheet(known: Known, id: Id, *, new: bool) -> Sheet:
    """A time in which a location, or one of its rooms, is shut; one that is there can only be opened again."""
    if not new:
        closure = known.closures[id]
        note = Group(fields=(Field("open", "desk.studio.open_again", 6, flag=True),), values={})

        def opened(written: Written) -> list[Payload]:
            return [RemoveClosure(closure=closure.id)] if written.flag("open") else []

        return Sheet(id=id, title="desk.studio.subject.closures", groups={"closure": note}, said=opened)
    fields: tuple[Field, ...] = (
        Field("location", "desk.studio.at", 3, things=known.place_choices()),
        Field("room", "desk.studio.only_room", 3, things=(("", "–"), *known.room_choices())),
        Field("first", "desk.studio.from_local", 3, hint="desk.studio.local_hint"),
        Field("last", "desk.studio.to_local", 3, hint="desk.studio.local_hint"),
        Field("reason", "desk.studio.why", 6),
    )  # fmt: skip

    def said(written: Written) -> list[Payload]:
        room = written.text("room")
        where = known.rooms[Id(room)].location if room else Id(written.text("location"))
        first, last = local(written.text("first")), local(written.text("last"))
        return [
            AddClosure(closure=id, location=where, first=first, last=last, room=room, reason=written.text("reason"))
        ]

    values: Values = {"location": known.here, "first": f"{known.today} 00:00"}
    first = Group(fields=fields, values=values, note="desk.studio.closure_note")
    return Sheet(id=id, title="desk.studio.new.closures", groups={"closure": first}, said=said)


def local(text: str) -> str:
    """A local time as it is typed, `2026-12-24 18:00`, as it is kept."""
    return text.strip().replace(" ", "T")


def equipment(many: Sequence[Values]) -> tuple[Equipment, ...]:
    """What cards of things say."""
    return tuple(Equipment(str(one["kind"]), number(one["count"], least=1)) for one in many)


def of_equipment(things: tuple[Equipment, ...]) -> list[Values]:
    return [{"kind": one.kind, "count": str(one.count)} for one in things]


def _clock(value: Value) -> str:
    hours, _, minutes = str(value).strip().partition(":")
    return f"{hours.zfill(2)}:{minutes.zfill(2)}"
