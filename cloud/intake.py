"""Taking a device's batch: exactly once, and never held up by one operation that the storage cannot take."""

import logging
from collections.abc import Sequence

from classtap_core.kernel.authority import Batch, Pushed
from classtap_core.kernel.envelope import Sealed
from classtap_core.kernel.errors import ClassTapError
from cloud.studios import Studios

_log = logging.getLogger("classtap.cloud")

MOST_SEARCHED = 16
"""Faulty operations looked for one by one; a batch with more has its remainder quarantined whole."""


def take(studios: Studios, batch: Batch, sealed: Sequence[Sealed]) -> Pushed:
    """Push a batch, whose envelopes are `sealed`, to its studio's authority. Raises what `Authority.push` does, and EnvironmentFault.

    A failure of ours while writing (OPERATIONS 13) is narrowed down by halving, in rehearsals that are rolled back;
    what causes it is quarantined and acknowledged, the rest lands.
    """
    try:
        return studios.authority(batch.studio, signature=batch.signature).push(batch, sealed=sealed)
    except ClassTapError:
        raise
    except Exception as fault:  # noqa: BLE001 - whatever it is, it must not stop the device's queue for ever
        _log.error("push failed while writing: %s; looking for the operation", type(fault).__name__)
        poison = _search(studios, batch, sealed)
        return studios.authority(batch.studio, signature=batch.signature).push(batch, sealed=sealed, poison=poison)


def _search(studios: Studios, batch: Batch, sealed: Sequence[Sealed]) -> frozenset[int]:
    sequences = [item.envelope.sequence for item in sealed]
    found: set[int] = set()
    good: set[int] = set()
    waiting: list[Sequence[int]] = [sequences]
    while waiting:
        some = waiting.pop()
        if _lands(studios, batch, sealed, poison=set(sequences) - good - set(some)):
            good |= set(some)
        elif len(some) == 1 or len(found) >= MOST_SEARCHED:
            found |= set(some)
        else:
            middle = len(some) // 2
            waiting += [some[middle:], some[:middle]]
    return frozenset(found)


def _lands(studios: Studios, batch: Batch, sealed: Sequence[Sealed], *, poison: set[int]) -> bool:
    try:
        studios.authority(batch.studio, signature=batch.signature, rehearsing=True).push(
            batch, sealed=sealed, poison=poison
        )
    except ClassTapError:
        raise
    except Exception:  # noqa: BLE001 - the answer is no, whatever the fault
        return False
    return True
