"""Policies are published in versions, each in force from an instant on."""

from typing import Any

from msgspec.structs import replace

from classtap_core.access.blueprints import Capability
from classtap_core.booking.records import BEGUN, REPLACED, WAITING, Policy, PolicyVersion, policy_id, policy_version_id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, refused
from classtap_core.kernel.tx import Tx

MOST_AHEAD_MS = 366 * 86_400_000
"""So far ahead a version may be published."""


@operation("policy.publish", version=1, kind=Kind.PUBLISH, needs=Capability.PUBLISH_POLICY)
class PublishPolicy(Payload, frozen=True, kw_only=True):
    """The next version of a policy, written over the version its author saw (`head`; 0 for the first).

    It is in force from `from_ms` on, at once where that is past. A version that waits to begin is replaced by it, unless its
    time has come.
    """

    name: str
    head: int
    values: dict[str, str | int]
    from_ms: int = 0

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Policy, policy_id(op.studio, self.name), "studio")
        standing = tx.get(Policy, policy_id(op.studio, self.name))
        numbers = {self.head + 1} | ({standing.coming} if standing is not None and standing.coming else set())
        yield [Key(PolicyVersion, policy_version_id(op.studio, self.name, one), "studio") for one in sorted(numbers)]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"policy:{self.name}",)


@handles(PublishPolicy)
def publish_policy(tx: Tx, op: Operation[PublishPolicy]) -> Outcome:
    new = op.payload
    id = policy_id(op.studio, new.name)
    standing = tx.get(Policy, id)
    head = 0 if standing is None else standing.version
    if new.head != head:
        return refused("policy.head_moved", head=head)
    if new.from_ms > tx.now + MOST_AHEAD_MS:
        return refused("policy.too_far", days=MOST_AHEAD_MS // 86_400_000)
    before: dict[str, str | int] = {} if standing is None else standing.values
    waited = None
    if standing is not None and standing.coming:
        waited = tx.get(PolicyVersion, policy_version_id(op.studio, new.name, standing.coming))
    if waited is not None:
        came = waited.from_ms <= tx.now
        tx.put(replace(waited, state=BEGUN if came else REPLACED))
        before = waited.values if came else before
    later = new.from_ms > tx.now
    tx.put(
        PolicyVersion(
            id=policy_version_id(op.studio, new.name, head + 1), name=new.name, number=head + 1, values=new.values,
            from_ms=max(new.from_ms, tx.now), published_ms=tx.now, state=WAITING if later else BEGUN,
            by=op.author.id if op.author.type == "staff" else "",
        )
    )  # fmt: skip
    tx.put(
        Policy(
            id=id, name=new.name, version=head + 1, values=before if later else new.values, published_ms=tx.now,
            coming=head + 1 if later else 0,
        )
    )  # fmt: skip
    return ACCEPTED


@operation("policy.begin", version=1, kind=Kind.TICK, needs=None)
class BeginPolicy(Payload, frozen=True, kw_only=True):
    """The time of a version has come; checked again under the guard."""

    name: str
    number: int

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [
            Key(Policy, policy_id(op.studio, self.name), "studio"),
            Key(PolicyVersion, policy_version_id(op.studio, self.name, self.number), "studio"),
        ]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"policy:{self.name}",)


@handles(BeginPolicy)
def begin_policy(tx: Tx, op: Operation[BeginPolicy]) -> Outcome:
    said = op.payload
    policy = tx.get(Policy, policy_id(op.studio, said.name))
    version = tx.get(PolicyVersion, policy_version_id(op.studio, said.name, said.number))
    if policy is None or version is None:
        return refused("policy.unknown")
    if version.state != WAITING:
        return DUPLICATE
    if version.from_ms > tx.now:
        return refused("tick.not_due", due_ms=version.from_ms)
    tx.put(replace(version, state=BEGUN))
    tx.put(replace(policy, values=version.values, coming=0))
    return ACCEPTED
