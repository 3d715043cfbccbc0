"""The audit: a page found among many entries in the cloud and on a device, and both chains verified.

Small by default; CLASSTAP_BENCH_ENTRIES=1000000 measures what is promised of a million, and CLASSTAP_BENCH_VERIFIED as many
a whole chain of real operations, in CLASSTAP_BENCH_DATABASE where that is given. Verification is told per million.
"""

import hashlib
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.claims import Claim, claim, percentile
from classtap_core import house
from classtap_core.access.masking import Blind
from classtap_core.auditing.finding import Query, find
from classtap_core.auditing.terms import BY, DEVICE, IN, KIND, ON, WORD
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id, derived
from classtap_core.schedule.operations import AddLocation, AddRoom
from classtap_core.store.engine import connect, database
from classtap_core.store.trail import Trail as DeviceTrail
from classtap_core.store.trail import create
from cloud.composition import Cloud, open_cloud
from cloud.storage.audit import audit
from cloud.storage.trail import Trail
from sync.signed import is_signed

ENTRIES = int(os.environ.get("CLASSTAP_BENCH_ENTRIES", "20000"))
VERIFIED = int(os.environ.get("CLASSTAP_BENCH_VERIFIED", "4000"))
RUNS = 1
NOW_MS = 1_795_248_000_000
STUDIO, OWNER, PLACE = (derived("bench.audit", name) for name in ("studio", "owner", "place"))
ASKED = 60
_HASHED = 10_000
_WORDS = ("ballet", "judo", "swimming", "riverside", "harbour", "blue", "amber", "cedar")


def run() -> list[Claim]:
    """One run of every claim."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o700)
        clock = ManualClock(NOW_MS)
        cloud = open_cloud(
            folder, house.bus(authority=True), url=os.environ.get("CLASSTAP_BENCH_DATABASE", ""), clock=clock
        )
        try:
            return [*_verified(cloud, clock), *_cloud(cloud), *_device(folder)]
        finally:
            cloud.close()


def _verified(cloud: Cloud, clock: ManualClock) -> list[Claim]:
    """Real operations, decided one by one; each checked in both chains, with every seal and signature."""
    entry = cloud.studios.found("Bench", id=STUDIO, owner=OWNER, owner_name="Olga")
    by = Author(type="staff", id=OWNER)
    drafts = [CloudDraft(AddLocation(location=PLACE, name="Bench", zone="Europe/Madrid"), by, "bench")]
    drafts += [
        CloudDraft(
            AddRoom(room=derived("bench.room", str(n)), location=PLACE, name=_WORDS[n % 8], capacity=9), by, "bench"
        )
        for n in range(VERIFIED)
    ]
    authority = cloud.studios.authority(STUDIO)
    for start in range(0, len(drafts), 500):
        authority.author_all(entry.cloud_device, drafts[start : start + 500])
        clock.advance(1_000)
    started = time.perf_counter()
    found = audit(cloud.books, STUDIO, verify=is_signed)
    took = time.perf_counter() - started
    if not found.ok:
        raise RuntimeError(f"the bench's chain does not hold: {found}")
    log = cloud.books.tables.log
    with cloud.database.read(STUDIO) as connection:
        rows = connection.execute(log.select().where(log.c.studio_id == STUDIO).limit(_HASHED)).all()
    started = time.perf_counter()
    previous = b""
    for row in rows:
        previous = hashlib.sha256(previous + row.link + row.envelope + row.changes + row.parts).digest()
    plain = (time.perf_counter() - started) * found.entries / len(rows)
    scale = 1_000_000 / found.entries
    return [claim("audit.verify_million_s", took * scale, goal=30.0, beside=("hashing alone", plain * scale))]


def _cloud(cloud: Cloud) -> list[Claim]:
    """Copies of real entries, followed by the real index; a page of 50 found and read."""
    tables, trail = cloud.books.tables, Trail(cloud.books, STUDIO, cloud.bus.registry)
    log = tables.log
    with cloud.database.read(STUDIO) as connection:
        rows = [dict(row._mapping) for row in connection.execute(
            log.select().where(log.c.studio_id == STUDIO, log.c.kind == "room.add").limit(2_000)
        )]  # fmt: skip
        last = connection.scalar(tables.head.select().with_only_columns(tables.head.c.sequence).where(
            tables.head.c.studio_id == STUDIO)) or 0  # fmt: skip
    made = 0
    while last < ENTRIES:
        slice_ = []
        for row in rows[: ENTRIES - last]:
            last += 1
            slice_.append({**row, "sequence": last, "device_sequence": 10_000_000 + last, "decided_ms": NOW_MS + last})
        with cloud.database.write(STUDIO) as connection:
            cloud.database.put(connection, log, slice_)
            connection.execute(tables.head.update().where(tables.head.c.studio_id == STUDIO).values(sequence=last))
        made += len(slice_)
    started = time.perf_counter()
    followed = trail.follow()
    rate = followed / (time.perf_counter() - started)
    dice = random.Random(1)
    rooms = [row["operation"] for row in rows]

    def page(query: Query) -> None:
        found = trail.find(query)
        if found.spots and not trail.lines(found.spots, Blind()):
            raise RuntimeError("nothing to read")

    def filtered() -> Query:
        room = derived("bench.room", str(dice.randrange(len(rooms))))
        return dice.choice([
            Query(author=OWNER), Query(person=OWNER, kind="room.add"), Query(thing=room), Query(),
            Query(location=PLACE, since_ms=NOW_MS, until_ms=NOW_MS + 3_000),
            Query(device=cloud.studios.studio(STUDIO).cloud_device, thing=room, kind="room.add"),
        ])  # fmt: skip

    def searched() -> Query:
        word = dice.choice(_WORDS)
        return Query(text=dice.choice([word, word[1:4], f"{word} {dice.choice(_WORDS)}"]), author=OWNER)

    return [
        claim("audit.cloud_filtered_p95_ms", _p95(lambda: page(filtered())), goal=500.0),
        claim("audit.cloud_searched_p95_ms", _p95(lambda: page(searched())), goal=500.0),
        claim("audit.cloud_followed_rate", rate, goal=2_000.0),
    ]


def _device(folder: Path) -> list[Claim]:
    """The device's index over an encrypted file, with terms as entries have them."""
    count = min(ENTRIES * 5, 100_000)
    conn = connect(folder / "trail.db", b"k" * 32)
    dice = random.Random(2)
    people, devices = [Id(f"{n:032x}") for n in range(500)], [Id(f"{n:032x}") for n in range(900, 904)]
    kinds = [f"kind.{n}" for n in range(60)]
    with database(conn).atomic():
        create(database(conn))
        names: dict[str, int] = {}
        rows = []
        for position in range(1, count + 1):
            terms = {"every", BY + dice.choice(people[:20]), ON + dice.choice(people), ON + dice.choice(people), IN + PLACE,
                     DEVICE + dice.choice(devices), KIND + dice.choice(kinds), WORD + dice.choice(_WORDS)}  # fmt: skip
            rows += [(names.setdefault(term, len(names) + 1), NOW_MS + position * 7, position) for term in terms]
        conn.executemany("INSERT INTO trail_name (name, number) VALUES (?, ?)", list(names.items()))
        conn.executemany("INSERT INTO trail VALUES (?, ?, ?)", sorted(rows))
    trail = DeviceTrail(conn)

    def asked() -> Query:
        return dice.choice([
            Query(person=dice.choice(people)), Query(text=dice.choice(_WORDS)[1:4], device=dice.choice(devices)),
            Query(kind=dice.choice(kinds), author=dice.choice(people[:20])), Query(thing=dice.choice(people), text="ball"),
            Query(), Query(since_ms=NOW_MS + count * 3, until_ms=NOW_MS + count * 4, device=devices[0]),
        ])  # fmt: skip

    took = _p95(lambda: find(trail, asked()))
    conn.close()
    return [claim("audit.device_found_p95_ms", took, goal=500.0)]


def _p95(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ASKED):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1_000)
    return percentile(times, 95)
