"""A form as data: groups of fields with what stands in them, and what they come to when it is saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.outcomes import Outcome
from classtap_desktop.screens.entries import Field, Value, Values

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Group:
    """One card of fields, or with `more` (the code of the button that adds one) any number of them.

    Attributes:
        heading, note: codes of words, or "". every: a card says something though nothing was written in it.
    """

    fields: tuple[Field, ...]
    values: Values | Sequence[Values]
    heading: str = ""
    note: str = ""
    more: str = ""
    every: bool = False


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture that the form shows. `scope`: where it lies."""

    name: str
    scope: str
    blob: Blob | None


@dataclass(frozen=True)
class Written:
    """What stands in a form when it is saved: the fields of single cards by name, the cards of the others by group.

    `despite`: codes of what stood in the way when it was saved before, and does not matter.
    """

    one: Mapping[str, Value]
    many: Mapping[str, Sequence[Values]]
    picture: Blob | None = None
    despite: tuple[str, ...] = ()

    def text(self, name: str) -> str:
        return str(self.one.get(name, "")).strip()

    def name(self) -> str:
        """What it is called. Raises BadInput `form.need_name`."""
        name = self.text("name")
        if not name:
            raise BadInput("form.need_name")
        return name

    def flag(self, name: str) -> bool:
        return bool(self.one.get(name))

    def ids(self, name: str) -> tuple[Id, ...]:
        return ids(self.one.get(name, ""))

    def words(self, name: str) -> tuple[str, ...]:
        return words(self.one.get(name, ""))

    def number(self, name: str, *, least: int = 0) -> int:
        return number(self.one.get(name, ""), least=least)


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A form.

    Attributes:
        title: the code of its words. groups: by name. said: what it comes to; raises BadInput.
        ways: of a refusal of what was written, with ways round: the words of each, and the values it would put into
            single fields.
    """

    id: Id
    title: str
    groups: Mapping[str, Group]
    said: Callable[[Written], list[Payload]]
    picture: Picture | None = None
    ways: Callable[[Outcome, Written], list[tuple[str, dict[str, str]]]] | None = None


def words(value: Value) -> tuple[str, ...]:
    """Words parted by commas, each once."""
    return tuple(dict.fromkeys(part.strip() for part in str(value).replace(";", ",").split(",") if part.strip()))


def ids(value: Value) -> tuple[Id, ...]:
    """What is ticked of several things."""
    return tuple(Id(part) for part in str(value).split("\n") if part)


def number(value: Value, *, least: int = 0) -> int:
    """A whole number. Raises BadInput `form.number`."""
    text = str(value).strip()
    if not text.lstrip("-").isdecimal() or int(text) < least:
        raise BadInput("form.number", text=text)
    return int(text)


def scaled(value: Value, places: int) -> int | None:
    """A decimal number times ten to a power, such as metres in micrometres; None for nothing. Raises BadInput `form.number`."""
    text = str(value).strip().replace(",", ".")
    if not text:
        return None
    try:
        shifted = Decimal(text).scaleb(places)
    except InvalidOperation:
        raise BadInput("form.number", text=text) from None
    if not shifted.is_finite() or shifted != shifted.to_integral_value():
        raise BadInput("form.number", text=text)
    return int(shifted)


def unscaled(value: int | None, places: int) -> str:
    """The other way: "" for None."""
    return "" if value is None else format(Decimal(value).scaleb(-places).normalize(), "f")


def named(things: Mapping[Id, T], name: Callable[[T], str]) -> tuple[tuple[str, str], ...]:
    """Records as choices, by name."""
    found = ((str(id), name(thing)) for id, thing in things.items())
    return tuple(sorted(found, key=lambda one: one[1].casefold()))
