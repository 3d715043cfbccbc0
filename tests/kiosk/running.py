"""A kiosk that runs in a test: a real window and store, and a camera that comes and goes."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from classtap_cli.demo.studio import DemoFamily
from classtap_core.kernel.ids import Id
from kiosk import events as on
from kiosk.app import KioskApp
from kiosk.sources import Fault, Picture, Source, Trouble
from kiosk.view import Row, Screen, State, Status
from sync.client.node import Node

PATIENCE_MS = 30_000


class Cable(Source):
    """A camera on a cable: pictures of an empty lobby while it is plugged in."""

    name, live, fps = "camera 0", True, 30.0

    def __init__(self) -> None:
        self.plugged = threading.Event()
        self._frame: Picture = np.random.default_rng(1).integers(0, 255, (720, 1280, 3), np.uint8)
        self._gone = Trouble(Fault.NO_CAMERA, {"source": self.name})
        self._pace = threading.Event()

    def open(self) -> Trouble | None:
        return None if self.plugged.is_set() else self._gone

    def read(self) -> Picture | Trouble:
        self._pace.wait(0.1)
        return self._frame if self.plugged.is_set() else Trouble(Fault.GONE, {"source": self.name})

    def skip(self) -> Trouble | None:
        return None

    def close(self) -> None: ...


class Made(NamedTuple):
    """What was made once: a loaded kiosk's folder to copy, and the passes of its families."""

    folder: Path
    families: list[DemoFamily]
    texts: dict[Id, str]


class Shown:
    """A kiosk on the screen of a test, and every state it has shown."""

    def __init__(self, qtbot: QtBot, node: Node, source: Source) -> None:
        self.qtbot, self.node = qtbot, node
        self.app = KioskApp(node, source, muted=True)
        qtbot.addWidget(self.app.window)
        self.states: list[State] = []
        self.app.showed.connect(self.states.append)

    def start(self) -> "Shown":
        self.app.start()
        self.qtbot.waitExposed(self.app.window)
        self.app.window.activateWindow()
        self.until(lambda: not self.state.veiled)
        return self

    @property
    def state(self) -> State:
        return self.app.state

    def until(self, condition: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=PATIENCE_MS)

    def screen(self, screen: Screen) -> None:
        self.until(lambda: self.state.screen is screen)

    def hold(self, text: str) -> None:
        """Hold a pass to the lens, as the decoder would tell it."""
        self.app.happen(on.Sighting(text))

    def button(self, row: Row, status: Status) -> QWidget:
        return self.app.window.board.rows[row.session, row.child].choice.buttons[status.value]

    def tap(self, row: Row, status: Status) -> None:
        self.qtbot.mouseClick(self.button(row, status), Qt.MouseButton.LeftButton)

    def rows(self) -> list[Row]:
        return list(self.state.board.rows()) if self.state.board else []

    def free(self) -> Row:
        """The first row that may be marked present."""
        return next(row for row in self.rows() if row.state is Status.NONE and Status.PRESENT not in row.blocked())

    def row(self, like: Row) -> Row | None:
        return self.state.board.row(like.session, like.child) if self.state.board else None


Shows = Callable[..., Shown]
