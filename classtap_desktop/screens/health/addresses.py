"""Where other devices listen, written down for a network that does not let devices find each other."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from classtap_desktop.desk import Desk, Trouble
from classtap_desktop.frame.dialog import Dialog
from classtap_desktop.kit import Label, theme
from classtap_desktop.spacing import grown
from sync.client.health import Steward


class AddressesDialog(Dialog):
    """An address a line; all of them are kept, or none."""

    def __init__(self, desk: Desk, over: QWidget, steward: Steward) -> None:
        words = theme().words
        super().__init__(over, words.say("desk.health.addresses"), wide=600, high=520)
        self._desk, self._steward = desk, steward
        self.body.addWidget(Label(words.say("desk.health.addresses_hint"), "text", token="muted", wrap=True))
        self.text = QPlainTextEdit("\n".join(steward.relay_peers()))
        self.text.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # as addresses are read in every language
        self.text.setMinimumHeight(grown(132))
        self.text.setAccessibleName(self.title.text())
        self.text.setPlaceholderText("192.168.1.24:27417")
        self.text.setTabChangesFocus(True)
        self.body.addWidget(self.text, 1)
        self.button(words.say("desk.cancel"), self.close_overlay)
        self.save = self.button(words.say("desk.health.addresses_keep"), self.keep, kind="primary")

    def open(self) -> None:
        super().open()
        self.text.setFocus(Qt.FocusReason.OtherFocusReason)

    def keep(self) -> None:
        """Go by what is written from now on; what is no address is said here, and nothing of it is lost."""
        lines = [line.strip() for line in self.text.toPlainText().splitlines()]
        written = list(dict.fromkeys(line for line in lines if line))
        self.save.setEnabled(False)
        self._desk.do(lambda _: self._steward.set_relay_peers(written), then=self._kept, failed=self._failed)

    def _kept(self, _: None) -> None:
        self._desk.tell("desk.health.addresses_kept")
        self.close_overlay()

    def _failed(self, trouble: Trouble) -> None:
        self.save.setEnabled(True)
        self.complain(trouble.sentence(theme().words))
