"""Links that let in once, sessions that end, six digits that cannot be guessed (catalogue 08: 10 minutes, 5 attempts)."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from classtap_core.kernel.errors import Refused
from cloud.pages.doors import CODE_MS, DAY_MS, HELD_MS, LINK_MS, MOST_TRIES, SESSION_MS, Doors
from tests.cloud.families import GINA, Families, families
from tests.unit.house.world import STUDIO, named


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Families]:
    with families(tmp_path_factory.mktemp("cloud")) as found:
        yield found


@pytest.fixture
def doors(rig: Families) -> Doors:
    rig.cloud.doors.shut(STUDIO, GINA)
    return rig.cloud.doors


def refused(doors: Doors, code: str) -> str:
    with pytest.raises(Refused) as caught:
        doors.check(STUDIO, GINA, code)
    return caught.value.code


def other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_a_link_is_used_once_and_within_a_week(rig: Families, doors: Doors) -> None:
    link = doors.link(STUDIO, GINA)
    doors.look(link)
    session = doors.enter(link)
    assert doors.inside(session) == (STUDIO, GINA)
    for text, code in ((link, "link.used"), (link[:-4] + "AAAA", "link.unknown"), ("x", "link.unknown")):
        for ask in (doors.look, doors.enter):
            with pytest.raises(Refused, match=code.replace(".", r"\.")):
                ask(text)
    late = doors.link(STUDIO, GINA)
    rig.clock.advance(LINK_MS)
    for ask in (doors.look, doors.enter):
        with pytest.raises(Refused, match=r"link\.expired"):
            ask(late)


def test_a_session_ends_by_itself_by_hand_and_when_somebody_is_shut_out(rig: Families, doors: Doors) -> None:
    first, second, third = (doors.enter(doors.link(STUDIO, GINA)) for _ in range(3))
    doors.leave(first)
    doors.shut(STUDIO, GINA)
    later = doors.enter(doors.link(STUDIO, GINA))
    rig.clock.advance(SESSION_MS)
    for session in (first, second, third, later, "", "nonsense", doors.link(STUDIO, GINA)):
        with pytest.raises(Refused, match=r"session\.over"):
            doors.inside(session)


def test_nothing_that_opens_a_door_is_kept(rig: Families, doors: Doors) -> None:
    link, code = doors.link(STUDIO, GINA), doors.code(STUDIO, GINA, "email")
    table = rig.cloud.books.tables.door
    with rig.cloud.database.read(STUDIO) as connection:
        rows = connection.execute(select(table).where(table.c.studio_id == STUDIO)).all()
    assert rows
    assert not any(link in str(value) or str(value) == code for row in rows for value in row)


def test_a_code_proves_its_way_for_ten_minutes_and_once(rig: Families, doors: Doors) -> None:
    code = doors.code(STUDIO, GINA, "email")
    assert (len(code), code.isdigit()) == (6, True)
    rig.clock.advance(CODE_MS - 1)
    assert doors.check(STUDIO, GINA, code) == "email"
    assert refused(doors, code) == "code.expired"
    old = doors.code(STUDIO, GINA, "phone")
    rig.clock.advance(CODE_MS)
    assert refused(doors, old) == "code.expired"
    first = doors.code(STUDIO, GINA, "email")
    second = doors.code(STUDIO, GINA, "email")
    if first != second:
        assert refused(doors, first) == "code.wrong", "the newest alone counts"
    assert refused(doors, "") == "code.wrong"
    assert doors.check(STUDIO, GINA, second) == "email"


def test_five_wrong_codes_and_none_is_taken_or_sent_for_fifteen_minutes(rig: Families, doors: Doors) -> None:
    code = doors.code(STUDIO, GINA, "email")
    said = [refused(doors, other(code)) for _ in range(MOST_TRIES - 2)]
    code = doors.code(STUDIO, GINA, "email")
    said += [refused(doors, other(code)) for _ in range(2)]
    assert said == ["code.wrong"] * 4 + ["code.held"], "a new code gives no try back"
    assert refused(doors, code) == "code.held"
    with pytest.raises(Refused, match=r"code\.held"):
        doors.code(STUDIO, GINA, "email")
    assert doors.code(STUDIO, named("somebody else"), "email"), "nobody else is held up"
    rig.clock.advance(HELD_MS)
    assert doors.check(STUDIO, GINA, doors.code(STUDIO, GINA, "email")) == "email"


def test_what_ended_a_day_ago_is_let_go(rig: Families, doors: Doors) -> None:
    doors.link(STUDIO, GINA)
    rig.clock.advance(LINK_MS + 2 * DAY_MS)
    doors.forget(STUDIO)
    table = rig.cloud.books.tables.door
    with rig.cloud.database.read(STUDIO) as connection:
        kept = connection.scalars(select(table.c.contact).where(table.c.studio_id == STUDIO)).all()
    assert GINA not in kept
