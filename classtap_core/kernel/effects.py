"""Effects: what an operation does to the world outside the store. They wait for the commit, and have a home."""

from enum import StrEnum
from typing import Any, ClassVar, NamedTuple

import msgspec

from classtap_core.kernel.ids import Id, named


class Home(StrEnum):
    """Where and when an effect happens.

    HERE: once, at the author's first commit. HERE_WHEN_ACCEPTED: once, when the author learns the outcome.
    CLOUD: once, at acceptance. Re-runs, imports and dry runs drop effects.
    """

    HERE = "here"
    HERE_WHEN_ACCEPTED = "here-when-accepted"
    CLOUD = "cloud"


class Effect(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A label, a tone, a message, a webhook: plain data that a runner at its home carries out.

    Class attributes:
        KIND: its name. AT_MOST_ONCE: true for gate signals; all else may repeat, with the same id.
    """

    KIND: ClassVar[str] = ""
    AT_MOST_ONCE: ClassVar[bool] = False


class Intent(NamedTuple):
    """An effect with its home and its id, which is the same however often it is tried."""

    id: Id
    kind: str
    home: Home
    body: dict[str, Any]
    at_most_once: bool


def intent(effect: Effect, *, operation: Id, position: int, home: Home) -> Intent:
    return Intent(
        named("effect", operation, str(position)),
        effect.KIND,
        home,
        msgspec.to_builtins(effect),
        effect.AT_MOST_ONCE,
    )
