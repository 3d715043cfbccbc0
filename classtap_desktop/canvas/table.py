"""The table beside the board: everything in the room with its place in the unit of the moment, and every cell typed into."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QRectF,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetricsF, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.equipment import BY_ID
from classtap_core.seating.model import FULL_TURN_MDEG, EquipmentType, Outline, Path, SeatMap, Spot, Zone, ZoneKind
from classtap_core.seating.units import reentered, shown
from classtap_desktop.canvas import edits
from classtap_desktop.canvas.document import Document
from classtap_desktop.canvas.edits import Item
from classtap_desktop.kit import painting, theme
from classtap_desktop.screens.plain_header import PlainHeader
from classtap_desktop.spacing import grown

Index = QModelIndex | QPersistentModelIndex
ROOT = QModelIndex()
COLUMNS = ("name", "x", "y", "turn", "width", "length", "detail")
WIDEST = ("Mirror", "88.88", "88.88", "288.8°", "88.88", "88.88")
"""What a cell of each column but the last shows whole."""
INSET = 4


class ItemsModel(QAbstractTableModel):
    """A document's things as rows, in the map's order. Signals: ``refused(code, params)`` for a cell not understood."""

    refused = Signal(str, object)

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self._document = document
        self.items: list[Item] = list(edits.every_item(document.seat_map))
        self.row_of = {item.id: row for row, item in enumerate(self.items)}
        document.changed.connect(self._changed)

    def _changed(self, before: SeatMap, after: SeatMap) -> None:
        items = list(edits.every_item(after))
        same = len(items) == len(self.items) and all(
            one.id == other.id for one, other in zip(items, self.items, strict=True)
        )
        if not same:
            self.beginResetModel()
            self.items = items
            self.row_of = {item.id: row for row, item in enumerate(items)}
            self.endResetModel()
            return
        rows = [row for row, item in enumerate(items) if item is not self.items[row]]
        self.items = items
        if before.unit is not after.unit or before.types is not after.types:
            rows = [0, len(items) - 1] if items else []
        if rows:
            self.dataChanged.emit(self.index(rows[0], 0), self.index(rows[-1], len(COLUMNS) - 1))

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.items)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            words, column = theme().words, COLUMNS[section]
            title = words.say(f"map.column.{column}")
            return f"{title} {self._document.seat_map.unit}" if column in ("x", "y") else title
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        item, column = self.items[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole and column == "turn" and not isinstance(item, Path):
            return f"{round(item.rotation_mdeg / 1000, 1):g}°"  # to the tenth; whoever types into it sees all
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return self._cell(item, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            if index.column() == 0:
                return self.spoken(item)
            head = self.headerData(index.column(), Qt.Orientation.Horizontal)
            return f"{name_of(item) or '–'}, {head} {self._cell(item, column)}"
        if role == Qt.ItemDataRole.ForegroundRole and column == "detail":
            return theme().color("muted")
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        if not index.isValid():
            return flags
        item, column = self.items[index.row()], COLUMNS[index.column()]
        if edits.is_locked(self._document.seat_map, item):
            return flags
        sized = isinstance(item, Zone) and not item.points_um
        editable = column in ("name", "x", "y") or (column == "turn" and not isinstance(item, Path))
        editable = editable or (column in ("width", "length") and sized)
        editable = editable or (column == "width" and isinstance(item, Path))
        return flags | Qt.ItemFlag.ItemIsEditable if editable else flags

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.EditRole:
            return False
        item, column = self.items[index.row()], COLUMNS[index.column()]
        try:
            changed = typed(item, column, str(value), self._document.seat_map)
        except BadInput as bad:
            self.refused.emit(f"error.{bad.code}", dict(bad.params))
            return False
        return self._document.do("typed", edits.with_changed(self._document.seat_map, [changed]))

    def spoken(self, item: Item) -> str:
        """What a screen reader says of a row."""
        words, unit = theme().words, self._document.seat_map.unit
        x, y = edits.anchor_of(item)
        return words.say(
            "map.spoken",
            kind=kind_words(item, self._document.seat_map),
            name=name_of(item) or "–",
            x=f"{shown(x, unit)} {unit}",
            y=f"{shown(y, unit)} {unit}",
            turn=f"{getattr(item, 'rotation_mdeg', 0) / 1000:g}°",
        )

    def _cell(self, item: Item, column: str) -> str:
        unit = self._document.seat_map.unit
        if column == "name":
            return name_of(item)
        if column == "detail":
            return detail_of(item, self._document.seat_map)
        if column == "turn":
            return "" if isinstance(item, Path) else f"{item.rotation_mdeg / 1000:g}°"
        if column in ("x", "y"):
            return shown(edits.anchor_of(item)[column == "y"], unit)
        length = self._size(item, column)
        return shown(length, unit) if length else ""

    def _size(self, item: Item, column: str) -> int:
        if isinstance(item, Spot):
            type = next(type for type in self._document.seat_map.types if type.id == item.type)
            return type.width_um if column == "width" else type.length_um
        if isinstance(item, Path):
            return item.width_um if column == "width" else 0
        if item.points_um:
            box = edits.item_box(item, self._document.seat_map)
            return box.width if column == "width" else box.height
        return item.width_um if column == "width" else item.length_um


def typed(item: Item, column: str, text: str, seat_map: SeatMap) -> Item:
    """A thing with what was typed into a cell of the table. Raises BadInput for a length or a turn that is none."""
    unit = seat_map.unit
    if column == "name":
        return replace(item, **{"label" if isinstance(item, Spot) else "name": text.strip()})
    if column == "turn":
        return replace(item, rotation_mdeg=turn_typed(text))
    if column in ("x", "y"):
        here = edits.anchor_of(item)
        at = column == "y"
        by = reentered(text, here[at], unit) - here[at]
        return edits.shifted(item, 0 if at else by, by if at else 0)
    field = f"{column}_um"
    return replace(item, **{field: max(1_000, reentered(text, getattr(item, field), unit))})


def turn_typed(text: str) -> int:
    """Degrees as somebody typed them, in millidegrees. Raises BadInput `turn.not_a_number`."""
    try:
        return round(float(text.replace("°", "").replace(",", ".").strip()) * 1000) % FULL_TURN_MDEG
    except (ValueError, OverflowError) as error:
        raise BadInput("turn.not_a_number", text=text) from error


def name_of(item: Item) -> str:
    """What a thing is called."""
    if isinstance(item, Spot):
        return item.label
    return item.name or (item.text if isinstance(item, Zone) else "")


def kind_words(item: Item, seat_map: SeatMap) -> str:
    """What kind of thing it is, in words."""
    words = theme().words
    if isinstance(item, Spot):
        return next((type_words(type) for type in seat_map.types if type.id == item.type), item.type)
    if isinstance(item, Path):
        return words.say("map.kind.path")
    is_round = item.kind is ZoneKind.OBSTRUCTION and item.outline is Outline.ROUND
    return words.say("map.kind.round" if is_round else f"map.kind.{item.kind}")


def type_words(type: EquipmentType) -> str:
    """What a kind of equipment is called: in the language in force where it has the name it came with."""
    words, code = theme().words, f"map.equipment.{type.id}"
    known = BY_ID.get(type.id)
    return words.say(code) if known is not None and known.name == type.name and words.has(code) else type.name


def detail_of(item: Item, seat_map: SeatMap) -> str:
    """What else there is to know at a glance: kind, tags, who sees it, whether it works."""
    words = theme().words
    parts = [kind_words(item, seat_map)]
    if isinstance(item, Spot):
        parts += [words.say(f"map.tag.{tag}") if words.has(f"map.tag.{tag}") else tag for tag in item.tags]
        if item.visibility.value != "public":
            parts.append(words.say(f"map.visibility.{item.visibility}"))
        if item.status.value != "operational":
            parts.append(words.say(f"map.status.{item.status}"))
    if edits.is_locked(seat_map, item):
        parts.append(words.say("map.locked"))
    return words.join(parts)


class _Cells(QStyledItemDelegate):
    """Numbers under each other, close together, so that a narrow table still shows them all."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        here = theme()
        painter.save()
        area = QRectF(option.rect)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, here.color("info_soft"))
        painter.fillRect(option.rect.left(), option.rect.bottom(), option.rect.width(), 1, here.color("line"))
        inset = here.px(INSET)
        font = here.font("cell")
        font.setPixelSize(here.font("secondary").pixelSize())
        painting.line(
            painter, area.adjusted(inset, 0, -inset, 0), str(index.data() or ""), font=font,
            color=here.color("muted" if COLUMNS[index.column()] == "detail" else "ink"),
            rtl=option.direction == Qt.LayoutDirection.RightToLeft, centred=False,
        )  # fmt: skip
        if option.state & QStyle.StateFlag.State_HasFocus:
            painting.focus_ring(painter, area, radius=2)
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = QLineEdit(parent)
        editor.setStyleSheet("border-radius: 0; padding: 0 3px; min-height: 0")
        editor.setAccessibleName(str(index.model().headerData(index.column(), Qt.Orientation.Horizontal)))
        return editor


class ItemsTable(QTableView):
    """The table; what is chosen in it is chosen on the board, and the other way round."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._following = False
        self.items = ItemsModel(document)
        self.setModel(self.items)
        self.setHorizontalHeader(PlainHeader(self, inset=INSET))
        self.setItemDelegate(_Cells(self))
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
            | QAbstractItemView.EditTrigger.AnyKeyPressed
        )
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        document.selected.connect(self.follow)
        self.items.modelReset.connect(self.follow)
        self.selectionModel().selectionChanged.connect(self._chosen)
        theme().changed.connect(self._dress)
        self._dress()

    def follow(self) -> None:
        """Choose what is chosen on the board."""
        rows = sorted(self.items.row_of[id] for id in self._document.selection if id in self.items.row_of)
        if rows == sorted({index.row() for index in self.selectionModel().selectedRows()}):
            return
        chosen = QItemSelection()
        last = len(COLUMNS) - 1
        start = previous = rows[0] if rows else -1
        for row in [*rows[1:], None] if rows else []:
            if row != previous + 1:
                chosen.select(self.items.index(start, 0), self.items.index(previous, last))
                start = row if row is not None else -1
            previous = row if row is not None else previous
        self._following = True
        self.selectionModel().select(chosen, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._following = False
        if rows and self.isVisible() and not self.hasFocus():
            self.scrollTo(self.items.index(rows[0], 0))
            self.selectionModel().setCurrentIndex(
                self.items.index(rows[0], 0), QItemSelectionModel.SelectionFlag.NoUpdate
            )

    def _chosen(self) -> None:
        if not self._following:
            ids = [self.items.items[index.row()].id for index in self.selectionModel().selectedRows()]
            self._document.select(ids)

    def _dress(self) -> None:
        self.setAccessibleName(theme().words.say("map.table"))
        self.verticalHeader().setDefaultSectionSize(max(grown(30), theme().metrics("text").height() + 10))
        self.setFont(theme().font("secondary"))
        self._spread()

    def _spread(self) -> None:
        """Give each column what its words need, and the last one the rest; all less where that is too much."""
        here, room = theme(), max(self.viewport().width(), grown(300))
        font = here.font("cell")
        font.setPixelSize(here.font("secondary").pixelSize())
        cells, heads = QFontMetricsF(font), QFontMetricsF(here.font("secondary"))
        wanted = [
            max(cells.horizontalAdvance(text), heads.horizontalAdvance(self._title(column))) + 2 * here.px(INSET) + 2
            for column, text in enumerate(WIDEST)
        ]
        least = cells.horizontalAdvance("MMMMM")
        share = min(1.0, (room - least) / sum(wanted))
        for column, wide in enumerate(wanted):
            self.setColumnWidth(column, int(wide * share))
        self.setColumnWidth(len(WIDEST), room - sum(int(wide * share) for wide in wanted))

    def _title(self, column: int) -> str:
        return str(self.items.headerData(column, Qt.Orientation.Horizontal))

    def event(self, event: QEvent) -> bool:
        # letters typed here begin to edit a cell: they are not the window's keys
        if event.type() == QEvent.Type.ShortcutOverride and self.state() == QAbstractItemView.State.EditingState:
            event.accept()
            return True
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._spread()
