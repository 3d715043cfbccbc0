"""Subjects' keys: one a person and studio, wrapped at rest. A destroyed one leaves a mark, and is never made again."""

import os
from collections.abc import Iterable

from sqlalchemy import Connection, select, update

from classtap_core.kernel.ids import Id
from cloud.secret import Secret
from cloud.storage.database import Database
from cloud.storage.finds import Finds
from cloud.storage.tables import Tables

_KEY_BYTES = 32


class KeyCache:
    """Unwrapped keys of this process. A studio's are forgotten when its count of erasures has moved."""

    MOST = 100_000

    def __init__(self) -> None:
        self._kept: dict[Id, tuple[int, dict[str, bytes | None]]] = {}

    def of(self, studio: Id, erasures: int) -> dict[str, bytes | None]:
        kept = self._kept.get(studio)
        if kept is None or kept[0] != erasures or len(kept[1]) > self.MOST:
            kept = (erasures, {})
            self._kept[studio] = kept
        return kept[1]


class SubjectKeys:
    """`chain.Keys` of one studio within one transaction. Keys made here are remembered only once it committed."""

    def __init__(
        self, database: Database, tables: Tables, finds: Finds, secret: Secret, cache: KeyCache, *, studio: Id,
        connection: Connection, erasures: int | None = None,
    ) -> None:  # fmt: skip
        """`erasures`: the studio's count of them, where it was read already."""
        self._database, self._table, self._finds, self._secret = database, tables.subject_key, finds, secret
        self._studio, self._connection = studio, connection
        if erasures is None:
            head = tables.head
            erasures = connection.scalar(select(head.c.erasures).where(head.c.studio_id == studio)) or 0
        self._cache = cache.of(studio, erasures)
        self._fresh: dict[str, bytes | None] = {}
        self._destroyed: set[str] = set()

    def key(self, subject: str) -> bytes | None:
        if subject in self._destroyed:
            return None
        if subject in self._cache:
            return self._cache[subject]
        if subject not in self._fresh:
            self.warm([subject])
        return self._fresh.get(subject)

    def warm(self, subjects: Iterable[str]) -> None:
        """Fetch many keys at once."""
        wanted = sorted({subject for subject in subjects if subject not in self._cache and subject not in self._fresh})
        if not wanted:
            return
        for subject, wrapped in self._finds.keys(self._connection, self._studio, wanted):
            self._fresh[subject] = None if wrapped is None else self._secret.unwrap(wrapped, self._context(subject))

    def make(self, subjects: Iterable[str], *, now: int) -> None:
        """Fetch many keys, and make those that never were."""
        wanted = set(subjects)
        self.warm(wanted)
        missing = sorted(wanted - self._cache.keys() - self._fresh.keys())
        if not missing:
            return
        rows = []
        for subject in missing:
            key = os.urandom(_KEY_BYTES)
            self._fresh[subject] = key
            rows.append(
                {
                    "studio_id": self._studio,
                    "subject": subject,
                    "wrapped": self._secret.wrap(key, self._context(subject)),
                    "made_ms": now,
                }
            )
        self._connection.execute(self._table.insert(), rows)

    def destroy(self, subject: str, *, now: int) -> None:
        """Destroy a subject's key: what is sealed under it never opens again."""
        row = {"studio_id": self._studio, "subject": subject, "wrapped": None, "made_ms": now, "destroyed_ms": now}
        self._connection.execute(self._database.upsert(self._table), [row])
        self._fresh[subject] = None
        self._destroyed.add(subject)

    def committed(self) -> None:
        self._cache.update(self._fresh)

    def _context(self, subject: str) -> str:
        return f"subject/{self._studio}/{subject}"


def count_erasure(connection: Connection, tables: Tables, studio: Id) -> None:
    """Have every process forget its unwrapped keys of this studio."""
    head = tables.head
    connection.execute(update(head).where(head.c.studio_id == studio).values(erasures=head.c.erasures + 1))
