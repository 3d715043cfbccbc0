"""Signing a device out by hand: what would be lost is said first, a manager's PIN says yes, then its keys are destroyed."""

from pathlib import Path

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from classtap_core.store.backup import Made
from classtap_core.store.destroy import AtStake, at_stake, check_confirmed
from sync.client.node import Node
from sync.client.signing_in import signed_in


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

    def confirm(self, word: str, pin: str) -> AtStake:
        """A manager has seen what would be lost and says yes.

        Raises Refused `store.not_confirmed` when by now it is another loss than `word` was said for, and as `signed_in`.
        """
        with self._node.reader() as reader:
            found = check_confirmed(reader, word)
        signed_in(self._node, Capability.REVOKE_DEVICE, pin, location=Id(self._node.papers.location))
        return found

    def destroy(self) -> None:
        """End the device, and destroy its keys and then its files. Raises as `Node.destroy`."""
        self._node.destroy()
