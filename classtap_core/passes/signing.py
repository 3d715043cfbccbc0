"""The two signatures a pass may have: Ed25519 (RFC 8032) and ES256 (ECDSA on P-256 with SHA-256, r then s)."""

from collections.abc import Callable
from functools import lru_cache

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from classtap_core.passes.codec import SIGNATURE_BYTES, Algorithm

_HALF = SIGNATURE_BYTES // 2


class Signer(msgspec.Struct, frozen=True):
    """A private key at work: `sign` returns 64 bytes; `public` is what a key bundle carries for it.

    A public key is 32 bytes for Ed25519 and the 65 bytes of an uncompressed point (SEC 1, 2.3.3) for ES256.
    """

    algorithm: Algorithm
    public: bytes
    sign: Callable[[bytes], bytes]


def ed25519_signer(seed: bytes) -> Signer:
    """Return the signer of a 32-byte seed. Raises ValueError for another length."""
    key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    return Signer(Algorithm.ED25519, key.public_key().public_bytes_raw(), key.sign)


def es256_signer(secret: int) -> Signer:
    """Return the signer of a P-256 secret number; the same message always gets the same signature (RFC 6979).

    Raises ValueError when the number is not a secret of the curve.
    """
    key = ec.derive_private_key(secret, ec.SECP256R1())
    scheme = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)

    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(message, scheme))
        return r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")

    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return Signer(Algorithm.ES256, public, sign)


def check_public(algorithm: Algorithm, public: bytes) -> None:
    """Raise ValueError unless `public` is a key of `algorithm`, in the form a bundle carries."""
    if algorithm is Algorithm.ED25519:
        _ed25519_public(public)
    else:
        _es256_public(public)


def is_signed(message: bytes, signature: bytes, *, algorithm: Algorithm, public: bytes) -> bool:
    """Say whether `signature` is one of `public` over `message`; a signature of a wrong length is simply wrong.

    Raises ValueError when `public` is no key of `algorithm`.
    """
    if algorithm is Algorithm.ED25519:
        return _is_ed25519(message, signature, _ed25519_public(public))
    return _is_es256(message, signature, _es256_public(public))


def _is_ed25519(message: bytes, signature: bytes, public: ed25519.Ed25519PublicKey) -> bool:
    try:
        public.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _is_es256(message: bytes, signature: bytes, public: ec.EllipticCurvePublicKey) -> bool:
    if len(signature) != SIGNATURE_BYTES:
        return False
    r, s = int.from_bytes(signature[:_HALF], "big"), int.from_bytes(signature[_HALF:], "big")
    try:
        public.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=256)
def _ed25519_public(public: bytes) -> ed25519.Ed25519PublicKey:
    return ed25519.Ed25519PublicKey.from_public_bytes(public)


@lru_cache(maxsize=256)
def _es256_public(public: bytes) -> ec.EllipticCurvePublicKey:
    if len(public) != 1 + 2 * _HALF or public[0] != 0x04:
        raise ValueError("an ES256 key is an uncompressed point of 65 bytes")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
