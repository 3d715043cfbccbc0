"""A studio that was elsewhere is taken in: the first entry of its new chain, with everything that it held."""

from typing import Any

from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, Outcome, refused
from classtap_core.kernel.tx import Tx
from classtap_core.schedule.records import Studio


@operation("studio.take_in", version=1, kind=Kind.TICK, needs=None)
class TakeInStudio(Payload, frozen=True, kw_only=True):
    """Where it came from: the end of its chain there, how many records, and their digest. They come beside it."""

    sequence: int
    hash: str
    records: int
    sum: str
    written: str
    studio: Id

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Studio, op.studio, "studio")


@handles(TakeInStudio)
def take_in_studio(tx: Tx, op: Operation[TakeInStudio]) -> Outcome:
    if op.payload.studio != op.studio or tx.get(Studio, op.studio) is not None:
        return refused("studio.exists")
    return ACCEPTED
