"""The cloud's folder, opened by a command."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from classtap_cli.invocation import Invocation
from classtap_core.kernel.errors import Refused

if TYPE_CHECKING:
    from cloud.composition import Cloud
    from cloud.storage.directory import StudioEntry

Database = Annotated[
    str,
    typer.Option("--database", metavar="URL", help="sqlite:///file (default, in DIR/cloud) or postgresql+psycopg://…"),
]
Studio = Annotated[str, typer.Option("--studio", metavar="ID", help="Which studio, by id or name; the only one there.")]


@contextmanager
def opened_cloud(call: Invocation, database: str = "") -> Iterator["Cloud"]:
    """The cloud in `data/cloud`, which must have been made.

    Raises Refused `cloud.missing`, `now.live`, EnvironmentFault as `open_cloud`.
    """
    from classtap_core import house
    from cloud.composition import open_cloud

    if not exists(call, database):
        raise Refused("cloud.missing", folder=str(call.data / "cloud"))
    cloud = open_cloud(call.data, house.bus(authority=True), url=database_of(database), clock=call.clock)
    try:
        _check_time(call, cloud)
        yield cloud
    finally:
        cloud.close()


def exists(call: Invocation, database: str) -> bool:
    """Whether there is a cloud to open; one in a database of its own is always taken to be there."""
    return bool(database_of(database)) or (call.data / "cloud" / "cloud.db").exists()


def _check_time(call: Invocation, cloud: "Cloud") -> None:
    if call.clock.shifted:
        for entry in cloud.studios.all():
            call.check_environment(entry.environment)


def chosen(cloud: "Cloud", named: str) -> "StudioEntry":
    """The studio of an id or a name; without one, the only studio there is.

    Raises Refused `cloud.no_studio`, `cloud.which_studio` with how many, `cloud.empty`.
    """
    entries = cloud.studios.all()
    found = [entry for entry in entries if not named or named in (entry.id, entry.name)]
    if not entries:
        raise Refused("cloud.empty")
    if not found:
        raise Refused("cloud.no_studio", studio=named)
    if len(found) > 1:
        raise Refused("cloud.which_studio", found=len(found))
    return found[0]


def database_of(given: str) -> str:
    """The database an option names, else CLASSTAP_DATABASE, else "" for the SQLite file."""
    return given or os.environ.get("CLASSTAP_DATABASE", "")
