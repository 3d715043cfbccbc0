"""Messages leave the cloud: a real mail server takes them, another library reads them, DKIM holds, bounces fall back."""

import base64
import json
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Receiving
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fast_mail_parser import parse_email

from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import decode
from classtap_core.messaging.operations import AskMessage, SeeUnreached
from classtap_core.messaging.reactions import due
from classtap_core.messaging.records import State, Unreached
from classtap_core.passes.operations import RevokePass
from cloud.jobs.effects import CLAIM_MS, FIRST_MS, LONGEST_MS, stuck
from cloud.jobs.ticks import sweep
from cloud.messaging.dkim import Dkim
from cloud.messaging.ports import Answer, InboxSms, LocalInbox, Post, SmtpMail, TwilioSms
from cloud.messaging.sending import MOST_TRIES
from tests.cloud.dkim_checking import holds
from tests.cloud.families import Families, families
from tests.unit.house.world import FAMILY, MAIN, STUDIO

FROM = "Small Steps <post@small-steps.example>"


class MailServer:
    """A real SMTP server on loopback: keeps what it is given, says no where it is told to."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []
        self.says = ""
        self._there = Controller(self, hostname="127.0.0.1", port=free_port())
        self._there.start()
        self.url = f"smtp://127.0.0.1:{self._there.port}"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.says:
            return self.says
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Receiving, session: Any, envelope: Any) -> str:
        self.letters.append(envelope.content)
        return "250 OK"

    def close(self) -> None:
        self._there.stop()


def free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    made = MailServer()
    yield made
    made.close()


@pytest.fixture(scope="module")
def keys() -> tuple[bytes, bytes]:
    """A DKIM key as PEM, and its half for the DNS."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, base64.b64encode(public)


@pytest.fixture
def rig(tmp_path: Path, server: MailServer, keys: tuple[bytes, bytes]) -> Iterator[Families]:
    server.letters.clear()
    server.says = ""
    inbox = LocalInbox(tmp_path / "inbox")
    mail = SmtpMail(server.url, dkim=Dkim("one", "small-steps.example", keys[0]))
    post = Post(mail, InboxSms(inbox), sender=FROM, url="https://pages.example")
    with families(tmp_path, post) as found:
        yield found


def test_a_family_gets_its_pass_by_mail_with_the_picture_in_it_and_a_link(
    rig: Families, server: MailServer, keys: tuple[bytes, bytes]
) -> None:
    asked = rig.say(AskMessage(family=FAMILY, template="pass"))
    assert rig.send() == 1
    (data,) = server.letters
    letter = parse_email(data)
    assert letter.subject == "Your family's pass for Small Steps"
    assert letter.headers["To"] == ["Gina García <gina@example.com>"]
    assert "Hello Gina García" in letter.text_plain[0]
    assert "https://pages.example/f/in/" in letter.text_plain[0]
    assert "https://pages.example/f/in/" in letter.text_html[0]
    assert 'src="cid:pass"' in letter.text_html[0]
    (picture,) = letter.attachments
    assert (picture.mimetype, picture.content[:8]) == ("image/png", b"\x89PNG\r\n\x1a\n")
    import cv2
    import numpy as np
    import zxingcpp

    drawn = cv2.imdecode(np.frombuffer(picture.content, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert zxingcpp.read_barcode(drawn).text == rig.cloud.studios.pass_of(STUDIO, FAMILY).text
    said = [letter.subject, *letter.text_plain, *letter.text_html]
    assert not any("Ana" in part for part in said), "no child is named in a mail"
    assert holds(data, keys[1].decode())
    assert not holds(data.replace(b"Gina", b"Gino"), keys[1].decode())
    (message,) = rig.messages()
    assert message.id == asked.link.operation
    assert [(one.state, one.channel, one.shown) for one in message.deliveries] == [
        ("sent", "email", "g•••@example.com")
    ]
    assert letter.headers["Message-ID"] == [f"<{STUDIO}.{message.id}.{message.deliveries[0].id}@small-steps.example>"]


@pytest.mark.expected_log("effect message.wanted", reason="the server says later")
def test_a_server_that_says_later_is_asked_again_and_what_it_never_takes_has_failed_with_the_reason(
    rig: Families, server: MailServer
) -> None:
    rig.say(AskMessage(family=FAMILY, template="pass"))
    server.says = "451 4.7.1 greylisted"
    assert rig.send() == 0
    assert [(one.state, one.code, one.tries) for one in rig.messages()[0].deliveries] == [("retry", "4.7.1", 1)]
    assert rig.messages()[0].state == "sending"
    server.says = ""
    assert rig.send() == 0, "not before its time"
    rig.clock.advance(FIRST_MS)
    assert rig.send() == 1
    assert [(one.state, one.tries) for one in rig.messages()[0].deliveries] == [("sent", 2)]
    rig.say(AskMessage(family=FAMILY, template="pass"))
    server.says = "451 4.7.1 greylisted"
    for _ in range(MOST_TRIES):
        rig.send()
        rig.clock.advance(LONGEST_MS)
    last = rig.messages()[-1]
    assert (last.state, last.deliveries[0].state, last.deliveries[0].tries) == ("done", "failed", MOST_TRIES)
    assert stuck(rig.cloud.studios, STUDIO) == []


def test_an_address_that_does_not_exist_is_told_so_and_the_telephone_stands_in(
    rig: Families, server: MailServer, tmp_path: Path
) -> None:
    server.says = "550 5.1.1 no such user"
    rig.say(AskMessage(family=FAMILY, template="pass"))
    assert rig.send() == 1
    (message,) = rig.messages()
    assert [(one.channel, one.state, one.code, one.instead) for one in message.deliveries] == [
        ("email", "bounced", "5.1.1", ""), ("sms", "sent", "inbox", "email"),
    ]  # fmt: skip
    assert message.reached
    (text,) = LocalInbox(tmp_path / "inbox").files()
    assert text.read_text(encoding="utf-8").startswith("To: +34600123456\n\nSmall Steps: your family's pass. https://")
    server.says = ""
    rig.clock.advance(1)
    rig.say(AskMessage(family=FAMILY, template="page"))
    rig.send()
    assert [one.channel for one in rig.messages()[1].deliveries] == ["sms"], "it is not tried there again"
    assert server.letters == []


class Dying(SmtpMail):
    """A worker that is gone as soon as the server has said yes."""

    dies = True

    def send(self, letter: EmailMessage) -> Answer:
        answer = super().send(letter)
        if self.dies:
            raise SystemExit("killed")  # not an Exception: as if the process ended here
        return answer


def test_a_worker_that_dies_behind_the_servers_yes_sends_the_same_letter_again_and_a_mailbox_keeps_one(
    tmp_path: Path, server: MailServer
) -> None:
    mail = Dying(server.url)
    with families(tmp_path, Post(mail, Deaf(), sender=FROM, url="https://pages.example")) as rig:
        rig.say(AskMessage(family=FAMILY, template="news", text="Snow"))
        server.letters.clear()
        with pytest.raises(SystemExit):
            rig.send()
        assert rig.messages()[0].deliveries == ()
        mail.dies = False
        rig.clock.advance(CLAIM_MS)
        assert rig.send() == 1
        ids = [parse_email(letter).headers["Message-ID"] for letter in server.letters]
        assert (len(ids), len({one[0] for one in ids})) == (2, 1)
        assert [one.state for one in rig.messages()[0].deliveries] == [State.SENT]


class Deaf:
    """An SMS provider that takes everything and reaches nobody."""

    def send(self, to: str, text: str, about: str = "") -> Answer:
        return Answer(State.BOUNCED, "30006")


def test_an_emergency_that_reaches_nobody_is_on_every_desk_until_it_is_taken_on(
    tmp_path: Path, server: MailServer
) -> None:
    server.says = "550 5.1.1 no such user"
    with families(tmp_path, Post(SmtpMail(server.url), Deaf(), sender=FROM, url="https://pages.example")) as rig:
        asked = rig.say(AskMessage(family=FAMILY, template="alarm", text="Come at once"))
        rig.send()
        server.says = ""
        storage = rig.cloud.studios.storage(STUDIO)

        def open_ones() -> list[Unreached]:
            return [decode(Unreached, row.body) for row in storage.find(Range(Unreached, "by_open", (True,)))]

        assert open_ones() == []
        sweep(rig.cloud.studios, STUDIO, [due])
        (found,) = open_ones()
        assert (found.id, found.home) == (asked.link.operation, MAIN)
        assert sweep(rig.cloud.studios, STUDIO, [due]) == 0, "told once"
        (message,) = rig.messages()
        assert (message.state, {one.state for one in message.deliveries}) == ("done", {State.BOUNCED})
        rig.say(SeeUnreached(message=found.id, home=found.home, raised_ms=found.raised_ms))
        assert open_ones() == []


def test_a_cancelled_pass_is_not_sent(rig: Families, server: MailServer) -> None:
    rig.say(RevokePass(family=FAMILY, home=MAIN, epoch=1, reason="lost"))
    rig.say(AskMessage(family=FAMILY, template="pass"))
    rig.send()
    assert server.letters == []
    assert [(one.state, one.code) for one in rig.messages()[0].deliveries] == [("failed", "pass.revoked")]


def test_a_line_break_in_a_name_makes_no_header(rig: Families, server: MailServer) -> None:
    rig.say(AskMessage(family=FAMILY, template="news", text="<b>Snow</b>\nBcc: all@example.com"))
    rig.send()
    letter = parse_email(server.letters[0])
    assert "Bcc" not in letter.headers
    assert "&lt;b&gt;Snow" in letter.text_html[0]


def test_with_nothing_configured_all_lands_in_a_local_inbox(tmp_path: Path) -> None:
    with families(tmp_path) as rig:
        rig.say(AskMessage(family=FAMILY, template="alarm", text="The studio is closed"))
        rig.send()
    files = LocalInbox(tmp_path / "cloud" / "inbox").files()
    assert [file.suffix for file in files] == [".eml", ".txt"]
    assert parse_email(files[0].read_bytes()).subject == "Urgent: Small Steps"
    page = (tmp_path / "cloud" / "inbox" / "index.html").read_text(encoding="utf-8")
    assert page.count("<li>") == 2
    assert (tmp_path / "cloud" / "inbox").stat().st_mode & 0o077 == 0


class Provider(HTTPServer):
    """An SMS provider in Twilio's wire form."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, list[str]]]] = []
        self.answers: list[tuple[int, dict[str, Any]]] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                provider.asked.append((self.path, self.headers["Authorization"], form))
                status, body = provider.answers.pop(0)
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, name="provider").start()


def test_an_sms_goes_out_in_twilios_wire_form_and_its_errors_are_told_apart() -> None:
    provider = Provider()
    try:
        port = TwilioSms("AC1", "secret", "+15550001", url=f"http://127.0.0.1:{provider.server_port}")
        provider.answers = [
            (201, {"sid": "SM1", "status": "queued"}), (400, {"code": 21211, "message": "Invalid 'To'"}),
            (429, {"code": 20429}), (503, {}),
        ]  # fmt: skip
        found = [port.send("+34600123456", "Hello ñ") for _ in range(4)]
    finally:
        provider.shutdown()
        provider.server_close()
    assert not any(one.awaited for one in found), "nobody was told where to say more"
    assert [(one.state, one.code, one.provider) for one in found] == [
        ("sent", "", "SM1"), ("bounced", "21211", ""), ("retry", "20429", ""), ("retry", "503", ""),
    ]  # fmt: skip
    path, login, form = provider.asked[0]
    assert path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert login == "Basic " + base64.b64encode(b"AC1:secret").decode()
    assert form == {"To": ["+34600123456"], "From": ["+15550001"], "Body": ["Hello ñ"]}
    assert port.send("+34600123456", "nobody listens").state == "retry"


def test_who_is_told_where_to_say_more_is_waited_for() -> None:
    provider = Provider()
    try:
        url = f"http://127.0.0.1:{provider.server_port}"
        port = TwilioSms("AC1", "secret", "+15550001", url=url, callback="https://pages.example/f/hook/sms/status")
        provider.answers = [(201, {"sid": "SM1", "status": "queued"})]
        assert port.send("+34600123456", "Come", "a.b.c").awaited
    finally:
        provider.shutdown()
        provider.server_close()
    assert provider.asked[0][2]["StatusCallback"] == ["https://pages.example/f/hook/sms/status/a.b.c"]


def test_a_server_that_is_not_there_is_tried_again_and_a_login_never_goes_in_the_clear(server: MailServer) -> None:
    from email.message import EmailMessage

    letter = EmailMessage()
    letter["From"], letter["To"] = FROM, "gina@example.com"
    letter.set_content("x")
    assert SmtpMail(f"smtp://127.0.0.1:{free_port()}").send(letter)[:2] == ("retry", "mail.unreachable")
    before = len(server.letters)
    login = SmtpMail(server.url.replace("//", "//user:password@"))
    assert login.send(letter)[:2] == ("retry", "mail.no_tls")
    assert len(server.letters) == before
