"""How a guardian comes in: a one-time link, the session it opens, and six-digit codes. Only hashes are kept of them."""

import base64
import hmac
import secrets
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, and_, delete, select, update

from classtap_core.kernel.clock import Clock
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from cloud.storage.backend import Books
from cloud.storage.directory import hashed

DAY_MS = 86_400_000
LINK_MS = 7 * DAY_MS
SESSION_MS = 30 * DAY_MS
CODE_MS = 10 * 60_000
HELD_MS = 15 * 60_000
MOST_TRIES = 5
"""So many wrong codes, and none is taken or sent for `HELD_MS`."""
LINK, SESSION, CODE, HELD = "link", "session", "code", "held"
_ID_BYTES, _SECRET_BYTES = 16, 24


class Inside(NamedTuple):
    """Who a session stands for."""

    studio: Id
    contact: Id


class Doors:
    """Links, sessions and codes of every studio's guardians. Safe to call from several threads."""

    def __init__(self, books: Books, clock: Clock) -> None:
        self._books, self._clock, self._table = books, clock, books.tables.door

    def link(self, studio: Id, contact: Id) -> str:
        """The text of a link that lets a guardian in once, within a week."""
        return self._made(studio, contact, LINK, LINK_MS)

    def look(self, text: str) -> None:
        """Look at a link without using it up. Raises as `enter`."""
        studio = studio_of(text)
        with self._books.database.read(studio) as connection:
            row = connection.execute(select(self._table).where(self._named(studio, text, LINK))).first()
        if _good(row, self._now()).used_ms is not None:
            raise Refused("link.used")

    def knows(self, text: str) -> bool:
        """Whether a link is one of ours, used or not. Raises Refused `link.unknown` for a text that names no studio."""
        return self._is_there(studio_of(text), text, LINK)

    def enter(self, text: str) -> str:
        """Use a link up; the text of the session it opens. Raises Refused `link.unknown`, `link.expired`, `link.used`."""
        studio, now = studio_of(text), self._now()
        if not self._is_there(studio, text, LINK):
            raise Refused("link.unknown")
        with self._books.database.write(studio) as connection:
            row = connection.execute(select(self._table).where(self._named(studio, text, LINK))).first()
            contact = Id(_good(row, now).contact)
            mine = and_(self._named(studio, text, LINK), self._table.c.used_ms.is_(None))
            if not connection.execute(update(self._table).where(mine).values(used_ms=now)).rowcount:
                raise Refused("link.used")
        return self._made(studio, contact, SESSION, SESSION_MS)

    def inside(self, text: str) -> Inside:
        """Who a session stands for. Raises Refused `session.over`."""
        try:
            studio = studio_of(text)
        except Refused:
            raise Refused("session.over") from None
        with self._books.database.read(studio) as connection:
            row = connection.execute(select(self._table).where(self._named(studio, text, SESSION))).first()
        if row is None or self._now() >= row.expires_ms:
            raise Refused("session.over")
        return Inside(studio, Id(row.contact))

    def leave(self, text: str) -> None:
        """End a session."""
        studio = studio_of(text)
        if not self._is_there(studio, text, SESSION):
            return
        with self._books.database.write(studio) as connection:
            connection.execute(delete(self._table).where(self._named(studio, text, SESSION)))

    def shut(self, studio: Id, contact: Id) -> None:
        """End every session and link of somebody who must not come in any more."""
        table = self._table
        with self._books.database.write(studio) as connection:
            connection.execute(delete(table).where(table.c.studio_id == studio, table.c.contact == contact))

    # --- codes

    def code(self, studio: Id, contact: Id, way: str) -> str:
        """Six digits for one way to a guardian, good for ten minutes; the one before is no longer.

        Raises Refused `code.held` while too many wrong ones were typed.
        """
        self._ask_held(studio, contact)
        code = f"{secrets.randbelow(1_000_000):06d}"
        table, now = self._table, self._now()
        row = {
            "studio_id": studio, "hash": self._code_hash(studio, contact, way, code), "kind": CODE, "contact": contact,
            "about": way, "made_ms": now, "expires_ms": now + CODE_MS, "used_ms": None, "tries": 0,
        }  # fmt: skip
        with self._books.database.write(studio) as connection:
            mine = self._of(studio, contact, CODE)
            tries = max((one.tries for one in connection.execute(select(table).where(mine))), default=0)
            connection.execute(delete(table).where(mine))
            connection.execute(table.insert(), [{**row, "tries": tries}])
        return code

    def check(self, studio: Id, contact: Id, code: str) -> str:
        """Which way was proven. Raises Refused `code.wrong` (with tries `left`), `code.expired`, `code.held`.

        A new code does not give back the tries that wrong ones took.
        """
        self._ask_held(studio, contact)
        table, now = self._table, self._now()
        refused = Refused("code.expired")
        with self._books.database.write(studio) as connection:
            mine = self._of(studio, contact, CODE)
            row = connection.execute(select(table).where(mine)).first()
            if row is not None and now < row.expires_ms:
                if hmac.compare_digest(row.hash, self._code_hash(studio, contact, row.about, code)):
                    connection.execute(delete(table).where(mine))
                    return str(row.about)
                tries = row.tries + 1
                refused = Refused("code.wrong", left=MOST_TRIES - tries)
                if tries >= MOST_TRIES:
                    connection.execute(delete(table).where(mine))
                    held = {
                        "studio_id": studio, "hash": hashed(f"held/{contact}"), "kind": HELD, "contact": contact,
                        "about": "", "made_ms": now, "expires_ms": now + HELD_MS, "used_ms": None, "tries": tries,
                    }  # fmt: skip
                    connection.execute(delete(table).where(self._of(studio, contact, HELD)))
                    connection.execute(table.insert(), [held])
                    refused = Refused("code.held", minutes=HELD_MS // 60_000)
                else:
                    connection.execute(update(table).where(mine).values(tries=tries))
        raise refused

    def _ask_held(self, studio: Id, contact: Id) -> None:
        with self._books.database.read(studio) as connection:
            row = connection.execute(select(self._table).where(self._of(studio, contact, HELD))).first()
        if row is not None and (left := row.expires_ms - self._now()) > 0:
            raise Refused("code.held", minutes=-(-left // 60_000))

    def _code_hash(self, studio: Id, contact: Id, way: str, code: str) -> str:
        """Under the cloud's own key: six digits are soon guessed from a plain hash."""
        named = f"{studio}/{contact}/{way}/{code}".encode()
        return hmac.digest(self._books.secret.derived("contact.code"), named, "sha256").hex()

    # --- rows

    def forget(self, studio: Id) -> None:
        """Let go of what ended a day ago."""
        table = self._table
        with self._books.database.write(studio) as connection:
            old = and_(table.c.studio_id == studio, table.c.expires_ms < self._now() - DAY_MS)
            connection.execute(delete(table).where(old))

    def _made(self, studio: Id, contact: Id, kind: str, length_ms: int) -> str:
        text = base64.urlsafe_b64encode(bytes.fromhex(studio) + secrets.token_bytes(_SECRET_BYTES)).decode()
        now = self._now()
        row = {
            "studio_id": studio, "hash": hashed(text), "kind": kind, "contact": contact, "about": "", "made_ms": now,
            "expires_ms": now + length_ms, "used_ms": None, "tries": 0,
        }  # fmt: skip
        with self._books.database.write(studio) as connection:
            connection.execute(self._table.insert(), [row])
        return text

    def _is_there(self, studio: Id, text: str, kind: str) -> bool:
        """Looked up before anything is written: a text that was made up takes no turn at a studio's writing."""
        with self._books.database.read(studio) as connection:
            row = connection.execute(select(self._table.c.kind).where(self._named(studio, text, kind))).first()
        return row is not None

    def _named(self, studio: Id, text: str, kind: str) -> ColumnElement[bool]:
        table = self._table
        return and_(table.c.studio_id == studio, table.c.hash == hashed(text), table.c.kind == kind)

    def _of(self, studio: Id, contact: Id, kind: str) -> ColumnElement[bool]:
        table = self._table
        return and_(table.c.studio_id == studio, table.c.contact == contact, table.c.kind == kind)

    def _now(self) -> int:
        return self._clock.now().corrected


def _good(row: Row[Any] | None, now_ms: int) -> Row[Any]:
    """A link's row, used or not. Raises Refused `link.unknown`, `link.expired`."""
    if row is None:
        raise Refused("link.unknown")
    if now_ms >= row.expires_ms:
        raise Refused("link.expired")
    return row


def studio_of(text: str) -> Id:
    """The studio a text names, which says nothing yet: its hash must be known there."""
    try:
        data = base64.urlsafe_b64decode(text.encode("ascii"))
    except ValueError:
        data = b""
    if len(data) != _ID_BYTES + _SECRET_BYTES:
        raise Refused("link.unknown")
    return Id(data[:_ID_BYTES].hex())
