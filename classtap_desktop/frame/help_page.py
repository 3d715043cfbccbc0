"""Every key there is, by where it works, made from the table of actions."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QScrollArea, QWidget

from classtap_desktop import actions
from classtap_desktop.frame.keycaps import KeyCap
from classtap_desktop.frame.overlay import Overlay
from classtap_desktop.kit import Button, Label, theme
from classtap_desktop.spacing import column, grown, row


class HelpPage(Overlay):
    """The shortcuts, two columns of groups. Made anew each time, so that it speaks the language in force."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        whole = column(self.card, margins=(8, 8, 8, 8))
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        whole.addWidget(self.area)

    def open(self) -> None:
        """Show the keys as they are now."""
        edge, room = theme().px(18), self._over.size() - QSize(theme().px(48), theme().px(48))
        page = self._page(columns=2)
        if page.sizeHint().width() + edge > room.width():
            page.deleteLater()
            page = self._page(columns=1)
        self.area.setWidget(page)
        wanted = page.sizeHint()
        width = min(wanted.width() + edge, room.width())
        height = min(wanted.height() + edge, room.height())
        self.card.setFixedSize(width, height)
        super().open()
        self.close_button.setFocus(Qt.FocusReason.OtherFocusReason)

    def _page(self, *, columns: int) -> QWidget:
        words = theme().words
        page = QWidget()
        whole = column(page, margins=(20, 14, 20, 16), gap=14)
        head = row(gap=12)
        head.addWidget(Label(words.say("desk.help.title"), "title"), 1)
        self.close_button = Button(words.say("a11y.close"), size="small", icon="close")
        self.close_button.clicked.connect(lambda _=False: self.close_overlay())
        head.addWidget(self.close_button)
        whole.addLayout(head)
        sides = row(gap=44)
        left, right = column(gap=18), column(gap=18)
        for group in actions.GROUPS:
            listed = [action for action in actions.ACTIONS if action.group == group and action.keys]
            (left if columns == 1 or group == "everywhere" else right).addLayout(_group(group, listed))
        for side in (left, right):
            side.addStretch(1)
            sides.addLayout(side)
        whole.addLayout(sides)
        return page


def _group(group: str, listed: list[actions.Action]) -> QGridLayout:
    here = theme()
    grid = QGridLayout()
    grid.setHorizontalSpacing(here.px(24))
    grid.setVerticalSpacing(here.px(8))
    grid.setColumnMinimumWidth(0, grown(210))
    grid.addWidget(Label(here.words.say(f"desk.help.{group}"), "label", token="muted"), 0, 0, 1, 2)
    for line, action in enumerate(listed, start=1):
        grid.addWidget(Label(here.words.say(action.words)), line, 0)
        grid.addLayout(_caps(action.keys), line, 1)
    return grid


def _caps(keys: tuple[str, ...]) -> QHBoxLayout:
    caps = row(gap=6)
    for one in keys:
        caps.addWidget(KeyCap(one))
    caps.addStretch(1)
    return caps
