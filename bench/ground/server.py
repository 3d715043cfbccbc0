"""The cloud as `classtap cloud serve` runs it: a process of its own, on a free port of the loopback."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from classtap_core import house
from classtap_core.kernel.clock import SystemClock
from cloud.serve import serve


@contextmanager
def served(folder: Path, *, now_ms: int, url: str = "", workers: int = 1) -> Iterator[str]:
    """Serve the cloud in `folder/cloud` with its clock beginning at `now_ms`; gives its address.

    `url`: of another database than the file in the folder.
    """
    with serving(folder, now_ms=now_ms, url=url, workers=workers) as (address, _process):
        yield address


@contextmanager
def serving(
    folder: Path, *, now_ms: int, url: str = "", workers: int = 1
) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """As `served`, with the process."""
    command = [sys.executable, "-m", "bench.ground.server", str(folder), str(now_ms), url, str(workers)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        if not address:
            raise RuntimeError("the cloud did not start")
        yield address, process
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def main(folder: str, now_ms: str, url: str, workers: str) -> None:
    def leave(*_: object) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
    serve(
        Path(folder), house.bus(authority=True), port=0, url=url, workers=int(workers),
        clock=SystemClock(start_ms=int(now_ms)), ready=lambda url: print(url, flush=True),
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
