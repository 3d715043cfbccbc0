"""What devices are answered: rows that changed since a cursor, and all rows of a scope, both in resumable pages.

A page shows rows as they stand now. A row that changes between two pages moves behind the cursor and comes again, so
no page can lose a change; only the last one brings a device up to the sequence it names.
"""

import base64
import binascii
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, func, literal_column, or_, select, tuple_, update

from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.digests import Digest, digest_of
from classtap_core.kernel.envelope import GENESIS
from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import Row
from classtap_core.kernel.scopes import covers
from cloud.storage.backend import Books
from cloud.storage.tables import RecordTable
from sync.protocol import BEHIND


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a device stands: everything up to `sequence`; in the middle of it, up to and with one entry.

    `sequence` alone (no kind) means that all of it is done. `link` is the beginning of the hash of the decision at
    `sequence`: a cloud that was restored and has decided other things since has another one there.
    """

    studio: str
    sequence: int
    kind: str = ""
    id: str = ""
    scope: str = ""
    link: str = ""


class Position(msgspec.Struct, frozen=True, array_like=True):
    """Where a snapshot stands: the sequence its first page began at (and its `link`), and the last row sent."""

    studio: str
    through: int
    kind: str
    scope: str
    id: str
    link: str = ""


class _Head(NamedTuple):
    sequence: int
    hash: str
    horizon: int


class PulledPage(NamedTuple):
    """Rows that changed. `stale`: the cursor is older than what is remembered, or of another history; take a new snapshot.

    `digests` are of the scopes asked for, as they are at `through`; only a last page has them.
    """

    rows: list[Pulled]
    through: int
    cursor: str
    more: bool
    stale: bool = False
    digests: dict[str, Digest] | None = None


class SnapshotRows(NamedTuple):
    rows: list[Pulled]
    through: int
    cursor: str
    next: str
    total: int


def pull(
    books: Books, studio: Id, scopes: Sequence[str], *, cursor: str, most: int, without: Collection[str] = (),
    digest: bool = False,
) -> PulledPage:  # fmt: skip
    """Rows of these scopes that changed since a cursor (empty: since the beginning), at most `most` of them.

    `without` names kinds of records that are not for who asks. Raises BadInput `sync.cursor` when it is none of ours.
    """
    since = _read(cursor, Cursor, studio) if cursor else Cursor(studio, 0)
    with books.database.read(studio) as connection:
        head = _head(books, studio, connection)
        now = written(Cursor(studio, head.sequence, link=_link(head.hash)))
        beyond = since.sequence > head.sequence or since.sequence < head.horizon
        if beyond or since.link not in ("", _link_at(books, studio, connection, since.sequence, head)):
            return PulledPage([], head.sequence, now, more=False, stale=True)
        if not scopes:
            return PulledPage([], head.sequence, now, more=False)
        change = books.tables.change.c
        query = (
            select(change.sequence, change.kind, change.id, change.scope)
            .where(change.studio_id == studio, _after(change, since), _within(change.scope, scopes))
            .where(change.kind.not_in(sorted(without)))
            .order_by(change.sequence, change.kind, change.id, change.scope)
            .limit(most + 1)
        )
        entries = connection.execute(query).all()
        more = len(entries) > most
        entries = entries[:most]
        wanted: dict[str, dict[Id, str]] = {}
        for entry in entries:
            wanted.setdefault(entry.kind, {})[Id(entry.id)] = entry.scope
        rows = []
        for kind, ids in wanted.items():
            there = {}
            if kind in books.tables.records:
                there = _opened(books, studio, connection, kind, ids)
            for id, scope in ids.items():
                row = there.get(id)
                if row is None or not covers(scopes, row.scope):
                    rows.append(Pulled(kind, id, scope, None))
                else:
                    rows.append(Pulled(kind, id, row.scope, row.body))
        digests = None
        if digest and not more:
            digests = {scope: _digest(books, studio, connection, scope, without) for scope in scopes}
        if not more:
            return PulledPage(rows, head.sequence, now, more=False, digests=digests)
        last = entries[-1]
        link = _link_at(books, studio, connection, last.sequence, head)
        here = Cursor(studio, last.sequence, last.kind, last.id, last.scope, link)
    return PulledPage(rows, last.sequence - 1, written(here), more=True)


def _opened(books: Books, studio: Id, connection: Connection, kind: str, ids: Collection[Id]) -> dict[Id, Row]:
    found = {row.id: row for row in books.finds.by_id(connection, studio, kind, ids)}
    with books.opening(connection, studio) as seals:
        bodies = seals.open(books.tables.records[kind].record, [(row.id, row.body) for row in found.values()])
    return {id: found[id]._replace(body=body) for id, body in bodies.items()}


def _digest(books: Books, studio: Id, connection: Connection, scope: str, without: Collection[str]) -> Digest:
    """A scope's digest out of the change index, which holds each row's number."""
    low, high = _halves(books)
    found = connection.execute(select(func.count(), low, high).where(*_numbered(books, studio, scope, without))).one()
    return digest_of(found[0], int(found[1] or 0) + (int(found[2] or 0) << 32))


def leaves(books: Books, studio: Id, scope: str, *, without: Collection[str] = ()) -> tuple[dict[str, str], int]:
    """The sums of a scope's leaves that have rows, and the studio's sequence they are of."""
    low, high = _halves(books)
    leaf = func.substr(books.tables.change.c.id, 31, 2)
    with books.database.read(studio) as connection:
        rows = connection.execute(
            select(leaf, low, high).where(*_numbered(books, studio, scope, without)).group_by(leaf)
        ).all()
        head = _head(books, studio, connection).sequence
    return {name: digest_of(0, int(below or 0) + (int(above or 0) << 32)).sum for name, below, above in rows}, head


def _halves(books: Books) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """The sums of the lower and upper halves of rows' numbers: the sum of the whole would not fit SQLite's integers."""
    number = books.tables.change.c.digest
    return func.sum(number.op("&")(0xFFFFFFFF)), func.sum(number.op(">>")(literal_column("32")))


def _numbered(books: Books, studio: Id, scope: str, without: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    change = books.tables.change.c
    return (
        change.studio_id == studio, _within(change.scope, [scope]), change.kind.not_in(sorted(without)),
        change.digest.is_not(None),
    )  # fmt: skip


def forget(books: Books, studio: Id, *, before_ms: int) -> int:
    """Let go of what the change index says about rows that are gone since before a time; how many entries went.

    A device whose cursor is older than the last of them is told to take new snapshots.
    """
    head, log, change = books.tables.head, books.tables.log.c, books.tables.change
    with books.database.write(studio) as connection:
        last, _, horizon = _head(books, studio, connection)
        low, high = horizon, last  # by halving: decisions' times rise with their sequence
        while low < high:
            middle = (low + high + 1) // 2
            at = connection.scalar(select(log.decided_ms).where(log.studio_id == studio, log.sequence == middle))
            low, high = (middle, high) if at is not None and at < before_ms else (low, middle - 1)
        if low <= horizon:
            return 0
        gone = connection.execute(
            delete(change).where(change.c.studio_id == studio, change.c.sequence <= low, change.c.digest.is_(None))
        )
        connection.execute(update(head).where(head.c.studio_id == studio).values(horizon=low))
    return int(gone.rowcount)


def snapshot(
    books: Books, studio: Id, scope: str, *, after: str, most: int, without: Collection[str] = (), leaf: str = ""
) -> SnapshotRows:
    """A page of all rows of a scope or pattern, by kind, scope and id. `after` is the last page's `next`; where that was cut,
    its cursor, `~`, and the kind, scope and id of the last row that came, joined by `/`.

    Every page names the sequence that the first one began at: a pull from there brings what changed meanwhile.
    `leaf` asks for the rows of one leaf alone. Raises BadInput `sync.cursor`.
    """
    since = _position(after, studio) if after else None
    rows: list[Pulled] = []
    following = ""
    total = 0
    with books.database.read(studio) as connection:
        if since:
            through, link = since.through, since.link
        else:
            head = _head(books, studio, connection)
            through, link = head.sequence, _link(head.hash)
        tables = [
            found for kind, found in books.tables.records.items() if kind not in without and _may_lie(found, scope)
        ]
        for found in tables:
            columns = found.table.c
            within = and_(columns.studio_id == studio, _within(columns.scope, [scope]))
            if leaf:
                within = and_(within, func.substr(columns.id, 31, 2) == leaf)
            if since is None:
                total += connection.scalar(select(func.count()).select_from(found.table).where(within)) or 0
            kind = found.record.KIND
            if following or (since is not None and kind < since.kind):
                continue
            query = select(columns.id, columns.scope, columns.body).where(within)
            if since is not None and kind == since.kind:
                query = query.where(tuple_(columns.scope, columns.id) > tuple_(since.scope, since.id))
            room = most - len(rows)
            page = connection.execute(query.order_by(columns.scope, columns.id).limit(room + 1)).all()
            with books.opening(connection, studio) as seals:
                bodies = seals.open(found.record, [(Id(id), body) for id, _, body in page[:room]])
            rows += [Pulled(kind, Id(id), lies, bodies[Id(id)]) for id, lies, _ in page[:room] if id in bodies]
            if len(page) > room:
                # With no room left, the page ends just before this kind: its name alone sorts before its rows.
                end = page[room - 1] if room else None
                lies, id = (end.scope, end.id) if end else ("", "")
                following = written(Position(studio, through, kind, lies, id, link))
    return SnapshotRows(rows, through, written(Cursor(studio, through, link=link)), following, total)


def head_of(books: Books, studio: Id) -> int:
    """The studio's last sequence."""
    with books.database.read(studio) as connection:
        return _head(books, studio, connection).sequence


def moved_since(books: Books, studio: Id, sequence: int) -> tuple[int, frozenset[str]]:
    """The studio's last sequence, and the kinds of records that changed after an earlier one."""
    change = books.tables.change.c
    with books.database.read(studio) as connection:
        head = _head(books, studio, connection).sequence
        if head == sequence:
            return head, frozenset()
        query = select(change.kind).where(change.studio_id == studio, change.sequence > sequence).distinct()
        return head, frozenset(connection.scalars(query))


def written(value: Cursor | Position) -> str:
    """A cursor as the opaque text that devices keep."""
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).rstrip(b"=").decode()


def _position(after: str, studio: Id) -> Position:
    token, cut, row = after.partition(BEHIND)
    if not cut:
        found: Position = _read(token, Position, studio)
        return found
    kind, _, lies = row.partition("/")
    scope, _, id = lies.rpartition("/")
    if not (kind and scope and id):
        raise BadInput("sync.cursor")
    began: Cursor = _read(token, Cursor, studio)
    return Position(studio, began.sequence, kind, scope, id, began.link)


def _read(text: str, shape: Any, studio: Id) -> Any:
    try:
        found = msgspec.json.decode(base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)), type=shape)
    except (binascii.Error, ValueError) as error:
        raise BadInput("sync.cursor") from error
    if found.studio != studio:
        raise BadInput("sync.cursor")
    return found


def _head(books: Books, studio: Id, connection: Connection) -> _Head:
    head = books.tables.head.c
    found = connection.execute(select(head.sequence, head.hash, head.horizon).where(head.studio_id == studio)).first()
    if found is None:
        raise Refused("cloud.no_studio")
    return _Head(*found)


def _link(hash: str) -> str:
    return hash[:16]


def _link_at(books: Books, studio: Id, connection: Connection, sequence: int, head: _Head) -> str:
    """The beginning of the hash of the decision at a sequence; of none at 0."""
    if sequence == head.sequence:
        return _link(head.hash)
    log = books.tables.log.c
    found = connection.scalar(select(log.link_hash).where(log.studio_id == studio, log.sequence == sequence))
    return _link(found) if found is not None else _link(GENESIS)


def _after(change: Any, since: Cursor) -> ColumnElement[bool]:
    if not since.kind:
        later: ColumnElement[bool] = change.sequence > since.sequence
        return later
    return tuple_(change.sequence, change.kind, change.id, change.scope) > tuple_(
        since.sequence, since.kind, since.id, since.scope
    )


def _within(column: ColumnElement[Any], scopes: Sequence[str]) -> ColumnElement[bool]:
    """`kernel.scopes.covers` as a condition: names by equality, patterns as a range of bytes (`0` follows `/`)."""
    exact = [scope for scope in scopes if not scope.endswith("/*")]
    found: list[ColumnElement[bool]] = []
    for scope in scopes:
        if scope.endswith("/*"):
            found.append(and_(column >= scope[:-1], column < scope[:-2] + "0"))
            exact.append(scope[:-2])
    if exact:
        found.append(column.in_(exact))
    return or_(*found)


def _may_lie(found: RecordTable, scope: str) -> bool:
    """Whether rows of a kind can lie in a scope: its name begins with the record's prefix."""
    first = found.record.PREFIX.split("/", 1)[0]
    return scope == first or scope.split("/", 1)[0] == first
