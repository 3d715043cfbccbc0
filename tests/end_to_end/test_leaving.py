"""Signing a device out on the screen: the loss is said first, a manager's PIN says yes, and nothing of it is left."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from pytestqt.qtbot import QtBot

from classtap_cli.questions.table import answering_others
from classtap_core import house
from classtap_core.kernel.clock import SystemClock
from classtap_core.people.operations import RenameFamily
from classtap_core.people.records import Family
from classtap_core.store import late_keys, recovery
from classtap_core.store.container import Opener
from classtap_core.store.restore import restore
from classtap_core.store.store import Store
from classtap_desktop.kit import theme
from classtap_desktop.node_source import NodeSource
from classtap_desktop.operator import Operator, operator_of
from classtap_desktop.screens.devices.leaving import LeavePage
from classtap_desktop.screens.devices.view import DevicesScreen
from classtap_desktop.settings import Settings
from classtap_desktop.window import DeskWindow
from sync.client.leaving import Leaving
from sync.client.node import Node
from tests.end_to_end.house_rig import say, staff
from tests.end_to_end.rig import Studio

MANAGER, FRONT_DESK = "271828", "161803"
"""PINs of the demo's studio (classtap_cli.demo.studio.STAFF)."""
OWNER = recovery.RecoveryKey(bytes(range(32)))


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with Studio(tmp_path / "data", families=4) as made:
        made.pair("desk")
        yield made


@pytest.fixture
def page(qtbot: QtBot, studio: Studio) -> Iterator[LeavePage]:
    """The page over a desk with one rename unsent, opened as a person opens it."""
    desk = studio.nodes["desk"]
    family = studio.plan.families[0]
    said = say(desk, RenameFamily(family=family.family, base=family.name, name="Unsent"), staff(studio))
    assert said.outcome.stands
    source = NodeSource(desk)
    window = DeskWindow(source, settings=Settings(look="light", locale="en_GB"), operator=_manager(studio, source))
    with qtbot.waitActive(window):
        window.show()
    window.open("devices")
    screen = window.screens["devices"]
    assert isinstance(screen, DevicesScreen)
    screen.leave.click()
    page = screen.open_leaving()
    qtbot.waitUntil(lambda: page.go_on.isEnabled())
    yield page
    window.close()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    theme().use(look="light", locale="en", text_scale=1.0)


def _manager(studio: Studio, source: NodeSource) -> Operator:
    found = operator_of(source, next(one.staff for one in studio.plan.staff if one.role == "manager"))
    assert found is not None
    return found


def typed(page: LeavePage, pin: str) -> None:
    for digit in pin:
        page.pad.keys[digit].click()


def test_it_says_first_what_would_be_lost(page: LeavePage) -> None:
    assert page.loss.whole_text() == "1 thing done here has not reached the cloud and would be lost."
    assert page.oldest.whole_text().startswith("The oldest was made")
    assert page.send.isVisible()
    assert page.save.isVisible()
    assert not page.pad.isVisible()


def test_sending_first_leaves_nothing_to_lose(qtbot: QtBot, studio: Studio, page: LeavePage) -> None:
    studio.nodes["desk"].start()
    page.send.click()
    qtbot.waitUntil(lambda: page.loss.whole_text().startswith("Everything made here has reached"), timeout=20_000)
    assert not page.save.isVisible()


def test_a_copy_is_saved_only_where_somebody_can_open_it(
    qtbot: QtBot, studio: Studio, page: LeavePage, tmp_path: Path
) -> None:
    page.save_to(tmp_path / "saved.ctbackup")
    qtbot.waitUntil(lambda: "sealed to no owner" in page.message.whole_text())
    assert not (tmp_path / "saved.ctbackup").exists()
    studio.nodes["desk"].store.seal_to(OWNER.public)
    page.save_to(tmp_path / "saved.ctbackup")
    qtbot.waitUntil(lambda: page.message.whole_text().startswith("Saved sealed to"), timeout=20_000)
    found = restore(
        tmp_path / "saved.ctbackup", tmp_path / "again", house.registry(), opener=Opener(owner=OWNER), program="test"
    )
    assert found.unsent == 1


def test_only_a_manager_signs_a_device_out_and_then_nothing_is_left(
    qtbot: QtBot, studio: Studio, page: LeavePage
) -> None:
    folder = studio.nodes["desk"].store.folder
    page.go_on.click()
    typed(page, FRONT_DESK)
    qtbot.waitUntil(lambda: page.pad.message.whole_text().startswith("That PIN is nobody's"))
    assert Store.exists(folder)
    with qtbot.waitSignal(page.left, timeout=20_000):
        typed(page, MANAGER)
    assert page.title.whole_text() == "This device is signed out"
    assert "the device is revoked there" in page.loss.whole_text()
    assert page.close_program.isVisible()
    assert list(folder.iterdir()) == []
    page.close_overlay()
    assert page.isVisible(), "there is nothing behind it any more"
    del studio.nodes["desk"]


def test_a_program_that_was_signed_out_ends_like_any_other(studio: Studio) -> None:
    """What `classtap desk` does once its window is closed: everything it held has gone already."""
    studio.leave("desk")
    with studio.open("desk") as node, answering_others(node):
        node.start()
        node.destroy()
    del studio.nodes["desk"]
    assert list((studio.data / "desk").iterdir()) == []


def test_what_was_done_meanwhile_is_said_again(qtbot: QtBot, studio: Studio, page: LeavePage) -> None:
    """Another loss than the one that was read: the PIN was right, and nothing is destroyed."""
    desk, family = studio.nodes["desk"], studio.plan.families[0]
    page.go_on.click()
    said = say(desk, RenameFamily(family=family.family, base="Unsent", name="Meanwhile"), staff(studio))
    assert said.outcome.stands
    typed(page, MANAGER)
    qtbot.waitUntil(lambda: page.loss.whole_text().startswith("2 things done here"), timeout=20_000)
    assert not page.pad.isVisible()
    assert Store.exists(desk.store.folder)


def test_leaving_it_alone_changes_nothing(page: LeavePage, studio: Studio) -> None:
    page.go_on.click()
    typed(page, MANAGER[:5])
    page.keep.click()
    assert not page.isVisible()
    assert page.pad.count() == 0
    assert Store.exists(studio.nodes["desk"].store.folder)


def test_what_was_saved_sealed_reaches_the_cloud_whole_from_elsewhere(studio: Studio, tmp_path: Path) -> None:
    """The keys of persons wait for who was erased; what is unsent waits for them, and comes with the sync that says it."""
    desk, family = studio.nodes["desk"], studio.plan.families[0]
    said = say(desk, RenameFamily(family=family.family, base=family.name, name="Carried home"), staff(studio))
    assert said.outcome.stands
    desk.store.seal_to(OWNER.public)
    saved = Leaving(desk).save(tmp_path / "saved.ctbackup")
    studio.leave("desk")
    elsewhere = tmp_path / "elsewhere"
    found = restore(saved.file, elsewhere, house.registry(), opener=Opener(owner=OWNER), program="desk")
    assert (found.unsent, found.held > 0, found.sealed) == (1, True, 0)
    with Node.open(elsewhere, program="desk", clock=SystemClock(), ring=None) as again:
        with again.reader() as reader:
            assert (len(reader.unsent_before()), reader.sendable_before()) == (1, [])
        again.engine.once()
        again.store.call(lambda: None, background=True)
        again.engine.once()
        with again.reader() as reader:
            assert reader.unsent_before() == []
            assert not late_keys.awaited(reader)
    rows = studio.cloud.studios.storage(studio.plan.studio).rows(Family, [family.family])
    assert b"Carried home" in rows[family.family].body
