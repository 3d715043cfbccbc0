"""What a device holds of somebody, for who asks; and having them erased."""

from typing import Any

import msgspec

from classtap_cli.questions.device import Device, check_stands, family_called, iso
from classtap_core.access.blueprints import Capability
from classtap_core.exchange.person import held_of, household, name_of, written
from classtap_core.kernel.ids import Id, parse
from classtap_core.kernel.outcomes import Status
from classtap_core.people.erasing import KEPT, ErasePeople
from sync.client.node import Node
from sync.client.signing_in import signed_in


class Who(msgspec.Struct, forbid_unknown_fields=True):
    """A family by id or name, or a child or guardian by id."""

    who: str
    pin: str = ""


class Erase(Who, forbid_unknown_fields=True):
    """Without a PIN nothing is asked of the cloud: what would go is said. `why` is one of `erasing.REASONS`."""

    why: str = "request"


def held(device: Device, asked: Who) -> dict[str, Any]:
    """Everything this device holds of somebody, as one readable text. Raises Refused as `signed_in`."""
    node = device.node
    signed_in(node, Capability.EXPORT_PERSON, asked.pin, location=node.papers.location)
    people = _people(node, asked.who)
    now = node.clock.now().corrected
    with node.reader() as reader:
        found = held_of(reader, node.bus.registry, list(people))
    text = written(people, found, studio=node.papers.studio, at=iso(now) or "")
    return {"people": len(people), "records": len(found), "text": text.decode()}


def erase(device: Device, asked: Erase) -> dict[str, Any]:
    """Say what would go, and with a PIN ask the cloud to erase; a family goes whole. Raises Refused as `signed_in`."""
    node = device.node
    people = _people(node, asked.who)
    with node.reader() as reader:
        found = held_of(reader, node.bus.registry, list(people))
    answer: dict[str, Any] = {
        "people": [{"id": id, "name": name} for id, name in people.items()],
        "goes": sum(one.goes for one in found),
        "stays": sorted({one.kind for one in found if not one.goes}),
        "kept": list(KEPT),
        "operation": None,
    }
    if not asked.pin:
        return answer
    author = signed_in(node, Capability.ERASE_PERSON, asked.pin, location=node.papers.location)
    receipt = node.submit(ErasePeople(people=tuple(people), why=asked.why), author, source="cli").result()
    if receipt.outcome.status is not Status.WAITING:
        check_stands(receipt.outcome)
    return {**answer, "operation": receipt.operation}


def _people(node: Node, who: str) -> dict[Id, str]:
    """Whom a name or an id means, with names. Raises BadInput `person.unknown`, Refused as `family_called`."""
    with node.reader() as reader:
        try:
            id = Id(parse(who))
        except ValueError:
            id = family_called(node, who).id
        return {one: name_of(reader, one) for one in household(reader, id)}
