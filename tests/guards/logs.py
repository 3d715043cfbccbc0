"""A log record of level WARNING or above that nobody expected fails the test that caused it."""

import logging
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

# Records that any test may cause and nobody here can mend: a pattern for `logger: message`, and the reason.
EXPECTED_ANYWHERE: list[tuple[str, str]] = []

_seen: list[logging.LogRecord] = []
_lock = threading.Lock()


def pytest_configure() -> None:
    """See records as they are made: a handler would miss loggers that do not propagate."""
    make = logging.getLogRecordFactory()

    def made(*arguments: Any, **words: Any) -> logging.LogRecord:
        record = make(*arguments, **words)
        if isinstance(record.levelno, int) and record.levelno >= logging.WARNING:
            with _lock:
                _seen.append(record)
        return record

    logging.setLogRecordFactory(made)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Start with no records."""
    with _lock:
        _seen.clear()
    yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """After every fixture has ended, fail for what was logged and not expected."""
    yield
    with _lock:
        records, _seen[:] = list(_seen), []
    patterns = [pattern for pattern, _reason in EXPECTED_ANYWHERE] + _expected_by(item)
    lines = [_line(record) for record in records if not any(re.search(p, _text(record)) for p in patterns)]
    if lines:
        pytest.fail("Unexpected log records (mark them with expected_log):\n" + "\n".join(lines), pytrace=False)


def _expected_by(item: pytest.Item) -> list[str]:
    """The patterns of `@pytest.mark.expected_log(pattern, reason="...")`."""
    patterns = []
    for marker in item.iter_markers("expected_log"):
        if len(marker.args) != 1 or not marker.kwargs.get("reason"):
            raise pytest.UsageError(f"{item.nodeid}: expected_log takes a pattern and reason=...")
        patterns.append(marker.args[0])
    return patterns


def _text(record: logging.LogRecord) -> str:
    return f"{record.name}: {record.getMessage()}"


def _line(record: logging.LogRecord) -> str:
    return f"{record.pathname}:{record.lineno}: {record.levelname} {_text(record)}"
