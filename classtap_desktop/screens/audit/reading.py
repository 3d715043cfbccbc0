"""The audit as it is asked for: where, about whom, since when, with which words, and what may be seen of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import replace

from classtap_core.access.masking import Sight
from classtap_core.access.records import Device, Grant, Staff
from classtap_core.auditing.exporting import Manifest
from classtap_core.auditing.finding import Query, terms_meant
from classtap_core.auditing.lines import Line
from classtap_core.auditing.saying import sentences
from classtap_core.auditing.sentences import SENTENCES
from classtap_core.auditing.terms import words_in
from classtap_core.booking.policies import health_withheld
from classtap_core.checkin.reading import fetch
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import Sensitivity, decode
from classtap_core.people.records import Child, ContactMasked, Family
from classtap_core.timekeeping.rules import instant_ms, local_date, shift_date
from classtap_desktop.operator import Operator
from classtap_desktop.screens.sessions import read_places
from classtap_desktop.source import DeskSource
from resources.text import Catalogue
from sync.audit import AuditPage
from sync.client.auditing import OWN

PEOPLE = frozenset({Staff.KIND, Child.KIND, Family.KIND, ContactMasked.KIND})
WHEN = {"any": -1, "today": 0, "week": 6, "month": 29}
"""How many days before today each choice reaches back."""


class Asked(NamedTuple):
    """What a reader wants to see.

    Attributes:
        where: `device` or `studio`. person, device, thing: ids, "" for any. when: of `WHEN`. revealed: of which
        entries which kinds show.
    """

    where: str = OWN
    person: str = ""
    device: str = ""
    thing: str = ""
    when: str = "any"
    text: str = ""
    after: str = ""
    revealed: Mapping[Id, Collection[Sensitivity]] = MappingProxyType({})


class Shelf(NamedTuple):
    """What the filters offer: people who work here, by name, and this device; the zone of times, and the place it stands."""

    people: tuple[tuple[Id, str], ...]
    devices: tuple[tuple[Id, str], ...]
    zone: str
    home: Id


def read_shelf(source: DeskSource) -> Shelf:
    """Return what the filters offer."""
    reader = source.reader
    holders = {decode(Grant, row.body).holder for row in reader.find(Range(Grant, "by_holder", ()))}
    staff = [(id, one.name) for id, one in fetch(reader, Staff, holders).items()]
    places = read_places(reader)
    here = source.place.location or (places[0].id if places else Id(""))
    zone = next((one.zone for one in places if one.id == here), places[0].zone if places else "UTC")
    devices = [(id, one.name) for id, one in fetch(reader, Device, [source.place.device]).items()]
    return Shelf(tuple(sorted(staff, key=lambda one: one[1].casefold())), tuple(devices), zone, here)


def read_page(source: DeskSource, operator: Operator, asked: Asked, words: Catalogue, zone: str) -> AuditPage:
    """Return a page; raises BadInput for what is no question, and what the way to the cloud raises."""
    return pages_of(source, operator, asked)(query_of(source, asked, words, zone))


def pages_of(source: DeskSource, operator: Operator, asked: Asked) -> Callable[[Query], AuditPage]:
    """Return what answers queries where the reader looks, masked for them."""
    auditor = source.auditor
    if asked.where == OWN:
        now_ms = source.clock.now().corrected
        sight = Sight(
            operator.grants, at_ms=now_ms, shown=(Sensitivity.PERSONAL,), revealed=asked.revealed,
            withheld=health_withheld(source.reader, source.place.studio, operator.grants, at_ms=now_ms),
        )  # fmt: skip
        return lambda query: auditor.own(query, sight)
    return lambda query: auditor.of_studio(operator.id, query, asked.revealed)


def query_of(source: DeskSource, asked: Asked, words: Catalogue, zone: str) -> Query:
    """Return the query; words also mean the operations whose sentence has them, and the people so called."""
    since = 0
    if WHEN[asked.when] >= 0:
        now_ms = source.clock.now().corrected
        since = instant_ms(f"{shift_date(local_date(now_ms, zone), -WHEN[asked.when])}T00:00", zone)
    query = Query(
        person=asked.person, device=asked.device, thing=asked.thing, since_ms=since, text=asked.text, after=asked.after
    )
    if not asked.text.strip():
        return query
    people = {
        word: [row.row.id for row in source.search(word, kinds=PEOPLE)]
        for word in words_in(asked.text)
        if len(word) > 1
    }
    return replace(query, meanings=terms_meant(asked.text, sentences(SENTENCES, words), people))


def write_export(
    source: DeskSource, operator: Operator, asked: Asked, words: Catalogue, zone: str, path: Path,
    going: Callable[[int], bool],
) -> Manifest:  # fmt: skip
    """Write all that is found. Raises `exporting.Cancelled`, OSError, and what reading raises."""
    roles = tuple(sorted({grant.role for grant in operator.grants if grant.role}))
    return source.auditor.export(
        path, pages_of(source, operator, asked), query_of(source, asked, words, zone), words, chain=asked.where,
        viewer=operator.id, roles=roles, going=going,
    )  # fmt: skip


def things_of(line: Line) -> tuple[tuple[Id, str], ...]:
    """What a line can be narrowed to: the records it changed, by name."""
    return tuple((changed.id, changed.name) for changed in line.changed if changed.name)
