"""Reads an encrypted store by SQLite3MultipleCiphers, an implementation that shares no cipher code with SQLCipher.

Run in an environment of its own (its module is called apsw, and it brings its own SQLite): `python sqlite3mc_reader.py
FILE KEY` prints, as JSON, how it was built, whether every page is sound, and each ordinary table's rows.
"""

import json
import sys

import apsw  # type: ignore[import-not-found]


def main(file: str, key: str) -> None:
    """FILE is opened for reading only; KEY is the raw key, 64 hex digits."""
    conn = apsw.Connection(file, flags=apsw.SQLITE_OPEN_READONLY)
    for pragma in ("cipher = 'sqlcipher'", "legacy = 4", f"key = \"x'{key}'\""):
        list(conn.execute(f"PRAGMA {pragma}"))
    tables = conn.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
    ).fetchall()
    rows = {
        name: [[_plain(one) for one in row] for row in conn.execute(f'SELECT * FROM "{name}"')] for (name,) in tables
    }
    found = {
        "built": f"{apsw.mc_version}, SQLite {apsw.sqlite_lib_version()}",
        "integrity": conn.execute("PRAGMA integrity_check").fetchall()[0][0],
        "tables": {name: sorted(found, key=json.dumps) for name, found in rows.items()},
    }
    json.dump(found, sys.stdout)


def _plain(value: object) -> object:
    return {"bytes": value.hex()} if isinstance(value, bytes) else value


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
