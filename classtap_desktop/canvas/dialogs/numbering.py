"""Numbering by rule: what every spot would be called is shown while the rule is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLineEdit, QSizePolicy, QWidget

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.boxes import around
from classtap_core.seating.model import SeatMap, Spot
from classtap_core.seating.numbering import By, Corner, Count, Lines, Numbering, number, preview
from classtap_desktop.canvas.thumbnail import draw_map
from classtap_desktop.desk import failure
from classtap_desktop.frame.dialog import Dialog, form, named
from classtap_desktop.kit import Label, theme
from classtap_desktop.spacing import column, row

if TYPE_CHECKING:
    from classtap_desktop.canvas.editor import Editor

TEXTS = ("label", "prefix", "suffix", "alias", "row_start", "row_skip", "seat_start", "seat_skip", "starts")


class NumberingDialog(Dialog):
    """Attributes: ``texts``, ``choices`` and ``checks`` (fields by name), ``rules`` (None while they make no sense)."""

    def __init__(self, over: QWidget, editor: Editor) -> None:
        words = theme().words
        super().__init__(over, words.say("map.number.title"), wide=980, high=640)
        self._editor = editor
        self.rules: Numbering | None = None
        sides = row(gap=22)
        self.body.addLayout(sides, 1)
        fields = form()
        if theme().text_scale > 1.5:  # names above their fields, where both do not fit beside the picture
            fields.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)
        self.texts: dict[str, QLineEdit] = {}
        self.choices: dict[str, QComboBox] = {}
        self.checks: dict[str, QCheckBox] = {}
        rules = editor.numbering or Numbering()
        starting = {
            "label": rules.label, "prefix": rules.prefix, "suffix": rules.suffix, "alias": rules.alias,
            "row_start": rules.rows.start, "row_skip": ",".join(rules.rows.skip), "seat_start": rules.seats.start,
            "seat_skip": ",".join(rules.seats.skip),
            "starts": ", ".join(f"{line}={start}" for line, start in rules.line_starts.items()),
        }  # fmt: skip
        for name in TEXTS[:4]:
            self._text(fields, name, starting[name])
        for name, kind, chosen in (
            ("corner", Corner, rules.corner), ("lines", Lines, rules.lines), ("by", By, rules.by),
        ):  # fmt: skip
            box = QComboBox()
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(12)
            box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            for one in kind:
                box.addItem(words.say(f"map.number.{name}.{one}"), one)
            box.setCurrentIndex(list(kind).index(chosen))
            box.currentIndexChanged.connect(self._again)
            self.choices[name] = box
            fields.addRow(named(box, words.say(f"map.number.{name}")), box)
        for name in TEXTS[4:]:
            self._text(fields, name, starting[name])
        for name, on in (
            ("serpentine", rules.serpentine), ("continuous", rules.continuous), ("mirrored", rules.follow_mirroring),
            ("chosen_only", bool(rules.spots) or len(editor.document.selection) > 1),
        ):  # fmt: skip
            check = QCheckBox(words.say(f"map.number.{name}"))
            check.setChecked(on)
            check.toggled.connect(self._again)
            self.checks[name] = check
            fields.addRow("", check)
        self.checks["chosen_only"].setEnabled(bool(editor.document.selection))
        sides.addLayout(fields, 1)
        shown = column(gap=8)
        self.picture = NumberedMap()
        shown.addWidget(self.picture, 6)
        self.summary = Label("", "secondary", token="muted", wrap=True)
        shown.addWidget(self.summary)
        shown.addStretch(1)
        sides.addLayout(shown, 1)
        self.button(words.say("map.answer.stay"), self.close_overlay)
        self.take = self.button(words.say("map.number.take"), self.apply, kind="primary")
        self._again()

    def _text(self, fields: object, name: str, value: str) -> None:
        line = QLineEdit(value)
        line.textChanged.connect(self._again)
        self.texts[name] = line
        fields.addRow(named(line, theme().words.say(f"map.number.{name}")), line)  # type: ignore[attr-defined]

    def made(self) -> Numbering:
        """The rules as the form says. Raises BadInput where a sign or a field makes no sense."""
        text = {name: line.text() for name, line in self.texts.items()}
        starts = {}
        for part in filter(None, (part.strip() for part in text["starts"].split(","))):
            line, sign, start = part.partition("=")
            if not sign or not start.strip():
                raise BadInput("numbering.sign", sign=part)
            starts[line.strip()] = start.strip()
        spots: tuple[str, ...] = ()
        if self.checks["chosen_only"].isChecked():
            spots = tuple(item.id for item in self._editor.document.chosen() if isinstance(item, Spot))
        return Numbering(
            label=text["label"], prefix=text["prefix"], suffix=text["suffix"], alias=text["alias"],
            corner=Corner(self.choices["corner"].currentData()), lines=Lines(self.choices["lines"].currentData()),
            by=By(self.choices["by"].currentData()),
            rows=Count(start=text["row_start"] or " ", skip=_listed(text["row_skip"])),
            seats=Count(start=text["seat_start"] or " ", skip=_listed(text["seat_skip"])),
            serpentine=self.checks["serpentine"].isChecked(), continuous=self.checks["continuous"].isChecked(),
            follow_mirroring=self.checks["mirrored"].isChecked(), line_starts=starts, spots=spots,
        )  # fmt: skip

    def _again(self, *_: object) -> None:
        """Show what the rule makes of the room."""
        if "chosen_only" not in self.checks or not hasattr(self, "take"):
            return
        words, seat_map = theme().words, self._editor.document.seat_map
        try:
            rules = self.made()
            after = number(seat_map, rules)
        except BadInput as bad:
            self.rules = None
            self.complain(failure(bad.code, bad.params, words))
            self.take.setEnabled(False)
            return
        self.rules = rules
        self.complain("")
        self.take.setEnabled(True)
        changes = preview(seat_map, rules)
        self.picture.show_numbered(after)
        self.summary.show_text(words.say_n("map.number.changes", len(changes)))

    def apply(self) -> None:
        """Number the spots."""
        if self.rules is not None:
            self._editor.numbering = replace(self.rules, spots=())
            self._editor.document.do("numbered", number(self._editor.document.seat_map, self.rules))
            self.close_overlay()


class NumberedMap(QWidget):
    """A small map with every spot's name on it."""

    def __init__(self) -> None:
        super().__init__()
        self._map: SeatMap | None = None
        self.setMinimumSize(QSize(260, 260))
        self.setMaximumHeight(theme().px(470))  # beside a form that scrolls it stays at the top, in view
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_numbered(self, seat_map: SeatMap) -> None:
        """Show a map."""
        self._map = seat_map
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._map is None:
            return
        here = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        draw_map(painter, self._map, area, ratio=self.devicePixelRatioF())
        room = around(self._map.room.corners())
        edge = max(room.width, room.height) // 30
        scale = max((room.width + 2 * edge) / area.width(), (room.height + 2 * edge) / area.height())
        font = here.font("label")
        painter.setPen(here.color("ink"))
        types = self._map.types_by_id()
        for spot in self._map.spots:
            wide = min(types[spot.type].width_um, types[spot.type].length_um) / scale
            font.setPixelSize(max(7, min(14, round(wide * 0.62))))
            painter.setFont(font)
            x = (spot.x_um - (room.left + room.right) / 2) / scale + area.center().x()
            y = (spot.y_um - (room.top + room.bottom) / 2) / scale + area.center().y()
            painter.drawText(QRectF(x - 40, y - 12, 80, 24), 0x84, spot.label)
        painter.end()


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
