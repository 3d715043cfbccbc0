"""A picture to trace: chosen, placed, and brought to scale by two of its points that lie a known length apart."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace
from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QComboBox, QFileDialog, QLineEdit, QSlider, QWidget

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.arranging import calibrated
from classtap_core.seating.geometry.turning import placed
from classtap_core.seating.model import Background, PointUm
from classtap_core.seating.units import entered, shown
from classtap_desktop.canvas.table import type_words
from classtap_desktop.canvas.tools.draw import CalibrateTool
from classtap_desktop.desk import Desk, failure
from classtap_desktop.frame.dialog import Dialog, form, named
from classtap_desktop.kit import Label, theme
from classtap_desktop.spacing import row

if TYPE_CHECKING:
    from classtap_desktop.canvas.editor import Editor

MOST_BYTES = 12_000_000
SVG_PX = 2_000
MEDIA = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}


class UnderlayDialog(Dialog):
    """Attributes: ``fields`` (places of two points in the room, their true distance, the picture's corner), ``known``
    (equipment whose footprint says that distance)."""

    def __init__(self, over: QWidget, editor: Editor, desk: Desk) -> None:
        words = theme().words
        super().__init__(over, words.say("map.underlay.title"), wide=600, high=560)
        self._editor, self._desk = editor, desk
        self.body.addWidget(Label(words.say("map.underlay.hint"), "text", token="muted", wrap=True))
        background = editor.document.seat_map.background
        line = row(gap=8)
        self.file = QLineEdit()
        self.file.setAccessibleName(words.say("map.underlay.file"))
        self.file.setPlaceholderText(words.say("map.underlay.file"))
        line.addWidget(self.file, 1)
        self.body.addLayout(line)
        choose = self.button(words.say("map.underlay.choose"), self._choose)
        self.foot.removeWidget(choose)
        line.addWidget(choose)
        fields = form()
        unit = editor.document.seat_map.unit
        tool = editor.board.tool
        ends = tool.ends if isinstance(tool, CalibrateTool) and tool.ends else ((0, 0), (1_000_000, 0))
        self.fields: dict[str, QLineEdit] = {}
        start = {
            "x": background.x_um if background else 0, "y": background.y_um if background else 0,
            "ax": ends[0][0], "ay": ends[0][1], "bx": ends[1][0], "by": ends[1][1],
            "long": round(((ends[0][0] - ends[1][0]) ** 2 + (ends[0][1] - ends[1][1]) ** 2) ** 0.5),
        }  # fmt: skip
        for name, value in start.items():
            self.fields[name] = QLineEdit(shown(value, unit))
            fields.addRow(named(self.fields[name], f"{words.say(f'map.underlay.{name}')} ({unit})"), self.fields[name])
        self.known = QComboBox()
        self.known.addItem(words.say("map.underlay.typed"), 0)
        for type in editor.document.seat_map.types:
            for side, length_um in (("long", type.length_um), ("wide", type.width_um)):
                self.known.addItem(words.say(f"map.underlay.known_{side}", name=type_words(type)), length_um)
        self.known.activated.connect(lambda _at: self._take_known())
        fields.addRow(named(self.known, words.say("map.underlay.known")), self.known)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(10, 100)
        self.opacity.setValue(background.opacity_percent if background else 50)
        fields.addRow(named(self.opacity, words.say("map.underlay.opacity")), self.opacity)
        self.body.addLayout(fields)
        self.body.addStretch(1)
        self.remove = self.button(words.say("map.underlay.remove"), self._remove)
        self.pick = self.button(words.say("map.underlay.pick"), self._pick)
        self.scale = self.button(words.say("map.underlay.scale"), self._scale)
        self.take = self.button(words.say("map.underlay.take"), self.apply, kind="primary")
        for button in (self.remove, self.pick, self.scale):
            button.setEnabled(background is not None)

    def _take_known(self) -> None:
        """The two points are the ends of a piece of equipment in the picture: its footprint says how far apart."""
        if self.known.currentData():
            self.fields["long"].setText(shown(self.known.currentData(), self._editor.document.seat_map.unit))

    def _choose(self) -> None:
        words = theme().words
        kinds = " ".join(f"*{ending}" for ending in MEDIA)
        name, _ = QFileDialog.getOpenFileName(self, words.say("map.underlay.choose"), "", f"{kinds}")
        if name:
            self.file.setText(name)

    def apply(self) -> None:
        """Take the picture in, or change how the one there lies."""
        words, document = theme().words, self._editor.document
        unit = document.seat_map.unit
        try:
            at = entered(self.fields["x"].text(), unit), entered(self.fields["y"].text(), unit)
        except BadInput as bad:
            self.complain(failure(bad.code, bad.params, words))
            return
        before = document.seat_map.background
        if self.file.text().strip():
            taken = self._taken(Path(self.file.text().strip()))
            if taken is None:
                return
            before = taken
        if before is None:
            self.complain(words.say("map.underlay.none"))
            return
        after = replace(before, x_um=at[0], y_um=at[1], opacity_percent=self.opacity.value())
        document.do("underlay", replace(document.seat_map, background=after))
        self._editor.board.forget_ground()
        self.close_overlay()

    def _taken(self, file: Path) -> Background | None:
        """The picture of a file, kept in the encrypted store; as wide as the room until it is brought to scale."""
        words = theme().words
        try:
            data = file.read_bytes()
        except OSError:
            self.complain(words.say("map.underlay.unread"))
            return None
        media = MEDIA.get(file.suffix.lower(), "")
        picture = picture_of(data, media) if len(data) <= MOST_BYTES else None
        if picture is None or picture.isNull():
            self.complain(words.say("map.underlay.unread"))
            return None
        name = hashlib.blake2b(data, digest_size=16).hexdigest()
        self._desk.do(lambda source: source.keep(f"picture/{name}", data))
        self._editor.show_picture(picture)
        wide = self._editor.document.seat_map.room.width_um
        return Background(blob=name, media_type=media, nm_per_px=max(1, wide * 1000 // max(1, picture.width())))

    def _pick(self) -> None:
        """Pick two points on the board."""
        self.close_overlay()
        self._editor.board.use(CalibrateTool(self._editor.board))
        self._editor.say_quietly("map.told.calibrating")

    def _scale(self) -> None:
        """Bring the picture to scale: the two points lie so far apart as was typed."""
        words, document = theme().words, self._editor.document
        unit, background = document.seat_map.unit, document.seat_map.background
        if background is None:
            return
        try:
            ends = [
                (entered(self.fields[f"{one}x"].text(), unit), entered(self.fields[f"{one}y"].text(), unit))
                for one in "ab"
            ]
            after = scaled(background, (ends[0], ends[1]), entered(self.fields["long"].text(), unit))
        except BadInput as bad:
            self.complain(failure(bad.code, bad.params, words))
            return
        document.do("calibrated", replace(document.seat_map, background=after))
        self._editor.board.forget_ground()
        self._editor.board.use(self._editor.board.home)
        self.close_overlay()

    def _remove(self) -> None:
        document = self._editor.document
        document.do("underlay", replace(document.seat_map, background=None))
        self._editor.show_picture(None)
        self.close_overlay()


def scaled(background: Background, ends: tuple[PointUm, PointUm], long_um: int) -> Background:
    """An underlay under which two points of the room, as it lies now, come to lie a known length apart; the first of
    them stays where it is. Raises BadInput `calibration.same_point`."""
    pixels = [on_picture(background, end) for end in ends]
    after = calibrated(background, pixels[0], pixels[1], long_um)
    half = round(2 * pixels[0][0] * after.nm_per_px / 1000), round(2 * pixels[0][1] * after.nm_per_px / 1000)
    moved = placed((half,), after.rotation_mdeg, (0, 0))[0]
    return replace(after, x_um=ends[0][0] - moved[0], y_um=ends[0][1] - moved[1])


def on_picture(background: Background, place: PointUm) -> tuple[float, float]:
    """A place of the room as a pixel of the underlay."""
    half = (2 * (place[0] - background.x_um), 2 * (place[1] - background.y_um))
    x, y = placed((half,), -background.rotation_mdeg % 360_000, (0, 0))[0]
    return x * 1000 / background.nm_per_px, y * 1000 / background.nm_per_px


def picture_of(data: bytes, media: str) -> QPixmap | None:
    """The pixels of a picture or an SVG; None where it cannot be read."""
    if media == "image/svg+xml":
        renderer = QSvgRenderer(QByteArray(data))
        if not renderer.isValid():
            return None
        size = renderer.defaultSize()
        size = size.scaled(QSize(SVG_PX, SVG_PX), Qt.AspectRatioMode.KeepAspectRatio)
        image = QPixmap(size)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        renderer.render(painter, QRectF(0, 0, size.width(), size.height()))
        painter.end()
        return image
    image = QPixmap()
    return image if image.loadFromData(data) else None
