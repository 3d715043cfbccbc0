"""The kiosk's one window. It draws a ``State`` and says what was touched as events of ``kiosk.events``; it decides nothing."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent, QMouseEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QStackedWidget, QVBoxLayout, QWidget

from classtap_desktop.kit import EmptyState, theme
from classtap_desktop.kit.scanner import HandScanner
from kiosk import events as on
from kiosk.screens.attract import AttractPage
from kiosk.screens.board import BoardPage
from kiosk.screens.header import Header
from kiosk.screens.message import MessagePage
from kiosk.screens.pickup import PickupPage
from kiosk.screens.pin import PinPage
from kiosk.screens.reason import ReasonPage
from kiosk.screens.signing import SigningPage
from kiosk.screens.staff import LeavingPage, StaffPage
from kiosk.view import Screen, State

WIDTH, HEIGHT = 1280, 800
_TOUCHES = frozenset({
    QEvent.Type.MouseButtonPress, QEvent.Type.KeyPress, QEvent.Type.TouchBegin, QEvent.Type.Wheel,
})  # fmt: skip
_NAMES = frozenset({Screen.BOARD, Screen.REASON, Screen.SIGNING, Screen.PICKUP})

_Page = (
    AttractPage | BoardPage | ReasonPage | SigningPage | PinPage | StaffPage | LeavingPage | PickupPage | MessagePage
)


class KioskWindow(QWidget):
    """Signals: ``happened(event)`` with an event of ``kiosk.events``; ``closing()`` when the window is being closed.

    Call ``show_state`` with every state of the flow and ``show_frame`` with the camera's pictures. Everything is laid
    out for 1280 × 800 and grows with the window.
    """

    happened = Signal(object)
    closing = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("kiosk")
        self.setWindowTitle("ClassTap")
        self.setProperty("ground", "page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumSize(800, 560)
        self.resize(WIDTH, HEIGHT)
        self._state = State()
        self._frame: tuple[Any, bool] | None = None
        self._built_for: tuple[object, ...] = ()
        self._outer = QVBoxLayout(self)
        self._outer.setContentsMargins(0, 0, 0, 0)
        self._inside: QWidget | None = None
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self._build_if_changed)
        theme().changed.connect(self._later.start)
        self._touched = QTimer(self)
        self._touched.setSingleShot(True)
        self._touched.setInterval(0)
        self._fit_zoom()
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]
        self.scanner = HandScanner(self)
        self.scanner.scanned.connect(lambda text: self.happened.emit(on.Sighting(text)))
        self._build()

    def show_state(self, state: State) -> None:
        """Draw a state; speaks the state's language from then on."""
        self._state = state
        if state.locale != theme().words.locale:
            theme().use(locale=state.locale)
        self._build_if_changed()
        self._draw()

    def show_frame(self, frame: Any, *, mirror: bool = False) -> None:
        """Show the camera's newest picture: a ``QImage``, or an array of bytes as OpenCV gives it (BGR or grey)."""
        first = self._frame is None
        self._frame = (frame, mirror)
        self.attract.camera.show_frame(frame, mirror=mirror)
        if first:
            self.attract.show_state(self._state)

    def page(self) -> QWidget:
        """Return the page on the screen."""
        return self.pages.currentWidget() or self.attract

    def _build_if_changed(self) -> None:
        if self._built_for != self._surroundings():
            self._build()
            self._draw()

    def _surroundings(self) -> tuple[object, ...]:
        here = theme()
        return (here.words, here.text_scale, here.zoom, tuple(here.tokens.items()), self.width())

    def _fit_zoom(self) -> None:
        """Let everything grow with the window, never below its size at 1280 × 800 (touch targets of 74 px)."""
        zoom = max(1.0, round(min(self.width() / WIDTH, self.height() / HEIGHT), 3))
        if zoom != theme().zoom:
            theme().use(zoom=zoom)

    def _build(self) -> None:
        """Make every page anew for the look, language and size in force."""
        here = theme()
        self._built_for = self._surroundings()
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft if here.rtl else Qt.LayoutDirection.LeftToRight)
        if self._inside is not None:
            self._outer.removeWidget(self._inside)
            self._inside.hide()
            self._inside.deleteLater()
        self._inside = QWidget(self)
        column = QVBoxLayout(self._inside)
        side = here.px(36)
        column.setContentsMargins(0, here.px(22), 0, here.px(26))
        column.setSpacing(0)
        self.header = Header()
        self.pages = QStackedWidget()
        self.attract, self.board, self.reason = AttractPage(), BoardPage(), ReasonPage()
        self.signing = SigningPage()
        self.message, self.pin = MessagePage(), PinPage()
        self.staff, self.leaving, self.pickup = StaffPage(), LeavingPage(), PickupPage()
        for page in (
            self.attract,
            self.board,
            self.reason,
            self.signing,
            self.message,
            self.pin,
            self.staff,
            self.leaving,
            self.pickup,
        ):
            page.happened.connect(self._pass_on)
            self.pages.addWidget(page)
        words = here.words
        self.veil = EmptyState("hide", words.say("kiosk.veiled_title"), words.say("kiosk.veiled_text"), kiosk=True)
        self.pages.addWidget(self.veil)
        column.addWidget(self.header)
        column.addWidget(self.pages, 1)
        self._outer.addWidget(self._inside)
        self._inside.show()
        for part in (
            self.header,
            self.attract,
            self.reason,
            self.signing,
            self.message,
            self.pin,
            self.staff,
            self.leaving,
            self.pickup,
        ):
            layout = part.layout()
            if layout is not None:
                layout.setContentsMargins(side, layout.contentsMargins().top(), side, 0)
        self.board.resize(self.width(), self.height())
        if self._frame is not None:
            self.attract.camera.show_frame(self._frame[0], mirror=self._frame[1])

    def _draw(self) -> None:
        state = self._state
        self.header.show_state(state)
        if state.screen not in _NAMES and self.board.rows:
            self.board.forget()
        if state.screen != Screen.REASON and state.sheet is None:
            self.reason.forget()
        if state.signing is None:
            self.signing.forget()
        if state.screen != Screen.PIN:
            self.pin.forget()
        if state.screen != Screen.STAFF:
            self.staff.forget()
        if state.screen != Screen.LEAVING:
            self.leaving.forget()
        if state.pickup is None:
            self.pickup.forget()
        shows: dict[Screen, _Page] = {
            Screen.ATTRACT: self.attract,
            Screen.CHECKING: self.attract,
            Screen.BOARD: self.board,
            Screen.REASON: self.reason,
            Screen.SIGNING: self.signing,
            Screen.PIN: self.pin,
            Screen.STAFF: self.staff,
            Screen.LEAVING: self.leaving,
            Screen.PICKUP: self.pickup,
        }
        page = shows.get(state.screen, self.message)
        page.show_state(state)
        shown = self.veil if self._veiled() else page
        if self.pages.currentWidget() is not shown:
            self.pages.setCurrentWidget(shown)
            if shown is self.pin:
                self.pin.pad.setFocus(Qt.FocusReason.OtherFocusReason)
            else:
                shown.setFocus(Qt.FocusReason.OtherFocusReason)

    def _touch(self) -> None:
        """Tell a touch once: it passes the filter once for each widget under it."""
        if not self._touched.isActive():
            self._touched.start()
            self.happened.emit(on.Touched())

    def _veiled(self) -> bool:
        return self._state.veiled and self._state.screen in _NAMES

    def _pass_on(self, event: object) -> None:
        if isinstance(event, on.ChooseLanguage):
            # a studio's own kind of English stays its own: en_GB is "English" too
            home = self._state.home_locale
            event = on.ChooseLanguage(home if home.split("_")[0] == event.locale else event.locale)
        if event is not None:
            self.happened.emit(event)

    def showEvent(self, event: QShowEvent) -> None:
        self._fit_zoom()
        self._build_if_changed()
        super().showEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.ActivationChange:
            self.happened.emit(on.Veil(not self.isActiveWindow()))
        super().changeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._later.stop()
        self._touched.stop()
        theme().changed.disconnect(self._later.start)
        QApplication.instance().removeEventFilter(self)  # type: ignore[union-attr]
        self.scanner.close()
        self.closing.emit()
        super().closeEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in _TOUCHES and isinstance(watched, QWidget) and self.isAncestorOf(watched):
            self._touch()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.happened.emit(on.Cancel())
            return
        super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._veiled():
            self.activateWindow()
            self.happened.emit(on.Veil(False))
        super().mousePressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.isVisible():
            self._fit_zoom()
            self._later.start()
