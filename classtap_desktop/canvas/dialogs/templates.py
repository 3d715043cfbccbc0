"""The library: templates and the organisation's presets with pictures, their parameters live, and fitted to the room."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFileDialog, QFormLayout, QLineEdit, QSlider, QStackedWidget, QWidget

from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.seating import templates
from classtap_core.seating.fitting import fitted_to, with_counts_kept
from classtap_core.seating.formats.known import read
from classtap_core.seating.laying import lay_out
from classtap_core.seating.model import Room, SeatMap
from classtap_core.seating.records import preset_id
from classtap_core.seating.templates import Parameter, Template
from classtap_core.seating.units import entered, shown
from classtap_desktop.canvas.dialogs.numbering import NumberedMap
from classtap_desktop.canvas.reading import shipped
from classtap_desktop.canvas.thumbnail import Thumbnail
from classtap_desktop.desk import failure
from classtap_desktop.frame.dialog import CountField, Dialog, form, named
from classtap_desktop.kit import Button, Card, Label, Pill, theme
from classtap_desktop.kit.wrapped import Wrapped
from classtap_desktop.spacing import column, grown, row

if TYPE_CHECKING:
    from classtap_desktop.canvas.editor import Editor
    from classtap_desktop.canvas.work import Work

SIZINGS = ("own", "fit", "keep")


class TemplateCard(Card):
    """A template with its picture and what it is like; pressed, it is chosen."""

    def __init__(self, template: Template, dialog: TemplateDialog, *, own: bool) -> None:
        super().__init__(radius=14)
        words = theme().words
        self._dialog, self.template = dialog, template
        self.setFixedWidth(grown(214))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        inside = column(self, margins=(12, 12, 12, 12), gap=8)
        picture = Thumbnail(QSize(grown(190), grown(126)))
        seat_map = lay_out(template, seed=template.id)
        picture.show_map(seat_map)
        inside.addWidget(picture)
        head = row(gap=6)
        name = _said(template, "name", template.name)
        head.addWidget(Label(name, "strong", elide=True), 1)
        if own:
            head.addWidget(Pill(words.say("map.template.own"), "accent"))
        inside.addLayout(head)
        inside.addWidget(Label(_summary(template, seat_map), "secondary", token="muted", wrap=True))
        inside.addStretch(1)
        self.use = Button(words.say("map.template.use"), size="small")
        self.use.setAccessibleName(f"{self.use.text()}: {name}")
        self.use.clicked.connect(lambda _=False: dialog.choose(template))
        inside.addWidget(self.use)
        self.setFixedHeight(grown(322))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._dialog.choose(self.template)


class TemplateDialog(Dialog):
    """Attributes: ``cards``, ``values`` (parameters set), ``made`` (the map as it would be; None where it cannot),
    ``editors`` (by parameter)."""

    def __init__(
        self,
        over: QWidget,
        editor: Editor,
        work: Work,
        library: tuple[tuple[Template, ...], tuple[tuple[Template, str], ...]],
    ) -> None:
        words = theme().words
        super().__init__(over, words.say("map.template.title"), wide=1040, high=680)
        self._editor, self._work = editor, work
        self._shipped, self._own = library
        self._revisions = {template.id: revision for template, revision in self._own}
        self.template: Template | None = None
        self.values: dict[str, int] = {}
        self.made: SeatMap | None = None
        self.editors: dict[str, CountField | QLineEdit] = {}
        self._sizing = "own"
        self.stack = QStackedWidget()
        self.body.addWidget(self.stack, 1)
        self.stack.addWidget(self._library())
        self.again = self.button(words.say("map.template.back"), lambda: self._show_library())
        self.keep = self.button(words.say("map.template.keep"), self._keep)
        self.take = self.button(words.say("map.template.take"), self.apply, kind="primary")
        self.file = self.button(words.say("map.template.file"), self._choose_file)
        self.foot.removeWidget(self.file)
        self.foot.insertWidget(0, self.file)
        self._show_library()

    def open(self) -> None:
        super().open()
        self._focus_library()

    def _focus_library(self) -> None:
        """Put the keyboard on the first template."""
        if self.cards and self.isVisible() and self.stack.currentIndex() == 0:
            self.cards[0].use.setFocus(Qt.FocusReason.OtherFocusReason)

    def _choose_file(self) -> None:
        words = theme().words
        name, _ = QFileDialog.getOpenFileName(self, words.say("map.template.file"), "", "*.json *.csv *.svg")
        if name:
            self.take_file(Path(name))

    def take_file(self, file: Path) -> None:
        """Take the map in a file of any format we read; what was mended or repeated in it is said (ruling 15)."""
        words = theme().words
        try:
            seat_map, report = read(file.read_bytes(), name=file.stem)
        except OSError:
            self.complain(words.say("map.template.unread", file=file.name))
            return
        except BadInput as bad:
            self.complain(failure(bad.code, bad.params, words))
            return
        before = self._editor.document.seat_map
        self._editor.document.do(
            "opened", replace(seat_map, name=before.name or seat_map.name), select=(), name=file.name
        )
        self._editor.board.fit()
        self.close_overlay()
        if report.repeated_ids or report.mended:
            repeated = sum(one.times - 1 for one in report.repeated_ids)
            self._editor.warn(
                words.say("map.told.opened", seats=report.kept, repeated=repeated, mended=len(report.mended))
            )

    # --- the library

    def _library(self) -> QWidget:
        page = QWidget()
        flow = Wrapped(page, gap=theme().px(14))
        self.cards = [TemplateCard(template, self, own=True) for template, _ in self._own]
        self.cards += [TemplateCard(template, self, own=False) for template in self._shipped]
        for card in self.cards:
            flow.addWidget(card)
        return page

    def _show_library(self) -> None:
        self.stack.setCurrentIndex(0)
        for button in (self.again, self.keep, self.take):
            button.hide()
        self.file.show()
        self.complain("")
        self._focus_library()

    # --- one template, its parameters live

    def choose(self, template: Template) -> None:
        """Show a template's parameters."""
        self.template, self.values = template, {}
        if self.stack.count() > 1:
            page = self.stack.widget(1)
            if page is not None:
                self.stack.removeWidget(page)
                page.deleteLater()
        self.stack.addWidget(self._parameters(template))
        self.stack.setCurrentIndex(1)
        for button in (self.again, self.keep, self.take):
            button.show()
        self.file.hide()
        self.size_by("fit" if self._has_room() else "own")

    def _has_room(self) -> bool:
        """Whether the room was measured already: then a template is fitted into it."""
        return bool(self._editor.document.seat_map.spots) or self._work.opened.based_on > 0

    def _parameters(self, template: Template) -> QWidget:
        words = theme().words
        page = QWidget()
        sides = row(page, gap=22)
        left = column(gap=10)
        room = form()
        unit = self._editor.document.seat_map.unit
        self.width_field, self.length_field = QLineEdit(), QLineEdit()
        now = self._editor.document.seat_map.room
        self.width_field.setText(shown(now.width_um, unit))
        self.length_field.setText(shown(now.length_um, unit))
        room.addRow(named(self.width_field, f"{words.say('map.field.room_width')} ({unit})"), self.width_field)
        room.addRow(named(self.length_field, f"{words.say('map.field.room_length')} ({unit})"), self.length_field)
        for field in (self.width_field, self.length_field):
            field.textEdited.connect(lambda _text: self.size_by("fit" if self._sizing == "own" else self._sizing))
        left.addLayout(room)
        sizing = row(gap=6)
        self.sizings = {
            name: Button(words.say(f"map.template.size_{name}"), size="small", checkable=True) for name in SIZINGS
        }
        for name, button in self.sizings.items():
            button.clicked.connect(lambda _=False, name=name: self.size_by(name))
            sizing.addWidget(button)
        sizing.addStretch(1)
        left.addLayout(sizing)
        fields = form()
        self.editors = {}
        for name, parameter in templates.parameters(template).items():
            self._parameter(fields, name, parameter)
        left.addLayout(fields)
        left.addStretch(1)
        sides.addLayout(left, 1)
        right = column(gap=8)
        self.picture = NumberedMap()
        right.addWidget(self.picture, 6)
        self.summary = Label("", "secondary", token="muted", wrap=True)
        right.addWidget(self.summary)
        right.addStretch(1)
        sides.addLayout(right, 1)
        return page

    def _parameter(self, fields: QFormLayout, name: str, parameter: Parameter) -> None:
        """A slider and a number that follow each other, and what takes it back to the template's own value."""
        words, unit = theme().words, self._editor.document.seat_map.unit
        line = row(gap=8)
        slider = QSlider(Qt.Orientation.Horizontal)
        step = 10_000 if parameter.unit == "um" else 1
        most = min(parameter.most, 6_000_000) if parameter.unit == "um" else parameter.most
        slider.setRange(-(-parameter.least // step), most // step)
        slider.setValue(parameter.value // step)
        editor: CountField | QLineEdit
        if parameter.unit == "um":
            editor = QLineEdit(shown(parameter.value, unit))
            editor.editingFinished.connect(lambda: self._typed(name, parameter))
        else:
            editor = CountField(parameter.value, least=parameter.least, most=parameter.most)
            editor.counted.connect(lambda value: self.set_value(name, value))
        editor.setFixedWidth(grown(92))
        slider.valueChanged.connect(lambda at: self.set_value(name, max(parameter.least, at * step)))
        reset = Button("", size="small", kind="quiet", icon="sync")
        reset.setAccessibleName(words.say("map.template.reset", name=_spoken(name)))
        reset.setToolTip(reset.accessibleName())
        reset.clicked.connect(lambda _=False: self.set_value(name, parameter.value))
        slider.setAccessibleName(_spoken(name))
        for widget in (slider, editor, reset):
            line.addWidget(widget, 1 if widget is slider else 0)
        editor.setProperty("slider", slider)
        self.editors[name] = editor
        text = f"{_spoken(name)} ({unit})" if parameter.unit == "um" else _spoken(name)
        fields.addRow(named(editor, text), line)

    def _typed(self, name: str, parameter: Parameter) -> None:
        editor = self.editors[name]
        assert isinstance(editor, QLineEdit)
        try:
            value = entered(editor.text(), self._editor.document.seat_map.unit)
        except BadInput as bad:
            self.complain(failure(bad.code, bad.params, theme().words))
            return
        self.set_value(name, min(parameter.most, max(parameter.least, value)))

    def set_value(self, name: str, value: int) -> None:
        """Set one parameter and show the room it makes."""
        if self.template is None or self.values.get(name) == value:
            return
        self.values[name] = value
        self._show_value(name, value)
        if self._sizing == "fit":
            self._sizing = "own"
        self.lay()

    def _show_value(self, name: str, value: int) -> None:
        editor = self.editors[name]
        unit = self._editor.document.seat_map.unit
        parameter = templates.parameters(self.template)[name] if self.template else None
        editor.blockSignals(True)
        if isinstance(editor, CountField):
            if editor.value() != value:
                editor.setText(str(value))
        else:
            editor.setText(shown(value, unit))
        editor.blockSignals(False)
        slider = editor.property("slider")
        slider.blockSignals(True)
        slider.setValue(value // (10_000 if parameter is not None and parameter.unit == "um" else 1))
        slider.blockSignals(False)

    def size_by(self, sizing: str) -> None:
        """A room of its own, as many as the given room holds, or all of them closer together."""
        assert self.template is not None
        self._sizing = sizing
        self.complain("")
        if sizing != "own":
            try:
                room = self._room()
                fitted = (fitted_to if sizing == "fit" else with_counts_kept)(self.template, room, self.values)
                for name, value in fitted.values.items():
                    self.values[name] = value
                    self._show_value(name, value)
            except (BadInput, Refused) as bad:
                self._refuse(bad)
                return
        self.lay()

    def _room(self) -> Room:
        unit = self._editor.document.seat_map.unit
        width, length = entered(self.width_field.text(), unit), entered(self.length_field.text(), unit)
        if min(width, length) < 1_000_000:
            raise BadInput("length.not_a_number", text=self.width_field.text())
        return Room(width_um=width, length_um=length)

    def lay(self) -> None:
        """Lay the template out and show it."""
        assert self.template is not None
        words = theme().words
        for name, button in self.sizings.items():
            button.setChecked(name == self._sizing)
        try:
            room = None if self._sizing == "own" else self._room()
            self.made = lay_out(self.template, self.values, seed=self._work.opened.room, room=room)
        except (BadInput, Refused) as bad:
            self._refuse(bad)
            return
        self.complain("")
        self.take.setEnabled(True)
        self.picture.show_numbered(self.made)
        unit = self._editor.document.seat_map.unit
        size = f"{shown(self.made.room.width_um, unit)} × {shown(self.made.room.length_um, unit)} {unit}"
        self.summary.show_text(words.say_n("map.template.made", len(self.made.spots), size=size))

    def _refuse(self, bad: BadInput | Refused) -> None:
        self.made = None
        self.take.setEnabled(False)
        for name, button in self.sizings.items():
            button.setChecked(name == self._sizing)
        self.complain(failure(bad.code, bad.params, theme().words))

    # --- what comes of it

    def apply(self) -> None:
        """Take the room that is shown; one step, so that it can be undone."""
        if self.made is None or self.template is None:
            return
        before = self._editor.document.seat_map
        after = replace(
            self.made, name=before.name or self.made.name, unit=before.unit, background=before.background,
            limits=replace(self.made.limits, spacing_um=before.limits.spacing_um, capacity=before.limits.capacity),
        )  # fmt: skip
        self._editor.numbering = self.template.numbering
        self._editor.document.do("template", after, select=(), name=_said(self.template, "name", self.template.name))
        self._editor.board.fit()
        self.close_overlay()

    def _keep(self) -> None:
        """Keep the template as it is set for the whole organisation."""
        if self.template is not None:
            PresetDialog(self._over, self._work, self.template, self.values, [t for t, _ in self._own]).open()


class PresetDialog(Dialog):
    """The name under which a preset is kept."""

    def __init__(
        self, over: QWidget, work: Work, template: Template, values: dict[str, int], others: list[Template]
    ) -> None:
        words = theme().words
        super().__init__(over, words.say("map.preset.title"), wide=460, high=250)
        self._work, self._template, self._values, self._others = work, template, values, others
        self.body.addWidget(Label(words.say("map.preset.hint"), "text", token="muted", wrap=True))
        self.name = QLineEdit()
        self.name.setAccessibleName(words.say("map.preset.name"))
        self.name.setPlaceholderText(words.say("map.preset.name"))
        self.body.addWidget(self.name)
        self.body.addStretch(1)
        self.button(words.say("map.answer.stay"), self.close_overlay)
        self.button(words.say("map.answer.save"), self.apply, kind="primary")
        self.closed.connect(self.deleteLater)

    def apply(self) -> None:
        """Keep it, or say why it cannot be."""
        name = self.name.text().strip()
        made = templates.preset(
            self._template, self._values, id=f"own-{preset_id(self._work.desk.source.place.studio, name)}", name=name
        )
        problems = templates.preset_problems(made, tuple(self._others))
        if problems:
            words = theme().words
            self.complain(" ".join(words.say(f"map.preset.{problem}", name=name) for problem in problems))
            return
        self._work.save_preset(made)
        self.close_overlay()


def _summary(template: Template, seat_map: SeatMap) -> str:
    """What a template is like: its own sentence, how many spots, how large a spot and the gaps."""
    words = theme().words
    first = template.blocks[0]
    size = f"{shown(first.type.width_um, seat_map.unit)} × {shown(first.type.length_um, seat_map.unit)} m"
    facts = words.say(
        "map.template.facts",
        spots=len(seat_map.spots),
        size=size,
        side=f"{shown(first.gap_side_um, seat_map.unit)} m",
        row=f"{shown(first.gap_row_um, seat_map.unit)} m",
        aisles=sum(block.aisles for block in template.blocks),
    )
    about = _said(template, "about", template.summary)
    return f"{about}\n{facts}" if about else facts


def _said(template: Template, what: str, otherwise: str) -> str:
    """A template's name or what it is like: in the language in force for those that come with the program."""
    words, code = theme().words, f"map.template.{what}.{template.id}"
    return words.say(code) if template in shipped() and words.has(code) else otherwise


def _spoken(name: str) -> str:
    """A parameter in words; one of a block with the block's name before it."""
    words = theme().words
    block, _, own = name.rpartition(".")
    text = words.say(f"map.parameter.{own}")
    whose = words.say(f"map.block.{block}") if words.has(f"map.block.{block}") else block
    return f"{whose} · {text}" if block else text
