"""DKIM: a letter signed so that whoever receives it knows which domain sent it (RFC 6376, and RFC 8463 for Ed25519).

Both header and body go in their relaxed form: relays fold lines and change white space, and the signature holds.
"""

import base64
import hashlib
import re
from collections.abc import Iterable
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from classtap_core.kernel.errors import BadInput

SIGNED = ("from", "to", "subject", "date", "message-id", "mime-version", "content-type", "list-unsubscribe")
"""Headers a signature covers, where they stand. `from` is named twice: a second one added on the way breaks it."""

_SPACES = re.compile(rb"[ \t]+")


class Dkim(NamedTuple):
    """What mail is signed with: the key as PEM (RSA or Ed25519), its public half under `selector._domainkey.domain`."""

    selector: str
    domain: str
    key: bytes

    def signed(self, letter: bytes, *, at_s: int) -> bytes:
        """A letter (lines ended by CRLF) with its signature in front. Raises BadInput `mail.dkim_key`."""
        private = private_key(self.key)
        head, _, body = letter.partition(b"\r\n\r\n")
        fields = fields_of(head)
        there = {name for name, _ in fields}
        names = [name for name in SIGNED if name in there] + ["from"]
        algorithm = "rsa-sha256" if isinstance(private, rsa.RSAPrivateKey) else "ed25519-sha256"
        digest = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode()
        said = (
            f"v=1; a={algorithm}; c=relaxed/relaxed; d={self.domain}; s={self.selector}; t={at_s};"
            f"\r\n h={':'.join(names)};\r\n bh={digest};\r\n b="
        )
        text = covered(fields, names) + relaxed("DKIM-Signature", said.encode())
        if isinstance(private, rsa.RSAPrivateKey):
            signature = private.sign(text, padding.PKCS1v15(), hashes.SHA256())
        else:
            signature = private.sign(hashlib.sha256(text).digest())
        value = base64.b64encode(signature).decode()
        folded = "\r\n  ".join(value[at : at + 72] for at in range(0, len(value), 72))
        return f"DKIM-Signature: {said}{folded}\r\n".encode() + letter


def private_key(pem: bytes) -> rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey:
    """The key of a PEM file. Raises BadInput `mail.dkim_key` for one that is none, is locked, or is of another kind."""
    try:
        found = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadInput("mail.dkim_key") from error
    if not isinstance(found, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise BadInput("mail.dkim_key")
    return found


def fields_of(head: bytes) -> list[tuple[str, bytes]]:
    """The header fields of a letter, in order: the name in small letters, and the value as it stands, folds and all."""
    lines = re.split(rb"\r\n(?![ \t])", head)
    return [
        (name.decode("ascii").strip().lower(), value) for name, _, value in (line.partition(b":") for line in lines)
    ]


def covered(fields: list[tuple[str, bytes]], names: Iterable[str]) -> bytes:
    """The fields a signature names, relaxed; of several of one name the last comes first (RFC 6376, 5.4.2)."""
    left = {name: [value for other, value in fields if other == name] for name in names}
    found = [relaxed(name, left[name].pop()) + b"\r\n" for name in names if left[name]]
    return b"".join(found)


def relaxed(name: str, value: bytes) -> bytes:
    """A header field in its relaxed form (RFC 6376, 3.4.2), without its end."""
    return name.lower().encode() + b":" + _SPACES.sub(b" ", value.replace(b"\r\n", b"")).strip()


def relaxed_body(body: bytes) -> bytes:
    """A body in its relaxed form (RFC 6376, 3.4.4)."""
    lines = [_SPACES.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)
