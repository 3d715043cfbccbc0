"""Results somebody was told that are no longer so, as sentences: what desk and kiosk say of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from classtap_core.checkin.operations import MarkAttendance
from classtap_core.checkin.reading import fetch
from classtap_core.kernel.device import Notice
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Reason
from classtap_core.kernel.tx import Reader
from classtap_core.people.records import Child
from resources.text import Catalogue


class Choice(NamedTuple):
    """`code` names its words: keep, apply, late, undo, vouch. `payload` is what it says; None where nothing has to be said."""

    code: str
    payload: MarkAttendance | None = None


class NoticeLine(NamedTuple):
    """One changed result with the names it is about.

    Attributes: `code` is the outcome's new status; `why` the first reason's code and parameters, or ""; `choices` what
    can be done about it, the recommended one first.
    """

    operation: Id
    kind: str
    at_ms: int
    code: str
    why: str
    params: dict[str, str | int]
    names: tuple[str, ...]
    zone: str
    choices: tuple[Choice, ...] = ()


def lines_of(reader: Reader, notices: Sequence[Notice], zone: str) -> tuple[NoticeLine, ...]:
    """Return a line for each notice, newest first, with the names that are held here; times are told in `zone`."""
    keys = [Id(item.key) for notice in notices for item in notice.now.items]
    keys += [Id(str(reason.params["item"])) for notice in notices for reason in _looked_at(notice)]
    children = fetch(reader, Child, keys)
    names = {id: f"{child.given} {child.surname}".strip() for id, child in children.items()}
    lines = [_line(notice, names, zone) for notice in notices]
    return tuple(sorted(lines, key=lambda line: (-line.at_ms, line.operation)))


def _line(notice: Notice, names: dict[Id, str], zone: str) -> NoticeLine:
    before = {item.key: item.status for item in notice.before.items}
    changed = [item for item in notice.now.items if before.get(item.key) != item.status]
    looked_at = _looked_at(notice)
    if not changed and looked_at:
        named = tuple(names[id] for why in looked_at if (id := Id(str(why.params["item"]))) in names)
        params = dict(looked_at[0].params)
        return NoticeLine(
            notice.operation, notice.kind, notice.at_ms, "review", looked_at[0].code, params, named, zone
        )  # fmt: skip
    first = changed[0] if changed else None
    reasons = (first.reasons if first is not None else ()) or notice.now.reasons
    return NoticeLine(
        notice.operation, notice.kind, notice.at_ms, str(first.status if first is not None else notice.now.status),
        reasons[0].code if reasons else "", dict(reasons[0].params) if reasons else {},
        tuple(names[Id(item.key)] for item in changed if item.key in names), zone,
    )  # fmt: skip


def _looked_at(notice: Notice) -> list[Reason]:
    """What the cloud's gates said of children in something that stands all the same."""
    return [reason for reason in notice.now.reasons if reason.code.startswith("gate.") and "item" in reason.params]


def sentence(line: NoticeLine, words: Catalogue) -> str:
    """Return what changed, about whom, and why, as one or two sentences."""
    what = words.say(f"desk.did.{line.kind}") if words.has(f"desk.did.{line.kind}") else line.kind
    subject = f"{what} · {', '.join(line.names)}" if line.names else what
    told = words.say(f"desk.notice.{line.code}", what=subject)
    if line.why == "attendance.already" and "at_ms" in line.params:
        state = words.say(f"desk.said.{line.params['state']}")
        return f"{told} {words.say('desk.notice.holds', state=state, time=words.time(int(line.params['at_ms']), line.zone))}"
    code = f"desk.refused.{line.why}"
    return f"{told} {words.say(code, **line.params)}" if line.why and words.has(code) else told
