"""Six digits to one of a guardian's own addresses; not through the outbox, because nobody else may ever read them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from classtap_core.kernel.effects import Intent
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.records import decode
from classtap_core.messaging.reading import ADDRESS
from classtap_core.messaging.records import State
from classtap_core.messaging.templates import EMAIL
from classtap_core.people.records import Contact
from cloud.messaging import letters
from cloud.messaging.ports import Post
from cloud.messaging.sending import words_for
from cloud.pages.doors import Inside
from cloud.studios import Studios
from resources.text import Catalogue

if TYPE_CHECKING:
    from cloud.composition import Cloud

CHANNEL = {field: channel for channel, field in ADDRESS.items()}


def send_code(cloud: "Cloud", inside: Inside, way: str, words: Catalogue) -> None:
    """Make a code and send it. Raises Refused `code.held`, and `code.unsent` where the address takes nothing."""
    row = cloud.studios.storage(inside.studio).rows(Contact, [inside.contact]).get(inside.contact)
    if row is None or not getattr(decode(Contact, row.body), way):
        raise Refused("code.unsent")
    code = cloud.doors.code(inside.studio, inside.contact, way)
    send_digits(cloud.studios, cloud.post, inside, way, code, words=words)


def send_digits(studios: Studios, post: Post, inside: Inside, way: str, code: str, *, words: Catalogue) -> None:
    """Send a code that is known already. Raises Refused `code.unsent`."""
    row = studios.storage(inside.studio).rows(Contact, [inside.contact]).get(inside.contact)
    contact = None if row is None else decode(Contact, row.body)
    address = "" if contact is None else getattr(contact, way)
    if contact is None or not address:
        raise Refused("code.unsent")
    content = letters.Content("code", studios.studio(inside.studio).name, contact.name, words_of=(("code", code),))
    now_ms = studios.clock.now().corrected
    if CHANNEL[way] == EMAIL:
        try:
            letter = letters.mail(
                content, words, sender=post.sender, to=address, at_ms=now_ms,
                about=derived("delivery", contact.id, code, str(now_ms)),
            )  # fmt: skip
        except (ValueError, IndexError):
            raise Refused("code.unsent") from None
        answer = post.mail.send(letter)
    else:
        answer = post.sms.send(address, letters.sms(content, words))
    if answer.state is not State.SENT:
        raise Refused("code.unsent")


def signing_codes(post: Post) -> Callable[[Studios, Id, Intent], None]:
    """Carries out `signing.code`: a kiosk's code goes to the contact that the guardian has verified, while it is good."""

    def carry_out(studios: Studios, studio: Id, effect: Intent) -> None:
        said = effect.body
        if studios.clock.now().corrected < int(said["until_ms"]):
            inside = Inside(studio, Id(said["guardian"]))
            words = words_for(studios, studio, inside.contact, usual=post.language)
            send_digits(studios, post, inside, said["way"], said["code"], words=words)

    return carry_out
