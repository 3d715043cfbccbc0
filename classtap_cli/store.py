"""`classtap store`: is a device's store sound, and how is its key kept; `keeping` has what a bad day needs."""

import typer

from classtap_cli import keeping
from classtap_cli.invocation import As, Data, Json, Now, answering, invocation, print_json
from classtap_cli.reach import ask

app = typer.Typer(no_args_is_help=True, help="A device's encrypted store.")
key = typer.Typer(no_args_is_help=True, help="The key of a store.")
app.add_typer(key, name="key")


@app.command()
@answering
def check(data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Verify chain, rows and file. Exit code 1 when something is wrong."""
    found = ask(invocation(data, program, now, json), "store.check")
    print_json(found)
    if not found["ok"]:
        raise typer.Exit(1)


@key.command("status")
@answering
def key_status(data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Say how the store's key is kept: in the system's keyring, or in a closed file."""
    print_json(ask(invocation(data, program, now, json), "store.key"))


keeping.mount(app, key)
