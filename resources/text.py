"""The one text catalogue: codes in, sentences out, with plurals, dates and times of the reader's language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from datetime import date as Day
from decimal import Decimal
from functools import cache
from string import Formatter
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton, format_time, format_timedelta
from babel.numbers import format_currency, format_decimal, get_currency_precision

from resources import path

FALLBACK = "en"
_PLURAL_ORDER = {2: ("one", "other"), 6: ("zero", "one", "two", "few", "many", "other")}
_ESCAPED, _ESCAPES = re.compile(r"\\(.)"), {"n": "\n", "t": "\t", "r": "\r"}
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"


class Language(NamedTuple):
    """A language people can choose: its code and its own name for itself."""

    code: str
    name: str
    rtl: bool


@cache
def languages() -> tuple[Language, ...]:
    """Return the languages there are words for, English first, then by code."""
    codes = sorted((file.stem for file in path("translations").glob("*.po")), key=lambda code: (code != FALLBACK, code))
    return tuple(Language(code, _own_name(code), is_rtl(code)) for code in codes)


def is_rtl(locale: str) -> bool:
    """Say whether a locale such as ``ar`` or ``en_GB`` is written from right to left."""
    return bool(_locale(locale).text_direction == "rtl")


class Catalogue:
    """Says codes in one locale. In a sentence `{new:families}` is an amount with what it counts, such as ``3 families``, in the
    plural form of `count.families`.

    Attributes: ``locale`` (such as ``en_GB``), ``language`` (the catalogue used, such as ``en``), ``is_rtl``.
    ``hours`` is 12 or 24 to override the locale's own habit.
    """

    def __init__(self, locale: str = FALLBACK, *, hours: int | None = None) -> None:
        known = {language.code for language in languages()}
        self.locale = locale.replace("-", "_")
        self.language = self.locale.split("_")[0]
        if self.language not in known:
            self.locale = self.language = FALLBACK
        self.is_rtl = is_rtl(self.locale)
        self._locale = _locale(self.locale)
        self._hours = hours

    def has(self, code: str) -> bool:
        """Say whether there are words for a code, here or in English."""
        return code in messages(self.language) or code in messages(FALLBACK)

    def say(self, code: str, /, **params: object) -> str:
        """Return the sentence of a code. A code without words comes back as itself, so nothing ever fails to show."""
        return self._fill(self._forms(code)[-1], params)

    def say_n(self, code: str, n: int, /, **params: object) -> str:
        """Return the sentence of a code in the plural form ``n`` asks for; ``{n}`` is filled in."""
        forms = self._forms(code)
        order = _PLURAL_ORDER.get(len(forms), ("other",))
        tag = self._locale.plural_form(n)
        return self._fill(forms[order.index(tag)] if tag in order else forms[-1], {"n": n, **params})

    def time(self, at_ms: int, zone: str) -> str:
        """Return the wall-clock time of an instant (ms since the epoch) in an IANA zone, such as ``16:24``."""
        moment = _moment(at_ms, zone)
        if self._hours is None:
            return format_time(moment, "short", locale=self._locale)
        return format_skeleton("Hm" if self._hours == 24 else "hm", moment, locale=self._locale)

    def date(self, day: Day, *, style: str = "full") -> str:
        """Return a day in words; ``style`` is babel's ``short``, ``medium``, ``long`` or ``full``."""
        return format_date(day, style, locale=self._locale)

    def weekday(self, day: Day) -> str:
        """Return a day's short name with its date, such as ``Mon 23``."""
        return format_skeleton("Ed", datetime(day.year, day.month, day.day, tzinfo=UTC), locale=self._locale)

    def datetime(self, at_ms: int, zone: str) -> str:
        """Return day and time of an instant (ms since the epoch) in an IANA zone, in the locale's medium form."""
        return format_datetime(_moment(at_ms, zone), "medium", locale=self._locale)

    def span(self, from_ms: int, to_ms: int, zone: str) -> str:
        """Return ``16:30–17:15``: two times of one day, joined."""
        return f"{self.time(from_ms, zone)}–{self.time(to_ms, zone)}"

    def ago(self, seconds: int) -> str:
        """Return a length of time in words, such as ``3 minutes``."""
        return format_timedelta(seconds, granularity="second", threshold=0.95, locale=self._locale)

    def number(self, value: int) -> str:
        """Return a whole number with the locale's grouping."""
        return format_decimal(value, locale=self._locale)

    def money(self, minor: int, currency: str) -> str:
        """Return an amount in minor units of an ISO 4217 currency in the locale's form."""
        amount = Decimal(minor).scaleb(-get_currency_precision(currency))
        return format_currency(amount, currency, locale=self._locale)

    def join(self, parts: Iterable[str], *, by: str = " · ") -> str:
        """Return the parts that are not empty in one line, each kept from reordering its neighbours."""
        return by.join(_kept_apart(part, among=self.is_rtl) for part in parts if part)

    def _forms(self, code: str) -> tuple[str, ...]:
        return messages(self.language).get(code) or messages(FALLBACK).get(code) or (code,)

    def _fill(self, pattern: str, params: Mapping[str, object]) -> str:
        if not params:
            return pattern
        return _Filling(self).vformat(pattern, (), _Params(params))


class _Filling(Formatter):
    """Puts parameters into a sentence: numbers grouped, or counted; words of another direction kept apart."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def format_field(self, value: object, spec: str) -> str:
        if isinstance(value, _Unsaid):
            return value
        if spec and isinstance(value, int):
            return self._catalogue.say_n(f"count.{spec}", value)
        return _shown(self._catalogue, value)


class _Params(dict[str, object]):
    """Parameters; what nobody gave stands as it is written."""

    def __missing__(self, name: str) -> _Unsaid:
        return _Unsaid("{" + name + "}")


class _Unsaid(str):
    """A name in braces that nobody gave."""

    __slots__ = ()


@cache
def messages(language: str) -> Mapping[str, tuple[str, ...]]:
    """Return every code of a language with its forms (one, or one per plural form in CLDR's order)."""
    file = path("translations", f"{language}.po")
    if not file.exists():
        return MappingProxyType({})
    found = {code: forms for code, forms in _entries(file.read_text(encoding="utf-8")) if code and all(forms)}
    return MappingProxyType(found)


def _entries(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The messages of a gettext file, as GNU gettext's manual writes them; babel reads the same in twenty times the time,
    which a kiosk's first picture would wait for."""
    for block in text.split("\n\n"):
        parts: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            word, _, rest = ("", "", line) if line.startswith('"') else line.partition(" ")
            name = word or name
            parts[name] = parts.get(name, "") + _unquoted(rest)
        forms = tuple(value for name, value in parts.items() if name.startswith("msgstr"))
        if "msgid" in parts and forms:
            yield parts["msgid"], forms


def _unquoted(quoted: str) -> str:
    inside = quoted.strip()[1:-1]
    return _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), inside) if "\\" in inside else inside


def placeholders(pattern: str) -> frozenset[str]:
    """Return the names in braces of a pattern."""
    return frozenset(name for _, name, _, _ in Formatter().parse(pattern) if name)


def _shown(catalogue: Catalogue, value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return catalogue.number(value)
    return _kept_apart(str(value), among=catalogue.is_rtl)


def _kept_apart(words: str, *, among: bool) -> str:
    """Isolate words that run in another direction than those they stand among (``among``: right to left)."""
    return words if _runs_right_to_left(words) == among else f"{_ISOLATE}{words}{_END_ISOLATE}"


def _runs_right_to_left(words: str) -> bool:
    """Say whether the first strong character is right-to-left (Unicode Bidirectional Algorithm, P2)."""
    directions = (unicodedata.bidirectional(char) for char in words)
    return next((d in ("R", "AL") for d in directions if d in ("L", "R", "AL")), False)


def _moment(at_ms: int, zone: str) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, tz=ZoneInfo(zone))


@cache
def _locale(locale: str) -> Locale:
    return Locale.parse(locale.replace("-", "_"))


def _own_name(code: str) -> str:
    name = _locale(code).get_language_name(code) or code
    return name[0].upper() + name[1:]
