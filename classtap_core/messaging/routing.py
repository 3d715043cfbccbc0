"""Who gets a message, on which way, and why somebody does not. Pure: it reads nothing and knows no clock but the date.

The order: a block; the right to hear of this child and what the message asks beside; the wish for the program, then for
the child, then the studio's; STOP and bounces of the address, with the next way in its place; one address once.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from classtap_core.kernel.ids import Id
from classtap_core.messaging.templates import CHANNELS, EMAIL, Template
from classtap_core.people.guardians import MATRIX, PRIMARY, RANKS, SECONDARY, Guardianship, Right, may, roles_on

ESCALATE_MS = 5 * 60_000
"""So long without a delivery, and an emergency goes on to the next people (catalogue 08)."""


class Reachable(NamedTuple):
    """A guardian as the router sees them. `stopped` and `bounced` name the channels whose present address is so."""

    guardian: Id
    email: str = ""
    phone: str = ""
    stopped: frozenset[str] = frozenset()
    bounced: frozenset[str] = frozenset()

    def address(self, channel: str) -> str:
        return self.email if channel == EMAIL else self.phone


class Wish(NamedTuple):
    """On which ways a guardian wants to hear, best first; () for not at all. "" for any child, any program."""

    guardian: Id
    channels: tuple[str, ...]
    child: str = ""
    program: str = ""


class Send(NamedTuple):
    """One address, once: everybody it stands for, and the children it is about.

    Attributes: `wave` 0 goes at once, each later one after `ESCALATE_MS` without a delivery. `instead` names the channel
    this one stands in for, or "".
    """

    channel: str
    address: str
    guardians: tuple[Id, ...]
    children: tuple[Id, ...]
    wave: int = 0
    instead: str = ""


class Passed(NamedTuple):
    """A guardian, or one of their ways, that is passed over, and why: a code."""

    guardian: Id
    child: Id
    channel: str
    why: str


class Routing(NamedTuple):
    """What would be sent, and who would not get it."""

    sends: tuple[Send, ...]
    passed: tuple[Passed, ...]


class Route(NamedTuple):
    """Everything the router is told, beside the message.

    Attributes: `pairs` by (guardian, child). `program` is a class's id, or "". `default` are the studio's ways.
    """

    people: Sequence[Reachable]
    children: Sequence[Id]
    pairs: Mapping[tuple[Id, Id], Guardianship]
    day: str
    wishes: Sequence[Wish] = ()
    program: str = ""
    matrix: Mapping[str, Collection[str]] = MATRIX
    default: tuple[str, ...] = CHANNELS


class _Way(NamedTuple):
    channel: str
    instead: str


def route(template: Template, to: Route) -> Routing:
    """Whom a message reaches. The same for the preview, before it is sent, and for the sending."""
    sends: dict[tuple[str, str], Send] = {}
    passed: list[Passed] = []
    for person in to.people:
        for child in to.children:
            pair = to.pairs.get((person.guardian, child))
            why = _kept_from(template, pair, to)
            if why:
                passed.append(Passed(person.guardian, child, "", why))
                continue
            ways, not_so = _ways(template, person, child, to)
            passed += [Passed(person.guardian, child, channel, code) for channel, code in not_so]
            wave = _wave(template, pair, to.day)
            for way in ways:
                _add(sends, person, child, way, wave)
    return Routing(tuple(sorted(sends.values(), key=lambda one: one.wave)), tuple(dict.fromkeys(passed)))


def _kept_from(template: Template, pair: Guardianship | None, to: Route) -> str:
    """Why a guardian is not told of a child; "" where they are."""
    if pair is None:
        return "no_role"
    if pair.blocked:
        return "blocked"
    roles = roles_on(pair, to.day)
    if not any(role in template.roles for role in roles):
        return "role" if roles else "no_role"
    if template.urgent:
        return ""
    for right in (Right.MESSAGES, template.right):
        if right is not None:
            answer = may(right, pair, day=to.day, matrix=to.matrix)
            if not answer.allowed:
                return "denied_for_child" if answer.why == "denied_for_child" else f"right.{right}"
    return ""


def _ways(template: Template, person: Reachable, child: Id, to: Route) -> tuple[list[_Way], list[tuple[str, str]]]:
    """On which ways a guardian hears of a child, and which were passed over, and why."""
    wished = tuple(template.channels) if template.urgent else _wished(person.guardian, child, to)
    if not wished:
        return [], [("", "not_wished")]
    passed: list[tuple[str, str]] = []
    found: list[_Way] = []
    instead = ""
    rest = [channel for channel in template.channels if channel not in wished]
    for channel in (*(one for one in wished if one in template.channels), *rest):
        why = _unreached(person, channel)
        if why:
            passed.append((channel, why))
            instead = instead or channel
        elif template.urgent:
            found.append(_Way(channel, ""))
        else:
            found.append(_Way(channel, instead))
            break
    return found, passed


def _wished(guardian: Id, child: Id, to: Route) -> tuple[str, ...]:
    """The program's wish before the child's before the guardian's own before the studio's."""
    mine = {(wish.child, wish.program): wish.channels for wish in to.wishes if wish.guardian == guardian}
    for of_child, of_program in ((child, to.program), ("", to.program), (child, ""), ("", "")):
        if (of_child, of_program) in mine:
            return mine[of_child, of_program]
    return to.default


def _unreached(person: Reachable, channel: str) -> str:
    """Why an address is not used. STOP is the law's: not even an emergency goes there."""
    if not person.address(channel):
        return "no_address"
    if channel in person.stopped:
        return "stopped"
    return "bounced" if channel in person.bounced else ""


def _wave(template: Template, pair: Guardianship | None, day: str) -> int:
    """An emergency goes to the guardians first, then to who picks up, then to emergency contacts."""
    if not template.urgent or pair is None:
        return 0
    first = roles_on(pair, day)[0]
    return 0 if first in (PRIMARY, SECONDARY) else RANKS.index(first) - 1


def _add(sends: dict[tuple[str, str], Send], person: Reachable, child: Id, way: _Way, wave: int) -> None:
    address = person.address(way.channel)
    key = (way.channel, normalised(way.channel, address))
    held = sends.get(key) or Send(way.channel, address, (), (), wave, way.instead)
    sends[key] = held._replace(
        guardians=tuple(dict.fromkeys((*held.guardians, person.guardian))),
        children=tuple(dict.fromkeys((*held.children, child))),
        wave=min(held.wave, wave),
    )


def normalised(channel: str, address: str) -> str:
    """An address as two spellings of it agree: no capitals, or digits alone."""
    if channel == EMAIL:
        return address.strip().casefold()
    digits = re.sub(r"\D", "", address)
    return digits.removeprefix("00")


def waves(sends: Iterable[Send]) -> tuple[int, ...]:
    """The waves there are, in order; an emergency whose guardians have no address begins with the next."""
    return tuple(sorted({send.wave for send in sends}))
