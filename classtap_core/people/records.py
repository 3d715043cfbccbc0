"""Families and children, cut along sensitivity: each record is one that a device may hold whole, or not at all.

What is sealed under whom: a child's fields under the child, a guardian's under the guardian, a family's under the family.
"""

from typing import Annotated, ClassVar

import msgspec

from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import Index, Record, Sensitivity, about


class Family(Record, frozen=True, kw_only=True):
    """A household. `home` is the location it belongs to."""

    KIND: ClassVar[str] = "family"
    PREFIX: ClassVar[str] = "families"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_home", ("home",)),)
    SEARCH: ClassVar[tuple[str, ...]] = ("name",)

    home: Id
    name: Annotated[str, about("id")]

    def scope(self) -> str:
        return f"families/{self.home}"


class Child(Record, frozen=True, kw_only=True):
    """A child, as a kiosk may know it. The birth date is in `ChildHealth`.

    Attributes:
        photo: a picture, where a guardian allowed one. languages: codes, the one they are spoken to in first.
        listed: whether a guardian agreed to the first name on lists that other families see. Never shown to strangers.
    """

    KIND: ClassVar[str] = "child"
    PREFIX: ClassVar[str] = "families"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_family", ("family",)),)
    SEARCH: ClassVar[tuple[str, ...]] = (
        "given",
        "surname",
    )

    family: Id
    home: Id
    given: Annotated[str, about("id")]
    surname: Annotated[str, about("id")]
    photo: Annotated[Blob | None, about("id")] = None
    languages: Annotated[tuple[str, ...], about("id")] = ()
    listed: bool = False

    def scope(self) -> str:
        return f"families/{self.home}"


class Badge(Record, frozen=True, kw_only=True):
    """Decisions made from what a kiosk must not hold, under the child's own id: codes, never a word of why."""

    KIND: ClassVar[str] = "badge"
    PREFIX: ClassVar[str] = "families"

    home: Id
    codes: tuple[str, ...]

    def scope(self) -> str:
        return f"families/{self.home}"


class HealthProposal(msgspec.Struct, frozen=True, omit_defaults=True):
    """Words of a second editor, kept beside what stands until a person decides."""

    operation: Id
    notes: str


class ChildHealth(Record, frozen=True, kw_only=True):
    """Under the child's own id: birth date and what staff must know. `review` holds proposals that clash.

    `level` says how urgent the child's health profile is (`critical`, `warning`, `info`); "" where it says nothing.
    """

    KIND: ClassVar[str] = "child_health"
    PREFIX: ClassVar[str] = "health"

    home: Id
    birth_date: Annotated[str, about("id", Sensitivity.HEALTH)] = ""
    notes: Annotated[str, about("id", Sensitivity.HEALTH)] = ""
    review: Annotated[tuple[HealthProposal, ...], about("id", Sensitivity.HEALTH)] = ()
    level: Annotated[str, about("id", Sensitivity.HEALTH)] = ""

    def scope(self) -> str:
        return f"health/{self.home}"


class Order(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a guardian on record is kept from the child, in the words of the operation that said so."""

    operation: Id
    guardian: Id
    reason: str = ""


class Custody(Record, frozen=True, kw_only=True):
    """Under the child's own id: who must not take the child, and the order it rests on.

    `blocked` names people who are not on record here; `orders` are about guardians who are: a set that only grows, less
    those in `lifted`.
    """

    KIND: ClassVar[str] = "custody"
    PREFIX: ClassVar[str] = "custody"

    home: Id
    blocked: Annotated[tuple[str, ...], about("id", Sensitivity.CUSTODY)] = ()
    note: Annotated[str, about("id", Sensitivity.CUSTODY)] = ""
    orders: Annotated[tuple[Order, ...], about("id", Sensitivity.CUSTODY)] = ()
    lifted: tuple[Id, ...] = ()

    @property
    def says_something(self) -> bool:
        """Whether staff must ask before this child is given to anybody."""
        return bool(self.blocked or self.note or any(order.operation not in self.lifted for order in self.orders))

    def scope(self) -> str:
        return f"custody/{self.home}"


class Contact(Record, frozen=True, kw_only=True):
    """A guardian and how to reach them. `relation` is a code: mother, father, guardian, grandparent, other.

    Attributes:
        photo: a picture, so that staff know who they hand a child to. languages: codes, the one they are written to in first.
        verified_ms: when the guardian last proved that they are reached at `verified_by` (`email` or `phone`); 0 never.
            Asked for before booking, paying and signing: `people.verification.is_verified`.
    """

    KIND: ClassVar[str] = "contact"
    PREFIX: ClassVar[str] = "contact"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_family", ("family",)),)
    SEARCH: ClassVar[tuple[str, ...]] = ("name", "phone", "email")

    family: Id
    home: Id
    relation: str
    name: Annotated[str, about("id")]
    phone: Annotated[str, about("id", Sensitivity.CONTACT)] = ""
    email: Annotated[str, about("id", Sensitivity.CONTACT)] = ""
    verified_ms: int = 0
    verified_by: str = ""
    photo: Annotated[Blob | None, about("id")] = None
    languages: Annotated[tuple[str, ...], about("id")] = ()

    def scope(self) -> str:
        return f"contact/{self.home}"


class ContactMasked(Record, frozen=True, kw_only=True):
    """The same guardian as somebody may see who may not see the rest. Written with the contact, never by hand."""

    KIND: ClassVar[str] = "contact_masked"
    PREFIX: ClassVar[str] = "contact_masked"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_family", ("family",)),)
    SEARCH: ClassVar[tuple[str, ...]] = ("name",)

    family: Id
    home: Id
    relation: str
    name: Annotated[str, about("id")]
    phone: Annotated[str, about("id", Sensitivity.CONTACT)] = ""
    email: Annotated[str, about("id", Sensitivity.CONTACT)] = ""
    verified_ms: int = 0
    verified_by: str = ""

    def scope(self) -> str:
        return f"contact_masked/{self.home}"
