"""What the world does to a device: wrong clocks, foreign keys, a cloud that is not there, days that pass, lost answers."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from classtap_core import house
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.checkin.reading import fetch
from classtap_core.checkin.records import Attendance, attendance_id
from classtap_core.kernel.clock import SystemClock
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.scopes import covers
from cloud.composition import open_cloud
from cloud.serve import CloudServer
from kiosk.door import Door
from sync.client.engine import State
from sync.client.node import Node
from sync.client.transport import Rejected, Unreachable
from tests.end_to_end.house_rig import (
    PATIENCE_S,
    Sky,
    WrongClock,
    agrees,
    check_in,
    cloud_row,
    everything_holds,
    families_due,
    mark_one,
    marks_in_cloud,
    opened,
    paired,
    say,
    show,
    staff,
    states_in,
    states_in_cloud,
    until,
)
from tests.end_to_end.rig import Studio

DAY_MS = 86_400_000


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with Studio(tmp_path / "data", families=10) as made:
        yield made


@pytest.mark.parametrize("wrong_ms", [DAY_MS, -DAY_MS], ids=["a day ahead", "a day behind"])
def test_a_wrong_clock_is_put_right_by_the_first_contact(studio: Studio, wrong_ms: int) -> None:
    """The kiosk marks first and the desk a moment later: the first holds, whatever the kiosk's clock says."""
    assert WrongClock(wrong_ms).now().uncertainty is None
    kiosk, desk = paired(studio, "kiosk", WrongClock(wrong_ms)), studio.pair("desk")
    right = SystemClock().now().wall
    at = kiosk.clock.now()
    assert abs(at.wall - right - wrong_ms) < 60_000
    assert abs(at.corrected - right) < 5_000
    assert at.uncertainty is not None
    assert at.uncertainty < 5_000
    sighted = show(studio, Door(kiosk), families_due(studio)[0])
    assert mark_one(Door(kiosk), sighted, "present").outcome.stands
    assert sighted.board is not None
    group = sighted.board.groups[0]
    session, child = group.card.session.id, Id(group.children[0].child)
    until(lambda: desk.clock.now().interval().earliest > kiosk_mark(kiosk, session, child), what="surely later")
    say(desk, MarkAttendance(session=session, items=(ChildMark(child=child, state="late"),)), staff(studio))
    desk.engine.once()
    kiosk.engine.once()
    desk.engine.once()
    assert states_in_cloud(studio, session)[child] == "present"
    assert states_in(desk, session)[child] == states_in(kiosk, session)[child] == "present"
    everything_holds(studio, kiosk, desk)


def kiosk_mark(node: Node, session: Id, child: Id) -> int:
    """The latest moment at which the kiosk's mark can have been made."""
    with node.reader() as reader:
        id = attendance_id(node.papers.studio, session, child)
        return fetch(reader, Attendance, [id])[id].marks[0].latest


def test_a_clock_set_while_the_program_was_off_is_doubted_until_the_cloud_is_heard(studio: Studio) -> None:
    paired(studio, "kiosk", SystemClock())
    studio.leave("kiosk")
    studio.proxy.cut()
    kiosk = opened(studio, "kiosk", WrongClock(DAY_MS))
    doubt = kiosk.clock.now().uncertainty
    assert doubt is not None
    assert doubt > DAY_MS // 2
    studio.proxy.restore()
    kiosk.start()
    until(lambda: kiosk.engine.status().state is State.ONLINE, kiosk)
    at = kiosk.clock.now()
    assert at.uncertainty is not None
    assert at.uncertainty < 5_000
    assert abs(at.corrected - SystemClock().now().wall) < 5_000


def test_a_clock_set_wrong_in_an_outage_empties_no_roster(studio: Studio) -> None:
    """The battery of the machine's clock is flat: it starts ten days off, without a network."""
    held = days_held(paired(studio, "kiosk", SystemClock()))
    assert len(held) == 9
    studio.leave("kiosk")
    studio.proxy.cut()
    for wrong_ms in (10 * DAY_MS, -10 * DAY_MS):
        kiosk = opened(studio, "kiosk", WrongClock(wrong_ms))
        with pytest.raises(Unreachable):
            kiosk.engine.once()
        assert days_held(kiosk) >= held
        studio.leave("kiosk")
    studio.proxy.restore()
    kiosk = opened(studio, "kiosk", WrongClock(10 * DAY_MS))
    kiosk.engine.once()
    assert days_held(kiosk) == held


@pytest.mark.parametrize("wrong_ms", [DAY_MS, -DAY_MS], ids=["a day ahead", "a day behind"])
def test_the_first_load_is_of_the_days_around_the_clouds_day(studio: Studio, wrong_ms: int) -> None:
    kiosk = paired(studio, "kiosk", WrongClock(wrong_ms))
    right = paired(studio, "desk", SystemClock())
    assert days_held(kiosk) == days_held(right)


def days_held(node: Node) -> set[str]:
    return {scope.rsplit("/", 1)[1] for scope in _held(node) if scope.startswith("roster/")}


def test_a_look_that_finds_nothing_new_puts_the_clock_right_too(studio: Studio) -> None:
    paired(studio, "kiosk", SystemClock())
    studio.leave("kiosk")
    kiosk = opened(studio, "kiosk", WrongClock(600_000))
    kiosk.engine.once()
    assert abs(kiosk.clock.now().corrected - SystemClock().now().wall) < 5_000


def test_what_contacts_taught_about_the_clock_outlives_the_program(studio: Studio) -> None:
    paired(studio, "kiosk", WrongClock(-DAY_MS))
    studio.leave("kiosk")
    studio.proxy.cut()
    at = opened(studio, "kiosk", WrongClock(-DAY_MS)).clock.now()
    assert abs(at.corrected - SystemClock().now().wall) < 5_000
    assert at.uncertainty is not None
    assert at.uncertainty < 5_000


def test_foreign_pass_keys_are_refused_and_hold_up_nothing(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    kiosk = studio.pair("kiosk")
    known = kiosk.keys
    studio.leave("kiosk")
    studios = studio.cloud.studios
    other = studios.found("Another studio", environment="test")
    ours = studios.pass_keys.bundle
    monkeypatch.setattr(studios.pass_keys, "bundle", lambda entry, *, now_s: ours(other, now_s=now_s))
    kiosk = studio.open("kiosk")
    kiosk.start()
    until(lambda: kiosk.engine.status().state is State.FAILING, kiosk)
    assert kiosk.engine.status().trouble.startswith("keys.")
    assert kiosk.keys == known
    _, said = check_in(studio, Door(kiosk), families_due(studio)[0])
    until(lambda: not kiosk.pending(), kiosk, what="marks are sent all the same")
    assert {states_in_cloud(studio, session)[child] for session, child in said} == {"present"}
    monkeypatch.undo()
    until(lambda: kiosk.engine.nudge() or kiosk.engine.status().state is State.ONLINE, kiosk)
    everything_holds(studio, kiosk)


def test_a_kiosk_starts_without_the_cloud(studio: Studio) -> None:
    studio.pair("kiosk")
    studio.leave("kiosk")
    studio.proxy.cut()
    kiosk = studio.open("kiosk")
    kiosk.start()
    until(lambda: kiosk.engine.status().trouble, kiosk, what="it knows that it is alone")
    assert kiosk.engine.status().state is State.OFFLINE
    _, said = check_in(studio, Door(kiosk), families_due(studio)[0])
    assert kiosk.pending() == kiosk.engine.status().pending >= 2
    studio.proxy.restore()
    until(lambda: not kiosk.pending(), kiosk)
    assert {states_in_cloud(studio, session)[child] for session, child in said} == {"present"}
    everything_holds(studio, kiosk)


def test_a_pairing_whose_answer_was_lost_is_asked_again_with_the_same_code(studio: Studio) -> None:
    code, folder = studio.code("kiosk"), studio.data / "kiosk"

    def pair() -> Node:
        return Node.pair(
            folder, url=studio.url, code=code, name="k", program="kiosk", clock=SystemClock(), ring=None
        )  # fmt: skip

    studio.proxy.scissors = lambda direction, passed, chunk: 0 if direction == "down" else None
    with pytest.raises(Unreachable):
        pair()
    studio.proxy.scissors = lambda direction, passed, chunk: None
    before = len(studio.cloud.studios.devices(studio.plan.studio))
    with pytest.raises(Refused, match="unpaired"):
        Node.open(folder, program="kiosk", clock=SystemClock(), ring=None)
    with pair() as kiosk:
        kiosk.engine.once()
        agrees(studio, kiosk)
    assert len(studio.cloud.studios.devices(studio.plan.studio)) == before
    with pytest.raises(Refused, match=r"store\.paired"):
        pair()
    with pytest.raises(Rejected, match=r"pair\.code"):
        Node.pair(
            studio.data / "thief", url=studio.url, code=code, name="t", program="kiosk", clock=SystemClock(), ring=None
        )  # fmt: skip
    assert len(studio.cloud.studios.devices(studio.plan.studio)) == before


def test_a_new_day_brings_its_roster_and_lets_the_old_one_go(tmp_path: Path) -> None:
    sky = Sky()
    with Studio(tmp_path / "data", families=10, clock=sky.clock()) as studio:
        kiosk = paired(studio, "kiosk", sky.clock())
        kiosk.start()
        until(lambda: kiosk.engine.status().state is State.ONLINE, kiosk)
        today = f"roster/{studio.plan.main}/{kiosk.today().isoformat()}"
        studio.proxy.cut()
        until(lambda: kiosk.engine.status().state is State.OFFLINE, kiosk)
        _, said = check_in(studio, Door(kiosk), families_due(studio)[0])
        sky.moved_ms = 2 * DAY_MS
        new = f"roster/{studio.plan.main}/{kiosk.today().isoformat()}"
        last = f"roster/{studio.plan.main}/{_days_on(kiosk, 7)}"
        assert today in _held(kiosk)
        assert last not in _held(kiosk)
        studio.proxy.restore()
        until(lambda: last in _held(kiosk) and today not in _held(kiosk), kiosk)
        until(lambda: not kiosk.pending(), kiosk)
        assert new in _held(kiosk)
        for session, child in said:
            assert len(marks_in_cloud(studio, session, child)) == 1
            with kiosk.reader() as reader:
                id = attendance_id(studio.plan.studio, session, child)
                assert not reader.rows(Attendance, [id])
                assert not reader.holds(today)
        kiosk.engine.nudge()
        agrees(studio, kiosk)
        everything_holds(studio, kiosk)


def test_a_cloud_from_an_old_backup_gets_again_what_it_lost(studio: Studio) -> None:
    """What it had acknowledged is in the devices' logs: every mark is there again, once, and everybody agrees."""
    kiosk, desk = studio.pair("kiosk"), studio.pair("desk")
    families = families_due(studio)
    _, early = check_in(studio, Door(kiosk), families[0])
    kiosk.engine.once()
    database, backup = studio.data / "cloud" / "cloud.db", studio.data / "backup.db"
    with closing(sqlite3.connect(database)) as live, closing(sqlite3.connect(backup)) as copy:
        live.backup(copy)
    _, lost = check_in(studio, Door(kiosk), families[1])
    kiosk.engine.once()
    desk.engine.once()
    assert kiosk.pending() == 0
    port = int(studio.server.url.rsplit(":", 1)[1])
    studio.server.stop()
    for left in ("-wal", "-shm"):
        database.with_name(database.name + left).unlink(missing_ok=True)
    backup.replace(database)
    studio.cloud = open_cloud(studio.data, house.bus(authority=True))
    studio.server = CloudServer(studio.cloud, port=port, heartbeat_s=2.0).start()
    assert all(not marks_in_cloud(studio, session, child) for session, child in lost)
    _, new = check_in(studio, Door(kiosk), families[2])
    for node in (kiosk, desk, kiosk, desk):
        node.engine.once()
    for session, child in (*early, *lost, *new):
        assert len(marks_in_cloud(studio, session, child)) == 1
    for node in (kiosk, desk):
        agrees(studio, node)
    everything_holds(studio, kiosk, desk)


def _held(node: Node) -> tuple[str, ...]:
    with node.reader() as reader:
        return tuple(reader.held())


def _days_on(node: Node, days: int) -> str:
    return (node.today() + timedelta(days=days)).isoformat()


def test_a_released_day_keeps_what_was_not_sent(studio: Studio) -> None:
    kiosk = studio.pair("kiosk")
    _, said = check_in(studio, Door(kiosk), families_due(studio)[0])
    waiting = kiosk.pending()
    today = f"roster/{studio.plan.main}/{kiosk.today().isoformat()}"
    kiosk.engine.local.release([today])
    assert not covers(_held(kiosk), today)
    assert kiosk.pending() == waiting
    assert kiosk.store.check().ok
    kiosk.engine.once()
    for session, child in said:
        assert len(marks_in_cloud(studio, session, child)) == 1
        assert (
            cloud_row(studio, Attendance, attendance_id(studio.plan.studio, session, child)).marks[0].state == "present"
        )
    agrees(studio, kiosk)
    everything_holds(studio, kiosk)


def test_closing_waits_for_no_cloud_that_hangs(studio: Studio) -> None:
    """Bytes go up and nothing ever comes down: closing hangs up, and does not wait for the answer's time to run out."""
    kiosk = studio.pair("kiosk")
    asked, release = threading.Event(), threading.Event()

    def swallow(direction: str, passed: int, chunk: bytes) -> int | None:
        if direction == "down":
            asked.set()
            release.wait(30)
            return 0
        return None

    studio.proxy.scissors = swallow
    kiosk.start()
    assert asked.wait(PATIENCE_S)
    closing = threading.Thread(target=studio.leave, args=("kiosk",))
    closing.start()
    closing.join(8)
    ended = not closing.is_alive()
    release.set()
    closing.join()
    assert ended
