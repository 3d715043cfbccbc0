"""The kiosk's eye: camera and reader, opened and opened anew, what they see told as events."""

from collections.abc import Callable
from typing import Any

from classtap_desktop.kit.engine import Signals
from kiosk import events as on
from kiosk.camera import Camera, CameraState, Code, Frame
from kiosk.decoding import Decoder, DoorPick, Look, Purse, ScanWorker, Sighting
from kiosk.door_work import DoorWork
from kiosk.sources import Source

_WELL = (Code.STARTING, Code.ENDED, Code.STOPPED)


class Watching:
    """One camera being read.

    `happen` takes what was seen, `frame` each picture, `scanning` how long a look took, `unread` a code nothing could read.
    Attributes: `code`, how the camera is; `frames` shown so far; `decoders` in use, () for all.
    """

    def __init__(
        self, source: Source, signals: Signals, make: Callable[..., Camera], *, again: bool,
        happen: Callable[[on.Event], None], frame: Callable[[Frame], None], scanning: DoorWork, unread: Callable[[], None],
    ) -> None:  # fmt: skip
        self._source, self._signals, self._make, self._again = source, signals, make, again
        self._happen, self._show, self._scanning, self._unread = happen, frame, scanning, unread
        self._camera: Camera | None = None
        self._worker: ScanWorker | None = None
        self.code = Code.STARTING
        self.frames = 0
        self.decoders: tuple[str, ...] = ()

    def start(self, decoders: tuple[str, ...]) -> None:
        """Open the camera anew, from the start of a file."""
        self.stop()
        self.decoders = decoders
        self._camera = self._make(self._source, on_state=self._signals.each(self._state), again=self._again)
        self._worker = ScanWorker(
            self._camera.mailbox(),
            self._signals.each(self._sighted),
            on_frame=self._signals.latest(self._frame),
            on_look=self._looked,
            on_hint=self._camera.help,
            decoder=Decoder(purse=Purse(), stages=decoders),
            pick=DoorPick(),
        )
        self._worker.start()
        self._camera.start()

    def stop(self) -> None:
        """Let go of the camera; twice is fine."""
        if self._worker is not None:
            self._worker.stop()
        if self._camera is not None:
            self._camera.stop()
        self._camera = self._worker = None

    def _looked(self, frame: Frame, look: Look) -> None:
        self._scanning.decode_us = int(look.ms * 1000)

    def _frame(self, frame: Frame) -> None:
        self.frames += 1
        self._show(frame)

    def _sighted(self, sighting: Sighting, frame: Any) -> None:
        if sighting.decoder is not None:
            self._happen(on.Sighting(sighting.text))
        else:
            self._unread()

    def _state(self, state: CameraState) -> None:
        self.code = state.code
        if state.code is Code.LIVE:
            self._happen(on.CameraBack())
        elif state.code not in _WELL:
            self._happen(on.CameraFault(state.code.value))
