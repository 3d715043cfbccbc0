"""What a claim is, and how several runs of it are judged."""

import statistics
from collections.abc import Sequence
from typing import Any, TypedDict


class Beside(TypedDict):
    """What a claim is compared with, measured in the same run."""

    name: str
    value: float


class Claim(TypedDict):
    """One number: `goal` is an upper bound, or for ids ending in ``_fps``, ``_rate`` or ``_percent`` a lower one."""

    id: str
    value: float
    goal: float | None
    ok: bool
    beside: Beside | None
    ratio: float | None
    runs: int


HIGHER_IS_BETTER = ("_fps", "_rate", "_percent")


def claim(id: str, value: float, *, goal: float | None = None, beside: tuple[str, float] | None = None) -> Claim:
    """One run's number, judged."""
    found: Beside | None = None if beside is None else {"name": beside[0], "value": beside[1]}
    ratio = None if not beside or not beside[1] else value / beside[1]
    return {
        "id": id,
        "value": value,
        "goal": goal,
        "ok": _meets(id, value, goal),
        "beside": found,
        "ratio": ratio,
        "runs": 1,
    }


def judged(runs: Sequence[Sequence[Claim]]) -> list[Claim]:
    """The median of several runs of the same claims."""
    by_id: dict[str, list[Claim]] = {}
    for run in runs:
        for one in run:
            by_id.setdefault(one["id"], []).append(one)
    return [_median(found) for found in by_id.values()]


def _median(found: list[Claim]) -> Claim:
    last = found[-1]
    value = statistics.median(one["value"] for one in found)
    beside = last["beside"]
    besides = [one["beside"]["value"] for one in found if one["beside"]]
    made = claim(
        last["id"],
        value,
        goal=last["goal"],
        beside=(beside["name"], statistics.median(besides)) if beside and besides else None,
    )
    return {**made, "runs": len(found)}


def _meets(id: str, value: float, goal: float | None) -> bool:
    if goal is None:
        return True
    return value >= goal if id.endswith(HIGHER_IS_BETTER) else value <= goal


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(percent / 100 * len(ordered) + 0.5) - 1))]


def table(claims: Sequence[dict[str, Any] | Claim]) -> str:
    """The claims as text, numbers under each other."""
    rows = [("claim", "value", "goal", "", "beside", "ratio")]
    for one in claims:
        beside = one["beside"]
        rows.append(
            (
                str(one["id"]),
                _number(one["value"]),
                _number(one["goal"]),
                "ok" if one["ok"] else "NOT MET",
                f"{beside['name']} {_number(beside['value'])}" if beside else "",
                _number(one["ratio"]),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    right = (1, 2, 5)
    lines = [
        "  ".join(
            cell.rjust(widths[column]) if column in right else cell.ljust(widths[column])
            for column, cell in enumerate(row)
        ).rstrip()
        for row in rows
    ]
    return "\n".join(lines)


def _number(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"
