"""What a family has to sign now: for each child and program the versions in force, at once, whoever asks for them."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from classtap_core.booking.guardian_gates import GUARDIAN_POLICY
from classtap_core.booking.policies import read_policy
from classtap_core.booking.records import Booking
from classtap_core.booking.rules import BOOKED
from classtap_core.checkin.care import CareKnown, care_known
from classtap_core.checkin.reading import fetch, search
from classtap_core.documents.operations import SignDocuments, SignedFor, SignedVersion
from classtap_core.documents.records import (
    BOOKING,
    CHECKIN,
    Document,
    DocumentVersion,
    Wording,
    document_version_id,
)
from classtap_core.documents.rules import Owed, Standing
from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.ids import Id
from classtap_core.kernel.tx import Reader
from classtap_core.people.guardians import Guardianship, Right, matrix_of, may
from classtap_core.people.records import Child, Family
from classtap_core.people.rules import sort_name
from classtap_core.schedule.records import Location, Program, Session
from classtap_core.timekeeping.rules import local_date, shift_date

AHEAD_DAYS = 60
"""Sessions booked within so many days are looked at."""


class Signer(NamedTuple):
    """A guardian who may sign for some of the children. A kiosk knows no name: `relation` is what it can show."""

    guardian: Id
    relation: str
    children: frozenset[Id]


class Asked(NamedTuple):
    """One version to be signed, in every language it has."""

    document: Document
    version: DocumentVersion
    hash: str
    effective: str
    outdated: bool

    def in_language(self, language: str) -> Wording:
        return self.version.in_language(language)


class ForChild(NamedTuple):
    """What is asked for one child, and for one program where `program` names one."""

    child: Child
    program: Id | str
    program_name: str
    asked: tuple[Asked, ...]


class Bundle(NamedTuple):
    """All of it. `zone`: the family's home's."""

    family: Id
    home: Id
    zone: str
    signers: tuple[Signer, ...]
    items: tuple[ForChild, ...]

    def of(self, guardian: Id) -> tuple[ForChild, ...]:
        """What one guardian may sign."""
        signer = next((one for one in self.signers if one.guardian == guardian), None)
        return tuple(one for one in self.items if signer is not None and one.child.id in signer.children)


def bundle(reader: Reader, studio: Id, family: Id, *, now_ms: int, session: Session | None = None) -> Bundle | None:
    """What a family has to sign for the places it has, for its house, and for one `session` it wants a place in.

    None where the family is not held here. What a device does not hold (sessions elsewhere) it does not ask for.
    """
    household = fetch(reader, Family, [family]).get(family)
    place = None if household is None else fetch(reader, Location, [household.home]).get(household.home)
    if household is None or place is None:
        return None
    children = sorted(search(reader, Child, "by_family", family), key=lambda one: sort_name(one.surname, one.given))
    today = local_date(now_ms, place.zone)
    known = care_known(reader, children)
    sessions = _sessions(reader, family, place, today, session)
    owed = {child.id: _owed(known, sessions.get(child.id, ()), sessions[Id("")], child.id) for child in children}
    versions = _versions(reader, (one for found in owed.values() for one in found))
    programs = fetch(reader, Program, {Id(one.program) for found in owed.values() for one in found if one.program})
    items = [item for child in children for item in _items(child, owed[child.id], versions, programs)]
    return Bundle(family, household.home, place.zone, _signers(reader, studio, children, today), tuple(items))


def request(
    guardian: Signer, items: Iterable[tuple[ForChild, Blob]], *, method: str, name: str, language: str, address: str = "",
    code: str = "",
) -> SignDocuments:  # fmt: skip
    """The operation that says it: exactly the versions that were shown, each child's with its artifact."""
    return SignDocuments(
        guardian=guardian.guardian, relation=guardian.relation, method=method, name=name, language=language,
        address=address, code=code,
        items=tuple(
            SignedFor(
                child=item.child.id, program=item.program, artifact=artifact,
                documents=tuple(
                    SignedVersion(document=one.document.id, number=one.version.number, hash=one.hash) for one in item.asked
                ),
            )
            for item, artifact in items
        ),
    )  # fmt: skip


def _sessions(
    reader: Reader, family: Id, place: Location, today: str, wanted: Session | None
) -> dict[Id, tuple[Session, ...]]:
    """Each child's sessions ahead; under "" what counts for all of the family's: its house itself, and the one wanted."""
    booked = [
        one
        for one in search(reader, Booking, "by_family_date", family, low=today, high=shift_date(today, AHEAD_DAYS))
        if one.state == BOOKED
    ]
    there = fetch(reader, Session, (one.session for one in booked))
    found: dict[Id, tuple[Session, ...]] = {}
    for one in booked:
        if one.session in there:
            found[one.child] = (*found.get(one.child, ()), there[one.session])
    house = Session(
        id=Id(""), class_type=Id(""), location=place.id, room=Id(""), instructor=Id(""), start=f"{today}T00:00", date=today,
        zone=place.zone, duration_min=0, capacity=0,
    )  # fmt: skip
    found[Id("")] = (house, wanted) if wanted is not None else (house,)
    return found


def _owed(known: CareKnown, own: tuple[Session, ...], shared: tuple[Session, ...], child: Id) -> list[Owed]:
    """What is not signed as it should be, each document and program once, in the latest version any session asks for."""
    found: dict[tuple[str, str], Owed] = {}
    for session in (*shared, *own):
        for when in (BOOKING, CHECKIN):
            for one in known.owed(session, child, when=when):
                key = (one.document.id, one.program)
                if one.standing is not Standing.VALID and (key not in found or found[key].number < one.number):
                    found[key] = one
    return [found[key] for key in sorted(found)]


def _versions(reader: Reader, owed: Iterable[Owed]) -> dict[tuple[Id, int], DocumentVersion]:
    ids = {document_version_id(one.document.id, one.number): (one.document.id, one.number) for one in owed}
    return {ids[id]: found for id, found in fetch(reader, DocumentVersion, ids).items()}


def _items(
    child: Child, owed: list[Owed], versions: Mapping[tuple[Id, int], DocumentVersion], programs: Mapping[Id, Program]
) -> list[ForChild]:
    by_program: dict[str, list[Asked]] = {}
    for one in owed:
        version = versions.get((one.document.id, one.number))
        edition = next((each for each in one.document.editions if each.number == one.number), None)
        if version is not None and edition is not None:
            asked = Asked(one.document, version, edition.hash, edition.effective, one.standing is Standing.OUTDATED)
            by_program.setdefault(one.program, []).append(asked)
    return [
        ForChild(child, program, programs[Id(program)].name if Id(program) in programs else "", tuple(asked))
        for program, asked in sorted(by_program.items())
    ]


def _signers(reader: Reader, studio: Id, children: Iterable[Child], today: str) -> tuple[Signer, ...]:
    matrix = matrix_of(read_policy(reader, studio, GUARDIAN_POLICY)[1])
    found: dict[Id, Signer] = {}
    for child in children:
        for pair in search(reader, Guardianship, "by_child", child.id):
            if may(Right.SIGN, pair, day=today, matrix=matrix).allowed:
                known = found.get(pair.guardian) or Signer(pair.guardian, pair.relation, frozenset())
                found[pair.guardian] = known._replace(children=known.children | {child.id})
    return tuple(sorted(found.values(), key=lambda one: (one.relation, one.guardian)))
