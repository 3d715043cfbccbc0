"""A thread, timer or window that outlives its test fails that test, with the place that made it."""

import gc
import inspect
import os
import re
import sys
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
# How long a thread that was told to end may take, in seconds: a busy machine takes its time.
GRACE = float(os.environ.get("CLASSTAP_TEST_GRACE", "20"))

_places: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
_qt_started: list[weakref.ref[Any]] = []


def pytest_configure() -> None:
    """Remember where threads and timers are started."""
    _note_starts(threading.Thread)
    try:
        from PySide6.QtCore import QThread, QTimer
    except ImportError:
        return
    _note_starts(QThread)
    _note_starts(QTimer)


@pytest.fixture(autouse=True)
def _nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compare what runs before and after; what a fixture of a wider scope started is there before."""
    threads, qt, windows = set(threading.enumerate()), set(_running_qt()), set(_windows())
    yield
    _deliver_deletions()
    allowed = _allowed_by(request.node)
    new = set(threading.enumerate()) - threads
    left = [_told(thread) for thread in _alive({thread for thread in new if not _matches(_told(thread), allowed)})]
    left += [_told(thing) for key, thing in _running_qt().items() if key not in qt]
    if set(_windows()) - windows:
        gc.collect()  # a window in a reference cycle is only waiting for this
        _deliver_deletions()
    left += [_window_told(window) for key, window in _windows().items() if key not in windows]
    left = [what for what in left if not _matches(what, allowed)]
    if left:
        pytest.fail("Left behind by this test:\n" + "\n".join(left), pytrace=False)


def _matches(what: str, patterns: list[str]) -> bool:
    return any(re.search(pattern, what) for pattern in patterns)


def _allowed_by(item: pytest.Item) -> list[str]:
    """The patterns of `@pytest.mark.leaves(pattern, reason="...")`."""
    patterns = []
    for marker in item.iter_markers("leaves"):
        if len(marker.args) != 1 or not marker.kwargs.get("reason"):
            raise pytest.UsageError(f"{item.nodeid}: leaves takes a pattern and reason=...")
        patterns.append(marker.args[0])
    return patterns


def _note_starts(kind: Any) -> None:
    start = kind.start

    def started(self: Any, *arguments: Any, **words: Any) -> Any:
        _places[self] = _caller()
        if not isinstance(self, threading.Thread):
            _qt_started.append(weakref.ref(self))
        return start(self, *arguments, **words)

    kind.start = started


def _caller() -> str:
    """The innermost line of this repository that led here, else the innermost outside threading."""
    frame, outside = sys._getframe(2), None
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(str(ROOT)) and ".venv" not in file:
            return f"{Path(file).relative_to(ROOT)}:{frame.f_lineno}"
        outside = outside or f"{file}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return outside or "unknown"


def _alive(threads: set[threading.Thread]) -> list[threading.Thread]:
    """Those that do not end by themselves within the grace."""
    if threads:
        gc.collect()  # an executor nobody holds any more lets its threads go
    for thread in threads:
        thread.join(GRACE)
    return [thread for thread in threads if thread.is_alive()]


def _running_qt() -> dict[int, Any]:
    """QThreads and QTimers that were started from Python and still run, by address."""
    if not _qt_started:
        return {}
    from PySide6.QtCore import QThread
    from shiboken6 import isValid

    _qt_started[:] = [link for link in _qt_started if (thing := link()) is not None and isValid(thing)]
    running = {}
    for thing in (link() for link in _qt_started):
        if thing is not None and (thing.isRunning() if isinstance(thing, QThread) else thing.isActive()):
            running[id(thing)] = thing
    return running


def _windows() -> dict[int, Any]:
    """Top-level widgets that exist, shown or not, by address."""
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None or not isinstance(widgets.QApplication.instance(), widgets.QApplication):
        return {}
    from shiboken6 import getCppPointer

    return {getCppPointer(window)[0]: window for window in widgets.QApplication.topLevelWidgets()}


def _deliver_deletions() -> None:
    """Carry out `deleteLater`, which waits for an event loop that a test does not have."""
    core = sys.modules.get("PySide6.QtCore")
    if core is not None and core.QCoreApplication.instance() is not None:
        core.QCoreApplication.sendPostedEvents(None, core.QEvent.Type.DeferredDelete.value)
        core.QCoreApplication.processEvents()


def _told(thing: Any) -> str:
    name = thing.name if isinstance(thing, threading.Thread) else thing.objectName()
    return f"{type(thing).__name__} {name!r}, started at {_places.get(thing, 'an unknown place')}"


def _window_told(window: Any) -> str:
    made = type(window)
    try:
        place = f"{Path(inspect.getsourcefile(made) or '').relative_to(ROOT)}:{inspect.getsourcelines(made)[1]}"
    except (OSError, TypeError, ValueError):
        place = "Qt"
    return f"window {made.__name__} {window.objectName()!r} titled {window.windowTitle()!r}, a class of {place}"
