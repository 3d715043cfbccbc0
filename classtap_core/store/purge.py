"""Rows and keys that go: of scopes a device no longer holds, and of persons who are erased."""

import re
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple

from classtap_core.kernel.erasure import Erasure, concerns, is_about_people, subjects_of, without
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import FieldPlan, plan
from classtap_core.kernel.scopes import covers
from classtap_core.store import search
from classtap_core.store.log import bodies_without, position
from classtap_core.store.rows import RecordTable, id_list
from classtap_core.store.subjects import subjects_in

if TYPE_CHECKING:
    from classtap_core.store.device import SqlDevice
    from classtap_core.store.reader import StoreReader

Changed = Callable[[str, Id, str], None]

_HASHES = re.compile(rb"[0-9a-f]{64}")


def release(device: "SqlDevice", gone: Collection[str], kept: Collection[str], changed: Changed) -> int:
    """Drop rows of scopes that were held and are no more, inside the caller's transaction; how many."""
    conn = device.conn
    subjects: set[str] = set()
    named: set[str] = set()
    dropped = 0
    for table in device.tables.values():
        scopes = _lost(conn.execute(f'SELECT DISTINCT scope FROM "{table.name}"'), gone, kept)
        if scopes:
            rows = conn.execute(
                f'SELECT id, scope, body FROM "{table.name}" WHERE overlaid = 0'
                " AND scope IN (SELECT value FROM json_each(?))",
                (id_list(scopes),),
            ).fetchall()
            subjects |= _drop(device, table, rows, changed)
            named |= {blob.hash for _, _, body in rows for blob, _ in table.blobs(body)}
            dropped += len(rows)
        dropped += _drop_beneath(device, table, gone, kept)
    aside = _lost(conn.execute("SELECT DISTINCT scope FROM aside"), gone, kept)
    conn.execute("DELETE FROM aside WHERE scope IN (SELECT value FROM json_each(?))", (id_list(aside),))
    _drop_blobs(device, named)
    device.told.drop_scopes(gone, kept)
    if subjects:
        _drop_keys(device, subjects)
    return dropped


def drop_rows(device: "SqlDevice", kind: str, ids: Collection[Id], scopes: Collection[str], changed: Changed) -> int:
    """Drop rows by their ids, those that still lie in these scopes and under no overlay; how many.

    Inside the caller's transaction, and quick. Blobs that they named are left to the sweep.
    """
    table = device.tables[kind]
    found = device.conn.execute(
        f'SELECT id, scope, body FROM "{table.name}" WHERE overlaid = 0 AND id IN (SELECT value FROM json_each(?))',
        (id_list(ids),),
    ).fetchall()
    rows = [row for row in found if row[1] in scopes]
    subjects = _drop(device, table, rows, changed)
    if subjects:
        _drop_keys(device, subjects)
    return len(rows)


def _drop(
    device: "SqlDevice", table: RecordTable, rows: Collection[tuple[Id, str, bytes]], changed: Changed
) -> set[str]:
    """Drop rows, with their search words; whose data was in them."""
    for id, scope, _ in rows:
        changed(table.kind, id, scope)
    device.conn.executemany(table.gone_sql, [(id,) for id, _, _ in rows])
    if table.searched:
        search.remove(device.conn, table.kind, [id for id, _, _ in rows])
    return {subject for id, _, body in rows for subject in subjects_of(table.record, id, body)}


def _lost(scopes: Iterable[tuple[str | None]], gone: Collection[str], kept: Collection[str]) -> list[str]:
    return [scope for (scope,) in scopes if scope is not None and covers(gone, scope) and not covers(kept, scope)]


def _drop_beneath(device: "SqlDevice", table: RecordTable, gone: Collection[str], kept: Collection[str]) -> int:
    """The cloud's row beneath an overlay goes; what unsent work wrote over it stays."""
    lost = _lost(device.conn.execute(f'SELECT DISTINCT base_scope FROM "{table.name}" WHERE overlaid = 1'), gone, kept)
    found = device.conn.execute(
        f'UPDATE "{table.name}" SET base = NULL, base_scope = NULL WHERE overlaid = 1'
        " AND base_scope IN (SELECT value FROM json_each(?))",
        (id_list(lost),),
    )
    return int(found.rowcount)


def named_by_rows(device: "SqlDevice | StoreReader") -> set[str]:
    """Hashes of the blobs that a row names, as seen or beneath; of kinds this version does not know, all it might mean."""
    aside = (hash for (body,) in device.conn.execute("SELECT body FROM aside") for hash in _HASHES.findall(body))
    return {hash.decode() for hash in aside} | {
        blob.hash
        for table in device.tables.values()
        if table.carries
        for bodies in device.conn.execute(f'SELECT body, base FROM "{table.name}"')
        for body in bodies
        for blob, _ in table.blobs(body)
    }


def named_by_a_row(device: "SqlDevice", hash: str) -> bool:
    """Whether any row has a hash in it, as seen or beneath."""
    tables = [f'SELECT body FROM "{one.name}"' for one in device.tables.values() if one.carries]
    tables += [f'SELECT base FROM "{one.name}" WHERE base IS NOT NULL' for one in device.tables.values() if one.carries]
    found = device.conn.execute(
        f"SELECT 1 FROM ({' UNION ALL '.join([*tables, 'SELECT body FROM aside'])}) WHERE instr(body, ?) LIMIT 1",
        (hash.encode(),),
    )
    return found.fetchone() is not None


def _drop_blobs(device: "SqlDevice", named: set[str]) -> None:
    """Blobs of rows that went, which no other row names and no operation still cites."""
    left = {hash for hash in named if not device.blobs.cited(hash)}
    if left:
        device.forget_blobs(sorted(left - named_by_rows(device)))


def _drop_keys(device: "SqlDevice", subjects: set[str]) -> None:
    """Keys of persons about whom nothing is left: no row here, no part of unsent work."""
    conn = device.conn
    for table in device.tables.values():
        there = conn.execute(
            f'SELECT id FROM "{table.name}" WHERE id IN (SELECT value FROM json_each(?))', (id_list(subjects),)
        )
        subjects = subjects - {id for (id,) in there}
    for table in device.tables.values():
        if subjects and _names_others(plan(table.record)):
            for id, body in conn.execute(f'SELECT id, coalesce(body, base) FROM "{table.name}"'):
                subjects = subjects - set(subjects_of(table.record, id, body))
    if subjects:
        head = device.head()
        for (payload,) in conn.execute(
            "SELECT payload FROM log WHERE position > ?", (position(head.epoch, head.acked),)
        ):
            subjects = subjects - subjects_in(payload)
        subjects = subjects - device.told.subjects()
    device.subject_keys.drop(subjects - device.blobs.subjects(subjects))


def _names_others(plans: tuple[FieldPlan, ...]) -> bool:
    return any((part.about and part.about.subject != "id") or part.items for part in plans)


def erase(device: "SqlDevice", subject: str, changed: Changed) -> None:
    """Destroy a subject's key and overwrite their rows, inside the caller's transaction."""
    device.subject_keys.destroy(subject)
    device.told.drop_subject(subject)
    device.forget_blobs(device.blobs.of_subject(subject))
    device.conn.execute("DELETE FROM blob_intake WHERE subject = ?", (subject,))
    for table in device.tables.values():
        for row in _rows_naming(device, table, subject):
            _erase_row(device, table, row, subject)
            changed(table.kind, row.id, row.scope)
    needle = f"%{subject}%"
    device.conn.execute("DELETE FROM aside WHERE id = ? OR CAST(body AS TEXT) LIKE ?", (subject, needle))
    device.conn.execute("DELETE FROM effect WHERE CAST(body AS TEXT) LIKE ?", (needle,))
    for at, bodies in device.conn.execute("SELECT position, bodies FROM log WHERE bodies IS NOT NULL").fetchall():
        left = bodies_without(bodies, subject)
        if left != bodies:
            device.conn.execute("UPDATE log SET bodies = ? WHERE position = ?", (left, at))


class _Stored(NamedTuple):
    id: Id
    scope: str
    body: bytes | None
    base: bytes | None


def _rows_naming(device: "SqlDevice", table: RecordTable, subject: str) -> list[_Stored]:
    """Rows that hold something of a subject, as seen or beneath."""
    if table.record is Erasure:
        return []
    columns = f'SELECT id, scope, body, base FROM "{table.name}" WHERE id = ?'
    if not is_about_people(table.record):
        return [_Stored(*row) for row in device.conn.execute(columns, (subject,)).fetchall()]
    needle = f"%{subject}%"
    rows = device.conn.execute(
        f"{columns} OR CAST(body AS TEXT) LIKE ? OR CAST(base AS TEXT) LIKE ?", (subject, needle, needle)
    ).fetchall()
    return [
        row
        for row in (_Stored(*found) for found in rows)
        if concerns(table.record, row.id, row.body, subject) or concerns(table.record, row.id, row.base, subject)
    ]


def _erase_row(device: "SqlDevice", table: RecordTable, row: _Stored, subject: str) -> None:
    body, base = (without(table.record, row.id, data, subject) for data in (row.body, row.base))
    words = search.NOTHING
    if body is None and base is None:
        device.conn.execute(table.drop_sql, (row.id,))
    else:
        values, words = table.derived(body) if body is not None else ((None,) * len(table.fields), search.NOTHING)
        device.conn.execute(table.erase_sql, (body, base, *values, row.id))
    if table.searched:
        search.put(device.conn, table.kind, [(row.id, words)])
