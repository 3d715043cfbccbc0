"""People by OneRoster 1.2 (CSV binding): students become children, their agents guardians with roles by external id.

A folder or a ZIP holds `users.csv`, `roles.csv` and perhaps `demographics.csv`; columns are found by their names, which the
standard fixes. A `manifest.csv` says which of them count: one it calls absent does not, and changes alone (delta) are refused.
A `tobedeleted` user or role is left out, and a role with an end ends.
"""

import csv
import io
import zipfile
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from classtap_core.exchange.bringing import Step
from classtap_core.exchange.columns import BadRow, Dates, Line, gaps, lines, ragged
from classtap_core.exchange.families import reach_troubles
from classtap_core.exchange.tables import MOST_BYTES, Table, read_table
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id, derived
from classtap_core.people.external_roles import UpsertRole
from classtap_core.people.guardians import PRIMARY, SECONDARY
from classtap_core.people.operations import AddChildren, AddFamily, ChildDraft, ContactDraft
from classtap_core.people.records import Child, Contact

USERS = (
    "sourcedId", "status", "dateLastModified", "enabledUser", "username", "userIds", "givenName", "familyName",
    "middleName", "identifier", "email", "sms", "phone", "agentSourcedIds", "grades", "password",
    "userMasterIdentifier", "resourceSourcedIds", "preferredGivenName", "preferredMiddleName", "preferredFamilyName",
    "primaryOrgSourcedId", "pronouns",
)  # fmt: skip
ROLES = (
    "sourcedId", "status", "dateLastModified", "userSourcedId", "roleType", "role", "beginDate", "endDate",
    "orgSourcedId", "userProfileSourcedId",
)  # fmt: skip
DEMOGRAPHICS = (
    "sourcedId", "status", "dateLastModified", "birthDate", "sex", "americanIndianOrAlaskaNative", "asian",
    "blackOrAfricanAmerican", "nativeHawaiianOrOtherPacificIslander", "white", "demographicRaceTwoOrMoreRaces",
    "hispanicOrLatinoEthnicity", "countryOfBirthCode", "stateOfBirthAbbreviation", "cityOfBirth",
    "publicSchoolResidenceStatus",
)  # fmt: skip
"""The columns of the files we read and write, in the standard's order (tests/data/oneroster/columns.json has the source)."""

ORGS = ("sourcedId", "status", "dateLastModified", "name", "type", "identifier", "parentSourcedId")
IN_MANIFEST = (
    "academicSessions", "categories", "classes", "classResources", "courses", "courseResources", "demographics",
    "enrollments", "lineItemLearningObjectiveIds", "lineItems", "lineItemScoreScales", "orgs", "resources",
    "resultLearningObjectiveIds", "results", "resultScoreScales", "roles", "scoreScales", "userProfiles",
    "userResources", "users",
)  # fmt: skip
"""Every file of the standard: a manifest says of each whether it is there."""
MANIFEST, VERSION = "manifest", "1.2"
FILES: Mapping[str, tuple[str, ...]] = {"users": USERS, "roles": ROLES, "demographics": DEMOGRAPHICS}
_NEEDED = {
    "users": ("sourcedId", "enabledUser", "givenName", "familyName"),
    "roles": ("sourcedId", "userSourcedId", "roleType", "role", "orgSourcedId"),
    "demographics": ("sourcedId",),
}
STUDENT = "student"
GUARDIANS = {"guardian": "guardian", "parent": "guardian", "relative": "other"}
"""What the standard calls a guardian, and the relation it becomes."""
SOURCE = "oneroster"


class Roster(NamedTuple):
    """What a roster comes to: families first, then who may do what for whom. `skipped`: users who are neither."""

    families: tuple[AddFamily, ...]
    roles: tuple[UpsertRole, ...]
    skipped: int
    bad: tuple[BadRow, ...]

    @property
    def children(self) -> int:
        return sum(len(family.items) for family in self.families)

    @property
    def steps(self) -> tuple[Step, ...]:
        families = [
            Step(
                row, family,
                {"family.exists": AddChildren(family=family.family, home=family.home, items=family.items)},
            )
            for row, family in enumerate(self.families, 1)
        ]  # fmt: skip
        return (*families, *(Step(row, role) for row, role in enumerate(self.roles, 1)))


def unpacked(data: bytes) -> dict[str, bytes]:
    """The files of a roster's ZIP by name, without `.csv`. Raises BadInput `table.unreadable`, `table.long`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            inside = [one for one in packed.infolist() if _name(one) in (*FILES, MANIFEST)]
            if sum(one.file_size for one in inside) > MOST_BYTES:
                raise BadInput("table.long", most=MOST_BYTES)
            return {_name(one): packed.read(one) for one in inside}
    except (zipfile.BadZipFile, OSError, RuntimeError) as error:
        raise BadInput("table.unreadable") from error


def _name(file: zipfile.ZipInfo) -> str:
    return file.filename.rpartition("/")[2].removesuffix(".csv")


def read(files: Mapping[str, bytes], *, studio: Id, home: Id, today: str) -> Roster:
    """Families of one home from a roster; ids follow from the users' `sourcedId`s, so that the same roster says the same.

    Children with the same agents are one family. Raises BadInput as `read_table`.
    """
    tables = {name: read_table(data) for name, data in files.items() if name in (*FILES, MANIFEST) and data.strip()}
    said = _properties(tables.pop(MANIFEST, None))
    unlike = _unlike(said)
    if unlike:
        return Roster((), (), 0, unlike)
    tables = {name: table for name, table in tables.items() if said.get(f"file.{name}") != "absent"}
    missing = _lacking(tables)
    if missing:
        return Roster((), (), 0, missing)
    rows = {
        name: [row for row in _rows(table) if row.says("status") != "tobedeleted"] for name, table in tables.items()
    }
    bad = [trouble for name, found in rows.items() for row in found for trouble in gaps(row, _NEEDED[name])]
    bad += [trouble for table in tables.values() for trouble in ragged(table)]
    bad += _twice(rows["users"])
    users = {row.says("sourcedId"): row for row in rows["users"]}
    roles: dict[str, list[Line]] = {}
    for row in rows["roles"]:
        if row.says("userSourcedId") not in users:
            bad.append(BadRow(row.number, "userSourcedId", "import.reference", row.says("userSourcedId")))
        roles.setdefault(row.says("userSourcedId"), []).append(row)
    born = {row.says("sourcedId"): row.says("birthDate") for row in rows.get("demographics", ())}
    dates = Dates(date.fromisoformat(today), None)
    students = {id: row for id, row in users.items() if any(_is(one, STUDENT) for one in roles.get(id, ()))}
    guardians = {
        id: row for id, row in users.items() if any(one.says("role") in GUARDIANS for one in roles.get(id, ()))
    }
    for row in guardians.values():
        bad += reach_troubles(row, phone="phone", email="email")
    for id, row in students.items():
        agents = _agents(row)
        bad += [BadRow(row.number, "agentSourcedIds", "import.reference", one) for one in agents if one not in users]
        if dates.born(born.get(id, ""))[1]:
            bad.append(BadRow(row.number, "birthDate", "import.date", born[id]))
    if bad:
        return Roster((), (), 0, tuple(bad))
    households = _households(list(students.values()), guardians)
    families = [_family(studio, home, members, guardians, roles, born) for members in households]
    upserts = [role for members in households for role in _roles(studio, members, guardians, roles)]
    return Roster(tuple(families), tuple(upserts), len(users.keys() - students.keys() - guardians.keys()), ())


def _properties(manifest: Table | None) -> Mapping[str, str]:
    rows = _rows(manifest) if manifest is not None else []
    return {row.says("propertyName"): row.says("value").strip() for row in rows}


def _unlike(said: Mapping[str, str]) -> tuple[BadRow, ...]:
    """What a manifest says that is not read here: another version of the standard, or changes alone."""
    version = said.get("oneroster.version", VERSION)
    found = [BadRow(0, "manifest.csv", "import.version", version)] if version != VERSION else []
    return (
        *found,
        *(
            BadRow(0, f"{name}.csv", "import.delta")
            for name in FILES
            if said.get(f"file.{name}", "").lower() == "delta"
        ),
    )


def write(
    children: Sequence[Child], contacts: Sequence[Contact], *, born: Mapping[Id, str], school: str, name: str
) -> dict[str, bytes]:
    """The files of a roster: every child a student, every contact of the family a guardian. `school`: an org's id, and
    its name."""
    by_family: dict[Id, list[Id]] = {}
    for contact in contacts:
        by_family.setdefault(contact.family, []).append(contact.id)
    users = [
        {
            "sourcedId": child.id, "enabledUser": "true", "givenName": child.given, "familyName": child.surname,
            "agentSourcedIds": ",".join(by_family.get(child.family, ())), "primaryOrgSourcedId": school,
        }
        for child in children
    ]  # fmt: skip
    for contact in contacts:
        given, _, surname = contact.name.partition(" ")
        users.append(
            {
                "sourcedId": contact.id, "enabledUser": "true", "givenName": given, "familyName": surname or given,
                "email": contact.email, "phone": contact.phone, "primaryOrgSourcedId": school,
            }
        )  # fmt: skip
    roles = [
        {
            "sourcedId": derived("oneroster.role", id), "userSourcedId": id, "roleType": "primary", "role": role,
            "orgSourcedId": school,
        }
        for id, role in [*((child.id, STUDENT) for child in children), *((one.id, "guardian") for one in contacts)]
    ]  # fmt: skip
    facts = [{"sourcedId": child.id, "birthDate": born[child.id]} for child in children if born.get(child.id)]
    org = {"sourcedId": school, "name": name, "type": "school"}
    made = {
        "orgs": _csv(ORGS, [org]), "users": _csv(USERS, users), "roles": _csv(ROLES, roles),
        "demographics": _csv(DEMOGRAPHICS, facts),
    }  # fmt: skip
    properties = {
        "manifest.version": "1.0", "oneroster.version": VERSION,
        **{f"file.{file}": "bulk" if file in made else "absent" for file in IN_MANIFEST},
        "source.systemName": "ClassTap", "source.systemCode": "classtap",
    }  # fmt: skip
    lines = [{"propertyName": key, "value": value} for key, value in properties.items()]
    return {MANIFEST: _csv(("propertyName", "value"), lines), **made}


def _csv(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def _lacking(tables: Mapping[str, Table]) -> tuple[BadRow, ...]:
    found = [BadRow(0, f"{name}.csv", "import.file_missing") for name in ("users", "roles") if name not in tables]
    for name, table in tables.items():
        found += [
            BadRow(0, f"{name}.{column}", "import.column_missing")
            for column in _NEEDED[name]
            if column not in table.headers
        ]
    return tuple(found)


def _rows(table: Table) -> list[Line]:
    return lines(table, {name: place for place, name in enumerate(table.headers)})


def _twice(users: Sequence[Line]) -> list[BadRow]:
    """Users under an id that another one has: whose guardians are whose nobody can tell."""
    first: dict[str, int] = {}
    return [
        BadRow(row.number, "sourcedId", "import.id_twice", str(first[id]))
        for row in users
        if (id := row.says("sourcedId")) and first.setdefault(id, row.number) != row.number
    ]


def _is(row: Line, role: str) -> bool:
    return row.says("role") == role


def _agents(row: Line) -> list[str]:
    return sorted({one.strip() for one in row.says("agentSourcedIds").split(",") if one.strip()})


def _child(studio: Id, external: str) -> Id:
    return derived("oneroster.child", studio, external)


def _guardian(studio: Id, external: str) -> Id:
    return derived("oneroster.guardian", studio, external)


def _households(students: Sequence[Line], guardians: Collection[str]) -> list[list[Line]]:
    """Children who share a guardian, or a sibling's guardian, live in one household."""
    found: list[tuple[set[str], list[Line]]] = []
    for row in students:
        mine = {one for one in _agents(row) if one in guardians}
        joined = [household for household in found if household[0] & mine]
        found = [household for household in found if not household[0] & mine]
        found.append(
            (mine.union(*(agents for agents, _ in joined)), [*(one for _, rows in joined for one in rows), row])
        )
    return [sorted(rows, key=lambda one: one.number) for _, rows in found]


def _family(
    studio: Id, home: Id, members: Sequence[Line], guardians: Mapping[str, Line],
    roles: Mapping[str, Sequence[Line]], born: Mapping[str, str],
) -> AddFamily:  # fmt: skip
    agents = sorted({one for row in members for one in _agents(row) if one in guardians})
    key = min(agents, default=members[0].says("sourcedId"))
    items = tuple(
        ChildDraft(
            child=_child(studio, row.says("sourcedId")), given=row.says("preferredGivenName") or row.says("givenName"),
            surname=row.says("preferredFamilyName") or row.says("familyName"),
            birth_date=born.get(row.says("sourcedId"), ""),
        )
        for row in members
    )  # fmt: skip
    contacts = tuple(
        ContactDraft(
            contact=_guardian(studio, id), relation=_relation(roles[id]), phone=_phone(guardians[id]),
            name=f"{guardians[id].says('givenName')} {guardians[id].says('familyName')}",
            email=guardians[id].says("email"),
        )
        for id in agents
    )  # fmt: skip
    return AddFamily(
        family=derived("oneroster.family", studio, key), home=home, name=members[0].says("familyName"), items=items,
        contacts=contacts,
    )  # fmt: skip


def _roles(
    studio: Id, members: Sequence[Line], guardians: Mapping[str, Line], roles: Mapping[str, Sequence[Line]]
) -> list[UpsertRole]:
    """For each child and agent one role: the first agent whose own role is a primary one is the child's primary."""
    found = []
    for row in members:
        agents = [one for one in _agents(row) if one in guardians]
        first = next((one for one in agents if any(role.says("roleType") == "primary" for role in roles[one])), None)
        for agent in agents:
            role = next(one for one in roles[agent] if one.says("role") in GUARDIANS)
            found.append(
                UpsertRole(
                    source=SOURCE, external=f"{role.says('sourcedId')}/{row.says('sourcedId')}",
                    child=_child(studio, row.says("sourcedId")), guardian=_guardian(studio, agent),
                    role=PRIMARY if agent == first else SECONDARY, first=role.says("beginDate") or _FOREVER,
                    last=role.says("endDate"), relation=_relation(roles[agent]),
                )
            )  # fmt: skip
    return found


_FOREVER = "2000-01-01"
"""A role without a begin was always so."""


def _relation(roles: Sequence[Line]) -> str:
    return next((GUARDIANS[one.says("role")] for one in roles if one.says("role") in GUARDIANS), "other")


def _phone(row: Line) -> str:
    return row.says("phone") or row.says("sms")
