"""What stops a program before it has a window, said in one: whoever started it from an icon has no terminal to read."""

import functools
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec

from classtap_cli.invocation import sentence_of, sentences
from classtap_core.kernel.errors import ClassTapError

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

P = ParamSpec("P")

_NO_SCREEN = ("offscreen", "minimal", "vnc", "linuxfb")


def telling(command: Callable[P, None]) -> Callable[P, None]:
    """Show what a person can be told in a window too, where there is a screen and no terminal; then it is raised on."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except ClassTapError as trouble:
            if not kwargs.get("headless") and wanted(os.environ, terminal=_terminal()):
                _show(trouble)
            raise

    return run


def wanted(surroundings: "os._Environ[str] | dict[str, str]", *, terminal: bool) -> bool:
    """Whether somebody would see a window, and nothing else."""
    if terminal or surroundings.get("QT_QPA_PLATFORM", "") in _NO_SCREEN:
        return False
    return not sys.platform.startswith("linux") or bool(
        surroundings.get("DISPLAY") or surroundings.get("WAYLAND_DISPLAY")
    )


def _terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def trouble_window(trouble: ClassTapError) -> "QWidget":
    """The window: what happened, what it means and what to do, to be read and copied."""
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QVBoxLayout, QWidget

    from classtap_desktop.kit import EmptyState, theme

    here = theme()
    window = QWidget()
    window.setWindowTitle("ClassTap")
    window.setProperty("ground", "page")
    window.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    window.resize(here.px(760), here.px(440))
    words = sentences()
    window.setLayoutDirection(Qt.LayoutDirection.RightToLeft if words.is_rtl else Qt.LayoutDirection.LeftToRight)
    said = EmptyState("warn", words.say("start.trouble"), sentence_of(trouble), action=words.say("desk.leave.close"))
    said.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    said.acted.connect(window.close)
    column = QVBoxLayout(window)
    column.setContentsMargins(here.px(60), 0, here.px(60), 0)
    column.addWidget(said)
    return window


def _show(trouble: ClassTapError) -> Any:
    from PySide6.QtWidgets import QApplication

    application = QApplication.instance() or QApplication([*sys.argv[:1], "-name", "classtap"])
    window = trouble_window(trouble)
    window.show()
    return application.exec()
