"""Operations of a batch that rest on the same records are judged together: what they share is looked at once."""

from collections.abc import Hashable, Sequence
from typing import Any, Protocol

from classtap_core.kernel.envelope import GateResult
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Operation, Reads, Registry
from classtap_core.kernel.records import decode, index_of
from classtap_core.kernel.tx import Looked, Ref, Tx


class Together(Protocol):
    """Judges operations of one company as the gates would judge each alone."""

    def company(self, op: Operation[Any]) -> Hashable | None:
        """Operations with the same answer, the same author and device, and no item in common, may be judged together:
        what one of them changes, no other is judged by. None for one that goes through the gates by itself."""
        ...

    def reads(self, tx: Tx, ops: Sequence[Operation[Any]]) -> Reads:
        """Everything that the operations' own `reads`, permission's `resource` and the gates read for all of them."""
        ...

    def check(self, tx: Tx, ops: Sequence[Operation[Any]]) -> Sequence[tuple[GateResult, ...]]:
        """The gates' verdicts on each operation, in the order in which the gates would give them."""
        ...


class Company:
    """Some operations, and the unit of work in which what they are judged by is read. `moved`: somebody else has changed
    some of that since, and each is judged alone."""

    def __init__(self, tx: Tx) -> None:
        self.tx, self.ops, self.moved = tx, list[Operation[Any]](), False
        tx.looked, tx.tracking = Looked(set(), [], set()), False
        self.ids: set[Id] = set()
        self._items: set[str] = set()

    def admits(self, op: Operation[Any]) -> bool:
        """Take an operation in; not one with an item that another has, or the same item twice."""
        items = op.payload.items_of()
        alone = set(items)
        if len(alone) < len(items) or not alone.isdisjoint(self._items):
            return False
        self._items |= alone
        self.ids.add(op.id)
        self.ops.append(op)
        return True


_Values = tuple[Any, ...]


class Companies:
    """Which company rests on what, to be told of every change."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._refs: dict[Ref, list[Company]] = {}
        self._ranges: dict[str, dict[tuple[str, ...], dict[_Values, list[Company]]]] = {}

    def add(self, company: Company) -> None:
        """Note what a company's verdicts rest on, once they were given."""
        assert company.tx.looked is not None
        for ref in company.tx.looked.refs:
            self._refs.setdefault(ref, []).append(company)
        for want in company.tx.looked.ranges:
            fields = index_of(want.record, want.by).fields[: len(want.equals)]
            resting = self._ranges.setdefault(want.record.KIND, {}).setdefault(fields, {})
            resting.setdefault(want.equals, []).append(company)

    def changed(self, operation: Id, ref: Ref, body: bytes | None) -> None:
        """An operation changed a record: companies of others that looked at it, or would find it now, have to look again."""
        for company in self._refs.get(ref, ()):
            company.moved = company.moved or operation not in company.ids
        ranges = self._ranges.get(ref[0])
        if ranges and body is not None:
            made = decode(self._registry.records[ref[0]], body)
            for fields, resting in ranges.items():
                for company in resting.get(tuple([getattr(made, field) for field in fields]), ()):
                    company.moved = company.moved or operation not in company.ids
