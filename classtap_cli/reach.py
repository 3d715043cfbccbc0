"""Reaching a device's store: through the program that owns it, or alone. Both ways answer by the same functions."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from classtap_cli.invocation import Invocation
from classtap_core.kernel.errors import Refused

if TYPE_CHECKING:
    from classtap_core.store.keys import Ring
    from sync.client.node import Node

STARTING_S = 5.0
"""An owner that has just begun holds its store before it listens; so long is waited for it."""


def ring() -> "Ring | None":
    """The keyring for a store's key; None with CLASSTAP_KEYRING=off (demonstrations, tests): a closed file instead."""
    from classtap_core.store.keyrings import SystemRing

    return None if os.environ.get("CLASSTAP_KEYRING") == "off" else SystemRing()


@contextmanager
def opened(call: Invocation) -> Iterator["Node"]:
    """The device's store, alone, for as long as the context lasts; nothing syncs by itself.

    Raises Refused `now.live`, `device.needed` (for a cloud), `store.in_use`; all that `Node.open` raises.
    """
    from sync.client.node import Node

    if call.program == "cloud":
        raise Refused("device.needed")
    with Node.open(call.folder, program=call.program, clock=call.clock, ring=ring()) as node:
        call.check_environment(node.papers.environment)
        yield node


def ask(call: Invocation, question: str, **given: Any) -> Any:
    """Ask a device something of `questions.table`, as plain data: its store opened alone, or its owner asked.

    Raises Refused `now.in_use` when another program has the store, and so the clock; all that the answer raises.
    """
    from classtap_cli.questions.device import Device
    from classtap_cli.questions.table import TABLE
    from sync.client import owner

    line = json.dumps(given).encode()
    patience = time.monotonic() + STARTING_S
    while True:
        try:
            with opened(call) as node:
                return json.loads(owner.answered(TABLE, Device(node, running=False), question, line))
        except Refused as refused:
            if refused.code != "store.in_use":
                raise
        if call.clock.shifted:
            raise Refused("now.in_use")
        try:
            return owner.ask(call.folder, question, given)
        except Refused as refused:
            if refused.code != "store.in_use" or time.monotonic() > patience or not owner.available():
                raise
        time.sleep(0.05)
