"""The ways out: mail over SMTP, SMS in Twilio's wire form, and a local inbox where nothing is configured."""

import html
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from threading import Lock
from typing import NamedTuple, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import httpx

from classtap_core.kernel.errors import BadInput, EnvironmentFault
from classtap_core.messaging.records import State
from cloud.messaging.dkim import Dkim, private_key

TIMEOUT_S = 10
WIRE = SMTP.clone(max_line_length=990)
"""Header lines stay whole: folded, the address behind List-Unsubscribe would come out as encoded words."""
TWILIO = "https://api.twilio.com"


class Answer(NamedTuple):
    """What a way said: `SENT`, `BOUNCED` (the address does not exist) or `RETRY`, with its own code."""

    state: State
    code: str = ""
    provider: str = ""
    """The provider's id of what was sent, by which it tells more later."""
    awaited: bool = False
    """Whether it will tell if it arrived."""


class MailPort(Protocol):
    """Takes a whole letter. Never raises for what a server or a network says: that is an answer."""

    def send(self, letter: EmailMessage) -> Answer: ...


class SmsPort(Protocol):
    """Takes a text of at most a few hundred letters. Never raises for what a provider or a network says."""

    def send(self, to: str, text: str, about: str = "") -> Answer:
        """`about` names the delivery, for what the provider tells of it later."""
        ...


class SmtpMail:
    """A relay or a provider's server. `smtp://` says STARTTLS where the server offers it, `smtps://` is TLS from the start.

    A login is never sent in the clear. `?starttls=must` refuses a server without TLS.
    """

    def __init__(self, url: str, *, dkim: Dkim | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise EnvironmentFault("mail.url")
        self._secure = parts.scheme == "smtps"
        self._host, self._port = parts.hostname, parts.port or (465 if self._secure else 587)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._must = bool(self._user) or parse_qs(parts.query).get("starttls") == ["must"]
        self._dkim = dkim

    def send(self, letter: EmailMessage) -> Answer:
        data = letter.as_bytes(policy=WIRE)
        if self._dkim is not None:
            data = self._dkim.signed(data, at_s=int(letter["Date"].datetime.timestamp()))
        sender, to = letter["From"].addresses[0].addr_spec, letter["To"].addresses[0].addr_spec
        try:
            with self._open() as server:
                server.sendmail(sender, [to], data)
        except smtplib.SMTPRecipientsRefused as refused:
            return _answer(*refused.recipients[to])
        except smtplib.SMTPResponseException as refused:
            return _answer(refused.smtp_code, refused.smtp_error, ours=True)
        except (OSError, smtplib.SMTPException, EnvironmentFault) as fault:
            return Answer(State.RETRY, getattr(fault, "code", "") or "mail.unreachable")
        return Answer(State.SENT)

    def _open(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self._secure:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_S, context=context)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_S)
        try:
            server.ehlo()
            if not self._secure and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            elif not self._secure and self._must:
                raise EnvironmentFault("mail.no_tls")
            if self._user:
                server.login(self._user, self._password)
        except BaseException:
            server.close()
            raise
        return server


def _answer(code: int, words: bytes | str, *, ours: bool = False) -> Answer:
    """A server's answer: 5xx is for good, and of the recipient's address unless it was about us; 4xx is for now."""
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    enhanced = first if first.replace(".", "").isdigit() and first.count(".") == 2 else str(code)
    if code >= 500 and not (ours and code in (530, 534, 535, 538)):
        return Answer(State.BOUNCED, enhanced)
    return Answer(State.RETRY, enhanced)


class TwilioSms:
    """`POST /2010-04-01/Accounts/{sid}/Messages.json`, form in, JSON out, as Twilio and those who copy it take it."""

    GONE: Mapping[int, str] = {21211: "no_such_number", 21614: "no_mobile", 21610: "stopped", 30005: "no_such_number"}

    def __init__(self, account: str, token: str, sender: str, *, url: str = TWILIO, callback: str = "") -> None:
        self._url = f"{url.rstrip('/')}/2010-04-01/Accounts/{account}/Messages.json"
        self._auth, self._sender, self._callback = (account, token), sender, callback

    def send(self, to: str, text: str, about: str = "") -> Answer:
        form = {"To": to, "From": self._sender, "Body": text}
        if self._callback and about:
            form["StatusCallback"] = f"{self._callback}/{about}"
        try:
            answer = httpx.post(self._url, data=form, auth=self._auth, timeout=TIMEOUT_S)
            found = answer.json()
        except (httpx.HTTPError, ValueError):
            return Answer(State.RETRY, "sms.unreachable")
        if answer.is_success:
            return Answer(State.SENT, provider=str(found.get("sid", "")), awaited="StatusCallback" in form)
        code = found.get("code") if isinstance(found, dict) else None
        state = State.BOUNCED if code in self.GONE else State.RETRY
        return Answer(state, str(code or answer.status_code))


class LocalInbox:
    """Where nothing is configured: what would have been sent, as files in a folder and a page to look through them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()

    def mail(self, letter: EmailMessage) -> Answer:
        with self._lock:
            name = self._name("eml")
            (self.folder / name).write_bytes(letter.as_bytes(policy=WIRE))
            self._list(name, str(letter["To"]), str(letter["Subject"]))
        return Answer(State.SENT, "inbox")

    def sms(self, to: str, text: str) -> Answer:
        with self._lock:
            name = self._name("txt")
            (self.folder / name).write_text(f"To: {to}\n\n{text}\n", encoding="utf-8")
            self._list(name, to, text)
        return Answer(State.SENT, "inbox")

    def files(self) -> list[Path]:
        """What would have been sent, oldest first."""
        return sorted(file for file in self.folder.glob("*") if file.suffix in (".eml", ".txt"))

    def _name(self, kind: str) -> str:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return f"{len(self.files()) + 1:06d}.{kind}"

    def _list(self, name: str, to: str, words: str) -> None:
        page = self.folder / "index.html"
        if not page.exists():
            page.write_text('<!doctype html><meta charset="utf-8"><title>Local inbox</title><ol>\n', encoding="utf-8")
        with page.open("a", encoding="utf-8") as out:
            out.write(f'<li><a href="{name}">{html.escape(to)}</a> {html.escape(words)}</li>\n')


class InboxMail:
    """The local inbox as a way for mail."""

    def __init__(self, inbox: LocalInbox) -> None:
        self.inbox = inbox

    def send(self, letter: EmailMessage) -> Answer:
        return self.inbox.mail(letter)


class InboxSms:
    """The local inbox as a way for SMS."""

    def __init__(self, inbox: LocalInbox) -> None:
        self.inbox = inbox

    def send(self, to: str, text: str, about: str = "") -> Answer:
        return self.inbox.sms(to, text)


class Post(NamedTuple):
    """Both ways out, what letters come from, and where families' pages are reached.

    Attributes: `sender` as in a From header, `url` without a slash at its end ("" for where the cloud is served),
    `language` of who has not chosen one. `sms_secret` signs what the SMS provider sends us, `mail_secret` comes with
    mail that is handed back to us.
    """

    mail: MailPort
    sms: SmsPort
    sender: str = "ClassTap <no-reply@localhost>"
    url: str = ""
    language: str = "en"
    sms_secret: str = ""
    mail_secret: str = ""


def post_of(environ: Mapping[str, str], folder: Path) -> Post:
    """The ways an operator's environment names (docs/messages.md); a local inbox in `folder` for what it does not.

    Raises EnvironmentFault `mail.url`, `mail.dkim`, `sms.settings`.
    """
    inbox = LocalInbox(folder)
    url, sender = environ.get("CLASSTAP_PUBLIC_URL", "").rstrip("/"), environ.get("CLASSTAP_MAIL_FROM", "")
    post = Post(InboxMail(inbox), InboxSms(inbox), url=url, language=environ.get("CLASSTAP_LANGUAGE", "en"))
    post = post._replace(mail_secret=environ.get("CLASSTAP_MAIL_HOOK", ""))
    if sender:
        post = post._replace(sender=sender)
    if environ.get("CLASSTAP_SMTP_URL"):
        post = post._replace(mail=SmtpMail(environ["CLASSTAP_SMTP_URL"], dkim=_dkim(environ, post.sender)))
    if environ.get("CLASSTAP_SMS_ACCOUNT"):
        try:
            account, token, number = (environ[f"CLASSTAP_SMS_{name}"] for name in ("ACCOUNT", "TOKEN", "FROM"))
        except KeyError as missing:
            raise EnvironmentFault("sms.settings", name=str(missing.args[0])) from None
        provider = environ.get("CLASSTAP_SMS_URL", TWILIO)
        callback = f"{url}/f/hook/sms/status" if url else ""
        post = post._replace(sms=TwilioSms(account, token, number, url=provider, callback=callback), sms_secret=token)
    return post


def _dkim(environ: Mapping[str, str], sender: str) -> Dkim | None:
    file, selector = environ.get("CLASSTAP_DKIM_KEY", ""), environ.get("CLASSTAP_DKIM_SELECTOR", "")
    if not file and not selector:
        return None
    try:
        key = Path(file).read_bytes()
        private_key(key)
    except (OSError, BadInput) as error:
        raise EnvironmentFault("mail.dkim", file=file) from error
    return Dkim(selector or "classtap", sender.rpartition("@")[2].strip("> "), key)
