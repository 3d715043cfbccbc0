"""The sync engine of a device: drains the queue, pulls while it is not empty, listens for hints, and never stalls.

It owns two threads: one that works, one that listens. Everything it does to the store goes through `Local`, behind
whatever a person is doing at that moment.
"""

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, Protocol

from classtap_core.kernel.clock import Clock, SystemClock, Timestamp
from classtap_core.kernel.device import Answer, DeviceHead, Pulled
from classtap_core.kernel.envelope import Parts, batch_statement
from classtap_core.kernel.errors import BadInput, ClassTapError, Param
from sync.client.retry import Backoff
from sync.client.subscriptions import subscriptions
from sync.client.transport import Rejected, Transport, Unreachable
from sync.protocol import MOST_OPERATIONS, Page, Push, Pushed, SnapshotPage, WireOperation, pulled, wire_operation

log = logging.getLogger("classtap.sync")

BATCH_BYTES = 1_500_000
"""Operations are cut into pushes of at most this many bytes, well under what the cloud refuses."""

MOST_FLYING = 2
"""Pushes on their way at once. One more would wait in the cloud, which writes one at a time."""

LOOK_S = 30.0
"""With nothing to send and no hint, the cloud is asked so often all the same."""

KEYS_EVERY_MS = 3_600_000
"""How often the bundle of pass keys is asked for: far below the age at which a kiosk refuses to judge (7 days warn)."""

_SHUT_OUT = frozenset({"device.revoked", "sync.unpaired"})


class State(StrEnum):
    ONLINE = "online"
    OFFLINE = "offline"
    SYNCING = "syncing"
    PAUSED = "paused"
    REVOKED = "revoked"
    FAILING = "failing"


class Unsent(NamedTuple):
    """An operation of the queue, as it travels."""

    sequence: int
    hash: str
    data: bytes
    parts: Parts


class ScopeState(NamedTuple):
    """A scope this device is loading or holds: `next` is the snapshot page to ask for; `complete` once all is here."""

    scope: str
    complete: bool
    next: str


class Local(Protocol):
    """The device's store, as the engine needs it. Every call returns when it is durable."""

    def head(self) -> DeviceHead: ...

    def unsent(self, most: int, *, after: int | None = None) -> list[Unsent]:
        """The head of the queue, in order; or what comes after a sequence, sent before or not."""
        ...

    def pending(self) -> int: ...

    def sign(self, statement: bytes) -> bytes: ...

    def acknowledge(self, answers: Sequence[Answer], takes: dict[str, int]) -> None: ...

    def apply(self, rows: Sequence[Pulled], *, cursor: int | None = None, token: str = "") -> None: ...

    def scopes(self) -> list[ScopeState]: ...

    def release(self, scopes: Sequence[str]) -> None:
        """Stop holding scopes: their rows go, but for what unsent work wrote."""
        ...

    def snapshot(self, scope: str, rows: Sequence[Pulled], *, next: str, cursor: int, token: str) -> None:
        """Take one page of a scope; without `next` it is complete. The first scope's cursor starts the pull."""
        ...

    def allow(self, scopes: tuple[str, ...]) -> None:
        """Remember which scopes this device may hold from now on."""
        ...

    def keep_keys(self, bundle: bytes) -> None:
        """Keep a pass key bundle. Raises BadInput when it is not signed by the pinned root."""
        ...


class Status(NamedTuple):
    """What the health screen and `classtap sync status` show. Times are milliseconds since the Unix epoch.

    `trouble` is a code, with the `params` its sentence needs.
    """

    state: State
    pending: int
    last_success_ms: int | None
    trouble: str
    bootstrapped: bool
    params: Mapping[str, Param] = MappingProxyType({})


class SyncEngine:
    """Keeps a device and the cloud in step.

    `today` gives the date at the studio; `listener` is called from the engine's threads with each new status;
    `last_success_ms` is what an earlier run remembered, and `revoked` that the cloud has said so: it is asked no more.
    """

    def __init__(
        self,
        local: Local,
        transport: Transport,
        clock: Clock,
        *,
        allowed: Sequence[str],
        today: Callable[[], date],
        listener: Callable[[Status], None] = lambda status: None,
        backoff: Backoff | None = None,
        last_success_ms: int | None = None,
        revoked: bool = False,
    ) -> None:
        self.local, self.transport, self.clock = local, transport, clock
        self.allowed, self.today, self.listener = tuple(allowed), today, listener
        self.backoff = backoff or Backoff()
        self._wake = threading.Condition()
        self._wanted = True
        self._stopping = False
        self._paused = False
        self._state = State.REVOKED if revoked else State.OFFLINE
        self._trouble = ""
        self._params: Mapping[str, Param] = {}
        self._pending = 0
        self._held_s = 0.0
        self._last_success = last_success_ms
        self._bootstrapped = False
        self._keys_at: int | None = None
        self._keys_trouble: BadInput | None = None
        self._threads: list[threading.Thread] = []

    # --- what others call, from any thread

    def start(self) -> None:
        self._threads = [
            threading.Thread(target=self._work, name="classtap-sync"),
            threading.Thread(target=self._listen, name="classtap-sync-live"),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End both threads; what is unsent stays in the queue."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        self.transport.hang_up()
        for thread in self._threads:
            thread.join()
        self._threads = []

    def nudge(self) -> None:
        """There is something to send, or reason to look."""
        with self._wake:
            self._wanted = True
            self._wake.notify_all()

    def pause(self, paused: bool) -> None:
        with self._wake:
            self._paused = paused
            self._wanted = True
            self._wake.notify_all()

    def status(self) -> Status:
        """How things stand; where the store cannot say how much is pending, what it said last."""
        with contextlib.suppress(ClassTapError):
            self._pending = self.local.pending()
        return Status(self._state, self._pending, self._last_success, self._trouble, self._bootstrapped, self._params)

    def once(self) -> None:
        """One full round on the caller's thread: push all, bootstrap what is missing, pull all.

        What waits goes first: rows may never show own work whose answer was lost (`DeviceBus.apply`). A bundle of
        pass keys that is not ours holds up nothing; the next status tells of it. Raises Unreachable and Rejected.
        """
        self._push_all()
        self._bootstrap()
        self._fetch_keys()
        self._push_all()
        self._pull()
        self.backoff.success()
        self._last_success = self.clock.now().corrected

    # --- the working thread

    def _work(self) -> None:
        while not self._ended():
            with self._wake:
                self._wanted = False
            try:
                wait = self._round()
            except Exception as fault:  # a mistake of ours must not end sync until the next restart
                log.exception("a sync round failed: %s", type(fault).__name__)
                self._state, self._trouble = State.FAILING, "fault"
                wait = self.backoff.rejection()
            held, self._held_s = self._held_s, 0.0
            with self._wake:
                self._wake.wait_for(self._ended, held)
                if not self._wanted and not self._stopping:
                    self._wake.wait(wait)

    def _round(self) -> float | None:
        """One round; how long to wait before the next, in seconds (None: until nudged)."""
        if self._state is State.REVOKED:
            return None
        if self._paused:
            self._show(State.PAUSED)
            return None
        try:
            if self._state in (State.ONLINE, State.SYNCING) and self.local.pending():
                self._show(State.SYNCING)
            self.once()
        except Unreachable as failure:
            self._show(State.OFFLINE, str(failure))
            return self.backoff.outage()
        except Rejected as no:
            return self._rejected(no)
        except ClassTapError as trouble:
            log.info("sync round failed: %s", trouble.code)
            self._show(State.FAILING, trouble.code, trouble.params)
            return self.backoff.rejection()
        if self._keys_trouble is not None:
            self._show(State.FAILING, self._keys_trouble.code, self._keys_trouble.params)
        else:
            self._show(State.ONLINE)
        return LOOK_S

    def _rejected(self, no: Rejected) -> float | None:
        if no.code in _SHUT_OUT:
            self._show(State.REVOKED, no.code)
            return None
        self._show(State.FAILING, no.code, no.params)
        self._held_s = min(no.retry_after or 0.0, self.backoff.MOST)
        return self.backoff.rejection()

    def _show(self, state: State, trouble: str = "", params: Mapping[str, Param] = MappingProxyType({})) -> None:
        changed = (state, trouble) != (self._state, self._trouble)
        self._state, self._trouble, self._params = state, trouble, params
        if changed or state is State.ONLINE:
            self.listener(self.status())

    def _bootstrap(self) -> None:
        """Take snapshots of wanted scopes that are not here yet, most urgent first, each page durable by itself."""
        wanted = subscriptions(self.allowed, self.today())
        states = {state.scope: state for state in self.local.scopes()}
        gone = [scope for scope in states if scope not in wanted]
        if gone:
            self.local.release(gone)
        for scope in wanted:
            state = states.get(scope, ScopeState(scope, False, ""))
            try:
                self._load(scope, state)
            except Rejected as no:
                if no.code != "scope.not_yours" or not self._ask_allowed(scope):
                    raise
                return
        self._bootstrapped = True

    def _load(self, scope: str, state: ScopeState) -> None:
        """Take the pages of a scope that are missing; the next one is on its way while one is written."""
        if state.complete:
            return
        with ThreadPoolExecutor(1, "classtap-sync-ahead") as ahead:
            page: SnapshotPage | None = self._snapshot(scope, state.next)
            while page is not None:
                following = ahead.submit(self._snapshot, scope, page.next) if page.next else None
                self.local.snapshot(scope, pulled(page.rows), next=page.next, cursor=page.through, token=page.cursor)
                page = following.result() if following is not None else None

    def _snapshot(self, scope: str, after: str) -> SnapshotPage:
        sent = self.clock.now()
        page = self.transport.snapshot(scope, after)
        self._learn_time(page, sent)
        return page

    def _ask_allowed(self, scope: str) -> bool:
        """A scope was refused: what may be held from now on. False when the cloud says nothing else."""
        page = self.transport.pull(self.local.head().token, (scope,))
        if page.allowed is None:
            return False
        self._allow(page.allowed)
        return True

    def _allow(self, scopes: tuple[str, ...]) -> None:
        """Hold these from now on; what else is here goes in the next round."""
        self.allowed = scopes
        self.local.allow(scopes)
        self.nudge()

    def _fetch_keys(self) -> None:
        """Take the bundle of pass keys when it is time; one that is refused is asked for again in the next round."""
        now = self.clock.now().mono
        if self._keys_at is not None and now - self._keys_at < KEYS_EVERY_MS:
            return
        bundle = self.transport.keys()
        try:
            self.local.keep_keys(bundle)
        except BadInput as bad:
            log.info("a bundle of pass keys was refused: %s", bad.code)
            self._keys_trouble = bad
            return
        self._keys_at, self._keys_trouble = now, None

    def _push_all(self) -> None:
        """Empty the queue. A cloud that lacks what it had acknowledged (an old backup came back) gets that again first."""
        try:
            self._drain()
        except Rejected as no:
            first, acked = no.params.get("expected"), self.local.head().acked
            if no.code != "sync.gap" or not isinstance(first, int) or not 0 < first <= acked:
                raise
            self._send_again(first, acked)
            self._drain()

    def _send_again(self, first: int, last: int) -> None:
        """Send a run that was answered before. Those answers stand here; what the cloud says now comes with its rows."""
        while first <= last:
            again = _cut(self.local.unsent(min(MOST_OPERATIONS, last - first + 1), after=first - 1))
            if not again:
                raise BadInput("sync.gap", expected=first)
            self._send(self._signed(again, cursor="", scopes=()))
            first = again[-1].sequence + 1

    def _drain(self) -> None:
        """Push until nothing waits. A long queue has two batches on their way: one is read while one is written."""
        while (batch := self._batch()) is not None:
            if not batch.more:
                self._acknowledge(self._send(batch.push))
            else:
                self._stream(batch)

    def _stream(self, batch: "_Batch") -> None:
        """Push the queue from a full batch on. Answers are written down in the order of the batches.

        The batch behind may have come first, or its forerunner failed: then the cloud says `sync.gap` to it, and
        nothing of it happened.
        """
        following: _Batch | None = batch
        flying: deque[tuple[_Batch, Future[Pushed]]] = deque()
        with ThreadPoolExecutor(MOST_FLYING, "classtap-sync-ahead") as ahead:
            while following is not None or flying:
                while following is not None and len(flying) < MOST_FLYING:
                    flying.append((following, ahead.submit(self._send, following.push)))
                    following = self._batch(behind=following) if following.more else None
                first, sent = flying.popleft()
                try:
                    answer = sent.result()
                except Rejected as no:
                    if first is batch or no.code != "sync.gap":
                        raise
                    answer = self._send(first.push)
                self._acknowledge(answer)

    def _batch(self, behind: "_Batch | None" = None) -> "_Batch | None":
        """The next run of the queue, signed: its head, or what comes behind a batch that is on its way.

        Only the queue's end asks for a pull with it: what others wait for goes first.
        """
        waiting = self.local.unsent(MOST_OPERATIONS, after=behind.last if behind else None)
        unsent = _cut(waiting)
        if not unsent:
            return None
        more = len(waiting) == MOST_OPERATIONS or len(unsent) < len(waiting)
        if more:
            push = self._signed(unsent, cursor="", scopes=())
        else:
            push = self._signed(unsent, cursor=self.local.head().token, scopes=self._pulled_scopes())
        return _Batch(push, unsent[-1].sequence, more)

    def _signed(self, items: Sequence[Unsent], *, cursor: str, scopes: tuple[str, ...]) -> Push:
        head, last = self.local.head(), items[-1]
        statement = batch_statement(
            studio=head.studio, device=head.device, epoch=head.epoch,
            last_sequence=last.sequence, last_hash=last.hash,
        )  # fmt: skip
        return Push(
            studio=head.studio, device=head.device, epoch=head.epoch, items=tuple(_wire(item) for item in items),
            signature=self.local.sign(statement).hex(), cursor=cursor, scopes=scopes,
        )  # fmt: skip

    def _send(self, push: Push) -> Pushed:
        sent = self.clock.now()
        answer = self.transport.push(push)
        self._learn_time(answer, sent)
        return answer

    def _acknowledge(self, answer: Pushed) -> None:
        """Write down what became of a batch. One that answers nothing must not be sent again and again at once."""
        before = self.local.head().acked
        self.local.acknowledge(answer.answers, answer.takes)
        if self.local.head().acked == before:
            raise BadInput("sync.malformed", where="answers")
        if answer.page is not None:
            self._take(answer.page)

    def _pulled_scopes(self) -> tuple[str, ...]:
        """The scopes to pull: none while one is half loaded, for a cursor that moves on would lose its changes."""
        states = self.local.scopes()
        return tuple(state.scope for state in states) if all(state.complete for state in states) else ()

    def _pull(self) -> None:
        scopes = self._pulled_scopes()
        cursor = self.local.head().token
        more = bool(scopes)
        while more:
            sent = self.clock.now()
            page = self.transport.pull(cursor, scopes)
            self._learn_time(page, sent)
            more, cursor = page.more, page.cursor
            self._take(page)

    def _take(self, page: Page) -> None:
        """Apply a page. Scopes to be loaded anew go before the cursor moves: a crash between loses no change."""
        if page.resnapshot:
            self.local.release(list(page.resnapshot))
            self.nudge()
        if page.allowed is not None:
            self._allow(page.allowed)
        self.local.apply(pulled(page.rows), cursor=None if page.more else page.through, token=page.cursor)

    def _learn_time(self, answer: Pushed | SnapshotPage | Page, sent: Timestamp) -> None:
        if isinstance(self.clock, SystemClock) and answer.cloud_ms and not self.clock.shifted:
            self.clock.correction.observe(answer.cloud_ms, sent=sent, received=self.clock.now())

    # --- the listening thread

    def _listen(self) -> None:
        while not self._ended():
            wait: float | None = 1.0
            try:
                for hint in self.transport.live():
                    if (hint is not None and hint.through > self.local.head().cursor) or self._state is State.OFFLINE:
                        self.nudge()
            except Unreachable:
                self._look_if_online()
                wait = self.backoff.outage()
            except Rejected as no:
                self._look_if_online()
                wait = None if no.code in _SHUT_OUT else 5.0
            except Exception as fault:  # noqa: BLE001 - hints are a comfort; without them the next look comes all the same
                log.info("listening failed: %s", type(fault).__name__)
                wait = 5.0
            self._rest(wait)

    def _look_if_online(self) -> None:
        """What ended the listening may have ended more; whoever knows of trouble already tries again in its own time."""
        if self._state in (State.ONLINE, State.SYNCING):
            self.nudge()

    def _rest(self, seconds: float | None) -> None:
        """Wait for the end of the engine, at most so long (None: until then)."""
        with self._wake:
            self._wake.wait_for(self._ended, seconds)

    def _ended(self) -> bool:
        return self._stopping


class _Batch(NamedTuple):
    """A push that is ready, its last sequence, and whether the queue goes on behind it."""

    push: Push
    last: int
    more: bool


def _cut(unsent: list[Unsent]) -> list[Unsent]:
    """As many of the queue's head as fit one push; one at least."""
    size = 0
    for position, item in enumerate(unsent):
        size += len(item.data) + sum(map(len, item.parts.values()))
        if position and size > BATCH_BYTES:
            return unsent[:position]
    return unsent


def _wire(item: Unsent) -> WireOperation:
    return wire_operation(item.data, item.parts)
