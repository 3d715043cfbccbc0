"""SQLite's log is copied beside the writers and begun anew although others read; a long reader holds up nobody."""

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from cloud.storage import checkpoint
from cloud.storage import database as database_module
from cloud.storage.database import Database


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A table of rows, and bounds a sixtieth of the real ones."""
    monkeypatch.setattr(checkpoint, "_BEGIN_BYTES", 1_000_000)
    monkeypatch.setattr(checkpoint, "_MOST_BYTES", 2_500_000)
    monkeypatch.setattr(checkpoint, "_TAIL_BYTES", 250_000)
    monkeypatch.setattr(checkpoint, "_STEP_BYTES", (125_000, 500_000))
    monkeypatch.setattr(database_module, "KEPT_BYTES", 250_000)
    database = Database(f"sqlite:///{tmp_path / 'cloud.db'}")
    with database.write() as connection:
        connection.execute(text("CREATE TABLE row (id INTEGER PRIMARY KEY, body)"))
    yield database
    database.close()


@pytest.fixture
def wal(tmp_path: Path) -> Path:
    return tmp_path / "cloud.db-wal"


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The checkpoints asked for."""
    asked: list[str] = []
    copy = checkpoint.Checkpoints._copy

    def noted(self: checkpoint.Checkpoints, mode: str, wait_ms: int) -> int | None:
        asked.append(mode)
        return copy(self, mode, wait_ms)

    monkeypatch.setattr(checkpoint.Checkpoints, "_copy", noted)
    return asked


def written(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("INSERT OR REPLACE INTO row VALUES (abs(random()) % 20, randomblob(20000))"))


def begun_anew(database: Database, wal: Path, *, times: int, commits: int) -> tuple[int, int]:
    """Commit until the log was cut so often, or so many times; how often it was, and how large it has been."""
    cut = largest = before = 0
    for _ in range(commits):
        written(database)
        size = wal.stat().st_size
        cut += size < before
        largest, before = max(largest, size), size
        if cut == times:
            break
    return cut, largest


@pytest.mark.expected_log("the write-ahead log has grown", reason="a loaded machine may copy late")
def test_the_log_is_begun_anew_although_somebody_always_reads(database: Database, wal: Path) -> None:
    written(database)
    ended, reads = threading.Event(), [0] * 4

    def reader(number: int) -> None:
        while not ended.is_set():
            with database.read() as connection:
                for _ in range(20):
                    connection.execute(text("SELECT id, body FROM row")).all()
            reads[number] += 1

    threads = [threading.Thread(target=reader, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        cut, largest = begun_anew(database, wal, times=3, commits=1_000)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert cut == 3, f"{largest} bytes: the log grows as long as somebody reads"
    assert largest < 12_000_000
    assert all(reads)


@pytest.mark.expected_log("the write-ahead log has grown", reason="operators are told of it")
def test_a_long_reader_only_delays_that(
    database: Database, wal: Path, tries: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with database.read() as long, caplog.at_level(logging.WARNING):
        assert long.scalar(text("SELECT count(*) FROM row")) == 0
        longest = 0.0
        while wal.stat().st_size < 4_000_000:
            began = time.perf_counter()
            written(database)
            longest = max(longest, time.perf_counter() - began)
            with database.read() as short:
                assert short.scalar(text("SELECT count(*) FROM row")) > 0
        assert longest < 8, "somebody waited for the reader (10 s is the busy timeout)"
        assert long.scalar(text("SELECT count(*) FROM row")) == 0
        assert "RESTART" not in tries, "nobody waits for who has long been reading"
        assert len([one for one in caplog.records if "write-ahead log" in one.message]) == 1
        caplog.clear()
    cut, _ = begun_anew(database, wal, times=1, commits=1_000)
    assert cut == 1


def test_nobody_waits_at_the_door_for_long(database: Database) -> None:
    checkpoints = database._checkpoints
    assert checkpoints is not None
    checkpoints._open.clear()  # as if it were never opened again
    with database.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM row")) == 0
    checkpoints._open.set()


def test_postgresql_has_nothing_of_it() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    assert database._checkpoints is None
    database.close()
