"""What the bus of a device needs of its store, and the words the two share."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

import msgspec

from classtap_core.kernel.batches import Batch
from classtap_core.kernel.effects import Intent
from classtap_core.kernel.envelope import Parts
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range
from classtap_core.kernel.outcomes import Outcome
from classtap_core.kernel.tx import Change, Reader, Ref, Touched


class DeviceHead(msgspec.Struct, frozen=True, kw_only=True):
    """Where a device stands.

    Attributes:
        sequence, hash: of its last own operation in this epoch.
        acked: the highest own sequence the cloud has answered; the queue is what lies above.
        cursor: the studio sequence pulled up to; token: the cloud's opaque name for it, sent with the next pull.
        takes: operation kinds and versions the cloud takes; empty before the first contact.
    """

    studio: Id
    device: Id
    epoch: int
    sequence: int
    hash: str
    acked: int
    cursor: int
    token: str = ""
    takes: dict[str, int] = {}


class Entry(NamedTuple):
    """One row of the device's log: the queue and the audit are both made of these.

    Attributes:
        told: the outcome people were last shown. answer: the cloud's, once known; included: the studio sequence
            of its decision. touched: what its result rests on, while that matters.
    """

    sequence: int
    epoch: int
    id: Id
    kind: str
    at_ms: int
    data: bytes
    hash: str
    parts: Parts
    told: Outcome
    changes: tuple[Change, ...]
    folded: bool
    touched: Touched
    answer: Outcome | None = None
    included: int | None = None


class Notice(NamedTuple):
    """A result somebody has seen is no longer so. Kept until seen; one per operation."""

    operation: Id
    sequence: int
    kind: str
    before: Outcome
    now: Outcome
    at_ms: int


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cloud's word on one operation: its outcome and the studio sequence of its decision.

    `effects` are those the author owes now that a request was accepted (`Home.HERE_WHEN_ACCEPTED`).
    """

    sequence: int
    outcome: Outcome
    included: int
    effects: tuple[Intent, ...] = ()


class Pulled(msgspec.Struct, frozen=True):
    """A row as pulled: its body now, or None where it was deleted or left what this device holds."""

    kind: str
    id: Id
    scope: str
    body: bytes | None

    @property
    def ref(self) -> Ref:
        return (self.kind, self.id)


class Told(NamedTuple):
    """An operation as another device made it."""

    device: Id
    epoch: int
    sequence: int
    id: Id
    at_ms: int
    data: bytes
    hash: str
    parts: Parts

    @property
    def order(self) -> tuple[int, str, int]:
        """Where it stands among the facts of one entity."""
        return (self.at_ms, self.device, self.sequence)


class DeviceBackend(Reader, Protocol):
    """A device's store, as its bus needs it. `rows` and `find` answer with what a person sees (base and overlay)."""

    def atomic(self) -> AbstractContextManager[Any]:
        """All or nothing, durable when left. Not nested."""
        ...

    def head(self) -> DeviceHead: ...

    def append(self, entries: Sequence[Entry]) -> None:
        """Add to the log, in order, and lay what they changed over the base rows."""
        ...

    def entries(self, sequences: Iterable[int], *, epoch: int | None = None) -> list[Entry]:
        """Entries by sequence, in order; of the current epoch unless another is named."""
        ...

    def outlines(self, sequences: Iterable[int], *, epoch: int | None = None) -> list[Entry]:
        """As `entries`, without what they say, changed and rest on, which is sealed: a long queue is answered so."""
        ...

    def undetermined(self) -> list[int]:
        """Folded entries still in the overlay that were kept without being decided: a scope was not held."""
        ...

    def set_aside(self) -> list[int]:
        """Entries of the current epoch that the cloud has quarantined."""
        ...

    def touching(self, refs: Iterable[Ref], *, settled: bool) -> set[int]:
        """Folded entries that touched any of these: in the overlay still, or settled (and not yet forgotten)."""
        ...

    def ranges_touched(self, kinds: Iterable[str], *, settled: bool) -> list[tuple[int, Range]]:
        """The ranges that folded entries read, of these record kinds."""
        ...

    def retouch(self, sequence: int, touched: Touched, changes: Sequence[Change], *, folded: bool) -> None:
        """After a re-run: replace what the entry rests on and changed, and lay the changes over the base rows."""
        ...

    def included(self, sequences: Iterable[int]) -> None:
        """Answered entries whose rows have come with them in: they lay nothing over the base rows any more.

        They touch nothing any more either, until they are settled; then what they touched counts again.
        """
        ...

    def settled_by(self, cursor: int) -> list[int]:
        """Folded entries still in the overlay whose decision is included in a pull up to `cursor`."""
        ...

    def settle(self, sequences: Iterable[int]) -> None:
        """Take entries out of the overlay (their touches stay known for a while)."""
        ...

    def put_base(self, rows: Iterable[Pulled]) -> None:
        """Replace the cloud's rows; rows under an overlay keep showing it until laid bare."""
        ...

    def bare(self, refs: Iterable[Ref]) -> None:
        """Show the cloud's row again for each of these."""
        ...

    def answered(self, answer: Answer, *, epoch: int | None = None) -> None: ...

    def tell(self, sequence: int, outcome: Outcome, *, epoch: int | None = None) -> None:
        """Remember what people are shown now."""
        ...

    def notify(self, notice: Notice) -> None: ...

    def acked(self, epoch: int) -> int:
        """How far the cloud has answered an epoch."""
        ...

    def set_acked(self, sequence: int, *, epoch: int | None = None) -> None: ...

    def begin_epoch(self, epoch: int) -> None:
        """Begin a new chain with an empty queue and nothing held; earlier epochs' unsent entries stay to be sent."""
        ...

    def adopt(self, entry: Entry, *, epoch: int, sequence: int) -> None:
        """Put an entry that was of another place in the log at the end of the current epoch."""
        ...

    def set_cursor(self, cursor: int, token: str) -> None: ...

    def add_effects(self, operation: Id, intents: Sequence[Intent], *, ready: bool) -> None: ...

    def release_effects(self, operation: Id, *, accepted: bool) -> None:
        """Let go of effects that waited for the outcome, or drop them."""
        ...

    # -- what other devices of this place told

    def told_any(self) -> bool:
        """Whether anything is kept of others."""
        ...

    def told_here(self, device: Id, epoch: int, sequences: Iterable[int]) -> set[int]:
        """Those of the sequences that are kept of a device."""
        ...

    def keep_told(self, run: Batch, entries: Sequence[Told], *, heard_ms: int) -> None:
        """Keep operations of a run, in order, with its signature; what is here already stays as it is."""
        ...

    def told_touch(self, entry: Told, refs: Iterable[Ref], scopes: Iterable[str]) -> None:
        """Remember what an operation read and wrote, and in which scopes it wrote, beside what is remembered."""
        ...

    def told_touching(self, refs: Iterable[Ref]) -> list[Told]:
        """Operations that read or wrote one of these."""
        ...

    def told_refs(self, entries: Iterable[Told]) -> set[Ref]:
        """What operations read and wrote."""
        ...

    def told_answered(self, device: Id, epoch: int, answers: Sequence[Answer]) -> None:
        """Remember the studio sequences of what was decided of operations."""
        ...

    def drop_told(self, *, through: int) -> int:
        """Let go of what was decided by a studio sequence; how many."""
        ...
