"""Runs of one device's operations as they travel: chained, and signed over the last one's hash. Carriers forward them whole."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

from classtap_core.kernel.envelope import Parts, Sealed, batch_statement
from classtap_core.kernel.envelope import read as read_envelope
from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.kernel.ids import Id


class Received(NamedTuple):
    """One operation as it came: envelope bytes and payload parts, kept as they are."""

    data: bytes
    parts: Parts


class Batch(NamedTuple):
    """A run of one device's operations, signed over the last one's hash. `carrier`: the device that brought it to the
    cloud, where that was not the author itself."""

    studio: Id
    device: Id
    epoch: int
    items: tuple[Received, ...]
    signature: bytes
    carrier: Id = Id("")


class Verifier(Protocol):
    """Checks a device's signature. Raises nothing; says no."""

    def __call__(self, public_key: bytes, signature: bytes, statement: bytes) -> bool: ...


def read_batch(batch: Batch) -> tuple[Sealed, ...]:
    """The envelopes of a batch. Raises BadInput when one is none, with its `index`: whose log it is must know which."""
    return tuple([_read(item, index) for index, item in enumerate(batch.items)])


def _read(item: Received, index: int) -> Sealed:
    try:
        return read_envelope(item.data, item.parts)
    except BadInput as bad:
        bad.params["index"] = index
        raise


def check_whose(batch: Batch, sealed: Sequence[Sealed], *, studio: Id) -> None:
    """Check that a batch says nothing of another studio, device or epoch than its own.

    Raises BadInput `sync.empty`, `sync.mixed` (`index`); Refused `sync.other_studio`.
    """
    if not sealed:
        raise BadInput("sync.empty")
    for index, item in enumerate(sealed):
        envelope = item.envelope
        if (envelope.studio, envelope.device, envelope.epoch) != (batch.studio, batch.device, batch.epoch):
            raise BadInput("sync.mixed", index=index)
    if batch.studio != studio:
        raise Refused("sync.other_studio")


def check_signed(batch: Batch, sealed: Sequence[Sealed], public_key: bytes, verify: Verifier) -> None:
    """Check that a batch is one unbroken run, and its author's.

    Raises BadInput `sync.broken_chain`, Refused `sync.signature`.
    """
    for one, other in pairwise(sealed):
        if other.envelope.sequence != one.envelope.sequence + 1 or other.envelope.previous != one.hash:
            raise BadInput("sync.broken_chain", sequence=other.envelope.sequence)
    last = sealed[-1]
    statement = batch_statement(
        studio=batch.studio, device=batch.device, epoch=batch.epoch,
        last_sequence=last.envelope.sequence, last_hash=last.hash,
    )  # fmt: skip
    if not verify(public_key, batch.signature, statement):
        raise Refused("sync.signature")
