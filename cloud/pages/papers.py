"""Papers of a guardian's children on a page: which are asked for and how they stand, and one more with its scan."""

import hashlib
import secrets
from typing import NamedTuple

from classtap_core.checkin.reading import fetch, search
from classtap_core.health.operations import FilePaper
from classtap_core.health.records import HealthClearance, HealthPaper, HealthRequirement
from classtap_core.health.rules import paper_state
from classtap_core.health.scans import media_of
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.tx import Reader
from classtap_core.people.guardians import Guardianship
from classtap_core.people.records import Child
from classtap_core.schedule.records import Location
from classtap_core.timekeeping.rules import local_date
from cloud import evidence as files
from cloud.composition import Cloud
from cloud.pages.doors import Inside

SOURCE = "papers_page"
SCAN = "document"


class Line(NamedTuple):
    """A kind of paper that the studio asks for, and how a child's stands: a state's code, and the day it ends on or ""."""

    paper: str
    name: str
    state: str
    ends: str


class Person(NamedTuple):
    """A child and their papers."""

    child: Id
    name: str
    lines: tuple[Line, ...]


class Sent(NamedTuple):
    """What a form said. `once` makes one that is sent twice happen once."""

    child: str
    paper: str
    issued: str
    expires: str
    data: bytes
    once: str


class Shown(NamedTuple):
    people: tuple[Person, ...]
    once: str


def shown(cloud: Cloud, inside: Inside) -> Shown:
    """The papers of every child this guardian stands to and is not kept from."""
    reader = cloud.studios.storage(inside.studio)
    asked = sorted({(one.name, one.paper) for one in search(reader, HealthRequirement, "by_state", "open")})
    children = _children(reader, inside.contact)
    kept = fetch(reader, HealthClearance, children)
    places = fetch(reader, Location, (child.home for child in children.values()))
    now_ms = cloud.clock.now().corrected
    people = []
    for child in children.values():
        today = local_date(now_ms, places[child.home].zone if child.home in places else "UTC")
        papers = kept[child.id].papers if child.id in kept else ()
        lines = []
        for name, paper in asked:
            state, ends = paper_state(papers, paper, today)
            lines.append(Line(paper, name, state.value, ends))
        people.append(Person(child.id, f"{child.given} {child.surname}".strip(), tuple(lines)))
    return Shown(tuple(sorted(people, key=lambda one: one.name)), secrets.token_hex(16))


def file(cloud: Cloud, inside: Inside, sent: Sent) -> None:
    """File a paper with its scan, which is durable before the operation says so.

    Raises Refused `link.unknown` for somebody else's child, `health.paper`, `rate.limited` and what the gates say; BadInput
    `health.file`, `health.file_large`; EnvironmentFault where the scan cannot be kept. Then nothing is filed.
    """
    said = hashlib.sha256(sent.data).hexdigest()
    parts = (sent.child, sent.paper, sent.issued, sent.expires, said, sent.once)
    operation = derived("paper", inside.studio, inside.contact, *parts)
    reader = cloud.studios.storage(inside.studio)
    if fetch(reader, HealthPaper, [operation]):
        return  # the same form, sent again
    child = _children(reader, inside.contact).get(Id(sent.child))
    if child is None:
        raise Refused("link.unknown")
    if sent.paper not in {one.paper for one in search(reader, HealthRequirement, "by_state", "open")}:
        raise Refused("health.paper")
    scan = files.keep(
        cloud.blobs, inside.studio, sent.data, kind=SCAN, type=media_of(sent.data), subject=child.id,
        scope=f"health/{child.home}", entropy=cloud.studios.entropy, now_ms=cloud.clock.now().corrected,
    )  # fmt: skip
    payload = FilePaper(child=child.id, paper=sent.paper, issued=sent.issued, expires=sent.expires, file=scan)
    device = cloud.studios.studio(inside.studio).cloud_device
    author = Author(type="guardian", id=inside.contact)
    ledger = cloud.studios.authority(inside.studio).author(device, payload, author, source=SOURCE, id=operation)
    outcome = ledger.link.outcome
    if not outcome.stands:
        reasons = [*outcome.reasons, *(one for item in outcome.items for one in item.reasons)]
        raise Refused(reasons[0].code if reasons else "signing.refused")


def _children(reader: Reader, guardian: Id) -> dict[Id, Child]:
    pairs = [pair for pair in search(reader, Guardianship, "by_guardian", guardian) if pair.roles and not pair.blocked]
    return fetch(reader, Child, (pair.child for pair in pairs))
