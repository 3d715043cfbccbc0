"""`classtap pair URL CODE`: make this program a device of the studio that gave the code."""

from typing import Annotated

import typer

from classtap_cli.invocation import As, Data, Json, Now, answering, invocation, say
from classtap_cli.reach import ring
from classtap_core.kernel.errors import EnvironmentFault, Refused

Url = Annotated[str, typer.Argument(metavar="URL", help="Where the cloud is, as shown with the code.")]
Code = Annotated[str, typer.Argument(metavar="CODE", help="The one-time code.")]
Name = Annotated[str, typer.Option("--name", help="What this device is called, where the code does not say.")]


@answering
def pair(
    url: Url, code: Code, name: Name = "", data: Data = None, program: As = "desk", now: Now = None, json: Json = False
) -> None:
    """Become a device of a studio by a one-time code, and take what the device may hold."""
    call = invocation(data, program, now, json)
    from sync.client.node import Node
    from sync.client.transport import Rejected, Unreachable

    if call.program == "cloud":
        raise Refused("device.needed")
    try:
        with Node.open(call.folder, program=program, clock=call.clock, ring=ring()) as paired:
            raise Refused("store.paired", studio=paired.papers.studio_name)
    except Refused as refused:
        if refused.code != "store.unpaired":
            raise
    try:
        with Node.pair(
            call.folder, url=url, code=code, name=name or program, program=program, clock=call.clock, ring=ring()
        ) as node:
            node.engine.once()
            papers = node.papers
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
    }
    call.answer(found, say("cli.paired", program=program, studio=papers.studio_name))
