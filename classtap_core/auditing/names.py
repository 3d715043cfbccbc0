"""The names of things, read in bulk: a child's, a room's, a session's by its class and start."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Registry
from classtap_core.kernel.records import Record, Sensitivity, decode, sensitivities
from classtap_core.kernel.tx import Change, Reader

_ID = re.compile(r"[0-9a-f]{32}")
_KINDS = {
    "holder": "staff", "holders": "staff", "author": "staff", "sessions": "session", "to": "contact",
    "keep": "contact", "drop": "contact", "guardian": "contact", "draft": "seat_draft", "children": "child",
    "rollout": "seat_rollout", "pass": "family",
}  # fmt: skip
"""Fields and authors whose record is called otherwise."""
_SEVERAL = {"subject": ("child", "family", "contact")}
"""Fields whose record may be one of several kinds."""


class Names:
    """Reads each kind once for all that was wanted. A name that is not held is ""."""

    def __init__(self, reader: Reader, registry: Registry) -> None:
        self._reader, self._records = reader, registry.records
        self._found: dict[tuple[str, Id], Record] = {}

    @staticmethod
    def is_id(text: str) -> bool:
        return _ID.fullmatch(text) is not None

    def want(self, pairs: Iterable[tuple[str, Id]]) -> None:
        """Read these (field or kind, and id), and what their names are made of."""
        by_kind: dict[str, set[Id]] = {}
        for field, id in pairs:
            for kind in self._kinds(field) if self.is_id(id) else ():
                by_kind.setdefault(kind, set()).add(id)
        self._read(by_kind)
        further: dict[str, set[Id]] = {}
        for record in list(self._found.values()):
            for field in ("class_type", "holder"):
                other: str = getattr(record, field, "")
                if other and self.is_id(other):
                    for kind in self._kinds(field):
                        further.setdefault(kind, set()).add(Id(other))
        self._read(further)

    def _read(self, by_kind: dict[str, set[Id]]) -> None:
        for kind, ids in sorted(by_kind.items()):
            record = self._records.get(kind)
            wanted = {id for id in ids if (kind, id) not in self._found}
            if record is None or not wanted:
                continue
            for id, row in self._reader.rows(record, sorted(wanted)).items():
                try:
                    self._found[(kind, id)] = decode(record, row.body)
                except msgspec.ValidationError:
                    continue  # of a later version: it has no name here

    def _kinds(self, field: str) -> tuple[str, ...]:
        return _SEVERAL.get(field, (_KINDS.get(field, field),))

    def record(self, field: str, id: Id) -> Any:
        return next((self._found[kind, id] for kind in self._kinds(field) if (kind, id) in self._found), None)

    def name(self, field: str, id: Id) -> str:
        """What a thing is called now; "" where it is not held or has no name."""
        record = self.record(field, id)
        if record is None:
            return ""
        given = getattr(record, "given", None)
        if given is not None:
            return f"{given} {record.surname}".strip()
        start: str = getattr(record, "start", "")
        class_type: Id | None = getattr(record, "class_type", None)
        if class_type:
            return " ".join(filter(None, (self.name("class_type", class_type), start[:16].replace("T", " "))))
        holder: Id | None = getattr(record, "holder", None)
        if holder:
            return " ".join(filter(None, (self.name("staff", holder), f"({record.role})" if record.role else "")))
        return str(getattr(record, "name", ""))

    def personal(self, field: str, id: Id) -> bool:
        """Whether a thing's name is a family's, a child's or a guardian's, not the studio's own or of who works there."""
        record: Record | None = self.record(field, id)
        if record is None or record.PREFIX == "studio":
            return False
        kind: type[msgspec.Struct] = type(record)
        return bool(sensitivities(kind) - {Sensitivity.OPEN})

    def of_staff(self, changes: Iterable[Change]) -> bool:
        """Whether what was changed is only the studio's own: its staff's names are no secret to who reads the audit."""
        kinds = {change.kind for change in changes}
        return bool(kinds) and all(kind in self._records and self._records[kind].PREFIX == "studio" for kind in kinds)

    def roles(self, author: Author) -> tuple[str, ...]:
        """What an author acted as: the roles of the grants it stood on, or the device's own."""
        if author.type == "device":
            device = self.record("device", author.id)
            return (device.role,) if device is not None else ()
        found = (self.record("grant", grant) for grant in author.grants)
        return tuple(sorted({grant.role for grant in found if grant is not None and grant.role}))
