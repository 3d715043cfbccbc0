"""Which badges a child has, whether papers hold, who sees which part, and how two editors' words meet. Pure."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from msgspec.structs import asdict, replace

from classtap_core.access.blueprints import (
    FRONT_DESK,
    INSTRUCTOR,
    MANAGER,
    OWNER,
    SUBSTITUTE,
    Capability,
)
from classtap_core.access.records import Grant
from classtap_core.access.rules import decide
from classtap_core.health.records import (
    SEVERE,
    SEVERITIES,
    ActionPlan,
    Allergy,
    Cleared,
    Condition,
    EmergencyContact,
    HealthClearance,
    HealthFacts,
    HealthPaper,
    HealthProfile,
    HealthRequirement,
    Medication,
)
from classtap_core.kernel.envelope import GateResult
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.merge import merge
from classtap_core.kernel.operations import Resource
from classtap_core.people.guardians import moved
from classtap_core.schedule.records import Program, Session
from classtap_core.timekeeping.rules import parse_date, shift_date

BADGE_LENGTH = 280
"""The most letters of a badge's text (catalogue 10)."""
LONGEST, MOST = 2_000, 50
SOON_DAYS = 30
"""So long before its end a paper is said to expire soon."""


class Level(StrEnum):
    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Mark(StrEnum):
    """What a badge says at a glance. The order is how urgent it is."""

    PEN = "pen"
    SEVERE_ALLERGY = "severe_allergy"
    ALLERGY = "allergy"
    MEDICATION = "medication"
    CONDITION = "condition"


LEVELS = {
    Mark.PEN: Level.CRITICAL, Mark.SEVERE_ALLERGY: Level.CRITICAL, Mark.ALLERGY: Level.WARNING,
    Mark.MEDICATION: Level.WARNING, Mark.CONDITION: Level.INFO,
}  # fmt: skip


class Badge(NamedTuple):
    """What a roster shows of a child: marks, the most urgent first, and at most 280 letters of what to do."""

    marks: tuple[Mark, ...]
    text: str

    @property
    def level(self) -> Level | None:
        return LEVELS[self.marks[0]] if self.marks else None


def badge(facts: HealthFacts, *, notes: str = "") -> Badge:
    """A child's badge out of what a viewer may see (`redacted`). `notes`: the free words staff wrote, if they may be seen."""
    marks, parts = [], []
    for allergy in sorted(facts.allergies, key=lambda one: (-SEVERITIES.index(one.severity), one.what)):
        marks.append(Mark.SEVERE_ALLERGY if allergy.severity == SEVERE else Mark.ALLERGY)
        if allergy.pen:
            marks.append(Mark.PEN)
        parts.append(_joined(allergy.what, allergy.action or allergy.reaction, allergy.pen))
    for medication in facts.medications:
        if medication.here:
            marks.append(Mark.MEDICATION)
            parts.append(_joined(medication.name, medication.dose, medication.when))
    for condition in facts.conditions:
        marks.append(Mark.CONDITION)
        parts.append(_joined(condition.name, condition.action))
    parts += [notes] if notes else []
    ordered = tuple(mark for mark in Mark if mark in marks)
    return Badge(ordered, clipped("; ".join(parts), BADGE_LENGTH))


def clipped(text: str, most: int) -> str:
    """A text of at most so many letters, cut between words where there is one to cut at, and then ending in `…`."""
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    space = cut.rfind(" ")
    return (cut[:space] if space > most // 2 else cut).rstrip(" ;,") + "…"


def _joined(head: str, *rest: str) -> str:
    """`Peanut: pen in the blue bag`."""
    return ": ".join([head, ", ".join(part for part in rest if part)]).removesuffix(": ")


def says_something(profile: HealthProfile) -> str:
    """How urgent the profile is, for the badge that a kiosk holds: a level's word, or "" where it says nothing."""
    level = badge(facts_of(profile)).level
    return level.value if level else ("info" if profile.plans else "")


# -- papers


class PaperState(StrEnum):
    VALID = "valid"
    SOON = "soon"
    EXPIRED = "expired"
    MISSING = "missing"


def cleared(papers: Iterable[HealthPaper]) -> tuple[Cleared, ...]:
    """What a kiosk may know of papers: kinds and dates, in order."""
    found = {Cleared(one.paper, one.issued, one.expires) for one in papers if not one.void}
    return tuple(sorted(found, key=lambda one: (one.paper, one.issued, one.expires)))


def paper_state(papers: Iterable[Cleared], paper: str, day: str) -> tuple[PaperState, str]:
    """How a kind of paper stands on a date, and the date it ends on ("" for none, or where there is no paper)."""
    mine = [one for one in papers if one.paper == paper and (not one.issued or one.issued <= day)]
    if not mine:
        return PaperState.MISSING, ""
    best = max(mine, key=lambda one: one.expires or "9999-12-31")
    if best.expires and best.expires < day:
        return PaperState.EXPIRED, best.expires
    soon = bool(best.expires) and best.expires < shift_date(day, SOON_DAYS)
    return (PaperState.SOON if soon else PaperState.VALID), best.expires


def required(requirements: Iterable[HealthRequirement], session: Session) -> list[HealthRequirement]:
    """The papers that a session asks for."""
    return [one for one in requirements if one.state == "open" and any(part.holds(session) for part in one.reach)]


def gate(
    child: str, asked: Iterable[HealthRequirement], clearance: HealthClearance | None, session: Session,
    program: Program | None, *, override: bool = False,
) -> GateResult:  # fmt: skip
    """The health gate's word over one child. Staff may admit without a paper and say why."""
    papers = () if clearance is None else clearance.papers
    lacking = []
    for one in asked:
        day = program.last_date if one.through_end and program is not None else session.date
        state, ended = paper_state(papers, one.paper, day)
        if state in (PaperState.EXPIRED, PaperState.MISSING):
            lacking.append((one.severity != "block", one.paper, one, state, ended))
    if not lacking:
        return GateResult("health", child, "allow")
    mild, _, worst, state, ended = min(lacking, key=lambda one: one[:2])
    params: dict[str, str | int] = {"paper": worst.paper, "what": worst.name, "lacking": len(lacking)}
    if ended:
        params["ended"] = ended
    return GateResult("health", child, "warn" if mild or override else "block", f"health_{state.value}", params)


# -- who sees what


class Part(StrEnum):
    """Parts of a profile that may be shown or not. `detail` is doses, times and notes."""

    ALLERGIES = "allergies"
    MEDICATIONS = "medications"
    CONDITIONS = "conditions"
    PLANS = "plans"
    CONTACTS = "contacts"
    PAPERS = "papers"
    DETAIL = "detail"


ALL_PARTS = frozenset(Part)
SEEN_BY: Mapping[str, frozenset[Part]] = {
    OWNER: ALL_PARTS,
    MANAGER: ALL_PARTS,
    FRONT_DESK: frozenset({Part.ALLERGIES, Part.CONDITIONS, Part.PLANS, Part.CONTACTS, Part.PAPERS, Part.MEDICATIONS}),
    INSTRUCTOR: frozenset({Part.ALLERGIES, Part.CONDITIONS, Part.PLANS, Part.CONTACTS}),
    SUBSTITUTE: frozenset({Part.ALLERGIES, Part.CONDITIONS, Part.PLANS, Part.CONTACTS}),
}
"""What a role sees where a studio says nothing else (catalogue 10): doses and notes are for who runs the house."""
HEALTH_POLICY = "health"
"""The published policy that moves it: `instructor.medications` 1 shows, 0 hides."""


def seen_by(values: Mapping[str, str | int]) -> Mapping[str, frozenset[Part]]:
    """Who sees what by a published policy; what it leaves out stays at its default."""
    return moved(SEEN_BY, values, Part)


_ANYBODY = Grant(id=Id(""), holder=Id(""), role="", capabilities=(Capability.VIEW_HEALTH,))


def visible(
    grants: Iterable[Grant], resource: Resource, *, at_ms: int, seen: Mapping[str, frozenset[Part]]
) -> frozenset[Part]:
    """The parts somebody may see where a child is: of every role they hold there, together, by the studio's table (read
    with `booking.policies.health_seen`). A denial of `view_health` hides all of it. An instructor's role counts for the
    classes and rooms it is given for."""
    grants = tuple(grants)
    denials = (one for one in grants if one.deny)
    if not decide((_ANYBODY, *denials), Capability.VIEW_HEALTH, resource, at_ms=at_ms).allowed:
        return frozenset()
    found: set[Part] = set()
    for grant in grants:
        stands = not grant.deny and decide((grant,), Capability.VIEW_ROSTER, resource, at_ms=at_ms).allowed
        found |= seen.get(grant.role, frozenset()) if stands else frozenset()
    return frozenset(found)


def redacted(facts: HealthFacts, parts: frozenset[Part]) -> HealthFacts:
    """A profile as somebody may see it. What is hidden is as if nobody had said it."""
    detail = Part.DETAIL in parts
    medications = facts.medications if Part.MEDICATIONS in parts else ()
    conditions = facts.conditions if Part.CONDITIONS in parts else ()
    return HealthFacts(
        allergies=facts.allergies if Part.ALLERGIES in parts else (),
        medications=medications if detail else tuple(Medication(name=one.name, here=one.here) for one in medications),
        conditions=conditions if detail else tuple(replace(one, note="") for one in conditions),
        plans=facts.plans if Part.PLANS in parts else (),
        contacts=facts.contacts if Part.CONTACTS in parts else (),
        physician=facts.physician if detail else "",
        none_known=facts.none_known,
    )


_FIELDS: Mapping[str, Mapping[Part, tuple[str, ...]]] = {
    "health_profile": {
        **{part: (part.value,) for part in (Part.ALLERGIES, Part.MEDICATIONS, Part.CONDITIONS, Part.PLANS, Part.CONTACTS)},
        Part.DETAIL: (
            "physician", "conditions.note",
            *(f"medications.{name}" for name in Medication.__struct_fields__ if name not in ("name", "here")),
        ),
    },
    "health_paper": {Part.PAPERS: ("issued", "expires", "file")},
    "child_health": {Part.DETAIL: ("notes", "review")},
}  # fmt: skip
"""The fields of records that a part is; the rest of them goes by `view_health` alone."""


def withheld(kind: str, parts: frozenset[Part]) -> frozenset[str]:
    """The fields of a record, as ``field`` or ``field.inner``, that are hidden from somebody who sees these parts."""
    return frozenset(
        field for part, fields in _FIELDS.get(kind, {}).items() if part not in parts for field in fields
    )  # fmt: skip


# -- editing


def facts_of(profile: HealthProfile | None) -> HealthFacts:
    """What a profile says, as its editor sees it."""
    if profile is None:
        return HealthFacts()
    return HealthFacts(**{name: getattr(profile, name) for name in HealthFacts.__struct_fields__})


def edited(profile: HealthProfile, base: HealthFacts, wanted: HealthFacts) -> HealthProfile:
    """A profile after an edit. A field that somebody else changed meanwhile keeps both words, the stricter of each, and is
    named for review until a guardian confirms."""
    current, want = asdict(facts_of(profile)), asdict(wanted)
    found = merge(current, asdict(base), want, sensitive=tuple(want))
    kept: dict[str, Any] = {name: _stricter(name, current[name], want[name]) for name in found.review}
    after = replace(profile, **{**found.values, **kept}, review=tuple(sorted({*profile.review, *found.review})))
    something = bool(after.allergies or after.medications or after.conditions)
    return replace(after, none_known=after.none_known and not something)


def _stricter(name: str, mine: Any, theirs: Any) -> Any:
    """Both editors' words: of one thing said twice the graver; that there is nothing counts only where both say so."""
    if name == "none_known":
        return mine and theirs
    if name == "physician":
        return mine if mine == theirs else " / ".join(part for part in (mine, theirs) if part)
    return _together(mine, theirs)


def _together(mine: tuple[Any, ...], theirs: tuple[Any, ...]) -> tuple[Any, ...]:
    kept = list(mine)
    for one in theirs:
        at = next(
            (at for at, known in enumerate(kept) if isinstance(one, Allergy) and _name_of(known) == _name_of(one)), -1
        )
        if at >= 0:
            kept[at] = _graver(kept[at], one)
        elif one not in kept:
            kept.append(one)
    return tuple(kept)


def _graver(one: Any, other: Any) -> Any:
    """Two words about one allergy: the graver, with whatever either says of what to do."""
    worse, milder = (other, one) if _grave(other) > _grave(one) else (one, other)
    return replace(
        worse,
        pen=worse.pen or milder.pen,
        action=worse.action or milder.action,
        reaction=worse.reaction or milder.reaction,
    )


def _grave(allergy: Allergy) -> tuple[int, bool]:
    return SEVERITIES.index(allergy.severity), bool(allergy.pen)


def _name_of(item: Allergy | Medication | Condition | ActionPlan | EmergencyContact) -> str:
    if isinstance(item, Allergy):
        return item.what.casefold().strip()
    if isinstance(item, ActionPlan):
        return item.title.casefold().strip()
    return item.name.casefold().strip()


def check(facts: HealthFacts) -> None:
    """Raises BadInput `health.text`, `health.many`, `health.phone`, `health.severity`, `health.nothing`."""
    for field in ("allergies", "medications", "conditions", "plans", "contacts"):
        items = getattr(facts, field)
        if len(items) > MOST:
            raise BadInput("health.many", most=MOST, field=field)
        for item in items:
            words = [value for value in asdict(item).values() if isinstance(value, str)]
            steps = list(item.steps) if isinstance(item, ActionPlan) else []
            if not _name_of(item) or any(len(word) > LONGEST for word in words + steps) or len(steps) > MOST:
                raise BadInput("health.text", most=LONGEST, field=field)
    if any(one.severity not in SEVERITIES for one in facts.allergies):
        raise BadInput("health.severity")
    if not all(_is_e164(one.phone) for one in facts.contacts):
        raise BadInput("health.phone")
    if facts.none_known and (facts.allergies or facts.medications or facts.conditions):
        raise BadInput("health.nothing")
    if len(facts.physician) > LONGEST:
        raise BadInput("health.text", most=LONGEST, field="physician")


def _is_e164(phone: str) -> bool:
    """ITU-T E.164: a plus and at most fifteen digits, the first not 0; spaces and dashes between them are let be."""
    digits = phone.replace(" ", "").replace("-", "")
    return digits[:1] == "+" and digits[1:].isdigit() and 7 <= len(digits) - 1 <= 15 and digits[1] != "0"


def check_paper(paper: HealthPaper) -> None:
    """Raises BadInput `health.paper`, `time.date`."""
    for day in (paper.issued, paper.expires):
        if day:
            parse_date(day)
    if not paper.paper.strip() or (paper.expires and paper.issued > paper.expires):
        raise BadInput("health.paper")
