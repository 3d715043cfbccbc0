"""Marking from the desk: what a key says as an operation, and how the last marks are taken back."""

from __future__ import annotations

from typing import NamedTuple

from classtap_core.checkin.operations import ChildMark
from classtap_core.kernel.ids import Id
from classtap_desktop.screens.roster.reading import RosterLine


class Taken(NamedTuple):
    """A mark made here, with what stood before it."""

    session: Id
    child: Id
    name: str
    state: str
    before: RosterLine


class History:
    """The marks of whoever is signed in, newest last: what Undo takes back. At most ``MOST`` are kept."""

    MOST = 100

    def __init__(self) -> None:
        self._taken: list[Taken] = []

    def __bool__(self) -> bool:
        return bool(self._taken)

    def add(self, taken: Taken) -> None:
        """Remember a mark."""
        self._taken = [*self._taken, taken][-self.MOST :]

    def last(self) -> Taken | None:
        """Take the newest mark out, or None."""
        return self._taken.pop() if self._taken else None

    def clear(self) -> None:
        """Forget all: another person signs in."""
        self._taken.clear()


def marked(line: RosterLine, state: str, *, override: str = "") -> ChildMark:
    """Return what a key says about a child: it corrects the mark that holds, whoever made it."""
    return ChildMark(child=line.child, state=state, corrects=line.mark, override=override)


def explained(line: RosterLine, *, reason: str, expected_ms: int) -> ChildMark:
    """Return the mark that holds, said again with a reason and a time of arrival (0 for none)."""
    return ChildMark(
        child=line.child, state=line.state, corrects=line.mark, reason=reason, note=line.note, expected_ms=expected_ms
    )


def taken_back(taken: Taken, now: RosterLine, *, at_ms: int) -> ChildMark:
    """Return the mark that puts back what stood before: it corrects what stands now. An arrival gone by is left out."""
    before = taken.before
    expected = before.expected_ms if before.state == "late" and before.expected_ms >= at_ms else 0
    return ChildMark(
        child=taken.child, state=before.state, corrects=now.mark, reason=before.reason, note=before.note,
        expected_ms=expected,
    )  # fmt: skip
