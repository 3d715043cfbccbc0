"""Is a store what its log says? The chain, every row against the fold of recorded changes, and the file itself."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from classtap_core.kernel.chain import ChainRow, Verified, verify_device
from classtap_core.kernel.envelope import read
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.records import Row
from classtap_core.kernel.tx import Change, Ref, fold
from classtap_core.store.engine import Connection, faults
from classtap_core.store.reader import StoreReader
from classtap_core.store.rows import RecordTable


class BadEntry(NamedTuple):
    """The first entry of a chain that is wrong, with a code."""

    epoch: int
    sequence: int
    why: str


class Checked(NamedTuple):
    """What checking a store came to.

    Attributes:
        entries: of the log, all verified. rows: that people can see. wrong: records whose row is not base and pending
            changes. file: what SQLite and SQLCipher find wrong with the pages, in their words. blobs: files of blobs that
        are not what was sealed, each with a word.
    """

    entries: int
    rows: int
    chain: BadEntry | None
    wrong: tuple[Ref, ...]
    file: tuple[str, ...]
    blobs: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.chain is None and not self.wrong and not self.file and not self.blobs


def check(reader: StoreReader) -> Checked:
    """Verify each epoch's chain, that seen rows = fold(base rows + pending changes), and every page of the file.

    What was erased is left out: its chain still verifies, and there is no row to compare. Raises EnvironmentFault as
    `engine.faults` does.
    """
    with faults():
        entries, bad = _chains(reader)
        pending: dict[Ref, list[Change]] = {}
        for change in reader.pending_changes():
            pending.setdefault(change.ref, []).append(change)
        wrong = [ref for table in reader.tables.values() for ref in _wrong_rows(reader, table, pending)]
        rows = sum(_count(reader, table) for table in reader.tables.values())
        return Checked(entries, rows, bad, tuple(wrong), tuple(_file_faults(reader)))


KNOWN_GAPS = "salvaged"
"""The small value that names the epochs of which salvaging could not keep every entry."""


def known_gaps(reader: StoreReader) -> frozenset[int]:
    """The epochs that are known not to be whole, since a salvage said so."""
    found = reader.recall(KNOWN_GAPS)
    return frozenset() if found is None else frozenset(msgspec.json.decode(found, type=list[int]))


def _chains(reader: StoreReader) -> tuple[int, BadEntry | None]:
    entries, gaps = 0, known_gaps(reader)
    for epoch in reader.epochs():
        if epoch in gaps:
            found = _pieces(reader.chain(epoch))
        else:
            found = verify_device(reader.chain(epoch), head=reader.chain_head(epoch))
        entries += found.entries
        if not found.ok:
            return entries, BadEntry(epoch, found.bad_sequence or 0, found.why)
    return entries, None


def _pieces(rows: Iterable[ChainRow]) -> Verified:
    """Verify what there is of a chain with gaps: each entry, and its link to the one before where that is there."""
    entries, before, end = 0, 0, ""
    for row in rows:
        try:
            sealed = read(row.data, row.parts)
        except BadInput as bad:
            return Verified(entries, row.sequence, bad.code)
        previous = end if row.sequence == before + 1 and end else sealed.envelope.previous
        found = verify_device([row], previous=previous, first=row.sequence)
        if not found.ok:
            return Verified(entries, found.bad_sequence, found.why)
        entries, before, end = entries + 1, row.sequence, sealed.hash
    return Verified(entries)


def _wrong_rows(reader: StoreReader, table: RecordTable, pending: dict[Ref, list[Change]]) -> Iterator[Ref]:
    """Rows under an overlay that are not the fold; changes without a row; overlays that nothing pending explains."""
    overlaid = {
        id: (base, body)
        for id, base, body in reader.conn.execute(
            f'SELECT id, base, body FROM "{table.name}" WHERE overlaid = 1'
        ).fetchall()
    }
    changed = {id: changes for (kind, id), changes in pending.items() if kind == table.kind}
    for id in sorted({*overlaid, *changed}):
        base, body = overlaid.get(id, (None, None))
        changes = changed.get(id, [])
        if any(reader.erased(subject) for subject in _named(id, changes)):
            continue
        row = None if base is None else Row(table.kind, id, "", base)
        for change in changes:
            row = fold(row, change)
        if _data(row and row.body) != _data(body):
            yield (table.kind, id)
    for (id,) in reader.conn.execute(
        f'SELECT id FROM "{table.name}" WHERE overlaid NOT IN (0, 1) OR (overlaid = 0 AND (body IS NULL'
        " OR base IS NOT NULL))"
    ):
        yield (table.kind, id)


def _named(id: str, changes: list[Change]) -> Iterator[str]:
    """Ids that a record's changes name: one of them may be somebody who was erased."""
    yield id
    for change in changes:
        for side in (change.before, change.after):
            yield from (value for value in (side or {}).values() if isinstance(value, str) and len(value) == 32)


def _data(body: bytes | None) -> Any:
    return None if body is None else msgspec.json.decode(body)


def _count(reader: StoreReader, table: RecordTable) -> int:
    return int(reader.conn.execute(f'SELECT count(*) FROM "{table.name}" WHERE body IS NOT NULL').fetchone()[0])


def _file_faults(reader: StoreReader) -> Iterator[str]:
    yield from (f"cipher_integrity_check: {said}" for said in damaged_pages(reader.conn).values())
    for (said,) in reader.conn.execute("PRAGMA integrity_check").fetchall():
        if said != "ok":
            yield f"integrity_check: {said}"


def damaged_pages(conn: Connection) -> dict[int, str]:
    """Pages of the file whose seal is broken, with SQLCipher's words.

    It looks at the file alone. While a store is used, what the write-ahead log holds of a page is the page, and the
    file may have a hole there, or a page half written: neither is damage, so those are left out and the rest looked
    at twice.
    """
    found = _broken_seals(conn)
    if found:
        again = _broken_seals(conn)
        waiting = _pages_waiting(Path(conn.execute("PRAGMA database_list").fetchone()[2]))
        found = {page: said for page, said in found.items() if page in again and page not in waiting}
    return found


def _broken_seals(conn: Connection) -> dict[int, str]:
    said = [words for (words,) in conn.execute("PRAGMA cipher_integrity_check").fetchall()]
    return {int(words.rsplit(" ", 1)[-1]) if words[-1:].isdigit() else 0: words for words in said}


def _pages_waiting(path: Path) -> set[int]:
    """Page numbers in the write-ahead log (https://sqlite.org/fileformat2.html, 4.1: they are not encrypted)."""
    try:
        with path.with_name(path.name + "-wal").open("rb") as file:
            size = int.from_bytes(file.read(32)[8:12], "big")
            pages = set()
            while len(header := file.read(24)) == 24:
                pages.add(int.from_bytes(header[:4], "big"))
                file.seek(size, os.SEEK_CUR)
            return pages
    except OSError:
        return set()
