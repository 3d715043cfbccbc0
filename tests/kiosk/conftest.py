"""The look of the house before each test, a window to draw in, and a kiosk that runs."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from classtap_core.kernel.clock import SystemClock
from classtap_desktop.kit import theme
from kiosk.sources import Source
from sync.client.node import Node
from tests.end_to_end.house_rig import families_due
from tests.end_to_end.rig import Studio
from tests.kiosk.running import Cable, Made, Shown, Shows
from tests.kiosk.stage import Kiosk


@pytest.fixture
def surroundings(qapp: QApplication) -> Iterator[None]:
    theme().use(look="light", locale="en_GB", text_scale=1.0, zoom=1.0, accent="")
    yield
    theme().use(look="light", locale="en", text_scale=1.0, zoom=1.0, accent="")


@pytest.fixture
def kiosk(surroundings: None, qtbot: QtBot) -> Iterator[Kiosk]:
    own = Kiosk(qtbot)
    yield own
    own.window.close()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    with Studio(tmp_path_factory.mktemp("studio") / "data", families=8) as studio:
        families = families_due(studio)
        texts = {family.family: studio.pass_text(family) for family in families}
        studio.pair("kiosk")
        studio.leave("kiosk")
        return Made(studio.data / "kiosk", families, texts)


@pytest.fixture
def shows(surroundings: None, qtbot: QtBot) -> Iterator[Shows]:
    """Puts a node on the screen; the window is closed before anything that made the node."""
    up: list[Shown] = []

    def show(node: Node, source: Source) -> Shown:
        up.append(Shown(qtbot, node, source))
        return up[-1]

    yield show
    for one in up:
        one.app.window.close()
        one.app.close()


@pytest.fixture
def alone(made: Made, tmp_path: Path, shows: Shows) -> Iterator[Shown]:
    """A kiosk that is alone in the world, with a camera that works."""
    shutil.copytree(made.folder, tmp_path / "kiosk")
    source = Cable()
    source.plugged.set()
    node = Node.open(tmp_path / "kiosk", program="kiosk", clock=SystemClock(), ring=None)
    shown = shows(node, source)
    yield shown
    shown.app.window.close()
    node.close()


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with Studio(tmp_path / "data", families=8) as running:
        yield running
