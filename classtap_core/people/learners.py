"""What classes ask of a child beyond their age: school grade, what they have done, tags, memberships."""

from typing import Annotated, Any, ClassVar

import msgspec

from classtap_core.access.blueprints import Capability
from classtap_core.eligibility import rules as eligibility
from classtap_core.eligibility.rules import Fulfilled, Membership
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.merge import edited
from classtap_core.kernel.operations import Key, Kind, Operation, Reads, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, refused
from classtap_core.kernel.records import Record, Sensitivity, about
from classtap_core.kernel.tx import Tx
from classtap_core.people.operations import OfHealth
from classtap_core.people.records import ChildHealth
from classtap_core.timekeeping.rules import parse_date

YOUNGEST, OLDEST = -2, 13
"""Grades there are: 0 is kindergarten."""


class Learner(Record, frozen=True, kw_only=True):
    """Under the child's own id. `grade` is a school grade, or None; `graded` the date on which it was true."""

    KIND: ClassVar[str] = "learner"
    PREFIX: ClassVar[str] = "health"

    home: Id
    grade: Annotated[int | None, about("id", Sensitivity.HEALTH)] = None
    graded: Annotated[str, about("id", Sensitivity.HEALTH)] = ""
    prerequisites: Annotated[tuple[Fulfilled, ...], about("id", Sensitivity.HEALTH)] = ()
    tags: Annotated[tuple[str, ...], about("id", Sensitivity.HEALTH)] = ()
    memberships: Annotated[tuple[Membership, ...], about("id", Sensitivity.HEALTH)] = ()

    def scope(self) -> str:
        return f"health/{self.home}"


class LearnerFacts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What may be said of a learner, as in the record."""

    grade: int | None = None
    graded: str = ""
    prerequisites: tuple[Fulfilled, ...] = ()
    tags: tuple[str, ...] = ()
    memberships: tuple[Membership, ...] = ()


@operation("learner.edit", version=1, kind=Kind.EDIT, needs=Capability.EDIT_FAMILY)
class EditLearner(OfHealth, frozen=True, kw_only=True):
    """A learner as their editor saw them, and as they want them; all of it the child's own."""

    base: Annotated[LearnerFacts, about("child", Sensitivity.HEALTH)]
    wanted: Annotated[LearnerFacts, about("child", Sensitivity.HEALTH)]

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(ChildHealth, self.child)
        health = tx.get(ChildHealth, self.child)
        if health is not None:
            yield Key(Learner, self.child, f"health/{health.home}")


@handles(EditLearner)
def edit_learner(tx: Tx, op: Operation[EditLearner]) -> Outcome:
    health = tx.get(ChildHealth, op.payload.child)
    if health is None:
        return refused("child.unknown")
    try:
        _check(op.payload.wanted)
    except BadInput as bad:
        return refused(bad.code, **bad.params)
    standing = tx.get(Learner, health.id) or Learner(id=health.id, home=health.home)
    after = edited(standing, op.payload.base, op.payload.wanted)
    if after == standing:
        return DUPLICATE
    tx.put(after)
    return ACCEPTED


def _check(facts: LearnerFacts) -> None:
    if (facts.grade is None) != (not facts.graded) or not YOUNGEST <= (facts.grade or 0) <= OLDEST:
        raise BadInput("learner.grade")
    if facts.graded:
        parse_date(facts.graded)
    spans = [(one.code, one.verified, one.expires) for one in facts.prerequisites]
    spans += [(one.plan, one.first, one.last) for one in facts.memberships]
    for name, first, last in spans:
        parse_date(first)
        if not name or (last and parse_date(last) < parse_date(first)):
            raise BadInput("learner.span")
    if not all(facts.tags) or len(set(facts.tags)) < len(facts.tags):
        raise BadInput("learner.tags")


def known(health: ChildHealth | None, learner: Learner | None) -> eligibility.Learner:
    """What the engine is told of a child."""
    found = eligibility.Learner(birth_date="" if health is None else health.birth_date)
    if learner is None:
        return found
    return found._replace(
        grade=learner.grade, graded=learner.graded, prerequisites=learner.prerequisites, tags=frozenset(learner.tags),
        memberships=learner.memberships,
    )  # fmt: skip
