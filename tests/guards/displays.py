"""Tests marked `xvfb` run together in one child process on an X display of their own; the rest stay offscreen."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.guards.tools import TOOLS, needs

REPORTS = "CLASSTAP_TEST_REPORTS"  # set in the child: the file its reports go to
LONGEST = 900  # seconds the child may take

_reports = pytest.StashKey[dict[str, list[dict[str, Any]]]]()
_ending = pytest.StashKey[str]()


@contextlib.contextmanager
def virtual_display() -> Iterator[str]:
    """Start Xvfb on a free display and yield its name (`:7`)."""
    program = needs("xvfb")
    read, write = os.pipe()
    server = subprocess.Popen(
        [program, "-displayfd", str(write), "-screen", "0", "1600x1200x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[write],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as answer:
            number = answer.readline().strip()
        if not number:
            pytest.fail(f"Xvfb ended with code {server.wait()} and opened no display", pytrace=False)
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="session")
def x_display() -> Iterator[str]:
    """The name of a virtual display, for tests that start a program on it."""
    with virtual_display() as name:
        yield name


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Replay what the child reported for a test marked `xvfb`."""
    if not item.get_closest_marker("xvfb") or REPORTS in os.environ or TOOLS["xvfb"].find() is None:
        return None
    session = item.session
    if _reports not in session.stash:
        marked = [other.nodeid for other in session.items if other.get_closest_marker("xvfb")]
        session.stash[_reports], session.stash[_ending] = _run_in_child(marked, session.config)
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in _told(item):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    # What this test did not set up it must still let go: folders and modules that only it and the last one share.
    session._setupstate.teardown_exact(nextitem)
    return True


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """In the child, hand each report to the parent."""
    if REPORTS in os.environ:
        with open(os.environ[REPORTS], "a", encoding="utf-8") as file:
            file.write(json.dumps(report._to_json()) + "\n")


def _run_in_child(marked: list[str], config: pytest.Config) -> tuple[dict[str, list[dict[str, Any]]], str]:
    """Run these tests on a virtual display; return their reports by test, and how the child ended."""
    with virtual_display() as name, tempfile.TemporaryDirectory() as folder:
        told, output = Path(folder) / "reports", Path(folder) / "output"
        told.touch()
        surroundings = os.environ | {"DISPLAY": name, "CLASSTAP_TEST_PLATFORM": "xcb", REPORTS: str(told)}
        settings = ["-c", str(config.inipath), "--rootdir", str(config.rootpath), "-p", "no:cacheprovider"]
        settings += ["--basetemp", str(Path(folder) / "base")]  # it tidies nobody else's folders away
        command = [sys.executable, "-m", "pytest", *settings, *marked]
        with output.open("w") as file:
            try:
                ended = subprocess.run(
                    command,
                    env=surroundings,
                    cwd=config.rootpath,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    timeout=LONGEST,
                    check=False,
                )
                how = f"the child on the virtual display ended with code {ended.returncode}"
            except subprocess.TimeoutExpired:
                how = f"the child on the virtual display did not end within {LONGEST} s"
        reports = defaultdict(list)
        for line in told.read_text(encoding="utf-8").splitlines():
            report = json.loads(line)
            reports[report["nodeid"]].append(report)
        return reports, f"{how}:\n{output.read_text(errors='replace')[-4000:]}"


def _told(item: pytest.Item) -> list[pytest.TestReport]:
    """The child's reports for this test, and one of its failure where the child ended before the test did."""
    reports = [pytest.TestReport._from_json(data) for data in item.session.stash[_reports].get(item.nodeid, [])]
    if not reports or reports[-1].when != "teardown":
        reports.append(
            pytest.TestReport(
                nodeid=item.nodeid,
                location=item.location,
                keywords={},
                outcome="failed",
                longrepr=item.session.stash[_ending],
                when="call",
            )
        )
    return reports
