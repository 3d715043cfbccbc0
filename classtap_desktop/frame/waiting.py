"""Long reading: what is being done and a way to let it be. It appears only when an answer takes its time."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QWidget

from classtap_desktop.desk import Desk
from classtap_desktop.kit import Button, Card, Label, theme
from classtap_desktop.spacing import row

AFTER_MS = 500


class WaitingBar(Card):
    """Floats at the upper edge of ``over`` from half a second on, with Cancel."""

    def __init__(self, desk: Desk, over: QWidget) -> None:
        super().__init__(radius=12, parent=over)
        self._desk, self._over = desk, over
        self._inside = inside = row(self, margins=(16, 8, 8, 8), gap=12)
        self.label = Label("", "text")
        self.cancel = Button("", size="small")
        self.cancel.clicked.connect(lambda _=False: desk.cancel())
        inside.addWidget(self.label)
        inside.addWidget(self.cancel)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.appear)
        desk.waited.connect(self._waited)
        over.installEventFilter(self)
        self.hide()

    def appear(self) -> None:
        """Stand there, if an answer is still out."""
        if not self._desk.waiting:
            return
        words = theme().words
        self.label.show_text(words.say("desk.waiting"))
        self.cancel.show_text(words.say("desk.cancel"))
        self._inside.activate()
        self.resize(self.sizeHint())
        self._place()
        self.show()
        self.raise_()

    def _waited(self) -> None:
        if not self._desk.waiting:
            self._timer.stop()
            self.hide()
        elif not self._timer.isActive() and self.isHidden():
            self._timer.start(AFTER_MS)

    def _place(self) -> None:
        self.move((self._over.width() - self.width()) // 2, theme().px(14))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and not self.isHidden():
            self._place()
        return False
