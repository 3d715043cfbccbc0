"""Everything that is held of people: every record that is about them or names them, for who asks, and before an erasure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from classtap_core.kernel.erasure import Erasure, concerns
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range, Registry
from classtap_core.kernel.records import Record, Row, decode
from classtap_core.kernel.tx import Reader
from classtap_core.people.erasing import KEPT
from classtap_core.people.records import Child, Contact, Family

FORMAT = 1
_NAMING = ("child", "family", "guardian", "contact", "person", "subject", "holder", "staff", "became", "instructor")
"""Fields by which records name somebody, where an index begins with them."""


class Held(NamedTuple):
    """A record that is held of somebody, as plain data. `goes`: whether an erasure takes it, or something out of it."""

    kind: str
    id: Id
    goes: bool
    fields: dict[str, Any]


def household(reader: Reader, person: Id) -> tuple[Id, ...]:
    """A family with its children and guardians; anybody else alone. Raises BadInput `person.unknown`."""
    if reader.rows(Family, [person]):
        members = [
            row.id
            for record in (Child, Contact)
            for row in reader.find(Range(record, "by_family", (person,), scope=f"{record.PREFIX}/*"))
        ]
        return (person, *members)
    return (person,)


def held_of(reader: Reader, registry: Registry, people: Sequence[Id]) -> list[Held]:
    """Every record that is about these people or names one of them, as far as it is held here; sorted."""
    found: dict[tuple[str, Id], Row] = {}
    for kind, record in registry.records.items():
        rows = [*reader.rows(record, people).values(), *_naming(reader, record, people)]
        found.update({(kind, row.id): row for row in rows})
    held = [
        Held(
            kind, id, any(concerns(registry.records[kind], id, row.body, one) for one in people),
            msgspec.json.decode(row.body),
        )
        for (kind, id), row in found.items()
        if _is_about(registry.records[kind], row, people)
    ]  # fmt: skip
    return sorted(held, key=lambda one: (not one.goes, one.kind, one.id))


def _naming(reader: Reader, record: type[Record], people: Iterable[Id]) -> list[Row]:
    by = next((index for index in record.INDEXES if index.fields[0] in _NAMING), None)
    if by is None:
        return []
    wanted = [Range(record, by.name, (one,), scope=f"{record.PREFIX}/*") for one in people]
    return [row for rows in reader.find_many(wanted) for row in rows]


def _is_about(record: type[Record], row: Row, people: Sequence[Id]) -> bool:
    return record is not Erasure and (row.id in people or any(one.encode() in row.body for one in people))


def name_of(reader: Reader, person: Id) -> str:
    """What somebody is called here. Raises BadInput `person.unknown`."""
    for record in (Family, Contact):
        for row in reader.rows(record, [person]).values():
            return str(decode(record, row.body).name)
    for row in reader.rows(Child, [person]).values():
        child: Child = decode(Child, row.body)
        return f"{child.given} {child.surname}"
    raise BadInput("person.unknown", person=person)


def written(
    people: Mapping[Id, str], held: Sequence[Held], *, studio: Id, at: str, history: Sequence[Mapping[str, Any]] = ()
) -> bytes:
    """One readable file (JSON, indented): who, every record with its fields, what the log says of them, and what is kept.

    `people`: id → name. `at`: when it was written, ISO 8601. `history`: from `cloud.storage.people`, where it is at hand.
    """
    told = {
        "format": "classtap.person", "version": FORMAT, "studio": studio, "written": at,
        "people": [{"id": id, "name": name} for id, name in people.items()],
        "records": [{"kind": one.kind, "id": one.id, "goes_with_an_erasure": one.goes, **_apart(one)} for one in held],
        "history": list(history),
        "kept_after_an_erasure": list(KEPT),
    }  # fmt: skip
    return msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"


def _apart(one: Held) -> dict[str, Any]:
    return {"fields": {name: value for name, value in one.fields.items() if name != "id"}}
