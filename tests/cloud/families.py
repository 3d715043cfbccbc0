"""A cloud with the studio of `tests.unit.house.world` in it, whose family has a guardian on record, and its ways out."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from classtap_core.access.operations import AddStaff
from classtap_core.checkin.attendees import IssueAttendeePass
from classtap_core.house import bus
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import decode
from classtap_core.messaging.records import Message
from classtap_core.passes.operations import IssuePass
from classtap_core.people.guardian_operations import EditGuardian, GuardianFacts
from classtap_core.people.guardians import PRIMARY, Role
from cloud.composition import Cloud, open_cloud
from cloud.jobs.effects import drain
from cloud.messaging.ports import Post
from cloud.passes import attendee_pass
from cloud.serve import CloudServer
from cloud.storage.whereabouts import Telephones
from tests.unit.house.world import ANA, BEN, FAMILY, FOUNDING, MAIN, MINUTE, NINE, OWNER, STUDIO, named

GINA = named("guardian")
HANDLE = "0123456789abcdef"


class Families(NamedTuple):
    """The studio's cloud and its clock."""

    cloud: Cloud
    clock: ManualClock

    def say(self, payload: Any, author: Author | None = None) -> Any:
        """The cloud authors one operation, as the owner unless said otherwise; it must stand."""
        studios = self.cloud.studios
        drafts = [CloudDraft(payload, author or Author(type="staff", id=OWNER), "test")]
        (ledger,) = studios.authority(STUDIO).author_all(studios.studio(STUDIO).cloud_device, drafts)
        assert ledger.link.outcome.stands, ledger.link.outcome
        return ledger

    def stand(self, guardian: Id = GINA, *children: Id, role: str = PRIMARY, **facts: Any) -> None:
        """Somebody stands to children in a role."""
        wanted = GuardianFacts(roles=(Role(role, "2026-01-01"),), **facts)
        for child in children or (ANA, BEN):
            self.say(EditGuardian(child=child, guardian=guardian, base=GuardianFacts(), wanted=wanted))

    def issue(self) -> None:
        """The family's pass, for two years."""
        now_s = self.clock.now().corrected // 1000
        expires_s = now_s + 730 * 86_400
        self.say(IssuePass(family=FAMILY, home=MAIN, handle=HANDLE, issued_s=now_s, expires_s=expires_s))

    def admit(self, session: Id, child: Id = ANA) -> str:
        """A child's pass to a session it is booked in; its text."""
        now_s = self.clock.now().corrected // 1000
        number = int(session[:8], 16)
        self.say(
            IssueAttendeePass(
                session=session, child=child, handle=f"{number:016x}", token=f"{number:012x}", issued_s=now_s,
                expires_s=now_s + 86_400,
            )
        )  # fmt: skip
        return attendee_pass(self.cloud.studios, STUDIO, session, child).text

    def send(self) -> int:
        """One round of the clock's: what waits is sent."""
        return drain(self.cloud.studios, STUDIO, self.cloud.runners, uniform=lambda low, high: (low + high) / 2)

    def messages(self) -> list[Message]:
        rows = self.cloud.studios.storage(STUDIO).find(Range(Message, "by_family", (FAMILY,)))
        return [decode(Message, row.body) for row in rows]


def served(cloud: Cloud) -> CloudServer:
    """A server whose clock carries out no effects: a test does, by `send`, and knows when they are done."""
    runners, cloud.runners = cloud.runners, {}
    server = CloudServer(cloud, heartbeat_s=1.0)
    cloud.runners = runners
    return server


@contextmanager
def families(data: Path, post: Post | None = None) -> Iterator[Families]:
    """The founded cloud in `data`, an hour before nine, closed afterwards."""
    clock = ManualClock(NINE - 60 * MINUTE)
    cloud = open_cloud(data, bus(authority=True), clock=clock, post=post)
    try:
        yield founded(cloud, clock)
    finally:
        cloud.close()


def founded(cloud: Cloud, clock: ManualClock) -> Families:
    """Found the studio, with a pass for its family and a mother who stands to both children."""
    cloud.studios.found("Small Steps", id=STUDIO, owner=OWNER, owner_name="Olga", pass_studio="00" * 8)
    drafts = [
        CloudDraft(payload, author, "test")
        for author, payload in FOUNDING[1:]
        if not (isinstance(payload, AddStaff) and payload.staff == OWNER)
    ]
    for ledger in cloud.studios.authority(STUDIO).author_all(cloud.studios.studio(STUDIO).cloud_device, drafts):
        assert ledger.link.outcome.stands, ledger.link
    together = threading.Barrier(4)
    for _ in range(4):
        cloud.reading.submit(together.wait)  # all of its threads, so that no test is the one that starts them
    found = Families(cloud, clock)
    found.stand()
    found.issue()
    found.send()  # what its founding asks for
    Telephones(cloud.books).note(cloud.studios.storage(STUDIO), STUDIO)
    return found
