"""The palette: type a few letters, press Enter. Finds people, classes and everything that can be done."""

from __future__ import annotations

from datetime import date

from PySide6.QtCore import QEvent, QModelIndex, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QLineEdit, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from classtap_desktop import actions
from classtap_desktop.desk import Desk, Trouble
from classtap_desktop.frame.finding import FINDING, Finding, FindingsModel, Index, matching, read_people, read_week
from classtap_desktop.frame.keycaps import shown
from classtap_desktop.frame.keys import Keys
from classtap_desktop.frame.overlay import Overlay
from classtap_desktop.kit import Label, Rule, icons, painting, theme
from classtap_desktop.spacing import column, grown

_ICONS = {
    "family": "people",
    "child": "person",
    "guardian": "person",
    "class": "roster",
    "instructor": "calendar",
    "action": "tap",
}
LINES = 9


class Palette(Overlay):
    """Signals: ``chosen(finding)`` when a line was taken, after the palette went away."""

    chosen = Signal(object)

    def __init__(self, desk: Desk, keys: Keys, over: QWidget) -> None:
        super().__init__(over, top=64)
        self._desk, self._keys = desk, keys
        self._week: tuple[Finding, ...] = ()
        self._people: tuple[Finding, ...] = ()
        self.model = FindingsModel(self)
        whole = column(self.card, margins=(10, 10, 10, 10), gap=6)
        self.field = QLineEdit()
        self.field.setProperty("quiet", "true")
        self.field.textChanged.connect(lambda _text: self._ask())
        self.field.installEventFilter(self)
        self.list = QListView()
        self.list.setProperty("plain", "true")
        self.list.setModel(self.model)
        self.list.setItemDelegate(_Lines(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.clicked.connect(self._take)
        self.nothing = Label("", "text", token="muted")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        for widget in (self.field, Rule(), self.list, self.nothing):
            whole.addWidget(widget)

    def open(self) -> None:
        """Show it, empty."""
        words = theme().words
        self.card.setFixedWidth(min(grown(620), self._over.width() - 48))
        self.field.setPlaceholderText(words.say("desk.search.hint"))
        self.field.setAccessibleName(words.say("desk.search.hint"))
        self.field.setFont(theme().font("heading"))
        self.nothing.setMinimumHeight(grown(54))
        self._week, self._people = (), ()
        self.field.clear()
        super().open()
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)
        operator = self._desk.operator
        self._desk.read(
            "palette.week", lambda source: read_week(source, operator), then=self._show_week, failed=self._failed
        )
        self._show()

    def _ask(self) -> None:
        text = self.field.text()
        self._people = tuple(matching(self._people, text)) if text.strip() else ()
        if text.strip():
            operator = self._desk.operator
            self._desk.read(
                "palette.people", lambda source: (text, read_people(source, text, operator)), then=self._show_people,
                failed=self._failed,
            )  # fmt: skip
        self._show()

    def _show_week(self, week: tuple[Finding, ...]) -> None:
        self._week = week
        self._show()

    def _show_people(self, answer: tuple[str, tuple[Finding, ...]]) -> None:
        if answer[0] == self.field.text():
            self._people = answer[1]
            self._show()

    def _show(self) -> None:
        words, text = theme().words, self.field.text().strip()
        offered = [
            Finding("action", action.id, words.say(action.words), shown(action.keys[0]) if action.keys else "")
            for action in self._keys.offered()
        ]
        if text:
            found = [*self._people, *matching(self._week, text), *matching(offered, text)]
        else:
            found = offered
        self.model.show_findings(found)
        self.list.setVisible(bool(found))
        self.nothing.setVisible(not found)
        self.nothing.show_text(words.say("desk.search.nothing"))
        tall = self.list.sizeHintForRow(0) if found else 0
        self.list.setFixedHeight(min(len(found), LINES) * tall + 4)
        if found:
            self.list.setCurrentIndex(self.model.index(0))

    def _take(self, index: QModelIndex) -> None:
        finding: Finding | None = index.data(FINDING)
        if finding is not None:
            self.close_overlay()
            self.chosen.emit(finding)

    def _failed(self, trouble: Trouble) -> None:
        self.nothing.show_text(trouble.sentence(theme().words))
        self.nothing.show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up) and self.model.findings:
                step = 1 if event.key() == Qt.Key.Key_Down else -1
                at = (self.list.currentIndex().row() + step) % len(self.model.findings)
                self.list.setCurrentIndex(self.model.index(at))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._take(self.list.currentIndex())
                return True
        return super().eventFilter(watched, event)


class _Lines(QStyledItemDelegate):
    """A finding: its kind's icon, the title, and the detail at the end of the line."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, theme().metrics("text").height() + theme().px(22))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        here = theme()
        finding: Finding = index.data(FINDING)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(option.rect).adjusted(here.px(2), here.px(1), -here.px(2), -here.px(1))
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            painting.box(painter, area, radius=here.px(10), fill=here.color("accent_soft"))
        rtl = option.direction == Qt.LayoutDirection.RightToLeft
        room = area.adjusted(here.px(12), 0, -here.px(12), 0)
        side = grown(20)
        left = room.right() - side if rtl else room.left()
        icon = actions.BY_ID[finding.id].icon if finding.kind == "action" else ""
        icons.draw(
            painter, icon or _ICONS[finding.kind], box=QRectF(left, room.center().y() - side / 2, side, side),
            color=here.color("accent" if chosen else "muted"), rtl=rtl,
        )  # fmt: skip
        taken = side + here.px(14)
        room = room.adjusted(0 if rtl else taken, 0, -taken if rtl else 0, 0)
        detail = finding.detail
        if finding.session is not None:
            words, session = here.words, finding.session
            detail = f"{words.weekday(date.fromisoformat(session.day))} {words.time(session.start_ms, session.zone)} · {detail}"
        wide = min(painting.line_width(detail, here.font("secondary")) + 4, room.width() * 0.55) if detail else 0
        first = room.adjusted(wide if rtl else 0, 0, 0 if rtl else -wide, 0)
        painting.line(
            painter, first, finding.title, font=here.font("text"), color=here.color("ink"), rtl=rtl, centred=False,
            marks=finding.marks, marked=here.color("accent"),
        )  # fmt: skip
        if detail:
            last = QRectF(room.left() if rtl else room.right() - wide, room.top(), wide, room.height())
            painting.line(
                painter, last, detail, font=here.font("secondary"), color=here.color("muted"), rtl=rtl, centred=True
            )
        painter.restore()
