"""A place's calendar and its people, as other programs read them."""

import base64
import io
import zipfile
from typing import Any

import msgspec

from classtap_cli.questions.device import Device
from classtap_core.access.blueprints import Capability
from classtap_core.checkin.reading import fetch, search
from classtap_core.exchange import oneroster
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from classtap_core.people.records import Child, ChildHealth, Contact, Family
from classtap_core.schedule import calendar
from classtap_core.schedule.records import ClassType, Instructor, Location, Room, Session
from classtap_core.timekeeping.rules import local_date, shift_date
from sync.client.node import Node
from sync.client.signing_in import signed_in


class Days(msgspec.Struct, forbid_unknown_fields=True):
    """So many days from today on."""

    days: int = 90


class Pin(msgspec.Struct, forbid_unknown_fields=True):
    """Who asks."""

    pin: str


def sessions(device: Device, asked: Days) -> dict[str, Any]:
    """The sessions of this device's location as iCalendar. Raises Refused `import.no_location`."""
    node = device.node
    place, zone = _place(node), node.zone()
    now = node.clock.now().corrected
    today = local_date(now, zone)
    with node.reader() as reader:
        found = search(
            reader, Session, "by_location_date", place, low=today, high=shift_date(today, max(0, min(asked.days, 366)))
        )
        words = calendar.Words(
            {one.id: one.name for one in search(reader, ClassType, "by_id")},
            {one.id: one.name for one in search(reader, Room, "by_location", place)},
            {one.id: one.name for one in search(reader, Instructor, "by_id")},
        )
    text = calendar.write(found, words, name=node.papers.studio_name, zone=zone, at_ms=now)
    return {"sessions": len(found), "text": text.decode()}


def people(device: Device, asked: Pin) -> dict[str, Any]:
    """Everybody of this device's location as OneRoster files in a ZIP, in base64. Raises Refused as `signed_in`."""
    node = device.node
    place = _place(node)
    signed_in(node, Capability.EXPORT_STUDIO, asked.pin, location=place)
    with node.reader() as reader:
        families = [one.id for one in search(reader, Family, "by_home", place)]
        children = [child for family in families for child in search(reader, Child, "by_family", family)]
        contacts = [contact for family in families for contact in search(reader, Contact, "by_family", family)]
        health = reader.rows(ChildHealth, [child.id for child in children])
        houses = fetch(reader, Location, [place])
    born = {id: str(msgspec.json.decode(row.body).get("birth_date", "")) for id, row in health.items()}
    name = houses[place].name if place in houses else node.papers.studio_name
    files = oneroster.write(children, contacts, born=born, school=place, name=name)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(zipfile.ZipInfo(f"{name}.csv"), data)
    return {
        "children": len(children), "guardians": len(contacts), "zip": base64.b64encode(packed.getvalue()).decode(),
    }  # fmt: skip


def _place(node: Node) -> Id:
    if not node.papers.location:
        raise Refused("import.no_location")
    return node.papers.location
