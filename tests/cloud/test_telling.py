"""What families hear without anybody asking: sessions that change, passes, overruled words; in their own language."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
import zxingcpp

from classtap_core.booking.operations import CancelBooking, CreateBooking
from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.booking.rescheduling import ChangeSession
from classtap_core.checkin.attendees import RevokeAttendeePass
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.checkin.reading import search
from classtap_core.checkin.release import HandOver
from classtap_core.documents.operations import ConsentChanged
from classtap_core.kernel.effects import Home, intent
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.messaging.operations import AskMessage, SettleMessage, TryAgain
from classtap_core.messaging.records import Delivery, Message
from classtap_core.messaging.settings import MESSAGES_POLICY
from classtap_core.passes.operations import IssuePass, RevokePass
from classtap_core.people.erasing import ErasePeople
from classtap_core.people.profile_operations import ContactFacts, EditContact
from classtap_core.people.verification import VerifyContact
from classtap_core.schedule.operations import CancelSession
from classtap_core.schedule.series import Change
from cloud.messaging import telling
from cloud.messaging.ports import Answer, InboxMail, InboxSms, LocalInbox, Post
from cloud.messaging.sending import UNSURE
from tests.cloud.families import GINA, HANDLE, Families, families
from tests.unit.house.world import ANA, BEN, CLERK, EVENING, FAMILY, HALF_PAST, MAIN, MINUTE, NINE_BALLET, STUDIO, staff


class Letters(NamedTuple):
    """A studio's cloud and the folder its letters land in."""

    families: Families
    inbox: LocalInbox

    def mails(self) -> list[tuple[str, str]]:
        """Subject and text of every mail, after two rounds: effects ask, then what was asked is sent."""
        self.families.send()
        self.families.send()
        found = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in self.inbox.files()]
        bodies = [(str(one["Subject"]), one.get_body(("plain",))) for one in found]
        return [(subject, "" if body is None else body.get_content()) for subject, body in bodies]


@pytest.fixture
def letters(tmp_path: Path) -> Iterator[Letters]:
    inbox = LocalInbox(tmp_path / "inbox")
    with families(tmp_path, Post(InboxMail(inbox), InboxSms(inbox), url="https://pages.example")) as rig:
        yield Letters(rig, inbox)


def speaks(rig: Families, *languages: str) -> None:
    known = ContactFacts(name="Gina García", relation="mother", phone="+34600123456", email="gina@example.com")
    wanted = ContactFacts(
        name=known.name, relation=known.relation, phone=known.phone, email=known.email, languages=languages
    )
    rig.say(EditContact(contact=GINA, base=known, wanted=wanted))


def test_a_cancelled_class_is_told_once_to_who_has_a_child_in_it_with_its_time_and_the_reason(letters: Letters) -> None:
    letters.families.say(CancelSession(session=HALF_PAST, reason="ill"))
    ((subject, text),) = letters.mails()
    assert subject == "Yoga is cancelled", "both children are in it: one mail"
    assert "Yoga on Saturday, November 21, 2026, 9:30" in text.replace("\u202f", " ")
    assert "The teacher is ill." in text
    assert "Ana" not in text
    assert len(letters.mails()) == 1, "told twice, asked once"


def test_what_has_begun_is_nobodys_news(letters: Letters) -> None:
    letters.families.clock.advance(90 * MINUTE)
    letters.families.say(CancelSession(session=NINE_BALLET))
    assert letters.mails() == []


def test_a_moved_class_says_from_when_to_when_in_the_guardians_language(letters: Letters) -> None:
    speaks(letters.families, "xx", "es-ES")
    letters.families.say(ChangeSession(session=EVENING, change=Change(start="2026-11-21T19:00")))
    ((subject, text),) = letters.mails()
    assert subject == "Ballet cambia de hora o de lugar"
    assert "prevista para sábado, 21 de noviembre de 2026" in text
    assert "18:00" in text
    assert "hasta las 19:45, en Blue, Main" in text


def test_the_studios_language_stands_where_nobody_said_one(letters: Letters) -> None:
    letters.families.say(PublishPolicy(name=MESSAGES_POLICY, head=0, values={"language": "ar", "channels": "sms"}))
    letters.families.say(AskMessage(family=FAMILY, template="page"))
    letters.families.send()
    (file,) = letters.inbox.files()
    assert file.suffix == ".txt", "and the studio's ways"
    assert "صفحة عائلتكم" in file.read_text(encoding="utf-8")


def test_an_absence_is_told_where_the_studio_wishes_it_once(letters: Letters) -> None:
    def mark(state: str, corrects: str = "") -> str:
        letters.families.clock.advance(1_000)
        item = ChildMark(child=ANA, state=state, reason="ill" if state == "absent" else "", corrects=corrects)
        operation: str = letters.families.say(MarkAttendance(session=NINE_BALLET, items=(item,))).link.operation
        return operation

    absent = mark("absent")
    assert letters.mails() == [], "nothing is said unless the studio wishes it"
    letters.families.say(PublishPolicy(name=MESSAGES_POLICY, head=0, values={"send.absent": 1}))
    present = mark("present", absent)
    again = mark("absent", present)
    assert [subject for subject, _ in letters.mails()] == ["Marked absent today at Small Steps"]
    mark("absent", mark("present", again))
    assert len(letters.mails()) == 1


def test_a_child_is_late_news_beyond_the_threshold_only(letters: Letters) -> None:
    letters.families.say(PublishPolicy(name=MESSAGES_POLICY, head=0, values={"send.late": 1, "late_min": 20}))
    letters.families.clock.advance(40 * MINUTE)
    half_past = letters.families.clock.now().corrected + 50 * MINUTE
    for child, minutes in ((BEN, 25), (ANA, 15)):
        item = ChildMark(child=child, state="late", reason="traffic", expected_ms=half_past + minutes * MINUTE)
        letters.families.say(MarkAttendance(session=HALF_PAST, items=(item,)))
    letters.mails()
    assert [message.children for message in letters.families.messages()] == [(BEN,)]


def test_a_guardian_whose_booking_was_undone_hears_of_it_and_nobody_else(letters: Letters) -> None:
    rig = letters.families
    rig.say(VerifyContact(contact=GINA, way="email"), Author(type="clock", id=STUDIO))
    rig.say(CreateBooking(session=EVENING, child=ANA, family=FAMILY, location=MAIN), Author(type="guardian", id=GINA))
    rig.say(CancelBooking(session=EVENING, child=ANA), staff(CLERK))
    ((subject, _),) = letters.mails()
    assert subject == "Your word on Ballet was changed"
    assert [message.guardian for message in rig.messages()] == [GINA]


def test_what_was_signed_for_several_children_at_once_is_told_once(letters: Letters) -> None:
    for child in (ANA, BEN):
        effect = intent(ConsentChanged(child=child, home=MAIN), operation=Id(child), position=0, home=Home.CLOUD)
        telling.RUNNERS[ConsentChanged.KIND](letters.families.cloud.studios, STUDIO, effect)
    assert [subject for subject, _ in letters.mails()] == ["What is signed for your family has changed"]


def test_a_pass_that_is_cancelled_and_made_anew_is_told_and_sent(letters: Letters) -> None:
    rig = letters.families
    rig.say(RevokePass(family=FAMILY, home=MAIN, epoch=1, reason="lost"))
    letters.mails()
    now_s = rig.clock.now().corrected // 1000
    rig.say(
        IssuePass(
            family=FAMILY, home=MAIN, handle=HANDLE, issued_s=now_s, expires_s=now_s + 86_400 * 300, because="revoked"
        )
    )
    subjects = [subject for subject, _ in letters.mails()]
    assert subjects == ["Your family's pass for Small Steps is cancelled", "Your family's pass for Small Steps"]


def test_nobody_is_told_that_the_pass_of_an_erased_family_is_cancelled(letters: Letters) -> None:
    rig = letters.families
    rig.say(ErasePeople(people=(FAMILY, ANA, BEN, GINA), why="request"))
    assert letters.mails() == []
    assert not search(rig.cloud.studios.storage(STUDIO), Message, "by_family", FAMILY)


def test_a_pass_to_one_class_is_sent_with_its_code_in_the_letter(letters: Letters) -> None:
    rig = letters.families
    text = rig.admit(HALF_PAST)
    ((subject, body),) = letters.mails()
    assert subject.startswith("The pass to Yoga on ")
    assert "opens this one class" in body
    assert "https://pages.example/f/in/" in body
    (file,) = letters.inbox.files()
    letter = message_from_bytes(file.read_bytes(), policy=policy.default)
    (picture,) = [part for part in letter.walk() if part.get_content_type() == "image/png"]
    drawn = cv2.imdecode(np.frombuffer(picture.get_content(), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert [code.text for code in zxingcpp.read_barcodes(drawn)] == [text]
    rig.say(PublishPolicy(name=MESSAGES_POLICY, head=0, values={"send.entry": 0}))
    rig.say(RevokeAttendeePass(session=HALF_PAST, child=ANA, epoch=1))
    rig.admit(EVENING, BEN)
    assert len(letters.mails()) == 1, "not where the studio does not wish it"


def test_a_child_that_is_given_back_is_told_once(letters: Letters) -> None:
    rig = letters.families
    hand = HandOver(session=HALF_PAST, child=ANA, adult=GINA, method="code")
    rig.say(hand, staff(CLERK))
    assert [subject for subject, _ in letters.mails()] == ["Picked up from Small Steps"]
    with pytest.raises(AssertionError, match=r"pickup\.already"):
        rig.say(hand, staff(CLERK))
    assert len(letters.mails()) == 1, "the alarm is the desk's"


class Telephones:
    """An SMS way that can be cut in the middle of a sending."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.dies = False

    def send(self, to: str, text: str, about: str = "") -> Answer:
        self.sent.append(text)
        if self.dies:
            raise SystemExit("killed")  # not an Exception: as if the process ended here
        return Answer("sent")  # type: ignore[arg-type]


@pytest.mark.parametrize(("template", "times"), [("page", 1), ("alarm", 2)])
def test_an_sms_cut_in_the_middle_is_not_sent_twice_but_in_an_emergency(
    tmp_path: Path, template: str, times: int
) -> None:
    telephones = Telephones()
    inbox = LocalInbox(tmp_path / "inbox")
    with families(tmp_path, Post(InboxMail(inbox), telephones)) as rig:
        rig.say(PublishPolicy(name=MESSAGES_POLICY, head=0, values={"channels": "sms"}))
        rig.say(AskMessage(family=FAMILY, template=template, text="Come"))
        telephones.dies = True
        with pytest.raises(SystemExit):
            rig.send()
        telephones.dies = False
        rig.clock.advance(MINUTE)
        rig.send()
        (message,) = rig.messages()
        assert len(telephones.sent) == times
        states = {one.channel: (str(one.state), one.code) for one in message.deliveries}
        assert states["sms"] == (("failed", UNSURE) if times == 1 else ("sent", ""))
        if times == 1:
            rig.say(TryAgain(message=message.id))
            rig.send()
            assert [str(one.state) for one in rig.messages()[0].deliveries] == ["sent"]
            assert len(telephones.sent) == 2, "somebody at the desk said so"


def test_another_try_from_the_desk_believes_in_a_bounced_address_again(letters: Letters) -> None:
    rig = letters.families
    rig.say(AskMessage(family=FAMILY, template="news", text="Snow"))
    rig.send()
    (message,) = rig.messages()
    (sent,) = message.deliveries
    came_back: Delivery = Delivery(
        id=sent.id, channel=sent.channel, shown=sent.shown, guardians=sent.guardians, state="bounced",  # type: ignore[arg-type]
        at_ms=rig.clock.now().corrected, code="5.2.2",
    )  # fmt: skip
    rig.say(SettleMessage(message=message.id, deliveries=(came_back,)), Author(type="clock", id=STUDIO))
    rig.say(TryAgain(message=message.id))
    rig.send()
    after = rig.messages()[0]
    assert {one.channel: str(one.state) for one in after.deliveries}["email"] == "sent"
    assert len([subject for subject, _ in letters.mails() if subject == "News from Small Steps"]) >= 2
