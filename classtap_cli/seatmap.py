"""`classtap seatmap …`: read, check, draw, number and compare seat maps as files, with no store and no network."""

import json
import os
import sys
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from classtap_cli import seat_links
from classtap_cli.invocation import PROGRAMS, As, Data, Json, Now, answering, instant_ms, own, sentences
from classtap_core.kernel.errors import BadInput, EnvironmentFault
from classtap_core.kernel.ids import fresh
from classtap_core.seating import drawing, numbering, templates
from classtap_core.seating.audience import Audience
from classtap_core.seating.diff import as_plain, difference
from classtap_core.seating.diff_drawing import DiffCaptions, diff_sheet
from classtap_core.seating.fitting import fitted_to, with_counts_kept
from classtap_core.seating.formats.known import Format, read, write
from classtap_core.seating.formats.native import read_json, write_native
from classtap_core.seating.formats.report import Note, Report
from classtap_core.seating.formats.svg import write_svg
from classtap_core.seating.laying import lay_out
from classtap_core.seating.model import Room, SeatMap, Unit
from classtap_core.seating.placards import placard_sheets
from classtap_core.seating.units import entered
from classtap_core.seating.validation.checker import validate as find_violations
from classtap_core.seating.validation.telling import Teller
from classtap_desktop.canvas.sheet_pdf import printed
from classtap_desktop.canvas.sheet_png import write_png
from resources import path
from resources.text import Catalogue

app = typer.Typer(name="seatmap", no_args_is_help=True, help="Seat maps as files: read, check, draw, number, compare.")

File = Annotated[Path, typer.Argument(metavar="FILE", help="A seat map in any format we read.")]
Out = Annotated[Path, typer.Option("-o", "--out", metavar="OUT", help="Where to write.")]
For = Annotated[Audience, typer.Option("--for", help="Clients see public spots with their aliases, and no zones.")]
Scale = Annotated[int | None, typer.Option("--scale", min=1, max=100_000, metavar="N", help="Draw at 1:N.")]
Dpi = Annotated[int, typer.Option("--dpi", min=20, max=1200, help="Dots an inch of a PNG.")]


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
    _check_options(data, program, now)
    seat_map, report = read(_bytes(file), format, name=file.stem)
    _write(out, write_native(seat_map))
    _answer(_reported(report), as_json, lambda say: _report_lines(report, out, say))


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
    _check_options(data, program, now)
    seat_map, read_report = read(_bytes(file), name=file.stem)
    if format in PICTURES:
        made, lost = _drawn(seat_map, format.value, audience, scale, dpi)
        report = Report(read_report.seats, read_report.kept, read_report.repeated_ids, lost=lost)
    else:
        made, report = write(seat_map, Format(format.value))
    _write(out, made)
    _answer(_reported(report), as_json, lambda say: _report_lines(report, out, say))


@app.command()
@answering
def validate(file: File, data: Data = None, program: As = "desk", now: Now = None, as_json: Json = False) -> None:
    """Check a map against the real room; exit code 1 when something is wrong."""
    _check_options(data, program, now)
    seat_map, _ = read(_bytes(file), name=file.stem)
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
    _answer(answer, as_json, lambda say: [one["message"] for one in violations] or [say.say("seatmap.valid")])
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
    _check_options(data, program, now)
    kind = _ending(out)
    seat_map, _ = read(_bytes(file), name=file.stem)
    page = drawing.sheet(seat_map, audience=audience, scale=scale)
    made, lost = _drawn(seat_map, kind, audience, scale, dpi)
    _write(out, made)
    answer = {
        "file": str(out),
        "scale": page.scale,
        "page_mm": [round(page.width, 2), round(page.height, 2)],
        "lost": [_noted(note) for note in lost],
    }
    _answer(answer, as_json, lambda say: [say.say("seatmap.drawn", file=str(out), scale=str(page.scale))])


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
    _check_options(data, program, now)
    seat_map, _ = read(_bytes(file), name=file.stem)
    pages = placard_sheets(seat_map, audience)
    made, lost = _printed(pages, seat_map.name)
    _write(out, made)
    answer = {"file": str(out), "pages": len(pages), "lost": [_noted(note) for note in lost]}
    _answer(answer, as_json, lambda say: [say.say("seatmap.placards", file=str(out), pages=len(pages))])


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
    _check_options(data, program, now)
    file = path("seatmaps", f"{template}.json")
    if not template.replace("-", "").isalnum() or not file.is_file():
        raise BadInput("seatmap.template", template=template)
    if (fit or keep) and not room:
        raise typer.BadParameter("--fit and --keep need --room")
    known = templates.read_template(read_json(_bytes(file)))
    values = dict(_assigned(word) for word in set_ or ())
    walls = _room(room) if room else None
    if walls and (fit or keep):
        fitted = (with_counts_kept if keep else fitted_to)(known, walls, values)
        values = fitted.values
    seat_map = lay_out(known, values, seed=fresh(int(time.time() * 1000), os.urandom), room=walls)
    _write(out, write_native(seat_map))
    answer = {
        "file": str(out),
        "seats": len(seat_map.spots),
        "values": {**{name: one.value for name, one in templates.parameters(known).items()}, **values},
        "room_um": [seat_map.room.width_um, seat_map.room.length_um],
    }
    _answer(
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
    _check_options(data, program, now)
    seat_map, _ = read(_bytes(file), name=file.stem)
    how = numbering.read_rules(read_json(_bytes(rules)))
    changes = numbering.preview(seat_map, how)
    _write(out, write_native(numbering.number(seat_map, how)))
    answer = {"seats": len(seat_map.spots), "changed": [one._asdict() for one in changes]}
    _answer(
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
    _check_options(data, program, now)
    if out is not None:
        _ending(out)
    one, _ = read(_bytes(before), name=before.stem)
    other, _ = read(_bytes(after), name=after.stem)
    found = difference(one, other)
    if out is not None:
        page = diff_sheet(one, other, scale=scale, captions=_diff_captions(sentences()))
        _write(out, _page_as(page, _ending(out), other, Audience.CLIENTS, 144)[0])
    counts = {name: len(getattr(found, name)) for name in ("added", "removed", "moved", "renumbered", "changed")}
    answer = {"same": not found, **as_plain(found)}
    _answer(
        answer,
        as_json,
        lambda say: [say.say("seatmap.different", **counts) if found else say.say("seatmap.same")],
    )


app.command("link")(seat_links.link)


def _drawn(
    seat_map: SeatMap, kind: str, audience: Audience, scale: int | None, dpi: int
) -> tuple[bytes, tuple[Note, ...]]:
    return _page_as(drawing.sheet(seat_map, audience=audience, scale=scale), kind, seat_map, audience, dpi)


def _page_as(
    page: drawing.Sheet, kind: str, seat_map: SeatMap, audience: Audience, dpi: int
) -> tuple[bytes, tuple[Note, ...]]:
    if kind == "svg":
        return write_svg(seat_map, audience=audience, page=page), ()
    if kind == "png":
        return write_png(drawing.cropped(page), dpi=dpi), ()
    return _printed([page], seat_map.name)


def _ending(out: Path) -> str:
    kind = out.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg", "pdf"):
        _wrong_use("seatmap.render_ending")
    return kind


def _diff_captions(words: Catalogue) -> DiffCaptions:
    return DiffCaptions(*(words.say(f"seatmap.diff.{name}") for name in DiffCaptions._fields))


def _printed(pages: Sequence[drawing.Sheet], title: str) -> tuple[bytes, tuple[Note, ...]]:
    made, missing = printed(pages, title=title)
    return made, (Note("", f"letters without a font: {missing}"),) if missing else ()


def _answer(found: dict[str, Any], as_json: bool, lines: Any) -> None:
    """JSON for scripts (--json, or when standard output is no terminal), sentences for people."""
    if as_json or not sys.stdout.isatty():
        print(json.dumps(found, ensure_ascii=False))
    else:
        print("\n".join(lines(sentences())))


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


def _check_options(data: Path | None, program: str, now: str | None) -> None:
    """What every command takes, though these need neither store nor clock."""
    if program not in PROGRAMS:
        raise typer.BadParameter(f"--as is one of {', '.join(PROGRAMS)}")
    instant_ms(now)
    if data is not None:
        own(data)


def _wrong_use(code: str) -> None:
    print(sentences().say(f"error.{code}"), file=sys.stderr)
    raise typer.Exit(2)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise EnvironmentFault("file.cannot_read", file=str(file), why=error.strerror or "") from error


def _write(out: Path, data: bytes) -> None:
    """Write a file whole or not at all. Raises EnvironmentFault."""
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        beside.write_bytes(data)
        beside.replace(out)
    except (OSError, ValueError) as error:
        beside.unlink(missing_ok=True)
        why = getattr(error, "strerror", None) or str(error)
        raise EnvironmentFault("file.cannot_write", file=str(out), why=why) from error
