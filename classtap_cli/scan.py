"""`classtap scan IMAGE…`: what a kiosk would say of pictures; nothing is written."""

from pathlib import Path
from typing import Annotated, Any

import typer

from classtap_cli.invocation import As, Data, Json, Now, answering, complain, invocation, print_json
from classtap_cli.reach import ask
from classtap_core.kernel.errors import BadInput

Images = Annotated[list[Path], typer.Argument(metavar="IMAGE…", help="Pictures with passes on them.")]


@answering
def scan(images: Images, data: Data = None, program: As = "kiosk", now: Now = None, json: Json = False) -> None:
    """Read pictures and judge the passes on them: one line of JSON a code, at least one a picture."""
    call = invocation(data, program, now, json)
    from kiosk.decoding import Decoder
    from kiosk.sources import picture_of

    decoder = Decoder()
    missing = False
    for image in images:
        picture = picture_of(image)
        if picture is None and not image.is_file():
            complain(BadInput("image.missing", file=str(image)))
            missing = True
        look = None if picture is None else decoder.look(picture)
        lines: list[dict[str, Any]] = []
        for sighting in look.sightings if look else ():
            wanted = {"text": sighting.text, "decoder": sighting.decoder, "decode_ms": sighting.ms}
            lines.append(ask(call, "scan", **wanted))
        for line in lines or [_unread(0.0 if look is None else look.ms, "no_picture" if look is None else "no_code")]:
            print_json({"file": str(image), **line})
    if missing:
        raise typer.Exit(1)


def _unread(decode_ms: float, reason: str) -> dict[str, Any]:
    from kiosk import showing

    return {**showing.unread(decode_ms=decode_ms, frame=0), "reason": reason}
