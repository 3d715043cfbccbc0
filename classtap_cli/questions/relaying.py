"""Which of the studio's devices hear each other in this network, and the switch for that."""

from typing import Any

import msgspec

from classtap_cli.questions.device import Device, Nothing, iso


class Switch(msgspec.Struct, forbid_unknown_fields=True):
    """On or off."""

    on: bool


class Peers(msgspec.Struct, forbid_unknown_fields=True):
    """Addresses (`host:port`) to try; None to leave them as they are."""

    peers: tuple[str, ...] | None = None


def relaying(device: Device) -> dict[str, Any]:
    """The neighbourhood as plain data; nobody is heard while no program runs (`running`). `trouble` is a code, "" for none."""
    found = device.node.neighbourhood()
    return {
        "on": found.on,
        "trouble": found.trouble,
        "running": device.running,
        "neighbours": [
            {"device": one.device, "name": one.name, "address": one.address, "heard": iso(one.heard_ms)}
            for one in found.neighbours
        ],
    }


def status(device: Device, asked: Nothing) -> dict[str, Any]:
    """As `sync status` has it under `relay`, with the port it listens at and the addresses somebody wrote down."""
    node = device.node
    return {**relaying(device), "port": node.neighbourhood().port, "peers": list(node.relay_peers())}


def switch(device: Device, asked: Switch) -> dict[str, Any]:
    """Turn it on or off, also over restarts."""
    device.node.set_relay(asked.on)
    return status(device, Nothing())


def peers(device: Device, asked: Peers) -> dict[str, Any]:
    """Have addresses tried beside those that are found. Raises BadInput `relay.address`."""
    if asked.peers is not None:
        device.node.set_relay_peers(asked.peers)
    return status(device, Nothing())
