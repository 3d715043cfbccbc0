"""The index of this device's own log: what each entry can be found by. Made from the log, and made again from it at will.

It follows the log when somebody looks, never while somebody works.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from classtap_core.auditing.finding import Scan, Spot
from classtap_core.auditing.terms import WORD, terms_of
from classtap_core.kernel.canonical import parse
from classtap_core.kernel.envelope import own
from classtap_core.kernel.errors import BadInput
from classtap_core.store.engine import Connection, Database
from classtap_core.store.rows import id_list
from classtap_core.store.subjects import open_part

SLICE = 500
"""Entries that one piece of work on the writer's thread takes in: some 30 ms."""


def create(db: Database) -> None:
    """The tables, inside the caller's transaction."""
    db.execute("CREATE TABLE trail_name (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)")
    db.execute(
        "CREATE TABLE trail (number INTEGER NOT NULL, at_ms INTEGER NOT NULL, position INTEGER NOT NULL,"
        " PRIMARY KEY (number, at_ms, position)) WITHOUT ROWID"
    )
    db.execute("CREATE TABLE trail_head (position INTEGER NOT NULL)")
    db.execute("INSERT INTO trail_head (position) VALUES (0)")


def behind(conn: Connection) -> int:
    """How many entries of the log are not in the index yet."""
    (count,) = conn.execute("SELECT count(*) FROM log WHERE position > (SELECT position FROM trail_head)").fetchone()
    return int(count)


def follow(conn: Connection, most: int = SLICE) -> int:
    """Take the next entries in, inside the caller's transaction; how many there were."""
    rows = conn.execute(
        "SELECT position, envelope, payload, changes FROM log WHERE position > (SELECT position FROM trail_head)"
        " ORDER BY position LIMIT ?",
        (most,),
    ).fetchall()
    found: list[tuple[int, int, frozenset[str]]] = []
    for at, data, payload, changes in rows:
        try:
            envelope = own(data)
        except BadInput:
            continue
        found.append((envelope.at.corrected, at, terms_of(envelope, _said(payload), _listed(changes))))
    numbers = _numbered(conn, {term for _, _, terms in found for term in terms})
    conn.executemany(
        "INSERT OR IGNORE INTO trail (number, at_ms, position) VALUES (?, ?, ?)",
        sorted((numbers[term], at_ms, at) for at_ms, at, terms in found for term in terms),
    )
    if rows:
        conn.execute("UPDATE trail_head SET position = ?", (rows[-1][0],))
    return len(rows)


def _numbered(conn: Connection, terms: set[str]) -> Mapping[str, int]:
    conn.executemany("INSERT OR IGNORE INTO trail_name (name) VALUES (?)", [(term,) for term in sorted(terms)])
    return Trail(conn).numbers(terms)


def _said(payload: bytes) -> Mapping[str, Any]:
    """What is nobody's of what an entry said."""
    said: Mapping[str, Any] = _open(payload, {})
    return said


def _listed(changes: bytes) -> Sequence[Mapping[str, Any]]:
    listed: Sequence[Mapping[str, Any]] = _open(changes, [])
    return listed


def _open(stored: bytes, empty: Any) -> Any:
    data = open_part(stored)
    if not data:
        return empty
    part = parse(data)
    return part["values"].get("", empty) if isinstance(part, dict) else empty


class Trail:
    """The index of `auditing.finding` over one connection."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def numbers(self, terms: Iterable[str]) -> Mapping[str, int]:
        rows = self._conn.execute(
            "SELECT name, number FROM trail_name WHERE name IN (SELECT value FROM json_each(?))", (id_list(terms),)
        )
        return dict(rows.fetchall())

    def words_with(self, part: str, most: int) -> Sequence[int]:
        rows = self._conn.execute(
            "SELECT number FROM trail_name WHERE name BETWEEN ? AND ? AND instr(substr(name, ?), ?) ORDER BY name LIMIT ?",
            (WORD, WORD + "\U0010ffff", len(WORD) + 1, part, most),
        )
        return [number for (number,) in rows]

    def weigh(self, number: int, low: Spot, high: Spot, most: int) -> int:
        (count,) = self._conn.execute(
            "SELECT count(*) FROM (SELECT 1 FROM trail WHERE number = ? AND (at_ms, position) >= (?, ?)"
            " AND (at_ms, position) < (?, ?) LIMIT ?)",
            (number, *low, *high, most),
        ).fetchone()
        return int(count)

    def scan(
        self, number: int, others: Sequence[Sequence[int]], low: Spot, high: Spot, *, most: int, budget: int
    ) -> Scan:
        span = (number, *low, *high)
        inside = "FROM trail WHERE number = ? AND (at_ms, position) >= (?, ?) AND (at_ms, position) < (?, ?)"
        newest = "ORDER BY at_ms DESC, position DESC"
        met = "".join(
            f" AND EXISTS (SELECT 1 FROM trail t WHERE t.number IN ({','.join(map(str, group))})"
            " AND t.at_ms = d.at_ms AND t.position = d.position)"
            for group in others
        )
        rows = self._conn.execute(
            f"SELECT d.at_ms, d.position FROM (SELECT at_ms, position {inside} {newest} LIMIT ?) d WHERE 1{met}"
            f" {newest} LIMIT ?",
            (*span, budget, most),
        ).fetchall()
        spots = [Spot(*row) for row in rows]
        reached: Spot | None = None
        if len(spots) < most:
            last = self._conn.execute(f"SELECT at_ms, position {inside} {newest} LIMIT 1 OFFSET ?", (*span, budget - 1))
            row = last.fetchone()
            reached = Spot(*row) if row is not None else None
        return Scan(spots, reached)
