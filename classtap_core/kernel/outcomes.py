"""What became of an operation, once for all: codes and parameters, never sentences."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from classtap_core.kernel.errors import Param


class Status(StrEnum):
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    CONTESTED = "contested"
    WAITING = "waiting"
    REFUSED = "refused"
    QUARANTINED = "quarantined"


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why: a stable code and what goes into its sentence. Never personal data."""

    code: str
    params: dict[str, Param] = {}


def reason(code: str, /, **params: Param) -> Reason:
    return Reason(code, params)


class ItemOutcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one of an operation's subjects; `key` names it (a child's id)."""

    key: str
    status: Status
    reasons: tuple[Reason, ...] = ()


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What became of an operation.

    Attributes:
        status: of the whole; with items, the best any of them had.
        needs: what a waiting operation waits for (`cloud`, or the scope that is not held).
        items: one each, where the operation is over several subjects.
        alternatives: what could be asked instead, as data.
        obligations: what is still owed because of this (amount due, re-seat, review), as data.
    """

    status: Status
    reasons: tuple[Reason, ...] = ()
    needs: tuple[str, ...] = ()
    items: tuple[ItemOutcome, ...] = ()
    alternatives: tuple[dict[str, Param], ...] = ()
    obligations: tuple[dict[str, Param], ...] = ()

    @property
    def stands(self) -> bool:
        """Whether what the operation wanted has happened (or had already)."""
        return self.status in (Status.ACCEPTED, Status.DUPLICATE)


UNDETERMINED = "undetermined"
"""The reason of a fact that was kept although what it rests on is not held here."""

ACCEPTED = Outcome(status=Status.ACCEPTED)
DUPLICATE = Outcome(status=Status.DUPLICATE)

_BEST_FIRST = (
    Status.ACCEPTED,
    Status.WAITING,
    Status.DUPLICATE,
    Status.SUPERSEDED,
    Status.CONTESTED,
    Status.REFUSED,
    Status.QUARANTINED,
)


def of_items(items: Iterable[ItemOutcome]) -> Outcome:
    """The outcome over several subjects: facts never fail as a whole, so the best item's status is the whole's."""
    found = tuple(items)
    statuses = {item.status for item in found}
    best = next((status for status in _BEST_FIRST if status in statuses), Status.ACCEPTED)
    return Outcome(status=best, items=found)


def refused(code: str, /, **params: Param) -> Outcome:
    return Outcome(status=Status.REFUSED, reasons=(reason(code, **params),))


def waiting(*needs: str) -> Outcome:
    return Outcome(status=Status.WAITING, needs=needs)


def contested(code: str, /, **params: Param) -> Outcome:
    return Outcome(status=Status.CONTESTED, reasons=(reason(code, **params),))


def undetermined(scope: str) -> Outcome:
    """A fact kept although what it rests on is not held here; the cloud will tell what it meant."""
    return Outcome(status=Status.ACCEPTED, reasons=(reason(UNDETERMINED, scope=scope),))


def told_same(one: Outcome, other: Outcome) -> bool:
    """Whether a person who was told one outcome was told the other: item by item, accepted like duplicate.

    An outcome without items says the same of each.
    """
    items, others = ({item.key: item.status for item in outcome.items} for outcome in (one, other))
    if (not items or not others) and not _alike(one.status, other.status):
        return False
    return all(_alike(items.get(key, one.status), others.get(key, other.status)) for key in {*items, *others})


def told_anew(before: Outcome, now: Outcome) -> bool:
    """Whether somebody who was told one outcome has to be told the other: it differs, or something is to be looked at."""
    return not told_same(before, now) or asks_anew(before, now)


def asks_anew(before: Outcome, now: Outcome) -> bool:
    """Whether somebody is to look at something that the outcome before did not ask for."""
    return bool(_reviews(now) - _reviews(before))


def _reviews(outcome: Outcome) -> set[Param]:
    """The codes of what a person is to look at."""
    return {owed["review"] for owed in outcome.obligations if "review" in owed}


def _alike(one: Status, other: Status) -> bool:
    return one is other or {one, other} == {Status.ACCEPTED, Status.DUPLICATE}
