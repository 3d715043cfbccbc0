"""The table of a fault run, printed at its end: each long test, what became of it, how long it took, its numbers."""

from collections.abc import Callable

import pytest

Report = Callable[[str], None]
"""Adds a line to what is printed at the end."""

NUMBER = "fault number"
"""The property that such a line is kept as: `record_property(NUMBER, …)` where the fixture is not at hand."""

_LONG = "fault run"


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    # With the test's own report, which reaches the process that prints from whichever ran the test.
    return lambda line: request.node.user_properties.append((NUMBER, line))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # A report's keywords name its folders too, and this one is called as the marker is.
    for item in items:
        if item.get_closest_marker("fault") is not None:
            item.user_properties.append((_LONG, ""))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [one for many in terminalreporter.stats.values() for one in many if isinstance(one, pytest.TestReport)]
    ran = {one.nodeid: one for one in reports if one.when == "call" and (_LONG, "") in one.user_properties}
    lines = {
        one.nodeid: [said for name, said in one.user_properties if name == NUMBER]
        for one in reports
        if one.when == "teardown"
    }
    told = [nodeid for nodeid in {**ran, **lines} if nodeid in ran or lines.get(nodeid)]
    if not told:
        return
    terminalreporter.section("fault runs")
    for nodeid in told:
        one = ran.get(nodeid)
        head = f"{one.outcome:7} {one.duration:7.1f} s" if one else " " * 17
        terminalreporter.write_line(f"{head}  {nodeid.removeprefix('tests/')}")
        for said in lines.get(nodeid, ()):
            terminalreporter.write_line(f"{'':19}{said}")
