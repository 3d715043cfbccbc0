"""What a device may be told by another, of the whole house: facts that may be laid over rows which have them in already."""

import itertools
from typing import Any, NamedTuple

import pytest

from classtap_core.access.operations import OpenLock, RevokeDevice
from classtap_core.access.revealing import OpenReveal
from classtap_core.access.rules import scopes_for
from classtap_core.checkin.attempts import Attempt, OverrideScan, RecordAttempts
from classtap_core.checkin.attendees import IssueAttendeePass, RevokeAttendeePass
from classtap_core.checkin.operations import ChildMark, MarkAttendance, RecordScan
from classtap_core.checkin.release import KNOWN, HandOver
from classtap_core.documents.operations import TakeBackConsent
from classtap_core.documents.records import Attached
from classtap_core.health.operations import ConfirmProfile, EditProfile, FilePaper, OpenCard, UnfilePaper
from classtap_core.health.records import Allergy, HealthFacts
from classtap_core.house import registry
from classtap_core.kernel.batches import Batch, Received, read_batch
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Kind, Payload
from classtap_core.messaging.operations import AskMessage, SeeUnreached, SettleMessage, StopContact, TryAgain
from classtap_core.messaging.records import Delivery, State
from classtap_core.passes.operations import ApplyRevokedKeys, IssuePass, RevokePass
from classtap_core.people.guardian_operations import BlockGuardian
from classtap_core.schedule.reach import Reach
from classtap_core.seating.operations import AddComment
from classtap_core.seating.tagging import TagSpot
from tests.unit.documents.paper import MUM, WAIVER, WORDS, attach, publish, signing_of, with_mum
from tests.unit.house.world import (
    ANA,
    BEN,
    BLUE,
    CLERK,
    CLOCK,
    DESK,
    FAMILY,
    HALF_PAST,
    KIOSK,
    MAIN,
    OTHER_KIOSK,
    OWNER,
    STUDIO,
    YOGA,
    Member,
    World,
    device,
    named,
    staff,
)

EVERYTHING = (*scopes_for("desk", ""), "contested")
ONE, OTHER = DESK, KIOSK  # two desks of this test, by ids that the studio knows


class Said(NamedTuple):
    """A fact, by who may say it."""

    payload: Payload
    author: Author


def facts(world: World, of: Id) -> list[Said]:
    """At least one of each kind that the house knows, as said at one of two devices; most of them about the same things."""
    one = of == ONE
    clerk, owner, here = staff(CLERK), staff(OWNER), device(of)
    paper, message = world.paper, world.message  # type: ignore[attr-defined]
    return [
        Said(
            MarkAttendance(
                session=HALF_PAST,
                items=(ChildMark(child=BEN, state="present" if one else "late"), ChildMark(child=ANA, state="late")),
            ),
            clerk,
        ),
        Said(HandOver(session=HALF_PAST, child=ANA, adult=MUM, method=KNOWN), clerk),
        Said(StopContact(items=(MUM,), channel="email"), clerk),
        Said(RevokeDevice(device=OTHER_KIOSK, reason="lost"), owner),
        Said(signing_of(WORDS, ANA, BEN), clerk),
        Said(TakeBackConsent(child=ANA, guardian=MUM, document=WAIVER), clerk),
        Said(BlockGuardian(child=ANA, guardian=MUM, reason="court"), clerk),
        Said(ConfirmProfile(child=BEN), clerk),
        Said(FilePaper(child=BEN, paper="vaccination", expires="2027-01-01"), clerk),
        Said(UnfilePaper(child=BEN, paper=paper), clerk),
        Said(OpenCard(child=ANA, location=MAIN, reason="fell"), clerk),
        Said(ApplyRevokedKeys(location=MAIN, version=2, revoked=(1,)), here),
        Said(TryAgain(message=message), clerk),
        Said(AskMessage(family=FAMILY, template="pass"), clerk),
        Said(SeeUnreached(message=message, home=MAIN, raised_ms=1 << 45), clerk),
        Said(RevokeAttendeePass(session=HALF_PAST, child=ANA, epoch=1), clerk),
        Said(RevokePass(family=FAMILY, home=MAIN, epoch=1, reason="lost"), clerk),
        Said(
            OpenReveal(
                reveal=named(f"reveal {of}"), home=MAIN, subject=ANA, what="contact", why="She fell and bleeds."
            ),
            clerk,
        ),
        Said(
            RecordAttempts(
                location=MAIN,
                date=DAY,
                items=(Attempt(outcome="bad", reason="signature", count=2, first_ms=1, last_ms=2),),
            ),
            here,
        ),
        Said(
            OverrideScan(location=MAIN, date=DAY, outcome="expired", handle="00" * 8, family=FAMILY, reason="ok"), owner
        ),
        Said(RecordScan(location=MAIN, date=DAY, outcome="ok", handle="00" * 8, family=FAMILY), here),
        Said(
            RecordScan(
                location=MAIN,
                date=DAY,
                outcome="ok",
                handle="11" * 8,
                attendee=world.attendee,  # type: ignore[attr-defined]
                within=f"roster/{MAIN}/{DAY}",
            ),
            here,
        ),
        Said(
            AddComment(comment=named(f"note {of}"), location=MAIN, subject=named("draft"), writer=OWNER, text="Dark."),
            owner,
        ),
        Said(
            TagSpot(
                room=BLUE, location=MAIN, spot="A1", by=OWNER, state="out_of_service" if one else "needs_attention"
            ),
            owner,
        ),
        Said(OpenLock(staff=CLERK), owner),
    ]


DAY = "2026-11-21"


def made() -> World:
    world = World()
    publish(world)
    attach(world, Attached(reach=Reach(class_type=YOGA), severity="warn"))
    with_mum(world)
    world.say(IssuePass(family=FAMILY, home=MAIN, handle="00" * 8, issued_s=1, expires_s=2))
    admit = IssueAttendeePass(
        session=HALF_PAST, child=ANA, handle="11" * 8, token="0123456789ab", issued_s=1, expires_s=2
    )
    assert world.say(admit).link.outcome.stands
    world.attendee = next(id for kind, id in world.cloud.state.all() if kind == "attendee_pass")  # type: ignore[attr-defined]
    world.say(
        EditProfile(
            child=BEN, base=HealthFacts(), wanted=HealthFacts(allergies=(Allergy(what="Peanut", severity="severe"),))
        )
    )
    world.paper = world.say(FilePaper(child=BEN, paper="tetanus")).link.operation  # type: ignore[attr-defined]
    world.message = world.say(AskMessage(family=FAMILY, template="news", text="Hi")).link.operation  # type: ignore[attr-defined]
    lost = Delivery(
        id=named("d"), channel="email", shown="g", guardians=(MUM,), state=State.FAILED, at_ms=world.clock.wall
    )
    world.say(SettleMessage(message=world.message, deliveries=(lost,), routed=True), CLOCK)  # type: ignore[attr-defined]
    return world


def join(world: World, id: Id, offset: int = 0) -> Member:
    return world.join(id, scopes=EVERYTHING, offset=offset)


def run_of(author: Member) -> Batch:
    (entry,) = author.store.entries([1])
    return Batch(STUDIO, author.store.head().device, 1, (Received(entry.data, entry.parts),), b"")


def hear(listener: Member, run: Batch) -> None:
    listener.bus.hear(run, read_batch(run), holds=lambda shape, scopes: True)


def base(member: Member) -> dict[Any, bytes]:
    return {ref: row.body for ref, row in member.store.base.all().items()}


def as_in_the_cloud(world: World, member: Member) -> bool:
    return base(member) == {
        ref: row.body for ref, row in world.cloud.state.all().items() if member.store.holds(row.scope)
    }


NAMES = [f"{at} {type(said.payload).SPEC.name}" for at, said in enumerate(facts(made(), ONE))]
KEPT = {"health.confirm", "message.again"}
"""What is not told: over a row that has more in than this, it comes to something else."""
SILENT = {"keys.applied", "staff.open_lock"}
"""What changes no record: there is nothing to be seen of it elsewhere."""


def test_every_fact_of_the_house_is_among_them() -> None:
    kinds = {name for name, spec in registry().specs.items() if spec.kind is Kind.FACT}
    assert {name.split(" ")[1] for name in NAMES} == kinds
    assert {name for name, spec in registry().specs.items() if spec.told} == kinds - KEPT


@pytest.mark.parametrize("at", range(len(NAMES)), ids=NAMES)
def test_a_fact_heard_is_what_the_cloud_makes_of_it_and_changes_nothing_twice(at: int) -> None:
    world = made()
    author, listener = join(world, ONE), join(world, OTHER)
    said = facts(world, ONE)[at]
    receipt = author.bus.submit(said.payload, said.author)
    assert receipt.outcome.stands, receipt.outcome
    assert bool(receipt.changes) == (receipt.decision.op.kind not in SILENT)
    before = base(listener)
    hear(listener, run_of(author))
    heard = base(listener)
    if receipt.decision.op.kind in KEPT:
        assert heard == before
        return
    assert {ref for ref in heard if heard[ref] != before.get(ref)} == {change.ref for change in receipt.changes}
    listener.bus.apply([Pulled(kind, id, row.scope, row.body) for (kind, id), row in listener.store.base.all().items()])
    assert base(listener) == heard
    world.push(ONE)
    world.pull(OTHER)  # with it in, while what was told lies there still
    assert as_in_the_cloud(world, listener)


def wrote(world: World, at: int, of: Id) -> set[Any]:
    said = facts(world, of)[at]
    return {change.ref for change in join(world, of).bus.decide(said.payload, said.author).changes}


def meeting() -> list[tuple[int, int]]:
    """Facts of two devices that write one record."""
    world = made()
    mine, theirs = ([wrote(world, at, of) for at in range(len(NAMES))] for of in (ONE, OTHER))
    told = [at for at, name in enumerate(NAMES) if name.split(" ")[1] not in KEPT]
    return [(one, other) for one, other in itertools.product(told, told) if mine[one] & theirs[other]]


@pytest.mark.parametrize(("one", "other"), meeting(), ids=lambda at: NAMES[at].split(" ")[1])
def test_two_facts_about_one_thing_come_to_the_same_in_whatever_order_they_are_heard(one: int, other: int) -> None:
    world = made()
    authors = (join(world, ONE), join(world, OTHER, offset=5_000))
    for author, at in zip(authors, (one, other), strict=True):
        said = facts(world, author.store.head().device)[at]
        assert author.bus.submit(said.payload, said.author).sequence
    listeners = [join(world, third) for third in (OTHER_KIOSK, named("fourth"))]
    for listener, order in zip(listeners, (authors, authors[::-1]), strict=True):
        for author in order:
            hear(listener, run_of(author))
    assert base(listeners[0]) == base(listeners[1])
    for id in (OTHER, ONE):  # the cloud knows one of them, and then both
        world.push(id)
        for third in (OTHER_KIOSK, named("fourth")):
            world.pull(third)
    assert all(as_in_the_cloud(world, listener) for listener in listeners)
