"""Whom somebody means by what they typed: families, by their own name, a child's or a guardian's, a number, an address."""

from __future__ import annotations

from typing import NamedTuple

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Resource
from classtap_core.kernel.records import decode
from classtap_core.naming.matching import Fit
from classtap_core.people.records import Child, Contact, ContactMasked, Family
from classtap_desktop.operator import Operator, sight
from classtap_desktop.source import DeskSource

KINDS = {record.KIND: record for record in (Family, Child, Contact, ContactMasked)}


class FoundPerson(NamedTuple):
    """A record that fits, and the family it leads to.

    Attributes: `title` is the name, `marks` its parts that fit (from, up to); `reached` the telephone number or address
    where that is what fits.
    """

    family: Id
    record: Family | Child | Contact | ContactMasked
    title: str
    marks: tuple[tuple[int, int], ...] = ()
    reached: str = ""


def search_people(source: DeskSource, text: str, operator: Operator | None) -> tuple[FoundPerson, ...]:
    """Return who fits of those they may see, best first: guardians by their numbers only to who may see those."""
    now_ms = source.clock.now().corrected
    sees: dict[str, bool] = {}
    families = sight(operator, Capability.VIEW_FAMILY, source)

    def readable(kind: str, scope: str) -> bool:
        _, _, home = scope.partition("/")
        if not families.allows(Resource(Id(home))):
            return False
        if kind not in (Contact.KIND, ContactMasked.KIND):
            return True
        if home not in sees:
            allowed = operator is not None and operator.may(Capability.VIEW_CONTACT, location=home, at_ms=now_ms)
            sees[home] = allowed and source.reader.holds(f"{Contact.PREFIX}/{home}")
        return sees[home] is (kind == Contact.KIND)

    found = source.search(text, kinds=KINDS, readable=readable)
    return tuple(_found(decode(KINDS[one.row.kind], one.row.body), one.fit) for one in found)


def read_found(source: DeskSource, text: str, operator: Operator | None) -> tuple[Id, ...]:
    """Return the families that fit, best first, each once."""
    return tuple(dict.fromkeys(one.family for one in search_people(source, text, operator)))


def _found(record: Family | Child | Contact | ContactMasked, fits: Fit) -> FoundPerson:
    if isinstance(record, Child):
        title, shift = f"{record.given} {record.surname}".strip(), len(record.given) + 1
        marks = tuple(
            (mark.start + shift, mark.end + shift)
            if mark.field == "surname" and record.given
            else (mark.start, mark.end)
            for mark in fits.marks
        )
        return FoundPerson(record.family, record, title, marks)
    marks = tuple((mark.start, mark.end) for mark in fits.marks if mark.field == "name")
    if isinstance(record, Family):
        return FoundPerson(record.id, record, record.name, marks)
    fields = {mark.field for mark in fits.marks}
    reached = record.phone if "phone" in fields else record.email if "email" in fields else ""
    return FoundPerson(record.family, record, record.name, marks, reached)
