"""How a device stands with the cloud, and a round of sync on demand."""

import threading
from collections.abc import Callable
from typing import Any

import msgspec

from classtap_cli.questions.device import Device, Nothing, iso
from classtap_cli.questions.relaying import relaying
from classtap_core.kernel.errors import ClassTapError, EnvironmentFault
from classtap_core.kernel.outcomes import Outcome
from sync.client.asking import the_cloud
from sync.client.engine import State, Status
from sync.client.health import report_of, set_aside
from sync.client.node import Node

ROUND_S = 30.0
KNOCK_S = 4.0
"""How long a round may take in a running program; and how long one that is offline is given to find the cloud."""

_REVOKED = ("device.revoked", "sync.unpaired")


class Most(msgspec.Struct, forbid_unknown_fields=True):
    """How many of the newest."""

    most: int = 50


def status(device: Device, asked: Nothing) -> dict[str, Any]:
    """Where the queue stands. A store that nothing syncs just now is tried with one call."""
    return _status(device, state_of(device))


def state_of(device: Device) -> State:
    """How a device stands with the cloud; where no program keeps it in step, one call finds out."""
    if device.running:
        return device.node.engine.status().state
    return State.PAUSED if device.node.paused else _tried(device.node)


def once(device: Device, asked: Nothing) -> dict[str, Any]:
    """One full round, but for a device that is paused. Raises EnvironmentFault `cloud.unreachable`, Refused with what
    the cloud says.
    """
    node = device.node
    if node.paused:
        return _status(device, State.PAUSED)
    if device.running:
        return _status(device, _next_round(node))
    with the_cloud(node) as transport:
        node.engine.once()
        transport.report(report_of(node))
    return _status(device, State.ONLINE)


def log(device: Device, asked: Most) -> list[dict[str, Any]]:
    """The newest own operations: what was told at once, and what the cloud answered."""
    with device.node.reader() as reader:
        head = reader.head()
        entries = reader.entries(range(max(1, head.sequence - asked.most + 1), head.sequence + 1))
    return [
        {
            "sequence": entry.sequence,
            "operation": entry.id,
            "kind": entry.kind,
            "at": iso(entry.at_ms),
            "told": _outcome(entry.told),
            "answer": None if entry.answer is None else _outcome(entry.answer),
            "acknowledged": entry.sequence <= head.acked,
        }
        for entry in entries
    ]


def clock(device: Device, asked: Nothing) -> dict[str, Any]:
    """What contacts have taught about this device's clock, in milliseconds; no uncertainty before the first."""
    at = device.node.clock.now()
    return {"offset_ms": at.offset, "uncertainty_ms": at.uncertainty, "now": iso(at.corrected)}


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {"status": outcome.status.value, "reasons": [reason.code for reason in outcome.reasons]}


def _status(device: Device, state: State) -> dict[str, Any]:
    node = device.node
    with node.reader() as reader:
        head = reader.head()
    oldest = node.oldest_pending_ms()
    age_ms = None if oldest is None else max(0, node.clock.now().corrected - oldest)
    return {
        "device": head.device,
        "pending": head.sequence - head.acked,
        "oldest_pending_s": None if age_ms is None else age_ms / 1000,
        "last_success": iso(node.engine.status().last_success_ms),
        "state": state.value,
        "cursor": head.cursor,
        "quarantined": sum(not one.retried for one in set_aside(node)),
        "relay": relaying(device),
    }


def _tried(node: Node) -> State:
    try:
        with the_cloud(node) as transport:
            transport.keys()
    except EnvironmentFault:
        return State.OFFLINE
    except ClassTapError as refused:
        return State.REVOKED if refused.code in _REVOKED else State.FAILING
    return State.ONLINE


def _next_round(node: Node) -> State:
    """Ask the running engine for a round, and wait for what comes of it."""
    began = node.clock.now().corrected
    ended = threading.Event()

    def heard(now: Status) -> None:
        if _ends(now, began):
            ended.set()

    stop: Callable[[], None] = node.on_status(heard)
    try:
        node.engine.nudge()
        ended.wait(KNOCK_S if node.engine.status().state is State.OFFLINE else ROUND_S)
    finally:
        stop()
    found = node.engine.status()
    if found.state is State.OFFLINE:
        raise EnvironmentFault("cloud.unreachable", url=node.url)
    return found.state


def _ends(now: Status, began_ms: int) -> bool:
    if now.state in (State.REVOKED, State.FAILING, State.PAUSED):
        return True
    return now.state is State.ONLINE and (now.last_success_ms or 0) >= began_ms
