"""The rules, each line and branch of them run by their unit tests: the list is [tool.coverage.run] in pyproject.toml.

`python -m scripts.cover` exits 1 and names what no test reaches. CI runs it by tests/guards/test_rules_covered.py.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = (
    "access/test_assigning.py", "access/test_holding.py", "access/test_operations.py", "access/test_pins.py", "access/test_revealing.py",
    "access/test_rules.py", "access/test_table.py", "access/test_undoing.py", "auditing", "booking", "checkin", "documents", "eligibility",
    "health", "kernel/test_merge.py", "passes/test_attendees.py", "passes/test_base45.py", "passes/test_codec.py",
    "passes/test_key_care.py", "passes/test_rolling.py", "passes/test_vectors.py", "passes/test_verify.py", "people",
    "schedule/test_conflicts.py", "schedule/test_places.py", "schedule/test_schedule.py", "schedule/test_series.py",
    "timekeeping",
)  # fmt: skip
LEFT_OUT = (
    "cedar", "deny_never", "eight_devices", "every_operation_has", "explanation_says", "free_of_order", "libical",
    "no_changed_text", "no_set_of_grants", "one_primary_a_day", "relativedelta", "set_arithmetic", "timetable_finds",
    "trying_every_day", "walking_through_the_calendar", "whole_table",
)  # fmt: skip
"""What tries a rule many times over or judges it a second time, and reaches no line that the rest does not."""


def main() -> int:
    """Run the tests and report; the exit code."""
    unit = [str(ROOT / "tests" / "unit" / one) for one in TESTS]
    picked = " and ".join(f"not {one}" for one in LEFT_OUT)
    coverage = [sys.executable, "-m", "coverage"]
    with tempfile.TemporaryDirectory() as folder:
        surroundings = os.environ | {"COVERAGE_FILE": str(Path(folder) / "coverage")}
        surroundings.pop("PYTEST_ADDOPTS", None)
        tests = [
            *coverage,
            "run",
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--hypothesis-seed=0",
            "-k",
            picked,
            *unit,
        ]
        ran = subprocess.run(tests, cwd=ROOT, env=surroundings, check=False)
        if ran.returncode:
            return ran.returncode
        report = subprocess.run([*coverage, "report", "--skip-covered"], cwd=ROOT, env=surroundings, check=False)
        return report.returncode


if __name__ == "__main__":
    sys.exit(main())
