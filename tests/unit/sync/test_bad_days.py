"""A real device over a real cloud on its bad days: copied, restored, damaged, shut out, told to destroy itself."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from classtap_core.access.operations import RevokeDevice
from classtap_core.access.records import Device
from classtap_core.kernel.clock import SystemClock
from classtap_core.kernel.digests import Digest
from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Status
from classtap_core.people.operations import RenameFamily
from classtap_core.people.records import Family
from classtap_core.store import replica
from cloud.jobs.ticks import Ticks
from cloud.storage.audit import audit
from sync.client.engine import State
from sync.client.health import Mask, health_of, report_of, support_log
from sync.client.node import Node
from sync.signed import is_signed
from tests.end_to_end.house_rig import families_due, staff, until
from tests.end_to_end.rig import Studio

pytestmark = pytest.mark.leaves(
    "cloud-(reading|writing)|ThreadPoolExecutor", reason="the file's cloud starts threads as it needs them"
)


DAY_MS = 86_400_000
NOON = time.time_ns() // 1_000_000 // DAY_MS * DAY_MS + DAY_MS // 2
"""At night the studio has another day than UTC, by which a device that does not know its zone yet asks for rosters."""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """Nothing but the devices writes: what the cloud asks of itself in between, only the device that looks last would have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ticks, "start", lambda ticks: None)
        with Studio(tmp_path_factory.mktemp("studio") / "data", families=12, clock=SystemClock(start_ms=NOON)) as made:
            yield made


@pytest.fixture
def paired(studio: Studio, tmp_path: Path) -> Iterator[Callable[[str], Node]]:
    made: list[Node] = []

    def pair(role: str = "desk") -> Node:
        node = studio.pair(role, tmp_path / f"{role}-{len(made)}")
        made.append(node)
        return node

    yield pair
    for node in made:
        node.close()


def opened(folder: Path, role: str = "desk") -> Node:
    return Node.open(folder, program=role, clock=SystemClock(start_ms=NOON), ring=None)


def renamed(studio: Studio, node: Node, name: str, at: int = 0) -> Id:
    family = families_due(studio)[at]
    with node.reader() as reader:
        base = msgspec.json.decode(reader.rows(Family, [family.family])[family.family].body, type=Family).name
    rename = RenameFamily(family=family.family, base=base, name=name)
    return node.submit(rename, staff(studio), source="test").result().operation


def decided(studio: Studio, operations: list[Id]) -> dict[Id, tuple[int, str]]:
    """Epoch and status of each operation in the cloud's log."""
    log = studio.cloud.books.tables.log.c
    with studio.cloud.database.read(studio.plan.studio) as connection:
        rows = connection.execute(
            select(log.operation, log.epoch, log.status).where(
                log.studio_id == studio.plan.studio, log.operation.in_(operations)
            )
        ).all()
    assert len(rows) == len({row.operation for row in rows}), "decided twice"
    return {row.operation: (row.epoch, row.status) for row in rows}


def digests(node: Node) -> dict[str, Digest]:
    with node.reader() as reader:
        return {state.scope: replica.digest_of(reader, state.scope) for state in reader.scopes()}


def copied(node: Node, folder: Path) -> tuple[Node, Node]:
    """The device again, and a copy of its disk on another machine."""
    node.close()
    shutil.copytree(node.store.folder, folder)
    return opened(node.store.folder), opened(folder)


@pytest.mark.expected_log("another copy of this device", reason="a device is copied on purpose")
def test_two_machines_with_one_disk_both_go_on_and_lose_nothing(
    studio: Studio, paired: Callable[..., Node], tmp_path: Path
) -> None:
    node = paired()
    both = renamed(studio, node, "Before")
    first, second = copied(node, tmp_path / "copy")
    with first, second:
        mine = [renamed(studio, first, "First", at=1), renamed(studio, first, "First again", at=1)]
        theirs = [renamed(studio, second, "Second", at=2), renamed(studio, second, "Second again", at=2)]
        first.engine.once()
        second.engine.once()
        later = [renamed(studio, first, "Later", at=3), renamed(studio, second, "Later", at=4)]
        for one in (first, second, first, second):
            one.engine.once()
        found = decided(studio, [both, *mine, *theirs, *later])
        assert [epoch for epoch, _ in map(found.__getitem__, [both, *mine, *theirs, *later])] == [1, 1, 1, 2, 2, 1, 2]
        assert {status for _, status in found.values()} == {Status.ACCEPTED.value}
        assert digests(first) == digests(second)
        assert first.pending() == second.pending() == 0
        assert first.store.check().ok
        assert second.store.check().ok
    assert audit(studio.cloud.books, studio.plan.studio, verify=is_signed).ok


def test_a_store_restored_from_yesterday_sends_what_it_had_not_and_what_it_does_now(
    studio: Studio, paired: Callable[..., Node], tmp_path: Path
) -> None:
    node = paired()
    unsent = renamed(studio, node, "Never sent")
    node, restored = copied(node, tmp_path / "restored")
    with node, restored:

        def begin() -> None:
            with restored.store.device.atomic():
                restored.store.device.begin_epoch(2)

        restored.store.call(begin)
        since = renamed(studio, node, "Since the backup", at=1)
        node.engine.once()
        now = renamed(studio, restored, "After the restore", at=2)
        restored.engine.once()
        restored.engine.once()
        found = decided(studio, [unsent, since, now])
        assert {id: epoch for id, (epoch, _) in found.items()} == {unsent: 1, since: 1, now: 2}
        node.engine.once()
        assert digests(node) == digests(restored)
        with restored.reader() as reader:
            assert reader.unsent_before() == []
        assert restored.store.check().ok
    assert audit(studio.cloud.books, studio.plan.studio, verify=is_signed).ok


@pytest.mark.expected_log("leaves of a scope differ", reason="a store is damaged on purpose")
def test_what_differs_is_found_and_only_that_is_fetched(
    studio: Studio, paired: Callable[..., Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row changed, one lost and one that never was, with unsent work beside them."""
    node = paired()
    agreed = digests(node)
    unsent = renamed(studio, node, "Unsent", at=0)
    victims = [family.family for family in families_due(studio)[1:3]]

    def damage() -> None:
        conn = node.store.device.conn
        conn.execute(
            "UPDATE record_family SET body = CAST(replace(body, '\"name\"', '\"n4me\"') AS BLOB) WHERE id = ?",
            (victims[0],),
        )
        conn.execute("DELETE FROM record_family WHERE id = ?", (victims[1],))
        conn.execute(
            "INSERT INTO record_family (id, scope, body) SELECT ?, scope, body FROM record_family LIMIT 1", ("f" * 32,)
        )

    node.store.call(damage)
    assert digests(node) != agreed
    fetched = []
    snapshot = node.transport.snapshot

    def counting(*asked: str, **more: str) -> object:
        page = snapshot(*asked, **more)
        fetched.append(len(page.rows))
        return page

    monkeypatch.setattr(node.transport, "snapshot", counting)
    monkeypatch.setattr(node.engine.pushing, "push_all", lambda: None)
    node.engine.compare()
    node.engine.once()
    assert digests(node) == agreed
    assert health_of(node).repaired == 1
    assert 0 < sum(fetched) <= 6
    with node.reader() as reader:
        assert [entry.id for entry in reader.entries([reader.head().sequence])] == [unsent]
    monkeypatch.undo()
    node.engine.once()
    assert decided(studio, [unsent])[unsent][1] == Status.ACCEPTED.value
    assert node.store.check().ok


def test_a_scope_is_loaded_anew_in_place(studio: Studio, paired: Callable[..., Node]) -> None:
    node = paired()
    agreed = digests(node)
    scope = f"families/{studio.plan.main}"
    unsent = renamed(studio, node, "Unsent as well", at=0)
    node.store.call(lambda: node.store.device.conn.execute("DELETE FROM record_child"))
    node.engine.local.reload([scope])
    with node.reader() as reader:
        assert reader.holds(scope)
    node.engine.once()
    assert decided(studio, [unsent])
    renamed(studio, node, families_due(studio)[0].name, at=0)
    node.engine.once()
    assert digests(node)[scope].count == agreed[scope].count
    assert not any(state.again for state in node.engine.local.scopes())
    assert node.store.check().ok


def test_a_device_that_may_hold_more_fetches_it(studio: Studio, paired: Callable[..., Node]) -> None:
    node = paired()
    scopes = node.papers.scopes
    less = tuple(scope for scope in scopes if not scope.startswith("families"))
    set_scopes = studio.cloud.studios.set_scopes
    set_scopes(studio.plan.studio, node.papers.device, less)
    node.engine.once()
    node.engine.once()
    with node.reader() as reader:
        assert not reader.holds(f"families/{studio.plan.main}")
    set_scopes(studio.plan.studio, node.papers.device, scopes)
    node.engine.once()
    node.engine.once()
    assert node.papers.scopes == scopes
    with node.reader() as reader:
        assert reader.holds(f"families/{studio.plan.main}")
        assert reader.rows(Family, [families_due(studio)[0].family])


def raw(node: Node) -> bytes:
    """Every value of every table of the store, decrypted: what somebody who has the key could read."""

    def dump() -> bytes:
        conn = node.store.device.conn
        names = [name for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return b"\0".join(
            value if isinstance(value, bytes) else str(value).encode()
            for name in names
            for row in conn.execute(f'SELECT * FROM "{name}"')
            for value in row
            if value is not None
        )

    return node.store.call(dump)


def test_a_store_that_lost_its_rights_says_nothing_of_what_it_held(studio: Studio, paired: Callable[..., Node]) -> None:
    node = paired()
    families = [family for family in studio.plan.families if family.home == studio.plan.main]
    names = {child.given.encode() for family in families for child in family.children}
    before = raw(node)
    assert all(name in before for name in names)
    mine = renamed(studio, node, "Written here, not sent", at=0)
    left = tuple(scope for scope in node.papers.scopes if scope in ("studio", "keys"))
    studio.cloud.studios.set_scopes(studio.plan.studio, node.papers.device, left)
    node.engine.once()
    node.engine.once()
    after = raw(node)
    for family in families:
        assert family.family.encode() not in after or family == families_due(studio)[0]
    assert [name for name in names if name in after] == []
    assert decided(studio, [mine])


def test_a_kiosk_never_gets_health_custody_or_contact(studio: Studio, paired: Callable[..., Node]) -> None:
    """Not even where somebody gave it the scopes by mistake."""
    kiosk = paired("kiosk")
    place = studio.plan.main
    wide = (*kiosk.papers.scopes, f"health/{place}", f"custody/{place}", f"contact/{place}")
    studio.cloud.studios.set_scopes(studio.plan.studio, kiosk.papers.device, wide)
    kiosk.engine.once()
    kiosk.engine.once()
    kiosk.engine.compare()
    kiosk.engine.once()
    assert health_of(kiosk).repaired == 0
    assert kiosk.papers.scopes == wide
    found = kiosk.store.call(
        lambda: [
            kiosk.store.device.conn.execute(f"SELECT count(*) FROM record_{kind}").fetchone()[0]
            for kind in ("child_health", "custody", "contact")
        ]
    )
    assert found == [0, 0, 0]


def test_an_ordered_store_sends_what_it_has_and_is_gone(studio: Studio, paired: Callable[..., Node]) -> None:
    node = paired()
    folder = node.store.folder
    node.start()
    until(lambda: node.engine.status().state is State.ONLINE, node)
    node.pause(True)
    last = renamed(studio, node, "The last word", at=0)
    order = studio.cloud.studios.author(
        studio.plan.studio, RevokeDevice(device=node.papers.device, reason="stolen", purge=True), source="test"
    )
    assert order.link.outcome.stands
    node.pause(False)
    until(lambda: not (folder / "store.db").exists(), what="the store's end")
    until(lambda: _device(studio, node.papers.device).purged_at_ms is not None, what="its word")
    assert decided(studio, [last])
    with pytest.raises(EnvironmentFault, match=r"store\.missing"):
        opened_store(folder)


def opened_store(folder: Path) -> None:
    try:
        Node.open(folder, program="desk", clock=SystemClock(start_ms=NOON), ring=None).close()
    except Exception as error:
        if "store.unpaired" in str(error):
            raise EnvironmentFault("store.missing") from error
        raise


def _device(studio: Studio, id: Id) -> Device:
    body = studio.cloud.studios.storage(studio.plan.studio).rows(Device, [id])[id].body
    return msgspec.json.decode(body, type=Device)


def test_pausing_outlives_the_program(studio: Studio, paired: Callable[..., Node]) -> None:
    node = paired()
    node.pause(True)
    node.close()
    with opened(node.store.folder) as again:
        again.start()
        until(lambda: again.engine.status().state is State.PAUSED, again)
        again.pause(False)
        until(lambda: again.engine.status().state is State.ONLINE, again)


def test_a_log_for_support_names_nobody(studio: Studio, paired: Callable[..., Node]) -> None:
    node = paired()
    secret = "Zöbeide-Quintanilla"
    operation = renamed(studio, node, secret, at=0)
    node.engine.once()
    text = msgspec.json.encode(list(support_log(node, 50, state=node.engine.status().state))).decode()
    for word in (secret, operation, node.papers.device, node.papers.studio, families_due(studio)[0].family):
        assert word not in text
    assert "family.rename" in text
    assert Mask()("x") != Mask()("x")
    renamed(studio, node, families_due(studio)[0].name, at=0)
    node.engine.once()


def test_how_a_device_is_reaches_the_desk(studio: Studio, paired: Callable[..., Node]) -> None:
    desk, kiosk = paired(), paired("kiosk")
    kiosk.transport.report(report_of(kiosk))
    (found,) = [one for one in desk.devices().devices if one.device == kiosk.papers.device]
    assert found.report is not None
    assert (found.report.program, found.report.pending, found.report.protection) == ("kiosk", 0, "file")
    assert found.seen_ms is not None
    facts = health_of(kiosk)
    assert facts.scopes == facts.scopes_complete > 4
    assert facts.set_aside == ()
    assert facts.store_bytes > 10_000


def test_a_log_with_a_hole_sends_what_is_on_both_sides_of_it(studio: Studio, paired: Callable[..., Node]) -> None:
    """As after a salvage: what is gone is gone, and holds up nothing."""
    node = paired()
    said = [renamed(studio, node, f"Hole {number}", at=number) for number in range(4)]

    def lose() -> None:
        device = node.store.device
        with device.atomic():
            device.conn.execute("DELETE FROM log WHERE id = ?", (said[1],))
            device.begin_epoch(2)

    node.store.call(lose)
    last = renamed(studio, node, "Hole after", at=1)
    node.engine.once()
    found = decided(studio, [*said, last])
    assert {id: epoch for id, (epoch, _) in found.items()} == {said[0]: 1, said[2]: 2, said[3]: 2, last: 2}
    assert node.pending() == 0
    with node.reader() as reader:
        assert reader.unsent_before() == []
