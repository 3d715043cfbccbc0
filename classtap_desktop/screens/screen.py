"""What every screen is: a page that can be opened about one thing, and says its words anew in another language."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from classtap_core.kernel.tx import Ref
from classtap_desktop.desk import Desk, Trouble
from classtap_desktop.kit import ErrorLine, theme
from classtap_desktop.spacing import column


class Screen(QWidget):
    """Attributes: ``NAME`` (its code), ``KINDS`` (records whose change it reads again for), ``page`` (its column).

    A screen reads only while it is shown; what changed meanwhile is read when it comes back.
    """

    NAME = ""
    KINDS: frozenset[str] = frozenset()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self.setProperty("ground", "page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.page: QVBoxLayout = column(self, margins=(26, 22, 26, 22), gap=16)
        self.trouble = StandingError(self)
        desk.changed.connect(self._touched)
        desk.ticked.connect(self._ticked)
        desk.operated.connect(self._operated)
        theme().changed.connect(self._speak)

    def open(self, id: str) -> None:
        """Show one thing, or what stood here before for ""."""
        self.trouble.clear()
        self.reload()

    def reload(self) -> None:
        """Read again what is shown."""

    def say(self) -> None:
        """Show every word in the language in force."""

    def tick(self) -> None:
        """Half a minute went by."""

    def take_focus(self) -> None:
        """Put the keyboard where work starts."""
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_trouble(self, trouble: Trouble) -> None:
        """Say what failed, with its details to copy and another try as the cure."""
        words = theme().words
        self.trouble.show_error(trouble.sentence(words), action=words.say("desk.retry"), details=trouble.details)

    def _touched(self, refs: frozenset[Ref]) -> None:
        if self.isVisible() and any(kind in self.KINDS for kind, _ in refs):
            self.reload()

    def _operated(self) -> None:
        """Somebody else is here, or what they may see has changed."""
        if self.isVisible() and self.desk.operator is not None:
            self.reload()

    def _ticked(self) -> None:
        if self.isVisible():
            self.tick()

    def _speak(self) -> None:
        self.say()


class StandingError(ErrorLine):
    """A sentence over the lower edge of its parent, or just above a widget of it, so that nothing has to move for it."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(parent=over)
        self._over = over
        self._above: QWidget | None = None
        over.installEventFilter(self)

    def stand_above(self, widget: QWidget | None) -> None:
        """Stand above a widget from now on, as wide as it; None for the parent's lower edge."""
        self._above = widget

    def show_error(self, text: str, *, action: str = "", details: str = "", tone: str = "warn") -> None:
        super().show_error(text, action=action, details=details, tone=tone)
        self._place()
        self.raise_()

    def _place(self) -> None:
        edge, gap = theme().px(26), theme().px(12)
        left, bottom, wide = edge, self._over.height() - edge, self._over.width() - 2 * edge
        if self._above is not None:
            corner = self._above.mapTo(self._over, QPoint(0, 0))
            left, bottom, wide = corner.x(), corner.y() - gap, self._above.width()
        self.row.activate()
        tall = max(self.heightForWidth(wide), theme().px(52))
        self.setGeometry(left, bottom - tall, wide, tall)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and not self.isHidden():
            self._place()
        return False
