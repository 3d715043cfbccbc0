"""How edits of one record meet: each field against the value its editor saw. Pure."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

S = TypeVar("S", bound=msgspec.Struct)


class Merged(NamedTuple):
    """The fields to write, and those where both values are kept for a person to review."""

    values: dict[str, Any]
    review: tuple[str, ...]


def merge(
    current: Mapping[str, Any], base: Mapping[str, Any], wanted: Mapping[str, Any], *, sensitive: Collection[str] = ()
) -> Merged:
    """Merge an edit into what stands now.

    A field whose base still stands is written. One that somebody else changed meanwhile: the last confirmed edit
    wins (this one), except where the field is sensitive: then what stands stays and the field is named for review.
    An edit to the value that already stands changes nothing, and neither does one that leaves what its editor saw.
    """
    values: dict[str, Any] = {}
    review: list[str] = []
    for name, value in wanted.items():
        if current.get(name) == value or (name in base and base[name] == value):
            continue
        if current.get(name) != base.get(name) and name in sensitive:
            review.append(name)
        else:
            values[name] = value
    return Merged(values, tuple(sorted(review)))


def edited(record: S, base: msgspec.Struct, wanted: msgspec.Struct) -> S:
    """The record with those fields of `wanted` in which it differs from `base`: what its editor saw, and made of it."""
    fields = msgspec.structs.asdict(wanted)
    current = {name: getattr(record, name) for name in fields}
    return msgspec.structs.replace(record, **merge(current, msgspec.structs.asdict(base), fields).values)
