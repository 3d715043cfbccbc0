"""What all pages share: their headers, their language, their templates and their files."""

import hashlib
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any

from babel import Locale, UnknownLocaleError, negotiate_locale
from jinja2 import DictLoader, Environment, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import Response

from classtap_core.kernel.errors import ClassTapError, Refused
from resources import path
from resources.text import Catalogue, languages
from resources.themes import tokens

PREFIX = "/f"
COOKIE = "classtap_family"
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), fullscreen=(self), screen-wake-lock=(self)",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
MISSING = {
    "link.unknown": 404, "link.expired": 410, "link.used": 410, "session.unknown": 404, "session.over": 401,
    "seats.no_map": 404, "rate.limited": 429,
}  # fmt: skip
"""Refusals that have a sentence of their own, and their status."""
TEMPLATES = (
    "page.html",
    "languages.html",
    "seats.html",
    "message.html",
    "enter.html",
    "family.html",
    "stop.html",
    "signing.html",
    "papers.html",
    "docs.html",
)
SCRIPTS = ("seats.js", "family.js", "qr.js", "rolling.js", "keeping.js", "signing.js")
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def answering(handler: Handler) -> Handler:
    """A handler whose refusals become a page with a sentence."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except ClassTapError as error:
            code = error.code if error.code in MISSING else "unavailable"
            words = Catalogue(language_of(request))
            return message(words, words.say(f"page.{code}"), MISSING.get(error.code, 503))

    return answer


def message(words: Catalogue, sentence: str, status: int = 200) -> Response:
    """A page with one sentence."""
    return html(render("message.html", words=words, message=sentence), status)


def render(template: str, **values: Any) -> str:
    """A page's template, filled."""
    return _environment().get_template(template).render(**values)


def same_site(request: Request) -> None:
    """No other site makes a guardian's browser write here. Raises Refused `link.unknown`."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Refused("link.unknown")


def html(body: str, status: int) -> Response:
    headers = {**SECURITY, "Cache-Control": "no-store", "Vary": "Accept-Language"}
    return Response(body, status_code=status, media_type="text/html", headers=headers)


def language_of(request: Request) -> str:
    """The language asked for in the address, else the best the browser names that there are words for."""
    there = [language.code for language in languages()]
    asked = request.query_params.get("lang", "")
    if asked in there:
        return asked
    wanted = request.headers.get("accept-language", "")[:500].split(",")
    ranked = sorted(wanted, key=lambda part: -_quality(part))
    names = [part.split(";")[0].strip().replace("-", "_") for part in ranked]
    for name in names:
        found = negotiate_locale([name], there) if name else None
        if found:
            return name if _is_locale(name) else found
    return there[0]


def _is_locale(name: str) -> bool:
    try:
        Locale.parse(name)
    except (UnknownLocaleError, ValueError):
        return False
    return True


def _quality(part: str) -> float:
    _, _, value = part.partition(";q=")
    try:
        return float(value) if value else 1.0
    except ValueError:
        return 0.0


@cache
def _environment() -> Environment:
    files = {name: path("pages", name).read_text(encoding="utf-8") for name in TEMPLATES}
    return Environment(
        loader=DictLoader(files), autoescape=select_autoescape(default=True), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


@cache
def static_files() -> dict[str, tuple[str, bytes]]:
    looks = {name: _custom(tokens(name)) for name in ("light", "dark")}
    css = f":root{{{looks['light']}}}\n@media (prefers-color-scheme: dark){{:root{{{looks['dark']}}}}}\n"
    styles = {
        name: ("text/css", (css + path("pages", name).read_text(encoding="utf-8")).encode())
        for name in ("seats.css", "family.css", "signing.css", "docs.css")
    }
    return styles | {name: ("text/javascript", path("pages", name).read_bytes()) for name in SCRIPTS}


@cache
def version() -> str:
    """Changes with any file of the pages, so that a phone keeps no old one."""
    whole = b"".join(data for _, data in static_files().values())
    whole += b"".join(path("pages", name).read_bytes() for name in TEMPLATES)
    return hashlib.sha256(whole).hexdigest()[:16]


def _custom(look: Any) -> str:
    """A look's colours as custom properties."""
    colours = {name: value for name, value in look.items() if value.startswith("#")}
    return "".join(f"--{name.replace('_', '-')}:{value};" for name, value in colours.items())
