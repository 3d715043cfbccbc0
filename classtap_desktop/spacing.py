"""Lengths that grow with the text, and layouts without Qt's own margins."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from classtap_desktop.kit import theme


def grown(length: float) -> int:
    """Return a length of the 100 % layout in pixels, larger with larger text: for what must hold words."""
    return round(theme().px(length) * theme().text_scale)


def column(
    parent: QWidget | None = None, *, margins: tuple[int, int, int, int] = (0, 0, 0, 0), gap: int = 0
) -> QVBoxLayout:
    """Return a column layout; margins (start, top, end, bottom) and gap in pixels at 100 %."""
    made = QVBoxLayout(parent) if parent is not None else QVBoxLayout()
    _space(made, margins, gap)
    return made


def row(
    parent: QWidget | None = None, *, margins: tuple[int, int, int, int] = (0, 0, 0, 0), gap: int = 0
) -> QHBoxLayout:
    """Return a row layout; margins (start, top, end, bottom) and gap in pixels at 100 %."""
    made = QHBoxLayout(parent) if parent is not None else QHBoxLayout()
    _space(made, margins, gap)
    return made


def anew(place: QVBoxLayout) -> QVBoxLayout:
    """An empty column in place of what a layout held."""
    while (item := place.takeAt(0)) is not None:
        if (old := item.widget()) is not None:
            old.hide()
            old.deleteLater()
    fresh = QWidget()
    place.addWidget(fresh)
    return column(fresh, gap=10)


def _space(layout: QHBoxLayout | QVBoxLayout, margins: tuple[int, int, int, int], gap: int) -> None:
    here = theme()
    layout.setContentsMargins(*(here.px(length) for length in margins))
    layout.setSpacing(here.px(gap))
