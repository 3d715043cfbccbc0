"""OneRoster 1.2 people: columns as the standard publishes them, households by agents, roles by external id, out and in again."""

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest

from classtap_core.exchange import oneroster
from classtap_core.exchange.bringing import bring_in
from classtap_core.exchange.looking import ONEROSTER, Place, in_the_way, look
from classtap_core.exchange.oneroster import DEMOGRAPHICS, FILES, ROLES, USERS
from classtap_core.house import bus
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.records import decode
from classtap_core.people.guardians import Guardianship
from classtap_core.people.records import Child, ChildHealth, Contact, Family
from tests.unit.house.world import CLERK, DESK, MAIN, STUDIO, World, staff, state_of

COLUMNS = json.loads((Path(__file__).parents[2] / "data" / "oneroster" / "columns.json").read_text(encoding="utf-8"))
PLACE = Place(STUDIO, MAIN, "Europe/Madrid", "2026-11-21")


def table(columns: tuple[str, ...], *rows: dict[str, str]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def user(id: str, given: str, surname: str, **more: str) -> dict[str, str]:
    return {"sourcedId": id, "enabledUser": "true", "givenName": given, "familyName": surname, **more}


def role(id: str, who: str, kind: str, **more: str) -> dict[str, str]:
    return {"sourcedId": id, "userSourcedId": who, "roleType": "primary", "role": kind, "orgSourcedId": "o", **more}


def packed(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        for name, content in files.items():
            made.writestr(f"{name}.csv", content)
    return data.getvalue()


FILES_OF_THREE = {
    "users": table(
        USERS, user("s1", "Liv", "Lund", agentSourcedIds="g1,g2"), user("s2", "Mo", "Lund", agentSourcedIds="g2"),
        user("s3", "Ada", "Berg", preferredGivenName="Adi"), user("g1", "Eva", "Lund", email="eva@lund.example"),
        user("g2", "Per", "Holm", sms="+4670174063"), user("t1", "Tea", "Cher"),
        user("s4", "Gone", "Away", status="tobedeleted"),
    ),
    "roles": table(
        ROLES, role("r1", "s1", "student"), role("r2", "s2", "student"), role("r3", "s3", "student"),
        role("r4", "g1", "parent"), role("r5", "g2", "relative", roleType="secondary", endDate="2027-06-30"),
        role("r6", "t1", "teacher"), role("r7", "s4", "student", status="tobedeleted"),
    ),
    "demographics": table(DEMOGRAPHICS, {"sourcedId": "s1", "birthDate": "2018-04-03"}),
}  # fmt: skip


def test_the_columns_are_the_standard_s() -> None:
    ours = {**FILES, "orgs": oneroster.ORGS, "manifest": ("propertyName", "value")}
    assert {name: list(columns) for name, columns in ours.items()} == COLUMNS["files"]
    assert set(oneroster.GUARDIANS) | {oneroster.STUDENT} == set(COLUMNS["roles"])


def test_an_id_that_two_people_have_is_named() -> None:
    twice = table(USERS, user("s1", "Liv", "Lund"), user("s2", "Mo", "Lund"), user("s1", "Eve", "Other"))
    (bad,) = look(
        ONEROSTER,
        packed({**FILES_OF_THREE, "users": twice, "roles": table(ROLES, role("r1", "s1", "student"))}),
        PLACE,
        World().join(DESK, role="desk").store,
    ).bad
    assert (bad.number, bad.field, bad.code, bad.found) == (4, "sourcedId", "import.id_twice", "2")


def test_students_with_a_guardian_in_common_are_one_family() -> None:
    world = World()
    desk = world.join(DESK, role="desk")
    found = look(ONEROSTER, packed(FILES_OF_THREE), PLACE, desk.store)
    assert (found.bad, found.counts) == ((), {"families": 2, "children": 3, "roles": 3})
    assert in_the_way(found.steps, PLACE, desk.store, bus(authority=True), at=desk.bus.clock.now()) == ()
    brought = bring_in(desk.bus, found.steps, staff(CLERK), going_on=lambda _: True)
    assert (brought.new, brought.asked) == (2, 3)  # whether a role is known elsewhere, only the cloud can say
    world.sync()
    children = {decode(Child, body).given: decode(Child, body) for body in state_of(world.cloud, Child).values()}
    assert children["Liv"].family == children["Mo"].family != children["Adi"].family
    health = decode(ChildHealth, state_of(world.cloud, ChildHealth)[children["Liv"].id])
    assert health.birth_date == "2018-04-03"
    contacts = {decode(Contact, body).name: decode(Contact, body) for body in state_of(world.cloud, Contact).values()}
    assert (contacts["Eva Lund"].email, contacts["Per Holm"].phone, contacts["Per Holm"].relation) == (
        "eva@lund.example", "+4670174063", "other",
    )  # fmt: skip
    pairs = [decode(Guardianship, body) for body in state_of(world.cloud, Guardianship).values()]
    roles = {(one.child, one.guardian): (one.roles[0].role, one.roles[0].last) for one in pairs}
    liv, mo, eva, per = children["Liv"].id, children["Mo"].id, contacts["Eva Lund"].id, contacts["Per Holm"].id
    assert roles == {
        (liv, eva): ("primary", ""), (liv, per): ("secondary", "2027-06-30"), (mo, per): ("secondary", "2027-06-30"),
    }  # fmt: skip
    again = look(ONEROSTER, packed(FILES_OF_THREE), PLACE, desk.store)
    brought = bring_in(desk.bus, again.steps, staff(CLERK), going_on=lambda _: True)
    assert (brought.new, brought.asked, brought.operations) == (0, 0, ())


def test_what_is_wrong_is_named_with_its_file_or_row() -> None:
    def bad(**files: bytes) -> list[tuple[int, str, str]]:
        found = oneroster.read({**FILES_OF_THREE, **files}, studio=STUDIO, home=MAIN, today="2026-11-21")
        assert found.bad or not files
        return [(one.number, one.field, one.code) for one in found.bad]

    assert bad(roles=b"") == [(0, "roles.csv", "import.file_missing")]
    assert bad(users=b"sourcedId,givenName\n1,Ana\n") == [
        (0, "users.enabledUser", "import.column_missing"), (0, "users.familyName", "import.column_missing"),
    ]  # fmt: skip
    alone = table(USERS, user("s1", "Liv", "Lund", agentSourcedIds="g9"), user("s2", "Mo", ""), user("s3", "A", "B"))
    roles = table(ROLES, role("r1", "s1", "student"), role("r2", "s2", "student"), role("r9", "nobody", "parent"))
    assert bad(users=alone, roles=roles) == [
        (3, "familyName", "import.empty"), (4, "userSourcedId", "import.reference"),
        (2, "agentSourcedIds", "import.reference"),
    ]  # fmt: skip
    late = table(DEMOGRAPHICS, {"sourcedId": "s1", "birthDate": "2031-01-01"})
    assert bad(demographics=late) == [(2, "birthDate", "import.date")]
    with pytest.raises(BadInput, match=r"table\.unreadable"):
        oneroster.unpacked(b"PK no zip")


def test_what_goes_out_comes_in_again() -> None:
    world = World()
    children = [decode(Child, body) for body in state_of(world.cloud, Child).values()]
    contacts = [decode(Contact, body) for body in state_of(world.cloud, Contact).values()]
    born = {id: decode(ChildHealth, body).birth_date for id, body in state_of(world.cloud, ChildHealth).items()}
    files = oneroster.write(children, contacts, born=born, school=MAIN, name="Main")
    for name, data in files.items():
        assert data.decode().splitlines()[0].split(",") == COLUMNS["files"][name]
    found = oneroster.read(files, studio=STUDIO, home=MAIN, today="2026-11-21")
    assert found.bad == ()
    assert sorted(
        (item.given, item.surname, item.birth_date) for family in found.families for item in family.items
    ) == (sorted((child.given, child.surname, born.get(child.id, "")) for child in children))
    assert len(found.families) == len(state_of(world.cloud, Family))
    manifest = {row["propertyName"]: row["value"] for row in csv.DictReader(io.StringIO(files["manifest"].decode()))}
    assert list(manifest) == COLUMNS["manifest"]
    assert {name for name, value in manifest.items() if value == "bulk"} == {
        "file.orgs", "file.users", "file.roles", "file.demographics",
    }  # fmt: skip
    (org,) = csv.DictReader(io.StringIO(files["orgs"].decode()))
    roles = csv.DictReader(io.StringIO(files["roles"].decode()))
    assert {row["orgSourcedId"] for row in roles} == {org["sourcedId"]}


def test_a_manifest_says_which_files_count() -> None:
    def manifest(**said: str) -> bytes:
        properties = {"manifest.version": "1.0", "oneroster.version": "1.2", **said}
        rows = ({"propertyName": name, "value": value} for name, value in properties.items())
        return table(("propertyName", "value"), *rows)

    def read(said: bytes) -> oneroster.Roster:
        files = oneroster.unpacked(packed({**FILES_OF_THREE, "manifest": said}))
        return oneroster.read(files, studio=STUDIO, home=MAIN, today="2026-11-21")

    whole = read(manifest(**{"file.users": "bulk", "file.roles": "bulk", "file.demographics": "bulk"}))
    assert whole.bad == ()
    assert any(item.birth_date for family in whole.families for item in family.items)
    without = read(manifest(**{"file.demographics": "absent"}))
    assert without.bad == ()
    assert not any(item.birth_date for family in without.families for item in family.items)
    assert [(one.field, one.code) for one in read(manifest(**{"file.users": "delta"})).bad] == [
        ("users.csv", "import.delta")
    ]
    (older,) = read(manifest(**{"oneroster.version": "1.1"})).bad
    assert (older.code, older.found) == ("import.version", "1.1")
