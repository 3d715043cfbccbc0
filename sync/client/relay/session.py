"""One line between two devices that know each other: what each has to tell, told once, in order, one run at a time."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable
from typing import NamedTuple

from classtap_core.kernel.batches import Batch
from classtap_core.kernel.errors import BadInput, ClassTapError, EnvironmentFault
from sync.client.relay.channel import Broken, Channel
from sync.client.relay.local import RelayLocal
from sync.client.relay.messages import MOST_BYTES, Answered, Heard, Here, Talk, Told, end_of, told
from sync.client.relay.proving import Ask, Proved
from sync.protocol import batch_of, decode, encode

log = logging.getLogger("classtap.relay")


class Limits(NamedTuple):
    """How long things may take, in seconds, and how many there may be."""

    connect_s: float = 2.0
    prove_s: float = 10.0
    alive_s: float = 2.0
    """A sign of life is given so often."""
    dead_s: float = 6.0
    """So long without a byte, and the other end is gone."""
    answer_s: float = 30.0
    """So long may a run take to be sent and answered."""
    look_s: float = 30.0
    """So often what there is to tell is looked for without being told of it."""
    gap_s: float = 0.25
    """Between two attempts at one place, however often it is announced."""
    first_s: float = 1.0
    most_s: float = 30.0
    """Waits between attempts grow from the first to the most, with jitter."""
    unproved: int = 16
    unproved_each: int = 4
    """Lines at once whose other end has proved nothing yet; from one address."""
    places: int = 64
    """Places that are dialled."""

    def wait(self, tries: int) -> float:
        """Before the next attempt, after so many that failed (from 1)."""
        most: float = min(self.most_s, self.first_s * 2 ** min(tries, 10))
        return max(self.first_s, random.uniform(most / 2, most))


LIMITS = Limits()


class Session:
    """Attributes:
    card: who is at the other end. address: where. dialled: whether this device dialled.
    heard_ms: the last sign of life, by the corrected clock. over: set when the line has ended. news: set when
    there may be something to tell. since: when it began, by `time.monotonic`. task: what runs it.
    """

    def __init__(
        self,
        channel: Channel,
        proved: Proved,
        local: RelayLocal,
        *,
        dialled: bool,
        ask: Ask,
        hear: Ask,
        limits: Limits,
        now_ms: Callable[[], int],
    ) -> None:
        self.card, self.dialled, self.address = proved.card, dialled, channel.address
        self.news, self.over = asyncio.Event(), asyncio.Event()
        self.news.set()
        self._channel, self._local = channel, local
        self._ask, self._hear_aside = ask, hear
        self._limits, self._now_ms = limits, now_ms
        self._through = proved.heard
        self._number = 0
        self._answer: asyncio.Future[Answered] | None = None
        self._ears: asyncio.Queue[Told] = asyncio.Queue(1)
        self.heard_ms, self.since = now_ms(), time.monotonic()
        self.task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Until the line ends."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for work in (self._read, self._tell, self._hear, self._live):
                    tasks.create_task(work())
        except* Broken as ended:
            log.info("the line to %s ended: %s", self.card.device, ", ".join(map(str, ended.exceptions)))

    # --- what comes

    async def _read(self) -> None:
        while True:
            data = await self._channel.receive(most=MOST_BYTES, patience_s=self._limits.dead_s)
            self.heard_ms = self._now_ms()
            try:
                message: Talk = decode(Talk, data)
            except BadInput as error:
                raise Broken("relay.malformed") from error
            match message:
                case Told():
                    if self._ears.full():
                        raise Broken("relay.hasty")
                    self._ears.put_nowait(message)
                case Answered():
                    if self._answer is None or self._answer.done() or message.number != self._number:
                        raise Broken("relay.malformed")
                    self._answer.set_result(message)
                case Heard():
                    raise Broken("relay.malformed")
                case Here():
                    pass

    async def _hear(self) -> None:
        while True:
            message = await self._ears.get()
            answer = await self._take(message)
            await self._channel.send(encode(answer))

    async def _take(self, message: Told) -> Answered:
        try:
            run = batch_of(message.run)
            if run.device != self.card.device:
                raise BadInput("relay.not_yours")
            await self._hear_aside(self._local.hear, self.card.device, run)
        except EnvironmentFault as fault:
            log.info("cannot take what %s said now: %s", self.card.device, fault.code)
            return Answered(number=message.number, taken="later", code=fault.code[:64])
        except ClassTapError as no:
            log.warning("what %s said is not taken: %s", self.card.device, no.code)
            return Answered(number=message.number, taken="no", code=no.code[:64])
        except Exception as fault:  # a mistake of ours must not stop what comes behind
            log.exception("what %s said could not be taken: %s", self.card.device, type(fault).__name__)
            return Answered(number=message.number, taken="no", code="fault")
        return Answered(number=message.number, taken="yes")

    # --- what goes

    async def _tell(self) -> None:
        tries = 0
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.look_s):
                    await self.news.wait()
            self.news.clear()
            if await self._told_all():
                tries = 0
                continue
            tries += 1
            await asyncio.sleep(self._limits.wait(tries))
            self.news.set()

    async def _told_all(self) -> bool:
        """Tell what waits; False where one end cannot just now."""
        while True:
            before = self._through
            try:
                waiting = await self._ask(self._local.waiting, self.card.device, before)
            except ClassTapError as fault:
                log.info("cannot look for what to tell: %s", fault.code)
                return False
            except Exception as fault:  # a mistake of ours must not end the line
                log.exception("cannot look for what to tell: %s", type(fault).__name__)
                return False
            for run in waiting.runs:
                if not await self._say(run):
                    return False
            self._through = max(self._through, waiting.through)
            if not waiting.more:
                return True
            if self._through == before:
                return False  # more, and no way on: not at once again

    async def _say(self, run: Batch) -> bool:
        """Tell one run and wait for the answer; False where it is to be told again later."""
        self._number += 1
        try:
            message, end = told(self._number, run), end_of(run)
            if len(message) > MOST_BYTES:
                raise BadInput("relay.too_long")
        except (BadInput, UnicodeDecodeError) as bad:
            log.warning("a run cannot be told: %s", bad)
            return True
        self._answer = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._limits.answer_s):
                await self._channel.send(message)
                answer = await self._answer
        except TimeoutError as error:
            raise Broken("relay.unanswered") from error
        if answer.taken == "later":
            log.info("%s takes nothing now: %s", self.card.device, answer.code)
            return False
        if answer.taken == "no":
            log.warning("%s does not take a run: %s", self.card.device, answer.code)
        self._through = max(self._through, end)
        return True

    async def _live(self) -> None:
        here = encode(Here())
        while True:
            await asyncio.sleep(self._limits.alive_s)
            if not self._channel.crowded:
                await self._channel.send(here)
