"""Printing and files: to scale as PDF, SVG or PNG, placards to cut out, and the formats other programs read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QStandardPaths
from PySide6.QtWidgets import QComboBox, QFileDialog, QLineEdit, QWidget

from classtap_core.seating import drawing
from classtap_core.seating.audience import Audience
from classtap_core.seating.drawing import Captions
from classtap_core.seating.formats.known import Format, write
from classtap_core.seating.formats.svg import write_svg
from classtap_core.seating.model import SeatMap, ZoneKind
from classtap_core.seating.placards import placard_sheets
from classtap_desktop.canvas.sheet_pdf import printed
from classtap_desktop.canvas.sheet_png import write_png
from classtap_desktop.frame.dialog import Dialog, form, named
from classtap_desktop.kit import Label, theme
from classtap_desktop.spacing import row

if TYPE_CHECKING:
    from classtap_desktop.canvas.editor import Editor

WHAT = ("pdf", "placards", "svg", "png", "native", "pretix", "csv")
ENDINGS = {
    "pdf": ".pdf",
    "placards": ".pdf",
    "svg": ".svg",
    "png": ".png",
    "native": ".json",
    "pretix": ".json",
    "csv": ".csv",
}
SCALES = (0, 20, 25, 50, 75, 100, 200)


class Made(NamedTuple):
    """A file's bytes, and what could not be said in it."""

    data: bytes
    lost: tuple[str, ...] = ()


class ExportDialog(Dialog):
    """Attributes: ``what``, ``audience``, ``scale`` (choices), ``file`` (where it goes)."""

    def __init__(self, over: QWidget, editor: Editor) -> None:
        words = theme().words
        super().__init__(over, words.say("map.export.title"), wide=620, high=430)
        self._editor = editor
        fields = form()
        self.what, self.audience, self.scale = QComboBox(), QComboBox(), QComboBox()
        for one in WHAT:
            self.what.addItem(words.say(f"map.export.{one}"), one)
        for audience in (Audience.STAFF, Audience.CLIENTS):
            self.audience.addItem(words.say(f"map.export.for_{audience}"), audience)
        for scale in SCALES:
            self.scale.addItem(f"1 : {scale}" if scale else words.say("map.export.scale_fit"), scale)
        fields.addRow(named(self.what, words.say("map.export.what")), self.what)
        fields.addRow(named(self.audience, words.say("map.export.audience")), self.audience)
        fields.addRow(named(self.scale, words.say("map.export.scale")), self.scale)
        self.body.addLayout(fields)
        line = row(gap=8)
        self.file = QLineEdit()
        self.file.setAccessibleName(words.say("map.export.file"))
        line.addWidget(self.file, 1)
        choose = self.button(words.say("map.export.choose"), self._choose)
        self.foot.removeWidget(choose)
        line.addWidget(choose)
        self.body.addWidget(Label(words.say("map.export.file"), "text"))
        self.body.addLayout(line)
        self.note = Label("", "secondary", token="muted", wrap=True)
        self.body.addWidget(self.note)
        self.body.addStretch(1)
        self.button(words.say("map.answer.stay"), self.close_overlay)
        self.take = self.button(words.say("map.export.take"), self.apply, kind="primary")
        self.what.currentIndexChanged.connect(self._kind)
        self._kind()

    def _kind(self, *_: object) -> None:
        what = self.what.currentData()
        self.scale.setEnabled(what in ("pdf", "svg", "png"))
        self.audience.setEnabled(what in ("pdf", "svg", "png", "placards"))
        if what == "placards":
            self.audience.setCurrentIndex(1)
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        name = "".join(letter if letter.isalnum() or letter in " -_" else "-" for letter in self._map.name) or "room"
        stem = f"{name} placards" if what == "placards" else name
        self.file.setText(str(Path(folder) / f"{stem}{ENDINGS[what]}"))
        self.note.show_text(theme().words.say(f"map.export.{what}_hint"))

    @property
    def _map(self) -> SeatMap:
        return self._editor.document.seat_map

    def _choose(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, theme().words.say("map.export.choose"), self.file.text())
        if name:
            self.file.setText(name)

    def apply(self) -> None:
        """Write the file; say where it is and what was lost."""
        words = theme().words
        made = exported(
            self._map,
            self.what.currentData(),
            audience=Audience(self.audience.currentData()),
            scale=self.scale.currentData() or None,
        )
        file = Path(self.file.text().strip())
        try:
            file.write_bytes(made.data)
        except OSError:
            self.complain(words.say("map.export.unwritten", file=str(file)))
            return
        self.complain("")
        self.note.show_text(words.say("map.export.done", file=str(file)))
        if made.lost:
            lost = "; ".join(made.lost[:4])
            self.note.show_text(words.say("map.export.lost", file=str(file), lost=lost, count=len(made.lost)))


def exported(seat_map: SeatMap, what: str, *, audience: Audience = Audience.STAFF, scale: int | None = None) -> Made:
    """A map as a file of one of WHAT; scale 1:n, or the largest usual one that fits a page."""
    if what in ("native", "pretix", "csv"):
        data, report = write(seat_map, Format(what))
        return Made(data, tuple(f"{note.path} {note.what}".strip() for note in report.lost))
    if what == "placards":
        return Made(printed(placard_sheets(seat_map, audience), title=seat_map.name)[0])
    page = drawing.sheet(seat_map, audience=audience, scale=scale, captions=captions())
    makers: dict[str, Callable[[], bytes]] = {
        "svg": lambda: write_svg(seat_map, audience=audience, page=page),
        "png": lambda: write_png(drawing.cropped(page)),
        "pdf": lambda: printed([page], title=seat_map.name)[0],
    }
    return Made(makers[what]())


def captions() -> Captions:
    """The words of a legend in the language in force."""
    words = theme().words
    kinds = tuple((kind, words.say(f"map.kind.{kind}")) for kind in ZoneKind if kind is not ZoneKind.DRAWING)
    return Captions(
        spots=words.say("map.legend.spots"), scale=words.say("map.legend.scale"),
        mirrored=words.say("map.legend.mirrored"), staff_only=words.say("map.visibility.staff"), zones=kinds,
    )  # fmt: skip
