"""What holds for the whole studio: the window of check-in, what guardians may do, who sees children's health."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from classtap_core.booking.guardian_gates import GUARDIAN_POLICY
from classtap_core.booking.policies import Values
from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.booking.records import REPLACED, Policy, PolicyVersion
from classtap_core.checkin.rules import MOST_WINDOW_MIN, Window, window_of
from classtap_core.health.rules import HEALTH_POLICY, SEEN_BY, Part
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload
from classtap_core.people.guardians import MATRIX, Right
from classtap_core.timekeeping.rules import instant_ms, parse_date
from classtap_desktop.kit import theme
from classtap_desktop.screens.entries import Field, Value
from classtap_desktop.screens.sheet import Group, Sheet, Written
from classtap_desktop.screens.studio.matrix import Cells, MatrixField
from classtap_desktop.screens.studio.reading import Known

TABLES: Mapping[str, Cells] = {
    GUARDIAN_POLICY: Cells(Right, MATRIX, "desk.role", "desk.policies.may"),
    HEALTH_POLICY: Cells(Part, SEEN_BY, "role", "desk.policies.sees"),
}
"""The policies that are a table of roles."""
MINUTES = ("after_min", "before_min")
"""The window's numbers as a class's day goes: how long before it begins, then how long after."""


class Past(NamedTuple):
    """A version as it is listed: what is said of it, and what it would put into the form."""

    said: str
    fields: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class PolicySheet(Sheet):
    """A form with what was published before, newest first, and the usual at its end. `changes`: what saving changes, in words."""

    past: tuple[Past, ...]
    changes: Callable[[Written], list[str]]


def policy_sheet(known: Known, id: Id) -> PolicySheet:
    """The form over what is in force."""
    words, held = theme().words, known.rules[id]
    zone = known.locations[known.here].zone if known.here in known.locations else "UTC"
    standing = _fields(held.name, held.values)
    coming = next((one for one in known.versions[held.name] if one.number == held.coming), None)

    def said(written: Written) -> list[Payload]:
        values = _values(held, written)
        stays = coming is not None and written.flag("stays")
        if _fields(held.name, values) == standing and not stays:
            return []
        return [
            PublishPolicy(
                name=held.name, head=held.version, values=values, from_ms=_from_ms(written, known.today, zone)
            )
        ]

    def changes(written: Written) -> list[str]:
        found = _said_changes(held.name, standing, _fields(held.name, _values(held, written)))
        at_ms = _from_ms(written, known.today, zone)
        when = (
            words.say("desk.policies.from_then", at=words.date(parse_date(written.text("day")), style="medium"))
            if at_ms
            else words.say("desk.policies.at_once")
        )
        gone = [words.say("desk.policies.replaces", n=coming.number)] if coming is not None else []
        return [when, *gone, *found]

    when = [Field("day", "desk.policies.day", 6, hint="desk.policies.day_hint")]
    note = "desk.policies.day_note"
    if coming is not None:
        when.append(Field("stays", words.say("desk.policies.stays", n=coming.number), 6, flag=True))
        note = words.say("desk.policies.waits", n=coming.number, at=words.datetime(coming.from_ms, zone))
    groups = {
        "rules": Group(fields=_form(held.name), values=standing, note=f"desk.policies.{held.name}_note"),
        "when": Group(fields=tuple(when), values={}, heading="desk.policies.when", note=note),
    }
    past = [_past(known, one, zone) for one in reversed(known.versions[held.name])]
    past.append(Past(words.say("desk.policies.usual_values"), _fields(held.name, {})))
    return PolicySheet(
        id=id, title=f"desk.policies.{held.name}", groups=groups, said=said, past=tuple(past), changes=changes
    )


def _form(name: str) -> tuple[Field, ...]:
    if name in TABLES:
        return (Field("table", "desk.policies.table", 6, own=lambda value: MatrixField(TABLES[name], value)),)
    usual, words = Window(), theme().words
    return tuple(Field(one, words.say(f"desk.policies.{one}", n=getattr(usual, one)), 6) for one in MINUTES)


def _fields(name: str, values: Values) -> dict[str, str]:
    """What stands in the form for published values."""
    if name in TABLES:
        return {"table": TABLES[name].written(values)}
    window = window_of(values)
    return {one: str(getattr(window, one)) for one in MINUTES}


def _values(held: Policy, written: Written) -> dict[str, str | int]:
    """What the form publishes; names that this version does not know stay. Raises BadInput."""
    if held.name in TABLES:
        cells = TABLES[held.name]
        kept = {name: value for name, value in held.values.items() if not cells.knows(name)}
        return {**kept, **cells.values(written.text("table"))}
    kept = {name: value for name, value in held.values.items() if name not in MINUTES}
    minutes = {name: written.number(name) for name in MINUTES}
    for number in minutes.values():
        if number > MOST_WINDOW_MIN:
            raise BadInput("policy.window", most=MOST_WINDOW_MIN)
    return {**kept, **minutes}


def _from_ms(written: Written, today: str, zone: str) -> int:
    """The first moment of the day that is named, there; 0 for at once. Raises BadInput."""
    day = written.text("day")
    if not day:
        return 0
    parse_date(day)
    return instant_ms(f"{day}T00:00", zone) if day > today else 0


def _said_changes(name: str, before: Mapping[str, Value], after: Mapping[str, Value]) -> list[str]:
    words = theme().words
    if name in TABLES:
        return TABLES[name].differences(str(before["table"]), str(after["table"]))
    return [
        words.say(
            "desk.policies.was",
            what=words.say(f"desk.policies.{one}_short"),
            now=str(after[one]),
            before=str(before[one]),
        )
        for one in MINUTES
        if before[one] != after[one]
    ]


def _past(known: Known, version: PolicyVersion, zone: str) -> Past:
    words = theme().words
    state = "replaced" if version.state == REPLACED else "begun" if version.from_ms <= known.now_ms else "waiting"
    said = words.say(
        f"desk.policies.past.{state}", n=version.number, at=words.datetime(version.from_ms, zone),
        who=known.staff.get(version.by, words.say("desk.policies.somebody")),
    )  # fmt: skip
    return Past(said, _fields(version.name, version.values))
