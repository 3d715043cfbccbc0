"""What a studio has published under a policy's name, and what its policy `health` lets somebody see of children."""

from collections.abc import Callable, Iterable, Mapping

from classtap_core.access.records import Grant
from classtap_core.booking.records import Policy, PolicyVersion, policy_id
from classtap_core.health import rules as health
from classtap_core.health.rules import Part
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range, Resource
from classtap_core.kernel.records import decode
from classtap_core.kernel.tx import Reader

Values = Mapping[str, str | int]


def read_policy(reader: Reader, studio: Id, name: str) -> tuple[int, Values]:
    """A policy's head and values; 0 and nothing before it is published."""
    id = policy_id(studio, name)
    row = reader.rows(Policy, [id]).get(id)
    if row is None:
        return 0, {}
    held = decode(Policy, row.body)
    return held.version, held.values


def policy_versions(reader: Reader, name: str) -> list[PolicyVersion]:
    """Every version of a policy that was published, the first one first. Those from before versions were kept are not there."""
    return [decode(PolicyVersion, row.body) for row in reader.find(Range(PolicyVersion, "by_name", (name,)))]


def health_seen(
    reader: Reader, studio: Id, grants: Iterable[Grant], *, at_ms: int
) -> Callable[[Resource], frozenset[Part]]:
    """What somebody may see of children's health by the studio's published policy: asked of where a child is, which parts."""
    _, values = read_policy(reader, studio, health.HEALTH_POLICY)
    seen, grants = health.seen_by(values), tuple(grants)
    return lambda where: health.visible(grants, where, at_ms=at_ms, seen=seen)


def health_withheld(
    reader: Reader, studio: Id, grants: Iterable[Grant], *, at_ms: int
) -> Callable[[str, str], frozenset[str]]:
    """The same for a record's fields, for `access.masking.Sight`: asked of a kind and a location, which are hidden."""
    parts_at = health_seen(reader, studio, grants, at_ms=at_ms)
    return lambda kind, location: health.withheld(kind, parts_at(Resource(Id(location) if location else None)))
