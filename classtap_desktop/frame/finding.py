"""What the palette finds: actions, families, children, classes and instructors, in one list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from classtap_core.checkin.reading import fetch, search
from classtap_core.people.records import Child, Family
from classtap_desktop.screens.people import folded
from classtap_desktop.screens.sessions import SessionLine, nearest, read_days, read_places, today_of
from classtap_desktop.source import DeskSource

Index = QModelIndex | QPersistentModelIndex
FINDING = Qt.ItemDataRole.UserRole + 10
MOST = 12
_ROOT = QModelIndex()


class Finding(NamedTuple):
    """One line of the palette.

    Attributes: `kind` is `action`, `family`, `child`, `class` or `instructor`; `screen` and `id` say what opens (an
    action has its own id and no screen); `session` is what a class's line leads to, whose time is its detail.
    """

    kind: str
    id: str
    title: str
    detail: str = ""
    screen: str = ""
    session: SessionLine | None = None


def read_people(source: DeskSource, text: str) -> tuple[Finding, ...]:
    """Return families and children by name, best first; a child leads to the family."""
    refs = [ref for ref in source.search(text, limit=MOST) if ref[0] in ("family", "child")]
    reader = source.reader
    children = fetch(reader, Child, (id for kind, id in refs if kind == "child"))
    wanted = [*(id for kind, id in refs if kind == "family"), *(child.family for child in children.values())]
    families = fetch(reader, Family, wanted)
    found = []
    for kind, id in refs:
        if kind == "family" and id in families:
            names = ", ".join(child.given for child in search(reader, Child, "by_family", id))
            found.append(Finding("family", id, families[id].name, names, "families"))
        elif kind == "child" and id in children:
            child = children[id]
            family = families.get(child.family)
            name = f"{child.given} {child.surname}".strip()
            found.append(Finding("child", child.family, name, family.name if family else "", "families"))
    return tuple(found)


def read_week(source: DeskSource) -> tuple[Finding, ...]:
    """Return the classes and instructors of the coming week, each with the session it leads to."""
    reader, now_ms = source.reader, source.clock.now().corrected
    places = read_places(reader)
    here = [place for place in places if place.id == source.place.location] or list(places)
    if not here:
        return ()
    lines = read_days(reader, here, today_of(here[0], now_ms), days=7, attendance=False)
    coming = [line for line in lines if line.end_ms > now_ms and not line.cancelled] or list(lines)
    found = [
        Finding("class", next_one.id, name, next_one.where(), "roster", next_one)
        for name in dict.fromkeys(line.name for line in coming)
        if (next_one := nearest([line for line in coming if line.name == name], now_ms)) is not None
    ]
    teachers = {line.instructor_id: line.instructor for line in coming if line.instructor}
    return (*found, *(Finding("instructor", id, name, "", "schedule") for id, name in teachers.items()))


def matching(findings: Iterable[Finding], text: str) -> list[Finding]:
    """Return those whose words begin with every word asked; where the first word begins the title first."""
    words = folded(text).split()
    ranked = []
    for at, finding in enumerate(findings):
        title, detail = folded(finding.title).split(), folded(finding.detail).split()
        if all(any(part.startswith(word) for part in (*title, *(detail if len(word) > 1 else ()))) for word in words):
            ranked.append((not folded(finding.title).startswith(words[0]) if words else False, at, finding))
    return [finding for *_, finding in sorted(ranked, key=lambda one: one[:2])]


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
