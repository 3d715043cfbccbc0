"""A kiosk's first load, in a process of its own: its module imports no more than a kiosk's sync does."""

import multiprocessing
import sys
from pathlib import Path
from typing import Any

from classtap_core.interpreter import settle
from classtap_core.kernel.clock import SystemClock
from sync.client.node import Node

_CONTEXT: Any = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
if sys.platform != "win32":
    _CONTEXT.set_forkserver_preload([__name__])


def begun(folder: Path, now_ms: int) -> Any:
    """A process that has its store open and begins to load. Raises EOFError where it ended before that."""
    hears, says = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_load, args=(folder, now_ms, says))
    process.start()
    says.close()
    hears.recv()
    hears.close()
    return process


def _load(folder: Path, now_ms: int, says: Any) -> None:
    clock = SystemClock(start_ms=now_ms)
    with Node.open(folder, program="kiosk", clock=clock, ring=None) as node:
        settle()  # as the kiosk does once its window is there
        says.send("begins")
        node.engine.pulling.bootstrap()
