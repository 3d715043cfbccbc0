"""How a device is, a log for support, what was set aside and is said again, pausing, and agreeing with the cloud."""

from typing import Any

import msgspec

from classtap_cli.questions.device import Device, Nothing, iso
from classtap_cli.questions.relaying import relaying
from classtap_cli.questions.syncing import Most, once, state_of
from classtap_core.kernel.errors import Refused
from sync.client.asking import the_cloud
from sync.client.health import KeysStanding, LedgerStanding, SetAside, health_of, set_aside, support_log


class Which(msgspec.Struct, forbid_unknown_fields=True):
    """One own operation by its sequence; 0 for all that were set aside."""

    sequence: int = 0


class Whether(msgspec.Struct, forbid_unknown_fields=True):
    """To pause, or to go on."""

    paused: bool


def health(device: Device, asked: Nothing) -> dict[str, Any]:
    """Everything a health screen shows. Times are ISO 8601, sizes bytes."""
    found = health_of(device.node)
    status = found.status
    return {
        "device": device.node.papers.device, "state": state_of(device).value, "trouble": status.trouble,
        "pending": status.pending, "oldest_pending": iso(found.oldest_ms),
        "last_success": iso(status.last_success_ms), "offset_ms": found.offset_ms,
        "uncertainty_ms": found.uncertainty_ms, "quarantine": [_set_aside(one) for one in found.set_aside],
        "store_bytes": found.store_bytes, "free_bytes": found.free_bytes, "protection": found.protection,
        "scopes": found.scopes, "scopes_complete": found.scopes_complete, "repaired": found.repaired,
        "epoch": found.epoch,
        "unjudged": [
            {"sequence": one.sequence, "operation": one.operation, "kind": one.kind, "at": iso(one.at_ms), "lacks": one.scope}
            for one in found.unjudged
        ],
        "ledger": found.ledger and _ledger(found.ledger), "keys": found.keys and _keys(found.keys),
        "last_trouble": found.last_trouble and {"code": found.last_trouble[0], "at": iso(found.last_trouble[1])},
        "rosters": {"refreshed": iso(found.rosters.refreshed_ms), "today": found.rosters.today},
        "relay": relaying(device),
    }  # fmt: skip


def _ledger(one: LedgerStanding) -> dict[str, Any]:
    return {
        "held": one.held, "evicted": one.evicted, "untold": one.untold, "last_evicted": iso(one.last_evicted_ms)
    }  # fmt: skip


def _keys(one: KeysStanding) -> dict[str, Any]:
    return {
        "version": one.version, "interface": one.interface, "updated": iso(one.updated_ms), "ends": iso(one.end_ms),
        "good": list(one.good), "revoked": list(one.revoked), "upgrade": one.upgrade,
    }  # fmt: skip


def _set_aside(one: SetAside) -> dict[str, Any]:
    return {
        "sequence": one.sequence, "operation": one.operation, "kind": one.kind, "at": iso(one.at_ms),
        "reasons": list(one.reasons), "retried": one.retried,
    }  # fmt: skip


def support(device: Device, asked: Most) -> list[dict[str, Any]]:
    """Lines to send to support: kinds, times and codes; nobody is named, and ids are hashed."""
    return list(support_log(device.node, asked.most, state=state_of(device)))


def retry(device: Device, asked: Which) -> dict[str, Any]:
    """Say again what the cloud has set aside. Raises Refused `sync.nothing_to_retry`."""
    waiting = [one.sequence for one in set_aside(device.node) if not one.retried]
    chosen = waiting if not asked.sequence else [one for one in waiting if one == asked.sequence]
    said = [device.node.retry(sequence).result() for sequence in chosen]
    done = [receipt for receipt in said if receipt is not None]
    if not done:
        raise Refused("sync.nothing_to_retry")
    return {"retried": [receipt.operation for receipt in done]}


def pause(device: Device, asked: Whether) -> dict[str, Any]:
    """Ask the cloud nothing from now on, or go on."""
    device.node.pause(asked.paused)
    return {"paused": asked.paused}


def compare(device: Device, asked: Nothing) -> dict[str, Any]:
    """Compare all that is held with the cloud's, and mend what differs, in one round."""
    before = device.node.engine.pulling.repaired
    device.node.engine.pulling.compare()
    once(device, asked)
    return {"scopes": len(device.node.engine.local.scopes()), "repaired": device.node.engine.pulling.repaired - before}


def devices(device: Device, asked: Nothing) -> list[dict[str, Any]]:
    """How the studio's devices are, as the cloud knows them. Raises Refused `devices.not_here` at a kiosk."""
    with the_cloud(device.node) as transport:
        found = transport.devices()
    return [
        {
            **msgspec.to_builtins(one), "seen": iso(one.seen_ms), "revoked": iso(one.revoked_ms),
            "report": None if one.report is None else msgspec.structs.asdict(one.report),
        }
        for one in found.devices
    ]  # fmt: skip
