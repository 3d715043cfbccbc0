"""The button of the house: plain, primary, quiet or danger, for the desk (36 px and up) or the kiosk (74 px and up)."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from classtap_desktop.kit import icons, painting
from classtap_desktop.kit.focus import DrawnButton
from classtap_desktop.kit.theme import theme

_SIZES = {
    # name: (height, radius, padding, role, icon, gap)
    "desk": (36, 10, 16, "strong", 18, 8),
    "small": (30, 8, 10, "label", 16, 6),
    "tool": (30, 8, 8, "label", 14, 5),
    "kiosk": (84, 18, 30, "button", 26, 12),
    "kiosk_main": (84, 20, 44, "primary", 28, 12),
    "kiosk_chip": (74, 16, 24, "button", 24, 10),
    "kiosk_key": (76, 16, 24, "key", 28, 10),
}


class Button(DrawnButton, QAbstractButton):
    """Signals: ``clicked``. ``kind`` is ``plain``, ``primary``, ``quiet`` (words only) or ``danger``.

    A checkable button shows its choice in the accent, with a check mark.
    """

    def __init__(
        self,
        text: str = "",
        *,
        kind: str = "plain",
        size: str = "desk",
        icon: str | None = None,
        trailing: str | None = None,
        checkable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._kind = kind
        self._size = size
        self._icon = icon
        self._trailing = trailing
        self.setCheckable(checkable)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.show_text(text)
        theme().changed.connect(self.updateGeometry)
        theme().changed.connect(self.update)

    def show_text(self, text: str) -> None:
        """Show other words, which are the accessible name too."""
        self.setText(text)
        self.setAccessibleName(text)
        self.updateGeometry()

    def show_icon(self, icon: str | None) -> None:
        """Show another icon, or none."""
        self._icon = icon
        self.update()

    def is_cut(self) -> bool:
        """Say whether the words do not fit."""
        return self.width() < self.minimumSizeHint().width()

    def _ink(self) -> tuple[QColor | None, QColor | None, QColor]:
        """Return fill, edge and ink for the state the button is in."""
        here = theme()
        if not self.isEnabled() and self._kind == "quiet":
            return None, None, here.color("muted")
        if not self.isEnabled():
            return here.color("raised"), here.color("line"), here.color("muted")
        if self.isChecked():
            return here.color("accent_soft"), here.color("accent"), here.color("accent")
        if self._kind == "primary":
            return here.color("accent"), None, here.color("on_accent")
        if self._kind == "danger":
            return here.color("absent"), None, here.color("on_absent")
        if self._kind == "quiet":
            return (here.color("accent_soft") if self.underMouse() else None), None, here.color("accent")
        fill = here.color("raised") if self.underMouse() or self.isDown() else here.color("surface")
        return fill, here.color("control_line"), here.color("ink")

    def sizeHint(self) -> QSize:
        here = theme()
        height, _, padding, role, _, gap = _SIZES[self._size]
        font = here.font(role)
        # a check mark's place is kept, so that choosing moves nothing; a tool in hand has an edge instead
        checks = self.isCheckable() and self._size != "tool"
        marks = sum(1 for mark in (self._icon or checks, self._trailing) if mark)
        words = painting.line_width(self.text(), font)
        gaps = marks if self.text() else max(0, marks - 1)
        wide = 2 * here.px(padding) + words + marks * self._icon_px() + gaps * here.px(gap)
        tall = max(here.px(height), here.metrics(role).height() + here.px(14))
        return QSize(max(round(wide + 1), tall), tall)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        _, radius, padding, role, _, gap = _SIZES[self._size]
        fill, edge, ink = self._ink()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        painting.box(painter, area, radius=here.px(radius), fill=fill, edge=edge, width=here.px(1.6))
        if self.isDown() and self.isEnabled():
            painting.box(painter, area, radius=here.px(radius), fill=QColor(0, 0, 0, 28))
        self.paint_ring(painter, area, radius=here.px(radius))
        pad = min(here.px(padding), max(0.0, (area.width() - self._icon_px()) / 2))
        room = area.adjusted(pad, 0, -pad, 0)
        rtl = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        if self._trailing:
            size = self._icon_px()
            left = room.left() if rtl else room.right() - size
            icons.draw(
                painter, self._trailing, box=QRectF(left, room.center().y() - size / 2, size, size), color=ink, rtl=rtl
            )
            taken = size + here.px(gap)
            room = room.adjusted(taken if rtl else 0, 0, 0 if rtl else -taken, 0)
        lead = self._lead()
        painting.line(
            painter, room, self.text(), font=here.font(role), color=ink, icon=lead,
            icon_size=self._icon_px() if lead else 0, gap=here.px(gap), rtl=rtl,
        )  # fmt: skip
        painter.end()

    def _lead(self) -> str | None:
        if self.isCheckable() and self.isChecked() and not self._icon and self._size != "tool":
            return "check"
        return self._icon

    def _icon_px(self) -> float:
        here = theme()
        return here.px(_SIZES[self._size][4]) * min(here.text_scale, 1.5)
