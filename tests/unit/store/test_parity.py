"""The encrypted store against the store in memory: the same operations, the same answers, rows and notices."""

import random
import tempfile
from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.device_store import Answer, DeviceBackend, Entry, Pulled
from classtap_core.kernel.ids import derived
from classtap_core.kernel.memory import MemoryDevice
from classtap_core.kernel.operations import Range, Registry
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, ItemOutcome, Status, contested, of_items, refused
from classtap_core.kernel.records import Index, Record, about
from classtap_core.store.device import SqlDevice
from tests.unit.kernel import toy
from tests.unit.store.conftest import ALL, DEVICE, KEY, STAFF, STUDIO, bus_over, child_id

HOUSES = ("north", "south", "Ångström", "")
REGISTRY = toy.registry()

small = st.integers(0, 4)
house = st.sampled_from(HOUSES)
name = st.sampled_from(("Ann", "Bo", "王小明", "Zoë"))
seats_id = st.sampled_from([derived("seats", str(n)) for n in range(2)])
body_child = st.builds(
    lambda n, h, w: ("child", child_id(n), f"families/{h}", {"house": h, "name": w}), small, house, name
)
body_seats = st.builds(lambda i, n: ("seats", i, "schedule", {"free": n}), seats_id, small)
body_presence = st.builds(
    lambda n, h, t: (
        "presence", toy.presence_id(child_id(n)), f"roster/{h}",
        {"child": child_id(n), "house": h, "marks": [{"order": [t, "ff" * 16, 1], "state": "present"}]},
    ),
    small, house, st.sampled_from((1_000, 1_790_000_000_000, 1_790_000_999_999)),
)  # fmt: skip
pulled_row = st.builds(
    lambda row, gone: Pulled(
        row[0], row[1], row[2], None if gone else msgspec.json.encode({**row[3], "id": row[1], "later": "kept"})
    ),
    st.one_of(body_child, body_seats, body_presence),
    st.booleans(),
)
outcome = st.sampled_from(
    (ACCEPTED, DUPLICATE, refused("x"), contested("y"), of_items([ItemOutcome(child_id(1), Status.SUPERSEDED)]))
)
step = st.one_of(
    st.tuples(st.just("enrol"), small, house, name),
    st.tuples(st.just("rename"), small, name),
    st.tuples(st.just("mark"), house, st.lists(small, min_size=1, max_size=3, unique=True)),
    st.tuples(st.just("census"), house, seats_id),
    st.tuples(st.just("take"), seats_id),
    st.tuples(st.just("undo"), small),
    st.tuples(st.just("page"), st.lists(pulled_row, max_size=4)),
    st.tuples(st.just("pull"), st.lists(pulled_row, max_size=4)),
    st.tuples(st.just("answer"), st.integers(0, 3), outcome),
)


class World:
    """One device under a bus, driven by steps; `view` is all that can be seen of it."""

    def __init__(self, backend: DeviceBackend) -> None:
        self.backend, self.bus, self.cursor = backend, bus_over(backend), 0

    def play(self, step: tuple[Any, ...]) -> Any:
        match step:
            case ("enrol", number, house, name):
                return self._submit(toy.Enrol(child=child_id(number), house=house, name=name))
            case ("rename", number, name):
                return self._submit(toy.Rename(child=child_id(number), name=name))
            case ("mark", house, numbers):
                items = tuple(toy.Item(child_id(number), "present", "note") for number in numbers)
                return self._submit(toy.MarkPresence(house=house, items=items))
            case ("census", house, into):
                return self._submit(toy.Census(house=house, into=into))
            case ("take", seats):
                return self._submit(toy.Take(seats=seats))
            case ("undo", back):
                entries = self.backend.entries([self.backend.head().sequence - back])
                return entries and self._submit(toy.undo.Undo(operation=entries[0].id))
            case ("page", rows):
                return self.bus.apply(rows)
            case ("pull", rows):
                self.cursor += 2
                return self.bus.apply(rows, cursor=self.cursor, token=f"t{self.cursor}")
            case ("answer", many, outcome):
                head = self.backend.head()
                up_to = min(head.sequence, head.acked + many)
                answers = [Answer(n, outcome, self.cursor + n % 3) for n in range(head.acked + 1, up_to + 1)]
                return self.bus.acknowledge(answers)

    def _submit(self, payload: Any) -> Any:
        receipt = self.bus.submit(payload, STAFF)
        return receipt._replace(decision=None, changes=_as_json(receipt.changes))  # type: ignore[arg-type]

    def view(self) -> dict[str, Any]:
        backend = self.backend
        head = backend.head()
        kinds = {"child": toy.Child, "presence": toy.Presence, "seats": toy.Seats}
        ids = [*(child_id(n) for n in range(5)), *(toy.presence_id(child_id(n)) for n in range(5))]
        ids += [derived("seats", str(n)) for n in range(2)]
        refs = [(kind, id) for kind in kinds for id in ids]
        return {
            "head": head,
            "rows": {kind: dict(backend.rows(record, ids)) for kind, record in kinds.items()},
            "found": [backend.find(Range(toy.Child, "by_house", (house,))) for house in HOUSES],
            "all": backend.find(Range(toy.Child, "by_house", ())),
            "between": backend.find(Range(toy.Child, "by_house", (), "A", "south")),
            "log": [_plain(entry) for entry in backend.entries(range(1, head.sequence + 1))],
            "touching": [[sorted(backend.touching([ref], settled=on)) for ref in refs] for on in (True, False)],
            "ranges": [sorted(backend.ranges_touched(kinds, settled=on), key=repr) for on in (True, False)],
            "settled": backend.settled_by(self.cursor),
        }


def _plain(entry: Entry) -> Entry:
    """An entry without what only the store in memory still has: bodies, and tuples where JSON has lists."""
    return entry._replace(changes=_as_json(entry.changes), touched=None)  # type: ignore[arg-type]


def _as_json(changes: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode([msgspec.structs.replace(one, body=None) for one in changes]))


@settings(max_examples=120)
@given(st.lists(step, max_size=25))
def test_same_as_in_memory(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sql = SqlDevice.create(Path(folder, "store.db"), KEY, REGISTRY, studio=STUDIO, device=DEVICE)
        sql.conn.execute("PRAGMA synchronous = OFF")  # the disk is not what is tried here
        sql.hold(ALL)
        ours = World(sql)
        theirs = World(MemoryDevice(REGISTRY, studio=STUDIO, device=DEVICE, scopes=ALL))
        try:
            for step in steps:
                assert ours.play(step) == theirs.play(step), step
                assert ours.view() == theirs.view(), step
            memory = theirs.backend
            assert isinstance(memory, MemoryDevice)
            assert {notice.operation: notice for notice in sql.notices()} == memory.notices
        finally:
            sql.close()


class Visit(Record, frozen=True, kw_only=True):
    """All that an index may lead by: text, integers, fields that are not there, defaults."""

    KIND: ClassVar[str] = "visit"
    PREFIX: ClassVar[str] = "visits"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index("by_room", ("room", "at_ms", "who")),
        Index("by_time", ("at_ms",)),
        Index("by_who", ("who", "id")),
    )

    room: str = "hall"
    at_ms: int | None = None
    who: Annotated[str | None, about("id")] = None


VISITS = Registry([type("visits", (), {"Visit": Visit})])  # type: ignore[list-item]
text = st.sampled_from(("", "a", "A", "aa", "é", "e\u0301", "\x00", "\U0001f600", "\uffff", "9", "10"))
number = st.one_of(st.integers(-3, 3), st.sampled_from((-(2**52), 2**52)))
visit = st.builds(
    lambda n, room, at, who: Visit(id=derived("visit", str(n)), room=room, at_ms=at, who=who),
    st.integers(0, 30), text, st.none() | number, st.none() | text,
)  # fmt: skip
by_room = st.builds(
    lambda equals, low, high: Range(Visit, "by_room", (equals,), low, high),
    text,
    st.none() | number,
    st.none() | number,
)
wanted = st.one_of(
    by_room,
    st.builds(lambda low, high: Range(Visit, "by_room", (), low, high), st.none() | text, st.none() | text),
    st.builds(lambda one, two, low: Range(Visit, "by_room", (one, two), low), text, number, st.none() | text),
    st.builds(lambda low, high: Range(Visit, "by_time", (), low, high), st.none() | number, st.none() | number),
    st.builds(lambda who: Range(Visit, "by_who", (who,)), text),
    st.just(Range(Visit, "by_who", ())),
)


@settings(max_examples=60)
@given(st.lists(visit, max_size=25), st.lists(wanted, min_size=1, max_size=12))
def test_find_has_the_order_of_memory(visits: list[Visit], ranges: list[Range]) -> None:
    rows = [Pulled("visit", one.id, "visits", msgspec.json.encode(one)) for one in visits]
    memory = MemoryDevice(VISITS, studio=STUDIO, device=DEVICE)
    with tempfile.TemporaryDirectory() as folder:
        sql = SqlDevice.create(Path(folder, "store.db"), KEY, VISITS, studio=STUDIO, device=DEVICE)
        try:
            for backend in (sql, memory):
                backend.put_base(rows)
                backend.bare([row.ref for row in rows])
            for one in ranges:
                assert sql.find(one) == memory.find(one), one
        finally:
            sql.close()


def test_same_seed_gives_the_same_worlds() -> None:
    """The comparison above would be worth nothing if both worlds did not author the same bytes."""
    memories = [MemoryDevice(REGISTRY, studio=STUDIO, device=DEVICE, scopes=ALL) for _ in range(2)]
    for memory in memories:
        bus: DeviceBus = bus_over(memory, seed=random.Random(1).randrange(9))
        bus.submit(toy.Enrol(child=child_id(1), house="north", name="Ann"), STAFF)
    assert memories[0].head() == memories[1].head()
    assert memories[0].head().sequence == 1
