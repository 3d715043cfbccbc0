"""How every command is called: its data folder, its program, its clock, and how it answers."""

import functools
import json
import os
import shlex
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import platformdirs
import typer

from classtap_core.kernel.clock import SystemClock
from classtap_core.kernel.errors import BadInput, ClassTapError, EnvironmentFault, Refused
from resources.text import Catalogue

PROGRAMS = ("desk", "kiosk", "cloud")

Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="The data folder (default: the platform's own).")
]
As = Annotated[str, typer.Option("--as", metavar="PROGRAM", help="Whose store: desk, kiosk or cloud.")]
Now = Annotated[str | None, typer.Option("--now", metavar="ISO", help="Start the clock there (not on a live studio).")]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]

P = ParamSpec("P")


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """What a command was called with. `folder` is the program's own, inside `data`."""

    data: Path
    program: str
    clock: SystemClock
    json: bool

    @property
    def folder(self) -> Path:
        return self.data / self.program

    def answer(self, found: dict[str, Any], sentence: str = "") -> None:
        """Print a result: JSON with --json (or where there is no sentence), else the sentence."""
        if self.json or not sentence:
            print_json(found)
        else:
            print(sentence)

    def check_environment(self, environment: str) -> None:
        """Raises Refused `now.live` when the clock was shifted and the studio is a live one."""
        if self.clock.shifted and environment == "live":
            raise Refused("now.live")


def print_json(found: Any) -> None:
    """One line of JSON, at once."""
    print(json.dumps(found, ensure_ascii=False), flush=True)


def invocation(data: Path | None, program: str, now: str | None, as_json: bool) -> Invocation:
    """Check what every command is called with. Raises BadInput and EnvironmentFault."""
    call = looking(data, program, now, as_json)
    own(call.data)
    return call


def looking(data: Path | None, program: str, now: str | None, as_json: bool) -> Invocation:
    """The same for a command that says itself what is wrong with the folder, and makes none. Raises BadInput."""
    if program not in PROGRAMS:
        raise typer.BadParameter(f"--as is one of {', '.join(PROGRAMS)}")
    folder = data or Path(os.environ.get("CLASSTAP_DATA") or platformdirs.user_data_dir("ClassTap", appauthor=False))
    return Invocation(data=folder, program=program, clock=SystemClock(instant_ms(now)), json=as_json)


def own(folder: Path) -> Path:
    """Make a folder for this user alone (0700). Raises EnvironmentFault when others can look in, or it cannot be made."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentFault("folder.cannot_make", folder=str(folder), why=error.strerror or "") from error
    if os.name == "posix" and stat.S_IMODE(folder.stat().st_mode) & 0o077:
        raise EnvironmentFault(
            "folder.open_to_others", folder=str(folder), command=f"chmod 700 {shlex.quote(str(folder))}"
        )
    return folder


def instant_ms(text: str | None) -> int | None:
    """An ISO 8601 date and time as milliseconds since the Unix epoch; without an offset it is UTC."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput("now.not_iso", text=text) from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def sentences() -> Catalogue:
    """The catalogue in the language of whoever runs the command."""
    language = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "en")
    return Catalogue(language.split(".")[0])


def say(code: str, /, **params: object) -> str:
    """The sentence of a code, without what only a screen needs."""
    shown = {name: str(value) if name in _NAMES else value for name, value in params.items()}
    return sentences().say(code, **shown).translate(_UNSEEN)


_NAMES = ("pid", "port", "status")
"""Numbers that are names: not grouped like amounts."""

_UNSEEN = dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069"))
"""Direction isolates: a terminal prints them as boxes, and nobody could copy a command from between them."""


def sentence_of(trouble: ClassTapError) -> str:
    """What happened, what it means and what to do."""
    code = f"error.{trouble.code}"
    return say(code, **trouble.params) if sentences().has(code) else say("error.cli.unknown", code=str(trouble))


def complain(trouble: ClassTapError) -> None:
    """Say an error in one sentence on stderr."""
    print(sentence_of(trouble), file=sys.stderr)


WRONG_VALUES = frozenset(
    {
        "now.not_iso", "time.date", "time.local", "time.zone", "session.id", "contested.id", "audit.most", "audit.text",
        "audit.after", "link.minutes", "relay.address", "store.retention", "recovery.public", "import.kind", "seatmap.template",
        "seatmap.parameter", "cloud.url", "brand.colour",
    }
)  # fmt: skip
"""Codes of a value that cannot be what its option or argument asks for, whatever the studio says. A file's content that
is wrong is a refusal."""


def answering(command: Callable[P, None]) -> Callable[P, None]:
    """Turn what a person can be told into one sentence on stderr and exit code 1, or 2 for a value that is wrong use
    (`WRONG_VALUES`); our own faults too, without a trace.

    `CLASSTAP_TRACE=1` lets a fault through, for whoever mends it.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except ClassTapError as trouble:
            complain(trouble)
            raise typer.Exit(2 if trouble.code in WRONG_VALUES else 1) from None
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except Exception as fault:
            if os.environ.get("CLASSTAP_TRACE"):
                raise
            complain(EnvironmentFault("cli.fault", fault=type(fault).__name__))
            raise typer.Exit(1) from None

    return run
