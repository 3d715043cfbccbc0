"""Rounds: a backup a day, thinned by the rule, and what stands in the way is said."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from classtap_core.kernel.clock import ManualClock
from classtap_core.store import container
from classtap_core.store.backup import Rule
from classtap_core.store.integrity import Depth
from classtap_core.store.restore import key_files_beside
from classtap_core.store.rounds import Backups, Rounds
from classtap_core.store.store import Store
from tests.unit.store.conftest import NOW

DAY_MS = 86_400_000


def test_one_a_day_and_the_rule_for_the_rest(store: Store, tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    backups = Backups(store, clock, tmp_path / "kept", rule=Rule(3, 2, 2))
    assert backups.due()
    for _ in range(40):
        backups.if_due()
        assert not backups.due()
        backups.if_due()
        clock.advance(DAY_MS)
    assert backups.fault == ""
    there = backups.there()
    today = datetime.fromtimestamp(NOW / 1_000, tz=UTC) + timedelta(days=39)
    assert [round((today - at) / timedelta(days=1)) for at in there] == [
        0,
        1,
        2,
        5,
        30,
    ]  # Friday 30 October 2026: the Sunday before, and 30 September
    newest = next(iter(there.values()))
    ages = [
        container.label_of(path, holds="keys").made_ms for path in key_files_beside(newest, container.label_of(newest))
    ]
    assert len(ages) == 31  # thirty days of history and today
    assert min(ages) >= NOW + 9 * DAY_MS


def test_what_a_killed_backup_left_goes_before_the_next(store: Store, tmp_path: Path) -> None:
    """Else each would keep as much room as the store itself, and open for nobody."""
    backups = Backups(store, ManualClock(NOW), tmp_path / "kept")
    backups.once()
    whole = set(backups.folder.iterdir())
    for end in (".copy", ".copy-journal", ".new", ".keys.new"):
        (backups.folder / f".2026-01-01T030000Z.ctbackup{end}").write_bytes(b"half")
    (backups.folder / ".mine.ctbackup.copy").write_bytes(b"somebody makes one by hand just now")
    backups.once()
    assert {path.name for path in backups.folder.iterdir()} == {
        *(path.name for path in whole), ".mine.ctbackup.copy",
    }  # fmt: skip


@pytest.mark.expected_log("no backup was made", reason="the folder is closed on purpose")
def test_what_stands_in_the_way_is_remembered(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    backups = Backups(store, ManualClock(NOW), folder)
    backups.if_due()
    assert backups.fault == "store.folder_open"
    folder.chmod(0o700)
    backups.if_due()
    assert (backups.fault, len(backups.there())) == ("", 1)


def test_a_clock_that_is_set_brings_neither_a_flood_of_backups_nor_a_day_without(store: Store, tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    backups = Backups(store, clock, tmp_path / "kept")
    backups.if_due()
    for step in (-DAY_MS, 3 * DAY_MS, -400 * DAY_MS):
        clock.step(step)
        assert not backups.due()
        clock.advance(DAY_MS)
        assert backups.due()
        backups.if_due()
        assert not backups.due()
    assert Backups(store, clock, backups.folder).due(), "of a clock that was ahead: nobody here knows since when"


def test_rounds_go_by_elapsed_time(store: Store, tmp_path: Path) -> None:
    clock, done = ManualClock(NOW), threading.Event()
    rounds = Rounds(store, clock, tmp_path / "kept")
    clock.step(-DAY_MS)
    clock.advance(301_000)
    rounds._timetable.follow()
    rounds.start()
    try:
        rounds._timetable.once(done.set)  # behind the rounds that are due
        assert done.wait(30)
    finally:
        rounds.stop()
    assert len(rounds.backups.there()) == 1


def test_rounds_start_and_stop(store: Store, tmp_path: Path) -> None:
    rounds = Rounds(store, ManualClock(NOW), tmp_path / "kept")
    rounds.stop()
    rounds.start()
    rounds.look(Depth.FULL)
    rounds.stop()
    assert store.watch.health.sound
