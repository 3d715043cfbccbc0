"""SQL against memory: the same operations give the same chain, rows, finds and pulls, byte for byte."""

import hashlib
import sys
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classtap_core.kernel import undo
from classtap_core.kernel.authority import Authority, CloudBackend, CloudDraft, Ledger, Mark
from classtap_core.kernel.bus import Bus
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.envelope import GENESIS
from classtap_core.kernel.ids import Entropy, Id, derived
from classtap_core.kernel.memory import MemoryCloud
from classtap_core.kernel.operations import Range, Registry
from classtap_core.kernel.records import Index, Record
from classtap_core.kernel.tx import Change
from cloud.composition import Cloud
from cloud.storage.pulls import Cursor, pull, snapshot, written
from sync.signed import is_signed
from tests.cloud.databases import ENGINES, empty
from tests.cloud.rig import STAFF, START_MS, child_id, make_cloud
from tests.unit.kernel import toy


class Slot(Record, frozen=True, kw_only=True):
    """A record with every kind of index: text and whole numbers, negative ones, defaults, optional fields."""

    KIND: ClassVar[str] = "slot"
    PREFIX: ClassVar[str] = "schedule"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index("by_place_start", ("place", "start")),
        Index("by_flag", ("flag", "place")),
        Index("by_note", ("note",)),
    )

    place: str = ""
    start: int = 0
    flag: bool = False
    note: str | None = None

    def scope(self) -> str:
        return f"schedule/{self.place}" if self.place else "schedule"


REGISTRY = Registry([toy, undo, sys.modules[__name__]])
PLACES = ("", "a", "b", "a/b", "ä", "Z", "\U0001f3a8", "\uffee", "a0")
"""Texts whose order differs between bytes, UTF-16 and most collations; names that begin with one another."""
SCOPES = ("schedule", "schedule/*", "schedule/a", "schedule/a/*", "families/*", "families/a", "roster/*", "roster/ä")

place = st.sampled_from(PLACES)
number = st.integers(-3, 3) | st.sampled_from((2**53 - 1, -(2**53) + 1))
small = st.integers(0, 3)
slot_id = st.sampled_from([derived("slot", str(number)) for number in range(6)])
slot = st.builds(
    lambda id, place, start, flag, note: Slot(id=id, place=place, start=start, flag=flag, note=note),
    slot_id, place, number, st.booleans(), st.none() | place,
)  # fmt: skip
step = st.one_of(
    st.tuples(st.just("enrol"), small, place),
    st.tuples(st.just("rename"), small, place),
    st.tuples(st.just("mark"), place, st.lists(small, min_size=1, max_size=3, unique=True)),
    st.tuples(st.just("census"), place),
    st.tuples(st.just("undo"), small),
    st.tuples(st.just("slots"), st.lists(slot, min_size=1, max_size=4)),
    st.tuples(st.just("drop"), slot_id),
)
wanted = st.one_of(
    st.builds(lambda equals, low, high: Range(Slot, "by_place_start", (equals,), low, high), place, st.none() | number, st.none() | number),
    st.builds(lambda low, high: Range(Slot, "by_place_start", (), low, high), st.none() | place, st.none() | place),
    st.builds(lambda flag, place: Range(Slot, "by_flag", (flag, place)), st.booleans(), place),
    st.builds(lambda low: Range(Slot, "by_note", (), low), place),
    st.builds(lambda house: Range(toy.Child, "by_house", (house,)), place),
)  # fmt: skip


@pytest.fixture(scope="module", params=ENGINES)
def cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """One database for all examples; each founds a studio of its own."""
    bus = Bus(REGISTRY, toy.AllowAll(), authority=True)
    with empty(request, request.param, room="parity") as url:
        made = make_cloud(tmp_path_factory.mktemp("parity"), bus=bus, url=url)
        yield made
        made.close()


def entropy() -> Entropy:
    calls = count()
    return lambda size: hashlib.shake_256(str(next(calls)).encode()).digest(size)


def payload(what: tuple[Any, ...], ledgers: list[Ledger]) -> Any:
    match what:
        case ("enrol", number, house):
            return toy.Enrol(child=child_id(number), house=house, name=f"Name {number}")
        case ("rename", number, name):
            return toy.Rename(child=child_id(number), name=name)
        case ("mark", house, numbers):
            return toy.MarkPresence(house=house, items=tuple(toy.Item(child_id(n), "present", "x") for n in numbers))
        case ("census", house):
            return toy.Census(house=house, into=derived("seats", house))
        case ("undo", back):
            operation = ledgers[-1 - back].link.operation if back < len(ledgers) else child_id(99)
            return undo.Undo(operation=operation)
    raise AssertionError(what)


def put(found: list[Slot]) -> list[Change]:
    return [
        Change(kind="slot", id=one.id, before=None, after={}, scope=one.scope(), body=msgspec.json.encode(one))
        for one in found
    ]


class Side:
    """One backend with its authority, its clock and its bytes of chance."""

    def __init__(self, backend: Callable[[], CloudBackend], device: Id) -> None:
        self.backend, self.device = backend, device
        self.clock, self.entropy = ManualClock(START_MS), entropy()
        self.bus = Bus(REGISTRY, toy.AllowAll(), authority=True)
        self.ledgers: list[Ledger] = []

    def do(self, what: tuple[Any, ...]) -> None:
        self.clock.advance(1_000)
        backend = self.backend()
        if what[0] in ("slots", "drop"):
            changes = (
                put(what[1])
                if what[0] == "slots"
                else [Change(kind="slot", id=what[1], before={}, after=None, scope="schedule", left="schedule")]
            )
            with backend.atomic():
                backend.write_rows(changes)
            return
        authority = Authority(backend, self.bus, self.clock, self.entropy, is_signed)
        self.ledgers += authority.author_all(self.device, [CloudDraft(payload(what, self.ledgers), STAFF, "test")])


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(step, max_size=14),
    ranges=st.lists(wanted, max_size=6),
    scopes=st.sets(st.sampled_from(SCOPES)),
    after=small,
)
def test_sql_and_memory_agree(
    cloud: Cloud, steps: list[tuple[Any, ...]], ranges: list[Range], scopes: set[str], after: int
) -> None:
    studio = cloud.studios.found("Parity")
    memory = MemoryCloud(REGISTRY, studio.id)
    memory.set_mark(Mark(device=studio.cloud_device, epoch=1, sequence=0, hash=GENESIS, public_key=b""))
    sides = (
        Side(lambda: memory, studio.cloud_device),
        Side(lambda: cloud.studios.storage(studio.id), studio.cloud_device),
    )
    for what in steps:
        for side in sides:
            side.do(what)
    theirs, ours = sides
    assert [ledger.link_data for ledger in ours.ledgers] == [ledger.link_data for ledger in theirs.ledgers]
    storage = cloud.studios.storage(studio.id)
    for kind, record in REGISTRY.records.items():
        table = memory.state.table.get(kind, {})
        assert storage.rows(record, table) == table
    for one in ranges:
        assert storage.find(one) == memory.find(one), one
    for ledger in theirs.ledgers:
        assert storage.recorded(ledger.link.operation) == tuple(
            msgspec.structs.replace(change, body=None) for change in ledger.changes
        )
    check_pulls(cloud.books, memory, studio.id, tuple(sorted(scopes)), after)


def check_pulls(books: Any, memory: MemoryCloud, studio: Id, scopes: tuple[str, ...], after: int) -> None:
    expected, through = memory.pull(scopes, after=min(after, memory.lock_head().sequence))
    found, cursor, more = [], start_of(studio, min(after, memory.lock_head().sequence)), True
    while more:
        page = pull(books, studio, scopes, cursor=cursor, most=3)
        found += page.rows
        cursor, more = page.cursor, page.more
    assert page.through == through
    assert {row.ref: row.body for row in found} == {row.ref: row.body for row in expected}
    assert {row.ref: row.scope for row in found if row.body} == {row.ref: row.scope for row in expected if row.body}
    for scope in scopes:
        rows, next = [], ""
        while True:
            part = snapshot(books, studio, scope, after=next, most=2)
            rows += part.rows
            next = part.next
            if not next:
                break
        held = {ref: row for ref, row in memory.state.all().items() if lies(row.scope, scope)}
        assert {row.ref: row.body for row in rows} == {ref: row.body for ref, row in held.items()}
        assert len(rows) == len(held) == part.total or part.total == 0


def start_of(studio: Id, sequence: int) -> str:
    return written(Cursor(studio, sequence))


def lies(scope: str, pattern: str) -> bool:
    """Said apart from the kernel's `covers`, so that both are held to it."""
    if pattern.endswith("/*"):
        parts, asked = scope.split("/"), pattern[:-2].split("/")
        return parts[: len(asked)] == asked
    return scope == pattern
