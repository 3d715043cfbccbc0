"""Families from a sheet, brought in by a device that holds them."""

from pathlib import Path
from typing import Any

import msgspec

from classtap_cli.questions.device import Device
from classtap_core.access.blueprints import Capability
from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.people.importing import bring_in, guess, read_families
from classtap_core.people.tables import read_table
from classtap_core.timekeeping.rules import local_date
from sync.client.signing_in import signed_in


class Sheet(msgspec.Struct, forbid_unknown_fields=True):
    """A file on this machine; without a PIN it is only read. `day_first` says how dates such as 03/04/2018 are meant."""

    file: str
    pin: str = ""
    day_first: bool | None = None


def families(device: Device, asked: Sheet) -> dict[str, Any]:
    """Read a sheet, say what it comes to, and with a PIN bring all of it in.

    Raises EnvironmentFault `file.cannot_read`, BadInput as `read_table`, Refused as `signed_in` and `bring_in`, and
    `import.no_location` for a device that stands nowhere.
    """
    node = device.node
    try:
        data = Path(asked.file).read_bytes()
    except OSError as error:
        raise EnvironmentFault("file.cannot_read", file=asked.file, why=error.strerror or "") from error
    if not node.papers.location:
        raise Refused("import.no_location")
    table = read_table(data)
    columns = guess(table.headers)
    now = node.clock.now().corrected
    found = read_families(
        table, columns, studio=node.papers.studio, home=node.papers.location, today=local_date(now, node.zone()),
        day_first=asked.day_first,
    )  # fmt: skip
    answer: dict[str, Any] = {
        "columns": {field: table.headers[column] for field, column in columns.items()},
        "families": len(found.families),
        "children": found.children,
        "bad": [{"row": one.number, "field": one.field, "code": one.code, "found": one.found} for one in found.bad],
        "new": None,
    }
    if found.bad or not asked.pin:
        return answer
    author = signed_in(node, Capability.EDIT_FAMILY, asked.pin, location=node.papers.location)
    brought = node.later(lambda bus: bring_in(bus, found.families, author, going_on=lambda _: True))
    return {**answer, "new": brought.result()}
