"""What two devices of one studio say to each other, and the statements by which they prove who they are."""

from typing import Annotated, Literal

import msgspec

from classtap_core.kernel.batches import Batch
from classtap_core.kernel.canonical import canonical, sha256
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from sync.client.relay.local import Place
from sync.protocol import Count, Push, decode, encode, wire_operation

VERSION = 1
SERVICE = "_classtap._tcp.local."
MOST_BYTES = 4 * 1024 * 1024
"""Bytes of one message between devices that have proved who they are."""
MOST_UNPROVED = 4096
"""Bytes of one message before that."""

Name = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]
Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Signature = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{128}\Z")]
Code = Annotated[str, msgspec.Meta(max_length=64)]


class Hello(msgspec.Struct, frozen=True, kw_only=True, tag_field="say", tag="hello"):
    """Who dialled begins: 32 random bytes as hex, and the version of the talk."""

    v: int
    nonce: Hash


class Proof(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="say", tag="proof"):
    """Who speaks, with a signature over `statement`. Who listens adds 32 random bytes of its own."""

    device: Name
    nonce: Hash | None = None
    signature: Signature


class Heard(msgspec.Struct, frozen=True, kw_only=True, tag_field="say", tag="heard"):
    """How far the speaker has what the other device said itself, and the port that the speaker listens at (0: none)."""

    epoch: Count
    sequence: Count
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 0


class Told(msgspec.Struct, frozen=True, kw_only=True, tag_field="say", tag="run"):
    """A signed run of the speaker's own operations. The next one waits for the answer to this `number`."""

    number: Count
    run: Push


class Answered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="say", tag="answer"):
    """What became of a run: it is on disk here, will not be taken (`code` says why), or cannot be taken now."""

    number: Count
    taken: Literal["yes", "no", "later"]
    code: Code = ""


class Here(msgspec.Struct, frozen=True, kw_only=True, tag_field="say", tag="here"):
    """A sign of life."""


Talk = Heard | Told | Answered | Here
Side = Literal["dialler", "listener"]


def statement(
    side: Side, *, studio: Id, device: Id, peer: str, certificate: str, dialler: str, listener: str
) -> bytes:  # fmt: skip
    """What a device signs to prove itself. `certificate`: SHA-256 of the listener's, hex; `dialler` and `listener`: their
    nonces; `peer`: whom the dialler believes to have reached, "" where the listener speaks."""
    return b"CTN1" + canonical(
        {
            "certificate": certificate, "device": device, "dialler": dialler, "listener": listener,
            "peer": peer, "side": side, "studio": studio,
        }
    )  # fmt: skip


def tag(studio: Id) -> str:
    """What a studio is announced by, 16 hex digits: enough not to dial another's devices, and no id."""
    return sha256(b"CTN1", studio.encode())[:16]


def told(number: int, run: Batch) -> bytes:
    items = tuple(wire_operation(item.data, dict(item.parts)) for item in run.items)
    push = Push(
        studio=run.studio, device=run.device, epoch=run.epoch, items=items, signature=run.signature.hex()
    )  # fmt: skip
    return encode(Told(number=number, run=push))


class _End(msgspec.Struct, frozen=True):
    sequence: Count


def end_of(run: Batch) -> Place:
    """Where a run ends in its device's log. Raises BadInput where its last envelope is none."""
    if not run.items:
        raise BadInput("sync.malformed", where="items")
    end: _End = decode(_End, run.items[-1].data)
    return Place(run.epoch, end.sequence)
