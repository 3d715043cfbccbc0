"""Finding people by name: words folded so that case and accents do not matter, kept in an FTS5 index."""

import unicodedata
from collections.abc import Iterable, Sequence

import msgspec

from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import Record
from classtap_core.store.engine import Connection, Database

MOST = 20
"""A person chooses from a list; beyond this they type one more letter."""

# Marks belong to words (Indic vowel signs are marks); accents are already gone when text gets here.
_TOKENIZE = "unicode61 remove_diacritics 0 categories 'L* M* N* Co'"
_KEPT_MARKS = (0, 7, 8, 9)  # canonical combining classes: vowel signs, nukta, kana voicing, virama
_UNSPACED = ("CJK UNIFIED", "CJK COMPATIBILITY", "HIRAGANA", "KATAKANA")


def folded(text: str) -> str:
    """Text as it is compared: NFKD, accents off, case folded, scripts written without spaces cut into letters.

    >>> folded("Þóra Ångström")
    'þora angstrom'
    >>> folded("王小明")
    '王 小 明'
    """
    if text.isascii():
        return " ".join(text.lower().split())
    out: list[str] = []
    for char in unicodedata.normalize("NFKD", text).casefold():
        mark = unicodedata.combining(char)
        if mark and mark not in _KEPT_MARKS:
            continue
        out.append(f" {char} " if _stands_alone(char) else char)
    return " ".join("".join(out).split())


def _stands_alone(char: str) -> bool:
    return char > "\u2e7f" and unicodedata.name(char, "").startswith(_UNSPACED)


def words_of(record: Record) -> str:
    """What a record may be found by: its SEARCH fields (text, or tuples of text), folded."""
    found: list[str] = []
    for name in record.SEARCH:
        value = getattr(record, name)
        found.extend([value] if isinstance(value, str) else value)
    return folded(" ".join(found))


def create(db: Database) -> None:
    """Make the table of words and its index."""
    table = db.table("searchable")
    table.create({"number": int, "kind": str, "id": str, "words": str}, pk="number", not_null={"kind", "id", "words"})
    table.create_index(["kind", "id"], index_name="searchable_ref", unique=True)
    table.enable_fts(["words"], tokenize=_TOKENIZE, create_triggers=True)
    db.execute("INSERT INTO searchable_fts(searchable_fts, rank) VALUES ('secure-delete', 1)")


def put(conn: Connection, kind: str, words: Sequence[tuple[Id, str]]) -> None:
    """Set what records of a kind are found by; no words takes a record out."""
    conn.executemany(
        "INSERT INTO searchable (kind, id, words) VALUES (?, ?, ?)"
        " ON CONFLICT (kind, id) DO UPDATE SET words = excluded.words WHERE words <> excluded.words",
        [(kind, id, text) for id, text in words if text],
    )
    remove(conn, kind, [id for id, text in words if not text])


def remove(conn: Connection, kind: str, ids: Iterable[Id]) -> None:
    conn.executemany("DELETE FROM searchable WHERE kind = ? AND id = ?", [(kind, id) for id in ids])


def find(conn: Connection, text: str, *, kinds: Iterable[str], most: int) -> list[tuple[str, Id]]:
    """Kinds and ids of records that have, for every word asked, a word that begins so; in the order of their words."""
    words = folded(text.encode("utf-8", "replace").decode()).replace('"', " ").split()
    words = [word for word in words if any(unicodedata.category(char)[0] in "LMN" for char in word)]
    if not words:
        return []
    query = " ".join(f'"{word}"*' for word in words)
    found: list[tuple[str, Id]] = conn.execute(
        "SELECT s.kind, s.id FROM searchable_fts f JOIN searchable s ON s.number = f.rowid"
        " WHERE searchable_fts MATCH ? AND s.kind IN (SELECT value FROM json_each(?)) ORDER BY s.words, s.id LIMIT ?",
        (query, msgspec.json.encode(list(kinds)).decode(), min(most, MOST)),
    ).fetchall()
    return found
