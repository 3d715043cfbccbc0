"""Signing a device out by hand: what would be lost is said first, a manager's PIN says yes, then its keys are destroyed."""

import contextlib
import logging
from pathlib import Path
from typing import NamedTuple

from classtap_core.access.blueprints import Capability
from classtap_core.access.operations import RevokeDevice
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import ClassTapError, Refused
from classtap_core.kernel.ids import Id
from classtap_core.store.backup import Made
from classtap_core.store.destroy import AtStake, at_stake, check_confirmed
from sync.client.node import Node
from sync.client.signing_in import signed_in
from sync.client.transport import Rejected, Transport, Unreachable

log = logging.getLogger("classtap.leaving")

REASON = "signed_out"
"""Why a device is revoked that somebody signs out."""


class Allowed(NamedTuple):
    """A manager's yes: to which loss, and who said it."""

    stake: AtStake
    author: Author


class Leaving:
    """The two steps, for whatever shows them. Every method waits for its end; none belongs on a window's thread."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def stake(self) -> AtStake:
        """What would be lost now, and the word that says somebody has seen it. Raises Refused `store.unpaired`."""
        with self._node.reader() as reader:
            return at_stake(reader)

    def save(self, file: Path) -> Made:
        """Save all of it sealed to the owner, so that it can be restored elsewhere.

        Raises Refused `store.unsealed_copy` where there is no owner's key: such a copy opens with the store's own key
        alone, which is about to be destroyed. Else as `Store.back_up`.
        """
        if self._node.store.recovery is None:
            raise Refused("store.unsealed_copy")
        return self._node.store.back_up(file, now_ms=self._node.clock.now().corrected)

    def confirm(self, word: str, pin: str) -> Allowed:
        """A manager has seen what would be lost and says yes.

        Raises Refused `store.not_confirmed` when by now it is another loss than `word` was said for, and as `signed_in`.
        """
        with self._node.reader() as reader:
            found = check_confirmed(reader, word)
        author = signed_in(self._node, Capability.REVOKE_DEVICE, pin, location=Id(self._node.papers.location))
        return Allowed(found, author)

    def revoke(self, author: Author) -> bool:
        """End sync, and tell the cloud with a last push that this device is not to be believed any more; whether it knows.

        What else waits goes with it. Where the cloud cannot be reached (or the disk is full) somebody has to revoke the
        device there. Raises nothing: a device can be signed out in any case.
        """
        node = self._node
        word = RevokeDevice(device=Id(node.papers.device), reason=REASON)
        try:
            said = node.submit(word, author, source=node.program).result()
            node.engine.stop()
            with contextlib.closing(Transport(node.url, node.papers.token)) as last:
                node.engine.transport = last
                node.engine.pushing.push_all()
            return said.outcome.stands and node.pending() == 0
        except (ClassTapError, Rejected, Unreachable) as trouble:
            log.info("the cloud was not told that this device is signed out: %s", trouble)
            return False

    def destroy(self) -> None:
        """End the device, and destroy its keys and then its files. Raises as `Node.destroy`."""
        self._node.destroy()
