"""What comes back: STOP and START by SMS, a provider's word on a delivery, and mail that is returned (RFC 3464)."""

import base64
import hmac
import re
from collections.abc import Mapping
from email import message_from_bytes
from email.message import Message as Mail
from typing import NamedTuple

import msgspec
from msgspec.structs import replace
from sqlalchemy import delete

from classtap_core.checkin.reading import fetch
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id, derived, parse
from classtap_core.kernel.records import decode
from classtap_core.messaging.operations import ResumeContact, SettleMessage, StopContact
from classtap_core.messaging.reading import ADDRESS
from classtap_core.messaging.records import Message, State
from classtap_core.messaging.routing import normalised
from classtap_core.messaging.templates import SMS
from classtap_core.people.records import Contact
from cloud.messaging.ports import TwilioSms
from cloud.messaging.sending import bounced
from cloud.storage.whereabouts import at_telephone
from cloud.studios import Studios

STOPS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "BAJA", "ALTO", "توقف", "إيقاف"})
STARTS = frozenset({"START", "UNSTOP", "YES", "ALTA", "ابدأ"})
ALONE = frozenset({"CANCEL", "END", "QUIT", "YES"})
"""Words that mean this only where they are the whole message: somebody may want to cancel a class."""
_ABOUT = re.compile(r"<?([0-9a-f]{32})\.([0-9a-f]{32})\.([0-9a-f]{32})(?:@[^>\s]+)?>?")


class About(NamedTuple):
    """The delivery something is said of."""

    studio: Id
    message: Id
    delivery: Id


def about(text: str) -> About:
    """Raises Refused `link.unknown` for a text that names no delivery of ours."""
    found = _ABOUT.fullmatch(text.strip())
    if found is None:
        raise Refused("link.unknown")
    return About(*(parse(part) for part in found.groups()))


def is_theirs(secret: str, url: str, form: Mapping[str, str], signature: str) -> bool:
    """Whether the provider signed a call: HMAC-SHA-1 of the address and the sorted fields, as Twilio publishes it."""
    said = url + "".join(name + form[name] for name in sorted(form))
    wanted = base64.b64encode(hmac.digest(secret.encode(), said.encode(), "sha1"))
    return bool(secret) and hmac.compare_digest(wanted, signature.encode())


def heard(studios: Studios, form: Mapping[str, str]) -> int:
    """A guardian's own SMS, kept raw by the provider's id first; in how many studios it changed something.

    STOP and START count for everybody who is reached at that telephone; anything else is kept and nothing more.
    """
    word, sid, number = _word(form.get("Body", "")), form.get("MessageSid", ""), form.get("From", "")
    payload = StopContact if word in STOPS else ResumeContact if word in STARTS else None
    changed = 0
    for studio, noted in at_telephone(studios.books, number).items():
        storage = studios.storage(studio)
        held = fetch(storage, Contact, noted)
        items = tuple(id for id in noted if id in held and normalised(SMS, held[id].phone) == normalised(SMS, number))
        if not items:
            continue
        _keep(studios, studio, form)
        # Under the provider's id: told twice, also after a worker died in between, it is said once.
        id = derived("inbound", studio, sid) if sid else None
        if payload is not None and (id is None or id not in storage.settled([id])):
            studios.author(studio, payload(items=items, channel=SMS), source="sms", id=id)
            changed += 1
    return changed


def _word(body: str) -> str:
    """The word a message begins with, where it may be a command."""
    words = body.split()
    first = words[0].strip(".,!\"'").upper() if words else ""
    return "" if first in ALONE and len(words) > 1 else first


def _keep(studios: Studios, studio: Id, form: Mapping[str, str]) -> None:
    """Keep what came in, as it came."""
    table, id = studios.books.tables.inbound, form.get("MessageSid", "")
    sealed = studios.books.secret.wrap(msgspec.json.encode(dict(form)), f"inbound/{studio}/{id}")  # it names telephones
    row = {
        "studio_id": studio, "id": id, "kind": SMS, "body": sealed, "received_ms": studios.clock.now().corrected,
    }  # fmt: skip
    with studios.books.database.write(studio) as connection:
        connection.execute(studios.books.database.insert_new(table), [row])


def forget(studios: Studios, studio: Id, *, before_ms: int) -> None:
    """Let go of what came in before a moment: it names telephones."""
    table = studios.books.tables.inbound
    with studios.books.database.write(studio) as connection:
        connection.execute(delete(table).where(table.c.studio_id == studio, table.c.received_ms < before_ms))


def said_of_sms(studios: Studios, of: About, form: Mapping[str, str]) -> None:
    """The provider's later word: it arrived, or it never will."""
    status, code = form.get("MessageStatus", ""), form.get("ErrorCode", "")
    gone = code.isdigit() and int(code) in TwilioSms.GONE
    states = {"delivered": State.DELIVERED, "undelivered": State.FAILED, "failed": State.FAILED}
    if status in states:
        _settle(studios, of, State.BOUNCED if gone else states[status], code)


def returned(studios: Studios, data: bytes) -> bool:
    """A mail server's report that a mail of ours could not be delivered; False where it says nothing of one."""
    mail = message_from_bytes(data)
    action, status, of = "", "", ""
    for part in mail.walk():
        if part.get_content_type() == "message/delivery-status":
            for block in part.get_payload():
                if isinstance(block, Mail):
                    action = str(block.get("Action", action)).strip().lower()
                    status = str(block.get("Status", status)).split()[0] if block.get("Status") else status
        elif part is not mail and part.get("Message-ID"):
            of = str(part["Message-ID"])
        elif part.get_content_type() == "text/rfc822-headers":
            headers = part.get_payload(decode=True)
            of = str(message_from_bytes(headers if isinstance(headers, bytes) else b"").get("Message-ID", of))
    if action != "failed" or not of:
        return False
    _settle(studios, about(of), State.BOUNCED if status.startswith("5") else State.FAILED, status)
    return True


def _settle(studios: Studios, of: About, state: State, code: str) -> None:
    storage = studios.storage(of.studio)
    row = storage.rows(Message, [of.message]).get(of.message)
    message = None if row is None else decode(Message, row.body)
    known = None if message is None else next((one for one in message.deliveries if one.id == of.delivery), None)
    if message is None or known is None:
        raise Refused("link.unknown")
    if state is State.BOUNCED:
        # Before the message is settled: what stands in for this way must know that it is shut.
        rows = storage.rows(Contact, known.guardians)
        contacts = [decode(Contact, one.body) for one in rows.values()]
        address = next((getattr(one, ADDRESS[known.channel]) for one in contacts), "")
        bounced(studios, of.studio, known.guardians, known.channel, address, code)
    word = replace(known, state=state, code=code, at_ms=studios.clock.now().corrected)
    studios.author(of.studio, SettleMessage(message=of.message, deliveries=(word,)), source="provider")
