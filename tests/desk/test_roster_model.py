"""The roster as a table: what stands in it, in which language, and that it keeps its place."""

from __future__ import annotations

from PySide6.QtCore import QPersistentModelIndex
from pytestqt.qtbot import QtBot

from classtap_core.kernel.ids import Id
from classtap_desktop.screens.roster.model import RosterModel
from classtap_desktop.screens.roster.reading import Roster, RosterLine
from classtap_desktop.screens.sessions import SessionLine
from resources.text import Catalogue
from tests.desk.drawing import spoken, table

START_MS = 1_795_275_000_000  # 2026-11-21 16:30 in Madrid (15:30 UTC)
MINUTE = 60_000


def id_of(name: str) -> Id:
    return Id(name.encode().hex()[:32].ljust(32, "0"))


def session(name: str = "Little Tumblers") -> SessionLine:
    return SessionLine(
        id=id_of(name), name=name, audience="kids", location=id_of("place"), room_id=id_of("room"), room="Studio B",
        instructor_id=id_of("coach"), instructor="Inés", start_ms=START_MS, end_ms=START_MS + 45 * MINUTE,
        day="2026-11-21", zone="Europe/Madrid", capacity=12, cancelled=False,
    )  # fmt: skip


def line(given: str, surname: str, **fields: object) -> RosterLine:
    return RosterLine(id_of(given + surname), id_of(surname), given, surname)._replace(**fields)


ADAEZE = line("Adaeze", "Okafor", state="present", mark="m1", at_ms=START_MS - 6 * MINUTE, device="Kiosk 1", badge=True)
CHIDI = line(
    "Chidi", "Okafor", state="late", mark="m2", at_ms=START_MS - MINUTE, device="Kiosk 1", reason="traffic",
    expected_ms=START_MS + 15 * MINUTE,
)  # fmt: skip
NOAH = line("Noah", "Weiss")


def model(*lines: RosterLine, locale: str = "en_GB") -> RosterModel:
    made = RosterModel(Catalogue(locale))
    made.show_roster(Roster(session(), lines))
    return made


def test_a_roster_reads_like_the_paper_one() -> None:
    assert table(model(ADAEZE, CHIDI, NOAH)) == [
        "Child | State | Note | Marked",
        "Adaeze Okafor | Present | · | 16:24 · Kiosk 1",
        "Chidi Okafor | Late | ≈ 16:45 · Traffic | 16:29 · Kiosk 1",
        "Noah Weiss | Not yet here | · | ·",
    ]


def test_it_speaks_spanish_and_arabic() -> None:
    assert "Chidi Okafor | Tarde | ≈ 16:45 · Tráfico | 16:29 · Kiosk 1" in table(model(CHIDI, locale="es"))
    assert "متأخر" in table(model(CHIDI, locale="ar"))[1]
    made = model(CHIDI)
    with_words = table(made)
    made.speak(Catalogue("es"))
    assert table(made) != with_words


def test_a_screen_reader_hears_the_whole_line() -> None:
    assert spoken(model(ADAEZE, NOAH)) == [
        "Adaeze Okafor, Health note, Present, 16:24 · Kiosk 1",
        "Noah Weiss, Not yet here",
    ]


def test_a_health_note_is_a_chip_until_its_reader_may_see_it() -> None:
    made = model(ADAEZE)
    assert made.badge(ADAEZE) == "Health note"
    assert made.badge(ADAEZE._replace(health="Nut allergy")) == "Nut allergy"
    assert made.badge(NOAH) == ""


def test_what_nobody_can_decide_and_who_is_not_booked_is_said() -> None:
    made = model(ADAEZE._replace(tie=True), NOAH._replace(state="present", at_ms=START_MS, booked=False))
    assert table(made)[1:] == [
        "Adaeze Okafor | Present | Two devices at the same moment | 16:24 · Kiosk 1",
        "Noah Weiss | Present | Not booked | 16:30",
    ]


def test_only_the_line_that_changed_is_told(qtbot: QtBot) -> None:
    made = model(ADAEZE, CHIDI, NOAH)
    with qtbot.waitSignal(made.dataChanged, timeout=0) as told, qtbot.assertNotEmitted(made.modelReset):
        made.show_roster(Roster(session(), (ADAEZE, CHIDI, NOAH._replace(state="present", at_ms=START_MS))))
    first, last, *_ = told.args
    assert (first.row(), last.row()) == (2, 2)


def test_the_same_roster_again_tells_nothing(qtbot: QtBot) -> None:
    made = model(ADAEZE, CHIDI, NOAH)
    with qtbot.assertNotEmitted(made.dataChanged), qtbot.assertNotEmitted(made.modelReset):
        made.show_roster(Roster(session(), (ADAEZE, CHIDI, NOAH)))


def test_whoever_points_at_a_child_still_does_when_others_come_and_go(qtbot: QtBot) -> None:
    made = model(ADAEZE, CHIDI, NOAH)
    chidi = QPersistentModelIndex(made.index(1, 0))
    zoe = line("Zoë", "Abel")
    with qtbot.assertNotEmitted(made.modelReset):
        made.show_roster(Roster(session(), (zoe, CHIDI, NOAH)))
    assert [made.line(row).given for row in range(made.rowCount())] == ["Zoë", "Chidi", "Noah"]
    assert chidi.row() == 1
    with qtbot.assertNotEmitted(made.modelReset):
        made.show_roster(Roster(session(), (zoe, NOAH, CHIDI._replace(surname="Zulu"))))
    assert chidi.row() == 2
    assert chidi.data() == "Chidi Zulu"


def test_another_session_starts_anew(qtbot: QtBot) -> None:
    made = model(ADAEZE)
    with qtbot.waitSignal(made.modelReset, timeout=0):
        made.show_roster(Roster(session("Beginner Ballet"), (NOAH,)))
    assert made.rowCount() == 1
