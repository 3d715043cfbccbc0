"""A message in words: a mail of text, HTML and the pass's picture in one, and an SMS."""

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from functools import cache
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined, Template, select_autoescape

from resources import path
from resources.text import Catalogue

PICTURE = "pass"
"""The content id of the picture within a letter."""


class Content(NamedTuple):
    """What one guardian is told.

    Attributes: `text` are words staff wrote; `picture` a PNG or nothing; `link` opens the family's page once; `stop`
    ends these mails; `words_of` fills the template's own sentences.
    """

    template: str
    studio: str
    name: str
    text: str = ""
    picture: bytes = b""
    link: str = ""
    stop: str = ""
    words_of: tuple[tuple[str, str], ...] = ()


def mail(content: Content, words: Catalogue, *, sender: str, to: str, about: str, at_ms: int) -> EmailMessage:
    """A letter to one address. `about` names the delivery in its Message-ID: tried twice, a mailbox keeps one."""
    subject, lines = _said(content, words, "mail")
    letter = EmailMessage()
    shown, address = parseaddr(sender)
    user, _, domain = address.rpartition("@")
    letter["From"] = Address(_plain(shown), user, domain)
    letter["To"] = Address(_plain(content.name), addr_spec=to)
    letter["Subject"] = _plain(subject)
    letter["Date"] = format_datetime(datetime.fromtimestamp(at_ms / 1000, tz=UTC))
    letter["Message-ID"] = f"<{about}@{domain}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter["Content-Language"] = words.language
    if content.stop:
        letter["List-Unsubscribe"] = f"<{content.stop}>"
        letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    plain = [*lines]
    if content.link:
        plain += [f"{words.say('message.open')}: {content.link}", words.say("message.once")]
    if content.stop:
        plain.append(f"{words.say('message.stop')}: {content.stop}")
    letter.set_content("\n\n".join(plain) + "\n", cte="quoted-printable")
    page = _page().render(
        words=words, subject=subject, lines=lines, studio=content.studio, link=content.link, stop=content.stop,
        picture=PICTURE if content.picture else "",
    )  # fmt: skip
    letter.add_alternative(page, subtype="html", cte="quoted-printable")
    if content.picture:
        html = letter.get_payload(1)
        assert isinstance(html, EmailMessage)
        html.add_related(content.picture, "image", "png", cid=f"<{PICTURE}>", disposition="inline", filename="pass.png")
    return letter


def sms(content: Content, words: Catalogue) -> str:
    """One SMS: the studio's name first, the link last."""
    _, lines = _said(content, words, "sms")
    return " ".join([*lines, content.link]).strip()


def _said(content: Content, words: Catalogue, kind: str) -> tuple[str, list[str]]:
    """The subject and the paragraphs; words that staff wrote come first."""
    filled = {"studio": content.studio, "name": content.name, **dict(content.words_of)}
    subject = words.say(f"message.{content.template}.subject", **filled)
    body = words.say(f"message.{content.template}.{kind}", **filled)
    lines = (" ".join(line.split()) for line in body.split("\n"))  # what had nothing to say leaves no gap
    return subject, [part for part in (content.text, *lines) if part.strip()]


def _plain(text: str) -> str:
    """Text for a header: one line of it, whatever somebody typed."""
    return " ".join(text.split())


@cache
def _page() -> Template:
    there = Environment(
        autoescape=select_autoescape(default=True), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return there.from_string(path("pages", "letter.html").read_text(encoding="utf-8"))
