"""`classtap doctor`: what is there, what is missing, and how to get it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classtap_cli.invocation import As, Data, Invocation, Json, Now, answering, invocation, print_json, say
from classtap_core.kernel.errors import ClassTapError

if TYPE_CHECKING:
    from classtap_cli.findings import Finding

WhatArgument = Annotated[str, typer.Argument(metavar="[cloud]", help="Look at the cloud instead of this device.")]


@answering
def doctor(
    what: WhatArgument = "", data: Data = None, program: As = "desk", now: Now = None, json: Json = False
) -> None:
    """Look at camera, keyring, decoders, fonts, display, printer, disk, clock and cloud; exit code 0 whatever is found."""
    if what not in ("", "cloud"):
        raise typer.BadParameter(f"there is no doctor for {what}; there is cloud, or nothing for this device")
    call = invocation(data, "cloud" if what else program, now, json)
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

    return (f.folder, f.disk, f.keyring, f.store, f.clock, f.cloud, f.camera, f.decoders, f.fonts, f.display, f.printer)


def _cloud_checks() -> tuple[Any, ...]:
    from classtap_cli import findings as f

    return (f.folder, f.disk, f.database, f.serving)
