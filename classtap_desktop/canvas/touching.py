"""Fingers on the board: one draws as the mouse does, two zoom and pan. A pen comes as a mouse; its rubber deletes."""

from __future__ import annotations

from math import hypot
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF
from PySide6.QtGui import QTouchEvent

if TYPE_CHECKING:
    from classtap_desktop.canvas.board import Board


class Touching:
    """Follows the fingers of one board."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._two: tuple[QPointF, float] | None = None
        self._one = False

    def touched(self, event: QEvent) -> bool:
        """Take a touch event; say whether it was ours."""
        assert isinstance(event, QTouchEvent)
        board = self._board
        points = [point.position() for point in event.points() if point.state() != point.state().Released]
        ended = event.type() in (QEvent.Type.TouchEnd, QEvent.Type.TouchCancel)
        if len(points) >= 2:
            if self._one:
                board.tool.cancel()
                self._one = False
            self._pinch(points[0], points[1])
        elif len(points) == 1 and self._two is None:
            pointer = board.pointer(points[0])
            if self._one:
                board.tool.move(pointer, down=True)
            elif event.type() == QEvent.Type.TouchBegin:
                self._one = True
                board.tool.press(pointer)
        if ended:
            if self._one and event.type() == QEvent.Type.TouchEnd:
                board.tool.release(board.pointer(event.points()[0].position()))
            elif self._one:
                board.tool.cancel()
            self._one, self._two = False, None
        event.accept()
        return True

    def _pinch(self, first: QPointF, second: QPointF) -> None:
        middle = (first + second) / 2
        apart = max(8.0, hypot(first.x() - second.x(), first.y() - second.y()))
        if self._two is not None:
            was, before = self._two
            step = middle - was
            view = self._board.view.panned(step.x(), step.y())
            self._board.look(view.zoomed(view.zoom * apart / before, middle))
        self._two = (middle, apart)
