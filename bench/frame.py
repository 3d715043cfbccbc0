"""A camera frame of 1280x720 to a verdict on the screen: the real kiosk, offscreen, fed by a recording in real time."""

import os
import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.claims import Claim, claim, percentile
from bench.ground.studio import copied, ground, kiosk
from bench.ground.watched import Stamped, Watched
from classtap_cli.demo.recording import Light, Scene, write_recording
from kiosk.camera import source_of

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

LIGHTS: tuple[Light, ...] = ("clean", "rotate", "tilt", "noise", "lowlight", "glare", "motion", "small")
SECONDS, GAP_S = 1.9, 0.7
RUNS = 3
BESIDE = "the decoder alone on the same frames"


def run() -> list[Claim]:
    """One run: every scene is another family; after each verdict somebody taps "all done"."""
    application = _application()
    with copied("kiosk") as folder, kiosk(folder) as node:
        app = Watched(node, Stamped(source_of(str(recording()))))
        app.ended.connect(application.quit)
        app.start()
        application.exec()
        app.close()
    verdicts = [shown for shown in app.verdicts if shown.outcome == "ok"]
    if len(verdicts) < len(LIGHTS) - 1:
        raise RuntimeError(f"only {len(verdicts)} of {len(LIGHTS)} families were seen")
    waits = [shown.after_ms for shown in verdicts]
    decoding = [shown.decode_ms for shown in verdicts]
    return [
        claim("frame.verdict_on_screen.p50_ms", percentile(waits, 50), beside=(BESIDE, percentile(decoding, 50))),
        claim(
            "frame.verdict_on_screen.p95_ms", percentile(waits, 95), goal=150, beside=(BESIDE, percentile(decoding, 95))
        ),
        claim("frame.preview.painted_fps", app.painted_fps(), goal=24, beside=("frames of the camera", 30.0)),
    ]


def _application() -> "QApplication":
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    found: Any = QApplication.instance() or QApplication(sys.argv[:1])
    return found  # type: ignore[no-any-return]


@cache
def recording() -> Path:
    """Cards and phones of different families, each in a light of its own, kept beside the ground."""
    _application()
    video = ground().folder / "recording" / "families.avi"
    if not video.exists():
        due = [one for one in ground().due if one.text]
        scenes = [
            Scene(
                one.text, "ok", "Okafor", form="phone" if number % 2 else "card", light=light, seconds=SECONDS,
                gap_s=GAP_S,
            )
            for number, (one, light) in enumerate(zip(due, LIGHTS, strict=False))
        ]  # fmt: skip
        started = time.monotonic()
        half = video.with_name("half.avi")
        write_recording(scenes, half, seed=7)
        half.rename(video)
        print(f"recording made in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return video
