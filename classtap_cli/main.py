"""The `classtap` command and its groups."""

import sys
from importlib.metadata import version
from typing import Annotated, Any

import typer

from classtap_cli import (
    audit,
    cloud,
    doctor,
    exporting,
    importing,
    pair,
    passes,
    person,
    programs,
    roster,
    scan,
    seatmap,
    store,
    sync,
)
from classtap_cli.demo.command import demo
from classtap_cli.invocation import say
from classtap_cli.memory import keep_out_of_crash_files


class Classtap(typer.Typer):
    """A Typer that says wrong use in one sentence, exit code 2, where Typer draws a box."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        keep_out_of_crash_files()
        try:
            code = super().__call__(*args, standalone_mode=False, **kwargs)
        except typer.Abort:
            sys.exit(130)
        except _WRONG_USE as wrong:
            print(_sentence(wrong), file=sys.stderr)
            sys.exit(2)
        sys.exit(code if isinstance(code, int) else 0)


# Typer carries its own copy of click, whose exceptions have no public name but through this one.
_WRONG_USE: type[Any] = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


def _sentence(wrong: Any) -> str:
    """What was wrong, and where to read how it is done."""
    asked = wrong.ctx.command_path if getattr(wrong, "ctx", None) else "classtap"
    if type(wrong).__name__ == "NoArgsIsHelpError":
        return str(wrong.format_message())
    words = " ".join(wrong.format_message().split()).rstrip(".")
    return say("cli.wrong_use", why=words, help=f"{asked} --help")


app = Classtap(
    name="classtap",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="A small studio's front desk, kiosk and cloud.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("classtap"))
        raise typer.Exit


@app.callback()
def classtap(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Read the global options."""


app.command("demo")(demo)
app.add_typer(seatmap.app)
app.command("desk")(programs.desk)
app.command("kiosk")(programs.kiosk)
app.command("scan")(scan.scan)
app.command("pair")(pair.pair)
app.command("roster")(roster.roster)
app.command("doctor")(doctor.doctor)
app.add_typer(importing.app, name="import")
app.add_typer(exporting.app, name="export")
app.add_typer(person.app, name="person")
app.add_typer(passes.app, name="pass")
app.add_typer(store.app, name="store")
app.add_typer(audit.app, name="audit")
app.add_typer(sync.app, name="sync")
app.add_typer(cloud.app, name="cloud")
