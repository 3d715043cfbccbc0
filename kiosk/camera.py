"""The camera: one thread that reads a source, keeps only the latest frame, and says how it is as a state."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from typing import Generic, TypeVar

from kiosk.sources import Fault, Hint, Picture, Source, Trouble, devices, source_of

__all__ = ["Camera", "CameraState", "Code", "Frame", "Hint", "Mailbox", "devices", "every_frame", "source_of"]

T = TypeVar("T")

BLANK_SPREAD = 3.0
"""Grey levels of standard deviation below which a picture shows nothing: a covered lens, a dead sensor."""
BLANK_AFTER_MS = 700
BACKOFF_S = (0.25, 0.5, 1.0, 2.0, 4.0)
LATE_FRAMES = 1.5
"""How many frames a played file may fall behind before frames are passed over undecoded."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture (BGR or grey, never written to), its media time in milliseconds, its number from 0."""

    picture: Picture
    at_ms: int
    index: int


class Code(StrEnum):
    """How a camera is. `live` is the good one; `ended` and `truncated` come from files, `stopped` from us."""

    STARTING = "starting"
    LIVE = "live"
    NO_CAMERA = "no_camera"
    BUSY = "busy"
    DENIED = "denied"
    UNPLUGGED = "unplugged"
    BLANK = "blank"
    UNREADABLE = "unreadable"
    TRUNCATED = "truncated"
    ENDED = "ended"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class CameraState:
    """A code and what its sentence needs: source, and by code frames, stated, file, attempt."""

    code: Code
    params: Mapping[str, str | int] = field(default_factory=dict)


_CODES = {
    Fault.NO_CAMERA: Code.NO_CAMERA,
    Fault.BUSY: Code.BUSY,
    Fault.DENIED: Code.DENIED,
    Fault.UNREADABLE: Code.UNREADABLE,
    Fault.TRUNCATED: Code.TRUNCATED,
    Fault.GONE: Code.UNPLUGGED,
    Fault.END: Code.ENDED,
}

OnState = Callable[[CameraState], None]
Pause = Callable[[threading.Event, float], bool]
"""Waits up to so many seconds, returns at once with True when the event is set."""


class Mailbox(Generic[T]):
    """Room for one item: a newer one replaces it, so a slow reader is late by one item and never by a queue."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: T | None = None
        self._closed = False
        self.dropped = 0

    def put(self, item: T) -> None:
        """Leave `item`; what was not taken is dropped and counted. Nothing happens once closed."""
        with self._changed:
            if self._closed:
                return
            self.dropped += self._item is not None
            self._item = item
            self._changed.notify()

    def take(self, timeout_s: float | None = None) -> T | None:
        """The latest item, waiting for one; None after `timeout_s` seconds, or when closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._closed, timeout_s)
            item, self._item = self._item, None
            return item

    @property
    def closed(self) -> bool:
        """Nothing more will come, though one item may still be there to take."""
        return self._closed

    def close(self) -> None:
        """Wake whoever waits; a last item can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class Camera:
    """Reads a source on a thread of its own, in real time, and hands the latest frame to any number of mailboxes.

    A live source that goes away is opened again, waiting longer each time (at most four seconds). A file plays by
    its media clock, frames passed over when the machine is slow; `again` plays it from its start when it ends.
    `on_state` is called on the camera's thread, once for each change.
    """

    def __init__(
        self,
        source: Source,
        *,
        on_state: OnState | None = None,
        again: bool = False,
        clock: Callable[[], float] = time.monotonic,
        pause: Pause = threading.Event.wait,
        box: Callable[[], Mailbox[Frame]] = Mailbox,
    ) -> None:
        """`clock` counts seconds and never goes back; `pause` waits (tests give their own pair); `box` makes a mailbox."""
        self._source = source
        self._again = again
        self._clock = clock
        self._pause = pause
        self._box = box
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._boxes: tuple[Mailbox[Frame], ...] = ()
        self._report = _Report(source.name, on_state)
        self._hints: Mailbox[Hint] = Mailbox()
        self.frames = 0
        self.skipped = 0

    def help(self, hint: Hint) -> None:
        """Have the source take a hint before its next picture, where it can; from any thread."""
        self._hints.put(hint)

    @property
    def state(self) -> CameraState:
        """How the camera is now."""
        return self._report.state

    def mailbox(self) -> Mailbox[Frame]:
        """A new mailbox that gets every frame from now on, until it is closed; all are closed by `stop` or the end."""
        box = self._box()
        self._boxes = (*(other for other in self._boxes if not other.closed), box)
        return box

    def start(self) -> None:
        """Begin. RuntimeError when it was started before."""
        if self._thread is not None:
            raise RuntimeError("a camera starts once")
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def stop(self, *, timeout_s: float = 6.0) -> bool:
        """Stop reading, let go of the source and close the mailboxes; False when the driver would not answer in time."""
        self._stopping.set()
        if self._thread is None:
            self._finish()
            return True
        if self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            if self._source.live:
                self._live()
            else:
                self._play()
        finally:
            self._source.close()
            self._finish()

    def _finish(self) -> None:
        if self._stopping.is_set() and self.state.code not in (Code.ENDED, Code.TRUNCATED):
            self._report.say(Code.STOPPED)
        for box in self._boxes:
            box.close()

    def _live(self) -> None:
        started, attempt = self._clock(), 0
        while not self._stopping.is_set():
            trouble = self._source.open()
            while trouble is None and not self._stopping.is_set():
                hint = self._hints.take(0)
                if hint is not None:
                    self._source.help(hint)
                answer = self._source.read()
                if isinstance(answer, Trouble):
                    trouble = answer
                else:
                    attempt = 0
                    self._give(Frame(answer, round((self._clock() - started) * 1000), self.frames))
            if trouble is not None:
                self._source.close()
                if self.frames and trouble.fault is Fault.NO_CAMERA:
                    trouble = Trouble(Fault.GONE, trouble.params)  # it was here: unplugged, not missing
                self._report.trouble(trouble, attempt=attempt + 1)
                self._pause(self._stopping, BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
                attempt += 1

    def _play(self) -> None:
        played = 0
        while not self._stopping.is_set():
            trouble = self._source.open()
            if trouble is None:
                more = self._play_once(played)
                played += more
                if self._again and more:
                    continue
            else:
                self._report.trouble(trouble)
            return

    def _play_once(self, before: int) -> int:
        """Play to the end by the clock, `before` frames already played; how many there were, 0 to play no more."""
        started, step = self._clock(), 1.0 / self._source.fps
        number, shown = 0, 0
        while not self._stopping.is_set():
            late = self._clock() - started - number * step
            if late < 0 and self._pause(self._stopping, -late):
                return 0
            if late > LATE_FRAMES * step:
                answer: Picture | Trouble | None = self._source.skip()
                self.skipped += answer is None
            else:
                answer = self._source.read()
            if isinstance(answer, Trouble):
                ended = answer.fault is not Fault.UNREADABLE
                if not (ended and self._again and shown):
                    self._report.trouble(answer)
                if ended:
                    return number if shown else 0
            elif answer is not None:
                shown += 1
                self._give(Frame(answer, round((before + number) * step * 1000), before + number))
            number += 1
        return 0

    def _give(self, frame: Frame) -> None:
        self.frames += 1
        self._report.frame(frame)
        for box in self._boxes:
            box.put(frame)


def every_frame(
    source: Source, *, on_state: OnState | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Frame]:
    """Every frame of a file or folder in order, as fast as they are taken; of a live source, until it goes away.

    Media time is the frame's place in the file, or what `clock` (seconds) counts for a live source.

    An image that cannot be read is told as a state and keeps its number. Nothing is raised for a missing or broken
    source: the state says so and there are no frames.
    """
    report = _Report(source.name, on_state)
    try:
        started, trouble = clock(), source.open()
        for index in count() if trouble is None else ():
            answer = source.read()
            if not isinstance(answer, Trouble):
                at_s = clock() - started if source.live else index / source.fps
                frame = Frame(answer, round(at_s * 1000), index)
                report.frame(frame)
                yield frame
                continue
            trouble = answer
            if answer.fault is not Fault.UNREADABLE:
                break
            report.trouble(answer)
        if trouble is not None:
            report.trouble(trouble)
    finally:
        source.close()


class _Report:
    """Turns troubles and frames into states, telling each change once."""

    def __init__(self, name: str, on_state: OnState | None) -> None:
        self.state = CameraState(Code.STARTING, {"source": name})
        self._name, self._on_state = name, on_state
        self._blank_since: int | None = None

    def say(self, code: Code, params: Mapping[str, str | int] | None = None) -> None:
        state = CameraState(code, {"source": self._name, **(params or {})})
        if state != self.state:
            self.state = state
            if self._on_state is not None:
                self._on_state(state)

    def trouble(self, trouble: Trouble, *, attempt: int | None = None) -> None:
        self._blank_since = None
        params = dict(trouble.params) if attempt is None else {**trouble.params, "attempt": attempt}
        self.say(_CODES[trouble.fault], params)

    def frame(self, frame: Frame) -> None:
        if not _blank(frame.picture):
            self._blank_since = None
            self.say(Code.LIVE)
            return
        if self._blank_since is None:
            self._blank_since = frame.at_ms
        if frame.at_ms - self._blank_since >= BLANK_AFTER_MS:
            self.say(Code.BLANK)
        elif self.state.code is not Code.BLANK:
            self.say(Code.LIVE)


def _blank(picture: Picture) -> bool:
    return bool(picture.size == 0 or picture[::24, ::24].std(axis=(0, 1)).max() < BLANK_SPREAD)
