"""`classtap audit`: check the chains, list what was done."""

from typing import Annotated, Any

import typer

from classtap_cli.invocation import As, Data, Invocation, Json, Now, answering, invocation, print_json
from classtap_cli.opened_cloud import Database, Studio, chosen, opened_cloud
from classtap_cli.reach import ask
from classtap_core.kernel.errors import Refused

app = typer.Typer(no_args_is_help=True, help="The audit: a device's own chain, or every chain of the cloud.")

Most = Annotated[int, typer.Option("--most", min=1, max=10_000, help="How many of the newest.")]


@app.command()
@answering
def verify(
    data: Data = None, program: As = "desk", now: Now = None, json: Json = False, studio: Studio = "",
    database: Database = "",
) -> None:  # fmt: skip
    """Check every chain: nothing edited, removed or reordered. Exit code 1 when something is wrong."""
    call = invocation(data, program, now, json)
    found = _cloud_verified(call, studio, database) if program == "cloud" else ask(call, "audit.verify")
    print_json(found)
    if not found["ok"]:
        raise typer.Exit(1)


@app.command("list")
@answering
def list_(
    most: Most = 50, data: Data = None, program: As = "desk", now: Now = None, json: Json = False, studio: Studio = "",
    database: Database = "",
) -> None:  # fmt: skip
    """List the newest entries, one line each: who did what, when, and what came of it."""
    call = invocation(data, program, now, json)
    found = _decided(call, studio, database, most) if program == "cloud" else ask(call, "audit.list", most=most)
    for entry in found:
        print_json(entry)


def _cloud_verified(call: Invocation, named: str, database: str) -> dict[str, Any]:
    from cloud.storage.audit import audit
    from cloud.studios import is_signed

    entries = 0
    with opened_cloud(call, database) as cloud:
        studios = [chosen(cloud, named)] if named else cloud.studios.all()
        if not studios:
            raise Refused("cloud.empty")
        for studio in studios:
            found = audit(cloud.books, studio.id, verify=is_signed)
            entries += found.entries
            if found.first_bad is not None:
                bad = found.first_bad
                chain = bad.chain if len(studios) == 1 else f"{studio.id}:{bad.chain}"
                first = {"chain": chain, "sequence": bad.sequence, "why": bad.why}
                return {"ok": False, "entries": entries, "first_bad": first}
    return {"ok": True, "entries": entries, "first_bad": None}


def _decided(call: Invocation, named: str, database: str, most: int) -> list[dict[str, Any]]:
    import msgspec

    from classtap_cli.questions.device import iso
    from classtap_core.kernel.chain import Link
    from cloud.storage.audit import newest_links

    with opened_cloud(call, database) as cloud:
        links = newest_links(cloud.books, chosen(cloud, named).id, most=most)
    found = []
    for data in links:
        link = msgspec.json.decode(data, type=Link)
        found.append(
            {
                "chain": "studio",
                "sequence": link.sequence,
                "operation": link.operation,
                "kind": link.kind,
                "at": iso(link.decided),
                "device": link.device,
                "outcome": link.outcome.status.value,
            }
        )
    return found
