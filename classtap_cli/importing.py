"""`classtap import`: families, classes, a school's roster or a calendar from a file; a whole studio into an empty cloud."""

from pathlib import Path
from typing import Annotated, Any

import typer

from classtap_cli.invocation import As, Data, Invocation, Json, Now, answering, invocation, say, sentences
from classtap_cli.opened_cloud import Database, opened_cloud
from classtap_cli.reach import ask
from classtap_core.kernel.errors import EnvironmentFault

app = typer.Typer(no_args_is_help=True, help="Bring in what a studio has elsewhere.")

SheetArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="FILE.csv or FILE.xlsx, its first row the headers.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what it comes to and bring nothing in.")]
DayFirst = Annotated[
    bool | None, typer.Option("--day-first/--month-first", help="How 03/04/2018 is meant, where no date tells.")
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column", metavar="FIELD=HEADER", help="Which column says what, where it is not guessed; repeat it."
    ),
]
PinFile = Annotated[Path | None, typer.Option("--pin-file", metavar="FILE", help="A file with the PIN, not asked for.")]


@app.callback()
def bring() -> None:
    """Bring in what a studio has elsewhere, all of the file or nothing."""


def _of_sheets(kind: str, told: str) -> None:
    """A command for one kind of sheet, whose columns have to be found."""

    @app.command(kind, help=told)
    @answering
    def sheet(
        file: SheetArgument, dry_run: DryRun = False, day_first: DayFirst = None, column: Columns = None,
        pin_file: PinFile = None, data: Data = None, program: As = "desk", now: Now = None, json: Json = False,
    ) -> None:  # fmt: skip
        call = invocation(data, program, now, json)
        _bring(call, kind, file, pin_file, dry_run=dry_run, day_first=day_first, columns=_mapping(kind, column))


_of_sheets("families", "Bring families in, a child a row, as the member of staff whose PIN is given.")
_of_sheets(
    "classes", "Bring a timetable in, a weekly class or a session a row; the cloud decides over all of it at once."
)


@app.command("roster")
@answering
def oneroster(
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="A OneRoster 1.2 CSV file: users, roles, demographics.")],
    dry_run: DryRun = False, pin_file: PinFile = None, data: Data = None, program: As = "desk", now: Now = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Bring a school's people in: students, and their guardians with what they are to them."""
    _bring(invocation(data, program, now, json), "oneroster", file, pin_file, dry_run=dry_run)


@app.command("calendar")
@answering
def calendar(
    file: Annotated[Path, typer.Argument(metavar="FILE.ics", help="An iCalendar file.")], dry_run: DryRun = False,
    pin_file: PinFile = None, data: Data = None, program: As = "desk", now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Bring a calendar's events in as sessions and series; its places are rooms that are here."""
    _bring(invocation(data, program, now, json), "calendar", file, pin_file, dry_run=dry_run)


@app.command("studio")
@answering
def studio(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `classtap export studio` wrote.")],
    database: Database = "", data: Data = None, program: As = "cloud", now: Now = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Take a whole studio into a cloud that has none of it; devices pair anew, passes and PINs are given anew."""
    call = invocation(data, "cloud", now, json)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise EnvironmentFault("file.cannot_read", file=str(file), why=error.strerror or "") from error
    with opened_cloud(call, database) as cloud:
        from cloud.exchange import take_in

        entry, taken, digest = take_in(cloud, content)
    found = {"studio": entry.id, "records": len(taken.rows), "blobs": len(taken.blobs), "digest": digest.sum}
    call.answer(found, say("cli.studio_taken_in", name=entry.name, records=len(taken.rows), blobs=len(taken.blobs)))


def _bring(
    call: Invocation, kind: str, file: Path, pin_file: Path | None, *, dry_run: bool, day_first: bool | None = None,
    columns: dict[str, str] | None = None,
) -> None:  # fmt: skip
    from classtap_cli.signing_in import asked_pin

    given = {"file": str(file.resolve()), "kind": kind, "day_first": day_first, "columns": columns or {}}
    found = ask(call, "import", **given)
    if not found["bad"] and not dry_run:
        found = ask(call, "import", **given, pin=asked_pin(pin_file))
    call.answer(found, _told(kind, found))
    if found["bad"]:
        raise typer.Exit(1)


def _mapping(kind: str, given: list[str] | None) -> dict[str, str]:
    if not given:
        return {}
    from classtap_core.exchange.looking import ALIASES

    found = dict(one.partition("=")[::2] for one in given)
    if not all(found.values()) or not found.keys() <= ALIASES[kind].keys():
        raise typer.BadParameter(f"--column FIELD=HEADER, FIELD one of {', '.join(ALIASES[kind])}")
    return found


def _told(kind: str, found: dict[str, Any]) -> str:
    if found["bad"]:
        lines = [bad_row(one) for one in found["bad"]]
        return "\n".join([*lines, sentences().say_n("desk.imports.bad", len(lines))])
    step = "read" if found["new"] is None else "asked" if found["asked"] else "done"
    counts = {name: value for name, value in found.items() if name not in ("bad", "columns")}
    return say(f"import.{step}.{kind}", **counts)


def bad_row(one: dict[str, Any]) -> str:
    """What is wrong with a row, in a sentence."""
    code = f"import.bad.{one['code']}"
    if sentences().has(code):
        field = f"import.field.{one['field']}"
        return say(
            code, row=one["row"], field=say(field) if sentences().has(field) else one["field"], found=one["found"]
        )
    why = f"desk.refused.{one['code']}"
    return say("import.bad.refused", row=one["row"], why=say(why) if sentences().has(why) else one["code"])
