"""What left a device because only so much of its kind is kept there: counted, logged, and told to the cloud in sums."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from classtap_core.store.device import SqlDevice
    from classtap_core.store.reader import StoreReader

log = logging.getLogger(__name__)


class Evicted(msgspec.Struct, frozen=True):
    """How many rows of a kind left: ever, and of those nobody was told of yet; when the first of these left, and when the
    last of all did (ms since the Unix epoch; 0: none)."""

    total: int = 0
    untold: int = 0
    first_ms: int = 0
    last_ms: int = 0


def evicted(store: "SqlDevice | StoreReader", kind: str) -> Evicted:
    kept = store.recall(_name(kind))
    return msgspec.json.decode(kept, type=Evicted) if kept else Evicted()


def note(device: "SqlDevice", kind: str, gone: int, now_ms: int) -> None:
    """Add what left to the sum, inside the caller's transaction."""
    if gone:
        held = evicted(device, kind)
        _keep(
            device, kind,
            Evicted(held.total + gone, held.untold + gone, held.first_ms if held.untold else now_ms, now_ms),
        )  # fmt: skip
        log.info("let go of the %d oldest of kind %s, %d in all", gone, kind, held.total + gone)


def told(device: "SqlDevice", kind: str) -> None:
    """The cloud is told of all that left so far, by what commits with this."""
    _keep(device, kind, msgspec.structs.replace(evicted(device, kind), untold=0, first_ms=0))


@contextmanager
def noting(device: "SqlDevice", kinds: Iterable[str], now_ms: int) -> Iterator[None]:
    """Count what of these kinds leaves meanwhile, inside the caller's transaction."""
    before = {kind: held(device, kind) for kind in kinds}
    yield
    for kind, many in before.items():
        note(device, kind, many - held(device, kind), now_ms)


def held(store: "SqlDevice | StoreReader", kind: str) -> int:
    """How many rows of a kind are here."""
    (many,) = store.conn.execute(f'SELECT count(*) FROM "{store.tables[kind].name}"').fetchone()
    return int(many)


def _name(kind: str) -> str:
    return f"evicted/{kind}"


def _keep(device: "SqlDevice", kind: str, value: Evicted) -> None:
    device.remember(_name(kind), msgspec.json.encode(value))
