"""Whose PIN is it? For whoever works without choosing a name first: the command line, and what only a manager may do."""

from classtap_core.access.pins import Tries, after_wrong, lock_of, verify_pin
from classtap_core.access.records import Grant, Staff, StaffPin
from classtap_core.access.rules import decide
from classtap_core.auditing.lines import PIN
from classtap_core.checkin.reading import search
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Resource
from classtap_core.kernel.tx import Reader
from sync.client.node import Node

TRIES = "cli.sign_in"
"""What wrong PINs are counted under, on this device (ruling 22)."""


def signed_in(node: Node, capability: str, pin: str, *, location: Id) -> Author:
    """The member of staff whose PIN this is, among those who may do a thing at a location, as an author.

    Raises Refused `pin.wrong` with the tries left, `pin.paused` with minutes, `pin.manager`. About 30 ms a person.
    """
    now_ms = node.clock.now().corrected
    tries = node.tries(TRIES)
    _open(tries, now_ms)
    pepper = bytes.fromhex(node.papers.pepper)
    with node.reader() as reader:
        able = _able(reader, capability, Resource(location), now_ms)
    for person, kept in able:
        if verify_pin(pin, kept, pepper=pepper):
            node.keep_tries(TRIES, Tries())
            return Author(type="staff", id=person, proof=PIN)
    tries = after_wrong(tries, now_ms)
    node.keep_tries(TRIES, tries)
    _open(tries, now_ms)
    raise Refused("pin.wrong", left=3 - tries.wrong % 3)


def _open(tries: Tries, now_ms: int) -> None:
    lock = lock_of(tries, now_ms)
    if lock.manager:
        raise Refused("pin.manager")
    if lock.until_ms is not None:
        raise Refused("pin.paused", minutes=max(1, -(-(lock.until_ms - now_ms) // 60_000)))


def _able(reader: Reader, capability: str, resource: Resource, at_ms: int) -> list[tuple[Id, str]]:
    found = []
    for pin in search(reader, StaffPin, "by_id"):
        grants = search(reader, Grant, "by_holder", pin.id)
        if reader.rows(Staff, [pin.id]) and decide(grants, capability, resource, at_ms=at_ms).allowed:
            found.append((pin.id, pin.hash))
    return found
