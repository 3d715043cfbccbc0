"""What every dialog is: a title, a body that scrolls, buttons at its foot."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QIntValidator, QKeyEvent
from PySide6.QtWidgets import QFormLayout, QLineEdit, QScrollArea, QWidget

from classtap_desktop.frame.overlay import Overlay
from classtap_desktop.kit import Button, Label, theme
from classtap_desktop.spacing import column, grown, row


class Dialog(Overlay):
    """Attributes: ``body`` (a column), ``foot`` (a row, buttons at its end), ``message`` (a line for what is wrong).

    ``wide`` is the card's width in pixels at 100 %; it takes less where the window is smaller.
    """

    def __init__(self, over: QWidget, title: str, *, wide: int = 720, high: int = 560) -> None:
        super().__init__(over)
        self._size = (wide, high)
        whole = self._whole = column(self.card, margins=(24, 18, 24, 18), gap=14)
        head = row(gap=12)
        self.title = Label(title, "heading")
        head.addWidget(self.title, 1)
        self.close_button = Button(theme().words.say("a11y.close"), size="small", kind="quiet", icon="close")
        self.close_button.clicked.connect(lambda _=False: self.close_overlay())
        head.addWidget(self.close_button)
        whole.addLayout(head)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setAccessibleName(title)
        inside = QWidget()
        self.body = column(inside, margins=(0, 0, 8, 0), gap=12)
        self.area.setWidget(inside)
        whole.addWidget(self.area, 1)
        self.message = Label("", "secondary", token="absent", wrap=True)
        whole.addWidget(self.message)
        self.foot = row(gap=10)
        self.foot.addStretch(1)
        whole.addLayout(self.foot)
        self.setAccessibleName(title)
        theme().changed.connect(self.close_overlay)  # its words are made anew when it is opened again

    def button(self, text: str, act: Callable[[], object], *, kind: str = "plain") -> Button:
        """Add a button to the foot."""
        made = Button(text, kind=kind)
        made.clicked.connect(lambda _=False: act())
        self.foot.addWidget(made)
        return made

    def above_foot(self, widget: QWidget) -> None:
        """Add something between the message and the buttons, that does not scroll with the body."""
        self._whole.insertWidget(self._whole.count() - 1, widget)

    def complain(self, text: str) -> None:
        """Say what is wrong, in a place that is kept for it."""
        self.message.show_text(text)

    def open(self) -> None:
        self._fit()
        super().open()
        first = next((one for one in self.card.findChildren(QLineEdit) if one.isEnabled()), None)
        (first or self.close_button).setFocus(Qt.FocusReason.OtherFocusReason)

    def _fit(self) -> None:
        room = self._over.size()
        wide = min(grown(self._size[0]), room.width() - theme().px(48))
        high = min(grown(self._size[1]), room.height() - theme().px(48))
        self.card.setFixedSize(wide, high)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and not self.isHidden():
            self._fit()
        return super().eventFilter(watched, event)


class CountField(QLineEdit):
    """A whole number within bounds, typed or stepped with the arrow keys. Signals: ``counted(number)``.

    Qt's own spin box loses its words under a stylesheet that gives fields padding (seen with Qt 6.11).
    """

    counted = Signal(int)

    def __init__(self, number: int, *, least: int, most: int) -> None:
        super().__init__(str(number))
        self._least, self._most = least, most
        self.setValidator(QIntValidator(least, most, self))
        self.textEdited.connect(self._typed)

    def value(self) -> int:
        """The number, brought within its bounds."""
        text = self.text().strip()
        return min(self._most, max(self._least, int(text))) if text.lstrip("-").isdigit() else self._least

    def set_value(self, number: int) -> None:
        """Show another number, and tell of it."""
        self.setText(str(min(self._most, max(self._least, number))))
        self.counted.emit(self.value())

    def _typed(self, text: str) -> None:
        if self.hasAcceptableInput():
            self.counted.emit(self.value())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self.set_value(self.value() + step)


def form() -> QFormLayout:
    """Names beside their fields, in the desk's measures."""
    made = QFormLayout()
    made.setHorizontalSpacing(theme().px(16))
    made.setVerticalSpacing(theme().px(8))
    made.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
    return made


def named(field: QWidget, name: str) -> Label:
    """A field's name, which is what a screen reader says of it too."""
    label = Label(name, "text")
    label.setBuddy(field)
    field.setAccessibleName(name)
    return label
