"""What was decided of facts that this device told and nobody believed: its people are told."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from classtap_core.checkin.reading import fetch, search
from classtap_core.contesting.records import Ruling
from classtap_core.kernel.tx import Ref

if TYPE_CHECKING:
    from sync.client.node import Node


def hear_rulings(node: "Node", refs: frozenset[Ref] | None = None) -> None:
    """Make notices of the rulings among the records that changed (all there are, at a start) on this device's own facts.

    Waits for nothing, and what is heard twice is told once.
    """
    if refs is None:
        node.store.run(
            lambda: _tell(node, search(node.store.device, Ruling, "by_device", node.papers.device)), background=True
        )
    elif ids := [id for kind, id in refs if kind == Ruling.KIND]:
        node.store.run(lambda: _tell(node, fetch(node.store.device, Ruling, ids).values()), background=True)


def _tell(node: "Node", rulings: Iterable[Ruling]) -> None:
    for one in rulings:
        if one.device == node.papers.device:
            node.bus.learn(one.sequence, one.outcome, epoch=one.epoch)
