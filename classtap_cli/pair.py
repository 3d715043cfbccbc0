"""`classtap pair URL CODE`, or `--scan` with a camera: make this program a device of the studio that gave the code."""

from typing import TYPE_CHECKING, Annotated

import typer

from classtap_cli.invocation import As, Data, Json, Now, answering, invocation, say
from classtap_cli.reach import ring
from classtap_core.kernel.errors import BadInput, EnvironmentFault, Refused

if TYPE_CHECKING:
    from sync.client.node import Node

Url = Annotated[str, typer.Argument(metavar="URL", help="Where the cloud is, as shown with the code.")]
Code = Annotated[str, typer.Argument(metavar="CODE", help="The one-time code.")]
Scan = Annotated[
    str, typer.Option("--scan", metavar="SOURCE", help="Read the desk's QR code: a camera's index, or a picture.")
]
Name = Annotated[str, typer.Option("--name", help="What this device is called, where the code does not say.")]

_PATIENCE_MS = 120_000
"""How long a camera looks for a code."""


@answering
def pair(
    url: Url = "", code: Code = "", scan: Scan = "", name: Name = "", data: Data = None, program: As = "desk",
    now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Become a device of a studio by a one-time code, and take what the device may hold."""
    call = invocation(data, program, now, json)
    if bool(scan) == bool(url and code):
        raise typer.BadParameter("URL and CODE, or --scan SOURCE")
    if url and not url.startswith(("http://", "https://")):
        raise typer.BadParameter("URL begins with http:// or https://")
    if scan:
        url, code = _seen(scan)
    from sync.client.node import Node
    from sync.client.transport import Rejected, Unreachable

    if call.program == "cloud":
        raise Refused("device.needed")
    try:
        with Node.pair(
            call.folder, url=url, code=code, name=name, program=program, clock=call.clock, ring=ring()
        ) as node:
            papers = node.papers
            whole = _bootstrapped(node)
    except Unreachable as error:
        raise EnvironmentFault("cloud.unreachable", url=url) from error
    except Rejected as no:
        raise Refused(no.code, **no.params) from no
    found = {
        "studio": papers.studio,
        "studio_name": papers.studio_name,
        "device": papers.device,
        "role": papers.role,
        "location": papers.location,
        "bootstrapped": whole,
    }
    call.answer(found, say("cli.paired" if whole else "cli.paired_bare", program=program, studio=papers.studio_name))


def _seen(scan: str) -> tuple[str, str]:
    """Where the cloud is and the code, from what a camera or a picture shows. Raises BadInput."""
    from kiosk.camera import every_frame
    from kiosk.decoding import Decoder
    from kiosk.sources import source_of
    from sync.pairing import read_link

    decoder, other = Decoder(), False
    for frame in every_frame(source_of(scan)):
        if frame.at_ms > _PATIENCE_MS:
            break
        for sighting in decoder.look(frame.picture).sightings:
            if sighting.decoder is not None:
                try:
                    return read_link(sighting.text)
                except BadInput:
                    other = True
    if other:
        raise BadInput("pair.link")
    raise BadInput("pair.nothing_seen")


def _bootstrapped(node: "Node") -> bool:
    """Take what the device may hold; a network that goes away meanwhile costs a later round, not the pairing."""
    from sync.client.transport import Unreachable

    try:
        node.engine.once()
    except Unreachable:
        return False
    return True
