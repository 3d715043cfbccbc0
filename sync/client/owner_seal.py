"""The store's key, sealed to the studio's owner: made once at set-up, and everywhere else by itself, with nothing to type."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from classtap_core.access.owner_key import OWNER_KEY, OwnerKey, SetOwnerKey
from classtap_core.checkin.reading import fetch
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.kernel.outcomes import Outcome
from classtap_core.kernel.tx import Ref
from classtap_core.store.store import Store

if TYPE_CHECKING:
    from sync.client.node import Node

log = logging.getLogger("classtap.node")


class Sealing(NamedTuple):
    """Attributes: `here`, the public half (hex) that this store is sealed to, and `owners`, the studio's; "" for none.
    `known` is whether the studio's can be known here yet."""

    here: str
    owners: str
    known: bool

    @property
    def due(self) -> bool:
        """Whether nobody has made the owner's key yet."""
        return self.known and not self.here and not self.owners


class OwnerSeal:
    """The owner's key, for whatever shows it. The private half never comes here. Every method waits for its end."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def standing(self) -> Sealing:
        """To whom this store is sealed now, and which key the owner has."""
        sealed = self._node.store.recovery
        with self._node.reader() as reader:
            known = reader.holds("studio")
            found = fetch(reader, OwnerKey, [OWNER_KEY]).get(OWNER_KEY) if known else None
        return Sealing(sealed.hex() if sealed else "", found.public if found else "", known)

    def seal(self, public: bytes, author: Author) -> Outcome:
        """Seal this store to a key that its owner has put away, and hand its public half to every other device.

        Raises as `Store.seal_to`. The outcome is the handing out's: the cloud decides it with the next sync.
        """
        self._node.store.seal_to(public)
        return self.hand_out(author)

    def hand_out(self, author: Author) -> Outcome:
        """Hand the key that this store is sealed to to the other devices. Raises Refused `store.unsealed`."""
        here, owners, _ = self.standing()
        if not here:
            raise Refused("store.unsealed")
        word = SetOwnerKey(public=here, replaces=owners)
        return self._node.submit(word, author, source=self._node.program).result().outcome

    def follow(self) -> None:
        """Seal this store to the key that the studio's owner has now. Raises as `Store.seal_to`."""
        owners = self.standing().owners
        if owners:
            self._node.store.seal_to(bytes.fromhex(owners))


def keep_sealed(store: Store) -> None:
    """Seal now where that is due, and again whenever the studio's owner key changes; for as long as the store is open."""

    def heard(refs: frozenset[Ref], scopes: frozenset[str]) -> None:
        if (OwnerKey.KIND, OWNER_KEY) in refs:
            _queue(store)

    store.on_change(heard)
    _queue(store)


def _queue(store: Store) -> None:
    with suppress(Refused):  # the store is being closed; the next start does it
        store.run(lambda: _seal(store))


def _seal(store: Store) -> None:
    """On the writer's thread. A store that is sealed to somebody else stays so: `classtap doctor` says it."""
    found = fetch(store.device, OwnerKey, [OWNER_KEY]).get(OWNER_KEY)
    if found is None:
        return
    standing = store.recovery.hex() if store.recovery else ""
    if standing in ("", found.replaced) and standing != found.public:
        try:
            store.seal_to(bytes.fromhex(found.public))
        except EnvironmentFault as fault:
            log.warning("the store's key could not be sealed to its owner: %s", fault.code)
