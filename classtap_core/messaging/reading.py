"""What the router is told, read from the records: the same for the preview at the desk and the sending in the cloud."""

from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

from classtap_core.booking.guardian_gates import GUARDIAN_POLICY
from classtap_core.booking.policies import read_policy
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import Record, decode
from classtap_core.kernel.tx import Reader
from classtap_core.messaging.records import ContactWay, MessageWish, mark
from classtap_core.messaging.routing import Reachable, Route, Wish
from classtap_core.messaging.settings import settings_of
from classtap_core.messaging.templates import EMAIL, SMS
from classtap_core.people.guardians import Guardianship, matrix_of
from classtap_core.people.records import Child, Contact

R = TypeVar("R", bound=Record)

ADDRESS = {EMAIL: "email", SMS: "phone"}
"""Channel → the contact's field it goes to."""


def route_of(
    reader: Reader, studio: Id, children: Sequence[Id], *, day: str, program: str = "", guardian: str = ""
) -> Route:
    """Everybody who stands in any relation to some children, with all that decides whether they are told.

    `guardian`: this one alone.
    """
    pairs = [
        pair
        for child in children
        for pair in _found(reader, Guardianship, "by_child", child)
        if guardian in ("", pair.guardian)
    ]
    contacts = _contacts(reader, dict.fromkeys(pair.guardian for pair in pairs))
    people, wishes = [], []
    for contact in contacts:
        ways = _found(reader, ContactWay, "by_contact", contact.id)
        people.append(reachable(contact, ways))
        wishes += [
            Wish(wish.contact, wish.channels, wish.child, wish.program)
            for wish in _found(reader, MessageWish, "by_contact", contact.id)
        ]
    matrix = matrix_of(read_policy(reader, studio, GUARDIAN_POLICY)[1])
    return Route(
        people, tuple(children), {(pair.guardian, pair.child): pair for pair in pairs}, day, wishes, program, matrix,
        settings_of(reader, studio).channels,
    )  # fmt: skip


def language_for(reader: Reader, studio: Id, guardian: Id, *, known: Collection[str], usual: str) -> str:
    """In which language a guardian is written to: their own, then the family's, then the studio's, then `usual`.

    `known`: languages there are words for. The family's is what another of its guardians, or a child of it, speaks.
    """
    own = _contacts(reader, [guardian])
    if not own:
        return usual
    family = own[0].family
    others = sorted(_found(reader, Contact, "by_family", family), key=lambda one: (one.relation, one.id))
    children = sorted(_found(reader, Child, "by_family", family), key=lambda one: one.id)
    spoken = [*(one.languages for one in (*own, *others)), *(one.languages for one in children)]
    said = [code for languages in spoken for code in languages]
    wanted = (*said, settings_of(reader, studio).language)
    return next((code for code in wanted if code.replace("_", "-").split("-")[0] in known), usual)


def reachable(contact: Contact, ways: Iterable[ContactWay]) -> Reachable:
    """A contact with what is known of its addresses; a bounce counts for the address that bounced alone."""
    known = {way.channel: way for way in ways}
    bounced = {
        channel
        for channel, way in known.items()
        if way.bounced and way.bounced == mark(contact.id, getattr(contact, ADDRESS[channel]))
    }
    stopped = {channel for channel, way in known.items() if way.stopped}
    return Reachable(contact.id, contact.email, contact.phone, frozenset(stopped), frozenset(bounced))


def _contacts(reader: Reader, ids: Iterable[Id]) -> list[Contact]:
    rows = reader.rows(Contact, ids)
    return [decode(Contact, rows[id].body) for id in ids if id in rows]


def _found(reader: Reader, record: type[R], by: str, *equals: str) -> list[R]:
    return [decode(record, row.body) for row in reader.find(Range(record, by, equals))]
