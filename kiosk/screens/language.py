"""Choosing a language: side by side where nobody has chosen yet, behind one button where a family is at work."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from classtap_desktop.kit import Button, Card, theme
from classtap_desktop.kit.wrapped import Wrapped
from resources.text import languages


class LanguageChips(QWidget):
    """Every language by its own name. Signals: ``chosen(code)``."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        line = Wrapped(self, gap=theme().px(12))
        self.chips: dict[str, Button] = {}
        for language in languages():
            chip = Button(language.name, size="kiosk_chip", checkable=True)
            chip.setChecked(language.code == theme().words.language)
            chip.clicked.connect(lambda _=False, code=language.code: self._choose(code))
            self.chips[language.code] = chip
            line.addWidget(chip)

    def _choose(self, code: str) -> None:
        for own, chip in self.chips.items():
            chip.setChecked(own == code)
        self.chosen.emit(code)


class LanguageButton(Button):
    """The language in force; pressed, it opens the others above itself. Signals: ``chosen(code)``."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        here = theme()
        own = next(language for language in languages() if language.code == here.words.language)
        super().__init__(own.name, size="kiosk", trailing="chevron_up", parent=parent)
        self.setAccessibleName(f"{here.words.say('kiosk.language')}: {own.name}")
        self.sheet: _Sheet | None = None
        self.clicked.connect(lambda _=False: self._open())

    def hideEvent(self, event: QHideEvent) -> None:
        self.close_sheet()
        super().hideEvent(event)

    def close_sheet(self) -> None:
        """Put the other languages away."""
        if self.sheet is not None:
            self.sheet.hide()
            self.sheet.deleteLater()
            self.sheet = None

    def _open(self) -> None:
        self.sheet = _Sheet(self)
        self.sheet.chosen.connect(self._choose)
        self.sheet.dismissed.connect(self.close_sheet)

    def _choose(self, code: str) -> None:
        self.close_sheet()
        self.chosen.emit(code)


class _Sheet(QWidget):
    """The languages on a card above their button, over a curtain that takes every other touch.

    A part of the window, not a window of its own: a kiosk has one. Signals: ``chosen(code)``, ``dismissed()``.
    """

    chosen = Signal(str)
    dismissed = Signal()

    def __init__(self, button: QWidget) -> None:
        super().__init__(button.window())
        here = theme()
        window = button.window()
        self.setLayoutDirection(button.layoutDirection())
        self.setGeometry(window.rect())
        self.card = Card(edge="control_line", parent=self)
        column = QVBoxLayout(self.card)
        column.setContentsMargins(here.px(16), here.px(16), here.px(16), here.px(16))
        column.setSpacing(here.px(12))
        choices = []
        for language in languages():
            choice = Button(language.name, size="kiosk_chip", checkable=True)
            choice.setChecked(language.code == here.words.language)
            choice.clicked.connect(lambda _=False, code=language.code: self.chosen.emit(code))
            column.addWidget(choice)
            choices.append(choice)
        widest = max(button.width() - here.px(32), *(choice.sizeHint().width() for choice in choices))
        for choice in choices:
            choice.setMinimumWidth(widest)
        self.card.adjustSize()
        corner = button.mapTo(window, QPoint(0, 0))
        left = corner.x() + button.width() - self.card.width() if here.rtl else corner.x()
        self.card.move(left, corner.y() - self.card.height() - here.px(8))
        self.show()
        self.raise_()
        choices[0].setFocus(Qt.FocusReason.PopupFocusReason)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.dismissed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.dismissed.emit()
