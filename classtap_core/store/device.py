"""SqlDevice: a device's back end over the encrypted database. One connection, one thread at a time."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from classtap_core.kernel.chain import Sealer
from classtap_core.kernel.device import Answer, DeviceHead, Entry, Notice, Pulled
from classtap_core.kernel.effects import Home, Intent
from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.kernel.ids import Entropy, Id
from classtap_core.kernel.operations import Range, Registry
from classtap_core.kernel.outcomes import Outcome
from classtap_core.kernel.records import Record, Row
from classtap_core.kernel.scopes import covers
from classtap_core.kernel.tx import Change, Ref, Touched
from classtap_core.store import schema
from classtap_core.store.engine import Connection, connect, database, faults
from classtap_core.store.log import Log, position, sequence_of
from classtap_core.store.rows import RowWriter, tables_of
from classtap_core.store.subjects import SubjectKeys

SLOT_MS = 600_000
"""Observations are counted per ten minutes."""

_outcome = msgspec.json.Decoder(Outcome).decode


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a device's head beside its log (which says the last sequence and hash)."""

    studio: Id
    device: Id
    epoch: int
    acked: int = 0
    cursor: int = 0
    token: str = ""
    takes: dict[str, int] = {}


class SqlDevice:
    """The DeviceBackend of kernel/device.py, durable and encrypted; also effects, notices, observations, scopes.

    Attributes:
        on_commit: called after each commit with the records and the scopes it changed.
    """

    def __init__(self, conn: Connection, registry: Registry, *, entropy: Entropy = os.urandom) -> None:
        self.conn, self.registry, self.entropy = conn, registry, entropy
        self.db = database(conn)
        self.on_commit: Callable[[frozenset[Ref], frozenset[str]], None] | None = None
        self._refs: set[Ref] = set()
        self._scopes: set[str] = set()
        self._keys = SubjectKeys(conn, entropy)
        self._rows = RowWriter(conn, tables_of(registry), self._changed)
        self._log = Log(conn, registry, Sealer(self._keys, entropy), entropy)
        self._head: DeviceHead | None = None
        self._held: tuple[str, ...] | None = None

    @classmethod
    def create(
        cls, path: Path, key: bytes | None, registry: Registry, *, studio: Id | None = None, device: Id | None = None,
        epoch: int = 1, entropy: Entropy = os.urandom,
    ) -> "SqlDevice":  # fmt: skip
        """Make a new store file. Without `studio` and `device` it waits to be paired. Raises FileExistsError."""
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        made = cls(connect(path, key), registry, entropy=entropy)
        try:
            with made.atomic():
                schema.create(made.db, registry)
                if studio is not None and device is not None:
                    made.pair(studio=studio, device=device, epoch=epoch)
        except BaseException:
            made.close()
            raise
        return made

    @classmethod
    def open(cls, path: Path, key: bytes | None, registry: Registry, *, entropy: Entropy = os.urandom) -> "SqlDevice":
        """Open a store file of this schema version (`Store.open` upgrades older ones first).

        Raises EnvironmentFault `store.missing`, `store.unreadable`, `store.damaged`; Refused `store.newer`,
        `store.older`.
        """
        if not path.is_file():
            raise EnvironmentFault("store.missing")
        conn = connect(path, key)
        try:
            with faults():
                check_form(conn, path)
                if not schema.fits(conn, registry):
                    raise Refused("store.older", found=schema.version_of(conn), needed=schema.VERSION)
            return cls(conn, registry, entropy=entropy)
        except BaseException:
            conn.close()
            raise

    def close(self) -> None:
        """Fold the write-ahead log into the file and close."""
        self.conn.close()

    # -- transactions

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """All or nothing, durable when left. Not nested. Raises EnvironmentFault as `engine.faults` does."""
        try:
            with faults(), self.db.atomic():
                yield
        except BaseException:
            self._head, self._held = None, None
            self._keys.forget()
            self._refs.clear()
            self._scopes.clear()
            raise
        if self._refs or self._scopes:
            refs, scopes = frozenset(self._refs), frozenset(self._scopes)
            self._refs.clear()
            self._scopes.clear()
            if self.on_commit is not None:
                self.on_commit(refs, scopes)

    def _changed(self, kind: str, id: Id, scope: str) -> None:
        self._refs.add((kind, id))
        self._scopes.add(scope)

    # -- where the device stands

    def pair(self, *, studio: Id, device: Id, epoch: int = 1) -> None:
        """Say whose store this is. Raises Refused `store.paired` when it is somebody else's already."""
        standing = self._standing()
        if standing is not None and (standing.studio, standing.device) != (studio, device):
            raise Refused("store.paired")
        fresh = standing is None or standing.epoch != epoch
        self._stand(Standing(studio=studio, device=device, epoch=epoch) if fresh or standing is None else standing)

    def head(self) -> DeviceHead:
        """Raises Refused `store.unpaired` before the device has been paired."""
        if self._head is None:
            standing = self._standing()
            if standing is None:
                raise Refused("store.unpaired")
            self._log.epoch = standing.epoch
            sequence, hash = self._log.last()
            self._head = DeviceHead(
                studio=standing.studio, device=standing.device, epoch=standing.epoch, sequence=sequence, hash=hash,
                acked=standing.acked, cursor=standing.cursor, token=standing.token, takes=standing.takes,
            )  # fmt: skip
        return self._head

    def set_acked(self, sequence: int) -> None:
        if sequence != self.head().acked:
            self._move(acked=sequence)

    def set_cursor(self, cursor: int, token: str) -> None:
        self._move(cursor=cursor, token=token)

    def set_takes(self, takes: Mapping[str, int]) -> None:
        """Remember which kinds and versions of operations the cloud takes."""
        if dict(takes) != self.head().takes:
            self._move(takes=dict(takes))

    def _move(self, **fields: object) -> None:
        self.head()
        standing = self._standing()
        assert standing is not None
        self._stand(msgspec.structs.replace(standing, **fields))
        self._head = msgspec.structs.replace(self.head(), **fields) if self._head is not None else None

    def _standing(self) -> Standing | None:
        found = self.recall("standing")
        return None if found is None else msgspec.json.decode(found, type=Standing)

    def _stand(self, standing: Standing) -> None:
        self.remember("standing", msgspec.json.encode(standing))
        self._head = None

    def remember(self, name: str, value: bytes) -> None:
        """Keep a small value under a name (pairing papers, a cursor of one's own)."""
        self.conn.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (name, value))

    def recall(self, name: str) -> bytes | None:
        row = self.conn.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    # -- what a unit of work reads

    def rows(self, record: type[Record], ids: Iterable[Id]) -> Mapping[Id, Row]:
        return self._rows.rows(record, ids)

    def find(self, wanted: Range) -> list[Row]:
        return self._rows.find(wanted)

    def holds(self, scope: str) -> bool:
        return covers(self.held(), scope)

    def recorded(self, operation: Id) -> tuple[Change, ...] | None:
        return self._log.recorded(operation)

    # -- scopes

    def held(self) -> tuple[str, ...]:
        """Patterns whose rows are all here."""
        if self._held is None:
            rows = self.conn.execute("SELECT pattern FROM scope WHERE state = 'held' ORDER BY rank, pattern")
            self._held = tuple(pattern for (pattern,) in rows)
        return self._held

    def hold(self, patterns: Iterable[str]) -> None:
        """Say that everything of these scopes (or patterns) is here now."""
        self.conn.executemany(
            "INSERT INTO scope (pattern, rank, state, next) VALUES (?, 0, 'held', '')"
            " ON CONFLICT (pattern) DO UPDATE SET state = 'held', next = ''",
            [(pattern,) for pattern in patterns],
        )
        self._held = None

    # -- the log

    def append(self, entry: Entry) -> None:
        head = self.head()
        self._log.append(entry)
        self._rows.overlay(entry.changes)
        self._head = msgspec.structs.replace(head, sequence=entry.sequence, hash=entry.hash)

    def entries(self, sequences: Iterable[int]) -> list[Entry]:
        self.head()
        return self._log.entries(sequences)

    def touching(self, refs: Iterable[Ref], *, settled: bool) -> set[int]:
        return self._log.touching(refs, settled=settled)

    def ranges_touched(self, kinds: Iterable[str], *, settled: bool) -> list[tuple[int, Range]]:
        return self._log.ranges_touched(kinds, settled=settled)

    def retouch(self, sequence: int, touched: Touched, changes: Sequence[Change], *, folded: bool) -> None:
        self.head()
        self._log.retouch(sequence, touched, changes, folded=folded)
        self._rows.overlay(changes)

    def settled_by(self, cursor: int) -> list[int]:
        return self._log.settled_by(cursor)

    def settle(self, sequences: Iterable[int]) -> None:
        self.head()
        self._log.settle(sequences)

    def put_base(self, rows: Iterable[Pulled]) -> None:
        self._rows.put_base(rows)

    def bare(self, refs: Iterable[Ref]) -> None:
        self._rows.bare(refs)

    def answered(self, answer: Answer) -> None:
        self.head()
        self._log.answered(answer)

    def tell(self, sequence: int, outcome: Outcome) -> None:
        self.head()
        self._log.tell(sequence, outcome)

    # -- notices

    def notify(self, notice: Notice) -> None:
        self.conn.execute(
            "INSERT OR REPLACE INTO notice (operation, position, kind, before, now, at_ms) VALUES (?, ?, ?, ?, ?, ?)",
            (
                notice.operation, position(self.head().epoch, notice.sequence), notice.kind,
                msgspec.json.encode(notice.before), msgspec.json.encode(notice.now), notice.at_ms,
            ),
        )  # fmt: skip

    def notices(self) -> list[Notice]:
        """What somebody should be told and has not yet seen, oldest first."""
        rows = self.conn.execute(
            "SELECT operation, position, kind, before, now, at_ms FROM notice ORDER BY at_ms, position"
        ).fetchall()
        return [
            Notice(operation, sequence_of(at), kind, _outcome(before), _outcome(now), at_ms)
            for operation, at, kind, before, now, at_ms in rows
        ]

    def notice_seen(self, operation: Id) -> None:
        self.conn.execute("DELETE FROM notice WHERE operation = ?", (operation,))

    # -- effects

    def add_effects(self, operation: Id, intents: Sequence[Intent], *, ready: bool) -> None:
        self.conn.executemany(
            "INSERT OR REPLACE INTO effect (id, operation, kind, home, body, at_most_once, ready)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (one.id, operation, one.kind, one.home, msgspec.json.encode(one.body), one.at_most_once, ready)
                for one in intents
            ],
        )

    def release_effects(self, operation: Id, *, accepted: bool) -> None:
        if accepted:
            self.conn.execute("UPDATE effect SET ready = 1 WHERE operation = ?", (operation,))
        else:
            self.conn.execute("DELETE FROM effect WHERE operation = ? AND ready = 0", (operation,))

    def effects_ready(self, most: int = 100) -> list[tuple[Id, Intent]]:
        """Effects to carry out now, in the order they were asked for, each with its operation.

        A runner takes one that must happen at most once off the list (`effect_done`) before it acts, all others after.
        """
        rows = self.conn.execute(
            "SELECT operation, id, kind, home, body, at_most_once FROM effect WHERE ready = 1 ORDER BY number LIMIT ?",
            (most,),
        ).fetchall()
        return [
            (operation, Intent(id, kind, Home(home), msgspec.json.decode(body), bool(once)))
            for operation, id, kind, home, body, once in rows
        ]

    def effect_done(self, effect: Id) -> bool:
        """Take an effect off the list; false when it was off already."""
        return bool(self.conn.execute("DELETE FROM effect WHERE id = ?", (effect,)).rowcount)

    # -- observations

    def observe(self, kind: str, key: str, at_ms: int, **counts: int) -> None:
        """Count something that is no operation (a refused text, a denial, a decode time), by ten minutes."""
        self.conn.executemany(
            "INSERT INTO observation (slot_ms, kind, key, name, total) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (slot_ms, kind, key, name) DO UPDATE SET total = total + excluded.total",
            [(at_ms - at_ms % SLOT_MS, kind, key, name, count) for name, count in counts.items()],
        )

    def observations(self, kind: str, *, since_ms: int = 0) -> dict[tuple[int, str], dict[str, int]]:
        """Ten-minute slot (its start) and key → counts."""
        found: dict[tuple[int, str], dict[str, int]] = {}
        for slot, key, name, total in self.conn.execute(
            "SELECT slot_ms, key, name, total FROM observation WHERE kind = ? AND slot_ms >= ? ORDER BY 1, 2, 3",
            (kind, since_ms),
        ):
            found.setdefault((slot, key), {})[name] = total
        return found


def check_form(conn: Connection, path: Path) -> None:
    """Raises Refused `store.newer` for a later schema; EnvironmentFault `store.damaged` for a cut or foreign file."""
    found = schema.version_of(conn)
    if found > schema.VERSION:
        raise Refused("store.newer", found=found, known=schema.VERSION)
    tables = {name for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if found == 0 or not {"meta", "log", "scope"} <= tables:
        raise EnvironmentFault("store.damaged")
    conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    pages, size = (int(conn.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "page_size"))
    if path.stat().st_size < pages * size:
        raise EnvironmentFault("store.damaged")
