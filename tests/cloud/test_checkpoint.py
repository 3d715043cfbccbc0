"""SQLite's log is copied beside the writers; a reader that takes its time holds up no commit."""

import time
from pathlib import Path

import pytest
from sqlalchemy import text

from cloud.storage import checkpoint
from cloud.storage.database import Database


def test_a_commit_waits_for_no_reader_however_long_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "_MOST_BYTES", 100_000)
    database = Database(f"sqlite:///{tmp_path / 'cloud.db'}")
    wal = tmp_path / "cloud.db-wal"

    def write(count: int) -> None:
        for _ in range(count):
            with database.write() as connection:
                connection.execute(text("INSERT INTO row VALUES (randomblob(20000))"))

    try:
        with database.write() as connection:
            connection.execute(text("CREATE TABLE row (body)"))
        with database.read() as reader:
            assert reader.scalar(text("SELECT count(*) FROM row")) == 0
            began = time.perf_counter()
            write(20)
            spent = time.perf_counter() - began
            assert reader.scalar(text("SELECT count(*) FROM row")) == 0
        assert wal.stat().st_size > 400_000
        assert spent < 5, "each commit past the limit waited for the reader (10 s is the busy timeout)"
        monkeypatch.setattr(checkpoint, "_MOST_BYTES", 0)
        write(3)  # the first one copies all, the log then begins anew
        with database.read() as reader:
            assert reader.scalar(text("SELECT count(*) FROM row")) == 23
    finally:
        database.close()
