"""The screens that say one thing: a pass refused, no camera, no room to save, a closed kiosk."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from classtap_desktop.kit import Button, CountdownRing, IconDisc, Label, theme
from kiosk import events as on
from kiosk.screens.foot import foot
from kiosk.screens.sentences import titled
from kiosk.view import OVERRIDE_REASONS, WITHOUT_ROSTERS, Screen, State

# outcome: (icon, tone); what a family can mend itself is amber, what needs a person is orange, a forgery is red
_REFUSALS = {
    "expired": ("clock", "late"), "not_yet_valid": ("clock", "late"), "superseded": ("pass", "late"),
    "rate_limited": ("clock", "late"), "unreadable": ("pass", "late"), "environment_mismatch": ("pass", "late"),
    "other_studio": ("pass", "late"), "tampered": ("shield_off", "absent"), "revoked": ("lock", "absent"),
    "used": ("lock", "absent"), "unknown_key": ("shield", "warn"), "keys_stale": ("offline", "warn"),
    "family_not_here": ("people", "warn"), "rosters_missing": ("offline", "warn"), "rosters_old": ("clock", "warn"),
    "rosters_offline": ("people", "warn"),
}  # fmt: skip


class MessagePage(QWidget):
    """An icon, a title and a sentence in the middle; the cure as the one primary button. Signals: ``happened(event)``."""

    happened = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        here = theme()
        words = here.words
        self._event: object = on.Cancel()
        self.disc = IconDisc("warn", "warn", size=112)
        self.title = Label("", "greeting", wrap=True)
        self.text = Label("", "hint", token="muted", wrap=True)
        for label in (self.title, self.text):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.staff = Button(words.say("kiosk.staff"), kind="quiet", size="kiosk_chip", icon="lock")
        self.staff.clicked.connect(lambda _=False: self.happened.emit(on.AskStaff()))
        self.override = QWidget()
        ask = Label(words.say("kiosk.override.ask"), "hint", token="muted", wrap=True)
        ask.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        ways = QHBoxLayout()
        ways.setSpacing(here.px(12))
        ways.addStretch(1)
        for reason in OVERRIDE_REASONS:
            way = Button(words.say(f"kiosk.override.{reason}"), size="kiosk_chip")
            way.clicked.connect(lambda _=False, why=reason: self.happened.emit(on.AskOverride(why)))
            ways.addWidget(way)
        ways.addStretch(1)
        below = QVBoxLayout(self.override)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(here.px(8))
        below.addWidget(ask)
        below.addLayout(ways)
        self.ring = CountdownRing(size=60)
        self.action = Button("", kind="primary", size="kiosk_main")
        self.action.clicked.connect(lambda _=False: self.happened.emit(self._event))
        middle = QVBoxLayout()
        middle.setSpacing(here.px(16))
        middle.addStretch(2)
        middle.addWidget(self.disc, 0, Qt.AlignmentFlag.AlignHCenter)
        middle.addSpacing(here.px(8))
        middle.addWidget(self.title)
        middle.addWidget(self.text)
        middle.addStretch(3)
        across = QHBoxLayout()
        across.addStretch(1)
        across.addLayout(middle, 5)
        across.addStretch(1)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, here.px(18), 0, 0)
        page.addLayout(across, 1)
        page.addWidget(self.override)
        page.addSpacing(here.px(18))
        page.addLayout(foot([self.staff], [self.ring, self.action]))

    def show_state(self, state: State) -> None:
        """Show what the state's screen has to say."""
        words = theme().words
        self.ring.show_left(state.idle_left_s, state.idle_total_s)
        may = state.screen == Screen.REFUSAL and state.refusal is not None and state.refusal.may_override
        self.override.setVisible(may)
        if state.screen == Screen.REFUSAL and state.refusal is not None:
            icon, tone = _REFUSALS.get(state.refusal.outcome, ("warn", "warn"))
            said = titled("outcome", state.refusal.outcome, state.refusal.params, reason=state.refusal.reason)
            self._say(said, icon, tone)
            fetch = state.refusal.outcome in WITHOUT_ROSTERS
            self._cure(words.say("kiosk.fetch" if fetch else "kiosk.back"), on.Retry() if fetch else on.Cancel())
        elif state.screen == Screen.CAMERA_TROUBLE:
            self._say(titled("camera", state.camera_fault or "other"), "camera_off", "warn")
            self._cure(words.say("kiosk.try_again"), on.Retry())
        elif state.screen == Screen.STORE_TROUBLE:
            fault = state.store_fault or "store_failed"
            known = fault if words.has(f"error.{fault}.title") else "store_failed"
            self._say((words.say(f"error.{known}.title"), words.say(f"error.{known}")), "disk", "warn")
            self._cure(words.say("kiosk.try_again"), on.Retry())
        elif state.screen == Screen.LOCKED:
            self._say(titled("locked", state.lock or "other"), "lock", "warn")
            self._cure("", None)

    def _say(self, sentences: tuple[str, str], icon: str, tone: str) -> None:
        title, text = sentences
        self.disc.show_icon(icon, tone)
        self.title.show_text(title)
        self.text.show_text(text)
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)

    def _cure(self, word: str, event: object) -> None:
        self._event = event
        self.action.setVisible(bool(word))
        self.action.show_text(word)
