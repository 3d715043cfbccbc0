"""The queue's way to the cloud: in order, in signed batches, a few on their way at once; and what to do when histories part."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import msgspec

from classtap_core.kernel.envelope import batch_statement
from classtap_core.kernel.errors import BadInput
from sync.client.courier import Courier
from sync.client.local import Local, Unsent
from sync.client.transport import Rejected
from sync.protocol import MOST_OPERATIONS, Page, Push, Pushed, WireOperation, wire_operation

log = logging.getLogger("classtap.sync")

BATCH_BYTES = 1_500_000
"""Operations are cut into pushes of at most this many bytes, well under what the cloud refuses."""

MOST_FLYING = 4
"""Pushes on their way at once. The cloud writes one at a time; the others hide the way there and what gets lost on it."""


class Asking(NamedTuple):
    """The pull that goes with a push. Without scopes, none does."""

    cursor: str = ""
    scopes: tuple[str, ...] = ()
    holding: str = ""


class Batch(NamedTuple):
    """A push that is ready, its last sequence, and whether the queue goes on behind it."""

    push: Push
    last: int
    more: bool


class Pushing:
    """Empties the queue. `asking` says which pull goes with its last batch; `take` takes the page that comes of it."""

    def __init__(
        self, local: Local, cloud: Courier, *, asking: Callable[[], Asking], take: Callable[[Page], None]
    ) -> None:
        self.local, self.cloud, self._asking, self._take = local, cloud, asking, take

    def push_all(self) -> None:
        """Send everything, earlier epochs first.

        A cloud that lacks what it had acknowledged (an old backup came back) gets that again. Where another copy of
        this device has gone on under its name, what is unsent here goes on in an epoch of its own. Raises Unreachable,
        Rejected, BadInput.
        """
        self._push_earlier()
        epoch = self.local.head().epoch
        try:
            self._drain()
        except Rejected as no:
            self._mend(no, epoch)
            self._drain()

    def _push_earlier(self) -> None:
        while True:
            epoch, waiting = self.local.unsent_before(MOST_OPERATIONS)
            if not waiting:
                return
            run = _unbroken(waiting)
            if run[0].sequence > self.local.acked(epoch) + 1:
                self._go_on_elsewhere(epoch, after=run[0].sequence - 1)  # what came before is lost to this store
                continue
            try:
                self.acknowledge(self.send(self._signed(_cut(run), epoch)), epoch)
            except Rejected as no:
                self._mend(no, epoch)

    def _mend(self, no: Rejected, epoch: int) -> None:
        """Do what a refused batch needs before the queue can go on. Raises the refusal when that is nothing of ours."""
        if no.code == "sync.gap":
            first, acked = no.params.get("expected"), self.local.acked(epoch)
            if not isinstance(first, int) or not 0 < first <= acked:
                raise no
            self._send_again(first, acked, epoch)
        elif no.code == "sync.fork":
            first, new = no.params.get("sequence"), no.params.get("epoch")
            if not isinstance(first, int) or not isinstance(new, int):
                raise no
            self._part(first, new, epoch)
        else:
            raise no

    def _part(self, first: int, new: int, epoch: int) -> None:
        """From `first` on, this epoch is another copy's: what came before is sent as it is, the rest goes on elsewhere."""
        log.warning("another copy of this device has written: its epoch %d parts at %d", epoch, first)
        acked = self.local.acked(epoch)
        while acked + 1 < first:
            run = _cut(self.local.unsent(min(MOST_OPERATIONS, first - acked - 1), after=acked, epoch=epoch))
            self.acknowledge(self.send(self._signed(run, epoch)), epoch)
            acked = run[-1].sequence
        self._go_on_elsewhere(epoch, after=first - 1, new=new)

    def _go_on_elsewhere(self, epoch: int, *, after: int, new: int = 0) -> None:
        self.local.fork(epoch=epoch, after=after, new=max(new, self.local.head().epoch + 1))

    def _send_again(self, first: int, last: int, epoch: int) -> None:
        """Send a run that was answered before. Those answers stand here; what the cloud says now comes with its rows."""
        while first <= last:
            again = _cut(self.local.unsent(min(MOST_OPERATIONS, last - first + 1), after=first - 1, epoch=epoch))
            if not again:
                raise BadInput("sync.gap", expected=first)
            self.send(self._signed(again, epoch))
            first = again[-1].sequence + 1

    def _drain(self) -> None:
        """Push until nothing waits. A long queue has a few batches on their way: some are read while one is written."""
        while (batch := self.batch()) is not None:
            if not batch.more:
                self.acknowledge(self.send(batch.push), batch.push.epoch)
            else:
                self._stream(batch)

    def _stream(self, batch: Batch) -> None:
        """Push the queue from a full batch on. Answers are written down in the order of the batches, each while the
        next ones are on their way.

        A batch behind may come first: the cloud waits a moment for its forerunner. Where that failed, or was too late,
        the cloud says `sync.gap`, and nothing of it happened.
        """
        answered: tuple[Pushed, int] | None = None
        following: Batch | None = batch
        flying: deque[tuple[Batch, Future[Pushed]]] = deque()
        with ThreadPoolExecutor(MOST_FLYING, "classtap-sync-ahead") as ahead:
            while following is not None or flying:
                while following is not None and len(flying) < MOST_FLYING:
                    push = msgspec.structs.replace(following.push, behind=bool(flying))
                    flying.append((following, ahead.submit(self.send, push)))
                    following = self.batch(behind=following) if following.more else None
                if answered is not None:
                    self.acknowledge(*answered)
                    answered = None
                first, sent = flying.popleft()
                try:
                    answered = sent.result(), first.push.epoch
                except Rejected as no:
                    if first is batch or no.code != "sync.gap":
                        raise
                    answered = self.send(first.push), first.push.epoch
        if answered is not None:
            self.acknowledge(*answered)

    def batch(self, behind: Batch | None = None) -> Batch | None:
        """The next run of the queue, signed: its head, or what comes behind a batch that is on its way.

        Only the queue's end asks for a pull with it: what others wait for goes first.
        """
        waiting = self.local.unsent(MOST_OPERATIONS, after=behind.last if behind else None)
        unsent = _cut(waiting)
        if not unsent:
            return None
        more = len(waiting) == MOST_OPERATIONS or len(unsent) < len(waiting)
        push = self._signed(unsent, self.local.head().epoch, Asking() if more else self._asking())
        return Batch(push, unsent[-1].sequence, more)

    def _signed(self, items: Sequence[Unsent], epoch: int, asking: Asking = Asking()) -> Push:  # noqa: B008 - a value
        head, last = self.local.head(), items[-1]
        statement = batch_statement(
            studio=head.studio, device=head.device, epoch=epoch, last_sequence=last.sequence, last_hash=last.hash
        )
        return Push(
            studio=head.studio, device=head.device, epoch=epoch, items=tuple(_wire(item) for item in items),
            signature=self.local.sign(statement).hex(), cursor=asking.cursor, scopes=asking.scopes,
            holding=asking.holding,
        )  # fmt: skip

    def send(self, push: Push) -> Pushed:
        return self.cloud.push(push)

    def acknowledge(self, answer: Pushed, epoch: int) -> None:
        """Write down what became of a batch. One that answers nothing must not be sent again and again at once."""
        before = self.local.acked(epoch)
        if answer.epoch not in (0, epoch):
            raise BadInput("sync.malformed", where="epoch")
        self.local.acknowledge(answer.answers, answer.takes, epoch=epoch)
        if self.local.acked(epoch) == before:
            raise BadInput("sync.malformed", where="answers")
        if answer.page is not None:
            self._take(answer.page)


def _unbroken(unsent: list[Unsent]) -> list[Unsent]:
    """The first of them, as far as no sequence is missing."""
    return [item for at, item in enumerate(unsent) if item.sequence == unsent[0].sequence + at]


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
