"""The relay of a device: finds the studio's other devices in its network, keeps one line to each, and tells them what the
cloud does not know yet."""

import asyncio
import contextlib
import logging
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from classtap_core.kernel.clock import Clock
from classtap_core.kernel.errors import ClassTapError
from classtap_core.kernel.ids import Id
from sync.client.relay.channel import Broken, Channel, answer, dial, dialling, listening
from sync.client.relay.finding import Announced, Finding, Spot
from sync.client.relay.local import Neighbour, Neighbourhood, RelayLocal
from sync.client.relay.messages import tag
from sync.client.relay.proving import Known, Oneself, Proved, Proving
from sync.client.relay.session import LIMITS, Limits, Session

log = logging.getLogger("classtap.relay")

PATIENCE_S = 0.2
"""The cloud is usually quicker; what it has answered by then need not be told."""
_REMEMBERED_S = 3600.0
"""A place that worked is dialled for so long after it was lost from sight."""
_BIND_AGAIN_S = 10.0
_LASTED_S = 10.0
"""A line that lasted so long was a good one: the next attempt comes soon."""

Answer = TypeVar("Answer")


class _Entry:
    """A place that is dialled whenever there is no line to who lives there."""

    def __init__(self, spot: Spot) -> None:
        self.spot = spot
        self.device: Id | None = None
        self.again = asyncio.Event()
        self.lost = False
        self.worked_at: float | None = None
        self.task: asyncio.Task[None] | None = None


class Relay:
    """One thread with one loop; calls to the device are made from others.

    `hurry` says that waiting for the cloud is in vain, and must be quick. `port` (0: any) and `hosts` (none: all
    interfaces) are where it listens. `listener` is called from the relay's thread when the neighbourhood changes.
    """

    def __init__(
        self,
        local: RelayLocal,
        clock: Clock,
        *,
        finding: Finding,
        patience_s: float = PATIENCE_S,
        hurry: Callable[[], bool] = lambda: False,
        listener: Callable[[Neighbourhood], None] = lambda neighbourhood: None,
        port: int = 0,
        hosts: Sequence[str] = (),
        limits: Limits = LIMITS,
    ) -> None:
        self._local, self._clock, self._finding = local, clock, finding
        self._patience_s, self._hurry, self._listener = patience_s, hurry, listener
        self._wanted_port, self._hosts, self._limits = port, tuple(hosts), limits
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changing = threading.Lock()
        self._present: tuple[Session, ...] = ()
        self._on = False
        self._no_port = self._no_network = ""
        self.port = 0
        self._forget_all()

    def _forget_all(self) -> None:
        self._main: asyncio.Task[None] | None = None
        self._later: asyncio.TimerHandle | None = None
        self._ending = False
        self._sessions: dict[Id, Session] = {}
        self._entries: dict[str, _Entry] = {}
        self._unproved: Counter[str] = Counter()
        self._being_proved: dict[Channel, Id] = {}

    # --- what others call, from any thread

    def start(self) -> None:
        """Begin; `port` says where it listens from now on. Whatever fails is tried again, and shown by `status`."""
        self._forget_all()
        sockets = self._bind()
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._run, args=(self._loop, sockets), name="classtap-relay")
        self._on = True
        self._thread.start()

    def stop(self) -> None:
        """End every line and the thread. A call to the device that is under way is waited for."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._soon(self._end)
        thread.join()

    def nudge(self) -> None:
        """Something was committed."""
        self._soon(self._nudged)

    def forget(self, device: Id) -> None:
        """A device may not be spoken to any more."""
        self._soon(self._hang_up, device)

    def look_again(self) -> None:
        """Cards of devices may have changed, or what they may hold."""
        self._soon(self._recheck)

    def status(self) -> Neighbourhood:
        present = tuple(
            Neighbour(one.card.device, one.card.name, one.address, one.heard_ms) for one in self._present
        )  # fmt: skip
        return Neighbourhood(self._on, self._no_port or self._no_network, present)

    def _soon(self, call: Callable[..., object], *arguments: object) -> None:
        with self._changing:
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(call, *arguments)

    # --- the thread

    def _run(self, loop: asyncio.AbstractEventLoop, sockets: list[socket.socket]) -> None:
        self._hands = ThreadPoolExecutor(2, thread_name_prefix="classtap-relay-ask")
        self._ears = ThreadPoolExecutor(1, thread_name_prefix="classtap-relay-hear")  # one peer's runs stay in order
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner, contextlib.suppress(asyncio.CancelledError):
                runner.run(self._work(sockets))
        except Exception as fault:  # a mistake of ours must not look like a crash of the program
            log.exception("the relay ended: %s", type(fault).__name__)
        finally:
            with self._changing:
                self._loop = None
            for one in sockets:
                one.close()
            for pool in (self._hands, self._ears):
                pool.shutdown(wait=True, cancel_futures=True)
            self._on, self._present = False, ()
            self._shown()

    async def _work(self, sockets: list[socket.socket]) -> None:
        self._main = asyncio.current_task()
        if self._ending:
            return
        self._listening, self._dialling = listening(), dialling()
        self._me = await self._patiently(self._local.myself)
        self._shown()
        async with asyncio.TaskGroup() as self._tasks:
            finding = self._spawn(self._find())
            while not sockets:
                await asyncio.sleep(_BIND_AGAIN_S)
                sockets += self._bind()
                if sockets:
                    finding.cancel()
                    self._spawn(self._find())
                    self._shown()
            for one in sockets:
                self._spawn(self._accept(one))

    def _spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        return self._tasks.create_task(self._guarded(work))

    async def _guarded(self, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except Exception as fault:  # one line's trouble is not another's
            log.exception("the relay met a fault: %s", type(fault).__name__)

    def _end(self) -> None:
        self._ending = True
        if self._main is not None:
            self._main.cancel()

    def _ask(self, call: Callable[..., Answer], *arguments: object) -> Awaitable[Answer]:
        return asyncio.get_running_loop().run_in_executor(self._hands, call, *arguments)

    def _hear(self, call: Callable[..., Answer], *arguments: object) -> Awaitable[Answer]:
        return asyncio.get_running_loop().run_in_executor(self._ears, call, *arguments)

    async def _patiently(self, call: Callable[[], Answer]) -> Answer:
        tries = 0
        while True:
            try:
                return await self._ask(call)
            except ClassTapError as fault:
                log.info("the relay waits for the device: %s", fault.code)
            tries += 1
            await asyncio.sleep(self._limits.wait(tries))

    def _shown(self) -> None:
        try:
            self._listener(self.status())
        except Exception as fault:
            log.exception("who listens to the relay failed: %s", type(fault).__name__)

    # --- news

    def _nudged(self) -> None:
        if self._hurry():
            self._spread()
        elif self._later is None:
            self._later = asyncio.get_running_loop().call_later(self._patience_s, self._spread)

    def _spread(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        for session in self._present:
            session.news.set()

    # --- who may be spoken to

    def _hang_up(self, device: Id) -> None:
        session = self._sessions.get(device)
        if session is not None and session.task is not None:
            session.task.cancel()

    def _recheck(self) -> None:
        for session in self._present:
            self._spawn(self._rechecked(session))

    async def _rechecked(self, session: Session) -> None:
        card = await self._ask(self._local.card, session.card.device)
        if card is None or card.public_key != session.card.public_key:
            log.info("%s is not spoken to any more", session.card.device)
            self._hang_up(session.card.device)
            return
        session.card = card
        session.news.set()

    # --- lines

    def _bind(self) -> list[socket.socket]:
        """The sockets to listen at, all with one port; none where that cannot be."""
        sockets: list[socket.socket] = []
        port = self._wanted_port
        try:
            if not self._hosts:
                dual = socket.has_dualstack_ipv6()
                family = socket.AF_INET6 if dual else socket.AF_INET
                sockets.append(socket.create_server(("", port), family=family, dualstack_ipv6=dual))
            for host in self._hosts:
                family = socket.AF_INET6 if ":" in host else socket.AF_INET
                sockets.append(socket.create_server((host, port), family=family))
                port = sockets[0].getsockname()[1]
            for one in sockets:
                one.setblocking(False)
        except OSError as error:
            log.info("the relay listens nowhere: %s", error)
            for one in sockets:
                one.close()
            self.port, self._no_port = 0, "relay.no_port"
            return []
        self.port, self._no_port = sockets[0].getsockname()[1], ""
        return sockets

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, peer = await loop.sock_accept(listener)
            except OSError:  # too many open files, say
                await asyncio.sleep(self._limits.first_s)
                continue
            host = str(peer[0])
            if self._unproved.total() >= self._limits.unproved or self._unproved[host] >= self._limits.unproved_each:
                accepted.close()
                continue
            self._unproved[host] += 1
            self._spawn(self._welcome(accepted, host))

    async def _welcome(self, accepted: socket.socket, host: str) -> None:
        try:
            channel = await answer(accepted, self._listening.context, within_s=self._limits.prove_s)
            proved = await self._proved(channel, self._proving().listener(channel, self._listening.certificate))
        except Broken as broken:
            log.info("%s did not prove itself: %s", host, broken)
            return
        finally:
            self._unproved[host] -= 1
            if not self._unproved[host]:
                del self._unproved[host]
        device = proved.card.device
        if proved.port and all(entry.device != device for entry in self._entries.values()):
            entry = self._add(Spot(f"heard/{device}", ((channel.address, proved.port),)))
            if entry is not None:
                entry.device, entry.lost, entry.worked_at = device, True, time.monotonic()
        await self._keep(channel, proved, dialled=False)

    def _proving(self) -> Proving:
        return Proving(self._local, self._ask, self._limits.prove_s, self.port)

    async def _proved(self, channel: Channel, proving: Coroutine[object, object, Proved]) -> Proved:
        """Raises Broken, with the line closed, where it does not come off in time."""
        try:
            async with asyncio.timeout(self._limits.prove_s):
                return await proving
        except BaseException as error:
            await channel.close()
            if isinstance(error, TimeoutError | ClassTapError):
                raise Broken("relay.silent") from error
            raise

    async def _keep(self, channel: Channel, proved: Proved, *, dialled: bool) -> None:
        """A proved line, until it ends. Of two that were dialled at once the lower id's stays."""
        device = proved.card.device
        session = Session(
            channel, proved, self._local, dialled=dialled, ask=self._ask, hear=self._hear, limits=self._limits,
            now_ms=lambda: self._clock.now().corrected,
        )  # fmt: skip
        old = self._sessions.get(device)
        if old is not None:
            young = time.monotonic() - old.since < self._limits.prove_s
            if young and old.dialled != dialled and old.dialled == (self._me.device < device):
                await channel.close()
                return
            self._hang_up(device)
        session.task = asyncio.create_task(session.run())
        self._sessions[device] = session
        self._changed()
        self._spawn(self._rechecked(session))  # the card may have gone while it was proved
        try:
            await session.task
        except Broken as broken:
            log.info("the line to %s ended: %s", device, broken)
        except asyncio.CancelledError:
            me = asyncio.current_task()
            if me is None or me.cancelling():  # else it was hung up
                raise
        finally:
            session.over.set()
            if self._sessions.get(device) is session:
                del self._sessions[device]
            self._changed()
            await channel.close()

    def _changed(self) -> None:
        self._present = tuple(self._sessions.values())
        self._shown()

    # --- places to dial

    async def _find(self) -> None:
        await self._finding.run(Announced(tag(self._me.studio), self.port), self)

    def found(self, spot: Spot) -> None:
        """Dial there, at once where it was known before."""
        entry = self._entries.get(spot.key)
        if entry is None:
            self._add(spot)
            return
        entry.spot, entry.lost = spot, False
        entry.again.set()

    def lost(self, key: str) -> None:
        """Dial there no more, unless it has worked."""
        entry = self._entries.get(key)
        if entry is not None:
            entry.lost = True
            if entry.worked_at is None:
                self._drop(entry)

    def trouble(self, code: str) -> None:
        """What the finding says of itself."""
        if code != self._no_network:
            self._no_network = code
            self._shown()

    def _add(self, spot: Spot) -> _Entry | None:
        if len(self._entries) >= self._limits.places:
            gone = next((one for one in self._entries.values() if one.lost and one.device not in self._sessions), None)
            if gone is None:
                return None
            self._drop(gone)
        entry = self._entries[spot.key] = _Entry(spot)
        entry.task = self._spawn(self._visit(entry))
        return entry

    def _drop(self, entry: _Entry) -> None:
        self._entries.pop(entry.spot.key, None)
        if entry.task is not None:
            entry.task.cancel()

    async def _visit(self, entry: _Entry) -> None:
        """Dial a place again and again, while there is no line to who lives there."""
        tries = 0
        while True:
            session = None if entry.device is None else self._sessions.get(entry.device)
            if session is not None:
                await session.over.wait()
                tries = 0
            elif entry.lost and time.monotonic() - (entry.worked_at or 0.0) > _REMEMBERED_S:
                self._drop(entry)
            else:
                entry.again.clear()
                started = time.monotonic()
                await self._attempt(entry)
                if entry.device is not None and entry.device == self._me.device:
                    return
                tries = 0 if time.monotonic() - started > _LASTED_S else tries + 1
            await asyncio.sleep(self._limits.gap_s * random.uniform(0.5, 1.0))
            if tries:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._limits.wait(tries)):
                        await entry.again.wait()

    async def _attempt(self, entry: _Entry) -> None:
        """Dial a place's addresses in turn until one is a device of ours; then until that line ends."""
        for address in entry.spot.addresses:
            channel = None
            try:
                channel = await dial(*address, self._dialling, within_s=self._limits.connect_s)
                proved = await self._proved(channel, self._proving().dialler(channel, self._wanted))
            except Oneself:
                entry.device = self._me.device
                return
            except Known as known:
                entry.device = known.device
                return
            except Broken as broken:
                log.info("nobody of ours at %s port %s: %s", *address, broken)
                continue
            finally:
                if channel is not None:
                    self._being_proved.pop(channel, None)
            entry.device, entry.worked_at = proved.card.device, time.monotonic()
            entry.spot = Spot(entry.spot.key, tuple(sorted(entry.spot.addresses, key=lambda one: one != address)))
            for other in [one for one in self._entries.values() if one.device == entry.device and one.lost]:
                if other is not entry:
                    self._drop(other)
            await self._keep(channel, proved, dialled=True)
            return

    def _wanted(self, channel: Channel, device: Id) -> bool:
        """Whether a dialled line is needed: who listens proved itself, and there is no other line to it."""
        if device in self._sessions or device in self._being_proved.values():
            return False
        self._being_proved[channel] = device
        return True
