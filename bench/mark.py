"""A decoded text to a committed mark, offline, with 20,000 children and 50,000 past scans in the encrypted store."""

import sqlite3
import threading
import time
from pathlib import Path

from bench.claims import Claim, claim, percentile
from bench.ground.studio import Due, copied, ground, kiosk
from kiosk.door import Door, Said, Sighted

FAMILIES = 300
THREADS = 4
EACH = 60
BESIDE = "three bare rows in plain sqlite3, two commits"


def run() -> list[Claim]:
    """One run over a fresh copy of the store: families one after another, then four threads at once."""
    due = [one for one in ground().due if one.text]
    first, rest = due[:FAMILIES], due[FAMILIES : FAMILIES + THREADS * EACH]
    with copied("kiosk") as folder:
        with kiosk(folder) as node:
            door = Door(node)
            marks = [_scan_and_mark(door, one) for one in first]
            began = time.perf_counter()
            scans = _offered(door, rest)
            spent = time.perf_counter() - began
        bare = _bare_rows(folder / "bare.db", first)
    writes = [scan.commit_ms for scan in scans]
    return [
        claim("mark.commit.p50_ms", percentile(marks, 50), goal=20, beside=(BESIDE, percentile(bare, 50))),
        claim("mark.commit.p95_ms", percentile(marks, 95), goal=50, beside=(BESIDE, percentile(bare, 95))),
        claim("mark.commit.p99_ms", percentile(marks, 99), goal=100, beside=(BESIDE, percentile(bare, 99))),
        claim("scan.write_4_threads.mean_ms", sum(writes) / len(writes), goal=10),
        claim("scan.write_4_threads.p95_ms", percentile(writes, 95), goal=20),
        claim("scan.write_4_threads.scans_per_s_rate", len(scans) / spent),
    ]


def _scan_and_mark(door: Door, due: Due) -> float:
    """Verify, record the scan, read the board, mark: two commits. Milliseconds."""
    started = time.perf_counter()
    seen = door.scan(due.text).result()
    marked = door.mark(due.family, due.session, [Said(child, "present") for child in due.children], scan=seen.scan)
    outcome = marked.result()
    spent = (time.perf_counter() - started) * 1000
    if seen.outcome != "ok" or outcome.refused or outcome.board is None:
        raise RuntimeError(f"not marked: {seen.outcome} {seen.reason} {outcome.refused}")
    return spent


def _offered(door: Door, due: list[Due]) -> list[Sighted]:
    seen: list[Sighted] = []

    def offer(mine: list[Due]) -> None:
        seen.extend([door.scan(one.text).result() for one in mine])

    threads = [threading.Thread(target=offer, args=(due[number::THREADS],)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(seen) != len(due) or any(one.outcome != "ok" for one in seen):
        raise RuntimeError("a scan was refused")
    return seen


def _bare_rows(path: Path, due: list[Due]) -> list[float]:
    """What a program without log, seals, rules or encryption would do: as durable, nothing verified. Milliseconds."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE scan (id TEXT PRIMARY KEY, body TEXT)")
    db.execute("CREATE TABLE child (id TEXT PRIMARY KEY, family TEXT, body TEXT)")
    db.execute("CREATE INDEX child_family ON child (family)")
    db.execute("CREATE TABLE attendance (id TEXT PRIMARY KEY, body TEXT)")
    db.executemany(
        "INSERT INTO child VALUES (?, ?, '{}')", [(child, one.family) for one in due for child in one.children]
    )
    times = []
    for number, one in enumerate(due):
        started = time.perf_counter()
        db.execute("INSERT INTO scan VALUES (?, ?)", (f"{number:032x}", one.text))
        children = db.execute("SELECT id FROM child WHERE family = ?", (one.family,)).fetchall()
        db.execute("BEGIN")
        db.executemany("INSERT INTO attendance VALUES (?, 'present')", children)
        db.execute("COMMIT")
        times.append((time.perf_counter() - started) * 1000)
    db.close()
    return times
