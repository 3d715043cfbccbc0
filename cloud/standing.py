"""How devices say they are, what a desk is told of all of them, and their word on an order to destroy a store."""

import msgspec
from sqlalchemy import delete, update

from classtap_core.access.operations import DevicePurged
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id, derived
from cloud.storage.directory import DeviceEntry
from cloud.studios import Studios
from sync.protocol import Devices, DeviceStanding, Purged, Report


def take_report(studios: Studios, device: DeviceEntry, report: Report) -> None:
    """Remember how a device says it is, and that it was here."""
    table = studios.books.tables.device
    with studios.books.database.write(device.studio) as connection:
        connection.execute(
            update(table)
            .where(table.c.studio_id == device.studio, table.c.id == device.id)
            .values(seen_ms=studios.clock.now().corrected, report=msgspec.json.encode(report).decode())
        )


def all_devices(studios: Studios, studio: Id) -> Devices:
    """How the studio's devices stand, its own cloud device left out."""
    cloud_device = studios.studio(studio).cloud_device
    return Devices(devices=tuple(_standing(one) for one in studios.devices(studio) if one.id != cloud_device))


def _standing(entry: DeviceEntry) -> DeviceStanding:
    return DeviceStanding(
        device=entry.id, name=entry.name, role=entry.role, location=entry.location, epoch=entry.epoch,
        acked=entry.sequence, seen_ms=entry.paired_ms if entry.seen_ms is None else entry.seen_ms,
        revoked_ms=entry.revoked_ms, contested=entry.contested,
        purge="" if entry.purge is None else "ordered" if entry.purged_ms is None else "done",
        report=_report(entry.report),
    )  # fmt: skip


def _report(kept: str | None) -> Report | None:
    """What a device said last; nothing where an earlier version took what no report can say."""
    try:
        return None if kept is None else msgspec.json.decode(kept, type=Report)
    except msgspec.ValidationError:
        return None


def take_word(studios: Studios, device: DeviceEntry, word: Purged) -> None:
    """A device is about to destroy its store as ordered, or has: then its token goes, and the studio's records say so.

    Raises Refused `device.no_order`.
    """
    if device.purge != word.order:
        raise Refused("device.no_order")
    if not word.done:
        return
    if DevicePurged.SPEC.name in studios.bus.registry.specs:
        draft = CloudDraft(
            DevicePurged(device=device.id, order=word.order, unsent=word.unsent),
            Author(type="clock", id=device.studio), "purge", id=derived("device.purged", word.order),
        )  # fmt: skip
        studios.authority(device.studio).author_all(studios.studio(device.studio).cloud_device, [draft])
    tables = studios.books.tables
    now = studios.clock.now().corrected
    with studios.books.database.write(device.studio) as connection:
        table = tables.device
        connection.execute(
            update(table).where(table.c.studio_id == device.studio, table.c.id == device.id).values(purged_ms=now)
        )
        tokens = tables.tokens
        connection.execute(
            delete(tokens).where(tokens.c.studio_id == device.studio, tokens.c.device_id == device.id)
        )  # fmt: skip
