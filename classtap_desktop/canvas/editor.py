"""The editor: board and table, form, problems, layers and history around one map, with its keys and its tools."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QKeyCombination, QMimeData, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QKeySequence,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QLineEdit, QSplitter, QStackedWidget, QUndoView, QWidget

from classtap_core.seating.model import EquipmentType, SeatMap
from classtap_core.seating.numbering import Numbering
from classtap_core.seating.validation.telling import Teller
from classtap_desktop import actions
from classtap_desktop.canvas import placing
from classtap_desktop.canvas.board import Board
from classtap_desktop.canvas.commands import Commands
from classtap_desktop.canvas.document import Document
from classtap_desktop.canvas.edits import Item
from classtap_desktop.canvas.form import Form
from classtap_desktop.canvas.judge import Judge, newly_hurt
from classtap_desktop.canvas.layers import Layers
from classtap_desktop.canvas.problems import Problems
from classtap_desktop.canvas.shelf import MIME, Shelf
from classtap_desktop.canvas.statusline import StatusLine
from classtap_desktop.canvas.table import ItemsTable
from classtap_desktop.canvas.toolbar import Toolbar
from classtap_desktop.canvas.tools.draw import CalibrateTool
from classtap_desktop.canvas.tools.place import PlaceTool
from classtap_desktop.canvas.tools.select import SelectTool
from classtap_desktop.kit import Button, Toast, theme
from classtap_desktop.kit.wrapped import Wrapped
from classtap_desktop.spacing import column, grown

PAGES = ("table", "form", "layers", "history")
KEYS = {
    QKeySequence.fromString(keys).toString(): action.id
    for action in actions.ACTIONS
    if action.id.startswith("map.")
    for keys in action.keys
}


class Editor(QWidget):
    """Attributes: ``document``, ``judge``, ``board``, ``commands``, ``table``, ``form``, ``problems``, ``layers``,
    ``numbering`` (the rules last used, if any).

    Signals: ``save_asked``, ``dialog_asked(name)`` when a dialog is wanted, ``spoke(text)`` for a sentence shown.
    """

    save_asked = Signal()
    dialog_asked = Signal(str)
    spoke = Signal(str)

    def __init__(self, seat_map: SeatMap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.numbering: Numbering | None = None
        self.document = Document(seat_map, self)
        self.document.barred.connect(lambda: self.tell("map.told.readonly", {}))
        self.judge = Judge(self)
        self.board = Board(self.document, self.judge, self)
        self.board.home = SelectTool(self.board)
        self.board.use(self.board.home)
        self.commands = Commands(self)
        self._build()
        board = self.board
        board.told.connect(self.tell)
        board.asked.connect(self._asked)
        board.setAcceptDrops(True)
        board.installEventFilter(self)
        self.table.items.refused.connect(self.tell)
        self.form.refused.connect(self.tell)
        self.problems.told.connect(self.tell)
        self.shelf.taken.connect(self.take)
        self.document.selected.connect(self._selected)
        theme().changed.connect(self._dress)
        self._dress()
        self.judge.look_at(seat_map)

    def _build(self) -> None:
        whole = column(self)
        self.toolbar = Toolbar(self)
        whole.addWidget(self.toolbar)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setHandleWidth(1)
        self.split.setChildrenCollapsible(False)
        self.shelf = Shelf(self.document)
        self.shelf.setProperty("ground", "surface")
        self.shelf.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.side = QWidget()
        self.side.setProperty("ground", "surface")
        self.side.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        beside = column(self.side, margins=(14, 12, 12, 8), gap=10)
        self.problems = Problems(self.document, self.judge, self.board)
        beside.addWidget(self.problems)
        chosen = QWidget()
        tabs = Wrapped(chosen, gap=theme().px(4))
        self.tabs = {name: Button("", size="tool", kind="quiet", checkable=True) for name in PAGES}
        self.pages = QStackedWidget()
        self.table, self.form, self.layers = ItemsTable(self.document), Form(self.document), Layers(self.document)
        self.history = QUndoView(self.document.stack)
        for at, button in enumerate(self.tabs.values()):
            button.clicked.connect(lambda _=False, at=at: self.show_page(PAGES[at]))
            tabs.addWidget(button)
        for page in (self.table, self.form, self.layers, self.history):
            self.pages.addWidget(page)
        beside.addWidget(chosen)
        beside.addWidget(self.pages, 1)
        for widget in (self.shelf, self.board, self.side):
            self.split.addWidget(widget)
        self.split.setStretchFactor(1, 1)
        whole.addWidget(self.split, 1)
        self.status = StatusLine(self)
        whole.addWidget(self.status)
        self.toast = Toast(self.board)
        self.show_page("table")

    def close_editor(self) -> None:
        """End the judge's thread and let go of the steps."""
        self.judge.close()
        self.document.close()

    # --- what people do

    def take(self, code: str) -> None:
        """Take a thing from the shelf: its ghost hangs on the pointer, or stands in the middle for the keyboard."""
        if self.may_change():
            items = placing.thing(code, self.document.seat_map)
            self.place(items, _types_of(code, self.document.seat_map), "placed", once=False)

    def place(self, items: Sequence[Item], types: Sequence[EquipmentType], code: str, *, once: bool) -> None:
        """Hang things on the pointer."""
        tool = PlaceTool(self.board, items, types, code, once=once)
        tool.at = self.board.middle_place()
        self.board.use(tool)
        self.board.setFocus(Qt.FocusReason.OtherFocusReason)
        self.say_quietly("map.told.placing")

    def may_change(self) -> bool:
        """Whether this map may be changed now; says so where it may not."""
        if self.document.readonly:
            self.document.barred.emit()
        return not self.document.readonly

    def guarded(self, code: str, after: SeatMap) -> bool:
        """Take a step unless it newly overlaps, blocks a way out or narrows an aisle; say why it may not be."""
        before = self.document.seat_map
        if after is before or not self.may_change():
            return False
        was = self.judge.violations if self.judge.seat_map is before else self.judge.checker_for(before).violations()
        hurt = newly_hurt(was, self.judge.checker_for(after).violations())
        if hurt:
            words, params = Teller(after).told(hurt[0])
            self.judge.look_at(before)
            self.tell("map.told.back", {"why": theme().words.say(words, **params)})
            return False
        return self.document.do(code, after, count=len(self.document.selection))

    def save(self) -> None:
        """Ask for the draft to be saved."""
        self.save_asked.emit()

    def toggle_snap(self) -> None:
        """Let things snap to the grid, or not."""
        self.board.snap = not self.board.snap
        self.board.update()
        self.toolbar.follow()

    def toggle_guides(self) -> None:
        """Let things snap to each other, or not."""
        self.board.guides = not self.board.guides
        self.toolbar.follow()

    def show_form(self) -> None:
        """Go on with the keyboard: put down what hangs on the pointer, else fill in the form."""
        if not self.board.tool.accept():
            self.show_page("form")
            QTimer.singleShot(0, self, self.form.focus_first)

    def show_page(self, name: str) -> None:
        """Show the table, the form, the layers or the history."""
        self.pages.setCurrentIndex(PAGES.index(name))
        for page, button in self.tabs.items():
            button.setChecked(page == name)
        if name == "form":
            self.form.follow()
        elif name == "table":
            self.table.follow()

    def show_numbering(self) -> None:
        """Number the spots by rule."""
        self.dialog_asked.emit("numbering")

    def show_templates(self) -> None:
        """Begin from a template."""
        self.dialog_asked.emit("templates")

    def show_patterns(self) -> None:
        """Put down rows, grids, arcs, fans and lanes."""
        self.dialog_asked.emit("pattern")

    def show_underlay(self) -> None:
        """Trace a picture."""
        self.dialog_asked.emit("underlay")

    def show_export(self) -> None:
        """Print, or write a file."""
        self.dialog_asked.emit("export")

    def show_difference(self) -> None:
        """Compare with what is in force."""
        self.dialog_asked.emit("difference")

    def show_versions(self) -> None:
        """Look at the room's versions."""
        self.dialog_asked.emit("versions")

    def show_comments(self) -> None:
        """Look at what is said about the draft."""
        self.dialog_asked.emit("comments")

    def show_picture(self, picture: QPixmap | None) -> None:
        """Draw a picture under the map."""
        self.board.pictured = picture
        self.board.forget_ground()

    # --- what is said

    def tell(self, code: str, params: dict[str, object]) -> None:
        """Show a sentence about what was just refused, over the board, and speak it."""
        self.warn(theme().words.say(code, **params))

    def warn(self, text: str) -> None:
        """Show a sentence over the board, and speak it."""
        self.toast.say(text, tone="warn", icon="warn", for_ms=7000)
        self.speak(text)

    def say_quietly(self, code: str) -> None:
        """Put a hint into the status line."""
        self.status.hint(theme().words.say(code))

    def speak(self, text: str) -> None:
        """Have a screen reader say something."""
        if QAccessible.isActive():
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self.board, text))
        self.spoke.emit(text)

    def describe(self, id: str) -> str:
        """A thing in words: kind, name, place."""
        return self.table.items.spoken(self.document.items[id])

    def _asked(self) -> None:
        if isinstance(self.board.tool, CalibrateTool):
            self.dialog_asked.emit("underlay")
        else:
            self.show_page("form")
            QTimer.singleShot(0, self, self.form.focus_first)

    def _selected(self) -> None:
        if len(self.document.selection) == 1:
            self.board.setAccessibleDescription(self.describe(self.document.selection[0]))

    def _dress(self) -> None:
        words = theme().words
        for name, button in self.tabs.items():
            button.show_text(words.say(f"map.page.{name}"))
        self.board.setAccessibleName(words.say("map.board"))
        self.history.setAccessibleName(words.say("map.page.history"))
        self.history.setEmptyLabel(words.say("map.history.start"))
        self.shelf.setMinimumWidth(theme().px(140))
        self.side.setMinimumWidth(theme().px(250))
        self._share()

    def _share(self) -> None:
        """Give shelf and table what they need, and the board the rest; large text leaves it half of the window."""
        whole = max(self.width(), theme().px(960))
        shelf, side = min(max(grown(176), self.shelf.needed()), whole * 17 // 100), min(grown(416), whole * 34 // 100)
        self.split.setSizes([shelf, whole - shelf - side, side])

    # --- Qt's own

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._command(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        command = self._command(event)
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat() and self.board.hasFocus():
            self.board.hold_space(True)
        elif command:
            self.commands.run(command)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.board.hold_space(False)
        super().keyReleaseEvent(event)

    def _command(self, event: QKeyEvent) -> str:
        """The action a key stands for here; single letters, arrows and Delete are the board's alone."""
        modifier, key = Qt.KeyboardModifier, Qt.Key(event.key())
        keys = event.modifiers() & ~modifier.KeypadModifier  # arrows of a Mac, and + beside the numbers
        found = KEYS.get(QKeySequence(QKeyCombination(keys, key)).toString(), "")
        if not found and event.text() and not event.text().isalnum():  # a sign that this keyboard has above another
            found = KEYS.get(QKeySequence(QKeyCombination(keys & ~modifier.ShiftModifier, key)).toString(), "")
        held = event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.MetaModifier)
        if not held and not self.board.hasFocus():
            return found if found == "map.select_none" else ""
        if found in ("map.copy", "map.cut", "map.paste", "map.select_all") and isinstance(
            self.focusWidget(), QLineEdit
        ):
            return ""
        return found

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Things of the shelf dragged over the board."""
        if watched is not self.board:
            return False
        if isinstance(event, QDropEvent) and event.type() == QEvent.Type.Drop:
            tool = self.board.tool
            if isinstance(tool, PlaceTool):
                tool.release(self.board.pointer(event.position()))
                if self.board.tool is tool and event.mimeData().hasFormat(MIME):
                    self.board.use(self.board.home)
            event.acceptProposedAction()
            return True
        if isinstance(event, QDragMoveEvent) and event.type() == QEvent.Type.DragMove:
            self.board.tool.move(self.board.pointer(event.position()), down=False)
            event.acceptProposedAction()
            return True
        if isinstance(event, QDragEnterEvent):
            return self._entered(event)
        if event.type() == QEvent.Type.DragLeave:
            self.board.use(self.board.home)
            return True
        return False

    def _entered(self, event: QDragEnterEvent) -> bool:
        code = code_in(event.mimeData())
        if not code or self.document.readonly:
            return False
        items = placing.thing(code, self.document.seat_map)
        tool = PlaceTool(self.board, items, _types_of(code, self.document.seat_map), "placed", once=True)
        self.board.use(tool)
        tool.move(self.board.pointer(QPointF(event.position())), down=False)
        event.acceptProposedAction()
        return True


def code_in(data: QMimeData) -> str:
    """What of the shelf is being dragged; "" for anything else."""
    return bytes(data.data(MIME).data()).decode() if data.hasFormat(MIME) else ""


def _types_of(code: str, seat_map: SeatMap) -> tuple[EquipmentType, ...]:
    wanted = code.removeprefix("type:")
    return tuple(type for type in placing.equipment(seat_map) if type.id == wanted)[:1]
