"""The one decision, for many rows at once: compiled from somebody's grants, and always the answer of `rules.decide`. Pure."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from classtap_core.access.records import Grant
from classtap_core.access.rules import in_force, judged, speaking
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Resource

T = TypeVar("T")


class RowFilter:
    """What somebody may do with rows at an instant. Rows of one place are judged once."""

    def __init__(self, grants: Iterable[Grant], capability: str, *, at_ms: int) -> None:
        self._speaking, self._at_ms = speaking(grants, capability), at_ms
        self._known: dict[Resource, bool] = {}

    def allows(self, resource: Resource) -> bool:
        known = self._known.get(resource)
        if known is None:
            known = judged(self._speaking, resource, at_ms=self._at_ms).allowed
            self._known[resource] = known
        return known

    def reaches(self, location: Id) -> bool:
        """Whether there may be anything at a location for them: a place to choose, say, or a box to leave out."""
        return any(
            not grant.deny and grant.location in ("", location) and in_force(grant, self._at_ms)
            for grant in self._speaking
        )

    def rows(self, rows: Iterable[T], resource: Callable[[T], Resource]) -> list[T]:
        """Those rows that may be seen, in their order. Of the others nothing is said, not even how many."""
        return [row for row in rows if self.allows(resource(row))]
