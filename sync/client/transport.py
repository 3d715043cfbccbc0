"""HTTP to the cloud: kept connections, gzip both ways, and three kinds of failure told apart."""

import contextlib
import gzip
import socket
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from classtap_core.kernel.blobs import Offer, Span
from classtap_core.kernel.errors import BadInput, Param
from classtap_core.kernel.ids import Id
from sync.audit import AskAudit, AuditPage
from sync.cards import AskPasses, PassTexts
from sync.protocol import (
    HEARTBEAT_S,
    PREFIX,
    AttendeeText,
    BlobStanding,
    Devices,
    Hint,
    Leaves,
    Page,
    Pair,
    Paired,
    PassText,
    Problem,
    Purged,
    Push,
    Pushed,
    Renewed,
    Report,
    SnapshotPage,
    decode,
    encode,
)

COMPRESS_FROM = 1_024
_GZIP = 16 + zlib.MAX_WBITS
STALL_S = 20.0
"""A connection that moves no byte for so long is dead, however long the whole transfer takes."""

SILENCE_S = 2.75 * HEARTBEAT_S
"""So long without a heartbeat means that the live connection is gone: a beat may come late, and the badge tells of a
silent loss within six seconds."""


class Unreachable(Exception):
    """No answer: no network, no cloud, a cut or stalled connection. What was asked may have happened."""


class Silent(Unreachable):
    """A live connection that gives no sign of life, though nobody has closed it."""


class Rejected(Exception):
    """The cloud answered, and said no."""

    def __init__(self, status: int, code: str, params: dict[str, Param], retry_after: float | None) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code, self.params, self.retry_after = status, code, params, retry_after


class Transport:
    """Calls of the protocol. Raises Unreachable and Rejected; calls may be made side by side (`live` has a client of its own)."""

    def __init__(self, url: str, token: str = "", before: str = "") -> None:
        """`before`: the token that was in use before; a cloud brought back from a backup may know only that one."""
        self.url = url.rstrip("/")
        self._token, self._before = token, before
        self._client = self._new_client()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._hung_up = False

    def _new_client(self) -> httpx.Client:
        timeout = httpx.Timeout(STALL_S, connect=5.0)
        return httpx.Client(base_url=self.url, headers={"Accept-Encoding": "gzip"}, timeout=timeout, trust_env=False)

    @property
    def token(self) -> str:
        """What the cloud knows this device by."""
        return self._token

    def use(self, token: str) -> None:
        """Speak under another token from the next call on; the one before stays at hand."""
        self._token, self._before = token, self._token

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def _known_by_another(self, response: httpx.Response) -> bool:
        """Whether the cloud refused this token and there is another to try."""
        if response.status_code != 401 or not self._before or response.request.headers.get("Authorization") is None:
            return False
        no = rejection(response)
        if not isinstance(no, Rejected) or no.code != "auth.token":
            return False
        self._token, self._before = self._before, ""
        return True

    def close(self) -> None:
        self._client.close()

    def hang_up(self) -> None:
        """From another thread, and for good: end `live` and every call that still waits for its answer."""
        with self._lock:
            self._hung_up = True
            for open in self._sockets:
                _sever(open)

    def _watching(self) -> dict[str, Any]:
        """Extensions of a request that remember its connection, so that `hang_up` can end it."""

        def trace(event: str, info: dict[str, Any]) -> None:
            if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
                open = info["return_value"].get_extra_info("socket")
                with self._lock:
                    self._sockets = {one for one in self._sockets if one.fileno() >= 0} | {open}
                    if self._hung_up:
                        _sever(open)

        return {"trace": trace}

    def pair(self, request: Pair) -> Paired:
        paired: Paired = decode(Paired, self._call("POST", "/pair", request))
        return paired

    def renew(self) -> Renewed:
        """This device's next token; the one it has works until the next one was used."""
        renewed: Renewed = decode(Renewed, self._call("POST", "/token"))
        return renewed

    def push(self, push: Push) -> Pushed:
        pushed: Pushed = decode(Pushed, self._call("POST", "/push", push))
        return pushed

    def pull(self, cursor: str, scopes: Sequence[str], *, holding: str = "", digest: bool = False) -> Page:
        params = {"cursor": cursor, "scope": list(scopes), **_given(holding=holding, digest="1" if digest else "")}
        page: Page = decode(Page, self._call("GET", "/pull", params=params))
        return page

    def snapshot(
        self, scope: str, after: str = "", *, leaf: str = "", keep: Callable[[bytes], None] = lambda data: None
    ) -> SnapshotPage:
        """A page of a scope; `keep` is called with each piece of it as it comes over the wire."""
        params = _given(after=after, leaf=leaf)
        answer = self._call("GET", f"/snapshot/{quote(scope, safe='/*')}", params=params, keep=keep)
        page: SnapshotPage = decode(SnapshotPage, answer)
        return page

    def leaves(self, scope: str) -> Leaves:
        found: Leaves = decode(Leaves, self._call("GET", f"/digest/{quote(scope, safe='/*')}"))
        return found

    def report(self, report: Report) -> None:
        self._call("POST", "/report", report)

    def devices(self) -> Devices:
        """How the studio's devices are; only a desk may ask."""
        found: Devices = decode(Devices, self._call("GET", "/devices"))
        return found

    def audit(self, asked: AskAudit) -> AuditPage:
        """A page of the studio's audit; only a desk may ask."""
        found: AuditPage = decode(AuditPage, self._call("POST", "/audit", asked))
        return found

    def offer_blob(self, offer: Offer) -> BlobStanding:
        standing: BlobStanding = decode(BlobStanding, self._call("POST", f"/blob/{offer.blob.hash}", offer))
        return standing

    def put_blob(self, hash: str, start: int, data: bytes) -> BlobStanding:
        answer = self._call("PUT", f"/blob/{hash}", params={"start": start}, octets=data)
        standing: BlobStanding = decode(BlobStanding, answer)
        return standing

    def blob(self, hash: str) -> Offer:
        """What is said of a blob, with the key that opens it."""
        offer: Offer = decode(Offer, self._call("GET", f"/blob/{hash}"))
        return offer

    def blob_range(self, hash: str, span: Span) -> bytes:
        return self._call("GET", f"/blob/{hash}", params={"start": span.start, "end": span.end})

    def purged(self, word: Purged) -> None:
        self._call("POST", "/purged", word)

    def keys(self) -> bytes:
        return self._call("GET", "/keys")

    def pass_text(self, family: Id) -> PassText:
        """A family's pass, as its code says it; only a desk may ask."""
        text: PassText = decode(PassText, self._call("GET", f"/pass/{quote(family, safe='')}"))
        return text

    def pass_texts(self, families: Sequence[Id]) -> PassTexts:
        """The passes of up to `cards.AT_ONCE` families; only a desk may ask."""
        texts: PassTexts = decode(PassTexts, self._call("POST", "/passes", AskPasses(families=tuple(families))))
        return texts

    def attendee_text(self, session: Id, child: Id) -> AttendeeText:
        """A child's pass to a session, as its code says it; only a desk may ask."""
        path = f"/attendee/{quote(session, safe='')}/{quote(child, safe='')}"
        text: AttendeeText = decode(AttendeeText, self._call("GET", path))
        return text

    def _call(
        self, method: str, path: str, message: msgspec.Struct | None = None, params: dict[str, Any] | None = None,
        octets: bytes | None = None, keep: Callable[[bytes], None] = lambda data: None,
    ) -> bytes:  # fmt: skip
        headers = {} if octets is None else {"Content-Type": "application/octet-stream"}
        content = octets
        if message is not None:
            content = encode(message)
            headers["Content-Type"] = "application/json"
            if len(content) >= COMPRESS_FROM:
                content = gzip.compress(content, 3)
                headers["Content-Encoding"] = "gzip"
        try:
            with self._client.stream(
                method, PREFIX + path, content=content, headers={**headers, **self._bearer()}, params=params,
                extensions=self._watching(),
            ) as response:  # fmt: skip
                if response.status_code < 300:
                    answer = b"".join(_told(response.iter_raw(), keep))
                    return (
                        unpacked(answer) if response.headers.get("Content-Encoding", "").lower() == "gzip" else answer
                    )
                response.read()
        except (httpx.RequestError, httpx.InvalidURL, zlib.error) as error:
            raise Unreachable(type(error).__name__) from error
        if self._known_by_another(response):
            return self._call(method, path, message, params, octets, keep)
        raise rejection(response)

    def live(self) -> Iterator[Hint | None]:
        """Hints as they come; None for a heartbeat. Ends by Unreachable when the connection does.

        Uses a connection of its own; `hang_up` from another thread ends it.
        """
        client = self._new_client()
        silence = httpx.Timeout(SILENCE_S, connect=5.0)
        try:
            with client.stream(
                "GET", f"{PREFIX}/live", headers={"Accept": "text/event-stream", **self._bearer()}, timeout=silence,
                extensions=self._watching(),
            ) as response:  # fmt: skip
                if response.status_code >= 300:
                    response.read()
                    raise rejection(response)
                for line in response.iter_lines():
                    if line.startswith("data:"):
                        hint: Hint = decode(Hint, line[5:].strip().encode())
                        yield hint
                    elif line.startswith(":"):
                        yield None
        except httpx.ReadTimeout as error:
            raise Silent(type(error).__name__) from error
        except (httpx.RequestError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            raise Unreachable(type(error).__name__) from error
        finally:
            client.close()
        raise Unreachable("ended")


def unpacked(data: bytes) -> bytes:
    """An answer as it was before it was packed: whole or, of one that was cut, as far as it came. Raises zlib.error."""
    return zlib.decompressobj(_GZIP).decompress(data)


def _told(pieces: Iterator[bytes], keep: Callable[[bytes], None]) -> Iterator[bytes]:
    for piece in pieces:
        keep(piece)
        yield piece


def _given(**params: str) -> dict[str, str]:
    return {name: value for name, value in params.items() if value}


def _sever(open: socket.socket) -> None:
    with contextlib.suppress(OSError):
        open.shutdown(socket.SHUT_RDWR)


def rejection(response: httpx.Response) -> Exception:
    """What an error answer means. A gateway's page, or anything that is no problem document, counts as no answer."""
    retry_after = response.headers.get("Retry-After", "")
    wait = float(retry_after) if retry_after.isdigit() else None
    try:
        problem: Problem = decode(Problem, response.content)
    except BadInput:
        return Unreachable(f"status {response.status_code}")
    return Rejected(response.status_code, problem.code, problem.params, wait)
