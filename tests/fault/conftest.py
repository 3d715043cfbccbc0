"""The numbers that fault runs come to, printed together at the end of the run."""

from collections.abc import Callable

import pytest

Report = Callable[[str], None]
"""Adds a line to what is printed at the end."""

_LINES = pytest.StashKey[list[str]]()


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    return request.config.stash.setdefault(_LINES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash.get(_LINES, [])
    if lines:
        terminalreporter.section("fault numbers")
        for line in lines:
            terminalreporter.write_line(line)
