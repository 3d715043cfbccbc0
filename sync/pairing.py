"""The one-time code that makes a device one of a studio, and the link that its QR code says."""

import hashlib
import secrets
from typing import NamedTuple
from urllib.parse import urlsplit

from classtap_core.kernel.errors import BadInput

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's letters: no I, L, O, U."""
LENGTH = 13
_MISREAD = str.maketrans("ILO", "110")
_MARK = "/pair#"


class Link(NamedTuple):
    """What a device needs to pair: where its cloud is, and its code."""

    url: str
    code: str

    @property
    def text(self) -> str:
        """As its QR code says it. What stands behind # never leaves the device that reads it, but for the cloud."""
        return f"{self.url.rstrip('/')}{_MARK}{self.code}"


def new_code() -> str:
    """A code of 65 bits, in groups that can be read aloud."""
    code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return f"{code[:4]}-{code[4:8]}-{code[8:]}"


def typed(code: str) -> str:
    """A code as a person may have typed it: any case, with or without dashes, letters misread."""
    return "".join(code.upper().replace("-", "").split()).translate(_MISREAD)


def code_hash(code: str) -> str:
    """What is kept and sent of a code, hex. It is long and random, so one hash without salt is enough."""
    return hashlib.sha256(typed(code).encode()).hexdigest()


def read_link(text: str) -> Link:
    """The link in a QR code. Raises BadInput `pair.link`."""
    url, mark, code = text.strip().partition(_MARK)
    parts = urlsplit(url)
    if not mark or not parts.hostname or parts.scheme not in ("http", "https") or len(typed(code)) != LENGTH:
        raise BadInput("pair.link")
    return Link(url, code)
