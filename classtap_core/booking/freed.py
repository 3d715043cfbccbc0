"""A seat became free: what offers to those who wait hang on. It waits for the commit, and happens in the cloud."""

from typing import ClassVar

from classtap_core.kernel.effects import Effect
from classtap_core.kernel.ids import Id


class SeatsFreed(Effect, frozen=True, kw_only=True):
    """A session has so many places more than before; `spot` names the one, where it is one."""

    KIND: ClassVar[str] = "seats.freed"

    session: Id
    places: int
    spot: str = ""
