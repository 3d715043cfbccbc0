"""Sentences about what just happened: an error where its cause is, with the cure as a button; and a passing toast."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from classtap_desktop.kit import icons, painting
from classtap_desktop.kit.buttons import Button
from classtap_desktop.kit.labels import Label
from classtap_desktop.kit.theme import theme


class _Bar(QWidget):
    """An icon and a sentence on a pale ground of one tone."""

    def __init__(self, *, role: str, radius: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        here = theme()
        self._tone, self._icon, self._radius = "warn", "warn", radius
        self._mark = here.px(24)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(here.px(16), here.px(8), here.px(12), here.px(8))
        self.row.setSpacing(here.px(12))
        self.row.addSpacing(self._mark + here.px(12))
        self.label = Label("", role, wrap=True, token="warn")
        self.row.addWidget(self.label, 1)
        here.changed.connect(self.update)

    def show_bar(self, text: str, tone: str, icon: str) -> None:
        """Show a sentence in a tone."""
        self._tone, self._icon = tone, icon
        self.label.set_token(tone)
        self.label.show_text(text)
        self.setAccessibleName(text)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        edge = here.color(self._tone) if here.tokens["bg"] == "#FFFFFF" else None
        painting.box(painter, area, radius=here.px(self._radius), fill=here.color(f"{self._tone}_soft"), edge=edge)
        rtl = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        left = area.right() - here.px(16) - self._mark if rtl else here.px(16)
        place = QRectF(left, area.center().y() - self._mark / 2, self._mark, self._mark)
        icons.draw(painter, self._icon, box=place, color=here.color(self._tone))
        painter.end()


class ErrorLine(_Bar):
    """What happened, what it means and what to do, with the cure and "copy details" as buttons.

    Signals: ``acted`` when the cure is pressed. Hidden until ``show_error``; its place can be kept by its owner.
    """

    acted = Signal()

    def __init__(self, *, kiosk: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(role="hint" if kiosk else "text", radius=16 if kiosk else 12, parent=parent)
        size = "kiosk_chip" if kiosk else "small"
        self._details = ""
        self.action = Button("", size=size)
        self.action.clicked.connect(lambda _=False: self.acted.emit())
        self.copy = Button(theme().words.say("error.copy"), size=size, kind="quiet", icon="copy")
        self.copy.clicked.connect(self._copy)
        for button in (self.copy, self.action):
            self.row.addWidget(button)
        self.hide()

    def show_error(self, text: str, *, action: str = "", details: str = "", tone: str = "warn") -> None:
        """Show a sentence; ``action`` is the word on the cure's button, ``details`` what "copy" puts on the clipboard."""
        self._details = details
        self.show_bar(text, tone, "warn")
        self.action.show_text(action)
        self.action.setVisible(bool(action))
        self.copy.show_text(theme().words.say("error.copy"))
        self.copy.setVisible(bool(details))
        self.show()

    def clear(self) -> None:
        """Take the sentence away."""
        self.hide()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._details)
        self.copy.show_text(theme().words.say("error.copied"))


class Toast(_Bar):
    """A sentence that floats over the lower edge of its parent for a while and goes by itself."""

    def __init__(self, parent: QWidget, *, kiosk: bool = False) -> None:
        super().__init__(role="hint" if kiosk else "text", radius=14, parent=parent)
        self._over = parent
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        parent.installEventFilter(self)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def say(self, text: str, *, tone: str = "present", icon: str = "check", for_ms: int = 4000) -> None:
        """Show a sentence for a time in milliseconds; a new one takes the old one's place."""
        self.show_bar(text, tone, icon)
        self._place()
        self.show()
        self.raise_()
        self._timer.start(for_ms)

    def _place(self) -> None:
        parent = self._over
        here = theme()
        words = here.metrics("text").horizontalAdvance(self.label.whole_text()) + here.px(96)
        wide = min(words, parent.width() - here.px(48))
        tall = max(here.px(48), self.label.heightForWidth(wide - here.px(76)) + here.px(20))
        self.setGeometry((parent.width() - wide) // 2, parent.height() - tall - here.px(24), wide, tall)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False
