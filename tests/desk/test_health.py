"""The health cards over a real device and a real cloud: what they say, and what their buttons do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from classtap_cli.questions.device import Device, Nothing
from classtap_cli.questions.syncing import status
from classtap_cli.questions.table import answering_others
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.kernel.device_store import Answer
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Outcome, Reason, Status
from classtap_core.people.operations import RenameFamily
from classtap_core.store.integrity import Depth
from classtap_core.store.integrity import Health as Found
from classtap_core.store.space import Level
from classtap_desktop.kit import Button, Label, theme
from classtap_desktop.kit.device_words import relay_words, size_words, warning
from classtap_desktop.node_source import NodeSource
from classtap_desktop.operator import operator_of
from classtap_desktop.screens.health.cards import HealthCards
from classtap_desktop.screens.health.lines import device_line, keys_words, roster_words, trouble_words, unjudged_words
from classtap_desktop.settings import Settings
from classtap_desktop.window import DeskWindow
from kiosk.decoding import Decoder
from kiosk.sources import picture_of
from resources.text import Catalogue
from sync.client.engine import State
from sync.client.health import RosterStanding, Unjudged, health_of
from sync.client.keeping import Keeping
from sync.client.node import Node
from sync.client.relay.finding import Fixed
from sync.client.relay.local import Neighbour, Neighbourhood
from sync.pairing import Link, read_link
from sync.protocol import DeviceStanding, Report
from tests.end_to_end.house_rig import families_due, staff, until
from tests.end_to_end.rig import Studio, inside

MB = 1 << 20

pytestmark = pytest.mark.leaves(
    "cloud-(reading|writing)|ThreadPoolExecutor|classtap-proxy", reason="the file's cloud starts them"
)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with Studio(tmp_path_factory.mktemp("studio") / "data", families=4) as made:
        yield made


@pytest.fixture
def kiosk(studio: Studio, tmp_path: Path) -> Iterator[Node]:
    made = studio.pair("kiosk", tmp_path / "kiosk")
    yield made
    made.close()


@pytest.fixture
def node(studio: Studio, kiosk: Node, tmp_path: Path) -> Iterator[Node]:
    made = studio.pair("desk", tmp_path / "desk")
    kiosk.start()
    until(lambda: kiosk.engine.status().state is State.ONLINE, kiosk)
    made.start()
    until(lambda: made.engine.others is not None, made)
    yield made
    made.close()


@pytest.fixture
def window(qtbot: QtBot, studio: Studio, node: Node) -> Iterator[DeskWindow]:
    source = NodeSource(node)
    operator = operator_of(source, staff(studio).id)
    made = DeskWindow(source, settings=Settings(look="light", locale="en_GB"), operator=operator)
    with qtbot.waitActive(made):
        made.show()
    made.open("devices")
    yield made
    made.close()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    theme().use(look="light", locale="en", text_scale=1.0)


def soon(qtbot: QtBot, holds: Callable[[], object]) -> None:
    """Wait, with patience for a machine that has other things to do."""
    qtbot.waitUntil(lambda: bool(holds()), timeout=30_000)


def cards(window: DeskWindow) -> HealthCards:
    found: HealthCards = window.screens["devices"].health  # type: ignore[attr-defined]
    return found


def facts(window: DeskWindow) -> dict[str, str]:
    return {name: value.whole_text() for name, (_, value) in cards(window).facts.facts.items()}


def shown(card: QWidget) -> list[Button]:
    """The buttons to be seen: what a card showed before may still wait to be deleted."""
    return [button for button in card.findChildren(Button) if button.isVisible()]


def test_it_says_how_the_device_is(qtbot: QtBot, window: DeskWindow, node: Node) -> None:
    soon(qtbot, lambda: "of" in facts(window)["held"])
    assert "give or take" in facts(window)["clock"]
    assert "used here" in facts(window)["room"]
    assert facts(window)["mended"] == "0"
    troubled = health_of(node)._replace(last_trouble=("sync.cursor", 0))
    assert trouble_words(troubled, 60_000, Catalogue("en")) == "sync.cursor, 1 minute ago"
    assert node.keys is not None
    updated = datetime.fromtimestamp(node.keys.issued_at, tz=UTC)
    assert facts(window)["pass_keys"].endswith(f" ({updated:%Y-%m-%dT%H:%M:%S}+00:00)")
    assert keys_words(health_of(node)._replace(keys=None), 0, Catalogue("en")) == "Never"
    found, words = health_of(node), Catalogue("en")
    assert found.rosters.today, "a desk that has just been filled"
    assert "ago" in facts(window)["rosters"] or facts(window)["rosters"] == "just now"
    for rosters, said in (
        (RosterStanding(0, today=True), "1 hour ago"),
        (RosterStanding(0, today=False), "1 hour ago. Today’s list is not wholly here yet."),
        (RosterStanding(None, today=False), "Never: the cloud has not been heard yet"),
    ):
        assert roster_words(found._replace(rosters=rosters), 3_600_000, words) == said
    protection = window.screens["devices"].facts["protection"][1]  # type: ignore[attr-defined]
    assert "reduced" in protection.whole_text()
    assert facts(window)["owner"].startswith("No: a lost keyring would lose what is not sent yet")
    assert not cards(window).aside.isVisible()
    said = [label.whole_text() for label in cards(window).others.findChildren(type(cards(window).others.title))]
    assert any("Kiosk" in text and "last heard of" in text for text in said)


def test_in_an_outage_it_says_who_hears_whom_and_the_switch_is_here_and_in_the_terminal(
    qtbot: QtBot, window: DeskWindow, node: Node, kiosk: Node, studio: Studio, tmp_path: Path
) -> None:
    card, switch, badge = cards(window).neighbours, cards(window).facts.relay, window.topbar.badge
    soon(
        qtbot, lambda: card.text.whole_text().startswith("No other device of the studio is heard in this network yet.")
    )
    kiosk.site.start(Fixed([]))
    node.site.start(Fixed([("127.0.0.1", kiosk.neighbourhood().port)]))
    soon(qtbot, lambda: card.text.whole_text().startswith("2 devices here hear each other: a pass shown twice"))
    soon(qtbot, lambda: "Kiosk" in [label.whole_text() for label in card.findChildren(Label)])
    assert badge.whole_text() == "Online · everything saved and sent", "who is online has better news"
    studio.proxy.cut()
    try:
        soon(qtbot, lambda: badge.whole_text() == "Offline · 2 devices here hear each other")
        hint = window.screens["devices"].hint  # type: ignore[attr-defined]
        soon(qtbot, lambda: "2 devices here hear each other: a pass shown twice" in hint.whole_text())
        with answering_others(node):
            said = inside("sync", "relay", data=tmp_path)
            first, second, *_ = said.out.splitlines()
            assert first.startswith("2 devices here hear each other")
            assert second.startswith("Kiosk (127.0.0.1), last heard ")
            found = json.loads(inside("sync", "status", "--json", data=tmp_path).out)
            assert found["relay"]["neighbours"][0]["device"] == kiosk.papers.device
            assert found["relay"]["said"].startswith("2 devices here hear each other")
            assert "switched off here" in inside("sync", "relay", "off", data=tmp_path).out
            soon(qtbot, lambda: "switched off here" in card.text.whole_text())
            soon(qtbot, lambda: badge.whole_text() == "Offline")
            assert switch.text() == "Let devices here hear each other"
            switch.click()
            soon(qtbot, lambda: badge.whole_text() == "Offline · 2 devices here hear each other")
            assert json.loads(inside("sync", "relay", "--json", data=tmp_path).out)["on"]
            wrong = inside("sync", "relay", "peers", "192.168.1.7", data=tmp_path)
            assert (wrong.code, "192.168.1.7" in wrong.err) == (2, True)
            given = inside("sync", "relay", "peers", "192.168.1.7:27417", "--json", data=tmp_path)
            assert json.loads(given.out)["peers"] == ["192.168.1.7:27417"]
            assert json.loads(inside("sync", "relay", "peers", "--none", "--json", data=tmp_path).out)["peers"] == []
    finally:
        studio.proxy.restore()


def test_where_a_network_lets_nobody_be_found_addresses_are_written_down_at_the_desk(
    qtbot: QtBot, window: DeskWindow, node: Node, kiosk: Node
) -> None:
    card = cards(window).neighbours
    kiosk.site.start(Fixed([]))
    node.site.start(Fixed([]))
    soon(qtbot, lambda: card.addresses.isVisible())
    card.addresses.click()
    assert card.form is not None
    dialog, listens = card.form, f"127.0.0.1:{kiosk.neighbourhood().port}"
    assert dialog.text.hasFocus()
    dialog.close_overlay()
    assert not dialog.isVisible(), "nothing was written"
    card.addresses.click()
    dialog = card.form
    dialog.text.setPlainText(f"{listens}\n\n the door \n{listens}")
    dialog.save.click()
    soon(qtbot, lambda: dialog.message.whole_text().startswith("the door is no address of a device."))
    assert node.relay_peers() == ()
    dialog.close_overlay()
    assert dialog.isVisible(), "it asks first"
    assert "the door" in dialog.text.toPlainText(), "what was written is there to be mended"
    dialog.text.setPlainText(dialog.text.toPlainText().replace("the door", ""))
    dialog.save.click()
    soon(qtbot, lambda: not dialog.isVisible())
    assert node.relay_peers() == (listens,)
    soon(qtbot, lambda: card.text.whole_text().startswith("2 devices here hear each other"))
    card.addresses.click()
    assert card.form.text.toPlainText() == listens
    card.form.text.setPlainText("")
    card.form.save.click()
    soon(qtbot, lambda: node.relay_peers() == ())
    node.set_relay(False)
    cards(window).reload()
    soon(qtbot, lambda: not card.addresses.isVisible())


@pytest.mark.parametrize("language", ["en", "es", "ar"])
def test_what_is_said_of_the_devices_in_a_network(language: str) -> None:
    """Every code that the relay has, in words: what it means and what to do."""
    words = Catalogue(language)
    other = Neighbour(Id("e" * 32), "Door", "192.168.1.7:27417", 0)
    states = [Neighbourhood(on=False, trouble="relay.no_port", neighbours=())]
    states += [
        Neighbourhood(on=True, trouble=code, neighbours=())
        for code in ("", "relay.no_network", "relay.no_multicast", "relay.no_port", "relay.of_next_year")
    ]
    states += [Neighbourhood(on=True, trouble="", neighbours=(other,) * number) for number in (1, 2, 10, 99)]
    said = [relay_words(found, words) for found in states]
    assert len(set(said)) == len(said)
    assert not [sentence for sentence in said if sentence.startswith("relay.")]
    both = relay_words(Neighbourhood(on=True, trouble="relay.no_port", neighbours=(other,)), words)
    assert both == f"{relay_words(Neighbourhood(True, '', (other,)), words)} {said[4]}"


def test_pausing_and_going_on(qtbot: QtBot, window: DeskWindow, node: Node) -> None:
    health = cards(window).facts
    soon(qtbot, lambda: health.pause.text() == "Pause sync")
    health.pause.click()
    soon(qtbot, lambda: node.engine.status().state is State.PAUSED)
    soon(qtbot, lambda: health.pause.text() == "Go on syncing")
    soon(qtbot, lambda: window.topbar.badge.whole_text() == "Paused")
    health.pause.click()
    soon(qtbot, lambda: node.engine.status().state is State.ONLINE)


def test_what_was_set_aside_is_shown_with_its_reason_and_said_again(
    qtbot: QtBot, window: DeskWindow, node: Node, studio: Studio
) -> None:
    node.pause(True)
    soon(qtbot, lambda: node.engine.status().state is State.PAUSED)
    family = families_due(studio)[0]
    rename = RenameFamily(family=family.family, base=family.name, name="Aside")
    receipt = node.submit(rename, staff(studio), source="test").result()
    aside = Outcome(status=Status.QUARANTINED, reasons=(Reason("fault", {"type": "ZeroDivisionError"}),))
    node.call(lambda bus: bus.acknowledge([Answer(receipt.sequence or 0, aside, 1)]))
    soon(qtbot, lambda: cards(window).aside.isVisible())
    texts = [label.whole_text() for label in cards(window).aside.findChildren(type(cards(window).aside.title))]
    assert any("The cloud failed at it" in text for text in texts)
    soon(qtbot, lambda: shown(cards(window).aside))
    (again,) = shown(cards(window).aside)
    assert status(Device(node, running=True), Nothing())["quarantined"] == 1
    again.click()
    soon(qtbot, lambda: not cards(window).aside.isVisible())
    assert node.pending() == 1
    assert status(Device(node, running=True), Nothing())["quarantined"] == 0, "it was said again"


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        ("roster/" + "1" * 32 + "/2026-11-23", "lacks the roster · 23 Nov 2026"),
        ("schedule/" + "1" * 32 + "/2026-11", "lacks the schedule"),
        ("something/later", "lacks something/later"),
    ],
)
def test_what_a_fact_lacks_is_said_in_words(scope: str, said: str) -> None:
    kept = Unjudged(1, Id("a" * 32), "attendance.mark", 0, scope)
    assert unjudged_words(kept, None, 60_000, Catalogue("en_GB")).endswith(said)


def test_what_could_not_be_judged_here_is_shown_until_it_is(
    qtbot: QtBot, window: DeskWindow, node: Node, studio: Studio
) -> None:
    node.pause(True)
    soon(qtbot, lambda: node.engine.status().state is State.PAUSED)
    child = families_due(studio)[0].children[0].child
    elsewhere = Id("e1" * 16)
    mark = MarkAttendance(session=elsewhere, items=(ChildMark(child=child, state="present"),))
    receipt = node.submit(mark, staff(studio), source="test").result()
    assert [reason.code for reason in receipt.outcome.reasons] == ["undetermined"]
    soon(qtbot, lambda: cards(window).unjudged.isVisible())
    texts = [label.whole_text() for label in cards(window).unjudged.findChildren(type(cards(window).unjudged.title))]
    assert any(" marked " in text and "lacks the schedule" in text for text in texts), texts


def test_the_log_for_support_is_written_and_names_nobody(
    qtbot: QtBot, window: DeskWindow, node: Node, tmp_path: Path
) -> None:
    file = tmp_path / "log.jsonl"
    with qtbot.waitSignal(window.desk.told):
        cards(window).facts.save_log(file)
    lines = [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]
    assert lines[0]["what"] == "device"
    assert node.papers.device not in file.read_text()


def test_another_device_is_withdrawn_with_two_presses(qtbot: QtBot, window: DeskWindow, studio: Studio) -> None:
    others = cards(window).others
    soon(qtbot, lambda: shown(others))
    (one, *_) = shown(others)
    one.click()
    soon(qtbot, lambda: any("Press again" in button.text() for button in shown(others)))
    (sure,) = [button for button in shown(others) if "Press again" in button.text()]
    sure.click()
    soon(qtbot, lambda: any(one.purge for one in studio.cloud.studios.devices(studio.plan.studio)))


@pytest.mark.parametrize(
    ("size", "said"), [(0, "0 kB"), (1, "1 kB"), (2_000_000, "1 MB"), (5 << 30, "5 GB"), (1023 << 20, "1,023 MB")]
)
def test_sizes(size: int, said: str) -> None:
    assert size_words(size, Catalogue("en_GB")) == said


def test_a_device_in_trouble_stands_out() -> None:
    words = Catalogue("en_GB")
    report = Report(program="kiosk", version="1", pending=3, quarantined=1, protection="file", free_bytes=1 << 30)
    one = DeviceStanding(
        device="d" * 32,
        name="Door",
        role="kiosk",
        location="",
        epoch=1,
        acked=0,
        seen_ms=1_000,
        report=report,  # type: ignore[arg-type]
    )
    line = device_line(one, 61_000, words)
    assert (line.tone, line.stands) == ("warn", True)
    assert line.said == "Kiosk · last heard of 1 minute ago · 3 waiting · 1 set aside · 1 GB free · key in a file"


def left(patch: pytest.MonkeyPatch, free: int) -> None:
    """What the disk says of itself; the real fill is in tests/unit/store/test_space.py."""
    disk = shutil._ntuple_diskusage(10**12, 10**12 - free, free)  # type: ignore[attr-defined]
    patch.setattr("classtap_core.store.space.shutil.disk_usage", lambda folder: disk)


def test_a_disk_that_fills_is_said_early_and_new_work_is_refused_with_a_sentence(
    qtbot: QtBot, window: DeskWindow, node: Node, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    banner = window.keeping
    assert banner is not None
    soon(qtbot, lambda: facts(window)["store"] == "Sound, as far as it was looked at")
    assert not banner.isVisible()
    with monkeypatch.context() as patch:
        left(patch, 300 * MB)
        node.store.space.look()
        soon(qtbot, banner.isVisible)
        assert banner.line.label.whole_text().startswith(
            "This computer’s disk is filling up: 300 MB are free, enough for about 34,304 more marks."
        )
        assert not banner.line.label.is_cut()
        theme().use(text_scale=2.0)
        soon(qtbot, lambda: not banner.line.label.is_cut())
        left(patch, 20 * MB)
        node.store.space.look()
        soon(qtbot, lambda: banner.line.label.whole_text().startswith("This computer’s disk is full"))
        family = families_due(studio)[1]
        with qtbot.waitSignal(window.desk.failed, timeout=30_000) as failed:
            window.desk.submit(
                RenameFamily(family=family.family, base=family.name, name="Not kept"), then=lambda receipt: None
            )
        assert failed.args[0].sentence(Catalogue("en_GB")).startswith("This computer’s disk is full, so that was not")
        assert node.pending() == 0
    node.store.space.look()
    soon(qtbot, lambda: not banner.isVisible())


def test_a_queue_that_grows_long_is_said_above_every_screen(
    qtbot: QtBot, window: DeskWindow, node: Node, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    banner = window.keeping
    assert banner is not None
    node.pause(True)
    soon(qtbot, lambda: node.engine.status().state is State.PAUSED)
    assert not banner.isVisible()
    monkeypatch.setattr("classtap_core.store.space.QUEUE_LOW", 1)
    family = families_due(studio)[1]
    node.submit(
        RenameFamily(family=family.family, base=family.name, name="Waits"), staff(studio), source="test"
    ).result()
    soon(qtbot, banner.isVisible)
    assert banner.line.label.whole_text().startswith("1 things done here wait to be sent. They are safe;")
    node.store.device.queue_most = 1
    with qtbot.waitSignal(window.desk.failed, timeout=30_000) as failed:
        window.desk.submit(RenameFamily(family=family.family, base="Waits", name="No"), then=lambda receipt: None)
    assert (
        failed.args[0].sentence(Catalogue("en_GB")).startswith("100,000 things done here wait to be sent, so that was")
    )
    node.store.device.queue_most = 100_000
    node.pause(False)
    soon(qtbot, lambda: not banner.isVisible())


@pytest.mark.parametrize(
    ("waiting", "code"), [(4_999, ""), (5_000, "desk.keeping.queue_low"), (100_000, "desk.keeping.queue_full")]
)
def test_what_is_said_of_a_queue(waiting: int, code: str) -> None:
    found = warning(Keeping(Level.ENOUGH, 1 << 40, 1 << 20, True, True, True, waiting), Catalogue("en"))
    assert (found.code if found else "") == code


@pytest.mark.expected_log("the store is damaged", reason="the test says so")
def test_a_damaged_store_is_said_above_every_screen(qtbot: QtBot, window: DeskWindow, node: Node) -> None:
    banner = window.keeping
    assert banner is not None
    node.store.watch.found(Found(Depth.QUICK, pages=(7,), tables=("log",)))
    soon(qtbot, banner.isVisible)
    assert banner.line.label.whole_text().startswith("Some of this computer’s data was found damaged. What is not")
    node.store.watch.found(Found(Depth.FULL))
    soon(qtbot, lambda: not banner.isVisible())


def test_a_code_for_a_new_device_is_shown_read_and_used_once(
    qtbot: QtBot, window: DeskWindow, node: Node, studio: Studio, tmp_path: Path
) -> None:
    card = window.screens["devices"].invite  # type: ignore[attr-defined]
    soon(qtbot, lambda: any(button.text() == "Show a code for a kiosk" for button in shown(card)))
    ask = next(button for button in shown(card) if button.text() == "Show a code for a kiosk")
    ask.click()
    soon(qtbot, lambda: card.picture.isVisible())
    file = tmp_path / "shown.png"
    card.picture.grab().save(str(file))
    (seen,) = [one for one in Decoder().look(picture_of(file)).sightings if one.decoder]
    link = read_link(seen.text)
    assert link == Link(node.url, card.code.whole_text())
    assert "for one device" in card.until.whole_text()
    told: list[str] = []
    window.desk.told.connect(lambda code, params, tone: told.append(code))
    said = inside("pair", "--scan", file, "--as", "kiosk", "--json", data=data(tmp_path))
    assert said.code == 0, said.err
    assert json.loads(said.out)["role"] == "kiosk"
    soon(qtbot, lambda: "desk.invite.joined" in told)
    assert not card.picture.isVisible()
    again = inside("pair", link.url, link.code, data=data(tmp_path / "other"))
    assert again.code == 1
    assert "unknown, used or older" in again.err


def data(under: Path) -> Path:
    made = under / "data"
    made.mkdir(parents=True, mode=0o700)
    return made


def test_without_the_cloud_no_code_is_asked_for(qtbot: QtBot, window: DeskWindow, node: Node) -> None:
    card = window.screens["devices"].invite  # type: ignore[attr-defined]
    node.pause(True)
    soon(qtbot, lambda: window.desk.standing is not None and not window.desk.standing.online)
    soon(qtbot, lambda: shown(card))
    with qtbot.waitSignal(window.desk.told) as told:
        shown(card)[0].click()
    assert told.args[0] == "desk.invite.offline"
    assert node.pending() == 0
