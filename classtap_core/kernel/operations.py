"""Operations: every change to a studio. What one declares about itself, and the registry of all that are known."""

from collections.abc import Callable, Generator, Iterable
from enum import StrEnum
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar

import msgspec

from classtap_core.kernel.clock import Timestamp
from classtap_core.kernel.effects import Effect
from classtap_core.kernel.envelope import Author, Basis, Envelope, GateResult
from classtap_core.kernel.errors import BadInput, ProgramFault
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Outcome
from classtap_core.kernel.records import Record

if TYPE_CHECKING:
    from classtap_core.kernel.tx import Tx


class Kind(StrEnum):
    """Fixes who decides, what happens offline, and how clashes settle. See docs/architecture.md."""

    FACT = "fact"
    EDIT = "edit"
    CLAIM = "claim"
    PUBLISH = "publish"
    STEP = "step"
    TICK = "tick"


class Key(NamedTuple):
    """A declared read of one record. `scope` says where it would lie, so that absence can be told from not held."""

    record: type[Record]
    id: Id
    scope: str | None = None


class Range(NamedTuple):
    """A declared read through an index: equality on its leading fields, then bounds (inclusive) on the next."""

    record: type[Record]
    by: str
    equals: tuple[str | int, ...]
    low: str | int | None = None
    high: str | int | None = None
    scope: str | None = None


class Recorded(NamedTuple):
    """A declared read of what an earlier operation changed, for `undo`."""

    operation: Id


Want = Key | Range | Recorded
Reads = Generator["Want | Iterable[Want]", None, None]
"""Yields what it needs, in rounds; between rounds it may look at what the earlier ones brought."""


class Resource(NamedTuple):
    """What a permission is asked about; an empty field stands for the whole studio.

    Attributes:
        segment: the group of clients it is about (`kids`, `corporate:<id>`). money: the part of the money (`refunds`).
    """

    location: Id | None = None
    room: Id | None = None
    class_type: Id | None = None
    segment: str | None = None
    money: str | None = None


class Payload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an operation says. Subclasses declare their reads, guards and resource; the handler is apart."""

    SPEC: ClassVar["Spec"]

    def reads(self, tx: "Tx", op: "Operation[Any]") -> Reads:
        """The keys and ranges the handler will ask for."""
        yield from ()

    def guards(self, op: "Operation[Any]") -> tuple[str, ...]:
        """Names of what must not change under this operation in the cloud: `session:…`, `household:…`."""
        return ()

    def resource(self, tx: "Tx", op: "Operation[Any]") -> Resource:
        """What the permission is asked about; may look at what `reads` declared."""
        return Resource()

    def leased(self) -> bool:
        """For a claim: whether it carries a lease that lets this device decide it now."""
        return False

    def items_of(self) -> tuple[str, ...]:
        """The subjects gates judge one by one (children's ids)."""
        return ()


P_co = TypeVar("P_co", bound=Payload, covariant=True)
P = TypeVar("P", bound=Payload)


class Operation(Generic[P_co]):
    """An operation as permission, gates and handler see it."""

    __slots__ = ("at", "author", "basis", "cause", "depth", "device", "envelope_hash", "epoch", "external", "gates",
                 "id", "kind", "payload", "sequence", "source", "spec", "studio")  # fmt: skip

    def __init__(
        self,
        spec: "Spec",
        payload: P_co,
        *,
        id: Id,
        studio: Id,
        device: Id,
        epoch: int,
        sequence: int,
        author: Author,
        at: Timestamp,
        basis: Basis | None = None,
        gates: tuple[GateResult, ...] = (),
        cause: str = "",
        depth: int = 0,
        source: str = "",
        external: str = "",
        envelope_hash: str = "",
    ) -> None:
        self.spec, self.payload = spec, payload
        self.id, self.studio, self.device = id, studio, device
        self.epoch, self.sequence = epoch, sequence
        self.author, self.at, self.basis = author, at, basis or Basis()
        self.gates, self.cause, self.depth = gates, cause, depth
        self.source, self.external, self.envelope_hash = source, external, envelope_hash
        self.kind = spec.name

    @property
    def order(self) -> tuple[int, str, int]:
        """Where a fact stands among the facts of one entity: corrected time, device, sequence."""
        return (self.at.corrected, self.device, self.sequence)

    def blocked(self, item: str) -> GateResult | None:
        """The verdict of the first gate that stops this item, written in by the author's bus."""
        return next((gate for gate in self.gates if gate.item == item and gate.result in ("block", "ask")), None)


Handler = Callable[["Tx", Operation[Any]], Outcome]
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


class Spec:
    """What the bus knows of an operation: made by the decorator, completed by `handles` and `upcasts`.

    `told`: devices may tell it each other before the cloud knows it.
    """

    def __init__(self, name: str, *, version: int, kind: Kind, needs: str | None, told: bool = True) -> None:
        self.name, self.version, self.kind, self.needs = name, version, kind, needs
        self.told = told and kind is Kind.FACT
        self.payload: type[Payload] = Payload
        self.handler: Handler | None = None
        self.upcasters: dict[int, Upcaster] = {}

    def __repr__(self) -> str:
        return f"<Spec {self.name} v{self.version}>"

    def decode(self, version: int, data: dict[str, Any]) -> Payload:
        """The payload from plain data of this version or one of the two before it. Raises BadInput."""
        if version > self.version:
            raise BadInput("operation.version", kind=self.name, found=version)
        for older in range(version, self.version):
            if older not in self.upcasters:
                raise BadInput("operation.version", kind=self.name, found=version)
            try:
                data = self.upcasters[older](data)
            except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
                raise BadInput("operation.payload", kind=self.name) from error
        try:
            return msgspec.convert(data, self.payload)
        except msgspec.ValidationError as error:
            raise BadInput("operation.payload", kind=self.name) from error


def operation(
    name: str, *, version: int, kind: Kind, needs: str | None, told: bool = True
) -> Callable[[type[P]], type[P]]:
    """Declare a payload's operation. `needs` is a capability; None only for what the cloud's own clock authors.

    A fact that comes to something else over a row which has it in, or after another fact, is not `told` to other devices.
    """
    spec = Spec(name, version=version, kind=kind, needs=needs, told=told)

    def declare(payload: type[P]) -> type[P]:
        spec.payload = payload
        payload.SPEC = spec
        return payload

    return declare


def handles(
    payload: type[P],
) -> Callable[[Callable[["Tx", Operation[P]], Outcome]], Callable[["Tx", Operation[P]], Outcome]]:
    """Name the one pure function that decides an operation."""

    def remember(handler: Callable[["Tx", Operation[P]], Outcome]) -> Callable[["Tx", Operation[P]], Outcome]:
        if payload.SPEC.handler is not None and payload.SPEC.handler.__qualname__ != handler.__qualname__:
            raise ProgramFault(f"{payload.SPEC.name} has two handlers")
        payload.SPEC.handler = handler
        return handler

    return remember


def upcasts(payload: type[Payload], *, version: int) -> Callable[[Upcaster], Upcaster]:
    """Name the function that turns plain data of `version` into that of `version + 1`."""

    def remember(upcaster: Upcaster) -> Upcaster:
        payload.SPEC.upcasters[version] = upcaster
        return upcaster

    return remember


class Registry:
    """All records, operations and effects of the rooms given. Nothing is registered behind anyone's back."""

    def __init__(self, rooms: Iterable[ModuleType]) -> None:
        self.records: dict[str, type[Record]] = {}
        self.specs: dict[str, Spec] = {}
        self.effects: dict[str, type[Effect]] = {}
        for room in rooms:
            for value in vars(room).values():
                if isinstance(value, type):
                    self._admit(value)

    def _admit(self, found: type) -> None:
        if issubclass(found, Record) and found.KIND:
            self._once(self.records, found.KIND, found)
        elif issubclass(found, Payload) and "SPEC" in vars(found):
            if found.SPEC.handler is None:
                raise ProgramFault(f"{found.SPEC.name} has no handler")
            self._once(self.specs, found.SPEC.name, found.SPEC)
        elif issubclass(found, Effect) and found.KIND:
            self._once(self.effects, found.KIND, found)

    @staticmethod
    def _once(table: dict[str, Any], name: str, value: Any) -> None:
        if table.setdefault(name, value) is not value:
            raise ProgramFault(f"two things are called {name}")

    def spec(self, kind: str) -> Spec:
        """Raises BadInput for a kind this version does not know."""
        found = self.specs.get(kind)
        if found is None:
            raise BadInput("operation.unknown", kind=kind)
        return found

    def read(self, envelope: Envelope, data: dict[str, Any], envelope_hash: str = "") -> Operation[Any]:
        """The operation in an envelope and its payload's plain data. Raises BadInput."""
        spec = self.spec(envelope.kind)
        return Operation(
            spec,
            spec.decode(envelope.version, data),
            id=envelope.id,
            studio=envelope.studio,
            device=envelope.device,
            epoch=envelope.epoch,
            sequence=envelope.sequence,
            author=envelope.author,
            at=envelope.at,
            basis=envelope.basis,
            gates=envelope.gates,
            cause=envelope.cause,
            depth=envelope.depth,
            source=envelope.source,
            external=envelope.external,
            envelope_hash=envelope_hash,
        )
