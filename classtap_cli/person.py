"""`classtap person`: have somebody erased, for good."""

from typing import Annotated

import typer

from classtap_cli.exporting import PinFile, WhoArgument
from classtap_cli.invocation import As, Data, Json, Now, answering, invocation, say
from classtap_cli.reach import ask

app = typer.Typer(no_args_is_help=True, help="One person's data.")

Sure = Annotated[bool, typer.Option("--yes", help="Do it. Without this it is only said what would go.")]
Why = Annotated[str, typer.Option("--why", metavar="CODE", help="request, retention or mistake, for the record.")]


@app.callback()
def people() -> None:
    """One person's data."""


@app.command("erase")
@answering
def erase(
    who: WhoArgument, yes: Sure = False, why: Why = "request", pin_file: PinFile = None, data: Data = None,
    program: As = "desk", now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Say what would go with somebody, a family whole; with --yes ask the cloud to erase it everywhere, for ever."""
    call = invocation(data, program, now, json)
    from classtap_cli.signing_in import asked_pin

    found = ask(call, "person.erase", who=who, why=why, pin=asked_pin(pin_file) if yes else "")
    names = ", ".join(one["name"] for one in found["people"])
    code = "cli.person_would_go" if found["operation"] is None else "cli.person_erasing"
    call.answer(found, say(code, names=names, goes=found["goes"], stays=", ".join(found["stays"]) or "–"))
