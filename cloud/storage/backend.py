"""One studio's storage, as its authority needs it: bulk reads, bulk writes, one transaction at a time."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select

from classtap_core.kernel.authority import Known, Ledger, Mark, Moved, StudioHead
from classtap_core.kernel.chain import Link, Sealer, join_changes
from classtap_core.kernel.device_store import Answer
from classtap_core.kernel.digests import row_number, signed
from classtap_core.kernel.effects import Home, Intent
from classtap_core.kernel.envelope import GENESIS, batch_statement
from classtap_core.kernel.erasure import erased_by
from classtap_core.kernel.errors import ProgramFault, Refused
from classtap_core.kernel.ids import Entropy, Id
from classtap_core.kernel.operations import Range
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.records import OPEN, Record, Row
from classtap_core.kernel.tx import Change, Ref
from cloud.secret import Secret
from cloud.storage.database import Database, How
from cloud.storage.finds import Finds
from cloud.storage.heads import Head, Heads
from cloud.storage.memory import RowMemory, StudioRows
from cloud.storage.sealing import RowSeals, erase
from cloud.storage.subjects import KeyCache, SubjectKeys, count_erasure
from cloud.storage.tables import Tables

_CHUNK = 1_000
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(dict[str, bytes]).decode
_read_link = msgspec.json.Decoder(Link).decode

READY, OWED = "ready", "owed"
"""An effect that the cloud carries out; one that its author does, told of it with the answer."""

Place = tuple[str, str]
"""Where something changed: a scope, and the kind of record."""
Announce = Callable[[Id, int, frozenset[Place]], None]
"""Told after each commit: the studio, its sequence, and where it changed."""
After = Callable[[], None]
Watch = Callable[[Connection, Id, Sequence[Change]], After | None]
"""Sees what is decided within its transaction, and may name what to do once it is committed."""


class Books:
    """What all studios of one database share: the database, its tables, and the keys at hand."""

    def __init__(self, database: Database, tables: Tables, secret: Secret, entropy: Entropy = os.urandom) -> None:
        self.database, self.tables, self.secret, self.entropy = database, tables, secret, entropy
        self.cache = KeyCache()
        self.finds, self.heads = Finds(database, tables), Heads(database, tables)
        self.memory = RowMemory(database, tables)

    def keys(self, connection: Connection, studio: Id, *, erasures: int | None = None) -> SubjectKeys:
        """A studio's keys within one transaction. `erasures`: the studio's count of them, where it was read already."""
        return SubjectKeys(
            self.database, self.tables, self.finds, self.secret, self.cache, studio=studio, connection=connection,
            erasures=erasures,
        )  # fmt: skip

    @contextmanager
    def opening(self, connection: Connection, studio: Id) -> Iterator[RowSeals]:
        """What opens rows in a transaction that only reads."""
        keys = self.keys(connection, studio)
        yield RowSeals(keys, self.entropy)
        keys.committed()


class SqlCloud:
    """`CloudBackend` over SQL. Make one for each piece of work; it belongs to one thread.

    Attributes:
        sign: signs what the cloud's own device authored.
        rehearsing: do everything, then roll back.
    """

    def __init__(
        self,
        books: Books,
        studio: Id,
        *,
        announce: Announce | None = None,
        watch: Watch | None = None,
        sign: Callable[[bytes], bytes] | None = None,
        rehearsing: bool = False,
    ) -> None:
        self._rehearsing = rehearsing
        self._books, self._studio = books, studio
        self._tables, self._database = books.tables, books.database
        self._announce, self._watch, self._sign = announce, watch, sign
        self._writing: Connection | None = None
        self._viewing: tuple[Connection, RowSeals] | None = None
        self._keys: SubjectKeys | None = None
        self._head: Head | None = None
        self._standing: StudioRows | None = None
        self._begin()

    @property
    def studio(self) -> Id:
        return self._studio

    @contextmanager
    def atomic(self) -> Iterator[None]:
        if self._writing is not None:
            raise ProgramFault("transactions do not nest")
        self._begin()
        try:
            with self._database.write(self._studio) as connection:
                self._writing = connection
                self._take_turn(connection)
                yield
                if self._rehearsing:
                    raise _Rehearsed
        except _Rehearsed:
            return
        except BaseException:
            self._books.memory.forget(self._studio)
            raise
        finally:
            self._writing, keys = None, self._keys
            self._keys = self._head = None
            standing, self._standing = self._standing, None
        if keys is not None:
            keys.committed()
        if standing is not None and self._moved_to is not None:
            standing.moved(self._moved, sequence=self._moved_to.sequence, hash=self._moved_to.hash)
        if self._after is not None:
            self._after()
        if self._committing is not None and self._announce is not None:
            self._announce(self._studio, *self._committing)

    @contextmanager
    def viewing(self) -> Iterator[None]:
        """Reads in one view of the studio; alone, each is a transaction of its own."""
        with self._database.read(self._studio) as connection, self._books.opening(connection, self._studio) as seals:
            self._viewing = (connection, seals)
            try:
                yield
            finally:
                self._viewing = None

    def _begin(self) -> None:
        self._committing: tuple[int, frozenset[Place]] | None = None
        self._after: After | None = None
        self._less: dict[Ref, bytes | None] = {}
        self._wrote, self._moved = False, set[Ref]()
        self._moved_to: Head | None = None

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        if self._writing is not None:
            yield self._writing
        elif self._viewing is not None:
            yield self._viewing[0]
        else:
            with self._database.read(self._studio) as connection:
                yield connection

    def _take_turn(self, connection: Connection) -> None:
        """One writer a studio: a fact reads, folds and writes its record, and no guard stands over it.

        SQLite has one writer for all; on PostgreSQL the studio's head row is the turn, so that studios do not wait for
        others (docs/decisions/0006). What it holds is nobody else's to change until the commit.
        """
        self._head = self._books.heads.turn(connection, self._studio)
        if self._head is not None:
            self._standing = self._books.memory.at(connection, self._studio, self._head)

    @property
    def _as_it_was(self) -> StudioRows | None:
        """What is remembered of the rows, as long as this transaction wrote none."""
        return None if self._wrote else self._standing

    @property
    def _connection(self) -> Connection:
        if self._writing is None:
            raise ProgramFault("this belongs inside atomic()")
        return self._writing

    # Reader

    def rows(self, record: type[Record], ids: Iterable[Id]) -> Mapping[Id, Row]:
        kind, finds = record.KIND, self._books.finds
        with self._reading() as connection, self._seals(connection) as seals:
            fetch = partial(finds.by_id, connection, self._studio, kind)
            rows = fetch(ids) if (standing := self._as_it_was) is None else standing.rows(kind, ids, fetch)
            found = {row.id: row for row in rows}
            if self._writing is not None:  # many are only asked where they lie
                return seals.opening(record, found)
            bodies = seals.open(record, [(row.id, row.body) for row in found.values()])
        return {id: found[id]._replace(body=body) for id, body in bodies.items()}

    def find(self, wanted: Range) -> list[Row]:
        return self.find_many([wanted])[0]

    def find_many(self, wanted: Sequence[Range]) -> list[list[Row]]:
        with self._reading() as connection, self._seals(connection) as seals:
            fetch = partial(self._books.finds.run, connection, self._studio)
            found = fetch(wanted) if (standing := self._as_it_was) is None else standing.ranges(wanted, fetch)
            return [_opened(seals, one.record, rows) if rows else [] for one, rows in zip(wanted, found, strict=True)]

    @contextmanager
    def _seals(self, connection: Connection) -> Iterator[RowSeals]:
        if self._writing is None and self._viewing is not None:
            yield self._viewing[1]
        elif self._writing is None:
            with self._books.opening(connection, self._studio) as seals:
                yield seals
        else:
            yield RowSeals(self._own_keys(), self._books.entropy)

    def _own_keys(self) -> SubjectKeys:
        """The keys of this transaction, those it made among them."""
        if self._keys is None:
            erasures = None if self._head is None else self._head.erasures
            self._keys = self._books.keys(self._connection, self._studio, erasures=erasures)
        return self._keys

    def holds(self, scope: str) -> bool:
        return True

    def recorded(self, operation: Id) -> tuple[Change, ...] | None:
        log = self._tables.log
        query = (
            select(log.c.sequence, log.c.changes)
            .where(log.c.studio_id == self._studio, log.c.operation == operation)
            .order_by(log.c.sequence)
            .limit(1)
        )
        with self._reading() as connection:
            found = connection.execute(query).first()
            if found is None:
                return None
            sealed = _unpack(found.changes)
            if not sealed:
                return ()
            keys = self._own_keys() if self._writing else self._books.keys(connection, self._studio)
            keys.warm(sealed.keys() - {OPEN})
            return join_changes(Sealer(keys, self._books.entropy).open(sealed, change_context(found.sequence)))

    # CloudBackend

    def marks_of(self, devices: Sequence[Id]) -> Mapping[Id, Mark]:
        found = self._books.finds.marks(self._connection, self._studio, devices)
        return {mark.device: mark for mark in found}

    def known(self, device: Id, epoch: int, sequences: Iterable[int]) -> Mapping[int, Known]:
        log = self._tables.log
        found: dict[int, Known] = {}
        for chunk in chunks(sequences):
            rows = self._connection.execute(
                select(log.c.device_sequence, log.c.sequence, log.c.envelope_hash, log.c.link).where(
                    log.c.studio_id == self._studio,
                    log.c.device_id == device,
                    log.c.epoch == epoch,
                    log.c.device_sequence.in_(chunk),
                )
            )
            for row in rows:
                answer = Answer(row.device_sequence, _read_link(row.link).outcome, row.sequence)
                found[row.device_sequence] = Known(row.envelope_hash, answer)
        return self._with_effects(found)

    def _with_effects(self, found: dict[int, Known]) -> dict[int, Known]:
        """What was answered, with the effects that went with it."""
        effect = self._tables.effect
        by_sequence = {known.answer.included: at for at, known in found.items()}
        for chunk in chunks(by_sequence):
            rows = self._connection.execute(
                select(effect)
                .where(effect.c.studio_id == self._studio, effect.c.state == OWED, effect.c.sequence.in_(chunk))
                .order_by(effect.c.sequence, effect.c.id)
            )
            for row in rows:
                at = by_sequence[row.sequence]
                owed = Intent(
                    Id(row.id), row.kind, Home.HERE_WHEN_ACCEPTED, msgspec.json.decode(row.body), bool(row.at_most_once)
                )
                answer = found[at].answer
                answer = msgspec.structs.replace(answer, effects=(*answer.effects, owed))
                found[at] = found[at]._replace(answer=answer)
        return found

    def end_of(self, device: Id, epoch: int) -> tuple[int, str]:
        log = self._tables.log
        found = self._connection.execute(
            select(log.c.device_sequence, log.c.envelope_hash)
            .where(log.c.studio_id == self._studio, log.c.device_id == device, log.c.epoch == epoch)
            .order_by(log.c.device_sequence.desc())
            .limit(1)
        ).first()
        return (0, GENESIS) if found is None else (found.device_sequence, found.envelope_hash)

    def authors(self, operations: Iterable[Id]) -> Mapping[Id, Id]:
        return self._books.finds.authors(self._connection, self._studio, operations)

    def lock(self, guards: Sequence[str]) -> None:
        if not guards or self._database.dialect == "sqlite":
            return  # SQLite's one writer holds everything already.
        finds, connection = self._books.finds, self._connection
        missing = set(guards) - finds.guards(connection, self._studio, guards)
        if missing:
            rows = [{"studio_id": self._studio, "name": name} for name in sorted(missing)]
            self._database.put(connection, self._tables.guard, rows, How.KEEP)
            finds.guards(connection, self._studio, guards)

    def write_rows(self, changes: Sequence[Change]) -> None:
        self._wrote = True
        last: dict[str, dict[Id, Change]] = {}
        for change in changes:
            last.setdefault(change.kind, {})[change.id] = change
        seals = RowSeals(self._own_keys(), self._books.entropy)
        for kind, by_id in sorted(last.items()):
            found = self._tables.records[kind]
            there = [(change.id, change.body) for change in by_id.values() if change.body is not None]
            kept = seals.seal(found.record, there, now=time.time_ns() // 1_000_000)
            put, gone = [], [change.id for change in by_id.values() if change.body is None]
            for id, body in there:
                row = kept[id]
                if row is None:
                    gone.append(id)
                else:
                    put.append(
                        {
                            "studio_id": self._studio, "id": id, "scope": by_id[id].scope, "body": row.stored,
                            **found.values(row.body),
                        }
                    )  # fmt: skip
                if row is None or row.body != body:
                    self._less[kind, id] = None if row is None else row.body
            if put:
                self._database.put(self._connection, found.table, put, How.REPLACE)
            for chunk in chunks(gone):
                self._connection.execute(
                    delete(found.table).where(found.table.c.studio_id == self._studio, found.table.c.id.in_(chunk))
                )

    def lock_head(self) -> StudioHead:
        if self._head is None:
            raise Refused("cloud.no_studio")
        return StudioHead(self._head.sequence, self._head.hash)

    def append(self, ledgers: Sequence[Ledger]) -> None:
        if not ledgers:
            return
        connection, last = self._connection, ledgers[-1].link
        keys = self._own_keys()
        subjects = {subject for ledger in ledgers for subject in (*ledger.parts, *ledger.change_parts)} - {OPEN}
        keys.make(subjects, now=last.decided)
        sealer = Sealer(keys, self._books.entropy)
        self._database.put(connection, self._tables.log, [self._log_row(ledger, sealer) for ledger in ledgers])
        moved = _moved(ledgers, self._less)
        moved.update(self._erase(erased_by(change for ledger in ledgers for change in ledger.changes), last))
        if moved:
            rows: list[dict[str, Any]] = [
                {
                    "studio_id": self._studio, "scope": scope, "kind": ref[0], "id": ref[1], "sequence": sequence,
                    "digest": digest,
                }
                for (scope, ref), (sequence, digest) in moved.items()
            ]  # fmt: skip
            self._database.put(connection, self._tables.change, rows, How.REPLACE)
        effects = [self._effect_row(ledger, position) for ledger in ledgers for position in range(len(ledger.effects))]
        if effects:
            self._database.put(connection, self._tables.effect, effects, How.KEEP)
        self._books.heads.move(connection, self._studio, sequence=last.sequence, hash=ledgers[-1].link_hash)
        if self._head is not None:
            self._head = self._moved_to = self._head._replace(sequence=last.sequence, hash=ledgers[-1].link_hash)
        self._moved |= {ref for _, ref in moved}
        self._committing = (last.sequence, frozenset((scope, ref[0]) for scope, ref in moved))
        if self._watch is not None:
            changes = [change for ledger in ledgers for change in ledger.changes]
            self._after = self._watch(connection, self._studio, changes)

    def set_marks(self, moved: Sequence[Moved]) -> None:
        connection = self._connection
        self._books.heads.mark(connection, self._studio, moved)
        signed = [
            (mark, self._signature(mark) if batch is None else batch.signature, (batch and batch.carrier) or None)
            for mark, _, batch in moved
        ]
        rows = [
            {
                "studio_id": self._studio, "device_id": mark.device, "epoch": mark.epoch, "sequence": mark.sequence,
                "signature": signature, "carrier": carrier,
            }
            for mark, signature, carrier in signed if signature is not None
        ]  # fmt: skip
        if rows:
            self._database.put(connection, self._tables.batch, rows)

    def _signature(self, mark: Mark) -> bytes | None:
        """Of what the cloud's own device authored."""
        if self._sign is None:
            return None
        return self._sign(
            batch_statement(
                studio=self._studio, device=mark.device, epoch=mark.epoch, last_sequence=mark.sequence,
                last_hash=mark.hash,
            )
        )  # fmt: skip

    def settled(self, operations: Iterable[Id]) -> set[Id]:
        """Those of the operations that were decided and stand: they need not be authored again."""
        log = self._tables.log
        found: set[Id] = set()
        with self._reading() as connection:
            for chunk in chunks(operations):
                query = select(log.c.operation).where(
                    log.c.studio_id == self._studio,
                    log.c.operation.in_(chunk),
                    log.c.status.in_([Status.ACCEPTED.value, Status.DUPLICATE.value]),
                )
                found.update(Id(operation) for operation in connection.scalars(query))
        return found

    def _erase(self, people: Sequence[Id], last: Link) -> "_Moved":
        """Destroy people's keys and take them out of the rows; where something changed."""
        moved: _Moved = {}
        connection, keys = self._connection, self._own_keys()
        for subject in people:
            seals = RowSeals(keys, self._books.entropy)
            done = erase(connection, self._tables, seals, self._studio, subject, dialect=self._database.dialect)
            for kind, id, scope, body in done:
                number = None if body is None else signed(row_number(kind, id, scope, body))
                moved[scope, (kind, id)] = (last.sequence, number)
            keys.destroy(subject, now=last.decided)
        if people:
            count_erasure(connection, self._tables, self._studio)
        return moved

    def _log_row(self, ledger: Ledger, sealer: Sealer) -> dict[str, Any]:
        link = ledger.link
        parts = sealer.seal(ledger.parts, part_context(link.device, link.epoch, link.device_sequence))
        return {
            "studio_id": self._studio, "sequence": link.sequence, "operation": link.operation, "kind": link.kind,
            "device_id": link.device, "epoch": link.epoch, "device_sequence": link.device_sequence,
            "envelope_hash": link.envelope, "envelope": ledger.data, "parts": _pack(parts), "link": ledger.link_data,
            "link_hash": ledger.link_hash, "decided_ms": link.decided, "status": link.outcome.status.value,
            "changes": _pack(sealer.seal(ledger.change_parts, change_context(link.sequence))),
        }  # fmt: skip

    def _effect_row(self, ledger: Ledger, position: int) -> dict[str, Any]:
        effect = ledger.effects[position]
        return {
            "studio_id": self._studio, "id": effect.id, "operation": ledger.link.operation,
            "sequence": ledger.link.sequence, "kind": effect.kind, "body": msgspec.json.encode(effect.body),
            "at_most_once": int(effect.at_most_once), "state": READY if effect.home is Home.CLOUD else OWED,
        }  # fmt: skip


class _Rehearsed(Exception):
    """Takes a rehearsal's transaction back."""


def part_context(device: Id, epoch: int, sequence: int) -> str:
    """What a sealed payload part is bound to."""
    return f"operation/{device}/{epoch}/{sequence}"


def change_context(sequence: int) -> str:
    """What a sealed change part is bound to."""
    return f"change/{sequence}"


def unpack_parts(data: bytes) -> dict[str, bytes]:
    """The sealed parts in a log row."""
    return _unpack(data)


def chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Lists short enough for one query's parameters."""
    several = list(values)
    for start in range(0, len(several), _CHUNK):
        yield several[start : start + _CHUNK]


_Moved = dict[tuple[str, Ref], tuple[int, int | None]]
"""Scope and row → the last sequence at which it changed there, and its number where it lies there now."""


def _moved(ledgers: Sequence[Ledger], less: Mapping[Ref, bytes | None]) -> _Moved:
    """What ledgers changed. `less`: what was kept of rows that name somebody who is erased."""
    moved: _Moved = {}
    last: dict[Ref, Change] = {}
    for ledger in ledgers:
        for change in ledger.changes:
            if change.left and change.left != change.scope:
                moved[(change.left, change.ref)] = (ledger.link.sequence, None)
            moved[(change.scope, change.ref)] = (ledger.link.sequence, None)
            last[change.ref] = change
    for ref, change in last.items():
        body = less.get(ref, change.body)
        if body is not None:
            sequence, _ = moved[(change.scope, ref)]
            moved[(change.scope, ref)] = (sequence, signed(row_number(*ref, change.scope, body)))
    return moved


def _opened(seals: RowSeals, record: type[Record], rows: Sequence[Row]) -> list[Row]:
    bodies = seals.open(record, [(row.id, row.body) for row in rows])
    return [row._replace(body=bodies[row.id]) for row in rows if row.id in bodies]
