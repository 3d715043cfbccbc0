"""What everything drawn stands in: colours, fonts, sizes, language and direction. One for the program; widgets follow it."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPalette
from PySide6.QtWidgets import QApplication

from classtap_desktop.kit import fonts
from classtap_desktop.kit.stylesheet import stylesheet
from resources.text import Catalogue
from resources.themes import contrast, tokens

SYSTEM = "system"


class Theme(QObject):
    """Attributes: ``look`` (``system``, ``light``, ``dark`` or ``bright``), ``words`` (the catalogue in force),
    ``text_scale`` (1.0 to 2.0, text only), ``zoom`` (everything), ``tokens`` (token to ``#RRGGBB``).

    Signals: ``changed`` after any of these changed, when palette and stylesheet are already new.
    """

    changed = Signal()
    _current: ClassVar[Theme | None] = None

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        fonts.load()
        self._app = app
        self.look = SYSTEM
        self.words = Catalogue()
        self.text_scale = 1.0
        self.zoom = 1.0
        self._accent: str | None = None
        self.tokens = dict(tokens("light"))
        app.setStyle("Fusion")
        app.styleHints().colorSchemeChanged.connect(self._system_changed)
        self._apply()

    def use(
        self,
        *,
        look: str | None = None,
        locale: str | None = None,
        hours: int | None = None,
        text_scale: float | None = None,
        zoom: float | None = None,
        accent: str | None = None,
    ) -> None:
        """Change what is given and leave the rest. ``hours`` (12 or 24) goes with ``locale``; ``accent`` is a studio's
        own ``#RRGGBB``, taken only where it can be read on every ground, ``""`` gives it back. Raises ``KeyError`` for
        an unknown look."""
        if look is not None:
            if look != SYSTEM:
                tokens(look)
            self.look = look
        if locale is not None:
            self.words = Catalogue(locale, hours=hours)
        if text_scale is not None:
            self.text_scale = min(2.0, max(1.0, text_scale))
        if zoom is not None:
            self.zoom = min(4.0, max(0.5, zoom))
        if accent is not None:
            self._accent = accent or None
        self._apply()
        self.changed.emit()

    @property
    def rtl(self) -> bool:
        """Whether the language in force is written from right to left."""
        return self.words.is_rtl

    @property
    def dark(self) -> bool:
        """Whether the look in force is a dark one."""
        return self.tokens["scheme"] == "dark"

    def color(self, token: str) -> QColor:
        """Return the colour of a token; raises ``KeyError`` for a token there is not."""
        return QColor(self.tokens[token])

    def font(self, role: str) -> QFont:
        """Return the font of a role (see ``fonts.ROLES``) at the scale in force; what is large already grows less."""
        large = fonts.ROLES[role].size >= 28
        scale = 1 + (self.text_scale - 1) * (0.4 if large else 1.0)
        return fonts.font(role, factor=self.zoom * scale)

    def metrics(self, role: str) -> QFontMetrics:
        """Return the metrics of a role's font."""
        return QFontMetrics(self.font(role))

    def px(self, length: float) -> int:
        """Return a length of the 100 % layout in pixels at the zoom in force."""
        return round(length * self.zoom)

    def _system_changed(self, _scheme: Qt.ColorScheme) -> None:
        if self.look == SYSTEM:
            self._apply()
            self.changed.emit()

    def _apply(self) -> None:
        self.tokens = dict(tokens(self._look_in_force()))
        if self._accent and accent_fits(self._accent, self.tokens):
            self.tokens["accent"] = self._accent
            self.tokens["on_accent"] = max(("#FFFFFF", "#121418"), key=lambda ink: contrast(ink, self._accent or ink))
        self._app.setLayoutDirection(Qt.LayoutDirection.RightToLeft if self.rtl else Qt.LayoutDirection.LeftToRight)
        self._app.setFont(self.font("text"))
        sheet = stylesheet(self.tokens, px=self.px, text=self.font("text").pixelSize())
        if sheet != self._app.styleSheet():  # setting it again would polish every widget for nothing
            self._app.setPalette(_palette(self.tokens))
            self._app.setStyleSheet(sheet)

    def _look_in_force(self) -> str:
        if self.look != SYSTEM:
            return self.look
        hints = self._app.styleHints()
        if hints.colorScheme() == Qt.ColorScheme.Dark:
            return "dark"
        contrasting = hints.accessibility().contrastPreference() == Qt.ContrastPreference.HighContrast
        return "bright" if contrasting else "light"


def theme() -> Theme:
    """Return the program's theme, made on first use. Needs a running ``QApplication``."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        raise RuntimeError("a QApplication must exist before the theme")
    if Theme._current is None or Theme._current._app is not app:
        Theme._current = Theme(app)
    return Theme._current


def accent_fits(accent: str, on: dict[str, str]) -> bool:
    """Say whether a studio's own colour can carry text and stand as a control on the look's grounds (4.5:1)."""
    return all(contrast(accent, on[ground]) >= 4.5 for ground in ("bg", "surface", "raised"))


def _palette(of: dict[str, str]) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for which, token in (
        (role.Window, "bg"), (role.WindowText, "ink"), (role.Base, "surface"), (role.AlternateBase, "raised"),
        (role.Text, "ink"), (role.Button, "raised"), (role.ButtonText, "ink"), (role.BrightText, "warn"),
        (role.Highlight, "accent_soft"), (role.HighlightedText, "ink"), (role.Link, "accent"),
        (role.PlaceholderText, "muted"), (role.ToolTipBase, "surface"), (role.ToolTipText, "ink"),
        (role.Accent, "accent"), (role.Mid, "line"), (role.Dark, "control_line"), (role.Light, "surface"),
    ):  # fmt: skip
        palette.setColor(which, QColor(of[token]))
    for which in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor(of["muted"]))
    return palette
