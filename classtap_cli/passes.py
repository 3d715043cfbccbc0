"""`classtap pass`: have a pass issued, judge one, switch one off."""

from pathlib import Path
from typing import Annotated

import typer

from classtap_cli.invocation import As, Data, Json, Now, answering, invocation, print_json, say
from classtap_cli.reach import ask

app = typer.Typer(no_args_is_help=True, help="Families' passes.")

FamilyArgument = Annotated[str, typer.Argument(metavar="FAMILY", help="The family's id, or its name.")]
Out = Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="FILE.png, .svg, .pdf or .ndef.")]
SheetOut = Annotated[Path, typer.Option("-o", "--out", metavar="FILE.pdf", help="The PDF to write.")]
TextArgument = Annotated[str, typer.Argument(metavar="TEXT", help="What the code says, as a scanner gives it.")]
PinFile = Annotated[Path | None, typer.Option("--pin-file", metavar="FILE", help="A file with the PIN, not asked for.")]
Dark = Annotated[str, typer.Option("--dark", metavar="#RRGGBB", help="The code's colour, of a PNG.")]
Light = Annotated[str, typer.Option("--light", metavar="#RRGGBB", help="Its ground, of a PNG.")]
Logo = Annotated[Path | None, typer.Option("--logo", metavar="FILE", help="A PNG or JPEG for its middle, of a PNG.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the record.")]


@app.command()
@answering
def issue(
    family: FamilyArgument, out: Out, dark: Dark = "", light: Light = "", logo: Logo = None,
    data: Data = None, program: As = "desk", now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Ask the cloud for a family's pass and write it as a picture, a drawing or a card to print.

    A PNG has the studio's colours and logo unless others are given; they are taken only where cameras still read the
    picture. If not, it says why.
    """
    call = invocation(data, program, now, json)
    from classtap_cli.cards import WRITERS

    write = WRITERS.get(out.suffix.lower())
    if write is None:
        raise typer.BadParameter(f"FILE ends in {', '.join(WRITERS)}", param_hint="-o")
    plain = (dark, light, logo) == ("", "", None)
    if not plain and out.suffix.lower() != ".png":
        raise typer.BadParameter("colours and a logo go with a PNG", param_hint="-o")
    issued = ask(call, "pass.issue", family=family)
    if plain:
        write(out, issued)
    else:
        from classtap_cli.cards import branded_png

        branded_png(out, issued, dark=dark, light=light, logo=logo)
    found = {"family": issued["family"], "file": str(out), "expires": issued["expires"]}
    call.answer(found, say("cli.pass_issued", name=issued["name"], file=str(out)))


@app.command()
@answering
def sheet(out: SheetOut, data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Ask the cloud for every family's pass and write them as cards to print and cut out, ten on a page."""
    call = invocation(data, program, now, json)
    from classtap_cli.cards import sheet as write

    found = ask(call, "pass.sheet")
    write(out, found)
    cards = len(found["cards"])
    call.answer({"file": str(out), "cards": cards}, say("cli.pass_sheet", cards=cards, file=str(out)))


MOST = 4_000
"""A pass has fewer than 200 signs: of a longer text so much is judged, and told unreadable like the whole."""


@app.command()
@answering
def verify(text: TextArgument, data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Judge a pass's text as this device would at the door; nothing is written."""
    print_json(ask(invocation(data, program, now, json), "pass.verify", text=text[:MOST]))


@app.command()
@answering
def history(
    family: FamilyArgument, data: Data = None, program: As = "desk", now: Now = None, json: Json = False
) -> None:
    """Tell how a family's pass stands, and every epoch and revocation of it, newest first."""
    print_json(ask(invocation(data, program, now, json), "pass.history", family=family))


@app.command()
@answering
def revoke(
    family: FamilyArgument, reason: Why = "", pin_file: PinFile = None, data: Data = None, program: As = "desk",
    now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Switch a family's pass off, at once and without a network, as the member of staff whose PIN is given."""
    call = invocation(data, program, now, json)
    from classtap_cli.signing_in import asked_pin

    found = ask(call, "pass.revoke", family=family, pin=asked_pin(pin_file), reason=reason)
    call.answer(found, say("cli.pass_revoked", name=found["name"]))
