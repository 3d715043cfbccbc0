"""Text on a screen: a label that takes its font and colour from the theme and says whether it is cut off."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from classtap_desktop.kit.theme import theme


class Label(QLabel):
    """A text in one of the roles of ``fonts.ROLES`` and one colour token.

    With ``wrap`` it grows downwards; with ``elide`` it shortens to the room it gets, keeping the whole text as its
    tool tip and accessible name; otherwise it asks for all the room it needs.
    """

    def __init__(
        self,
        text: str = "",
        role: str = "text",
        *,
        token: str = "ink",
        wrap: bool = False,
        elide: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._whole = ""
        self._role = role
        self._token = token
        self._elide = elide
        self._leading = True
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(wrap)
        if elide:
            self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self._dress)
        self._align()
        self._dress()
        self.show_text(text)

    def show_text(self, text: str) -> None:
        """Show another text."""
        if text == self._whole and self.accessibleName() == text:
            return
        self._whole = text
        self.setAccessibleName(text)
        self._fit()
        self.updateGeometry()

    def whole_text(self) -> str:
        """Return the text, also where only its beginning is shown."""
        return self._whole

    def set_token(self, token: str) -> None:
        """Use another colour token."""
        if token != self._token:
            self._token = token
            self._dress()

    def setAlignment(self, alignment: Qt.AlignmentFlag) -> None:
        """Set the text elsewhere than at the start of the line."""
        self._leading = False
        super().setAlignment(alignment)

    def is_cut(self) -> bool:
        """Say whether some of the text cannot be seen."""
        if self.wordWrap():
            return self.heightForWidth(self.width()) > self.height() + 1
        return QFontMetrics(self.font()).horizontalAdvance(self._whole) > self.contentsRect().width() + 1

    def _dress(self) -> None:
        self.setFont(theme().font(self._role))
        if self.property("token") != self._token:
            self.setProperty("token", self._token)
            self.style().unpolish(self)
            self.style().polish(self)
        self._fit()

    def _align(self) -> None:
        """Start where the page's lines start: Qt would put a name in another script's direction on the far side."""
        if self._leading:
            rtl = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
            side = Qt.AlignmentFlag.AlignRight if rtl else Qt.AlignmentFlag.AlignLeft
            super().setAlignment(side | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter)

    def _directed(self, text: str) -> str:
        """Let a line that begins with a name in the other direction still run as the page does (LRM, RLM)."""
        if not text.strip():
            return text
        rtl = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        return text if text.isascii() and not rtl else ("\u200f" if rtl else "\u200e") + text

    def _fit(self) -> None:
        if not self._elide:
            self.setText(self._directed(self._whole))
            return
        room = max(0, self.contentsRect().width())
        shown = QFontMetrics(self.font()).elidedText(self._whole, Qt.TextElideMode.ElideRight, room + 1)
        self.setText(self._directed(shown))
        self.setToolTip(self._whole if shown != self._whole else "")

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LayoutDirectionChange:
            self._align()
            self._fit()
        super().changeEvent(event)

    def sizeHint(self) -> QSize:
        if not self._elide:
            return super().sizeHint()
        metrics = QFontMetrics(self.font())
        return QSize(metrics.horizontalAdvance(self._whole) + 1, metrics.height())

    def minimumSizeHint(self) -> QSize:
        if not self._elide:
            return super().minimumSizeHint()
        metrics = QFontMetrics(self.font())
        return QSize(min(metrics.horizontalAdvance(self._whole), metrics.averageCharWidth() * 6), metrics.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._elide:
            self._fit()
