"""What a demonstration says while it runs, and what it leaves behind."""

import json
from pathlib import Path
from typing import TextIO, TypedDict


class Step(TypedDict):
    """One step of the main job: whether it held, and its number."""

    id: str
    ok: bool
    value: float
    unit: str


class Report:
    """Prints each step as it ends, and writes report.json."""

    def __init__(self, file: Path, *, aloud: TextIO | None = None) -> None:
        """`aloud`: where the steps are printed; standard output by default."""
        self._file, self._aloud = file, aloud
        self.steps: list[Step] = []
        self.url = ""
        self.now = ""

    def step(self, id: str, words: str, value: float, unit: str, *, ok: bool = True) -> None:
        """One line: what happened, and the number that shows it."""
        self.steps.append({"id": id, "ok": ok, "value": round(value, 3), "unit": unit})
        mark = "ok  " if ok else "FAIL"
        print(f"{mark} {words:<66} {_number(value):>9} {unit}", file=self._aloud, flush=True)
        self.write()

    def write(self) -> None:
        found = {"steps": self.steps, "url": self.url, "now": self.now}
        self._file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")

    @property
    def ok(self) -> bool:
        return all(step["ok"] for step in self.steps)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
