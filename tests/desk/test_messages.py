"""Messages at the desk: whom one would reach and why not, an emergency, what became of it, another try, wishes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from PySide6.QtWidgets import QCheckBox
from pytestqt.qtbot import QtBot

from classtap_core.access.records import Grant
from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.checkin.reading import search
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import decode, plain
from classtap_core.messaging.records import Delivery, Message, MessageWish, State
from classtap_core.messaging.settings import MESSAGES_POLICY
from classtap_core.people.guardians import Guardianship
from classtap_desktop.kit import Label
from classtap_desktop.operator import Operator, operator_of
from classtap_desktop.screens.messages.reading import read_choices, read_preview
from classtap_desktop.screens.messages.view import MessagesScreen
from classtap_desktop.window import DeskWindow
from tests.desk.pictures import LOOKS, SIZES, cut
from tests.desk.test_screens import lived_in
from tests.desk.world import NOW_MS, World

Open = Callable[..., DeskWindow]
PICTURES = Path(__file__).resolve().parents[2] / "build" / "screens"


def opened(qtbot: QtBot, open_desk: Open, role: str = "manager", **settings: object) -> MessagesScreen:
    screen = open_desk(role, screen="messages", **settings).screens["messages"]
    assert isinstance(screen, MessagesScreen)
    qtbot.waitUntil(lambda: bool(screen.compose.preview.families))
    return screen


def texts(screen: MessagesScreen) -> list[str]:
    return [label.whole_text() for label in screen.card.findChildren(Label)]


def write(screen: MessagesScreen, text: str) -> None:
    screen.compose.text.setPlainText(text)


def kept(world: World) -> list[Message]:
    return [decode(Message, row.body) for (kind, _), row in world.store.seen.all().items() if kind == Message.KIND]


def sent(world: World, *states: State) -> Message:
    """A message on record with deliveries in these states."""
    family = world.plan.families[0]
    guardian = search(world.store, Guardianship, "by_child", family.children[0].child)[0].guardian
    deliveries = tuple(
        Delivery(
            id=Id(f"{at:032x}"), channel="email", shown="g•••@example.com", guardians=(guardian,), state=state,
            at_ms=NOW_MS - 60_000, code="5.1.1" if state is State.BOUNCED else "",
        )
        for at, state in enumerate(states)
    )  # fmt: skip
    message = Message(
        id=Id("5" * 32), family=family.family, home=world.plan.main, template="news", state="done", text="Snow",
        children=(family.children[0].child,), asked_ms=NOW_MS - 120_000, deliveries=deliveries,
    )  # fmt: skip
    world.pull([Pulled("message", message.id, message.scope(), msgspec.json.encode(plain(message)))])
    return message


def test_a_message_to_a_class_is_seen_before_it_goes_and_asked_for_each_family(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    screen = opened(qtbot, open_desk)
    assert not screen.compose.send.isEnabled(), "without a word there is nothing to send"
    write(screen, "Bring a coat")
    assert screen.compose.send.isEnabled()
    families = dict(screen.compose.preview.families)
    assert screen.compose.preview.addresses > 0
    first = screen.compose.preview.lines[0]
    assert first.who
    assert "•••@" in first.shown
    assert screen.compose.lines[0].whole_text() == f"{first.family} · {first.who} · Goes by e-mail to {first.shown}"
    with qtbot.waitSignal(screen.answered):
        screen.compose.send.click()
    messages = kept(world)
    assert {one.family: one.children for one in messages} == families
    assert {(one.template, one.text, one.state) for one in messages} == {("news", "Bring a coat", "waiting")}
    assert screen.compose.text.toPlainText() == ""
    qtbot.waitUntil(lambda: screen.model.rowCount() == len(messages))


def test_an_emergency_goes_to_more_people_later_and_says_so(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = opened(qtbot, open_desk)
    usual = screen.compose.preview.addresses
    with qtbot.waitSignal(screen.previewed):
        screen.compose.urgent.setChecked(True)
    assert screen.compose.preview.addresses >= usual, "every way at once"
    assert "within 5 minutes" in screen.compose.note.whole_text()
    write(screen, "We have left the building")
    with qtbot.waitSignal(screen.answered):
        screen.compose.send.click()
    assert {one.template for one in kept(world)} == {"alarm"}


def test_only_who_is_here_now(world: World) -> None:
    lived_in(world)
    choices = [
        one
        for one in read_choices(world.source, operator_of(world.source, world.staff("owner").staff))
        if abs(one.start_ms - NOW_MS) <= 25 * 60_000
    ]
    found = {whom: sum(len(read_preview(world.source, one, whom=whom, urgent=False).families) for one in choices)
             for whom in ("booked", "here")}  # fmt: skip
    assert 0 < found["here"] < found["booked"]


def test_why_somebody_is_not_reached_stands_in_the_preview(world: World) -> None:
    choice = next(
        one
        for one in read_choices(world.source, operator_of(world.source, world.staff("owner").staff))
        if read_preview(world.source, one, whom="booked", urgent=False).families
    )
    before = read_preview(world.source, choice, whom="booked", urgent=False)
    _, (child, *_) = before.families[0]
    guardian = search(world.store, Guardianship, "by_child", child)[0]
    wish = MessageWish(
        id=Id("6" * 32), contact=guardian.guardian, home=world.plan.main, program=choice.kind, channels=()
    )
    world.pull([Pulled("message_wish", wish.id, wish.scope(), msgspec.json.encode(plain(wish)))])
    after = read_preview(world.source, choice, whom="booked", urgent=False)
    assert "not_wished" in {line.why for line in after.lines}
    assert "not_wished" not in {
        line.why for line in read_preview(world.source, choice, whom="booked", urgent=True).lines
    }


def test_a_record_says_what_became_of_each_address_and_is_tried_again(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    message = sent(world, State.DELIVERED, State.BOUNCED)
    screen = opened(qtbot, open_desk)
    qtbot.waitUntil(lambda: screen.model.rowCount() == 1)
    screen.list.setCurrentIndex(screen.model.index(0, 0))
    said = "\n".join(texts(screen))
    assert "Arrived by e-mail at g•••@example.com" in said
    assert "there is no such address (5.1.1)" in said
    assert screen.record is not None
    assert screen.record.retry is not None
    with qtbot.waitSignal(screen.answered):
        screen.record.retry.click()
    (after,) = kept(world)
    assert (after.state, {str(one.state) for one in after.deliveries}) == ("sending", {"delivered", "retry"})
    assert message.id == after.id


def test_wishes_are_set_for_a_class_over_a_child_over_all_and_taken_back(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    sent(world, State.DELIVERED)
    screen = opened(qtbot, open_desk)
    qtbot.waitUntil(lambda: screen.model.rowCount() == 1)
    screen.list.setCurrentIndex(screen.model.index(0, 0))
    assert screen.record is not None
    (guardian, button), *_ = screen.record.people.items()
    with qtbot.waitSignal(screen.answered):
        button.click()
    form = screen.form
    assert form is not None
    form.one["one"].write(all="sms")
    form.note_change()
    with qtbot.waitSignal(form.saved):
        form.save.click()
    (wish,) = search(world.store, MessageWish, "by_contact", guardian)
    assert (wish.channels, wish.child, wish.program) == (("sms",), "", "")
    with qtbot.waitSignal(screen.answered):
        screen.ask_wishes(guardian)
    assert screen.form is not None
    screen.form.one["one"].write(all="usual")
    with qtbot.waitSignal(screen.form.saved):
        screen.form.save.click()
    assert search(world.store, MessageWish, "by_contact", guardian) == []


def test_what_is_sent_by_itself_is_the_studios_to_set(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = opened(qtbot, open_desk, "owner")
    assert screen.settings.isVisible()
    with qtbot.waitSignal(screen.answered):
        screen.settings.click()
    assert screen.form is not None
    box = screen.form.one["sends"].widgets["absent"]
    assert isinstance(box, QCheckBox)
    box.setChecked(True)
    with qtbot.waitSignal(screen.form.saved):
        screen.form.save.click()
    assert world.store.log[-1].kind == PublishPolicy.SPEC.name
    (payload,) = [one for one in screen.form.payloads() if isinstance(one, PublishPolicy)]
    assert (payload.name, payload.values["send.absent"], payload.values["send.late"]) == (MESSAGES_POLICY, 1, 0)


def test_who_sees_no_families_sees_no_messages_and_sends_none(qtbot: QtBot, world: World, open_desk: Open) -> None:
    sent(world, State.DELIVERED)
    screen = open_desk("instructor", screen="messages").screens["messages"]
    assert isinstance(screen, MessagesScreen)
    with qtbot.waitSignal(screen.loaded):
        screen.reload()
    assert screen.model.rowCount() == 0
    write(screen, "Hello")
    assert not screen.compose.send.isEnabled()
    assert [button.isVisible() for button in (screen.settings, screen.new)] == [False, False]
    screen.desk.operate(Operator(Id("5" * 32), "Mo", (Grant(id=Id("6" * 32), holder=Id("5" * 32), role="manager"),)))
    assert [button.isVisible() for button in (screen.settings, screen.new)] == [True, True]


@pytest.mark.parametrize(("look", "size"), [*((look, "") for look in LOOKS), ("light", "-wide")])
def test_the_screen_in_every_look(qtbot: QtBot, world: World, open_desk: Open, look: str, size: str) -> None:
    sent(world, State.DELIVERED, State.BOUNCED)
    screen = opened(qtbot, open_desk, "owner", **LOOKS[look], size=SIZES[size])
    window = screen.window()
    window.resize(*SIZES[size])
    qtbot.waitUntil(lambda: screen.model.rowCount() == 1)
    write(screen, "The studio closes at four today because of the snow. Please come early.")
    qtbot.waitUntil(lambda: cut(window) == [])
    window.grab().save(str(PICTURES / f"messages-{look}{size}.png"))
    screen.list.setCurrentIndex(screen.model.index(0, 0))
    qtbot.waitUntil(lambda: cut(window) == [])
    window.grab().save(str(PICTURES / f"messages-record-{look}{size}.png"))
