"""Blueprints are given to one person or many, and grants end. A whole assignment is one operation: previewed, and undone, as one."""

from typing import Any

from classtap_core.access import rules
from classtap_core.access.assigning import Mode, Plan, assigned_id, assignment, ended
from classtap_core.access.blueprints import OWNER, ROLES, Capability, newest
from classtap_core.access.records import Grant, Staff
from classtap_core.access.rules import Place, place_of
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Range, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, ItemOutcome, Outcome, Status, of_items, reason, refused
from classtap_core.kernel.tx import Tx

_OWNERS = Range(Grant, "by_role", (OWNER,), scope="studio")


@operation("blueprint.apply", version=1, kind=Kind.CLAIM, needs=Capability.MANAGE_STAFF)
class ApplyBlueprint(Payload, frozen=True, kw_only=True):
    """Give a role to people at one place, all or none. `mode` is one of `assigning.Mode`; applied again, nothing changes.

    `version` of the blueprint: 0 for the newest. What was given by an earlier one ends, and is given anew.
    """

    holders: tuple[Id, ...]
    role: str
    mode: str
    location: str = ""
    room: str = ""
    class_type: str = ""
    valid_to_ms: int = 0
    segment: str = ""
    money: str = ""
    version: int = 0

    @property
    def place(self) -> Place:
        return Place(self.location, self.room, self.class_type, self.segment, self.money)

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        modes = [Mode(self.mode)] if self.mode in tuple(Mode) else []
        yield [
            *(Key(Staff, holder, "studio") for holder in self.holders),
            *(Range(Grant, "by_holder", (holder,), scope="studio") for holder in (*self.holders, op.author.id)),
            *(
                Key(
                    Grant, assigned_id(holder, self.role, self.place, mode, self.version or newest(self.role)), "studio"
                )
                for holder in self.holders
                for mode in modes
            ),
            _OWNERS,
        ]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return ("grants",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return self.place.resource

    def plan(self, tx: Tx, op: Operation[Any], holder: Id) -> Plan:
        """What it comes to for one person."""
        return assignment(
            tx.find(Grant, "by_holder", holder), holder, self.role, self.place, mode=Mode(self.mode),
            at_ms=op.at.corrected, valid_to_ms=self.valid_to_ms, version=self.version,
        )  # fmt: skip


@handles(ApplyBlueprint)
def apply_blueprint(tx: Tx, op: Operation[ApplyBlueprint]) -> Outcome:
    wanted = op.payload
    if wanted.role not in ROLES:
        return refused("grant.role_unknown", role=wanted.role)
    if wanted.version > newest(wanted.role):
        return refused("grant.role_unknown", role=wanted.role)
    if wanted.mode not in tuple(Mode) or not wanted.holders:
        return refused("blueprint.mode" if wanted.holders else "blueprint.nobody")
    plans = {holder: wanted.plan(tx, op, holder) for holder in dict.fromkeys(wanted.holders)}
    own = tx.find(Grant, "by_holder", op.author.id)
    found = {holder: _trouble(tx, op, holder, plan, own) for holder, plan in plans.items()}
    found = {holder: code for holder, code in found.items() if code}
    if not found and _ownerless(tx, [grant for plan in plans.values() for grant in plan.end], op.at.corrected):
        return refused("grant.last_owner")
    if found:
        return of_items(
            ItemOutcome(holder, Status.REFUSED, (reason(found.get(holder, "blueprint.with_others")),))
            for holder in plans
        )
    if not any(plan.give or plan.end for plan in plans.values()):
        return DUPLICATE
    for plan in plans.values():
        for grant in plan.end:
            tx.put(ended(grant, op.at.corrected))
        for grant in plan.give:
            tx.put(grant)
    return ACCEPTED


def _trouble(tx: Tx, op: Operation[Any], holder: Id, plan: Plan, own: tuple[Grant, ...]) -> str:
    """Why somebody cannot be given it: a code, or "". Nobody gives, or takes, what they have not themselves."""
    if tx.get(Staff, holder) is None:
        return "staff.unknown"
    beyond = [one for one in (*plan.give, *plan.end) if rules.beyond(own, one, at_ms=op.at.corrected)]
    return "grant.beyond_own" if op.author.type == "staff" and beyond else ""


@operation("grant.end", version=1, kind=Kind.CLAIM, needs=Capability.MANAGE_STAFF)
class EndGrant(Payload, frozen=True, kw_only=True):
    """A grant counts no longer from now on. The cloud decides, so that two owners never end each other's."""

    grant: Id

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(Grant, self.grant, "studio"), Range(Grant, "by_holder", (op.author.id,), scope="studio"), _OWNERS]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return ("grants",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        grant = tx.get(Grant, self.grant)
        return Resource() if grant is None else place_of(grant).resource


@handles(EndGrant)
def end_grant(tx: Tx, op: Operation[EndGrant]) -> Outcome:
    grant = tx.get(Grant, op.payload.grant)
    if grant is None:
        return refused("grant.unknown")
    if ended(grant, op.at.corrected) == grant:
        return DUPLICATE
    own = tx.find(Grant, "by_holder", op.author.id)
    if op.author.type == "staff" and rules.beyond(own, grant, at_ms=op.at.corrected):
        return refused("grant.beyond_own")
    if _ownerless(tx, [grant], op.at.corrected):
        return refused("grant.last_owner")
    tx.put(ended(grant, op.at.corrected))
    return ACCEPTED


def _ownerless(tx: Tx, ending: list[Grant], at_ms: int) -> bool:
    """Whether nobody would own the whole studio any more."""
    if not any(grant.role == OWNER and not grant.location and not grant.deny for grant in ending):
        return False
    left = [
        grant
        for grant in tx.find(Grant, "by_role", OWNER)
        if grant not in ending and not grant.deny and not grant.location and not grant.valid_to_ms
    ]
    return not any(rules.in_force(grant, at_ms) for grant in left)
