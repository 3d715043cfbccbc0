"""What other devices of a place told: seen at once, beneath own work, gone or confirmed with the cloud's word. Both stores."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classtap_core.kernel.batches import Batch, read_batch
from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.device_store import Notice, Pulled
from classtap_core.kernel.memory import MemoryDevice
from classtap_core.kernel.neighbours import Holds
from classtap_core.kernel.outcomes import Status
from classtap_core.store.device import SqlDevice
from classtap_core.store.told import TABLES
from tests.unit.kernel import toy
from tests.unit.kernel.rig import ALL, NOW, STAFF, STUDIO, Cloud, Device, child, enrol, mark, seeded
from tests.unit.store.conftest import KEY

Maker = Callable[[str], Device]


def on_disk(device: Device, folder: Path) -> Device:
    """The same device over the encrypted store."""
    backend = SqlDevice.create(
        folder / f"{device.name}.db", KEY, device.backend.registry, studio=STUDIO, device=device.id
    )
    with backend.atomic():
        backend.hold(device.backend.scopes)
    device.backend = backend  # type: ignore[assignment]
    device.held = backend.held  # type: ignore[method-assign]
    device.bus = DeviceBus(backend, toy.bus(authority=False), device.clock, seeded(device.name))
    return device


class Site:
    """Devices of one place, and their cloud."""

    def __init__(self, folder: Path | None) -> None:
        self.cloud, self.folder, self.made = Cloud(), folder, list[Device]()

    def device(self, name: str, scopes: tuple[str, ...] = ALL) -> Device:
        made = Device(name, self.cloud, scopes=scopes)
        if self.folder is not None:
            on_disk(made, self.folder)
        self.made.append(made)
        return made

    def close(self) -> None:
        for device in self.made:
            if isinstance(device.backend, SqlDevice):
                device.backend.close()


@pytest.fixture(params=["memory", "disk"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path if request.param == "disk" else None)
    yield made
    made.close()


def tell(listener: Device, run: Batch | None, *, holds: Holds = lambda shape, scopes: True) -> list[Notice]:
    assert run is not None
    return listener.bus.hear(run, read_batch(run), holds=holds)


def states(device: Device, number: int = 1) -> list[str]:
    """Who marked a child, in order of time: the devices' names and what they said."""
    id = toy.presence_id(child(number))
    row = device.backend.rows(toy.Presence, [id]).get(id)
    if row is None:
        return []
    found = msgspec.json.decode(row.body, type=toy.Presence)
    return [f"{seen.order[1][:4]} {seen.state}" for seen in found.marks]


def said(device: Device, state: str = "present") -> str:
    return f"{device.id[:4]} {state}"


def bring(carrier: Device, runs: list[Batch]) -> bool:
    """The carrier brings what it was told to the cloud; whether all of it counts there."""
    answers = [(run, carrier.cloud.authority.push(run).answers) for run in runs]
    counts = [carrier.bus.brought(run.device, run.epoch, answered) for run, answered in answers]
    return all(counts)


def kept(device: Device) -> int:
    """How many operations of others lie there."""
    if isinstance(device.backend, SqlDevice):
        return int(device.backend.conn.execute("SELECT count(*) FROM told").fetchone()[0])
    return len(device.backend._told)


def runs(device: Device) -> list[Batch]:
    if isinstance(device.backend, SqlDevice):
        return device.backend.told.runs(STUDIO, heard_before=NOW + 1_000_000)
    assert isinstance(device.backend, MemoryDevice)
    return device.backend.told_runs()


def test_what_one_door_marked_is_seen_at_the_other_without_a_cloud(site: Site) -> None:
    here, there = site.device("here"), site.device("there")
    here.bus.submit(mark(1), STAFF)
    assert tell(there, here.unsent()) == []
    assert states(there) == [said(here)]
    there.clock.advance(5_000)
    late = there.bus.submit(mark(1), STAFF)
    assert late.outcome.items[0].status is Status.SUPERSEDED  # the second at the door is told so at once


def test_whoever_marked_later_is_told_when_the_other_is_heard(site: Site) -> None:
    here, there = site.device("here"), site.device("there")
    here.bus.submit(mark(1), STAFF)
    there.clock.advance(2_000)
    second = there.bus.submit(mark(1), STAFF)
    assert second.outcome.items[0].status is Status.ACCEPTED
    (notice,) = tell(there, here.unsent())
    assert (notice.operation, notice.now.status) == (second.operation, Status.SUPERSEDED)
    assert tell(here, there.unsent()) == []  # the earlier one has nothing to be told
    assert states(here) == states(there) == [said(here), said(there)]
    assert bring(there, runs(there))  # what was heard goes before what was said: the cloud judges in the same order
    assert there.sync() == here.sync() == there.sync() == []  # and says the same: nobody is told twice
    assert states(here) == states(there) == [said(here), said(there)]


def test_rows_of_the_cloud_that_do_not_know_it_yet_do_not_take_it_away(site: Site) -> None:
    desk, here, there = site.device("desk"), site.device("here"), site.device("there")
    here.bus.submit(mark(1), STAFF)
    tell(there, here.unsent())
    desk.clock.advance(9_000)
    desk.bus.submit(mark(1, state="late"), STAFF)
    desk.sync()
    there.sync()
    assert states(there) == [said(here), said(desk, "late")]
    here.sync()
    there.sync()
    assert states(there) == states(here) == [said(here), said(desk, "late")]


def test_another_brings_it_to_the_cloud_and_the_author_is_answered_as_ever(site: Site) -> None:
    here, there = site.device("here"), site.device("there")
    first = here.bus.submit(mark(1), STAFF)
    here.bus.submit(mark(2), STAFF)
    tell(there, here.unsent())
    assert bring(there, runs(there))
    there.sync()
    assert runs(there) == []
    assert states(there, 2) == [said(here)]
    here.sync()
    assert here.backend.head().acked == 2
    assert here.backend.entries([1])[0].answer == first.outcome
    assert len(site.cloud.backend.ledgers) == 2


def test_two_bring_the_same_and_the_author_more_each_counts_once(site: Site) -> None:
    here, one, two = site.device("here"), site.device("one"), site.device("two")
    here.bus.submit(mark(1), STAFF)
    for carrier in (one, two):
        tell(carrier, here.unsent())
    here.bus.submit(mark(2), STAFF)
    tell(two, here.unsent())
    for carrier in (two, one, two):
        bring(carrier, runs(carrier))
        carrier.sync()
    here.sync()
    for device in (here, one, two):
        device.sync()
        assert [states(device, number) for number in (1, 2)] == [[said(here)], [said(here)]]
    assert len(site.cloud.backend.ledgers) == 2


def test_what_may_not_be_held_here_is_not_kept(site: Site) -> None:
    here, there = site.device("here"), site.device("there")
    here.bus.submit(mark(1), STAFF)
    tell(there, here.unsent(), holds=lambda shape, scopes: False)
    assert states(there) == []
    assert runs(there) == []


def test_edits_and_claims_are_not_taken_from_a_neighbour(site: Site) -> None:
    here, there = site.device("here"), site.device("there")
    here.bus.submit(enrol(1), STAFF)
    tell(there, here.unsent())
    assert there.backend.rows(toy.Child, [child(1)]) == {}
    assert runs(there) == []


def test_the_same_run_twice_and_a_longer_one_over_it_change_nothing_twice(site: Site) -> None:
    here, there = site.device("here"), site.device("there")
    here.bus.submit(mark(1), STAFF)
    for _ in range(2):
        tell(there, here.unsent())
    here.bus.submit(mark(2), STAFF)
    tell(there, here.unsent())
    assert [states(there, number) for number in (1, 2)] == [[said(here)], [said(here)]]
    assert there.backend.told_here(here.id, 1, [1, 2, 3]) == {1, 2}
    if isinstance(there.backend, SqlDevice):
        assert there.backend.conn.execute("SELECT count(*) FROM told_run").fetchone() == (2,)


def test_what_the_cloud_does_not_believe_is_said_so(site: Site) -> None:
    here, there = site.device("here"), site.device("there")
    here.bus.submit(mark(1), STAFF)
    run = here.unsent()
    tell(there, run)
    assert run is not None
    answers = tuple(
        msgspec.structs.replace(answer, outcome=msgspec.structs.replace(answer.outcome, status=Status.CONTESTED))
        for answer in site.cloud.authority.push(run).answers
    )
    assert not there.bus.brought(here.id, 1, answers)


def test_who_lost_at_the_door_is_not_told_twice_when_the_cloud_heard_of_it_first(site: Site) -> None:
    """A carrier brought the loser's mark, and of the winner's the cloud had not heard: its answer is older than the door's."""
    here, there, carrier = site.device("here"), site.device("there"), site.device("carrier")
    here.bus.submit(mark(1), STAFF)
    tell(there, here.unsent())
    there.clock.advance(5_000)
    late = there.bus.submit(mark(1, 2), STAFF)
    assert [item.status for item in late.outcome.items] == [Status.SUPERSEDED, Status.ACCEPTED]
    tell(carrier, there.unsent())
    assert bring(carrier, runs(carrier))
    assert bring(there, runs(there))
    assert there.sync() == here.sync() == there.sync() == []
    (entry,) = there.backend.entries([1])
    assert entry.told == late.outcome
    assert states(there) == [said(here), said(there)]


def test_a_mark_that_another_beat_counts_as_it_lies_here(site: Site) -> None:
    here, there, third = site.device("here"), site.device("there"), site.device("third")
    here.bus.submit(mark(1), STAFF)
    there.clock.advance(2_000)
    there.bus.submit(mark(1), STAFF)
    for author in (here, there):
        tell(third, author.unsent())
    first, second = sorted(runs(third), key=lambda run: run.device != here.id)
    assert bring(third, [first])
    assert bring(third, [second])  # superseded
    assert states(third) == [said(here), said(there)]
    assert kept(third) == 2
    third.pull()
    assert kept(third) == 0
    assert states(third) == [said(here), said(there)]


def test_what_the_rows_here_have_in_already_goes_with_the_answer(site: Site) -> None:
    here, there = site.device("here"), site.device("there")
    here.bus.submit(mark(1), STAFF)
    tell(there, here.unsent())
    here.sync()
    there.pull()  # its author was first
    assert kept(there) == 1
    assert bring(there, runs(there))
    assert kept(there) == 0
    assert states(there) == [said(here)]


def test_of_several_children_each_has_to_count(site: Site) -> None:
    here, there = site.device("here"), site.device("there")
    here.bus.submit(mark(1, 2), STAFF)
    run = here.unsent()
    tell(there, run)
    assert run is not None
    (answer,) = site.cloud.authority.push(run).answers
    first, second = answer.outcome.items
    mixed = msgspec.structs.replace(
        answer.outcome, items=(first, msgspec.structs.replace(second, status=Status.REFUSED))
    )
    assert mixed.status is Status.ACCEPTED
    assert not there.bus.brought(here.id, 1, [msgspec.structs.replace(answer, outcome=mixed)])


def test_a_run_that_was_cut_off_is_told_again_and_can_be_brought_then(tmp_path: Path) -> None:
    site = Site(tmp_path)
    here, there = site.device("here"), site.device("there")
    for number in (1, 2, 3):
        here.bus.submit(mark(number), STAFF)
    run, store = here.unsent(), there.backend
    assert run is not None
    assert isinstance(store, SqlDevice)
    there.bus.hear(run, read_batch(run)[:2], holds=lambda shape, scopes: True)
    assert store.told.end(here.id) == (0, 0)
    assert runs(there) == []
    tell(there, here.batch(1, 2))
    assert store.told.end(here.id) == (0, 0), "what is kept already stays under its own signature"
    tell(there, run)
    assert store.told.end(here.id) == (1, 3)
    assert bring(there, runs(there))
    assert len(site.cloud.backend.ledgers) == 3
    site.close()


def test_losing_a_scope_takes_what_was_told_in_it(site: Site) -> None:
    here, there = site.device("here"), site.device("there")
    here.bus.submit(mark(1), STAFF)
    tell(there, here.unsent())
    there.backend.release_scopes(["roster/*"])
    assert runs(there) == []
    assert states(there) == []


def test_losing_a_scope_takes_what_could_not_be_placed_as_well(site: Site) -> None:
    """It says something of somebody, and nothing here says of whom it may."""
    here, there = site.device("here"), site.device("there", scopes=("families/*",))
    here.bus.submit(mark(1, note="asthma"), STAFF)
    tell(there, here.unsent())
    assert len(runs(there)) == 1
    there.backend.release_scopes(["families/*"])
    assert runs(there) == []


def test_an_erased_person_is_taken_out_of_what_was_told(site: Site) -> None:
    here, there = site.device("here"), site.device("there")
    here.bus.submit(mark(1, note="asthma"), STAFF)
    tell(there, here.unsent())
    there.backend.erase(child(1))
    assert runs(there) == []
    assert there.bus.apply([Pulled("presence", toy.presence_id(child(1)), "roster/north", None)]) == []
    assert states(there) == []


def test_a_store_that_begins_anew_forgets_what_it_was_told(site: Site) -> None:
    here, there = site.device("here"), site.device("there")
    here.bus.submit(mark(1), STAFF)
    tell(there, here.unsent())
    with there.backend.atomic():
        there.backend.begin_epoch(2)
    assert runs(there) == []


steps = st.lists(
    st.one_of(
        st.tuples(st.just("mark"), st.integers(0, 2), st.integers(1, 3), st.sampled_from(("present", "late"))),
        st.tuples(st.just("tell"), st.integers(0, 2), st.integers(0, 2)),
        st.tuples(st.just("bring"), st.integers(0, 2)),
        st.tuples(st.just("sync"), st.integers(0, 2)),
        st.tuples(st.just("push"), st.integers(0, 2)),
        st.tuples(st.just("pull"), st.integers(0, 2)),
    ),
    max_size=25,
)


@settings(max_examples=120, deadline=None)
@given(steps)
def test_in_whatever_order_word_travels_all_end_alike(played: list[tuple[object, ...]]) -> None:
    cloud = Cloud()
    devices = [Device(name, cloud) for name in ("one", "two", "three")]
    marked: set[tuple[int, str, int]] = set()
    for at, (what, who, *rest) in enumerate(played):
        device = devices[who]  # type: ignore[index]
        for each in devices:
            each.clock.advance(1_000 + at)
        if what == "mark":
            number, state = rest
            made = device.bus.submit(mark(number, state=state), STAFF)  # type: ignore[arg-type]
            marked.add((number, device.id, made.sequence or 0))  # type: ignore[arg-type]
        elif what == "tell":
            other = devices[rest[0]]  # type: ignore[index]
            if other is not device and (run := device.unsent()) is not None:
                tell(other, run)
                for number, author, sequence in marked:
                    if author == device.id and sequence > device.backend.head().acked:  # what is told at all
                        assert any(one.startswith(author[:4]) for one in states(other, number))
        elif what == "bring":
            bring(device, runs(device))
        elif what == "push":
            device.push()
        elif what == "sync" or (what == "pull" and device.unsent() is None):
            device.sync()
    for _ in range(2):
        for device in devices:
            bring(device, runs(device))
            device.sync()
    for device in devices:
        assert runs(device) == []
        assert device.backend.seen.all() == device.backend.base.all() == devices[0].backend.seen.all()
        assert device.backend.seen.all() == cloud.backend.state.all()


def test_a_store_says_where_told_work_lies_and_lets_go_of_what_is_old(tmp_path: Path) -> None:
    site = Site(tmp_path)
    here, there = site.device("here"), site.device("there")
    here.bus.submit(mark(1), STAFF)
    tell(there, here.unsent())
    told = there.backend.told  # type: ignore[attr-defined]
    assert told.scopes() == {"roster/north"}
    assert not told.heard_before(NOW)
    assert told.heard_before(NOW + 1)
    assert told.drop_heard(NOW) == 0
    assert told.drop_heard(NOW + 1) == 1
    assert told.scopes() == set()
    left = {table: there.backend.conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}  # type: ignore[attr-defined]
    assert left == dict.fromkeys(TABLES, 0)
    site.close()


def sequences(batches: list[Batch]) -> list[list[int]]:
    return [[one.envelope.sequence for one in read_batch(batch)] for batch in batches]


def test_much_goes_in_batches_that_each_end_where_their_author_signed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path)
    here, there = site.device("here"), site.device("there")
    for number in range(1, 10):
        here.bus.submit(mark(number), STAFF)
    for first, last in ((1, 2), (3, 4), (5, 9)):
        tell(there, here.batch(first, last))
    size = sum(len(item.data) + sum(map(len, item.parts.values())) for item in here.batch(1, 3).items)
    monkeypatch.setattr("classtap_core.store.told.MOST_BYTES", size)
    gone = []
    while found := runs(there):
        gone.append(sequences(found))
        bring(there, found)
        there.pull()
    assert gone == [[[1, 2]], [[3, 4]], [[5, 6, 7, 8, 9]]]  # a run is never cut: nobody signed its middle
    assert states(there, 9) == [said(here)]
    site.close()


def test_what_holds_more_operations_than_go_at_once_goes_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path)
    here, there = site.device("here"), site.device("there")
    for number in range(1, 8):
        here.bus.submit(mark(number), STAFF)
    for first, last in ((1, 3), (4, 7)):
        tell(there, here.batch(first, last))
    monkeypatch.setattr("classtap_core.store.told.MOST", 2)
    gone = []
    while found := runs(there):
        gone.append(sequences(found))
        bring(there, found)
        there.pull()
    assert gone == [[[1, 2, 3]], [[4, 5, 6, 7]]]
    site.close()


def test_runs_with_a_gap_between_them_go_apart_and_only_once_they_are_old_enough(tmp_path: Path) -> None:
    site = Site(tmp_path)
    here, there = site.device("here"), site.device("there")
    for number in range(1, 7):
        here.bus.submit(mark(number), STAFF)
    for first, last in ((5, 6), (1, 2)):
        tell(there, here.batch(first, last))
    told = there.backend.told  # type: ignore[attr-defined]
    assert told.runs(STUDIO, heard_before=NOW) == []
    assert sequences(told.runs(STUDIO, heard_before=NOW + 1)) == [[1, 2], [5, 6]]
    assert told.runs(STUDIO, heard_before=NOW + 1, but=[here.id]) == []
    with here.backend.atomic():
        here.backend.begin_epoch(2)
    here.bus.submit(mark(7), STAFF)
    tell(there, here.batch(1, 1))
    assert told.end(here.id) == (2, 1)  # a device's newest life, however far an older one had come
    assert sequences(told.runs(STUDIO, heard_before=NOW + 1)) == [[1, 2], [5, 6], [1]]
    assert told.end(there.id) == (0, 0)
    site.close()


def test_what_another_pattern_still_covers_stays(site: Site) -> None:
    here, there = site.device("here"), site.device("there")
    there.backend.hold(["roster/north"])
    here.bus.submit(mark(1), STAFF)
    tell(there, here.unsent())
    there.backend.release_scopes(["roster/north"])
    assert len(runs(there)) == 1
    assert states(there) == [said(here)]


def test_whose_keys_what_was_told_needs_and_that_it_is_sealed_anew_under_others(tmp_path: Path) -> None:
    site = Site(tmp_path)
    here, there = site.device("here"), site.device("there")
    here.bus.submit(mark(1, note="asthma"), STAFF)
    here.bus.submit(mark(2), STAFF)
    tell(there, here.unsent())
    told = there.backend.told  # type: ignore[attr-defined]
    assert told.subjects() == {child(1)}
    payloads = "SELECT payload FROM told ORDER BY number"
    before = told.conn.execute(payloads).fetchall()
    assert b"asthma" not in b"".join(payload for (payload,) in before)
    second = before[1][0]
    assert told.seal_anew(lambda payload, context: (payload + b"x", 0) if payload == second else (b"anew", 2)) == 2
    assert told.conn.execute(payloads).fetchall() == [(b"anew",), (second,)]
    site.close()
