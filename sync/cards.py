"""Many families' passes in one call, for a sheet of cards: what travels, and the way through a whole studio."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Protocol

import msgspec

from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from sync.protocol import PassText

AT_ONCE = 200
"""How many families one call may name."""


class AskPasses(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /sync/v1/passes`: the families whose passes are wanted."""

    families: tuple[Id, ...]


class PassTexts(msgspec.Struct, frozen=True, kw_only=True):
    """The passes there are, in the order they were asked for; who has none, or one that was revoked, is left out."""

    passes: tuple[PassText, ...]


class Cloud(Protocol):
    """Where passes come from (`sync.client.transport.Transport`)."""

    def pass_texts(self, families: Sequence[Id]) -> PassTexts: ...


def all_texts(
    cloud: Cloud, families: Iterable[Id], *, going_on: Callable[[int], bool] = lambda done: True
) -> dict[Id, PassText]:  # fmt: skip
    """The passes of so many families, call by call; `going_on` hears after each how many were asked for.

    Raises Refused `pass.cards_stopped` where it says no, `pass.no_cards` where nobody has a pass, and as `cloud` does.
    """
    found: dict[Id, PassText] = {}
    rest, asked = iter(families), 0
    while some := tuple(islice(rest, AT_ONCE)):
        found |= {one.family: one for one in cloud.pass_texts(some).passes}
        asked += len(some)
        if not going_on(asked):
            raise Refused("pass.cards_stopped")
    if not found:
        raise Refused("pass.no_cards")
    return found
