"""The demonstration with a display (two windows, a person at them) or without one (the same job by itself)."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from classtap_cli.demo.job import Job
from classtap_cli.demo.report import Report
from classtap_cli.demo.surroundings import DemoHouse

_WINDOWS: dict[str, Callable[[Path], list[str]]] = {
    "desk": lambda out: [],
    "kiosk": lambda out: ["--camera", str(out / "recording.avi"), "--again"],
}
_SAID = {"desk": "the front desk", "kiosk": "a kiosk with a recorded camera"}


def has_display() -> bool:
    """Whether windows can be seen here."""
    if os.environ.get("QT_QPA_PLATFORM") in ("offscreen", "minimal"):
        return False
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def run(demo: DemoHouse, out: Path, report: Report, *, windows: Sequence[str] = ("desk", "kiosk")) -> None:
    """Do the main job: by hand where there is a display and a window is wanted."""
    seen = has_display() and any(name in _WINDOWS for name in windows)
    if not seen:
        os.environ["QT_QPA_PLATFORM"] = os.environ.get("QT_QPA_PLATFORM") or "offscreen"
    job = Job(demo, out, report)
    if seen:
        job.prepare()
        by_hand(demo, out, windows)
    else:
        job.run()


def by_hand(demo: DemoHouse, out: Path, windows: Sequence[str]) -> None:
    """Give the stores to two programs of their own, and the network switch to the terminal."""
    staff = demo.plan.staff
    demo.let_go()
    programs = [
        subprocess.Popen([sys.executable, "-m", "classtap_cli", *arguments, "--data", str(out)])
        for arguments in ([name, *_WINDOWS[name](out)] for name in windows)
    ]
    print("\nOpen: " + " and ".join(_SAID[name] for name in windows) + ".")
    print("Sign in at the desk, or leave the kiosk (Staff), with one of these PINs:")
    for person in staff:
        print(f"  {person.pin}  {person.name}, {person.role.replace('_', ' ')}")
    print("Press Enter to pull the network cable, and again to plug it back in. Close both windows to end.", flush=True)
    try:
        while any(program.poll() is None for program in programs):
            if not _line_within(1.0):
                continue
            if demo.proxy.is_cut:
                demo.proxy.restore()
                print("The network is back.", flush=True)
            else:
                demo.proxy.cut()
                print("The network is cut.", flush=True)
    except KeyboardInterrupt:
        pass
    finally:
        for program in programs:
            program.terminate()
        for program in programs:
            program.wait()


def _line_within(seconds: float) -> bool:
    """Whether somebody pressed Enter; without a terminal, just waits."""
    import select

    if sys.platform == "win32" or not sys.stdin or not sys.stdin.isatty():
        import time

        time.sleep(seconds)
        return False
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    return bool(ready) and bool(sys.stdin.readline())
