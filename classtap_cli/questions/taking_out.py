"""A place's calendar and its people, as other programs read them."""

import base64
from typing import Any

import msgspec

from classtap_cli.questions.device import Device
from classtap_core.access.blueprints import Capability
from classtap_core.exchange import taking_out
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from sync.client.node import Node
from sync.client.signing_in import signed_in


class Days(msgspec.Struct, forbid_unknown_fields=True):
    """So many days from today on."""

    days: int = taking_out.DAYS


class Pin(msgspec.Struct, forbid_unknown_fields=True):
    """Who asks."""

    pin: str


def sessions(device: Device, asked: Days) -> dict[str, Any]:
    """The sessions of this device's location as iCalendar. Raises Refused `import.no_location`."""
    node = device.node
    place, zone, name = _place(node), node.zone(), node.papers.studio_name
    with node.reader() as reader:
        found = taking_out.timetable(
            reader, place, name=name, zone=zone, now_ms=node.clock.now().corrected, days=asked.days
        )
    return {"sessions": found.sessions, "text": found.data.decode()}


def people(device: Device, asked: Pin) -> dict[str, Any]:
    """Everybody of this device's location as OneRoster files in a ZIP, in base64. Raises Refused as `signed_in`."""
    node = device.node
    place = _place(node)
    signed_in(node, Capability.EXPORT_STUDIO, asked.pin, location=place)
    with node.reader() as reader:
        found = taking_out.people(reader, place, name=node.papers.studio_name)
    return {"children": found.children, "guardians": found.guardians, "zip": base64.b64encode(found.data).decode()}


def _place(node: Node) -> Id:
    if not node.papers.location:
        raise Refused("import.no_location")
    return node.papers.location
