"""Signing on a page: what a guardian is shown, and one operation out of what they ticked and how they signed."""

import secrets
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import msgspec

from classtap_core.checkin.reading import fetch, search
from classtap_core.documents.records import Consents
from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.tx import Reader
from classtap_core.people.guardians import Guardianship
from classtap_core.people.records import Child, Contact
from classtap_core.people.rules import masked_email, masked_phone
from classtap_core.people.verification import EMAIL, WAYS, VerifyContact
from classtap_core.schedule.records import Session, Studio
from classtap_core.signing.artifact import Strokes, artifact, check_strokes
from classtap_core.signing.bundle import Bundle, ForChild, Signer, bundle, request
from classtap_core.signing.telling import FONTS, Occasion, evidence
from classtap_core.timekeeping.rules import iso_local
from cloud import evidence as files
from cloud.composition import Cloud
from cloud.pages.doors import Inside
from resources import path
from resources.text import Catalogue

SOURCE = "signing_page"
PDF = "application/pdf"
LONGEST_NAME = 200


class Line(NamedTuple):
    """One version for one child: `mark` is what its box says when it is ticked."""

    mark: str
    title: str
    body: tuple[str, ...]
    number: int
    effective: str
    hash: str
    outdated: bool


class Person(NamedTuple):
    """A child, and the versions to be signed for them; `program` names what for, "" for everything."""

    name: str
    program: str
    lines: tuple[Line, ...]


class Kept(NamedTuple):
    """An artifact that can be looked at."""

    hash: str
    child: str
    at_ms: int


class Shown(NamedTuple):
    """The page: `once` makes a form that is sent twice happen once; `ways` are the guardian's own addresses, masked."""

    guardian: str
    people: tuple[Person, ...]
    ways: tuple[tuple[str, str], ...]
    once: str
    kept: tuple[Kept, ...]
    zone: str


class Wanted(NamedTuple):
    """What a form said."""

    marks: frozenset[str]
    name: str
    strokes: Strokes
    code: str
    once: str
    address: str
    device: str
    language: str


def shown(cloud: Cloud, inside: Inside, words: Catalogue, *, session: str = "") -> Shown:
    """What a guardian has to sign, in their language. Raises Refused `link.unknown` for who is nobody's guardian."""
    reader = cloud.studios.storage(inside.studio)
    contact = _contact(reader, inside.contact)
    people, zone = [], "UTC"
    for found, mine in _bundles(reader, cloud, inside, session):
        zone = found.zone
        people += [
            Person(_name(item.child), item.program_name, tuple(_lines(item, words.language)))
            for item in mine
            if item.asked
        ]
    ways = tuple((way, _masked(contact, way)) for way in WAYS if getattr(contact, way))
    return Shown(contact.name, tuple(people), ways, secrets.token_hex(16), _kept(reader, inside), zone)


def sign(cloud: Cloud, inside: Inside, wanted: Wanted, words: Catalogue, *, session: str = "") -> int:
    """Sign what was ticked; for how many children. Every artifact is durable before the operation says so.

    Raises Refused `signing.nothing`, `signing.incomplete`, `signing.changed` (other words than were shown), `code.wrong`,
    `code.expired`, `code.held`, and what the gates say; EnvironmentFault where the evidence cannot be kept. Then nothing is
    signed.
    """
    operation = derived("signing", inside.studio, inside.contact, wanted.once)
    reader = cloud.studios.storage(inside.studio)
    if reader.recorded(operation) is not None:
        return 0  # the same form, sent again
    name, drawn = wanted.name.strip(), check_strokes(wanted.strokes)
    if not name or len(name) > LONGEST_NAME or (wanted.strokes and not drawn):
        raise Refused("signing.incomplete")
    chosen = _chosen(reader, cloud, inside, wanted, session)
    way = cloud.doors.check(inside.studio, inside.contact, wanted.code)
    _verified(cloud, inside, way)
    signed = 0
    for found, signer, items in chosen:
        id = operation if len(chosen) == 1 else derived("signing", operation, found.family)
        kept = [(item, _artifact(cloud, reader, inside, item, wanted, found, signer, way, id, words)) for item in items]
        payload = request(
            signer,
            kept,
            method="drawn" if drawn else "typed",
            name=name,
            language=wanted.language,
            address=wanted.address,
        )
        device = cloud.studios.studio(inside.studio).cloud_device
        author = Author(type="guardian", id=inside.contact, proof=way)
        ledger = cloud.studios.authority(inside.studio).author(device, payload, author, source=SOURCE, id=id)
        refusals = [item for item in ledger.link.outcome.items if item.reasons]
        if not ledger.link.outcome.stands or refusals:
            reasons = refusals[0].reasons if refusals else ledger.link.outcome.reasons
            raise Refused(reasons[0].code if reasons else "signing.refused")
        signed += len(kept)
    return signed


def kept_artifact(cloud: Cloud, inside: Inside, hash: str) -> bytes:
    """An artifact of a child whom this guardian may sign for. Raises Refused `link.unknown` for any other."""
    reader = cloud.studios.storage(inside.studio)
    if hash not in {one.hash for one in _kept(reader, inside)}:
        raise Refused("link.unknown")
    return files.read(cloud.blobs, inside.studio, hash)


def strokes_of(text: str) -> Strokes:
    """A drawing as the page's script sends it. Raises Refused `signing.incomplete`."""
    if not text:
        return ()
    try:
        return msgspec.json.decode(text, type=Strokes)
    except msgspec.MsgspecError as error:
        raise Refused("signing.incomplete") from error


def _bundles(reader: Reader, cloud: Cloud, inside: Inside, session: str) -> list[tuple[Bundle, tuple[ForChild, ...]]]:
    """What each of the guardian's families has to sign, and what of it is theirs."""
    families = _families(reader, inside.contact)
    wanted: Session | None = fetch(reader, Session, [Id(session)]).get(Id(session)) if session else None
    now_ms = cloud.clock.now().corrected
    found = [bundle(reader, inside.studio, family, now_ms=now_ms, session=wanted) for family in families]
    return [(one, one.of(inside.contact)) for one in found if one is not None]


def _families(reader: Reader, guardian: Id) -> list[Id]:
    pairs = [pair for pair in search(reader, Guardianship, "by_guardian", guardian) if not pair.blocked]
    children = fetch(reader, Child, (pair.child for pair in pairs))
    return sorted({child.family for child in children.values()})


def _chosen(
    reader: Reader, cloud: Cloud, inside: Inside, wanted: Wanted, session: str
) -> list[tuple[Bundle, Signer, list[ForChild]]]:
    """What was ticked, as it stands now."""
    found, left = [], set(wanted.marks)
    for whole, mine in _bundles(reader, cloud, inside, session):
        signer = next((one for one in whole.signers if one.guardian == inside.contact), None)
        items = []
        for item in mine:
            asked = tuple(
                one for one in item.asked if mark_of(item, one.document.id, one.version.number, one.hash) in left
            )
            if asked:
                items.append(item._replace(asked=asked))
                left -= {mark_of(item, one.document.id, one.version.number, one.hash) for one in asked}
        if signer is not None and items:
            found.append((whole, signer, items))
    if left:
        raise Refused("signing.changed")
    if not found:
        raise Refused("signing.nothing")
    return found


def mark_of(item: ForChild, document: Id, number: int, hash: str) -> str:
    """What a box says: exactly which words, for whom."""
    return f"{item.child.id}.{item.program or '-'}.{document}.{number}.{hash}"


def _lines(item: ForChild, language: str) -> list[Line]:
    found = []
    for one in item.asked:
        wording = one.in_language(language)
        body = tuple(part for part in wording.body.splitlines() if part.strip())
        mark = mark_of(item, one.document.id, one.version.number, one.hash)
        found.append(Line(mark, wording.title, body, one.version.number, one.effective, one.hash, one.outdated))
    return found


def _artifact(
    cloud: Cloud, reader: Reader, inside: Inside, item: ForChild, wanted: Wanted, found: Bundle, signer: Signer, way: str,
    id: Id, words: Catalogue,
) -> Blob:  # fmt: skip
    now_ms = cloud.clock.now().corrected
    contact = _contact(reader, inside.contact)
    studio: Studio | None = fetch(reader, Studio, [inside.studio]).get(inside.studio)
    occasion = Occasion(
        studio=studio.name if studio else "", language=wanted.language, guardian=contact.name, relation=signer.relation,
        at=iso_local(now_ms, found.zone), place=wanted.address, device=wanted.device, code_to=_masked(contact, way),
        reference=id,
    )  # fmt: skip
    told = evidence(words.say, item, occasion, name=wanted.name.strip(), strokes=wanted.strokes)
    return files.keep(
        cloud.blobs, inside.studio, artifact(told, fonts=_fonts()), kind=files.SIGNATURE, type=PDF, subject=item.child.id,
        scope=item.child.scope(), entropy=cloud.studios.entropy, now_ms=now_ms,
    )  # fmt: skip


def _verified(cloud: Cloud, inside: Inside, way: str) -> None:
    """A code that was right shows the address it went to, too."""
    payload = VerifyContact(contact=inside.contact, way=way)
    if not cloud.studios.author(inside.studio, payload, source=SOURCE).link.outcome.stands:
        raise Refused("code.expired")


def _kept(reader: Reader, inside: Inside) -> tuple[Kept, ...]:
    """The artifacts of children whom the guardian is not kept from, the newest first."""
    pairs = [pair for pair in search(reader, Guardianship, "by_guardian", inside.contact) if not pair.blocked]
    ids = [pair.child for pair in pairs if pair.roles]
    names = {child.id: _name(child) for child in fetch(reader, Child, ids).values()}
    found: Mapping[Id, Consents] = fetch(reader, Consents, ids)
    kept = {
        one.artifact.hash: Kept(one.artifact.hash, names.get(child, ""), one.at_ms)
        for child, consents in found.items()
        for one in consents.signings
    }
    return tuple(sorted(kept.values(), key=lambda one: (-one.at_ms, one.child, one.hash)))


def _contact(reader: Reader, id: Id) -> Contact:
    found = fetch(reader, Contact, [id]).get(id)
    if found is None:
        raise Refused("link.unknown")
    return found


def _masked(contact: Contact, way: str) -> str:
    return masked_email(contact.email) if way == EMAIL else masked_phone(contact.phone)


def _name(child: Child) -> str:
    return " ".join(part for part in (child.given, child.surname) if part)


@cache
def _fonts() -> tuple[bytes, ...]:
    return tuple(path("fonts", name).read_bytes() for name in FONTS)
