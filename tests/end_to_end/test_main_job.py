"""The main job and the ways around it: two devices, a cloud, a cable that is pulled and put back. Nothing is pretended."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from classtap_cli.demo.studio import DemoFamily
from classtap_core.access.operations import RevokeDevice
from classtap_core.booking.operations import CreateBooking, TakeLease, lease_id
from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.booking.records import Booking, Policy, booking_id, policy_id
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.checkin.reading import fetch
from classtap_core.checkin.rules import CHECKIN_POLICY
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.undo import Undo
from classtap_core.people.operations import RenameFamily
from classtap_core.people.records import Family
from kiosk.door import Door
from sync.client.engine import State
from sync.client.node import Node
from tests.end_to_end.house_rig import (
    answer_of,
    check_in,
    cloud_row,
    decided_of,
    effects_in_cloud,
    everything_holds,
    families_due,
    log_of,
    mark_one,
    marks_in_cloud,
    say,
    scan_in_cloud,
    show,
    staff,
    started,
    states_in,
    states_in_cloud,
    until,
)
from tests.end_to_end.rig import Studio, running_studio


class House:
    """A studio with a kiosk and a desk, both syncing."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.kiosk: Node = studio.nodes["kiosk"]
        self.desk: Node = studio.nodes["desk"]
        self.door = Door(self.kiosk)
        self._families = iter(families_due(studio))
        started([self.kiosk, self.desk])
        until(self.all_online, self.kiosk, self.desk)

    def all_online(self) -> bool:
        return all(node.engine.status().state is State.ONLINE for node in (self.kiosk, self.desk))

    def cut(self) -> None:
        self.studio.proxy.cut()
        until(lambda: self.kiosk.engine.status().state is State.OFFLINE, self.kiosk, self.desk)

    def restore(self) -> None:
        """Plug the cable in, and touch nothing: everything that follows comes by itself."""
        self.studio.proxy.restore()

    def settle(self) -> None:
        """Until nothing waits and both devices have pulled what the cloud has."""
        head = self.studio.cloud.studios.storage(self.studio.plan.studio)
        until(lambda: not self.kiosk.pending() and not self.desk.pending(), self.kiosk, self.desk, what="drained")
        with head.atomic():
            through = head.lock_head().sequence
        until(lambda: all(self.cursor(node) >= through for node in (self.kiosk, self.desk)), self.kiosk, self.desk)

    def family(self) -> DemoFamily:
        """One that has not been here yet."""
        return next(self._families)

    @staticmethod
    def cursor(node: Node) -> int:
        with node.reader() as reader:
            return reader.head().cursor


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with running_studio(tmp_path / "data", families=12) as studio:
        yield House(studio)


def test_a_family_checks_in_without_internet_and_every_roster_agrees_afterwards(home: House) -> None:
    home.cut()
    said: list[tuple[Id, Id]] = []
    scans = []
    for family in [home.family() for _ in range(4)]:
        sighted, marked = check_in(home.studio, home.door, family)
        scans.append(sighted.scan)
        said += marked
    late = show(home.studio, home.door, home.family())
    mark_one(home.door, late, "late")
    waiting = home.kiosk.pending()
    assert home.kiosk.engine.status().pending == waiting
    for session, child in said:
        assert states_in(home.kiosk, session)[child] == "present"
        assert states_in(home.desk, session)[child] == states_in_cloud(home.studio, session)[child] == "none"
    home.restore()
    until(lambda: not home.kiosk.pending(), home.kiosk, what="the queue drains by itself")
    until(
        lambda: all(states_in(home.desk, session)[child] == "present" for session, child in said),
        home.desk, what="the desk sees every mark",
    )  # fmt: skip
    for session, child in said:
        assert states_in_cloud(home.studio, session) == states_in(home.desk, session) == states_in(home.kiosk, session)
        assert len(marks_in_cloud(home.studio, session, child)) == 1
    assert all(scan_in_cloud(home.studio, scan) is not None for scan in scans)
    marks = {entry.id for entry in log_of(home.kiosk) if entry.kind == "attendance.mark"}
    told = effects_in_cloud(home.studio)
    assert sum(told.get(id, 0) for id in marks) == 1, "those at home hear of who is late, once, and of nobody who came"
    assert waiting >= len(scans) + len({session for session, _ in said})
    assert not home.kiosk.notices()
    everything_holds(home.studio, home.kiosk, home.desk)


def test_a_late_fact_tells_the_loser_once(home: House) -> None:
    """The kiosk marked first, offline; the desk's mark was shown as accepted, and then it was not the first."""
    family = home.family()
    home.cut()
    sighted = show(home.studio, home.door, family)
    mark_one(home.door, sighted, "present")
    assert sighted.board is not None
    group = sighted.board.groups[0]
    mark = ChildMark(child=Id(group.children[0].child), state="late")
    receipt = say(home.desk, MarkAttendance(session=group.card.session.id, items=(mark,)), staff(home.studio))
    assert receipt.outcome.status is Status.ACCEPTED
    home.desk.engine.pause(True)
    until(lambda: home.desk.engine.status().state is State.PAUSED, home.desk)
    home.restore()
    until(lambda: not home.kiosk.pending(), home.kiosk)
    home.desk.engine.pause(False)
    (notice,) = until(home.desk.notices, home.desk, what="the desk is told")
    assert (notice.operation, notice.before.status, notice.now.status) == (
        receipt.operation, Status.ACCEPTED, Status.SUPERSEDED,
    )  # fmt: skip
    home.settle()
    assert [one.operation for one in home.desk.notices()] == [receipt.operation]
    home.desk.notice_seen(receipt.operation)
    check_in(home.studio, home.door, home.family())
    home.settle()
    assert not home.desk.notices()
    assert not home.kiosk.notices()
    assert states_in(home.desk, group.card.session.id) == states_in(home.kiosk, group.card.session.id)
    everything_holds(home.studio, home.kiosk, home.desk)


def walk_in(home: House) -> CreateBooking:
    """A place in an open session, for a child who has none in it."""
    host = show(home.studio, home.door, home.family())
    assert host.board is not None
    session = host.board.groups[0].card.session
    booked = states_in(home.kiosk, session.id)
    guests = (home.family() for _ in range(8))
    guest, child = next(
        (family, child.child) for family in guests for child in family.children if child.child not in booked
    )
    return CreateBooking(session=session.id, child=child, family=guest.family, location=session.location)


def test_a_claim_waits_offline_and_is_answered(home: House) -> None:
    claim = walk_in(home)
    home.cut()
    receipt = say(home.kiosk, claim, home.door.author)
    assert receipt.outcome.status is Status.WAITING
    id = booking_id(home.studio.plan.studio, claim.session, claim.child)
    assert cloud_row(home.studio, Booking, id) is None
    assert claim.child not in states_in(home.kiosk, claim.session)
    home.restore()
    answer = until(lambda: answer_of(home.kiosk, receipt.operation), home.kiosk)
    assert answer.status is Status.ACCEPTED
    until(lambda: claim.child in states_in(home.desk, claim.session), home.desk)
    until(lambda: claim.child in states_in(home.kiosk, claim.session), home.kiosk)
    assert cloud_row(home.studio, Booking, id).state == "booked"
    assert not home.kiosk.notices()
    home.settle()
    everything_holds(home.studio, home.kiosk, home.desk)


def test_a_lease_decides_offline_and_the_cloud_agrees(home: House) -> None:
    claim = walk_in(home)
    taken = say(home.kiosk, TakeLease(session=claim.session, places=1), home.door.author)
    assert until(lambda: answer_of(home.kiosk, taken.operation), home.kiosk).status is Status.ACCEPTED
    home.settle()
    home.cut()
    leased = CreateBooking(
        session=claim.session, child=claim.child, family=claim.family, location=claim.location,
        lease=lease_id(taken.operation),
    )  # fmt: skip
    receipt = say(home.kiosk, leased, home.door.author)
    assert receipt.outcome.status is Status.ACCEPTED
    assert claim.child in states_in(home.kiosk, claim.session)
    home.restore()
    assert until(lambda: answer_of(home.kiosk, receipt.operation), home.kiosk).status is Status.ACCEPTED
    until(lambda: claim.child in states_in(home.desk, claim.session), home.desk)
    home.settle()
    everything_holds(home.studio, home.kiosk, home.desk)


def test_of_two_who_publish_over_the_same_version_one_is_told_to_look_again(home: House) -> None:
    manager = staff(home.studio)
    id = policy_id(home.studio.plan.studio, CHECKIN_POLICY)
    head = cloud_row(home.studio, Policy, id).version
    wide = PublishPolicy(name=CHECKIN_POLICY, head=head, values={"before_min": 30, "after_min": 90})
    wider = PublishPolicy(name=CHECKIN_POLICY, head=head, values={"before_min": 30, "after_min": 120})
    home.cut()
    receipts = [say(home.desk, payload, manager) for payload in (wide, wider)]
    assert [one.outcome.status for one in receipts] == [Status.WAITING, Status.WAITING]
    home.restore()
    won, lost = (until(lambda id=one.operation: answer_of(home.desk, id), home.desk) for one in receipts)
    assert (won.status, lost.status) == (Status.ACCEPTED, Status.REFUSED)
    assert (lost.reasons[0].code, lost.reasons[0].params) == ("policy.head_moved", {"head": head + 1})
    assert [notice.operation for notice in home.desk.notices()] == [receipts[1].operation]
    home.settle()
    with home.kiosk.reader() as reader:
        assert b'"after_min":90' in reader.rows(Policy, [id])[id].body
    everything_holds(home.studio, home.kiosk, home.desk)


def test_a_revoked_kiosk_is_heard_out_and_then_shut_out(home: House) -> None:
    """OPERATIONS 2: what it marked while it had the right counts; what it marked after is kept and disputed."""
    home.cut()
    _, before = check_in(home.studio, home.door, home.family())
    home.kiosk.engine.pause(True)
    until(lambda: home.kiosk.engine.status().state is State.PAUSED, home.kiosk)
    home.restore()
    revoke = RevokeDevice(device=home.kiosk.papers.device, reason="stolen")
    receipt = say(home.desk, revoke, staff(home.studio))
    assert until(lambda: answer_of(home.desk, receipt.operation), home.desk).status is Status.ACCEPTED
    early = len(log_of(home.kiosk))
    _, after = check_in(home.studio, home.door, home.family())
    home.kiosk.engine.pause(False)
    until(lambda: home.kiosk.engine.status().state is State.REVOKED, home.kiosk)
    kept = log_of(home.kiosk)
    assert decided_of(home.studio, home.kiosk.papers.device) == [(entry.sequence, entry.id) for entry in kept]
    statuses = [entry.answer.status for entry in kept if entry.answer]
    late = len(kept) - early
    assert statuses == [Status.ACCEPTED] * early + [Status.CONTESTED] * late
    assert {states_in_cloud(home.studio, session)[child] for session, child in before} == {"present"}
    assert {states_in_cloud(home.studio, session)[child] for session, child in after} == {"none"}
    until(home.kiosk.notices, home.kiosk)
    assert home.kiosk.store.check().ok
    home.studio.leave("kiosk")
    again = home.studio.open("kiosk")
    assert again.engine.status().state is State.REVOKED
    assert [entry.id for entry in log_of(again)] == [entry.id for entry in kept]


def test_a_rename_at_the_desk_reaches_the_kiosk_and_is_undone(home: House) -> None:
    family = home.family()
    manager = staff(home.studio)
    home.cut()
    receipt = say(home.desk, RenameFamily(family=family.family, base=family.name, name="Ångström"), manager)
    assert receipt.outcome.status is Status.ACCEPTED
    home.restore()
    until(lambda: _name(home.kiosk, family.family) == "Ångström", home.kiosk)
    undone = say(home.desk, Undo(operation=receipt.operation), manager)
    assert undone.outcome.status is Status.ACCEPTED
    assert _name(home.desk, family.family) == family.name
    until(lambda: _name(home.kiosk, family.family) == family.name, home.kiosk)
    home.settle()
    assert cloud_row(home.studio, Family, family.family).name == family.name
    everything_holds(home.studio, home.kiosk, home.desk)


def _name(node: Node, family: Id) -> str:
    with node.reader() as reader:
        return fetch(reader, Family, [family])[family].name


def test_marks_cross_while_both_are_online(home: House) -> None:
    """Both devices work at once, each pulling while the other pushes; in the end all three say the same."""
    families = [home.family() for _ in range(5)]
    sessions: set[Id] = set()
    for family in families:
        sighted, _ = check_in(home.studio, home.door, family)
        assert sighted.board is not None
        for group in sighted.board.groups:
            sessions.add(group.card.session.id)
            items = tuple(ChildMark(child=Id(child.child), state="late") for child in group.children)
            say(home.desk, MarkAttendance(session=group.card.session.id, items=items), staff(home.studio))
    home.settle()
    for session in sessions:
        assert states_in(home.kiosk, session) == states_in(home.desk, session) == states_in_cloud(home.studio, session)
    everything_holds(home.studio, home.kiosk, home.desk)


def test_nobody_marks_for_a_device_but_itself(home: House) -> None:
    family = home.family()
    sighted = show(home.studio, home.door, family)
    assert sighted.board is not None
    group = sighted.board.groups[0]
    payload = MarkAttendance(
        session=group.card.session.id, items=(ChildMark(child=Id(group.children[0].child), state="present"),)
    )
    receipt = say(home.kiosk, payload, Author(type="device", id=home.desk.papers.device))
    assert receipt.outcome.status is Status.REFUSED
    assert receipt.sequence is None
