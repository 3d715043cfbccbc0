"""Whose token this worker saw within the last minute: a push, which is signed besides, need not ask the directory first.

Only who speaks is remembered, never what it may hold: whatever a device is told is asked of the database anew.
"""

import time

from cloud.storage.directory import DeviceEntry, hashed

KEPT_S = 60.0
MOST = 20_000
"""Devices remembered at a time, of some hundred bytes each."""


class Acquaintance:
    """Devices by their tokens' hashes. Belongs to one event loop."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, DeviceEntry]] = {}

    def of(self, token: str) -> DeviceEntry | None:
        """The device that spoke under a token lately."""
        found = self._seen.get(hashed(token))
        return found[1] if found is not None and found[0] > time.monotonic() else None

    def meet(self, token: str, device: DeviceEntry) -> None:
        if len(self._seen) >= MOST:
            self._seen.clear()
        self._seen[hashed(token)] = (time.monotonic() + KEPT_S, device)

    def forget(self, token: str) -> None:
        self._seen.pop(hashed(token), None)
