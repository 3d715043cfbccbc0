"""The device that is asked, and what every question shares."""

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from classtap_core.checkin.reading import fetch
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id, parse
from classtap_core.kernel.outcomes import Outcome
from classtap_core.naming.matching import How
from classtap_core.people.records import Family
from sync.client.node import Node


class Device(NamedTuple):
    """An open node; `running` when its sync engine works beside the question."""

    node: Node
    running: bool


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """A question that needs no more than its name."""


def check_stands(outcome: Outcome) -> None:
    """Raises Refused with an operation's own reason when it does not stand."""
    if not outcome.stands:
        reason = outcome.reasons[0] if outcome.reasons else None
        raise Refused(reason.code if reason else "cli.refused", **(reason.params if reason else {}))


def family_called(node: Node, named: str) -> Family:
    """The family with an id, or the only one held here with such a name.

    Raises Refused `family.not_here`, `family.several` with how many.
    """
    with node.reader() as reader:
        try:
            found = list(fetch(reader, Family, [Id(parse(named))]).values())
        except ValueError:
            fits = [one for one in reader.search(named, kinds=[Family.KIND]) if one.fit.how <= How.WORD]
            found = list(fetch(reader, Family, [one.row.id for one in fits]).values())
    if not found:
        raise Refused("family.not_here", family=named)
    if len(found) > 1:
        raise Refused("family.several", family=named, found=len(found))
    return found[0]


def iso(at_ms: int | None) -> str | None:
    """Milliseconds since the Unix epoch as ISO 8601 in UTC."""
    return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, tz=UTC).isoformat(timespec="milliseconds")
