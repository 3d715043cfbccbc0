"""`classtap sync`: how the queue stands, a round now, and what was said and answered."""

from pathlib import Path
from typing import Annotated

import typer

from classtap_cli import relay
from classtap_cli.invocation import As, Data, Invocation, Json, Now, answering, invocation, print_json
from classtap_cli.reach import ask

app = typer.Typer(no_args_is_help=True, help="A device and the cloud: status, one round, the log.")
app.add_typer(relay.app, name="relay")

Most = Annotated[int, typer.Option("--most", min=1, max=10_000, help="How many of the newest.")]

Support = Annotated[bool, typer.Option("--support", help="For support: no names, ids hashed.")]
Fact = Annotated[str, typer.Argument(metavar="OPERATION", help="A contested fact, as `sync contested` names it.")]
PinFile = Annotated[Path | None, typer.Option("--pin-file", metavar="FILE", help="A file with the PIN, not asked for.")]
Sequence = Annotated[int, typer.Argument(min=0, help="An operation by its sequence; without it, all.")]


@app.command()
@answering
def once(data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Do one full round: bootstrap what is missing, send all, take all."""
    _tell(invocation(data, program, now, json), "sync.once")


@app.command()
@answering
def status(data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Say how this device stands with the cloud."""
    _tell(invocation(data, program, now, json), "status")


@app.command()
@answering
def log(
    most: Most = 50, support: Support = False, data: Data = None, program: As = "desk", now: Now = None,
    json: Json = False,
) -> None:  # fmt: skip
    """List this device's newest operations, one line each: what was told, and what the cloud answered."""
    for entry in ask(invocation(data, program, now, json), "sync.support" if support else "sync.log", most=most):
        print_json(entry)


@app.command()
@answering
def health(data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Say how this device is: queue, clock, what was set aside, room on the disk."""
    print_json(ask(invocation(data, program, now, json), "sync.health"))


@app.command()
@answering
def retry(sequence: Sequence = 0, data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Say again what the cloud has set aside: all of it, or one operation."""
    print_json(ask(invocation(data, program, now, json), "sync.retry", sequence=sequence))


@app.command()
@answering
def pause(data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Ask the cloud nothing from now on; what people do waits in the queue."""
    print_json(ask(invocation(data, program, now, json), "sync.pause", paused=True))


@app.command()
@answering
def resume(data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Go on after a pause."""
    print_json(ask(invocation(data, program, now, json), "sync.pause", paused=False))


@app.command()
@answering
def compare(data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Compare all that is held with the cloud's, and fetch what differs."""
    print_json(ask(invocation(data, program, now, json), "sync.compare"))


@app.command()
@answering
def devices(data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """List the studio's devices as the cloud knows them: last contact, queue, room, protection."""
    for found in ask(invocation(data, program, now, json), "sync.devices"):
        print_json(found)


@app.command()
@answering
def contested(data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """List what was told without the right to, by whatever device, and waits to be decided: one line each."""
    for found in ask(invocation(data, program, now, json), "sync.contested"):
        print_json(found)


@app.command()
@answering
def believe(
    fact: Fact, pin_file: PinFile = None, data: Data = None, program: As = "desk", now: Now = None, json: Json = False
) -> None:  # fmt: skip
    """Say that a contested fact happened, as the member of staff whose PIN is given; the cloud decides with the next round."""
    _rule(fact, pin_file, invocation(data, program, now, json), happened=True)


@app.command()
@answering
def dismiss(
    fact: Fact, pin_file: PinFile = None, data: Data = None, program: As = "desk", now: Now = None, json: Json = False
) -> None:  # fmt: skip
    """Say that a contested fact did not happen, as the member of staff whose PIN is given."""
    _rule(fact, pin_file, invocation(data, program, now, json), happened=False)


def _tell(call: Invocation, question: str) -> None:
    """How the device stands; the relay also in a sentence, in the language of whoever asks."""
    found = ask(call, question)
    print_json({**found, "relay": {**found["relay"], "said": relay.meaning(found["relay"])}})


def _rule(fact: str, pin_file: Path | None, call: Invocation, *, happened: bool) -> None:
    from classtap_cli.signing_in import asked_pin

    print_json(ask(call, "sync.rule", fact=fact, happened=happened, pin=asked_pin(pin_file)))
