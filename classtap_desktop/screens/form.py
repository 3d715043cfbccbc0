"""What every form is: it saves all of it or nothing, and loses nothing that was written."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QVBoxLayout, QWidget

from classtap_core.kernel.device import Receipt
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id, fresh
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.outcomes import Outcome, Reason, Status
from classtap_desktop.desk import Desk, Trouble, failure
from classtap_desktop.frame.dialog import Dialog
from classtap_desktop.kit import Label, theme
from classtap_desktop.spacing import column


class Form(Dialog):
    """A form over a screen. Signals: ``saved(id)`` of what it is about, when all of it is durable.

    Attributes: ``asked``: whether what was saved stands only once the cloud has said so; ``operations``: what was saved.

    Closing it with something written asks first; what was refused is said in the form, and nothing in it is lost.
    """

    saved = Signal(str)

    def __init__(
        self, desk: Desk, over: QWidget, title: str, about: Id, said: Callable[[], list[Payload]], *, wide: int = 860,
        high: int = 640,
    ) -> None:  # fmt: skip
        """``said``: what the form comes to. It raises BadInput where a field has to be mended first."""
        words = theme().words
        super().__init__(over, title, wide=wide, high=high)
        self._desk, self._about, self._said = desk, about, said
        self.written = self.asked = False
        self.operations: tuple[Id, ...] = ()
        self._sure = False
        self.cancel = self.button(words.say("desk.cancel"), self.close_overlay)
        self.save = self.button(words.say("desk.families.save"), self._save, kind="primary")
        keys = QShortcut(QKeySequence.StandardKey.Save, self, self.save.click)
        keys.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)

    def section(self, code: str) -> QVBoxLayout:
        """A part of the form under its heading."""
        part = column(gap=8)
        part.addWidget(Label(theme().words.say(code), "label", token="muted"))
        self.body.addLayout(part)
        return part

    def note_change(self) -> None:
        """Something was written: leaving asks from now on."""
        self.written = True
        self._sure = False

    def close_overlay(self) -> None:
        if self.written and not self._sure and not self.isHidden():
            self._sure = True
            self.complain(theme().words.say("desk.form.discard"))
            return
        super().close_overlay()

    def _save(self) -> None:
        try:
            payloads = self._said()
        except BadInput as bad:
            self.complain(failure(bad.code, bad.params, theme().words))
            return
        if not payloads:
            self._done()
            return
        self.save.setEnabled(False)
        self._submit(payloads)

    def _submit(self, payloads: list[Payload]) -> None:
        """Say it; a form that wants to look ahead does so first."""
        self._desk.submit_all(payloads, then=self._answered, failed=self._failed)

    def _answered(self, receipts: list[Receipt]) -> None:
        self.save.setEnabled(True)
        wrong = [one.outcome for one in receipts if one.outcome.status not in _STANDS]
        if wrong:
            self._refuse(wrong)
            return
        self.asked = any(one.outcome.status is Status.WAITING for one in receipts)
        self.operations = tuple(one.operation for one in receipts if one.outcome.status is not Status.DUPLICATE)
        self._done()

    def _refuse(self, wrong: list[Outcome]) -> None:
        """Say why not."""
        words = theme().words
        found = [reason for outcome in wrong for reason in outcome.reasons]
        found = found or [reason for outcome in wrong for item in outcome.items for reason in item.reasons]
        found = found or [Reason(f"outcome.{wrong[0].status}")]
        sentences = dict.fromkeys(failure(one.code, one.params, words) for one in found)
        self.complain(" ".join(sentences))

    def _failed(self, trouble: Trouble) -> None:
        self.save.setEnabled(True)
        self.complain(trouble.sentence(theme().words))

    def _done(self) -> None:
        self.written = False
        self.close_overlay()
        self.saved.emit(self._about)

    def id(self) -> Id:
        """An id for somebody new."""
        return fresh(self._desk.now().corrected, secrets.token_bytes)


_STANDS = (Status.ACCEPTED, Status.DUPLICATE, Status.WAITING)
