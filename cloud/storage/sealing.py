"""Records at rest: what is somebody's is sealed under their key, inside the row; ids, times and states stay readable.

A sealed body begins with a byte that no JSON begins with. Rows that nobody's data is in, and those of an earlier version
until they are sealed, are JSON.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import msgspec
from sqlalchemy import Connection, bindparam, func, literal, or_, select, update

from classtap_core.kernel.canonical import trusted_canonical
from classtap_core.kernel.chain import Sealer
from classtap_core.kernel.erasure import concerns, is_about_people, without
from classtap_core.kernel.ids import Entropy, Id
from classtap_core.kernel.records import OPEN, Record, Row, decode, fill, join, split
from cloud.storage.subjects import SubjectKeys
from cloud.storage.tables import RecordTable, Tables

_MARK = b"\x01"
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(dict[str, bytes]).decode
_read = msgspec.json.decode


class Kept(NamedTuple):
    """A row as it is stored, and as it will be read again: without what belongs to somebody who is erased."""

    stored: bytes
    body: bytes


class RowSeals:
    """Seals and opens the bodies of one studio's rows within one transaction."""

    def __init__(self, keys: SubjectKeys, entropy: Entropy) -> None:
        self._keys, self._sealer = keys, Sealer(keys, entropy)

    def seal(self, record: type[Record], rows: Sequence[tuple[Id, bytes]], *, now: int) -> dict[Id, Kept | None]:
        """Rows by id, keys made where somebody has none; None for a row that is none without an erased person.

        `now`: milliseconds since the Unix epoch, noted with a new key.
        """
        if not is_about_people(record):
            return {id: Kept(body, body) for id, body in rows}
        cut = {id: split(record, {**_read(body), "id": id}) for id, body in rows}
        self._keys.make({subject for parts in cut.values() for subject in parts} - {OPEN}, now=now)
        return {id: self._sealed(record, id, body, cut[id]) for id, body in rows}

    def _sealed(self, record: type[Record], id: Id, body: bytes, parts: dict[str, dict[str, Any]]) -> Kept | None:
        gone = {subject for subject in parts if subject != OPEN and self._keys.key(subject) is None}
        if gone:
            parts = {subject: values for subject, values in parts.items() if subject not in gone}
            body = trusted_canonical(join(parts))
            if not _is_record(record, body):
                return None
        if len(parts) == 1:
            return Kept(body, body)
        plain = {subject: trusted_canonical(values) for subject, values in parts.items() if subject != OPEN}
        sealed = {OPEN: trusted_canonical(parts[OPEN][""]), **self._sealer.seal(plain, _context(record, id))}
        return Kept(_MARK + _pack(sealed), body)

    def opening(self, record: type[Record], rows: Mapping[Id, Row]) -> dict[Id, Row]:
        """Rows that open when somebody looks into them, as long as their keys are at hand."""
        found: dict[Id, Row] = {}
        shut: dict[Id, dict[str, bytes]] = {}
        for id, row in rows.items():
            if row.body.startswith(_MARK):
                shut[id] = _unpack(row.body[1:])
            else:
                found[id] = row
        self._keys.warm({subject for parts in shut.values() for subject in parts} - {OPEN})
        for id, parts in shut.items():
            if any(subject != OPEN and self._keys.key(subject) is None for subject in parts):
                for body in self._opened(record, {id: parts}).values():
                    found[id] = rows[id]._replace(body=body)
            else:
                found[id] = cast("Row", _Shut(self, record, rows[id], parts))
        return found

    def open_one(self, record: type[Record], id: Id, parts: Mapping[str, bytes]) -> bytes:
        """The body of a row whose keys are all at hand."""
        return self._opened(record, {id: parts})[id]

    def open(self, record: type[Record], rows: Iterable[tuple[Id, bytes]]) -> dict[Id, bytes]:
        """Bodies by id. A row that is no record without somebody whose key is gone is left out."""
        found: dict[Id, bytes] = {}
        sealed: dict[Id, dict[str, bytes]] = {}
        for id, stored in rows:
            if stored.startswith(_MARK):
                sealed[id] = _unpack(stored[1:])
            else:
                found[id] = stored
        self._keys.warm({subject for parts in sealed.values() for subject in parts} - {OPEN})
        found.update(self._opened(record, sealed))
        return found

    def _opened(self, record: type[Record], sealed: Mapping[Id, Mapping[str, bytes]]) -> dict[Id, bytes]:
        found: dict[Id, bytes] = {}
        for id, parts in sealed.items():
            opened = self._sealer.open(parts, _context(record, id))
            values = {subject: _read(data) for subject, data in opened.items()}
            body = trusted_canonical(fill(values[OPEN], values))
            if len(opened) == len(parts) or _is_record(record, body):
                found[id] = body
        return found


class _Shut:
    """A `Row` whose body is opened when it is asked for, once."""

    __slots__ = ("_body", "_parts", "_record", "_seals", "id", "kind", "scope")

    def __init__(self, seals: RowSeals, record: type[Record], row: Row, parts: dict[str, bytes]) -> None:
        self.kind, self.id, self.scope = row.kind, row.id, row.scope
        self._seals, self._record, self._parts = seals, record, parts
        self._body: bytes | None = None

    @property
    def body(self) -> bytes:
        if self._body is None:
            self._body = self._seals.open_one(self._record, self.id, self._parts)
        return self._body


def open_part(stored: bytes) -> bytes:
    """What of a stored body is nobody's: enough for its indexes."""
    return _unpack(stored[1:])[OPEN] if stored.startswith(_MARK) else stored


class Rewritten(NamedTuple):
    """A row that a person was taken out of; no body where the whole row went."""

    kind: str
    id: Id
    scope: str
    body: bytes | None


def erase(
    connection: Connection, tables: Tables, seals: RowSeals, studio: Id, subject: Id, *, dialect: str
) -> list[Rewritten]:
    """Take a person out of a studio's rows, before their key is destroyed. The caller numbers what changed."""
    done: list[Rewritten] = []
    for kind, found in tables.records.items():
        columns = found.table.c
        rows = connection.execute(
            select(columns.id, columns.scope, columns.body).where(
                columns.studio_id == studio, or_(columns.id == subject, names(columns.body, subject, dialect))
                if is_about_people(found.record) else columns.id == subject,
            )
        ).all()  # fmt: skip
        bodies = seals.open(found.record, [(Id(row.id), row.body) for row in rows])
        for row in rows:
            id = Id(row.id)
            if id not in bodies or not concerns(found.record, id, bodies[id], subject):
                continue
            left = without(found.record, id, bodies[id], subject)
            _rewrite(connection, found, seals, studio, id, left)
            done.append(Rewritten(kind, id, row.scope, left))
    return done


def _rewrite(
    connection: Connection, found: RecordTable, seals: RowSeals, studio: Id, id: Id, body: bytes | None
) -> None:
    here = (found.table.c.studio_id == studio, found.table.c.id == id)
    kept = None if body is None else seals.seal(found.record, [(id, body)], now=0)[id]
    if body is None or kept is None:
        connection.execute(found.table.delete().where(*here))
    else:
        connection.execute(found.table.update().where(*here).values(body=kept.stored, **found.values(body)))


def names(column: Any, subject: str, dialect: str) -> Any:
    """Whether a stored body names a subject: ids lie in it as text, sealed or not."""
    if dialect == "sqlite":
        return func.instr(column, literal(subject.encode())) > 0
    return func.position(literal(subject.encode()).op("IN")(column)) > 0


def seal_plain(connection: Connection, found: RecordTable, seals: RowSeals, studio: Id, *, now: int) -> int:
    """Seal rows that an earlier version stored as they are; how many."""
    if not is_about_people(found.record):
        return 0
    columns = found.table.c
    rows = connection.execute(select(columns.id, columns.body).where(columns.studio_id == studio)).all()
    plain = [(Id(row.id), bytes(row.body)) for row in rows if not bytes(row.body).startswith(_MARK)]
    kept = seals.seal(found.record, plain, now=now)
    changed = [
        {"at": id, "sealed": one.stored} for id, one in kept.items() if one is not None and one.stored != one.body
    ]
    if changed:
        connection.execute(
            update(found.table)
            .where(columns.studio_id == studio, columns.id == bindparam("at"))
            .values(body=bindparam("sealed")),
            changed,
        )
    return len(changed)


def _context(record: type[Record], id: Id) -> str:
    """What a sealed part of a row is bound to."""
    return f"row/{record.KIND}/{id}"


def _is_record(record: type[Record], body: bytes) -> bool:
    try:
        decode(record, body)
    except msgspec.DecodeError:
        return False
    return True
