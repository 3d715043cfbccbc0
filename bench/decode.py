"""Reading hard frames beside each library alone, what an empty frame costs, and the preview's pace at its worst."""

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import zxingcpp
from pyzbar import pyzbar

from bench.claims import Claim, claim, percentile
from classtap_cli.demo.hard_frames import CONDITIONS, HardFrame, empty_frames, hard_frames
from classtap_cli.demo.recording import FPS, Scene, write_recording
from classtap_core.passes import base45
from kiosk.camera import Camera, source_of
from kiosk.decoding import Decoder, Purse, ScanWorker

RUNS = 1
PER_CONDITION = 12
PASS_BYTES = 102
SEED = 2026

Reader = Callable[[np.ndarray], list[str]]
Grey = np.ndarray


def run() -> list[Claim]:
    """One run over the same frames for everybody, on one thread each."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return [*_hard(), *_empty(), *_preview()]
    finally:
        cv2.setNumThreads(threads)


def by_condition() -> dict[str, dict[str, int]]:
    """How many frames of each condition each reader reads, out of `PER_CONDITION`."""
    return {
        name: {
            condition: sum(frame.text in read(frame.picture) for frame in _frames() if frame.condition == condition)
            for condition in CONDITIONS
        }
        for name, read in _readers().items()
    }


def _hard() -> list[Claim]:
    found: dict[str, float] = {}
    cost: dict[str, list[float]] = {}
    for name, read in _readers().items():
        hits, cost[name] = 0, []
        for frame in _frames():
            started = time.perf_counter()
            texts = read(frame.picture)
            cost[name].append((time.perf_counter() - started) * 1000)
            hits += frame.text in texts
        found[name] = hits / len(_frames())
    alone = {name: rate for name, rate in found.items() if name != "ours"}
    best = max(alone, key=lambda name: alone[name])
    claims = [
        claim("decode.hard_frames.found_rate", found["ours"], goal=alone[best], beside=(f"{best} alone", alone[best]))
    ]
    for name, rate in alone.items():
        claims.append(claim(f"decode.{_slug(name)}_alone.found_rate", rate, beside=("ours", found["ours"])))
    for percent, goal in ((50, 10.0), (95, 60.0)):
        ours = percentile(cost["ours"], percent)
        for name in alone:
            theirs = percentile(cost[name], percent)
            claims.append(claim(f"decode.{_slug(name)}_alone.p{percent}_ms", theirs, beside=("ours", ours)))
        theirs = percentile(cost["pyzbar"], percent)
        claims.append(claim(f"decode.hard_frames.p{percent}_ms", ours, goal=goal, beside=("pyzbar alone", theirs)))
    return claims


def _empty() -> list[Claim]:
    frames = _empties()
    decoder, readers = Decoder(purse=Purse()), _readers()
    ours = [decoder.look(frame.picture).ms for frame in frames for _ in range(5)]
    zbar = []
    for frame in frames:
        started = time.perf_counter()
        readers["pyzbar"](frame.picture)
        zbar.append((time.perf_counter() - started) * 1000)
    return [
        claim(
            "decode.empty_frame.p95_ms",
            percentile(ours, 95),
            goal=10.0,
            beside=("pyzbar alone", percentile(zbar, 95)),
        )
    ]


def _preview() -> list[Claim]:
    """A torn card is held to the lens, so that no frame reads and every fall-back would like to run."""
    pace = {"purse": _shown_fps(Decoder(purse=Purse())), "without": _shown_fps(Decoder())}
    return [
        claim(
            "decode.preview.shown_fps",
            pace["purse"],
            goal=24.0,
            beside=("every fall-back on every frame", pace["without"]),
        )
    ]


def _shown_fps(decoder: Decoder) -> float:
    camera = Camera(source_of(str(_torn_recording())))
    shown: list[float] = []
    worker = ScanWorker(
        camera.mailbox(), lambda *_: None, on_frame=lambda _: shown.append(time.monotonic()), decoder=decoder
    )
    worker.start()
    camera.start()
    while worker.alive:
        time.sleep(0.05)
    camera.stop()
    worker.stop()
    return (len(shown) - 1) / (shown[-1] - shown[0])


def _readers() -> dict[str, Reader]:
    qr: Any = zxingcpp.BarcodeFormat.QRCode
    ours, aruco = Decoder(), cv2.QRCodeDetectorAruco()

    def opencv(picture: Grey) -> list[str]:
        try:  # the better of OpenCV's two detectors; it raises on some frames (OpenCV 5.0.0)
            return list(aruco.detectAndDecodeMulti(_grey(picture))[1])
        except cv2.error:
            return []

    return {
        "ours": lambda picture: [sighting.text for sighting in ours.decode(picture)],
        "zxing-cpp": lambda picture: [code.text for code in zxingcpp.read_barcodes(_grey(picture), qr)],
        "pyzbar": lambda picture: [
            code.data.decode("utf-8", "replace")
            for code in pyzbar.decode(_grey(picture), symbols=[pyzbar.ZBarSymbol.QRCODE])
        ],
        "OpenCV": opencv,
    }


def _grey(picture: Grey) -> Grey:
    return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)


def _slug(name: str) -> str:
    return name.lower().replace("-cpp", "")


@cache
def _frames() -> tuple[HardFrame, ...]:
    rng = np.random.default_rng(SEED)
    texts = ["CT:" + base45.encode(rng.bytes(PASS_BYTES)) for _ in range(6)]
    return tuple(hard_frames(texts, per_condition=PER_CONDITION, seed=SEED))


@cache
def _empties() -> tuple[HardFrame, ...]:
    return tuple(empty_frames(count=20, seed=SEED))


@cache
def _torn_recording() -> Path:
    text = next(frame.text for frame in _frames() if frame.text)
    scene = Scene(text, "unreadable", "Okafor", damage="torn", gap_s=0.1, seconds=4.0)
    return write_recording([scene], Path("build/bench/torn.avi"), seed=SEED).video


def main() -> None:
    """Print how many frames of each condition each reader reads."""
    counts = by_condition()
    print("".ljust(10), *(condition[:8].rjust(8) for condition in CONDITIONS), "     all")
    for name, row in counts.items():
        print(
            name.ljust(10), *(str(row[condition]).rjust(8) for condition in CONDITIONS), str(sum(row.values())).rjust(8)
        )
    print(f"of {PER_CONDITION} each; {FPS} frames a second, 1280x720")


if __name__ == "__main__":
    main()
