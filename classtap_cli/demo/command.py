"""`classtap demo`: a studio, an outage at the door, and what became of it."""

import logging
import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from classtap_cli.invocation import PROGRAMS, Json, answering, instant_ms, own
from classtap_core.kernel.clock import SystemClock
from classtap_core.kernel.errors import Refused

MARKER = "this folder is a ClassTap demonstration"

Out = Annotated[
    Path, typer.Option("--out", "--data", metavar="DIR", help="Where everything goes; made anew each time.")
]
Whose = Annotated[
    str, typer.Option("--as", metavar="PROGRAM", help="Open this window alone (desk or kiosk); cloud: open none.")
]
Families = Annotated[int, typer.Option("--families", min=12, max=6000, help="How many families the studio has.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same studio.")]
Now = Annotated[str | None, typer.Option("--now", metavar="ISO", help="Start the clock there.")]


@answering
def demo(
    out: Out = Path("build/demo"), families: Families = 64, seed: Seed = 1, now: Now = None, whose: Whose = "",
    json: Json = False,
) -> None:  # fmt: skip
    """Make a demonstration studio and do the main job on it: with windows where there is a display, else by itself."""
    if whose not in ("", *PROGRAMS):
        raise typer.BadParameter(f"--as is one of {', '.join(PROGRAMS)}")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    from classtap_cli.demo import shown
    from classtap_cli.demo.report import Report
    from classtap_cli.demo.surroundings import DemoHouse

    logging.getLogger("classtap").addHandler(logging.NullHandler())
    logging.getLogger("apscheduler").addHandler(logging.NullHandler())
    out = fresh(out.absolute())
    start = instant_ms(now)
    report = Report(out / "report.json", aloud=sys.stderr if json else sys.stdout)
    with DemoHouse(out, seed=seed, families=families, clock=lambda: SystemClock(start)) as house:
        report.url = house.proxy.url
        report.now = datetime.fromtimestamp(house.clock.now().corrected / 1000, tz=UTC).isoformat()
        shown.run(house, out, report, windows=(whose,) if whose else ("desk", "kiosk"))
    if json:
        typer.echo((out / "report.json").read_text(encoding="utf-8"), nl=False)
    if not report.ok:
        raise typer.Exit(1)


def fresh(out: Path) -> Path:
    """An empty folder for this user alone. Raises Refused when it holds something that is no demonstration."""
    if out.exists() and any(out.iterdir()):
        if not (out / "DEMO").is_file():
            raise Refused("demo.not_ours", folder=str(out))
        shutil.rmtree(out)
    own(out)
    (out / "DEMO").write_text(MARKER + "\n")
    return out
