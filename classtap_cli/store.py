"""`classtap store`: is a device's store sound, and how is its key kept; `keeping` has what a bad day needs."""

from typing import Annotated

import typer

from classtap_cli import keeping
from classtap_cli.invocation import As, Data, Json, Now, answering, invocation, print_json
from classtap_cli.reach import ask

Keep = Annotated[
    int | None, typer.Option("--keep", metavar="DAYS", help="Have what is settled stay so many days, a week at least.")
]

app = typer.Typer(no_args_is_help=True, help="A device's encrypted store.")
key = typer.Typer(no_args_is_help=True, help="The key of a store.")
app.add_typer(key, name="key")


@app.command()
@answering
def check(data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Verify chain, rows, file and blobs. Exit code 1 when something is wrong."""
    found = ask(invocation(data, program, now, json), "store.check")
    print_json(found)
    if not found["ok"]:
        raise typer.Exit(1)


@app.command()
@answering
def space(keep: Keep = None, data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Say how much room there is, what photos and documents take, and how long what is settled stays."""
    print_json(ask(invocation(data, program, now, json), "store.space", days=keep))


@key.command("status")
@answering
def key_status(data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Say how the store's key is kept: in the system's keyring, or in a closed file."""
    print_json(ask(invocation(data, program, now, json), "store.key"))


keeping.mount(app, key)
