"""A kiosk from nothing to a live camera: `classtap kiosk` as a fresh process on the prepared store, files read anew."""

import os
import subprocess
import sys
import time
from pathlib import Path

from bench.claims import Claim, claim
from bench.frame import recording
from bench.ground.studio import copied

BESIDE = "a bare PySide6 window, painted"
RUNS = 3
LONGEST_S = 60


def run() -> list[Claim]:
    """One run, cold where the system lets us drop files from its cache; and once more warm."""
    video = recording()
    with copied("kiosk") as folder:
        kiosk = ["-m", "bench.ground.starting", "kiosk", str(folder), str(video)]
        bare = ["-m", "bench.ground.starting", "bare"]
        _seconds(kiosk)  # untimed: the first start after an installation writes the libraries' bytecode
        is_cold = _dropped(folder)
        cold = _seconds(kiosk)
        _dropped(folder)
        beside = _seconds(bare)
        warm = _seconds(kiosk)
        warm_beside = _seconds(bare)
    name = "cold" if is_cold else "not_cold"
    return [
        claim(f"kiosk_start.{name}.live_camera_s", cold, goal=2.5, beside=(BESIDE, beside)),
        claim("kiosk_start.warm.live_camera_s", warm, goal=2.5, beside=(BESIDE, warm_beside)),
    ]


def _seconds(words: list[str]) -> float:
    """From before the process is made until it says, by the same clock, that its picture is painted."""
    env = {**os.environ, "CLASSTAP_KEYRING": "off"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    if not env.get("DISPLAY"):
        env.setdefault("QT_QPA_PLATFORM", "offscreen")
    began = time.time()
    done = subprocess.run(
        [sys.executable, *words], env=env, timeout=LONGEST_S, stdout=subprocess.PIPE, text=True, check=True
    )
    return float(done.stdout.split()[-1]) - began


def _dropped(folder: Path) -> bool:
    """Have the program's files, the libraries and the store read from the disk again; False where that is not offered.

    Pages that another running process has mapped stay (a system's C library, say).
    """
    if not hasattr(os, "posix_fadvise"):
        return False
    os.sync()
    for place in (Path(sys.prefix), Path(sys.base_prefix) / "lib", Path.cwd(), folder):
        for path in place.rglob("*"):
            if path.is_file() and path.suffix not in (".avi", ".jpg", ".png", ".a"):
                try:
                    opened = os.open(path, os.O_RDONLY)
                except OSError:
                    continue
                os.posix_fadvise(opened, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(opened)
    return True
