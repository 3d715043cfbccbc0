"""Calls to the cloud, each of which also teaches the clock."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from classtap_core.kernel.clock import Clock, SystemClock
from sync.client.transport import Transport
from sync.protocol import Leaves, Page, Paired, Push, Pushed, SnapshotPage

A = TypeVar("A", Page, Pushed, SnapshotPage, Leaves, Paired)


def timed(clock: Clock, call: Callable[[], A]) -> A:
    """Call the cloud; the clock learns from the time that the answer bears."""
    sent = clock.now()
    answer = call()
    if isinstance(clock, SystemClock) and answer.cloud_ms and not clock.shifted:
        clock.correction.observe(answer.cloud_ms, sent=sent, received=clock.now())
    return answer


class Courier:
    """The transport of one device. Raises Unreachable and Rejected, as it does."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self.transport, self.clock = transport, clock

    def push(self, push: Push) -> Pushed:
        return self._timed(lambda: self.transport.push(push))

    def pull(self, cursor: str, scopes: Sequence[str], *, holding: str, digest: bool) -> Page:
        return self._timed(lambda: self.transport.pull(cursor, scopes, holding=holding, digest=digest))

    def snapshot(
        self, scope: str, after: str = "", *, leaf: str = "", keep: Callable[[bytes], None] = lambda data: None
    ) -> SnapshotPage:
        return self._timed(lambda: self.transport.snapshot(scope, after, leaf=leaf, keep=keep))

    def leaves(self, scope: str) -> Leaves:
        return self._timed(lambda: self.transport.leaves(scope))

    def _timed(self, call: Callable[[], A]) -> A:
        return timed(self.clock, call)
