"""Ten devices, a third of their scans of the same children, healed in random order: one truth, and every loser told."""

from collections.abc import Callable

import pytest

from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.neighbours import Neighbours
from classtap_core.kernel.outcomes import Status
from tests.fault.conftest import NUMBER
from tests.fault.seeds import each, runs, said
from tests.simulator.partitions import LastWriterWins, Partition
from tests.simulator.telling import Told
from tests.unit.kernel import toy

HOUR = 3_600_000
WRONG = (-24 * HOUR, -300_000, 0, 300_000, 24 * HOUR)


@pytest.mark.parametrize("seed", range(3))
def test_two_hundred_scans_apart(seed: int) -> None:
    partition = Partition(seed)
    healed = partition.run()
    assert (healed.scans, healed.shared, healed.losers) == (200, 30, 30)
    assert partition.misordered() == 0


@pytest.mark.fault
def test_five_hundred_partitions(record_property: Callable[[str, object], None]) -> None:
    seeds = runs(500)
    healed = each(seeds, lambda seed: Partition(seed).run())
    losers, scans = sum(one.losers for one in healed), sum(one.scans for one in healed)
    record_property(NUMBER, f"partitions, {said(seeds)}: {scans} scans, {losers} lost and told")
    assert scans >= 500 * 200
    assert losers * 200 == scans * 30


@pytest.mark.parametrize("seed", range(2))
def test_two_hundred_scans_in_groups_that_hear_each_other(seed: int) -> None:
    told = Told(seed).told()
    assert told.door > 5
    assert told.door + told.ear + told.cloud >= told.healed.losers > 15
    assert told.dead > 5


@pytest.mark.fault
def test_five_hundred_partitions_in_groups(record_property: Callable[[str, object], None]) -> None:
    seeds = runs(500)
    found = each(seeds, lambda seed: Told(seed).told())
    scans, dead, gone, door, ear, cloud = (
        sum(one)
        for one in zip(*((it.healed.scans, it.dead, it.gone, it.door, it.ear, it.cloud) for it in found), strict=True)
    )
    record_property(
        NUMBER,
        f"partitions with a relay, {said(seeds)}: {scans} scans, {dead} of them of kiosks that never came back ({gone} more"
        f" that nobody had heard); of those that lost {door} were told at the door, {ear} when the other was heard,"
        f" {cloud} by the cloud",
    )
    assert door > ear > 0


@pytest.mark.parametrize("corrected", [True, False])
def test_clocks_a_day_wrong_refuse_nobody(corrected: bool) -> None:
    """With what contact taught, the order is the true one; without, nothing is refused and all agree on one order."""
    partition = Partition(7, skews_ms=WRONG, corrected=corrected)
    partition.run()
    assert (partition.misordered() == 0) is corrected


def test_a_clock_set_back_between_two_scans_loses_neither() -> None:
    partition = Partition(8, scans=20)
    for kiosk in partition.kiosks[:5]:
        kiosk.clock.step(-6 * HOUR)
    partition.run()
    assert all(entry.told.status is not Status.REFUSED for kiosk in partition.kiosks for entry in kiosk.backend.log)


def test_control_a_device_that_only_takes_rows_does_not_tell_its_losers() -> None:
    partition = Partition(1)
    for kiosk in partition.kiosks:
        kiosk.backend.__class__ = LastWriterWins
    with pytest.raises(AssertionError, match=r"believes otherwise|not told|replica differs"):
        partition.run()


def test_control_a_fold_that_keeps_the_last_to_arrive_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrival order in place of event order: replicas that agree, and scans that are lost."""

    def last_arrived(tx, op):  # type: ignore[no-untyped-def]
        item = op.payload.items[0]
        id = toy.presence_id(item.child)
        seen = toy.Seen(op.order, item.state, item.note)
        tx.put(toy.Presence(id=id, child=item.child, house=op.payload.house, marks=(seen,)))
        return toy.of_items([toy.ItemOutcome(item.child, Status.ACCEPTED)])

    monkeypatch.setattr(toy.MarkPresence.SPEC, "handler", last_arrived)
    with pytest.raises(AssertionError):
        Partition(1).run()


def test_groups_with_clocks_a_day_wrong_agree_too() -> None:
    Told(7, scans=60, skews_ms=WRONG, corrected=False).told()


def test_control_rows_of_the_cloud_that_bury_what_was_heard_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Neighbours, "lay", lambda self, came: set())
    with pytest.raises(AssertionError, match="not seen any more"):
        Told(0, scans=60).told()


def test_control_an_answer_older_than_the_door_tells_people_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DeviceBus, "_with_rivals", lambda self, sequences, epoch: set())
    with pytest.raises(AssertionError, match="told twice"):
        Told(0, scans=60).told()


def test_control_what_nobody_brings_for_a_dead_author_is_lost() -> None:
    told = Told(0, scans=60)
    told.carries = False
    with pytest.raises(AssertionError, match="is lost"):
        told.told()
