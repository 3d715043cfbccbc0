"""The kiosk's window with a stop-watch: when a frame left the camera, when its verdict was painted, how often the preview was."""

import time
from typing import NamedTuple

from PySide6.QtCore import QEvent, QObject, QTimer, Signal

from kiosk import events as on
from kiosk.app import KioskApp
from kiosk.camera import CameraState, Code, Frame
from kiosk.decoding import Sighting
from kiosk.sources import Picture, Source, Trouble
from sync.client.node import Node


class Shown(NamedTuple):
    """A verdict on the screen: milliseconds from the camera's frame until it was painted, and what decoding took."""

    outcome: str
    after_ms: float
    decode_ms: float


class Stamped(Source):
    """A source that notes when each of its frames was there. Attributes: as the source behind it; `taken` by number."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.name, self.live, self.fps = source.name, source.live, source.fps
        self.taken: list[float] = []

    def open(self) -> Trouble | None:
        trouble = self._source.open()
        self.fps = self._source.fps
        return trouble

    def read(self) -> Picture | Trouble:
        answer = self._source.read()
        self.taken.append(time.perf_counter())
        return answer

    def skip(self) -> Trouble | None:
        self.taken.append(time.perf_counter())
        return self._source.skip()

    def close(self) -> None:
        self._source.close()


class Watched(KioskApp):
    """Signals: `ended` when the recording is over. Attributes: `verdicts` in their order."""

    ended = Signal()

    def __init__(self, node: Node, source: Stamped) -> None:
        super().__init__(node, source, muted=True)
        self.verdicts: list[Shown] = []
        self._stamps = source
        self._frame_of: dict[str, tuple[float, float]] = {}
        self._waiting: tuple[str, float, float] | None = None
        self._paints: list[float] = []
        self.window.installEventFilter(self)
        self.window.attract.camera.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Paint and watched is self.window.attract.camera:
            self._paints.append(time.perf_counter())
        if event.type() is QEvent.Type.UpdateRequest and self._waiting is not None:
            outcome, taken, decode_ms = self._waiting
            self._waiting = None
            QTimer.singleShot(0, lambda: self._painted(outcome, taken, decode_ms))  # once this event has painted
        return False

    def _painted(self, outcome: str, taken: float, decode_ms: float) -> None:
        self.verdicts.append(Shown(outcome, (time.perf_counter() - taken) * 1000, decode_ms))
        QTimer.singleShot(300, lambda: self.happen(on.Done()))

    def _sighted(self, sighting: Sighting, frame: Frame) -> None:
        self._frame_of[sighting.text] = (self._stamps.taken[frame.index], sighting.ms)
        super()._sighted(sighting, frame)

    def happen(self, event: on.Event) -> None:
        if isinstance(event, on.Verdict) and event.text in self._frame_of:
            self._waiting = (event.outcome, *self._frame_of.pop(event.text))
        super().happen(event)

    def _camera_state(self, state: CameraState) -> None:
        if state.code is Code.ENDED:
            self.ended.emit()
        super()._camera_state(state)

    def painted_fps(self) -> float:
        """Frames a second of the preview over the stretches in which it was on the screen."""
        stretches, spent = 0, 0.0
        for before, after in zip(self._paints, self._paints[1:], strict=False):
            if after - before < 0.25:  # else a board lay over it
                stretches, spent = stretches + 1, spent + after - before
        return stretches / spent if spent else 0.0
