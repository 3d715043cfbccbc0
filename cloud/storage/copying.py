"""Copying a whole database to another while it is served: round after round what changed, and a short shut at the end.

The log and the change index say what a studio did since the last round, so a round costs what happened in it. What is
written is read back and compared by digests. In the last round the source takes no writes; afterwards it stays shut, for
what would be written there would be lost.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Select, Table, and_, delete, inspect, select, tuple_

from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.kernel.ids import Id
from cloud.storage.database import Database, How
from cloud.storage.directory import MOVED, UNFINISHED
from cloud.storage.tables import Tables

IDENTITY, COPY_OF = "identity", "copy_of"
_DONE = "copied/"
_MOST_ROUNDS = 8
_FEW = 1_000
"""So few rows in a round: the next one may be the last."""
_SLICE = 500
_STEP = 20_000
"""Steps of a studio's log copied in one commit: what is held in memory."""
_pack = msgspec.msgpack.Encoder().encode

Rows = list[tuple[Any, ...]]
Tell = Callable[[str, int], None]
"""Told of each round: what it was about, and how many rows it wrote."""


class Copied(NamedTuple):
    """What a copy came to. `freeze_s`: how long the source took no writes before the target was whole."""

    studios: int
    rows: int
    rounds: int
    freeze_s: float
    digest: str


class Done(msgspec.Struct, frozen=True, array_like=True):
    """How far a studio is copied: its head then, and a digest over everything written for it so far."""

    sequence: int
    hash: str
    horizon: int
    erasures: int
    digest: str = ""

    def same_head(self, other: "Done") -> bool:
        return (self.sequence, self.hash, self.horizon, self.erasures) == (
            other.sequence, other.hash, other.horizon, other.erasures,
        )  # fmt: skip


class Side(NamedTuple):
    """One of the two databases."""

    database: Database
    tables: Tables


def copy(source: Side, target: Side, *, tell: Tell = lambda what, rows: None) -> Copied:
    """Copy everything; taken up where an earlier try was broken off.

    Raises Refused `copy.not_empty` when something else is in the target, `copy.same` when both are one database;
    EnvironmentFault `copy.differs` when what was read back is not what was written. A failure in the last round opens
    the source again.
    """
    return _Copying(source, target, tell).run()


def reopen(source: Side) -> None:
    """Let a source take writes again, after a copy that is not to be used."""
    source.database.reopen(_all(source.tables))
    facts = source.tables.facts
    with source.database.administer() as connection:
        connection.execute(delete(facts).where(facts.c.name == MOVED))


class _Copying:
    def __init__(self, source: Side, target: Side, tell: Tell) -> None:
        self._source, self._target, self._tell = source, target, tell
        self._pairs = list(zip(source.tables.of_studios, _ordered_alike(source, target), strict=True))
        self._written = 0

    def run(self) -> Copied:
        self._check()
        rounds = 0
        while rounds < _MOST_ROUNDS:
            rounds += 1
            if self._round(f"round {rounds}") <= _FEW:
                break
        self._target.database.count_rows(_all(self._target.tables))
        began = time.monotonic()
        self._source.database.shut(_all(self._source.tables))
        try:
            with self._source.database.administer() as connection:
                self._set(self._source, connection, MOVED, "yes")
            self._round("last round")
            self._tell("small tables", self._small())
            digest = self._finish()
        except BaseException:
            reopen(self._source)
            raise
        freeze = time.monotonic() - began
        with self._target.database.survey() as connection:
            studios = len(connection.execute(select(self._target.tables.studios.c.id)).all())
        return Copied(studios, self._written, rounds + 1, freeze, digest)

    def _check(self) -> None:
        known = {table.name for table in self._source.tables.metadata.tables.values()}
        with self._source.database.administer() as connection:
            there = {name for name in inspect(connection).get_table_names() if name.startswith("record_")}
            if there - known:
                raise EnvironmentFault("cloud.newer", version=", ".join(sorted(there - known)), known="")
            mine = _fact(self._source, connection, IDENTITY)
            if mine is None:
                mine = secrets.token_hex(16)
                self._set(self._source, connection, IDENTITY, mine)
        with self._target.database.administer() as connection:
            if _fact(self._target, connection, IDENTITY) == mine:
                raise Refused("copy.same")
            of = _fact(self._target, connection, COPY_OF)
            filled = connection.execute(select(self._target.tables.studios.c.id).limit(1)).first() is not None
            finished = of is not None and _fact(self._target, connection, UNFINISHED) is None
            if (of != mine and (of is not None or filled)) or finished:
                raise Refused("copy.not_empty")
            self._set(self._target, connection, COPY_OF, mine)
            self._set(self._target, connection, UNFINISHED, "yes")

    def _round(self, name: str) -> int:
        """Copy what studios did since they were copied last; how many rows that was."""
        with self._source.database.survey() as connection:
            heads = self._heads(self._source, connection)
        with self._target.database.survey() as connection:
            done = self._done(connection)
        moved = [studio for studio, head in heads.items() if studio not in done or not done[studio].same_head(head)]
        before = self._written
        for studio in moved:
            self._studio(studio, done.get(studio), heads[studio].sequence)
        self._tell(name, self._written - before)
        return self._written - before

    def _studio(self, studio: Id, done: Done | None, through: int) -> None:
        """A studio's news, in steps."""
        while done is None or done.sequence + _STEP < through:
            done = self._step(studio, done, most=_STEP)
        self._step(studio, done, most=None)

    def _step(self, studio: Id, done: Done | None, *, most: int | None) -> Done:
        """News of so many steps of the log (None: of all), from one view of the source, in one commit at the target."""
        since = done.sequence if done else 0
        source = self._source
        with source.database.survey() as read, self._target.database.administer() as write:
            head = self._heads(source, read, studio)[studio]
            whole = most is None or since + most >= head.sequence
            through = head.sequence if whole else since + (most or 0)
            digests = hashlib.sha256((done.digest if done else "").encode())
            for mine, theirs in self._pairs:
                query = self._news(mine, studio, since, through, whole=whole)
                if query is None:
                    continue
                rows = _rows(read.execute(query))
                if mine in (source.tables.subject_key, source.tables.device):  # all of them, each time: few are new
                    there = set(_rows(write.execute(select(theirs).where(theirs.c.studio_id == studio))))
                    rows = [row for row in rows if row not in there]
                self._put(write, theirs, rows)
                digests.update(_digest(rows))
                if _digest(rows) != _digest(self._read_back(write, theirs, studio, rows, since, through)):
                    raise EnvironmentFault("copy.differs", table=mine.name, studio=studio)
            for kind, ids in self._gone(read, studio, since, through).items():
                table = self._target.tables.records[kind].table
                for some in _slices(ids):
                    write.execute(delete(table).where(table.c.studio_id == studio, table.c.id.in_(some)))
            now = msgspec.structs.replace(head, digest=digests.hexdigest(), sequence=through)
            self._set(self._target, write, _DONE + studio, msgspec.json.encode(now).decode())
        return now

    def _news(self, table: Table, studio: Id, since: int, through: int, *, whole: bool) -> Select[Any] | None:
        """A studio's rows of a table that are new between two sequences, by their key.

        None where a table has no such order, or is copied with the last step (`whole`) and this is none.
        """
        tables, key = self._source.tables, list(table.primary_key.columns)
        log, change = tables.log, tables.change
        mine = select(table).where(table.c.studio_id == studio).order_by(*key)
        if table in (log, change, tables.effect):
            return mine.where(table.c.sequence > since, table.c.sequence <= through)
        if table is tables.batch:
            signed = select(log.c.device_id, log.c.epoch, log.c.device_sequence).where(
                log.c.studio_id == studio, log.c.sequence > since, log.c.sequence <= through
            )
            return mine.where(tuple_(table.c.device_id, table.c.epoch, table.c.sequence).in_(signed))
        if table is tables.device:
            return mine
        if table in (tables.head, tables.subject_key):
            return mine if whole else None
        for kind, found in tables.records.items():
            if found.table is table:
                moved = select(change.c.id).where(
                    change.c.studio_id == studio, change.c.sequence > since, change.c.sequence <= through,
                    change.c.kind == kind,
                )  # fmt: skip
                return mine.where(table.c.id.in_(moved))
        return None

    def _read_back(self, write: Connection, theirs: Table, studio: Id, rows: Rows, since: int, through: int) -> Rows:
        """The same rows as the target has them now."""
        key = list(theirs.primary_key.columns)
        query = select(theirs).where(theirs.c.studio_id == studio).order_by(*key)
        if theirs in (self._target.tables.log, self._target.tables.change, self._target.tables.effect):
            return _rows(write.execute(query.where(theirs.c.sequence > since, theirs.c.sequence <= through)))
        places = [theirs.columns.keys().index(column.name) for column in key]
        if len(key) == 2:
            names = [row[places[1]] for row in rows]
            return [row for some in _slices(names) for row in _rows(write.execute(query.where(key[1].in_(some))))]
        found: Rows = []
        for some in _slices(rows):
            keys = [tuple(row[place] for place in places) for row in some]
            found += _rows(write.execute(query.where(tuple_(*key).in_(keys))))
        return found

    def _gone(self, read: Connection, studio: Id, since: int, through: int) -> dict[str, list[str]]:
        """Records that the change index names and that are there no more."""
        change = self._source.tables.change
        named: dict[str, set[str]] = {}
        query = select(change.c.kind, change.c.id).where(
            change.c.studio_id == studio, change.c.sequence > since, change.c.sequence <= through
        )
        for kind, id in read.execute(query):
            named.setdefault(kind, set()).add(id)
        gone = {}
        for kind, ids in named.items():
            if kind in self._source.tables.records:
                table = self._source.tables.records[kind].table
                there: set[str] = set()
                for some in _slices(sorted(ids)):
                    there |= set(
                        read.scalars(select(table.c.id).where(table.c.studio_id == studio, table.c.id.in_(some)))
                    )
                gone[kind] = sorted(ids - there)
        return gone

    def _small(self) -> int:
        """Make the tables alike that have no order of news: what differs is written, what is not there goes."""
        apart = zip(self._source.tables.directory, self._target.tables.directory, strict=True)
        pairs = [
            (mine, theirs)
            for mine, theirs in apart
            if mine.name.removeprefix("directory_") not in ("fact", "wake", "tries")
        ]
        tables = self._source.tables
        by_news = {tables.log, tables.change, tables.batch, tables.head, tables.subject_key}
        by_news |= {found.table for found in tables.records.values()}
        by_news |= {tables.trail, tables.trail_head, tables.trail_name}  # the target follows its log again when asked
        pairs += [(mine, theirs) for mine, theirs in self._pairs if mine not in by_news]
        wrote = 0
        with self._source.database.survey() as read, self._target.database.administer() as write:
            for mine, theirs in pairs:
                places = [mine.columns.keys().index(column.name) for column in theirs.primary_key.columns]
                here, there = (
                    {tuple(row[place] for place in places): row for row in _rows(connection.execute(select(table)))}
                    for connection, table in ((read, mine), (write, theirs))
                )
                self._put(write, theirs, [row for key, row in here.items() if there.get(key) != row])
                for key in there.keys() - here.keys():
                    columns = zip(theirs.primary_key.columns, key, strict=True)
                    write.execute(delete(theirs).where(and_(*(column == value for column, value in columns))))
                wrote += len(here)
                found = _rows(write.execute(select(theirs)))
                if _digest(sorted(here.values(), key=_pack)) != _digest(sorted(found, key=_pack)):
                    raise EnvironmentFault("copy.differs", table=mine.name, studio="")
            secret = _fact(self._source, read, "secret")
            if secret is not None:
                self._set(self._target, write, "secret", secret)
        return wrote

    def _finish(self) -> str:
        """See that every head is the same on both sides, and take away what only the copying needed."""
        with self._source.database.survey() as read, self._target.database.administer() as write:
            here, there = self._heads(self._source, read), self._heads(self._target, write)
            if here != there:
                raise EnvironmentFault("copy.differs", table="head", studio="")
            done = self._done(write)
            whole = hashlib.sha256("".join(done[studio].digest for studio in sorted(done)).encode()).hexdigest()
            facts = self._target.tables.facts
            for start in _slices([_DONE + studio for studio in done]):
                write.execute(delete(facts).where(facts.c.name.in_(start)))
            write.execute(delete(facts).where(facts.c.name == UNFINISHED))
        return whole

    def _heads(self, side: Side, connection: Connection, studio: Id | None = None) -> dict[Id, Done]:
        head = side.tables.head
        query = select(head) if studio is None else select(head).where(head.c.studio_id == studio)
        return {
            Id(row.studio_id): Done(row.sequence, row.hash, row.horizon, row.erasures)
            for row in connection.execute(query)
        }

    def _done(self, connection: Connection) -> dict[Id, Done]:
        facts = self._target.tables.facts
        query = select(facts).where(facts.c.name.like(_DONE + "%"))
        return {
            Id(row.name.removeprefix(_DONE)): msgspec.json.decode(row.value, type=Done)
            for row in connection.execute(query)
        }

    def _put(self, connection: Connection, table: Table, rows: Rows) -> None:
        names = table.columns.keys()
        how = How.KEEP if len(table.primary_key.columns) == len(names) else How.REPLACE
        for some in _slices(rows):
            made = [dict(zip(names, row, strict=True)) for row in some]
            self._target.database.put(connection, table, made, how)
        self._written += len(rows)

    def _set(self, side: Side, connection: Connection, name: str, value: str) -> None:
        side.database.put(connection, side.tables.facts, [{"name": name, "value": value}], How.REPLACE)


def _ordered_alike(source: Side, target: Side) -> list[Table]:
    """The target's tables in the source's order."""
    by_name = {table.name: table for table in target.tables.of_studios}
    return [by_name[table.name] for table in source.tables.of_studios]


def _all(tables: Tables) -> list[Table]:
    return [*tables.of_studios, *(table for table in tables.directory if table is not tables.facts)]


def _fact(side: Side, connection: Connection, name: str) -> str | None:
    facts = side.tables.facts
    found: str | None = connection.scalar(select(facts.c.value).where(facts.c.name == name))
    return found


def _rows(found: Iterable[Any]) -> Rows:
    return [tuple(bytes(value) if isinstance(value, memoryview) else value for value in row) for row in found]


def _digest(rows: Iterable[Sequence[Any]]) -> bytes:
    made = hashlib.sha256()
    for row in rows:
        made.update(_pack(row))
    return made.digest()


def _slices(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _SLICE):
        yield values[start : start + _SLICE]
