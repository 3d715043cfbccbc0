"""Results somebody was told that are no longer so, as sentences: what desk and kiosk say of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from classtap_core.auditing import saying
from classtap_core.auditing.lines import Line
from classtap_core.checkin.reading import cards, fetch
from classtap_core.contesting.choices import NOBODY, Choice, choices_of
from classtap_core.contesting.doubling import PRESENT_ELSEWHERE, Chooser, clashes, doubled
from classtap_core.contesting.own import OwnLog, said_lines
from classtap_core.kernel.device_store import Notice
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Reason
from classtap_core.people.records import Child
from resources.text import Catalogue


class Double(NamedTuple):
    """A child who is present in another class at that time: both classes, the other's start, when the first was said, ms.

    `said` is a `Clash`'s.
    """

    child: str
    here: str
    other: str
    start_ms: int
    first_ms: int
    said: str


class NoticeLine(NamedTuple):
    """One changed result with the names it is about.

    Attributes: `code` is the outcome's new status; `why` the first reason's code and parameters, or ""; `choices` what
    can be done about it, the recommended one first. `told` is what was said, as the audit tells it; None where this
    device cannot read it any more. `doubles` are who is present in two classes at once by it.
    """

    operation: Id
    sequence: int
    kind: str
    at_ms: int
    code: str
    why: str
    params: dict[str, str | int]
    names: tuple[str, ...]
    zone: str
    choices: tuple[Choice, ...] = ()
    told: Line | None = None
    doubles: tuple[Double, ...] = ()


def lines_of(reader: OwnLog, notices: Sequence[Notice], zone: str, *, by: Chooser = NOBODY) -> tuple[NoticeLine, ...]:
    """Return a line for each notice, newest first, with the names that are held here and what `by` can do about it.

    Times are told in `zone`.
    """
    keys = [Id(item.key) for notice in notices for item in notice.now.items]
    keys += [Id(str(reason.params["item"])) for notice in notices for reason in _looked_at(notice)]
    children = fetch(reader, Child, keys)
    names = {id: f"{child.given} {child.surname}".strip() for id, child in children.items()}
    told = said_lines(reader, notices)
    lines = [
        _doubled(reader, notice, names, _line(notice, names, zone))._replace(
            choices=choices_of(reader, notice, by), told=told.get(notice.operation)
        )
        for notice in notices
    ]
    return tuple(sorted(lines, key=lambda line: (-line.at_ms, line.operation)))


def _doubled(reader: OwnLog, notice: Notice, names: dict[Id, str], line: NoticeLine) -> NoticeLine:
    """The line with who is present in two classes at once, as the rule says it now; `settled` where nobody is any more."""
    children = doubled(notice)
    found = clashes(reader, notice.operation, children) if children and line.why == PRESENT_ELSEWHERE else None
    if found is None:
        return line
    if not found:
        others = any(why.params["item"] not in children for why in _looked_at(notice))
        return line if others else line._replace(code="settled", why="")
    shown = {
        card.session.id: card for card in cards(reader, [one for clash in found for one in (clash.here, clash.other)])
    }
    doubles = []
    for clash in found:
        name, here, other = names.get(clash.child), shown[clash.here.id], shown[clash.other.id]
        if not (name and here.class_name and other.class_name):
            return line
        called = [one.class_name for one in (here, other)]
        if called[0] == called[1]:
            called = [f"{one.class_name} · {one.room}" for one in (here, other)]
        first_ms = min(clash.mine.at_ms, clash.theirs.at_ms)
        doubles.append(Double(name, called[0], called[1], other.start_ms, first_ms, clash.said))
    return line._replace(doubles=tuple(doubles))


def _line(notice: Notice, names: dict[Id, str], zone: str) -> NoticeLine:
    before = {item.key: item.status for item in notice.before.items}
    changed = [item for item in notice.now.items if before.get(item.key) != item.status]
    looked_at = _looked_at(notice)
    if not changed and looked_at:
        named = tuple(names[id] for why in looked_at if (id := Id(str(why.params["item"]))) in names)
        params = dict(looked_at[0].params)
        return NoticeLine(
            notice.operation, notice.sequence, notice.kind, notice.at_ms, "review", looked_at[0].code, params, named, zone
        )  # fmt: skip
    first = changed[0] if changed else None
    reasons = (first.reasons if first is not None else ()) or notice.now.reasons
    return NoticeLine(
        notice.operation, notice.sequence, notice.kind, notice.at_ms, str(first.status if first is not None else notice.now.status),
        reasons[0].code if reasons else "", dict(reasons[0].params) if reasons else {},
        tuple(names[Id(item.key)] for item in changed if item.key in names), zone,
    )  # fmt: skip


def _looked_at(notice: Notice) -> list[Reason]:
    """What the cloud's gates said of children in something that stands all the same."""
    return [reason for reason in notice.now.reasons if reason.code.startswith("gate.") and "item" in reason.params]


def sentence(line: NoticeLine, words: Catalogue) -> str:
    """Return what changed, about whom, and why, as one or two sentences."""
    if line.doubles:
        return " ".join(_double_words(one, line.zone, words) for one in line.doubles)
    if line.names:
        subject = f"{what_words(line.kind, None, words)} · {', '.join(line.names)}"
    else:
        subject = what_words(line.kind, line.told, words)
    told = words.say(f"desk.notice.{line.code}", what=subject)
    if line.why == "attendance.already" and "at_ms" in line.params:
        state = words.say(f"desk.said.{line.params['state']}")
        return f"{told} {words.say('desk.notice.holds', state=state, time=words.time(int(line.params['at_ms']), line.zone))}"
    code = f"desk.refused.{line.why}"
    return f"{told} {words.say(code, **line.params)}" if line.why and words.has(code) else told


def _double_words(double: Double, zone: str, words: Catalogue) -> str:
    start, first = (words.time(at_ms, zone) for at_ms in (double.start_ms, double.first_ms))
    return words.say(
        f"desk.double.{double.said}", child=double.child, here=double.here, other=double.other, start=start, first=first
    )


def done_words(line: NoticeLine, choice: Choice, words: Catalogue, *, why: str = "") -> str:
    """Return a line of a summary: what was chosen about a changed result; `why`, a code, where it was not taken."""
    done = f"{sentence(line, words)} {words.say('desk.choice.' + choice.code)}"
    return f"{done}: {words.say(why)}" if why else done


def why_not(codes: Sequence[str], words: Catalogue) -> str:
    """Return the code of the sentence that says why a choice was not taken, from its reasons' codes."""
    return next((known for code in codes if words.has(known := f"desk.refused.{code}")), "desk.choice.refused")


def what_words(kind: str, told: Line | None, words: Catalogue) -> str:
    """What somebody did, as the audit tells it; where that cannot be read, what its kind is called, or its code."""
    if told is not None:
        return saying.sentence(told, words)
    return words.say(f"desk.did.{kind}") if words.has(f"desk.did.{kind}") else kind
