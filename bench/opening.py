"""Opening the store of 20,000 children, and looking one up: what a start and a scan stand on."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

from bench.claims import Claim, claim, percentile
from bench.ground.studio import copied, ground
from classtap_core import house
from classtap_core.kernel.ids import Id
from classtap_core.people.records import Child
from classtap_core.store import keys
from classtap_core.store.engine import connect
from classtap_core.store.folder import DATABASE
from classtap_core.store.reader import StoreReader
from classtap_core.store.rows import tables_of
from classtap_core.store.store import Store

OPENINGS = 40
LOOKUPS = 4_000


def run() -> list[Claim]:
    """One run over a fresh copy of the store."""
    children = [child for one in ground().due for child in one.children]
    random.Random(1).shuffle(children)
    with copied("kiosk") as folder:
        place = folder / "kiosk"
        first = list(_first_queries(place, children[:OPENINGS]))
        whole = [_opened(place) for _ in range(OPENINGS // 4)]
        lookups = _lookups(place, children)
    return [
        claim("open.first_query.p95_ms", percentile(first, 95), goal=10.0),
        claim("open.store.p95_ms", percentile(whole, 95), goal=250.0),
        claim("open.lookup.p50_ms", percentile(lookups, 50)),
        claim("open.lookup.p95_ms", percentile(lookups, 95), goal=0.2),
    ]


def _first_queries(place: Path, children: list[Id]) -> Iterator[float]:
    """From the key to a child's row, before anything is checked. Milliseconds."""
    key, registry = keys.load(place, None).key, house.registry()
    tables = tables_of(registry)
    for child in children:
        began = time.perf_counter()
        conn = connect(place / DATABASE, key, read_only=True)
        found = StoreReader(conn, registry, tables).rows(Child, [child])
        yield (time.perf_counter() - began) * 1_000
        conn.close()
        if child not in found:
            raise RuntimeError("a child is missing")


def _opened(place: Path) -> float:
    """All that a program waits for: the lock, the key, the schema, the end of the chain. Milliseconds."""
    began = time.perf_counter()
    store = Store.open(place, house.registry(), program="bench")
    took = (time.perf_counter() - began) * 1_000
    store.close()
    return took


def _lookups(place: Path, children: list[Id]) -> list[float]:
    times = []
    with Store.open(place, house.registry(), program="bench") as store, store.reader() as reader:
        for number in range(LOOKUPS):
            child = children[number % len(children)]
            began = time.perf_counter()
            found = reader.rows(Child, [child])
            times.append((time.perf_counter() - began) * 1_000)
            if child not in found:
                raise RuntimeError("a child is missing")
    return times
