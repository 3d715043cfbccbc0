"""Documents through the bus: published, attached, signed by every route, taken back; and no place without a signature."""

import pytest
from msgspec.structs import replace

from classtap_core.booking.operations import CreateBooking
from classtap_core.booking.records import Booking
from classtap_core.checkin.operations import ChildMark
from classtap_core.documents.operations import (
    AskSigningCode,
    AttachDocument,
    PublishDocument,
    TakeBackConsent,
    WithdrawVersion,
)
from classtap_core.documents.records import Attached, Consents, SigningCode, signing_code_id
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Outcome, Status
from classtap_core.kernel.records import decode
from classtap_core.people.guardian_operations import BlockGuardian
from classtap_core.schedule.reach import Reach
from tests.unit.documents.paper import (
    MUM,
    WAIVER,
    WORDS,
    attach,
    document,
    mum,
    publish,
    signing,
    with_mum,
    with_waiver,
)
from tests.unit.house.world import (
    ANA,
    BALLET,
    BEN,
    CLERK,
    DESK,
    EVENING,
    FAMILY,
    HALF_PAST,
    KIOSK,
    MAIN,
    NINE_BALLET,
    TEACHER,
    ZOE,
    World,
    device,
    named,
    staff,
    state_of,
)

BOOK_ANA = CreateBooking(session=EVENING, child=ANA, family=FAMILY, location=MAIN)


def code(outcome: Outcome) -> str:
    reasons = outcome.items[0].reasons if outcome.items else outcome.reasons
    return reasons[0].code if reasons else ""


def consents(world: World, child: Id) -> Consents:
    return decode(Consents, state_of(world.cloud, Consents)[child])


def test_no_place_without_a_signature_and_then_one() -> None:
    world = with_waiver()
    refused = world.say(BOOK_ANA).link.outcome
    assert (refused.status, code(refused)) == (Status.REFUSED, "gate.consent_missing")
    assert refused.reasons[0].params["what"] == "Waiver"
    assert world.say(signing(world), mum()).link.outcome.stands
    assert world.say(BOOK_ANA).link.outcome.stands


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        (staff(CLERK), "gate.consent_missing"), (mum(), "gate.consent_missing"), (device(KIOSK), "gate.consent_missing"),
        (Author(type="clock", id=named("studio")), "gate.consent_missing"), (staff(TEACHER), "permission.denied"),
    ],
    ids=["desk", "page", "kiosk", "job", "nobody"],
)  # fmt: skip
def test_every_route_meets_the_same_gate(author: Author, expected: str) -> None:
    world = with_waiver()
    if author.type == "device":
        world.join(KIOSK)
        receipt = world.members[KIOSK].bus.submit(BOOK_ANA, author)
        assert receipt.outcome.status is Status.WAITING
        (answer,) = world.push(KIOSK)
        outcome = answer.outcome
    else:
        outcome = world.say(BOOK_ANA, author).link.outcome
    assert code(outcome) == expected
    assert not [
        row
        for row in state_of(world.cloud, Booking).values()
        if decode(Booking, row).session == EVENING and decode(Booking, row).child == ANA
    ]


def test_a_kiosk_decides_offline_and_stops_no_sibling() -> None:
    world = with_waiver()
    assert world.say(signing(world, BEN), mum()).link.outcome.stands
    kiosk = world.join(KIOSK)
    receipt = kiosk.mark(HALF_PAST, ChildMark(child=ANA, state="present"), ChildMark(child=BEN, state="present"))
    assert [(item.status, [one.code for one in item.reasons]) for item in receipt.outcome.items] == [
        (Status.REFUSED, ["gate.consent_missing"]), (Status.ACCEPTED, []),
    ]  # fmt: skip
    late = kiosk.mark(HALF_PAST, ChildMark(child=ANA, state="late", reason="traffic"))
    assert late.outcome.status is Status.ACCEPTED


def test_staff_admit_and_say_why_unless_the_document_is_firm() -> None:
    for firm, status in ((False, Status.ACCEPTED), (True, Status.REFUSED)):
        world = with_waiver(firm=firm)
        desk = world.join(DESK, role="desk")
        receipt = desk.mark(
            NINE_BALLET, ChildMark(child=ANA, state="present", override="guardian_called"), author=staff(CLERK)
        )
        assert receipt.outcome.items[0].status is status, firm
    world = with_waiver()
    assert world.say(replace(BOOK_ANA, override="guardian_called"), staff(CLERK)).link.outcome.stands


def test_where_it_is_attached_and_only_there() -> None:
    world = with_waiver(Attached(reach=Reach(class_type=BALLET), at="booking"))
    assert code(world.say(BOOK_ANA).link.outcome) == "gate.consent_missing"
    kiosk = world.join(KIOSK)
    assert kiosk.mark(NINE_BALLET, ChildMark(child=ANA, state="present")).outcome.stands
    attach(world, retired=True)
    assert world.say(BOOK_ANA).link.outcome.stands


def test_only_who_may_sign_signs_and_with_a_verified_contact() -> None:
    world = with_waiver()
    stranger = Author(type="guardian", id=named("stranger"))
    said = replace(signing(world), guardian=stranger.id)
    assert code(world.say(said, stranger).link.outcome) == "gate.contact_unverified"
    assert code(world.say(signing(world), stranger).link.outcome) == "signing.other_guardian"
    unverified = World()
    publish(unverified)
    attach(unverified)
    with_mum(unverified, verified=False)
    assert code(unverified.say(signing(unverified), mum()).link.outcome) == "gate.contact_unverified"
    booked = unverified.say(replace(BOOK_ANA, override=""), mum()).link.outcome
    assert code(booked) == "gate.contact_unverified"
    world.say(BlockGuardian(child=ANA, guardian=MUM))
    outcome = world.say(signing(world), mum()).link.outcome
    assert [(item.key, item.status) for item in outcome.items] == [(ANA, Status.REFUSED), (BEN, Status.ACCEPTED)]
    assert code(outcome) == "gate.guardian_right"


def test_nobody_signs_other_words_than_they_saw() -> None:
    world = with_waiver()
    seen = signing(world)
    version = replace(seen.items[0].documents[0], hash="0" * 64)
    items = tuple(replace(item, documents=(version,)) for item in seen.items)
    assert code(world.say(replace(seen, items=items), mum()).link.outcome) == "document.other_words"
    unknown = replace(version, number=7)
    items = tuple(replace(item, documents=(unknown,)) for item in seen.items)
    assert code(world.say(replace(seen, items=items), mum()).link.outcome) == "document.unknown"
    assert code(world.say(replace(seen, name=" "), mum()).link.outcome) == "signing.incomplete"


def test_what_was_signed_is_kept_with_its_evidence_and_can_be_taken_back() -> None:
    world = with_waiver()
    world.say(signing(world), mum())
    (kept,) = consents(world, ANA).signings
    assert (kept.guardian, kept.number, kept.hash, kept.method) == (MUM, 1, document(world).editions[0].hash, "typed")
    assert kept.artifact.type == "application/pdf"
    world.clock.advance(1_000)
    assert world.say(TakeBackConsent(child=ANA, guardian=MUM, document=WAIVER), mum()).link.outcome.stands
    assert code(world.say(BOOK_ANA).link.outcome) == "gate.consent_missing"
    assert len(consents(world, ANA).signings) == 1


def test_a_breaking_version_asks_again_from_its_day_on() -> None:
    world = with_waiver()
    world.say(signing(world), mum())
    publish(world, effective="2026-11-21", breaking=True)
    assert code(world.say(BOOK_ANA).link.outcome) == "gate.consent_outdated"
    head = document(world).revision
    assert world.say(WithdrawVersion(document=WAIVER, head=head, number=2, day="2026-11-21")).link.outcome.stands
    assert world.say(BOOK_ANA).link.outcome.stands


def test_documents_are_written_over_the_revision_somebody_saw() -> None:
    world = with_waiver()
    stale = PublishDocument(
        document=WAIVER, head=1, name="Waiver", category="waiver", effective="2026-12-01", wordings=WORDS, summary="x"
    )
    assert code(world.say(stale).link.outcome) == "document.head_moved"
    for field, value, expected in (
        ("summary", " ", "document.summary"), ("category", "poem", "document.category"), ("name", "", "document.name_empty"),
        ("effective", "2026-01-01", "document.past"), ("effective", "soon", "time.date"), ("wordings", (), "document.wording"),
    ):  # fmt: skip
        assert code(world.say(replace(stale, head=2, **{field: value})).link.outcome) == expected, field
    nowhere = AttachDocument(document=WAIVER, head=2, attached=(Attached(reach=Reach(location=named("x"))),))
    assert code(world.say(nowhere).link.outcome) == "document.attached"
    unknown = AttachDocument(document=named("none"), head=0)
    assert code(world.say(unknown).link.outcome) == "document.unknown"
    assert (
        code(world.say(WithdrawVersion(document=WAIVER, head=2, number=9, day="2026-12-01")).link.outcome)
        == "document.version_unknown"
    )
    assert code(world.say(WithdrawVersion(document=WAIVER, head=2, number=1, day="x")).link.outcome) == "time.date"


def test_signing_at_a_kiosk_takes_a_code_that_the_cloud_sent() -> None:
    world = with_waiver()
    kiosk = world.join(KIOSK)
    early = kiosk.bus.submit(signing(world), device(KIOSK))
    assert code(early.outcome) == "gate.contact_unverified"
    asked = kiosk.bus.submit(AskSigningCode(guardian=MUM, home=MAIN, code="123456"), device(KIOSK))
    assert asked.outcome.status is Status.WAITING
    world.sync(KIOSK)
    known = decode(SigningCode, state_of(kiosk.store, SigningCode)[signing_code_id(MUM)])
    assert (known.request, known.device) == (asked.operation, KIOSK)
    assert b"123456" not in state_of(kiosk.store, SigningCode)[known.id]
    kiosk.clock.advance(60_000)
    signed = kiosk.bus.submit(signing(world, code=asked.operation), device(KIOSK))
    assert signed.outcome.status is Status.ACCEPTED
    assert kiosk.mark(NINE_BALLET, ChildMark(child=ANA, state="present")).outcome.stands
    world.clock.advance(60_000)
    world.sync(KIOSK)
    assert [one.operation for one in consents(world, ANA).signings] == [signed.operation]


def test_codes_are_sent_to_verified_contacts_and_three_in_five_minutes() -> None:
    world = with_waiver()
    ask = AskSigningCode(guardian=MUM, home=MAIN, code="123456")
    (effect,) = world.say(ask).effects
    assert (effect.kind, effect.body["way"], effect.body["code"]) == ("signing.code", "email", "123456")
    assert [code(world.say(ask).link.outcome) for _ in range(3)] == ["", "", "signing.too_many_codes"]
    world.clock.advance(5 * 60_000 + 1)
    assert world.say(ask).link.outcome.stands
    assert code(world.say(replace(ask, code="12345x")).link.outcome) == "signing.code_form"
    unverified = World()
    assert code(unverified.say(ask).link.outcome) == "contact.unverified"
    assert code(unverified.say(replace(ask, guardian=named("nobody"))).link.outcome) == "guardian.unknown"


def test_a_child_of_another_house_is_asked_of_staff() -> None:
    world = with_waiver()
    kiosk = world.join(KIOSK, scopes=("studio", "schedule/*", "roster/*", "families/elsewhere"))
    receipt = kiosk.mark(NINE_BALLET, ChildMark(child=ZOE, state="present"))
    assert code(receipt.outcome) == "gate.not_held"


def test_who_takes_back_and_who_may_not() -> None:
    world = with_waiver()
    world.say(signing(world), mum())
    back = TakeBackConsent(child=ANA, guardian=MUM, document=WAIVER)
    stranger = Author(type="guardian", id=named("stranger"))
    assert code(world.say(back, stranger).link.outcome) == "signing.other_guardian"
    assert code(world.say(replace(back, guardian=stranger.id), stranger).link.outcome) == "gate.guardian_right"
    assert code(world.say(replace(back, child=named("x"))).link.outcome) == "gate.guardian_right"
    world.clock.advance(1)
    assert world.say(back, staff(CLERK)).link.outcome.stands
    assert len(consents(world, ANA).endings) == 1


def test_what_is_asked_that_cannot_be() -> None:
    world = with_waiver()
    backwards = Attached(reach=Reach(first="2026-02-01", last="2026-01-01"))
    said = AttachDocument(document=WAIVER, head=2, attached=(backwards,))
    assert code(world.say(said).link.outcome) == "reach.span"
    stale = WithdrawVersion(document=WAIVER, head=0, number=1, day="2026-12-01")
    assert code(world.say(stale).link.outcome) == "document.head_moved"
    assert (
        code(world.say(WithdrawVersion(document=named("x"), head=0, number=1, day="2026-12-01")).link.outcome)
        == "document.unknown"
    )
    empty = signing(world, ANA)
    items = tuple(replace(item, documents=()) for item in empty.items)
    assert code(world.say(replace(empty, items=items), mum()).link.outcome) == "signing.incomplete"
    nobody = replace(BOOK_ANA, child=named("nobody"))
    assert code(world.say(nobody).link.outcome) == "gate.child_unknown"
