"""One folder, one writer, many readers: what a program sees of its store."""

import threading
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import ClassVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from classtap_core.kernel.device_store import Answer, Pulled
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.operations import Range
from classtap_core.kernel.outcomes import ACCEPTED, Status
from classtap_core.kernel.tx import Ref
from classtap_core.store.keys import KeyProtection
from classtap_core.store.slices import SLICE_S, Slicer
from classtap_core.store.store import Store
from tests.unit.kernel import toy
from tests.unit.store.conftest import ALL, DEVICE, NOW, STAFF, STUDIO, Opener, bus_over, child_id, child_row, mark

IN_NORTH = Range(toy.Child, "by_house", ("north",))


def test_what_was_submitted_is_there_after_reopening(opened: Opener) -> None:
    store = opened()
    bus = bus_over(store.device)
    receipt = store.call(lambda: bus.submit(mark(1, note="sun hat"), STAFF))
    head = store.call(lambda: store.device.head())
    public_key = store.public_key
    store.close()

    again = opened()
    assert again.call(lambda: again.device.head()) == head
    with again.reader() as reader:
        (entry,) = reader.entries([1])
        assert entry.id == receipt.operation
        assert b"sun hat" in entry.parts[child_id(1)]
        assert reader.pending() == 1
    assert again.public_key == public_key
    assert again.check().ok
    assert again.protection is KeyProtection.FILE


def test_the_device_signs_with_its_own_key(store: Store) -> None:
    Ed25519PublicKey.from_public_bytes(store.public_key).verify(store.sign(b"batch"), b"batch")


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    with pytest.raises(Refused, match=r"store\.closed"):
        store.run(lambda: None)
    with pytest.raises(Refused, match=r"store\.closed"), store.reader():
        pass
    store.close()


def test_closing_leaves_one_file_of_the_database(data_dir: Path, store: Store) -> None:
    store.call(lambda: bus_over(store.device).submit(mark(1), STAFF))
    store.close()
    assert sorted(path.name for path in data_dir.iterdir()) == ["owner.lock", "store.db", "store.key"]


def test_an_unpaired_store_waits_for_its_papers(tmp_path: Path) -> None:
    folder = tmp_path / "desk"
    with Store.create(folder, toy.registry(), program="test") as store:
        with pytest.raises(Refused, match=r"store\.unpaired"):
            store.call(lambda: store.device.head())
        store.call(lambda: store.device.pair(studio=STUDIO, device=DEVICE))
        assert store.call(lambda: store.device.head()).device == DEVICE
        with pytest.raises(Refused, match=r"store\.paired"):
            store.call(lambda: store.device.pair(studio=DEVICE, device=STUDIO))


def test_interactive_work_goes_first(store: Store) -> None:
    """Everything is queued while the writer is held up; then the order is by priority, and by arrival within one."""
    gate, order = threading.Event(), []
    held = store.run(gate.wait)
    jobs = [
        store.run(lambda: order.append("pull 1"), background=True),
        store.run(lambda: order.append("pull 2"), background=True),
        store.run(lambda: order.append("tap 1")),
        store.run(lambda: order.append("tap 2")),
    ]
    gate.set()
    for job in [held, *jobs]:
        job.result()
    assert order == ["tap 1", "tap 2", "pull 1", "pull 2"]


def test_a_tap_goes_between_the_slices_of_a_pull(store: Store) -> None:
    bus = bus_over(store.device)
    store._slicer.rows = 10
    seen: list[int] = []

    def tap() -> None:
        seen.append(len(store.device.find(IN_NORTH)))

    taps = []
    remove = store.on_change(lambda refs, scopes: taps.append(store.run(tap)) if len(taps) < 1 else None)
    store.apply(bus, [child_row(number) for number in range(100)], cursor=5, token="t").result()
    taps[0].result()
    remove()
    assert seen == [10]
    assert store.call(lambda: (len(store.device.find(IN_NORTH)), store.device.head().cursor)) == (100, 5)


def test_an_exception_reaches_whoever_waits(store: Store) -> None:
    def fail() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        store.call(fail)
    assert store.call(lambda: 1) == 1


def test_readers_see_what_is_committed_and_one_view_at_a_time(store: Store) -> None:
    bus = bus_over(store.device)
    store.apply(bus, [child_row(1)]).result()
    with store.reader() as reader:
        assert [row.id for row in reader.find(IN_NORTH)] == [child_id(1)]
        store.apply(bus, [child_row(2)]).result()
        assert [row.id for row in reader.find(IN_NORTH)] == [child_id(1)]
        with store.reader() as inner:
            assert inner is reader
    with store.reader() as reader:
        assert {row.id for row in reader.find(IN_NORTH)} == {child_id(1), child_id(2)}
        assert reader.holds("families/north")
        assert not reader.holds("contact/north")


def test_an_open_transaction_is_not_seen(store: Store) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def half() -> None:
        with store.device.atomic():
            store.device.put_base([child_row(1)])
            inside.set()
            go_on.wait()

    job = store.run(half)
    inside.wait()
    with store.reader() as reader:
        assert reader.find(IN_NORTH) == []
    go_on.set()
    job.result()


def test_each_thread_reads_by_itself_and_leaves_nothing_open(store: Store) -> None:
    store.apply(bus_over(store.device), [child_row(1)]).result()
    found: list[int] = []

    def look() -> None:
        with store.reader() as reader:
            found.append(len(reader.find(IN_NORTH)))

    for _ in range(5):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    look()
    assert found == [1] * 6
    assert len(store._readers) <= 2


def test_a_reader_decides_without_writing(store: Store) -> None:
    """`bus.decide` over a view: previews and what-if need no turn of the writer."""
    bus = bus_over(store.device)
    with store.reader() as reader:
        decision = bus_over(reader).decide(mark(1), STAFF)  # type: ignore[arg-type]
    assert decision.outcome.status is Status.ACCEPTED
    assert store.call(lambda: bus.backend.head().sequence) == 0


def test_listeners_hear_each_commit(store: Store) -> None:
    heard: list[tuple[frozenset[Ref], frozenset[str]]] = []
    remove = store.on_change(lambda refs, scopes: heard.append((refs, scopes)))
    bus = bus_over(store.device)
    store.call(lambda: bus.submit(mark(1, 2), STAFF))
    ids = {("presence", toy.presence_id(child_id(number))) for number in (1, 2)}
    assert heard == [(frozenset(ids), frozenset({"roster/north"}))]

    def fail() -> None:
        with store.device.atomic():
            store.device.put_base([child_row(3)])
            raise KeyError

    with pytest.raises(KeyError):
        store.call(fail)
    store.apply(bus, [child_row(4)]).result()
    remove()
    store.apply(bus, [child_row(5)]).result()
    assert [refs for refs, _ in heard[1:]] == [{("child", child_id(4))}]


@pytest.mark.expected_log("a listener of the store failed", reason="that is what is tried")
def test_a_failing_listener_holds_nobody_up(store: Store) -> None:
    def fail(refs: object, scopes: object) -> None:
        raise KeyError

    heard: list[object] = []
    store.on_change(fail)
    store.on_change(lambda refs, scopes: heard.append(refs))
    store.apply(bus_over(store.device), [child_row(1)]).result()
    assert heard == [{("child", child_id(1))}]


def test_a_snapshot_goes_on_from_its_last_page(opened: Opener) -> None:
    store = opened()
    store.call(lambda: store.device.release_scopes(ALL))
    pages = [[child_row(number) for number in range(start, start + 40)] for start in (0, 40)]
    bus = bus_over(store.device)
    store.apply_snapshot(bus, "families/*", pages[0], next="page-2", cursor=70, token="c70").result()
    assert not store.call(lambda: store.device.holds("families/north"))
    store.close()

    again = opened()
    with again.reader() as reader:
        assert [state[:3] for state in reader.scopes()] == [("families/*", False, "page-2")]
        assert reader.head().token == "c70"
    bus = bus_over(again.device)
    again.apply_snapshot(bus, "families/*", pages[1], next="", cursor=75, token="c75").result()
    with again.reader() as reader:
        assert [state[:3] for state in reader.scopes()] == [("families/*", True, "")]
        assert reader.head().token == "c70"
        assert len(reader.find(IN_NORTH)) == 80
        assert reader.holds("families/north")


def test_slices_learn_their_size() -> None:
    """A row costs 1 ms here: slices settle at half of what one may take."""
    ticks = [0.0]
    slicer = Slicer(lambda: ticks[0])

    class Bus:
        sizes: ClassVar[list[int]] = []

        def apply(self, rows: list[Pulled], *, cursor: int | None = None, token: str = "") -> list[object]:
            self.sizes.append(len(rows))
            ticks[0] += 0.001 * len(rows)
            return []

    class Device:
        def atomic(self) -> AbstractContextManager[None]:
            return nullcontext()

        part_way = atomic

    rows = [child_row(1)] * 1_000
    for _ in slicer.applied(Device(), Bus(), rows, cursor=None, token="", finish=lambda: None):  # type: ignore[arg-type]
        pass
    assert sum(Bus.sizes) == 1_000
    assert all(size * 0.001 <= SLICE_S for size in Bus.sizes[1:])
    assert Bus.sizes[3] in (9, 10)


def test_only_slices_before_the_last_do_without_a_flush(store: Store) -> None:
    """A mark between two slices, and the slice that moves the cursor, are durable by themselves (FULL is 2)."""
    levels: list[int] = []

    def level() -> None:
        levels.append(store.device.conn.execute("PRAGMA synchronous").fetchone()[0])

    store._slicer.rows = 10
    remove = store.on_change(lambda refs, scopes: level())
    bus = bus_over(store.device)
    store.apply(bus, [child_row(number) for number in range(35)], cursor=5, token="t").result()
    store.call(lambda: bus.submit(mark(1), STAFF))
    remove()
    assert levels[0] == 1
    assert levels[-2:] == [2, 2]
    store.call(level)
    assert levels[-1] == 2


def test_erasing_waits_for_nobody_and_is_finished_when_the_last_reader_looks_away(data_dir: Path, store: Store) -> None:
    bus = bus_over(store.device)
    store.apply(bus, [child_row(1)]).result()
    waiting = data_dir / "store.db-wal"
    with store.reader() as reader:
        assert reader.find(IN_NORTH)
        store.call(lambda: store.device.erase(child_id(1)))
        assert waiting.stat().st_size > 0
        assert reader.find(IN_NORTH)
    store.call(lambda: None)
    with store.reader() as reader:
        assert reader.find(IN_NORTH) == []
    store.close()
    assert not waiting.exists()


def test_what_is_kept_for_a_while_goes_in_the_end(store: Store) -> None:
    bus = bus_over(store.device)
    store.call(lambda: bus.submit(mark(1), STAFF))
    store.call(lambda: bus.acknowledge([Answer(1, ACCEPTED, 10)]))
    store.call(lambda: store.device.observe("scan.refused", "expired", NOW, times=1))
    store.apply(bus, [], cursor=10, token="t").result()
    day = 86_400_000
    kept = []
    for now in (NOW + day, NOW + 3 * day, NOW + 31 * day):
        store.tidy(now).result()
        with store.reader() as reader:
            kept.append(
                (
                    reader.conn.execute("SELECT count(*) FROM touch").fetchone()[0],
                    len(reader.observations("scan.refused")),
                )
            )
    assert kept == [(1, 1), (0, 1), (0, 0)]


def test_settling_thousands_is_sliced_too(store: Store) -> None:
    """A pull that includes many own operations takes them out of the overlay a few at a time, cursor last."""
    bus = bus_over(store.device)
    store._slicer.settling = 8

    def work() -> None:
        for number in range(60):
            bus.submit(mark(number), STAFF)
        bus.acknowledge([Answer(number, ACCEPTED, 100 + number) for number in range(1, 61)])

    store.call(work)
    cursors: list[int] = []
    remove = store.on_change(lambda refs, scopes: cursors.append(store.device.head().cursor))
    store.apply(bus, [], cursor=160, token="end").result()
    remove()
    assert len(cursors) > 3
    assert cursors == sorted(cursors)
    head = store.call(lambda: store.device.head())
    assert (head.cursor, head.token) == (160, "end")
    assert store.call(lambda: store.device.settled_by(160)) == []
    assert store.check().ok


def test_a_store_in_use_is_not_called_damaged(store: Store) -> None:
    """A page that the write-ahead log holds may be a hole in the file, which SQLCipher's check takes for damage."""
    bus = bus_over(store.device)
    with store.reader() as reader:
        reader.head()  # holds an instant: the log cannot be folded in beyond it
        store.apply(bus, [child_row(number, "n" * 900) for number in range(400)], cursor=1, token="1").result()
        store.call(lambda: store.device.checkpoint())
    for number in range(20):
        with store.reader() as reader:
            store.apply(bus, [child_row(number * 37 + one, "m" * 900) for one in range(90)]).result()
            reader.head()
            store.apply(bus, [child_row(number * 41 + one, "k" * 900) for one in range(90)]).result()
            store.call(lambda: store.device.checkpoint())
            assert store.check().file == ()


def test_pages_of_the_write_ahead_log_are_no_holes(store: Store) -> None:
    """The file's last page made a hole by hand, while the log holds it: no damage; without the log, damage."""
    bus = bus_over(store.device)
    store.apply(bus, [child_row(number, "n" * 900) for number in range(400)], cursor=1, token="1").result()
    path = store.folder / "store.db"
    pages = store.call(lambda: int(store.device.conn.execute("PRAGMA page_count").fetchone()[0]))
    with path.open("ab") as file:
        file.truncate(pages * 4096)
    assert (store.folder / "store.db-wal").stat().st_size > 100 * 4096
    assert store.check().ok
