"""What every `classtap seatmap …` command shares: files in and out, answers for scripts and for people."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from classtap_cli.invocation import PROGRAMS, instant_ms, own, sentences
from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.seating.audience import Audience

File = Annotated[Path, typer.Argument(metavar="FILE", help="A seat map in any format we read.")]
Out = Annotated[Path, typer.Option("-o", "--out", metavar="OUT", help="Where to write.")]
For = Annotated[Audience, typer.Option("--for", help="Clients see public spots with their aliases, and no zones.")]
Scale = Annotated[int | None, typer.Option("--scale", min=1, max=100_000, metavar="N", help="Draw at 1:N.")]
Dpi = Annotated[int, typer.Option("--dpi", min=20, max=1200, help="Dots an inch of a PNG.")]


def answer_with(found: dict[str, Any], as_json: bool, lines: Any) -> None:
    """JSON for scripts (--json, or when standard output is no terminal), sentences for people."""
    if as_json or not sys.stdout.isatty():
        print(json.dumps(found, ensure_ascii=False))
    else:
        print("\n".join(lines(sentences())))


def check_options(data: Path | None, program: str, now: str | None) -> None:
    """What every command takes, though these need neither store nor clock."""
    if program not in PROGRAMS:
        raise typer.BadParameter(f"--as is one of {', '.join(PROGRAMS)}")
    instant_ms(now)
    if data is not None:
        own(data)


def wrong_use(code: str) -> None:
    print(sentences().say(f"error.{code}"), file=sys.stderr)
    raise typer.Exit(2)


def data_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise EnvironmentFault("file.cannot_read", file=str(file), why=error.strerror or "") from error


def leave(out: Path, data: bytes) -> None:
    """Write a file whole or not at all. Raises EnvironmentFault."""
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        beside.write_bytes(data)
        beside.replace(out)
    except (OSError, ValueError) as error:
        beside.unlink(missing_ok=True)
        why = getattr(error, "strerror", None) or str(error)
        raise EnvironmentFault("file.cannot_write", file=str(out), why=why) from error
