"""What differs between two states of a thing: steps that people read and that programs can apply. Pure.

Items of a list are told apart by what names them, never by where they stand; a list of plain values is a set. What is
null, empty or absent is the same.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from classtap_core.kernel.errors import BadInput

FORMAT: Final = 1
"""The form of `Step`, written beside every exported difference."""

ADD, REMOVE, REPLACE, JOIN, LEAVE = "add", "remove", "replace", "join", "leave"
_KEYS = ("id", "key", "operation", "child", "guardian", "spot", "name")


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One difference.

    Attributes:
        path: field by field; an item of a list stands as ``[its key]``.
        op: `add`, `remove` or `replace` of the value at the path; `join` or `leave` of a member of the set there.
        before, after: the values; for a member the one that left or joined.
    """

    path: tuple[str, ...]
    op: str
    before: Any = None
    after: Any = None

    @property
    def place(self) -> str:
        """The path as people read it: ``waitlist.rules[r1].minutes``."""
        text = ""
        for part in self.path:
            text += part if part.startswith("[") or not text else f".{part}"
        return text


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[Step, ...]:
    """The steps from one state to the other, in the order of their paths. Nothing where only order or nulls differ."""
    return tuple(_compared((), normal(before or {}) or {}, normal(after or {}) or {}))


def applied(steps: Iterable[Step], state: Mapping[str, Any]) -> dict[str, Any]:
    """The state after the steps. Raises BadInput `audit.patch` where a step does not fit the state."""
    whole: dict[str, Any] = normal(state) or {}
    for step in steps:
        _apply(whole, step)
    done: dict[str, Any] = normal(whole) or {}
    return done


def patch(steps: Iterable[Step], *, root: str = "") -> list[dict[str, Any]]:
    """The steps for a program: operations with a path by stable names, slashes and tildes as in RFC 6901."""
    return [
        {"op": step.op, "path": root + "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in step.path)}
        | ({} if step.op in (REMOVE, LEAVE) else {"value": step.after})
        | ({} if step.op in (ADD, JOIN) else {"was": step.before})
        for step in steps
    ]


def normal(value: Any) -> Any:
    """A value without what says nothing: nulls, empty lists and objects, the order of named items and of members."""
    if isinstance(value, Mapping):
        found = {str(name): normal(one) for name, one in value.items()}
        return {name: found[name] for name in sorted(found) if found[name] is not None} or None
    if isinstance(value, list | tuple):
        items = [normal(one) for one in value]
        key = _key(items)
        if key:
            items.sort(key=lambda one: _written(one[key]))
        elif _is_set(items):
            items.sort(key=_written)
        return items or None
    return value


def _compared(path: tuple[str, ...], before: Any, after: Any) -> list[Step]:
    if _written(before) == _written(after):
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        steps = []
        for name in sorted({*before, *after}):
            steps += _compared((*path, name), before.get(name), after.get(name))
        return steps
    if isinstance(before, list) and isinstance(after, list):
        key = _key(before)
        if key and key == _key(after):
            return _items(path, {f"[{one[key]}]": one for one in before}, {f"[{one[key]}]": one for one in after})
        if _is_set(before) and _is_set(after):
            return [Step(path, LEAVE, before=one) for one in _less(before, after)] + [
                Step(path, JOIN, after=one) for one in _less(after, before)
            ]
    if before is None:
        return [Step(path, ADD, after=after)]
    if after is None:
        return [Step(path, REMOVE, before=before)]
    return [Step(path, REPLACE, before, after)]


def _items(path: tuple[str, ...], before: dict[str, Any], after: dict[str, Any]) -> list[Step]:
    steps = []
    for name in sorted({*before, *after}):
        steps += _compared((*path, name), before.get(name), after.get(name))
    return steps


def _key(items: list[Any]) -> str:
    """What names each item of a list; "" where nothing does."""
    if not items or not all(isinstance(one, dict) for one in items):
        return ""
    for key in _KEYS:
        values = [one.get(key) for one in items]
        if all(isinstance(value, str | int) for value in values) and len({str(value) for value in values}) == len(
            items
        ):
            return key
    return ""


def _is_set(items: list[Any]) -> bool:
    plain = all(isinstance(one, str | int | float) for one in items)
    return plain and len({_written(one) for one in items}) == len(items)


def _less(members: list[Any], others: list[Any]) -> list[Any]:
    known = {_written(one) for one in others}
    return [one for one in members if _written(one) not in known]


def _written(value: Any) -> bytes:
    return msgspec.json.encode(value)


def _apply(whole: dict[str, Any], step: Step) -> None:
    try:
        target: Any = whole
        for part in step.path[:-1]:
            target = _inside(target, part)
        last = step.path[-1]
        if step.op in (JOIN, LEAVE):
            members = _inside(target, last)
            members.append(step.after) if step.op == JOIN else members.remove(step.before)
        elif isinstance(target, list):
            _put_item(target, last, step)
        elif step.op == REMOVE:
            del target[last]
        else:
            target[last] = step.after
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise BadInput("audit.patch", path=step.place) from error


def _inside(target: Any, part: str) -> Any:
    return target[_position(target, part)] if isinstance(target, list) else target[part]


def _position(items: list[Any], part: str) -> int:
    key = _key(items)
    return [f"[{one[key]}]" for one in items].index(part)


def _put_item(items: list[Any], part: str, step: Step) -> None:
    if step.op == ADD:
        items.append(step.after)
        return
    at = _position(items, part)
    if step.op == REMOVE:
        del items[at]
    else:
        items[at] = step.after
