"""`classtap seatmap …`: read, check, draw, number and compare seat maps as files, with no store and no network."""

import os
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from classtap_cli import seat_links, seat_overrides
from classtap_cli.invocation import As, Data, Json, Now, answering, sentences
from classtap_cli.seat_files import Dpi, File, For, Out, Scale, answer_with, check_options, data_of, leave
from classtap_cli.seat_pictures import diff_captions, drawn, ending, page_as, printed
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import fresh
from classtap_core.seating import drawing, numbering, templates
from classtap_core.seating.audience import Audience
from classtap_core.seating.diff import as_plain, difference
from classtap_core.seating.diff_drawing import diff_sheet
from classtap_core.seating.fitting import fitted_to, with_counts_kept
from classtap_core.seating.formats.known import Format, read, write
from classtap_core.seating.formats.native import read_json, write_native
from classtap_core.seating.formats.report import Note, Report
from classtap_core.seating.laying import lay_out
from classtap_core.seating.model import Room, Unit
from classtap_core.seating.placards import placard_sheets
from classtap_core.seating.units import entered
from classtap_core.seating.validation.checker import validate as find_violations
from classtap_core.seating.validation.telling import Teller
from resources import path
from resources.text import Catalogue

app = typer.Typer(name="seatmap", no_args_is_help=True, help="Seat maps as files: read, check, draw, number, compare.")


class Target(StrEnum):
    """What `export` writes: the formats that can be read again, and pictures."""

    NATIVE = "native"
    PRETIX = "pretix"
    CSV = "csv"
    SVG = "svg"
    PDF = "pdf"
    PNG = "png"


PICTURES = (Target.SVG, Target.PDF, Target.PNG)


@app.command("import")
@answering
def import_file(
    file: File,
    out: Out,
    format: Annotated[Format | None, typer.Option("--format", help="Without it, by the file's first letters.")] = None,
    data: Data = None,
    program: As = "desk",
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Read a map of another program into a native file; every seat is kept, repeated ids are reported."""
    check_options(data, program, now)
    seat_map, report = read(data_of(file), format, name=file.stem)
    leave(out, write_native(seat_map))
    answer_with(_reported(report), as_json, lambda say: _report_lines(report, out, say))


@app.command("export")
@answering
def export_file(
    file: File,
    format: Annotated[Target, typer.Option("--format", help="What to write.")],
    out: Out,
    audience: For = Audience.STAFF,
    scale: Scale = None,
    dpi: Dpi = 144,
    data: Data = None,
    program: As = "desk",
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Write a map in another format, with its original ids, and say what that format cannot hold."""
    check_options(data, program, now)
    seat_map, read_report = read(data_of(file), name=file.stem)
    if format in PICTURES:
        made, lost = drawn(seat_map, format.value, audience, scale, dpi)
        report = Report(read_report.seats, read_report.kept, read_report.repeated_ids, lost=lost)
    else:
        made, report = write(seat_map, Format(format.value))
    leave(out, made)
    answer_with(_reported(report), as_json, lambda say: _report_lines(report, out, say))


@app.command()
@answering
def validate(file: File, data: Data = None, program: As = "desk", now: Now = None, as_json: Json = False) -> None:
    """Check a map against the real room; exit code 1 when something is wrong."""
    check_options(data, program, now)
    seat_map, _ = read(data_of(file), name=file.stem)
    teller, say = Teller(seat_map), sentences()
    violations = []
    for found in find_violations(seat_map):
        code, params = teller.told(found)
        violations.append(
            {
                "rule": found.rule.value,
                "items": list(found.items),
                "required": found.required,
                "actual": found.actual,
                "unit": found.unit,
                "message": say.say(code, **params),
                "at_um": list(found.at_um),
            }
        )
    answer = {"valid": not violations, "violations": violations}
    answer_with(answer, as_json, lambda say: [one["message"] for one in violations] or [say.say("seatmap.valid")])
    if violations:
        raise typer.Exit(1)


@app.command()
@answering
def render(
    file: File,
    out: Out,
    audience: For = Audience.STAFF,
    scale: Scale = None,
    dpi: Dpi = 144,
    data: Data = None,
    program: As = "desk",
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Draw a map to scale with its legend, as the ending of OUT says: .png, .svg or .pdf."""
    check_options(data, program, now)
    kind = ending(out)
    seat_map, _ = read(data_of(file), name=file.stem)
    page = drawing.sheet(seat_map, audience=audience, scale=scale)
    made, lost = drawn(seat_map, kind, audience, scale, dpi)
    leave(out, made)
    answer = {
        "file": str(out),
        "scale": page.scale,
        "page_mm": [round(page.width, 2), round(page.height, 2)],
        "lost": [_noted(note) for note in lost],
    }
    answer_with(answer, as_json, lambda say: [say.say("seatmap.drawn", file=str(out), scale=str(page.scale))])


@app.command()
@answering
def placards(
    file: File,
    out: Out,
    audience: For = Audience.CLIENTS,
    data: Data = None,
    program: As = "desk",
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Write a PDF of cards to cut out, one a spot, with the names as clients (or staff) read them."""
    check_options(data, program, now)
    seat_map, _ = read(data_of(file), name=file.stem)
    pages = placard_sheets(seat_map, audience)
    made, lost = printed(pages, seat_map.name)
    leave(out, made)
    answer = {"file": str(out), "pages": len(pages), "lost": [_noted(note) for note in lost]}
    answer_with(answer, as_json, lambda say: [say.say("seatmap.placards", file=str(out), pages=len(pages))])


@app.command("new")
@answering
def new_map(
    template: Annotated[str, typer.Argument(metavar="TEMPLATE", help="Such as reformer, cycling, mat, rowing.")],
    out: Out,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter; lengths in µm.")
    ] = None,
    room: Annotated[
        str | None, typer.Option("--room", metavar="WxL", help="The room in metres, such as 10.5x8.")
    ] = None,
    fit: Annotated[bool, typer.Option("--fit", help="As many as the room holds.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="As many as the template has, closer together.")] = False,
    data: Data = None,
    program: As = "desk",
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Lay out a room from a template, numbered and valid."""
    check_options(data, program, now)
    file = path("seatmaps", f"{template}.json")
    if not template.replace("-", "").isalnum() or not file.is_file():
        raise BadInput("seatmap.template", template=template)
    if (fit or keep) and not room:
        raise typer.BadParameter("--fit and --keep need --room")
    known = templates.read_template(read_json(data_of(file)))
    values = dict(_assigned(word) for word in set_ or ())
    walls = _room(room) if room else None
    if walls and (fit or keep):
        fitted = (with_counts_kept if keep else fitted_to)(known, walls, values)
        values = fitted.values
    seat_map = lay_out(known, values, seed=fresh(int(time.time() * 1000), os.urandom), room=walls)
    leave(out, write_native(seat_map))
    answer = {
        "file": str(out),
        "seats": len(seat_map.spots),
        "values": {**{name: one.value for name, one in templates.parameters(known).items()}, **values},
        "room_um": [seat_map.room.width_um, seat_map.room.length_um],
    }
    answer_with(
        answer,
        as_json,
        lambda say: [say.say("seatmap.kept", kept=len(seat_map.spots), seats=len(seat_map.spots), file=str(out))],
    )


def _assigned(word: str) -> tuple[str, int]:
    name, _, value = word.partition("=")
    if not value.isascii() or not value.lstrip("-").isdigit() or len(value) > 12:
        raise typer.BadParameter("--set takes NAME=VALUE with a whole number")
    return name, int(value)


def _room(text: str) -> Room:
    width, _, length = text.lower().partition("x")
    sides = (entered(width, Unit.METRE), entered(length, Unit.METRE))
    if min(sides) < 1_000_000:
        raise typer.BadParameter("--room takes WxL in metres, such as 10.5x8")
    return Room(width_um=sides[0], length_um=sides[1])


@app.command()
@answering
def number(
    file: File,
    rules: Annotated[Path, typer.Option("--rules", metavar="RULES", help="JSON, as resources/schema describes it.")],
    out: Out,
    data: Data = None,
    program: As = "desk",
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Label the spots of a map by rule, and write it as a native file."""
    check_options(data, program, now)
    seat_map, _ = read(data_of(file), name=file.stem)
    how = numbering.read_rules(read_json(data_of(rules)))
    changes = numbering.preview(seat_map, how)
    leave(out, write_native(numbering.number(seat_map, how)))
    answer = {"seats": len(seat_map.spots), "changed": [one._asdict() for one in changes]}
    answer_with(
        answer,
        as_json,
        lambda say: [say.say("seatmap.numbered", changed=len(changes), seats=len(seat_map.spots))],
    )


@app.command()
@answering
def diff(
    before: Annotated[Path, typer.Argument(metavar="A")],
    after: Annotated[Path, typer.Argument(metavar="B")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="OUT", help="Draw it too: .svg, .pdf or .png.")
    ] = None,
    scale: Scale = None,
    data: Data = None,
    program: As = "desk",
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Say what is different in B: spots added, removed, moved, renumbered; zones and settings changed."""
    check_options(data, program, now)
    if out is not None:
        ending(out)
    one, _ = read(data_of(before), name=before.stem)
    other, _ = read(data_of(after), name=after.stem)
    found = difference(one, other)
    if out is not None:
        page = diff_sheet(one, other, scale=scale, captions=diff_captions(sentences()))
        leave(out, page_as(page, ending(out), other, Audience.CLIENTS, 144)[0])
    counts = {name: len(getattr(found, name)) for name in ("added", "removed", "moved", "renumbered", "changed")}
    answer = {"same": not found, **as_plain(found)}
    answer_with(
        answer,
        as_json,
        lambda say: [say.say("seatmap.different", **counts) if found else say.say("seatmap.same")],
    )


app.command("overrides")(seat_overrides.overrides)
app.command("link")(seat_links.link)


def _reported(report: Report) -> dict[str, Any]:
    return {
        "seats": report.seats,
        "kept": report.kept,
        "repeated_ids": [{"id": one.id, "count": one.times} for one in report.repeated_ids],
        "mended": [_noted(note) for note in report.mended],
        "lost": [_noted(note) for note in report.lost],
    }


def _noted(note: Note) -> dict[str, str]:
    return {"path": note.path, "what": note.what}


def _report_lines(report: Report, out: Path, say: Catalogue) -> Sequence[str]:
    lines = [say.say("seatmap.kept", kept=report.kept, seats=report.seats, file=str(out))]
    if report.repeated_ids:
        surplus = sum(one.times - 1 for one in report.repeated_ids)
        lines.append(say.say("seatmap.repeated", ids=len(report.repeated_ids), surplus=surplus))
    lines += [say.say("seatmap.mended", path=note.path, what=note.what) for note in report.mended]
    lines += [say.say("seatmap.lost", what=note.what) for note in report.lost]
    return lines
