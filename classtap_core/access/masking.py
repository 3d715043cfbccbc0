"""How much a reader sees: one answer for screens, exports and the cloud, out of the one decision. Pure."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from classtap_core.access.blueprints import Capability
from classtap_core.access.filtering import RowFilter
from classtap_core.access.records import Grant
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Resource
from classtap_core.kernel.records import Sensitivity

NEEDS = MappingProxyType(
    {
        Sensitivity.PERSONAL: Capability.VIEW_FAMILY,
        Sensitivity.CONTACT: Capability.VIEW_CONTACT,
        Sensitivity.HEALTH: Capability.VIEW_HEALTH,
        Sensitivity.CUSTODY: Capability.VIEW_CUSTODY,
    }
)
"""What it takes to see a field unmasked. A secret (a PIN's hash) nobody sees."""


class Sight:
    """What one holder of grants may read at an instant: entries of the audit, and fields by how they must be kept."""

    def __init__(
        self, grants: Iterable[Grant], *, at_ms: int, shown: Iterable[Sensitivity] = tuple(Sensitivity),
        revealed: Mapping[Id, Iterable[Sensitivity]] = MappingProxyType({}),
        withheld: Callable[[str, str], frozenset[str]],
    ) -> None:  # fmt: skip
        """`shown`: what is not masked for now, where they may see it; screens show less until it is revealed.

        `revealed`: what is shown beside that of single entries, by their operation. `withheld`: the fields of a kind at
        a location that a studio's policy hides from them whatever they may see (`booking.policies.health_withheld`).
        """
        self._grants, self._at_ms, self._shown = tuple(grants), at_ms, frozenset(shown)
        self._revealed, self._withheld = revealed, withheld
        self._filters: dict[str, RowFilter] = {}

    def of(self, entry: Id) -> "Sight":
        """The same sight, and what was revealed of one entry."""
        more = self._revealed.get(entry)
        if more is None:
            return self
        return Sight(self._grants, at_ms=self._at_ms, shown=self._shown.union(more), withheld=self._withheld)

    def audits(self, location: str) -> bool:
        """Whether they may read the audit of a location; "" for what is the whole studio's."""
        return self._may(Capability.VIEW_AUDIT, location)

    def sees(self, sensitivity: Sensitivity, location: str) -> bool:
        if sensitivity is Sensitivity.OPEN:
            return True
        needs = NEEDS.get(sensitivity)
        return needs is not None and sensitivity in self._shown and self._may(needs, location)

    def withheld(self, kind: str, location: str) -> frozenset[str]:
        """The fields of a kind that a policy hides from them there."""
        return self._withheld(kind, location)

    @property
    def masked(self) -> bool:
        """Whether anything is hidden from them somewhere."""
        return not all(self.sees(sensitivity, "") for sensitivity in NEEDS)

    def _may(self, capability: str, location: str) -> bool:
        found = self._filters.get(capability)
        if found is None:
            found = self._filters[capability] = RowFilter(self._grants, capability, at_ms=self._at_ms)
        return found.allows(Resource(Id(location) if location else None))


class Blind:
    """Whoever runs a command beside no signed-in person: every entry, and nothing of what is anybody's."""

    masked = True

    def of(self, entry: Id) -> "Blind":
        return self

    def audits(self, location: str) -> bool:
        return True

    def sees(self, sensitivity: Sensitivity, location: str) -> bool:
        return sensitivity is Sensitivity.OPEN

    def withheld(self, kind: str, location: str) -> frozenset[str]:
        return frozenset()
