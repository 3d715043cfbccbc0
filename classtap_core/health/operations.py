"""A child's health is edited and confirmed, papers are filed and taken back, classes ask for papers, cards are opened."""

from typing import Annotated, Any

from msgspec.structs import replace

from classtap_core.access.blueprints import Capability
from classtap_core.health import rules
from classtap_core.health.records import (
    CardView,
    HealthClearance,
    HealthFacts,
    HealthPaper,
    HealthProfile,
    HealthRequirement,
)
from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Range, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, Status, reason, refused
from classtap_core.kernel.records import Sensitivity, about
from classtap_core.kernel.tx import Tx
from classtap_core.people import rules as people
from classtap_core.people.operations import OfHealth
from classtap_core.people.records import Badge, ChildHealth, Custody
from classtap_core.schedule import reach as reaching
from classtap_core.schedule.reach import Reach


class _OfProfile(OfHealth, frozen=True, kw_only=True):
    """What changes a child's profile, and with it the badge that a kiosk has of it."""

    def items_of(self) -> tuple[str, ...]:
        return (self.child,)

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(ChildHealth, self.child)
        health = tx.get(ChildHealth, self.child)
        if health is not None:
            yield [
                Key(HealthProfile, self.child, health.scope()), Key(Custody, self.child, f"custody/{health.home}"),
                Key(Badge, self.child, f"families/{health.home}"),
            ]  # fmt: skip


@operation("health.edit", version=1, kind=Kind.EDIT, needs=Capability.EDIT_HEALTH)
class EditProfile(_OfProfile, frozen=True, kw_only=True):
    """A child's health as its editor saw it, and as they want it. Edited twice at once, the stricter of both words stands
    until a guardian confirms."""

    base: Annotated[HealthFacts, about("child", Sensitivity.HEALTH)]
    wanted: Annotated[HealthFacts, about("child", Sensitivity.HEALTH)]


@handles(EditProfile)
def edit_profile(tx: Tx, op: Operation[EditProfile]) -> Outcome:
    said = op.payload
    health = tx.get(ChildHealth, said.child)
    stopped = _stopped(op, health)
    if stopped is not None or health is None:
        return stopped or refused("child.unknown")
    try:
        rules.check(said.wanted)
    except BadInput as bad:
        return refused(bad.code, **bad.params)
    standing = tx.get(HealthProfile, health.id) or HealthProfile(id=health.id, home=health.home)
    after = rules.edited(standing, said.base, said.wanted)
    if after == standing:
        return DUPLICATE
    clashing = tuple(sorted(set(after.review) - set(standing.review)))
    tx.put(replace(after, edited_ms=op.at.corrected))
    _put_badge(tx, health, rules.says_something(after))
    if not clashing:
        return ACCEPTED
    return Outcome(
        status=Status.ACCEPTED,
        reasons=tuple(reason("health.kept_both", field=name) for name in clashing),
        obligations=({"review": "health.kept_both"},),
    )


@operation("health.confirm", version=1, kind=Kind.FACT, needs=Capability.EDIT_HEALTH, told=False)
class ConfirmProfile(_OfProfile, frozen=True, kw_only=True):
    """A guardian has looked at the child's profile and says that it is right; what was kept for review stands."""


@handles(ConfirmProfile)
def confirm_profile(tx: Tx, op: Operation[ConfirmProfile]) -> Outcome:
    health = tx.get(ChildHealth, op.payload.child)
    stopped = _stopped(op, health)
    if stopped is not None or health is None:
        return stopped or refused("child.unknown")
    standing = tx.get(HealthProfile, health.id) or HealthProfile(id=health.id, home=health.home)
    if standing.confirmed_ms > op.at.corrected:
        return Outcome(status=Status.SUPERSEDED)
    review = () if standing.edited_ms <= op.at.corrected else standing.review
    tx.put(replace(standing, confirmed_ms=op.at.corrected, review=review))
    return ACCEPTED


def _stopped(op: Operation[Any], health: ChildHealth | None) -> Outcome | None:
    blocked = op.blocked(op.payload.child)
    if blocked is not None:
        return refused(f"gate.{blocked.code}", **blocked.params)
    return refused("child.unknown") if health is None else None


def _put_badge(tx: Tx, health: ChildHealth, level: str) -> None:
    """What is in the profile shows on a kiosk as the fact that there is something to know."""
    known = replace(health, level=level)
    if known != health:
        tx.put(known)
    tx.put(people.badge(known, tx.get(Custody, health.id)))


# -- papers


class _OfPaper(OfHealth, frozen=True, kw_only=True):
    """What changes a child's papers, and with them what a kiosk knows of them."""

    def items_of(self) -> tuple[str, ...]:
        return (self.child,)

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(ChildHealth, self.child)
        health = tx.get(ChildHealth, self.child)
        if health is not None:
            yield [
                Range(HealthPaper, "by_child", (self.child,), scope=health.scope()),
                Key(HealthPaper, self.paper_id(op), health.scope()),
                Key(HealthClearance, self.child, f"families/{health.home}"),
            ]

    def paper_id(self, op: Operation[Any]) -> Id:
        return op.id


@operation("health.file", version=1, kind=Kind.FACT, needs=Capability.EDIT_HEALTH)
class FilePaper(_OfPaper, frozen=True, kw_only=True):
    """A paper about a child is on file. Its scan is durable before this is said; `paper` is a kind's code."""

    paper: str
    issued: Annotated[str, about("child", Sensitivity.HEALTH)] = ""
    expires: Annotated[str, about("child", Sensitivity.HEALTH)] = ""
    file: Annotated[Blob | None, about("child", Sensitivity.HEALTH)] = None


@handles(FilePaper)
def file_paper(tx: Tx, op: Operation[FilePaper]) -> Outcome:
    said = op.payload
    health = tx.get(ChildHealth, said.child)
    stopped = _stopped(op, health)
    if stopped is not None or health is None:
        return stopped or refused("child.unknown")
    known = tx.get(HealthPaper, op.id)
    paper = HealthPaper(
        id=op.id, child=health.id, home=health.home, paper=said.paper, issued=said.issued, expires=said.expires,
        file=said.file, void=known is not None and known.void,
    )  # fmt: skip
    try:
        rules.check_paper(paper)
    except BadInput as bad:
        return refused(bad.code, **bad.params)
    _put_paper(tx, health, paper)
    return ACCEPTED


@operation("health.unfile", version=1, kind=Kind.FACT, needs=Capability.EDIT_HEALTH)
class UnfilePaper(_OfPaper, frozen=True, kw_only=True):
    """A paper was filed by mistake, or is not what it says: it no longer counts. Tightening, so it holds at once."""

    paper: Id

    def paper_id(self, op: Operation[Any]) -> Id:
        return self.paper


@handles(UnfilePaper)
def unfile_paper(tx: Tx, op: Operation[UnfilePaper]) -> Outcome:
    health = tx.get(ChildHealth, op.payload.child)
    stopped = _stopped(op, health)
    if stopped is not None or health is None:
        return stopped or refused("child.unknown")
    paper = tx.get(HealthPaper, op.payload.paper)
    if paper is None or paper.child != health.id:
        return refused("health.paper_unknown")
    _put_paper(tx, health, replace(paper, void=True))
    return ACCEPTED


def _put_paper(tx: Tx, health: ChildHealth, paper: HealthPaper) -> None:
    tx.put(paper)
    others = [one for one in tx.find(HealthPaper, "by_child", health.id) if one.id != paper.id]
    tx.put(HealthClearance(id=health.id, home=health.home, papers=rules.cleared((*others, paper))))


@operation("health.require", version=1, kind=Kind.PUBLISH, needs=Capability.PUBLISH_POLICY)
class RequirePaper(Payload, frozen=True, kw_only=True):
    """Which sessions ask for a paper, written over the version its author saw (`head`; 0 for the first)."""

    requirement: Id
    head: int
    paper: str
    name: str
    reach: tuple[Reach, ...] = ()
    severity: str = "block"
    through_end: bool = False
    state: str = "open"

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(HealthRequirement, self.requirement, "studio"), *reaching.named(self.reach)]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"health_requirement:{self.requirement}",)


@handles(RequirePaper)
def require_paper(tx: Tx, op: Operation[RequirePaper]) -> Outcome:
    said = op.payload
    standing = tx.get(HealthRequirement, said.requirement)
    head = 0 if standing is None else standing.version
    if said.head != head:
        return refused("health.head_moved", head=head)
    try:
        reaching.check(said.reach)
    except BadInput as bad:
        return refused(bad.code)
    unknown = any(tx.get(key.record, key.id) is None for key in reaching.named(said.reach))
    if unknown or not (said.paper.strip() and said.name.strip()) or said.severity not in ("block", "warn"):
        return refused("health.requirement")
    tx.put(
        HealthRequirement(
            id=said.requirement, paper=said.paper, name=said.name, version=head + 1, reach=said.reach,
            severity=said.severity, through_end=said.through_end, state=said.state,
        )
    )  # fmt: skip
    return ACCEPTED


# -- the emergency card


@operation("health.open_card", version=1, kind=Kind.FACT, needs=Capability.VIEW_ROSTER)
class OpenCard(OfHealth, frozen=True, kw_only=True):
    """Somebody opens a child's emergency card, doses and all. Nobody is kept from it in an emergency; it is written down."""

    location: Id
    reason: Annotated[str, about("child", Sensitivity.HEALTH)] = ""

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return ()

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.location)

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(ChildHealth, self.child)
        health = tx.get(ChildHealth, self.child)
        if health is not None:
            yield Key(CardView, op.id, health.scope())


@handles(OpenCard)
def open_card(tx: Tx, op: Operation[OpenCard]) -> Outcome:
    health = tx.get(ChildHealth, op.payload.child)
    if health is None:
        return refused("child.unknown")
    tx.put(
        CardView(
            id=op.id,
            child=health.id,
            home=health.home,
            by=op.author.id,
            at_ms=op.at.corrected,
            reason=op.payload.reason,
        )
    )
    return ACCEPTED
