"""Who stands in which relation to a child, from when to when, and what they may do. Records and pure rules.

The order of words: a block beats everything; what was allowed or denied for this child alone beats every role; of several
roles whatever one of them allows is allowed; and what nobody allowed is denied (catalogue 08).
"""

import itertools
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, NamedTuple, TypeVar

import msgspec

from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.records import Index, Record
from classtap_core.timekeeping.rules import shift_date


class Right(StrEnum):
    """What a guardian may be allowed for a child. The names are stored and never change."""

    BOOK = "book_classes"
    PAY = "make_payments"
    PAYMENT_METHODS = "manage_payment_methods"
    SIGN = "sign_waivers"
    PASSES = "manage_passes"
    ATTENDANCE = "view_attendance"
    MESSAGES = "receive_communications"


PRIMARY, SECONDARY, PICKUP, EMERGENCY = "primary", "secondary", "pickup", "emergency"
RANKS = (PRIMARY, SECONDARY, PICKUP, EMERGENCY)
"""Highest first: of clashing words the higher role's stands."""

MATRIX: Mapping[str, frozenset[Right]] = MappingProxyType(
    {
        PRIMARY: frozenset(Right),
        SECONDARY: frozenset({Right.BOOK, Right.SIGN, Right.ATTENDANCE, Right.MESSAGES}),
        PICKUP: frozenset({Right.MESSAGES}),
        EMERGENCY: frozenset(),
    }
)
"""What a role allows where a studio says nothing else."""

ACTIVE, SUSPENDED, REVOKED = "active", "suspended", "revoked"


class Role(msgspec.Struct, frozen=True, omit_defaults=True):
    """A role from a date to another, inclusive; "" for no end. `external` is its id in a school's or CRM's system."""

    role: str
    first: str
    last: str = ""
    state: str = ACTIVE
    external: str = ""

    def holds(self, day: str) -> bool:
        return self.state == ACTIVE and self.first <= day and (not self.last or day <= self.last)


class Block(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody's word that a person must be kept from a child. The words why are in the child's custody record."""

    operation: Id
    at_ms: int


class Guardianship(Record, frozen=True, kw_only=True):
    """One person and one child. A kiosk may hold it: it has no name and no words in it.

    Attributes:
        guardian: a contact's id, of any household. relation: a code, as in `Contact`.
        allow, deny: rights for this child alone, whatever the roles say.
        blocks: a set that only grows, in order of time; those named in `lifted` no longer count.
    """

    KIND: ClassVar[str] = "guardianship"
    PREFIX: ClassVar[str] = "families"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_child", ("child",)), Index("by_guardian", ("guardian",)))

    child: Id
    guardian: Id
    home: Id
    relation: str = "other"
    roles: tuple[Role, ...] = ()
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    lifted: tuple[Id, ...] = ()

    def scope(self) -> str:
        return f"families/{self.home}"

    @property
    def blocked(self) -> bool:
        return any(block.operation not in self.lifted for block in self.blocks)


class ContactAlias(Record, frozen=True, kw_only=True):
    """Under the id of a contact that was a second record of somebody: who they are now. A late word finds them so.

    It never names another alias: a merge points those it meets to where it goes itself.
    """

    KIND: ClassVar[str] = "contact_alias"
    PREFIX: ClassVar[str] = "contact_masked"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_became", ("became",)),)

    home: Id
    became: Id

    def scope(self) -> str:
        return f"contact_masked/{self.home}"


def guardianship_id(child: Id, guardian: Id) -> Id:
    """A person stands once to a child, in however many roles, whoever says so."""
    return derived("guardianship", child, guardian)


class Answer(NamedTuple):
    """Whether a guardian may, and why: `blocked`, `denied_for_child`, `allowed_for_child`, a role, or `no_role`."""

    allowed: bool
    why: str


def may(right: str, pair: Guardianship | None, *, day: str, matrix: Mapping[str, Collection[str]] = MATRIX) -> Answer:
    """Whether somebody has a right over a child on a date, and on what the answer rests."""
    if pair is None:
        return Answer(False, "no_role")
    if pair.blocked:
        return Answer(False, "blocked")
    roles = roles_on(pair, day)
    if right in pair.deny:
        return Answer(False, "denied_for_child")
    if right in pair.allow and roles:
        return Answer(True, "allowed_for_child")
    granting = next((role for role in roles if right in matrix.get(role, ())), "")
    return Answer(bool(granting), granting or (roles[0] if roles else "no_role"))


def roles_on(pair: Guardianship, day: str) -> list[str]:
    """The roles somebody has on a date, the highest first."""
    return sorted({role.role for role in pair.roles if role.holds(day)}, key=RANKS.index)


def outranks(one: Guardianship, other: Guardianship, *, day: str) -> bool:
    """Whether of two clashing words the first one's stands: the higher role, and never a blocked person's."""
    return _rank(one, day) < _rank(other, day)


def _rank(pair: Guardianship, day: str) -> int:
    roles = [] if pair.blocked else roles_on(pair, day)
    return RANKS.index(roles[0]) if roles else len(RANKS)


def matrix_of(values: Mapping[str, str | int]) -> Mapping[str, frozenset[Right]]:
    """The matrix of a published policy: `secondary.make_payments` 1 allows, 0 denies; the rest stays at its default."""
    return moved(MATRIX, values, Right)


Entry = TypeVar("Entry", bound=StrEnum)


def moved(
    table: Mapping[str, frozenset[Entry]], values: Mapping[str, str | int], entries: type[Entry]
) -> Mapping[str, frozenset[Entry]]:
    """A table of roles as published values move it: `role.entry` 1 adds, 0 takes away; what is neither is passed over."""
    found = {role: set(given) for role, given in table.items()}
    for name, value in values.items():
        role, _, entry = name.partition(".")
        if role in found and entry in tuple(entries):
            (found[role].add if value else found[role].discard)(entries(entry))
    return {role: frozenset(given) for role, given in found.items()}


def moves(table: Mapping[str, frozenset[Entry]], wanted: Mapping[str, Collection[Entry]]) -> dict[str, str | int]:
    """The values that move a table of roles to what is wanted: those entries alone that differ. `moved` takes them."""
    return {
        f"{role}.{entry}": int(entry in wanted.get(role, ()))
        for role, given in table.items()
        for entry in sorted(given.symmetric_difference(wanted.get(role, ())))
    }


# -- primaries


def primary_trouble(pairs: Iterable[Guardianship], *, today: str, before: Iterable[Guardianship] = ()) -> str:
    """Why a child may not have these guardians: two primaries at once, or none where there was one. A code, or "".

    `before` is how they stood: a date from today on that had a primary then must have one still.
    """
    spans = sorted(_primaries(pairs))
    for (_, last), (first, _) in itertools.pairwise(spans):
        if not last or first <= last:
            return "guardian.second_primary"
    had = list(_primaries(before))
    turning = {max(first, today) for first, _ in had} | {shift_date(last, 1) for _, last in spans if last}
    left = any(day >= today and _covered(had, day) and not _covered(spans, day) for day in turning)
    return "guardian.no_successor" if left else ""


def _covered(spans: Iterable[tuple[str, str]], day: str) -> bool:
    return any(first <= day and (not last or day <= last) for first, last in spans)


def _primaries(pairs: Iterable[Guardianship]) -> list[tuple[str, str]]:
    """When somebody is the child's primary; whoever is blocked is not."""
    return [
        (role.first, role.last)
        for pair in pairs
        if not pair.blocked
        for role in pair.roles
        if role.role == PRIMARY and role.state == ACTIVE
    ]


def merged(keep: Guardianship, drop: Guardianship) -> Guardianship:
    """Two records of one person and one child as one: every role once, denials and blocks of either."""
    roles = {(role.role, role.first, role.last, role.state): role for role in (*drop.roles, *keep.roles)}
    deny = {*keep.deny, *drop.deny}
    return msgspec.structs.replace(
        keep,
        roles=tuple(roles[key] for key in sorted(roles)),
        allow=tuple(sorted({*keep.allow, *drop.allow} - deny)),
        deny=tuple(sorted(deny)),
        blocks=tuple(sorted({*keep.blocks, *drop.blocks}, key=lambda one: (one.at_ms, one.operation))),
        lifted=tuple(sorted({*keep.lifted, *drop.lifted})),
    )
