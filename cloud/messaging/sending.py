"""Carries out `message.wanted`: routes a message, sends it to each address once, and says what became of it."""

from collections.abc import Iterable
from typing import TypeVar

from msgspec.structs import replace

from classtap_core.kernel.clock import Clock
from classtap_core.kernel.effects import Intent
from classtap_core.kernel.errors import ClassTapError, EnvironmentFault, Refused
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.records import Record, decode
from classtap_core.messaging.operations import BouncedContact, MessageWanted, SettleMessage
from classtap_core.messaging.reading import ADDRESS, language_for, route_of
from classtap_core.messaging.records import Delivery, Message, PassedOver, State, mark
from classtap_core.messaging.routing import Routing, Send, normalised, route, waves
from classtap_core.messaging.templates import EMAIL, ENTRY, PASS, SMS, TEMPLATES
from classtap_core.people.records import Contact
from classtap_core.people.rules import masked_email, masked_phone
from classtap_core.schedule.records import Location, Studio
from classtap_core.timekeeping.rules import local_date
from cloud.messaging import letters
from cloud.messaging.ports import Answer, Post
from cloud.messaging.stopping import stop_text
from cloud.messaging.wording import words_of
from cloud.pages.doors import Doors
from cloud.passes import attendee_pass, picture_of
from cloud.studios import Studios
from resources.text import Catalogue, languages

R = TypeVar("R", bound=Record)

UNSURE = "sms.unsure"
"""An SMS that was begun and of which nothing is known. It is not sent again, but in an emergency."""
MOST_TRIES = 8
"""So often an address is tried; then it has failed. Less than an effect's own, which would set the message aside."""


class Sender:
    """Sends messages through the ways out of one cloud. Called by the clock's thread."""

    def __init__(self, post: Post, doors: Doors, clock: Clock) -> None:
        self.post, self._doors, self._clock = post, doors, clock

    def carry_out(self, studios: Studios, studio: Id, effect: Intent) -> None:
        """Raises EnvironmentFault `message.again` while some address is still to be tried."""
        id, wave = Id(effect.body["message"]), int(effect.body.get("wave", 0))
        message = _one(studios, studio, Message, id)
        if message is None:
            return  # erased meanwhile
        for _ in range(len(TEMPLATES[message.template].channels) + 1):  # a bounce opens the next way
            routing, going = self._routed(studios, studio, message, wave)
            known = {one.id: one for one in message.deliveries}
            new = [send for send in going if _open(known.get(_delivery_id(message, send)))]
            if not new:
                break
            for send in new:
                self._deliver(studios, studio, message, send, known.get(_delivery_id(message, send)))
            message = _one(studios, studio, Message, id) or message
            if any(one.state is State.RETRY for one in message.deliveries):
                break
        routing, _ = self._routed(studios, studio, message, wave)
        passed = tuple(
            PassedOver(guardian=p.guardian, child=p.child, channel=p.channel, why=p.why) for p in routing.passed
        )
        last = max(0, len(waves(routing.sends)) - 1)
        _say(studios, studio, SettleMessage(message=id, passed=passed, last_wave=last, routed=True))
        tried = [one for one in message.deliveries if one.state is State.RETRY]
        if tried:
            raise EnvironmentFault("message.again", why=tried[0].code)

    def _routed(self, studios: Studios, studio: Id, message: Message, wave: int) -> tuple[Routing, list[Send]]:
        """Everybody a message is for, and the addresses whose turn has come."""
        reader = studios.storage(studio)
        home = _one(studios, studio, Location, message.home)
        day = local_date(self._clock.now().corrected, home.zone if home else "UTC")
        told = route_of(reader, studio, message.children, day=day, program=message.program, guardian=message.guardian)
        routing = route(TEMPLATES[message.template], told)
        turn = waves(routing.sends)[: wave + 1]
        return routing, [send for send in routing.sends if send.wave in turn]

    def _deliver(self, studios: Studios, studio: Id, message: Message, send: Send, before: Delivery | None) -> None:
        id = _delivery_id(message, send)
        tries = 1 + (before.tries if before is not None else 0)
        shown = masked_email(send.address) if send.channel == EMAIL else masked_phone(send.address)
        word = Delivery(
            id=id, channel=send.channel, shown=shown, guardians=send.guardians, state=State.RETRY,
            at_ms=self._clock.now().corrected, wave=send.wave, instead=send.instead, code=UNSURE, tries=tries,
        )  # fmt: skip
        if send.channel == SMS:
            if before is not None and before.code == UNSURE and not TEMPLATES[message.template].urgent:
                # A worker died after it had begun: it may have arrived, and the provider knows no key to ask by.
                _say(
                    studios, studio, SettleMessage(message=message.id, deliveries=(replace(word, state=State.FAILED),))
                )
                return
            _say(studios, studio, SettleMessage(message=message.id, deliveries=(word,)))
        answer = self._send(studios, studio, message, send, id)
        state = State.FAILED if answer.state is State.RETRY and tries >= MOST_TRIES else answer.state
        word = replace(
            word, state=state, code=answer.code, at_ms=self._clock.now().corrected, awaited=answer.awaited
        )  # fmt: skip
        _say(studios, studio, SettleMessage(message=message.id, deliveries=(word,)))
        if state is State.BOUNCED:
            bounced(studios, studio, send.guardians, send.channel, send.address, answer.code)

    def _send(self, studios: Studios, studio: Id, message: Message, send: Send, delivery: Id) -> Answer:
        """One address. What it says is made for the first guardian it stands for."""
        words = self._words(studios, studio, send.guardians[0])
        try:
            content = self._content(studios, studio, message, send, words)
        except ClassTapError as error:
            return Answer(State.FAILED, error.code)
        about = about_of(studio, message.id, delivery)
        if send.channel == SMS:
            return self.post.sms.send(send.address, letters.sms(content, words), about)
        try:
            letter = letters.mail(
                content, words, sender=self.post.sender, to=send.address, about=about,
                at_ms=self._clock.now().corrected,
            )  # fmt: skip
        except (ValueError, IndexError):
            return Answer(State.BOUNCED, "no_such_address")
        return self.post.mail.send(letter)

    def _words(self, studios: Studios, studio: Id, guardian: Id) -> Catalogue:
        return words_for(studios, studio, guardian, usual=self.post.language)

    def _shown(self, studios: Studios, studio: Id, message: Message) -> str:
        """The text of the pass a message brings. Raises Refused `pass.unknown`, `pass.revoked`."""
        if message.template == PASS:
            return studios.pass_of(studio, message.family).text
        session = Id(str(message.values.get("session", "")))
        return attendee_pass(studios, studio, session, message.children[0]).text

    def _content(self, studios: Studios, studio: Id, message: Message, send: Send, words: Catalogue) -> letters.Content:
        """Raises Refused `pass.unknown`, `pass.revoked` where there is no pass to send."""
        owner = _one(studios, studio, Studio, studio)
        contact = _one(studios, studio, Contact, send.guardians[0])
        base = self.post.url or studios.url
        content = letters.Content(
            message.template, owner.name if owner else studios.studio(studio).name, contact.name if contact else "",
            text=message.text, words_of=words_of(studios.storage(studio), message, words),
        )  # fmt: skip
        if message.template in (PASS, ENTRY):
            text = self._shown(studios, studio, message)
            drawn = picture_of(studios, studio, text, scale=6) if send.channel == EMAIL else b""
            content = content._replace(picture=drawn)
        if TEMPLATES[message.template].linked:
            content = content._replace(link=f"{base}/f/in/{self._doors.link(studio, send.guardians[0])}")
        if send.channel == EMAIL:
            token = stop_text(studios.books.secret, studio, send.guardians[0], EMAIL)
            content = content._replace(stop=f"{base}/f/stop/{token}")
        return content


def words_for(studios: Studios, studio: Id, guardian: Id, *, usual: str) -> Catalogue:
    """The words a guardian is written to in; `usual` where nobody said a language."""
    known = [language.code for language in languages()]
    return Catalogue(language_for(studios.storage(studio), studio, guardian, known=known, usual=usual))


def bounced(
    studios: Studios, studio: Id, guardians: Iterable[Id], channel: str, address: str, code: str
) -> None:  # fmt: skip
    """Say of an address that it does not exist; another one of the same guardian is a new chance."""
    items = tuple(guardians)
    found = {id: _one(studios, studio, Contact, id) for id in items}
    marks = tuple(mark(id, getattr(one, ADDRESS[channel]) if one else address) for id, one in found.items())
    _say(studios, studio, BouncedContact(items=items, channel=channel, marks=marks, code=code))


def about_of(studio: Id, message: Id, delivery: Id) -> str:
    """How a delivery is named to the outside, so that what is said of it later finds its way back."""
    return f"{studio}.{message}.{delivery}"


def _delivery_id(message: Message, send: Send) -> Id:
    return derived("delivery", message.id, send.channel, normalised(send.channel, send.address))


def _open(known: Delivery | None) -> bool:
    return known is None or known.state is State.RETRY


def _say(studios: Studios, studio: Id, payload: SettleMessage | BouncedContact) -> None:
    outcome = studios.author(studio, payload, source=MessageWanted.KIND).link.outcome
    if not outcome.stands:
        raise Refused("message.unknown")


def _one(studios: Studios, studio: Id, record: type[R], id: Id) -> R | None:
    row = studios.storage(studio).rows(record, [id]).get(id)
    return None if row is None else decode(record, row.body)
