"""What leaves a device because it is long over: rows of dated scopes, and what old entries of the log said of persons.

Only what is settled: work the cloud has not answered, or whose rows have not come back, stays with all it rests on. The
chain stays whole, because an entry keeps its envelope and with it the commitments.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.scopes import last_day
from classtap_core.store.log import LET_GO, position
from classtap_core.store.rows import RecordTable
from classtap_core.store.subjects import open_only
from classtap_core.store.writer import Slices

if TYPE_CHECKING:
    from classtap_core.store.device import SqlDevice

DAYS = 90
"""How long what is settled stays on a device, where nobody has said otherwise."""
FEWEST_DAYS = 7
_DAY_MS = 86_400_000
_ENTRIES_A_SLICE = 200


class Gone(NamedTuple):
    """What a round came to: scopes and rows that left, entries of the log that keep only their envelopes."""

    scopes: int
    rows: int
    entries: int


def let_go(device: "SqlDevice", *, now_ms: int, days: int) -> Slices[Gone]:
    """Let go of all that ended so many days ago, a little at a time; runs on the writer, behind everything else."""
    before = (datetime.fromtimestamp(now_ms / 1_000, tz=UTC) - timedelta(days=days)).date()
    scopes, rows, entries, after = old_scopes(device, before), 0, 0, 0
    for scope in scopes:
        rows += device.let_go([scope], floor=before.isoformat())
        yield
    said_again = _said_again(device)
    while found := old_entries(device, now_ms - days * _DAY_MS, after=after):
        with device.atomic():
            empty(device, [at for at, id in found if id not in said_again])
        entries, after = entries + len(found), found[-1][0]
        yield
    return Gone(len(scopes), rows, entries)


def old_scopes(device: "SqlDevice", before: date) -> list[str]:
    """Dated scopes that ended before a day and in which nothing is unsettled, oldest first."""
    names = {state.scope for state in device.scopes()}
    busy: set[str] = set()
    for table in (*(f'"{one.name}"' for one in device.tables.values()), "aside"):
        names |= {scope for (scope,) in device.conn.execute(f"SELECT DISTINCT scope FROM {table}")}
    for one in device.tables.values():
        busy |= set(_unsettled(device, one))
    days = {scope: last_day(scope) for scope in names - busy}
    ended = [(day, scope) for scope, day in days.items() if day is not None and day < before]
    return [scope for _, scope in sorted(ended)]


def _unsettled(device: "SqlDevice", table: RecordTable) -> Iterator[str]:
    """Scopes with rows that unsent or unsettled work wrote, or rests on."""
    rows = device.conn.execute(
        f'SELECT scope, base_scope FROM "{table.name}" WHERE overlaid = 1 UNION'
        f' SELECT scope, base_scope FROM "{table.name}" WHERE id IN'
        " (SELECT id FROM touch WHERE kind = ? AND settled <> 1)",
        (table.kind,),
    )
    for scopes in rows:
        yield from (scope for scope in scopes if scope)


def old_entries(device: "SqlDevice", before_ms: int, *, after: int = 0) -> list[tuple[int, Id]]:
    """Positions and ids of entries older than an instant that may lose their words, in order, some at a time.

    Answered, settled, not set aside by the cloud, and with nothing about them that somebody has still to be told.
    """
    found: list[tuple[int, Id]] = []
    for epoch in device.epochs():
        found += device.conn.execute(
            "SELECT position, id FROM log WHERE position BETWEEN ? AND ? AND at_ms < ?"
            " AND (settled = 1 OR (folded = 0 AND settled = 0))"
            " AND (answer IS NULL OR json_extract(answer, '$.status') <> 'quarantined')"
            " AND id NOT IN (SELECT operation FROM notice) ORDER BY position LIMIT ?",
            (
                max(position(epoch, 0), after + 1), position(epoch, device.acked(epoch)), before_ms,
                _ENTRIES_A_SLICE - len(found),
            ),
        ).fetchall()  # fmt: skip
        if len(found) >= _ENTRIES_A_SLICE:
            break
    return found


def _said_again(device: "SqlDevice") -> set[str]:
    """Ids under which what the cloud had set aside was said again: that they are there says that it was."""
    rows = device.conn.execute("SELECT id FROM log WHERE json_extract(answer, '$.status') = 'quarantined'")
    return {derived("retry", id) for (id,) in rows}


def empty(device: "SqlDevice", positions: Sequence[int]) -> None:
    """Take the words out of entries: what they said of persons, and what they changed. Envelopes stay."""
    for at in positions:
        (payload,) = device.conn.execute("SELECT payload FROM log WHERE position = ?", (at,)).fetchone()
        device.conn.execute(
            "UPDATE log SET payload = ?, changes = x'', bodies = NULL, settled = ? WHERE position = ?",
            (open_only(payload), LET_GO, at),
        )
