"""Key bundles: the studio's public keys, signed by a root key that a device pins when it is paired."""

from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from classtap_core.passes.codec import SIGNATURE_BYTES, Algorithm
from classtap_core.passes.signing import Signer, check_public

INTERFACE_VERSION = 1

_SIGNED_PREFIX = b"CTK1"
_U64 = 1 << 64


class PassKey(msgspec.Struct, frozen=True, kw_only=True):
    """One public key: `public` as `signing.Signer` describes it, its window in Unix seconds, and when it was revoked.

    A key with `revoked_at` signs nothing any more, whatever the time: a thief can write any date into a text.
    """

    key_id: int
    algorithm: Algorithm
    public: bytes
    not_before: int
    not_after: int
    revoked_at: int | None = None


class KeyBundle(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of one studio as of `issued_at` (Unix seconds, the cloud's clock); `bundle_version` only rises."""

    studio: int
    bundle_version: int
    issued_at: int
    keys: tuple[PassKey, ...]
    interface_version: int = INTERFACE_VERSION

    def key(self, key_id: int) -> PassKey | None:
        """Return the key of that id, or None."""
        return next((key for key in self.keys if key.key_id == key_id), None)

    @property
    def revoked(self) -> frozenset[int]:
        """The ids of the keys that were revoked."""
        return frozenset(key.key_id for key in self.keys if key.revoked_at is not None)

    @property
    def last_end_s(self) -> int | None:
        """When the last of the keys that are good ends; None when none is."""
        return max((key.not_after for key in self.keys if key.revoked_at is None), default=None)


class KeyBundleError(ValueError):
    """A bundle that must not be used; `code` says why, `params` with what."""

    def __init__(self, code: str, **params: int | str) -> None:
        super().__init__(f"{code} {params}" if params else code)
        self.code = code
        self.params = params


class UpgradeRequired(KeyBundleError):
    """The bundle is of a newer interface than this program knows: the program must be updated, the cloud is right."""


class BundleRollback(KeyBundleError):
    """The bundle is older than the one in use, or takes a revocation back."""


class _Wire(msgspec.Struct, frozen=True, kw_only=True):
    interface_version: int


class _WireKey(msgspec.Struct, frozen=True, kw_only=True):
    key_id: int
    algorithm: Algorithm
    public: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{2})+\Z")]
    not_before: int
    not_after: int
    revoked_at: int | None


class _WireBundle(_Wire, frozen=True, kw_only=True):
    studio: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}\Z")]
    bundle_version: int
    issued_at: int
    keys: list[_WireKey]


def signed_bundle(bundle: KeyBundle, root: Signer) -> bytes:
    """Return the bundle as the cloud sends it: one line of canonical JSON, one line with the root's signature in hex.

    Raises KeyBundleError when the bundle would not be accepted, and ValueError unless `root` is an Ed25519 key.
    """
    if root.algorithm is not Algorithm.ED25519:
        raise ValueError("the root key is an Ed25519 key")
    _check(bundle)
    document = {
        "interface_version": bundle.interface_version,
        "studio": f"{bundle.studio:016x}",
        "bundle_version": bundle.bundle_version,
        "issued_at": bundle.issued_at,
        "keys": [
            {
                "key_id": key.key_id,
                "algorithm": int(key.algorithm),
                "public": key.public.hex(),
                "not_before": key.not_before,
                "not_after": key.not_after,
                "revoked_at": key.revoked_at,
            }
            for key in bundle.keys
        ],
    }
    line = msgspec.json.encode(document, order="sorted")
    return line + b"\n" + root.sign(_SIGNED_PREFIX + line).hex().encode()


def verify_bundle(data: bytes, root_public: bytes) -> KeyBundle:
    """Return the bundle in `data` if the pinned root (32 bytes) signed exactly these bytes.

    Raises KeyBundleError `bundle_malformed`, `bundle_signature` (another root: perhaps another studio's cloud) or
    `bundle_invalid` (signed, yet no bundle: a fault of the cloud), and UpgradeRequired `bundle_interface`. Nothing is
    believed before the signature is, so no stranger can ask for an upgrade.
    """
    line, separator, signature_line = data.partition(b"\n")
    try:
        signature = bytes.fromhex(signature_line.decode("ascii"))
    except ValueError as error:
        raise KeyBundleError("bundle_malformed") from error
    if not separator or len(signature) != SIGNATURE_BYTES or signature.hex().encode() != signature_line:
        raise KeyBundleError("bundle_malformed")
    try:
        Ed25519PublicKey.from_public_bytes(root_public).verify(signature, _SIGNED_PREFIX + line)
    except InvalidSignature as error:
        raise KeyBundleError("bundle_signature") from error
    return _parsed(line)


def check_replaces(new: KeyBundle, current: KeyBundle) -> None:
    """Check that a device holding `current` may take `new` in its place; the same bundle again is fine.

    Raises KeyBundleError `bundle_other_studio`, and BundleRollback `bundle_older` (a lower version, or the same version
    issued earlier or with other keys) or `bundle_unrevokes` (a revoked key is back in force).
    """
    if new.studio != current.studio:
        raise KeyBundleError("bundle_other_studio")
    older = (new.bundle_version, new.issued_at) < (current.bundle_version, current.issued_at)
    if older or (new.bundle_version == current.bundle_version and new.keys != current.keys):
        raise BundleRollback("bundle_older", held=current.bundle_version, offered=new.bundle_version)
    revoked = {key.public for key in current.keys if key.revoked_at is not None}
    for key in new.keys:
        if key.public in revoked and key.revoked_at is None:
            raise BundleRollback("bundle_unrevokes", key_id=key.key_id)


def _parsed(line: bytes) -> KeyBundle:
    try:
        interface = msgspec.json.decode(line, type=_Wire).interface_version
        if interface > INTERFACE_VERSION:
            raise UpgradeRequired("bundle_interface", offered=interface, known=INTERFACE_VERSION)
        if msgspec.json.encode(msgspec.json.decode(line), order="sorted") != line:
            raise KeyBundleError("bundle_invalid", why="not canonical")
        wire = msgspec.json.decode(line, type=_WireBundle)
        bundle = KeyBundle(
            interface_version=wire.interface_version,
            studio=int(wire.studio, 16),
            bundle_version=wire.bundle_version,
            issued_at=wire.issued_at,
            keys=tuple(_key(key) for key in wire.keys),
        )
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise KeyBundleError("bundle_invalid", why="fields") from error
    _check(bundle)
    return bundle


def _key(wire: _WireKey) -> PassKey:
    return PassKey(
        key_id=wire.key_id,
        algorithm=wire.algorithm,
        public=bytes.fromhex(wire.public),
        not_before=wire.not_before,
        not_after=wire.not_after,
        revoked_at=wire.revoked_at,
    )


def _check(bundle: KeyBundle) -> None:
    if bundle.interface_version != INTERFACE_VERSION:
        raise KeyBundleError("bundle_invalid", why="interface_version")
    if not 0 <= bundle.studio < _U64 or bundle.bundle_version < 1:
        raise KeyBundleError("bundle_invalid", why="values")
    if len({key.key_id for key in bundle.keys}) != len(bundle.keys):
        raise KeyBundleError("bundle_invalid", why="one key id twice")
    for key in bundle.keys:
        if not 0 <= key.key_id <= 0xFF or key.not_before > key.not_after:
            raise KeyBundleError("bundle_invalid", why="values", key_id=key.key_id)
        try:
            check_public(key.algorithm, key.public)
        except ValueError as error:
            raise KeyBundleError("bundle_invalid", why="public key", key_id=key.key_id) from error
