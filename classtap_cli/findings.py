"""One look each at what a program stands on, and the cure where something is missing."""

import ctypes.util
import importlib.util
import os
import shutil
import sys
from typing import Any, NamedTuple

import httpx
import keyring as system_keyring
from keyring.errors import KeyringError

from classtap_cli.invocation import Invocation, say
from classtap_cli.opened_cloud import exists, opened_cloud
from classtap_cli.reach import ask
from classtap_core.kernel.errors import Refused
from classtap_core.store.keys import KeyProtection, protection
from classtap_core.store.store import Store
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


def _found(id: str, code: str, *, ok: bool, cure: str = "", **values: Any) -> Finding:
    said = say(f"cli.found.{code}", **{name: value for name, value in values.items() if isinstance(value, str | int)})
    return Finding(id, ok, said, values, say(f"cli.cure.{cure}") if cure else "")


def folder(call: Invocation) -> Finding:
    """`invocation` has already seen that it is ours alone."""
    return _found("folder", "folder", ok=True, folder=str(call.data))


def disk(call: Invocation) -> Finding:
    free = shutil.disk_usage(call.data).free
    enough = free >= LITTLE_BYTES
    return _found("disk", "disk", ok=enough, cure="" if enough else "disk", free_mb=free // (1024 * 1024))


def keyring(call: Invocation) -> Finding:
    kept = protection(call.folder)
    if kept is KeyProtection.KEYRING:
        return _found("keyring", "keyring_used", ok=True, protection=kept.value)
    if os.environ.get("CLASSTAP_KEYRING") == "off":
        return _found("keyring", "keyring_off", ok=True, protection=kept.value if kept else None)
    try:
        system_keyring.get_password("classtap", "doctor")
    except (KeyringError, OSError, RuntimeError):
        code = "keyring_none" if kept is None else "keyring_file"
        return _found("keyring", code, ok=False, cure="keyring", protection=kept.value if kept else None)
    if kept is None:
        return _found("keyring", "keyring_there", ok=True, protection=None)
    return _found("keyring", "keyring_unused", ok=True, protection=kept.value)


def store(call: Invocation) -> Finding:
    if not Store.exists(call.folder):
        return _found("store", "store_none", ok=False, cure="store", program=call.program)
    standing = ask(call, "status")
    return _found("store", "store", ok=True, device=standing["device"], pending=standing["pending"])


def clock(call: Invocation) -> Finding:
    """Needs a store: what contacts taught of the clock is kept there."""
    found = ask(call, "clock")
    if found["uncertainty_ms"] is None:
        return _found("clock", "clock_unknown", ok=False, cure="clock_unknown", **found)
    sure = abs(found["offset_ms"]) + found["uncertainty_ms"] <= UNSURE_MS
    return _found("clock", "clock", ok=sure, cure="" if sure else "clock", **found)


def cloud(call: Invocation) -> Finding:
    standing = ask(call, "status")
    reached = standing["state"] in ("online", "syncing")
    code = "cloud_reached" if reached else f"cloud_{standing['state']}"
    return _found("cloud", code, ok=reached, cure="" if reached else code, state=standing["state"])


def camera(call: Invocation) -> Finding:
    from kiosk.sources import devices

    found = devices()
    names = [name or str(index) for index, name in found]
    if not found:
        return _found("camera", "camera_none", ok=False, cure="camera", cameras=names)
    return _found("camera", "camera", ok=True, names=", ".join(names), cameras=names)


def decoders(call: Invocation) -> Finding:
    zbar = _zbar()
    return _found("decoders", "zbar" if zbar else "zbar_none", ok=zbar, cure="" if zbar else "zbar", zbar=zbar)


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
    return _found("fonts", "fonts" if count else "fonts_none", ok=count > 0, cure="" if count else "fonts", fonts=count)


def display(call: Invocation) -> Finding:
    shown = not sys.platform.startswith("linux") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return _found("display", "display" if shown else "display_none", ok=shown, cure="" if shown else "display")


def printer(call: Invocation) -> Finding:
    """Printing goes through the files this program writes; what the system prints them with is asked of it."""
    there = sys.platform in ("win32", "darwin") or shutil.which("lp") is not None
    return _found("printer", "printer" if there else "printer_none", ok=there, cure="" if there else "printer")


def database(call: Invocation) -> Finding:
    if not exists(call, ""):
        return _found("database", "database_none", ok=False, cure="database")
    with opened_cloud(call) as opened:
        studios = opened.studios.all()
        return _found("database", "database", ok=True, kind=opened.database.dialect, studios=len(studios))


def serving(call: Invocation) -> Finding:
    try:
        url = (call.folder / "address").read_text().strip()
        answer = httpx.get(f"{url}/readyz", timeout=3.0, trust_env=False)
    except (OSError, httpx.HTTPError):
        return _found("serving", "serving_none", ok=False, cure="serving")
    if answer.status_code != 200:
        raise Refused("cloud.not_ready", status=answer.status_code)
    return _found("serving", "serving", ok=True, url=url)
