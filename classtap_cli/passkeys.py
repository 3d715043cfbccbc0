"""`classtap cloud passkey`: a studio's keys that sign passes. They come by themselves; this is for looking, and for a leak."""

from typing import Annotated

import typer

from classtap_cli.invocation import Data, Json, Now, answering, invocation, print_json
from classtap_cli.opened_cloud import Database, Studio, chosen, opened_cloud
from classtap_cli.questions.device import iso
from classtap_core.passes.codec import Algorithm

app = typer.Typer(no_args_is_help=True, help="The keys that sign passes.")

As = Annotated[str, typer.Option("--as", metavar="PROGRAM", help="Always cloud here.", hidden=True)]
Es256 = Annotated[bool, typer.Option("--es256", help="For partners that need JOSE; Ed25519 otherwise.")]
AtOnce = Annotated[bool, typer.Option("--at-once", help="Sign with it now, though kiosks may not know it yet.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, max=255, help="The key's number, as `list` shows it.")]


@app.command("list")
@answering
def list_(
    studio: Studio = "", database: Database = "", data: Data = None, program: As = "cloud", now: Now = None,
    json: Json = False,
) -> None:  # fmt: skip
    """List a studio's pass keys: from when to when, and which are revoked."""
    call = invocation(data, "cloud", now, json)
    with opened_cloud(call, database) as cloud:
        for key in cloud.studios.pass_keys.keys(chosen(cloud, studio).id):
            print_json(
                {
                    "key": key.key_id, "algorithm": Algorithm(key.algorithm).name.lower(), "public": key.public.hex(),
                    "from": iso(key.not_before * 1000), "to": iso(key.not_after * 1000),
                    "revoked": iso(key.revoked_at * 1000) if key.revoked_at is not None else None,
                }
            )  # fmt: skip


@app.command()
@answering
def rotate(
    es256: Es256 = False, at_once: AtOnce = False, studio: Studio = "", database: Database = "", data: Data = None,
    program: As = "cloud", now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Make the next key. It is published now and signs from two days on; passes made with others stay good."""
    call = invocation(data, "cloud", now, json)
    with opened_cloud(call, database) as cloud:
        keys, entry = cloud.studios.pass_keys, chosen(cloud, studio)
        algorithm = Algorithm.ES256 if es256 else Algorithm.ED25519
        now_s = cloud.clock.now().corrected // 1000
        if at_once:
            key = keys.rotate(entry, now_s=now_s, lead_s=0, algorithm=algorithm)
        else:
            key = keys.rotate(entry, now_s=now_s, algorithm=algorithm)
    print_json({"key": key.key_id, "from": iso(key.not_before * 1000)})


@app.command()
@answering
def revoke(
    number: Number, studio: Studio = "", database: Database = "", data: Data = None, program: As = "cloud",
    now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """A key leaked: from now on nothing it signed is good anywhere. Kiosks hear of it within a minute of contact."""
    call = invocation(data, "cloud", now, json)
    with opened_cloud(call, database) as cloud:
        keys, entry = cloud.studios.pass_keys, chosen(cloud, studio)
        signs = keys.revoke(entry, number, now_s=cloud.clock.now().corrected // 1000)
    print_json({"key": number, "revoked": True, "signs_now": signs.key_id})
