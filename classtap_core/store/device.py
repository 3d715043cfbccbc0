"""SqlDevice: a device's back end over the encrypted database. One connection, one thread at a time."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from classtap_core.kernel.batches import Batch
from classtap_core.kernel.device_store import Answer, DeviceHead, Entry, Notice, Pulled, Told
from classtap_core.kernel.effects import Intent
from classtap_core.kernel.envelope import own
from classtap_core.kernel.erasure import erased_by
from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.kernel.ids import Entropy, Id
from classtap_core.kernel.operations import Range, Registry
from classtap_core.kernel.outcomes import Outcome
from classtap_core.kernel.tx import Change, Ref, Touched
from classtap_core.store import purge, schema
from classtap_core.store.engine import Connection, connect, database, faults, waiting_no_longer_than
from classtap_core.store.folder import ASIDE, remove_database
from classtap_core.store.log import position
from classtap_core.store.reader import Standing, StoreReader
from classtap_core.store.rows import RowWriter, tables_of
from classtap_core.store.space import QUEUE_MOST, Stopped
from classtap_core.store.subjects import Seals

SLOT_MS = 600_000
"""Observations are counted per ten minutes."""


class SqlDevice(StoreReader):
    """The DeviceBackend of kernel/device.py, durable and encrypted; also effects, notices, observations, scopes.

    Attributes:
        path: of the database file.
        on_commit: called after each commit with the records and the scopes it changed.
        commits: how many transactions were committed through this object.
        truncate_due: whether pages of an erased person may still lie in the write-ahead log. log_pages: how many pages
            that log had when it was last moved into the file.
        admit: asked before an operation is added to the log; raises where there is no more room for new work.
        queue_most: with so many unsent operations new work stops.
        on_files_gone: called after the commit that let go of them with the hashes of blobs whose files may go.
    """

    def __init__(self, conn: Connection, registry: Registry, *, entropy: Entropy = os.urandom) -> None:
        self.on_commit: Callable[[frozenset[Ref], frozenset[str]], None] | None = None
        self.admit: Callable[[], None] = lambda: None
        self.queue_most = QUEUE_MOST
        self.on_files_gone: Callable[[frozenset[str]], None] = lambda hashes: None
        self._files_gone: set[str] = set()
        self.commits = 0
        self.truncate_due = False
        self.log_pages = 0
        self._entropy = entropy
        self._depth = 0
        self._changed_refs: set[Ref] = set()
        self._changed_scopes: set[str] = set()
        self.go_on_with(conn, registry)

    def go_on_with(self, conn: Connection, registry: Registry) -> None:
        """Work through another connection from now on, outside any transaction: the file was replaced by its equal."""
        super().__init__(conn, registry, tables_of(registry), self._entropy)
        self.db = database(conn)
        self.path = Path(conn.execute("PRAGMA database_list").fetchone()[2])
        self._rows = RowWriter(conn, self.tables, self._changed, self.blobs)
        self._reads = self._rows
        self._head: DeviceHead | None = None
        self._held: tuple[str, ...] | None = None
        self._floor: str | None = None

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
        """Open a store file of this schema (`upgrade.upgrade` brings older ones to it).

        Raises EnvironmentFault `store.missing`, `store.unreadable`, `store.damaged`; Refused `store.newer`,
        `store.older`.
        """
        conn = connect_existing(path, key)
        try:
            with faults():
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
        """All or nothing, durable when left; inside another, part of that one.

        Raises EnvironmentFault as `engine.faults` does.
        """
        if self._depth:
            yield
            return
        self._depth = 1
        try:
            with faults(self.path), self.db.atomic():
                yield
        except BaseException:
            self._head, self._held, self._floor = None, None, None
            self._seals.keys.forget()
            self._changed_refs.clear()
            self._changed_scopes.clear()
            self._files_gone.clear()
            raise
        finally:
            self._depth = 0
        self.commits += 1
        if self._files_gone:
            gone = frozenset(self._files_gone)
            self._files_gone.clear()
            self.on_files_gone(gone)
        if self._changed_refs or self._changed_scopes:
            refs, scopes = frozenset(self._changed_refs), frozenset(self._changed_scopes)
            self._changed_refs.clear()
            self._changed_scopes.clear()
            if self.on_commit is not None:
                self.on_commit(refs, scopes)

    @contextmanager
    def part_way(self) -> Iterator[None]:
        """A transaction that need not outlive a power cut by itself: part of a pull that would be asked for again.

        It is whole or not there, and any durable commit after it makes it durable too.
        """
        self.conn.execute("PRAGMA synchronous = NORMAL")
        try:
            with self.atomic():
                yield
        finally:
            self.conn.execute("PRAGMA synchronous = FULL")

    def _changed(self, kind: str, id: Id, scope: str) -> None:
        self._changed_refs.add((kind, id))
        self._changed_scopes.add(scope)

    # -- where the device stands

    def head(self) -> DeviceHead:
        """Raises Refused `store.unpaired` before the device has been paired."""
        if self._head is None:
            self._head = super().head()
        return self._head

    def pair(self, *, studio: Id, device: Id, epoch: int = 1) -> None:
        """Say whose store this is; a higher epoch begins a new chain after a fork.

        Raises Refused `store.paired` when it is somebody else's already.
        """
        standing = self.standing()
        if standing is None:
            self._stand(Standing(studio=studio, device=device, epoch=epoch))
        elif (standing.studio, standing.device) != (studio, device) or epoch < standing.epoch:
            raise Refused("store.paired")
        elif epoch > standing.epoch:
            self._stand(msgspec.structs.replace(standing, epoch=epoch, acked=0))

    def begin_epoch(self, epoch: int) -> None:
        """Go on as a copy of a device that may live on elsewhere: a new chain, an empty queue, everything to be pulled.

        What earlier epochs wrote stays as it is seen until the cloud sends those records; what they had not sent is
        still in the log (`reader.unsent_before`). Within the caller's transaction.
        """
        standing = self.standing()
        if standing is None:
            raise Refused("store.unpaired")
        earlier = {**standing.earlier, str(standing.epoch): standing.acked}
        self._stand(msgspec.structs.replace(standing, epoch=epoch, acked=0, cursor=0, token="", earlier=earlier))
        self.conn.execute("UPDATE log SET settled = 1, bodies = NULL WHERE settled = 0")
        for name in ("touch", "touch_range", "scope"):
            self.conn.execute(f"DELETE FROM {name}")
        self.told.drop_all()
        self._held = None
        for table in self.tables.values():
            self.conn.execute(f'DELETE FROM "{table.name}" WHERE overlaid = 1 AND body IS NULL')
            self.conn.execute(
                f'UPDATE "{table.name}" SET overlaid = 0, base = NULL, base_scope = NULL WHERE overlaid = 1'
            )

    def set_acked(self, sequence: int, *, epoch: int | None = None) -> None:
        head = self.head()
        if epoch in (None, head.epoch):
            if sequence != head.acked:
                self._move(acked=sequence)
        elif sequence != self.acked(epoch or 0):
            standing = self.standing()
            self._move(earlier={**(standing.earlier if standing else {}), str(epoch): sequence})

    def set_cursor(self, cursor: int, token: str) -> None:
        if (cursor, token) != (self.head().cursor, self.head().token):
            self._move(cursor=cursor, token=token)

    def set_takes(self, takes: Mapping[str, int]) -> None:
        """Remember which kinds and versions of operations the cloud takes."""
        if dict(takes) != self.head().takes:
            self._move(takes=dict(takes))

    def _move(self, **fields: object) -> None:
        standing = self.standing()
        if standing is None:
            raise Refused("store.unpaired")
        self._stand(msgspec.structs.replace(standing, **fields))

    def _stand(self, standing: Standing) -> None:
        self.remember("standing", msgspec.json.encode(standing))
        self._head = None

    def remember(self, name: str, value: bytes) -> None:
        """Keep a small value under a name (pairing papers, the pass key bundle)."""
        self.conn.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (name, value))

    def forget(self, name: str) -> None:
        """Let go of a small value."""
        self.conn.execute("DELETE FROM meta WHERE name = ?", (name,))

    @property
    def seals(self) -> Seals:
        """The seals of the log."""
        return self._seals

    # -- scopes

    def held(self) -> tuple[str, ...]:
        if self._held is None:
            self._held = super().held()
        return self._held

    def hold(self, patterns: Iterable[str]) -> None:
        """Say that everything of these scopes (or patterns) is here now."""
        for pattern in patterns:
            self.load(pattern, next="")

    def load(self, pattern: str, *, next: str) -> None:
        """Note how far the loading of a scope has come: the snapshot page to ask for, or none when all is here."""
        self.conn.execute(
            "INSERT INTO scope (pattern, rank, state, next)"
            " VALUES (?, (SELECT coalesce(max(rank), 0) + 1 FROM scope), ?, ?)"
            " ON CONFLICT (pattern) DO UPDATE SET next = excluded.next,"
            " state = CASE WHEN scope.state = 'again' AND excluded.next <> '' THEN 'again' ELSE excluded.state END",
            (pattern, "loading" if next else "held", next),
        )
        self._held = None

    def reload(self, patterns: Iterable[str]) -> None:
        """Note that scopes which are held are to be loaded anew, in place: what is here stays, and stays held."""
        with self.atomic():
            self.conn.executemany(
                "UPDATE scope SET state = 'again', next = '' WHERE pattern = ? AND state <> 'loading'",
                [(pattern,) for pattern in patterns],
            )

    def floor(self) -> str:
        if self._floor is None:
            self._floor = super().floor()
        return self._floor

    def raise_floor(self, day: str, scopes: Iterable[str]) -> None:
        """Say that dated scopes that ended before a day (ISO) are not held, whatever pattern covers them, and name those
        whose rows go now (`drop_rows`)."""
        with self.atomic():
            gone = list(scopes)
            if day > self.floor():
                self.remember("floor", day.encode())
                self._floor = None
            before: list[str] = msgspec.json.decode(self.recall("left") or b"[]")
            names = sorted({*before, *(scope.split("/", 1)[0] for scope in gone)})
            if names != before:
                self.remember("left", msgspec.json.encode(names))
            self.conn.executemany("DELETE FROM scope WHERE pattern = ?", [(scope,) for scope in gone])
            self.conn.executemany("DELETE FROM aside WHERE scope = ?", [(scope,) for scope in gone])
            self._held = None

    def thinned(self, scopes: Iterable[str]) -> None:
        """Remember of scopes that rows of them go though they are held: their digests say nothing any more."""
        with self.atomic():
            before: list[str] = msgspec.json.decode(self.recall("thin") or b"[]")
            held = {state.scope for state in self.scopes()}
            names = sorted({*(scope for scope in before if scope in held), *scopes})
            if names != before:
                self.remember("thin", msgspec.json.encode(names))

    def drop_rows(self, kind: str, ids: Collection[Id], scopes: Collection[str]) -> int:
        """Drop rows that still lie in these scopes, and under no overlay; how many."""
        with self.atomic():
            return purge.drop_rows(self, kind, ids, scopes, self._changed)

    def release_scopes(self, patterns: Iterable[str]) -> int:
        """Stop holding scopes: their rows and the keys of who is no longer here go, but for what unsent work wrote.

        How many rows went.
        """
        with self.atomic():
            gone = list(patterns)
            self.conn.executemany("DELETE FROM scope WHERE pattern = ?", [(pattern,) for pattern in gone])
            self._held = None
            kept = [state.scope for state in self.scopes()]
            return purge.release(self, gone, kept, self._changed)

    def erase(self, subject: str) -> None:
        """Destroy a person's key, and their rows. What the log said about others stays readable; its chain verifies."""
        with self.atomic():
            self._erase(subject)
        self.checkpoint(truncate=True)

    def _erase(self, subject: str) -> None:
        purge.erase(self, subject, self._changed)
        self.truncate_due = True
        remove_database(self.path.with_name(self.path.name + ASIDE))  # a damaged copy may still name them

    # -- the log

    def append(self, entries: Sequence[Entry]) -> None:
        """Raises EnvironmentFault `disk_full`, `queue_full` where new work has to stop, Refused `blob.missing`."""
        head = self.head()
        self.admit()
        self.admit_to_queue()
        for entry in entries:
            self.blobs.cite(entry, position(entry.epoch, entry.sequence), self.registry)
            self._log.append(entry)
        self._rows.overlay([change for entry in entries for change in entry.changes])
        self._head = msgspec.structs.replace(head, sequence=entries[-1].sequence, hash=entries[-1].hash)

    def admit_to_queue(self) -> None:
        """Before new work. Raises Stopped (`queue_full`) where as many operations wait to be sent as may (ruling 4)."""
        head = self.head()
        if head.sequence - head.acked >= self.queue_most:
            raise Stopped("queue_full")

    def touching(self, refs: Iterable[Ref], *, settled: bool) -> set[int]:
        self.head()
        return self._log.touching(refs, settled=settled)

    def ranges_touched(self, kinds: Iterable[str], *, settled: bool) -> list[tuple[int, Range]]:
        self.head()
        return self._log.ranges_touched(kinds, settled=settled)

    def lay_over(self, changes: Iterable[Change]) -> None:
        """Show what changes of unsent work wrote, where the rows that they wrote were lost."""
        self._rows.overlay(changes)

    def retouch(self, sequence: int, touched: Touched, changes: Sequence[Change], *, folded: bool) -> None:
        self.head()
        self._log.retouch(sequence, touched, changes, folded=folded)
        self._rows.overlay(changes)

    def settled_by(self, cursor: int) -> list[int]:
        self.head()
        return self._log.settled_by(cursor)

    def included_by(self, cursor: int, most: int) -> list[int]:
        """The studio sequences of the first decisions that a pull up to `cursor` settles, ascending."""
        self.head()
        return self._log.included_by(cursor, most)

    def included(self, sequences: Iterable[int]) -> None:
        self.head()
        self._log.included(sequences)

    def settle(self, sequences: Iterable[int]) -> None:
        self.head()
        self._log.settle(sequences)

    def forget_touches(self, before_ms: int) -> int:
        """Let go of what settled entries older than this rested on: nothing late will be told about them."""
        return self._log.forget_touches(before_ms)

    def put_base(self, rows: Iterable[Pulled]) -> None:
        """Take the cloud's rows. Whom they say is erased is erased here, in the same transaction."""
        came = list(rows)
        self._rows.put_base(came)
        for subject in erased_by(came):
            self._erase(subject)

    def bare(self, refs: Iterable[Ref]) -> None:
        self._rows.bare(refs)

    def answered(self, answer: Answer, *, epoch: int | None = None) -> None:
        self.head()
        self._log.answered(answer, epoch=epoch)

    def tell(self, sequence: int, outcome: Outcome, *, epoch: int | None = None) -> None:
        self.head()
        self._log.tell(sequence, outcome, epoch=epoch)

    def undetermined(self) -> list[int]:
        self.head()
        return self._log.undetermined()

    def adopt(self, entry: Entry, *, epoch: int, sequence: int) -> None:
        head = self.head()
        self._log.adopt(entry, epoch=epoch, sequence=sequence)
        self.blobs.recite(position(epoch, sequence), position(entry.epoch, entry.sequence))
        self._head = msgspec.structs.replace(head, sequence=entry.sequence, hash=entry.hash)

    # -- what other devices of this place told

    def told_any(self) -> bool:
        return self.told.any()

    def told_here(self, device: Id, epoch: int, sequences: Iterable[int]) -> set[int]:
        return self.told.here(device, epoch, sequences)

    def keep_told(self, run: Batch, entries: Sequence[Told], *, heard_ms: int) -> None:
        """Raises EnvironmentFault `disk_full` where new work has to stop."""
        self.admit()
        self.told.keep(run, own(run.items[-1].data).sequence, entries, heard_ms=heard_ms)

    def told_touch(self, entry: Told, refs: Iterable[Ref], scopes: Iterable[str]) -> None:
        self.told.touch(entry, refs, scopes)

    def told_touching(self, refs: Iterable[Ref]) -> list[Told]:
        return self.told.touching(set(refs))

    def told_refs(self, entries: Iterable[Told]) -> set[Ref]:
        return self.told.refs(entries)

    def told_answered(self, device: Id, epoch: int, answers: Sequence[Answer]) -> None:
        self.told.answered(device, epoch, answers)

    def drop_told(self, *, through: int) -> int:
        return self.told.drop_through(through)

    # -- blobs

    def forget_blobs(self, hashes: Iterable[str]) -> None:
        """Forget blobs and their thumbnails; their files go after the commit."""
        self.forget_files(self.blobs.drop(hashes))

    def forget_cites(self) -> None:
        """Forget which answered entries cited what the cloud has by now."""
        self.blobs.forget_cites((position(epoch, 0), position(epoch, self.acked(epoch))) for epoch in self.epochs())

    def forget_files(self, hashes: Iterable[str]) -> None:
        """Have the files of these blobs go after the commit."""
        self._files_gone.update(hashes)

    # -- notices, effects, observations

    def notify(self, notice: Notice) -> None:
        self.conn.execute(
            "INSERT OR REPLACE INTO notice (operation, position, kind, before, now, at_ms) VALUES (?, ?, ?, ?, ?, ?)",
            (
                notice.operation, position(self.head().epoch, notice.sequence), notice.kind,
                msgspec.json.encode(notice.before), msgspec.json.encode(notice.now), notice.at_ms,
            ),
        )  # fmt: skip

    def notice_seen(self, operation: Id) -> None:
        self.conn.execute("DELETE FROM notice WHERE operation = ?", (operation,))

    def add_effects(self, operation: Id, intents: Sequence[Intent], *, ready: bool) -> None:
        self.conn.executemany(
            "INSERT OR REPLACE INTO effect (id, operation, kind, home, body, at_most_once, ready)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (one.id, operation, one.kind, one.home.value, msgspec.json.encode(one.body), one.at_most_once, ready)
                for one in intents
            ],
        )

    def release_effects(self, operation: Id, *, accepted: bool) -> None:
        if accepted:
            self.conn.execute("UPDATE effect SET ready = 1 WHERE operation = ?", (operation,))
        else:
            self.conn.execute("DELETE FROM effect WHERE operation = ? AND ready = 0", (operation,))

    def effect_done(self, effect: Id) -> bool:
        """Take an effect off the list; false when it was off already."""
        return bool(self.conn.execute("DELETE FROM effect WHERE id = ?", (effect,)).rowcount)

    def observe(self, kind: str, key: str, at_ms: int, **counts: int) -> None:
        """Count something that is no operation (a refused text, a denial, a decode time), by ten minutes."""
        self.conn.executemany(
            "INSERT INTO observation (slot_ms, kind, key, name, total) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (slot_ms, kind, key, name) DO UPDATE SET total = total + excluded.total",
            [(at_ms - at_ms % SLOT_MS, kind, key, name, count) for name, count in counts.items()],
        )

    def forget_observations(self, before_ms: int) -> None:
        """Drop counts of slots that began before this."""
        self.conn.execute("DELETE FROM observation WHERE slot_ms < ?", (before_ms,))

    # -- the file

    def checkpoint(self, *, truncate: bool = False) -> bool:
        """Copy the write-ahead log into the file; with `truncate`, leave none of it behind.

        False when a reader that is still looking holds that up. Raises EnvironmentFault as `engine.faults` does.
        """
        with faults(self.path):
            mode = "TRUNCATE" if truncate else "PASSIVE"
            with waiting_no_longer_than(self.conn, 0):
                (busy, self.log_pages, _), *_ = self.conn.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        if not busy and truncate:
            self.truncate_due = False
        return not busy


def connect_existing(path: Path, key: bytes | None) -> Connection:
    """Open a store file of this schema version or an earlier one.

    Raises EnvironmentFault `store.missing`, `store.unreadable`, `store.damaged` (cut, or not a store), and Refused
    `store.newer`.
    """
    if not path.is_file():
        raise EnvironmentFault("store.missing")
    if path.stat().st_size == 0:
        raise EnvironmentFault("store.damaged")
    conn = connect(path, key)
    try:
        with faults():
            _check_form(conn, path)
    except BaseException:
        conn.close()
        raise
    return conn


def _check_form(conn: Connection, path: Path) -> None:
    found = schema.version_of(conn)
    if found > schema.VERSION:
        raise Refused("store.newer", found=found, known=schema.VERSION)
    tables = {name for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if found == 0 or not {"meta", "log", "scope"} <= tables:
        raise EnvironmentFault("store.damaged")
    waiting = path.with_name(path.name + "-wal")
    if waiting.exists() and waiting.stat().st_size:
        return  # the file may rightly be shorter than it will be once the write-ahead log is folded in
    pages, size = (int(conn.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "page_size"))
    if path.stat().st_size < pages * size:
        raise EnvironmentFault("store.damaged")
