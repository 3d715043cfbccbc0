"""The kiosk's three tones, played off the window's thread; without an audio device they are simply not heard."""

from __future__ import annotations

import ctypes
import ctypes.util
import logging
import sys
import threading
import wave
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from typing import Any

from resources import path

NAMES = ("ok", "attention", "refusal")
_log = logging.getLogger(__name__)
_keep: list[Any] = []


class Tones:
    """Plays tones one after another. ``play`` returns at once and never raises; ``close`` ends the thread.

    The device is opened on the first tone and stays open. ``heard`` says whether there is one, ``None`` before it is known;
    ``backends`` are miniaudio's, ``None`` for the platform's own.
    """

    def __init__(self, *, muted: bool = False, backends: Sequence[Any] | None = None) -> None:
        self.muted = muted
        self._backends = backends
        self.heard: bool | None = None
        self._wanted: SimpleQueue[str | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._idle = threading.Event()
        self._idle.set()

    def play(self, name: str) -> None:
        """Play ``ok``, ``attention`` or ``refusal``; anything else is silence."""
        if self.muted or self.heard is False or name not in NAMES:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="tones", daemon=True)
            self._thread.start()
        self._idle.clear()
        self._wanted.put(name)

    def wait(self, timeout_s: float) -> bool:
        """Wait until every tone asked for was played or given up; says whether that came in time."""
        return self._idle.wait(timeout_s)

    def close(self) -> None:
        """Stop, and wait for the thread to end."""
        if self._thread is not None:
            self._wanted.put(None)
            self._thread.join(timeout=5)
            self._thread = None

    def _run(self) -> None:
        device = _open(self._backends)
        self.heard = device is not None
        done = threading.Event()
        while True:
            if self._wanted.empty():
                self._idle.set()
            name = self._wanted.get()
            if name is None:
                break
            if device is None:
                continue
            done.clear()
            stream = _stream(_frames(name), done)
            next(stream)
            device.start(stream)
            done.wait(2.0)
            device.stop()
        if device is not None:
            device.close()
        self._drain()
        self._idle.set()

    def _drain(self) -> None:
        try:
            while True:
                self._wanted.get_nowait()
        except Empty:
            return


def _open(backends: Sequence[Any] | None) -> Any:
    # Imported here: it takes a third of a second, and the first tone has its own thread.
    try:
        import miniaudio
    except ImportError as problem:
        _log.info("no audio library, tones are off: %s", problem)
        return None
    try:
        _hush_alsa()
        return miniaudio.PlaybackDevice(
            output_format=miniaudio.SampleFormat.SIGNED16,
            nchannels=1,
            sample_rate=22_050,
            app_name="ClassTap",
            buffersize_msec=60,
            backends=list(backends) if backends else None,
        )
    except (OSError, RuntimeError, miniaudio.MiniaudioError) as problem:
        _log.info("no audio device, tones are off: %s", problem)
        return None


def _frames(name: str) -> bytes:
    with wave.open(str(path("sounds", f"{name}.wav")), "rb") as file:
        return file.readframes(file.getnframes())


def _stream(frames: bytes, done: threading.Event) -> Any:
    """Hand the device as many frames as it asks for (two bytes each), then silence, then say so."""
    at = 0
    wanted = yield b""
    while at < len(frames):
        piece = frames[at : at + wanted * 2]
        at += len(piece)
        wanted = yield piece.ljust(wanted * 2, b"\0")
    wanted = yield b"\0" * (wanted * 2)
    done.set()
    while True:
        wanted = yield b"\0" * (wanted * 2)


def _hush_alsa() -> None:
    """ALSA writes twenty lines to stderr where there is no sound card (alsa-lib 1.2); take its handler away."""
    if not sys.platform.startswith("linux") or _keep:
        return
    library = ctypes.util.find_library("asound")
    if library is None:
        return
    handler = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p)
    quiet = handler(lambda *_: None)
    ctypes.CDLL(library).snd_lib_error_set_handler(quiet)
    _keep.append(quiet)
