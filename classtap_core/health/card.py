"""What the desk shows of a child's health: the emergency card and the roster's badges, read from what it holds offline."""

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from classtap_core.health import rules
from classtap_core.health.records import HealthClearance, HealthFacts, HealthProfile, HealthRequirement
from classtap_core.health.rules import PaperState, Part
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import Record, decode
from classtap_core.kernel.tx import Reader
from classtap_core.people.guardians import Guardianship
from classtap_core.people.records import Child, ChildHealth, Contact

R = TypeVar("R", bound=Record)


class CardPaper(NamedTuple):
    """A paper the studio asks for, and how it stands today. `ends`: its last day, "" for none or no paper."""

    paper: str
    name: str
    state: PaperState
    ends: str


class CardGuardian(NamedTuple):
    """Somebody on record who may be called; never who is blocked."""

    guardian: Id
    name: str
    relation: str
    phone: str


class EmergencyCard(NamedTuple):
    """What is read in a hurry.

    Attributes:
        facts: the profile as far as it may be seen. notes: the free words staff wrote, "" where they may not be seen.
        review: fields where two editors clashed: both words are shown. edited_ms, confirmed_ms: 0 for never.
    """

    child: Id
    given: str
    surname: str
    birth_date: str
    notes: str
    facts: HealthFacts
    papers: tuple[CardPaper, ...]
    guardians: tuple[CardGuardian, ...]
    review: tuple[str, ...]
    edited_ms: int
    confirmed_ms: int


def emergency_card(reader: Reader, child: Id, parts: frozenset[Part], *, today: str) -> EmergencyCard | None:
    """A child's card as somebody may see it (`rules.visible`); None where the child is not held here.

    In an emergency whoever opens it says so (`health.open_card`) and gets `rules.ALL_PARTS`.
    """
    person = _one(reader, Child, child)
    if person is None:
        return None
    health, profile = _one(reader, ChildHealth, child), _one(reader, HealthProfile, child)
    clearance = _one(reader, HealthClearance, child)
    papers = clearance.papers if clearance is not None and Part.PAPERS in parts else ()
    required = _found(reader, HealthRequirement, "by_state", "open") if Part.PAPERS in parts else []
    standing = {one.paper: (one.name, *rules.paper_state(papers, one.paper, today)) for one in required}
    return EmergencyCard(
        child=child, given=person.given, surname=person.surname, birth_date=health.birth_date if health else "",
        notes=health.notes if health is not None and Part.DETAIL in parts else "",
        facts=rules.redacted(rules.facts_of(profile), parts),
        papers=tuple(CardPaper(paper, *standing[paper]) for paper in sorted(standing)),
        guardians=_guardians(reader, child) if Part.CONTACTS in parts else (),
        review=profile.review if profile else (), edited_ms=profile.edited_ms if profile else 0,
        confirmed_ms=profile.confirmed_ms if profile else 0,
    )  # fmt: skip


def roster_badges(reader: Reader, children: Iterable[Id], parts: frozenset[Part]) -> dict[Id, rules.Badge]:
    """The badges of children who have something to show, as somebody may see them."""
    wanted = list(dict.fromkeys(children))
    profiles = _several(reader, HealthProfile, wanted)
    notes = _several(reader, ChildHealth, wanted) if Part.DETAIL in parts else {}
    found = {}
    for child in wanted:
        words = notes[child].notes if child in notes else ""
        badge = rules.badge(rules.redacted(rules.facts_of(profiles.get(child)), parts), notes=words)
        if badge.marks or badge.text:
            found[child] = badge
    return found


def _guardians(reader: Reader, child: Id) -> tuple[CardGuardian, ...]:
    """Who stands to the child in some relation, and the family's contacts; each once, primaries first."""
    person = _one(reader, Child, child)
    pairs = {one.guardian: one for one in _found(reader, Guardianship, "by_child", child)}
    family = _found(reader, Contact, "by_family", person.family) if person else []
    known = {one.id: one for one in family}
    known |= _several(reader, Contact, [id for id in pairs if id not in known])
    called = [
        CardGuardian(id, one.name, pairs[id].relation if id in pairs else one.relation, one.phone)
        for id, one in known.items()
        if not (id in pairs and pairs[id].blocked)
    ]
    rank = {
        id: min((role.role != "primary", role.role) for role in pair.roles) for id, pair in pairs.items() if pair.roles
    }
    return tuple(sorted(called, key=lambda one: (rank.get(one.guardian, (True, "z")), one.name, one.guardian)))


def _one(reader: Reader, record: type[R], id: Id) -> R | None:
    return _several(reader, record, [id]).get(id)


def _several(reader: Reader, record: type[R], ids: list[Id]) -> dict[Id, R]:
    return {id: decode(record, row.body) for id, row in reader.rows(record, ids).items()} if ids else {}


def _found(reader: Reader, record: type[R], by: str, *equals: str) -> list[R]:
    return [decode(record, row.body) for row in reader.find(Range(record, by, equals))]
