"""Ten encrypted stores cut off from one another, a third of the children seen by two: healed, all hold the cloud's rows byte for byte."""

from collections.abc import Collection, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from classtap_core.kernel.authority import Pushed
from classtap_core.kernel.batches import Batch
from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.device_store import Notice
from classtap_core.kernel.ids import Id
from classtap_core.kernel.tx import Ref
from classtap_core.store import replica
from classtap_core.store.device import SqlDevice
from tests.fault.conftest import Report
from tests.fault.seeds import runs
from tests.simulator.partitions import Healed, Partition
from tests.simulator.telling import Told
from tests.unit.kernel import toy
from tests.unit.kernel.rig import ALL, STUDIO, seeded


class StorePartition(Partition):
    """The same partition with real stores under the kiosks."""

    def __init__(self, seed: int, folder: Path, closes: ExitStack, *, scans: int) -> None:
        super().__init__(seed, scans=scans)
        self.stores: list[SqlDevice] = []
        for number, kiosk in enumerate(self.kiosks):
            store = SqlDevice.create(folder / f"{number}.db", bytes(32), toy.registry(), studio=STUDIO, device=kiosk.id)
            closes.callback(store.close)
            store.conn.execute("PRAGMA synchronous = OFF")  # the disk is tried elsewhere
            with store.atomic():
                store.hold(ALL)
            kiosk.backend = store  # type: ignore[assignment]
            kiosk.bus = DeviceBus(store, toy.bus(authority=False), kiosk.clock, seeded(f"{seed}/{number}"))
            kiosk.pull = lambda kiosk=kiosk: self._pull(kiosk)  # type: ignore[method-assign]
            kiosk.push = lambda kiosk=kiosk: self._push(kiosk)  # type: ignore[method-assign]
            self.stores.append(store)

    def _pull(self, kiosk: Any) -> list[Notice]:
        rows, cursor = self.cloud.backend.pull(ALL, after=kiosk.backend.head().cursor)
        return kiosk.bus.apply(rows, cursor=cursor)  # type: ignore[no-any-return]

    def _push(self, kiosk: Any) -> tuple[Pushed | None, list[Notice]]:
        notices: list[Notice] = []
        pushed = None
        while (head := kiosk.backend.head()).acked < head.sequence:
            pushed = self.cloud.authority.push(kiosk.batch(head.acked + 1, min(head.sequence, head.acked + 500)))
            notices += kiosk.bus.acknowledge(pushed.answers)
        return pushed, notices

    def _holds(self, kiosk: Any) -> tuple[dict[Ref, bytes], dict[Ref, bytes]]:
        store = kiosk.backend
        base = {(row.kind, row.id): row.body for pattern in ALL for row in replica.base_rows(store, pattern)}
        seen = store.conn.execute("SELECT id, body FROM record_presence WHERE overlaid = 0").fetchall()
        return base, {("presence", id): body for id, body in seen}

    def _notified(self, kiosk: Any) -> list[Id]:
        return [notice.operation for notice in kiosk.backend.notices()]


class StoreTold(StorePartition, Told):
    """The same, with kiosks that hear each other."""

    def _end(self, listener: Any, author: Any) -> int:
        return int(listener.backend.told.end(author.id)[1])

    def _kept(self, kiosk: Any) -> int:
        tables = ("told", "told_run", "told_touch", "told_scope")
        return sum(kiosk.backend.conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)

    def _runs(self, kiosk: Any, but: Collection[Id]) -> list[Batch]:
        found: list[Batch] = kiosk.backend.told.runs(STUDIO, heard_before=1 << 60, but=but)
        return found


@pytest.fixture
def closes() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_three_hundred_scans(tmp_path: Path, closes: ExitStack) -> None:
    assert StorePartition(1, tmp_path, closes, scans=300).run() == Healed(300, 45, 45)


def test_groups_that_hear_each_other(tmp_path: Path, closes: ExitStack) -> None:
    told = StoreTold(1, tmp_path, closes, scans=120).told()
    assert told.door > 1
    assert told.dead > 3


@pytest.mark.fault
@pytest.mark.parametrize("number", range(3))
def test_ten_thousand_scans_in_groups(number: int, tmp_path: Path, closes: ExitStack, report: Report) -> None:
    seed = list(chain(*runs(3)))[number]
    told = StoreTold(seed, tmp_path, closes, scans=10_000).told()
    report(
        f"partition of ten stores with a relay, seed {seed}: {told.healed.scans} scans, {told.dead} of them of kiosks that"
        f" never came back ({told.gone} more that nobody had heard); of {told.healed.losers} that lost {told.door} were told"
        f" at the door, {told.ear} when the other was heard, {told.cloud} by the cloud"
    )
    assert told.door > 100


@pytest.mark.fault
@pytest.mark.parametrize("number", range(3))
def test_ten_thousand_scans(number: int, tmp_path: Path, closes: ExitStack, report: Report) -> None:
    seed = list(chain(*runs(3)))[number]
    healed = StorePartition(seed, tmp_path, closes, scans=10_000).run()
    report(f"partition of ten stores, seed {seed}: {healed.scans} scans, {healed.losers} lost and told")
    assert healed == Healed(10_000, 1_500, 1_500)
