"""What a draft changes: what is in force beside it, coloured, and every change as a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QListWidget, QSizePolicy, QWidget

from classtap_core.seating.boxes import Box, around, united
from classtap_core.seating.diff import Difference, difference
from classtap_core.seating.geometry.turning import footprint
from classtap_core.seating.model import Room, SeatMap, Spot
from classtap_core.seating.units import shown
from classtap_desktop.canvas import scenery
from classtap_desktop.canvas.viewport import Viewport
from classtap_desktop.frame.dialog import Dialog
from classtap_desktop.kit import Label, theme
from classtap_desktop.spacing import column, row

if TYPE_CHECKING:
    from classtap_desktop.canvas.editor import Editor


class DifferenceDialog(Dialog):
    """Attributes: ``comparison``."""

    def __init__(self, over: QWidget, editor: Editor, published: SeatMap | None) -> None:
        words = theme().words
        super().__init__(over, words.say("map.difference.title"), wide=960, high=620)
        self.comparison = Comparison()
        self.body.addWidget(self.comparison, 1)
        after = editor.document.seat_map
        self.comparison.show_maps(published or SeatMap(name="", room=after.room), after)
        self.button(words.say("a11y.close"), self.close_overlay, kind="primary")


class Comparison(QWidget):
    """Two maps beside each other: one picture of both, and every change in words.

    Attributes: ``list`` (the changes), ``found`` (the difference shown).
    """

    def __init__(self) -> None:
        super().__init__()
        words = theme().words
        sides = row(self, gap=18)
        self.found: Difference | None = None
        self.picture = DifferencePicture()
        sides.addWidget(self.picture, 3)
        told = column(gap=8)
        self.summary = Label("", "strong", wrap=True)
        told.addWidget(self.summary)
        self.list = QListWidget()
        self.list.setAccessibleName(words.say("map.difference.title"))
        self.list.setWordWrap(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        told.addWidget(self.list, 1)
        told.addWidget(Label(words.say("map.difference.legend"), "secondary", token="muted", wrap=True))
        sides.addLayout(told, 2)

    def show_maps(self, before: SeatMap, after: SeatMap) -> None:
        """Show what must be done to the first to get the second."""
        self.found = difference(before, after)
        self.picture.show_maps(before, after, self.found)
        self.summary.show_text(summary(self.found))
        self.list.clear()
        self.list.addItems(lines(before, after, self.found))


class DifferencePicture(QWidget):
    """Both maps in one picture: added, removed, moved and renumbered spots each in their own way."""

    def __init__(self) -> None:
        super().__init__()
        empty = SeatMap(name="", room=Room(width_um=10_000_000, length_um=8_000_000))
        self._before, self._after, self._found = empty, empty, difference(empty, empty)
        self.setMinimumSize(QSize(300, 260))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_maps(self, before: SeatMap, after: SeatMap, found: Difference) -> None:
        """Draw other maps."""
        self._before, self._after, self._found = before, after, found
        self.setAccessibleName(summary(found))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        inks = scenery.Inks()
        whole = united([around(self._before.room.corners()), around(self._after.room.corners())])
        edge = max(whole.width, whole.height) // 14
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
        font.setPixelSize(round(11 * here.text_scale))
        painter.setFont(font)
        for spot in self._before.spots:
            if spot.id in removed or spot.id in moved:
                token = "absent" if spot.id in removed else "muted"
                mark = f"×{spot.label}" if spot.id in removed else ""
                self._spot(painter, view, self._before, spot, token, dashed=True, text=mark)
        for spot in self._after.spots:
            ways = (("present", "+", added), ("info", "→", moved), ("late", "#", named))
            token, mark = next(((token, mark) for token, mark, ids in ways if spot.id in ids), ("control_line", ""))
            self._spot(painter, view, self._after, spot, token, dashed=False, text=f"{mark}{spot.label}")
            if spot.id in moved:
                painter.setPen(QPen(here.color("info"), 1.6))
                was = old[spot.id]
                painter.drawLine(view.point((was.x_um, was.y_um)), view.point((spot.x_um, spot.y_um)))
        painter.end()

    def _spot(
        self, painter: QPainter, view: Viewport, seat_map: SeatMap, spot: Spot, token: str, *, dashed: bool, text: str
    ) -> None:
        """A footprint in its colour, with a sign and its label: a state is never colour alone."""
        here = theme()
        fill = here.color(f"{token}_soft") if f"{token}_soft" in here.tokens and not dashed else QColor(0, 0, 0, 0)
        painter.setPen(QPen(here.color(token), 1.8, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine))
        painter.setBrush(fill)
        corners = footprint(spot, seat_map.type_of(spot))
        painter.drawPolygon(QPolygonF([view.point(corner) for corner in corners]))
        painter.setPen(here.color("absent" if token == "absent" else "ink"))
        middle = view.point((spot.x_um, spot.y_um))
        painter.drawText(QRectF(middle.x() - 40, middle.y() - 12, 80, 24), Qt.AlignmentFlag.AlignCenter, text)


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
