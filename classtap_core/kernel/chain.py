"""Two chains and one seal. A device chains what it authored; the cloud chains what was decided; persons' values rest sealed.

Erasing a person destroys one key: their parts no longer open, the commitments stay, and both chains still verify.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from classtap_core.kernel.canonical import sha256, trusted_canonical, typed_canonical
from classtap_core.kernel.envelope import GENESIS, Parts, commitment, link_hash, pack, unpack
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Entropy, Id
from classtap_core.kernel.outcomes import Outcome
from classtap_core.kernel.records import OPEN, Record, place, plan, split_items
from classtap_core.kernel.tx import Change


class Link(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One decided operation in a studio's chain: what came, what became of it, and what it changed (committed)."""

    studio: Id
    sequence: int
    previous: str
    operation: Id
    kind: str
    device: Id
    epoch: int
    device_sequence: int
    envelope: str
    decided: int
    outcome: Outcome
    changes: tuple[tuple[str, str], ...] = ()

    def written(self) -> bytes:
        return trusted_canonical(self)


class _Chained(msgspec.Struct, frozen=True):
    """Of a link, what a verifier looks at; the whole of it is under its hash."""

    sequence: int
    previous: str
    changes: tuple[tuple[str, str], ...] = ()


class _Authored(msgspec.Struct, frozen=True):
    """Of an envelope, what a verifier looks at; it was checked when it came, and the whole of it is under its hash."""

    sequence: int
    previous: str
    payload: tuple[tuple[str, str], ...] = ()


def studio_hash(data: bytes) -> str:
    """The hash the next link of the same studio names as its previous one."""
    return sha256(b"CTL1", data)


class Keys(Protocol):
    """Where subjects' keys are kept. A destroyed key is gone from here, and never made again for the same subject."""

    def key(self, subject: str) -> bytes | None:
        """The 32-byte key of a subject, made on first use; None when it was destroyed."""
        ...


class Sealer:
    """Seals each subject's part under the subject's key (ChaCha20-Poly1305), bound to where it belongs."""

    def __init__(self, keys: Keys, entropy: Entropy) -> None:
        self._keys, self._entropy = keys, entropy

    def seal(self, parts: Mapping[str, bytes], context: str) -> dict[str, bytes]:
        """Sealed parts; the open part stays as it is. A destroyed subject's part is dropped."""
        sealed = {}
        for subject, data in parts.items():
            if subject == OPEN:
                sealed[subject] = data
                continue
            key = self._keys.key(subject)
            if key is not None:
                nonce = self._entropy(12)
                sealed[subject] = nonce + ChaCha20Poly1305(key).encrypt(nonce, data, f"{context}/{subject}".encode())
        return sealed

    def open(self, sealed: Mapping[str, bytes], context: str) -> Parts:
        """The parts that still open. Raises BadInput for a part that was tampered with."""
        parts = {}
        for subject, box in sealed.items():
            if subject == OPEN:
                parts[subject] = box
                continue
            key = self._keys.key(subject)
            if key is not None:
                try:
                    parts[subject] = ChaCha20Poly1305(key).decrypt(box[:12], box[12:], f"{context}/{subject}".encode())
                except (InvalidTag, ValueError) as error:
                    raise BadInput("chain.seal", context=context) from error
        return parts


def change_parts(changes: Iterable[Change], records: Mapping[str, type[Record]], entropy: Entropy) -> Parts:
    """Cut recorded changes into one salted part per subject: the open part lists them, bodies left out.

    A pointer of a person's part is ``position/before|after/field``, or goes on into the field's items. A value
    before belongs to whoever the record was about before.
    """
    listed = []
    values: dict[str, dict[str, Any]] = {}
    for position, change in enumerate(changes):
        record = records[change.kind]
        entry: dict[str, object] = {"kind": change.kind, "id": change.id, "scope": change.scope}
        if change.left:
            entry["left"] = change.left
        before, after = _wholes(change) if any(part.about for part in plan(record)) else ({}, {})
        for side, fields, whole in (("before", change.before, before), ("after", change.after, after)):
            if fields is not None:
                entry[side] = _split_fields(record, fields, whole, f"{position}/{side}", values)
        listed.append(entry)
    return pack({OPEN: {"": listed}, **values}, entropy, write=typed_canonical)


def _wholes(change: Change) -> tuple[dict[str, Any], dict[str, Any]]:
    """The row before and after a change, as plain data."""
    if change.before is None:
        return {"id": change.id}, {**(change.after or {}), "id": change.id}
    after = msgspec.json.decode(change.body) if change.body is not None else {}
    before = {name: value for name, value in after.items() if name not in (change.after or {})}
    return {**before, **(change.before or {}), "id": change.id}, {**after, "id": change.id}


def _split_fields(
    record: type[Record],
    fields: Mapping[str, Any],
    whole: Mapping[str, Any],
    pointer: str,
    values: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """The changed fields that are nobody's; a person's go to `values`."""
    kept = dict(fields)
    for name, whose, items in plan(record):
        if name not in kept:
            continue
        if whose is not None:
            subject = whole.get(whose.subject)
            if subject:
                values.setdefault(subject, {})[f"{pointer}/{name}"] = kept.pop(name)
        elif items is not None:
            kept[name] = split_items(items, kept[name], f"{pointer}/{name}", values)
    return kept


def join_changes(parts: Mapping[str, bytes]) -> tuple[Change, ...]:
    """Recorded changes again, without bodies; fields of erased persons are not there."""
    values = unpack(parts)
    listed = values[OPEN][""]
    for subject, fields in values.items():
        if subject != OPEN:
            for pointer, value in fields.items():
                place(listed, pointer, value)
    return tuple(
        Change(
            kind=entry["kind"],
            id=Id(entry["id"]),
            before=entry.get("before"),
            after=entry.get("after"),
            scope=entry["scope"],
            left=entry.get("left", ""),
        )
        for entry in listed
    )


class Verified(NamedTuple):
    """What checking a chain came to: how many entries, and the first that is wrong, with a code."""

    entries: int
    bad_sequence: int | None = None
    why: str = ""

    @property
    def ok(self) -> bool:
        return self.bad_sequence is None


class ChainRow(NamedTuple):
    """A stored entry as a verifier needs it: its sequence, its bytes, and the parts that still open."""

    sequence: int
    data: bytes
    parts: Parts


def verify_device(
    rows: Iterable[ChainRow], *, previous: str = GENESIS, first: int = 1, head: str | None = None
) -> Verified:
    """Check a device's chain (one epoch): nothing edited, removed, reordered, and parts as committed.

    `head` is the hash the chain must end with; without it, a missing or edited end cannot be seen.
    """
    count, expected = 0, first
    decode = msgspec.json.Decoder(_Authored).decode
    for row in rows:
        try:
            authored = decode(row.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Verified(count, row.sequence, "chain.malformed")
        if row.sequence != expected or authored.sequence != expected:
            return Verified(count, expected, "chain.gap")
        if authored.previous != previous:
            return Verified(count, row.sequence, "chain.previous")
        if not _committed(authored.payload, row.parts):
            return Verified(count, row.sequence, "chain.commitment")
        previous = link_hash(row.data)
        count, expected = count + 1, expected + 1
    return _ended(count, expected, previous, head)


def verify_studio(
    rows: Iterable[ChainRow], *, previous: str = GENESIS, first: int = 1, head: str | None = None
) -> Verified:
    """Check a studio's chain of decisions: links, order, and the changes they commit to.

    `head` is the hash the chain must end with; without it, a missing or edited end cannot be seen.
    """
    count, expected = 0, first
    decode = msgspec.json.Decoder(_Chained).decode
    for row in rows:
        try:
            link = decode(row.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Verified(count, row.sequence, "chain.malformed")
        if row.sequence != expected or link.sequence != expected:
            return Verified(count, expected, "chain.gap")
        if link.previous != previous:
            return Verified(count, row.sequence, "chain.previous")
        if not _committed(link.changes, row.parts):
            return Verified(count, row.sequence, "chain.commitment")
        previous = studio_hash(row.data)
        count, expected = count + 1, expected + 1
    return _ended(count, expected, previous, head)


def _committed(promised: tuple[tuple[str, str], ...], parts: Parts) -> bool:
    """Whether each part that still opens is the one that was committed to; the usual one alone is looked at first."""
    if len(promised) == len(parts) == 1:
        ((subject, hash),) = promised
        return subject in parts and commitment(parts[subject]) == hash
    known = dict(promised)
    return all(known.get(subject) == commitment(part) for subject, part in parts.items())


def _ended(count: int, expected: int, last: str, head: str | None) -> Verified:
    return Verified(count) if head in (None, last) else Verified(count, expected, "chain.head")


__all__ = [
    "ChainRow", "Keys", "Link", "Sealer", "Verified", "change_parts", "join_changes", "link_hash", "studio_hash",
    "verify_device", "verify_studio",
]  # fmt: skip
