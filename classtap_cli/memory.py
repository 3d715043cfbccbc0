"""What a program holds in memory, keys and names among it, stays out of every file that a crash would leave."""

import contextlib
import sys

_PR_SET_DUMPABLE = 4
_NO_HEAP = 1  # WER_FAULT_REPORTING_FLAG_NOHEAP


def keep_out_of_crash_files() -> None:
    """No core is written for this process, whatever the limits and the system's own collector say; on Windows no heap.

    A limit of 0 alone does not hold back a collector that cores are piped to (core(5)); not being dumpable does. A
    system that has none of these goes on without.
    """
    if sys.platform == "win32":
        _no_heap_in_reports()
        return
    import resource

    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _no_heap_in_reports() -> None:
    import ctypes

    with contextlib.suppress(AttributeError, OSError):
        ctypes.windll.wer.WerSetFlags(_NO_HEAP)  # type: ignore[attr-defined,unused-ignore]
