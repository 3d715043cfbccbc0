"""`classtap seatmap overrides`: what a location made its own of a map that was rolled out to it, as a list or a table."""

from pathlib import Path
from typing import Annotated

import typer

from classtap_cli.invocation import As, Data, Json, Now, answering
from classtap_cli.seat_files import answer_with, check_options, data_of, leave
from classtap_cli.sheets import csv_table
from classtap_core.seating.formats.known import read
from classtap_core.seating.overrides import USUAL, Told, summary

Shared = Annotated[Path, typer.Argument(metavar="SHARED", help="The map that was rolled out.")]
Local = Annotated[Path, typer.Argument(metavar="LOCAL", help="The location's own.")]
Allow = Annotated[list[str] | None, typer.Option("--allow", metavar="FIELD", help="What may differ; else the usual.")]
Table = Annotated[Path | None, typer.Option("-o", "--out", metavar="OUT.csv", help="Write a table too.")]


@answering
def overrides(
    shared: Shared, local: Local, allow: Allow = None, out: Table = None, data: Data = None, program: As = "desk",
    now: Now = None, as_json: Json = False,
) -> None:  # fmt: skip
    """List every field that a location has its own way, what the shared map says, and whether it may differ."""
    check_options(data, program, now)
    (one, _), (other, _) = (read(data_of(file), name=file.stem) for file in (shared, local))
    found = summary(one, other, allowed=tuple(allow) if allow else USUAL)
    if out is not None:
        leave(out, csv_table(Told._fields, ([str(value) for value in told] for told in found)))
    answer = {"overrides": [told._asdict() for told in found], "allowed": all(told.allowed for told in found)}
    answer_with(
        answer,
        as_json,
        lambda say: [_line(told) for told in found] or [say.say("seatmap.same")],
    )


def _line(told: Told) -> str:
    return f"{told.name} {told.field}: {told.shared} → {told.local}{'' if told.allowed else ' !'}"
