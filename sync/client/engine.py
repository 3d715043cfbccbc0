"""The sync engine of a device: drains the queue, pulls while it is not empty, listens for hints, and never stalls.

It owns two threads: one that works, one that listens. Everything it does to the store goes through `Local`, behind
whatever a person is doing at that moment.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple, Protocol

from classtap_core.kernel.clock import Clock, SystemClock, Timestamp
from classtap_core.kernel.device import Answer, DeviceHead, Pulled
from classtap_core.kernel.envelope import Parts, batch_statement
from classtap_core.kernel.errors import BadInput, EnvironmentFault
from sync.client.retry import Backoff
from sync.client.subscriptions import subscriptions
from sync.client.transport import Rejected, Transport, Unreachable
from sync.protocol import MOST_OPERATIONS, Push, Pushed, SnapshotPage, WireOperation, pulled, wire_operation

log = logging.getLogger("classtap.sync")

BATCH_BYTES = 1_500_000
"""Operations are cut into pushes of at most this many bytes, well under what the cloud refuses."""


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

    def unsent(self, most: int) -> list[Unsent]:
        """The head of the queue, in order."""
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

    def keep_keys(self, bundle: bytes) -> None:
        """Keep a pass key bundle. Raises BadInput when it is not signed by the pinned root."""
        ...


class Status(NamedTuple):
    """What the health screen and `classtap sync status` show. Times are milliseconds since the Unix epoch."""

    state: State
    pending: int
    last_success_ms: int | None
    trouble: str
    bootstrapped: bool


class SyncEngine:
    """Keeps a device and the cloud in step.

    `today` gives the date at the studio; `listener` is called from the engine's threads with each new status;
    `last_success_ms` is what an earlier run remembered.
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
    ) -> None:
        self.local, self.transport, self.clock = local, transport, clock
        self.allowed, self.today, self.listener = tuple(allowed), today, listener
        self.backoff = backoff or Backoff()
        self._wake = threading.Condition()
        self._wanted = True
        self._stopping = False
        self._paused = False
        self._state = State.OFFLINE
        self._trouble = ""
        self._last_success = last_success_ms
        self._bootstrapped = False
        self._keys_due = True
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
        self.transport.close_live()
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
        return Status(self._state, self.local.pending(), self._last_success, self._trouble, self._bootstrapped)

    def once(self) -> None:
        """One full round on the caller's thread: bootstrap what is missing, push all, pull all.

        Raises Unreachable and Rejected.
        """
        self._bootstrap()
        if self._keys_due:
            self._fetch_keys()
        while self._push():
            pass
        self._pull()
        self.backoff.success()
        self._last_success = self.clock.now().corrected

    # --- the working thread

    def _work(self) -> None:
        while not self._ended():
            with self._wake:
                self._wanted = False
            wait = self._round()
            with self._wake:
                if not self._wanted and not self._stopping:
                    self._wake.wait(wait)

    def _round(self) -> float | None:
        """One round; how long to wait before the next (None: until nudged, with a look every 30 s)."""
        if self._state is State.REVOKED:
            return None
        if self._paused:
            self._show(State.PAUSED)
            return None
        try:
            if self._state is not State.ONLINE or self.local.pending():
                self._show(State.SYNCING if self._state in (State.ONLINE, State.SYNCING) else self._state)
            self.once()
        except Unreachable as failure:
            self._show(State.OFFLINE, str(failure))
            return self.backoff.outage()
        except Rejected as no:
            return self._rejected(no)
        except (BadInput, EnvironmentFault) as trouble:
            log.info("sync round failed: %s", trouble.code)
            self._show(State.FAILING, trouble.code)
            return self.backoff.rejection()
        self._show(State.ONLINE)
        return 30.0

    def _rejected(self, no: Rejected) -> float | None:
        if no.code in ("device.revoked", "sync.revoked", "sync.unpaired"):
            self._show(State.REVOKED, no.code)
            return None
        self._show(State.FAILING, no.code)
        return self.backoff.rejection(no.retry_after)

    def _show(self, state: State, trouble: str = "") -> None:
        changed = (state, trouble) != (self._state, self._trouble)
        self._state, self._trouble = state, trouble
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
            after = state.next
            while not state.complete:
                sent = self.clock.now()
                page = self.transport.snapshot(scope, after)
                self._learn_time(page, sent)
                self.local.snapshot(scope, pulled(page.rows), next=page.next, cursor=page.through, token=page.cursor)
                after = page.next
                if not after:
                    break
        self._bootstrapped = True

    def _fetch_keys(self) -> None:
        self.local.keep_keys(self.transport.keys())
        self._keys_due = False

    def _push(self) -> bool:
        """Send the head of the queue; True when there may be more."""
        unsent = _cut(self.local.unsent(MOST_OPERATIONS))
        if not unsent:
            return False
        head = self.local.head()
        last = unsent[-1]
        statement = batch_statement(
            studio=head.studio, device=head.device, epoch=head.epoch,
            last_sequence=last.sequence, last_hash=last.hash,
        )  # fmt: skip
        push = Push(
            studio=head.studio,
            device=head.device,
            epoch=head.epoch,
            items=tuple(_wire(item) for item in unsent),
            signature=self.local.sign(statement).hex(),
            cursor=head.token,
            scopes=tuple(state.scope for state in self.local.scopes() if state.complete),
        )
        sent = self.clock.now()
        answer = self.transport.push(push)
        self._learn_time(answer, sent)
        self.local.acknowledge(answer.answers, answer.takes)
        if answer.page is not None:
            page = answer.page
            whole = not page.more
            self.local.apply(pulled(page.rows), cursor=page.through if whole else None, token=page.cursor)
        return True

    def _pull(self) -> None:
        scopes = [state.scope for state in self.local.scopes() if state.complete]
        cursor = self.local.head().token
        more = bool(scopes)
        while more:
            page = self.transport.pull(cursor, scopes)
            more, cursor = page.more, page.cursor
            self.local.apply(pulled(page.rows), cursor=None if more else page.through, token=page.cursor)
            if page.resnapshot:
                self.local.release(list(page.resnapshot))
                self.nudge()

    def _learn_time(self, answer: Pushed | SnapshotPage, sent: Timestamp) -> None:
        if isinstance(self.clock, SystemClock) and answer.cloud_ms and not self.clock.shifted:
            self.clock.correction.observe(answer.cloud_ms, sent=sent, received=self.clock.now())

    # --- the listening thread

    def _listen(self) -> None:
        while not self._ended():
            wait = 1.0
            try:
                for hint in self.transport.live():
                    if (hint is not None and hint.through > self.local.head().cursor) or self._state is State.OFFLINE:
                        self.nudge()
            except Unreachable:
                if self._state in (State.ONLINE, State.SYNCING):
                    self.nudge()
                wait = self.backoff.outage()
            except (Rejected, BadInput):
                wait = 5.0
            with self._wake:
                if not self._ended():
                    self._wake.wait(wait)

    def _ended(self) -> bool:
        return self._stopping


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
