"""What the palette finds: actions, families, children, classes and instructors, in one list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from classtap_core.access.blueprints import Capability
from classtap_core.checkin.reading import fetch, search
from classtap_core.naming.matching import Asked, fit
from classtap_core.people.records import Child, Family
from classtap_desktop.operator import Operator, sight
from classtap_desktop.screens.families.finding import search_people
from classtap_desktop.screens.sessions import SessionLine, nearest, read_days, read_places, today_of
from classtap_desktop.source import DeskSource

Index = QModelIndex | QPersistentModelIndex
FINDING = Qt.ItemDataRole.UserRole + 10
_ROOT = QModelIndex()


class Finding(NamedTuple):
    """One line of the palette.

    Attributes: `kind` is `action`, `family`, `child`, `guardian`, `class` or `instructor`; `screen` and `id` say what
    opens (an action has its own id and no screen); `session` is what a class's line leads to, whose time is its detail;
    `marks` are the parts of the title that fit what was typed (from, up to).
    """

    kind: str
    id: str
    title: str
    detail: str = ""
    screen: str = ""
    session: SessionLine | None = None
    marks: tuple[tuple[int, int], ...] = ()


def read_people(source: DeskSource, text: str, operator: Operator | None) -> tuple[Finding, ...]:
    """Return families, children and guardians that fit, best first, as this person may see them; all lead to the family.

    A guardian's telephone or address is shown where it is what fitted.
    """
    hits = search_people(source, text, operator)
    reader = source.reader
    given: dict[str, list[str]] = {}
    for found in hits:
        if isinstance(found.record, Family):
            given[found.family] = [child.given for child in search(reader, Child, "by_family", found.family)]
    families = fetch(reader, Family, (found.family for found in hits))
    findings = []
    for found in hits:
        held = families.get(found.family)
        if isinstance(found.record, Family):
            findings.append(
                Finding("family", found.family, found.record.name, ", ".join(given[found.family]), "families", marks=found.marks)
            )  # fmt: skip
        else:
            kind = "child" if isinstance(found.record, Child) else "guardian"
            detail = " · ".join(part for part in (held.name if held else "", found.reached) if part)
            findings.append(Finding(kind, found.family, found.title, detail, "families", marks=found.marks))
    return tuple(findings)


def read_week(source: DeskSource, operator: Operator | None) -> tuple[Finding, ...]:
    """Return the classes and instructors of the coming week that this person may see, each with the session it leads to."""
    reader, now_ms = source.reader, source.clock.now().corrected
    seen = sight(operator, Capability.VIEW_SCHEDULE, source)
    places = tuple(place for place in read_places(reader) if seen.reaches(place.id))
    here = [place for place in places if place.id == source.place.location] or list(places)
    if not here:
        return ()
    lines = read_days(reader, here, today_of(here[0], now_ms), days=7, attendance=False, seen=seen)
    coming = [line for line in lines if line.end_ms > now_ms and not line.cancelled] or list(lines)
    found = [
        Finding("class", next_one.id, name, next_one.where(), "roster", next_one)
        for name in dict.fromkeys(line.name for line in coming)
        if (next_one := nearest([line for line in coming if line.name == name], now_ms)) is not None
    ]
    teachers = {line.instructor_id: line.instructor for line in coming if line.instructor}
    return (*found, *(Finding("instructor", id, name, "", "schedule") for id, name in teachers.items()))


def matching(findings: Iterable[Finding], text: str) -> list[Finding]:
    """Return those that fit what was typed, best first; one letter looks at titles alone."""
    asked = Asked(text)
    alone = len(asked.text) < 2
    ranked = []
    for at, finding in enumerate(findings):
        found = fit(asked, [("title", finding.title), *([] if alone else [("detail", finding.detail)])])
        if found is not None:
            marks = tuple((mark.start, mark.end) for mark in found.marks if mark.field == "title")
            ranked.append((found.how, not marks, at, finding._replace(marks=marks)))
    return [finding for *_, finding in sorted(ranked, key=lambda one: one[:3])]


class FindingsModel(QAbstractListModel):
    """The palette's lines. Role ``FINDING`` gives the whole."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.findings: list[Finding] = []

    def show_findings(self, findings: list[Finding]) -> None:
        """Show other lines."""
        self.beginResetModel()
        self.findings = findings
        self.endResetModel()

    def rowCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self.findings)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        finding = self.findings[index.row()]
        if role == FINDING:
            return finding
        if role == Qt.ItemDataRole.DisplayRole:
            return finding.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(part for part in (finding.title, finding.detail) if part)
        return None
