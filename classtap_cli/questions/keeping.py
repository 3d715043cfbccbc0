"""What keeps a store: backups, the owner's seal, another key; what destroying it would lose, and a manager's word."""

from pathlib import Path
from typing import Any

import msgspec

from classtap_cli.questions.device import Device, Nothing, check_stands, iso
from classtap_core.access.blueprints import Capability
from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Status
from classtap_core.store import late_keys
from classtap_core.store.blob_rows import BlobKind
from classtap_core.store.integrity import Depth
from sync.client.leaving import Leaving
from sync.client.owner_seal import OwnerSeal
from sync.client.signing_in import signed_in


class Into(msgspec.Struct, forbid_unknown_fields=True):
    """The file to write, as an absolute path."""

    file: str


class SealTo(msgspec.Struct, forbid_unknown_fields=True):
    """The owner's public key, hex; `replace` says that an earlier one may go."""

    public: str
    replace: bool = False


class Pin(msgspec.Struct, forbid_unknown_fields=True):
    """The PIN of who says so."""

    pin: str


class Bring(msgspec.Struct, forbid_unknown_fields=True):
    """Keys of persons of this device, hex: number and key by person; who was erased, and whether these are all (`listed`)."""

    keys: dict[str, tuple[int, str]]
    erased: list[str] = []
    listed: bool = False


class Keep(msgspec.Struct, forbid_unknown_fields=True):
    """How many days what is settled is to stay; None leaves it as it is."""

    days: int | None = None


class Confirmed(msgspec.Struct, forbid_unknown_fields=True):
    """The word that `store.stake` gave, and the PIN of who says so."""

    confirm: str
    pin: str


def status(device: Device, asked: Nothing) -> dict[str, Any]:
    """How the store's key is kept, to whom it is also sealed, and when the last backup of the rounds was made."""
    store, backups, health = device.node.store, device.node.rounds.backups, device.node.store.watch.health
    sealing = OwnerSeal(device.node).standing()
    newest = next(iter(backups.there()), None)
    return {
        "protection": store.protection.value,
        "recovery": sealing.here or None,
        "owner_key": sealing.owners or None,
        "sound": health.sound,
        "backups": str(backups.folder),
        "last_backup": iso(int(newest.timestamp() * 1_000)) if newest else None,
        "backup_fault": backups.fault or None,
    }


def look(device: Device, asked: Nothing) -> dict[str, Any]:
    """Look at every page now; what an earlier and deeper look found wrong is still said. Raises as `Store.look`."""
    health = device.node.store.look(Depth.QUICK)
    return {
        "sound": health.sound,
        "depth": health.depth.value,
        "chain": health.chain is None,
        "pages": list(health.pages),
        "tables": list(health.tables),
        "wrong": health.wrong,
    }


def awaited(device: Device, asked: Nothing) -> dict[str, Any]:
    """Whose store this is, how many persons' keys wait for the list of who was erased, and whether unsent work waits."""
    with device.node.reader() as reader:
        head = reader.head()
        return {
            "studio": head.studio,
            "device": head.device,
            "held": len(late_keys.held(reader)),
            "waits": late_keys.awaited(reader),
        }


def bring(device: Device, asked: Bring) -> dict[str, Any]:
    """Take persons' keys that lay apart from a backup. Raises BadInput `backup.damaged` for one that is none."""
    try:
        keys = {subject: (number, bytes.fromhex(key)) for subject, (number, key) in asked.keys.items()}
    except ValueError as error:
        raise BadInput("backup.damaged") from error
    given = device.node.store.bring_keys(keys, erased=asked.erased, listed=asked.listed)
    return {"given": given.persons, **awaited(device, Nothing())}


def give_up(device: Device, asked: Nothing) -> dict[str, Any]:
    """Nobody has the keys that are missing."""
    device.node.store.give_up_keys()
    return awaited(device, Nothing())


def rotate(device: Device, asked: Nothing) -> dict[str, Any]:
    """Put the store under a new key. Raises as `Store.rotate_key`."""
    from classtap_cli.reach import ring

    device.node.store.rotate_key(ring())
    return status(device, asked)


def seal(device: Device, asked: SealTo) -> dict[str, Any]:
    """Seal the store's key to its owner's public key. Raises BadInput `recovery.public`, `recovery.there`, `seal.public`."""
    try:
        public = bytes.fromhex(asked.public)
    except ValueError as error:
        raise BadInput("recovery.public") from error
    if len(public) != 32:
        raise BadInput("recovery.public")
    store = device.node.store
    if not asked.replace and store.recovery not in (None, public):
        raise BadInput("recovery.there")
    store.seal_to(public)
    return status(device, Nothing())


def hand_out(device: Device, asked: Pin) -> dict[str, Any]:
    """Hand the owner's public key to the studio's other devices; the owner says so.

    Raises Refused `store.unsealed` when this store is sealed to nobody, as `signed_in`, and as the operation is.
    """
    node = device.node
    if node.store.recovery is None:
        raise Refused("store.unsealed")
    author = signed_in(node, Capability.MANAGE_STUDIO, asked.pin, location=Id(node.papers.location))
    outcome = OwnerSeal(node).hand_out(author)
    if outcome.status is not Status.WAITING:  # the cloud decides it with the next sync
        check_stands(outcome)
    return {**status(device, Nothing()), "handed_out": True}


def backup(device: Device, asked: Into) -> dict[str, Any]:
    """Write a verified backup beside whatever people do. Raises as `Store.back_up`."""
    node = device.node
    made = node.store.back_up(Path(asked.file), now_ms=node.clock.now().corrected)
    return {
        "file": str(made.file),
        "keys": str(made.keys),
        "bytes": made.label.size,
        "entries": made.entries,
        "unsent": made.label.sequence - made.label.acked,
        "sealed_to_owner": made.recovery,
        "blobs": made.blobs,
        "blobs_left_out": made.blobs_left_out,
    }


def stake(device: Device, asked: Nothing) -> dict[str, Any]:
    """What destroying this store now would lose, and the word that confirms having read it."""
    found = Leaving(device.node).stake()
    return {"unsent": found.unsent, "files": found.files, "oldest": iso(found.oldest_ms), "confirm": found.confirm}


def space(device: Device, asked: Keep) -> dict[str, Any]:
    """The room on the store's disk, what blobs take of it, and how long what is settled stays; another number of days
    where one is named. Raises BadInput `store.retention`."""
    store = device.node.store
    if asked.days is not None:
        store.keep_for(asked.days)
    room = store.space.look()
    with device.node.reader() as reader:
        blobs = {kind.value: reader.blobs.used(kind) for kind in BlobKind}
    return {
        "level": room.level.value,
        "free": room.free,
        "marks": room.marks,
        "reserve": room.reserve,
        "blobs": blobs,
        "waiting": len(store.transfers.waiting()),
        "keep_days": store.retention_days,
    }


def confirm(device: Device, asked: Confirmed) -> dict[str, Any]:
    """A manager says so, and the cloud is told where it can be reached. Raises Refused `store.not_confirmed`, and as
    `signed_in`."""
    leaving = Leaving(device.node)
    allowed = leaving.confirm(asked.confirm, asked.pin)
    return {"unsent": allowed.stake.unsent, "files": allowed.stake.files, "revoked": leaving.revoke(allowed.author)}
