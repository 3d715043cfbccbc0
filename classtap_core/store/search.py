"""Finding people, classes and instructors: an FTS5 index of words, and beside it what an index of words cannot answer.

`searchable` has a row for each record that may be found: its folded words, and the keys of its other spellings.
`search_word` has each distinct word and key once, so that parts of words and slips of the finger are looked for among
some thousand words, never among all persons. `search_reach` has telephone digits and e-mail addresses. All is in the
encrypted file, and written in the transaction that writes the record.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import Record, Row
from classtap_core.naming.consonants import MARK
from classtap_core.naming.matching import SHORTEST_SLIP, Asked, Fit, digits_of, fit, slipped
from classtap_core.naming.spelling import KEY, Spellings, folded, keys_of
from classtap_core.store.engine import Connection, Database

MOST = 20
"""A person chooses from a list; beyond this they type one more letter."""

FORM = 3
"""What the index is made of; with another, it is made again from the rows."""

_TOKENIZE = "unicode61 remove_diacritics 0 categories 'L* M* N* Co'"
_REACH = ("phone", "email")
_MOST_LOOKED_AT = 40  # at each step: the best twenty, and as many that the step before named
_MOST_SORTED = 2_000
_MOST_WORDS = 200
_LAST = "\U0010ffff"


class Words(NamedTuple):
    """What a record may be found by: folded words, keys of other spellings, digits, an address."""

    words: str = ""
    alike: str = ""
    phone: str = ""
    email: str = ""


NOTHING = Words()


class Found(NamedTuple):
    """A record that fits what was asked, and how."""

    row: Row
    fit: Fit


Readable = Callable[[str, str], bool]
"""Whether who asks may read records of a kind in a scope."""


def texts_of(record: Record) -> list[tuple[str, str]]:
    """A record's SEARCH fields with their texts."""
    found: list[tuple[str, str]] = []
    for name in record.SEARCH:
        value = getattr(record, name)
        found.extend((name, text) for text in ((value,) if isinstance(value, str) else value) if text)
    return found


def words_of(record: Record) -> Words:
    """What a record may be found by."""
    texts = texts_of(record)
    names = [text for name, text in texts if name not in _REACH]
    words = " ".join(word for text in names if (word := folded(text)))
    alike = " ".join(sorted(frozenset().union(*(keys_of(text) for text in names)).difference(words.split())))
    phone, email = (" ".join(text for name, text in texts if name == wanted) for wanted in _REACH)
    return Words(words, alike, digits_of(phone), email.lower())


# -- the index


def create(db: Database) -> None:
    """Make the tables of the index."""
    table = db.table("searchable")
    columns = {"number": int, "kind": str, "id": str, "words": str, "alike": str}
    table.create(columns, pk="number", not_null=set(columns) - {"number"})
    table.create_index(["kind", "id"], index_name="searchable_ref", unique=True)
    # Written by `put` and `remove`: a trigger for each row would take twice as long.
    db.execute(
        "CREATE VIRTUAL TABLE searchable_fts USING fts5 (words, alike, content = 'searchable', content_rowid = 'number',"
        f' columnsize = 0, tokenize = "{_TOKENIZE}")'
    )
    db.execute("INSERT INTO searchable_fts(searchable_fts, rank) VALUES ('secure-delete', 1)")
    db.execute("CREATE TABLE search_word (word TEXT PRIMARY KEY) WITHOUT ROWID")
    db.execute("CREATE INDEX search_word_end ON search_word (substr(word, -2))")
    db.execute("CREATE TABLE search_reach (number INTEGER PRIMARY KEY, phone TEXT NOT NULL, email TEXT NOT NULL)")


def drop(db: Database) -> None:
    """Take the tables of the index away, of whatever form; what can be found can be derived from the rows again."""
    for table in ("searchable_fts", "searchable", "search_word", "search_reach"):
        db.execute(f"DROP TABLE IF EXISTS {table}")


def put(conn: Connection, kind: str, words: Sequence[tuple[Id, Words]]) -> None:
    """Set what records of a kind are found by; no words take a record out."""
    before = _as_kept(conn, kind, [id for id, _ in words])
    changed = {id: one for id, one in words if any(one) and (id not in before or before[id].words != one)}
    _take_out(conn, [before[id] for id in changed if id in before])
    (last,) = conn.execute("SELECT coalesce(max(number), 0) FROM searchable").fetchone()
    numbers = {id: before[id].number if id in before else last + place for place, id in enumerate(changed, 1)}
    conn.executemany(
        "INSERT INTO searchable (number, kind, id, words, alike) VALUES (?, ?, ?, ?, ?)",
        [(numbers[id], kind, id, one.words, one.alike) for id, one in changed.items()],
    )
    conn.executemany(
        "INSERT INTO searchable_fts (rowid, words, alike) VALUES (?, ?, ?)",
        [(numbers[id], one.words, one.alike) for id, one in changed.items()],
    )
    conn.executemany(
        "INSERT OR IGNORE INTO search_word (word) VALUES (?)",
        [(word,) for word in sorted({word for one in changed.values() for word in _distinct(one)})],
    )
    conn.executemany(
        "INSERT INTO search_reach (number, phone, email) VALUES (?, ?, ?)",
        [(numbers[id], one.phone, one.email) for id, one in changed.items() if one.phone or one.email],
    )
    _forget(conn, {word for id in changed if id in before for word in _distinct(before[id].words)})
    gone = [id for id, one in words if not any(one)]
    if gone:
        remove(conn, kind, gone)


def remove(conn: Connection, kind: str, ids: Iterable[Id]) -> None:
    """Take records out, and every word that was theirs alone."""
    before = _as_kept(conn, kind, list(ids))
    _take_out(conn, list(before.values()))
    _forget(conn, {word for one in before.values() for word in _distinct(one.words)})


class _Kept(NamedTuple):
    number: int
    words: Words


def _as_kept(conn: Connection, kind: str, ids: Iterable[Id]) -> dict[Id, _Kept]:
    rows = conn.execute(
        "SELECT s.id, s.number, s.words, s.alike, coalesce(r.phone, ''), coalesce(r.email, '') FROM json_each(?) asked"
        " CROSS JOIN searchable s ON s.kind = ? AND s.id = asked.value LEFT JOIN search_reach r ON r.number = s.number",
        (msgspec.json.encode(list(ids)).decode(), kind),
    )
    return {id: _Kept(number, Words(*rest)) for id, number, *rest in rows}


def _take_out(conn: Connection, kept: Sequence[_Kept]) -> None:
    conn.executemany(
        "INSERT INTO searchable_fts (searchable_fts, rowid, words, alike) VALUES ('delete', ?, ?, ?)",
        [(one.number, one.words.words, one.words.alike) for one in kept],
    )
    for table in ("searchable", "search_reach"):
        conn.executemany(f"DELETE FROM {table} WHERE number = ?", [(one.number,) for one in kept])


def _distinct(words: Words) -> set[str]:
    return {*words.words.split(), *words.alike.split()}


def _forget(conn: Connection, words: Iterable[str]) -> None:
    """Drop words that nobody is found by any more: a word may be a person's whole name."""
    conn.executemany(
        "DELETE FROM search_word WHERE word = ? AND NOT EXISTS"
        " (SELECT 1 FROM searchable_fts WHERE searchable_fts MATCH ?)",
        [(word, f'"{word}"') for word in words],
    )


# -- the search


class Candidate(NamedTuple):
    """A record that may fit: the steps of `candidates` find generously, `fit` judges."""

    kind: str
    id: Id


def candidates(conn: Connection, asked: Asked, *, kinds: Iterable[str]) -> Iterator[list[Candidate]]:
    """Records that may fit, in steps from the best to the least; each step may name some again."""
    wanted = msgspec.json.encode(list(kinds)).decode()
    if not asked:
        return
    if asked.digits or "@" in asked.email:
        yield _reached(conn, asked, wanted)
    yield _matching(conn, f'{{words}} : ^ "{asked.text}" *', wanted, MOST)
    groups, before = [_Group(spelled) for spelled in asked.words], ""
    for widen in (_Group.begin, _Group.part, _Group.spell, _Group.slip):
        for group in groups:
            widen(group, conn)
        query = " AND ".join(f"({' OR '.join(sorted(group.terms))})" for group in groups)
        if query == before:
            continue
        before = query
        yield _matching(conn, query, wanted, _MOST_LOOKED_AT)
    if asked.email and not asked.digits:
        yield _reached(conn, asked, wanted)


def _matching(conn: Connection, query: str, kinds: str, most: int) -> list[Candidate]:
    """The first of the alphabet; of a crowd, the first of those that came first."""
    return _rows(
        conn,
        "SELECT s.kind, s.id FROM (SELECT rowid AS number FROM searchable_fts WHERE searchable_fts MATCH ? LIMIT ?) f"
        " CROSS JOIN searchable s USING (number) WHERE +s.kind IN (SELECT value FROM json_each(?))"
        " ORDER BY s.words, s.id LIMIT ?",
        (query, _MOST_SORTED, kinds, most),
    )


def _rows(conn: Connection, sql: str, parameters: Sequence[object]) -> list[Candidate]:
    return [Candidate(kind, id) for kind, id in conn.execute(sql, parameters).fetchall()]


def _reached(conn: Connection, asked: Asked, kinds: str) -> list[Candidate]:
    parts = [("phone", part) for part in asked.numbers()] if asked.digits else [("email", asked.email)]
    tests = " OR ".join(f"instr(r.{column}, ?)" for column, _ in parts)
    return _rows(
        conn,
        f"SELECT s.kind, s.id FROM search_reach r CROSS JOIN searchable s USING (number) WHERE ({tests})"
        " AND +s.kind IN (SELECT value FROM json_each(?)) ORDER BY s.words, s.id LIMIT ?",
        (*(part for _, part in parts), kinds, _MOST_LOOKED_AT),
    )


class _Group:
    """What one typed word may stand for, as terms of an FTS5 query; each step adds to them."""

    def __init__(self, asked: Spellings) -> None:
        self.asked = asked
        self.terms: set[str] = set()

    def begin(self, conn: Connection) -> None:
        self.terms.add(f'{{words}} : "{self.asked.word}"*')

    def part(self, conn: Connection) -> None:
        if len(self.asked.word) > 1:
            found = conn.execute(
                "SELECT word FROM search_word WHERE word < ? AND instr(word, ?) > 1 LIMIT ?",
                (MARK, self.asked.word, _MOST_WORDS),
            )
            self.terms.update(f'"{word}"' for (word,) in found)

    def spell(self, conn: Connection) -> None:
        for mark in ("", KEY):
            self.terms.update(f'"{mark}{begins}"*' for begins in self.asked.begins)
            if self.asked.key and not self.asked.begins:
                self.terms.add(f'"{mark}{self.asked.key}"')
        if self.asked.bones:
            self.terms.add(f'"{self.asked.bones}"' + ("*" if self.asked.bones_begin else ""))

    def slip(self, conn: Connection) -> None:
        for typed in {self.asked.word, self.asked.key}:
            if len(typed) >= SHORTEST_SLIP and not typed.isdecimal():
                found = [word for word in _half_alike(conn, typed) if slipped(self.asked, (word.lstrip(KEY),))]
                self.terms.update(f'"{word}"' for word in found[:_MOST_WORDS])


def _half_alike(conn: Connection, typed: str) -> list[str]:
    """Words that one slip may lead to: it is in one half of a word, so the other half is as it was typed.

    Only letters swapped across the middle change both.
    """
    half = len(typed) // 2
    first, rest = typed[:half], typed[half:]
    swapped = typed[: half - 1] + typed[half] + typed[half - 1] + typed[half + 1 :]
    begins = [mark + start for mark in ("", KEY) for start in (first, swapped)]
    ranges = " OR ".join("word >= ? AND word < ?" for _ in begins)
    found = conn.execute(
        f"SELECT word FROM search_word WHERE {ranges} UNION SELECT word FROM search_word WHERE substr(word, -2) = ?"
        " AND substr(word, ?) = ? AND length(word) BETWEEN ? AND ?",
        (
            *(bound for start in begins for bound in (start, start + _LAST)),
            typed[-2:], -len(rest), rest, len(typed) - 1, len(typed) + 2,
        ),
    )  # fmt: skip
    return [word for (word,) in found]


def find(
    conn: Connection, text: str, *, kinds: Iterable[str], rows: Callable[[str, Sequence[Id]], Iterable[Row]],
    record_of: Callable[[Row], Record | None], readable: Readable | None, most: int,
) -> list[Found]:  # fmt: skip
    """What fits a text, best first; `rows` and `record_of` give what a step's candidates are now."""
    asked = Asked(text)
    found: dict[Candidate, Found] = {}
    seen: set[Candidate] = set()
    for step in candidates(conn, asked, kinds=kinds):
        fresh = [one for one in step if one not in seen]
        seen.update(fresh)
        here: dict[Candidate, Row] = {}
        for kind in dict.fromkeys(one.kind for one in fresh):
            ids = [one.id for one in fresh if one.kind == kind]
            here.update((Candidate(kind, row.id), row) for row in rows(kind, ids))
        for one in fresh:
            row = here.get(one)
            if row is None or (readable is not None and not readable(row.kind, row.scope)):
                continue
            record = record_of(row)
            judged = None if record is None else fit(asked, texts_of(record))
            if judged is not None:
                found[one] = Found(row, judged)
        if len(found) >= most:
            break
    return sorted(found.values(), key=lambda one: one.fit.how)[:most]
