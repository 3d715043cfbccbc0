"""A pad for six digits. The digits never leave it but in ``entered``, and are forgotten at once."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from classtap_desktop.kit import painting
from classtap_desktop.kit.buttons import Button
from classtap_desktop.kit.labels import Label
from classtap_desktop.kit.theme import theme

LENGTH = 6


class PinPad(QWidget):
    """Signals: ``entered(pin)`` when the sixth digit is in, ``cancelled`` on Escape. Digits read left to right always."""

    entered = Signal(str)
    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        here = theme()
        self._digits = ""
        self._busy = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(here.px(12))
        self.dots = _Dots(self)
        self.message = Label(" ", "note", token="warn", wrap=True)
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setMinimumHeight(here.metrics("note").height() * 2)
        pad = QWidget(self)
        pad.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        grid = QGridLayout(pad)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(here.px(12))
        self.keys: dict[str, Button] = {}
        for at, digit in enumerate("123456789"):
            grid.addWidget(self._key(digit), at // 3, at % 3)
        grid.addWidget(self._key("0"), 3, 1)
        self.erase = Button("", size="kiosk_key", icon="backspace")
        self.erase.setAccessibleName(here.words.say("pin.delete"))
        self.erase.clicked.connect(lambda _=False: self._drop())
        self._square(self.erase)
        grid.addWidget(self.erase, 3, 2)
        column.addWidget(self.dots, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.message)
        column.addWidget(pad, 0, Qt.AlignmentFlag.AlignHCenter)

    def clear(self) -> None:
        """Forget what was typed."""
        self._digits = ""
        self._tell()

    def show_message(self, text: str, *, token: str = "warn") -> None:
        """Say why the last PIN was not taken; the room for it is always there."""
        self.message.set_token(token)
        self.message.show_text(text or " ")

    def set_busy(self, busy: bool) -> None:
        """While busy no digit is taken."""
        self._busy = busy
        for key in (*self.keys.values(), self.erase):
            key.setEnabled(not busy)

    def count(self) -> int:
        """Return how many digits are in."""
        return len(self._digits)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.text().isdecimal() and len(event.text()) == 1:
            self._take(str(int(event.text())))
        elif event.key() == Qt.Key.Key_Backspace:
            self._drop()
        elif event.key() == Qt.Key.Key_Escape:
            self.clear()
            self.cancelled.emit()
        else:
            super().keyPressEvent(event)

    def _key(self, digit: str) -> Button:
        key = Button(digit, size="kiosk_key")
        key.clicked.connect(lambda _=False: self._take(digit))
        self._square(key)
        self.keys[digit] = key
        return key

    def _square(self, key: Button) -> None:
        here = theme()
        key.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        key.setFixedSize(QSize(here.px(112), max(here.px(76), here.metrics("key").height() + here.px(14))))

    def _take(self, digit: str) -> None:
        if self._busy or len(self._digits) >= LENGTH:
            return
        self._digits += digit
        self._tell()
        if len(self._digits) == LENGTH:
            whole, self._digits = self._digits, ""
            self.entered.emit(whole)

    def _drop(self) -> None:
        self._digits = self._digits[:-1]
        self._tell()

    def _tell(self) -> None:
        self.dots.show_count(len(self._digits))
        self.setAccessibleDescription(theme().words.say_n("pin.entered", len(self._digits)))


class _Dots(QWidget):
    """Six dots, one filled for each digit."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._count = 0
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_count(self, count: int) -> None:
        """Fill the first ``count`` dots."""
        self._count = count
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme().px(6 * 34), theme().px(28))

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for at in range(LENGTH):
            dot = QRectF(here.px(8 + at * 34), here.px(5), here.px(18), here.px(18))
            full = at < self._count
            painting.box(
                painter, dot, radius=here.px(9), fill=here.color("ink") if full else None,
                edge=here.color("ink" if full else "control_line"), width=here.px(2),
            )  # fmt: skip
        painter.end()
