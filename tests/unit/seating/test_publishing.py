"""The life of a map: drafts side by side, approval, the lock, publishing under promises, rolling back, spots of bookings."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from classtap_core.booking.operations import CancelBooking, CreateBooking, TakeLease
from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.booking.records import Booking, booking_id
from classtap_core.booking.rescheduling import ChangeSession
from classtap_core.booking.spots import SeatBooking
from classtap_core.kernel.authority import Ledger
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import DUPLICATE, Outcome, Status
from classtap_core.kernel.records import decode
from classtap_core.schedule import seats as room_seats
from classtap_core.schedule.operations import AddSessions
from classtap_core.schedule.records import Session
from classtap_core.schedule.seats import RoomSeating, SeatLock, SeatMapVersion, lock_id, room_seating_id, version_id
from classtap_core.schedule.series import Change
from classtap_core.schedule.series_operations import EndSeries
from classtap_core.seating.documents import packed, unpacked
from classtap_core.seating.locking import ReleaseLock, TakeLock
from classtap_core.seating.model import SeatMap, Visibility
from classtap_core.seating.model import Status as SpotStatus
from classtap_core.seating.numbering import Numbering, number
from classtap_core.seating.operations import (
    AddComment,
    DecideDraft,
    DiscardDraft,
    SaveDraft,
    SubmitDraft,
    kept_beside_id,
)
from classtap_core.seating.presets import RemovePreset, SavePreset
from classtap_core.seating.publishing import Move, PublishSeatMap, RollBack
from classtap_core.seating.records import SeatComment, SeatDraft, SeatPreset, preset_id
from resources import path
from tests.unit.house.world import (
    ANA,
    BEN,
    BLUE,
    CLERK,
    DESK,
    EARLY,
    EVENING,
    FAMILY,
    HALF_PAST,
    MAIN,
    MINUTE,
    NINE_BALLET,
    OWNER,
    RED,
    STUDIO,
    TEACHER,
    ZOE,
    World,
    named,
    planned,
    staff,
    state_of,
)
from tests.unit.seating.rooms import room, spot_id

DRAFT = named("draft")


def a_map(drawing: str = "ab cd") -> SeatMap:
    """Spots `1,1` … in a room of cells, labelled A1, A2, B1, …"""
    return number(room(drawing.replace(" ", "\n")), Numbering())


def without(seat_map: SeatMap, *names: str) -> SeatMap:
    gone = {spot_id(name) for name in names}
    return replace(seat_map, spots=tuple(spot for spot in seat_map.spots if spot.id not in gone))


def having(seat_map: SeatMap, name: str, **fields: object) -> SeatMap:
    changed = (replace(spot, **fields) if spot.id == spot_id(name) else spot for spot in seat_map.spots)
    return replace(seat_map, spots=tuple(changed))


def one(world: World, record: type[Any], id: Id) -> Any:
    return decode(record, state_of(world.cloud, record)[id])


def codes(outcome: Outcome) -> list[str]:
    return [one.code for one in outcome.reasons] + [one.code for item in outcome.items for one in item.reasons]


def save(world: World, seat_map: SeatMap, *, draft: Id = DRAFT, base: str = "", by: Id = OWNER, room: Id = BLUE) -> Id:
    """Save a draft in the cloud; its revision."""
    ledger = world.say(
        SaveDraft(draft=draft, room=room, location=MAIN, name="Blue", document=packed(seat_map), base=base), staff(by)
    )
    assert ledger.link.outcome.status is Status.ACCEPTED, ledger.link.outcome
    return ledger.link.operation


def publish(
    world: World, revision: Id, *, draft: Id = DRAFT, head: int = 0, sessions: tuple[Id, ...] = (NINE_BALLET, EVENING),
    by: Id = OWNER, **fields: Any,
) -> Ledger:  # fmt: skip
    wanted = PublishSeatMap(
        draft=draft, revision=revision, room=BLUE, location=MAIN, head=head, sessions=sessions, **fields
    )
    return world.say(wanted, staff(by))


@pytest.fixture
def world() -> World:
    """At eight in the morning: of the blue room's sessions one has begun, two are to come."""
    return World(at=1_795_248_000_000 - 60 * MINUTE)


def put_up(world: World, seat_map: SeatMap | None = None) -> None:
    outcome = publish(world, save(world, seat_map or a_map())).link.outcome
    assert outcome.status is Status.ACCEPTED, outcome


def test_a_published_map_sets_places_of_every_session_to_come(world: World) -> None:
    """Ballet at nine had 2 places and one booking, the evening had 8; the map has 4."""
    ledger = publish(world, save(world, a_map()))
    assert ledger.link.outcome.status is Status.ACCEPTED
    capacities = {id: one(world, Session, id).capacity for id in (EARLY, NINE_BALLET, EVENING, HALF_PAST)}
    assert capacities == {EARLY: 8, NINE_BALLET: 4, EVENING: 4, HALF_PAST: 8}
    assert one(world, Session, EVENING).seat_map == 1
    version = one(world, SeatMapVersion, version_id(BLUE, 1))
    assert (version.capacity, unpacked(version.document)) == (4, a_map())
    assert one(world, RoomSeating, room_seating_id(BLUE)).current == 1
    assert one(world, SeatDraft, DRAFT).state == "published"
    freed = [(effect.kind, effect.body["session"], effect.body["places"]) for effect in ledger.effects]
    assert freed == [("seats.freed", NINE_BALLET, 2)]


def test_publishing_again_changes_nothing(world: World) -> None:
    revision = save(world, a_map())
    publish(world, revision)
    again = publish(world, revision)
    assert (again.link.outcome, again.effects) == (DUPLICATE, ())


def test_places_never_fall_below_what_is_booked_and_lent(world: World) -> None:
    world.say(CreateBooking(session=EVENING, child=ZOE, family=FAMILY, location=MAIN))
    world.say(TakeLease(session=EVENING, places=1))
    refused = publish(world, save(world, a_map("ab"))).link.outcome
    assert refused.status is Status.REFUSED
    by_session = {item.key: [(why.code, why.params) for why in item.reasons] for item in refused.items}
    assert by_session == {
        NINE_BALLET: [("session.with_others", {})],
        EVENING: [("seatmap.capacity_owed", {"owed": 3, "there": 2})],
    }
    assert one(world, Session, NINE_BALLET).seat_map == 0
    assert publish(
        world, one(world, SeatDraft, DRAFT).revision, sessions=(NINE_BALLET,), alone=True
    ).link.outcome.stands


def seat(world: World, session: Id, child: Id, name: str) -> Outcome:
    return world.say(SeatBooking(session=session, child=child, spot=spot_id(name))).link.outcome


def test_a_booked_spot_is_kept_or_the_report_says_where_it_could_go(world: World) -> None:
    put_up(world)
    assert seat(world, EVENING, BEN, "1,2").stands
    renamed = having(without(a_map(), "1,2"), "2,2", label="A2")
    revision = save(world, renamed, draft=named("second"))
    lost = publish(world, revision, draft=named("second"), head=1).link.outcome
    assert lost.status is Status.REFUSED
    assert lost.alternatives == ({"session": EVENING, "spot": spot_id("1,2"), "to": spot_id("2,2")},)
    assert "seatmap.seats_lost" in codes(lost)
    move = Move(spot=spot_id("1,2"), to=spot_id("2,2"))
    assert publish(world, revision, draft=named("second"), head=1, moves=(move,)).link.outcome.stands
    assert one(world, Booking, booking_id(STUDIO, EVENING, BEN)).spot == spot_id("2,2")


def test_a_booked_spot_out_of_service_stops_publishing(world: World) -> None:
    put_up(world)
    seat(world, EVENING, BEN, "1,2")
    broken = having(a_map(), "1,2", status=SpotStatus.OUT_OF_SERVICE)
    revision = save(world, broken, draft=named("second"))
    assert "seatmap.seats_lost" in codes(publish(world, revision, draft=named("second"), head=1).link.outcome)
    hidden = having(a_map(), "2,2", visibility=Visibility.HIDDEN)
    revision = save(world, hidden, draft=named("third"))
    assert publish(world, revision, draft=named("third"), head=1).link.outcome.stands
    assert one(world, Session, EVENING).capacity == 3


def test_a_map_with_faults_is_not_published(world: World) -> None:
    crowded = having(a_map(), "1,2", x_um=a_map().spots[0].x_um)
    told = publish(world, save(world, crowded)).link.outcome
    assert (told.status, set(codes(told))) == (Status.REFUSED, {"seatmap.violation"})
    unnamed = replace(room("ab"), name="n")
    told = publish(world, save(world, unnamed, draft=named("n")), draft=named("n")).link.outcome
    assert codes(told) == ["seatmap.unlabelled"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"head": 3}, "seatmap.head_moved"),
        ({"sessions": (EVENING,)}, "seatmap.sessions_moved"),
        ({"sessions": (EARLY, NINE_BALLET, EVENING)}, "session.past"),
        ({"sessions": (NINE_BALLET, EVENING, HALF_PAST)}, "session.unknown"),
        ({"alone": True, "sessions": ()}, "seatmap.no_sessions"),
        ({"by": CLERK}, "permission.denied"),
        ({"by": TEACHER}, "permission.denied"),
        ({"draft": named("nothing")}, "seatdraft.unknown"),
    ],
)
def test_what_cannot_be_published(world: World, fields: dict[str, Any], expected: str) -> None:
    revision = save(world, a_map())
    assert expected in codes(publish(world, revision, **fields).link.outcome)


def test_this_and_following_leaves_what_is_before(world: World) -> None:
    told = publish(world, save(world, a_map()), sessions=(EVENING,), since="2026-11-21T18:00").link.outcome
    assert told.stands
    assert (one(world, Session, NINE_BALLET).capacity, one(world, Session, EVENING).capacity) == (2, 4)


def test_a_session_planned_later_follows_the_room(world: World) -> None:
    put_up(world)
    late = named("late")
    world.say(AddSessions(location=MAIN, items=(planned(late, "2026-11-21T19:00"),)))
    assert (one(world, Session, late).capacity, one(world, Session, late).seat_map) == (4, 1)


def test_a_plan_and_a_publish_are_never_judged_at_once() -> None:
    """Two workers hold the same guard, so what is planned meanwhile is seen by the publish or follows the new map."""
    plans: list[Any] = [
        AddSessions(location=MAIN, items=(planned(named("late"), "2026-11-21T19:00"),)),
        ChangeSession(session=EVENING, change=Change(room=BLUE)),
        EndSeries(series=named("series"), original="2026-11-21T19:00"),
    ]
    publishes = [
        PublishSeatMap(draft=DRAFT, revision=DRAFT, room=BLUE, location=MAIN, head=0),
        RollBack(room=BLUE, location=MAIN, head=1, to=1),
    ]
    for plan in plans:
        for publishing in publishes:
            assert set(plan.guards(None)) & set(publishing.guards(None))


def test_a_class_moves_into_no_map_smaller_than_what_it_owes(world: World) -> None:
    """Half past nine has two booked and one place lent; the blue room's map has two spots."""
    put_up(world, a_map("ab"))
    world.say(TakeLease(session=HALF_PAST, places=1))
    move = ChangeSession(session=HALF_PAST, change=Change(room=BLUE, start="2026-11-21T13:00"))
    told = world.say(move).link.outcome
    assert [(why.code, why.params) for item in told.items for why in item.reasons] == [
        ("session.capacity_owed", {"owed": 3, "there": 2})
    ]
    assert one(world, Session, HALF_PAST).room == RED
    put_up_larger = save(world, a_map("abc"), draft=named("larger"))
    assert publish(world, put_up_larger, draft=named("larger"), head=1).link.outcome.stands
    assert world.say(move).link.outcome.stands
    assert one(world, Session, HALF_PAST).capacity == 3
    more = world.say(ChangeSession(session=HALF_PAST, change=Change(overbook=1)))
    assert [(effect.kind, effect.body["places"]) for effect in more.effects] == [("seats.freed", 1)]


def test_places_changed_by_hand_stay_between_what_is_owed_and_the_map(world: World) -> None:
    put_up(world)
    world.say(CreateBooking(session=EVENING, child=ZOE, family=FAMILY, location=MAIN))
    ledger = world.say(ChangeSession(session=EVENING, change=Change(capacity=9)))
    assert ledger.link.outcome.stands
    assert not ledger.effects, "the map has no more than four"
    assert one(world, Session, EVENING).capacity == 4
    told = world.say(ChangeSession(session=EVENING, change=Change(capacity=1))).link.outcome
    assert codes(told) == ["session.capacity_owed"]
    assert one(world, Session, EVENING).capacity == 4


def test_a_version_for_one_occurrence_leaves_the_room_as_it_is(world: World) -> None:
    put_up(world)
    revision = save(world, without(a_map(), "2,2"), draft=named("second"))
    told = publish(world, revision, draft=named("second"), head=1, sessions=(EVENING,), alone=True).link.outcome
    assert told.stands
    seating = one(world, RoomSeating, room_seating_id(BLUE))
    assert (seating.latest, seating.current) == (2, 1)
    assert (one(world, Session, EVENING).capacity, one(world, Session, NINE_BALLET).capacity) == (3, 4)


def test_rolling_back_brings_a_version_again_and_deletes_no_booking(world: World) -> None:
    """Version 1 has A1 to B2; version 2 has C1 besides, where Ben sits."""
    put_up(world)
    second = a_map("ab cd e.")
    revision = save(world, second, draft=named("second"))
    assert publish(world, revision, draft=named("second"), head=1).link.outcome.stands
    seat(world, EVENING, BEN, "3,1")
    back = RollBack(room=BLUE, location=MAIN, head=2, sessions=(NINE_BALLET, EVENING), to=1)
    told = world.say(back).link.outcome
    booking = one(world, Booking, booking_id(STUDIO, EVENING, BEN))
    assert told.status is Status.ACCEPTED
    assert told.obligations == ({"do": "reseat", "session": EVENING, "booking": booking.id, "spot": spot_id("3,1")},)
    assert (booking.state, booking.spot) == ("booked", "")
    assert (one(world, SeatMapVersion, version_id(BLUE, 3)).restored, one(world, Session, EVENING).capacity) == (1, 4)
    assert codes(world.say(replace(back, head=3)).link.outcome) == ["seatmap.rollback_same"]
    assert codes(world.say(replace(back, head=3, to=9)).link.outcome) == ["seatmap.no_version"]


def test_two_drafts_of_one_room_are_both_kept(world: World) -> None:
    """Two desks open the same draft; both save, one of them three times while offline."""
    first = save(world, a_map())
    desk = world.join(DESK, role="desk")
    theirs = save(world, a_map("abc"), base=first, by=TEACHER)
    base, document = first, packed(a_map("abcd"))
    for _ in range(3):
        receipt = desk.bus.submit(
            SaveDraft(draft=DRAFT, room=BLUE, location=MAIN, name="Mine", document=document, base=base), staff(OWNER)
        )
        assert receipt.outcome.status is Status.ACCEPTED
        base = receipt.operation
    world.sync()
    drafts = {id: decode(SeatDraft, body) for id, body in state_of(world.cloud, SeatDraft).items()}
    assert len(drafts) == 2
    assert (drafts[DRAFT].revision, drafts[DRAFT].name) == (theirs, "Blue")
    other = next(one for one in drafts.values() if one.id != DRAFT)
    assert (other.forked_from, other.revision, other.name) == (DRAFT, base, "Mine")
    assert state_of(desk.store, SeatDraft) == state_of(world.cloud, SeatDraft)


def test_nobody_approves_their_own_last_change(world: World) -> None:
    world.say(PublishPolicy(name="seating", head=0, values={"approval": 1}))
    revision = save(world, a_map(), by=TEACHER)
    seen = {"draft": DRAFT, "location": MAIN, "revision": revision}
    assert codes(publish(world, revision).link.outcome) == ["seatdraft.not_approved"]
    assert world.say(SubmitDraft(**seen), staff(TEACHER)).link.outcome.stands
    assert codes(publish(world, revision).link.outcome) == ["seatdraft.pending"]
    yes = DecideDraft(**seen, approve=True, decider=OWNER, comment="Fine")
    assert codes(world.say(replace(yes, decider=TEACHER), staff(TEACHER)).link.outcome) == ["permission.denied"]
    assert codes(world.say(replace(yes, comment=" ")).link.outcome) == ["seatdraft.comment"]
    assert world.say(yes).link.outcome.stands
    assert publish(world, revision).link.outcome.stands
    assert one(world, SeatMapVersion, version_id(BLUE, 1)).approver == OWNER

    own = save(world, a_map("abc"), draft=named("own"))
    world.say(SubmitDraft(draft=named("own"), location=MAIN, revision=own))
    mine = DecideDraft(draft=named("own"), location=MAIN, revision=own, approve=True, decider=OWNER, comment="Fine")
    assert codes(world.say(mine).link.outcome) == ["seatdraft.own"]


def test_a_draft_sent_back_is_open_again_and_says_why(world: World) -> None:
    revision = save(world, a_map(), by=TEACHER)
    seen = {"draft": DRAFT, "location": MAIN, "revision": revision}
    world.say(SubmitDraft(**seen), staff(TEACHER))
    beside = save(world, a_map("abc"), base=revision, by=TEACHER)
    assert one(world, SeatDraft, kept_beside_id(beside)).forked_from == DRAFT, "a pending draft is read-only"
    world.say(DecideDraft(**seen, approve=False, decider=OWNER, comment="The door is blocked"))
    draft = one(world, SeatDraft, DRAFT)
    assert (draft.state, draft.decision) == ("draft", "The door is blocked")
    assert world.say(DiscardDraft(**seen)).link.outcome.stands
    assert codes(publish(world, revision).link.outcome) == ["seatdraft.discarded"]


def test_one_edits_and_the_other_hears_who_and_since_when(world: World) -> None:
    lock = TakeLock(room=BLUE, location=MAIN, sessions=(EVENING,))
    assert world.say(lock, staff(TEACHER)).link.outcome.stands
    since = world.clock.wall
    world.clock.advance(14 * MINUTE)
    assert world.say(lock, staff(TEACHER)).link.outcome.stands, "renewed"
    world.clock.advance(14 * MINUTE)
    told = world.say(lock).link.outcome
    until = since + 29 * MINUTE
    assert told.reasons[0].code == "seatlock.taken"
    assert told.reasons[0].params == {"holder": TEACHER, "since_ms": since, "until_ms": until}
    revision = save(world, a_map())
    assert codes(publish(world, revision).link.outcome) == ["seatlock.taken"]
    world.clock.advance(MINUTE)
    assert world.say(lock).link.outcome.stands, "fifteen idle minutes"
    assert codes(world.say(ReleaseLock(room=BLUE, location=MAIN), staff(TEACHER)).link.outcome) == ["seatlock.taken"]
    assert publish(world, revision).link.outcome.stands
    assert one(world, SeatLock, lock_id(BLUE)).state == "released"
    assert world.say(ReleaseLock(room=BLUE, location=MAIN)).link.outcome == DUPLICATE


def test_spots_being_moved_cannot_be_booked(world: World) -> None:
    put_up(world)
    world.say(TakeLock(room=BLUE, location=MAIN, sessions=(EVENING,), spots=(spot_id("1,1"),)), staff(TEACHER))
    assert codes(seat(world, EVENING, BEN, "1,1")) == ["seat.locked"]
    assert seat(world, EVENING, BEN, "1,2").stands
    assert seat(world, NINE_BALLET, ANA, "1,1").stands, "another occurrence"


def test_one_spot_one_person(world: World) -> None:
    put_up(world)
    book = CreateBooking(session=EVENING, child=ZOE, family=FAMILY, location=MAIN, spot=spot_id("1,2"))
    assert world.say(book).link.outcome.stands
    told = seat(world, EVENING, BEN, "1,2")
    assert codes(told) == ["booking.spot_taken"]
    assert [one["spot"] for one in told.alternatives] == [spot_id(name) for name in ("1,1", "2,1", "2,2")]
    assert codes(seat(world, EVENING, BEN, "9,9")) == ["booking.spot_unknown"]
    assert codes(seat(world, HALF_PAST, BEN, "1,1")) == ["booking.no_map"]
    freed = world.say(CancelBooking(session=EVENING, child=ZOE)).effects
    assert [(effect.kind, effect.body["spot"]) for effect in freed] == [("seats.freed", spot_id("1,2"))]
    assert seat(world, EVENING, BEN, "1,2").stands


def test_spots_of_staff_are_given_by_staff_alone(world: World) -> None:
    put_up(world, having(a_map(), "1,2", visibility=Visibility.STAFF))
    assert seat(world, EVENING, BEN, "1,2").stands
    version = one(world, SeatMapVersion, version_id(BLUE, 1))
    assert (version.staff, version.capacity) == ((spot_id("1,2"),), 4)


def test_a_publish_made_offline_waits_and_is_checked_again(world: World) -> None:
    put_up(world)
    desk = world.join(DESK, role="desk")
    receipt = desk.bus.submit(
        SaveDraft(
            draft=named("second"), room=BLUE, location=MAIN, name="x", document=packed(without(a_map(), "1,2")),
            based_on=1,
        ),
        staff(OWNER),
    )  # fmt: skip
    asked = desk.bus.submit(
        PublishSeatMap(
            draft=named("second"), revision=receipt.operation, room=BLUE, location=MAIN, head=1,
            sessions=(NINE_BALLET, EVENING),
        ),
        staff(OWNER),
    )  # fmt: skip
    assert (asked.outcome.status, asked.outcome.needs) == (Status.WAITING, ("cloud",))
    assert seat(world, EVENING, BEN, "1,2").stands, "booked meanwhile, elsewhere"
    world.sync()
    assert one(world, Session, EVENING).capacity == 4
    entry = desk.store.entries([asked.sequence])[0]
    assert entry.told.status is Status.REFUSED
    assert "seatmap.seats_lost" in codes(entry.told)
    assert decode(SeatDraft, state_of(desk.store, SeatDraft)[named("second")]).state == "draft", "the draft is kept"


def test_comments_are_kept_side_by_side(world: World) -> None:
    save(world, a_map())
    for writer, text in ((OWNER, "Move the pillar"), (TEACHER, "It cannot be moved")):
        said = AddComment(
            comment=named(text), location=MAIN, subject=DRAFT, writer=writer, text=text, spot=spot_id("1,1")
        )
        assert world.say(said, staff(writer)).link.outcome.stands
    assert {decode(SeatComment, body).text for body in state_of(world.cloud, SeatComment).values()} == {
        "Move the pillar",
        "It cannot be moved",
    }


def template(name: str, modality: str = "reformer") -> str:
    plain = json.loads(path("seatmaps", "reformer.json").read_text(encoding="utf-8"))
    return json.dumps({**plain, "name": name, "modality": modality})


def test_a_preset_has_its_name_to_itself_in_the_whole_organisation(world: World) -> None:
    desk = world.join(DESK, role="desk")
    saved = desk.bus.submit(SavePreset(name="House reformer", template=template("House reformer")), staff(OWNER))
    assert saved.outcome.status is Status.ACCEPTED, "at once, online or not"
    world.sync()
    id = preset_id(STUDIO, "house  REFORMER")
    assert one(world, SeatPreset, id).modality == "reformer"
    again = SavePreset(name="HOUSE reformer", template=template("HOUSE reformer"))
    assert codes(world.say(again).link.outcome) == ["seatpreset.name_taken"]
    assert world.say(replace(again, base=saved.operation)).link.outcome.stands
    mixed = SavePreset(name="Odd", template=template("Odd", "cycling"))
    assert codes(world.say(mixed).link.outcome) == ["seatpreset.type_of_other_modality"]
    assert codes(world.say(RemovePreset(name="House reformer", base="")).link.outcome) == ["seatpreset.moved"]
    now = one(world, SeatPreset, id).revision
    assert world.say(RemovePreset(name="House reformer", base=now)).link.outcome.stands
    assert world.say(SavePreset(name="House reformer", template=template("House reformer"))).link.outcome.stands


@pytest.mark.parametrize(
    ("idle_min", "state", "stands"),
    [(0, "held", True), (14.99, "held", True), (15, "held", False), (0, "released", False)],
)
def test_when_a_lock_stands(idle_min: float, state: str, stands: bool) -> None:
    lock = SeatLock(
        id=lock_id(BLUE), room=BLUE, location=MAIN, holder=OWNER, device=DESK, since_ms=0, renewed_ms=1000, state=state
    )
    assert room_seats.lock_stands(lock, 1000 + int(idle_min * MINUTE)) is stands


def test_a_document_that_is_no_map_is_refused(world: World) -> None:
    wrong = SaveDraft(draft=DRAFT, room=BLUE, location=MAIN, name="x", document="AAAA")
    assert codes(world.say(wrong).link.outcome) == ["seatmap.not_json"]
    elsewhere = SaveDraft(draft=DRAFT, room=RED, location=named("north"), name="x", document=packed(a_map()))
    assert codes(world.say(elsewhere).link.outcome) == ["room.unknown"]
