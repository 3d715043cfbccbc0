"""What the sync engine needs of a device's store. Every call returns when what it did is durable."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from classtap_core.kernel.batches import Batch
from classtap_core.kernel.device_store import Answer, DeviceHead, Pulled
from classtap_core.kernel.digests import Digest
from classtap_core.kernel.envelope import Parts
from classtap_core.kernel.ids import Id
from sync.client.arriving import Arriving

TOLD_STAYS_MS = 14 * 24 * 3_600_000
"""So long what another device told is kept that nobody could bring to the cloud."""


class Unsent(NamedTuple):
    """An operation of the queue, as it travels."""

    sequence: int
    hash: str
    data: bytes
    parts: Parts


class ScopeState(NamedTuple):
    """A scope this device is loading or holds.

    Attributes:
        complete: all of it is here. next: how far its loading has come, in the engine's own words.
        again: it is here and held, and is being loaded anew, since it may be wrong.
    """

    scope: str
    complete: bool
    next: str
    again: bool = False


class Position(NamedTuple):
    """A row's place in the order of a snapshot."""

    kind: str
    scope: str
    id: str


class Local(Protocol):
    """The device's store."""

    def head(self) -> DeviceHead: ...

    def unsent(self, most: int, *, after: int | None = None, epoch: int | None = None) -> list[Unsent]:
        """The head of the queue, in order; or what comes after a sequence, sent before or not, of any epoch."""
        ...

    def unsent_before(self, most: int) -> tuple[int, list[Unsent]]:
        """The first earlier epoch that has something unsent, and the head of its queue; nothing of epoch 0 otherwise."""
        ...

    def acked(self, epoch: int) -> int: ...

    def pending(self) -> int: ...

    def sign(self, statement: bytes) -> bytes: ...

    def acknowledge(self, answers: Sequence[Answer], takes: dict[str, int], *, epoch: int) -> None: ...

    def fork(self, *, epoch: int, after: int, new: int) -> None:
        """What an epoch cannot take any more goes on in the current one, or in `new` (`DeviceBus.fork`)."""
        ...

    def apply(self, rows: Sequence[Pulled], *, cursor: int | None = None, token: str = "") -> None: ...

    def scopes(self) -> list[ScopeState]: ...

    def release(self, scopes: Sequence[str]) -> None:
        """Stop holding scopes: their rows go, but for what unsent work wrote."""
        ...

    def reload(self, scopes: Sequence[str]) -> None:
        """Note that scopes are to be loaded anew, in place: what is here stays and is held until then."""
        ...

    def snapshot(
        self, scope: str, rows: Sequence[Pulled], *, after: Position | None, next: str, cursor: int, token: str
    ) -> None:
        """Take one page of a scope; without `next` it is complete. The first scope's cursor starts the pull.

        What is here of the scope behind `after`, up to the page's last row (or the end), and not in the page, goes.
        """
        ...

    def load_begins(self) -> Arriving:
        """Scopes are being loaded: where their pages are kept as they come; what came of them before is there."""
        ...

    def load_ends(self) -> None:
        """All of them are here, or not wanted any more: what is kept of pages goes."""
        ...

    def digests(self, scopes: Iterable[str]) -> Mapping[str, Digest]:
        """Of the cloud's rows as they are here."""
        ...

    def leaves(self, scope: str) -> Mapping[str, str]:
        """The sums of a scope's leaves that are not empty."""
        ...

    def mend(self, scope: str, leaf: str, rows: Sequence[Pulled]) -> None:
        """Put all rows of one leaf of a scope in place of what is here."""
        ...

    def told_runs(self, *, but: Collection[Id], patient: bool) -> list[Batch]:
        """What other devices of this place told and the cloud was not heard on, but for some devices'; `patient` leaves
        out what is only seconds old."""
        ...

    def brought(self, device: Id, epoch: int, answers: Sequence[Answer]) -> bool:
        """Take the cloud's answers to what another device told; whether all of it counts (`DeviceBus.brought`)."""
        ...

    def forget_told(self, device: Id) -> None:
        """Let go of what a device told: the cloud will not take it from here."""
        ...

    def told_in(self) -> Collection[str]:
        """The scopes in which what other devices told lies over the cloud's rows. What nobody could bring to the cloud in
        two weeks (`TOLD_STAYS_MS`) is let go of: rows show it until they are compared, which is now."""
        ...

    def allow(self, scopes: tuple[str, ...]) -> None:
        """Remember which scopes this device may hold from now on."""
        ...

    def keep_keys(self, bundle: bytes) -> None:
        """Keep a pass key bundle. Raises BadInput when it is not signed by the pinned root."""
        ...
