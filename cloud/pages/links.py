"""Short-lived signed links: they open one session's seat page, and nothing else. Nothing is kept of them."""

import base64
import hmac
from typing import NamedTuple

from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from cloud.secret import Secret

PURPOSE = "link.seats"
_ID_BYTES, _TIME_BYTES, _MAC_BYTES = 16, 6, 16
LONGEST_MS = 7 * 24 * 3_600_000


class SeatLink(NamedTuple):
    """What a link opens, and until when (milliseconds since the Unix epoch)."""

    studio: Id
    session: Id
    expires_ms: int


def sealed(secret: Secret, link: SeatLink) -> str:
    """The text of a link: what it opens, and a MAC under the cloud's key."""
    body = bytes.fromhex(link.studio) + bytes.fromhex(link.session) + link.expires_ms.to_bytes(_TIME_BYTES, "big")
    return base64.urlsafe_b64encode(body + _mac(secret, body)).decode().rstrip("=")


def opened(secret: Secret, text: str, *, now_ms: int) -> SeatLink:
    """What a link opens. Raises Refused `link.unknown` for any text we did not write, `link.expired`."""
    length = 2 * _ID_BYTES + _TIME_BYTES
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        data = b""
    body, mac = data[:length], data[length:]
    if len(data) != length + _MAC_BYTES or not hmac.compare_digest(mac, _mac(secret, body)):
        raise Refused("link.unknown")
    studio, session = Id(body[:_ID_BYTES].hex()), Id(body[_ID_BYTES : 2 * _ID_BYTES].hex())
    expires_ms = int.from_bytes(body[2 * _ID_BYTES :], "big")
    if now_ms >= expires_ms:
        raise Refused("link.expired")
    return SeatLink(studio, session, expires_ms)


def _mac(secret: Secret, body: bytes) -> bytes:
    return hmac.digest(secret.derived(PURPOSE), body, "sha256")[:_MAC_BYTES]
