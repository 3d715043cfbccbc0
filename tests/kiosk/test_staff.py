"""Staff at a kiosk that runs: what they see and decide behind the PIN, a child given back, the device signed out."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from classtap_core.booking.records import Booking
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.checkin.reading import fetch
from classtap_core.checkin.records import Attendance, attendance_id
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.device_store import Notice as DeviceNotice
from classtap_core.kernel.envelope import Author, own
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import ItemOutcome, Reason, of_items
from classtap_core.kernel.outcomes import Status as OutcomeStatus
from classtap_core.store.store import Store
from kiosk import events as on
from kiosk.view import Screen, Stage
from tests.end_to_end.house_rig import booked_now, families_due, staff
from tests.end_to_end.rig import Studio
from tests.kiosk.running import PATIENCE_MS, Cable, Shown, Shows

FRONT_DESK_PIN, MANAGER_PIN = "161803", "271828"


@pytest.fixture
def kiosk(alone: Shown) -> Shown:
    """One that is alone in the world."""
    return alone


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
    assert said == ["kiosk.staff.sound", "relay.alone", "kiosk.staff.keys"]
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
    booking = booked_now(studio, families_due(studio)[0].family)
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


def test_staff_do_what_is_recommended_for_all_and_what_was_done_can_be_saved(
    kiosk: Shown, studio: Studio, tmp_path: Path
) -> None:
    kiosk.start()
    booked = [booked_now(studio, family.family) for family in families_due(studio)[:2]]
    device = Author(type="device", id=kiosk.node.papers.device)

    def mark(booking: Booking, state: str, corrects: str = "") -> Receipt:
        said = ChildMark(child=booking.child, state=state, corrects=corrects)
        return kiosk.node.submit(MarkAttendance(session=booking.session, items=(said,)), device, source="t").result()

    for booking in booked:
        first = mark(booking, "late")
        mark(booking, "absent", corrects=first.operation)
        assert first.sequence is not None
        lost = of_items([ItemOutcome(booking.child, OutcomeStatus.SUPERSEDED)])
        notice = DeviceNotice(first.operation, first.sequence, "attendance.mark", first.outcome, lost, 1)
        kiosk.node.call(lambda bus, notice=notice: bus.backend.notify(notice))
    said = kiosk.node.pending()
    kiosk.app.happen(on.AskStaff())
    kiosk.app.happen(on.PinEntered(FRONT_DESK_PIN))
    kiosk.screen(Screen.STAFF)
    page = kiosk.app.window.staff
    kiosk.app.happen(on.Cancel())
    kiosk.screen(Screen.ATTRACT)
    assert len(kiosk.node.notices()) == 2, "what leaves a choice is not done with by walking away"
    assert page.changes[0].said.whole_text() == ""
    kiosk.app.happen(on.AskStaff())
    kiosk.app.happen(on.PinEntered(FRONT_DESK_PIN))
    kiosk.screen(Screen.STAFF)
    assert page.all.text() == "Do what is recommended for all (2)"
    page.all.click()
    kiosk.until(lambda: page.summary.isVisible())
    assert not page.all.isVisible()
    assert not kiosk.node.notices()
    assert kiosk.node.pending() == said, "what is recommended here is to keep what holds"
    kiosk.app.happen(on.SaveSummary(str(tmp_path)))
    kiosk.until(lambda: "could not be written there" in page.summary.message.whole_text())
    file = tmp_path / "done.txt"
    kiosk.app.happen(on.SaveSummary(str(file)))
    kiosk.until(lambda: page.summary.message.whole_text() == "Saved as done.txt.")
    lines = file.read_text("utf-8").splitlines()
    assert len(lines) == 2
    assert all(line.endswith("Keep as it is") for line in lines)


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
