"""`classtap doctor`: what is there, what is missing, and how to get it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classtap_cli.invocation import As, Data, Invocation, Json, Now, answering, looking, print_json, say
from classtap_core.kernel.errors import ClassTapError

if TYPE_CHECKING:
    from classtap_cli.findings import Finding

WhatArgument = Annotated[str, typer.Argument(metavar="[cloud]", help="Look at the cloud instead of this device.")]


@answering
def doctor(
    what: WhatArgument = "", data: Data = None, program: As = "desk", now: Now = None, json: Json = False
) -> None:
    """Look at the data and what keeps it, clock, cloud, camera, fonts, display, printer; exit code 0 whatever is found."""
    if what not in ("", "cloud"):
        raise typer.BadParameter(f"there is no doctor for {what}; there is cloud, or nothing for this device")
    call = looking(data, "cloud" if what else program, now, json)
    findings = _examined(call, _cloud_checks() if call.program == "cloud" else _device_checks())
    if call.json:
        print_json({"ok": all(found.ok for found in findings), "checks": [found.plain() for found in findings]})
        return
    for found in findings:
        sign = "✓" if found.ok else "✗"
        print(f"{sign} {say(f'cli.check.{found.id}')}: {found.said}")
        if found.cure:
            print(f"  → {found.cure}")


def _examined(call: Invocation, checks: "tuple[Callable[[Invocation], Finding], ...]") -> "list[Finding]":
    """Every check, each by itself: what one cannot say is a finding, not an end."""
    from classtap_cli.findings import Finding

    found = []
    for check in checks:
        try:
            found.append(check(call))
        except ClassTapError as trouble:
            id = check.__name__
            found.append(Finding(id, ok=False, said=say(f"error.{trouble.code}", **trouble.params), values={}))
    return found


def _device_checks() -> tuple[Any, ...]:
    from classtap_cli import findings as f
    from classtap_cli import store_findings as s

    return (
        s.folder, s.disk, s.owner, s.keyring, s.recovery, s.store, s.integrity, s.persons, s.backups,
        f.clock, f.cloud, f.camera, f.decoders, f.fonts, f.display, f.printer,
    )  # fmt: skip


def _cloud_checks() -> tuple[Any, ...]:
    from classtap_cli import findings as f

    return (f.cloud_folder, f.cloud_disk, f.database, f.serving)
