"""Signing in: choose yourself, then six digits. Nobody's name of a family can be seen behind it.

Whom ten wrong PINs locked on this device, a manager lets try again, with the manager's own PIN.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QSizePolicy, QWidget

from classtap_core.access.operations import OpenLock
from classtap_core.kernel.ids import Id
from classtap_desktop.desk import Desk, Trouble
from classtap_desktop.frame.overlay import Overlay
from classtap_desktop.kit import Button, Label, PinPad, theme
from classtap_desktop.operator import Answer, SignIn, StaffLine, open_lock, sign_in, staff_here
from classtap_desktop.screens.people import COLOUR, PersonDelegate, colour_of
from classtap_desktop.spacing import column, grown, row


class SignInPage(Overlay):
    """Signals: ``signed_in`` once somebody is."""

    signed_in = Signal()

    def __init__(self, desk: Desk, over: QWidget) -> None:
        super().__init__(over, veiled=True, leaves=False)
        self._desk = desk
        self._chosen: Id | None = None
        self._locked: StaffLine | None = None
        """Whose lock a manager is about to open."""
        whole = row(self.card, margins=(28, 26, 28, 26), gap=36)
        people = column(gap=6)
        self.title = Label("", "title")
        self.hint = Label("", "secondary", token="muted", wrap=True)
        self.list = QListWidget(self.card)
        self.list.setProperty("plain", "true")
        self.list.setItemDelegate(PersonDelegate(self.list))
        self.list.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.list.currentItemChanged.connect(lambda item, _before: self._choose(item))
        self.list.activated.connect(self._activated)
        self.list.installEventFilter(self)
        people.addWidget(self.title)
        people.addWidget(self.hint)
        people.addSpacing(theme().px(8))
        people.addWidget(self.list, 1)
        self.pad = PinPad(self.card)
        self.pad.entered.connect(self._entered)
        whole.addLayout(people, 1)
        right = column(gap=10)
        right.addWidget(self.pad, 0, Qt.AlignmentFlag.AlignTop)
        self.unlock = Button("", icon="lock", size="small")
        self.unlock.clicked.connect(lambda _=False: self._ask_manager())
        self.unlock.hide()
        right.addWidget(self.unlock, 0, Qt.AlignmentFlag.AlignHCenter)
        whole.addLayout(right)
        self.list.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self._say)
        self._say()

    def open(self) -> None:
        """Ask who is here."""
        super().open()
        self._locked = None
        self._say()
        self.pad.clear()
        self.pad.show_message("")
        self._desk.read("sign_in", staff_here, then=self._show_staff, failed=self._failed)
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def _say(self) -> None:
        words = theme().words
        opening = self._locked
        self.title.show_text(
            words.say("desk.sign_in.unlock_title", name=opening.name) if opening else words.say("desk.sign_in.title")
        )
        self.hint.show_text(words.say("desk.sign_in.unlock_hint" if opening else "desk.sign_in.hint"))
        self.unlock.show_text(words.say("desk.sign_in.unlock"))
        self.list.setAccessibleName(words.say("desk.sign_in.title"))
        self.list.setFixedWidth(grown(340))
        self.card.setMaximumHeight(max(grown(560), self.pad.sizeHint().height() + theme().px(60)))

    def _show_staff(self, staff: tuple[StaffLine, ...]) -> None:
        kept = self._chosen
        self.list.clear()
        for line in staff:
            item = QListWidgetItem(line.name)
            item.setData(Qt.ItemDataRole.UserRole, line.id)
            item.setData(COLOUR, colour_of(line.id))
            self.list.addItem(item)
            if line.id == kept:
                self.list.setCurrentItem(item)
        if self.list.currentRow() < 0 and staff:
            self.list.setCurrentRow(0)
        if not staff:
            self.pad.show_message(theme().words.say("desk.sign_in.nobody"))

    def _choose(self, item: QListWidgetItem | None) -> None:
        self._chosen = Id(item.data(Qt.ItemDataRole.UserRole)) if item is not None else None
        self.unlock.hide()
        self.pad.clear()
        self.pad.show_message("")

    def _activated(self, _index: QModelIndex) -> None:
        self.pad.setFocus(Qt.FocusReason.TabFocusReason)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Digits typed over the list are the PIN's."""
        typed = event if watched is self.list and isinstance(event, QKeyEvent) else None
        pressed = typed is not None and typed.type() == QEvent.Type.KeyPress
        if pressed and typed and (typed.text().isdecimal() or typed.key() == Qt.Key.Key_Backspace):
            self.pad.keyPressEvent(typed)
            return True
        return super().eventFilter(watched, event)

    def _entered(self, pin: str) -> None:
        if self._chosen is None:
            return
        staff, locked = self._chosen, self._locked
        self.pad.set_busy(True)
        self.pad.show_message(theme().words.say("pin.checking"), token="muted")
        if locked is not None:
            self._desk.do(
                lambda source: open_lock(source, locked.id, staff, pin),
                then=lambda found: self._opened(locked, found), failed=self._failed,
            )  # fmt: skip
            return
        self._desk.do(lambda source: sign_in(source, staff, pin), then=self._answered, failed=self._failed)

    def _ask_manager(self) -> None:
        """Ask a manager to choose themselves and type their PIN, for the one who is locked."""
        if self._chosen is None:
            return
        self._locked = StaffLine(self._chosen, self.list.currentItem().text())
        self._say()
        self.unlock.hide()
        self.pad.show_message("")
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def _opened(self, locked: StaffLine, found: SignIn) -> None:
        if found.operator is None:
            self._refused(found)
            return
        self.pad.set_busy(False)
        self._locked = None
        self._desk.source.submit(OpenLock(staff=locked.id), found.operator.author)
        self._say()
        self.pad.show_message(theme().words.say("desk.sign_in.unlocked", name=locked.name), token="present")

    def _answered(self, found: SignIn) -> None:
        if found.operator is None:
            self._refused(found)
            return
        self.pad.set_busy(False)
        self.pad.show_message("")
        self._desk.operate(found.operator)
        self.close_overlay()
        self.signed_in.emit()

    def _refused(self, found: SignIn) -> None:
        self.pad.set_busy(False)
        words = theme().words
        self.unlock.setVisible(found.answer is Answer.MANAGER and self._locked is None)
        if found.answer is Answer.PAUSED:
            left = found.until_ms - self._desk.now().corrected
            self.pad.show_message(words.say_n("pin.paused", max(1, -(-left // 60_000))))
        elif found.answer is Answer.MANAGER:
            self.pad.show_message(words.say("pin.manager"))
        elif found.answer is Answer.NOT_MANAGER:
            self.pad.show_message(words.say("desk.sign_in.not_manager"))
        elif found.answer is Answer.NO_PIN:
            self.pad.show_message(words.say("desk.sign_in.no_pin"))
        else:
            self.pad.show_message(words.say_n("pin.wrong", found.tries_left))

    def _failed(self, trouble: Trouble) -> None:
        self.pad.set_busy(False)
        self.pad.show_message(trouble.sentence(theme().words))
