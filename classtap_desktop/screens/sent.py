"""What became of a message at an address, in words: arrived only where somebody said so who knows."""

from __future__ import annotations

from classtap_core.messaging.records import State
from resources.text import Catalogue

INBOX = "inbox"
"""The code of what the cloud kept for want of a server."""

SENT_TONES: dict[str, str] = {
    State.SENT: "ink", State.DELIVERED: "present", State.RETRY: "warn", State.FAILED: "absent", State.BOUNCED: "absent",
}  # fmt: skip


def sent_text(words: Catalogue, *, state: str, channel: str, shown: str, when: str, code: str) -> str:
    """One sentence; `shown` is the address as the desk may see it, `code` the provider's."""
    told = f"desk.sent.{state}"
    if state == State.SENT:
        told = "desk.sent.inbox" if code == INBOX else f"desk.sent.sent.{channel}"
    return words.say(told, way=words.say(f"desk.sent.way.{channel}"), shown=shown, when=when, code=code)
