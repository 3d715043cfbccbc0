"""Present, Late, Absent: three large buttons of which at most one is chosen. They show what they are told, no more."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QWidget

from classtap_desktop.kit import painting
from classtap_desktop.kit.focus import DrawnButton
from classtap_desktop.kit.states import CHOICES, FACES
from classtap_desktop.kit.theme import theme

_SIZES = {"kiosk": (74, 148, 16, "button", 26, 11), "desk": (36, 92, 10, "strong", 18, 6)}


class StateButton(DrawnButton, QAbstractButton):
    """One state. ``chosen`` fills it in its colour only once ``saved``; chosen but not saved is an outline at work."""

    def __init__(self, state: str, *, size: str = "kiosk", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = state
        self.chosen = False
        self.saved = True
        self._size = size
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_choice(self, *, chosen: bool, saved: bool, enabled: bool) -> None:
        """Show whether the state is chosen and saved, and whether it can be tapped."""
        if (self.chosen, self.saved, self.isEnabled()) != (chosen, saved, enabled):
            self.chosen, self.saved = chosen, saved
            self.setEnabled(enabled)
            self.update()

    def is_filled(self) -> bool:
        """Say whether it stands in full colour: chosen and saved."""
        return self.chosen and self.saved

    def is_cut(self) -> bool:
        """Say whether the word does not fit."""
        return self.width() < self.sizeHint().width()

    def sizeHint(self) -> QSize:
        here = theme()
        height, width, _, role, _, gap = _SIZES[self._size]
        words = painting.line_width(self._word(), here.font(role), icon=self._icon_px(), gap=here.px(gap))
        tall = max(here.px(height), here.metrics(role).height() + here.px(16))
        return QSize(max(here.px(width), round(words) + 2 * here.px(16 if self._size == "kiosk" else 10)), tall)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.parent()
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right) and isinstance(row, StateChoice):
            row.step(self, forward=(event.key() == Qt.Key.Key_Right) != self._rtl())
            return
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            event.ignore()  # Qt would walk to any button near; the board walks to the same state of the next child
            return
        super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Enter, QEvent.Type.Leave, QEvent.Type.EnabledChange):
            self.update()
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        _, _, radius, role, _, gap = _SIZES[self._size]
        face = FACES[self.state]
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        icon, ink, width = face.icon, face.token, 1.6
        fill = here.color("raised")
        edge: QColor | None = here.color("control_line")
        if self.is_filled():
            fill, edge, ink = here.color(face.token), None, face.on
        elif self.chosen:
            icon, fill, edge, width = "spinner", here.color(face.soft), here.color(face.token), 2.4
        elif not self.isEnabled():
            edge, ink = here.color("line"), "muted"
        elif self.underMouse():
            fill = here.color(face.soft)
        painting.box(painter, area, radius=here.px(radius), fill=fill, edge=edge, width=here.px(width))
        if self.isDown():
            painting.box(painter, area, radius=here.px(radius), fill=QColor(0, 0, 0, 28))
        self.paint_ring(painter, area, radius=here.px(radius))
        painting.line(
            painter, area.adjusted(here.px(6), 0, -here.px(6), 0), self._word(), font=here.font(role),
            color=here.color(ink), icon=icon, icon_size=self._icon_px(), gap=here.px(gap), rtl=self._rtl(),
        )  # fmt: skip
        painter.end()

    def _word(self) -> str:
        return theme().words.say(FACES[self.state].code)

    def _icon_px(self) -> float:
        here = theme()
        return here.px(_SIZES[self._size][4]) * min(here.text_scale, 1.5)

    def _rtl(self) -> bool:
        return self.layoutDirection() == Qt.LayoutDirection.RightToLeft


class StateChoice(QWidget):
    """The three buttons for one child. Signals: ``picked(state)`` when one is tapped; nothing changes by itself."""

    picked = Signal(str)

    def __init__(self, name: str = "", *, size: str = "kiosk", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self.buttons = {state: StateButton(state, size=size, parent=self) for state in CHOICES}
        for state, button in self.buttons.items():
            button.clicked.connect(lambda _=False, state=state: self.picked.emit(state))
            self._row.addWidget(button)
        theme().changed.connect(self._dress)
        self._state, self._saved = "none", True
        self._dress()

    def show_person(self, name: str) -> None:
        """Say whose buttons these are, for assistive technology."""
        self._name = name
        self._tell()

    def show_state(self, state: str, *, saved: bool = True, disabled: Collection[str] = ()) -> None:
        """Show ``none`` or one of the three; full colour only when ``saved``. ``disabled`` states cannot be tapped."""
        self._state, self._saved = state, saved
        for own, button in self.buttons.items():
            button.show_choice(chosen=own == state, saved=saved, enabled=own not in disabled)
        self._tell()

    def step(self, button: StateButton, *, forward: bool) -> None:
        """Move the focus to the next or previous button that can be tapped."""
        order = [self.buttons[state] for state in CHOICES if self.buttons[state].isEnabled()]
        if button in order:
            at = order.index(button) + (1 if forward else -1)
            order[at % len(order)].setFocus(Qt.FocusReason.TabFocusReason)

    def _dress(self) -> None:
        self._row.setSpacing(theme().px(12 if self.buttons["present"]._size == "kiosk" else 6))
        widest = max(button.sizeHint().width() for button in self.buttons.values())
        for button in self.buttons.values():
            button.setFixedSize(widest, button.sizeHint().height())
        self._tell()
        self.updateGeometry()

    def _tell(self) -> None:
        words = theme().words
        for state, button in self.buttons.items():
            word = words.say(FACES[state].code)
            button.setAccessibleName(f"{self._name}: {word}" if self._name else word)
            told = words.say("kiosk.saving") if button.chosen and not self._saved else word if button.chosen else ""
            button.setAccessibleDescription(told)
