"""What comes back to the cloud: STOP by SMS, a provider's later word, a mail returned; each only from whom it claims."""

import base64
import hmac
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from fast_mail_parser import parse_email

from classtap_core.house import bus
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.records import decode
from classtap_core.messaging.operations import AskMessage
from classtap_core.messaging.records import ContactWay, way_id
from cloud.composition import open_cloud
from cloud.messaging.ports import InboxMail, InboxSms, LocalInbox, Post
from cloud.messaging.returns import is_theirs
from cloud.messaging.sending import about_of
from cloud.serve import CloudServer
from tests.cloud.families import GINA, Families, founded, served
from tests.unit.house.world import FAMILY, MINUTE, NINE, STUDIO

pytestmark = pytest.mark.leaves("ThreadPoolExecutor", reason="the clock's thread ends with the cloud")
TOKEN = "auth-token"
DSN = """\
From: MAILER-DAEMON@mx.example
To: post@small-steps.example
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

Your mail could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; gina@example.com
Action: {action}
Status: {status}

--b
Content-Type: message/rfc822

Message-ID: <{about}@small-steps.example>
Subject: Your family's pass

x
--b--
"""


class Rig(NamedTuple):
    families: Families
    server: CloudServer

    def sms(self, path: str, form: dict[str, str], *, token: str = TOKEN) -> int:
        """A call as Twilio makes it (https://www.twilio.com/docs/usage/security)."""
        url = self.server.url + path
        said = url + "".join(name + form[name] for name in sorted(form))
        signature = base64.b64encode(hmac.digest(token.encode(), said.encode(), "sha1")).decode()
        return httpx.post(url, data=form, headers={"X-Twilio-Signature": signature}).status_code

    def way(self, channel: str) -> ContactWay | None:
        row = self.families.cloud.studios.storage(STUDIO).rows(ContactWay, [way_id(GINA, channel)])
        return next((decode(ContactWay, one.body) for one in row.values()), None)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    inbox = LocalInbox(tmp_path / "inbox")
    clock = ManualClock(NINE - 60 * MINUTE)
    post = Post(InboxMail(inbox), InboxSms(inbox), sms_secret=TOKEN, mail_secret="hook")
    cloud = open_cloud(tmp_path, bus(authority=True), clock=clock, post=post)
    found = founded(cloud, clock)
    with served(cloud) as server:
        yield Rig(found, server)


@pytest.mark.expected_log("auth.token", reason="a call that nobody signed")
def test_stop_and_start_by_sms_count_once_and_only_signed(rig: Rig) -> None:
    stop = {"MessageSid": "SM1", "From": "+34 600 123 456", "Body": " stop please"}
    assert rig.sms("/f/hook/sms", stop, token="guessed") != 200
    assert not is_theirs("secret", "https://a.example", stop, "\xe9")
    assert rig.way("sms") is None
    assert rig.sms("/f/hook/sms", stop) == 200
    found = rig.way("sms")
    assert found is not None
    assert found.stopped
    rig.families.clock.advance(1)
    assert rig.sms("/f/hook/sms", {"MessageSid": "SM2", "From": "+34600123456", "Body": "START"}) == 200
    again = rig.way("sms")
    assert again is not None
    assert not again.stopped
    rig.families.clock.advance(1)
    assert rig.sms("/f/hook/sms", stop) == 200, "told twice by the provider"
    assert rig.way("sms") == again


def test_a_stop_is_not_lost_where_a_worker_died_behind_it_and_a_cancelled_class_is_no_stop(rig: Rig) -> None:
    books = rig.families.cloud.books
    row = {"studio_id": STUDIO, "id": "SM9", "kind": "sms", "body": b"", "received_ms": 1}
    with books.database.write(STUDIO) as connection:  # kept, and then the worker died
        connection.execute(books.tables.inbound.insert(), [row])
    form = {"MessageSid": "SM8", "From": "+34600123456", "Body": "Cancel Ana's class please"}
    assert rig.sms("/f/hook/sms", form) == 200
    assert rig.way("sms") is None
    assert rig.sms("/f/hook/sms", {"MessageSid": "SM9", "From": "+34600123456", "Body": "توقف"}) == 200
    found = rig.way("sms")
    assert found is not None
    assert found.stopped


def test_one_press_in_a_mail_stops_the_mail(rig: Rig) -> None:
    rig.families.say(AskMessage(family=FAMILY, template="news", text="Snow"))
    rig.families.send()
    files = list((rig.families.cloud.post.mail.inbox.folder).glob("*.eml"))
    letter = parse_email(files[0].read_bytes())
    assert letter.headers["List-Unsubscribe-Post"] == ["List-Unsubscribe=One-Click"]
    link = letter.headers["List-Unsubscribe"][0].strip("<>")
    assert httpx.get(link).status_code == 200
    assert rig.way("email") is None, "looking stops nothing"
    answer = httpx.post(link, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert rig.way("email").stopped  # type: ignore[union-attr]
    assert httpx.post(link[:-3] + "AAA").status_code == 404


def test_a_mail_that_comes_back_later_shuts_its_address_and_the_telephone_stands_in(rig: Rig) -> None:
    rig.families.say(AskMessage(family=FAMILY, template="pass"))
    rig.families.send()
    (message,) = rig.families.messages()
    assert (message.state, message.deliveries[0].state) == ("done", "sent")
    about = about_of(STUDIO, message.id, message.deliveries[0].id)
    url, mine = f"{rig.server.url}/f/hook/mail", {"Authorization": "Bearer hook"}
    delayed = DSN.format(action="delayed", status="4.4.7", about=about).encode()
    assert httpx.post(url, content=delayed, headers=mine).status_code == 202
    failed = DSN.format(action="failed", status="5.1.1", about=about).encode()
    assert httpx.post(url, content=failed, headers={"Authorization": "Bearer x"}).status_code >= 400
    assert httpx.post(url, content=failed, headers=mine).status_code == 204
    rig.families.send()
    (message,) = rig.families.messages()
    assert [(one.channel, one.state, one.code, one.instead) for one in message.deliveries] == [
        ("email", "bounced", "5.1.1", ""), ("sms", "sent", "inbox", "email"),
    ]  # fmt: skip
    about = about_of(STUDIO, message.id, message.deliveries[1].id)
    path = f"/f/hook/sms/status/{about}"
    assert rig.sms(path, {"MessageSid": "SM3", "MessageStatus": "delivered"}) == 204
    assert rig.families.messages()[0].deliveries[1].state == "delivered"
