"""`classtap sync relay`: which devices hear each other in this network, whether they may, and where they are."""

from typing import Annotated, Any

import typer

from classtap_cli.invocation import As, Data, Invocation, Json, Now, answering, instant_ms, invocation, say, sentences
from classtap_cli.reach import ask

app = typer.Typer(help="Devices of one network that tell each other what the cloud does not know yet.")

Addresses = Annotated[list[str] | None, typer.Argument(metavar="[HOST:PORT]...", help="Addresses to try from now on.")]
Forget = Annotated[bool, typer.Option("--none", help="Try no written addresses any more.")]


@app.callback(invoke_without_command=True)
@answering
def relay(
    context: typer.Context, data: Data = None, program: As = "desk", now: Now = None, json: Json = False
) -> None:  # fmt: skip
    """Say which devices of the studio this one hears in its network, and what stands in the way."""
    if context.invoked_subcommand is None:
        call = invocation(data, program, now, json)
        _tell(call, ask(call, "sync.relay"))


@app.command("on")
@answering
def on(data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Tell the other devices of this network what the cloud does not know yet, and listen to them."""
    _switch(invocation(data, program, now, json), on=True)


@app.command("off")
@answering
def off(data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Tell nobody in this network anything, and listen to nobody."""
    _switch(invocation(data, program, now, json), on=False)


@app.command("peers")
@answering
def peers(
    addresses: Addresses = None, none: Forget = False, data: Data = None, program: As = "desk", now: Now = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Have these addresses tried, in a network that lets devices not find each other; without any, say which are."""
    if addresses and none:
        raise typer.BadParameter("either addresses or --none")
    call = invocation(data, program, now, json)
    given = addresses or ([] if none else None)
    _tell(call, ask(call, "sync.relay.peers", peers=given))


def _switch(call: Invocation, *, on: bool) -> None:
    _tell(call, ask(call, "sync.relay.switch", on=on))


def _tell(call: Invocation, found: dict[str, Any]) -> None:
    call.answer(found, "\n".join(_lines(found, call.clock.now().corrected)))


def _lines(found: dict[str, Any], now_ms: int) -> list[str]:
    """What it means, a line for each device that is heard, and the addresses that are tried."""
    said = [meaning(found)]
    for one in found["neighbours"]:
        seconds = max(0, now_ms - (instant_ms(one["heard"]) or now_ms)) // 1_000
        ago = say("desk.ago", span=sentences().ago(seconds)) if seconds else say("desk.just_now")
        said.append(say("relay.neighbour", name=one["name"], address=one["address"], ago=ago))
    if found["port"]:
        said.append(say("relay.port", port=found["port"]))
    if found["peers"]:
        said.append(say("relay.peers", peers=", ".join(found["peers"])))
    return said


def meaning(found: dict[str, Any]) -> str:
    """Who hears whom, or what stands in the way and what to do about it."""
    from sync.client.relay.saying import relay_codes

    if found["on"] and not found["running"]:
        return say("relay.no_program")
    heard, words = len(found["neighbours"]), sentences()
    codes = relay_codes(on=found["on"], trouble=found["trouble"], heard=heard)
    return " ".join(words.say_n(code, heard + 1, code=found["trouble"]) for code in codes)
