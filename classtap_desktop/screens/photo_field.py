"""Somebody's picture in their form: chosen from a file, made small, kept sealed before the form is saved."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.ids import Id
from classtap_desktop.desk import Desk, Trouble
from classtap_desktop.kit import Avatar, Button, Label, photos, theme
from classtap_desktop.screens.people import colour_of
from classtap_desktop.source import DeskSource
from classtap_desktop.spacing import column, row


class PhotoField(QWidget):
    """Attributes: ``blob`` (what the form says; None: no picture). Signals: ``changed``."""

    changed = Signal()

    def __init__(
        self, desk: Desk, name: str, of: Id, scope: str, blob: Blob | None, *,
        note: str = "desk.form.photo_text",
    ) -> None:  # fmt: skip
        """``note``: the code of what is said beside it."""
        super().__init__()
        words = theme().words
        self._desk, self._of, self._scope = desk, of, scope
        self.blob = blob
        whole = row(self, gap=14)
        self.face = Avatar(name, colour_of(of), size=64)
        whole.addWidget(self.face)
        side = column(gap=6)
        buttons = row(gap=8)
        self.choose = Button(words.say("desk.form.photo"), size="small")
        self.choose.clicked.connect(lambda _=False: self._choose())
        self.remove = Button(words.say("desk.form.remove"), size="small", kind="quiet")
        self.remove.setAccessibleName(words.say("desk.form.remove_photo"))
        self.remove.clicked.connect(lambda _=False: self._remove())
        buttons.addWidget(self.choose)
        buttons.addWidget(self.remove)
        buttons.addStretch(1)
        side.addLayout(buttons)
        self.said = Label("", "secondary", token="muted", wrap=True)
        side.addWidget(self.said)
        whole.addLayout(side, 1)
        self.remove.setVisible(blob is not None)
        self.said.show_text(words.say(note))
        if blob is not None:
            self._desk.read(f"photo.{of}", lambda source: source.album.picture(blob.hash), then=self._show)

    def take(self, file: Path) -> None:
        """Use a file's picture."""

        def keep(source: DeskSource) -> tuple[Blob, bytes]:
            data = photos.prepared(file)
            return source.album.add(data, photos.MEDIA, of=self._of, scope=self._scope), data

        self.choose.setEnabled(False)
        self._desk.do(keep, then=self._kept, failed=self._failed)

    def _choose(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self, self.choose.text(), "", theme().words.say("desk.form.photo_files") + " (*.jpg *.jpeg *.png *.webp)"
        )
        if chosen:
            self.take(Path(chosen))

    def _kept(self, kept: tuple[Blob, bytes]) -> None:
        self.blob, data = kept
        self.choose.setEnabled(True)
        self.remove.setVisible(True)
        self._show(data)
        self.changed.emit()

    def _failed(self, trouble: Trouble) -> None:
        self.choose.setEnabled(True)
        self.said.set_token("absent")
        self.said.show_text(trouble.sentence(theme().words))

    def _remove(self) -> None:
        self.blob = None
        self.remove.setVisible(False)
        self._show(None)
        self.changed.emit()

    def _show(self, data: bytes | None) -> None:
        self.face.show_picture(photos.read(data))
