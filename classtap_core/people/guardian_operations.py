"""Guardians are linked to children, handed the first place, blocked, and two records of one person become one."""

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.merge import edited
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Range, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, Status, refused
from classtap_core.kernel.records import Sensitivity, about
from classtap_core.kernel.tx import Tx
from classtap_core.people import rules
from classtap_core.people.guardians import (
    ACTIVE,
    PRIMARY,
    RANKS,
    REVOKED,
    SUSPENDED,
    Block,
    ContactAlias,
    Guardianship,
    Right,
    Role,
    guardianship_id,
    merged,
    primary_trouble,
)
from classtap_core.people.records import Badge, Child, ChildHealth, Contact, ContactMasked, Custody, Order
from classtap_core.people.verification import verified_of_both
from classtap_core.schedule.records import Location
from classtap_core.timekeeping.rules import local_date, parse_date, shift_date


class GuardianFacts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What may be said of a guardian of one child, as in the record; blocks go their own way."""

    relation: str = "other"
    roles: tuple[Role, ...] = ()
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


def of_child(child: Id, home: Id) -> Range:
    """All that stand in any relation to a child."""
    return Range(Guardianship, "by_child", (child,), scope=f"families/{home}")


class _OfChild(Payload, frozen=True, kw_only=True):
    """What is done to a child's guardians: one at a time, by who may at the child's home."""

    child: Id

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        who = getattr(self, "guardian", None) or getattr(self, "to", "")  # who may be made one with somebody meanwhile
        return (f"child:{self.child}", f"contact:{who}")

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        found = tx.get(Child, self.child)
        return Resource(None if found is None else found.home)


class _OfBlock(_OfChild, frozen=True, kw_only=True):
    """What changes whether a guardian is blocked, and with it what a kiosk may know."""

    guardian: Id

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Child, self.child)
        child = tx.get(Child, self.child)
        if child is not None:
            home = child.home
            yield Key(ContactAlias, self.guardian, f"contact_masked/{home}")
            yield [
                of_child(child.id, home),
                Key(Guardianship, guardianship_id(child.id, self.meant(tx)), f"families/{home}"),
                Key(Custody, child.id, f"custody/{home}"), Key(ChildHealth, child.id, f"health/{home}"),
                Key(Badge, child.id, f"families/{home}"), *zone_wants([home]),
            ]  # fmt: skip

    def meant(self, tx: Tx) -> Id:
        """Who the guardian is by now: two records of one person may have become one meanwhile."""
        alias = tx.get(ContactAlias, self.guardian)
        return self.guardian if alias is None else alias.became


def zone_wants(homes: Iterable[Id]) -> list[Key]:
    """What says when a day begins where children belong."""
    return [Key(Location, home, "studio") for home in dict.fromkeys(homes)]


def today(tx: Tx, op: Operation[Any], home: Id) -> str:
    """The date at a child's home: roles turn at its midnight."""
    place = tx.get(Location, home)
    return local_date(op.at.corrected, "UTC" if place is None else place.zone)


@operation("guardian.edit", version=1, kind=Kind.EDIT, needs=Capability.EDIT_FAMILY)
class EditGuardian(_OfChild, frozen=True, kw_only=True):
    """A guardian of a child as their editor saw them, and as they want them; the first edit links the two."""

    guardian: Id
    base: GuardianFacts
    wanted: GuardianFacts

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(Child, self.child), Key(ContactMasked, self.guardian)]
        child = tx.get(Child, self.child)
        if child is not None:
            yield [
                of_child(child.id, child.home), *zone_wants([child.home]),
                Key(Guardianship, guardianship_id(child.id, self.guardian), f"families/{child.home}"),
            ]  # fmt: skip


@handles(EditGuardian)
def edit_guardian(tx: Tx, op: Operation[EditGuardian]) -> Outcome:
    said = op.payload
    child = tx.get(Child, said.child)
    if child is None or tx.get(ContactMasked, said.guardian) is None:
        return refused("child.unknown" if child is None else "guardian.unknown")
    try:
        check(said.wanted)
    except BadInput as bad:
        return refused(bad.code, **bad.params)
    standing = tx.get(Guardianship, guardianship_id(child.id, said.guardian))
    before = standing or Guardianship(
        id=guardianship_id(child.id, said.guardian), child=child.id, guardian=said.guardian, home=child.home
    )
    after = edited(before, said.base, said.wanted)
    if after == standing:
        return DUPLICATE
    others = [pair for pair in tx.find(Guardianship, "by_child", child.id) if pair.id != after.id]
    code = primary_trouble([*others, after], today=today(tx, op, child.home), before=[*others, before])
    if code:
        return refused(code)
    tx.put(after)
    return ACCEPTED


def check(facts: GuardianFacts) -> None:
    """Raises BadInput `guardian.role`, `guardian.span`, `guardian.rights`, `time.date`."""
    for role in facts.roles:
        parse_date(role.first)
        if role.role not in RANKS or role.state not in (ACTIVE, SUSPENDED, REVOKED):
            raise BadInput("guardian.role")
        if role.last and parse_date(role.last) < parse_date(role.first):
            raise BadInput("guardian.span")
    rights = (*facts.allow, *facts.deny)
    if len(set(rights)) < len(rights) or any(right not in tuple(Right) for right in rights):
        raise BadInput("guardian.rights")


@operation("guardian.hand_over", version=1, kind=Kind.EDIT, needs=Capability.EDIT_FAMILY)
class HandOver(_OfChild, frozen=True, kw_only=True):
    """Somebody else is a child's primary from a date on. `then` is the role the one before keeps, "" for none."""

    to: Id
    first: str
    then: str = ""

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Child, self.child)
        child = tx.get(Child, self.child)
        if child is not None:
            yield [of_child(child.id, child.home), *zone_wants([child.home])]


@handles(HandOver)
def hand_over(tx: Tx, op: Operation[HandOver]) -> Outcome:
    said = op.payload
    child = tx.get(Child, said.child)
    if child is None:
        return refused("child.unknown")
    try:
        parse_date(said.first)
    except BadInput as bad:
        return refused(bad.code)
    if said.then and said.then not in RANKS[1:]:
        return refused("guardian.role")
    pairs = tx.find(Guardianship, "by_child", said.child)
    heir = next((pair for pair in pairs if pair.guardian == said.to), None)
    if heir is None or heir.blocked:
        return refused("guardian.unknown" if heir is None else "guardian.blocked")
    if any(role.role == PRIMARY and role.holds(said.first) for role in heir.roles):
        return DUPLICATE
    after = [_handed(pair, said, op) for pair in pairs]
    code = primary_trouble(after, today=today(tx, op, child.home), before=pairs)
    if code:
        return refused(code)
    for old, new in zip(pairs, after, strict=True):
        if old != new:
            tx.put(new)
    return ACCEPTED


def _handed(pair: Guardianship, said: HandOver, op: Operation[HandOver]) -> Guardianship:
    """One of the child's guardians after the first place was handed over."""
    if pair.guardian == said.to:
        return replace(pair, roles=(*pair.roles, Role(PRIMARY, said.first)))
    eve = shift_date(said.first, -1)
    roles: list[Role] = []
    for role in pair.roles:
        ends = role.role == PRIMARY and role.state == ACTIVE and (not role.last or role.last > eve)
        if not ends:
            roles.append(role)
            continue
        if role.first <= eve:
            roles.append(Role(role.role, role.first, eve, role.state, role.external))
        if said.then:
            roles.append(Role(said.then, said.first, role.last))
    return replace(pair, roles=tuple(roles))


@operation("guardian.block", version=1, kind=Kind.FACT, needs=Capability.EDIT_FAMILY)
class BlockGuardian(_OfBlock, frozen=True, kw_only=True):
    """A person must be kept from a child: at once, whatever else allows them anything. The words why are custody."""

    reason: Annotated[str, about("child", Sensitivity.CUSTODY)] = ""


@handles(BlockGuardian)
def block_guardian(tx: Tx, op: Operation[BlockGuardian]) -> Outcome:
    said = op.payload
    child = tx.get(Child, said.child)
    if child is None:
        return refused("child.unknown")
    guardian = said.meant(tx)
    id = guardianship_id(child.id, guardian)
    before = tx.get(Guardianship, id) or Guardianship(id=id, child=child.id, guardian=guardian, home=child.home)
    blocks = sorted({*before.blocks, Block(op.id, op.at.corrected)}, key=lambda one: (one.at_ms, one.operation))
    after = replace(before, blocks=tuple(blocks))
    custody = tx.get(Custody, child.id) or Custody(id=child.id, home=child.home)
    orders = sorted({*custody.orders, Order(op.id, said.guardian, said.reason)}, key=lambda one: one.operation)
    custody = replace(custody, orders=tuple(orders))
    others = [pair for pair in tx.find(Guardianship, "by_child", child.id) if pair.id != id]
    tx.put(after)
    _put_custody(tx, custody)
    day = today(tx, op, child.home)
    if primary_trouble([*others, after], today=day, before=[*others, replace(before, blocks=())]):
        return Outcome(status=Status.ACCEPTED, obligations=({"review": "guardian.no_primary"},))
    return ACCEPTED


@operation("guardian.unblock", version=1, kind=Kind.PUBLISH, needs=Capability.VIEW_CUSTODY)
class UnblockGuardian(_OfBlock, frozen=True, kw_only=True):
    """One block no longer counts. Loosening: the cloud decides, and only by who may see custody."""

    block: Id


@handles(UnblockGuardian)
def unblock_guardian(tx: Tx, op: Operation[UnblockGuardian]) -> Outcome:
    said = op.payload
    child = tx.get(Child, said.child)
    pair = None if child is None else tx.get(Guardianship, guardianship_id(said.child, said.meant(tx)))
    if child is None or pair is None or said.block not in {block.operation for block in pair.blocks}:
        return refused("guardian.no_block")
    if said.block in pair.lifted:
        return DUPLICATE
    after = replace(pair, lifted=tuple(sorted({*pair.lifted, said.block})))
    others = [one for one in tx.find(Guardianship, "by_child", said.child) if one.id != pair.id]
    code = primary_trouble([*others, after], today=today(tx, op, child.home))
    if code:
        return refused(code)
    tx.put(after)
    custody = tx.get(Custody, child.id)
    if custody is not None:
        _put_custody(tx, replace(custody, lifted=tuple(sorted({*custody.lifted, said.block}))))
    return ACCEPTED


def _put_custody(tx: Tx, custody: Custody) -> None:
    """What is known of custody, and the badge that a kiosk has of it."""
    health = tx.get(ChildHealth, custody.id) or ChildHealth(id=custody.id, home=custody.home)
    tx.put(custody)
    tx.put(rules.badge(health, custody))


@operation("guardian.merge", version=1, kind=Kind.EDIT, needs=Capability.EDIT_FAMILY)
class MergeGuardians(Payload, frozen=True, kw_only=True):
    """Two records of one person become one: `keep` takes over what `drop` was and had. `kernel.undo` parts them again.

    `children` are those to whom `drop` was seen to stand; where there are more by now it is refused.
    """

    home: Id
    keep: Id
    drop: Id
    children: tuple[Id, ...] = ()

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        home = self.home
        yield [
            *(Key(Contact, one, f"contact/{home}") for one in (self.keep, self.drop)),
            *(Key(ContactMasked, one, f"contact_masked/{home}") for one in (self.keep, self.drop)),
            Key(ContactAlias, self.drop, f"contact_masked/{home}"),
            Range(ContactAlias, "by_became", (self.drop,), scope="contact_masked/*"),
            Range(Guardianship, "by_guardian", (self.drop,), scope="families/*"),
        ]
        pairs = tx.find(Guardianship, "by_guardian", self.drop)
        yield [Key(Guardianship, guardianship_id(pair.child, self.keep), pair.scope()) for pair in pairs]
        yield [*(of_child(pair.child, pair.home) for pair in pairs), *zone_wants(pair.home for pair in pairs)]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        contacts = (f"contact:{one}" for one in sorted((self.keep, self.drop)))
        return (*contacts, *(f"child:{one}" for one in self.children))

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.home)


@handles(MergeGuardians)
def merge_guardians(tx: Tx, op: Operation[MergeGuardians]) -> Outcome:
    said = op.payload
    keep, drop = tx.get(Contact, said.keep), tx.get(Contact, said.drop)
    if said.keep == said.drop or keep is None or drop is None:
        return refused("guardian.unknown")
    pairs = tx.find(Guardianship, "by_guardian", said.drop)
    if not {pair.child for pair in pairs} <= set(said.children):
        return refused("guardian.children_moved")
    for pair in pairs:
        taken = _taken_over(tx, pair, said.keep)
        others = [one for one in tx.find(Guardianship, "by_child", pair.child) if one.id not in (pair.id, taken.id)]
        code = primary_trouble([*others, taken], today=today(tx, op, pair.home))
        if code:
            return refused(code)
    for pair in pairs:
        tx.put(_taken_over(tx, pair, said.keep))
        tx.delete(Guardianship, pair.id)
    kept = verified_of_both(keep, drop)
    if kept != keep:
        tx.put(kept)
        tx.put(rules.masked(kept))
    tx.delete(Contact, drop.id)
    tx.delete(ContactMasked, drop.id)
    for alias in (
        *tx.find(ContactAlias, "by_became", drop.id),
        ContactAlias(id=drop.id, home=drop.home, became=keep.id),
    ):
        tx.put(replace(alias, became=keep.id))
    return ACCEPTED


def _taken_over(tx: Tx, pair: Guardianship, keep: Id) -> Guardianship:
    """What `keep` is to a child once it has taken over a record of the same person."""
    id = guardianship_id(pair.child, keep)
    held = tx.get(Guardianship, id)
    return replace(pair, id=id, guardian=keep) if held is None else merged(held, pair)
