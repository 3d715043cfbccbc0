"""The lines of a device: one to each neighbour, made by dialling or by answering, each proved before anything is said."""

import asyncio
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Protocol

from classtap_core.kernel.errors import ClassTapError
from classtap_core.kernel.ids import Id
from sync.client.relay.channel import Broken, Channel, Listening, answer, dial, dialling
from sync.client.relay.finding import Address
from sync.client.relay.local import RelayLocal, Self
from sync.client.relay.proving import Ask, Proved, Proving
from sync.client.relay.session import Limits, Session

log = logging.getLogger("classtap.relay")


class Spawn(Protocol):
    """Runs work beside other work; its mistakes stay its own."""

    def __call__(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]: ...


class Lines:
    """Everything here runs on the relay's loop.

    `shown` is what whoever dials gets to see.
    `ask` and `hear` call the device off it; `now_ms` is the corrected time; `changed` is called after `present` changed.

    Attributes:
        present: the lines that stand. port: where this device listens; 0 for nowhere.
    """

    def __init__(
        self,
        local: RelayLocal,
        me: Self,
        shown: Listening,
        *,
        ask: Ask,
        hear: Ask,
        spawn: Spawn,
        limits: Limits,
        now_ms: Callable[[], int],
        changed: Callable[[], None],
    ) -> None:
        self.me, self._local = me, local
        self._ask, self._hear, self._spawn = ask, hear, spawn
        self._limits, self._now_ms, self._changed = limits, now_ms, changed
        self._shown, self._dialling = shown, dialling()
        self._lines: dict[Id, Session] = {}
        self._unproved: Counter[str] = Counter()
        self._being_proved: dict[Channel, Id] = {}
        self.present: tuple[Session, ...] = ()
        self.port = 0

    def to(self, device: Id) -> Session | None:
        """The line to a device."""
        return self._lines.get(device)

    def news(self) -> None:
        """There may be something to tell."""
        for line in self.present:
            line.news.set()

    def hang_up(self, device: Id) -> None:
        line = self._lines.get(device)
        if line is not None and line.task is not None:
            line.task.cancel()

    def recheck(self) -> None:
        """Look at the cards of all neighbours again."""
        for line in self.present:
            self._spawn(self._recheck(line))

    async def _recheck(self, line: Session) -> None:
        card = await self._ask(self._local.card, line.card.device)
        if card is None or card.public_key != line.card.public_key:
            log.info("%s is not spoken to any more", line.card.device)
            if line.task is not None:
                line.task.cancel()
            return
        if card != line.card:
            line.card = card
            self._changed()
        line.news.set()

    # --- who comes

    async def accept(self, listener: socket.socket, reached: Callable[[Id, Address], None]) -> None:
        """Answer whoever dials, until cancelled. `reached` is told where a neighbour that dialled may be dialled."""
        loop = asyncio.get_running_loop()
        again: asyncio.TimerHandle | None = None

        def listen() -> None:
            loop.add_reader(listener, ready)

        def ready() -> None:
            nonlocal again
            try:
                accepted, peer = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as fault:  # too many open files, say
                log.info("nobody can be answered now: %s", fault)
                loop.remove_reader(listener)
                again = loop.call_later(self._limits.first_s, listen)
                return
            self._answer(accepted, str(peer[0]), reached)

        listen()
        try:
            await asyncio.Event().wait()
        finally:
            loop.remove_reader(listener)
            if again is not None:
                again.cancel()

    def _answer(self, accepted: socket.socket, host: str, reached: Callable[[Id, Address], None]) -> None:
        accepted.setblocking(False)
        if self._unproved.total() >= self._limits.unproved or self._unproved[host] >= self._limits.unproved_each:
            accepted.close()
            return
        self._unproved[host] += 1
        task = self._spawn(self._welcome(accepted, host, reached))
        task.add_done_callback(lambda _: accepted.close())  # also where it was ended before it began

    async def _welcome(self, accepted: socket.socket, host: str, reached: Callable[[Id, Address], None]) -> None:
        try:
            channel = await answer(accepted, self._shown.context, within_s=self._limits.prove_s)
            proved = await self._in_time(channel, self._proving().listener(channel, self._shown.certificate))
        except Broken as broken:
            log.info("%s did not prove itself: %s", host, broken)
            await asyncio.sleep(self._limits.first_s)  # so nobody keeps this machine busy with handshakes
            return
        finally:
            self._unproved[host] -= 1
            if not self._unproved[host]:
                del self._unproved[host]
        if proved.port:
            reached(proved.card.device, (channel.address, proved.port))
        await self.keep(channel, proved, dialled=False)

    # --- whom to reach

    async def dial(self, address: Address) -> tuple[Channel, Proved]:
        """A proved line, to be kept. Raises Oneself, Known and Broken as the proof does, and Broken where nobody answers."""
        channel = await dial(*address, self._dialling, within_s=self._limits.connect_s)
        try:
            return channel, await self._in_time(channel, self._proving().dialler(channel, self._wanted))
        finally:
            self._being_proved.pop(channel, None)

    def _wanted(self, channel: Channel, device: Id) -> bool:
        """Whether a dialled line is needed: who listens proved itself, and there is no other line to it."""
        if device in self._lines or device in self._being_proved.values():
            return False
        self._being_proved[channel] = device
        return True

    def _proving(self) -> Proving:
        return Proving(self._local, self._ask, self._limits.prove_s, self.port)

    async def _in_time(self, channel: Channel, proving: Coroutine[object, object, Proved]) -> Proved:
        """Raises Broken, with the line closed, where it does not come off in time."""
        try:
            async with asyncio.timeout(self._limits.prove_s):
                return await proving
        except (TimeoutError, ClassTapError) as error:
            await channel.close()
            raise Broken("relay.silent") from error
        except BaseException:
            await channel.close()
            raise

    # --- what stands

    async def keep(self, channel: Channel, proved: Proved, *, dialled: bool) -> None:
        """A proved line, until it ends. Of two that were dialled at once the one that the lower id dialled stays; else the new
        one, for who dials has no other."""
        device = proved.card.device
        line = Session(
            channel, proved, self._local, dialled=dialled, ask=self._ask, hear=self._hear, limits=self._limits,
            now_ms=self._now_ms,
        )  # fmt: skip
        old = self._lines.get(device)
        if old is not None:
            young = time.monotonic() - old.since < self._limits.prove_s
            if young and old.dialled != dialled and old.dialled == (self.me.device < device):
                await channel.close()
                return
            self.hang_up(device)
        line.task = self._spawn(line.run())
        self._lines[device] = line
        self._now()
        self._spawn(self._recheck(line))  # the card may have gone while it was proved
        try:
            await asyncio.wait([line.task])
        finally:
            line.task.cancel()
            line.over.set()
            if self._lines.get(device) is line:
                del self._lines[device]
            self._now()
            await channel.close()

    def _now(self) -> None:
        self.present = tuple(self._lines.values())
        self._changed()
