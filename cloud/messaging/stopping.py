"""The text by which a mail can be stopped with one press (RFC 8058): who, on which way, and a MAC. Nothing is kept."""

import base64
import hmac
from typing import NamedTuple

from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from classtap_core.messaging.templates import CHANNELS
from cloud.secret import Secret

_ID_BYTES, _MAC_BYTES = 16, 16


class Stop(NamedTuple):
    """Who wants nothing more on a way."""

    studio: Id
    contact: Id
    channel: str


def stop_text(secret: Secret, studio: Id, contact: Id, channel: str) -> str:
    body = bytes.fromhex(studio) + bytes.fromhex(contact) + bytes([CHANNELS.index(channel)])
    return base64.urlsafe_b64encode(body + _mac(secret, body)).decode().rstrip("=")


def stop_of(secret: Secret, text: str) -> Stop:
    """Raises Refused `link.unknown` for any text we did not write."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        data = b""
    body, mac = data[: 2 * _ID_BYTES + 1], data[2 * _ID_BYTES + 1 :]
    if len(data) != 2 * _ID_BYTES + 1 + _MAC_BYTES or not hmac.compare_digest(mac, _mac(secret, body)):
        raise Refused("link.unknown")
    return Stop(Id(body[:_ID_BYTES].hex()), Id(body[_ID_BYTES : 2 * _ID_BYTES].hex()), CHANNELS[body[-1]])


def _mac(secret: Secret, body: bytes) -> bytes:
    return hmac.digest(secret.derived("message.stop"), body, "sha256")[:_MAC_BYTES]
