"""Ten encrypted stores cut off from one another, a third of the children seen by two: healed, all hold the cloud's rows byte for byte."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import pytest

from classtap_core.kernel.authority import Pushed
from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.device_store import Notice
from classtap_core.kernel.outcomes import Status
from classtap_core.store import replica
from classtap_core.store.device import SqlDevice
from tests.fault.conftest import Report
from tests.fault.seeds import runs
from tests.simulator.partitions import Healed, Partition
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

    def _check(self) -> Healed:
        rows = {ref: row.body for ref, row in self.cloud.backend.state.all().items()}
        presences = [msgspec.json.decode(body, type=toy.Presence) for body in rows.values()]
        assert len(presences) == self.scans - self.shared
        assert sum(len(presence.marks) for presence in presences) == self.scans, "a scan is lost"
        standing = {presence.marks[0].order for presence in presences}
        losers = 0
        for store in self.stores:
            here = {(row.kind, row.id): row.body for pattern in ALL for row in replica.base_rows(store, pattern)}
            assert here == rows, "a replica differs"
            seen = store.conn.execute("SELECT id, body FROM record_presence WHERE overlaid = 0").fetchall()
            assert {("presence", id): body for id, body in seen} == rows, "it shows something else than it holds"
            head = store.head()
            lost = {
                entry.id for entry in store.entries(range(1, head.sequence + 1))
                if entry.told.items[0].status is Status.SUPERSEDED
            }  # fmt: skip
            assert {notice.operation for notice in store.notices()} == lost, "a loser was not told once"
            losers += len(lost)
        assert len(standing) == len(presences)
        return Healed(self.scans, self.shared, losers)


@pytest.fixture
def closes() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_three_hundred_scans(tmp_path: Path, closes: ExitStack) -> None:
    assert StorePartition(1, tmp_path, closes, scans=300).run() == Healed(300, 45, 45)


@pytest.mark.fault
@pytest.mark.parametrize("number", range(3))
def test_ten_thousand_scans(number: int, tmp_path: Path, closes: ExitStack, report: Report) -> None:
    seed = list(chain(*runs(3)))[number]
    healed = StorePartition(seed, tmp_path, closes, scans=10_000).run()
    report(f"partition of ten stores, seed {seed}: {healed.scans} scans, {healed.losers} lost and told")
    assert healed == Healed(10_000, 1_500, 1_500)
