"""The composition root of the desk: one source in, one window out."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtWidgets import QApplication

from classtap_core.interpreter import settle
from classtap_desktop.kit import theme
from classtap_desktop.operator import Operator
from classtap_desktop.settings import Settings
from classtap_desktop.source import DeskSource
from classtap_desktop.window import DeskWindow


def run_desk(
    source: DeskSource,
    *,
    settings: Settings | None = None,
    settings_file: Path | None = None,
    operator: Operator | None = None,
) -> int:
    """Run the desk until its window is closed; return the exit code.

    The source is the caller's to open and to close. ``settings_file`` is where likings are remembered, ``settings``
    overrides what it says, ``operator`` is signed in from the start.
    """
    app = QApplication.instance() or QApplication([*sys.argv[:1], "-name", "classtap"])
    assert isinstance(app, QApplication)
    app.setApplicationName("ClassTap")
    theme()
    window = DeskWindow(source, settings=settings, settings_file=settings_file, operator=operator)
    window.show()
    settle()
    return app.exec()


__all__ = ["DeskWindow", "Settings", "run_desk"]
