"""A program's store as its sync engine needs it."""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from classtap_core.kernel.batches import Batch
from classtap_core.kernel.device_store import Answer, DeviceHead, Pulled
from classtap_core.kernel.digests import Digest
from classtap_core.kernel.ids import Id
from classtap_core.store import arriving, evictions, replica
from classtap_core.store.sealing import KEY_BYTES
from sync.client.local import TOLD_STAYS_MS, Position, ScopeState, Unsent

if TYPE_CHECKING:
    from sync.client.node import Node

ARRIVING_KEY = "arriving"
"""Under which name the key of pages on their way is kept: with it goes all that was kept of them."""
LEFT_TO_AUTHOR_MS = 10_000
"""What another device told is left for it to bring to the cloud for so long, while there is contact."""


class NodeLocal:
    """The store as the sync engine needs it (`sync.client.engine.Local`): every write behind what a person is doing."""

    def __init__(self, node: "Node") -> None:
        self._node, self._store = node, node.store
        self._arriving: arriving.Arriving | None = None

    def head(self) -> DeviceHead:
        with self._store.reader() as reader:
            return reader.head()

    def unsent(self, most: int, *, after: int | None = None, epoch: int | None = None) -> list[Unsent]:
        with self._store.reader() as reader:
            return [Unsent(*found) for found in reader.unsent(most, after=after, epoch=epoch)]

    def unsent_before(self, most: int) -> tuple[int, list[Unsent]]:
        with self._store.reader() as reader:
            waiting = reader.sendable_before()
        first = waiting[0][0] if waiting else 0
        return first, [Unsent(*found) for epoch, found in waiting if epoch == first][:most]

    def acked(self, epoch: int) -> int:
        with self._store.reader() as reader:
            return reader.acked(epoch)

    def pending(self) -> int:
        return self._node.pending()

    def sign(self, statement: bytes) -> bytes:
        return self._store.sign(statement)

    def acknowledge(self, answers: Sequence[Answer], takes: dict[str, int], *, epoch: int) -> None:
        def take() -> None:
            self._node.bus.acknowledge(answers, epoch=epoch)
            if takes != self._store.device.head().takes:
                with self._store.device.atomic():
                    self._store.device.set_takes(takes)
                self._node.bus.retry_understood()

        self._store.call(take, background=True)

    def fork(self, *, epoch: int, after: int, new: int) -> None:
        self._store.call(lambda: self._node.bus.fork(epoch=epoch, after=after, new=new), background=True)

    def apply(self, rows: Sequence[Pulled], *, cursor: int | None = None, token: str = "") -> None:
        self._store.apply(self._node.bus, rows, cursor=cursor, token=token).result()

    def scopes(self) -> list[ScopeState]:
        with self._store.reader() as reader:
            return [ScopeState(*state) for state in reader.scopes()]

    def release(self, scopes: Sequence[str]) -> None:
        prefixes = {scope.split("/", 1)[0] for scope in scopes}
        ledgers = [one.record.KIND for one in self._node.rounds.bounds if one.record.PREFIX in prefixes]

        def let_go() -> None:
            device, now_ms = self._store.device, self._node.clock.now().corrected
            with device.atomic(), evictions.noting(device, ledgers, now_ms):
                device.release_scopes(scopes)

        self.load_ends()  # before its rows: cut short, what came of a lost scope would stay
        self._store.call(let_go, background=True)

    def reload(self, scopes: Sequence[str]) -> None:
        self._store.call(lambda: self._store.device.reload(scopes), background=True)

    def snapshot(
        self, scope: str, rows: Sequence[Pulled], *, after: Position | None, next: str, cursor: int, token: str
    ) -> None:
        with self._store.reader() as reader:
            gone = replica.not_in_page(reader, scope, rows, after=after, last=not next)
        rows = [*rows, *gone]
        self._store.apply_snapshot(self._node.bus, scope, rows, next=next, cursor=cursor, token=token).result()

    def load_begins(self) -> arriving.Arriving:
        if self._arriving is None:
            key = self._node.kept(ARRIVING_KEY)
            if not key:
                key = os.urandom(KEY_BYTES)
                self._node.keep(ARRIVING_KEY, key)
            self._arriving = arriving.Arriving(self._store.folder, key, os.urandom)
        return self._arriving

    def load_ends(self) -> None:
        if self._node.kept(ARRIVING_KEY):
            self._node.keep(ARRIVING_KEY, b"")
            arriving.forget(self._store.folder)
            self._arriving = None

    def digests(self, scopes: Iterable[str]) -> Mapping[str, Digest]:
        with self._store.reader() as reader:
            return {scope: replica.digest_of(reader, scope) for scope in scopes if reader.whole(scope)}

    def leaves(self, scope: str) -> Mapping[str, str]:
        with self._store.reader() as reader:
            return replica.leaves_of(reader, scope)

    def mend(self, scope: str, leaf: str, rows: Sequence[Pulled]) -> None:
        with self._store.reader() as reader:
            gone = replica.not_in_leaf(reader, scope, rows, leaf=leaf)
        self.apply([*rows, *gone])

    def told_runs(self, *, but: Collection[Id], patient: bool) -> list[Batch]:
        heard_before = self._node.clock.now().corrected - (LEFT_TO_AUTHOR_MS if patient else -1)
        with self._store.reader() as reader:
            return reader.told.runs(reader.head().studio, heard_before=heard_before, but=but)

    def brought(self, device: Id, epoch: int, answers: Sequence[Answer]) -> bool:
        return self._store.call(lambda: self._node.bus.brought(device, epoch, answers), background=True)

    def forget_told(self, device: Id) -> None:
        def forget() -> None:
            with self._store.device.atomic():
                self._store.device.told.drop_device(device)

        self._store.call(forget, background=True)

    def told_in(self) -> set[str]:
        before = self._node.clock.now().corrected - TOLD_STAYS_MS
        with self._store.reader() as reader:
            scopes, old = reader.told.scopes(), reader.told.heard_before(before)

        def let_go() -> None:
            with self._store.device.atomic():
                self._store.device.told.drop_heard(before)

        if old:
            self._store.call(let_go, background=True)
        return scopes

    def keep_keys(self, bundle: bytes) -> None:
        self._node.keep_keys(bundle)

    def allow(self, scopes: tuple[str, ...]) -> None:
        self._node.allow(scopes)
