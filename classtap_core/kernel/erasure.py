"""Erasure: a person's key goes, and with it what rows and logs say of them. That it happened is a record; of whom, only an id.

Every store destroys the key and takes the person out of its rows in the transaction that the record comes with.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import msgspec

from classtap_core.kernel.canonical import trusted_canonical
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import FieldPlan, Record, decode, plan


class Erasure(Record, frozen=True, kw_only=True):
    """Under the person's own id: they were erased. Kept for ever, so that no copy brings them back. `why` is a code."""

    KIND: ClassVar[str] = "erasure"
    PREFIX: ClassVar[str] = "keys"

    at_ms: int
    why: str = ""


def erased_by(rows: Iterable[Any]) -> list[Id]:
    """Whom rows or changes say are erased."""
    return [row.id for row in rows if row.kind == Erasure.KIND and row.body is not None]


def is_about_people(record: type[Record]) -> bool:
    """Whether rows of a kind may hold something that is somebody's."""
    return any(part.about or part.items for part in plan(record))


def subjects_of(record: type[Record], id: Id, body: bytes | None) -> Iterator[str]:
    """Whose data a row holds."""
    data = {} if body is None else msgspec.json.decode(body)
    yield from (subject for subject, _ in _fields_about(plan(record), {**data, "id": id}))


def concerns(record: type[Record], id: Id, body: bytes | None, subject: str) -> bool:
    """Whether a row goes, or loses something, when a person is erased: it is theirs, or has fields that are."""
    if record is Erasure:
        return False
    return id == subject or (is_about_people(record) and subject in subjects_of(record, id, body))


def without(record: type[Record], id: Id, body: bytes | None, subject: str) -> bytes | None:
    """A row without what is a subject's; None where it then is no record any more, or was theirs altogether."""
    if body is None or id == subject:
        return None
    data = msgspec.json.decode(body)
    _take_out(plan(record), {**data, "id": id}, data, subject)
    left = trusted_canonical(data)
    try:
        decode(record, left)
    except msgspec.DecodeError:
        return None
    return left


def _fields_about(plans: tuple[FieldPlan, ...], data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Subject and field, for each field that is somebody's; fields of items among them."""
    for name, whose, items in plans:
        if whose is not None and data.get(whose.subject):
            yield data[whose.subject], name
        elif items is not None:
            for item in data.get(name) or ():
                yield from _fields_about(items, item)


def _take_out(plans: tuple[FieldPlan, ...], whole: Mapping[str, Any], data: dict[str, Any], subject: str) -> None:
    for name, whose, items in plans:
        if whose is not None and whole.get(whose.subject) == subject:
            data.pop(name, None)
        elif items is not None:
            for item in data.get(name) or ():
                _take_out(items, dict(item), item, subject)


__all__ = ["Erasure", "concerns", "erased_by", "is_about_people", "subjects_of", "without"]
