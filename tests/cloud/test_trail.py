"""The studio's log looked at: found, put into sentences, masked by who reads, and let go of when its time is over."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace
from sqlalchemy import func, select, update

from classtap_core import house
from classtap_core.access.masking import Sight
from classtap_core.access.records import Grant
from classtap_core.auditing.finding import Query
from classtap_core.auditing.lines import MASK, Line
from classtap_core.auditing.operations import HoldAudit, KeepAudit, ReleaseAudit
from classtap_core.auditing.saying import sentence
from classtap_core.booking.policies import health_withheld
from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.health.operations import EditProfile
from classtap_core.health.records import Allergy, HealthFacts, Medication
from classtap_core.health.rules import HEALTH_POLICY
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.records import Sensitivity
from classtap_core.people.operations import RenameFamily
from cloud.auditing import audit_page, sight_of
from cloud.composition import Cloud, open_cloud
from cloud.jobs.ticks import Ticks
from cloud.serve import CloudServer
from cloud.storage.audit import audit
from cloud.storage.trail import Trail, note_address
from resources.text import Catalogue
from sync import protocol
from sync.audit import AskAudit, AuditPage
from sync.signed import is_signed
from tests.cloud.rig import CITUS, Device, code_of, prepare
from tests.unit.house import world

DAY_MS = 86_400_000


class Studio:
    """A studio of the real rooms, without a server."""

    def __init__(self, cloud: Cloud, clock: ManualClock) -> None:
        self.cloud, self.clock = cloud, clock
        self.entry = cloud.studios.found("Small Steps", id=world.STUDIO, owner=world.OWNER, owner_name="Olga Owner")
        for author, payload in world.FOUNDING[1:]:
            self.say(payload, author)
        self.trail = Trail(cloud.books, world.STUDIO, cloud.bus.registry)

    def say(self, payload: Payload, author: object = None) -> Status:
        self.clock.advance(1_000)
        draft = CloudDraft(payload, author or world.staff(world.OWNER), "desk")  # type: ignore[arg-type]
        (ledger,) = self.cloud.studios.authority(world.STUDIO).author_all(self.entry.cloud_device, [draft])
        return ledger.link.outcome.status

    def read(self, role: str = "owner", location: str = "", **query: object) -> list[Line]:
        grant = Grant(id=derived("g"), holder=world.OWNER, role=role, location=location)
        spots = self.trail.find(Query(**query)).spots  # type: ignore[arg-type]
        return self.trail.lines(spots, self.sight(grant))

    def sight(self, grant: Grant) -> Sight:
        at_ms = self.clock.now().corrected
        reader = self.cloud.studios.storage(world.STUDIO)
        return Sight([grant], at_ms=at_ms, withheld=health_withheld(reader, world.STUDIO, [grant], at_ms=at_ms))


@pytest.fixture
def studio(tmp_path: Path, house_database: str) -> Iterator[Studio]:
    clock = ManualClock(world.NINE)
    tmp_path.chmod(0o700)
    bus = house.bus(authority=True)
    if house_database:
        prepare(house_database, bus, distributed=house_database == CITUS)
    cloud = open_cloud(tmp_path, bus, url=house_database, clock=clock)
    yield Studio(cloud, clock)
    cloud.close()


def test_who_did_what_with_before_and_after(studio: Studio) -> None:
    studio.say(RenameFamily(family=world.FAMILY, base="García Núñez", name="Zorn"))
    studio.clock.advance(1)
    note_address(studio.cloud.books, world.STUDIO, studio.entry.cloud_device, "203.0.113.0", studio.clock.now().wall)
    studio.say(RenameFamily(family=world.FAMILY, base="Zorn", name="Quill"))
    (newest, first) = studio.read(kind="family.rename")
    assert newest.at_ms > first.at_ms
    assert (first.address, newest.address) == ("", "203.0.113.0")
    assert (newest.who, newest.roles, newest.method) == ("Olga Owner", ("owner",), "unknown")
    (changed,) = newest.changed
    assert [(step.place, step.before, step.after) for step in changed.steps] == [("name", "Zorn", "Quill")]
    assert changed.patch() == [
        {"op": "replace", "path": f"/family/{world.FAMILY}/name", "was": "Zorn", "value": "Quill"}
    ]
    assert sentence(newest, Catalogue("en")) == "Olga Owner renamed the family Zorn to Quill"
    assert [line.sequence for line in studio.read(thing=world.FAMILY, since_ms=newest.at_ms)] == [newest.sequence]
    assert [line.sequence for line in studio.read(thing=world.FAMILY, until_ms=newest.at_ms, most=1)] == [
        first.sequence
    ]
    assert studio.read(device="f" * 32) == []
    everything = studio.read(most=100)
    assert [line.sequence for line in everything] == sorted((line.sequence for line in everything), reverse=True)
    assert everything == studio.read(author=world.OWNER, most=100) + [
        line for line in everything if line.author != world.OWNER
    ]


def test_what_another_device_brought_says_so(studio: Studio) -> None:
    note_address(studio.cloud.books, world.STUDIO, studio.entry.cloud_device, "203.0.113.0", 1)
    studio.say(RenameFamily(family=world.FAMILY, base="García Núñez", name="Zorn"))
    (line,) = studio.read(kind="family.rename")
    assert (line.carrier, line.address) == ("", "203.0.113.0")
    batch = studio.cloud.books.tables.batch
    with studio.cloud.database.administer() as connection:
        last = connection.scalar(select(func.max(batch.c.sequence)))
        connection.execute(update(batch).where(batch.c.sequence == last).values(carrier=world.DESK))
    (line,) = studio.read(kind="family.rename")
    assert (line.carrier, line.address) == ("Desk", ""), "its author did not speak to the cloud"
    assert [one.carrier for one in studio.read(most=9)] == ["Desk"] + [""] * 8


def test_what_a_reader_may_not_see_is_masked(studio: Studio) -> None:
    studio.say(RenameFamily(family=world.FAMILY, base="García Núñez", name="Zorn"))
    (line,) = studio.read("accountant", kind="family.rename")
    assert line.params == {"what": (MASK,), "name": (MASK,)}
    assert [(step.before, step.after) for step in line.changed[0].steps] == [(MASK, MASK)]
    assert "Zorn" not in repr(line)
    assert studio.read("manager", world.NORTH, kind="family.rename") == []
    assert len(studio.read("manager", world.MAIN, kind="family.rename")) == 1
    assert studio.read("front_desk", kind="family.rename") == []


def test_what_a_studio_hides_of_health_is_hidden_in_its_audit_too(studio: Studio) -> None:
    facts = HealthFacts(medications=(Medication(name="Insulin", dose="4 units"),), allergies=(Allergy(what="Peanut"),))
    studio.say(EditProfile(child=world.ANA, base=HealthFacts(), wanted=facts))
    spots = studio.trail.find(Query(kind="health.edit")).spots
    (entry,) = (line.operation for line in studio.read(kind="health.edit"))
    words = ("Peanut", "Insulin", "4 units")

    def said() -> tuple[list[str], list[str]]:
        """Of a page where the entry was revealed, and of what an export reads with."""
        asked = AskAudit(staff=world.OWNER, query=Query(kind="health.edit"), revealed={entry: (Sensitivity.HEALTH,)})
        page = repr(audit_page(studio.cloud, world.STUDIO, asked).lines)
        whole = repr(studio.trail.lines(spots, sight_of(studio.cloud, world.STUDIO, world.OWNER)))
        return [word for word in words if word in page], [word for word in words if word in whole]

    assert said() == (["Peanut", "Insulin", "4 units"],) * 2
    studio.say(PublishPolicy(name=HEALTH_POLICY, head=0, values={"owner.detail": 0}))
    assert said() == (["Peanut", "Insulin"],) * 2
    studio.say(PublishPolicy(name=HEALTH_POLICY, head=1, values={"owner.allergies": 0}))
    assert said() == (["Insulin", "4 units"],) * 2


def test_words_find_and_personal_words_do_not(studio: Studio) -> None:
    assert {line.kind for line in studio.read(text="adri")} == {"location.add"}, "Europe/Madrid"
    studio.say(RenameFamily(family=world.FAMILY, base="García Núñez", name="Zorn"))
    assert studio.read(text="zorn") == []
    names = studio.cloud.books.tables.trail_name
    with studio.cloud.database.read(world.STUDIO) as connection:
        stored = connection.scalars(
            names.select().with_only_columns(names.c.name).where(names.c.studio_id == world.STUDIO)
        ).all()
    assert not [name for name in stored if "zorn" in name]


def test_time_takes_the_words_and_leaves_the_chains(studio: Studio) -> None:
    studio.say(RenameFamily(family=world.FAMILY, base="García Núñez", name="Zorn"))
    assert studio.say(KeepAudit(stream="families", days=30)) is Status.ACCEPTED
    assert studio.say(KeepAudit(stream="families", days=29)) is Status.REFUSED
    hold = HoldAudit(hold=derived("hold"), stream="families", reason="case 7")
    assert studio.say(hold) is Status.ACCEPTED
    before = audit(studio.cloud.books, world.STUDIO, verify=is_signed)
    (line,) = studio.read(kind="family.rename")
    later = studio.clock.now().corrected + 40 * DAY_MS
    assert studio.trail.let_go(later) == 0, "the hold stands"
    assert studio.say(ReleaseAudit(hold=hold.hold, stream="families")) is Status.ACCEPTED
    assert studio.trail.let_go(later) > 0
    assert studio.trail.let_go(later) == 0
    assert studio.read(kind="family.rename") == []
    (kept,) = studio.trail.kept([line.sequence])
    assert kept.payload is None
    assert kept.changes == ()
    after = audit(studio.cloud.books, world.STUDIO, verify=is_signed)
    assert after.ok
    assert before.ok
    assert after.entries == before.entries + 1


def test_an_unknown_stream_is_refused(studio: Studio) -> None:
    assert studio.say(HoldAudit(hold=Id("5" * 32), stream="weather", reason="x")) is Status.REFUSED
    assert studio.say(replace(HoldAudit(hold=Id("5" * 32), stream="scans", reason=" "))) is Status.REFUSED
    assert studio.say(ReleaseAudit(hold=Id("5" * 32), stream="scans")) is Status.REFUSED


def test_a_desk_reads_as_who_is_signed_in_and_a_kiosk_does_not(studio: Studio) -> None:
    """Over HTTP: what a desk asks, for whom, and from where devices speak, masked."""
    with CloudServer(studio.cloud) as server, httpx.Client(base_url=server.url, timeout=60) as client:

        def joined(role: str) -> Device:
            code = studio.cloud.studios.pairing_code(world.STUDIO, role=role, location=world.MAIN, name=role)
            made = Device(client, studio.clock)
            assert made.pair(code.code).status_code == 200
            return made

        def ask(by: Device, staff: Id, **query: object) -> httpx.Response:
            asked = AskAudit(staff=staff, query=Query(**query))  # type: ignore[arg-type]
            return client.post("/sync/v1/audit", content=protocol.encode(asked), headers=by.headers)

        desk, kiosk = joined("desk"), joined("kiosk")
        page: AuditPage = protocol.decode(AuditPage, ask(desk, world.OWNER, kind="room.add").content)
        assert [sentence(line, Catalogue("en")) for line in page.lines] == [
            "Olga Owner added the room Amber at Main", "Olga Owner added the room Blue at Main",
        ]  # fmt: skip
        assert code_of(ask(kiosk, world.OWNER)) == (403, "audit.not_here")
        assert code_of(ask(desk, world.CLERK)) == (403, "audit.not_yours")
        assert code_of(ask(desk, world.OWNER, text="a")) == (400, "audit.text")
        assert code_of(ask(desk, world.OWNER, since_ms=-1)) == (400, "sync.malformed")
        assert code_of(ask(desk, world.OWNER, until_ms=2**63)) == (400, "sync.malformed")


def test_the_daily_sweep_lets_the_words_go(studio: Studio) -> None:
    assert studio.say(KeepAudit(stream="schedule", days=30)) is Status.ACCEPTED
    assert studio.read(kind="session.add") != []
    studio.clock.advance(31 * DAY_MS)
    Ticks(studio.cloud.studios).sweep_all()
    assert studio.read(kind="session.add") == []
