"""Nothing of anybody is readable at rest in the cloud; who is erased is gone from rows, log, devices and copies of the database."""

import hashlib
import logging
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, update

from classtap_core import house
from classtap_core.health.operations import EditProfile
from classtap_core.health.records import (
    ActionPlan,
    Allergy,
    Condition,
    EmergencyContact,
    HealthFacts,
    HealthProfile,
    Medication,
)
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.blobs import Blob, Offer
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.erasure import Erasure
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.records import Row
from classtap_core.people.erasing import ErasePeople
from classtap_core.people.guardian_operations import BlockGuardian
from classtap_core.people.learners import EditLearner, Learner, LearnerFacts
from classtap_core.people.operations import AddFamily, ChildDraft, ContactDraft
from classtap_core.people.records import Badge, Child, ChildHealth, Contact, Custody, Family
from cloud.composition import open_cloud
from cloud.serve import CloudServer
from cloud.storage import resealing
from cloud.storage.audit import audit
from cloud.storage.sealing import open_part
from sync.signed import is_signed
from tests.cloud.rig import CITUS, prepare
from tests.unit.house import world

FAMILY, ANA, BEN, GINA = (derived("erasure", name) for name in ("family", "ana", "ben", "gina"))
WORDS = {
    ANA: (
        "Anaximander",
        "Quillfeather",
        "2019-02-28",
        "walnutpaste",
        "orderofcourt",
        "UncleMallory",
        "pecandust",
        "adrenomycin",
        "threepuffs",
        "brittlebones",
        "countsheep",
        "Mabelline",
        "DrPhysicus",
        "shyofdrums",
        "keptawayby",
    ),
    BEN: ("Bentheim", "Quillfether", "2021-11-30", "beesandwasps"),
    GINA: ("Ginevra", "+34600999111", "ginevra@quill.example"),
    FAMILY: ("Quillfamilia",),
}
ADD = AddFamily(
    family=FAMILY, home=world.MAIN, name="Quillfamilia",
    items=(
        ChildDraft(
            child=ANA, given="Anaximander", surname="Quillfeather", birth_date="2019-02-28", health_notes="walnutpaste",
            custody_note="orderofcourt", blocked=("UncleMallory",),
        ),
        ChildDraft(
            child=BEN, given="Bentheim", surname="Quillfether", birth_date="2021-11-30", health_notes="beesandwasps"
        ),
    ),
    contacts=(
        ContactDraft(
            contact=GINA, relation="mother", name="Ginevra", phone="+34600999111", email="ginevra@quill.example"
        ),
    ),
)  # fmt: skip
PROFILE = HealthFacts(
    allergies=(Allergy(what="pecandust", reaction="hives"),),
    medications=(Medication(name="adrenomycin", dose="threepuffs"),),
    conditions=(Condition(name="brittlebones"),),
    plans=(ActionPlan(title="Sleep", steps=("countsheep",)),),
    contacts=(EmergencyContact(name="Mabelline", phone="+34600999112", relation="other"),),
    physician="DrPhysicus",
)
SAID = (
    ADD,
    EditProfile(child=ANA, base=HealthFacts(), wanted=PROFILE),
    EditLearner(child=ANA, base=LearnerFacts(), wanted=LearnerFacts(tags=("shyofdrums",))),
    BlockGuardian(child=ANA, guardian=GINA, reason="keptawayby"),
)
"""All that is known of a child: health part by part, what classes ask, who must be kept away and why."""
EVERY = tuple(word for words in WORDS.values() for word in words)


class Home:
    """A studio of the real rooms, served, with one family of planted words."""

    def __init__(self, server: CloudServer, folder: Path, url: str) -> None:
        self.server, self.folder, self.url = server, folder, url
        self.studios = server.cloud.studios
        self.entry = self.studios.found("Small Steps", id=world.STUDIO, owner=world.OWNER, owner_name="Olga Owner")
        drafts = [CloudDraft(payload, author, "test") for author, payload in world.FOUNDING[1:]]
        self.studios.authority(world.STUDIO).author_all(self.entry.cloud_device, drafts)
        for payload in SAID:
            assert self.say(payload) is Status.ACCEPTED

    def say(self, payload: object, author: Id = world.OWNER) -> Status:
        draft = CloudDraft(payload, world.staff(author), "test")  # type: ignore[arg-type]
        (ledger,) = self.studios.authority(world.STUDIO).author_all(self.entry.cloud_device, [draft])
        return ledger.link.outcome.status

    def rows(self, record: type, ids: tuple[Id, ...]) -> dict[Id, Row]:
        return dict(self.studios.storage(world.STUDIO).rows(record, ids))

    def picture(self, of: Id) -> str:
        """A sealed file about somebody, as a device sends it; its name."""
        data = of.encode() * 3
        name = hashlib.sha256(data).hexdigest()
        offer = Offer(
            blob=Blob(hash=name, size=80, type="image/png"), kind="picture", subject=of, scope=f"families/{world.MAIN}", key="ab" * 32,
            sealed=len(data),
        )  # fmt: skip
        blobs = self.server.cloud.blobs
        blobs.offer(world.STUDIO, offer, now_ms=world.NINE)
        assert blobs.put(world.STUDIO, name, 0, data).whole
        return name

    def files(self, name: str) -> list[Path]:
        return sorted((self.folder / "cloud" / "blobs").rglob(f"{name}*"))

    def at_rest(self) -> bytes:
        """Every byte of the database as it lies on the disk, and of a backup of it."""
        if self.server.cloud.database.dialect == "sqlite":
            files = sorted((self.folder / "cloud").glob("cloud.db*"))
            copied = [Path(shutil.copy(file, self.folder / f"copy-{file.name}")) for file in files]
            return b"".join(file.read_bytes() for file in copied)
        if self.url == CITUS:
            return self.everything()  # a dump of the coordinator has no row that lies at another machine
        url = make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)
        tool = shutil.which("pg_dump") or next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_dump"))), None)
        if tool is None:
            pytest.skip("pg_dump is not here: apt-get install postgresql-client")
        return subprocess.run([str(tool), url], capture_output=True, check=True).stdout

    def everything(self) -> bytes:
        """Every row of every table, as whoever owns them reads it."""
        cloud = self.server.cloud
        with cloud.database.administer() as connection:
            rows = [
                row for table in cloud.books.tables.metadata.sorted_tables for row in connection.execute(table.select())
            ]
        values = [value for row in rows for value in row]
        return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in values)

    def found(self, words: tuple[str, ...]) -> list[str]:
        """Planted words that lie anywhere in the open: as they are, and as a dump writes bytes."""
        there = self.at_rest()
        return [word for word in words if word.encode() in there or word.encode().hex().encode() in there]


@pytest.fixture
def home(tmp_path: Path, house_database: str) -> Iterator[Home]:
    tmp_path.chmod(0o700)
    bus = house.bus(authority=True)
    if house_database:
        prepare(house_database, bus, distributed=house_database == CITUS)
    made = open_cloud(tmp_path, bus, url=house_database, clock=ManualClock(world.NINE))
    with CloudServer(made) as server:
        yield Home(server, tmp_path, house_database)


def test_no_planted_word_is_found_at_rest_and_an_erased_person_is_gone(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert home.found(EVERY) == []
    people = (ANA, BEN, GINA, FAMILY)
    assert set(home.rows(ChildHealth, people)) == {ANA, BEN}
    assert b"walnutpaste" in home.rows(ChildHealth, people)[ANA].body
    assert home.say(ErasePeople(people=(ANA,), why="request"), author=world.CLERK) is Status.REFUSED
    assert home.say(ErasePeople(people=(FAMILY,), why="request")) is Status.REFUSED  # the household would be left
    hers, his = (home.picture(of) for of in (ANA, BEN))
    assert home.say(ErasePeople(people=(ANA,), why="request")) is Status.ACCEPTED
    assert home.say(ErasePeople(people=(ANA,), why="request")) is Status.DUPLICATE
    assert ([path.name for path in home.files(hers)], len(home.files(his))) == ([], 2)
    for record in (Child, ChildHealth, HealthProfile, Learner, Custody, Badge):
        assert ANA not in home.rows(record, people)
    assert set(home.rows(Child, people)) == {BEN}
    assert set(home.rows(Contact, people)) == {GINA}
    assert set(home.rows(Erasure, people)) == {ANA}
    assert home.found(EVERY) == []
    with home.server.cloud.database.read(world.STUDIO) as connection:
        keys = home.server.cloud.books.keys(connection, world.STUDIO)
        assert (keys.key(ANA), keys.key(BEN) is None) == (None, False)
    checked = audit(home.server.cloud.books, world.STUDIO, verify=is_signed)
    assert checked.ok, checked
    assert home.say(ADD) is Status.REFUSED
    assert not [word for word in EVERY if word in caplog.text]


def test_what_comes_late_about_an_erased_person_is_not_kept(home: Home) -> None:
    assert home.say(ErasePeople(people=(ANA, BEN, GINA, FAMILY), why="request")) is Status.ACCEPTED
    assert home.say(ADD) is Status.ACCEPTED  # said again by somebody who had not heard
    assert home.rows(Child, (ANA, BEN)) == {}
    assert home.rows(Family, (FAMILY,)) == {}
    assert home.found(EVERY) == []


def test_rows_of_an_earlier_version_are_sealed_when_the_database_is_opened(home: Home) -> None:
    cloud = home.server.cloud
    table, facts = cloud.books.tables.records["child_health"].table, cloud.books.tables.facts
    plain = home.rows(ChildHealth, (ANA,))[ANA].body
    with cloud.database.write(world.STUDIO) as connection:
        connection.execute(update(table).where(table.c.studio_id == world.STUDIO, table.c.id == ANA).values(body=plain))
        connection.execute(facts.delete().where(facts.c.name == "rows_sealed"))
    assert home.rows(ChildHealth, (ANA,))[ANA].body == plain
    assert resealing.fill(cloud.books, home.studios.directory) == 1
    assert resealing.fill(cloud.books, home.studios.directory) == 0
    assert home.rows(ChildHealth, (ANA,))[ANA].body == plain
    with cloud.database.read(world.STUDIO) as connection:
        stored = connection.execute(table.select().where(table.c.studio_id == world.STUDIO, table.c.id == ANA)).one()
    assert b"walnutpaste" not in stored.body
    assert open_part(stored.body) == b'{"home":"%s","id":"%s"}' % (world.MAIN.encode(), ANA.encode())
