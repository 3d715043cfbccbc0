"""The `classtap` command and its groups."""

from importlib.metadata import version
from typing import Annotated

import typer

from classtap_cli.demo.command import demo

app = typer.Typer(name="classtap", no_args_is_help=True, help="A small studio's front desk, kiosk and cloud.")

app.command("demo")(demo)


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
