"""What the relay needs of a device, and what it says about itself."""

from typing import NamedTuple, Protocol

from classtap_core.kernel.batches import Batch
from classtap_core.kernel.ids import Id


class Self(NamedTuple):
    """Which device speaks, of which studio."""

    studio: Id
    device: Id


class Card(NamedTuple):
    """A device of this studio that may be spoken to. `public_key`: Ed25519, 32 bytes."""

    device: Id
    name: str
    public_key: bytes


class Place(NamedTuple):
    """How far a device's log reaches, somewhere."""

    epoch: int
    sequence: int


class Waiting(NamedTuple):
    """Runs of own operations that the cloud has not answered, each signed at its end; `through` is how far the log was
    looked through for them, `more` when there is more behind it."""

    runs: tuple[Batch, ...]
    through: Place
    more: bool


class RelayLocal(Protocol):
    """The device. Every call may take a while and is made off the relay's own loop; what it did is durable after it."""

    def myself(self) -> Self: ...

    def card(self, device: Id) -> Card | None:
        """Whom a device id stands for; None where it is unknown here, revoked, or not to be spoken to."""
        ...

    def sign(self, statement: bytes) -> bytes:
        """The device's own signature, Ed25519, 64 bytes."""
        ...

    def waiting(self, peer: Id, after: Place) -> Waiting:
        """What a device may be told of what lies behind a place in this one's log: nothing that it may not hold."""
        ...

    def heard(self, peer: Id) -> Place:
        """How far what a device said itself is here, told by the relay; (0, 0) for nothing."""
        ...

    def hear(self, peer: Id, run: Batch) -> None:
        """Take a run that `peer` made itself; nothing new twice. Raises BadInput, Refused for what cannot be taken, and
        EnvironmentFault where the store cannot take anything now."""
        ...


class Neighbour(NamedTuple):
    """Another device in this network. `heard_ms`: when it last gave a sign of life, by the corrected clock."""

    device: Id
    name: str
    address: str
    heard_ms: int


class Neighbourhood(NamedTuple):
    """How the relay stands. `trouble` is a code, "" for none: `relay.no_network`, `relay.no_multicast`, `relay.no_port`.
    `port`: where this device listens, 0 for nowhere.
    """

    on: bool
    trouble: str
    neighbours: tuple[Neighbour, ...]
    port: int = 0
