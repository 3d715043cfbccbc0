"""The unit of work: a handler reads what its operation declared and puts what changes; nothing touches a disk here."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec

from classtap_core.kernel.canonical import trusted_canonical
from classtap_core.kernel.effects import Effect, Home, Intent, intent
from classtap_core.kernel.errors import NotHeld, UndeclaredRead
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Range, Recorded, Registry, Want
from classtap_core.kernel.records import Index, Record, Row, decode, index_of, plain

R = TypeVar("R", bound=Record)
Ref = tuple[str, Id]
"""A record's kind and id."""

LOG = "log"
"""The scope of the studio's whole log: the cloud holds it, a device has its own operations only."""


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an operation did to one record.

    Attributes:
        before, after: the fields that changed, with their values; None where the record was not, or is no more.
            A field in `before` and not in `after` went back to its default.
        scope: where the row lies now; left: the scope it moved out of, or "".
        body: the whole row after, with fields this version does not know; None when deleted.
    """

    kind: str
    id: Id
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    scope: str
    left: str = ""
    body: bytes | None = None

    @property
    def ref(self) -> Ref:
        return (self.kind, self.id)


class Touched(NamedTuple):
    """Keys read or written, and ranges read, by a handler."""

    refs: frozenset[Ref] = frozenset()
    ranges: tuple[Range, ...] = ()


class Reader(Protocol):
    """What a back end (device, cloud, memory) offers to a unit of work. Answers are in bulk, one query per kind."""

    def rows(self, record: type[Record], ids: Iterable[Id]) -> Mapping[Id, Row]:
        """The rows that are there."""
        ...

    def find(self, wanted: Range) -> list[Row]:
        """The rows an index leads to, in the index's order, then by id."""
        ...

    def find_many(self, wanted: Sequence[Range]) -> list[list[Row]]:
        """As `find`, for several ranges: one query for those of one index, where the back end can."""
        ...

    def holds(self, scope: str) -> bool:
        """Whether everything of a scope (or, for `prefix/*`, of all of them) is here."""
        ...

    def recorded(self, operation: Id) -> tuple[Change, ...] | None:
        """What an operation changed, from the log; None when it is not here."""
        ...


_Place = tuple[str, str, int]
"""A record kind, one of its indexes, and how many of its leading fields are asked for by equality."""


class Snapshot:
    """What a batch of operations has read so far, with what they put laid over it. In memory, never written."""

    def __init__(self, reader: Reader, registry: Registry) -> None:
        self.reader, self.registry = reader, registry
        self._rows: dict[Ref, Row | None] = {}
        self._absent_scopes: dict[Ref, tuple[str, ...]] = {}
        self._ranges: dict[Range, tuple[Id, ...] | None] = {}
        self._recorded: dict[Id, tuple[Change, ...] | None] = {}
        self._applied: set[Id] = set()
        self._changed: dict[str, set[Id]] = {}
        self._placed: dict[_Place, dict[tuple[Any, ...], set[Id]]] = {}
        self._held: dict[str, bool] = {}
        self._made: dict[Ref, Record] = {}
        self.prepared: dict[Id, Tx] = {}
        self.judged: dict[Id, Any] = {}
        self.changed: Callable[[Id, Ref, bytes | None], None] | None = None

    def warm(self, wants: Iterable[Want]) -> None:
        """Fetch what is wanted and not here yet: one query per record kind, one per index."""
        keys: dict[type[Record], set[Id]] = {}
        ranges: dict[Range, None] = {}
        rows, absent_scopes = self._rows, self._absent_scopes
        for want in wants:
            if type(want) is Key:
                record, id, scope = want
                ref = (record.KIND, id)
                if ref not in rows:
                    keys.setdefault(record, set()).add(id)
                scope = scope or f"{record.PREFIX}/*"
                scopes = absent_scopes.get(ref)
                if scopes is None:
                    absent_scopes[ref] = (scope,)
                elif scope not in scopes:
                    absent_scopes[ref] = (*scopes, scope)
            elif isinstance(want, Range):
                if want not in self._ranges:
                    ranges[want] = None
            elif isinstance(want, Recorded) and want.operation not in self._recorded:
                self._recorded[want.operation] = self.reader.recorded(want.operation)
        for record, ids in keys.items():
            found = self.reader.rows(record, ids)
            for id in ids:
                self._rows.setdefault((record.KIND, id), found.get(id))
        if ranges:
            self._load_ranges(ranges)

    def _load_ranges(self, wants: Iterable[Range]) -> None:
        held = []
        for want in wants:
            if self.held(want.scope or f"{want.record.PREFIX}/*"):
                held.append(want)
            else:
                self._ranges[want] = None
        for want, rows in zip(held, self.reader.find_many(held), strict=True):
            self._ranges[want] = tuple(row.id for row in rows)
            for row in rows:
                self._rows.setdefault((row.kind, row.id), row)

    def held(self, scope: str) -> bool:
        if scope not in self._held:
            self._held[scope] = self.reader.holds(scope)
        return self._held[scope]

    def row(self, ref: Ref) -> Row | None:
        """The row, or None where there is none. Raises NotHeld where this device cannot know."""
        row = self._rows[ref]
        if row is None and ref[1] not in self._changed.get(ref[0], ()):
            scopes = self._absent_scopes[ref]
            for scope in scopes:
                if self.held(scope):
                    return None
            raise NotHeld(scopes[0])
        return row

    def standing(self, record: type[R], ref: Ref) -> R | None:
        """The record, decoded once; None where there is none. Raises NotHeld where this device cannot know."""
        made = self._made.get(ref)
        if made is None:
            row = self.row(ref)
            if row is None:
                return None
            made = self._made[ref] = decode(record, row.body)
        return made  # type: ignore[return-value]

    def range_ids(self, want: Range) -> set[Id]:
        """Candidates of a range: what was found, and what this batch put there since."""
        found = self._ranges[want]
        if found is None:
            raise NotHeld(want.scope or f"{want.record.PREFIX}/*")
        return {*found, *self._changed_in(want)}

    def _changed_in(self, want: Range) -> Collection[Id]:
        """Rows this batch put whose leading fields are the wanted ones, or once were. A look-up, not a walk over all."""
        changed = self._changed.get(want.record.KIND, set())
        if not changed or not want.equals:
            return changed
        place = (want.record.KIND, want.by, len(want.equals))
        if place not in self._placed:
            self._placed[place] = {}
            for id in changed:
                self._put_in(place, id)
        return self._placed[place].get(want.equals, ())

    def _put_in(self, place: _Place, id: Id) -> None:
        kind, by, width = place
        if self._rows[(kind, id)] is not None:
            record = self.registry.records[kind]
            made = self.standing(record, (kind, id))
            values = tuple(getattr(made, field) for field in index_of(record, by).fields[:width])
            self._placed[place].setdefault(values, set()).add(id)

    def same_since(self, looked: "Looked") -> bool:
        """Whether nothing that was looked at has been changed by this batch."""
        if not looked.recorded.isdisjoint(self._applied):
            return False
        changed = self._changed
        if not changed:
            return True
        for kind, id in looked.refs:
            if id in changed.get(kind, ()):
                return False
        return not any(self._changed_in(want) for want in looked.ranges)

    def recorded(self, operation: Id) -> tuple[Change, ...] | None:
        """Raises NotHeld where only part of the studio's log is kept and the operation is not in it."""
        found = self._recorded[operation]
        if found is None and not self.held(LOG):
            raise NotHeld(LOG)
        return found

    def done(self) -> None:
        """The batch is decided. Who was told of its changes holds this snapshot in turn: let go, all of it is freed at
        once, and no walk of the garbage collector (a third of a second on a busy cloud) is needed for it."""
        self.prepared.clear()
        self.judged.clear()
        self.changed = None

    def apply(self, operation: Id, changes: tuple[Change, ...]) -> None:
        """Lay what an operation changed over the snapshot, for the ones after it."""
        self._recorded[operation] = changes
        self._applied.add(operation)
        for change in changes:
            row = None if change.body is None else Row(change.kind, change.id, change.scope, change.body)
            self._rows[change.ref] = row
            self._made.pop(change.ref, None)
            self._changed.setdefault(change.kind, set()).add(change.id)
            if self.changed is not None:
                self.changed(operation, change.ref, change.body)
            for place in self._placed:
                if place[0] == change.kind:
                    self._put_in(place, change.id)


class Looked(NamedTuple):
    """What declared reads were themselves decided by, between their rounds: records got or found, ranges, and
    operations whose changes were asked for."""

    refs: set[Ref]
    ranges: list[Range]
    recorded: set[Id]


class Tx:
    """What a handler sees: `now`, `get`, `find`, `put`, `delete`, `effect`. Nothing else exists for it.

    Attributes:
        tracking: off while permission and gates read, so that only the handler's own reads count as touched.
        looked: while reads are declared ahead of a batch, what they look at; else None.
        now: milliseconds since the Unix epoch; the operation's corrected time when its author decides, the cloud's
            when it accepts.
    """

    def __init__(self, snapshot: Snapshot, *, now: int, operation: Id) -> None:
        self.now = now
        self._snapshot, self._operation = snapshot, operation
        self._keys: set[Ref] = set()
        self._ranges: dict[tuple[Any, ...], Range] = {}
        self._touched: set[Ref] = set()
        self._touched_ranges: list[Range] = []
        self.tracking = True
        self.looked: Looked | None = None
        self._recorded: set[Id] = set()
        self._put: dict[Ref, Record | None] = {}
        self._effects: list[Intent] = []

    def beside(self, operation: Id) -> "Tx":
        """A unit of work of another operation that may read the same."""
        made = Tx(self._snapshot, now=self.now, operation=operation)
        made._keys, made._ranges, made._recorded = self._keys, self._ranges, self._recorded
        made.looked = Looked(set(), [], set())
        return made

    def declare(self, wants: Iterable[Want]) -> None:
        keys, tracking = self._keys, self.tracking
        for want in wants:
            if type(want) is Key:
                ref = (want[0].KIND, want[1])
                keys.add(ref)
                if tracking:
                    self._touched.add(ref)
            elif isinstance(want, Range):
                self._ranges[want[:5]] = want
                if tracking:
                    self._touched_ranges.append(want)
            else:
                assert isinstance(want, Recorded)
                self._recorded.add(want.operation)

    def get(self, record: type[R], id: Id) -> R | None:
        """The record, or None where there is none. Raises NotHeld where this device cannot know."""
        ref = (record.KIND, id)
        if ref not in self._keys:
            raise UndeclaredRead(f"{record.KIND} {id}")
        return self._standing(record, ref)

    def _standing(self, record: type[R], ref: Ref) -> R | None:
        if self.looked is not None:
            self.looked.refs.add(ref)
        if ref in self._put:
            return self._put[ref]  # type: ignore[return-value]
        return self._snapshot.standing(record, ref)

    def lies(self, record: type[Record], id: Id) -> str | None:
        """The scope in which a record lies, without a look into it; None where there is none. Raises NotHeld."""
        ref = (record.KIND, id)
        if ref in self._put:
            made = self._put[ref]
            return None if made is None else made.scope()
        if ref not in self._keys:
            raise UndeclaredRead(f"{record.KIND} {id}")
        if self.looked is not None:
            self.looked.refs.add(ref)
        row = self._snapshot.row(ref)
        return None if row is None else row.scope

    def find(
        self,
        record: type[R],
        index: str,
        *equals: str | int,
        low: str | int | None = None,
        high: str | int | None = None,
    ) -> tuple[R, ...]:
        """The records an index leads to, in the byte order of its fields, then by id."""
        want = self._ranges.get((record, index, equals, low, high))
        if want is None:
            raise UndeclaredRead(f"{record.KIND} {index} {equals}")
        if self.looked is not None:
            self.looked.ranges.append(want)
        declared = index_of(record, index)
        found = []
        ids = self._snapshot.range_ids(want) | {id for kind, id in self._put if kind == record.KIND}
        for id in ids:
            ref = (record.KIND, id)
            made = self._standing(record, ref)
            if made is not None and matches(declared, want, made):
                found.append(made)
                self._keys.add(ref)
                if self.tracking:
                    self._touched.add(ref)
        found.sort(key=lambda made: order_key(declared, made))
        return tuple(found)

    def recorded(self, operation: Id) -> tuple[Change, ...] | None:
        """What an earlier operation changed; None when there was none. Raises NotHeld where this device cannot know."""
        if operation not in self._recorded:
            raise UndeclaredRead(f"recorded {operation}")
        if self.looked is not None:
            self.looked.recorded.add(operation)
        return self._snapshot.recorded(operation)

    def put(self, record: Record) -> None:
        """Store a record. Its key must have been declared, so that its value before is known."""
        self._mark((record.KIND, record.id), record)

    def delete(self, record: type[Record], id: Id) -> None:
        self._mark((record.KIND, id), None)

    def _mark(self, ref: Ref, record: Record | None) -> None:
        if ref not in self._keys:
            raise UndeclaredRead(f"put {ref[0]} {ref[1]}")
        self._put[ref] = record

    def effect(self, effect: Effect, *, home: Home) -> None:
        """Ask for something outside the store; it waits for the commit, and happens at its home."""
        self._effects.append(intent(effect, operation=self._operation, position=len(self._effects), home=home))

    @property
    def effects(self) -> tuple[Intent, ...]:
        return tuple(self._effects)

    @property
    def touched(self) -> Touched:
        """What the handler's result rests on: a pull that meets it has the operation run again."""
        return Touched(frozenset(self._touched | self._put.keys()), tuple(self._touched_ranges))

    def record_type(self, kind: str) -> type[Record]:
        return self._snapshot.registry.records[kind]

    def changes(self) -> tuple[Change, ...]:
        """What was put, against what was there: only fields that differ, in the order they were put.

        Raises NotHeld where this device cannot know what was there.
        """
        found = []
        for ref, record in self._put.items():
            change = _difference(ref, self._snapshot.row(ref), record, self._snapshot.registry)
            if change is not None:
                found.append(change)
        return tuple(found)


def _difference(ref: Ref, row: Row | None, record: Record | None, registry: Registry) -> Change | None:
    declared = registry.records[ref[0]]
    old = None if row is None else plain(decode(declared, row.body))
    if record is None:
        if row is None:
            return None
        return Change(kind=ref[0], id=ref[1], before=old, after=None, scope=row.scope, left=row.scope)
    new = plain(record)
    scope = record.scope()
    if old is None or row is None:
        body = trusted_canonical(new)
        return Change(kind=ref[0], id=ref[1], before=None, after=new, scope=scope, body=body)
    names = {name for name in {*old, *new} if old.get(name, _GONE) != new.get(name, _GONE)}
    if not names:
        return None
    whole: dict[str, Any] = msgspec.json.decode(row.body)
    for name in names:
        if name in new:
            whole[name] = new[name]
        else:
            whole.pop(name, None)
    return Change(
        kind=ref[0],
        id=ref[1],
        before={name: old[name] for name in sorted(names) if name in old},
        after={name: new[name] for name in sorted(names) if name in new},
        scope=scope,
        left=row.scope if row.scope != scope else "",
        body=trusted_canonical(whole),
    )


_GONE = object()


def fold(row: Row | None, change: Change) -> Row | None:
    """A row after a recorded change: the law's "state is the fold of recorded changes"."""
    if change.after is None:
        return None
    whole: dict[str, Any] = {} if row is None or change.before is None else msgspec.json.decode(row.body)
    for name in change.before or {}:
        whole.pop(name, None)
    whole.update(change.after)
    return Row(change.kind, change.id, change.scope, trusted_canonical(whole))


def order_key(index: Index, record: Record) -> tuple[Any, ...]:
    """The byte order of an index's fields, then the id; a field that is not there comes first."""
    values = (getattr(record, field) for field in index.fields)
    return (*((value is not None, value) for value in values), record.id)


def matches(index: Index, want: Range, record: Record) -> bool:
    """Whether a record lies in a range."""
    for field, value in zip(index.fields, want.equals, strict=False):
        if getattr(record, field) != value:
            return False
    if want.low is None and want.high is None:
        return True
    value = getattr(record, index.fields[len(want.equals)])
    if value is None:
        return False
    return (want.low is None or value >= want.low) and (want.high is None or value <= want.high)
