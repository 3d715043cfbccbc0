"""Drafts of seat maps on the desk: saved as records, kept while they are not, published by whom and approved by whom."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from classtap_core.booking.records import Policy, policy_id
from classtap_core.checkin.reading import search
from classtap_core.kernel.canonical import canonical
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.records import plain
from classtap_core.seating.documents import unpacked
from classtap_core.seating.records import SeatDraft
from classtap_desktop.canvas import edits
from classtap_desktop.canvas.reading import recovery_name
from tests.desk.maps import (
    Open,
    answer,
    enter,
    judged,
    opened,
    rooms,
    with_template,
)
from tests.desk.world import World


def test_a_draft_is_saved_as_a_record_and_opened_again(qtbot: QtBot, world: World, open_desk: Open) -> None:
    window = rooms(qtbot, open_desk)
    page = enter(qtbot, window)
    with_template(qtbot, page)
    with qtbot.waitSignal(page.work.saved):
        page.save.click()
    assert not page.document.unsaved
    assert not page.save.isEnabled()
    drafts = search(world.store, SeatDraft, "by_room")
    assert [(draft.state, draft.based_on, draft.author) for draft in drafts] == [
        ("draft", 0, world.staff("manager").staff)
    ]
    assert unpacked(drafts[0].document) == page.document.seat_map
    page.editor.document.do(
        "moved", edits.moved(page.document.seat_map, [page.document.seat_map.spots[0].id], 0, 50_000)
    )
    with qtbot.waitSignal(page.work.saved):
        page.save.click()
    again = search(world.store, SeatDraft, "by_room")
    assert len(again) == 1
    assert again[0].revision != drafts[0].revision
    page.leave()
    qtbot.waitUntil(lambda: bool(window.maps.rooms.cards and window.maps.rooms.cards[0].line.drafts))
    assert not window.sidebar.isHidden()
    card = window.maps.rooms.cards[0]
    assert card.line.drafts[0].editor == "Marisol Vega"
    assert card.line.seat_map is not None
    seat_map = enter(qtbot, window).document.seat_map
    assert seat_map == unpacked(again[0].document)


def test_two_who_save_one_draft_keep_both(qtbot: QtBot, world: World, open_desk: Open) -> None:
    window = rooms(qtbot, open_desk)
    page = enter(qtbot, window)
    with_template(qtbot, page)
    with qtbot.waitSignal(page.work.saved):
        page.work.save()
    page.work.opened = page.work.opened._replace(revision="0" * 32)  # somebody else saved it meanwhile
    page.document.do("moved", edits.moved(page.document.seat_map, [page.document.seat_map.spots[0].id], 0, 50_000))
    heard: list[str] = []
    page.editor.spoke.connect(heard.append)
    with qtbot.waitSignal(page.work.saved):
        page.work.save()
    assert len(search(world.store, SeatDraft, "by_room")) == 2
    assert heard
    assert "kept beside it" in heard[-1]


def test_what_is_not_saved_is_kept_in_the_store_and_offered_again(qtbot: QtBot, world: World, open_desk: Open) -> None:
    window = rooms(qtbot, open_desk)
    page = enter(qtbot, window)
    with_template(qtbot, page)
    room = str(page.work.opened.room)
    page.work.keep_copy()
    qtbot.waitUntil(lambda: bool(world.source.own.get(recovery_name(room))))
    seat_map = page.document.seat_map
    window.maps.leave()  # the program ends without a save
    qtbot.waitUntil(lambda: window.maps.rooms.cards[0].line.recovered)
    page = enter(qtbot, window)
    answer(page, "recover")
    assert page.document.seat_map == seat_map
    assert page.document.unsaved
    with qtbot.waitSignal(page.work.saved):
        page.work.save()
    qtbot.waitUntil(lambda: not world.source.own.get(recovery_name(room)))


def test_leaving_asks_and_discarding_goes_back_to_what_was_saved(qtbot: QtBot, world: World, open_desk: Open) -> None:
    window = rooms(qtbot, open_desk)
    page = enter(qtbot, window)
    with_template(qtbot, page)
    with qtbot.waitSignal(page.work.saved):
        page.work.save()
    kept = page.document.seat_map
    page.document.do("deleted", edits.without(kept, [kept.spots[0].id]))
    page.back.click()
    answer(page, "stay")
    assert window.maps.map_page is page
    page.discard.trigger()
    answer(page, "discard")
    assert page.document.seat_map == kept
    assert not page.document.unsaved


def test_what_is_wrong_is_kept_on_this_computer_until_it_is_put_right(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    window = rooms(qtbot, open_desk)
    page = enter(qtbot, window)
    with_template(qtbot, page)
    spot = page.document.seat_map.spots[6]
    page.document.do("moved", edits.moved(page.document.seat_map, [spot.id], 400_000, 0))
    judged(qtbot, page.editor)
    wrong = page.document.seat_map
    page.back.click()
    answer(page, "keep")
    qtbot.waitUntil(lambda: window.maps.rooms.cards[0].line.recovered)
    assert search(world.store, SeatDraft, "by_room") == []
    page = enter(qtbot, window)
    answer(page, "recover")
    assert page.document.seat_map == wrong


def test_problems_block_publishing_and_a_publish_waits_for_the_cloud(qtbot: QtBot, open_desk: Open) -> None:
    page = enter(qtbot, rooms(qtbot, open_desk))
    with_template(qtbot, page)
    spot = page.document.seat_map.spots[6]
    page.document.do("moved", edits.moved(page.document.seat_map, [spot.id], 400_000, 0))
    judged(qtbot, page.editor)
    assert not page.publish.isEnabled()
    assert not page.save.isEnabled()
    heard: list[str] = []
    page.editor.spoke.connect(heard.append)
    page.editor.commands.run("map.save")
    assert heard
    assert heard[-1].startswith("Not saved: ")
    page.document.stack.undo()
    judged(qtbot, page.editor)
    assert page.publish.isEnabled()
    assert page.save.isEnabled()
    page.publish.click()
    reach = opened(qtbot, page, "reach")
    with qtbot.waitSignal(page.work.published) as told:
        reach.go.click()
    assert told.args == ["waiting"]
    assert page.document.readonly


def test_an_instructor_submits_for_approval(qtbot: QtBot, world: World, open_desk: Open) -> None:
    window = rooms(qtbot, open_desk, "instructor")
    own = next(
        at for at, card in enumerate(window.maps.rooms.cards)
        if window.desk.may("edit_seatmap", location=card.line.location)
    )  # fmt: skip
    page = enter(qtbot, window, own)
    with_template(qtbot, page)
    assert page.publish.text() == "Submit for approval"
    with qtbot.waitSignal(page.work.published) as told:
        page.publish.click()
    assert told.args == ["asked"]
    assert search(world.store, SeatDraft, "by_room")[0].state == "pending"
    assert page.document.readonly


def test_who_may_says_that_maps_need_approval(qtbot: QtBot, world: World, open_desk: Open) -> None:
    window = rooms(qtbot, open_desk, "owner")
    listed = window.maps.rooms
    qtbot.waitUntil(lambda: listed.approval.isVisible())
    assert not listed.approval.isChecked()
    with qtbot.waitSignal(window.desk.told) as told:
        listed.approval.click()
    assert told.args[0] == "map.approval.waiting", "a policy is the cloud's to decide"
    assert not listed.approval.isChecked()
    policy = Policy(
        id=policy_id(world.plan.studio, "seating"), name="seating", version=1, values={"approval": 1}, published_ms=1
    )
    world.pull([Pulled("policy", policy.id, "studio", canonical(plain(policy)))])
    qtbot.waitUntil(lambda: listed.approval.isChecked())
    page = enter(qtbot, window)
    with_template(qtbot, page)
    assert page.publish.text() == "Submit for approval"


def test_who_may_not_does_not_see_whether_maps_need_approval(qtbot: QtBot, open_desk: Open) -> None:
    window = rooms(qtbot, open_desk, "instructor")
    qtbot.waitUntil(lambda: not window.desk.waiting)
    assert not window.maps.rooms.approval.isVisible()


def test_somebody_else_approves_what_waits_and_says_why(qtbot: QtBot, world: World, open_desk: Open) -> None:
    page = enter(qtbot, rooms(qtbot, open_desk))
    with_template(qtbot, page)
    with qtbot.waitSignal(page.work.saved):
        page.work.save(then_submit=True)
    qtbot.waitUntil(lambda: page.work.opened.state == "pending")
    assert page.publish.text() == "Decide…"
    page.publish.click()
    dialog = opened(qtbot, page, "decision")
    dialog.decide(approve=True)
    assert dialog.message.whole_text() == "Say why, in a word or two."
    dialog.comment.setPlainText("Looks right")
    with qtbot.waitSignal(page.work.published) as told:
        dialog.decide(approve=True)
    assert told.args == ["decided"]
