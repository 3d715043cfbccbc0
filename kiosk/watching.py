"""The kiosk's eye: camera and reader, opened and opened anew, what they see passed on."""

from collections.abc import Callable

from classtap_desktop.kit.engine import Signals
from kiosk.camera import Camera, CameraState, Code, Frame
from kiosk.decoding import Decoder, DoorPick, Look, Purse, ScanWorker, Sighting
from kiosk.door_work import DoorWork
from kiosk.sources import Source


class Watching:
    """One camera being read.

    `sighted` takes each text or code with its frame, `frame` each picture, `state` how the camera is; `scanning` is told how
    long a look took.
    Attributes: `code`, how the camera is; `frames` shown so far; `decoders` in use, () for all.
    """

    def __init__(
        self, source: Source, signals: Signals, make: Callable[..., Camera], *, again: bool,
        sighted: Callable[[Sighting, Frame], None], frame: Callable[[Frame], None], state: Callable[[CameraState], None],
        scanning: DoorWork,
    ) -> None:  # fmt: skip
        self._source, self._signals, self._make, self._again = source, signals, make, again
        self._sighted, self._show, self._state, self._scanning = sighted, frame, state, scanning
        self._camera: Camera | None = None
        self._worker: ScanWorker | None = None
        self.code = Code.STARTING
        self.frames = 0
        self.decoders: tuple[str, ...] = ()

    def start(self, decoders: tuple[str, ...]) -> None:
        """Open the camera anew, from the start of a file."""
        self.stop()
        self.decoders = decoders
        self._camera = self._make(self._source, on_state=self._signals.each(self._changed), again=self._again)
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

    def _changed(self, state: CameraState) -> None:
        self.code = state.code
        self._state(state)
