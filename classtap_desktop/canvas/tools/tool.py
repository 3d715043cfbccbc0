"""What every tool is: it gets presses, moves and releases, and draws what it is about to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter

from classtap_core.seating.model import PointUm

if TYPE_CHECKING:
    from classtap_desktop.canvas.board import Board


class Pointer(NamedTuple):
    """Where the pointer is: on the widget and in the room, and the keys held."""

    px: QPointF
    place: PointUm
    shift: bool = False
    alt: bool = False
    ctrl: bool = False


class Tool:
    """Attributes: ``name`` (its code), ``cursor``, ``board`` it works on."""

    name = ""
    cursor = Qt.CursorShape.ArrowCursor

    def __init__(self, board: Board) -> None:
        self.board = board

    def press(self, at: Pointer) -> None:
        """The button, the finger or the pen went down."""

    def move(self, at: Pointer, *, down: bool) -> None:
        """It moved."""

    def release(self, at: Pointer) -> None:
        """It went up."""

    def twice(self, at: Pointer) -> None:
        """A double press."""

    def cancel(self) -> bool:
        """Give up what was begun, else the tool itself; say whether there was anything."""
        if self.begun():
            self.forget()
            self.board.update()
            return True
        if self.board.tool is self and self.board.home is not self:
            self.board.use(self.board.home)
            return True
        return False

    def begun(self) -> bool:
        """Whether something was begun that can be given up."""
        return False

    def forget(self) -> None:
        """Give up what was begun."""

    def accept(self) -> bool:
        """Enter was pressed; say whether it meant anything."""
        return False

    def leave(self) -> None:
        """Another tool takes over."""
        self.forget()

    def paint(self, painter: QPainter) -> None:
        """Draw over everything."""
