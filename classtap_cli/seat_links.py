"""`classtap seatmap link`: a short-lived address at which anybody who has it sees which seats of a class are free."""

from typing import Annotated

import typer

from classtap_cli.cloud import served_at
from classtap_cli.invocation import Data, Json, Now, answering, invocation, say
from classtap_cli.opened_cloud import Database, Studio, chosen, opened_cloud
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id, parse

SessionArgument = Annotated[str, typer.Argument(metavar="SESSION", help="The class's session, by its id.")]
MinutesOption = Annotated[int, typer.Option("--minutes", metavar="N", help="How long it opens, at most a week.")]
UrlOption = Annotated[str, typer.Option("--url", help="Where people reach this cloud, if not where it is served.")]
As = Annotated[str, typer.Option("--as", metavar="PROGRAM", help="Always cloud here.", hidden=True)]


@answering
def link(
    session: SessionArgument, minutes: MinutesOption = 60, studio: Studio = "", url: UrlOption = "",
    database: Database = "", data: Data = None, program: As = "cloud", now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Print an address that shows a session's seats and which are free, until it ends. Nothing can be booked there."""
    call = invocation(data, "cloud", now, json)
    from classtap_cli.questions.device import iso
    from cloud.pages.frame import PREFIX
    from cloud.pages.links import LONGEST_MS, SeatLink, sealed
    from cloud.pages.seats import SeatPages

    most = LONGEST_MS // 60_000
    if not 1 <= minutes <= most:
        raise BadInput("link.minutes", most=most)
    with opened_cloud(call, database) as cloud:
        entry = chosen(cloud, studio)
        SeatPages(cloud.studios).states(entry.id, _session(session))
        expires = cloud.clock.now().corrected + minutes * 60_000
        text = sealed(cloud.books.secret, SeatLink(entry.id, _session(session), expires))
    base = (url or served_at(call.folder)).rstrip("/")
    found = {"url": f"{base}{PREFIX}/seats/{text}", "expires": iso(expires)}
    call.answer(found, say("seatmap.link", until=found["expires"], url=found["url"]))


def _session(text: str) -> Id:
    try:
        return parse(text)
    except ValueError as error:
        raise BadInput("session.id", session=text[:40]) from error
