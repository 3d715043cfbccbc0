"""What nobody with the right told: listed, and decided by who has it."""

from typing import Any

import msgspec

from classtap_cli.questions.device import Device, Nothing, iso
from classtap_core.access.blueprints import DESK, Capability
from classtap_core.checkin.reading import fetch
from classtap_core.contesting.operations import RuleContested
from classtap_core.contesting.records import Contested
from classtap_core.contesting.telling import undecided
from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.kernel.ids import Id, parse
from sync.client.node import Node
from sync.client.signing_in import signed_in


class Rule(msgspec.Struct, forbid_unknown_fields=True):
    """One contested fact by its operation, whether it happened, and who says so."""

    fact: str
    happened: bool
    pin: str


def contested(device: Device, asked: Nothing) -> list[dict[str, Any]]:
    """What waits to be decided, newest first. Raises Refused `contested.not_here` at a kiosk."""
    node = _desk(device.node)
    with node.reader() as reader:
        found = undecided(reader, node.bus.registry)
    return [
        {
            "operation": one.held.id, "kind": one.held.fact, "at": iso(one.held.at_ms), "device": one.held.device,
            "device_name": one.line.device_name, "author": one.held.author.id, "who": one.line.who,
            "why": one.held.why, "needs": one.held.needs, "about": one.line.params, "states": one.states,
        }
        for one in found
    ]  # fmt: skip


def rule(device: Device, asked: Rule) -> dict[str, Any]:
    """Say that a fact happened, or that it did not. It waits in the queue until the cloud has decided.

    Raises Refused `contested.not_here`, `contested.unknown`, BadInput `contested.id`, and as `signed_in`.
    """
    node = _desk(device.node)
    try:
        fact = Id(parse(asked.fact))
    except ValueError as error:
        raise BadInput("contested.id", id=asked.fact[:40]) from error
    with node.reader() as reader:
        held = fetch(reader, Contested, [fact]).get(fact)
    if held is None:
        raise Refused("contested.unknown")
    author = signed_in(node, Capability.UNDO, asked.pin, location=held.place.location or node.papers.location)
    word = RuleContested(fact=fact, happened=asked.happened, under=held.under if asked.happened else ())
    receipt = node.submit(word, author, source="cli").result()
    return {"operation": receipt.operation, **msgspec.to_builtins(receipt.outcome)}


def _desk(node: Node) -> Node:
    if node.papers.role != DESK:
        raise Refused("contested.not_here")
    return node
