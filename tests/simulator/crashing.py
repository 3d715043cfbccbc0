"""Storage in memory that loses the power when it is told to."""

from collections.abc import Iterator
from contextlib import contextmanager

from classtap_core.kernel.memory import MemoryCloud, MemoryDevice


class Crash(Exception):
    """The process ends here; what was not committed is gone."""


class _Crashing:
    """Loses the power at the end of its next transaction.

    Attributes:
        dies: "before" the commit or "after" it; "" for not at all.
    """

    dies = ""

    @contextmanager
    def atomic(self) -> Iterator[None]:
        dies, self.dies = self.dies, ""
        with super().atomic():
            yield
            if dies == "before":
                raise Crash
        if dies == "after":
            raise Crash


class CrashingDevice(_Crashing, MemoryDevice):
    pass


class CrashingCloud(_Crashing, MemoryCloud):
    pass
