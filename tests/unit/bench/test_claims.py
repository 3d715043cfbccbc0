"""How numbers are judged: by the median of their runs, against a goal above or below, beside what they are compared with."""

import pytest

from bench.claims import claim, judged, percentile, table


def test_the_median_of_five_runs_is_what_counts() -> None:
    runs = [[claim("mark.commit.p95_ms", value, goal=50, beside=("bare", 1.0))] for value in (10, 300, 20, 30, 40)]
    (found,) = judged(runs)
    assert (found["value"], found["ok"], found["runs"], found["ratio"]) == (30, True, 5, 30.0)


@pytest.mark.parametrize(
    ("id", "value", "ok"),
    [
        ("push.all_s", 1.5, True), ("push.all_s", 1.51, False),
        ("frame.preview.painted_fps", 24.0, True), ("frame.preview.painted_fps", 23.9, False),
        ("decode.found_rate", 0.9, False),
    ],
)  # fmt: skip
def test_a_goal_is_a_bound_from_above_or_below_by_what_is_measured(id: str, value: float, ok: bool) -> None:
    assert claim(id, value, goal=1.5 if id.endswith("_s") else 24.0 if id.endswith("_fps") else 0.95)["ok"] is ok


def test_percentiles_are_values_that_were_measured() -> None:
    # nearest rank, as in the worked example at https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method
    values = [15, 20, 35, 40, 50]
    assert [percentile(values, percent) for percent in (30, 40, 50, 100)] == [20, 20, 35, 50]


def test_a_missed_goal_is_seen_in_the_table() -> None:
    text = table([claim("a.b_ms", 3.0, goal=2.0), claim("c.d_ms", 1.0, goal=2.0, beside=("plain", 0.5))])
    missed, met = text.splitlines()[1:]
    assert "NOT MET" in missed
    assert met.split() == ["c.d_ms", "1", "2", "ok", "plain", "0.5", "2"]
