"""A second DKIM, for tests alone: it checks a signature by splitting and folding in its own way (RFC 6376, 6.1)."""

import base64
import hashlib
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa


def holds(letter: bytes, key: str) -> bool:
    """Whether the first signature of a letter holds under a public key as the DNS has it (`p=`)."""
    head, body = letter.split(b"\r\n\r\n", 1)
    lines: list[bytes] = []
    for line in head.split(b"\r\n"):
        if line[:1] in (b" ", b"\t"):
            lines[-1] += b"\r\n" + line
        else:
            lines.append(line)
    own = next(line for line in lines if line.lower().startswith(b"dkim-signature:"))
    tags = {
        part.split("=", 1)[0].strip(): "".join(part.split("=", 1)[1].split())
        for part in own.split(b":", 1)[1].decode().split(";")
        if part.strip()
    }
    if base64.b64encode(hashlib.sha256(_body(body)).digest()).decode() != tags["bh"]:
        return False
    text = b""
    rest = [line for line in reversed(lines) if line is not own]
    for name in tags["h"].lower().split(":"):
        for at, line in enumerate(rest):
            if line.split(b":", 1)[0].strip().lower() == name.encode():
                text += _header(rest.pop(at)) + b"\r\n"
                break
    text += _header(re.sub(rb"([;\s]b=)[^;]*", rb"\1", own))
    signature, raw = base64.b64decode(tags["b"]), base64.b64decode(key)
    try:
        if tags["a"] == "ed25519-sha256":
            ed25519.Ed25519PublicKey.from_public_bytes(raw).verify(signature, hashlib.sha256(text).digest())
        else:
            public = serialization.load_der_public_key(raw)
            assert isinstance(public, rsa.RSAPublicKey)
            public.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _header(line: bytes) -> bytes:
    name, value = line.split(b":", 1)
    return name.strip().lower() + b":" + b" ".join(value.split())


def _body(body: bytes) -> bytes:
    text = re.sub(rb"[ \t]+(?=\r\n|$)", b"", body)
    text = re.sub(rb"[ \t]+", b" ", text)
    text = re.sub(rb"(\r\n)+$", b"", text)
    return text + b"\r\n" if text else b""
