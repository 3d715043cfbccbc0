"""A STOP and a phone's wallet find their studios by the directory: no studio is looked into that has nothing to do with them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from classtap_core.checkin.reading import fetch, search
from classtap_core.house import bus
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.messaging.reading import reachable
from classtap_core.messaging.records import ContactWay
from classtap_core.people.erasing import ErasePeople
from classtap_core.people.operations import AddFamily, ContactDraft
from classtap_core.people.profile_operations import ContactFacts, EditContact
from classtap_core.people.records import Contact
from classtap_core.schedule.operations import AddLocation
from cloud.composition import open_cloud
from cloud.messaging.returns import heard
from cloud.storage.whereabouts import Telephones, at_telephone, held_by
from cloud.wallets.registered import register, unregister
from tests.cloud.families import GINA, Families, founded
from tests.cloud.rig import CITUS, prepare
from tests.unit.house.world import MINUTE, NINE, OWNER, STUDIO, named

pytestmark = pytest.mark.leaves("ThreadPoolExecutor", reason="the cloud's readers end with it")
OTHER, PLACE, HOUSE, NAN = (named(f"other {name}") for name in ("studio", "place", "house", "nan"))
NUMBER = "+34600123456"


class Rig:
    def __init__(self, families: Families) -> None:
        self.families, self.cloud = families, families.cloud
        self.telephones = Telephones(self.cloud.books)
        self.say(OTHER, AddLocation(location=PLACE, name="Elsewhere", zone="Europe/Madrid"))
        nan = ContactDraft(contact=NAN, relation="mother", name="Nan", phone="0034 600 12 34 56")
        self.say(OTHER, AddFamily(family=HOUSE, home=PLACE, name="Vidal", contacts=(nan,)))

    def say(self, studio: Id, payload: Any) -> None:
        studios = self.cloud.studios
        drafts = [CloudDraft(payload, Author(type="staff", id=OWNER), "test")]
        (ledger,) = studios.authority(studio).author_all(studios.studio(studio).cloud_device, drafts)
        assert ledger.link.outcome.stands, ledger.link.outcome

    def note(self, *studios: Id) -> list[int]:
        return [self.telephones.note(self.cloud.studios.storage(one), one) for one in studios or (STUDIO, OTHER)]

    def stopped(self, studio: Id, contact: Id) -> bool:
        storage = self.cloud.studios.storage(studio)
        found = fetch(storage, Contact, [contact])[contact]
        return "sms" in reachable(found, search(storage, ContactWay, "by_contact", contact)).stopped


@pytest.fixture
def rig(tmp_path: Path, house_database: str) -> Iterator[Rig]:
    rooms, clock = bus(authority=True), ManualClock(NINE - 60 * MINUTE)
    if house_database:
        prepare(house_database, rooms, distributed=house_database == CITUS)
    cloud = open_cloud(tmp_path, rooms, url=house_database, clock=clock)
    try:
        made = founded(cloud, clock)
        cloud.studios.found("Other", id=OTHER, owner=OWNER, owner_name="Olga", pass_studio="11" * 8)
        cloud.studios.found("A third", pass_studio="22" * 8)
        yield Rig(made)
    finally:
        cloud.close()


def test_a_stop_reaches_everybody_at_that_telephone_in_whichever_studio_and_looks_into_no_other(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.note()
    assert at_telephone(rig.cloud.books, NUMBER) == {STUDIO: [GINA], OTHER: [NAN]}
    entered: list[Id | None] = []
    read = rig.cloud.database.read

    def noticed(studio: Id | None = None) -> Any:
        entered.append(studio)
        return read(studio)

    monkeypatch.setattr(rig.cloud.database, "read", noticed)
    assert heard(rig.cloud.studios, {"MessageSid": "SM1", "From": NUMBER, "Body": "STOP"}) == 2
    assert set(entered) == {None, STUDIO, OTHER}
    assert rig.stopped(STUDIO, GINA)
    assert rig.stopped(OTHER, NAN)
    entered.clear()
    assert heard(rig.cloud.studios, {"MessageSid": "SM2", "From": "+34600000000", "Body": "STOP"}) == 0
    assert heard(rig.cloud.studios, {"MessageSid": "SM3", "From": "", "Body": "STOP"}) == 0
    assert set(entered) == {None}, "a telephone nobody has leads nowhere"


def test_another_number_and_an_erasure_are_followed_and_nothing_is_read_twice(rig: Rig) -> None:
    assert rig.note() == [0, 1], "the first studio was taken in when it was founded"
    assert rig.note() == [0, 0]
    was = ContactFacts(name="Nan", relation="mother", phone="0034 600 12 34 56")
    rig.say(
        OTHER,
        EditContact(contact=NAN, base=was, wanted=ContactFacts(name="Nan", relation="mother", phone="+34611")),
    )
    assert at_telephone(rig.cloud.books, NUMBER)[OTHER] == [NAN], "not yet taken in"
    assert heard(rig.cloud.studios, {"MessageSid": "SM1", "From": NUMBER, "Body": "STOP"}) == 1
    assert not rig.stopped(OTHER, NAN), "their own record says what is so"
    assert rig.note(OTHER) == [1]
    assert at_telephone(rig.cloud.books, NUMBER) == {STUDIO: [GINA]}
    assert at_telephone(rig.cloud.books, "0034611") == {OTHER: [NAN]}
    rig.say(STUDIO, ErasePeople(people=(GINA,), why="request"))
    rig.telephones = Telephones(rig.cloud.books)  # a worker that has just begun goes on where the last one was
    assert rig.note() == [1, 0]
    assert at_telephone(rig.cloud.books, NUMBER) == {}


def test_no_telephone_can_be_read_or_guessed_from_the_directory(rig: Rig) -> None:
    rig.note()
    with rig.cloud.database.read() as connection:
        (held,) = connection.scalars(
            select(rig.cloud.books.tables.telephones.c.hash).where(rig.cloud.books.tables.telephones.c.contact == GINA)
        )
    import hashlib

    assert len(held) == 64
    guesses = (NUMBER, NUMBER[1:], "0034600123456")
    assert held not in [hashlib.sha256(one.encode()).hexdigest() for one in guesses]


def test_a_phone_is_looked_for_where_it_holds_a_pass(rig: Rig) -> None:
    books = rig.cloud.books
    for studio, serial in ((STUDIO, f"{STUDIO}.a"), (STUDIO, f"{STUDIO}.b"), (OTHER, f"{OTHER}.c")):
        assert register(books, studio, "phone-1", serial, token="t", now_ms=1)
        assert not register(books, studio, "phone-1", serial, token="t", now_ms=2)
    assert held_by(books, "phone-1") == sorted((STUDIO, OTHER))
    assert held_by(books, "phone-2") == []
    unregister(books, STUDIO, "phone-1", f"{STUDIO}.a")
    assert held_by(books, "phone-1") == sorted((STUDIO, OTHER)), "it holds another one there"
    unregister(books, STUDIO, "phone-1", f"{STUDIO}.b")
    assert held_by(books, "phone-1") == [OTHER]
