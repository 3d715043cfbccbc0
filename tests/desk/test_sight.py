"""What somebody sees at the desk is what their grants say: rows of other classes, rooms and places are not there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from pytestqt.qtbot import QtBot

from classtap_core.access.records import Grant
from classtap_core.kernel.canonical import canonical
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.records import decode, plain
from classtap_core.people.records import Family
from classtap_core.schedule.records import Session
from classtap_desktop.frame.finding import read_people
from classtap_desktop.frame.finding import read_week as read_palette
from classtap_desktop.operator import Operator
from classtap_desktop.screens.families.reading import read_families, read_family
from classtap_desktop.screens.roster.reading import read_roster
from classtap_desktop.screens.schedule.model import read_week
from classtap_desktop.screens.today.model import read_day
from classtap_desktop.screens.today.view import TodayScreen
from classtap_desktop.window import TICK_MS, DeskWindow
from tests.desk.world import NOW_MS, World


def holder(**fields: Any) -> Operator:
    """Somebody with one grant."""
    return Operator(Id("5" * 32), "Sub", (Grant(id=derived("sight"), holder=Id("5" * 32), **fields),))


def sessions(world: World) -> dict[Id, Session]:
    found = (decode(Session, row.body) for row in world.store.seen.table["session"].values())
    return {one.id: one for one in found}


def test_only_the_classes_of_a_grant_are_there(world: World) -> None:
    held, source = sessions(world), world.source
    every = read_day(source, holder(role="owner")).lines
    kind = held[next(line.id for line in every if line.booked)].class_type
    sub = holder(role="substitute", location=world.plan.main, class_type=kind)
    wanted = [line.id for line in every if held[line.id].class_type == kind]
    assert 0 < len(wanted) < len(every)
    assert [line.id for line in read_day(source, sub).lines] == wanted
    assert {held[line.id].class_type for line in read_week(source, None, sub).lines} == {kind}
    assert len([one for one in read_palette(source, sub) if one.kind == "class"]) == 1
    other = next(line.id for line in every if line.id not in wanted)
    assert any(read_roster(source, one, sub).lines for one in wanted)
    with pytest.raises(Refused, match=r"session\.unknown"):
        read_roster(source, other, sub)


def test_who_is_there_for_children_sees_their_classes_and_rosters_alone(world: World) -> None:
    held, source = sessions(world), world.source
    every = [line.id for line in read_day(source, holder(role="owner")).lines]
    for segment in ("kids", "adults"):
        coach = holder(role="front_desk", segment=segment)
        wanted = [id for id in every if held[id].audience == segment]
        assert 0 < len(wanted) < len(every)
        assert [line.id for line in read_day(source, coach).lines] == wanted
        other = next(id for id in every if id not in wanted)
        read_roster(source, wanted[0], coach)
        with pytest.raises(Refused, match=r"session\.unknown"):
            read_roster(source, other, coach)
        assert read_families(source, coach) == ()  # a family is of no segment


def test_a_place_or_a_time_that_is_not_theirs_is_not_there(world: World) -> None:
    source = world.source
    elsewhere = holder(role="manager", location=derived("nowhere"))
    over = holder(role="owner", valid_to_ms=NOW_MS)
    barred = Operator(Id("5" * 32), "Sub", (
        *holder(role="owner").grants, Grant(id=derived("no"), holder=Id("5" * 32), role="owner", deny=True),
    ))  # fmt: skip
    for nobody in (None, elsewhere, over, barred):
        assert read_day(source, nobody).lines == read_week(source, None, nobody).lines == ()
        assert read_palette(source, nobody) == ()
    assert read_day(source, None).places == read_day(source, over).places == read_day(source, elsewhere).places == ()


def test_families_are_for_who_may_see_families(world: World) -> None:
    source, family = world.source, world.plan.families[0]
    teacher = holder(role="instructor", location=world.plan.main)
    clerk = holder(role="front_desk", location=world.plan.main)
    assert read_families(source, teacher) == ()
    assert read_family(source, family.family, teacher) is None
    assert read_people(source, family.name, teacher) == ()
    homes = {
        one.id: one.home for one in (decode(Family, row.body) for row in world.store.seen.table["family"].values())
    }
    assert {homes[line.id] for line in read_families(source, clerk)} == {world.plan.main}
    assert len(read_families(source, clerk)) <= len(read_families(source, holder(role="owner"))) == len(homes)
    assert family.name in [one.title for one in read_people(source, family.name, clerk)]


def test_what_is_pulled_about_ones_grants_shows_at_once_and_an_end_by_the_next_tick(
    qtbot: QtBot, world: World, open_desk: Callable[..., DeskWindow]
) -> None:
    assert TICK_MS == 30_000, "as tests/unit/access/test_reaching.py reckons"
    window = open_desk("front_desk")
    screen = window.screens["today"]
    assert isinstance(screen, TodayScreen)
    qtbot.waitUntil(lambda: screen.day is not None and bool(screen.day.lines))
    (grant,) = window.desk.operator.grants
    ending = replace(grant, valid_to_ms=NOW_MS + 60_000)
    world.pull([Pulled("grant", grant.id, "studio", canonical(plain(ending)))])
    qtbot.waitUntil(lambda: window.desk.operator.grants == (ending,))
    world.tick(60_000)
    with qtbot.waitSignal(screen.loaded):
        window.desk.ticked.emit()
    qtbot.waitUntil(lambda: screen.day is not None and not screen.day.lines)
    world.pull([Pulled("grant", grant.id, "studio", canonical(plain(grant)))])
    qtbot.waitUntil(lambda: screen.day is not None and bool(screen.day.lines))
