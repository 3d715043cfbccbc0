"""How two devices prove to each other who they are, before either says anything else."""

import secrets
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol, TypeVar

import msgspec

from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from sync.client.relay.channel import Broken, Channel
from sync.client.relay.local import Card, Place, RelayLocal, Self
from sync.client.relay.messages import MOST_UNPROVED, VERSION, Heard, Hello, Proof, statement
from sync.protocol import decode, encode
from sync.signed import is_signed

Answer = TypeVar("Answer")
Message = TypeVar("Message", bound=msgspec.Struct)


class Ask(Protocol):
    """Calls the device off the loop."""

    def __call__(self, call: Callable[..., Answer], *arguments: object) -> Awaitable[Answer]: ...


class Oneself(Broken):
    """The device reached itself."""


class Known(Broken):
    """Who listens is a device that there is a line to already."""

    def __init__(self, device: Id) -> None:
        super().__init__("relay.known")
        self.device = device


class Proved(NamedTuple):
    """Who is at the other end. `heard`: how far it has what this device said; `port`: where it listens, 0 for nowhere."""

    card: Card
    heard: Place
    port: int


class Proving(NamedTuple):
    """One device's side of it. `patience_s`: the longest silence; `port`: where this device listens."""

    local: RelayLocal
    ask: Ask
    patience_s: float
    port: int

    async def dialler(self, channel: Channel, wanted: Callable[[Channel, Id], bool]) -> Proved:
        """Raises Broken where the other end is no device of this studio that may be spoken to, and Known where it is one
        that is not `wanted`."""
        me = await self.ask(self.local.myself)
        nonce = secrets.token_hex(32)
        await channel.send(encode(Hello(v=VERSION, nonce=nonce)))
        proof = await self._receive(channel, Proof)
        if proof.nonce is None:
            raise Broken("relay.malformed")
        card = await self._checked(
            me, proof, statement(
                "listener", studio=me.studio, device=Id(proof.device), peer="",
                certificate=channel.certificate, dialler=nonce, listener=proof.nonce,
            ),
        )  # fmt: skip
        if not wanted(channel, card.device):
            raise Known(card.device)
        said = statement(
            "dialler", studio=me.studio, device=me.device, peer=card.device,
            certificate=channel.certificate, dialler=nonce, listener=proof.nonce,
        )  # fmt: skip
        signature = await self.ask(self.local.sign, said)
        await channel.send(encode(Proof(device=me.device, signature=signature.hex())))
        heard = await self._receive(channel, Heard)  # who listens speaks on only once it believes
        await self._tell_heard(channel, card)
        return Proved(card, Place(heard.epoch, heard.sequence), heard.port)

    async def listener(self, channel: Channel, certificate: str) -> Proved:
        """Raises Broken as `dialler` does. `certificate` is the one shown to whoever dialled."""
        me = await self.ask(self.local.myself)
        hello = await self._receive(channel, Hello)
        if hello.v != VERSION:
            raise Broken("relay.version")
        nonce = secrets.token_hex(32)
        said = statement(
            "listener", studio=me.studio, device=me.device, peer="",
            certificate=certificate, dialler=hello.nonce, listener=nonce,
        )  # fmt: skip
        signature = await self.ask(self.local.sign, said)
        await channel.send(encode(Proof(device=me.device, nonce=nonce, signature=signature.hex())))
        proof = await self._receive(channel, Proof)
        card = await self._checked(
            me, proof, statement(
                "dialler", studio=me.studio, device=Id(proof.device), peer=me.device,
                certificate=certificate, dialler=hello.nonce, listener=nonce,
            ),
        )  # fmt: skip
        await self._tell_heard(channel, card)
        heard = await self._receive(channel, Heard)
        return Proved(card, Place(heard.epoch, heard.sequence), heard.port)

    async def _checked(self, me: Self, proof: Proof, said: bytes) -> Card:
        device = Id(proof.device)
        card = await self.ask(self.local.card, device)
        if device == me.device:
            raise Oneself("relay.self")
        if card is None:
            raise Broken("relay.stranger")
        if not is_signed(card.public_key, bytes.fromhex(proof.signature), said):
            raise Broken("relay.unproved")
        return card

    async def _tell_heard(self, channel: Channel, card: Card) -> None:
        place = await self.ask(self.local.heard, card.device)
        await channel.send(encode(Heard(epoch=place.epoch, sequence=place.sequence, port=self.port)))

    async def _receive(self, channel: Channel, shape: type[Message]) -> Message:
        data = await channel.receive(most=MOST_UNPROVED, patience_s=self.patience_s)
        try:
            message: Message = decode(shape, data)
        except BadInput as error:
            raise Broken("relay.malformed") from error
        return message
