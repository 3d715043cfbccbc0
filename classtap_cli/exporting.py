"""`classtap export`: a whole studio out of its cloud, and everything that is held of one person."""

import base64
from pathlib import Path
from typing import Annotated

import typer

from classtap_cli.invocation import As, Data, Json, Now, answering, invocation, say
from classtap_cli.opened_cloud import Database, Studio, chosen, opened_cloud
from classtap_cli.reach import ask
from classtap_cli.written import write_whole

app = typer.Typer(no_args_is_help=True, help="Take out what a studio has here.")

Out = Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="Where to; made for you alone.")]
PinFile = Annotated[Path | None, typer.Option("--pin-file", metavar="FILE", help="A file with the PIN, not asked for.")]
WhoArgument = Annotated[str, typer.Argument(metavar="WHO", help="A family by name or id; a child or guardian by id.")]


@app.callback()
def export() -> None:
    """Take out what a studio has here."""


@app.command("studio")
@answering
def studio(
    out: Out,
    database: Database = "",
    named: Studio = "",
    data: Data = None,
    program: As = "cloud",
    now: Now = None,
    json: Json = False,
) -> None:
    """Write the cloud's whole studio as JSON lines: every record and blob, ids as they are, with a checksum."""
    call = invocation(data, "cloud", now, json)
    with opened_cloud(call, database) as cloud:
        from cloud.exchange import studio_file

        entry = chosen(cloud, named)
        lines = list(studio_file(cloud, entry))
    write_whole(out, b"".join(lines))
    found = {"studio": entry.id, "file": str(out), "lines": len(lines)}
    call.answer(found, say("cli.studio_written", name=entry.name, file=str(out), lines=len(lines)))


@app.command("person")
@answering
def person(
    who: WhoArgument, out: Out, pin_file: PinFile = None, database: Database = "", named: Studio = "",
    data: Data = None, program: As = "desk", now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Write everything that is held of somebody, readable. With `--as cloud` what the studio's log says of them too."""
    call = invocation(data, program, now, json)
    if call.program == "cloud":
        with opened_cloud(call, database) as cloud:
            from cloud.exchange import person_file

            text, records = person_file(cloud, chosen(cloud, named), who)
    else:
        from classtap_cli.signing_in import asked_pin

        found = ask(call, "person.held", who=who, pin=asked_pin(pin_file))
        text, records = found["text"].encode(), found["records"]
    write_whole(out, text)
    call.answer({"file": str(out), "records": records}, say("cli.person_written", file=str(out), records=records))


@app.command("calendar")
@answering
def calendar(
    out: Out, days: Annotated[int, typer.Option("--days", min=0, max=366, help="From today on.")] = 90,
    data: Data = None, program: As = "desk", now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Write the sessions of this device's location as iCalendar."""
    call = invocation(data, program, now, json)
    found = ask(call, "export.calendar", days=days)
    write_whole(out, found["text"].encode())
    call.answer(
        {"file": str(out), "sessions": found["sessions"]},
        say("cli.calendar_written", file=str(out), sessions=found["sessions"]),
    )


@app.command("roster")
@answering
def roster(
    out: Out, pin_file: PinFile = None, data: Data = None, program: As = "desk", now: Now = None, json: Json = False
) -> None:
    """Write the people of this device's location as a school's system reads them (OneRoster 1.2, a ZIP)."""
    from classtap_cli.signing_in import asked_pin

    call = invocation(data, program, now, json)
    found = ask(call, "export.roster", pin=asked_pin(pin_file))
    write_whole(out, base64.b64decode(found["zip"]))
    told = {"file": str(out), "children": found["children"], "guardians": found["guardians"]}
    call.answer(told, say("cli.people_written", **told))
