"""A map's life at the desk: versions, for which classes, who must move, comments, the lock, two drafts, roll-outs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from classtap_core.checkin.reading import search
from classtap_core.kernel.device_store import Answer
from classtap_core.kernel.outcomes import ItemOutcome, Status, of_items, reason
from classtap_core.schedule.seats import SeatMapVersion, SpotStatus, version_id
from classtap_core.seating.locking import TakeLock
from classtap_core.seating.operations import kept_beside_id
from classtap_core.seating.publishing import Move
from classtap_core.seating.records import SeatDraft
from classtap_desktop.canvas import edits
from classtap_desktop.canvas.life.reach import Reach, ReachDialog
from classtap_desktop.canvas.life.reading import read_ahead
from classtap_desktop.canvas.life.rollouts import PlanDialog
from classtap_desktop.canvas.page import MapPage
from classtap_desktop.window import DeskWindow
from sync.client.engine import State
from tests.desk.lives import Life, named
from tests.desk.maps import rooms
from tests.desk.world import World

Open = Callable[..., DeskWindow]


@pytest.fixture
def life(world: World) -> Life:
    return Life(world)


def enter(qtbot: QtBot, window: DeskWindow, life: Life, draft: str = "") -> MapPage:
    with qtbot.waitSignal(window.maps.entered):
        window.maps.enter(str(life.room), draft)
    page = window.maps.map_page
    assert page is not None
    qtbot.waitUntil(lambda: page.work.around is not None and page.editor.judge.seat_map is page.editor.board.shown)
    return page


def shown(qtbot: QtBot, page: MapPage, name: str) -> Any:
    qtbot.waitUntil(lambda: name in page.dialogs and not page.dialogs[name].isHidden())
    return page.dialogs[name]


def last_kind(world: World) -> str:
    entries = world.store.entries([world.store.head().sequence])  # none while the writer is at work
    return entries[0].kind if entries else ""


def test_versions_are_listed_with_who_and_compared_with_any_other(qtbot: QtBot, life: Life, open_desk: Open) -> None:
    life.publish()
    page = enter(qtbot, rooms(qtbot, open_desk), life)
    page.versions.click()
    history = shown(qtbot, page, "history")
    texts = [history.list.item(at).text().splitlines() for at in range(history.list.count())]
    assert [text[0] for text in texts] == ["Version 3", "Version 2", "Version 1"]
    assert texts[0][1] == "14 places · In force"
    assert texts[1][-1] == "approved by Marisol Vega"
    lines = history.comparison.list
    assert [lines.item(at).text() for at in range(lines.count())] == ["+ C1 added", "× A7 removed"]
    assert not history.back.isEnabled(), "version 3 is in force"
    QTest.keyClick(history.list, Qt.Key.Key_Down)
    assert history.back.text() == "Bring version 2 back…"
    assert [lines.item(at).text() for at in range(lines.count())] == ["A1 moved by 0.15 m, turned 0°", "A4 is now A9"]
    history.against.setCurrentIndex(history.against.findData(3))
    assert [lines.item(at).text() for at in range(lines.count())] == ["+ A7 added", "× C1 removed"]


def test_bringing_a_version_back_says_first_who_keeps_a_spot(
    qtbot: QtBot, world: World, life: Life, open_desk: Open
) -> None:
    life.publish()
    life.seat(0, named("extra"))  # C1, which version 2 does not have
    page = enter(qtbot, rooms(qtbot, open_desk), life)
    page.versions.click()
    history = shown(qtbot, page, "history")
    history.list.setCurrentRow(1)
    history.back.click()
    reach = shown(qtbot, page, "reach")
    assert "C1 has no counterpart: its people keep their place" in reach.report.whole_text()
    with qtbot.waitSignal(page.desk.told) as told:
        reach.go.click()
    assert told.args[:2] == ["map.told.rolled_back", {"version": 2}]
    assert last_kind(world) == "seatmap.rollback"


def ask(qtbot: QtBot, world: World, life: Life, page: MapPage) -> tuple[ReachDialog, list[Reach]]:
    """The question for version 2 as a draft, and what is answered."""
    said: list[Reach] = []
    ahead = read_ahead(world.source, life.room, life.location)
    dialog = ReachDialog(
        page, life.maps[1], ahead, title="Publish", act="Publish", moving=True, then=lambda reach: said.append(reach)
    )
    qtbot.addWidget(dialog)
    dialog.open()
    return dialog, said


def test_all_to_come_one_and_those_that_follow_or_some(qtbot: QtBot, world: World, life: Life, open_desk: Open) -> None:
    life.publish(2)
    page = enter(qtbot, rooms(qtbot, open_desk), life)
    ids = tuple(one.id for one in life.sessions)
    assert len(ids) > 3
    dialog, said = ask(qtbot, world, life, page)
    dialog.apply()
    dialog.show_scope("following")
    dialog.list.setCurrentRow(2)
    dialog.apply()
    dialog.show_scope("some")
    dialog.list.setCurrentRow(1)
    dialog.list.item(0).setCheckState(Qt.CheckState.Unchecked)
    dialog.list.item(2).setCheckState(Qt.CheckState.Unchecked)
    assert not dialog.go.isEnabled(), "nothing is ticked"
    QTest.keyClick(dialog.list, Qt.Key.Key_Space)
    assert dialog.go.isEnabled()
    dialog.apply()
    since = life.sessions[2].start
    assert said == [
        Reach(ids), Reach(tuple(one.id for one in life.sessions if one.start >= since), since=since),
        Reach((ids[1],), alone=True),
    ]  # fmt: skip


def test_a_publish_asks_where_people_go_whose_spot_is_gone(
    qtbot: QtBot, world: World, life: Life, open_desk: Open
) -> None:
    life.publish()
    gone, free = named("extra"), life.maps[1].spots[6]
    life.seat(0, gone)
    page = enter(qtbot, rooms(qtbot, open_desk), life)
    dialog, said = ask(qtbot, world, life, page)
    assert list(dialog.choices) == [gone]
    assert not dialog.go.isEnabled()
    box = dialog.choices[gone]
    assert box.accessibleName() == "C1, in one class, goes to"
    box.setCurrentIndex(box.findData(free.id))
    assert dialog.go.isEnabled()
    dialog.apply()
    assert said[0].moves == (Move(spot=gone, to=free.id),)


def test_a_refused_publish_comes_back_with_its_reasons_and_is_answered(
    qtbot: QtBot, world: World, life: Life, open_desk: Open
) -> None:
    """Somebody booked a spot that this desk could not know of; the cloud says so, and the draft is open again."""
    life.publish(2)
    draft = life.draft("mine", life.maps[2], based_on=2)
    window = rooms(qtbot, open_desk)
    page = enter(qtbot, window, life, draft.id)
    page.publish.click()
    reach = shown(qtbot, page, "reach")
    with qtbot.waitSignal(page.work.published) as told:
        reach.go.click()
    assert told.args == ["waiting"]
    qtbot.waitUntil(lambda: page.work.around is not None and page.work.around.asked is not None)
    assert page.document.readonly
    gone = life.maps[1].spots[6].id
    first = life.sessions[0].id
    lost = reason("seatmap.seats_lost", count=1, spots=gone)
    no = replace(
        of_items([ItemOutcome(first, Status.REFUSED, (lost,))]),
        alternatives=({"session": first, "spot": gone, "to": named("extra")},),
    )
    sequence = world.store.head().sequence
    world.source.write(lambda: world.bus.acknowledge([Answer(sequence, no, 0)])).result()
    world.source.stand(State.ONLINE)
    qtbot.waitUntil(lambda: page.work.refusal is not None and page.dialogs["reach"] is not reach)
    again = shown(qtbot, page, "reach")
    assert not page.document.readonly
    assert list(again.choices) == [gone]
    assert again.choices[gone].currentText() == "C1", "the cloud's proposal"
    with qtbot.waitSignal(page.work.published):
        again.go.click()
    assert world.source.notices() == []


def test_comments_are_about_the_draft_or_one_spot_of_it(
    qtbot: QtBot, world: World, life: Life, open_desk: Open
) -> None:
    life.publish(1)
    draft = life.draft("mine", life.maps[1])
    spot = life.maps[1].spots[2]
    life.comment(draft.id, "Too near the door", spot=spot.id)
    page = enter(qtbot, rooms(qtbot, open_desk), life)
    assert page.comments.text() == "Comments (1)"
    page.document.select([spot.id])
    page.editor.commands.run("map.comments")
    dialog = shown(qtbot, page, "comments")
    qtbot.waitUntil(lambda: dialog.list.count() == 1)
    assert dialog.list.item(0).text() == "Marisol Vega · 1 hour ago · A3\nToo near the door"
    dialog.add.click()
    assert dialog.message.whole_text() == "A comment needs words."
    dialog.text.setPlainText("Moved it")
    QTest.keyClick(dialog, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: dialog.list.count() == 2)
    assert dialog.list.item(1).text().endswith("A3\nMoved it")
    page.document.select(())
    dialog.list.itemActivated.emit(dialog.list.item(0))
    assert page.document.selection == (spot.id,)
    qtbot.waitUntil(lambda: page.comments.text() == "Comments (2)")


def test_who_edits_and_since_when_is_seen_on_the_card_and_on_the_page(
    qtbot: QtBot, life: Life, open_desk: Open
) -> None:
    life.publish(1)
    window = rooms(qtbot, open_desk)
    page = enter(qtbot, window, life)
    assert page.lock.isHidden()
    life.lock()
    qtbot.waitUntil(lambda: not page.lock.isHidden())
    assert page.lock.accessibleName().endswith("Olga Brandt is editing since 16:17")
    page.leave()
    qtbot.waitUntil(lambda: any(card.line.locked_by for card in window.maps.rooms.cards))
    card = next(card for card in window.maps.rooms.cards if card.line.locked_by)
    assert (card.line.id, card.line.locked_by) == (life.room, "Olga Brandt")


def test_what_a_draft_moves_cannot_be_booked_meanwhile_and_an_idle_editor_lets_go(
    qtbot: QtBot, world: World, life: Life, open_desk: Open
) -> None:
    life.publish(1)
    page = enter(qtbot, rooms(qtbot, open_desk), life)
    sent: list[TakeLock] = []
    submit = world.source.submit

    def hear(payload: Any, author: Any) -> Any:
        if isinstance(payload, TakeLock):
            sent.append(payload)
        return submit(payload, author)

    world.source.submit = hear  # type: ignore[method-assign]
    moved = life.maps[0].spots[13]
    page.document.do("moved", edits.moved(page.document.seat_map, [moved.id], 0, 50_000))
    assert page.work._timer.isActive(), "the recovery copy is due after the very first change"
    qtbot.waitUntil(lambda: len(sent) == 1)
    assert sent[0].spots == (moved.id,)
    assert sent[0].sessions
    assert set(sent[0].sessions) == {one.id for one in life.sessions}
    page.work._renew()
    assert len(sent) == 1, "nothing was changed since: the lock may end"
    page.document.stack.undo()
    page.document.do("form", replace(page.document.seat_map, name="Hall"), field="Name")
    page.work._renew()
    qtbot.waitUntil(lambda: len(sent) == 2)
    assert (sent[1].sessions, sent[1].spots) == ((), ()), "every spot stands where it stood"


def test_a_draft_sent_back_says_why_where_its_editor_looks(qtbot: QtBot, life: Life, open_desk: Open) -> None:
    life.publish(1)
    life.draft("mine", life.maps[1], decided_by=life.owner, decision="The door is blocked")
    page = enter(qtbot, rooms(qtbot, open_desk), life)
    assert page.when.whole_text() == "Olga Brandt sent it back: The door is blocked"


def test_two_drafts_kept_from_two_devices_are_compared_and_brought_together(
    qtbot: QtBot, world: World, life: Life, open_desk: Open
) -> None:
    life.publish(1)
    base = life.maps[0]
    mine = replace(base, spots=base.spots[1:])
    theirs = replace(base, spots=(*base.spots[:-1], replace(base.spots[-1], label="Z9")))
    first = life.draft("mine", mine)
    life.draft(
        "theirs",
        theirs,
        editor=life.manager,
        forked_from=first.id,
        saved_ms=first.saved_ms + 1,
        id=kept_beside_id(first.id),
    )
    window = rooms(qtbot, open_desk)
    card = next(card for card in window.maps.rooms.cards if card.line.id == life.room)
    next(button for button in card.buttons if button.text() == "Compare drafts").click()
    qtbot.waitUntil(lambda: window.maps.pair is not None)
    pair = window.maps.pair
    assert pair is not None
    lines = pair.comparison.list
    assert [lines.item(at).text() for at in range(lines.count())] == ["+ A1 added", "B7 is now Z9"]
    assert pair.said.whole_text().startswith("Brought together, nothing is lost")
    with qtbot.waitSignal(window.maps.entered):
        pair.together.click()
    page = window.maps.map_page
    assert page is not None
    labels = {spot.label for spot in page.document.seat_map.spots}
    assert "A1" not in labels
    assert "Z9" in labels
    assert page.document.unsaved
    assert page.work.opened.draft == first.id
    assert len(world.store.seen.table[SeatDraft.KIND]) == 2


def test_roll_outs_show_each_room_and_what_a_person_settles(
    qtbot: QtBot, world: World, life: Life, open_desk: Open
) -> None:
    life.publish(1)
    life.roll_out()
    window = rooms(qtbot, open_desk, "owner")
    window.maps.rooms.rollouts.click()
    qtbot.waitUntil(lambda: window.maps.rollouts is not None)
    dialog = window.maps.rollouts
    assert dialog is not None
    card = dialog.cards[0]
    assert {step.state for step in card.line.steps} == {"succeeded", "queued", "conflict"}
    own = next(step for step in card.line.steps if step.state == "succeeded").own
    assert [(one.field, one.shared, one.local, one.allowed) for one in own] == [("label", "A1", "W1", True)]
    clash = next(step for step in card.line.steps if step.state == "conflict")
    card.buttons["local", str(clash.room)].click()
    qtbot.waitUntil(lambda: dialog.message.whole_text() == "Waits for the cloud.")
    assert last_kind(world) == "seatrollout.retry"


def test_a_roll_out_is_planned_for_rooms_at_a_time(qtbot: QtBot, world: World, life: Life, open_desk: Open) -> None:
    life.publish(1)
    window = rooms(qtbot, open_desk, "owner")
    window.maps.rooms.rollouts.click()
    qtbot.waitUntil(lambda: window.maps.rollouts is not None)
    dialog = window.maps.rollouts
    assert dialog is not None
    dialog.plan.click()
    plan = window.maps.findChildren(PlanDialog)[-1]
    plan.apply()
    assert plan.message.whole_text() == "Give it a name, and tick at least one room."
    assert plan.targets[str(life.room)].isHidden(), "a room is not rolled out to itself"
    plan.targets[str(life.other_rooms[0].id)].setChecked(True)
    plan.when.setText("tomorrow")
    plan.apply()
    assert "such as 2026-12-01 06:00" in plan.message.whole_text()
    plan.when.setText("2026-12-01 06:00")
    plan.apply()
    qtbot.waitUntil(lambda: last_kind(world) == "seatrollout.plan")


def test_what_was_approved_is_published_with_nothing_changed(
    qtbot: QtBot, world: World, life: Life, open_desk: Open
) -> None:
    life.publish(1)
    draft = life.draft("mine", life.maps[1], state="approved", decided_by=life.owner, decision="Fine")
    page = enter(qtbot, rooms(qtbot, open_desk), life, draft.id)
    assert page.document.readonly
    assert page.publish.isEnabled()
    page.publish.click()
    with qtbot.waitSignal(page.work.published) as told:
        shown(qtbot, page, "reach").go.click()
    assert told.args == ["waiting"]
    assert version_id(life.room, 1) in world.store.seen.table[SeatMapVersion.KIND]


def test_a_broken_spot_is_said_so_without_the_internet_and_given_back_by_who_may(
    qtbot: QtBot, world: World, life: Life, open_desk: Open
) -> None:
    life.publish()
    world.source.stand(State.OFFLINE)
    window = rooms(qtbot, open_desk, "front_desk")
    card = next(card for card in window.maps.rooms.cards if card.line.id == life.room)
    next(button for button in card.buttons if button.text() == "What works…").click()
    dialog = window.maps.spots
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.list.count() == 14)
    assert [dialog.state.itemText(at) for at in range(dialog.state.count())] == ["Needs attention", "Out of service"]
    dialog.apply()
    assert dialog.message.whole_text() == "Tick at least one spot."
    for at in (0, 4):
        dialog.list.item(at).setCheckState(Qt.CheckState.Checked)
    dialog.state.setCurrentIndex(1)
    dialog.note.setText("the left spring")
    dialog.apply()
    qtbot.waitUntil(lambda: dialog.message.whole_text() == "Saved.")
    qtbot.waitUntil(lambda: "Out of service" in dialog.list.item(4).text())
    assert dialog.list.item(4).text().startswith("A5 · Out of service · mechanical · the left spring · ")
    kept = {one.spot: one.state for one in search(world.store, SpotStatus, "by_room", life.room)}
    assert kept == {life.maps[2].spots[at].id: "out_of_service" for at in (0, 4)}


def test_a_spot_that_works_again_is_given_back_by_the_cloud(
    qtbot: QtBot, world: World, life: Life, open_desk: Open
) -> None:
    life.publish()
    window = rooms(qtbot, open_desk, "manager")
    window.maps.show_spots(str(life.room))
    dialog = window.maps.spots
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.list.count() == 14)
    dialog.list.item(2).setCheckState(Qt.CheckState.Checked)
    dialog.state.setCurrentIndex(0)
    dialog.apply()
    qtbot.waitUntil(lambda: "Needs attention" in dialog.list.item(2).text())
    dialog.state.setCurrentIndex(2)
    assert not dialog.why.isEnabled()
    dialog.apply()
    qtbot.waitUntil(lambda: dialog.message.whole_text() == "Waits for the cloud.")
    assert "Needs attention" in dialog.list.item(2).text(), "until the cloud has said so"


def test_a_spot_is_out_for_the_days_that_were_said_and_works_again_after_the_last(
    qtbot: QtBot, world: World, life: Life, open_desk: Open
) -> None:
    life.publish()
    window = rooms(qtbot, open_desk, "front_desk")
    window.maps.show_spots(str(life.room))
    dialog = window.maps.spots
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.list.count() == 14)
    dialog.list.item(0).setCheckState(Qt.CheckState.Checked)
    dialog.state.setCurrentIndex(1)
    dialog.first.setText("tomorrow")
    dialog.apply()
    qtbot.waitUntil(lambda: dialog.message.whole_text().startswith("These are no dates in order"))
    dialog.first.setText("2026-11-20")
    dialog.last.setText("2026-11-22")
    dialog.apply()
    qtbot.waitUntil(lambda: "2026-11-20 – 2026-11-22" in dialog.list.item(0).text())
    assert dialog.list.item(0).text().startswith("A1 · Out of service")
    world.tick(3 * 86_400_000)
    dialog.reload()
    qtbot.waitUntil(lambda: dialog.list.item(0).text() == "A1 · Working")
