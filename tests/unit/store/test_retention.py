"""What is long over leaves the device; what is not settled never does, and the chain stays whole."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.device_store import Answer, Notice, Pulled
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import derived
from classtap_core.kernel.outcomes import ACCEPTED, Outcome, Status
from classtap_core.kernel.scopes import ended_before, last_day
from classtap_core.store.rounds import Rounds
from classtap_core.store.store import Store
from tests.unit.store import toy_blobs
from tests.unit.store.conftest import DEVICE, NOW, STAFF, STUDIO, child_id, child_row, mark
from tests.unit.store.toy_blobs import ALL, FilePaper, added, bus_over, paper_row

DAY_MS = 86_400_000
OLD, OLDER, FRESH = "2026-06-01", "2026-05-01", "2026-09-20"  # NOW is on 2026-09-21, by `date -u -d @1790000000`


@pytest.fixture
def store(data_dir: Path) -> Iterator[Store]:
    with Store.create(data_dir, toy_blobs.registry(), program="test", studio=STUDIO, device=DEVICE) as made:
        made.call(lambda: made.device.hold(ALL))
        yield made


def papers(store: Store) -> set[str]:
    with store.reader() as reader:
        rows = reader.conn.execute("SELECT scope FROM record_paper").fetchall()
    return {scope for (scope,) in rows}


def seen(store: Store) -> None:
    """Somebody has looked at every notice."""

    def see() -> None:
        with store.device.atomic():
            for notice in store.device.notices():
                store.device.notice_seen(notice.operation)

    store.call(see)


def test_the_last_day_of_a_scope() -> None:
    found = {
        "roster/abc/2026-02-28": date(2026, 2, 28), "schedule/abc/2028-02": date(2028, 2, 29), "families/abc": None,
        "roster/*": None, "roster/abc/2026-02-30": None, "x/abc/2026-13": None, "2026-01-01": None, "keys": None,
    }  # fmt: skip
    assert {scope: last_day(scope) for scope in found} == found
    assert ended_before("roster/abc/2026-02-28", "2026-03-01")
    assert not ended_before("roster/abc/2026-03-01", "2026-03-01")
    assert not ended_before("schedule/abc/2026-03", "2026-03-15")
    assert not ended_before("families/abc", "2026-03-01")
    assert not ended_before("roster/abc/2026-02-28", "")


def test_old_scopes_leave_and_are_then_not_held(store: Store) -> None:
    blob = added(store, 3)
    store.call(lambda: store.device.hold([f"papers/south/{OLD}"]))
    rows = [
        paper_row(1, blob, day=OLD), paper_row(2, blob, house="south", day=OLD), paper_row(3, blob, day=FRESH),
        paper_row(4, blob), child_row(1), Pulled("comet", derived("comet"), f"sky/{OLDER}", b"{}"),
    ]  # fmt: skip
    store.apply(bus_over(store.device), rows, cursor=1, token="1").result()
    assert store.let_go_of_old(NOW).result() == (3, 2, 0)
    assert papers(store) == {f"papers/north/{FRESH}", "papers/north"}
    with store.reader() as reader:
        held = {scope: reader.holds(scope) for scope in (f"papers/north/{OLD}", f"papers/south/{OLD}", "papers/north")}
        assert held == {f"papers/north/{OLD}": False, f"papers/south/{OLD}": False, "papers/north": True}
        assert reader.holds(f"papers/north/{FRESH}")
        assert reader.holds("papers/*")
        assert [state.scope for state in reader.scopes()] == list(ALL)
        assert reader.floor() == "2026-06-23"  # ninety days before
        assert reader.conn.execute("SELECT count(*) FROM aside").fetchone() == (0,)
    assert store.call(lambda: store.device.holds(f"papers/north/{OLD}")) is False
    assert store.let_go_of_old(NOW).result() == (0, 0, 0)
    assert store.check().ok
    store.call(lambda: store.device.hold([f"papers/north/{OLD}"]))  # asked for by name, and loaded again
    assert store.call(lambda: store.device.holds(f"papers/north/{OLD}"))


def test_what_is_not_settled_stays(store: Store) -> None:
    """Unsent, answered but not come back, and what lies beneath or was rested on."""
    bus, blob = bus_over(store.device), added(store, 1)
    rows = [paper_row(number, blob, day=OLD) for number in (1, 2)]
    store.apply(bus, rows, cursor=1, token="1").result()
    store.call(lambda: bus.submit(FilePaper(child=child_id(1), scan=blob, day=OLD), STAFF))
    store.call(lambda: bus.submit(FilePaper(child=child_id(3), scan=blob, house="south", day=OLDER), STAFF))
    later = NOW + 365 * DAY_MS
    assert store.let_go_of_old(later).result() == (0, 0, 0)
    store.call(lambda: bus.acknowledge([Answer(1, ACCEPTED, 10), Answer(2, ACCEPTED, 11)]))
    assert store.let_go_of_old(later).result() == (0, 0, 0)
    store.apply(bus, [rows[0]], cursor=10, token="10").result()
    assert store.let_go_of_old(later).result() == (1, 2, 1)
    assert papers(store) == {f"papers/south/{OLDER}"}
    with store.reader() as reader:
        first, second = reader.entries([1, 2])
    assert (set(first.parts), set(second.parts)) == ({""}, {"", child_id(3)})
    assert store.check().ok


def test_old_entries_keep_their_envelopes_only(store: Store) -> None:
    bus = bus_over(store.device)
    for number in range(6):
        store.call(lambda number=number: bus.submit(mark(number, note=f"note {number}"), STAFF))  # type: ignore[misc]
    quarantined = Outcome(status=Status.QUARANTINED)
    answers = [Answer(1, ACCEPTED, 10), Answer(2, ACCEPTED, 11), Answer(3, quarantined, 12), Answer(4, ACCEPTED, 13)]
    store.call(lambda: bus.acknowledge(answers))
    store.apply(bus, [], cursor=20, token="20").result()
    told = store.call(lambda: store.device.entries([2])[0].id)

    seen(store)

    def tell() -> None:
        with store.device.atomic():
            store.device.notify(Notice(told, 2, "toy.mark", ACCEPTED, quarantined, NOW))

    store.call(tell)
    before = store.call(lambda: store.device.entries([1])[0])
    assert store.let_go_of_old(NOW + 89 * DAY_MS).result().entries == 0
    assert store.let_go_of_old(NOW + 91 * DAY_MS).result().entries == 2
    with store.reader() as reader:
        entries = reader.entries(range(1, 7))
        # 1 and 4 left their words; 2 has still to be told, 3 may be said again, 5 and 6 were never sent
        assert [b"note" in b"".join(entry.parts.values()) for entry in entries] == [
            False,
            True,
            True,
            False,
            True,
            True,
        ]
        assert (entries[0].data, entries[0].hash, entries[0].changes) == (before.data, before.hash, ())
        assert reader.recorded(entries[0].id) is None
        assert reader.recorded(entries[1].id)
        assert len(reader.unsent(9)) == 2
    assert store.let_go_of_old(NOW + 91 * DAY_MS).result().entries == 0
    found = store.check()
    assert (found.ok, found.entries) == (True, 6)
    store.call(lambda: bus_over(store.device, seed=9).submit(mark(7), STAFF))
    assert store.check().entries == 7


def test_many_entries_in_slices(store: Store) -> None:
    bus = bus_over(store.device)
    for number in range(450):
        store.call(lambda number=number: bus.submit(mark(number), STAFF))  # type: ignore[misc]
    store.call(lambda: bus.acknowledge([Answer(number, ACCEPTED, number) for number in range(1, 449)]))
    store.apply(bus, [], cursor=999, token="999").result()
    seen(store)
    assert store.let_go_of_old(NOW + 99 * DAY_MS).result().entries == 448
    assert store.check().ok


def test_the_setting(store: Store) -> None:
    assert store.retention_days == 90
    with pytest.raises(BadInput, match=r"store\.retention\(fewest=7\)"):
        store.keep_for(3)
    store.keep_for(400)
    store.apply(bus_over(store.device), [paper_row(1, added(store, 1), day=OLD)], cursor=1, token="1").result()
    assert store.let_go_of_old(NOW).result() == (0, 0, 0)
    store.keep_for(7)
    assert store.let_go_of_old(NOW).result().scopes == 1
    assert store.retention_days == 7


def test_what_was_let_go_is_compared_with_nobody(store: Store) -> None:
    """A digest of a pattern says nothing once parts of it have left; of what is whole it does."""
    rows = [paper_row(1, added(store, 1), day=OLD), paper_row(2, added(store, 2), day=FRESH), child_row(1)]
    store.apply(bus_over(store.device), rows, cursor=1, token="1").result()

    def whole() -> dict[str, bool]:
        names = ("papers/*", "papers/north/*", f"papers/north/{OLD}", f"papers/north/{FRESH}", "families/*")
        with store.reader() as reader:
            return {name: reader.whole(name) for name in names}

    assert set(whole().values()) == {True}
    store.let_go_of_old(NOW).result()
    assert list(whole().values()) == [False, False, False, True, True]


def test_a_clock_that_runs_ahead_takes_nothing_away(store: Store, tmp_path: Path) -> None:
    """Offline nobody can tell a wrong clock: what is old is judged by when the cloud was last there."""
    rows = [paper_row(1, added(store, 1, 1_000), day=FRESH)]
    store.apply(bus_over(store.device), rows).result()
    years_ahead = ManualClock(NOW + 800 * DAY_MS)
    for heard in (None, NOW):
        Rounds(store, years_ahead, tmp_path / "kept", heard=lambda heard=heard: heard).tidy()  # type: ignore[misc]
        assert papers(store) == {f"papers/north/{FRESH}"}
    Rounds(store, years_ahead, tmp_path / "kept", heard=lambda: NOW + 800 * DAY_MS).tidy()
    assert papers(store) == set()
