"""The owner's recovery key, made at the desk: offered when its owner signs in, proved to be kept, and then everywhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from pytestqt.qtbot import QtBot

from classtap_core.store import recovery
from classtap_desktop.kit import theme
from classtap_desktop.node_source import NodeSource
from classtap_desktop.operator import operator_of
from classtap_desktop.screens.devices.owner_key import OwnerKeyPage
from classtap_desktop.screens.devices.view import DevicesScreen
from classtap_desktop.settings import Settings
from classtap_desktop.window import DeskWindow
from sync.client.node import Node
from sync.client.owner_seal import OwnerSeal
from tests.end_to_end.house_rig import staff
from tests.end_to_end.rig import Studio

pytestmark = pytest.mark.leaves(
    "classtap-proxy|ThreadPoolExecutor-|cloud-reading", reason="the module's studio: its switch, its clock, its readers"
)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with Studio(tmp_path_factory.mktemp("studio") / "data", families=3) as made:
        made.pair("desk")
        made.pair("kiosk")
        yield made


@pytest.fixture
def window(qtbot: QtBot, studio: Studio, request: pytest.FixtureRequest) -> Iterator[DeskWindow]:
    """The desk as somebody of a role has it before them."""
    source = NodeSource(studio.nodes["desk"])
    role = getattr(request, "param", "owner")
    operator = operator_of(source, next(one.staff for one in studio.plan.staff if one.role == role))
    made = DeskWindow(source, settings=Settings(look="light", locale="en_GB"), operator=operator)
    with qtbot.waitActive(made):
        made.show()
    yield made
    made.close()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    theme().use(look="light", locale="en", text_scale=1.0)


def sealed_to(node: Node) -> bytes | None:
    """On the writer's thread, behind the sealing that a pulled key has queued there."""
    return node.store.call(lambda: node.store.recovery)


def offered(qtbot: QtBot, window: DeskWindow) -> OwnerKeyPage:
    qtbot.waitUntil(lambda: window.owner_key.page is not None and window.owner_key.page.isVisible())
    assert window.owner_key.page is not None
    return window.owner_key.page


@pytest.mark.parametrize("window", ["manager"], indirect=True)
def test_only_who_manages_the_studio_is_asked(qtbot: QtBot, window: DeskWindow) -> None:
    window.open("devices")
    qtbot.waitUntil(lambda: not window.desk.waiting)
    screen = window.screens["devices"]
    assert isinstance(screen, DevicesScreen)
    assert window.owner_key.page is None
    assert not screen.owner.isVisible()


def test_it_comes_again_until_the_key_is_made_and_nobody_sees_it_after_signing_out(
    qtbot: QtBot, studio: Studio, window: DeskWindow
) -> None:
    page = offered(qtbot, window)
    first = page.letters.whole_text()
    assert recovery.read(first) == page.made
    window.switch_staff()
    assert window.owner_key.page is None
    window.sign_in.close_overlay()
    window.desk.operate(operator_of(window.desk.source, next(s.staff for s in studio.plan.staff if s.role == "owner")))
    window.owner_key.look()
    assert offered(qtbot, window).letters.whole_text() != first
    assert sealed_to(studio.nodes["desk"]) is None


def test_a_key_is_sealed_to_once_its_letters_come_from_a_copy(
    qtbot: QtBot, studio: Studio, window: DeskWindow, tmp_path: Path
) -> None:
    page, desk, kiosk = offered(qtbot, window), studio.nodes["desk"], studio.nodes["kiosk"]
    for name in ("key.txt", "key.pdf"):
        page.save_to(tmp_path / name)
        qtbot.waitUntil(lambda name=name: name in page.told.whole_text())  # type: ignore[misc]
        assert (tmp_path / name).stat().st_mode & 0o077 == 0
    paper = recovery.read((tmp_path / "key.txt").read_text())
    assert (tmp_path / "key.pdf").read_bytes().startswith(b"%PDF-")
    page.have.click()
    assert not page.letters.isVisible()
    page.copy.setText("AAAA")
    page.seal.click()
    assert page.message.whole_text().startswith("Those are not its last four letters")
    assert sealed_to(desk) is None
    page.copy.setText(paper.text()[-4:].lower())
    with qtbot.waitSignal(page.sealed, timeout=20_000):
        page.seal.click()
    assert sealed_to(desk) == paper.public
    desk.engine.once()
    kiosk.engine.once()
    assert sealed_to(kiosk) == paper.public
    window.owner_key.look()
    window.open("devices")
    screen = window.screens["devices"]
    assert isinstance(screen, DevicesScreen)
    qtbot.waitUntil(lambda: paper.public.hex()[:8] in screen.owner.text.whole_text())
    assert window.owner_key.page is None, "nobody is asked again"

    other = recovery.RecoveryKey(bytes(range(32)))
    desk.store.seal_to(other.public)
    screen.owner.reload()
    qtbot.waitUntil(screen.owner.follow.isVisible)
    screen.owner.follow.click()
    qtbot.waitUntil(lambda: sealed_to(desk) == paper.public)
    qtbot.waitUntil(screen.owner.make.isVisible)


def test_the_last_one_made_counts_everywhere(studio: Studio) -> None:
    """Where the owner makes another, whoever was sealed to the one before follows."""
    desk, kiosk = studio.nodes["desk"], studio.nodes["kiosk"]
    another = recovery.RecoveryKey(bytes(range(1, 33)))
    OwnerSeal(desk).seal(another.public, staff(studio, "owner"))
    desk.engine.once()
    assert OwnerSeal(desk).standing() == (another.public.hex(), another.public.hex(), True)
    kiosk.engine.once()
    assert sealed_to(kiosk) == another.public
