"""From frames to sightings: decoders in stages, the same code seen twice told once, and a thread that does it."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from classtap_core.passes.codec import PREFIX
from kiosk.camera import Frame, Hint, Mailbox
from kiosk.texture import Corners, Grey, Patch, finders, patch_of

try:
    from pyzbar import pyzbar
except (ImportError, OSError):  # libzbar is not installed: one stage less
    pyzbar = None

log = logging.getLogger(__name__)

STEADY_MS = 800
UNREAD_MS = 1_000
GONE_MS = 250
"""A pass that was not read for so long has left the door."""
STRANGER_MS = 300
"""A code that is not ours is told at a door when it stays so long: a bag or a bottle goes by."""
HINT_EVERY_MS = 3_000
DARK = 60.0
"""Mean grey level below which a lamp would help."""
SHARP_MOST = 360_000
"""Pixels of a patch up to which it is enlarged three times before sharpening; twice above."""

_QR: Any = zxingcpp.BarcodeFormat.QRCode

Found = list[tuple[str, Corners]]
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A text read from a frame.

    decoder: the stage that read it, None for a code in view that nobody could read (`text` is then empty); ms: how
    long the frame had been looked at by then, earlier stages included; corners: four (x, y) in frame pixels.
    """

    text: str
    decoder: str | None
    ms: float
    corners: Corners


@dataclass(frozen=True, slots=True)
class Look:
    """All that was made of one frame: sightings, ours first; milliseconds in all and by stage; where there is a code
    that no stage could read."""

    sightings: tuple[Sighting, ...]
    ms: float
    stages: tuple[tuple[str, float], ...]
    unread: Corners | None = None


class Purse:
    """How much fall-backs may cost: `share` of the time that passes, saved up to `most_ms` milliseconds."""

    def __init__(self, *, share: float = 0.3, most_ms: float = 45.0) -> None:
        self._share, self._most_ms = share, most_ms
        self._ms = most_ms
        self._lock = threading.Lock()

    def earn(self, passed_ms: float) -> bool:
        """Add for time that passed; True when there is something to spend."""
        with self._lock:
            self._ms = min(self._most_ms, self._ms + self._share * max(0.0, passed_ms))
            return self._ms > 0

    def spend(self, ms: float) -> None:
        """Take what a look cost; it may run into debt, which the next earnings pay."""
        with self._lock:
            self._ms -= ms


class Decoder:
    """Reads QR codes: zxing on the whole frame, then dearer looks at the patch that is like a code.

    Without a purse every frame gets every stage it needs (files, tests, benchmarks); with one, fall-backs stay within
    their share of time, and a live preview keeps its pace. Safe to use from several threads; decoders run without
    the interpreter's lock.
    """

    def __init__(
        self, *, purse: Purse | None = None, clock: Clock = time.perf_counter, stages: Collection[str] = ()
    ) -> None:
        """`clock` counts seconds. `stages`: the only ones to use, of `STAGES`; none given, all."""
        self._purse, self._clock = purse, clock
        self._last = clock()
        known = [name for name in STAGES if name in stages]
        self._stages = frozenset(known or STAGES)

    def decode(self, picture: NDArray[Any]) -> list[Sighting]:
        """What the picture (uint8, BGR or grey) says, ours first. Anything that is no picture says nothing."""
        return list(self.look(picture).sightings)

    def look(self, picture: NDArray[Any]) -> Look:
        """The same with its cost by stage and the code nobody could read."""
        started = self._clock()
        passed_ms, self._last = (started - self._last) * 1000, started
        may = self._purse.earn(passed_ms) if self._purse is not None else True
        grey = _grey(picture)
        if grey is None:
            return Look((), self._since(started), ())
        sightings: list[Sighting] = []
        stages: list[tuple[str, float]] = []
        if "zxing" in self._stages:
            self._stage("zxing", partial(_zxing, grey), started, sightings, stages)
        unread: Corners | None = None
        if may and not _has_ours(sightings):
            before = self._clock()
            unread = self._closer(grey, started, sightings, stages)
            if self._purse is not None:
                self._purse.spend((self._clock() - before) * 1000)
        ordered = sorted(sightings, key=lambda sighting: not sighting.text.startswith(PREFIX))
        return Look(tuple(ordered), self._since(started), tuple(stages), unread)

    def _closer(
        self,
        grey: Grey,
        started: float,
        sightings: list[Sighting],
        stages: list[tuple[str, float]],
    ) -> Corners | None:
        """Look at the likeliest patch in ever dearer ways; its corners when it holds a code and none could read it."""
        known = tuple(sighting.corners for sighting in sightings)
        patch = patch_of(grey, known=known)
        if patch is None:
            return None
        cut = patch.cut(grey)
        for name, attempt in _CLOSER:
            if name not in self._stages or (attempt is _zbar and pyzbar is None):
                continue
            self._stage(name, partial(_within, patch, cut, attempt), started, sightings, stages)
            if len(sightings) > len(known):
                return None
        before = self._clock()
        count = finders(cut)
        stages.append(("finders", self._since(before)))
        return _box(patch) if count else None

    def _stage(
        self,
        name: str,
        attempt: Callable[[], Found],
        started: float,
        sightings: list[Sighting],
        stages: list[tuple[str, float]],
    ) -> None:
        before = self._clock()
        try:
            found = attempt()
        except (cv2.error, ValueError, RuntimeError, TypeError, AssertionError) as error:
            # A decoder that chokes on a picture is a picture without a code.
            log.debug("decoder.failed", extra={"stage": name, "error": repr(error)})
            found = []
        stages.append((name, self._since(before)))
        ms = self._since(started)
        texts = {sighting.text for sighting in sightings}
        sightings += [Sighting(text, name, ms, corners) for text, corners in found if text and text not in texts]

    def _since(self, started: float) -> float:
        return (self._clock() - started) * 1000


class SteadyPick:
    """The same text within 800 ms of media time is one sighting; a code not ours is told only when none of ours is."""

    def __init__(self, *, steady_ms: int = STEADY_MS, unread_ms: int = UNREAD_MS) -> None:
        self._steady_ms, self._unread_ms = steady_ms, unread_ms
        self._seen: dict[str, int] = {}
        self._unread_since: int | None = None
        self._unread_last = 0
        self._unread_told = False

    def offer(self, sightings: Sequence[Sighting], at_ms: int) -> list[Sighting]:
        """Those of a frame's sightings that begin a new one, in their order; `at_ms` is the frame's media time.

        A text seen again renews its 800 ms, so a card held for a minute is one sighting.
        """
        ours = _has_ours(sightings) or any(
            text.startswith(PREFIX) and 0 <= at_ms - seen <= self._steady_ms for text, seen in self._seen.items()
        )
        fresh: list[Sighting] = []
        for sighting in sightings:
            if ours and not sighting.text.startswith(PREFIX):
                continue
            seen = self._seen.get(sighting.text)
            if seen is None or not 0 <= at_ms - seen <= self._steady_ms:
                fresh.append(sighting)
            self._seen[sighting.text] = at_ms
        self._seen = {text: seen for text, seen in self._seen.items() if 0 <= at_ms - seen <= self._steady_ms}
        return fresh

    def offer_look(self, look: Look, at_ms: int) -> list[Sighting]:
        """As `offer`, and once for a code that stays in view for a second and nobody can read.

        Such a sighting has no text and no decoder. One frame that reads, or 800 ms without it, starts it afresh.
        """
        fresh = self.offer(look.sightings, at_ms)
        if look.sightings or self._seen:
            self._unread_since, self._unread_told = None, False
        elif look.unread is not None:
            if self._unread_since is None or not 0 <= at_ms - self._unread_last <= self._steady_ms:
                self._unread_since, self._unread_told = at_ms, False
            self._unread_last = at_ms
            if not self._unread_told and at_ms - self._unread_since >= self._unread_ms:
                self._unread_told = True
                fresh.append(Sighting("", None, look.ms, look.unread))
        return fresh


class DoorPick(SteadyPick):
    """At a door one family stands: of several passes in view the one that has been there longest counts, the largest of
    those that came together; the next counts once that one is gone. What is not ours is told only when it stays."""

    def __init__(self, *, gone_ms: int = GONE_MS, stranger_ms: int = STRANGER_MS) -> None:
        super().__init__()
        self._gone_ms, self._stranger_ms = gone_ms, stranger_ms
        self._view: dict[str, tuple[int, int, float]] = {}

    def offer(self, sightings: Sequence[Sighting], at_ms: int) -> list[Sighting]:
        self._view = {
            text: seen for text, seen in self._view.items() if 0 <= at_ms - seen[1] <= self._gone_ms
        }  # fmt: skip
        for one in sightings:
            since = self._view[one.text][0] if one.text in self._view else at_ms
            self._view[one.text] = since, at_ms, _area(one.corners)
        ours = {text: seen for text, seen in self._view.items() if text.startswith(PREFIX)}
        steady = min(ours, key=lambda text: (ours[text][0], -ours[text][2]), default="")
        stayed = [one for one in sightings if self._stays(one.text, steady, at_ms)]
        return super().offer(stayed, at_ms)

    def _stays(self, text: str, steady: str, at_ms: int) -> bool:
        stranger = not text.startswith(PREFIX) and at_ms - self._view[text][0] >= self._stranger_ms
        return text == steady or stranger


def _area(corners: Corners) -> float:
    """Square pixels inside a code's corners."""
    turned = (*corners[1:], *corners[:1])
    return abs(sum(x * y2 - x2 * y for (x, y), (x2, y2) in zip(corners, turned, strict=True))) / 2


@dataclass(frozen=True, slots=True)
class Pace:
    """How scanning goes over the last frames: frames looked at, a second; milliseconds a frame, median and p95."""

    frames: int
    fps: float
    p50_ms: float
    p95_ms: float


class ScanWorker:
    """A thread that takes the latest frame, shows it, reads it, and tells each new sighting once.

    `on_frame(frame)` is for the preview and comes before decoding; `on_look(frame, look)` draws outlines;
    `on_sighting(sighting, frame)` comes once a sighting; `on_hint(hint)` says what would help with a code in view that
    nobody can read: `Hint.LIGHT` in the dark, else `Hint.FOCUS`, at most every three seconds. All are called on the worker's thread. The mailbox is the
    worker's: `stop` closes it.
    """

    def __init__(
        self,
        mailbox: Mailbox[Frame],
        on_sighting: Callable[[Sighting, Frame], None],
        *,
        on_frame: Callable[[Frame], None] | None = None,
        on_look: Callable[[Frame, Look], None] | None = None,
        on_hint: Callable[[Hint], None] | None = None,
        decoder: Decoder | None = None,
        pick: SteadyPick | None = None,
    ) -> None:
        self._mailbox = mailbox
        self._on_sighting, self._on_frame, self._on_look = on_sighting, on_frame, on_look
        self._on_hint, self._hinted_ms = on_hint, -HINT_EVERY_MS
        self._decoder = decoder or Decoder(purse=Purse())
        self._pick = pick or SteadyPick()
        self._thread: threading.Thread | None = None
        self._recent: deque[tuple[float, float]] = deque(maxlen=120)
        self.frames = 0

    def start(self) -> None:
        """Begin. RuntimeError when it was started before."""
        if self._thread is not None:
            raise RuntimeError("a scan worker starts once")
        self._thread = threading.Thread(target=self._run, name="scan", daemon=True)
        self._thread.start()

    def stop(self, *, timeout_s: float = 5.0) -> bool:
        """Close the mailbox and wait for the frame in hand; False when a callback held it longer."""
        self._mailbox.close()
        if self._thread is None or self._thread is threading.current_thread():
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """It still takes frames: False before the start, after `stop`, and when the camera has ended."""
        return self._thread is not None and self._thread.is_alive()

    def pace(self) -> Pace:
        """How it goes over the last 120 frames."""
        recent = list(self._recent)
        if not recent:
            return Pace(self.frames, 0.0, 0.0, 0.0)
        spent = np.array([ms for _, ms in recent])
        span = recent[-1][0] - recent[0][0]
        fps = (len(recent) - 1) / span if span > 0 else 0.0
        return Pace(self.frames, fps, float(np.percentile(spent, 50)), float(np.percentile(spent, 95)))

    def _run(self) -> None:
        while (frame := self._mailbox.take()) is not None:
            try:
                self._one(frame)
            except Exception:  # a callback's bug costs its frame, never the camera
                log.exception("scan.callback_failed")

    def _one(self, frame: Frame) -> None:
        self.frames += 1
        if self._on_frame is not None:
            self._on_frame(frame)
        look = self._decoder.look(frame.picture)
        self._recent.append((time.monotonic(), look.ms))
        if self._on_look is not None:
            self._on_look(frame, look)
        if self._on_hint is not None and look.unread is not None and not look.sightings:
            self._hint(frame)
        for sighting in self._pick.offer_look(look, frame.at_ms):
            self._on_sighting(sighting, frame)

    def _hint(self, frame: Frame) -> None:
        if frame.at_ms - self._hinted_ms >= HINT_EVERY_MS and self._on_hint is not None:
            self._hinted_ms = frame.at_ms
            dark = float(frame.picture[::16, ::16].mean()) < DARK
            self._on_hint(Hint.LIGHT if dark else Hint.FOCUS)


def _has_ours(sightings: Sequence[Sighting]) -> bool:
    return any(sighting.text.startswith(PREFIX) for sighting in sightings)


def _grey(picture: Any) -> Grey | None:
    """The picture as grey bytes in one piece, None when it is none."""
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8 or picture.size == 0:
        return None
    if picture.ndim == 3 and picture.shape[2] in (3, 4):
        code = cv2.COLOR_BGR2GRAY if picture.shape[2] == 3 else cv2.COLOR_BGRA2GRAY
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(picture), code), dtype=np.uint8)
    if picture.ndim == 3 and picture.shape[2] == 1:
        picture = picture[:, :, 0]
    return np.ascontiguousarray(picture) if picture.ndim == 2 else None


def _zxing(grey: Grey) -> Found:
    codes = zxingcpp.read_barcodes(grey, _QR)
    return [(code.text, _corners(code.position)) for code in codes]


def _corners(position: Any) -> Corners:
    points = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    return tuple((point.x, point.y) for point in points)


def _enlarged(grey: Grey, factor: int) -> Grey:
    return np.asarray(cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC), np.uint8)


def _shrunk(found: Found, factor: int) -> Found:
    return [(text, tuple((x // factor, y // factor) for x, y in corners)) for text, corners in found]


def _twice(grey: Grey) -> Found:
    """Modules under two pixels, and low light."""
    larger = cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    return _shrunk(_zxing(np.asarray(larger, np.uint8)), 2)


def _softened(grey: Grey) -> Found:
    """Noise, moire, glare."""
    larger = cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    return _shrunk(_zxing(np.asarray(cv2.GaussianBlur(larger, (0, 0), 1.2), np.uint8)), 2)


def _sharpened(grey: Grey) -> Found:
    """Defocus up to seven tenths of a module."""
    factor = 3 if grey.size <= SHARP_MOST else 2
    larger = cv2.GaussianBlur(_enlarged(grey, factor), (0, 0), 1.2)
    around = cv2.resize(cv2.GaussianBlur(grey, (0, 0), 2.0), None, fx=factor, fy=factor)
    return _shrunk(_zxing(np.asarray(cv2.addWeighted(larger, 6.0, around, -5.0, 0), np.uint8)), factor)


def _zbar(grey: Grey) -> Found:
    """Another reader's opinion."""
    symbols = pyzbar.decode(grey, symbols=[pyzbar.ZBarSymbol.QRCODE])
    return [
        (symbol.data.decode("utf-8", "replace"), tuple((point.x, point.y) for point in symbol.polygon[:4]))
        for symbol in symbols
    ]


def _opencv(grey: Grey) -> Found:
    """A third reader, that shares no code with the others; it raises on some pictures."""
    detector: Any = _detectors.__dict__.setdefault("opencv", cv2.QRCodeDetectorAruco())
    read, texts, corners, _ = detector.detectAndDecodeMulti(grey)
    if not read:
        return []
    return [
        (text, tuple((int(x), int(y)) for x, y in four)) for text, four in zip(texts, corners, strict=False) if text
    ]


_detectors = threading.local()
"""A detector keeps what it saw last: one for each thread."""

_CLOSER: tuple[tuple[str, Callable[[Grey], Found]], ...] = (
    ("zxing-2x", _twice),
    ("zxing-soft", _softened),
    ("zxing-sharp", _sharpened),
    ("zbar", _zbar),
    ("opencv", _opencv),
)
STAGES = ("zxing", *(name for name, _ in _CLOSER))
"""All ways to read a code, the fastest first; a studio may switch any of them off (policy `kiosk`, `decoders`)."""


def _within(patch: Patch, cut: Grey, attempt: Callable[[Grey], Found]) -> Found:
    """What an attempt finds in the patch, its corners in the frame's pixels."""
    return [(text, tuple((x + patch.left, y + patch.top) for x, y in corners)) for text, corners in attempt(cut)]


def _box(patch: Patch) -> Corners:
    return (patch.left, patch.top), (patch.right, patch.top), (patch.right, patch.bottom), (patch.left, patch.bottom)
