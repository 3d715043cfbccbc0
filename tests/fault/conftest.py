"""The numbers that fault runs come to, printed together at the end of the run."""

from collections.abc import Callable

import pytest

Report = Callable[[str], None]
"""Adds a line to what is printed at the end."""

_LINE = "fault number"


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    # With the test's own report, which reaches the process that prints from whichever ran the test.
    return lambda line: request.node.user_properties.append((_LINE, line))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [one for many in terminalreporter.stats.values() for one in many if getattr(one, "when", "") == "teardown"]
    lines = [value for one in reports for name, value in one.user_properties if name == _LINE]
    if lines:
        terminalreporter.section("fault numbers")
        for line in lines:
            terminalreporter.write_line(line)
