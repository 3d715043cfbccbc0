"""Whether a device's signature holds: asked by the cloud of every batch, and by devices of each other."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def is_signed(public_key: bytes, signature: bytes, statement: bytes) -> bool:
    """Whether a device signed a statement (`batches.Verifier`)."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, statement)
    except (InvalidSignature, ValueError):
        return False
    return True
