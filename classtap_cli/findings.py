"""One look each at what a program stands on, and the cure where something is missing."""

import ctypes.util
import importlib.util
import os
import shutil
import sys
from typing import Any, NamedTuple

import httpx

from classtap_cli.invocation import Invocation, say
from classtap_cli.opened_cloud import exists, opened_cloud
from classtap_cli.reach import ask
from classtap_core.kernel.errors import Refused
from resources import path

LITTLE_BYTES = 500 * 1024 * 1024
UNSURE_MS = 5_000


class Finding(NamedTuple):
    """What a look found: a sentence, the cure where there is one to apply, and the numbers behind it."""

    id: str
    ok: bool
    said: str
    values: dict[str, Any]
    cure: str = ""

    def plain(self) -> dict[str, Any]:
        return {"id": self.id, "ok": self.ok, "found": self.said, "do": self.cure, **self.values}


def finding(id: str, code: str, *, ok: bool, cure: str = "", **values: Any) -> Finding:
    """A finding in the reader's language: `cli.found.CODE`, and `cli.cure.CURE` where something is to be done."""
    shown = {name: value for name, value in values.items() if isinstance(value, str | int)}
    return Finding(id, ok, say(f"cli.found.{code}", **shown), values, say(f"cli.cure.{cure}", **shown) if cure else "")


def cloud_folder(call: Invocation) -> Finding:
    return finding("folder", "folder", ok=True, folder=str(call.data))


def cloud_disk(call: Invocation) -> Finding:
    free = shutil.disk_usage(call.data).free
    enough = free >= LITTLE_BYTES
    return finding("disk", "disk_free", ok=enough, cure="" if enough else "disk", free_mb=free // (1024 * 1024))


def clock(call: Invocation) -> Finding:
    """Needs a store: what contacts taught of the clock is kept there."""
    found = ask(call, "clock")
    if found["uncertainty_ms"] is None:
        return finding("clock", "clock_unknown", ok=False, cure="clock_unknown", **found)
    sure = abs(found["offset_ms"]) + found["uncertainty_ms"] <= UNSURE_MS
    return finding("clock", "clock", ok=sure, cure="" if sure else "clock", **found)


def cloud(call: Invocation) -> Finding:
    standing = ask(call, "status")
    reached = standing["state"] in ("online", "syncing")
    code = "cloud_reached" if reached else f"cloud_{standing['state']}"
    return finding("cloud", code, ok=reached, cure="" if reached else code, state=standing["state"])


def camera(call: Invocation) -> Finding:
    from kiosk.sources import devices

    found = devices()
    names = [name or str(index) for index, name in found]
    if not found:
        return finding("camera", "camera_none", ok=False, cure="camera", cameras=names)
    return finding("camera", "camera", ok=True, names=", ".join(names), cameras=names)


def decoders(call: Invocation) -> Finding:
    zbar = _zbar()
    return finding("decoders", "zbar" if zbar else "zbar_none", ok=zbar, cure="" if zbar else "zbar", zbar=zbar)


def _zbar() -> bool:
    """Whether the second decoder loads; its package fails at import without the library."""
    if importlib.util.find_spec("pyzbar") is None:
        return False
    if sys.platform == "linux" and ctypes.util.find_library("zbar") is None:
        return False
    try:
        importlib.import_module("pyzbar.pyzbar")
    except (ImportError, OSError):
        return False
    return True


def fonts(call: Invocation) -> Finding:
    count = sum(1 for _ in path("fonts").glob("*.[ot]t[fc]"))
    return finding(
        "fonts", "fonts" if count else "fonts_none", ok=count > 0, cure="" if count else "fonts", fonts=count
    )


def display(call: Invocation) -> Finding:
    shown = not sys.platform.startswith("linux") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return finding("display", "display" if shown else "display_none", ok=shown, cure="" if shown else "display")


def printer(call: Invocation) -> Finding:
    """Printing goes through the files this program writes; what the system prints them with is asked of it."""
    there = sys.platform in ("win32", "darwin") or shutil.which("lp") is not None
    return finding("printer", "printer" if there else "printer_none", ok=there, cure="" if there else "printer")


def database(call: Invocation) -> Finding:
    if not exists(call, ""):
        return finding("database", "database_none", ok=False, cure="database")
    with opened_cloud(call) as opened:
        studios = opened.studios.all()
        return finding("database", "database", ok=True, kind=opened.database.dialect, studios=len(studios))


def serving(call: Invocation) -> Finding:
    try:
        url = (call.folder / "address").read_text().strip()
        answer = httpx.get(f"{url}/readyz", timeout=3.0, trust_env=False)
    except (OSError, httpx.HTTPError):
        return finding("serving", "serving_none", ok=False, cure="serving")
    if answer.status_code != 200:
        raise Refused("cloud.not_ready", status=answer.status_code)
    return finding("serving", "serving", ok=True, url=url)
