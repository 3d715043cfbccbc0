"""Whether a device can go on keeping what is done on it: room on its disk, and a store that is sound."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from classtap_core.store.space import Level, queue_level

if TYPE_CHECKING:
    from sync.client.node import Node


class Keeping(NamedTuple):
    """How the store stands, as it was last looked at.

    Attributes:
        level: of the room on its disk. free: bytes of it. marks: for how many marks that is enough.
        sound: whether nothing damaged was found. mends: whether what is damaged is mended without anybody's help.
        sealed: whether the owner's key opens it too, so that a lost keyring loses nothing.
        waiting: how many operations wait to be sent.
    """

    level: Level
    free: int
    marks: int
    sound: bool
    mends: bool
    sealed: bool
    waiting: int = 0

    @property
    def queue(self) -> Level:
        """How much room is left in the queue."""
        return queue_level(self.waiting)


def keeping_of(node: Node) -> Keeping:
    """Measures the disk; of the store, says what the last look found."""
    room, health = node.store.space.look(), node.store.watch.health
    sealed = node.store.recovery is not None
    return Keeping(room.level, room.free, room.marks, health.sound, health.mends, sealed, node.pending())


def on_keeping(node: Node, callback: Callable[[], None]) -> Callable[[], None]:
    """Call back, from any thread, when `keeping_of` answers otherwise in more than numbers. Returns what ends it."""
    told = [queue_level(node.pending())]

    def counted(waiting: int) -> None:
        level = queue_level(waiting)
        if level is not told[0]:
            told[0] = level
            callback()

    ends = (
        node.store.space.on_change(lambda room: callback()),
        node.store.watch.on_change(lambda health: callback()),
        node.on_change(lambda refs: counted(node.pending())),
        node.on_status(lambda status: counted(status.pending)),
    )

    def end() -> None:
        for one in ends:
            one()

    return end
