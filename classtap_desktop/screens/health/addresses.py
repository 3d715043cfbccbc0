"""Where other devices listen, written down for a network that does not let devices find each other."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from classtap_core.kernel.ids import Id
from classtap_desktop.desk import Desk
from classtap_desktop.kit import Label, theme
from classtap_desktop.screens.form import Form
from classtap_desktop.spacing import grown
from sync.client.health import Steward


class AddressesForm(Form):
    """An address a line; all of them are kept, or none. They are this device's own, and no operation."""

    def __init__(self, desk: Desk, over: QWidget, steward: Steward) -> None:
        words = theme().words
        super().__init__(desk, over, words.say("desk.health.addresses"), Id(""), list, wide=600, high=520)
        self._steward = steward
        self.body.addWidget(Label(words.say("desk.health.addresses_hint"), "text", token="muted", wrap=True))
        self.text = QPlainTextEdit("\n".join(steward.relay_peers()))
        self.text.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # as addresses are read in every language
        self.text.setMinimumHeight(grown(132))
        self.text.setAccessibleName(self.title.text())
        self.text.setPlaceholderText("192.168.1.24:27417")
        self.text.setTabChangesFocus(True)
        self.text.textChanged.connect(self.note_change)
        self.body.addWidget(self.text, 1)

    def open(self) -> None:
        super().open()
        self.text.setFocus(Qt.FocusReason.OtherFocusReason)

    def _save(self) -> None:
        """Go by what is written from now on; what is no address is said here, and nothing of it is lost."""
        self.save.setEnabled(False)
        lines = [line.strip() for line in self.text.toPlainText().splitlines()]
        written = list(dict.fromkeys(line for line in lines if line))
        self._desk.do(lambda _: self._steward.set_relay_peers(written), then=self._kept, failed=self._failed)

    def _kept(self, _: None) -> None:
        self._desk.tell("desk.health.addresses_kept")
        self._done()
