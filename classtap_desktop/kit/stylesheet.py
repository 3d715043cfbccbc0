"""The one stylesheet, for Qt's own widgets (fields, tables, lists, menus); what the kit draws itself needs none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from string import Template

from resources import path
from resources.themes import contrast

_SHEET = Template("""
QWidget { color: $ink; }
QMainWindow, QDialog, QWidget[ground="page"] { background: $bg; }
QWidget[ground="surface"] { background: $surface; }
QLabel { background: transparent; }
QToolTip { background: $surface; color: $ink; border: 1px solid $line; padding: ${p6}px; }

QLineEdit, QComboBox, QSpinBox, QDateEdit, QTextEdit, QPlainTextEdit {
  background: $surface; color: $ink; border: 1px solid $control_line; border-radius: ${p10}px;
  padding: ${p6}px ${p12}px; selection-background-color: $accent; selection-color: $on_accent; }
QLineEdit, QComboBox, QSpinBox, QDateEdit { min-height: ${h22}px; }
QLineEdit:focus, QComboBox:focus, QSpinBox:focus, QDateEdit:focus, QTextEdit:focus, QPlainTextEdit:focus {
  border: 2px solid $info; padding: ${p5}px ${p11}px; }
QLineEdit:disabled, QComboBox:disabled { color: $muted; background: $raised; }
QLineEdit[quiet="true"] { background: $bg; border-color: $bg; }
QLineEdit[quiet="true"]:focus { border-color: $info; }
QComboBox::drop-down { border: none; width: ${h28}px; }
QComboBox::down-arrow { image: url("$down"); width: ${h18}px; height: ${h18}px; }
QComboBox QAbstractItemView { background: $surface; border: 1px solid $line; selection-background-color: $accent_soft;
  selection-color: $ink; outline: none; }

QAbstractItemView { background: $surface; color: $ink; border: none; outline: none; gridline-color: $line;
  selection-background-color: $accent_soft; selection-color: $ink; alternate-background-color: $surface; }
QTableView, QTreeView, QListView { border: none; }
QTableView::item, QTreeView::item, QListView::item { border: none; border-bottom: 1px solid $line;
  padding: 0 ${p12}px; }
QTableView::item:selected, QTreeView::item:selected, QListView::item:selected { background: $accent_soft; color: $ink; }
QTableView::item:focus, QListView::item:focus { border: 2px solid $info; }
QListView[plain="true"] { border: none; background: transparent; border-radius: 0; }
QListView[plain="true"]::item { border: none; border-radius: ${p10}px; }
QHeaderView { background: $surface; border: none; }
QHeaderView::section { background: $surface; color: $muted; border: none; border-bottom: 1px solid $line;
  padding: ${p8}px ${p12}px; font-weight: 600; }
QTableCornerButton::section { background: $surface; border: none; }

QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; border: none; }
QScrollBar:vertical { background: transparent; width: ${h12}px; margin: ${p2}px; }
QScrollBar:horizontal { background: transparent; height: ${h12}px; margin: ${p2}px; }
QScrollBar::handle { background: $control_line; border-radius: ${p4}px; min-height: ${h36}px; min-width: ${h36}px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QMenu { background: $surface; border: 1px solid $line; border-radius: ${p10}px; padding: ${p6}px; }
QMenu::item { padding: ${p8}px ${p20}px; border-radius: ${p8}px; }
QMenu::item:selected { background: $accent_soft; color: $ink; }
QMenu::separator { height: 1px; background: $line; margin: ${p6}px ${p8}px; }

QCheckBox, QRadioButton { spacing: ${p10}px; min-height: ${h28}px; }
QCheckBox::indicator, QRadioButton::indicator { width: ${h18}px; height: ${h18}px; border: 2px solid $control_line;
  background: $surface; border-radius: ${p5}px; }
QRadioButton::indicator { border-radius: ${p11}px; }
QCheckBox::indicator:checked, QRadioButton::indicator:checked { background: $accent; border-color: $accent;
  image: url("$tick"); }
QCheckBox:focus, QRadioButton:focus { color: $info; }
QProgressBar { background: $raised; border: 1px solid $line; border-radius: ${p6}px; height: ${h12}px;
  text-align: center; }
QProgressBar::chunk { background: $accent; border-radius: ${p5}px; }
QTabBar::tab { padding: ${p8}px ${p16}px; color: $muted; border-bottom: 3px solid transparent; }
QTabBar::tab:selected { color: $ink; border-bottom-color: $accent; }
QTabWidget::pane { border: none; }
QSplitter::handle { background: $line; }
""")


def stylesheet(of: Mapping[str, str], *, px: Callable[[float], int], text: int) -> str:
    """Return the sheet for one look's tokens; ``px`` scales lengths, ``text`` is the text size in pixels."""
    lengths = {f"p{n}": px(n) for n in (2, 4, 5, 6, 8, 10, 11, 12, 16, 20)}
    grow = max(1.0, text / 15)
    heights = {f"h{n}": round(n * grow) for n in (12, 18, 22, 28, 36)}
    inks = "".join(f'QLabel[token="{token}"] {{ color: {of[token]}; }}\n' for token in of if token != "scheme")
    marks = {"tick": _mark("check", on=of["accent"]), "down": _mark("down", on=of["surface"])}
    return _SHEET.substitute(of, **lengths, **heights, **marks) + inks


def _mark(name: str, *, on: str) -> str:
    """Return the address of a mark that can be seen on a ground; a stylesheet cannot tint."""
    shade = max(("white", "black"), key=lambda ink: contrast("#FFFFFF" if ink == "white" else "#14161A", on))
    return path("icons", "marks", f"{name}_{shade}.svg").as_posix()
