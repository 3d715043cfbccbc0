"""A child's attendance of a session, kept as all that was ever marked; and scans."""

from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec

from classtap_core.kernel.clock import Interval
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.records import Index, Record, about


class State(StrEnum):
    """What a mark says. `none` clears, and stands before any mark (exports print "Not checked in", ruling 7)."""

    NONE = "none"
    PRESENT = "present"
    LATE = "late"
    ABSENT = "absent"


class Mark(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One thing somebody said about a child and a session.

    Attributes:
        operation: what said it; the mark's name.
        order: corrected time (ms), device, sequence: where it stands among the facts of one child and session.
        earliest, latest: the interval the moment lies in for certain, ms.
        corrects: the operation whose mark this one replaces, or "" for a first mark.
        author, by: who said it: `staff` or `device`, and which.
        reason: a template's code. expected_ms: when somebody late is expected.
    """

    operation: Id
    order: tuple[int, str, int]
    earliest: int
    latest: int
    state: State
    author: str
    by: Id
    corrects: str = ""
    reason: str = ""
    note: str = ""
    expected_ms: int = 0
    override: str = ""

    @property
    def at_ms(self) -> int:
        return self.order[0]

    @property
    def device(self) -> str:
        return self.order[1]

    @property
    def interval(self) -> Interval:
        return Interval(self.earliest, self.latest)


class Attendance(Record, frozen=True, kw_only=True):
    """The fold of a child's marks in a session: `rules.standing` says which one holds."""

    KIND: ClassVar[str] = "attendance"
    PREFIX: ClassVar[str] = "roster"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index("by_session", ("session",)),
        Index("by_child_date", ("child", "date")),
    )

    session: Id
    child: Id
    location: Id
    date: str
    marks: Annotated[tuple[Mark, ...], about("child")] = ()

    def scope(self) -> str:
        return f"roster/{self.location}/{self.date}"


def attendance_id(studio: Id, session: Id, child: Id) -> Id:
    """Two kiosks that never met write the same record."""
    return derived("attendance", studio, session, child)


class Scan(Record, frozen=True, kw_only=True):
    """A text that verified or named a known pass, with its outcome; under the id of the operation that recorded it.

    Attributes:
        outcome: the verdict's code. handle: the pass's, 16 hex digits. family: "" where the pass is not held here.
        key_id: the signing key's. decode_us, verify_us: how long that took, microseconds.
        operator: the staff member signed in, or "". trace: ties the scan to the device's own records.
    """

    KIND: ClassVar[str] = "scan"
    PREFIX: ClassVar[str] = "scans"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_handle", ("handle", "at_ms")),)

    outcome: str
    handle: str
    at_ms: int
    location: Id
    date: str
    device: Id
    epoch: int = 0
    family: str = ""
    key_id: int = 0
    reason: str = ""
    decode_us: int = 0
    verify_us: int = 0
    operator: str = ""
    trace: str = ""

    def scope(self) -> str:
        return f"scans/{self.location}/{self.date}"
