"""A studio out of one cloud and into another: equal by digest, or not taken at all; everything that is held of one person."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from classtap_core import house
from classtap_core.exchange import studio as files
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.kernel.outcomes import Status
from classtap_core.people.erasing import ErasePeople
from cloud.composition import Cloud, open_cloud
from cloud.exchange import person_file, studio_file, take_in
from cloud.storage.audit import audit
from cloud.storage.directory import StudioEntry
from cloud.storage.whole import rows_of
from sync.signed import is_signed
from tests.unit.house import world


def opened(folder: Path) -> Cloud:
    folder.mkdir(mode=0o700, exist_ok=True)
    return open_cloud(folder, house.bus(authority=True), clock=ManualClock(world.NINE))


def founded(cloud: Cloud) -> StudioEntry:
    entry = cloud.studios.found("Small Steps", id=world.STUDIO, owner=world.OWNER, owner_name="Olga Owner")
    drafts = [CloudDraft(payload, author, "test") for author, payload in world.FOUNDING[1:]]
    cloud.studios.authority(world.STUDIO).author_all(entry.cloud_device, drafts)
    return entry


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Cloud]:
    cloud = opened(tmp_path / "here")
    yield cloud
    cloud.close()


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Cloud]:
    cloud = opened(tmp_path / "there")
    yield cloud
    cloud.close()


def test_a_studio_taken_in_elsewhere_is_the_same_and_goes_on(here: Cloud, there: Cloud) -> None:
    entry = founded(here)
    erased = CloudDraft(ErasePeople(people=(world.ZOE,), why="request"), world.staff(world.OWNER), "test")
    here.studios.authority(entry.id).author_all(entry.cloud_device, [erased])
    data = b"".join(studio_file(here, entry))
    found, taken, digest = take_in(there, data)
    assert list(rows_of(there.books, found.id)) == list(rows_of(here.books, entry.id))
    assert (digest, found.id, found.pass_studio) == (files.digest_of(taken.rows), entry.id, entry.pass_studio)
    assert taken.head.records["child"] == 2  # Zoe was erased, and did not come along
    assert b"Zoe" not in data
    assert audit(there.books, found.id, verify=is_signed).ok
    again = b"".join(studio_file(there, found))
    assert again.splitlines()[1:-1] == data.splitlines()[1:-1]
    with pytest.raises(Refused, match=r"studio\.exists"):
        take_in(there, data)
    word = CloudDraft(ErasePeople(people=(world.ANA,), why="mistake"), world.staff(world.OWNER), "test")
    (ledger,) = there.studios.authority(found.id).author_all(found.cloud_device, [word])
    assert ledger.link.outcome.status is Status.ACCEPTED


def test_a_file_that_is_not_whole_founds_nothing(here: Cloud, there: Cloud) -> None:
    data = b"".join(studio_file(here, founded(here)))
    lines = data.splitlines(keepends=True)
    swapped = b"".join([lines[0], lines[2], lines[1], *lines[3:]])
    for bad, code in (
        (b"", "not_one"), (b"{}\n", "not_one"), (data[:-40], "damaged"), (b"".join(lines[:-1]), "damaged"), (swapped, "damaged"),
        (data.replace(b"Ana", b"Eve"), "damaged"), (data.replace(b'"version":1', b'"version":2'), "newer"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=rf"studio_file\.{code}"):
            take_in(there, bad)
    assert there.studios.all() == []


def test_everything_of_a_family_is_in_one_readable_file(here: Cloud) -> None:
    entry = founded(here)
    data, records = person_file(here, entry, "garcía núñez")
    told = json.loads(data)
    assert {one["name"] for one in told["people"]} == {"García Núñez", "Ana Núñez", "Ben García", "Gina García"}
    kinds = {one["kind"]: one for one in told["records"]}
    assert {"family", "child", "child_health", "contact", "contact_masked", "badge", "booking"} <= kinds.keys()
    assert records == len(told["records"])
    assert (kinds["child"]["goes_with_an_erasure"], kinds["booking"]["goes_with_an_erasure"]) == (True, False)
    assert "Peanut allergy" in data.decode()
    assert "+34600123456" in data.decode()
    added = next(one for one in told["history"] if one["kind"] == "family.add")
    assert added["said"][world.ANA]["items/0/health_notes"] == "Peanut allergy"
    assert "Zoe" not in data.decode()
    with pytest.raises(Refused, match=r"family\.not_here"):
        person_file(here, entry, "Nobody")
