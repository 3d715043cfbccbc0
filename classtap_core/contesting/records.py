"""What a contested fact says, cut along the persons it is about, and what was decided of it."""

from typing import Annotated, ClassVar

from classtap_core.kernel.clock import Timestamp
from classtap_core.kernel.envelope import Author, GateResult
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Resource
from classtap_core.kernel.outcomes import Outcome
from classtap_core.kernel.records import Index, Record, Sensitivity, about

UNDECIDED, HAPPENED, DISMISSED = "", "happened", "dismissed"


class Contested(Record, frozen=True, kw_only=True):
    """A fact that was kept and not believed, under its operation's id; written by the cloud, which contests it.

    Attributes:
        ruled: `UNDECIDED`, `HAPPENED` or `DISMISSED`. at_ms: when it happened, by the teller's corrected clock.
        why: the code of what its author lacked. needs: the capability its kind asks for, at `place`.
        under: the guards of its operation. said: its payload without what is a person's, as JSON. people: whom the rest is about (`ContestedPart`).
    """

    KIND: ClassVar[str] = "contested"
    PREFIX: ClassVar[str] = "contested"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_ruled", ("ruled", "at_ms")),)

    ruled: str
    at_ms: int
    device: Id
    fact: str
    version: int
    author: Author
    at: Timestamp
    epoch: int
    sequence: int
    why: str
    needs: str
    said: str
    place: Resource = Resource()
    people: tuple[Id, ...] = ()
    under: tuple[str, ...] = ()
    gates: tuple[GateResult, ...] = ()
    source: str = ""
    cause: str = ""
    external: str = ""

    def scope(self) -> str:
        return f"contested/{self.place.location}" if self.place.location else "contested"


def part_id(operation: Id, subject: str) -> Id:
    return derived("contested", operation, subject)


class ContestedPart(Record, frozen=True, kw_only=True):
    """What a contested fact says of one person: pointers and values as JSON. Only the cloud holds it."""

    KIND: ClassVar[str] = "contested_part"
    PREFIX: ClassVar[str] = "contested_part"

    operation: Id
    subject: Id
    said: Annotated[str, about("subject", Sensitivity.CUSTODY)] = ""


class Ruling(Record, frozen=True, kw_only=True):
    """What becomes of a contested fact, under its operation's id, for the device that told it.

    Attributes:
        device, epoch, sequence: the fact's place in its teller's log. location: where that device stands.
        by: who decided, "" while nobody has. at_ms: since when it stands so.
        outcome: how the fact stands: contested, then its own outcome, or refused as `contested.dismissed`.
        under: as in `Contested`.
    """

    KIND: ClassVar[str] = "ruling"
    PREFIX: ClassVar[str] = "rulings"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_device", ("device", "at_ms")),)

    device: Id
    at_ms: int
    epoch: int
    sequence: int
    outcome: Outcome
    by: str = ""
    location: str = ""
    under: tuple[str, ...] = ()

    def scope(self) -> str:
        return f"rulings/{self.location}" if self.location else "rulings"
