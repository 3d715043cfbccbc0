"""A program's device over a real store: its papers, its clock, its keys, and what it forgets and keeps."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from classtap_core import house
from classtap_core.access.pins import Tries
from classtap_core.checkin.reading import fetch
from classtap_core.kernel.clock import SystemClock
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import BadInput, EnvironmentFault, Refused
from classtap_core.kernel.ids import Id, derived
from classtap_core.people.operations import RenameFamily
from classtap_core.people.records import Family
from classtap_core.store.store import Store
from sync.client.engine import State
from sync.client.health import health_of
from sync.client.node import Node
from sync.client.relay.finding import Fixed
from sync.client.relay.local import Neighbourhood
from sync.client.transport import Rejected, Unreachable
from tests.end_to_end.house_rig import families_due, filled, staff, until
from tests.end_to_end.rig import Studio

pytestmark = pytest.mark.leaves(
    "cloud-(reading|writing)|ThreadPoolExecutor", reason="the file's cloud starts threads as it needs them"
)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with Studio(tmp_path_factory.mktemp("studio") / "data", families=4) as made:
        yield made


@pytest.fixture
def node(studio: Studio, tmp_path: Path) -> Iterator[Node]:
    made = Node.pair(
        tmp_path / "desk", url=studio.server.url, code=studio.code("desk"), name="d", program="desk",
        clock=SystemClock(), ring=None,
    )  # fmt: skip
    made.engine.once()
    yield made
    made.close()


def again(node: Node) -> Node:
    """The same device after a restart."""
    node.close()
    return Node.open(node.store.folder, program="desk", clock=SystemClock(), ring=None)


def test_papers_and_keys_outlive_the_program(studio: Studio, node: Node) -> None:
    papers, keys = node.papers, node.keys
    assert keys is not None
    assert (papers.studio, papers.role, papers.location) == (studio.plan.studio, "desk", studio.plan.main)
    with again(node) as reopened:
        assert (reopened.papers, reopened.keys, reopened.url) == (papers, keys, studio.server.url)
        assert reopened.zone() == "Europe/Madrid"


def test_how_often_the_cloud_said_no_outlives_the_program(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy() -> None:
        raise Rejected(503, "cloud.database_busy", {}, None)

    monkeypatch.setattr(node.engine, "once", busy)
    for _ in range(3):
        node.engine._round()
    with again(node) as reopened:
        assert reopened.engine.backoff.rejections == 3
        reopened.engine.once()
        reopened.close()
        with again(reopened) as last:
            assert last.engine.backoff.rejections == 0


def test_what_stood_in_the_way_last_outlives_a_program_that_was_killed(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy() -> None:
        raise Rejected(503, "cloud.database_busy", {}, None)

    assert node.engine.last_trouble is None
    monkeypatch.setattr(node.engine, "once", busy)
    node.engine._round()
    found = node.engine.last_trouble
    assert found is not None
    assert found[0] == "cloud.database_busy"
    node.store.close()  # nothing is written on the way out
    with Node.open(node.store.folder, program="desk", clock=SystemClock(), ring=None) as reopened:
        assert reopened.engine.last_trouble == found
        assert health_of(reopened).last_trouble == found


def test_a_device_listens_where_it_did_and_elsewhere_only_where_that_is_taken(node: Node) -> None:
    node.start(Fixed([]))
    first = node.neighbourhood()
    assert first.on
    assert first.port
    with again(node) as reopened:
        assert reopened.neighbourhood() == Neighbourhood(on=True, trouble="", neighbours=()), "no program runs"
        with socket.create_server(("", first.port)):
            reopened.start(Fixed([]))
            moved = reopened.neighbourhood().port
        assert moved not in (0, first.port)
        with again(reopened) as last:
            last.start(Fixed([]))
            assert last.neighbourhood().port == moved, "others may have written that down"
            last.set_relay(False)
            assert last.neighbourhood() == Neighbourhood(on=False, trouble="", neighbours=())
            with again(last) as after:
                assert not after.neighbourhood().on
                with pytest.raises(BadInput, match=r"relay\.address"):
                    after.set_relay_peers(["192.168.1.7"])
                after.set_relay_peers(["192.168.1.7:27417", "[fe80::1]:27417"])
                assert after.relay_peers() == ("192.168.1.7:27417", "[fe80::1]:27417")


def test_a_token_that_got_old_is_changed_for_a_new_one(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    first = node.papers.token
    node._renew()
    assert node.papers.token == first, "it is young"
    monkeypatch.setattr("sync.client.node.TOKEN_MS", 0)
    node._renew()
    second = node.papers.token
    assert second != first
    monkeypatch.undo()
    with again(node) as reopened:
        assert reopened.papers.token == reopened.transport.token == second
        reopened.engine.once()
        assert reopened._before == first


def test_closing_twice_is_fine(node: Node) -> None:
    node.close()
    node.close()


def test_a_store_that_was_never_paired_says_so(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"store\.unpaired"):
        Node.open(tmp_path / "desk", program="desk", clock=SystemClock(), ring=None)
    Store.create(tmp_path / "desk", house.registry(), program="desk").close()
    with pytest.raises(Refused, match=r"store\.unpaired"):
        Node.open(tmp_path / "desk", program="desk", clock=SystemClock(), ring=None)


def test_a_store_that_is_paired_asks_for_no_second_place(studio: Studio, node: Node) -> None:
    code = studio.code("desk")
    folder = node.store.folder
    before = len(studio.cloud.studios.devices(studio.plan.studio))
    node.close()
    with pytest.raises(Refused, match=r"store\.paired"):
        Node.pair(
            folder, url=studio.server.url, code=code, name="d", program="desk", clock=SystemClock(), ring=None
        )  # fmt: skip
    assert len(studio.cloud.studios.devices(studio.plan.studio)) == before


def test_a_wrong_code_leaves_a_store_that_waits(studio: Studio, tmp_path: Path) -> None:
    folder = tmp_path / "desk"

    def pair(code: str, url: str = "") -> Node:
        return Node.pair(
            folder, url=url or studio.server.url, code=code, name="d", program="desk", clock=SystemClock(), ring=None
        )  # fmt: skip

    with pytest.raises(Rejected, match=r"pair\.code"):
        pair("0000-0000-00000")
    with pytest.raises(Unreachable):
        pair(studio.code("desk"), "http://127.0.0.1:9")
    with pair(studio.code("desk")) as node:
        node.engine.once()
        assert node.engine.status().bootstrapped


def test_the_engine_is_woken_by_what_was_said_and_by_nothing_else(studio: Studio, node: Node) -> None:
    woken: list[int] = []
    node.engine.nudge = lambda: woken.append(node.store.device.head().sequence)  # type: ignore[method-assign]
    node.call(lambda bus: bus.backend.head())
    node.keep_tries("somebody", Tries(1, 2))
    with pytest.raises(ZeroDivisionError):
        node.call(lambda bus: 1 // 0)
    assert woken == []
    family = families_due(studio)[0]
    rename = RenameFamily(family=family.family, base=family.name, name="Other")
    receipt = node.submit(rename, staff(studio), source="test").result()
    assert receipt.sequence == 1
    assert woken == [1]
    refused = node.submit(rename, Author(type="staff", id=derived("staff", "nobody")), source="test").result()
    assert refused.sequence is None
    assert woken == [1]
    assert (node.pending(), node.oldest_pending_ms()) == (1, receipt.decision.op.at.corrected)


def test_readers_see_what_is_committed_on_any_thread(studio: Studio, node: Node) -> None:
    family = families_due(studio)[0].family
    names: list[str] = []

    def look() -> None:
        with node.reader() as reader:
            names.append(fetch(reader, Family, [family])[family].name)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    look()
    assert len(names) == 2
    assert len(set(names)) == 1


def test_bundles_of_others_older_ones_and_noise_are_refused(studio: Studio, node: Node) -> None:
    studios = studio.cloud.studios
    kept = node.keys
    other = studios.found("Another studio", environment="test")
    now_s = SystemClock().now().wall // 1000
    mine = studios.studio(studio.plan.studio)
    node.keep_keys(studios.pass_keys.bundle(mine, now_s=now_s))
    for bundle in (studios.pass_keys.bundle(other, now_s=now_s), b"noise", b""):
        with pytest.raises(BadInput, match=r"^keys\."):
            node.keep_keys(bundle)
    assert node.keys is not None
    assert kept is not None
    assert node.keys.studio == kept.studio


def test_what_a_full_disk_cannot_take_ends_no_round(studio: Studio, node: Node) -> None:
    """The engine says why it fails, and goes on by itself when there is room."""
    node.start()
    until(lambda: node.engine.status().state is State.ONLINE, node)
    with filled(node):
        with pytest.raises(EnvironmentFault, match="disk_full"):
            node.probe().result()
        studio.cloud.studios.author(
            studio.plan.studio, msgspec.structs.replace(_big(studio), name="N" * 100), source="test"
        )
    until(lambda: _named(node, _big(studio).family) == "N" * 100, node)
    assert node.store.check().ok


def _big(studio: Studio) -> RenameFamily:
    family = families_due(studio)[-1]
    return RenameFamily(family=family.family, base=family.name, name=family.name)


def _named(node: Node, family: Id) -> str:
    with node.reader() as reader:
        return fetch(reader, Family, [family])[family].name


def test_a_device_holds_what_it_may_from_now_on_and_remembers_it(studio: Studio, node: Node) -> None:
    main = studio.plan.main
    family = families_due(studio)[0].family
    rename = RenameFamily(family=family, base=_named(node, family), name="Unsent")
    receipt = node.submit(rename, staff(studio), source="test").result()
    left = tuple(scope for scope in node.papers.scopes if not scope.startswith(("families", "health", "contact")))
    studio.cloud.studios.set_scopes(studio.plan.studio, node.papers.device, left)
    node.engine.once()
    node.engine.once()
    assert node.papers.scopes == left
    with node.reader() as reader:
        (entry,) = reader.entries([receipt.sequence or 0])
        assert entry.answer is not None, "what was unsent still arrived"
        assert not fetch(reader, Family, [family])
        assert not reader.holds(f"families/{main}")
        assert not reader.holds(f"health/{main}")
    assert node.store.check().ok
    with again(node) as reopened:
        assert reopened.papers.scopes == left
        reopened.engine.once()
        with reopened.reader() as reader:
            assert not reader.holds(f"families/{main}")
