"""Is the store sound? A little at each start, more after a bad end, all of it once a day; what is found stops nothing.

A damaged page hurts whoever reads it, and is named; everything else goes on. So a store that can be opened is opened,
and no start fails because the start before it did.
"""

import logging
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from classtap_core.kernel.chain import verify_device
from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.store.check import BadEntry, check, damaged_pages, known_gaps
from classtap_core.store.engine import Connection, faults
from classtap_core.store.reader import StoreReader

log = logging.getLogger("classtap.store")

DAMAGE = frozenset({"store.damaged", "store.disk_error", "store.unreadable"})
"""What SQLite says when it meets a damaged page."""

AT_START = 1_000
"""Entries at the end of the chain that are verified at each start."""


class Depth(StrEnum):
    """How much was looked at: the header and the chain's end; every page's seal; all that `check` verifies."""

    START = "start"
    QUICK = "quick"
    FULL = "full"


class Health(NamedTuple):
    """What the last look found.

    Attributes:
        depth: of the look. chain: the first wrong entry. pages: of the file, damaged. tables: which can no longer be
        read whole. wrong: records that are not what the log says, how many. mends: whether all that is damaged can be
        made again or fetched again, which the next start does.
    """

    depth: Depth
    chain: BadEntry | None = None
    pages: tuple[int, ...] = ()
    tables: tuple[str, ...] = ()
    wrong: int = 0
    mends: bool = False

    @property
    def sound(self) -> bool:
        return not (self.chain or self.pages or self.tables or self.wrong)


def at_start(reader: StoreReader) -> Health:
    """The header is read by opening; here the end of the newest epoch's chain. Never raises for damage."""
    bad: BadEntry | None = None
    try:
        with faults():
            epoch = max(reader.epochs(), default=0)
            if epoch and epoch not in known_gaps(reader):
                previous, rows = reader.chain_end(epoch, AT_START)
                first = rows[0].sequence if rows else 1
                found = verify_device(rows, previous=previous, first=first, head=reader.chain_head(epoch))
                if not found.ok:
                    bad = BadEntry(epoch, found.bad_sequence or 0, found.why)
    except EnvironmentFault as fault:
        return Health(Depth.START, tables=("log",)) if fault.code in DAMAGE else Health(Depth.START)
    return Health(Depth.START, chain=bad)


Fresh = Callable[[], Connection]
"""Opens another connection: one that has met a page with a broken seal reads nothing more."""


def quick(fresh: Fresh) -> Health:
    """Every page's seal, and the structure of every table; not what the rows say."""
    conn = fresh()
    try:
        names = [name for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        pages = tuple(sorted(damaged_pages(conn)))
    finally:
        conn.close()
    return Health(Depth.QUICK, pages=pages, tables=tuple(name for name in names if not _readable(fresh, name)))


def full(reader: StoreReader, fresh: Fresh) -> Health:
    """All there is. Damage that stops the checking of rows is named by page and table instead."""
    try:
        found = check(reader)
    except EnvironmentFault as fault:
        if fault.code not in DAMAGE:
            raise
        return quick(fresh)._replace(depth=Depth.FULL)
    if found.file:
        return quick(fresh)._replace(depth=Depth.FULL, chain=found.chain, wrong=len(found.wrong))
    return Health(Depth.FULL, chain=found.chain, wrong=len(found.wrong))


def _readable(fresh: Fresh, name: str) -> bool:
    """Whether a table and its indexes can be read from one end to the other."""
    conn = fresh()
    try:
        with faults():
            return all(said == "ok" for (said,) in conn.execute(f'PRAGMA quick_check("{name}")'))
    except EnvironmentFault:
        return False
    finally:
        conn.close()


class Watch:
    """What is known of a store's soundness, and who wants to hear of a change."""

    def __init__(self) -> None:
        self.health = Health(Depth.START)
        self._listeners: list[Callable[[Health], None]] = []
        self._hurt: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[Health], None]) -> Callable[[], None]:
        """Call back with each new finding, on the thread that found it. Returns what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def on_met(self, listener: Callable[[], None]) -> None:
        """Call back, on the thread that met it, when work failed on a damaged page. It must be quick."""
        self._hurt.append(listener)

    def met(self) -> None:
        """Work failed on a damaged page: nobody need look whether there is one."""
        for listener in tuple(self._hurt):
            listener()

    def found(self, health: Health) -> Health:
        """Take a finding; what was wrong stays wrong until a look as deep finds it mended."""
        depths = list(Depth)
        if health.sound and not self.health.sound and depths.index(health.depth) < depths.index(self.health.depth):
            return self.health
        if not health.sound and health != self.health:
            log.error("the store is damaged: %s", health)
        changed, self.health = health != self.health, health
        if changed:
            for listener in tuple(self._listeners):
                listener(health)
        return health
