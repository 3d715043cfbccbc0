"""`classtap roster`: a session's or a day's rosters as a sheet."""

from pathlib import Path
from typing import Annotated

import typer

from classtap_cli.invocation import As, Data, Json, Now, answering, invocation, say
from classtap_cli.reach import ask

SessionOption = Annotated[str, typer.Option("--session", metavar="ID", help="One session.")]
DateOption = Annotated[str, typer.Option("--date", metavar="D", help="All sessions of a date, 2026-11-21; or today.")]
Out = Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="FILE.csv, FILE.xlsx or FILE.pdf.")]


@answering
def roster(
    out: Out, session: SessionOption = "", date: DateOption = "", data: Data = None, program: As = "desk",
    now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Write who is booked and who came: one session, or every session of a day where this device stands."""
    call = invocation(data, program, now, json)
    from classtap_cli.sheets import WRITERS

    if session and date:
        raise typer.BadParameter("--session and --date exclude each other")
    write = WRITERS.get(out.suffix.lower())
    if write is None:
        raise typer.BadParameter(f"FILE ends in {', '.join(WRITERS)}", param_hint="-o")
    given = {name: value for name, value in (("session", session), ("date", date)) if value}
    found = ask(call, "roster", **given)
    write(out, found)
    children = sum(len(one["children"]) for one in found["sessions"])
    answer = {"file": str(out), "sessions": len(found["sessions"]), "children": children}
    call.answer(answer, say("cli.roster_written", sessions=len(found["sessions"]), children=children, file=str(out)))
