"""What a studio sets about its messages (policy `messages`), read kindly: nonsense is the default."""

from collections.abc import Mapping

import msgspec

from classtap_core.booking.policies import read_policy
from classtap_core.kernel.ids import Id
from classtap_core.kernel.tx import Reader
from classtap_core.messaging.templates import (
    ABSENT,
    CHANNELS,
    CONSENT,
    ENTRY,
    LATE,
    OVERRULED,
    PAPERS,
    PASS,
    PASS_GONE,
    PICKED_UP,
    SIGN_AGAIN,
)

MESSAGES_POLICY = "messages"
CHANGES, WELCOME = "changes", "welcome"
"""Sessions cancelled, moved or taught by somebody else; and a family's first pass."""
BY_THEMSELVES: Mapping[str, bool] = {
    CHANGES: True, PASS: True, PASS_GONE: True, ENTRY: True, PICKED_UP: True, OVERRULED: True, CONSENT: True, PAPERS: True,
    SIGN_AGAIN: True, WELCOME: False, ABSENT: False, LATE: False,
}  # fmt: skip
"""What is sent when it happens, without anybody asking for it, where a studio says nothing else."""
LATE_MIN = 15


class MessageSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Attributes: `language`: of who has none, as a code, or "". `channels`: in the order they are tried. `sends`: which
    messages go out by themselves (`BY_THEMSELVES`). `late_min`: how late somebody must be expected for `late`."""

    language: str = ""
    channels: tuple[str, ...] = CHANNELS
    sends: frozenset[str] = frozenset(name for name, usual in BY_THEMSELVES.items() if usual)
    late_min: int = LATE_MIN

    def values(self) -> dict[str, str | int]:
        """As the policy keeps them."""
        return {
            "language": self.language, "channels": ",".join(self.channels), "late_min": self.late_min,
            **{f"send.{name}": int(name in self.sends) for name in BY_THEMSELVES},
        }  # fmt: skip


def message_settings(values: Mapping[str, str | int]) -> MessageSettings:
    """The settings in a published `messages` policy."""
    named = tuple(name for name in str(values.get("channels", "")).split(",") if name in CHANNELS)
    late = values.get("late_min", LATE_MIN)
    return MessageSettings(
        language=str(values.get("language", "")),
        channels=tuple(dict.fromkeys(named)) or CHANNELS,
        sends=frozenset(name for name, usual in BY_THEMSELVES.items() if values.get(f"send.{name}", int(usual)) == 1),
        late_min=late if isinstance(late, int) and 0 <= late <= 240 else LATE_MIN,
    )


def settings_of(reader: Reader, studio: Id) -> MessageSettings:
    """What a studio has published."""
    return message_settings(read_policy(reader, studio, MESSAGES_POLICY)[1])
