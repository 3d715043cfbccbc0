"""What devices are answered: rows that changed since a cursor, and all rows of a scope, both in resumable pages.

A page shows rows as they stand now. A row that changes between two pages moves behind the cursor and comes again, so
no page can lose a change; only the last one brings a device up to the sequence it names.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_

from classtap_core.kernel.device import Pulled
from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.scopes import covers
from cloud.storage.backend import Books
from cloud.storage.tables import RecordTable


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a device stands: everything up to `sequence`; in the middle of it, up to and with one entry.

    `sequence` alone (no kind) means that all of it is done.
    """

    studio: str
    sequence: int
    kind: str = ""
    id: str = ""
    scope: str = ""


class Position(msgspec.Struct, frozen=True, array_like=True):
    """Where a snapshot stands: the sequence its first page began at, and the last row sent."""

    studio: str
    through: int
    kind: str
    scope: str
    id: str


class PulledPage(NamedTuple):
    """Rows that changed. `stale`: the cursor is older than what is remembered; take a new snapshot."""

    rows: list[Pulled]
    through: int
    cursor: str
    more: bool
    stale: bool = False


class SnapshotRows(NamedTuple):
    rows: list[Pulled]
    through: int
    cursor: str
    next: str
    total: int


def pull(books: Books, studio: Id, scopes: Sequence[str], *, cursor: str, most: int) -> PulledPage:
    """Rows of these scopes that changed since a cursor (empty: since the beginning), at most `most` of them.

    Raises BadInput `sync.cursor` when it is none of ours.
    """
    since = _read(cursor, Cursor, studio) if cursor else Cursor(studio, 0)
    with books.database.read(studio) as connection:
        head, horizon = _head(books, studio, connection)
        if since.sequence > head or since.sequence < horizon:
            return PulledPage([], head, written(Cursor(studio, head)), more=False, stale=True)
        if not scopes:
            return PulledPage([], head, written(Cursor(studio, head)), more=False)
        change = books.tables.change.c
        query = (
            select(change.sequence, change.kind, change.id, change.scope)
            .where(change.studio_id == studio, _after(change, since), _within(change.scope, scopes))
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
                there = {row.id: row for row in books.finds.by_id(connection, studio, kind, ids)}
            for id, scope in ids.items():
                row = there.get(id)
                if row is None or not covers(scopes, row.scope):
                    rows.append(Pulled(kind, id, scope, None))
                else:
                    rows.append(Pulled(kind, id, row.scope, row.body))
    if not more:
        return PulledPage(rows, head, written(Cursor(studio, head)), more=False)
    last = entries[-1]
    here = Cursor(studio, last.sequence, last.kind, last.id, last.scope)
    return PulledPage(rows, last.sequence - 1, written(here), more=True)


def snapshot(books: Books, studio: Id, scope: str, *, after: str, most: int) -> SnapshotRows:
    """A page of all rows of a scope or pattern, by kind, scope and id. `after` is the last page's `next`.

    Every page names the sequence that the first one began at: a pull from there brings what changed meanwhile.
    Raises BadInput `sync.cursor`.
    """
    since = _read(after, Position, studio) if after else None
    rows: list[Pulled] = []
    following = ""
    total = 0
    with books.database.read(studio) as connection:
        through = since.through if since else _head(books, studio, connection)[0]
        tables = [found for found in books.tables.records.values() if _may_lie(found, scope)]
        for found in tables:
            columns = found.table.c
            within = and_(columns.studio_id == studio, _within(columns.scope, [scope]))
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
            rows += [Pulled(kind, Id(id), lies, body) for id, lies, body in page[:room]]
            if len(page) > room:
                # With no room left, the page ends just before this kind: its name alone sorts before its rows.
                end = page[room - 1] if room else None
                following = written(Position(studio, through, kind, end.scope if end else "", end.id if end else ""))
    return SnapshotRows(rows, through, written(Cursor(studio, through)), following, total)


def head_of(books: Books, studio: Id) -> int:
    """The studio's last sequence."""
    with books.database.read(studio) as connection:
        return _head(books, studio, connection)[0]


def written(value: Cursor | Position) -> str:
    """A cursor as the opaque text that devices keep."""
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).rstrip(b"=").decode()


def _read(text: str, shape: Any, studio: Id) -> Any:
    try:
        found = msgspec.json.decode(base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)), type=shape)
    except (binascii.Error, ValueError) as error:
        raise BadInput("sync.cursor") from error
    if found.studio != studio:
        raise BadInput("sync.cursor")
    return found


def _head(books: Books, studio: Id, connection: Any) -> tuple[int, int]:
    head = books.tables.head.c
    found = connection.execute(select(head.sequence, head.horizon).where(head.studio_id == studio)).first()
    if found is None:
        raise Refused("cloud.no_studio")
    return found.sequence, found.horizon


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
