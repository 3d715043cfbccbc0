"""A child's health, papers and what classes ask for; and the little that a kiosk may know to decide at the door."""

from typing import Annotated, ClassVar

import msgspec

from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import Index, Record, Sensitivity, about
from classtap_core.schedule.reach import Reach

MILD, SERIOUS, SEVERE = "mild", "serious", "severe"
SEVERITIES = (MILD, SERIOUS, SEVERE)


class Allergy(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What must be kept away, how bad it is, and what is done: `pen` says where an adrenaline pen is, "" for none."""

    what: str
    severity: str = MILD
    reaction: str = ""
    action: str = ""
    pen: str = ""


class Medication(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A medicine. `here`: it may be due while the child is here; `by_staff`: a guardian allowed staff to give it."""

    name: str
    dose: str = ""
    when: str = ""
    how: str = ""
    here: bool = False
    by_staff: bool = False


class Condition(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Asthma, diabetes, a hearing aid: what staff do about it in `action`; `note` is more than they need in a hurry."""

    name: str
    action: str = ""
    note: str = ""


class ActionPlan(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is done step by step when something happens; the paper it comes from, where there is one."""

    title: str
    steps: tuple[str, ...] = ()
    paper: Blob | None = None


class EmergencyContact(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Somebody to call, in the order given. `phone` is E.164."""

    name: str
    phone: str
    relation: str = "other"


class HealthFacts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What may be said of a child's health, as in the record. `none_known`: a guardian says that there is nothing."""

    allergies: tuple[Allergy, ...] = ()
    medications: tuple[Medication, ...] = ()
    conditions: tuple[Condition, ...] = ()
    plans: tuple[ActionPlan, ...] = ()
    contacts: tuple[EmergencyContact, ...] = ()
    physician: str = ""
    none_known: bool = False


class HealthProfile(Record, frozen=True, kw_only=True):
    """Under the child's own id. `review` names fields where two editors clashed: the stricter stands until a guardian
    confirms; `confirmed_ms` is when one last did."""

    KIND: ClassVar[str] = "health_profile"
    PREFIX: ClassVar[str] = "health"

    home: Id
    allergies: Annotated[tuple[Allergy, ...], about("id", Sensitivity.HEALTH)] = ()
    medications: Annotated[tuple[Medication, ...], about("id", Sensitivity.HEALTH)] = ()
    conditions: Annotated[tuple[Condition, ...], about("id", Sensitivity.HEALTH)] = ()
    plans: Annotated[tuple[ActionPlan, ...], about("id", Sensitivity.HEALTH)] = ()
    contacts: Annotated[tuple[EmergencyContact, ...], about("id", Sensitivity.HEALTH)] = ()
    physician: Annotated[str, about("id", Sensitivity.HEALTH)] = ""
    none_known: Annotated[bool, about("id", Sensitivity.HEALTH)] = False
    review: tuple[str, ...] = ()
    edited_ms: int = 0
    confirmed_ms: int = 0

    def scope(self) -> str:
        return f"health/{self.home}"


class HealthPaper(Record, frozen=True, kw_only=True):
    """A paper about a child: a vaccination card, a doctor's note. `void`: it was taken back.

    Attributes:
        paper: which kind, a code of the studio's (`HealthRequirement.paper`). issued, expires: dates, inclusive; "" for
            no end. file: the scan; None where staff only saw it.
    """

    KIND: ClassVar[str] = "health_paper"
    PREFIX: ClassVar[str] = "health"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_child", ("child",)),)

    child: Id
    home: Id
    paper: str
    issued: Annotated[str, about("child", Sensitivity.HEALTH)] = ""
    expires: Annotated[str, about("child", Sensitivity.HEALTH)] = ""
    file: Annotated[Blob | None, about("child", Sensitivity.HEALTH)] = None
    void: bool = False

    def scope(self) -> str:
        return f"health/{self.home}"


class Cleared(msgspec.Struct, frozen=True, omit_defaults=True):
    """That a paper of a kind is on file, from a date to another, inclusive; "" for no end."""

    paper: str
    issued: str = ""
    expires: str = ""


class HealthClearance(Record, frozen=True, kw_only=True):
    """Under the child's own id: which papers are on file and until when, never what is in them. Written with the papers,
    so that a kiosk can decide at the door."""

    KIND: ClassVar[str] = "health_clearance"
    PREFIX: ClassVar[str] = "families"

    home: Id
    papers: Annotated[tuple[Cleared, ...], about("id")] = ()

    def scope(self) -> str:
        return f"families/{self.home}"


class HealthRequirement(Record, frozen=True, kw_only=True):
    """A paper that sessions ask for. Published; `version` is its head.

    Attributes:
        paper: the kind's code. name: what people call it. reach: where it is asked for; none at all: nowhere.
        severity: `block` or `warn`. through_end: it must still hold when the program the session belongs to is over.
    """

    KIND: ClassVar[str] = "health_requirement"
    PREFIX: ClassVar[str] = "studio"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_state", ("state",)),)

    paper: str
    name: str
    version: int
    state: str
    reach: tuple[Reach, ...] = ()
    severity: str = "block"
    through_end: bool = False


class CardView(Record, frozen=True, kw_only=True):
    """Somebody opened a child's emergency card, under the id of the operation that says so."""

    KIND: ClassVar[str] = "card_view"
    PREFIX: ClassVar[str] = "health"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_child", ("child", "at_ms")),)

    child: Id
    home: Id
    by: Id
    at_ms: int
    reason: Annotated[str, about("child", Sensitivity.HEALTH)] = ""

    def scope(self) -> str:
        return f"health/{self.home}"
