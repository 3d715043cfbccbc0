"""Writes docs/kinds.md: every operation and every record, field by field, from their declarations."""

import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from classtap_core import house
from classtap_core.access.blueprints import KIOSK
from classtap_core.access.rules import kinds_withheld
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Registry
from classtap_core.kernel.records import About

PAGE = Path(__file__).parents[1] / "docs" / "kinds.md"
_HEAD = """\
# Operations and records, field by field

Written by `python -m scripts.kinds` (and `make format`) from the declarations in `classtap_core`; a test holds it to them. How operations travel and
what becomes of them is in [sync.md](sync.md).

`id` is 32 lowercase hex digits, `[x]` a list, `{…}` an object, `?` what may be `null`. A field marked ° has a default and is left out
at it; the default stands behind `=` where it is not empty, 0, false or null. *(about x)* is a person's: it goes to the part, or in a
row to the seal, of whom field x names. Times ending in `_ms` are milliseconds since the Unix epoch, in `_s` seconds. A `date` or `day` is
`2026-11-21`, a session's `start` the wall clock there, `2026-11-21T18:00`; a `zone` is an IANA name.
"""
_OPERATIONS = """
## Operations

`kind` version, what sort it is, the capability its author needs (— where only the cloud authors it), then its payload. A **fact** tells
what happened and is never lost; an **edit** carries the value it changes (`base`); a **claim** and a **publish** are decided by the cloud
alone; a **tick** is authored by the cloud.
"""
_RECORDS = """
## Records

`kind`, where its rows lie, then the body. Kinds marked † never go to a kiosk. Fields beside these belong to a later version: keep them.
"""


def page() -> str:
    """The whole page, of what this version declares."""
    found = house.registry()
    return _HEAD + _OPERATIONS + "".join(_operations(found)) + _RECORDS + "".join(_records(found))


def _operations(found: Registry) -> Iterator[str]:
    for name, spec in sorted(found.specs.items()):
        needs = f"`{spec.needs}`" if spec.needs else "—"
        yield f"\n**`{name}`** {spec.version}, {spec.kind.value}, {needs}. {_word(spec.payload)}".rstrip() + "\n"
        yield _fields(spec.payload)


def _records(found: Registry) -> Iterator[str]:
    withheld = kinds_withheld(KIOSK, found.records)
    for name, record in sorted(found.records.items()):
        mark = " †" if name in withheld else ""
        yield f"\n**`{name}`**{mark}, in `{record.PREFIX}`. {_word(record)}".rstrip() + "\n"
        yield _fields(record)


def _word(shape: type) -> str:
    """The first sentence of what the declaration says of itself."""
    said = " ".join((shape.__doc__ or "").split("\n\n")[0].split())
    return said.replace("``", "`")


def _fields(shape: type[msgspec.Struct]) -> str:
    if not shape.__struct_fields__:
        return "no fields\n"
    return "".join(f"- {line}\n" for line in _each(shape))


def _each(shape: type[msgspec.Struct]) -> Iterator[str]:
    hints = get_type_hints(shape, include_extras=True)
    for field in msgspec.structs.fields(shape):
        hint = hints[field.name]
        whose = next((extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, About)), None)
        about = f" *(about {whose.subject})*" if whose else ""
        yield f"`{field.encode_name}`{'' if field.required else '°'} {_type(hint)}{_default(field)}{about}"


def _default(field: msgspec.structs.FieldInfo) -> str:
    default = field.default
    if default is msgspec.NODEFAULT or isinstance(default, msgspec.Struct) or not default:
        return ""
    if isinstance(default, tuple) and not any(default):
        return ""
    return f" = {default.value if isinstance(default, Enum) else default!r}".replace("'", "`")


def _type(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _type(arguments[0])
    if origin in (Union, UnionType):
        return " or ".join(_type(one) for one in arguments if one is not NoneType) + (
            "?" if NoneType in arguments else ""
        )
    if origin is Literal:
        return " ".join(f"`{one}`" for one in arguments)
    if origin in (tuple, list, frozenset):
        return "[" + ", ".join(_type(one) for one in arguments if one is not Ellipsis) + "]"
    if origin is dict:
        return "{" + f"{_type(arguments[0])}: {_type(arguments[1])}" + "}"
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return "{" + ", ".join(_each(hint)) + "}"
    if hasattr(hint, "_fields"):
        return "[" + ", ".join(f"`{name}` {_type(of)}" for name, of in get_type_hints(hint).items()) + "]"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return " ".join(f"`{one.value}`" for one in hint)
    return {Id: "id", str: "text", int: "number", bool: "true or false"}.get(hint, "anything")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.name} is written.", file=sys.stderr)
