"""Two records that may be of one person: by number or address. A person decides; `guardian.merge` makes them one."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import decode
from classtap_core.kernel.tx import Reader
from classtap_core.people.records import Contact, Family


class Alike(NamedTuple):
    """Two contacts that may be one person: `keep` is the one that has proven more, or was there first."""

    keep: Contact
    drop: Contact


def same_person(one: Contact, others: Iterable[Contact]) -> tuple[Contact, ...]:
    """Contacts that may be the same person: the same phone, digit by digit, or the same address, capitals aside."""
    mine = marks_of(one)
    return tuple(other for other in others if other.id != one.id and mine & marks_of(other))


def marks_of(contact: Contact) -> frozenset[str]:
    """What two records of one person share."""
    digits = "".join(character for character in contact.phone if character.isdigit())
    email = contact.email.casefold().strip()
    return frozenset(mark for mark in (digits and f"phone {digits}", email and f"email {email}") if mark)


def alike(contacts: Iterable[Contact]) -> tuple[Alike, ...]:
    """Every two of many contacts that may be one person, each pair once."""
    sharing: defaultdict[str, list[Contact]] = defaultdict(list)
    for one in contacts:
        for mark in marks_of(one):
            sharing[mark].append(one)
    found: dict[tuple[Id, Id], Alike] = {}
    for many in sharing.values():
        first, *others = sorted(many, key=lambda one: (-one.verified_ms, one.id))
        for other in others:
            found.setdefault((first.id, other.id), Alike(first, other))
    return tuple(found[key] for key in sorted(found))


def duplicates(reader: Reader, home: Id) -> tuple[Alike, ...]:
    """The contacts of a house that may be one person, for whoever tidies up. Reads all of them."""
    families = [row.id for row in reader.find(Range(Family, "by_home", (home,)))]
    rows = reader.find_many([Range(Contact, "by_family", (family,)) for family in families])
    return alike(decode(Contact, row.body) for many in rows for row in many)
