"""A cloud brought back from yesterday's backup erases again whom it had forgotten it erased, before anybody can ask it."""

import shutil
from pathlib import Path

import pytest

from classtap_core import house
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.erasure import Erasure
from classtap_core.kernel.ids import Id
from classtap_core.people.erasing import RESTORED, ErasePeople
from classtap_core.people.operations import AddFamily, ChildDraft
from classtap_core.people.records import Child, Contact
from cloud.composition import Cloud, open_cloud
from cloud.erasures import FILE
from cloud.jobs.ticks import Ticks
from cloud.storage.audit import audit
from sync.signed import is_signed
from tests.cloud.families import GINA, Families, founded
from tests.unit.house.world import ANA, BEN, FAMILY, MAIN, MINUTE, NINE, STUDIO, named

pytestmark = pytest.mark.leaves("ThreadPoolExecutor", reason="the cloud's readers end with it")


def opened(folder: Path) -> Cloud:
    return open_cloud(folder, house.bus(authority=True), clock=ManualClock(NINE))


def people(cloud: Cloud) -> tuple[set[Id], set[Id]]:
    """Who is on record, and who is erased."""
    storage, asked = cloud.studios.storage(STUDIO), (ANA, BEN, GINA)
    return {*storage.rows(Child, asked), *storage.rows(Contact, asked)}, set(storage.rows(Erasure, (*asked, FAMILY)))


def listed(folder: Path) -> set[str]:
    file = folder / "cloud" / FILE
    return {line.split()[1] for line in file.read_text().splitlines()} if file.exists() else set()


def backup(folder: Path, to: Path) -> None:
    """The database as an operator puts it aside: not the list, which only grows where it is."""
    to.mkdir()
    for file in (folder / "cloud").glob("cloud.db*"):
        shutil.copy(file, to / file.name)


def restore(folder: Path, source: Path) -> None:
    for file in (folder / "cloud").glob("cloud.db*"):
        file.unlink()
    for file in source.iterdir():
        shutil.copy(file, folder / "cloud" / file.name)


def test_a_restored_cloud_erases_again_whom_it_had_forgotten_before_it_serves(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    cloud = opened(tmp_path)
    rig: Families = founded(cloud, ManualClock(NINE))
    rig.say(ErasePeople(people=(BEN,), why="request"))
    cloud.close()
    backup(tmp_path, tmp_path / "yesterday")

    cloud = opened(tmp_path)
    later = named("later")
    rig = Families(cloud, ManualClock(NINE))
    rig.say(
        AddFamily(
            family=named("later family"),
            home=MAIN,
            name="Later",
            items=(ChildDraft(child=later, given="Lea", surname="L"),),
        )
    )
    rig.say(ErasePeople(people=(ANA, GINA), why="request"))
    rig.say(ErasePeople(people=(later, named("later family")), why="request"))
    assert listed(tmp_path) == {ANA, BEN, GINA, later, named("later family")}
    kept = (tmp_path / "cloud" / FILE).read_bytes()
    assert set(kept.decode()) <= set("0123456789abcdef \n"), "ids and nothing else"
    cloud.close()

    restore(tmp_path, tmp_path / "yesterday")
    cloud = opened(tmp_path)
    try:
        assert people(cloud) == (set(), {ANA, BEN, GINA})
        erased = cloud.studios.storage(STUDIO).rows(Erasure, (ANA, later))
        assert RESTORED.encode() in erased[ANA].body
        assert later in erased, "what a device says of them later is not kept either"
        with cloud.database.read(STUDIO) as connection:
            keys = cloud.books.keys(connection, STUDIO)
            assert keys.key(ANA) is None
        assert audit(cloud.books, STUDIO, verify=is_signed).ok
        assert cloud.erasures.replay() == 0
    finally:
        cloud.close()
    assert (tmp_path / "cloud" / FILE).read_bytes() == kept, "nobody is named twice"


@pytest.mark.expected_log("erasures: a line", reason="it was cut in the middle")
def test_what_the_list_lacks_is_written_down_by_the_sweep_and_a_line_cut_in_the_middle_names_nobody(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o700)
    cloud = opened(tmp_path)
    try:
        rig = founded(cloud, ManualClock(NINE))
        rig.say(ErasePeople(people=(BEN,), why="request"))
        cloud.studios.clock.advance(3_600_000)
        file = tmp_path / "cloud" / FILE
        file.write_text(f"{STUDIO} {ANA[:20]}")  # a worker died in the middle of a line, and before another was written
        cloud.erasures = type(cloud.erasures)(file.parent, cloud.studios)
        cloud.studios.list_erased = cloud.erasures.keep
        Ticks(cloud.studios, {}).sweep_all()
        assert file.read_text() == f"{STUDIO} {ANA[:20]}\n{STUDIO} {BEN}\n"
        assert cloud.erasures.replay() == 0
    finally:
        cloud.close()
    assert people_after(tmp_path) == ({ANA, GINA}, {BEN})


def people_after(folder: Path) -> tuple[set[Id], set[Id]]:
    cloud = opened(folder)
    try:
        return people(cloud)
    finally:
        cloud.close()


def test_studios_of_another_database_stay_on_the_list_and_stop_nothing(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "cloud").mkdir(mode=0o700)
    line = f"{named('elsewhere')} {ANA}\n"
    (tmp_path / "cloud" / FILE).write_text(line)
    cloud = opened(tmp_path)
    try:
        founded(cloud, ManualClock(NINE + MINUTE))
        assert cloud.erasures.replay() == 0
        assert people(cloud) == ({ANA, BEN, GINA}, set())
    finally:
        cloud.close()
    assert (tmp_path / "cloud" / FILE).read_text() == line
