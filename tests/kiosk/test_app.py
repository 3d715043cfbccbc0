"""The kiosk put together: a real window and store, a recording or a camera that comes and goes, a cloud behind a cable."""

import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from classtap_cli.demo.recording import Scene, write_recording
from classtap_cli.demo.studio import DemoFamily
from classtap_core.access.operations import RevokeDevice
from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.booking.records import Booking
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.checkin.reading import fetch, search
from classtap_core.checkin.records import Attendance, attendance_id
from classtap_core.checkin.settings import KIOSK_POLICY, KioskSettings
from classtap_core.kernel.clock import SystemClock
from classtap_core.kernel.device import Notice as DeviceNotice
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.envelope import Author, own
from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import ItemOutcome, Reason, of_items
from classtap_core.kernel.outcomes import Status as OutcomeStatus
from classtap_core.store.store import Store
from classtap_core.timekeeping.rules import local_date
from classtap_desktop.kit import theme
from kiosk import app as app_module
from kiosk import events as on
from kiosk.app import KioskApp
from kiosk.door import Door
from kiosk.sources import Fault, FileSource, Picture, Source, Trouble
from kiosk.view import Row, Screen, Stage, State, Status
from sync.client.node import Node
from tests.end_to_end.house_rig import WrongClock, families_due, filled, log_of, opened, say, staff
from tests.end_to_end.rig import Studio

PATIENCE_MS = 30_000
FRONT_DESK_PIN, MANAGER_PIN = "161803", "271828"


class Cable(Source):
    """A camera on a cable: pictures of an empty lobby while it is plugged in."""

    name, live, fps = "camera 0", True, 30.0

    def __init__(self) -> None:
        self.plugged = threading.Event()
        self._frame: Picture = np.random.default_rng(1).integers(0, 255, (720, 1280, 3), np.uint8)
        self._gone = Trouble(Fault.NO_CAMERA, {"source": self.name})
        self._pace = threading.Event()

    def open(self) -> Trouble | None:
        return None if self.plugged.is_set() else self._gone

    def read(self) -> Picture | Trouble:
        self._pace.wait(0.1)
        return self._frame if self.plugged.is_set() else Trouble(Fault.GONE, {"source": self.name})

    def skip(self) -> Trouble | None:
        return None

    def close(self) -> None: ...


class _Usage(NamedTuple):
    """As `shutil.disk_usage` says it."""

    total: int
    used: int
    free: int


class Made(NamedTuple):
    """What was made once: a loaded kiosk's folder to copy, and the passes of its families."""

    folder: Path
    families: list[DemoFamily]
    texts: dict[Id, str]


class Shown:
    """A kiosk on the screen of a test, and every state it has shown."""

    def __init__(self, qtbot: QtBot, node: Node, source: Source) -> None:
        self.qtbot, self.node = qtbot, node
        self.app = KioskApp(node, source, muted=True)
        qtbot.addWidget(self.app.window)
        self.states: list[State] = []
        self.app.showed.connect(self.states.append)

    def start(self) -> "Shown":
        self.app.start()
        self.qtbot.waitExposed(self.app.window)
        self.app.window.activateWindow()
        self.until(lambda: not self.state.veiled)
        return self

    @property
    def state(self) -> State:
        return self.app.state

    def until(self, condition: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=PATIENCE_MS)

    def screen(self, screen: Screen) -> None:
        self.until(lambda: self.state.screen is screen)

    def hold(self, text: str) -> None:
        """Hold a pass to the lens, as the decoder would tell it."""
        self.app.happen(on.Sighting(text))

    def button(self, row: Row, status: Status) -> QWidget:
        return self.app.window.board.rows[row.session, row.child].choice.buttons[status.value]

    def tap(self, row: Row, status: Status) -> None:
        self.qtbot.mouseClick(self.button(row, status), Qt.MouseButton.LeftButton)

    def rows(self) -> list[Row]:
        return list(self.state.board.rows()) if self.state.board else []

    def free(self) -> Row:
        """The first row that may be marked present."""
        return next(row for row in self.rows() if row.state is Status.NONE and Status.PRESENT not in row.blocked())

    def row(self, like: Row) -> Row | None:
        return self.state.board.row(like.session, like.child) if self.state.board else None


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    with Studio(tmp_path_factory.mktemp("studio") / "data", families=8) as studio:
        families = families_due(studio)
        texts = {family.family: studio.pass_text(family) for family in families}
        studio.pair("kiosk")
        studio.leave("kiosk")
        return Made(studio.data / "kiosk", families, texts)


@pytest.fixture(autouse=True)
def _look(qapp: QApplication) -> Iterator[None]:
    theme().use(look="light", locale="en", text_scale=1.0, zoom=1.0, accent="")
    yield
    theme().use(look="light", locale="en", text_scale=1.0, zoom=1.0, accent="")


Shows = Callable[..., Shown]


@pytest.fixture
def shows(qtbot: QtBot) -> Iterator[Shows]:
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
def kiosk(made: Made, tmp_path: Path, shows: Shows) -> Iterator[Shown]:
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
        assert shown.app.frames > 10
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


def test_staff_leave_by_pin(kiosk: Shown, qtbot: QtBot) -> None:
    kiosk.start()
    kiosk.app.happen(on.AskStaff())
    kiosk.screen(Screen.PIN)
    kiosk.app.happen(on.PinEntered("000000"))
    kiosk.until(lambda: kiosk.state.pin is not None and kiosk.state.pin.error == "wrong")
    assert kiosk.state.pin is not None
    assert kiosk.state.pin.n == 2
    kiosk.app.happen(on.PinEntered(FRONT_DESK_PIN))
    kiosk.screen(Screen.STAFF)
    said = [notice.code for notice in kiosk.state.about]
    assert said == ["kiosk.staff.sound", "desk.protection.file", "kiosk.staff.keys"]
    with qtbot.waitSignal(kiosk.app.left, timeout=PATIENCE_MS):
        kiosk.app.window.staff.close_kiosk.click()


def test_staff_see_what_is_no_longer_so_until_they_have_left(kiosk: Shown, studio: Studio) -> None:
    kiosk.start()
    child = families_due(studio)[0].children[0]
    before = of_items([ItemOutcome(child.child, OutcomeStatus.ACCEPTED)])
    holds: dict[str, str | int] = {"state": "absent", "at_ms": kiosk.node.clock.now().corrected, "device": "e" * 32}
    lost = ItemOutcome(child.child, OutcomeStatus.SUPERSEDED, (Reason("attendance.already", holds),))
    notice = DeviceNotice(Id("9" * 32), 1, "attendance.mark", before, of_items([lost]), 1)
    kiosk.node.call(lambda bus: bus.backend.notify(notice))
    kiosk.app.happen(on.AskStaff())
    kiosk.app.happen(on.PinEntered(FRONT_DESK_PIN))
    kiosk.screen(Screen.STAFF)
    block = kiosk.app.window.staff.changes[0]
    assert f"{child.given} {child.surname}: it no longer holds. What holds is: absent" in block.said.whole_text()
    assert [button.text() for button in block.buttons] == ["Seen"], (
        "of what the store knows nothing of there is no choice"
    )
    assert kiosk.node.notices(), "kept until seen"
    kiosk.app.happen(on.Cancel())
    kiosk.until(lambda: not kiosk.node.notices())


def test_staff_choose_what_becomes_of_a_changed_result_by_their_pin(kiosk: Shown, studio: Studio) -> None:
    kiosk.start()
    family = families_due(studio)[0]
    with kiosk.node.reader() as reader:
        booking = search(reader, Booking, "by_family_date", family.family, kiosk.node.today().isoformat())[0]
    entry = attendance_id(studio.plan.studio, booking.session, booking.child)

    def mark(state: str, corrects: str = "") -> Receipt:
        said = ChildMark(child=booking.child, state=state, corrects=corrects)
        return kiosk.node.submit(MarkAttendance(session=booking.session, items=(said,)), device, source="t").result()

    device = Author(type="device", id=kiosk.node.papers.device)
    first = mark("late")
    mark("absent", corrects=first.operation)
    assert first.sequence is not None
    lost = of_items([ItemOutcome(booking.child, OutcomeStatus.SUPERSEDED)])
    notice = DeviceNotice(first.operation, first.sequence, "attendance.mark", first.outcome, lost, 1)
    kiosk.node.call(lambda bus: bus.backend.notify(notice))
    kiosk.app.happen(on.AskStaff())
    kiosk.app.happen(on.PinEntered(FRONT_DESK_PIN))
    kiosk.screen(Screen.STAFF)
    block = kiosk.app.window.staff.changes[0]
    keep, apply = block.buttons
    assert (keep.text(), apply.text()) == ("Keep as it is", "Apply mine")
    apply.click()
    kiosk.until(lambda: not kiosk.node.notices() and block.change is None)
    with kiosk.node.reader() as reader:
        marks = fetch(reader, Attendance, [entry])[entry].marks
        (said,) = [one for one in reader.entries([reader.head().sequence]) if one.kind == "attendance.mark"]
    assert [mark.state.value for mark in marks][-1] == "late"
    author = own(said.data).author
    assert (author.type, author.id, author.proof) == ("staff", staff(studio, "front_desk").id, "pin")


def typed(kiosk: Shown, pin: str) -> None:
    for digit in pin:
        kiosk.app.window.leaving.pad.keys[digit].click()


def leaving(kiosk: Shown) -> None:
    """At the page that says what would be lost."""
    kiosk.app.happen(on.AskStaff())
    kiosk.app.happen(on.PinEntered(FRONT_DESK_PIN))
    kiosk.screen(Screen.STAFF)
    kiosk.app.window.staff.sign_out.click()
    kiosk.until(lambda: kiosk.state.leaving is not None and kiosk.state.leaving.stage is Stage.LOSS)


def test_a_kiosk_is_signed_out_behind_a_managers_pin_and_nothing_is_left(
    studio: Studio, shows: Shows, tmp_path: Path
) -> None:
    node = studio.pair("kiosk")
    source = Cable()
    source.plugged.set()
    kiosk = shows(node, source).start()
    kiosk.app.door.scan(studio.pass_text(families_due(studio)[0])).result()
    waiting = node.pending()
    assert waiting == 1
    leaving(kiosk)
    page = kiosk.app.window.leaving
    assert page.loss.whole_text() == "1 thing done here has not reached the cloud and would be lost."
    kiosk.app.happen(on.SaveFirst(str(tmp_path / "saved")))
    kiosk.until(lambda: "sealed to no owner" in page.message.whole_text())
    page.go_on.click()
    typed(kiosk, FRONT_DESK_PIN)
    kiosk.until(lambda: kiosk.state.pin is not None and kiosk.state.pin.error == "wrong")
    assert Store.exists(node.store.folder)
    typed(kiosk, MANAGER_PIN)
    kiosk.until(lambda: kiosk.state.leaving is not None and kiosk.state.leaving.stage is Stage.DONE)
    assert kiosk.state.leaving is not None
    assert kiosk.state.leaving.revoked, "the cloud was told, and what waited went with it"
    assert "the device is revoked there" in page.loss.whole_text()
    assert list(node.store.folder.iterdir()) == []
    (device,) = [one for one in studio.cloud.studios.devices(studio.plan.studio) if one.id == node.papers.device]
    assert device.revoked_ms is not None
    del studio.nodes["kiosk"]


def test_a_kiosk_without_a_cloud_is_signed_out_too_and_says_so(kiosk: Shown) -> None:
    kiosk.start()
    leaving(kiosk)
    kiosk.app.window.leaving.go_on.click()
    typed(kiosk, MANAGER_PIN)
    kiosk.until(lambda: kiosk.state.leaving is not None and kiosk.state.leaving.stage is Stage.DONE)
    assert "revoke the device there too" in kiosk.app.window.leaving.loss.whole_text()
    assert not Store.exists(kiosk.node.store.folder)


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
