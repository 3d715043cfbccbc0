"""The kiosk put together: a real window and store, a recording or a camera that comes and goes, a cloud behind a cable."""

import shutil
import threading
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest

from classtap_cli.demo.recording import Scene, write_recording
from classtap_core.access.operations import RevokeDevice
from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.checkin.settings import KIOSK_POLICY, KioskSettings
from classtap_core.kernel.clock import SystemClock
from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.ids import Id
from classtap_core.timekeeping.rules import local_date
from classtap_desktop.kit import theme
from kiosk import app as app_module
from kiosk import events as on
from kiosk.door import Door
from kiosk.sources import FileSource
from kiosk.view import Notice, Screen, State, Status
from sync.client.node import Node
from sync.client.relay.local import Neighbour, Neighbourhood
from tests.end_to_end.house_rig import Sky, WrongClock, families_due, filled, log_of, opened, say, staff
from tests.end_to_end.rig import Studio
from tests.kiosk.running import Cable, Made, Shown, Shows


class _Usage(NamedTuple):
    """As `shutil.disk_usage` says it."""

    total: int
    used: int
    free: int


@pytest.fixture
def kiosk(alone: Shown) -> Shown:
    """One that is alone in the world."""
    return alone


def test_a_family_in_a_recording_checks_in_and_nothing_is_green_before_its_commit(
    made: Made, tmp_path: Path, shows: Shows
) -> None:
    family = made.families[0]
    scene = Scene(made.texts[family.family], "ok", family.name, gap_s=0.3, seconds=2.2)
    recording = write_recording([scene], tmp_path / "recording.avi", seed=4)
    shutil.copytree(made.folder, tmp_path / "kiosk")
    node = Node.open(tmp_path / "kiosk", program="kiosk", clock=SystemClock(), ring=None)
    shown = shows(node, FileSource(recording.video))
    committed: list[tuple[bool, bool]] = []

    def look(state: State) -> None:
        marked = [row for row in (state.board.rows() if state.board else ()) if row.state is Status.PRESENT]
        if marked:
            committed.append((marked[0].saved, any(entry.kind == "attendance.mark" for entry in log_of(node))))

    try:
        shown.start()
        shown.screen(Screen.BOARD)
        scans = [entry for entry in log_of(node) if entry.kind == "scan.record"]
        assert len(scans) == 1
        assert shown.state.board is not None
        assert shown.state.board.family == family.family
        shown.app.showed.connect(look)
        row = shown.free()
        shown.tap(row, Status.PRESENT)
        first = shown.row(row)
        assert first is not None
        assert (first.state, first.saved) == (Status.PRESENT, False)
        assert not shown.button(row, Status.PRESENT).saved
        shown.until(lambda: (now := shown.row(row)) is not None and now.saved)
        assert shown.button(row, Status.PRESENT).saved
        assert committed[0][0] is False
        assert all(there for saved, there in committed if saved)
        assert any(saved for saved, _ in committed)
        assert shown.app.frames > 1  # a busy machine drops the others
        (mark,) = [entry for entry in log_of(node) if entry.kind == "attendance.mark"]
        assert scans[0].id.encode() in mark.data, "the mark names the scan it was made on"
    finally:
        shown.app.window.close()
        node.close()


def test_a_camera_that_is_missing_comes_goes_and_comes_back(made: Made, tmp_path: Path, shows: Shows) -> None:
    shutil.copytree(made.folder, tmp_path / "kiosk")
    with Node.open(tmp_path / "kiosk", program="kiosk", clock=SystemClock(), ring=None) as node:
        source = Cable()
        shown = shows(node, source).start()
        shown.screen(Screen.CAMERA_TROUBLE)
        assert shown.state.camera_fault == "no_camera"
        assert shown.app.window.page() is shown.app.window.message
        source.plugged.set()
        shown.screen(Screen.ATTRACT)
        shown.until(lambda: shown.app.frames > 2)
        source.plugged.clear()
        shown.screen(Screen.CAMERA_TROUBLE)
        assert shown.state.camera_fault == "unplugged"
        shown.hold(made.texts[made.families[0].family])  # a hand-held reader, say: the work goes on
        shown.screen(Screen.BOARD)
        shown.app.happen(on.Done())
        shown.screen(Screen.CAMERA_TROUBLE)
        source.plugged.set()
        shown.screen(Screen.ATTRACT)
        shown.app.window.close()


def scan_on(door: Door, text: str) -> None:
    """Scan until the pages that are there have filled up."""
    while True:
        door.scan(text).result()


def test_a_full_disk_is_said_at_once_and_the_work_goes_on_when_there_is_room(
    kiosk: Shown, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "STORE_AGAIN_MS", 300)
    kiosk.start()
    kiosk.screen(Screen.ATTRACT)
    text = made.texts[made.families[0].family]
    before = len(log_of(kiosk.node))
    with filled(kiosk.node):
        with pytest.raises(EnvironmentFault, match="disk_full"):
            scan_on(kiosk.app.door, text)
        held = len(log_of(kiosk.node))
        kiosk.hold(text)
        kiosk.screen(Screen.STORE_TROUBLE)
        assert kiosk.state.store_fault == "disk_full"
        assert kiosk.state.board is None, "no verdict without its record"
        assert len(log_of(kiosk.node)) == held >= before
    kiosk.screen(Screen.ATTRACT)
    kiosk.hold(made.texts[made.families[1].family])
    kiosk.screen(Screen.BOARD)
    kiosk.tap(row := kiosk.free(), Status.PRESENT)
    kiosk.until(lambda: (now := kiosk.row(row)) is not None and now.saved)
    assert kiosk.node.store.check().ok


def test_a_disk_that_fills_is_said_before_anybody_scans(
    kiosk: Shown, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real fill is in tests/unit/store/test_space.py; here only what the disk says of itself is another's."""
    monkeypatch.setattr(app_module, "STORE_AGAIN_MS", 300)
    kiosk.start()
    kiosk.screen(Screen.ATTRACT)
    with monkeypatch.context() as patch:
        patch.setattr("classtap_core.store.space.shutil.disk_usage", lambda folder: _Usage(10**12, 10**12, 0))
        kiosk.node.store.space.look()
        kiosk.screen(Screen.STORE_TROUBLE)
        assert kiosk.state.store_fault == "disk_full"
        with pytest.raises(EnvironmentFault, match="disk_full"):
            kiosk.node.probe().result()
    kiosk.screen(Screen.ATTRACT)
    kiosk.hold(made.texts[made.families[0].family])
    kiosk.screen(Screen.BOARD)


def test_a_full_queue_is_said_before_anybody_scans(kiosk: Shown, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "STORE_AGAIN_MS", 300)
    kiosk.start()
    kiosk.screen(Screen.ATTRACT)
    kiosk.node.store.device.queue_most = kiosk.node.pending() + 1
    kiosk.app.door.scan(made.texts[made.families[0].family]).result()
    kiosk.screen(Screen.STORE_TROUBLE)
    assert kiosk.state.store_fault == "queue_full"
    with pytest.raises(EnvironmentFault, match="queue_full"):
        kiosk.app.door.scan(made.texts[made.families[0].family]).result()
    kiosk.node.store.device.queue_most = 100_000
    kiosk.screen(Screen.ATTRACT)


def test_the_windows_thread_reads_nothing_to_know_how_old_the_rosters_are(
    made: Made, tmp_path: Path, shows: Shows, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(made.folder, tmp_path / "kiosk")
    sky, read, free = Sky(), [], threading.Event()
    with Node.open(tmp_path / "kiosk", program="kiosk", clock=sky.clock(), ring=None) as node:
        shown, reader = shows(node, Cable()).start(), node.store.reader
        status = node.engine.status()
        shown.until(lambda: shown.state.keys is None)
        node.later(lambda bus: free.wait(30))
        monkeypatch.setattr(node.store, "reader", lambda: (read.append(threading.current_thread()), reader())[1])
        sky.moved_ms += 25 * 3_600_000
        states = len(shown.states)
        node.engine.listener(status)
        shown.until(lambda: len(shown.states) > states + 2)
        assert shown.state.keys is None, "the store's own thread is busy, and the window goes on"
        free.set()
        shown.until(lambda: shown.state.keys == Notice("rosters.old", tone="warn"))
        assert threading.main_thread() not in read
        shown.app.window.close()


def test_a_kiosk_without_internet_says_that_others_here_are_heard(
    kiosk: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    kiosk.start()
    badge = kiosk.app.window.header.badge
    kiosk.until(lambda: badge.whole_text() == "Offline")
    door = Neighbour(Id("e" * 32), "Back door", "192.168.1.24", 0)
    monkeypatch.setattr(kiosk.node, "neighbourhood", lambda: Neighbourhood(on=True, trouble="", neighbours=(door,)))
    kiosk.until(lambda: kiosk.state.hearing == 2)
    kiosk.app.happen(on.AskStaff())
    kiosk.app.happen(on.PinEntered("161803"))
    kiosk.screen(Screen.STAFF)
    said = [label.whole_text() for label in kiosk.app.window.staff.about if label.isVisible()]
    assert said[1].startswith("2 devices here hear each other: a pass shown twice is told within a second")


def test_a_mark_that_is_not_saved_goes_back(kiosk: Shown, made: Made) -> None:
    kiosk.start()
    family = made.families[0]
    kiosk.hold(made.texts[family.family])
    kiosk.screen(Screen.BOARD)
    row = kiosk.free()
    with filled(kiosk.node):
        with pytest.raises(EnvironmentFault, match="disk_full"):
            scan_on(kiosk.app.door, made.texts[family.family])
        kiosk.tap(row, Status.PRESENT)
        kiosk.until(lambda: (now := kiosk.row(row)) is not None and now.error is not None)
        now = kiosk.row(row)
        assert now is not None
        assert (now.state, now.saved, now.error) == (Status.NONE, True, "error.disk_full")
    assert not [entry for entry in log_of(kiosk.node) if entry.kind == "attendance.mark"]


def test_the_badge_counts_offline_and_empties_by_itself(studio: Studio, shows: Shows) -> None:
    node = studio.pair("kiosk")
    source = Cable()
    source.plugged.set()
    shown = shows(node, source).start()
    node.start()
    shown.until(lambda: shown.state.online)
    studio.proxy.cut()
    shown.until(lambda: not shown.state.online)
    family = families_due(studio)[0]
    shown.hold(studio.pass_text(family))
    shown.screen(Screen.BOARD)
    shown.until(lambda: shown.state.waiting == 1)
    shown.tap(shown.free(), Status.PRESENT)
    shown.until(lambda: shown.state.waiting == 2)
    studio.proxy.restore()
    shown.until(lambda: shown.state.online and shown.state.waiting == 0)
    assert node.pending() == 0
    shown.app.window.close()


def test_a_kiosk_starts_from_its_store_with_the_cloud_down(studio: Studio, shows: Shows) -> None:
    """As after a night: the store knows the families, the badge says offline, and a pass shows its board."""
    studio.pair("kiosk")
    studio.leave("kiosk")
    text, family = studio.pass_text(families_due(studio)[0]), families_due(studio)[0]
    studio.proxy.cut()
    node = studio.open("kiosk")
    node.start()
    source = Cable()
    source.plugged.set()
    shown = shows(node, source).start()
    shown.until(lambda: not shown.state.online)
    shown.screen(Screen.ATTRACT)
    shown.hold(text)
    shown.screen(Screen.BOARD)
    assert shown.state.board is not None
    assert shown.state.board.family == family.family
    shown.app.window.close()


def test_a_clock_that_was_set_is_doubted_until_the_cloud_is_heard(studio: Studio, shows: Shows) -> None:
    studio.pair("kiosk")
    studio.leave("kiosk")
    studio.proxy.cut()
    node = opened(studio, "kiosk", WrongClock(-86_400_000))
    node.start()
    source = Cable()
    source.plugged.set()
    shown = shows(node, source).start()
    shown.until(lambda: shown.state.clock_suspect)
    at = node.clock.now().corrected
    day = theme().words.date(date.fromisoformat(local_date(at, node.zone())), style="medium")
    shown.until(lambda: day in shown.app.window.header.clock.whole_text())
    studio.proxy.restore()
    shown.until(lambda: not shown.state.clock_suspect)
    shown.until(lambda: day not in shown.app.window.header.clock.whole_text())
    shown.app.window.close()


def test_a_mark_at_the_desk_shows_on_the_board_that_is_open(studio: Studio, shows: Shows) -> None:
    node, desk = studio.pair("kiosk"), studio.pair("desk")
    source = Cable()
    source.plugged.set()
    shown = shows(node, source).start()
    for one in (node, desk):
        one.start()
    shown.until(lambda: shown.state.online)
    shown.hold(studio.pass_text(families_due(studio)[0]))
    shown.screen(Screen.BOARD)
    row = shown.free()
    mark = MarkAttendance(session=Id(row.session), items=(ChildMark(child=Id(row.child), state="present"),))
    say(desk, mark, staff(studio))
    shown.until(lambda: (now := shown.row(row)) is not None and now.state is Status.PRESENT)
    wanted = KioskSettings(decoders=("zxing",), mark_on_scan=True)
    say(desk, PublishPolicy(name=KIOSK_POLICY, head=0, values=wanted.values()), staff(studio))
    shown.until(lambda: shown.app.decoders == ("zxing",))
    shown.app.happen(on.Done())
    shown.hold(studio.pass_text(families_due(studio)[1]))
    shown.screen(Screen.BOARD)
    able = {row.child for row in shown.rows() if Status.PRESENT not in row.blocked()}
    shown.until(
        lambda: able and {row.child for row in shown.rows() if row.state is Status.PRESENT and row.saved} >= able
    )
    shown.app.window.close()


def test_a_revoked_kiosk_shows_no_family_now_or_after_a_restart(studio: Studio, shows: Shows) -> None:
    node, desk = studio.pair("kiosk"), studio.pair("desk")
    source = Cable()
    source.plugged.set()
    shown = shows(node, source).start()
    node.start()
    shown.until(lambda: shown.state.online)
    shown.hold(studio.pass_text(families_due(studio)[0]))
    shown.screen(Screen.BOARD)
    say(desk, RevokeDevice(device=node.papers.device, reason="stolen"), staff(studio))
    desk.engine.once()
    shown.screen(Screen.LOCKED)
    assert (shown.state.lock, shown.state.board) == ("device_revoked", None)
    shown.app.window.close()
    studio.leave("kiosk")
    studio.proxy.cut()
    again = shows(studio.open("kiosk"), source).start()
    again.screen(Screen.LOCKED)
    again.hold(studio.pass_text(families_due(studio)[0]))
    assert again.state.screen is Screen.LOCKED
    again.app.window.close()
