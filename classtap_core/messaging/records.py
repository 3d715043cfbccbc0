"""Messages as the studio keeps them: what was asked, and what became of it at each address. No address is in the clear."""

import hashlib
from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec
from msgspec.structs import replace

from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.records import Index, Record, about

WAITING, SENDING, DONE = "waiting", "sending", "done"
"""A message before the cloud has seen it, while some address is still tried, and when all is known."""


class State(StrEnum):
    """Of one address. Later ones stand over earlier ones: a bounce comes after its mail was sent."""

    RETRY = "retry"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    BOUNCED = "bounced"


ORDER = tuple(State)
REACHED = (State.SENT, State.DELIVERED)
UNREACHED = (State.FAILED, State.BOUNCED)


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A message at one address.

    Attributes:
        id: the same at every try; it names the mail (Message-ID) as well.
        shown: the address as anybody at the desk may see it. instead: the channel it stands in for.
        code: why it is not there, as the provider's own code. tries: how often it was tried.
        awaited: who took it will say whether it arrived, so that `sent` is no delivery yet.
    """

    id: Id
    channel: str
    shown: str
    guardians: tuple[Id, ...]
    state: State
    at_ms: int
    wave: int = 0
    instead: str = ""
    code: str = ""
    tries: int = 1
    awaited: bool = False


class PassedOver(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A guardian who did not get it, or not on this way, and why: a code of `routing`."""

    guardian: Id
    child: Id
    channel: str = ""
    why: str = ""


class Message(Record, frozen=True, kw_only=True):
    """One message to a family; under the id of the operation that asked for it.

    Attributes:
        wave, wave_ms: how far an emergency has gone, and when it went there; `last_wave`: how far it can go; `routed`:
            the last wave whose addresses are all known.
        values: what goes into the words, as codes, ids and numbers. text: the words staff wrote, where there are some.
        guardian: the only one it is for, or "". again: operations that asked for another try.
        alarm_ms: when the desk was told that it reached nobody; 0 while that is not so.
    """

    KIND: ClassVar[str] = "message"
    PREFIX: ClassVar[str] = "contact_masked"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index("by_family", ("family", "asked_ms")),
        Index("by_state", ("state", "asked_ms")),
    )

    family: Id
    home: Id
    template: str
    children: tuple[Id, ...]
    state: str
    asked_ms: int
    program: str = ""
    guardian: str = ""
    again: tuple[Id, ...] = ()
    wave: int = 0
    wave_ms: int = 0
    last_wave: int = 0
    routed: int = -1
    alarm_ms: int = 0
    text: Annotated[str, about("family")] = ""
    values: dict[str, str | int] = msgspec.field(default_factory=dict)
    deliveries: tuple[Delivery, ...] = ()
    passed: tuple[PassedOver, ...] = ()

    def scope(self) -> str:
        return f"contact_masked/{self.home}"

    @property
    def reached(self) -> bool:
        """Whether it got anywhere."""
        return any(one.state in REACHED for one in self.deliveries)

    @property
    def arrived(self) -> bool:
        """Whether all that can be known says that somebody has it."""
        return any(
            one.state is State.DELIVERED or (one.state is State.SENT and not one.awaited) for one in self.deliveries
        )


class Unreached(Record, frozen=True, kw_only=True):
    """A message that reached nobody, under its id: staff are told until one of them says they know.

    It names no guardian and no words, so that a kiosk may hold it.

    Attributes: `urgent`: an emergency. `raised_ms`: when that was found, last; `seen_ms`: the one somebody has seen; `reached_ms`: when it arrived after all.
    """

    KIND: ClassVar[str] = "unreached"
    PREFIX: ClassVar[str] = "families"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_open", ("open", "raised_ms")),)

    family: Id
    home: Id
    children: tuple[Id, ...]
    asked_ms: int
    raised_ms: int
    open: bool
    seen_ms: int = 0
    reached_ms: int = 0
    urgent: bool = True

    def scope(self) -> str:
        return f"families/{self.home}"

    def settled(self) -> "Unreached":
        """Itself, open while the last finding has neither been seen nor overtaken by a delivery."""
        return replace(self, open=self.raised_ms > max(self.seen_ms, self.reached_ms))


class ContactWay(Record, frozen=True, kw_only=True):
    """What is known of one way to a guardian beside the address itself.

    Attributes:
        stopped_ms, resumed_ms: when STOP and START came; the later one counts.
        bounced: `mark` of the address that bounced, with the provider's code; another address is a new chance.
    """

    KIND: ClassVar[str] = "contact_way"
    PREFIX: ClassVar[str] = "contact_masked"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_contact", ("contact",)),)

    contact: Id
    home: Id
    channel: str
    stopped_ms: int = 0
    resumed_ms: int = 0
    bounced: str = ""
    code: str = ""

    def scope(self) -> str:
        return f"contact_masked/{self.home}"

    @property
    def stopped(self) -> bool:
        return self.stopped_ms > self.resumed_ms


class MessageWish(Record, frozen=True, kw_only=True):
    """On which ways a guardian wants to hear of a child or a program, best first; none for not at all."""

    KIND: ClassVar[str] = "message_wish"
    PREFIX: ClassVar[str] = "contact_masked"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_contact", ("contact",)),)

    contact: Id
    home: Id
    child: str = ""
    program: str = ""
    channels: tuple[str, ...] = ()

    def scope(self) -> str:
        return f"contact_masked/{self.home}"


def way_id(contact: Id, channel: str) -> Id:
    return derived("contact_way", contact, channel)


def wish_id(contact: Id, child: str, program: str) -> Id:
    return derived("message_wish", contact, child, program)


def mark(contact: Id, address: str) -> str:
    """Tells one address of a contact from the next without saying what it is (64 bits, salted with the contact)."""
    return hashlib.sha256(f"{contact}\n{address}".encode()).hexdigest()[:16]
