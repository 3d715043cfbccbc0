"""Families, classes, rosters and calendars from a file, brought in by a device that holds their place."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from classtap_cli.questions.device import Device
from classtap_core import house
from classtap_core.access.blueprints import Capability
from classtap_core.exchange.bringing import Brought, Step, bring_in
from classtap_core.exchange.columns import guess, plain
from classtap_core.exchange.looking import ALIASES, FAMILIES, KINDS, ONEROSTER, Place, in_the_way, look
from classtap_core.exchange.tables import read_table
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import BadInput, EnvironmentFault, Refused
from classtap_core.timekeeping.rules import local_date
from sync.client.node import Node
from sync.client.signing_in import signed_in


class File(msgspec.Struct, forbid_unknown_fields=True):
    """A file on this machine; without a PIN it is only read.

    Attributes:
        kind: one of `looking.KINDS`. columns: header or its number from 1 by field, in place of what was guessed.
        day_first: how dates such as 03/04/2018 are meant.
    """

    file: str
    kind: str
    pin: str = ""
    columns: dict[str, str] = {}
    day_first: bool | None = None


def bring(device: Device, asked: File) -> dict[str, Any]:
    """Read a file, say what it comes to, and with a PIN bring all of it in.

    Raises EnvironmentFault `file.cannot_read`, BadInput as `look` and `import.kind`, `import.no_column`, Refused as
    `signed_in` and `bring_in`, and `import.no_location` for a device that stands nowhere.
    """
    node = device.node
    if asked.kind not in KINDS:
        raise BadInput("import.kind")
    try:
        data = Path(asked.file).read_bytes()
    except OSError as error:
        raise EnvironmentFault("file.cannot_read", file=asked.file, why=error.strerror or "") from error
    if not node.papers.location:
        raise Refused("import.no_location")
    now = node.clock.now()
    place = Place(node.papers.studio, node.papers.location, node.zone(), local_date(now.corrected, node.zone()))
    with node.reader() as reader:
        found = look(asked.kind, data, place, reader, columns=_columns(asked, data), day_first=asked.day_first)
        bad = found.bad
        if not bad and asked.kind not in (FAMILIES, ONEROSTER):
            bad = in_the_way(found.steps, place, reader, house.bus(authority=True), at=now)
    answer: dict[str, Any] = {
        "columns": {field: found.headers[column] for field, column in found.columns.items()},
        **found.counts,
        "bad": [{"row": one.number, "field": one.field, "code": one.code, "found": one.found} for one in bad],
        "new": None,
        "asked": None,
    }
    if bad or not asked.pin:
        return answer
    needed = Capability.EDIT_FAMILY if asked.kind in (FAMILIES, ONEROSTER) else Capability.MANAGE_SCHEDULE
    author = signed_in(node, needed, asked.pin, location=node.papers.location)
    brought = _brought(node, found.steps, author)
    return {**answer, "new": brought.new, "asked": brought.asked}


def _brought(node: Node, steps: Sequence[Step], author: Author) -> Brought:
    """Bring it in; Ctrl-C stops it, and leaves nothing."""
    stop = threading.Event()
    running = node.later(lambda bus: bring_in(bus, steps, author, going_on=lambda _: not stop.is_set()))
    try:
        return running.result()
    except KeyboardInterrupt:
        stop.set()
        return running.result()


def _columns(asked: File, data: bytes) -> Mapping[str, int] | None:
    """The columns that were guessed, with those that were given in their place; None where nothing was given."""
    if not asked.columns or asked.kind not in ALIASES:
        return None
    headers = read_table(data).headers
    columns = guess(headers, ALIASES[asked.kind])
    names = [plain(header) for header in headers]
    for field, said in asked.columns.items():
        place = int(said) - 1 if said.isdigit() else names.index(plain(said)) if plain(said) in names else -1
        if field not in ALIASES[asked.kind] or not 0 <= place < len(headers):
            raise BadInput("import.no_column", field=field, header=said)
        columns = {**{name: at for name, at in columns.items() if at != place}, field: place}
    return columns
