"""Giving a child back behind the staff PIN: the machine step by step, and the whole of it on a kiosk that runs offline."""

from dataclasses import replace

import msgspec
import pytest
from PySide6.QtWidgets import QApplication

from classtap_core.checkin.pickup import PickupCode, pickup_code_id
from classtap_core.checkin.reading import fetch, search
from classtap_core.checkin.release import Release, release_id
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.envelope import own
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import plain
from classtap_core.messaging.records import Unreached
from classtap_core.people.guardians import Block, Guardianship, guardianship_id
from classtap_core.schedule.records import Session
from classtap_desktop.kit import Label
from classtap_desktop.kit.notice_words import NoticeLine, sentence
from kiosk import commands as ask
from kiosk import events as on
from kiosk import flow
from kiosk.pickup import (
    BY_CODE,
    BY_SIGHT,
    ChildChosen,
    ChildRead,
    ChildUnread,
    CodeTyped,
    Given,
    GiveTo,
    HandTo,
    HereRead,
    LookUp,
    NotGiven,
    Pickup,
    ReadChild,
    ReadHere,
    Step,
    TapPickup,
    Waiting,
)
from kiosk.pickup_door import PickupDoor
from kiosk.view import Row, Screen, State, Status
from resources.text import Catalogue
from tests.end_to_end.house_rig import log_of
from tests.kiosk.families import NOW_MS, ZONE
from tests.kiosk.running import Made, Shown
from tests.kiosk.stage import Kiosk, giving, place, resting, to_whom

FRONT_DESK_PIN = "161803"
HERE = (Waiting("s", "c", "Adaeze Okafor", "Ballet"),)
CODE = "271828"


class Walk:
    """A kiosk with staff at it."""

    def __init__(self, **changes: object) -> None:
        base = flow.start(studio="Maple Street Movement", zone=ZONE, wall_ms=NOW_MS)
        self.state: State = replace(base, screen=Screen.STAFF, **changes)  # type: ignore[arg-type]
        self.said: tuple[object, ...] = ()

    def send(self, *events: object, after_ms: int = 0) -> "Walk":
        for event in events:
            self.state, self.said = flow.step(self.state, event, self.state.now_at_ms + after_ms)  # type: ignore[arg-type]
        return self

    @property
    def pickup(self) -> Pickup:
        assert self.state.pickup is not None
        return self.state.pickup

    def child(self, **changes: object) -> "Walk":
        return self.send(TapPickup(), HereRead(HERE), ChildChosen("s", "c"), ChildRead(to_whom(**changes)))


def test_from_the_page_for_staff_to_a_child_given_back() -> None:
    walk = Walk().send(TapPickup())
    assert (walk.state.screen, walk.said) == (Screen.PICKUP, (ReadHere(),))
    assert walk.send(CodeTyped(CODE)).said == (), "nobody is looked for before the list is there"
    assert walk.send(HereRead(HERE)).pickup.step is Step.CHOOSING
    assert walk.send(CodeTyped(CODE)).said == (LookUp(CODE),)
    walk.send(ChildRead(to_whom()))
    assert walk.pickup.step is Step.CHILD
    assert walk.send(GiveTo("a" * 32)).said == (
        HandTo(to_whom().session, to_whom().child, "a" * 32, BY_CODE),
    )  # fmt: skip
    walk.send(Given("Adaeze Okafor", "mother"))
    assert walk.said == (ReadHere(), ask.Tone("ok"))
    assert (walk.pickup.found, walk.pickup.said) == (None, "kiosk.pickup.done")
    assert walk.send(on.Cancel()).state.screen is Screen.STAFF
    assert walk.state.pickup is None


def test_a_child_of_the_list_is_given_by_sight() -> None:
    walk = Walk().child()
    (command,) = walk.send(GiveTo("a" * 32)).said
    assert isinstance(command, HandTo)
    assert command.method == BY_SIGHT
    assert Walk().send(TapPickup(), HereRead(HERE), ChildChosen("s", "of nobody")).said == ()
    assert Walk().send(TapPickup(), HereRead(HERE), ChildChosen("s", "c")).said == (ReadChild("s", "c"),)


@pytest.mark.parametrize("adult", ["b" * 32, "c" * 32, "d" * 32, "a stranger"])
def test_nobody_is_given_a_child_who_may_not_take_it_or_whom_only_a_desk_can_tell_apart(adult: str) -> None:
    assert Walk().child().send(GiveTo(adult)).said == ()


@pytest.mark.parametrize("changes", [{"given_ms": NOW_MS}, {"may": False}])
def test_a_child_that_went_and_a_person_without_the_right_have_no_button(changes: dict[str, object]) -> None:
    walk = Walk().child(**changes)
    assert walk.pickup.found is not None
    assert walk.pickup.found.offered() == ()
    assert walk.send(GiveTo("a" * 32)).said == ()


def test_what_is_not_found_or_not_kept_is_said_and_the_list_comes_back() -> None:
    walk = Walk().send(TapPickup(), HereRead(HERE), CodeTyped("000000"), ChildUnread("desk.pickup.nobody"))
    assert (walk.pickup.step, walk.pickup.said, walk.said) == (
        Step.CHOOSING, "desk.pickup.nobody", (ask.Tone("attention"),),
    )  # fmt: skip
    walk = Walk().child().send(GiveTo("a" * 32), NotGiven("kiosk.pickup.not_now"))
    assert (walk.pickup.step, walk.pickup.said) == (Step.LOOKING, "kiosk.pickup.not_now")
    walk = Walk().child().send(GiveTo("a" * 32), Given("Adaeze", "mother", alarm=True))
    assert (walk.pickup.said, walk.pickup.tone, walk.said[-1]) == (
        "error.pickup.already", "absent", ask.Tone("refusal"),
    )  # fmt: skip
    walk = Walk().send(TapPickup(), NotGiven("kiosk.pickup.failed"))
    assert walk.pickup.step is Step.CHOOSING, "a store that could not read leaves a way on"


def test_a_step_back_and_a_word_on_its_way() -> None:
    walk = Walk().child()
    assert walk.send(on.Cancel()).said == (ReadHere(),)
    assert (walk.state.screen, walk.pickup.found) == (Screen.PICKUP, None)
    walk = Walk().child().send(GiveTo("a" * 32), on.Cancel())
    assert walk.pickup.step is Step.KEEPING, "the store is heard first"


def test_hidden_names_take_no_tap_and_hear_the_store_all_the_same() -> None:
    walk = Walk().child().send(on.Veil(True), GiveTo("a" * 32))
    assert walk.said == ()
    walk.send(on.Veil(False), GiveTo("a" * 32), on.Veil(True), Given("Adaeze Okafor", "mother"))
    assert walk.pickup.found is None


def test_a_revoked_kiosk_gives_nobody_back_and_one_left_alone_forgets_them() -> None:
    assert Walk(lock="device_revoked").send(TapPickup()).state.pickup is None
    walk = Walk().child().send(on.Lock("device_revoked"))
    assert (walk.state.screen, walk.state.pickup) == (Screen.LOCKED, None)
    walk = Walk().child().send(on.Tick(NOW_MS), after_ms=91_000)
    assert (walk.state.screen, walk.state.pickup) == (Screen.ATTRACT, None)
    walk = Walk().child()
    assert walk.send(on.AskStaff(), on.Sighting("CT:ONE")).state.screen is Screen.PICKUP


def test_nothing_on_the_screen_says_why_somebody_may_not_take_a_child(kiosk: Kiosk) -> None:
    kiosk.show(giving(step=Step.CHILD, found=to_whom()))
    page = kiosk.window.pickup
    assert list(page.offers) == ["a" * 32]
    notes = [label.whole_text() for label in page.adults.findChildren(Label)]
    assert notes == [
        "Mother",
        "Grandparent", "Several people are this to the child. The desk knows their names.",
        "Grandparent", "Several people are this to the child. The desk knows their names.",
        "Father", "May not take this child now. Ask at the desk.",
    ]  # fmt: skip
    kiosk.click(page.offers["a" * 32])
    assert kiosk.sent == [GiveTo("a" * 32)]
    kiosk.show(replace(giving(step=Step.CHILD, found=to_whom()), veiled=True))
    assert kiosk.window.page() is kiosk.window.veil
    kiosk.show(resting())
    QApplication.processEvents()
    assert not [one for one in kiosk.window.findChildren(Label) if "Adaeze" in one.whole_text() and one.isVisible()]
    assert not page.choices
    assert not page.offers


@pytest.mark.parametrize("locale", ["en_GB", "ar"])
def test_the_list_has_a_name_and_begins_where_its_title_does(kiosk: Kiosk, locale: str) -> None:
    kiosk.show(replace(giving(), locale=locale))
    page, window = kiosk.window.pickup, kiosk.window
    assert page.list.accessibleName() == Catalogue(locale).say("kiosk.pickup.list") != ""
    name, title = (place(one, window) for one in (page.list.findChildren(Label)[0], page.title))
    assert (name.right() == title.right()) if locale == "ar" else (name.left() == title.left())


# -- on a kiosk that runs, out of touch with the cloud


def staff_page(kiosk: Shown) -> None:
    kiosk.app.happen(on.AskStaff())
    kiosk.app.happen(on.PinEntered(FRONT_DESK_PIN))
    kiosk.screen(Screen.STAFF)


def arrived(kiosk: Shown, made: Made) -> Row:
    """A child that was marked present at the door."""
    kiosk.start()
    kiosk.hold(made.texts[made.families[0].family])
    kiosk.screen(Screen.BOARD)
    kiosk.tap(row := kiosk.free(), Status.PRESENT)
    kiosk.until(lambda: (now := kiosk.row(row)) is not None and now.saved)
    kiosk.app.happen(on.Done())
    return row


def adults_of(kiosk: Shown, child: str) -> list[Guardianship]:
    with kiosk.node.reader() as reader:
        return search(reader, Guardianship, "by_child", child)


def pulled(kiosk: Shown, *records: PickupCode | Guardianship | Unreached) -> None:
    """As the cloud would send them."""
    rows = [Pulled(one.KIND, one.id, one.scope(), msgspec.json.encode(plain(one))) for one in records]
    kiosk.node.call(lambda bus: bus.apply(rows))


def code_of(kiosk: Shown, row: Row) -> PickupCode:
    papers = kiosk.node.papers
    with kiosk.node.reader() as reader:
        day = fetch(reader, Session, [Id(row.session)])[Id(row.session)].date
    id = pickup_code_id(papers.studio, Id(row.child), papers.location, day)
    return PickupCode(id=id, child=Id(row.child), location=papers.location, date=day, code=CODE, made_ms=1)


def test_a_child_is_given_back_offline_and_the_one_who_is_kept_from_it_is_not_offered(alone: Shown, made: Made) -> None:
    kiosk = alone
    row = arrived(kiosk, made)
    known = adults_of(kiosk, row.child)[0]
    stranger, block = Id("f" * 32), Block(operation=Id("b" * 32), at_ms=1)
    kept = msgspec.structs.replace(
        known, id=guardianship_id(known.child, stranger), guardian=stranger, relation="grandparent", blocks=(block,)
    )  # first in rank, and kept from the child: the block wins
    pulled(kiosk, kept, code_of(kiosk, row))
    staff_page(kiosk)
    page = kiosk.app.window.pickup
    kiosk.app.window.staff.pickup.click()
    kiosk.until(lambda: (row.session, row.child) in page.choices)
    for digit in CODE:
        page.pad.keys[digit].click()
    kiosk.until(lambda: page.offers)
    assert list(page.offers) == [known.guardian]
    assert len(adults_of(kiosk, row.child)) == 2
    assert row.name in page.title.whole_text()
    adult = next(iter(page.offers))
    page.offers[adult].click()
    kiosk.until(lambda: kiosk.state.pickup is not None and kiosk.state.pickup.said == "kiosk.pickup.done")
    kiosk.until(lambda: kiosk.state.pickup is not None and kiosk.state.pickup.step is Step.CHOOSING)
    assert (row.session, row.child) not in page.choices
    with kiosk.node.reader() as reader:
        id = release_id(kiosk.node.papers.studio, Id(row.session), Id(row.child))
        (word,) = fetch(reader, Release, [id])[id].handed
    assert (word.adult, word.method) == (adult, "code")
    (said,) = [one for one in log_of(kiosk.node) if one.kind == "pickup.hand"]
    author = own(said.data).author
    assert (author.type, author.id, author.proof) == ("staff", word.by, "pin")
    for digit in CODE:
        page.pad.keys[digit].click()
    kiosk.until(lambda: page.said.whole_text().startswith("Alarm: already given at"))
    assert page.offers == {}


def test_three_codes_of_nobody_pause_the_kiosk(alone: Shown, made: Made) -> None:
    row = arrived(alone, made)
    pulled(alone, code_of(alone, row))
    door, staff = PickupDoor(alone.node), Id("5" * 32)
    for number in range(3):
        assert door.look_up(f"00000{number}", staff) == ChildUnread("desk.pickup.nobody")
    assert door.look_up(CODE, staff) == ChildUnread("desk.pickup.paused", 2)
    found = door.child(Id(row.session), Id(row.child), staff)
    assert isinstance(found, ChildRead)
    assert (found.found.name, found.found.offered()) == (row.name, ()), "whoever may not mark gives nobody back"
    assert door.child(Id(row.session), Id("9" * 32), staff) == ChildUnread("kiosk.pickup.not_held")


def test_an_emergency_that_reached_nobody_is_hinted_at_without_a_name_and_told_behind_the_pin(
    alone: Shown, made: Made
) -> None:
    kiosk, family = alone.start(), made.families[0]
    pill = kiosk.app.window.header.urgent
    assert not pill.isVisible()
    children = tuple(child.child for child in family.children)
    open_ = Unreached(
        id=Id("e" * 32), family=family.family, home=kiosk.node.papers.location, children=children, asked_ms=1, raised_ms=2,
        open=True,
    )  # fmt: skip
    pulled(kiosk, open_)
    kiosk.until(lambda: kiosk.state.urgent and pill.isVisible())
    assert kiosk.state.screen is Screen.ATTRACT
    shown = [one.whole_text() for one in kiosk.app.window.findChildren(Label) if one.isVisible()]
    assert pill.whole_text() == "Staff: please look"
    assert not [text for text in shown for child in family.children if child.given in text]
    staff_page(kiosk)
    assert kiosk.state.about[0].code == "kiosk.staff.alarm"
    assert family.children[0].given in str(dict(kiosk.state.about[0].params)["who"])
    kiosk.app.happen(on.Cancel())
    pulled(kiosk, msgspec.structs.replace(open_, open=False, seen_ms=3))
    kiosk.until(lambda: not pill.isVisible())


@pytest.mark.parametrize("language", ["en", "es", "ar"])
@pytest.mark.parametrize(
    ("status", "why"),
    [("review", "gate.pickup_blocked"), ("review", "gate.pickup_not_allowed"), ("superseded", "pickup.already")],
)
def test_what_the_cloud_found_wrong_about_a_handing_over_is_said_and_never_why(
    status: str, why: str, language: str
) -> None:
    line = NoticeLine(Id("1" * 32), 1, "pickup.hand", 1, status, why, {}, (), ZONE)
    words = Catalogue(language)
    said = sentence(line, words)
    assert words.say(f"desk.refused.{why}") in said
    assert "desk." not in said
    assert "gate." not in said
    assert "block" not in said.lower() or language != "en"
