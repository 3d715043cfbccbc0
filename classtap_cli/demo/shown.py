"""The demonstration with a display (two windows, a person at them) or without one (the same job by itself)."""

import os
import subprocess
import sys
from pathlib import Path

from classtap_cli.demo.job import Job
from classtap_cli.demo.report import Report
from classtap_cli.demo.surroundings import DemoHouse


def has_display() -> bool:
    """Whether windows can be seen here."""
    if os.environ.get("QT_QPA_PLATFORM") in ("offscreen", "minimal"):
        return False
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def run(demo: DemoHouse, out: Path, report: Report) -> None:
    """Do the main job: by hand where there is a display."""
    if not has_display():
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    job = Job(demo, out, report)
    if has_display():
        job.prepare()
        by_hand(demo, out)
    else:
        job.run()


def by_hand(demo: DemoHouse, out: Path) -> None:
    """Give both stores to two programs of their own, and the network switch to the terminal."""
    staff = demo.plan.staff
    demo.let_go()
    programs = [
        subprocess.Popen([sys.executable, "-m", "classtap_cli", *arguments, "--data", str(out)])
        for arguments in (["desk"], ["kiosk", "--camera", str(out / "recording.avi"), "--again"])
    ]
    print("\nTwo windows are open: the front desk, and a kiosk with a recorded camera.")
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
