"""What a program takes of what a neighbour says, and what it says itself: two doors and a desk that never meet the cloud again."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import pytest

from classtap_core.access.operations import RevokeDevice
from classtap_core.checkin.operations import ChildMark, MarkAttendance, RecordScan
from classtap_core.health.operations import OpenCard
from classtap_core.kernel.batches import Batch
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import BadInput, EnvironmentFault, Refused
from classtap_core.kernel.ids import Id, derived
from kiosk.door import Door
from sync.client import onsite
from sync.client.engine import State
from sync.client.node import Node
from sync.client.node_local import NodeLocal
from sync.client.onsite import NodeNeighbours
from sync.client.relay.local import Place
from tests.end_to_end.house_rig import families_due, say, show, staff
from tests.end_to_end.rig import Studio

NOWHERE = Place(0, 0)


class Site(NamedTuple):
    studio: Studio
    front: Node
    back: Node
    desk: Node

    def ear(self, node: Node) -> NodeNeighbours:
        return NodeNeighbours(node)

    def told(self, teller: Node, listener: Node, after: Place | None = None) -> list[Batch]:
        """All that one has to tell the other, and has not."""
        after = after or self.heard(teller, listener)
        return list(self.ear(teller).waiting(listener.papers.device, after).runs)

    def hear(self, teller: Node, listener: Node, *runs: Batch) -> None:
        for run in runs or self.told(teller, listener):
            self.ear(listener).hear(teller.papers.device, run)

    def heard(self, teller: Node, listener: Node) -> Place:
        return self.ear(listener).heard(teller.papers.device)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for all tests: each goes on from where it is."""
    with Studio(tmp_path_factory.mktemp("site") / "data", families=2) as studio:
        nodes = [studio.pair(role, studio.data / f"{role}-{at}") for at, role in enumerate(("kiosk", "kiosk", "desk"))]
        for at, node in enumerate(nodes):
            studio.nodes[str(at)] = node
            node.engine.once()  # those paired later are in the studio's records by now
        studio.proxy.cut()
        yield Site(studio, *nodes)


def scan(site: Site, node: Node, times: int = 1) -> None:
    said = RecordScan(location=site.studio.plan.main, date=node.today().isoformat(), outcome="ok", handle="00" * 8)
    for _ in range(times):
        assert say(node, said, Author(type="device", id=node.papers.device)).outcome.stands


def test_what_is_told_is_taken_a_few_at_a_time_and_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    scan(site, site.front, 35)
    (run,) = site.told(site.front, site.back)
    before = site.back.store.device.commits
    site.hear(site.front, site.back, run)
    assert site.back.store.device.commits - before == 4  # between two of them, what somebody does goes first
    assert site.heard(site.front, site.back) == Place(1, 35)
    site.hear(site.front, site.back, run)
    assert site.back.store.device.told.count(site.front.papers.device) == 35
    assert site.told(site.front, site.back, Place(1, 35)) == []
    scan(site, site.front)
    assert len(site.told(site.front, site.back, Place(1, 35))[0].items) == 1
    assert len(site.told(site.front, site.back, Place(2, 35))[0].items) == 36  # another life of this device
    monkeypatch.setattr(onsite, "MOST_LOOKED", 30)
    found = site.ear(site.front).waiting(site.back.papers.device, NOWHERE)
    assert (found.through, found.more) == (Place(1, 30), True)
    found = site.ear(site.front).waiting(site.back.papers.device, found.through)
    assert (found.through, found.more) == (Place(1, 36), False)
    monkeypatch.setattr(onsite, "MOST_TOLD", 35)
    with pytest.raises(Refused, match=r"relay\.full"):
        site.hear(site.front, site.back)
    assert site.heard(site.front, site.back) == Place(1, 35)


def test_nothing_is_taken_that_its_author_did_not_sign_here(site: Site) -> None:
    scan(site, site.front, 2)
    (run,) = site.told(site.front, site.back)
    back, front = site.ear(site.back), site.front.papers.device
    for wrong, code in (
        (run._replace(signature=bytes(64)), "sync.signature"),
        (run._replace(items=run.items[:1]), "sync.signature"),
        (run._replace(items=run.items[::-1]), "sync.broken_chain"),
        (run._replace(studio=derived("studio", "other")), "sync.mixed"),
        (run._replace(items=tuple(item._replace(parts={}) for item in run.items)), "sync.parts_missing"),
    ):
        with pytest.raises((BadInput, Refused), match=code.replace(".", r"\.")):
            back.hear(front, wrong)
    with pytest.raises(Refused, match=r"relay\.stranger"):
        back.hear(site.desk.papers.device, run)
    with pytest.raises(Refused, match=r"relay\.stranger"):
        back.hear(derived("nobody"), run)
    assert site.told(site.front, site.back) == [run]


def test_a_program_that_was_shut_out_looks_at_its_neighbours_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    monkeypatch.setattr(site.front.site, "look_again", lambda: looked.append("again"))
    status = site.front.engine.status()
    site.front._status(status)
    assert looked == []
    site.front._status(status._replace(state=State.REVOKED))
    assert looked == ["again"]


def test_a_desk_tells_a_kiosk_nothing_of_health(site: Site) -> None:
    family = families_due(site.studio)[0]
    before = site.desk.store.device.head().sequence
    scan(site, site.desk)
    card = OpenCard(child=family.children[0].child, location=site.studio.plan.main, reason="Bee sting")
    assert say(site.desk, card, staff(site.studio)).outcome.stands
    scan(site, site.desk)
    assert [len(run.items) for run in site.told(site.desk, site.back)] == [1, 1]
    assert [len(run.items) for run in site.told(site.desk, site.front)] == [1, 1]
    site.hear(site.desk, site.back)
    assert site.heard(site.desk, site.back) == Place(1, before + 3)
    here = site.back.store.device.told_here(site.desk.papers.device, 1, range(before + 1, before + 4))
    assert here == {before + 1, before + 3}


def test_what_may_not_lie_here_is_not_kept_whoever_says_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    child = families_due(site.studio)[0].children[0].child
    card = OpenCard(child=child, location=site.studio.plan.main, reason="Bee sting")
    assert say(site.desk, card, staff(site.studio)).outcome.stands
    scan(site, site.desk)
    with site.desk.reader() as reader:
        last = reader.head().sequence
        health, scanned = reader.entries([last - 1, last])
    ear = site.ear(site.desk)  # a desk whose program tells everybody everything
    site.hear(site.desk, site.front, ear._signed([health]))
    papers = site.front.papers
    scopes = tuple(scope for scope in papers.scopes if not scope.startswith("scans/"))
    monkeypatch.setattr(site.front, "papers", msgspec.structs.replace(papers, scopes=scopes))
    site.hear(site.desk, site.front, ear._signed([scanned]))
    here = site.front.store.device.told_here
    assert here(site.desk.papers.device, 1, [last - 1, last]) == set()
    monkeypatch.undo()
    site.hear(site.desk, site.front, ear._signed([scanned]))
    assert here(site.desk.papers.device, 1, [last - 1, last]) == {last}


def test_a_full_disk_takes_nothing_now(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    scan(site, site.front)
    before = site.heard(site.front, site.back)

    def full() -> None:
        raise EnvironmentFault("disk_full")

    monkeypatch.setattr(site.back.store.device, "admit", full)
    with pytest.raises(EnvironmentFault, match="disk_full"):
        site.hear(site.front, site.back)
    assert site.heard(site.front, site.back) == before
    monkeypatch.undo()
    site.hear(site.front, site.back)
    assert site.heard(site.front, site.back) == Place(1, site.front.store.device.head().sequence)


def test_nothing_of_a_neighbours_word_is_left_where_its_scope_is_lost(site: Site) -> None:
    board = show(site.studio, Door(site.front), families_due(site.studio)[0]).board
    assert board is not None
    shown = board.groups[0]  # of now: what may be marked at this hour
    session, child = shown.card.session, Id(shown.children[0].child)
    scope = f"roster/{session.location}/{session.date}"
    word = MarkAttendance(session=session.id, items=(ChildMark(child=child, state="late", note="Xanthophyll"),))
    assert say(site.front, word, staff(site.studio)).outcome.stands
    site.hear(site.front, site.back)
    assert b"Xanthophyll" in dump(site.back)
    here = site.heard(site.front, site.back)
    NodeLocal(site.back).release([scope])
    assert b"Xanthophyll" not in dump(site.back)
    assert site.heard(site.front, site.back) != here


def test_whom_a_program_speaks_to(site: Site) -> None:
    front, back = site.ear(site.front), site.back.papers.device
    card = front.card(back)
    assert card is not None
    assert card.public_key == site.back.store.public_key
    assert front.card(site.front.papers.device) is None
    assert front.card(derived("nobody")) is None
    scan(site, site.front)
    assert site.told(site.front, site.back)
    assert say(site.desk, RevokeDevice(device=back), staff(site.studio)).outcome.stands
    site.hear(site.desk, site.front)  # the desk says that it is lost
    assert front.card(back) is None
    assert site.told(site.front, site.back) == []
    desk = site.desk.papers.device
    assert front.card(desk) is not None
    site.front.engine._state, before = State.REVOKED, site.front.engine.state
    assert front.card(desk) is None
    site.front.engine._state = before


def dump(node: Node) -> bytes:
    """All that lies in a store, opened with its key."""
    with node.reader() as reader:
        tables = [name for (name,) in reader.conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return b"".join(
            repr(row).encode() for table in tables for row in reader.conn.execute(f'SELECT * FROM "{table}"').fetchall()
        )
