"""The relay of a device: finds the studio's other devices in its network, keeps one line to each, and tells them what the
cloud does not know yet."""

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from classtap_core.kernel.clock import Clock
from classtap_core.kernel.errors import ClassTapError
from classtap_core.kernel.ids import Id
from sync.client.relay.channel import listening
from sync.client.relay.finding import Announced, Finding
from sync.client.relay.lines import Lines
from sync.client.relay.local import Neighbour, Neighbourhood, RelayLocal
from sync.client.relay.messages import tag
from sync.client.relay.places import Places
from sync.client.relay.session import LIMITS, Limits

log = logging.getLogger("classtap.relay")

PATIENCE_S = 0.2
"""The cloud is usually quicker; what it has answered by then need not be told."""
AGAIN_S = 10.0
"""What fails at the beginning (no port is free, the disk is full) is tried again so often."""

Answer = TypeVar("Answer")


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
        self._main: asyncio.Task[None] | None = None
        self._later: asyncio.TimerHandle | None = None
        self._lines: Lines | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._on = self._ending = False
        self._no_port = self._no_network = ""
        self.port = 0

    # --- what others call, from any thread

    def start(self) -> None:
        """Begin; `port` says where it listens from now on. Whatever fails is tried again, and shown by `status`."""
        self._on, self._ending = True, False
        sockets = self._bind()
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._run, args=(self._loop, sockets), name="classtap-relay")
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
        self._soon(lambda: self._with_lines(lambda lines: lines.hang_up(device)))

    def look_again(self) -> None:
        """Cards of devices may have changed, or what they may hold."""
        self._soon(lambda: self._with_lines(Lines.recheck))

    def status(self) -> Neighbourhood:
        lines = self._lines
        present = () if lines is None else lines.present
        neighbours = tuple(Neighbour(one.card.device, one.card.name, one.address, one.heard_ms) for one in present)
        return Neighbourhood(self._on, self._no_port or self._no_network, neighbours, self.port)

    def _soon(self, call: Callable[[], object]) -> None:
        with self._changing:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(call)

    # --- the thread

    def _run(self, loop: asyncio.AbstractEventLoop, sockets: list[socket.socket]) -> None:
        self._hands = ThreadPoolExecutor(2, thread_name_prefix="classtap-relay-ask")
        self._ears = ThreadPoolExecutor(1, thread_name_prefix="classtap-relay-hear")  # one peer's runs stay in order
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner, contextlib.suppress(asyncio.CancelledError):
                try:
                    runner.run(self._work(sockets))
                finally:
                    with self._changing:
                        self._loop = None
        except Exception as fault:  # a mistake of ours must not look like a crash of the program
            log.exception("the relay ended: %s", type(fault).__name__)
        finally:
            for one in sockets:
                one.close()
            for pool in (self._hands, self._ears):
                pool.shutdown(wait=True, cancel_futures=True)
            self._on, self._lines, self._main, self._later = False, None, None, None
            self.port, self._no_port, self._no_network = 0, "", ""
            self._show()

    async def _work(self, sockets: list[socket.socket]) -> None:
        self._main = asyncio.current_task()
        if self._ending:
            return
        try:
            me = await self._patiently(self._local.myself)
            show = await self._patiently(listening)
            lines = self._lines = Lines(
                self._local, me, show, ask=self._ask, hear=self._hear, spawn=self._spawn, limits=self._limits,
                now_ms=lambda: self._clock.now().corrected, changed=self._show,
            )  # fmt: skip
            places = Places(lines, spawn=self._spawn, limits=self._limits, trouble=self._troubled)
            tagged = tag(me.studio)
            while True:
                lines.port = self.port
                for one in sockets:
                    self._spawn(lines.accept(one, places.remember))
                finding = self._spawn(self._find(Announced(tagged, self.port), places))
                self._show()
                if sockets:
                    await asyncio.Event().wait()  # until `stop`
                while not sockets:
                    await asyncio.sleep(AGAIN_S)
                    sockets += self._bind()
                finding.cancel()  # others are to hear of the port
        finally:
            while self._tasks:  # a task that just met something else may miss that it is to end
                for task in self._tasks:
                    task.cancel()
                await asyncio.wait(self._tasks, timeout=0.8)
            await asyncio.sleep(0)  # sockets are closed one turn after their line

    async def _find(self, announced: Announced, places: Places) -> None:
        while True:
            try:
                await self._finding.run(announced, places)
            except Exception as fault:  # a mistake of ours must not keep devices apart for ever
                log.exception("the search for neighbours failed: %s", type(fault).__name__)
            await asyncio.sleep(AGAIN_S)

    def _spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:  # one line's trouble is not another's
            log.error("the relay met a fault: %s", type(fault).__name__, exc_info=fault)

    def _end(self) -> None:
        self._ending = True
        if self._main is not None:
            self._main.cancel()

    def _ask(self, call: Callable[..., Answer], *arguments: object) -> Awaitable[Answer]:
        return asyncio.get_running_loop().run_in_executor(self._hands, call, *arguments)

    def _hear(self, call: Callable[..., Answer], *arguments: object) -> Awaitable[Answer]:
        return asyncio.get_running_loop().run_in_executor(self._ears, call, *arguments)

    async def _patiently(self, call: Callable[[], Answer]) -> Answer:
        while True:
            try:
                return await self._ask(call)
            except (ClassTapError, OSError) as fault:
                log.info("the relay cannot begin: %s", fault)
            await asyncio.sleep(AGAIN_S)

    def _show(self) -> None:
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
        self._with_lines(Lines.news)

    def _with_lines(self, call: Callable[[Lines], None]) -> None:
        if self._lines is not None:
            call(self._lines)

    def _troubled(self, code: str) -> None:
        if code != self._no_network:
            self._no_network = code
            self._show()

    # --- where it listens

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
