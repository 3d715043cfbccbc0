"""What a studio's data stands on: who can look at it, how its key is kept, and what brings it back on a bad day."""

import errno
import os
import shlex
import stat
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from keyring.errors import KeyringError

from classtap_cli.findings import Finding, finding
from classtap_cli.invocation import Invocation
from classtap_cli.reach import ask
from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.store import folder as places
from classtap_core.store.keyrings import SystemRing
from classtap_core.store.keys import KeyProtection, protection
from classtap_core.store.space import Level, Space
from classtap_core.store.store import Store

STALE = timedelta(days=2)
"""A backup is made every day that a program runs; one older than this was missed."""
KEYRING_S = 5.0
"""A keyring that has not answered by then is one that nobody is there to unlock."""
_MB = 1024 * 1024


def folder(call: Invocation) -> Finding:
    """Whether the data folder, the program's own and its backups' are closed to others, and all of it this user's."""
    if call.data.exists() and not call.data.is_dir():
        raise EnvironmentFault("store.folder", folder=str(call.data), why=os.strerror(errno.ENOTDIR))
    if os.name == "posix":
        kept = call.data / "backups" / call.program
        for path in (call.data, call.folder, kept, *sorted(call.folder.glob("*")), *sorted(kept.glob("*"))):
            if path.exists():
                wrong = _rights(path)
                if wrong is not None:
                    return wrong
    return finding("folder", "folder", ok=True, folder=str(call.data))


def _rights(path: Path) -> Finding | None:
    seen = path.lstat()
    if sys.platform != "win32" and seen.st_uid != os.getuid():
        command = f"sudo chown -R {os.getuid()} {shlex.quote(str(path))}"
        user = _name_of(seen.st_uid)
        return finding(
            "folder", "folder_foreign", ok=False, cure="folder_foreign", folder=str(path), user=user, command=command
        )
    if stat.S_IMODE(seen.st_mode) & 0o077 and stat.S_ISDIR(seen.st_mode):  # a file is as closed as its folder
        command = f"chmod 700 {shlex.quote(str(path))}"
        return finding("folder", "folder_open", ok=False, cure="folder_open", folder=str(path), command=command)
    return None


def _name_of(user: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def disk(call: Invocation) -> Finding:
    """How long the room lasts, as the store itself judges it."""
    here = next(path for path in (call.folder, *call.folder.parents) if path.exists())
    room = Space(here).look()
    cure = {Level.ENOUGH: "", Level.LOW: "disk", Level.FULL: "disk_full"}[room.level]
    return finding("disk", "disk", ok=not cure, cure=cure, free_mb=room.free // _MB, marks=room.marks)


def keyring(call: Invocation) -> Finding:
    """How the store's key is kept; for a store to come, how it will be."""
    kept = protection(call.folder)
    if kept in (KeyProtection.KEYRING, KeyProtection.CREDENTIAL):
        return finding("keyring", f"keyring_{kept.value}", ok=True, protection=kept.value)
    if os.environ.get("CLASSTAP_KEYRING") == "off":
        return finding("keyring", "keyring_off", ok=True, protection=kept.value if kept else None)
    try:
        SystemRing(patience_s=KEYRING_S).get_password("classtap", "doctor")
    except KeyringError:
        code = "keyring_none" if kept is None else "keyring_file"
        return finding("keyring", code, ok=False, cure="keyring", protection=kept.value if kept else None)
    if kept is None:
        return finding("keyring", "keyring_there", ok=True, protection=None)
    return finding("keyring", "keyring_unused", ok=False, cure="keyring_unused", protection=kept.value)


def owner(call: Invocation) -> Finding:
    """Which program has the store open. Looked at before this command opens the store itself."""
    last = places.owner(call.folder)
    if not last["program"]:
        return finding("owner", "owner_left" if places.bad_ends(call.folder) else "owner_none", ok=True)
    alive = _alive(int(last["pid"]))
    return finding("owner", "owner" if alive else "owner_died", ok=True, program=last["program"], pid=last["pid"])


def _alive(pid: int) -> bool:
    if os.name != "posix":  # there a signal 0 would end the process
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def store(call: Invocation) -> Finding:
    """Whether there is one, and what waits in it."""
    if not Store.exists(call.folder):
        return finding("store", "store_none", ok=False, cure="store", program=call.program)
    standing = ask(call, "status")
    return finding("store", "store", ok=True, device=standing["device"], pending=standing["pending"])


def recovery(call: Invocation) -> Finding:
    """Whether a lost keyring would lose anything."""
    kept = ask(call, "store.key")
    to, owners = kept["recovery"], kept["owner_key"]
    if to is None:
        return finding("recovery", "recovery_none", ok=False, cure="recovery")
    if owners not in (None, to):
        return finding("recovery", "recovery_other", ok=False, cure="recovery_other", public=to, owner_key=owners)
    return finding("recovery", "recovery", ok=True, public=to, start=to[:8])


def persons(call: Invocation) -> Finding:
    """Whether what the log says of persons opens: after a restore it may wait for their keys, or for who was erased."""
    found = ask(call, "store.key.awaited")
    if not found["held"] and not found["waits"]:
        return finding("persons", "persons", ok=True)
    code = "persons_held" if found["held"] else "persons_wait"
    return finding("persons", code, ok=False, cure=code, held=found["held"], waits=found["waits"])


def backups(call: Invocation) -> Finding:
    """The last good backup, how old it is, and where it lies."""
    kept = ask(call, "store.key")
    values: dict[str, Any] = {"folder": kept["backups"], "last": kept["last_backup"], "fault": kept["backup_fault"]}
    now = datetime.fromtimestamp(call.clock.now().corrected / 1_000).astimezone()
    if kept["last_backup"] is None:
        made = datetime.fromtimestamp((call.folder / places.DATABASE).stat().st_ctime).astimezone()
        return finding("backups", "backups_none", ok=now - made < STALE, cure="backups", **values)
    age = now - datetime.fromisoformat(kept["last_backup"])
    values["hours"] = max(0, int(age.total_seconds() // 3600))
    if kept["backup_fault"]:
        return finding("backups", "backups_fault", ok=False, cure="backups", **values)
    return finding("backups", "backups", ok=age < STALE, cure="" if age < STALE else "backups", **values)


def integrity(call: Invocation) -> Finding:
    """A look at every page, and what looks before it found."""
    health = ask(call, "store.look")
    sound = health.pop("sound")
    values = {**health, "tables": ", ".join(health["tables"]), "pages": ", ".join(map(str, health["pages"]))}
    code = f"integrity_{health['depth']}" if sound else "integrity_damaged"
    return finding("integrity", code, ok=sound, cure="" if sound else "integrity", **values)
