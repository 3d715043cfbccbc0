"""The store's key, sealed to the studio's owner as soon as the owner's public key is here: nobody types it on a device."""

import logging
from contextlib import suppress

from classtap_core.access.owner_key import OWNER_KEY, OwnerKey
from classtap_core.checkin.reading import fetch
from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.kernel.tx import Ref
from classtap_core.store.store import Store

log = logging.getLogger("classtap.node")


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
