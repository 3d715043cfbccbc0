"""A write of a family's page that is told twice is done once: `Idempotency-Key`, good for a day.

The answer rests sealed, because it may hold a session's cookie. A refusal that would be the same again is not kept.
"""

import asyncio
import hashlib
import hmac
import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar

import msgspec
from sqlalchemy import ColumnElement, and_, delete, select, update
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive

from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from cloud.bodies import read_packed
from cloud.composition import Cloud
from cloud.messaging.stopping import stop_of
from cloud.pages.doors import studio_of
from cloud.pages.frame import COOKIE, PREFIX, SECURITY, Handler, language_of
from cloud.storage.backend import Books
from cloud.wallets.apple import is_holders
from resources.text import Catalogue

HEADER = "idempotency-key"
KEPT_MS = 24 * 3_600_000
RUNNING_MS = 60_000
"""So long a write may run; a worker that died leaves it to the next one then."""
_MOST_BYTES = 16 << 20
"""More than any page takes: each handler has its own bound. Only who is signed in, or has a link, comes this far."""
T = TypeVar("T")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_STATUS = {"idempotency.key": 400, "idempotency.running": 409, "idempotency.other": 422}


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """An answer as it was given."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class _Told(NamedTuple):
    """A write: whose studio, its name there, and what it said."""

    studio: Id
    id: str
    said: str


def once(cloud: Cloud, handler: Handler) -> Handler:
    """A handler that does what a key names once. Without a key, or where the caller names no studio, it is as it was."""

    async def answer(request: Request) -> Response:
        key = request.headers.get(HEADER)
        studio = None if key is None else await _run(cloud, partial(_studio, cloud, request))
        if key is None or studio is None:
            return await handler(request)
        if not _KEY.fullmatch(key):
            return _refusal(request, "idempotency.key")
        body = await read_packed(request, most=_MOST_BYTES)
        told = _told(cloud, request, studio, key, body)
        try:
            kept = await _run(cloud, partial(_taken, cloud.books, told, cloud.clock.now().corrected))
        except Refused as refused:
            return _refusal(request, refused.code)
        if kept is not None:
            return _again(kept)
        try:
            given = await handler(Request(request.scope, _replayed(body)))
        except BaseException:
            await _run(cloud, partial(_let_go, cloud.books, told))
            raise
        # What passes by itself, or is refused the same way again, leaves the key free.
        if given.status_code < 400 or given.status_code in (409, 422):
            await _run(cloud, partial(_keep, cloud.books, told, given))
        else:
            await _run(cloud, partial(_let_go, cloud.books, told))
        return given

    return answer


def forget(books: Books, studio: Id, *, before_ms: int) -> None:
    """Let go of answers given before a moment."""
    table = books.tables.once
    with books.database.write(studio) as connection:
        connection.execute(delete(table).where(table.c.studio_id == studio, table.c.made_ms < before_ms))


def _studio(cloud: Cloud, request: Request) -> Id | None:
    """The studio a caller has proven to belong to: a stranger's write is not kept, and takes no turn at a studio's database."""
    path, given = request.url.path, request.path_params
    try:
        if path.startswith(f"{PREFIX}/stop/"):
            studio = stop_of(cloud.books.secret, given["token"]).studio
        elif "token" in given:
            if not cloud.doors.knows(given["token"]):
                return None
            studio = studio_of(given["token"])
        elif "serial" in given:
            if not is_holders(cloud.books.secret, given["serial"], request.headers.get("authorization", "")):
                return None
            studio = Id(given["serial"].partition(".")[0])
        else:
            studio = cloud.doors.inside(request.cookies.get(COOKIE, "")).studio
        return cloud.studios.studio(studio).id
    except (Refused, KeyError):
        return None


def _told(cloud: Cloud, request: Request, studio: Id, key: str, body: bytes) -> _Told:
    """Named by who calls and the key: another guardian's key of the same text is another."""
    path = request.url.path
    who = path if "token" in request.path_params or "serial" in request.path_params else request.cookies.get(COOKIE, "")
    secret = cloud.books.secret.derived("page.once")
    id = hmac.digest(secret, f"{who}\n{key}".encode(), "sha256").hex()
    said = hashlib.sha256(f"{request.method} {path}\n".encode() + body).hexdigest()
    return _Told(studio, id, said)


def _taken(books: Books, told: _Told, now_ms: int) -> Kept | None:
    """Take the key; the answer where it was given already. Raises Refused `idempotency.running`, `idempotency.other`."""
    table = books.tables.once
    row = {"studio_id": told.studio, "id": told.id, "said": told.said, "made_ms": now_ms, "answer": None}
    with books.database.write(told.studio) as connection:
        connection.execute(delete(table).where(_mine(books, told), table.c.made_ms <= now_ms - KEPT_MS))
        if connection.execute(books.database.insert_new(table), [row]).rowcount:
            return None
        held = connection.execute(select(table).where(_mine(books, told))).one()
        if held.said != told.said:
            raise Refused("idempotency.other")
        if held.answer is not None:
            return msgspec.msgpack.decode(books.secret.unwrap(held.answer, _context(told)), type=Kept)
        dead = and_(_mine(books, told), table.c.answer.is_(None), table.c.made_ms <= now_ms - RUNNING_MS)
        if not connection.execute(update(table).where(dead).values(made_ms=now_ms)).rowcount:
            raise Refused("idempotency.running")
    return None


def _keep(books: Books, told: _Told, given: Response) -> None:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in given.raw_headers]
    kept = msgspec.msgpack.encode(Kept(given.status_code, headers, bytes(given.body)))
    table = books.tables.once
    with books.database.write(told.studio) as connection:
        sealed = books.secret.wrap(kept, _context(told))
        connection.execute(update(table).where(_mine(books, told)).values(answer=sealed))


def _let_go(books: Books, told: _Told) -> None:
    with books.database.write(told.studio) as connection:
        connection.execute(delete(books.tables.once).where(_mine(books, told)))


def _again(kept: Kept) -> Response:
    answer = Response(kept.body, status_code=kept.status)
    answer.raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in kept.headers]
    return answer


def _refusal(request: Request, code: str) -> Response:
    said = Catalogue(language_of(request)).say(f"page.{code}")
    headers = {**SECURITY, "Cache-Control": "no-store"}
    body = msgspec.json.encode({"code": code, "said": said})
    return Response(body, status_code=_STATUS[code], media_type="application/json", headers=headers)


def _replayed(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _mine(books: Books, told: _Told) -> ColumnElement[bool]:
    table = books.tables.once
    return and_(table.c.studio_id == told.studio, table.c.id == told.id)


def _context(told: _Told) -> str:
    return f"once/{told.studio}/{told.id}"


async def _run(cloud: Cloud, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(cloud.reading, work)
