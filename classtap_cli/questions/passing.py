"""Passes: judge a text, have one issued by the cloud, switch one off."""

from typing import Any

import msgspec

from classtap_cli.questions.device import Device, Nothing, check_stands, family_called, iso
from classtap_core.access.blueprints import Capability
from classtap_core.booking.policies import read_policy
from classtap_core.checkin.reading import fetch, search
from classtap_core.checkin.settings import PASS_POLICY, pass_settings
from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Outcome
from classtap_core.naming.spelling import folded
from classtap_core.passes.history import history as told
from classtap_core.passes.operations import RevokePass
from classtap_core.passes.records import Pass, pass_id
from classtap_core.people.records import Family
from kiosk import showing
from kiosk.door import Door
from sync.cards import all_texts
from sync.client.asking import the_cloud
from sync.client.node import Node
from sync.client.signing_in import signed_in


class Text(msgspec.Struct, forbid_unknown_fields=True):
    """A scanned text, and what reading it took."""

    text: str
    decoder: str | None = None
    decode_ms: float = 0.0


class OfFamily(msgspec.Struct, forbid_unknown_fields=True):
    """A family by id or name."""

    family: str


class Revoke(msgspec.Struct, forbid_unknown_fields=True):
    """Whose pass, why, and the PIN of who says so."""

    family: str
    pin: str
    reason: str = ""


class Submit(msgspec.Struct, forbid_unknown_fields=True):
    """Any operation as plain data; with a PIN as that member of staff, else as the device itself.

    `location` is where the PIN's owner must hold the operation's capability.
    """

    kind: str
    payload: dict[str, Any]
    version: int = 0
    pin: str = ""
    location: str = ""


def scan(device: Device, asked: Text) -> dict[str, Any]:
    """Judge a text and show the family's board; nothing is written."""
    sighted = Door(device.node).scan(asked.text, keep=False).result()
    return showing.line(sighted, decoder=asked.decoder, decode_ms=asked.decode_ms, frame=0)


def verify(device: Device, asked: Text) -> dict[str, Any]:
    """The verdict on a text; nothing is written."""
    sighted = Door(device.node).scan(asked.text, keep=False).result()
    return {
        "outcome": sighted.outcome,
        "reason": sighted.reason,
        "params": sighted.params,
        "warnings": list(sighted.warnings),
        "family": sighted.family or None,
        "verify_ms": round(sighted.verify_ms, 3),
    }


def issue(device: Device, asked: OfFamily) -> dict[str, Any]:
    """Have the cloud say a family's pass. Raises EnvironmentFault `cloud.unreachable`, Refused with its code."""
    family = family_called(device.node, asked.family)
    with the_cloud(device.node) as transport:
        issued = transport.pass_text(family.id)
    with device.node.reader() as reader:
        values = pass_settings(read_policy(reader, device.node.papers.studio, PASS_POLICY)[1]).values()
    return {
        "family": issued.family,
        "name": family.name,
        "studio": device.node.papers.studio_name,
        "text": issued.text,
        "expires": iso(issued.expires * 1000),
        "expires_s": issued.expires,
        "zone": device.node.zone(),
        "brand": {name: values[name] for name in ("dark", "light", "logo")},
    }


def sheet(device: Device, asked: Nothing) -> dict[str, Any]:
    """Have the cloud say the pass of every family held here that has one, by name; many at a time.

    Raises as `issue`, and Refused `pass.no_cards`.
    """
    with device.node.reader() as reader:
        families = search(reader, Family, "by_home")
        held = {one.family for one in search(reader, Pass, "by_family") if one.revoked_at_ms is None}
    named = sorted((one for one in families if one.id in held), key=lambda one: (folded(one.name), one.id))
    with the_cloud(device.node) as transport:
        texts = all_texts(transport, [one.id for one in named])
    cards = [
        {"name": one.name, "text": texts[one.id].text, "expires_s": texts[one.id].expires}
        for one in named
        if one.id in texts
    ]
    return {"studio": device.node.papers.studio_name, "zone": device.node.zone(), "cards": cards}


def history(device: Device, asked: OfFamily) -> dict[str, Any]:
    """How a family's pass stands and what became of it, newest first. Raises Refused `pass.unknown`."""
    node = device.node
    family = family_called(node, asked.family)
    held = _held(node, family.id)
    return {
        "family": family.id,
        "name": family.name,
        "epoch": held.epoch,
        "expires": iso(held.expires_s * 1000),
        "revoked": held.revoked_at_ms is not None,
        "history": [{"at": iso(one.at_ms), "what": one.what, "epoch": one.epoch, "why": one.why} for one in told(held)],
    }


def _held(node: Node, family: Id) -> Pass:
    id = pass_id(node.papers.studio, family)
    with node.reader() as reader:
        held = fetch(reader, Pass, [id]).get(id)
    if held is None:
        raise Refused("pass.unknown")
    return held


def revoke(device: Device, asked: Revoke) -> dict[str, Any]:
    """Switch a family's pass off, at once and without a network. Raises Refused `pass.unknown`, and as `signed_in`."""
    node = device.node
    family = family_called(node, asked.family)
    held = _held(node, family.id)
    author = signed_in(node, Capability.REVOKE_PASS, asked.pin, location=held.home)
    word = RevokePass(family=family.id, home=held.home, epoch=held.epoch, reason=asked.reason)
    receipt = node.submit(word, author, source="cli").result()
    check_stands(receipt.outcome)
    return {"family": family.id, "name": family.name, "epoch": held.epoch, **_told(receipt.operation, receipt.outcome)}


def submit(device: Device, asked: Submit) -> dict[str, Any]:
    """Decide and commit an operation. Raises BadInput for what it is not, Refused as `signed_in`."""
    node = device.node
    spec = node.bus.registry.spec(asked.kind)
    payload = spec.decode(asked.version or spec.version, asked.payload)
    if spec.needs is None:
        raise BadInput("operation.unknown", kind=asked.kind)
    location = type(node.papers.location)(asked.location or node.papers.location)
    author = signed_in(node, spec.needs, asked.pin, location=location) if asked.pin else Door(node).author
    receipt = node.submit(payload, author, source="cli").result()
    return _told(receipt.operation, receipt.outcome)


def _told(operation: str, outcome: Outcome) -> dict[str, Any]:
    return {"operation": operation, **msgspec.to_builtins(outcome)}
