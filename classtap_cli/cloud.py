"""`classtap cloud`: serve it, make it, found studios in it, let devices in."""

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classtap_cli import passkeys
from classtap_cli.invocation import Data, Invocation, Json, Now, answering, invocation, print_json, say
from classtap_cli.opened_cloud import Database, Studio, chosen, database_of, exists, opened_cloud
from classtap_cli.written import write_whole
from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.kernel.ids import Id

if TYPE_CHECKING:
    from cloud.composition import Cloud
    from cloud.storage.directory import DeviceEntry, StudioEntry

app = typer.Typer(no_args_is_help=True, help="The cloud of one or many studios.")
studio = typer.Typer(no_args_is_help=True, help="Studios.")
device = typer.Typer(no_args_is_help=True, help="Devices.")
app.add_typer(studio, name="studio")
app.add_typer(device, name="device")
app.add_typer(passkeys.app, name="passkey")

PORT = 8741
ADDRESS = "address"
"""The file in the cloud's folder that says where it is served, while it is."""

As = Annotated[str, typer.Option("--as", metavar="PROGRAM", help="Always cloud here.", hidden=True)]
HostOption = Annotated[str, typer.Option("--host", help="The address to listen on.")]
PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes a free one.")]
WorkersOption = Annotated[int, typer.Option("--workers", min=1, help="Processes; several need PostgreSQL.")]
DistributedOption = Annotated[bool, typer.Option("--distributed", help="Lay the tables out for Citus.")]
FromArgument = Annotated[str, typer.Argument(metavar="FROM", help="The database to copy.")]
ToArgument = Annotated[str, typer.Argument(metavar="TO", help="An empty database, or one this copy was begun in.")]
ReopenOption = Annotated[bool, typer.Option("--reopen", help="Copy nothing; let FROM take writes again.")]
BlobsFromOption = Annotated[
    Path | None, typer.Option("--blobs-from", metavar="DIR", help="FROM's folder of blobs, where they move too.")
]
BlobsToOption = Annotated[
    Path | None, typer.Option("--blobs-to", metavar="DIR", help="The folder they are to lie in at TO.")
]


def _named(name: str) -> str:
    """A name as it was given. Raises typer.BadParameter when nobody could read it."""
    if not name.strip() or not name.isprintable():
        raise typer.BadParameter("a name needs letters")
    return name.strip()


NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The studio's name.", callback=_named)]
OwnerOption = Annotated[str, typer.Option("--owner", metavar="NAME", help="The owner's name.", callback=_named)]
PlaceOption = Annotated[str, typer.Option("--location", metavar="NAME", help="Its first location.", callback=_named)]
ZoneOption = Annotated[
    str, typer.Option("--zone", metavar="ZONE", help="The location's time zone, such as Europe/Madrid.")
]
PinFileOption = Annotated[
    Path | None, typer.Option("--pin-file", metavar="FILE", help="A file with the owner's six-digit PIN.")
]
KeyOutOption = Annotated[
    Path | None, typer.Option("-o", "--out", metavar="FILE", help="Write the owner's recovery key there, once.")
]
EnvironmentOption = Annotated[str, typer.Option("--environment", metavar="KIND", help="live, or test for a rehearsal.")]
RoleOption = Annotated[str, typer.Option("--role", metavar="ROLE", help="kiosk or desk.")]
WhereOption = Annotated[str, typer.Option("--location", metavar="ID", help="Where it stands, by id or name.")]
DeviceNameOption = Annotated[str, typer.Option("--name", help="What the device is called; else what it calls itself.")]
DeviceArgument = Annotated[str, typer.Argument(help="A device's id, or a name that only one has.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for the record.")]
WithoutOption = Annotated[
    list[str] | None,
    typer.Option("--without", metavar="WHAT", help="Scopes that begin so, such as health; may be given again."),
]
EverythingOption = Annotated[bool, typer.Option("--all", help="All that its role may hold.")]
PurgeOption = Annotated[bool, typer.Option("--purge", help="And have it destroy its store when it is next heard of.")]
AgainOption = Annotated[str, typer.Option("--again", metavar="ID", help="Try this one from the beginning.")]
UrlOption = Annotated[str, typer.Option("--url", help="Where devices reach this cloud, if not where it is served.")]


@app.command()
@answering
def serve(
    database: Database = "", host: HostOption = "127.0.0.1", port: PortOption = PORT, workers: WorkersOption = 1,
    data: Data = None, program: As = "cloud", now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Serve the cloud until told to end; say {"url"} when it is ready."""
    call = invocation(data, "cloud", now, json)
    if call.clock.shifted and exists(call, database):
        with opened_cloud(call, database):
            pass  # opening refuses a shifted clock where a studio is live
    from classtap_core import house
    from cloud.serve import serve as run

    address = call.folder / ADDRESS

    def ready(url: str) -> None:
        write_whole(address, url.encode())
        print_json({"url": url})

    _ends_well()
    try:
        run(
            call.data, house.bus(authority=True), host=host, port=port, url=database_of(database), workers=workers,
            clock=call.clock, ready=ready,
        )  # fmt: skip
    finally:
        address.unlink(missing_ok=True)


def _ends_well() -> None:
    """SIGTERM and SIGINT are how a server ends, so it ends with 0: uvicorn stops first, then raises them again."""

    def leave(*_: object) -> None:
        raise SystemExit(0)

    for wanted in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wanted, leave)


@app.command()
@answering
def init(
    database: Database = "", distributed: DistributedOption = False, data: Data = None, program: As = "cloud",
    now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Make the cloud's folder, key and tables, or see that they are there."""
    call = invocation(data, "cloud", now, json)
    _laid_out(call, database, distributed=distributed)


@app.command()
@answering
def upgrade(
    database: Database = "", data: Data = None, program: As = "cloud", now: Now = None, json: Json = False
) -> None:
    """Bring the tables of an older version up to this one. Stop every worker first."""
    call = invocation(data, "cloud", now, json)
    if not exists(call, database):
        raise Refused("cloud.missing", folder=str(call.folder))
    _laid_out(call, database)


def _laid_out(call: Invocation, database: str, *, distributed: bool = False) -> None:
    from classtap_core import house
    from cloud.composition import open_cloud, prepare_cloud

    bus, url = house.bus(authority=True), database_of(database)
    before = prepare_cloud(call.data, bus, url=url, distributed=distributed)
    cloud = open_cloud(call.data, bus, url=url, clock=call.clock)
    try:
        found = {
            "folder": str(call.folder), "database": cloud.database.dialect, "studios": len(cloud.studios.all()),
            "before": before.value,
        }  # fmt: skip
    finally:
        cloud.close()
    call.answer(found, say("cli.cloud_ready", folder=str(call.folder)))


@app.command()
@answering
def copy(
    source: FromArgument, target: ToArgument, reopen: ReopenOption = False, blobs_from: BlobsFromOption = None,
    blobs_to: BlobsToOption = None, data: Data = None, program: As = "cloud", now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Copy a cloud's database to another while it is served; then it takes no more writes. Goes on where it broke off."""
    call = invocation(data, "cloud", now, json)
    from classtap_core import house
    from cloud.moving import copy_cloud, reopen_cloud

    bus = house.bus(authority=True)
    if reopen:
        reopen_cloud(source, bus)
        call.answer({"reopened": True}, say("cli.cloud_reopened"))
        return

    def tell(what: str, rows: int) -> None:
        print(f"{what}: {rows}", file=sys.stderr, flush=True)

    if (blobs_from is None) != (blobs_to is None):
        raise typer.BadParameter("--blobs-from and --blobs-to go together")
    files = (blobs_from, blobs_to) if blobs_from is not None and blobs_to is not None else None
    found = copy_cloud(source, target, bus, tell=tell, files=files)
    freeze = round(found.freeze_s, 2)
    call.answer(
        {**found._asdict(), "freeze_s": freeze}, say("cli.cloud_copied", studios=found.studios, seconds=f"{freeze:.1f}")
    )


@app.command()
@answering
def effects(
    again: AgainOption = "", studio: Studio = "", database: Database = "", data: Data = None, program: As = "cloud",
    now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """List what was tried too often (mail, SMS) with the reason; --again ID tries one from the beginning."""
    call = invocation(data, "cloud", now, json)
    from cloud.jobs.effects import again as tried_again
    from cloud.jobs.effects import stuck

    with opened_cloud(call, database) as cloud:
        entry = chosen(cloud, studio)
        if again and not tried_again(cloud.studios, entry.id, Id(again)):
            raise Refused("effect.unknown")
        for one in stuck(cloud.studios, entry.id):
            print_json(one._asdict())


@studio.command("add")
@answering
def studio_add(
    name: NameArgument, owner: OwnerOption, location: PlaceOption, zone: ZoneOption, pin_file: PinFileOption = None,
    environment: EnvironmentOption = "live", out: KeyOutOption = None, database: Database = "", data: Data = None,
    program: As = "cloud", now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Found a studio with its owner, the owner's PIN and a first location; make the owner's recovery key and say it once.

    Every device that joins the studio seals its store to that key by itself.
    """
    call = invocation(data, "cloud", now, json)
    if environment not in ("live", "test"):
        raise typer.BadParameter("--environment is live or test")
    from classtap_cli.founding import found_studio
    from classtap_cli.keeping import new_owner_key, said_once
    from classtap_cli.signing_in import asked_pin

    pin = asked_pin(pin_file)
    call.check_environment(environment)
    with opened_cloud(call, database) as cloud:
        key = new_owner_key(out)
        try:
            made = found_studio(
                cloud, name, owner=owner, pin=pin, location=location, zone=zone, environment=environment,
                sealed_to=key.public,
            )  # fmt: skip
        except BaseException:
            if out is not None:
                out.unlink(missing_ok=True)  # a key to nothing
            raise
    told = say("cli.studio_added", name=name, studio=made["studio"])
    kept = say("cli.owner_key_file", file=str(out)) if out is not None else f"{say('cli.owner_key')}\n{key.text()}"
    call.answer({**made, **said_once(key, out)}, f"{told}\n{kept}")


@device.command("pair")
@answering
def device_pair(
    role: RoleOption, location: WhereOption = "", name: DeviceNameOption = "", studio: Studio = "",
    url: UrlOption = "", database: Database = "", data: Data = None, program: As = "cloud", now: Now = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Give out a one-time code with which one device may join within ten minutes."""
    call = invocation(data, "cloud", now, json)
    if role not in ("kiosk", "desk"):
        raise typer.BadParameter("--role is kiosk or desk")
    from classtap_cli.founding import place_called
    from classtap_cli.questions.device import iso

    with opened_cloud(call, database) as cloud:
        entry = chosen(cloud, studio)
        place = place_called(cloud, entry.id, location)
        code = cloud.studios.pairing_code(entry.id, role=role, location=place, name=name)
    print_json({"code": code.code, "url": url or served_at(call.folder), "expires": iso(code.expires)})


@device.command("list")
@answering
def device_list(
    studio: Studio = "", database: Database = "", data: Data = None, program: As = "cloud", now: Now = None,
    json: Json = False,
) -> None:  # fmt: skip
    """List a studio's devices: last contact, how they say they are, who was revoked."""
    call = invocation(data, "cloud", now, json)
    from classtap_core.kernel.records import plain
    from cloud.standing import all_devices

    with opened_cloud(call, database) as cloud:
        for found in all_devices(cloud.studios, chosen(cloud, studio).id).devices:
            print_json(plain(found))


@device.command("scopes")
@answering
def device_scopes(
    named: DeviceArgument, without: WithoutOption = None, everything: EverythingOption = False, studio: Studio = "",
    database: Database = "", data: Data = None, program: As = "cloud", now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Say what a device may hold; with --without, take some of it away, with --all give all of its role's back."""
    call = invocation(data, "cloud", now, json)
    if without and everything:
        raise typer.BadParameter("--without or --all")
    with opened_cloud(call, database) as cloud:
        entry = chosen(cloud, studio)
        found = device_called(cloud, entry, named)
        held = cloud.studios.withhold(entry.id, found, without or ()) if without or everything else found.scopes
    print_json({"device": found.id, "scopes": list(held)})


@device.command("revoke")
@answering
def device_revoke(
    named: DeviceArgument, reason: ReasonOption = "", purge: PurgeOption = False, studio: Studio = "",
    database: Database = "", data: Data = None, program: As = "cloud", now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Shut a device out at once; with --purge it is to send what it has, and destroy its store."""
    call = invocation(data, "cloud", now, json)
    with opened_cloud(call, database) as cloud:
        entry = chosen(cloud, studio)
        found = device_called(cloud, entry, named)
        cloud.studios.revoke(entry.id, found.id, reason=reason, purge=purge)
    print_json({"device": found.id, "revoked": True, "purge": purge})


def device_called(cloud: "Cloud", studio: "StudioEntry", named: str) -> "DeviceEntry":
    """A studio's device by id or name. Raises Refused `device.unknown`, `device.several`."""
    devices = [one for one in cloud.studios.devices(studio.id) if one.id != studio.cloud_device]
    found = [one for one in devices if named in (one.id, one.name)]
    if not found:
        raise Refused("device.unknown")
    if len(found) > 1:
        raise Refused("device.several", device=named)
    return found[0]


def served_at(folder: Path) -> str:
    """Where the cloud is served now, or would be by default."""
    try:
        return (folder / ADDRESS).read_text().strip()
    except OSError:
        return f"http://127.0.0.1:{PORT}"
    except UnicodeDecodeError as error:
        raise BadInput("cloud.address", file=str(folder / ADDRESS)) from error
