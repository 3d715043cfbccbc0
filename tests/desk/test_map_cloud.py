"""The whole way with a real store and a real cloud: drawn at the desk, published, in force, its capacity everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from pytestqt.qtbot import QtBot

from classtap_core.checkin.reading import search
from classtap_core.kernel.clock import SystemClock
from classtap_core.schedule.records import Session
from classtap_core.schedule.rules import starts_ms
from classtap_desktop.canvas.page import MapPage
from classtap_desktop.canvas.reading import keep_recovery, read_rooms, recovered_map
from classtap_desktop.kit import theme
from classtap_desktop.node_source import NodeSource
from classtap_desktop.operator import operator_of, staff_here
from classtap_desktop.settings import Settings
from classtap_desktop.window import DeskWindow
from sync.client.node import Node
from tests.desk.maps import judged, reformers, template
from tests.end_to_end.rig import Studio

pytestmark = pytest.mark.leaves(
    "cloud-(reading|writing)|ThreadPoolExecutor-",
    reason="the file's cloud and its event loop start threads as they need them",
)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with Studio(tmp_path_factory.mktemp("studio") / "data", families=4) as made:
        yield made


@pytest.fixture
def node(studio: Studio, tmp_path: Path) -> Iterator[Node]:
    made = Node.pair(
        tmp_path / "desk", url=studio.server.url, code=studio.code("desk"), name="d", program="desk",
        clock=SystemClock(), ring=None,
    )  # fmt: skip
    made.engine.once()
    yield made
    made.close()


def test_a_map_drawn_at_the_desk_is_published_by_the_cloud(qtbot: QtBot, studio: Studio, node: Node) -> None:
    source = NodeSource(node)
    owner = next(line.id for line in staff_here(source) if line.name == studio.plan.staff[0].name)
    window = DeskWindow(source, settings=Settings(look="light", locale="en_GB"), operator=operator_of(source, owner))
    try:
        with qtbot.waitExposed(window):
            window.show()
        window.open("seatmaps")
        qtbot.waitUntil(lambda: bool(window.maps.rooms.cards))
        with qtbot.waitSignal(window.maps.entered):
            window.maps.enter(str(window.maps.rooms.cards[0].line.id))
        page = window.maps.map_page
        assert isinstance(page, MapPage)
        qtbot.waitUntil(lambda: "templates" in page.dialogs)
        dialog = page.dialogs["templates"]
        dialog.choose(template("stadium-cycling"))  # type: ignore[attr-defined]
        dialog.apply()  # type: ignore[attr-defined]
        judged(qtbot, page.editor)
        room = page.work.opened.room
        page.publish.click()
        qtbot.waitUntil(lambda: "reach" in page.dialogs)
        with qtbot.waitSignal(page.work.published) as told:
            page.dialogs["reach"].go.click()  # type: ignore[attr-defined]
        assert told.args == ["waiting"]
        node.engine.once()
        node.engine.once()
        line = next(one for one in read_rooms(source) if one.id == room)
        assert (line.version, line.capacity, line.drafts) == (1, 60, ())
        now = node.clock.now().corrected
        coming = [
            session
            for session in search(source.reader, Session, "by_location_date", line.location)
            if session.room == room and session.state == "open" and starts_ms(session) > now
        ]
        assert coming
        assert {session.capacity for session in coming} == {60}
    finally:
        window.close()
        window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        theme().use(look="light", locale="en", text_scale=1.0)


def test_the_recovery_copy_outlives_the_program_and_stands_in_no_plain_file(node: Node) -> None:
    keep_recovery(NodeSource(node), "a" * 32, "b" * 32, reformers())
    folder = node.store.folder
    node.close()
    for file in folder.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert b"Reformer" not in data, file
            assert b"classtap.seatmap" not in data, file
    with Node.open(folder, program="desk", clock=SystemClock(), ring=None) as again:
        assert recovered_map(NodeSource(again), "a" * 32, "b" * 32) == reformers()
        assert recovered_map(NodeSource(again), "a" * 32, "c" * 32) is None
        keep_recovery(NodeSource(again), "a" * 32, "b" * 32, None)
        assert recovered_map(NodeSource(again), "a" * 32, "b" * 32) is None
