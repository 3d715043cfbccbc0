"""`classtap pair URL CODE`: make this program a device of the studio that gave the code."""

from typing import TYPE_CHECKING, Annotated

import typer

from classtap_cli.invocation import As, Data, Json, Now, answering, invocation, say
from classtap_cli.reach import ring
from classtap_core.kernel.errors import EnvironmentFault, Refused

if TYPE_CHECKING:
    from sync.client.node import Node

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
        with Node.pair(
            call.folder, url=url, code=code, name=name or program, program=program, clock=call.clock, ring=ring()
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


def _bootstrapped(node: "Node") -> bool:
    """Take what the device may hold; a network that goes away meanwhile costs a later round, not the pairing."""
    from sync.client.transport import Unreachable

    try:
        node.engine.once()
    except Unreachable:
        return False
    return True
