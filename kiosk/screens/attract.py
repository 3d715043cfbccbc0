"""The screen that waits for a family: what to do, the camera's picture, and the languages."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from classtap_desktop.kit import Button, IconDisc, Label, theme
from kiosk import events as on
from kiosk.screens.camera_view import CameraView
from kiosk.screens.language import LanguageChips
from kiosk.screens.sentences import notice_words
from kiosk.view import Screen, State

_STEPS = (("pass", "kiosk.step_show"), ("tap", "kiosk.step_tap"), ("check", "kiosk.step_done"))


class AttractPage(QWidget):
    """Signals: ``happened(event)``."""

    happened = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        here = theme()
        words = here.words
        self.camera = CameraView()
        self.title = Label(words.say("kiosk.show_pass"), "greeting", wrap=True)
        self.hint = Label(words.say("kiosk.show_pass_hint"), "hint", token="muted", wrap=True)
        self.no_pass = Label(words.say("kiosk.no_pass"), "note", token="muted", wrap=True)
        self.languages = LanguageChips()
        self.languages.chosen.connect(lambda code: self.happened.emit(on.ChooseLanguage(code)))
        self.staff = Button(words.say("kiosk.staff"), kind="quiet", size="kiosk_chip", icon="lock")
        self.staff.clicked.connect(lambda _=False: self.happened.emit(on.AskStaff()))

        words_side = QVBoxLayout()
        words_side.setSpacing(here.px(10))
        words_side.addStretch(2)
        words_side.addWidget(self.title)
        words_side.addWidget(self.hint)
        words_side.addStretch(1)
        large = here.text_scale > 1.3
        for icon, code in () if large else _STEPS:
            words_side.addLayout(_step(icon, words.say(code)))
        words_side.addStretch(2)
        words_side.addWidget(self.no_pass)
        middle = QHBoxLayout()
        middle.setSpacing(here.px(36))
        middle.addLayout(words_side, 10)
        middle.addWidget(self.camera, 8 if large else 11)
        foot = QHBoxLayout()
        foot.setSpacing(here.px(16))
        foot.addWidget(self.languages, 1)
        foot.addWidget(self.staff, 0, Qt.AlignmentFlag.AlignBottom)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, here.px(14), 0, 0)
        page.setSpacing(here.px(22))
        page.addLayout(middle, 1)
        page.addLayout(foot)

    def show_state(self, state: State) -> None:
        """Show whether a pass is being checked, and what was just told."""
        words = theme().words
        if state.notice is not None:
            self.camera.show_caption(notice_words(state.notice), state.notice.tone)
        elif state.screen == Screen.CHECKING:
            self.camera.show_caption(words.say("kiosk.checking"), "accent")
        elif not self.camera.has_picture():
            self.camera.show_caption(words.say("kiosk.camera_starting"), "muted")
        else:
            self.camera.show_caption("")


def _step(icon: str, text: str) -> QHBoxLayout:
    here = theme()
    row = QHBoxLayout()
    row.setSpacing(here.px(16))
    row.setContentsMargins(0, here.px(4), 0, here.px(4))
    row.addWidget(IconDisc(icon, size=52))
    row.addWidget(Label(text, "hint", wrap=True), 1)
    return row
