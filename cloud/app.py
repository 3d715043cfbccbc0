"""The web application that devices speak to. It reads requests, asks `Studios`, and writes answers; no rule lives here.

The event loop only moves bytes: what touches the database runs on the cloud's own threads.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import cache, partial
from typing import TypeVar

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Match

from classtap_core.access.blueprints import DESK, DEVICE_ROLES
from classtap_core.access.rules import kinds_withheld
from classtap_core.kernel.authority import Pushed as Taken
from classtap_core.kernel.batches import Batch, read_batch
from classtap_core.kernel.blobs import RANGE_BYTES, Offer, Span
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.envelope import Sealed
from classtap_core.kernel.errors import BadInput, ClassTapError, EnvironmentFault, Refused
from classtap_core.kernel.scopes import covers, narrowed
from classtap_core.kernel.structs import lay_out
from cloud.acquaintance import Acquaintance
from cloud.audit_routes import AuditRoutes
from cloud.bodies import json_answer, read_body, takes_gzip
from cloud.carrying import check_author, for_carrier
from cloud.composition import Cloud
from cloud.deciding import decided
from cloud.hints import Listener
from cloud.limits import Tries, may_try
from cloud.messaging.hooks import hook_routes
from cloud.metrics import Metrics
from cloud.openapi import document
from cloud.overtaking import Overtaking
from cloud.pages.family_routes import family_routes
from cloud.pages.once import once
from cloud.pages.papers_routes import papers_routes
from cloud.pages.routes import seat_routes
from cloud.pages.signing_routes import signing_routes
from cloud.pass_routes import PassRoutes
from cloud.problems import problem, problem_of
from cloud.reference import reference_routes
from cloud.standing import all_devices, take_report, take_word
from cloud.storage.directory import DeviceEntry
from cloud.storage.pulls import head_of, leaves, pull, snapshot
from cloud.turns import Turns
from cloud.wallets.routes import wallet_routes
from sync.protocol import (
    HEARTBEAT_S,
    MOST_BYTES,
    PAGE,
    PREFIX,
    Hint,
    Leaves,
    Page,
    Pair,
    Purged,
    Push,
    Pushed,
    Report,
    SnapshotPage,
    WireRow,
    batch_of,
    decode,
    encode,
    named,
    wire_row,
)

MOST_SCOPES = 200
_PAIR_BYTES = 4_096

_log = logging.getLogger("classtap.cloud")
T = TypeVar("T")


def make_app(cloud: Cloud, *, heartbeat_s: float = HEARTBEAT_S) -> FastAPI:
    """The application over a cloud. The caller closes the cloud when the server has ended."""
    lay_out()
    app = FastAPI(title="ClassTap sync", docs_url=None, redoc_url=None, openapi_url="/openapi/sync.json")
    app.router.redirect_slashes = False  # an address that is none has one answer, and no host of its own in it
    app.openapi = cache(partial(document, app.version))  # type: ignore[method-assign]
    devices = _Devices(cloud, heartbeat_s)
    passes = PassRoutes(cloud, devices.caller)
    audits = devices.audits
    metrics = devices.metrics
    route = app.router.add_route
    for path, handler, methods in (
        (f"{PREFIX}/pair", devices.pair, ["POST"]),
        (f"{PREFIX}/token", devices.token, ["POST"]),
        (f"{PREFIX}/push", devices.push, ["POST"]),
        (f"{PREFIX}/decide", devices.decide, ["POST"]),
        (f"{PREFIX}/pull", devices.pull, ["GET"]),
        (f"{PREFIX}/snapshot/{{scope:path}}", devices.snapshot, ["GET"]),
        (f"{PREFIX}/digest/{{scope:path}}", devices.digest, ["GET"]),
        (f"{PREFIX}/keys", devices.keys, ["GET"]),
        (f"{PREFIX}/blob/{{hash}}", devices.blob, ["GET", "POST", "PUT"]),
        (f"{PREFIX}/report", devices.report, ["POST"]),
        (f"{PREFIX}/devices", devices.devices, ["GET"]),
        (f"{PREFIX}/purged", devices.purged, ["POST"]),
        (f"{PREFIX}/pass/{{family}}", passes.text, ["GET"]),
        (f"{PREFIX}/passes", passes.texts, ["POST"]),
        (f"{PREFIX}/attendee/{{session}}/{{child}}", passes.attendee, ["GET"]),
        (f"{PREFIX}/audit", audits.page, ["POST"]),
        (f"{PREFIX}/live", devices.live, ["GET"]),
        ("/healthz", _healthy, ["GET"]),
        ("/readyz", devices.ready, ["GET"]),
        ("/metrics", devices.measured, ["GET"]),
    ):
        route(path, _answering(handler, metrics, path), methods=methods)
    reference = reference_routes({"sync": app.openapi})
    for path, page in (*seat_routes(cloud, heartbeat_s=heartbeat_s), *passes.public(), *reference):
        route(path, _answering(page, metrics, path), methods=["GET"])
    wallets = wallet_routes(cloud)
    families = (
        *family_routes(cloud, heartbeat_s=heartbeat_s), *signing_routes(cloud), *papers_routes(cloud), *wallets,
        *hook_routes(cloud),
    )  # fmt: skip
    for path, page, method in families:
        told = page if method == "GET" else once(cloud, page)
        route(path, _answering(told, metrics, path), methods=[method])
    app.add_exception_handler(HTTPException, _unrouted)
    return app


Handler = Callable[[Request], Awaitable[Response]]


def _answering(handler: Handler, metrics: Metrics, path: str) -> Handler:
    """A handler whose errors become problems, and whose time is counted."""

    async def answer(request: Request) -> Response:
        began = time.perf_counter()
        try:
            response = await handler(request)
        except ClassTapError as error:
            if isinstance(error, EnvironmentFault):
                _log.error("%s %s: %s", request.method, path, error.code)
            metrics.refused(error.code)
            response = problem_of(error)
        except ClientDisconnect:
            response = problem("body.truncated")
        except Exception as fault:  # noqa: BLE001 - answered without a word of what was in the request
            _log.error("%s %s: %s", request.method, path, type(fault).__name__, exc_info=_quiet(fault))
            response = problem("cloud.fault")
        spent = time.perf_counter() - began
        metrics.request(path, response.status_code, spent)
        _log.debug("%s %s %d %.1f ms", request.method, path, response.status_code, spent * 1000)
        return response

    return answer


def _quiet(fault: Exception) -> BaseException:
    """The same fault with the place where it happened and without its message, which may hold values."""
    return RuntimeError(type(fault).__name__).with_traceback(fault.__traceback__)


async def _unrouted(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    answer = problem({404: "http.not_found", 405: "http.method"}.get(status, "http.refused"))
    if status == 405:
        here = (route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE)
        answer.headers["Allow"] = ", ".join(sorted({method for route in here for method in route.methods}))
    return answer


async def _healthy(request: Request) -> Response:
    return PlainTextResponse("ok\n")


class _Devices:
    """The handlers."""

    def __init__(self, cloud: Cloud, heartbeat_s: float) -> None:
        self.cloud, self.heartbeat_s = cloud, heartbeat_s
        self.metrics = Metrics()
        self.audits = AuditRoutes(cloud, self.caller)
        self._acquaintance, self._turns = Acquaintance(), Turns()
        self._overtaking = Overtaking(self._submit, alone=cloud.database.dialect == "sqlite")
        self._pair_tries = Tries(cloud.clock, burst=10, per_minute=10)
        self._wrong_tokens = Tries(cloud.clock, burst=60, per_minute=60)
        self._withheld = {role: kinds_withheld(role, cloud.bus.registry.records) for role in DEVICE_ROLES}
        self._takes = {spec.name: spec.version for spec in cloud.bus.registry.specs.values()}

    async def pair(self, request: Request) -> Response:
        if not await self._may_try(self._pair_tries, "pair", _caller(request)):
            raise Refused("rate.limited")
        asked = decode(Pair, await read_body(request, most=_PAIR_BYTES))
        paired = await self._run(self.cloud.writing, partial(self.cloud.studios.pair, asked))
        # A studio's devices are all paired from one address: only wrong codes count.
        self._pair_tries.give_back(_caller(request))
        if self.cloud.tries is not None:
            await self._run(self.cloud.reading, partial(self.cloud.tries.give_back, f"pair/{_caller(request)}"))
        return json_answer(encode(paired), gzip=False)

    async def token(self, request: Request) -> Response:
        device = await self._device(request)
        renewed = await self._run(self.cloud.reading, partial(self.cloud.studios.renew, device))
        return json_answer(encode(renewed), gzip=False)

    async def push(self, request: Request) -> Response:
        asked, pushed = await self._taken(request)
        token, gzip = _token(request), takes_gzip(request)
        return await self._run(self.cloud.reading, partial(self._pushed, token, asked, pushed, gzip))

    async def decide(self, request: Request) -> Response:
        """A push of one operation whose outcome is the answer's status: sent again, it is answered as before."""
        _asked, pushed = await self._taken(request, one=True)
        self.metrics.answers(pushed.answers)
        return decided(pushed.answers[-1], cloud_ms=self.cloud.clock.now().wall)

    async def _taken(self, request: Request, *, one: bool = False) -> tuple[Push, Taken]:
        # A revoked device may still tell what it knew (what came after the revocation is contested); it is told nothing.
        known = None if one else self._acquaintance.of(_token(request))
        device = known or await self._device(request, shut_out_too=not one)
        if known is None:
            self._acquaintance.meet(_token(request), device)
        body = await read_body(request, most=MOST_BYTES)
        await self.audits.heard(device, request)
        async with self._turns.of(device.id) as turn:
            asked, batch, sealed = await self._run(
                self.cloud.unpacking.of(device.studio), partial(_read_push, device, body)
            )
            if one and len(batch.items) != 1:
                raise BadInput("sync.not_one")
            if batch.carrier and one:
                raise Refused("sync.other_device")
            if batch.carrier:
                await self._may_carry(request, batch)
            await turn()
            taking = self._overtaking.take(batch, sealed, size=len(body), behind=asked.behind)
        try:
            taken = await taking
        except Refused as no:
            self._acquaintance.forget(_token(request))
            if known is not None and no.code == "sync.unpaired" and not batch.carrier:
                raise Refused("auth.token") from no  # a backup was brought back, from before this device was paired
            raise
        return asked, self._carried(batch, taken) if batch.carrier else taken

    async def _may_carry(self, request: Request, batch: Batch) -> None:
        """Whether who asks, looked up anew, may bring what another device wrote."""
        carrier = await self._device(request)
        await self._run(self.cloud.reading, partial(check_author, self.cloud.studios, carrier, batch.device))

    def _carried(self, batch: Batch, taken: Taken) -> Taken:
        if taken.decided:
            self.metrics.carried(len(taken.decided))
            _log.info("%s brought %d operations of %s", batch.carrier, len(taken.decided), batch.device)
        return for_carrier(taken)

    def _submit(self, batch: Batch, sealed: Sequence[Sealed]) -> Awaitable[Taken]:
        with _stopping():
            return asyncio.wrap_future(self.cloud.intake.submit(batch, sealed))

    def _pushed(self, token: str, asked: Push, pushed: Taken, gzip: bool) -> Response:
        self.metrics.answers(pushed.answers)
        page = None
        if asked.scopes and (device := self._standing(token)) is not None:
            page = self._page(device, asked.scopes, asked.cursor, asked.holding)
        answer = Pushed(
            answers=pushed.answers, acked=pushed.acked, epoch=asked.epoch, cloud_ms=self.cloud.clock.now().wall, takes=self._takes,
            page=page,
        )  # fmt: skip
        return json_answer(encode(answer), gzip=gzip)

    def _standing(self, token: str) -> DeviceEntry | None:
        """Asked once the push is taken: a device revoked before or while it waited gets nothing any more."""
        try:
            device = self.cloud.studios.device_of(token)
        except Refused:
            return None
        return device if device.revoked_ms is None else None

    def _stands(self, device: DeviceEntry) -> bool:
        """Whether a device was not revoked meanwhile."""
        with self.cloud.database.read(device.studio) as connection:
            now = self.cloud.studios.directory.device(connection, device.studio, device.id)
        return now is not None and now.revoked_ms is None

    async def pull(self, request: Request) -> Response:
        device = await self._device(request)
        asked, scopes, gzip = request.query_params, _scopes(request), takes_gzip(request)
        cursor, holding, digest = asked.get("cursor", ""), asked.get("holding", ""), asked.get("digest", "") == "1"
        return await self._run(
            self.cloud.reading,
            lambda: json_answer(encode(self._page(device, scopes, cursor, holding, digest=digest)), gzip=gzip),
        )

    def _page(
        self, device: DeviceEntry, wanted: tuple[str, ...], cursor: str, holding: str, *, digest: bool = False
    ) -> Page:
        scopes = narrowed(wanted, device.scopes)
        found = pull(
            self.cloud.books, device.studio, scopes, cursor=cursor, most=PAGE, without=self._not_for(device),
            digest=digest,
        )  # fmt: skip
        agreed = holding in ("", named(device.scopes)) and all(covers(device.scopes, one) for one in wanted)
        return Page(
            rows=_wire(found.rows), through=found.through, cursor=found.cursor, more=found.more,
            resnapshot=scopes if found.stale else (), cloud_ms=self.cloud.clock.now().wall,
            allowed=None if agreed else device.scopes, digests=found.digests,
        )  # fmt: skip

    def _not_for(self, device: DeviceEntry) -> frozenset[str]:
        """Kinds of records that a device of its role never gets."""
        return self._withheld.get(device.role, frozenset())

    async def snapshot(self, request: Request) -> Response:
        device = await self._device(request)
        scope, asked, gzip = self._scope(request, device), request.query_params, takes_gzip(request)
        after, limit, leaf = asked.get("after", ""), _limit(asked.get("limit", "")), _leaf(asked.get("leaf", ""))
        return await self._run(
            self.cloud.reading, partial(self._snapshot, device, scope, after=after, limit=limit, leaf=leaf, gzip=gzip)
        )

    @staticmethod
    def _scope(request: Request, device: DeviceEntry) -> str:
        scope: str = request.path_params["scope"]
        if not covers(device.scopes, scope):
            raise Refused("scope.not_yours")
        return scope

    async def digest(self, request: Request) -> Response:
        device = await self._device(request)
        scope, gzip = self._scope(request, device), takes_gzip(request)

        def sums() -> Response:
            found, through = leaves(self.cloud.books, device.studio, scope, without=self._not_for(device))
            return json_answer(
                encode(Leaves(leaves=found, through=through, cloud_ms=self.cloud.clock.now().wall)), gzip=gzip
            )

        return await self._run(self.cloud.reading, sums)

    def _snapshot(self, device: DeviceEntry, scope: str, *, after: str, limit: int, leaf: str, gzip: bool) -> Response:
        found = snapshot(
            self.cloud.books, device.studio, scope, after=after, most=limit, without=self._not_for(device), leaf=leaf
        )
        page = SnapshotPage(
            rows=_wire(found.rows), through=found.through, cursor=found.cursor, next=found.next,
            cloud_ms=self.cloud.clock.now().wall, total=found.total,
        )  # fmt: skip
        return json_answer(encode(page), gzip=gzip)

    async def keys(self, request: Request) -> Response:
        device = await self._device(request)
        studios = self.cloud.studios

        def bundle() -> bytes:
            now_s = self.cloud.clock.now().corrected // 1000
            return studios.pass_keys.bundle(studios.studio(device.studio), now_s=now_s)

        data = await self._run(self.cloud.reading, bundle)
        return Response(data, media_type="application/octet-stream", headers={"Cache-Control": "no-store"})

    async def report(self, request: Request) -> Response:
        device = await self._device(request)
        said = decode(Report, await read_body(request, most=_PAIR_BYTES))
        await self._run(self.cloud.reading, partial(take_report, self.cloud.studios, device, said))
        return Response(status_code=204)

    async def blob(self, request: Request) -> Response:
        device = await self._device(request)
        hash, asked = request.path_params["hash"], request.query_params
        start, end = _place(asked.get("start", "")), _place(asked.get("end", ""))
        body = await read_body(request, most=RANGE_BYTES) if request.method != "GET" else b""
        work = partial(self._blob, device, request.method, hash, body, start=start, end=end)
        return await self._run(self.cloud.reading, work)

    def _blob(self, device: DeviceEntry, method: str, hash: str, body: bytes, *, start: int, end: int) -> Response:
        blobs, studio = self.cloud.blobs, device.studio
        if method == "POST":
            offer: Offer = decode(Offer, body)
            if offer.blob.hash != hash:
                raise BadInput("blob.hash")
            self._may_hold(device, offer.scope)
            return json_answer(encode(blobs.offer(studio, offer, now_ms=self.cloud.clock.now().corrected)), gzip=False)
        self._may_hold(device, blobs.scope(studio, hash))
        if method == "PUT":
            return json_answer(encode(blobs.put(studio, hash, start, body)), gzip=False)
        if not end:
            return json_answer(encode(blobs.about(studio, hash)), gzip=False)
        return Response(blobs.read(studio, hash, Span(start, end)), media_type="application/octet-stream")

    @staticmethod
    def _may_hold(device: DeviceEntry, scope: str) -> None:
        if not covers(device.scopes, scope or "studio"):
            raise Refused("scope.not_yours")

    async def devices(self, request: Request) -> Response:
        device = await self._device(request)
        if device.role != DESK:
            raise Refused("devices.not_here")
        found = await self._run(self.cloud.reading, partial(all_devices, self.cloud.studios, device.studio))
        return json_answer(encode(found), gzip=takes_gzip(request))

    async def purged(self, request: Request) -> Response:
        device = await self._device(request, shut_out_too=True)
        word = decode(Purged, await read_body(request, most=_PAIR_BYTES))
        await self._run(self.cloud.reading, partial(take_word, self.cloud.studios, device, word))
        return Response(status_code=204)

    async def live(self, request: Request) -> Response:
        device = await self._device(request)
        scopes = narrowed(_scopes(request) or device.scopes, device.scopes)
        listener = Listener(device.studio, device.id, scopes, asyncio.get_running_loop(), without=self._not_for(device))
        # Joined before the head is read: what commits in between is hinted at, not missed.
        self.cloud.hints.join(listener)
        try:
            head = await self._run(self.cloud.reading, partial(head_of, self.cloud.books, device.studio))
            if not await self._run(self.cloud.reading, partial(self._stands, device)):
                raise Refused("device.revoked")
        except BaseException:
            self.cloud.hints.leave(listener)
            raise
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._events(listener, head), media_type="text/event-stream", headers=headers)

    async def _events(self, listener: Listener, head: int) -> AsyncIterator[bytes]:
        try:
            yield _event(head)
            while not listener.closed:
                through = await listener.wait(self.heartbeat_s)
                if not listener.closed:
                    yield b": beat\n\n" if through is None else _event(through)
        finally:
            self.cloud.hints.leave(listener)

    async def ready(self, request: Request) -> Response:
        await self._run(self.cloud.reading, self.cloud.studios.check_database)
        return PlainTextResponse("ready\n")

    async def measured(self, request: Request) -> Response:
        return PlainTextResponse(self.metrics.text(listeners=len(self.cloud.hints)))

    async def caller(self, request: Request) -> DeviceEntry:
        """The device that asks, if it still may."""
        return await self._device(request)

    async def _device(self, request: Request, *, shut_out_too: bool = False) -> DeviceEntry:
        token = _token(request)
        try:
            device = await self._run(self.cloud.reading, partial(self.cloud.studios.device_of, token))
        except Refused as refused:
            if refused.code != "auth.token" or await self._may_try(self._wrong_tokens, "token", _caller(request)):
                raise
            raise Refused("rate.limited") from None
        if not shut_out_too:
            if device.purge is not None and device.purged_ms is None:
                raise Refused("device.purge", order=device.purge)
            if device.revoked_ms is not None:
                raise Refused("device.revoked")
        return device

    async def _may_try(self, tries: Tries, what: str, caller: str) -> bool:
        return await may_try(tries, self.cloud.tries, what, caller, partial(self._run, self.cloud.reading))

    @staticmethod
    async def _run(executor: Executor, work: Callable[[], T]) -> T:
        with _stopping():
            going = asyncio.get_running_loop().run_in_executor(executor, work)
        return await going


@contextmanager
def _stopping() -> Iterator[None]:
    """What takes nothing more because the server stops says so to whoever asks."""
    try:
        yield
    except RuntimeError as error:
        if "shutdown" in str(error):
            raise EnvironmentFault("cloud.stopping") from error
        raise


def _read_push(device: DeviceEntry, body: bytes) -> tuple[Push, Batch, tuple[Sealed, ...]]:
    """A push, its batch and what the envelopes in it say; all that needs no database."""
    asked: Push = decode(Push, body)
    if asked.studio != device.studio:
        raise Refused("sync.other_studio")
    batch = batch_of(asked)
    if asked.device != device.id:
        batch = batch._replace(carrier=device.id)
    return asked, batch, read_batch(batch)


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused("auth.missing")
    return token


def _wire(rows: list[Pulled]) -> tuple[WireRow, ...]:
    return tuple([wire_row(row) for row in rows])


def _event(through: int) -> bytes:
    return b"event: hint\ndata: " + encode(Hint(through=through)) + b"\n\n"


def _caller(request: Request) -> str:
    return request.client.host if request.client else ""


def _scopes(request: Request) -> tuple[str, ...]:
    scopes = tuple(request.query_params.getlist("scope"))
    if len(scopes) > MOST_SCOPES:
        raise BadInput("sync.too_many_scopes", most=MOST_SCOPES)
    return scopes


def _leaf(text: str) -> str:
    if text and (len(text) != 2 or text.strip("0123456789abcdef")):
        raise BadInput("sync.leaf")
    return text


def _place(text: str) -> int:
    """A place in a blob; 0 where none is said."""
    if text and (not text.isascii() or not text.isdigit() or len(text) > 12):
        raise BadInput("blob.range")
    return int(text or 0)


def _limit(text: str) -> int:
    if not text:
        return PAGE
    if not text.isascii() or not text.isdigit() or len(text) > len(str(PAGE)) or not 1 <= int(text) <= PAGE:
        raise BadInput("sync.limit", most=PAGE)
    return int(text)
