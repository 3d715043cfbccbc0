"""Desk tests: a world of their own each, and a window that is shown and closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from pytestqt.qtbot import QtBot

from classtap_desktop.kit import theme
from classtap_desktop.operator import operator_of
from classtap_desktop.settings import Settings
from classtap_desktop.window import DeskWindow
from tests.desk.world import World, studio


@pytest.fixture
def world() -> Iterator[World]:
    made = World(studio())
    yield made
    made.source.close()


@pytest.fixture
def open_desk(qtbot: QtBot, world: World) -> Iterator[Callable[..., DeskWindow]]:
    """Open the desk as somebody of a role ("" for nobody), with settings by name."""
    opened: list[DeskWindow] = []

    def open_one(role: str = "manager", **settings: Any) -> DeskWindow:
        operator = operator_of(world.source, world.staff(role).staff) if role else None
        window = DeskWindow(
            world.source, settings=Settings(**{"look": "light", "locale": "en_GB", **settings}), operator=operator
        )
        opened.append(window)
        with qtbot.waitActive(window):
            window.show()
        return window

    yield open_one
    for window in opened:
        window.close()
        window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    theme().use(look="light", locale="en", text_scale=1.0)
