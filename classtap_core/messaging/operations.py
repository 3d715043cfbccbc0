"""A message is asked for by whoever may, sent by the cloud alone (ruling 19), and what became of it is folded in."""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec.structs import replace

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.effects import Effect, Home
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Range, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, refused
from classtap_core.kernel.records import about
from classtap_core.kernel.tx import Tx
from classtap_core.messaging.records import (
    DONE,
    ORDER,
    SENDING,
    UNREACHED,
    WAITING,
    ContactWay,
    Delivery,
    Message,
    MessageWish,
    PassedOver,
    State,
    Unreached,
    way_id,
    wish_id,
)
from classtap_core.messaging.templates import CHANNELS, TEMPLATES
from classtap_core.people.records import Child, ContactMasked, Family

LONGEST_TEXT = 1_000
NO_WAY = frozenset({"no_address", "bounced"})
"""Why somebody who should have had a message did not."""


class MessageWanted(Effect, frozen=True, kw_only=True):
    """A message is to be sent; the cloud carries it out. `wave`: how far an emergency has gone."""

    KIND: ClassVar[str] = "message.wanted"

    message: Id
    wave: int = 0


@operation("message.ask", version=1, kind=Kind.FACT, needs=Capability.EDIT_FAMILY)
class AskMessage(Payload, frozen=True, kw_only=True):
    """Somebody asked that a family be told something. It is kept at once and sent when the cloud has it.

    Attributes: `children`: whom it is about; () for all of the family's. `text`: at most 1,000 letters. `guardian`: the
    only one it is for, or "".
    """

    family: Id
    template: str
    children: tuple[Id, ...] = ()
    program: str = ""
    text: Annotated[str, about("family")] = ""
    values: dict[str, str | int] = msgspec.field(default_factory=dict)
    guardian: str = ""

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(Family, self.family), Key(Message, op.id)]
        family = tx.get(Family, self.family)
        if family is not None:
            yield [
                Range(Child, "by_family", (self.family,), scope=family.scope()),
                Key(Message, op.id, f"contact_masked/{family.home}"),
            ]

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        family = tx.get(Family, self.family)
        return Resource(None if family is None else family.home)


@handles(AskMessage)
def ask_message(tx: Tx, op: Operation[AskMessage]) -> Outcome:
    said = op.payload
    family = tx.get(Family, said.family)
    if family is None:
        return refused("family.unknown")
    if said.template not in TEMPLATES or len(said.text) > LONGEST_TEXT:
        return refused("message.template" if said.template not in TEMPLATES else "message.long")
    theirs = [child.id for child in tx.find(Child, "by_family", family.id)]
    if any(child not in theirs for child in said.children):
        return refused("child.unknown")
    if tx.get(Message, op.id) is None:
        tx.put(
            Message(
                id=op.id, family=family.id, home=family.home, template=said.template,
                children=said.children or tuple(theirs), state=WAITING, asked_ms=op.at.corrected,
                program=said.program, text=said.text, values=said.values, guardian=said.guardian,
            )
        )  # fmt: skip
        tx.effect(MessageWanted(message=op.id), home=Home.CLOUD)
    return ACCEPTED


class _OfMessage(Payload, frozen=True, kw_only=True):
    """What the cloud says of a message that is there."""

    message: Id

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Message, self.message)
        found = tx.get(Message, self.message)
        if found is not None:
            yield Key(Unreached, self.message, f"families/{found.home}")

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"message:{self.message}",)


@operation("message.again", version=1, kind=Kind.FACT, needs=Capability.EDIT_FAMILY, told=False)
class TryAgain(Payload, frozen=True, kw_only=True):
    """Somebody at the desk wants another try where a message did not arrive; its addresses are believed in again."""

    message: Id

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Message, self.message)
        found = tx.get(Message, self.message)
        if found is not None:
            yield [Key(ContactWay, id, found.scope()) for id in _failed_ways(found)]

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        found = tx.get(Message, self.message)
        return Resource(None if found is None else found.home)


@handles(TryAgain)
def try_again(tx: Tx, op: Operation[TryAgain]) -> Outcome:
    message = tx.get(Message, op.payload.message)
    if message is None:
        return refused("message.unknown")
    if op.id in message.again:
        return ACCEPTED
    for id in _failed_ways(message):
        way = tx.get(ContactWay, id)
        if way is not None and way.bounced:
            tx.put(replace(way, bounced="", code=""))
    deliveries = tuple(
        replace(one, state=State.RETRY, tries=0, code="", at_ms=op.at.corrected) if one.state in UNREACHED else one
        for one in message.deliveries
    )
    again = tuple(sorted((*message.again, op.id)))
    tx.put(replace(message, state=SENDING, deliveries=deliveries, again=again, wave_ms=0, alarm_ms=0))
    tx.effect(MessageWanted(message=message.id, wave=message.wave), home=Home.CLOUD)
    return ACCEPTED


def _failed_ways(message: Message) -> list[Id]:
    """The ways on record of those it did not reach."""
    failed = [one for one in message.deliveries if one.state in UNREACHED]
    return [way_id(guardian, one.channel) for one in failed for guardian in one.guardians]


@operation("message.settle", version=1, kind=Kind.TICK, needs=None)
class SettleMessage(_OfMessage, frozen=True, kw_only=True):
    """What became of a message at some addresses. Told twice, or late, it changes nothing that is known better.

    Attributes: `routed`: these are all addresses of the wave, so what is not tried again is over.
    """

    deliveries: tuple[Delivery, ...] = ()
    passed: tuple[PassedOver, ...] = ()
    last_wave: int = 0
    routed: bool = False


@handles(SettleMessage)
def settle_message(tx: Tx, op: Operation[SettleMessage]) -> Outcome:
    said = op.payload
    message = tx.get(Message, said.message)
    if message is None:
        return refused("message.unknown")
    deliveries = settled(message.deliveries, said.deliveries)
    came_back = _bounced(deliveries) - _bounced(message.deliveries)
    if message.state == DONE and came_back:
        # Its server said yes first and sent it back later: the next way stands in.
        tx.effect(MessageWanted(message=message.id, wave=message.wave), home=Home.CLOUD)
    routed = message.wave if said.routed else message.routed
    after = replace(
        message, deliveries=deliveries, routed=routed, last_wave=max(message.last_wave, said.last_wave),
        passed=tuple(dict.fromkeys((*message.passed, *said.passed))), wave_ms=message.wave_ms or op.at.corrected,
    )  # fmt: skip
    tried = any(one.state is State.RETRY for one in deliveries)
    known = routed >= message.wave or message.state == DONE
    after = replace(after, state=DONE if known and not tried and not _waits(after) else SENDING)
    if _is_lost(after) and not came_back:
        after = _raised(tx, after, op.at.corrected)
    if after == message:
        return DUPLICATE
    alarm = tx.get(Unreached, message.id)
    if alarm is not None and _is_there(after) and not _is_there(message):
        tx.put(replace(alarm, reached_ms=max(alarm.reached_ms, op.at.corrected)).settled())
    tx.put(after)
    return ACCEPTED


def _bounced(deliveries: Iterable[Delivery]) -> set[Id]:
    return {one.id for one in deliveries if one.state is State.BOUNCED}


def settled(known: Iterable[Delivery], said: Iterable[Delivery]) -> tuple[Delivery, ...]:
    """What is known of each address with what was said: the later state, and of one state the later word."""
    found = {one.id: one for one in known}
    for one in said:
        held = found.get(one.id)
        if held is None or _rank(one) >= _rank(held):
            found[one.id] = one
    return tuple(found.values())


def _rank(one: Delivery) -> tuple[int, int, int]:
    return (ORDER.index(one.state), one.tries, one.at_ms)


def _goes_on(message: Message) -> bool:
    """Whether an emergency still has people to go on to."""
    return TEMPLATES[message.template].urgent and message.wave < message.last_wave and not message.arrived


def _waits(message: Message) -> bool:
    """Whether an emergency has people to go on to, or reached nobody and nobody was told of it."""
    unheard = TEMPLATES[message.template].urgent and not message.arrived and not message.alarm_ms
    return _goes_on(message) or unheard


@operation("message.escalate", version=1, kind=Kind.TICK, needs=None)
class EscalateMessage(_OfMessage, frozen=True, kw_only=True):
    """Nobody got an emergency within five minutes: on to the people of the next wave."""

    wave: int


@handles(EscalateMessage)
def escalate_message(tx: Tx, op: Operation[EscalateMessage]) -> Outcome:
    message = tx.get(Message, op.payload.message)
    if message is None:
        return refused("message.unknown")
    if message.wave >= op.payload.wave or not _goes_on(message):
        return DUPLICATE
    tx.put(replace(message, wave=op.payload.wave, wave_ms=op.at.corrected))
    tx.effect(MessageWanted(message=message.id, wave=op.payload.wave), home=Home.CLOUD)
    return ACCEPTED


@operation("message.unreached", version=1, kind=Kind.TICK, needs=None)
class TellUnreached(_OfMessage, frozen=True, kw_only=True):
    """An emergency reached nobody in five minutes, or can reach nobody any more: staff are to telephone."""


@handles(TellUnreached)
def tell_unreached(tx: Tx, op: Operation[TellUnreached]) -> Outcome:
    message = tx.get(Message, op.payload.message)
    if message is None:
        return refused("message.unknown")
    if message.alarm_ms or message.arrived or not TEMPLATES[message.template].urgent:
        return DUPLICATE
    tried = any(one.state is State.RETRY for one in message.deliveries)
    over = message.routed >= message.wave and not tried and not _goes_on(message)
    tx.put(replace(_raised(tx, message, op.at.corrected), state=DONE if over else message.state))
    return ACCEPTED


def _is_there(message: Message) -> bool:
    """Whether a message reached somebody; an emergency has to arrive."""
    return message.arrived if TEMPLATES[message.template].urgent else message.reached


def _is_lost(message: Message) -> bool:
    """Whether an ordinary message is over and reached nobody though somebody should have it: all ways failed, or there
    is none. Where nobody wished for it, or may not have it, nothing is wrong."""
    if TEMPLATES[message.template].urgent or message.state != DONE or message.reached or message.alarm_ms:
        return False
    return bool(message.deliveries) or any(one.why in NO_WAY for one in message.passed)


def _raised(tx: Tx, message: Message, at_ms: int) -> Message:
    """A message of which staff are told that it reached nobody."""
    held = tx.get(Unreached, message.id)
    found = Unreached(
        id=message.id, family=message.family, home=message.home, children=message.children,
        asked_ms=message.asked_ms, raised_ms=at_ms, open=True, seen_ms=0 if held is None else held.seen_ms,
        reached_ms=0 if held is None else held.reached_ms, urgent=TEMPLATES[message.template].urgent,
    )  # fmt: skip
    tx.put(found.settled())
    return replace(message, alarm_ms=at_ms)


@operation("message.seen", version=1, kind=Kind.FACT, needs=Capability.EDIT_FAMILY)
class SeeUnreached(_OfMessage, frozen=True, kw_only=True):
    """Somebody knows that a message reached nobody, and takes care of it. `raised_ms`: of the finding they saw."""

    home: Id
    raised_ms: int

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Unreached, self.message, f"families/{self.home}")

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        found = tx.get(Unreached, self.message)
        return Resource(self.home if found is None else found.home)


@handles(SeeUnreached)
def see_unreached(tx: Tx, op: Operation[SeeUnreached]) -> Outcome:
    found = tx.get(Unreached, op.payload.message)
    if found is None:
        return refused("message.unknown")
    # What nobody has found yet, nobody has seen.
    seen_ms = min(op.payload.raised_ms, found.raised_ms)
    if seen_ms > found.seen_ms:
        tx.put(replace(found, seen_ms=seen_ms).settled())
    return ACCEPTED


class _OfWay(Payload, frozen=True, kw_only=True):
    """A word about one way to some contacts: several may share a telephone."""

    items: tuple[Id, ...]
    channel: str

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(ContactMasked, contact) for contact in self.items]
        yield [
            Key(ContactWay, way_id(contact, self.channel), found.scope())
            for contact in self.items
            if (found := tx.get(ContactMasked, contact)) is not None
        ]

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        homes = {found.home for contact in self.items if (found := tx.get(ContactMasked, contact)) is not None}
        return Resource(homes.pop() if len(homes) == 1 else None)

    def ways(self, tx: Tx) -> list[ContactWay]:
        """Those that are on record, as they stand."""
        found = []
        for contact in self.items:
            masked = tx.get(ContactMasked, contact)
            if masked is not None:
                id = way_id(contact, self.channel)
                held = tx.get(ContactWay, id)
                found.append(held or ContactWay(id=id, contact=contact, home=masked.home, channel=self.channel))
        return found


@operation("contact.stop", version=1, kind=Kind.FACT, needs=Capability.EDIT_FAMILY)
class StopContact(_OfWay, frozen=True, kw_only=True):
    """A guardian wants nothing more on this way: STOP by SMS, the link in a mail, or a word at the desk."""


@handles(StopContact)
def stop_contact(tx: Tx, op: Operation[StopContact]) -> Outcome:
    return _put(tx, op, [replace(way, stopped_ms=max(way.stopped_ms, op.at.corrected)) for way in op.payload.ways(tx)])


@operation("contact.resume", version=1, kind=Kind.TICK, needs=None)
class ResumeContact(_OfWay, frozen=True, kw_only=True):
    """START, from the guardian's own telephone or page: nobody else can take a STOP back."""


@handles(ResumeContact)
def resume_contact(tx: Tx, op: Operation[ResumeContact]) -> Outcome:
    return _put(tx, op, [replace(way, resumed_ms=max(way.resumed_ms, op.at.corrected)) for way in op.payload.ways(tx)])


@operation("contact.bounced", version=1, kind=Kind.TICK, needs=None)
class BouncedContact(_OfWay, frozen=True, kw_only=True):
    """An address does not exist, says its own server. `marks`: of each contact's address then."""

    marks: tuple[str, ...]
    code: str = ""


@handles(BouncedContact)
def bounced_contact(tx: Tx, op: Operation[BouncedContact]) -> Outcome:
    said = op.payload
    marks = dict(zip(said.items, said.marks, strict=False))
    return _put(
        tx, op, [replace(way, bounced=marks.get(way.contact, ""), code=said.code) for way in said.ways(tx)]
    )  # fmt: skip


def _put(tx: Tx, op: Operation[Any], ways: list[ContactWay]) -> Outcome:
    if op.payload.channel not in CHANNELS or not ways:
        return refused("contact.no_way" if ways else "guardian.unknown")
    changed = [way for way in ways if tx.get(ContactWay, way.id) != way]
    for way in changed:
        tx.put(way)
    return ACCEPTED if changed else DUPLICATE


@operation("message.wish", version=1, kind=Kind.EDIT, needs=Capability.EDIT_FAMILY)
class WishMessages(Payload, frozen=True, kw_only=True):
    """On which ways a guardian wants to hear; `child` and `program` narrow it. None at all: not wanted.

    `usual`: what was wished here is taken back, and the next wider wish counts.
    """

    contact: Id
    channels: tuple[str, ...]
    child: str = ""
    program: str = ""
    usual: bool = False

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(ContactMasked, self.contact)
        contact = tx.get(ContactMasked, self.contact)
        if contact is not None:
            yield Key(MessageWish, wish_id(self.contact, self.child, self.program), contact.scope())

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        contact = tx.get(ContactMasked, self.contact)
        return Resource(None if contact is None else contact.home)


@handles(WishMessages)
def wish_messages(tx: Tx, op: Operation[WishMessages]) -> Outcome:
    said = op.payload
    contact = tx.get(ContactMasked, said.contact)
    if contact is None:
        return refused("guardian.unknown")
    if len(set(said.channels)) < len(said.channels) or any(one not in CHANNELS for one in said.channels):
        return refused("message.channels")
    wish = MessageWish(
        id=wish_id(said.contact, said.child, said.program), contact=said.contact, home=contact.home,
        child=said.child, program=said.program, channels=said.channels,
    )  # fmt: skip
    held = tx.get(MessageWish, wish.id)
    if held == (None if said.usual else wish):
        return DUPLICATE
    if said.usual:
        tx.delete(MessageWish, wish.id)
    else:
        tx.put(wish)
    return ACCEPTED
