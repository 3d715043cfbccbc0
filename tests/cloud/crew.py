"""A cloud over the toy room with several workers: python -m tests.cloud.crew FOLDER URL WORKERS [PORT].

At a port of its own its time runs; else it stands still.
"""

import signal
import sys
from pathlib import Path

from classtap_core.kernel.clock import ManualClock, SystemClock
from cloud.serve import serve
from tests.cloud.rig import START_MS
from tests.unit.kernel import toy


def main(folder: str, url: str, workers: str, port: str = "") -> None:
    def leave(*_: object) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
    serve(
        Path(folder), toy.bus(authority=True), port=int(port or 0), url=url, workers=int(workers),
        clock=SystemClock() if port else ManualClock(START_MS), ready=lambda url: print(url, flush=True),
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
