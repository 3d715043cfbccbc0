"""The sync engine of a device: drains the queue, pulls while it is not empty, listens for hints, and never stalls.

It owns two threads: one that works, one that listens. Everything it does to the store goes through `Local`, behind
whatever a person is doing at that moment.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from classtap_core.kernel.clock import Clock
from classtap_core.kernel.errors import BadInput, ClassTapError, Param
from classtap_core.kernel.ids import Id
from sync.client.courier import Courier
from sync.client.forwarding import Forwarding
from sync.client.local import Local
from sync.client.pulling import Pulling
from sync.client.pushing import Pushing
from sync.client.retry import Backoff
from sync.client.transport import Rejected, Silent, Transport, Unreachable
from sync.protocol import Devices, Report

log = logging.getLogger("classtap.sync")

LOOK_S = 30.0
"""With nothing to send and no hint, the cloud is asked so often all the same."""

KEYS_EVERY_MS = 3_600_000
"""How often the bundle of pass keys is asked for: far below the age at which a kiosk refuses to judge (7 days warn)."""

REPORT_EVERY_MS = 300_000
"""How often the cloud is told how this device is."""

REVOKED_LOOK_S = 600.0
"""A device that was shut out asks so often whether it is to destroy its store."""

PURGE = "device.purge"

_AWAY = frozenset({"cloud.database_unreachable", "cloud.stopping"})
"""Nothing answers behind the door: an outage like a cut wire, over as suddenly, and no word on what was asked."""
_SHUT_OUT = frozenset({"device.revoked", "sync.unpaired", PURGE})


class State(StrEnum):
    ONLINE = "online"
    OFFLINE = "offline"
    SYNCING = "syncing"
    PAUSED = "paused"
    REVOKED = "revoked"
    FAILING = "failing"


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

    `today` gives the date at the studio, `stay` for how many days what is here of a dated prefix stays;
    `listener` is called from the engine's threads with each new status;
    `report` says how this device is, and `hears_of_others` has it told how the studio's other devices are (a desk); `carry` carries blobs
    until something else has to go first (then it says False); `purge` destroys the store, as an order says, in its own time; `renew` takes a new token when it is due. `last_success_ms` is
    what an earlier run remembered, `revoked` that the cloud has said so, `paused` that somebody has.

    Attributes:
        pushing, pulling: the two halves of a round; forwarding: what others told goes before them. others: how the studio's devices were when last heard of; None before.
        paused: somebody said to ask the cloud nothing.
        last_trouble: the code of what stood in the way last, and when; it stays after that has passed.
    """

    def __init__(
        self,
        local: Local,
        transport: Transport,
        clock: Clock,
        *,
        allowed: Sequence[str],
        today: Callable[[], date],
        stay: Callable[[], Mapping[str, int]] = dict,
        listener: Callable[[Status], None] = lambda status: None,
        backoff: Backoff | None = None,
        report: Callable[[], Report] | None = None,
        hears_of_others: bool = False,
        carry: Callable[[], bool] = lambda: True,
        purge: Callable[[Id], None] = lambda order: None,
        renew: Callable[[], None] = lambda: None,
        last_success_ms: int | None = None,
        revoked: bool = False,
        paused: bool = False,
    ) -> None:
        self.local, self.clock = local, clock
        self.listener, self.report, self.purge, self.carry = listener, report, purge, carry
        self._renew = renew
        self.backoff = backoff or Backoff()
        self._courier = Courier(transport, clock)
        self.pulling = Pulling(local, self._courier, allowed=allowed, today=today, nudge=self.nudge, stay=stay)
        self.forwarding = Forwarding(local, self._courier)
        self.pushing = Pushing(local, self._courier, asking=self.pulling.asking, take=self.pulling.take)
        self._wake = threading.Condition()
        self._wanted = True
        self._stopping = self._back = False
        self.paused = paused
        self._state = State.REVOKED if revoked else State.OFFLINE
        self._trouble = ""
        self._params: Mapping[str, Param] = {}
        self._pending = 0
        self._held_s = 0.0
        self._last_success = last_success_ms
        self.last_trouble: tuple[str, int] | None = None
        self._bootstrapped = False
        self._keys_at: int | None = None
        self._keys_trouble: BadInput | None = None
        self._reported_at: int | None = None
        self._hears_of_others = hears_of_others
        self.others: Devices | None = None
        self._threads: list[threading.Thread] = []

    @property
    def state(self) -> State:
        """How the last round went."""
        return self._state

    @property
    def transport(self) -> Transport:
        return self._courier.transport

    @transport.setter
    def transport(self, transport: Transport) -> None:
        self._courier.transport = transport

    # --- what others call, from any thread

    @property
    def last_success_ms(self) -> int | None:
        """When the cloud and this device were in step last, by the corrected clock; None before the first round."""
        return self._last_success

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
        """Ask the cloud nothing until told to go on; what people do waits in the queue."""
        with self._wake:
            self.paused = paused
            self._wanted = True
            self._wake.notify_all()

    def report_now(self) -> None:
        """Tell the cloud how this device is, and hear of the others, in the next round."""
        self._reported_at = None
        self.nudge()

    def fetch_keys(self) -> None:
        """Fetch the bundle of pass keys in the next round, whenever it was fetched last."""
        self._keys_at = None
        self.nudge()

    def compare(self) -> None:
        """Compare all that is held with the cloud's in the next round, and mend what differs."""
        self.pulling.compare()
        self.nudge()

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
        self._forward(self.forwarding.forward_first)
        self.pushing.push_all()
        if self.pulling.bootstrap():
            self._bootstrapped = True
        self._fetch_keys()
        self.pushing.push_all()
        allowed = self.pulling.allowed
        self.pulling.pull()
        if self.pulling.allowed != allowed:  # what may not be held any more goes in this very round
            self.pulling.bootstrap()
            self.pulling.pull()
        self._forward(self.forwarding.forward_all)
        self.backoff.success()
        self._last_success = self.clock.now().corrected

    def _forward(self, forward: Callable[..., bool]) -> None:
        """What was heard from others goes before what was said here, so that the cloud judges in the order of things; a long
        list of it goes after."""
        if not forward(patient=self._state in (State.ONLINE, State.SYNCING)):
            self.pulling.compare()

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
            return self._shut_out()
        if self.paused:
            self._show(State.PAUSED)
            return None
        try:
            if self._state in (State.ONLINE, State.SYNCING) and self.local.pending():
                self._show(State.SYNCING)
            self.once()
        except Unreachable as failure:
            self._keys_at = None  # a key may be revoked by the time there is contact
            self._show(State.OFFLINE, str(failure))
            return self.backoff.outage()
        except Rejected as no:
            return self._rejected(no)
        except ClassTapError as trouble:
            log.info("sync round failed: %s", trouble.code)
            self._show(State.FAILING, trouble.code, trouble.params)
            return self.backoff.rejection()
        self._renew_token()
        self._tell_how_it_is()
        self._carry_blobs()
        if self._keys_trouble is not None:
            self._show(State.FAILING, self._keys_trouble.code, self._keys_trouble.params)
        else:
            self._show(State.ONLINE)
        return LOOK_S

    def _rejected(self, no: Rejected) -> float | None:
        if no.code in _SHUT_OUT:
            self._show(State.REVOKED, no.code)
            self._heed(no)
            return REVOKED_LOOK_S
        self._show(State.FAILING, no.code, no.params)
        if no.code in _AWAY:
            return self.backoff.outage()
        self._hear_orders()
        self._held_s = min(no.retry_after or 0.0, self.backoff.MOST)
        return self.backoff.rejection()

    def _shut_out(self) -> float | None:
        """Nothing is asked any more but whether the store is to go."""
        self._hear_orders()
        return REVOKED_LOOK_S

    def _hear_orders(self) -> None:
        """Ask for something small: an order would come instead."""
        try:
            self.transport.keys()
        except Rejected as no:
            if no.code == PURGE:
                self._show(State.REVOKED, no.code)
            self._heed(no)
        except Unreachable:
            pass

    def _heed(self, no: Rejected) -> None:
        """An order to destroy the store: what still waits is sent if it can be, then the store goes."""
        order = no.params.get("order")
        if no.code == PURGE and isinstance(order, str):
            with contextlib.suppress(Unreachable, Rejected, ClassTapError):
                self.pushing.push_all()
            self.purge(Id(order))

    def _renew_token(self) -> None:
        """The token at hand goes on working, so trouble waits for the next round."""
        try:
            self._renew()
        except (Unreachable, Rejected, ClassTapError) as failure:
            log.info("no new token: %s", failure)

    def _tell_how_it_is(self) -> None:
        now = self.clock.now().mono
        if self.report is None or (self._reported_at is not None and now - self._reported_at < REPORT_EVERY_MS):
            return
        try:
            self.transport.report(self.report())
            if self._hears_of_others:
                self.others = self.transport.devices()
        except (Unreachable, Rejected, ClassTapError) as failure:
            log.info("a report did not arrive: %s", type(failure).__name__)
        else:
            self._reported_at = now

    def _carry_blobs(self) -> None:
        """Behind everything else; trouble with one blob is no trouble with the queue."""
        try:
            if not self.carry():
                self.nudge()
        except (Unreachable, Rejected, ClassTapError) as failure:
            log.info("blobs wait: %s", failure)

    def _show(self, state: State, trouble: str = "", params: Mapping[str, Param] = MappingProxyType({})) -> None:
        changed = (state, trouble) != (self._state, self._trouble)
        if state is State.ONLINE and self._state is State.OFFLINE:
            with (
                self._wake
            ):  # whoever listens need not wait any longer: only a line that is open tells of the next loss at once
                self._back = True
                self._wake.notify_all()
        self._state, self._trouble, self._params = state, trouble, params
        if trouble:
            self.last_trouble = ("cloud.unreachable" if state is State.OFFLINE else trouble, self.clock.now().corrected)
        if changed or state is State.ONLINE:
            self.listener(self.status())

    def _fetch_keys(self) -> None:
        """Take the bundle of pass keys when it is time; one that is refused is asked for again in the next round."""
        now = self.clock.now().mono
        if self._keys_at is not None and now - self._keys_at < KEYS_EVERY_MS:
            return
        bundle = self.transport.keys()
        try:
            self.local.keep_keys(bundle)
        except BadInput as bad:
            log.info("a bundle of pass keys was refused: %s %s", bad.code, bad.params)
            self._keys_trouble = bad
            return
        self._keys_at, self._keys_trouble = now, None

    # --- the listening thread

    def _listen(self) -> None:
        while not self._ended():
            wait: float | None = 1.0
            try:
                for hint in self.transport.live():
                    if (hint is not None and hint.through > self.local.head().cursor) or self._state is State.OFFLINE:
                        self.nudge()
            except Unreachable as failure:
                self._look_if_online(failure)
                wait = self.backoff.outage()
            except Rejected as no:
                self._look_if_online()
                wait = None if no.code in _SHUT_OUT else 5.0
            except Exception as fault:  # noqa: BLE001 - hints are a comfort; without them the next look comes all the same
                log.info("listening failed: %s", type(fault).__name__)
                wait = 5.0
            self._rest(wait)

    def _look_if_online(self, failure: Unreachable | None = None) -> None:
        """What ended the listening may have ended more; whoever knows of trouble already tries again in its own time.

        A line gone silent is told at once: a question on its way may stall far longer before it says the same.
        """
        if self._state in (State.ONLINE, State.SYNCING):
            if isinstance(failure, Silent):
                self._show(State.OFFLINE, str(failure))
            self.nudge()

    def _rest(self, seconds: float | None) -> None:
        """Wait for the end of the engine, at most so long (None: until then), or until the cloud is back."""
        with self._wake:
            self._wake.wait_for(lambda: self._stopping or self._back, seconds)
            self._back = False

    def _ended(self) -> bool:
        return self._stopping
