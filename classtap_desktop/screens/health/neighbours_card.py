"""The studio's devices that this one hears in its network, and what stands in the way of hearing them."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout

from classtap_desktop.desk import Desk
from classtap_desktop.kit import Button, Card, Label, Rule, theme
from classtap_desktop.kit.device_words import relay_words
from classtap_desktop.screens.health.addresses import AddressesForm
from classtap_desktop.screens.health.lines import neighbour_words
from classtap_desktop.spacing import anew, column
from sync.client.health import Steward
from sync.client.relay.local import Neighbourhood


class NeighboursCard(Card):
    """A line for each of them under a sentence that says what it means; the port here while there is none.

    Attributes: ``form``: where addresses are written down, once it was opened.
    """

    def __init__(self, desk: Desk, steward: Steward) -> None:
        super().__init__(radius=18)
        self._desk, self._steward = desk, steward
        self._found: Neighbourhood | None = None
        self.form: AddressesForm | None = None
        inside = column(self, margins=(20, 16, 20, 18), gap=10)
        self.title, self.text = Label("", "heading", wrap=True), Label("", "text", token="muted", wrap=True)
        self.lines: QVBoxLayout = column(gap=10)
        inside.addWidget(self.title)
        inside.addWidget(self.text)
        inside.addLayout(self.lines)
        self.addresses = Button("", size="small")
        self.addresses.clicked.connect(lambda _=False: self._open())
        inside.addWidget(self.addresses, 0, Qt.AlignmentFlag.AlignLeading)

    def say(self) -> None:
        self.title.show_text(theme().words.say("desk.health.neighbours"))
        self.addresses.show_text(theme().words.say("desk.health.addresses_open"))
        self.show_neighbours(self._found)

    def _open(self) -> None:
        self.form = AddressesForm(self._desk, self.window(), self._steward)
        self.form.open()

    def show_neighbours(self, found: Neighbourhood | None) -> None:
        self._found = found
        self.text.setVisible(found is not None)
        self.addresses.setVisible(found is not None and found.on)
        lines, words, now_ms = anew(self.lines), theme().words, self._desk.now().corrected
        if found is None:
            return
        self.text.show_text(relay_words(found, words))
        self.text.set_token("warn" if found.on and found.trouble else "muted")
        for one in found.neighbours:
            lines.addWidget(Rule())
            lines.addWidget(Label(one.name, "strong", wrap=True))
            lines.addWidget(Label(neighbour_words(one, now_ms, words), "secondary", token="muted", wrap=True))
        if (
            found.on and found.port and not found.neighbours
        ):  # whoever looks for why needs it, and writes it down elsewhere
            lines.addWidget(Label(words.say("relay.port", port=str(found.port)), "secondary", token="muted", wrap=True))
