"""Which version of a document is in force, what a child still lacks for a session, and how signatures fold. Pure."""

import hashlib
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from msgspec.structs import asdict

from classtap_core.documents.records import (
    BLOCK,
    BOOKING,
    CHECKIN,
    WARN,
    Attached,
    Consents,
    Document,
    Edition,
    Ending,
    Signing,
    SigningCode,
    Wording,
)
from classtap_core.kernel.canonical import canonical
from classtap_core.kernel.envelope import GateResult
from classtap_core.kernel.errors import BadInput
from classtap_core.schedule import reach
from classtap_core.schedule.records import Session
from classtap_core.timekeeping.rules import local_date, parse_date

OPEN, RETIRED = "open", "retired"
CATEGORIES = ("waiver", "terms", "cancellation", "no_show", "privacy")
METHODS = ("drawn", "typed")
LONGEST = 12_000
"""The most bytes of a wording: with its languages it stays a value, not a blob."""
MOST_WORDINGS = 8

CODE_MS = 10 * 60_000
"""How long a code sent to a guardian may be typed (catalogue 08 and 13)."""
SIGNING_MS = 30 * 60_000
"""How long after its code somebody may take to read and sign."""
MOST_CODES, CODES_MS = 3, 5 * 60_000
"""At most so many codes in so long a time (catalogue 13)."""


class Standing(StrEnum):
    """How what was signed stands: `outdated` where a version since asks for a new signature."""

    VALID = "valid"
    OUTDATED = "outdated"
    MISSING = "missing"


class Owed(NamedTuple):
    """A document that a session asks for, and how it stands for one child.

    Attributes:
        number: the version in force on the day. least: the earliest version whose signature still does.
        program: what it has to be signed for, "" for everything. severity: `block` or `warn`.
    """

    document: Document
    number: int
    least: int
    program: str
    severity: str
    standing: Standing


def fingerprint(wordings: Iterable[Wording]) -> str:
    """SHA-256 over the canonical JSON (RFC 8785) of a version's words: what a signature names."""
    return hashlib.sha256(canonical([asdict(one) for one in wordings])).hexdigest()


def in_force(editions: Iterable[Edition], day: str) -> Edition | None:
    """The version for sessions of a date: the latest that is in force then."""
    return max((one for one in editions if one.holds(day)), key=lambda one: (one.effective, one.number), default=None)


def least(editions: Iterable[Edition], day: str) -> int:
    """The earliest version whose signature does for a session of a date: the last breaking one in force, else the first.

    A breaking version asks for new signatures only for sessions from its first day on (catalogue 13).
    """
    return max((one.number for one in editions if one.breaking and one.holds(day)), default=1)


Asked = tuple[Document, Edition, str, str]
"""A document in force with its version, the program it is asked for ("" where for all), and its severity."""


def asked_of(documents: Iterable[Document], session: Session, *, when: str) -> list[Asked]:
    """What a session asks for at `booking` or `checkin`: each document with its version, program and severity, once."""
    found: dict[tuple[str, str], tuple[Document, Edition, str, str]] = {}
    for document in documents:
        edition = in_force(document.editions, session.date) if document.state == OPEN else None
        if edition is None:
            continue
        for attached in document.attached:
            if attached.at not in ("", when) or not attached.reach.holds(session):
                continue
            program = session.program if attached.each_program else ""
            known = found.get((document.id, program))
            severity = BLOCK if BLOCK in (attached.severity, known[3] if known else "") else WARN
            found[document.id, program] = (document, edition, program, severity)
    return list(found.values())


def owed(asked: Iterable[Asked], session: Session, consents: Consents | None) -> list[Owed]:
    """What a session asks to have signed (`asked_of` it), and how each stands for a child."""
    found = []
    signings = standing_signings(consents)
    for document, edition, program, severity in asked:
        if document.signed:
            needed = least(document.editions, session.date)
            standing = _standing(signings, document.id, program, needed)
            found.append(Owed(document, edition.number, needed, program, severity, standing))
    return found


def standing_of(consents: Consents | None, document: str, program: str, needed: int) -> Standing:
    """How a child stands to a document: signed in a version that still does, signed too long ago, or not signed."""
    return _standing(standing_signings(consents), document, program, needed)


def _standing(signings: Iterable[Signing], document: str, program: str, needed: int) -> Standing:
    signed = [one.number for one in signings if (one.document, one.program) == (document, program)]
    if not signed:
        return Standing.MISSING
    return Standing.VALID if max(signed) >= needed else Standing.OUTDATED


def standing_signings(consents: Consents | None) -> tuple[Signing, ...]:
    """The signatures that nobody has taken back since."""
    if consents is None:
        return ()
    ended: dict[tuple[str, str], int] = {}
    for one in consents.endings:
        ended[one.document, one.program] = max(one.at_ms, ended.get((one.document, one.program), 0))
    return tuple(one for one in consents.signings if one.at_ms > ended.get((one.document, one.program), -1))


def gate(child: str, found: Iterable[Owed], *, override: bool = False) -> GateResult:
    """The consent gate's word over one child. Staff may admit without what is missing, unless a document is firm."""
    lacking = [one for one in found if one.standing is not Standing.VALID]
    if not lacking:
        return GateResult("consent", child, "allow")
    worst = min(lacking, key=lambda one: (one.severity != BLOCK, not one.document.firm, one.document.id))
    stops = worst.severity == BLOCK and (not override or worst.document.firm)
    params: dict[str, str | int] = {
        "document": worst.document.id, "what": worst.document.name, "number": worst.number, "lacking": len(lacking),
    }  # fmt: skip
    code = "consent_firm" if stops and override else f"consent_{worst.standing.value}"
    return GateResult("consent", child, "block" if stops else "warn", code, params)


# -- folding


def with_signing(consents: Consents, signing: Signing) -> Consents:
    """All that was signed with one signature more: the same for any order of arrival."""
    signings = {(one.operation, one.document, one.program): one for one in (*consents.signings, signing)}
    ordered = sorted(signings.values(), key=lambda one: (one.at_ms, one.operation, one.document, one.program))
    return Consents(id=consents.id, home=consents.home, signings=tuple(ordered), endings=consents.endings)


def with_ending(consents: Consents, ending: Ending) -> Consents:
    """All that was taken back with one word more."""
    ordered = sorted({*consents.endings, ending}, key=lambda one: (one.at_ms, one.operation))
    return Consents(id=consents.id, home=consents.home, signings=consents.signings, endings=tuple(ordered))


# -- checks


def check_wordings(wordings: tuple[Wording, ...]) -> None:
    """Raises BadInput `document.wording` or `document.too_long`."""
    languages = [one.language for one in wordings]
    if not 1 <= len(wordings) <= MOST_WORDINGS or len(set(languages)) < len(languages):
        raise BadInput("document.wording")
    for one in wordings:
        if not (one.language and one.title.strip() and one.body.strip()):
            raise BadInput("document.wording")
        if len(one.body.encode()) > LONGEST:
            raise BadInput("document.too_long", most=LONGEST)


def check_attached(attached: tuple[Attached, ...]) -> None:
    """Raises BadInput `document.attached`, and as `reach.check`."""
    reach.check(one.reach for one in attached)
    if any(one.severity not in (BLOCK, WARN) or one.at not in ("", BOOKING, CHECKIN) for one in attached):
        raise BadInput("document.attached")


def effective_trouble(editions: Iterable[Edition], effective: str, *, now_ms: int) -> str:
    """Why a further version may not begin on a date: a code, or "". A day that is over everywhere is past.

    A first version may name any day: nobody was asked before.
    """
    parse_date(effective)
    editions = tuple(editions)
    if editions and effective < local_date(now_ms, "Etc/GMT+12"):
        return "document.past"
    return "document.order" if any(one.effective > effective for one in editions if not one.withdrawn) else ""


def may_ask(code: SigningCode | None, *, at_ms: int) -> bool:
    """Whether one more code may be sent now."""
    return code is None or sum(at_ms - CODES_MS < one for one in code.asked_ms) < MOST_CODES


def proves(code: SigningCode | None, *, guardian: str, request: str, device: str, at_ms: int) -> bool:
    """Whether a code that was asked for shows that the guardian stands at this device now."""
    return (
        code is not None
        and (code.guardian, code.request, code.device) == (guardian, request, device)
        and code.at_ms <= at_ms <= code.at_ms + CODE_MS + SIGNING_MS
    )
