"""A server that dies as by `kill -9` at a chosen point of the next push: python -m tests.cloud.crashing FOLDER POINT.

Points: `decided` (written, before the commit), `committed` (before the answer), `never`.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from classtap_core.kernel.authority import Authority
from classtap_core.kernel.clock import ManualClock
from cloud.serve import serve
from cloud.storage.backend import SqlCloud
from tests.cloud.rig import START_MS
from tests.unit.kernel import toy


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(folder: str, point: str) -> None:
    if point == "decided":
        SqlCloud.set_marks = die  # type: ignore[method-assign]
    if point == "committed":
        taken = Authority.push_together

        def push_together(*args: Any) -> Any:
            taken(*args)
            die()

        Authority.push_together = push_together  # type: ignore[method-assign, assignment]
    serve(
        Path(folder), toy.bus(authority=True), port=0, clock=ManualClock(START_MS),
        ready=lambda url: print(url, flush=True),
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
