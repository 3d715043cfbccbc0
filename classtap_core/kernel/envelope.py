"""The envelope: who did what, where and when, as bytes that are signed once and never written again.

The payload is not in it: one salted commitment per subject is, so that a person's part can be erased and every
hash still holds. Parts travel beside the envelope, and rest sealed under their subject's key.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from classtap_core.kernel import ids
from classtap_core.kernel.canonical import canonical, is_canonical, parse, plain_canonical, sha256, trusted_canonical
from classtap_core.kernel.clock import Timestamp
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Entropy, Id
from classtap_core.kernel.records import OPEN, fill, split

FORMAT = 1
GENESIS = "0" * 64


class Author(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who acts, and what they act under.

    Attributes:
        type: staff, guardian, partner, provider, clock, or device (a kiosk acting by its own role).
        id: the author's id; for a clock, the studio's.
        grants: the grants that allowed it; approvals: ids of approvals given; proof: what shows presence (a scan's id).
    """

    type: str
    id: Id
    grants: tuple[Id, ...] = ()
    approvals: tuple[Id, ...] = ()
    proof: str = ""


class GateResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """One gate's verdict over one item: allow, warn, block, or ask (staff must decide)."""

    gate: str
    item: str
    result: str
    code: str = ""
    params: dict[str, str | int] = {}


class Basis(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What the author had seen: the last pulled sequence, and the versions of what it decided by."""

    pulled: int = 0
    versions: dict[str, str] = {}


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An operation without its payload. See OPERATIONS in docs/architecture.md for every field's meaning."""

    v: int
    kind: str
    version: int
    studio: Id
    device: Id
    epoch: int
    sequence: int
    previous: str
    id: Id
    author: Author
    at: Timestamp
    basis: Basis = Basis()
    gates: tuple[GateResult, ...] = ()
    cause: str = ""
    depth: int = 0
    source: str = ""
    external: str = ""
    payload: tuple[tuple[str, str], ...]


Parts = dict[str, bytes]
"""Subject → canonical bytes of its part, salt inside."""


class Sealed(NamedTuple):
    """An envelope as kept and forwarded: its bytes, its hash, its payload's parts."""

    envelope: Envelope
    data: bytes
    hash: str
    parts: Parts


_decode = msgspec.json.Decoder(Envelope).decode


def make_parts(struct: type[msgspec.Struct], data: Mapping[str, Any], entropy: Entropy) -> Parts:
    """Cut a payload into salted parts, one per subject."""
    return pack(split(struct, data), entropy)


def pack(
    values: Mapping[str, Mapping[str, Any]], entropy: Entropy, *, write: Callable[[Any], bytes] = plain_canonical
) -> Parts:
    """Salt each subject's values and write them canonically."""
    return {subject: write({"salt": entropy(16).hex(), "values": dict(part)}) for subject, part in values.items()}


def commitment(part: bytes) -> str:
    """What stands for a part in a chain."""
    return sha256(b"CTV1", part)


def commitments(parts: Parts) -> tuple[tuple[str, str], ...]:
    """Subject and commitment, in the order of subjects. The salt is inside the part."""
    return tuple((subject, commitment(parts[subject])) for subject in sorted(parts))


def unpack(parts: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """The values of each part that is still there. Raises BadInput when a part is not one."""
    found = {}
    for subject, data in parts.items():
        part = parse(data)
        if not isinstance(part, dict) or not isinstance(part.get("values"), dict):
            raise BadInput("envelope.part")
        found[subject] = part["values"]
    return found


def join_parts(parts: Mapping[str, bytes]) -> dict[str, Any]:
    """The payload as plain data; what an erased subject's part held is not there."""
    values = unpack(parts)
    if OPEN not in values or not isinstance(values[OPEN].get(""), dict):
        raise BadInput("envelope.part")
    try:
        return fill(values[OPEN][""], values)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise BadInput("envelope.part") from error


def write(envelope: Envelope, parts: Parts) -> Sealed:
    """The canonical bytes of an envelope, once and for ever. Raises BadInput for what `canonical` refuses."""
    data = canonical(msgspec.to_builtins(envelope))
    return Sealed(envelope, data, link_hash(data), parts)


def link_hash(data: bytes) -> str:
    """The hash that the next envelope of the same device names as its previous one."""
    return sha256(b"CTO1", data)


def read(data: bytes, parts: Parts) -> Sealed:
    """Read received bytes, which are kept as they came.

    Raises BadInput when they are not an envelope of this format, not canonical, or the parts are not those it
    commits to (a missing part is an erased one; an unknown one is refused).
    """
    try:
        envelope = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("envelope.malformed") from error
    if envelope.v != FORMAT:
        raise BadInput("envelope.format", found=envelope.v)
    if not is_canonical(data, envelope):
        raise BadInput("envelope.not_canonical")
    _check_ids(envelope)
    promised = dict(envelope.payload)
    if len(promised) != len(envelope.payload):
        raise BadInput("envelope.payload")
    for subject, part in parts.items():
        if promised.get(subject) != commitment(part):
            raise BadInput("envelope.commitment")
    return Sealed(envelope, data, link_hash(data), parts)


def own(data: bytes) -> Envelope:
    """The envelope in bytes that this device wrote itself, or has checked before. Raises BadInput when they are none."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("envelope.malformed") from error


def _check_ids(envelope: Envelope) -> None:
    try:
        for id in (envelope.studio, envelope.device, envelope.id):
            ids.parse(id)
    except ValueError as error:
        raise BadInput("envelope.malformed") from error


def batch_statement(*, studio: Id, device: Id, epoch: int, last_sequence: int, last_hash: str) -> bytes:
    """What the author signs at the end of each batch: everything before it is chained to `last_hash`."""
    return b"CTB1" + trusted_canonical(
        {"studio": studio, "device": device, "epoch": epoch, "sequence": last_sequence, "hash": last_hash}
    )
