"""A box to choose one of several from, that asks for little room however long its choices are."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtWidgets import QComboBox


def choice_box(choices: Iterable[tuple[str, object]], chosen: object = None) -> QComboBox:
    """Return a box of texts with what each stands for; the first where nothing else is chosen."""
    box = QComboBox()
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(6)
    for text, value in choices:
        box.addItem(text, value)
    box.setCurrentIndex(max(0, box.findData(chosen)))
    return box
