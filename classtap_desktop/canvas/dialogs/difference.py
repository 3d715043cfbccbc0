"""What a draft changes: what is in force beside it, coloured, and every change as a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QListWidget, QSizePolicy, QWidget

from classtap_core.seating.boxes import Box, around, box_of, united
from classtap_core.seating.diff import Difference, difference
from classtap_core.seating.model import SeatMap
from classtap_core.seating.units import shown
from classtap_desktop.canvas import scenery
from classtap_desktop.canvas.dialogs.dialog import MapDialog
from classtap_desktop.canvas.viewport import Viewport
from classtap_desktop.kit import Label, theme
from classtap_desktop.spacing import column, row

if TYPE_CHECKING:
    from classtap_desktop.canvas.editor import Editor


class DifferenceDialog(MapDialog):
    """Attributes: ``list`` (every change in words)."""

    def __init__(self, over: QWidget, editor: Editor, published: SeatMap | None) -> None:
        words = theme().words
        super().__init__(over, words.say("map.difference.title"), wide=960, high=620)
        before = published or SeatMap(name="", room=editor.document.seat_map.room)
        after = editor.document.seat_map
        found = difference(before, after)
        sides = row(gap=18)
        self.body.addLayout(sides, 1)
        self.picture = DifferencePicture(before, after, found)
        sides.addWidget(self.picture, 3)
        told = column(gap=8)
        told.addWidget(Label(summary(found), "strong", wrap=True))
        self.list = QListWidget()
        self.list.setAccessibleName(words.say("map.difference.title"))
        self.list.addItems(lines(before, after, found))
        told.addWidget(self.list, 1)
        told.addWidget(Label(words.say("map.difference.legend"), "secondary", token="muted", wrap=True))
        sides.addLayout(told, 2)
        self.button(words.say("a11y.close"), self.close_overlay, kind="primary")


class DifferencePicture(QWidget):
    """Both maps in one picture: added, removed, moved and renumbered spots each in their own way."""

    def __init__(self, before: SeatMap, after: SeatMap, found: Difference) -> None:
        super().__init__()
        self._before, self._after, self._found = before, after, found
        self.setMinimumSize(QSize(300, 300))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        inks = scenery.Inks()
        whole = united([around(self._before.room.corners()), around(self._after.room.corners())])
        edge = max(whole.width, whole.height) // 30
        area = QRectF(self.rect())
        view = Viewport().fitted(
            Box(whole.left - edge, whole.top - edge, whole.right + edge, whole.bottom + edge), area
        )
        scenery.draw_room(painter, self._after, view, inks)
        scenery.draw_zones(painter, self._after, view, inks, skip=frozenset())
        old = {spot.id: spot for spot in self._before.spots}
        added, removed = set(self._found.added), set(self._found.removed)
        moved = {one.id for one in self._found.moved}
        named = {one.id for one in self._found.renumbered}
        font = here.font("label")
        font.setPixelSize(11)
        painter.setFont(font)
        for spot in self._before.spots:
            if spot.id in removed or spot.id in moved:
                token = "absent" if spot.id in removed else "muted"
                self._box(
                    painter,
                    view.rect(box_of(spot, self._before)),
                    token,
                    dashed=True,
                    mark="×" if spot.id in removed else "",
                )
        for spot in self._after.spots:
            area = view.rect(box_of(spot, self._after))
            token = (
                "present"
                if spot.id in added
                else "info"
                if spot.id in moved
                else "late"
                if spot.id in named
                else "line"
            )
            self._box(painter, area, token, dashed=False, mark="+" if spot.id in added else "")
            if spot.id in moved:
                was = view.point((old[spot.id].x_um, old[spot.id].y_um))
                painter.setPen(QPen(here.color("info"), 1.6))
                painter.drawLine(was, area.center())
            painter.setPen(here.color("ink"))
            painter.drawText(area.adjusted(-20, 0, 20, 0), Qt.AlignmentFlag.AlignCenter, spot.label)
        painter.end()

    def _box(self, painter: QPainter, area: QRectF, token: str, *, dashed: bool, mark: str) -> None:
        here = theme()
        edge = here.color(token)
        fill = QColor(here.color(f"{token}_soft")) if f"{token}_soft" in here.tokens else QColor(0, 0, 0, 0)
        painter.setPen(QPen(edge, 1.8, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine))
        painter.setBrush(QColor(0, 0, 0, 0) if dashed else fill)
        painter.drawRoundedRect(area, 3, 3)
        if mark:
            painter.drawText(QPointF(area.left() + 3, area.top() + 12), mark)


def summary(found: Difference) -> str:
    """How much of what."""
    words = theme().words
    if not found:
        return words.say("seatmap.same")
    counts = {name: len(getattr(found, name)) for name in ("added", "removed", "moved", "renumbered", "changed")}
    return words.say("seatmap.different", **counts)


def lines(before: SeatMap, after: SeatMap, found: Difference) -> list[str]:
    """Every change in words, spots first."""
    words, unit = theme().words, after.unit
    old = {spot.id: spot.label or spot.id[-4:] for spot in before.spots}
    new = {spot.id: spot.label or spot.id[-4:] for spot in after.spots}
    told = [words.say("map.difference.added", name=new[id]) for id in found.added]
    told += [words.say("map.difference.removed", name=old[id]) for id in found.removed]
    told += [
        words.say(
            "map.difference.moved",
            name=new[one.id],
            by=f"{shown(one.by_um, unit)} {unit}",
            turn=f"{one.turned_mdeg / 1000:g}°",
        )
        for one in found.moved
    ]
    told += [
        words.say("map.difference.renumbered", before=one.before or "–", after=one.after or "–")
        for one in found.renumbered
    ]
    told += [
        words.say("map.difference.changed", name=new[one.id], fields=", ".join(one.fields)) for one in found.changed
    ]
    told += [
        words.say(
            "map.difference.parts", part=part, added=len(of.added), removed=len(of.removed), changed=len(of.changed)
        )
        for part, of in found.parts.items()
    ]
    told += [words.say("map.difference.setting", name=name) for name in found.settings]
    return told
