"""`python -m bench [NAME …]`: runs the claims, prints the table, writes build/bench.json. NAMEs pick files or ids."""

import importlib
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from bench.claims import Claim, judged, percentile, table

RUNS = 5
"""Fewer where a run is long, and looks at so many of the same that its percentiles stand."""
SKIP = ("__init__", "__main__", "claims")


def main(names: list[str]) -> int:
    """Run every claim file (or those named) five times, or as often as it says itself; exit code 1 when a goal is missed."""
    folder = Path(__file__).parent
    files = sorted(path.stem for path in folder.glob("*.py") if path.stem not in SKIP)
    wanted = [file for file in files if not names or any(name.split(".")[0] == file for name in names)]
    claims: list[Claim] = []
    loops = [loop_ms()]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    for file in wanted:
        module = importlib.import_module(f"bench.{file}")
        started = time.monotonic()
        found = judged([module.run() for _ in range(getattr(module, "RUNS", RUNS))])
        claims += found
        loops.append(loop_ms())
        spent = time.monotonic() - started
        print(f"{file}: {spent:.0f} s, the loop {loops[-2]:.1f} and {loops[-1]:.1f} ms", file=sys.stderr, flush=True)
    fsync = fsync_p95_ms()
    print(table(claims))
    print(f"\nfsync p95 on this disk, this run: {fsync:.2f} ms; load of others before it: {load:.1f}")
    print(f"a loop of plain Python, before and after each: {min(loops):.1f} to {max(loops):.1f} ms")
    out = Path("build")
    out.mkdir(exist_ok=True)
    machine = {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "fsync_p95_ms": round(fsync, 3),
        "load_before": round(load, 2),
        "loop_ms": [round(one, 2) for one in loops],
    }
    (out / "bench.json").write_text(json.dumps({"machine": machine, "claims": claims}, indent=1) + "\n")
    return 0 if all(one["ok"] for one in claims) else 1


def loop_ms() -> float:
    """How fast this machine is at the moment: the middle time of a loop that does nothing but Python.

    A virtual machine may take twice as long for it from one minute to the next, and for everything else with it.
    """
    times = []
    for _ in range(25):
        started = time.perf_counter()
        found = {number % 1_000: (number, str(number)) for number in range(30_000)}
        assert len(found) == 1_000
        times.append((time.perf_counter() - started) * 1_000)
    return percentile(times, 50)


def fsync_p95_ms() -> float:
    """What one durable write of 4 KiB costs here."""
    times = []
    with tempfile.NamedTemporaryFile(dir=".") as file:
        for _ in range(200):
            file.write(b"\0" * 4096)
            file.flush()
            started = time.perf_counter()
            os.fsync(file.fileno())
            times.append((time.perf_counter() - started) * 1000)
    return percentile(times, 95)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
