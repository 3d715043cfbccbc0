"""Families hear of documents that end: once a document and period, from nine in the morning on, and nobody who may not sign."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from fast_mail_parser import parse_email
from msgspec.structs import replace

from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.documents.operations import AttachDocument, PublishDocument
from classtap_core.documents.records import Attached
from classtap_core.eligibility.rules import Fulfilled
from classtap_core.health.operations import FilePaper, RequirePaper, UnfilePaper
from classtap_core.messaging.settings import MESSAGES_POLICY
from classtap_core.people.guardian_operations import EditGuardian, GuardianFacts
from classtap_core.people.guardians import PRIMARY, Right, Role
from classtap_core.people.learners import EditLearner, LearnerFacts
from classtap_core.people.verification import VerifyContact
from classtap_core.schedule.reach import Reach
from cloud.messaging.ports import LocalInbox
from cloud.messaging.reminding import Reminders
from tests.cloud.families import GINA, Families, families
from tests.unit.documents.paper import WAIVER, WORDS, mum, signing_of
from tests.unit.house.world import ANA, BEN, CLOCK, FAMILY, MINUTE, STUDIO, named

TODAY = date(2026, 11, 21)
DAY = 24 * 60 * MINUTE


class Rig:
    """A studio at nine in the morning; `round` is a clock that begins anew each time, as after a restart."""

    def __init__(self, found: Families) -> None:
        self.families, self.say = found, found.say
        found.clock.advance(60 * MINUTE)

    def round(self) -> list[tuple[str, Any]]:
        """What was asked for anew: each message's template and children."""
        before = {one.id for one in self.families.messages()}
        Reminders(self.families.cloud.studios).tend(STUDIO)
        return [(one.template, one.children) for one in self.families.messages() if one.id not in before]

    def days(self, number: int) -> None:
        self.families.clock.advance(number * DAY)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with families(tmp_path) as found:
        yield Rig(found)


def paper(days: int, child: Any = ANA, kind: str = "card") -> FilePaper:
    return FilePaper(child=child, paper=kind, issued="2026-01-01", expires=(TODAY + timedelta(days=days)).isoformat())


def test_a_health_paper_is_told_of_30_14_and_7_days_before_and_on_its_day_and_never_twice(rig: Rig) -> None:
    rig.say(paper(31))
    told = []
    for day in range(45):
        if rig.round():
            told.append(day)
        assert rig.round() == [], "another worker, the same day"
        rig.days(1)
    assert told == [1, 17, 24, 31]


def test_what_a_cloud_that_was_away_missed_is_told_late_and_once(rig: Rig) -> None:
    rig.say(paper(40))
    rig.days(30)
    assert rig.round() == [("papers", (ANA,))]
    rig.days(1)
    assert rig.round() == []
    rig.days(60)
    assert rig.round() == [], "what ended long ago is no news"


def test_a_newer_paper_and_one_taken_back_and_a_kind_nobody_asks_for_are_told_as_they_stand(rig: Rig) -> None:
    rig.say(paper(5))
    newer = rig.say(paper(300)).link.operation
    assert rig.round() == []
    rig.say(UnfilePaper(child=ANA, paper=newer))
    assert rig.round() == [("papers", (ANA,))]
    require = {"requirement": named("card"), "paper": "card", "name": "Vaccination card"}
    rig.say(RequirePaper(head=0, reach=(Reach(),), **require))
    rig.say(RequirePaper(head=1, state="retired", **require))
    rig.say(paper(6, BEN))
    assert rig.round() == []


def test_a_certification_ends_as_a_paper_does_and_a_family_hears_of_all_in_one_message(rig: Rig) -> None:
    ends = (TODAY + timedelta(days=10)).isoformat()
    wanted = LearnerFacts(prerequisites=(Fulfilled("swim", "2026-01-01", ends), Fulfilled("safety", "2026-01-01")))
    rig.say(EditLearner(child=BEN, base=LearnerFacts(), wanted=wanted))
    rig.say(paper(20))
    assert rig.round() == [("papers", (BEN, ANA))]
    (message,) = rig.families.messages()
    assert message.values["days"] == 14, "the first of them to end"
    assert "swim" not in str(message.values)
    rig.say(paper(3, kind="note"))
    assert rig.round() == [("papers", (ANA,))], "only what they were not told of"


def test_only_who_may_sign_is_told_by_mail_and_neither_child_nor_paper_is_named(rig: Rig, tmp_path: Path) -> None:
    rig.say(paper(30))
    assert rig.round() == [("papers", (ANA,))]
    rig.families.send()
    (file,) = LocalInbox(tmp_path / "cloud" / "inbox").files()
    letter = parse_email(file.read_bytes())
    assert letter.subject == "A document of your family ends soon"
    assert "ends within 30 days" in letter.text_plain[0]
    assert "/f/in/" in letter.text_plain[0]
    assert b"Ana" not in file.read_bytes()
    assert b"card" not in file.read_bytes()
    base = GuardianFacts(roles=(Role(PRIMARY, "2026-01-01"),))
    rig.say(EditGuardian(child=ANA, guardian=GINA, base=base, wanted=replace(base, deny=(Right.SIGN,))))
    rig.days(16)
    assert rig.round() == [("papers", (ANA,))]
    rig.families.send()
    last = max(rig.families.messages(), key=lambda one: one.asked_ms)
    assert (last.deliveries, [one.why for one in last.passed]) == ((), ["denied_for_child"])


def test_a_waiver_signed_in_a_version_that_no_longer_does_is_asked_for_again_once_a_version(rig: Rig) -> None:
    rig.say(
        PublishDocument(
            document=WAIVER, head=0, name="Waiver", category="waiver", effective="2026-01-01", wordings=WORDS
        )
    )
    rig.say(AttachDocument(document=WAIVER, head=1, attached=(Attached(),)))
    assert rig.round() == [], "never signed is not signed in an old version"
    rig.say(VerifyContact(contact=GINA, way="email"), CLOCK)
    rig.say(signing_of(WORDS, ANA), mum())
    assert rig.round() == []
    for number, breaking in ((2, False), (3, True)):
        document = {
            "document": WAIVER,
            "name": "Waiver",
            "category": "waiver",
            "effective": "2026-11-22",
            "summary": "Mats",
        }
        rig.say(PublishDocument(head=number, wordings=WORDS, breaking=breaking, **document))
        rig.days(1)
        assert rig.round() == ([("sign_again", (ANA,))] if breaking else [])
    rig.days(1)
    assert rig.round() == []


def test_nobody_is_written_to_before_nine_and_not_where_the_studio_does_not_wish_it(tmp_path: Path) -> None:
    with families(tmp_path) as found:
        found.say(paper(5))
        reminders, last = Reminders(found.cloud.studios), found.clock.wall
        found.clock.advance(59 * MINUTE)
        assert reminders.tend(STUDIO, since_ms=last) == 0
        found.say(PublishPolicy(name=MESSAGES_POLICY, head=0, values={"send.papers": 0}))
        last = found.clock.wall
        found.clock.advance(11 * MINUTE)
        assert reminders.tend(STUDIO, since_ms=last) == 0
        last = found.clock.wall
        found.say(PublishPolicy(name=MESSAGES_POLICY, head=1, values={}))
        found.clock.advance(10 * MINUTE)
        assert reminders.tend(STUDIO, since_ms=last) == 0, "this day was done, by whichever worker"
        found.clock.advance(DAY)
        assert reminders.tend(STUDIO, since_ms=last) == 1
        assert [one.family for one in found.messages()] == [FAMILY]


def test_a_clock_that_was_ahead_keeps_nobody_from_being_told(tmp_path: Path) -> None:
    with families(tmp_path) as found:
        found.say(paper(5))
        found.clock.advance(60 * MINUTE)
        later = found.clock.wall + 10 * 365 * DAY
        assert Reminders(found.cloud.studios).tend(STUDIO, since_ms=later) == 1
