"""What the desk asks of the store and the sync engine beneath it: one protocol, so that windows know neither."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from typing import NamedTuple, Protocol

from classtap_core.access.pins import Tries
from classtap_core.contesting.own import OwnLog
from classtap_core.exchange.bringing import Brought, Step
from classtap_core.kernel.clock import Clock
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.device_store import Notice
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.tx import Ref
from classtap_core.store.search import Found, Readable
from sync.client.album import Album
from sync.client.auditing import Auditor
from sync.client.engine import Status
from sync.client.health import Steward
from sync.client.leaving import Leaving
from sync.client.owner_seal import OwnerSeal
from sync.protocol import AttendeeText, PassText

Stop = Callable[[], None]
"""Ends a subscription; may be called more than once."""


class Place(NamedTuple):
    """Where this desk stands.

    Attributes:
        device, studio: its own id and its studio's. location: the one it stands at, or None for a desk of all.
        protection: how the store's key is kept (`keyring`, `file`, `memory`).
    """

    studio: Id
    device: Id
    location: Id | None
    protection: str


class DeskSource(Protocol):
    """The device's store and engine, as the desk needs them.

    Attributes:
        reader: reads what a person sees (the cloud's rows with unsent work over them), and what was said here. The desk calls it and every
            method below that answers at once from two threads of its own: one reads, one does.
        clock: the device's corrected clock.
    """

    @property
    def reader(self) -> OwnLog: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def place(self) -> Place: ...

    def place_name(self) -> str:
        """The studio's name."""
        ...

    def pass_text(self, family: Id) -> PassText:
        """A family's printed pass, from the cloud. Raises EnvironmentFault `cloud.unreachable`, Refused with its code."""
        ...

    def pass_texts(self, families: Sequence[Id], *, going_on: Callable[[int], bool]) -> dict[Id, PassText]:
        """Many families' printed passes, from the cloud; `going_on` hears how many were asked for. Raises as `pass_text`,
        Refused `pass.cards_stopped`."""
        ...

    def attendee_text(self, session: Id, child: Id) -> AttendeeText:
        """A child's pass to a session, from the cloud. Raises as `pass_text`."""
        ...

    @property
    def leaving(self) -> Leaving | None:
        """Signing this device out; None where there is nothing to destroy (a desk in memory)."""
        ...

    @property
    def owner_seal(self) -> OwnerSeal | None:
        """Sealing this device's store to its owner; None for a desk in memory."""
        ...

    @property
    def steward(self) -> Steward | None:
        """How this device is, and what may be done about it; None for a desk in memory."""
        ...

    @property
    def auditor(self) -> Auditor:
        """What was done: this device's own log, and the studio's while the cloud is there."""
        ...

    @property
    def album(self) -> Album:
        """The device's pictures of people. Asked from the two threads, never from the window's."""
        ...

    def submit(self, payload: Payload, author: Author) -> Future[Receipt]:
        """Decide and commit an operation on the store's writer. The future raises what the environment did."""
        ...

    def submit_all(self, payloads: Sequence[Payload], author: Author) -> Future[list[Receipt]]:
        """Decide and commit several operations in one transaction, each seeing what those before it did."""
        ...

    def bring_in(self, steps: Sequence[Step], author: Author, *, going_on: Callable[[int], bool]) -> Future[Brought]:
        """An import, in one transaction on the store's writer, as `exchange.bringing.bring_in`; `going_on` is called there."""
        ...

    def take_back(self, operations: Sequence[Id], author: Author) -> Future[int]:
        """Undo an import, as `exchange.bringing.take_back`."""
        ...

    def on_change(self, callback: Callable[[frozenset[Ref]], None]) -> Stop:
        """Call back, from any thread, after each commit with the records that changed."""
        ...

    def on_status(self, callback: Callable[[], None]) -> Stop:
        """Call back, from any thread, when `status`, `notices` or `oldest_pending_ms` may answer otherwise."""
        ...

    def status(self) -> Status: ...

    def oldest_pending_ms(self) -> int | None:
        """When the oldest unacknowledged operation was made, ms since the Unix epoch; None with an empty queue."""
        ...

    def search(self, text: str, *, kinds: Collection[str], readable: Readable | None = None) -> Sequence[Found]:
        """Records of these kinds that fit what somebody typed, at most 20, best first, as `StoreReader.search`."""
        ...

    def notices(self) -> Sequence[Notice]:
        """Results somebody was told that are no longer so, oldest first, until seen."""
        ...

    def seen(self, operation: Id) -> None:
        """Forget one notice: a person has read it."""
        ...

    def sync_now(self) -> None:
        """Ask the engine for a round at once."""
        ...

    def pepper(self) -> bytes:
        """What staff PINs are hashed with, from the keyring."""
        ...

    def tries(self, staff: Id) -> Tries:
        """Wrong PINs of a person on this device, kept over restarts."""
        ...

    def keep_tries(self, staff: Id, tries: Tries) -> None: ...

    def kept(self, name: str) -> bytes | None:
        """A small value of this program's own under a name, from the encrypted store; None or empty where there is none."""
        ...

    def keep(self, name: str, value: bytes) -> None:
        """Keep a value under a name; empty lets go of it. Raises EnvironmentFault where the disk is full."""
        ...
