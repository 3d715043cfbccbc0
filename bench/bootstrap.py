"""Twenty thousand children into a new kiosk's encrypted store over HTTP: the first roster, all of it, the bytes."""

import sqlite3
import time
from pathlib import Path

from bench.claims import Claim, claim
from bench.ground.counting import CountingProxy
from bench.ground.server import served
from bench.ground.studio import copied, ground, opened_cloud, paired
from classtap_core.checkin.roster import roster
from classtap_core.interpreter import settle
from classtap_core.kernel.ids import Id
from sync.client.node import Node

BESIDE = "the same rows into plain sqlite3, one transaction, from memory"


def run() -> list[Claim]:
    """One run: a kiosk that was just paired takes everything it may hold. Pairing itself is not timed."""
    with copied("cloud") as folder, served(folder, now_ms=ground().now_ms) as url, CountingProxy(url) as proxy:
        cloud = opened_cloud(folder, ground().now_ms)
        try:
            node = paired(folder, cloud, url=proxy.url, name="fresh", main=ground().main, now_ms=ground().now_ms)
        finally:
            cloud.close()
        with node:
            settle()  # as the kiosk does once its window is there
            proxy.passed = 0
            first, everything = _bootstrap(node)
            plain = _plain(node, folder / "plain.db")
    return [
        claim("bootstrap.first_roster_s", first, goal=0.5),
        claim("bootstrap.20000_children_s", everything, goal=3, beside=(BESIDE, plain)),
        claim("bootstrap.wire_mb", proxy.passed / 1_000_000, goal=4),
    ]


def _bootstrap(node: Node) -> tuple[float, float]:
    """Seconds until every child of a session of now has a name on its roster, and until all is here."""
    session = ground().due[0].session
    first = 0.0

    def look() -> None:
        nonlocal first
        if not first and _usable(node, session):
            first = time.perf_counter() - began

    snapshot = node.engine.local.snapshot

    def took(*page: object, **rest: object) -> None:
        snapshot(*page, **rest)  # type: ignore[arg-type]
        look()

    node.engine.local.snapshot = took  # type: ignore[method-assign]
    began = time.perf_counter()
    node.engine.once()
    everything = time.perf_counter() - began
    if not first or node.engine.status().trouble:
        raise RuntimeError("the kiosk did not bootstrap")
    return first, everything


def _usable(node: Node, session: Id) -> bool:
    with node.reader() as reader:
        if reader.rows(node.store.registry.records["session"], [session]):
            rows = roster(reader, session).rows
            return len(rows) > 0 and all(row.known for row in rows)
    return False


def _plain(node: Node, path: Path) -> float:
    """Seconds for the same rows, already read, into bare tables: no encryption, no index, no search, no network."""
    rows = []
    with node.reader() as reader:
        for kind in node.store.registry.records:
            rows += reader.conn.execute(f'SELECT id, scope, body FROM "record_{kind}"').fetchall()
    began = time.perf_counter()
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE row (id TEXT, scope TEXT, body BLOB)")
    db.executemany("INSERT INTO row VALUES (?, ?, ?)", rows)
    db.commit()
    db.close()
    return time.perf_counter() - began
