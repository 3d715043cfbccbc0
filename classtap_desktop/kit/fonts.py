"""The bundled fonts: Inter for Latin, Cyrillic and Greek, Noto Sans for every other script a family may write its name in."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QLoggingCategory
from PySide6.QtGui import QFont, QFontDatabase

from resources import path

_SCRIPTS = (
    "Arabic UI", "Hebrew", "Devanagari UI", "Bengali UI", "Gujarati UI", "Gurmukhi UI", "Tamil UI", "Telugu UI",
    "Kannada UI", "Malayalam UI", "Sinhala UI", "Thai UI", "Lao UI", "Khmer UI", "Myanmar UI", "Georgian", "Armenian",
    "Ethiopic", "CJK SC", "CJK JP", "CJK KR",
)  # fmt: skip
FAMILIES = ("Inter", "Noto Sans", *(f"Noto Sans {script}" for script in _SCRIPTS))
_loaded: list[int] = []


class Role(NamedTuple):
    """How a kind of text is set: size in pixels at 100 %, weight, tabular figures, letter spacing in percent."""

    size: int
    weight: int
    tabular: bool = False
    spacing: float = 100.0


ROLES = {
    # desk
    "text": Role(15, 400),
    "strong": Role(15, 600),
    "secondary": Role(13, 400),
    "label": Role(13, 600),
    "heading": Role(17, 600),
    "title": Role(28, 700, spacing=98.5),
    "figure": Role(22, 700, tabular=True),
    "cell": Role(15, 400, tabular=True),
    # kiosk
    "greeting": Role(44, 700, spacing=98.0),
    "headline": Role(34, 700, spacing=98.5),
    "name": Role(25, 600),
    "group": Role(22, 700, tabular=True),
    "button": Role(21, 600),
    "primary": Role(25, 600),
    "hint": Role(20, 400),
    "note": Role(16, 400, tabular=True),
    "chip": Role(16, 600),
    "badge": Role(17, 600, tabular=True),
    "brand": Role(18, 600),
    "clock": Role(22, 700, tabular=True),
    "key": Role(30, 500, tabular=True),
}


def load() -> None:
    """Make the bundled fonts known to Qt, once for the process. Needs a running ``QGuiApplication``."""
    if _loaded:
        return
    # Qt asks each family of the list in turn for a complex script and warns for each that lacks it (Qt 6.11).
    QLoggingCategory.setFilterRules("qt.text.font.db=false")
    files = sorted(path("fonts").glob("*.[ot]t[fc]"))
    _loaded.extend(QFontDatabase.addApplicationFont(str(file)) for file in files)


def font(role: str, *, factor: float = 1.0) -> QFont:
    """Return the font of a role, its size times ``factor``; raises ``KeyError`` for a role there is not."""
    size, weight, tabular, spacing = ROLES[role]
    made = QFont(list(FAMILIES))
    made.setPixelSize(max(1, round(size * factor)))
    made.setWeight(QFont.Weight(weight))
    made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    if spacing != 100.0:
        made.setLetterSpacing(QFont.SpacingType.PercentageSpacing, spacing)
    if tabular:
        made.setFeature(QFont.Tag("tnum"), 1)
    return made
