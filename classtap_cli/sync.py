"""`classtap sync`: how the queue stands, a round now, and what was said and answered."""

from typing import Annotated

import typer

from classtap_cli.invocation import As, Data, Json, Now, answering, invocation, print_json
from classtap_cli.reach import ask

app = typer.Typer(no_args_is_help=True, help="A device and the cloud: status, one round, the log.")

Most = Annotated[int, typer.Option("--most", min=1, max=10_000, help="How many of the newest.")]


@app.command()
@answering
def once(data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Do one full round: bootstrap what is missing, send all, take all."""
    print_json(ask(invocation(data, program, now, json), "sync.once"))


@app.command()
@answering
def status(data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Say how this device stands with the cloud."""
    print_json(ask(invocation(data, program, now, json), "status"))


@app.command()
@answering
def log(most: Most = 50, data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """List this device's newest operations, one line each: what was told, and what the cloud answered."""
    for entry in ask(invocation(data, program, now, json), "sync.log", most=most):
        print_json(entry)
