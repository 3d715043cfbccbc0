"""Taking back what was done takes the right to have done it: what an undo asks for, told by the records it would put back."""

import re
from collections.abc import Iterable
from types import MappingProxyType

import msgspec

from classtap_core.access import rules
from classtap_core.access.blueprints import Capability
from classtap_core.access.records import Grant
from classtap_core.kernel.bus import Verdict
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Operation, Resource
from classtap_core.kernel.records import plain
from classtap_core.kernel.tx import Change, Tx
from classtap_core.kernel.undo import Undo

C = Capability
_KINDS = {
    C.MANAGE_STUDIO: ("studio", "audit_stream", "owner_key"),
    C.MANAGE_SCHEDULE: (
        "location", "closure", "room", "category", "level", "class_type", "instructor", "series", "program", "pack", "session",
    ),
    C.MANAGE_STAFF: ("staff", "grant", "staff_pin"),
    C.REVOKE_DEVICE: ("device",),
    C.PUBLISH_POLICY: ("policy", "policy_version", "document", "document_version", "health_requirement", "custom_field"),
    C.PUBLISH_SEATMAP: ("seat_map_version", "room_seating"),
    C.EDIT_HEALTH: ("child_health", "learner", "health_profile", "health_paper", "health_clearance"),
    C.VIEW_CUSTODY: ("custody",),
    C.REVOKE_PASS: ("pass", "pass_revocation"),
}  # fmt: skip
NEEDS = MappingProxyType({kind: right for right, kinds in _KINDS.items() for kind in kinds})
"""Kind of record → what else it takes to put one back, beside `undo` itself."""
_ID = re.compile(r"[0-9a-f]{32}")
_BLOCKS = frozenset({"blocks", "lifted"})


def may_undo(tx: Tx, op: Operation[Undo], *, at_ms: int) -> Verdict:
    """Whether staff may take an operation back: `undo`, and each right its records ask for, where they all are.

    Nobody gives or takes a grant by it that goes beyond their own.
    """
    own = tx.find(Grant, "by_holder", op.author.id)
    changes = tx.recorded(op.payload.operation) or ()
    where = _where(tx, changes)
    verdict = rules.decide(own, C.UNDO, where, at_ms=at_ms)
    for right in sorted(_asked(changes)):
        if verdict.allowed:
            verdict = rules.decide(own, right, where, at_ms=at_ms)
    if verdict.allowed and any(rules.beyond(own, one, at_ms=at_ms) for one in _grants(tx, changes)):
        return Verdict(False, rules.DENIED)
    return verdict


def _asked(changes: Iterable[Change]) -> set[Capability]:
    """The rights that records ask for; who lifts a block, or sets one again, sees custody."""
    found = set()
    for change in changes:
        if change.kind in NEEDS:
            found.add(NEEDS[change.kind])
        if change.kind == "guardianship" and _BLOCKS & {*(change.before or {}), *(change.after or {})}:
            found.add(C.VIEW_CUSTODY)
    return found


def _where(tx: Tx, changes: Iterable[Change]) -> Resource:
    """The one location that they are at, by their scope or their own word; the whole studio where that is not one."""
    found: set[str] = set()
    for change in changes:
        standing = tx.get(tx.record_type(change.kind), change.id)
        said = {**(plain(standing) if standing is not None else {}), **(change.after or {}), **(change.before or {})}
        places = {*change.scope.split("/")[1:2], *(str(said.get(name, "")) for name in ("location", "home"))}
        here = {place for place in places if _ID.fullmatch(place)}
        if change.kind == Grant.KIND and not here:
            return Resource()
        found |= here
    return Resource(Id(next(iter(found)))) if len(found) == 1 else Resource()


def _grants(tx: Tx, changes: Iterable[Change]) -> list[Grant]:
    """Each grant as it stands and as it would stand again."""
    found = []
    for change in changes:
        if change.kind == Grant.KIND:
            standing = tx.get(Grant, change.id)
            now = {} if standing is None else plain(standing)
            kept = {name: value for name, value in now.items() if name not in (change.after or {})}
            found += [] if standing is None else [standing]
            found += [] if change.before is None else [msgspec.convert({**kept, **change.before}, Grant)]
    return found
