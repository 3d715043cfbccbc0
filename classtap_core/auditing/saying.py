"""A line in words: the sentence, and each difference as one of before and after. The words come from a catalogue."""

from collections.abc import Mapping
from typing import Any, Protocol

from classtap_core.auditing.diffs import ADD, JOIN, LEAVE, REMOVE, Step
from classtap_core.auditing.lines import Changed, Line
from classtap_core.auditing.sentences import PREFIX

_MOST_NAMES = 3


class Words(Protocol):
    """A catalogue of sentences."""

    def say(self, code: str, /, **params: object) -> str: ...

    def has(self, code: str) -> bool: ...


def sentence(line: Line, words: Words) -> str:
    """Who did what. A kind of operation this program does not know is named by its code."""
    params: dict[str, object] = {name: _several(values, words) for name, values in line.params.items()}
    if not words.has(line.code):
        return words.say("audit.op", who=who(line, words), kind=line.kind)
    return words.say(line.code, **_blanks(words) | {"who": who(line, words)} | params)


def who(line: Line, words: Words) -> str:
    """The author's name, or what they are where they have none."""
    return line.who or words.say(f"audit.author.{line.author_type}")


def became(changed: Changed, words: Words) -> str:
    """The heading of one record's differences."""
    kind = words.say(f"audit.thing.{changed.kind}") if words.has(f"audit.thing.{changed.kind}") else changed.kind
    return words.say(f"audit.became.{changed.became}", kind=kind, name=changed.name)


def step_sentence(step: Step, words: Words) -> str:
    """One difference: ``capacity: 12 → 14``."""
    before, after = (value(one, words) for one in (step.before, step.after))
    field = place(step, words)
    op = {ADD: "add", REMOVE: "remove", JOIN: "join", LEAVE: "leave"}.get(step.op, "replace")
    return words.say(f"audit.step.{op}", field=field, before=before, after=after)


def place(step: Step, words: Words) -> str:
    """Where a difference is, in words: ``opening hours[3] › closes``. A field without words keeps its code."""
    text = ""
    for part in step.path:
        named = part if part.startswith("[") else _field(part, words)
        text += named if part.startswith("[") or not text else f" › {named}"
    return text


def _field(name: str, words: Words) -> str:
    code = f"audit.field.{name}"
    return words.say(code) if words.has(code) else name


def value(found: Any, words: Words) -> str:
    """A value as people read it, in one line."""
    if isinstance(found, bool):
        return words.say("audit.yes" if found else "audit.no")
    if found is None:
        return words.say("audit.nothing")
    if isinstance(found, Mapping):
        return ", ".join(f"{_field(str(name), words)}: {value(one, words)}" for name, one in found.items())
    if isinstance(found, list | tuple):
        return ", ".join(value(one, words) for one in found)
    text = str(found)
    return text if len(text) <= 120 else f"{text[:119]}…"


def sentences(kinds: Mapping[str, object], words: Words) -> dict[str, str]:
    """Each kind of operation and its sentence without names: what a reader's word may mean."""
    return {
        kind: words.say(PREFIX + kind, who="", what="", where="", role="", name="", when="")
        for kind in kinds
        if words.has(PREFIX + kind)
    }


def _several(values: tuple[str, ...], words: Words) -> str:
    if not values:
        return words.say("audit.unknown")
    named = [one or words.say("audit.unknown") for one in values[:_MOST_NAMES]]
    more = len(values) - len(named)
    return ", ".join(named) + (f" +{more}" if more > 0 else "")


def _blanks(words: Words) -> dict[str, object]:
    return dict.fromkeys(("what", "where", "role", "name", "when"), words.say("audit.unknown"))
