"""Guardians' roles as a school's or a CRM's system knows them: one upsert by their id there, said again as often as wanted."""

from typing import Any, ClassVar

from msgspec.structs import replace

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, refused
from classtap_core.kernel.records import Record
from classtap_core.kernel.tx import Tx
from classtap_core.people.guardian_operations import GuardianFacts, check, of_child, today, zone_wants
from classtap_core.people.guardians import ACTIVE, Guardianship, Role, guardianship_id, primary_trouble
from classtap_core.people.records import Child, ContactMasked


class GuardianLink(Record, frozen=True, kw_only=True):
    """Which role of whom an id of another system means; under a hash of system and id."""

    KIND: ClassVar[str] = "guardian_link"
    PREFIX: ClassVar[str] = "families"

    home: Id
    child: Id
    guardian: Id

    def scope(self) -> str:
        return f"families/{self.home}"


def link_id(source: str, external: str) -> Id:
    return derived("guardian_link", source, external)


@operation("guardian.upsert", version=1, kind=Kind.EDIT, needs=Capability.EDIT_FAMILY)
class UpsertRole(Payload, frozen=True, kw_only=True):
    """A guardian's role as another system has it. `source` names the system, `external` the role's id there: said again it
    changes nothing; said differently the role becomes that, and moves where it names another guardian or child.

    `left` names the other child that it goes away from, which is guarded too: where the role stands at a child that is
    not named it is refused (`guardian.role_elsewhere`) and told, so that it can be said again.
    """

    source: str
    external: str
    child: Id
    guardian: Id
    role: str
    first: str
    last: str = ""
    state: str = ACTIVE
    relation: str = "other"
    left: str = ""

    @property
    def name(self) -> str:
        """The role's id among all systems'."""
        return f"{self.source}:{self.external}"

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        link = link_id(self.source, self.external)
        yield [Key(Child, self.child), Key(ContactMasked, self.guardian), Key(GuardianLink, link, "families/*")]
        known, child = tx.get(GuardianLink, link), tx.get(Child, self.child)
        found = [(self.child, self.guardian, child.home)] if child is not None else []
        if known is not None:
            found.append((known.child, known.guardian, known.home))
        for about, guardian, home in found:
            pair = Key(Guardianship, guardianship_id(about, guardian), f"families/{home}")
            yield [of_child(about, home), pair, *zone_wants([home])]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        link = link_id(self.source, self.external)
        children = sorted({str(self.child), self.left} - {""})
        return (*(f"child:{one}" for one in children), f"contact:{self.guardian}", f"guardian_link:{link}")

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        """Where the child belongs; the whole studio where the role goes away from a child of another house."""
        child, known = tx.get(Child, self.child), tx.get(GuardianLink, link_id(self.source, self.external))
        homes = {one.home for one in (child, known) if one is not None}
        return Resource(homes.pop() if len(homes) == 1 and child is not None else None)


@handles(UpsertRole)
def upsert_role(tx: Tx, op: Operation[UpsertRole]) -> Outcome:
    said = op.payload
    child = tx.get(Child, said.child)
    if child is None or tx.get(ContactMasked, said.guardian) is None:
        return refused("child.unknown" if child is None else "guardian.unknown")
    role = Role(said.role, said.first, said.last, said.state, said.name)
    try:
        check(GuardianFacts(relation=said.relation, roles=(role,)))
    except BadInput as bad:
        return refused(bad.code, **bad.params)
    if not (said.source and said.external):
        return refused("guardian.external")
    id = guardianship_id(child.id, said.guardian)
    before = tx.get(Guardianship, id) or Guardianship(
        id=id, child=child.id, guardian=said.guardian, home=child.home, relation=said.relation
    )
    after = replace(before, roles=_with(before.roles, role), relation=said.relation)
    link = GuardianLink(id=link_id(said.source, said.external), home=child.home, child=child.id, guardian=said.guardian)
    known = tx.get(GuardianLink, link.id)
    if known is not None and known.child not in (said.child, said.left):
        return refused("guardian.role_elsewhere", child=known.child)
    left = _left(tx, known, link, said.name)
    if known == link and after == before:
        return DUPLICATE
    changed = [after] if left is None else [after, left]
    code = _trouble(tx, op, changed)
    if code:
        return refused(code)
    for one in (*changed, link):
        tx.put(one)
    return ACCEPTED


def _with(roles: tuple[Role, ...], role: Role) -> tuple[Role, ...]:
    """The roles with this one in the place of what it was, or after the others."""
    if any(one.external == role.external for one in roles):
        return tuple(role if one.external == role.external else one for one in roles)
    return (*roles, role)


def _left(tx: Tx, known: GuardianLink | None, link: GuardianLink, name: str) -> Guardianship | None:
    """The guardianship the role goes away from, without it; None where it stays where it was."""
    if known is None or (known.child, known.guardian) == (link.child, link.guardian):
        return None
    pair = tx.get(Guardianship, guardianship_id(known.child, known.guardian))
    if pair is None:
        return None
    return replace(pair, roles=tuple(one for one in pair.roles if one.external != name))


def _trouble(tx: Tx, op: Operation[Any], changed: list[Guardianship]) -> str:
    """Why children may not have these guardians: a code, or ""."""
    for one in changed:
        mine = {pair.id: pair for pair in changed if pair.child == one.child}
        before = tx.find(Guardianship, "by_child", one.child)
        after = [*(pair for pair in before if pair.id not in mine), *mine.values()]
        code = primary_trouble(after, today=today(tx, op, one.home), before=before)
        if code:
            return code
    return ""
