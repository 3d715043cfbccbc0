"""Signing: who signs, the code, then the words with a box for each child and a place to sign with a finger."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QScrollArea, QScroller, QStackedWidget, QVBoxLayout, QWidget

from classtap_desktop.kit import Button, Card, CountdownRing, Label, PinPad, theme
from kiosk import events as on
from kiosk.screens.foot import foot, way_back
from kiosk.screens.sentences import trouble_words
from kiosk.signing import Agree, ChooseSigner, DigitsTyped, Form, Signing, SignNow, Step
from kiosk.view import State

MOST_POINTS = 4_000


class SigningPage(QWidget):
    """Signals: ``happened(event)``."""

    happened = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        here = theme()
        words = here.words
        self._shown: Signing | None = None
        self.signers: dict[str, Button] = {}
        self.boxes: dict[str, Button] = {}
        self.title = Label("", "headline", wrap=True)
        self.hint = Label("", "hint", token="muted", wrap=True)
        self.who = QWidget()
        self._who = QVBoxLayout(self.who)
        self._who.setSpacing(here.px(14))
        self.pad = PinPad()
        self.pad.message.hide()  # what was wrong stands above, and large letters need the room
        self.pad.entered.connect(lambda digits: self.happened.emit(DigitsTyped(digits)))
        self.pad.cancelled.connect(lambda: self.happened.emit(on.Cancel()))
        self.forms = QScrollArea()
        self.forms.setWidgetResizable(True)
        self.forms.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        QScroller.grabGesture(self.forms.viewport(), QScroller.ScrollerGestureType.TouchGesture)
        self.name = QLineEdit()
        self.name.setMaxLength(200)
        self.name.setPlaceholderText(words.say("kiosk.sign_name"))
        self.name.setAccessibleName(words.say("kiosk.sign_name"))
        self.name.setStyleSheet(f"min-height: {here.px(70)}px; font-size: {here.font('hint').pixelSize()}px")
        self.name.textChanged.connect(lambda _text: self._enable())
        self.drawing = SignaturePad(words.say("kiosk.sign_draw"))
        self.drawing.drawn.connect(self._enable)
        self.middle = QStackedWidget()
        centred = QWidget()
        line = QHBoxLayout(centred)
        line.addStretch(1)
        line.addWidget(self.pad)
        line.addStretch(1)
        self._pages = {Step.WHO: self.who, Step.CODE: centred, Step.WORDS: self._reading()}
        for page in self._pages.values():
            self.middle.addWidget(page)
        self.back = way_back(self.happened)
        self.ring = CountdownRing(size=60)
        self.save = Button(words.say("kiosk.sign_save"), kind="primary", size="kiosk_main", icon="check")
        self.save.clicked.connect(lambda _=False: self._sign())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, here.px(18), 0, 0)
        column.setSpacing(here.px(12))
        column.addWidget(self.title)
        column.addWidget(self.hint)
        column.addWidget(self.middle, 1)
        column.addLayout(foot([self.back], [self.ring, self.save]))

    def show_state(self, state: State) -> None:
        """Show where the signature is."""
        self.ring.show_left(state.idle_left_s, state.idle_total_s)
        signing = state.signing
        if signing is None or signing == self._shown:
            return
        before, self._shown = self._shown, signing
        words = theme().words
        step = {Step.READING: Step.WHO, Step.SENDING: Step.WHO, Step.KEEPING: Step.WORDS}.get(
            signing.step, signing.step
        )
        title = {Step.WHO: "kiosk.sign_who", Step.CODE: "kiosk.sign_code", Step.WORDS: "kiosk.sign_read"}[step]
        self.title.show_text(words.say(title))
        waiting = signing.step in (Step.SENDING, Step.READING, Step.KEEPING)
        hint = (
            "kiosk.sign_waiting" if signing.step is Step.SENDING else "kiosk.sign_who_text" if step is Step.WHO else ""
        )
        if signing.error:
            wrong = signing.error == "kiosk.sign_wrong"
            self.hint.set_token("warn")
            self.hint.show_text(words.say(signing.error, n=signing.left) if wrong else trouble_words(signing.error))
        else:
            self.hint.set_token("muted")
            self.hint.show_text(words.say(hint) if hint else "")
        self.hint.setVisible(bool(hint or signing.error))
        if before is None or before.signers != signing.signers:
            self._show_signers(signing)
        for button in self.signers.values():
            button.setEnabled(not waiting)
        if step is Step.WORDS and (before is None or before.shown() != signing.shown() or not self.boxes):
            self._show_forms(signing.shown())
        for mark, box in self.boxes.items():
            box.setChecked(mark in signing.agreed)
        if step is Step.CODE and (before is None or before.step is not Step.CODE or signing.error):
            self.pad.clear()
            self.pad.setFocus(Qt.FocusReason.OtherFocusReason)
        self.middle.setCurrentWidget(self._pages[step])
        self.save.setVisible(step is Step.WORDS)
        self._enable()

    def forget(self) -> None:
        """Take every name and stroke off the screen and out of memory."""
        self._shown = None
        self.name.clear()
        self.drawing.clear()
        self.pad.clear()
        self._drop_forms()
        self._drop_signers()

    def _reading(self) -> QWidget:
        here = theme()
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(here.px(12))
        column.addWidget(self.forms, 3)
        sign = QHBoxLayout()
        sign.setSpacing(here.px(16))
        sign.addWidget(self.name, 2)
        sign.addWidget(self.drawing, 3)
        clear = Button(here.words.say("signing.clear"), size="kiosk_chip")
        clear.clicked.connect(lambda _=False: self.drawing.clear())
        self.clear = clear
        sign.addWidget(clear)
        column.addLayout(sign)
        return page

    def _show_signers(self, signing: Signing) -> None:
        self._drop_signers()
        words = theme().words
        for one in signing.signers:
            button = Button(words.say(f"relation.{one.relation}"), size="kiosk_main")
            button.clicked.connect(lambda _=False, one=one: self.happened.emit(ChooseSigner(one.guardian)))
            self.signers[one.guardian] = button
            self._who.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        self._who.addStretch(1)

    def _drop_signers(self) -> None:
        self.signers.clear()
        while (item := self._who.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()

    def _show_forms(self, forms: tuple[Form, ...]) -> None:
        self._drop_forms()
        here = theme()
        words = here.words
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, here.px(8), 0)
        column.setSpacing(here.px(16))
        titles: dict[tuple[str, tuple[str, ...]], list[Form]] = {}
        for form in forms:
            titles.setdefault((form.title, form.paragraphs), []).append(form)
        for (title, paragraphs), several in titles.items():
            card = Card()
            lines = QVBoxLayout(card)
            lines.setContentsMargins(here.px(26), here.px(20), here.px(26), here.px(20))
            lines.setSpacing(here.px(10))
            lines.addWidget(Label(title, "group", wrap=True))
            for paragraph in paragraphs:
                lines.addWidget(Label(paragraph, "hint", wrap=True))
            number = words.say("signing.number", number=several[0].number, effective=several[0].effective)
            lines.addWidget(Label(number, "note", token="muted", wrap=True))
            for form in several:
                who = words.join([form.name, form.program])
                box = Button(words.say("kiosk.sign_agree", name=who), size="kiosk_chip", checkable=True)
                box.clicked.connect(lambda on=False, form=form: self.happened.emit(Agree(form.mark, on)))
                self.boxes[form.mark] = box
                lines.addWidget(box, 0, Qt.AlignmentFlag.AlignLeading)
            column.addWidget(card)
        column.addStretch(1)
        self.forms.setWidget(inside)

    def _drop_forms(self) -> None:
        self.boxes.clear()
        old = self.forms.takeWidget()
        if old is not None:
            old.deleteLater()

    def _enable(self) -> None:
        signing = self._shown
        ready = signing is not None and signing.step is Step.WORDS and bool(signing.agreed)
        self.save.setEnabled(ready and bool(self.name.text().strip() or self.drawing.strokes))

    def _sign(self) -> None:
        self.happened.emit(SignNow(self.name.text(), self.drawing.strokes))


class SignaturePad(QWidget):
    """A place to draw. Signals: ``drawn()``. ``strokes``: what was drawn, in thousandths of its width and height."""

    drawn = Signal()

    def __init__(self, label: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = label
        self._lines: list[list[tuple[int, int]]] = []
        self.setAccessibleName(label)
        self.setMinimumHeight(theme().px(120))
        self.setCursor(Qt.CursorShape.CrossCursor)

    @property
    def strokes(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Lines of at least two points."""
        return tuple(tuple(line) for line in self._lines if len(line) > 1)

    def clear(self) -> None:
        """Begin anew."""
        self._lines.clear()
        self.update()
        self.drawn.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._lines.append([self._point(event)])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._lines and sum(len(line) for line in self._lines) < MOST_POINTS:
            self._lines[-1].append(self._point(event))
            self.update()
            self.drawn.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(here.color("control_line"), 1.5))
        painter.setBrush(QColor("#ffffff"))
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), here.px(12), here.px(12))
        if not self._lines:
            painter.setPen(QColor("#565762"))
            painter.setFont(here.font("hint"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._label)
        painter.setPen(QPen(QColor("#1b1c22"), here.px(3), c=Qt.PenCapStyle.RoundCap, j=Qt.PenJoinStyle.RoundJoin))
        wide, high = self.width() / 1_000, self.height() / 1_000
        for line in self._lines:
            painter.drawPolyline([QPointF(x * wide, y * high) for x, y in line])
        painter.end()

    def _point(self, event: QMouseEvent) -> tuple[int, int]:
        at = event.position()
        across, down = at.x() * 1_000 / max(1, self.width()), at.y() * 1_000 / max(1, self.height())
        return (min(1_000, max(0, round(across))), min(1_000, max(0, round(down))))
