"""Two kiosks and a desk in one place, their internet cut: what one sees, the others know, and none needs the author to tell."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from classtap_core.checkin.attendees import IssueAttendeePass
from classtap_core.checkin.records import Attendance, attendance_id
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.ids import Id
from classtap_core.passes.operations import RevokePass
from cloud.passes import attendee_pass
from kiosk.door import Door
from sync.client.engine import State
from sync.client.node import Node
from sync.client.onsite import FRESH_MS, NodeNeighbours
from sync.client.relay.finding import Fixed
from sync.client.relay.local import Place
from tests.end_to_end.house_rig import (
    check_in,
    cloud_row,
    everything_holds,
    families_due,
    log_of,
    mark_one,
    marks_in_cloud,
    say,
    show,
    staff,
    states_in,
    until,
)
from tests.end_to_end.rig import Studio


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with Studio(tmp_path / "data", families=10) as made:
        yield made


def join(*nodes: Node) -> None:
    """Start nodes; each but the first knows where the first listens, as if it had been found."""
    first, *others = nodes
    first.start(Fixed([]))
    until(lambda: port_of(first), first)
    for node in others:
        node.start(Fixed([("127.0.0.1", port_of(first))]))
    for node in nodes:
        until(lambda node=node: len(node.neighbourhood().neighbours) >= 1, node, what="a neighbour")


def port_of(node: Node) -> int:
    assert node.site.relay is not None
    return node.site.relay.port


def place(studio: Studio, *roles: str) -> list[Node]:
    """Devices that know of each other, and a network without the internet."""
    nodes = met(studio, *roles)
    cut(studio, nodes)
    return nodes


def met(studio: Studio, *roles: str) -> list[Node]:
    nodes = [studio.pair(role, studio.data / f"{role}-{at}") for at, role in enumerate(roles)]
    for at, node in enumerate(nodes):
        studio.nodes[f"{roles[at]}-{at}"] = node
        node.engine.once()  # those paired later are in the studio's records by now
    join(*nodes)
    return nodes


def cut(studio: Studio, nodes: list[Node]) -> None:
    studio.proxy.cut()
    for node in nodes:
        until(lambda node=node: node.engine.state is State.OFFLINE, node, what="offline")


def test_a_child_checked_in_at_one_door_is_present_at_the_other(studio: Studio) -> None:
    front, back = place(studio, "kiosk", "kiosk")
    family = families_due(studio)[0]
    _, said = check_in(studio, Door(front), family)
    session, child = said[0]
    until(lambda: states_in(back, session).get(child) == "present", back, what="the mark at the other door")
    again = show(studio, Door(back), family)
    assert again.board is not None
    shown = {
        (group.card.session.id, row.child): row.state.value for group in again.board.groups for row in group.children
    }
    assert shown[session, child] == "present"
    until(lambda: scans_of(back, family.family) >= 2, back, what="both scans")
    assert back.pending() < 10  # what was heard is nobody's queue but its author's
    assert front.pending() > 0


def test_a_pass_for_one_entry_is_used_at_every_door(studio: Studio) -> None:
    front, back = nodes = met(studio, "kiosk", "kiosk")
    board = show(studio, Door(front), families_due(studio)[0]).board
    assert board is not None
    session, child = board.groups[0].card.session.id, Id(board.groups[0].children[0].child)
    now_s = studio.clock.now().wall // 1000
    wanted = IssueAttendeePass(
        session=session, child=child, handle="5a" * 8, token="a5" * 6, issued_s=now_s, expires_s=now_s + 3600
    )
    assert studio.cloud.studios.author(studio.plan.studio, wanted, source="test").link.outcome.stands
    text = attendee_pass(studio.cloud.studios, studio.plan.studio, session, child).text
    for node in nodes:
        until(lambda node=node: Door(node).scan(text, keep=False).result().outcome == "ok", node, what="the pass")
    cut(studio, nodes)
    assert Door(front).scan(text).result().outcome == "ok"
    used = lambda: Door(back).scan(text, keep=False).result().outcome == "used"  # noqa: E731
    until(used, back, what="the scan at the other door")  # what was told before the cut need not be this one
    second = Door(back).scan(text).result()
    assert (second.outcome, second.reason) == ("used", "entries_used")


def scans_of(node: Node, family: Id) -> int:
    with node.reader() as reader:
        return int(
            reader.conn.execute("SELECT count(*) FROM record_scan WHERE instr(body, ?)", (family.encode(),)).fetchone()[
                0
            ]
        )


def test_of_two_doors_that_marked_at_once_the_later_is_told_and_the_cloud_says_the_same(studio: Studio) -> None:
    front, back = place(studio, "kiosk", "kiosk")
    back.site.stop()
    family = families_due(studio)[0]
    first, second = show(studio, Door(front), family), show(studio, Door(back), family)
    assert mark_one(Door(front), first, "present").outcome.stands
    until(lambda: back.clock.now().interval().earliest > front.clock.now().interval().latest - 10_000)
    assert mark_one(Door(back), second, "late").outcome.stands
    assert back.notices() == []
    back.set_relay(True)
    (told,) = until(lambda: [one for one in back.notices() if one.kind == "attendance.mark"], back, what="told")
    assert told.now.items[0].status.value in ("superseded", "contested")
    studio.proxy.restore()
    until(lambda: not front.pending() and not back.pending(), front, back, what="drained")
    assert len([one for one in back.notices() if one.kind == "attendance.mark"]) == 1
    everything_holds(studio, front, back)


def test_who_hears_it_brings_it_to_the_cloud_when_its_author_is_broken(studio: Studio) -> None:
    front, back = place(studio, "kiosk", "kiosk")
    _, said = check_in(studio, Door(front), families_due(studio)[0])
    session, child = said[-1]
    until(lambda: states_in(back, session).get(child) == "present", back, what="the mark at the other door")
    waiting = front.pending()
    folder = front.store.folder
    front.close()
    studio.proxy.restore()
    until(lambda: marks_in_cloud(studio, session, child), back, what="the mark in the cloud")
    until(lambda: not told_by(back), back, what="nothing kept of what the cloud has")
    assert (
        cloud_row(studio, Attendance, attendance_id(studio.plan.studio, session, child)).marks[0].device
        == front.papers.device
    )
    assert waiting > 0
    again = Node.open(folder, program="kiosk", clock=front.clock, ring=None)
    studio.nodes["kiosk-0"] = again
    again.engine.once()
    assert again.pending() == 0
    everything_holds(studio, again, back)


def told_by(node: Node) -> int:
    with node.reader() as reader:
        return int(reader.conn.execute("SELECT count(*) FROM told").fetchone()[0])


def test_a_pass_revoked_at_the_desk_is_refused_at_the_door(studio: Studio) -> None:
    door, desk = place(studio, "kiosk", "desk")
    family = families_due(studio)[0]
    assert show(studio, Door(door), family).outcome == "ok"
    receipt = say(desk, RevokePass(family=family.family, home=studio.plan.main, epoch=1, reason="lost"), staff(studio))
    assert receipt.outcome.stands, receipt.outcome
    until(lambda: show(studio, Door(door), family).outcome == "revoked", door, what="refused")


def test_what_is_fresh_is_left_to_the_cloud_while_there_is_contact(studio: Studio) -> None:
    front, back = [studio.pair("kiosk", studio.data / f"kiosk-{at}") for at in range(2)]
    with front, back:
        front.engine.once()
        check_in(studio, Door(front), families_due(studio)[0])
        first, *_, last = [entry.at_ms for entry in log_of(front)[-front.pending() :]]
        ours, device = NodeNeighbours(front), back.papers.device

        def told(state: State, at_ms: int) -> tuple[int, Place]:
            front.engine._state = state
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(front.clock, "now", ManualClock(at_ms).now)
                waiting = ours.waiting(device, Place(0, 0))
            assert not waiting.more
            return sum(len(run.items) for run in waiting.runs), waiting.through

        with front.reader() as reader:
            head = reader.head()
        assert told(State.ONLINE, first + FRESH_MS - 1) == (0, Place(1, head.acked))
        everything = told(State.ONLINE, last + FRESH_MS)
        assert everything == told(State.OFFLINE, first) == (head.sequence - head.acked, Place(1, head.sequence))
        assert told(State.ONLINE, first - 3_600_000) == everything, "a clock set back keeps nothing from anybody"
