"""`classtap import`: families from a sheet."""

from pathlib import Path
from typing import Annotated

import typer

from classtap_cli.invocation import As, Data, Json, Now, answering, invocation, say
from classtap_cli.reach import ask

app = typer.Typer(no_args_is_help=True, help="Bring in what a studio has elsewhere.")

SheetArgument = Annotated[Path, typer.Argument(metavar="FILE", help="FILE.csv or FILE.xlsx, a child a row.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what it comes to and bring nothing in.")]
DayFirst = Annotated[
    bool | None, typer.Option("--day-first/--month-first", help="How 03/04/2018 is meant, where no date tells.")
]
PinFile = Annotated[Path | None, typer.Option("--pin-file", metavar="FILE", help="A file with the PIN, not asked for.")]


@app.callback()
def bring() -> None:
    """Bring in what a studio has elsewhere."""


@app.command("families")
@answering
def families(
    file: SheetArgument, dry_run: DryRun = False, day_first: DayFirst = None, pin_file: PinFile = None, data: Data = None,
    program: As = "desk", now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Bring families in, all of the file or nothing, as the member of staff whose PIN is given."""
    call = invocation(data, program, now, json)
    from classtap_cli.signing_in import asked_pin

    given = {"file": str(file.resolve()), "day_first": day_first}
    found = ask(call, "import.families", **given)
    if not found["bad"] and not dry_run:
        found = ask(call, "import.families", **given, pin=asked_pin(pin_file))
    call.answer(found, _told(found))
    if found["bad"]:
        raise typer.Exit(1)


def _told(found: dict[str, object]) -> str:
    bad = found["bad"]
    if isinstance(bad, list) and bad:
        lines = [
            say(f"import.bad.{one['code']}", row=one["row"], field=one["field"], found=one["found"]) for one in bad
        ]
        return "\n".join([*lines, say("cli.import_bad", bad=len(bad))])
    code = "cli.import_read" if found["new"] is None else "cli.import_done"
    return say(code, families=found["families"], children=found["children"], new=found["new"])
