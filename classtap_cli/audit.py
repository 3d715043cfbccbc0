"""`classtap audit`: check the chains, list what was done, take it along, and check what was taken."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classtap_cli.invocation import (
    As,
    Data,
    Invocation,
    Json,
    Now,
    answering,
    instant_ms,
    invocation,
    print_json,
    sentences,
)
from classtap_cli.opened_cloud import Database, Studio, chosen, opened_cloud
from classtap_cli.reach import ask
from classtap_core.kernel.errors import Refused

app = typer.Typer(no_args_is_help=True, help="The audit: a device's own chain, or every chain of the cloud.")

if TYPE_CHECKING:
    from classtap_core.auditing.finding import Query
    from cloud.composition import Cloud

Most = Annotated[int, typer.Option("--most", min=1, max=100, help="How many of the newest.")]
Person = Annotated[str, typer.Option("--person", metavar="ID", help="Who did it, or whom it is about.")]
Thing = Annotated[str, typer.Option("--thing", metavar="ID", help="A record, session or child it is about.")]
Device = Annotated[str, typer.Option("--device", metavar="ID", help="The device that wrote it.")]
Kind = Annotated[str, typer.Option("--kind", metavar="OPERATION", help="Such as attendance.mark.")]
Since = Annotated[str | None, typer.Option("--since", metavar="ISO8601", help="From this instant on.")]
Until = Annotated[str | None, typer.Option("--until", metavar="ISO8601", help="Before this instant.")]
Text = Annotated[str, typer.Option("--text", metavar="WORDS", help="Words of its sentence, or of what was said.")]
Viewer = Annotated[
    str, typer.Option("--viewer", metavar="STAFF", help="As this member of staff may see it; without, all is masked.")
]


def _query(
    person: str, thing: str, device: str, kind: str, since: str | None, until: str | None, text: str, most: int
) -> "Query":  # fmt: skip
    from classtap_core.auditing.finding import Query

    return Query(
        person=person, thing=thing, device=device, kind=kind, since_ms=instant_ms(since) or 0,
        until_ms=instant_ms(until) or 0, text=text, most=most,
    )  # fmt: skip


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
    most: Most = 50, person: Person = "", thing: Thing = "", device: Device = "", kind: Kind = "", since: Since = None,
    until: Until = None, text: Text = "", viewer: Viewer = "", data: Data = None, program: As = "desk", now: Now = None,
    json: Json = False, studio: Studio = "", database: Database = "",
) -> None:  # fmt: skip
    """List the newest entries that fit, one line each: who did what, when, and what came of it."""
    call = invocation(data, program, now, json)
    query = _query(person, thing, device, kind, since, until, text, most)
    locale = sentences().locale
    if program == "cloud":
        found = _decided(call, studio, database, query, viewer, locale)
    else:
        found = ask(call, "audit.list", query=_plain(query), viewer=viewer, locale=locale)
    for entry in found:
        print_json(entry)


@app.command()
@answering
def export(
    out: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Or FILE.json. Beside it comes FILE.csv.manifest.json.")],
    person: Person = "", thing: Thing = "", device: Device = "", kind: Kind = "", since: Since = None,
    until: Until = None, text: Text = "", viewer: Viewer = "", data: Data = None, program: As = "desk", now: Now = None,
    json: Json = False, studio: Studio = "", database: Database = "",
) -> None:  # fmt: skip
    """Write all entries that fit to a CSV or JSON file, with a manifest signed by the device, or by the studio's own."""
    call = invocation(data, program, now, json)
    query = _query(person, thing, device, kind, since, until, text, 100)
    locale = sentences().locale
    if program == "cloud":
        found = _cloud_exported(call, studio, database, out, query, viewer, locale)
    else:
        found = ask(call, "audit.export", query=_plain(query), viewer=viewer, locale=locale, out=str(out.absolute()))
    print_json(found)


@app.command()
@answering
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv")], data: Data = None, program: As = "desk",
    now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Check an export against its manifest: who signed it is printed. Exit code 1 when either was changed."""
    invocation(data, program, now, json)
    from classtap_core.auditing.exporting import checked
    from sync.signed import is_signed

    manifest = checked(file, is_signed)
    print_json(
        {
            "ok": True,
            "entries": manifest.entries,
            "chain": manifest.chain,
            "viewer": manifest.viewer,
            "key": manifest.key,
        }
    )


def _cloud_verified(call: Invocation, named: str, database: str) -> dict[str, Any]:
    from cloud.storage.audit import audit
    from sync.signed import is_signed

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


def _plain(query: "Query") -> Any:
    import msgspec

    return msgspec.to_builtins(query)


def _decided(
    call: Invocation, named: str, database: str, query: "Query", viewer: str, locale: str
) -> list[dict[str, Any]]:  # fmt: skip
    from classtap_cli.questions.chains import line_of, meant
    from cloud.storage.trail import Trail
    from resources.text import Catalogue

    words = Catalogue(locale)
    with opened_cloud(call, database) as cloud:
        studio = chosen(cloud, named).id
        trail = Trail(cloud.books, studio, cloud.bus.registry)
        found = trail.lines(trail.find(meant(query, words)).spots, _sight(cloud, studio, viewer))
    lines = [line_of(line, words, chain="studio", sequence=line.sequence) for line in found]
    return sorted(lines, key=lambda line: int(line["sequence"]))


def _cloud_exported(
    call: Invocation, named: str, database: str, out: Path, query: "Query", viewer: str, locale: str
) -> dict[str, Any]:  # fmt: skip
    from classtap_cli.questions.chains import meant
    from cloud.auditing import export_studio
    from resources.text import Catalogue

    words = Catalogue(locale)
    with opened_cloud(call, database) as cloud:
        studio = chosen(cloud, named).id
        manifest = export_studio(
            cloud, studio, out, meant(query, words), words, sight=_sight(cloud, studio, viewer), viewer=viewer
        )  # fmt: skip
    return {"file": str(out.absolute()), "entries": manifest.entries, "sha256": manifest.sha256}


def _sight(cloud: "Cloud", studio: Any, viewer: str) -> Any:
    from classtap_core.access.masking import Blind
    from cloud.auditing import sight_of

    return sight_of(cloud, studio, viewer) if viewer else Blind()
