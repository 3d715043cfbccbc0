"""Families from tables: what spreadsheets write is read, every bad row is named, and the same rows are the same people."""

import io
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from classtap_core.exchange import classes, families, tables
from classtap_core.exchange.bringing import bring_in, take_back
from classtap_core.exchange.columns import Aliases, BadRow, guess
from classtap_core.exchange.families import ALIASES, Families
from classtap_core.exchange.tables import read_table
from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.kernel.memory import MemoryDevice
from classtap_core.kernel.outcomes import DUPLICATE, Outcome, Status
from classtap_core.kernel.records import decode
from classtap_core.people.guardians import Guardianship
from classtap_core.people.operations import AddChildren, ChildDraft, GuardianDraft
from classtap_core.people.records import Child, ChildHealth, Contact, Family
from resources.text import Catalogue
from tests.unit.house.world import ANA, CLERK, DESK, FAMILY, MAIN, OWNER, STUDIO, World, named, staff, state_of

TODAY = "2026-11-21"
SHEET = """Family ID,Family,First Name,Last Name,Date of Birth,Allergies,Parent,Parent Phone,Parent Email
17,García Núñez,Ana,Núñez,2019-03-01,Peanuts,Gina García,+34 600 12 34 56,gina@example.com
17,García Núñez,Ben,García,2021-08-30,,Gina García,+34 600 12 34 56,gina@example.com
18,Öst,Mia,Öst,2020-02-29,,Ola Öst,0701740635,
"""


def read(text: str | bytes, **more: Any) -> Families:
    table = read_table(text.encode() if isinstance(text, str) else text)
    return families.read(table, guess(table.headers, ALIASES), studio=STUDIO, home=MAIN, today=TODAY, **more)


def code(outcome: Outcome) -> str:
    return outcome.reasons[0].code if outcome.reasons else ""


def test_headers_are_guessed_in_several_languages() -> None:
    table = read_table(SHEET.encode())
    assert guess(table.headers, ALIASES) == {
        "family_number": 0, "family": 1, "given": 2, "surname": 3, "birth_date": 4, "health_notes": 5, "guardian": 6,
        "phone": 7, "email": 8,
    }  # fmt: skip
    assert guess(("Nombre", "APELLIDOS", "Fecha de nacimiento", "Teléfono", "E-Mail", "?"), ALIASES) == {
        "given": 0, "surname": 1, "birth_date": 2, "phone": 3, "email": 4,
    }  # fmt: skip
    assert guess(("الاسم", "اللقب"), ALIASES) == {"given": 0, "surname": 1}
    assert guess(("Child’s first name", "Student Last Name*", "Birthdate (YYYY-MM-DD)", "Parent/Guardian"), ALIASES) == {
        "given": 0, "surname": 1, "birth_date": 2, "guardian": 3,
    }  # fmt: skip


@pytest.mark.parametrize("language", ["en", "es", "ar"])
@pytest.mark.parametrize("aliases", [ALIASES, classes.ALIASES], ids=["families", "classes"])
def test_a_column_called_as_we_call_it_is_found(language: str, aliases: Aliases) -> None:
    words = Catalogue(language)
    headers = [words.say(f"import.field.{field}") for field in aliases]
    assert guess(headers, aliases) == {field: at for at, field in enumerate(aliases)}


def test_rows_of_one_family_become_one_family() -> None:
    found = read(SHEET)
    assert (found.bad, len(found.families), found.children) == ((), 2, 3)
    first = found.families[0]
    assert (first.name, [item.given for item in first.items], first.items[0].health_notes) == (
        "García Núñez", ["Ana", "Ben"], "Peanuts",
    )  # fmt: skip
    assert [(one.name, one.phone, one.relation) for one in first.contacts] == [
        ("Gina García", "+34 600 12 34 56", "other"),
    ]  # fmt: skip


def test_without_a_number_a_family_is_its_name_and_a_guardian_s_phone() -> None:
    head = "First Name,Last Name,Phone\n"
    found = read(head + "Ana,García,600 12 34 56\nBen,García,60012-3456\nCleo,García,700000000\n")
    assert [[item.given for item in family.items] for family in found.families] == [["Ana", "Ben"], ["Cleo"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_whatever_a_spreadsheet_writes_is_read(encoding: str, delimiter: str) -> None:
    assert read(SHEET.replace(",", delimiter).replace("\n", "\r\n").encode(encoding)) == read(SHEET)


def test_windows_1252_and_quoted_cells() -> None:
    found = read('First Name,Last Name,Allergies\nZoë,"Öst, jr.","a\nb"\n'.encode("cp1252"))
    (family,) = found.families
    assert (family.items[0].given, family.items[0].surname, family.items[0].health_notes) == ("Zoë", "Öst, jr.", "a\nb")


def test_a_sheet_of_a_workbook(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for line in SHEET.splitlines():
        book.active.append(line.split(","))
    from datetime import datetime

    book.active["E4"] = datetime(2020, 2, 29)  # noqa: DTZ001 - as a spreadsheet has it
    book.active["A4"] = 18.0
    data = io.BytesIO()
    book.save(data)
    assert read(data.getvalue()) == read(SHEET)


def book_of(rows: list[list[Any]], *merged: str) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for span in merged:
        sheet.merge_cells(span)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def test_merged_cells_say_the_same_and_a_title_is_no_header() -> None:
    head = ["Family ID", "First Name", "Last Name", "Date of Birth", "Parent Phone"]
    found = read(
        book_of(
            [
                ["Families of the spring", None, None, None, None], [None] * 5, head,
                [17, "Ana", "Núñez", date(2016, 2, 29), 600123456], [None, "Ben", "Núñez", None, None],
                [18, "نور", "حداد", None, None],
            ],
            "A1:E1", "A4:A5", "E4:E5",
        )
    )  # fmt: skip
    assert found.bad == ()
    assert [[item.given for item in one.items] for one in found.families] == [["Ana", "Ben"], ["نور"]]
    assert (found.families[0].items[0].birth_date, found.families[0].contacts[0].phone) == ("2016-02-29", "600123456")


def test_a_formula_counts_by_its_result_and_without_one_its_row_is_named() -> None:
    head = ["First Name", "Last Name", "Notes"]
    never = book_of([head, ["Ana", '=A2&"x"', "=1/0"], ["Ben", "García", "=1/0"]])
    assert read(never).bad == (BadRow(2, "surname", "import.formula", '=A2&"x"'),)
    with zipfile.ZipFile(io.BytesIO(never)) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    assert '<f>A2&amp;"x"</f><v />' in sheet
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(
        '<c r="B2"><f>A2&amp;"x"</f><v /></c>', '<c r="B2" t="str"><f>A2&amp;"x"</f><v>Anax</v></c>'
    ).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, data in parts.items():
            packed.writestr(name, data)
    found = read(out.getvalue())
    assert [one.items[0].surname for one in found.families] == ["Anax", "García"]


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\r\nFirst Name;Last Name;Parent Phone\r\nAna;Núñez;600123456\r\n",
        "\ufeffFirst Name,Last Name,Parent Phone\rAna,Núñez,600123456\r",
        'Families\n\n"First Name";"Last Name";"Parent Phone, day";Phone\nAna;Núñez;;600123456\n',
        ",".join(["First Name", "Last Name", "Phone", *(f"Extra {at}" for at in range(97))])
        + "\nAna,Núñez,600123456\n",
    ],
    ids=["excel names its delimiter", "a byte order mark and old line ends", "a title above", "a hundred columns"],
)
def test_tables_as_they_come(text: str) -> None:
    (family,) = read(text).families
    assert (family.items[0].given, family.items[0].surname, family.contacts[0].phone) == ("Ana", "Núñez", "600123456")


def test_a_long_workbook_is_read_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_MERGED_WITHIN", 0)
    rows: list[list[Any]] = [["First Name", "Last Name"], ["Ana", "Núñez"], ["Ben", "=A3"]]
    found = read(book_of(rows))
    assert [(one.number, one.code) for one in found.bad] == [(3, "import.formula")]
    monkeypatch.setattr(tables, "_MOST_UNPACKED", 100)
    with pytest.raises(BadInput, match=r"table\.long"):
        read(book_of(rows))


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"", "table.empty"), (b"\n ,\n", "table.empty"), (b"PK\x03\x04 no book", "table.unreadable"),
     (b"\xff\xfe\x00", "table.unreadable"), (b"a,b\n\x00", "table.unreadable"), (b"a\n" * 50_002, "table.long")],
)  # fmt: skip
def test_what_is_no_table(data: bytes, expected: str) -> None:
    with pytest.raises(BadInput, match=expected.replace(".", r"\.")):
        read_table(data)


@pytest.mark.parametrize(
    ("row", "field", "expected"),
    [
        ("18,Öst,,Öst,,,,,", "given", "import.empty"),
        ("18,Öst,Mia,,,,,,", "surname", "import.empty"),
        ("18,Öst,Mia,Öst,2020-02-30,,,,", "birth_date", "import.date"),
        ("18,Öst,Mia,Öst,2027-01-01,,,,", "birth_date", "import.date"),
        ("18,Öst,Mia,Öst,1900-01-01,,,,", "birth_date", "import.date"),
        ("18,Öst,Mia,Öst,03/04/2020,,,,", "birth_date", "import.date_unclear"),
        ("18,Öst,Mia,Öst,,,,12,", "phone", "import.phone"),
        ("18,Öst,Mia,Öst,,,,,not an address", "email", "import.email"),
        ("18,Öst,Mia,Öst,," + "x" * 2_001 + ",,,", "health_notes", "import.long"),
        ("17,García Núñez,ANA,Núñez,2019-03-01,,,,", "given", "import.child_twice"),
        ("17,Öst,Leo,Öst,2019-03-01,,,,", "family", "import.family_other"),
        ("18,Öst,Leo,Öst,2023-02-29,,,,", "birth_date", "import.date"),
        ("18,Öst,Leo,Öst,2020-02-28,eggs, milk,,,,", "", "import.ragged"),
    ],
)
def test_one_bad_row_is_named_and_nothing_is_brought_in(row: str, field: str, expected: str) -> None:
    found = read(SHEET + row + "\n")
    assert found.families == ()
    assert [(one.number, one.field, one.code) for one in found.bad] == [(5, field, expected)]


def test_a_table_without_names_says_which_columns_it_lacks() -> None:
    assert read("Phone\n1\n").bad == (
        BadRow(0, "given", "import.column_missing"), BadRow(0, "surname", "import.column_missing"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("dates", "more", "expected"),
    [
        (["03/04/2020", "25/04/2020"], {}, ["2020-04-03", "2020-04-25"]),
        (["03/04/2020", "04/25/2020"], {}, ["2020-03-04", "2020-04-25"]),
        (["03.04.2020"], {"day_first": True}, ["2020-04-03"]),
        (["03-04-2020"], {"day_first": False}, ["2020-03-04"]),
        (["04/04/2020"], {}, ["2020-04-04"]),
    ],
)
def test_how_dates_are_meant_is_found_out_or_asked(
    dates: list[str], more: dict[str, bool], expected: list[str]
) -> None:
    rows = "".join(f"c{number},x,{text}\n" for number, text in enumerate(dates))
    found = read("First Name,Last Name,DOB\n" + rows, **more)
    assert [item.birth_date for family in found.families for item in family.items] == expected
    both = read("First Name,Last Name,DOB\na,x,25/04/2020\nb,x,04/25/2020\n")
    assert [one.code for one in both.bad] == ["import.date_unclear"] * 2


def desk() -> tuple[World, Any]:
    world = World()
    return world, world.join(DESK, role="desk")


def counts(store: MemoryDevice) -> list[int]:
    return [len(state_of(store, record)) for record in (Family, Child, ChildHealth, Contact)]


def pairs(store: Any) -> list[Guardianship]:
    return [decode(Guardianship, row) for row in state_of(store, Guardianship).values()]


def standing(store: Any) -> dict[str, dict[str, tuple[str, ...]]]:
    """By a child's given name: who stands to them, and in which roles."""
    names = {id: decode(Contact, row).name for id, row in state_of(store, Contact).items()}
    given = {id: decode(Child, row).given for id, row in state_of(store, Child).items()}
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for pair in pairs(store):
        found.setdefault(given[pair.child], {})[names[pair.guardian]] = tuple(role.role for role in pair.roles)
    return found


def test_all_of_it_comes_in_and_again_changes_nothing() -> None:
    world, member = desk()
    before = counts(member.store)
    heard: list[int] = []

    def going_on(done: int) -> bool:
        heard.append(done)
        return True

    found = read(SHEET)
    assert bring_in(member.bus, found.steps, staff(CLERK), going_on=going_on).new == 2
    assert heard == [2]
    assert counts(member.store) == [before[0] + 2, before[1] + 3, before[2] + 3, before[3] + 2]
    world.sync()
    assert counts(member.store) == [
        len(state_of(world.cloud, record)) for record in (Family, Child, ChildHealth, Contact)
    ]
    waiting = member.store.head().sequence
    assert bring_in(member.bus, read(SHEET).steps, staff(CLERK), going_on=lambda _: True).new == 0
    assert member.store.head().sequence == waiting


def test_a_child_more_is_one_child_more() -> None:
    _, member = desk()
    bring_in(member.bus, read(SHEET).steps, staff(CLERK), going_on=lambda _: True)
    before = counts(member.store)
    more = read(SHEET + "18,Öst,Ida,Öst,2022-05-05,,Ola Öst,0701740635,\n")
    assert bring_in(member.bus, more.steps, staff(CLERK), going_on=lambda _: True).new == 1
    assert counts(member.store) == [before[0], before[1] + 1, before[2] + 1, before[3]]
    assert standing(member.store)["Ida"] == {"Ola Öst": ("primary",)}


def test_who_a_row_names_is_its_child_s_first_and_second_guardian() -> None:
    world, member = desk()
    sheet = """Family ID,First name,Last name,Guardian,Email,Guardian 2,Email 2
Roe,Ana,Roe,Gina Roe,gina@example.com,Hal Roe,hal@example.com
Roe,Ben,Roe,,,Hal Roe,hal@example.com
Poe,Cleo,Poe,,,Ina Poe,ina@example.com
Poe,Dan,Poe,,,,
"""
    bring_in(member.bus, read(sheet).steps, staff(CLERK), going_on=lambda _: True)
    world.sync()
    for store in (member.store, world.cloud):
        held = standing(store)
        assert held["Ana"] == {"Gina Roe": ("primary",), "Hal Roe": ("secondary",)}
        assert held["Ben"] == {"Hal Roe": ("primary",)}
        assert held["Cleo"] == held["Dan"] == {"Ina Poe": ("primary",)}, "a row that names nobody goes by its family"


@pytest.mark.parametrize(
    ("drafts", "code"),
    [
        ([("one", "primary"), ("two", "primary")], "guardian.second_primary"),
        ([("one", "primary"), ("one", "pickup")], "guardian.role"),
        ([("one", "boss")], "guardian.role"),
        ([("one", "primary", "soon")], "time.date"),
    ],
)
def test_a_child_is_not_added_with_guardians_who_could_not_be(drafts: list[tuple[str, ...]], code: str) -> None:
    made = tuple(
        GuardianDraft(guardian=named(who), role=role, first=first[0] if first else TODAY)
        for who, role, *first in drafts
    )
    child = ChildDraft(child=named("new"), given="Nina", surname="García", guardians=made)
    outcome = World().say(AddChildren(family=FAMILY, home=MAIN, items=(child,))).link.outcome
    assert (outcome.status, outcome.reasons[0].code) == (Status.REFUSED, code)


def test_nobody_becomes_a_guardian_who_is_no_contact() -> None:
    world = World()
    ghost = GuardianDraft(guardian=named("ghost"), role="primary", first=TODAY)
    child = ChildDraft(child=named("new"), given="Nina", surname="García", guardians=(ghost,))
    assert world.say(AddChildren(family=FAMILY, home=MAIN, items=(child,))).link.outcome.status is Status.ACCEPTED
    assert not [pair for pair in pairs(world.cloud) if pair.child == named("new")]


def test_what_was_brought_in_can_be_taken_back_but_for_what_changed_since() -> None:
    _, member = desk()
    before = counts(member.store)
    brought = bring_in(member.bus, read(SHEET).steps, staff(CLERK), going_on=lambda _: True)
    assert (brought.new, brought.asked, len(brought.operations)) == (2, 0, 2)
    there = len(pairs(member.store))
    assert take_back(member.bus, brought.operations, staff(OWNER)) == 0
    assert counts(member.store) == before
    assert len(pairs(member.store)) == there - 3
    with pytest.raises(Refused, match=r"import\.refused"):
        take_back(member.bus, brought.operations, staff(named("teacher")))


def test_cancelling_or_a_refusal_half_way_leaves_nothing() -> None:
    _, member = desk()
    before = counts(member.store), member.store.head().sequence
    with pytest.raises(Refused, match=r"import\.cancelled"):
        bring_in(member.bus, read(SHEET).steps, staff(CLERK), going_on=lambda done: done < 2)
    assert (counts(member.store), member.store.head().sequence) == before
    with pytest.raises(Refused, match=r"import\.refused\(row=1, why=permission\.denied\)"):
        bring_in(member.bus, read(SHEET).steps, staff(named("teacher")), going_on=lambda _: True)
    assert (counts(member.store), member.store.head().sequence) == before


def test_a_child_joins_a_family_that_is_there() -> None:
    world = World()
    new = ChildDraft(child=named("new"), given="Nina", surname="García", birth_date="2022-02-02")
    said = AddChildren(family=FAMILY, home=MAIN, items=(new, ChildDraft(child=ANA, given="x", surname="y")))
    assert world.say(said).link.outcome.status is Status.ACCEPTED
    assert decode(Child, state_of(world.cloud, Child)[named("new")]).given == "Nina"
    assert decode(Child, state_of(world.cloud, Child)[ANA]).given == "Ana"
    assert world.say(said).link.outcome == DUPLICATE
    nowhere = AddChildren(family=named("x"), home=MAIN, items=(new,))
    assert code(world.say(nowhere).link.outcome) == "family.unknown"
