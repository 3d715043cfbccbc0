"""Where pictures come from: a camera, a video file, a folder of images, a stream address; one door for all of them."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET; FFmpeg asks when it first opens something

import cv2
import numpy as np
from numpy.typing import NDArray

if "OPENCV_LOG_LEVEL" not in os.environ:  # a missing camera is a state here, not a line on stderr
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

Picture = NDArray[np.uint8]

FILE_FPS = 30.0
STREAM_PATIENCE_MS = 4_000
IMAGES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})
_PLATFORM = {"linux": cv2.CAP_V4L2, "darwin": cv2.CAP_AVFOUNDATION, "win32": cv2.CAP_DSHOW}


class Fault(StrEnum):
    """Why a source gives no picture."""

    NO_CAMERA = "no_camera"
    BUSY = "busy"
    DENIED = "denied"
    UNREADABLE = "unreadable"
    TRUNCATED = "truncated"
    GONE = "gone"
    END = "end"


class Hint(StrEnum):
    """What would help to read a code: light on it, or the lens brought to bear anew."""

    LIGHT = "light"
    FOCUS = "focus"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault and what its sentence needs to say."""

    fault: Fault
    params: Mapping[str, str | int] = field(default_factory=dict)


class Source(ABC):
    """Something that gives pictures one after the other. Used by one thread at a time; never raises for the world.

    name: what a person typed or sees; live: it can come back after it went, and its frames have no fixed length;
    fps: frames a second of media time, known once open.
    """

    name: str
    live: bool = False
    fps: float = FILE_FPS

    @abstractmethod
    def open(self) -> Trouble | None:
        """Start from the beginning; None when pictures can be read."""

    @abstractmethod
    def read(self) -> Picture | Trouble:
        """The next picture (BGR or grey), or why there is none. After `UNREADABLE` the one after it may be fine."""

    @abstractmethod
    def skip(self) -> Trouble | None:
        """Pass over the next picture as cheaply as the source allows."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the device or file; may be called twice."""

    def help(self, hint: Hint) -> bool:
        """Take a hint where the camera can; whether it did. Called between two pictures."""
        return False


class _Captured(Source):
    """What OpenCV's VideoCapture reads."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._capture: cv2.VideoCapture | None = None

    @abstractmethod
    def _start(self) -> cv2.VideoCapture: ...

    @abstractmethod
    def _refusal(self) -> Trouble: ...

    def _end(self) -> Trouble:
        return Trouble(Fault.GONE, {"source": self.name})

    def open(self) -> Trouble | None:
        self.close()
        try:
            capture = self._start()
        except cv2.error:
            return self._refusal()
        if not capture.isOpened():
            capture.release()
            return self._refusal()
        self._capture = capture
        stated = capture.get(cv2.CAP_PROP_FPS)
        self.fps = stated if 1.0 <= stated <= 240.0 else FILE_FPS
        return None

    def read(self) -> Picture | Trouble:
        if self._capture is None:
            return Trouble(Fault.GONE, {"source": self.name})
        try:
            there, picture = self._capture.read()
        except cv2.error:
            there, picture = False, None
        if not there or picture is None or picture.size == 0:
            return self._end()
        return np.asarray(picture, dtype=np.uint8)

    def skip(self) -> Trouble | None:
        if self._capture is None:
            return Trouble(Fault.GONE, {"source": self.name})
        try:
            return None if self._capture.grab() else self._end()
        except cv2.error:
            return self._end()

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None


_HELP: Mapping[Hint, tuple[tuple[tuple[int, float], ...], ...]] = {
    Hint.LIGHT: (
        ((cv2.CAP_PROP_ANDROID_DEVICE_TORCH, 1),), ((cv2.CAP_PROP_IOS_DEVICE_TORCH, 1),),
        ((cv2.CAP_PROP_BACKLIGHT, 1),),
    ),
    Hint.FOCUS: (((cv2.CAP_PROP_AUTOFOCUS, 0), (cv2.CAP_PROP_AUTOFOCUS, 1)),),
}  # fmt: skip
"""Ways to help, each a row of properties to set one after the other: a lens looks for itself anew when told off and on."""


class Properties(Protocol):
    """What of a VideoCapture a hint needs."""

    def set(self, propId: int, value: float, /) -> bool: ...


def helped(capture: Properties, way: Sequence[tuple[int, float]]) -> bool:
    """Set properties one after the other; whether the driver took them all."""
    try:
        return all(bool(capture.set(name, value)) for name, value in way)
    except cv2.error:
        return False


class DeviceSource(_Captured):
    """A camera by its index, asked for 1280x720 at 30 frames a second."""

    live = True

    def __init__(self, index: int) -> None:
        super().__init__(str(index))
        self._index = index

    def _start(self) -> cv2.VideoCapture:
        backend = _PLATFORM.get(sys.platform, cv2.CAP_ANY)
        capture = cv2.VideoCapture(self._index, backend)
        if capture.isOpened():
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, 1280)
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, 720)
            capture.set(cv2.CAP_PROP_FPS, 30)
            capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return capture

    def help(self, hint: Hint) -> bool:
        """A lamp is left on until the camera is closed. What a driver does not know it refuses, and nothing changes."""
        return self._capture is not None and any(helped(self._capture, way) for way in _HELP[hint])

    def _refusal(self) -> Trouble:
        params: dict[str, str | int] = {"source": self._index}
        node = Path(f"/dev/video{self._index}")
        if not sys.platform.startswith("linux") or not node.exists():
            return Trouble(Fault.NO_CAMERA, params)
        if not os.access(node, os.R_OK | os.W_OK):
            return Trouble(Fault.DENIED, params)
        return Trouble(Fault.BUSY, params)


class StreamSource(_Captured):
    """A network camera by its address (rtsp, http ...); gives up on a silent one after four seconds."""

    live = True

    def _start(self) -> cv2.VideoCapture:
        patience = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            STREAM_PATIENCE_MS,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            STREAM_PATIENCE_MS,
        ]
        return cv2.VideoCapture(self.name, cv2.CAP_FFMPEG, patience)

    def _refusal(self) -> Trouble:
        return Trouble(Fault.NO_CAMERA, {"source": self.name})


class FileSource(_Captured):
    """A video file, played from its start. A file that stops before its stated length ends as truncated."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path
        self._stated = 0
        self._given = 0

    def open(self) -> Trouble | None:
        self._given = 0
        trouble = super().open()
        if trouble is None and self._capture is not None:
            self._stated = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        return trouble

    def read(self) -> Picture | Trouble:
        answer = super().read()
        self._given += not isinstance(answer, Trouble)
        return answer

    def skip(self) -> Trouble | None:
        trouble = super().skip()
        self._given += trouble is None
        return trouble

    def _start(self) -> cv2.VideoCapture:
        return cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)

    def _refusal(self) -> Trouble:
        there = self._path.is_file()
        return Trouble(Fault.UNREADABLE if there else Fault.NO_CAMERA, {"source": self.name})

    def _end(self) -> Trouble:
        # A container's stated count may be off by a frame or two in a whole file.
        if self._given < self._stated - 2:
            return Trouble(Fault.TRUNCATED, {"source": self.name, "frames": self._given, "stated": self._stated})
        return Trouble(Fault.END, {"source": self.name, "frames": self._given})


class FolderSource(Source):
    """A folder of images in the order of their names, or a single image; 30 to the second of media time."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self._files: Sequence[Path] = ()
        self._next = 0

    def open(self) -> Trouble | None:
        self._next = 0
        try:
            found = [self._path] if self._path.is_file() else list(self._path.iterdir())
        except PermissionError:
            return Trouble(Fault.DENIED, {"source": self.name})
        except OSError:
            return Trouble(Fault.NO_CAMERA, {"source": self.name})
        self._files = sorted((file for file in found if file.suffix.lower() in IMAGES), key=lambda file: file.name)
        return None if self._files else Trouble(Fault.NO_CAMERA, {"source": self.name})

    def read(self) -> Picture | Trouble:
        if self._next >= len(self._files):
            return Trouble(Fault.END, {"source": self.name, "frames": len(self._files)})
        file = self._files[self._next]
        self._next += 1
        picture = picture_of(file)
        if picture is None:
            return Trouble(Fault.UNREADABLE, {"source": self.name, "file": file.name})
        return picture

    def skip(self) -> Trouble | None:
        if self._next >= len(self._files):
            return Trouble(Fault.END, {"source": self.name, "frames": len(self._files)})
        self._next += 1
        return None

    def close(self) -> None:
        self._files = ()


def picture_of(file: Path) -> Picture | None:
    """The image in a file as BGR, None when it is missing, empty, broken or no image."""
    try:
        data = np.frombuffer(file.read_bytes(), dtype=np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except (OSError, cv2.error):
        return None
    return None if picture is None else np.asarray(picture, dtype=np.uint8)


def source_of(text: str) -> Source:
    """The source a person named: a device index, a video file, a folder of images or an image, a stream address."""
    if text.isdecimal():
        return DeviceSource(int(text))
    if text.startswith("/dev/video") and text.removeprefix("/dev/video").isdecimal():
        return DeviceSource(int(text.removeprefix("/dev/video")))
    if "://" in text and not text.startswith("file://"):
        return StreamSource(text)
    path = Path(text.removeprefix("file://"))
    if path.is_dir() or path.suffix.lower() in IMAGES:
        return FolderSource(path)
    return FileSource(path)


def devices(*, most: int = 4) -> tuple[tuple[int, str], ...]:
    """Cameras that open, as (index, name), looking at indices below `most`; the name is empty where none is known."""
    found: list[tuple[int, str]] = []
    for index in range(most):
        if sys.platform.startswith("linux") and not Path(f"/dev/video{index}").exists():
            continue
        source = DeviceSource(index)
        if source.open() is None:
            found.append((index, _device_name(index)))
        source.close()
    return tuple(found)


def _device_name(index: int) -> str:
    try:
        return Path(f"/sys/class/video4linux/video{index}/name").read_text(encoding="utf-8").strip()
    except OSError:
        return ""
