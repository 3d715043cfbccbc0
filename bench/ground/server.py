"""The cloud as `classtap cloud serve` runs it: a process of its own, on a free port of the loopback."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from classtap_core import house
from classtap_core.kernel.clock import SystemClock
from cloud.serve import serve


@contextmanager
def served(folder: Path, *, now_ms: int) -> Iterator[str]:
    """Serve the cloud in `folder/cloud` with its clock beginning at `now_ms`; gives its address."""
    command = [sys.executable, "-m", "bench.ground.server", str(folder), str(now_ms)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError("the cloud did not start")
        yield url
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def main(folder: str, now_ms: str) -> None:
    serve(
        Path(folder), house.bus(authority=True), port=0, clock=SystemClock(start_ms=int(now_ms)),
        ready=lambda url: print(url, flush=True),
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
