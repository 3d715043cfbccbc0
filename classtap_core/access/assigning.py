"""Giving a blueprint to people: what would be given and what would end, in one of three ways of meeting what they have. Pure.

A blueprint is read-only; what somebody has beside it are grants of their own. Giving it again repairs what has drifted and
changes nothing else. Every answer can be explained grant by grant.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from msgspec.structs import replace

from classtap_core.access.blueprints import PRICES, Capability, newest
from classtap_core.access.records import Grant
from classtap_core.access.rules import Place, capabilities_of, decide, in_force, place_of
from classtap_core.kernel.bus import Verdict
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Resource

RISKY = frozenset(
    {
        Capability.VIEW_HEALTH, Capability.VIEW_CUSTODY, Capability.VIEW_AUDIT, Capability.MANAGE_STAFF,
        Capability.MANAGE_STUDIO, Capability.PUBLISH_POLICY, Capability.PAIR_DEVICE, Capability.EXPORT_PERSON,
        Capability.EXPORT_STUDIO, Capability.ERASE_PERSON,
    }
)  # fmt: skip
"""What nobody should come to by accident: a preview marks it."""

SEGMENTS, MONEY = ("kids", "adults"), (PRICES, "payouts", "balances", "invoices", "refunds", "credits", "payments")
"""Groups of clients and parts of the money that a role may be limited to; a studio's own (`corporate:<id>`) go beside them."""


class Mode(StrEnum):
    """How a blueprint meets what somebody has at the same place.

    REPLACE: the blueprint and nothing else. RESTRICT: of what they have, only what the blueprint has too. ADD: both.
    """

    REPLACE = "replace"
    RESTRICT = "restrict"
    ADD = "add"


class Plan(NamedTuple):
    """What applying a blueprint comes to. Empty where nothing has drifted."""

    give: tuple[Grant, ...]
    end: tuple[Grant, ...]


def assigned_id(holder: Id, role: str, place: Place, mode: Mode, version: int = 1) -> Id:
    """A version of a blueprint is given to somebody at a place once, however often it is applied."""
    further = [part for part in (place.segment, place.money) if part]
    numbered = [str(version)] if version > 1 else []
    where = (place.location, place.room, place.class_type)
    return derived(
        "grant", "blueprint", holder, role, *where, "restrict" if mode is Mode.RESTRICT else "", *further, *numbered
    )


def assignment(
    grants: Iterable[Grant], holder: Id, role: str, place: Place, *, mode: Mode, at_ms: int, valid_to_ms: int = 0,
    version: int = 0,
) -> Plan:  # fmt: skip
    """What is given and what ends so that somebody has a blueprint at a place from now on.

    Denials stay whatever the mode: they are nobody's to lose by being given a role. Grants of other places stay.
    """
    here = [one for one in grants if not one.deny and in_force(one, at_ms) and place_of(one) == place]
    wanted = Grant(
        id=assigned_id(holder, role, place, mode, version or newest(role)), holder=holder, role=role,
        location=place.location, room=place.room, class_type=place.class_type, segment=place.segment,
        money=place.money, valid_from_ms=at_ms, valid_to_ms=valid_to_ms, version=version or newest(role),
    )  # fmt: skip
    if mode is Mode.RESTRICT:
        kept = sorted(capabilities_of(wanted) & {right for one in here for right in capabilities_of(one)})
        wanted = replace(wanted, role="", version=0, capabilities=tuple(kept))
    stands = [one for one in here if _says(one) == _says(wanted)]
    end = () if mode is Mode.ADD else tuple(one for one in here if one not in stands[:1])
    nothing = mode is Mode.RESTRICT and not wanted.capabilities
    return Plan(() if stands or nothing else (wanted,), end)


def ended(grant: Grant, at_ms: int) -> Grant:
    """A grant that counts no longer from an instant on; one that had not begun never does."""
    until = max(at_ms, grant.valid_from_ms)
    return replace(grant, valid_to_ms=min(until, grant.valid_to_ms) if grant.valid_to_ms else max(until, 1))


def _says(grant: Grant) -> tuple[str, int, tuple[str, ...], int]:
    version = grant.version or newest(grant.role)
    return (grant.role, version, tuple(sorted(grant.capabilities)), grant.valid_to_ms)


class Difference(NamedTuple):
    """What somebody could do before and cannot after, and the other way round, by name."""

    gained: tuple[str, ...]
    lost: tuple[str, ...]


def difference(before: Iterable[Grant], after: Iterable[Grant], resource: Resource, *, at_ms: int) -> Difference:
    """What a change of grants means over one resource: for a preview, before anything is done."""
    had, has = (_allowed(grants, resource, at_ms) for grants in (tuple(before), tuple(after)))
    return Difference(tuple(sorted(has - had)), tuple(sorted(had - has)))


def _allowed(grants: tuple[Grant, ...], resource: Resource, at_ms: int) -> set[str]:
    every = {capability for grant in grants for capability in capabilities_of(grant)}
    return {capability for capability in every if decide(grants, capability, resource, at_ms=at_ms).allowed}


class Step(NamedTuple):
    """What one grant had to say: `allows`, `denies`, or `silent` with the reason.

    `why`: `capability`, `location`, `room`, `class_type`, `segment`, `money`, `ended`, `not_yet`, or "".
    """

    grant: Id
    says: str
    why: str = ""


class Explanation(NamedTuple):
    """The one decision, and each grant's part in it."""

    verdict: Verdict
    steps: tuple[Step, ...]


def explained(grants: Iterable[Grant], capability: str, resource: Resource, *, at_ms: int) -> Explanation:
    """Why somebody may or may not do something: the decision every screen, job and page asks for, told grant by grant."""
    grants = tuple(grants)
    return Explanation(
        decide(grants, capability, resource, at_ms=at_ms),
        tuple(_step(grant, capability, resource, at_ms) for grant in grants),
    )


def _step(grant: Grant, capability: str, resource: Resource, at_ms: int) -> Step:
    if capability not in capabilities_of(grant):
        return Step(grant.id, "silent", "capability")
    if not in_force(grant, at_ms):
        return Step(grant.id, "silent", "not_yet" if at_ms < grant.valid_from_ms else "ended")
    for name, limit, value in zip(Place._fields, place_of(grant), resource, strict=True):
        if limit and limit != value and not (grant.deny and value is None):
            return Step(grant.id, "silent", name)
    return Step(grant.id, "denies" if grant.deny else "allows")
