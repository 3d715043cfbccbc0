"""How soon the badge tells that the cloud is gone: at once where a socket says so, and within six seconds where nothing does."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.client.engine import State, Status
from sync.client.node import Node
from tests.end_to_end.house_rig import until
from tests.end_to_end.rig import Studio
from tests.fault.conftest import Report

SAID_S, SILENT_S, TIMES = 1.0, 6.0, 5

pytestmark = [
    pytest.mark.fault,
    pytest.mark.leaves("classtap-proxy|ThreadPoolExecutor-|cloud-reading", reason="the module's studio"),
]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with Studio(tmp_path_factory.mktemp("studio") / "data", families=4) as made:
        yield made


@pytest.fixture
def node(studio: Studio, tmp_path: Path) -> Iterator[Node]:
    made = studio.pair("kiosk", tmp_path / "kiosk")
    made.start()
    yield made
    made.close()


def online(studio: Studio, node: Node) -> None:
    """Online, with a line that listens: nothing but its beats passes when nothing happens."""
    until(lambda: node.engine.status().state is State.ONLINE, node)
    beat = threading.Event()

    def watch(direction: str, passed: int, chunk: bytes) -> None:
        if b": beat" in chunk:
            beat.set()

    studio.proxy.scissors = watch
    assert beat.wait(20)
    studio.proxy.scissors = lambda *_: None


class Badge:
    """Notes when it said offline first."""

    def __init__(self, node: Node) -> None:
        self.went = threading.Event()
        self.end = node.on_status(self._take)

    def _take(self, status: Status) -> None:
        if status.state is State.OFFLINE:
            self.went.set()


def went_after(node: Node, lose: object) -> float:
    assert callable(lose)
    badge = Badge(node)
    began = time.monotonic()
    lose()
    assert badge.went.wait(60)
    badge.end()
    return time.monotonic() - began


def test_a_cable_that_is_pulled(studio: Studio, node: Node, report: Report) -> None:
    took = []
    for _ in range(TIMES):
        online(studio, node)
        took.append(went_after(node, studio.proxy.cut))
        studio.proxy.restore()
    report(f"badge after a closed socket: slowest of {TIMES} {max(took):.2f} s, at most {SAID_S:.0f}")
    assert max(took) <= SAID_S


def test_a_line_that_goes_silent(studio: Studio, node: Node, report: Report) -> None:
    took = []
    for _ in range(2):
        online(studio, node)
        through = threading.Event()

        def hold(direction: str, passed: int, chunk: bytes, through: threading.Event = through) -> None:
            through.wait(60)

        took.append(went_after(node, lambda hold=hold: setattr(studio.proxy, "scissors", hold)))
        studio.proxy.scissors = lambda *_: None
        through.set()
    report(f"badge after a silent loss: slowest of 2 {max(took):.2f} s, at most {SILENT_S:.0f}")
    assert max(took) <= SILENT_S
