"""One way in for everything that is imported: said on this device in one commit, or nothing of it has happened."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.outcomes import Outcome, Status
from classtap_core.kernel.undo import Undo

SOURCE = "import"
_AT_ONCE = 100


class Step(NamedTuple):
    """One thing to say, of a row of the table.

    Attributes:
        instead: by the code of a refusal, what is said where it is refused so. rows: the row of each of its items.
    """

    row: int
    payload: Payload
    instead: Mapping[str, Payload] = {}
    rows: Mapping[Id, int] = {}


class Brought(NamedTuple):
    """What an import came to.

    Attributes:
        new: how many steps changed something. asked: how many wait for the cloud's word. operations: what was said.
    """

    new: int
    asked: int
    operations: tuple[Id, ...]


def bring_in(bus: DeviceBus, steps: Sequence[Step], author: Author, *, going_on: Callable[[int], bool]) -> Brought:
    """Say all of it on this device in one commit.

    `going_on` hears from time to time how many are done and says whether to go on. Where it says no, or one is refused,
    nothing of it has happened. Raises Refused `import.cancelled` or `import.refused`.
    """
    new = asked = 0
    operations: list[Id] = []
    with bus.backend.atomic():
        for start in range(0, len(steps), _AT_ONCE):
            chunk = steps[start : start + _AT_ONCE]
            receipts = bus.submit_all([step.payload for step in chunk], author, source=SOURCE)
            again = [
                (place, chunk[place].instead[code])
                for place, receipt in enumerate(receipts)
                if (code := _code(receipt.outcome)) in chunk[place].instead
            ]
            for (place, _), receipt in zip(
                again, bus.submit_all([payload for _, payload in again], author, source=SOURCE), strict=True
            ):
                receipts[place] = receipt
            for step, receipt in zip(chunk, receipts, strict=True):
                if not receipt.outcome.stands and receipt.outcome.status is not Status.WAITING:
                    raise Refused("import.refused", row=step.row, why=_code(receipt.outcome))
                new += receipt.outcome.status is Status.ACCEPTED
                asked += receipt.outcome.status is Status.WAITING
                if receipt.sequence is not None:
                    operations.append(receipt.operation)
            if not going_on(start + len(chunk)):
                raise Refused("import.cancelled", done=start + len(chunk))
    return Brought(new, asked, tuple(operations))


def take_back(bus: DeviceBus, operations: Sequence[Id], author: Author) -> int:
    """Undo what an import said, the last first, in one commit; how many could not be, for somebody changed them since.

    Raises Refused `import.refused` where the author may not undo; nothing is taken back then.
    """
    left = 0
    with bus.backend.atomic():
        for start in range(0, len(operations), _AT_ONCE):
            chunk = operations[::-1][start : start + _AT_ONCE]
            for receipt in bus.submit_all([Undo(operation=one) for one in chunk], author, source=SOURCE):
                if receipt.outcome.status is Status.REFUSED:
                    raise Refused("import.refused", row=0, why=_code(receipt.outcome))
                left += bool(receipt.outcome.items)
    return left


def _code(outcome: Outcome) -> str:
    return outcome.reasons[0].code if outcome.reasons else str(outcome.status)
