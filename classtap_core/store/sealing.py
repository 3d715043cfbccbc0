"""A sealed box: anybody may close one with a public key, only the owner of the private half opens it.

X25519 with a fresh key for each box, HKDF-SHA256, ChaCha20-Poly1305 (RFC 7748, 5869, 8439).
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Entropy

KEY_BYTES = 32
_NONCE = bytes(12)  # each box has a key of its own, so one nonce is used once


def seal(data: bytes, public: bytes, context: str, entropy: Entropy) -> bytes:
    """Close a box: 32 bytes of the fresh public key, then what is sealed and its tag of 16.

    `public` is 32 bytes; `context` says what the box is for, and must be said again to open it. Raises BadInput
    `seal.public` for a public key that agrees on nothing (RFC 7748 6.1).
    """
    fresh = X25519PrivateKey.from_private_bytes(entropy(KEY_BYTES))
    mine = fresh.public_key().public_bytes_raw()
    return mine + ChaCha20Poly1305(_agreed(fresh, public, mine + public, context)).encrypt(
        _NONCE, data, context.encode()
    )


def unseal(box: bytes, private: bytes, context: str) -> bytes:
    """Open a box with the 32-byte private key. Raises BadInput `seal.wrong_key` (another's, torn, changed)."""
    owner = X25519PrivateKey.from_private_bytes(private)
    theirs = box[:KEY_BYTES]
    try:
        key = _agreed(owner, theirs, theirs + owner.public_key().public_bytes_raw(), context)
        return ChaCha20Poly1305(key).decrypt(_NONCE, box[KEY_BYTES:], context.encode())
    except (InvalidTag, BadInput) as error:
        raise BadInput("seal.wrong_key") from error


def agree(private: bytes, public: bytes) -> bytes:
    """The X25519 secret of two keys. Raises BadInput `seal.public` where it would be known to everybody."""
    return _exchange(X25519PrivateKey.from_private_bytes(private), public)


def _exchange(private: X25519PrivateKey, public: bytes) -> bytes:
    try:
        return private.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:
        raise BadInput("seal.public") from error


def _agreed(private: X25519PrivateKey, public: bytes, between: bytes, context: str) -> bytes:
    derive = HKDF(
        algorithm=hashes.SHA256(), length=KEY_BYTES, salt=between, info=b"CTR1 sealed box " + context.encode()
    )
    return derive.derive(_exchange(private, public))


def lock(data: bytes, key: bytes, context: str, entropy: Entropy) -> bytes:
    """Seal data under a 32-byte key that both sides have: a fresh nonce of 12 bytes, then what is sealed."""
    nonce = entropy(len(_NONCE))
    return nonce + ChaCha20Poly1305(key).encrypt(nonce, data, context.encode())


def unlock(box: bytes, key: bytes, context: str) -> bytes:
    """Open what `lock` made. Raises BadInput `seal.wrong_key`."""
    try:
        return ChaCha20Poly1305(key).decrypt(box[: len(_NONCE)], box[len(_NONCE) :], context.encode())
    except (InvalidTag, ValueError) as error:
        raise BadInput("seal.wrong_key") from error
