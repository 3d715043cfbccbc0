"""What the demo's studio says of its places, classes and people beyond their names. Draws nothing from any stream."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from classtap_core.booking.fields import Answer
from classtap_core.booking.operations import CreateBooking
from classtap_core.booking.rescheduling import ChangeSession
from classtap_core.eligibility.rules import Age, Fulfilled, write
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Payload
from classtap_core.people.guardian_operations import BlockGuardian, EditGuardian, GuardianFacts
from classtap_core.people.guardians import EMERGENCY, PICKUP, Right, Role
from classtap_core.people.learners import EditLearner, LearnerFacts
from classtap_core.people.operations import ContactDraft
from classtap_core.people.profile_operations import AddContacts
from classtap_core.schedule.facts import ClassFacts, InstructorFacts, LocationFacts, RoomFacts
from classtap_core.schedule.offer_operations import EditInstructor, EditLevel, PlanProgram, PublishPack
from classtap_core.schedule.operations import CancelSession, Planned
from classtap_core.schedule.place_operations import AddClosure, EditLocation, EditRoom
from classtap_core.schedule.records import Address, Certification, Equipment, Hours, Rate
from classtap_core.schedule.series import Change, session_of
from classtap_core.schedule.series_operations import Substitute

ADDRESSES = {
    "Riverside": (Address(lines=("Paseo del Río 12",), city="Madrid", postcode="28005", country="ES"), (404_080_000, -37_220_000)),
    "Hill Street": (Address(lines=("Calle de la Colina 3",), city="Madrid", postcode="28014", country="ES"), (404_150_000, -36_930_000)),
    "Harbour": (Address(lines=("Muelle Norte 1",), city="Madrid", postcode="28020", country="ES"), (404_600_000, -36_900_000)),
}  # fmt: skip
ALL_DAY, BUSY = ("00:00", "00:00"), ("06:30", "23:00")
"""The main house never shuts, so that the demo has a session whatever the hour."""
STOCK = (Equipment("mat", 40), Equipment("hoop", 12))
LEVELS = ("First steps", "Going on", "Advanced")
FIRST_AID = "first-aid"
BIO = "Teaches here since 2019, and dances since childhood."
RIGHTS = (Right.PAY.value,)


def of_places(locations: Mapping[str, Id], main: Id) -> Iterator[Payload]:
    """Addresses, hours and stock; where the house of families stands, it is open day and night."""
    for name, location in locations.items():
        address, (latitude, longitude) = ADDRESSES[name]
        opens, closes = ALL_DAY if location == main else BUSY
        wanted = LocationFacts(
            name=name, address=address, latitude_e7=latitude, longitude_e7=longitude, stock=STOCK,
            hours=tuple(Hours(day, opens, closes) for day in range(7)),
        )  # fmt: skip
        yield EditLocation(location=location, base=LocationFacts(name=name), wanted=wanted)


def of_room(room: Id, name: str, capacity: int) -> Payload:
    base = RoomFacts(name=name, capacity=capacity)
    measured = RoomFacts(
        name=name, capacity=capacity, width_um=8_500_000, length_um=12_000_000, equipment=(Equipment("mirror", 1),)
    )
    return EditRoom(room=room, base=base, wanted=measured)


def closure(studio: Id, location: Id, now: datetime) -> Payload:
    """Two days in three weeks."""
    first, last = ((now + timedelta(days=days)).strftime("%Y-%m-%dT00:00") for days in (20, 22))
    id = derived("demo.closure", studio)
    return AddClosure(closure=id, location=location, first=first, last=last, reason="New floor")


def levels(studio: Id) -> dict[str, Id]:
    return {name: derived("demo.level", studio, name) for name in LEVELS}


def of_levels(studio: Id) -> Iterator[Payload]:
    for rank, (name, id) in enumerate(levels(studio).items(), 1):
        yield EditLevel(level=id, name=name, rank=rank)


def class_facts(studio: Id, name: str, category: Id) -> ClassFacts:
    """What is said of each class: some have a level, an age, a certificate to teach them."""
    level = {"Tiny ballet": LEVELS[0], "Junior ballet": LEVELS[1], "Contemporary": LEVELS[2]}.get(name)
    climbing = name in ("Gymnastics", "Circus")
    return ClassFacts(
        name=name, categories=(category,), tags=("all-levels",), level=levels(studio)[level] if level else "",
        description=f"{name}, in small groups and with music." if level else "",
        certifications=(FIRST_AID,) if climbing else (),
        eligibility=write(Age(min_months=18, max_months=17 * 12)) if climbing else "",
    )  # fmt: skip


def of_teacher(instructor: Id, name: str, classes: Sequence[Id], year: int) -> Payload:
    """Everybody holds what climbing asks for; who teaches what is said of all classes."""
    wanted = InstructorFacts(
        certifications=(Certification(FIRST_AID, f"{year - 1}-01-01", f"{year + 2}-12-31"),), teaches=tuple(classes),
        languages=("en", "es"),
    )  # fmt: skip
    return EditInstructor(instructor=instructor, base_name=name, name=name, bio=BIO, wanted=wanted)


def of_season(series: Id, location: Id, start: datetime, stand_in: Id) -> Iterator[Payload]:
    """One session of the season is taught by somebody else, one is later and lets in one more, one is called off."""
    yield Substitute(location=location, sessions=(session_of(series, 2),), instructor=stand_in)
    later = (start + timedelta(days=21, minutes=30)).strftime("%Y-%m-%dT%H:%M")
    yield ChangeSession(session=session_of(series, 3), change=Change(start=later, overbook=1))
    yield CancelSession(session=session_of(series, 4), reason="holiday")


def program(studio: Id, location: Id, room: Id, class_type: Id, teacher: Id, now: datetime) -> Payload:
    """A week of mornings in a fortnight, booked together."""
    id = derived("demo.program", studio)
    mornings = [(now + timedelta(days=14 + day)).strftime("%Y-%m-%dT10:00") for day in range(5)]
    items = tuple(
        Planned(
            session=derived("session", id, start), class_type=class_type, room=room, instructor=teacher, start=start,
            duration_min=90, capacity=12, equipment=(Equipment("mat", 12),),
        )
        for start in mornings
    )  # fmt: skip
    return PlanProgram(
        program=id, location=location, name="Dance week", class_type=class_type, capacity=12, items=items,
        description="Five mornings, and a show for the families on the last.", tags=("holidays",),
    )  # fmt: skip


def pack(studio: Id, classes: Sequence[Id]) -> Payload:
    rates = (Rate("ten", 10, 9_000, 11_000), Rate("five", 5, 5_000, 6_000))
    return PublishPack(
        pack=derived("demo.pack", studio), head=0, name="Visits", form="group", currency="EUR", rates=rates,
        valid_days=180, class_types=tuple(classes),
    )  # fmt: skip


def more_guardians(
    family: Id, home: Id, children: Sequence[Id], second: ContactDraft | None, since: str
) -> Iterator[Payload]:
    """Somebody who only picks up, somebody for an emergency, somebody who is kept away, and a right given for one child."""
    grandmother, neighbour, kept = (
        derived("demo.contact", family, name) for name in ("grandmother", "neighbour", "kept")
    )
    yield AddContacts(
        family=family, home=home,
        contacts=(
            ContactDraft(contact=grandmother, relation="grandparent", name="Rosa Ibarra", phone="+44 7700 900990"),
            ContactDraft(contact=neighbour, relation="other", name="Ida Lind", phone="+44 7700 900991"),
            ContactDraft(contact=kept, relation="other", name="Rainer Kolb"),
        ),
    )  # fmt: skip
    for child in children:
        for contact, relation, role in ((grandmother, "grandparent", PICKUP), (neighbour, "other", EMERGENCY)):
            wanted = GuardianFacts(relation=relation, roles=(Role(role, since),))
            yield EditGuardian(child=child, guardian=contact, base=GuardianFacts(), wanted=wanted)
    yield BlockGuardian(child=children[0], guardian=kept, reason="Court order of 12 March.")
    if second is not None:
        base = GuardianFacts(relation=second.relation, roles=(Role("secondary", since),))
        wanted = GuardianFacts(relation=second.relation, roles=base.roles, allow=RIGHTS)
        yield EditGuardian(child=children[0], guardian=second.contact, base=base, wanted=wanted)


def learner(child: Id, today: str) -> Payload:
    """A grade, something done before, a tag."""
    wanted = LearnerFacts(grade=2, graded=today, prerequisites=(Fulfilled("water-safety", today),), tags=("returning",))
    return EditLearner(child=child, base=LearnerFacts(), wanted=wanted)


def season_booking(studio: Id, series: Id, location: Id, family: Id, child: Id) -> Payload:
    """A place in the season's second session, with the answer that its class asks for."""
    answers = (Answer(derived("demo.field", studio, "voice"), "High"),)
    return CreateBooking(
        session=session_of(series, 1), child=child, family=family, location=location, via="family", answers=answers
    )
