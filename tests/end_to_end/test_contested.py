"""What a kiosk's clerk says after their right ended, decided at a desk: by the command line, over a real cloud."""

from collections.abc import Iterator

import pytest

from classtap_cli.questions import contesting
from classtap_cli.questions.device import Device, Nothing
from classtap_core.access.assignment_operations import EndGrant
from classtap_core.access.records import Grant
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.checkin.reading import fetch, search
from classtap_core.checkin.records import Attendance, attendance_id
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Status
from tests.end_to_end.house_rig import booked_now, staff, until
from tests.end_to_end.rig import Studio, running_studio

pytestmark = pytest.mark.leaves(
    "classtap-proxy|ThreadPoolExecutor-|cloud-reading|cloud-writing", reason="the module's studio: its switch, its threads"
)  # fmt: skip

MANAGER = "271828"
"""The PIN of the manager at the demo's main location (classtap_cli.demo.studio.STAFF)."""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with running_studio(tmp_path_factory.mktemp("contested") / "data", families=4) as made:
        yield made


def rounds(studio: Studio) -> None:
    for role in ("kiosk", "desk", "kiosk"):
        studio.nodes[role].engine.once()


def mark(studio: Studio, family: Id, author: Author) -> tuple[Id, Id]:
    """A clerk at the kiosk says that a family's child is late now: the operation, and the entry it is about."""
    kiosk, booking = studio.nodes["kiosk"], booked_now(studio, family)
    said = MarkAttendance(session=booking.session, items=(ChildMark(child=booking.child, state="late"),))
    receipt = kiosk.submit(said, author, source="test").result()
    assert receipt.outcome.status is Status.ACCEPTED, receipt.outcome
    return receipt.operation, attendance_id(studio.plan.studio, booking.session, booking.child)


def test_a_fact_of_another_device_is_believed_from_a_desk(studio: Studio) -> None:
    kiosk, desk = studio.nodes["kiosk"], studio.nodes["desk"]
    clerk = staff(studio, "front_desk")
    with desk.reader() as reader:
        (grant,) = search(reader, Grant, "by_holder", clerk.id)
    draft = CloudDraft(EndGrant(grant=grant.id), staff(studio, "owner"), "test")
    studio.cloud.studios.authority(studio.plan.studio).author_all(studio.plan.cloud, [draft])
    facts = [mark(studio, studio.due(position).family, clerk) for position in range(2)]
    rounds(studio)
    assert {notice.now.status for notice in kiosk.notices()} == {Status.CONTESTED}
    asked = Device(desk, running=False)
    found = {one["operation"]: one for one in contesting.contested(asked, Nothing())}
    assert set(found) == {fact for fact, _ in facts}
    first = found[facts[0][0]]
    assert (first["kind"], first["device_name"], first["why"]) == ("attendance.mark", "Kiosk", "permission.expired")
    assert first["states"] == ("late",)
    for (fact, _), happened in zip(facts, (True, False), strict=True):
        said = contesting.rule(asked, contesting.Rule(fact=fact, happened=happened, pin=MANAGER))
        assert said["status"] == "waiting"
    rounds(studio)
    with desk.reader() as reader:
        entries = fetch(reader, Attendance, [entry for _, entry in facts])
    assert [[mark.operation for mark in entry.marks] for entry in entries.values()] == [[facts[0][0]]]
    assert contesting.contested(asked, Nothing()) == []
    told = {facts[0][0]: Status.ACCEPTED, facts[1][0]: Status.REFUSED}
    until(lambda: {one.operation: one.now.status for one in kiosk.notices()} == told, kiosk, what="what was decided")


def test_only_a_desk_lists_and_decides_and_only_what_is_there(studio: Studio) -> None:
    at_kiosk, at_desk = (Device(studio.nodes[role], running=False) for role in ("kiosk", "desk"))
    with pytest.raises(Refused, match=r"contested\.not_here"):
        contesting.contested(at_kiosk, Nothing())
    for fact, code in (("9" * 32, "contested.unknown"), ("nonsense", "contested.id")):
        with pytest.raises((Refused, BadInput), match=code):
            contesting.rule(at_desk, contesting.Rule(fact=fact, happened=True, pin=MANAGER))
