"""A studio to show: three locations, a week of sessions around now, families from everywhere. The same seed gives the same.

Nothing is stored here: a plan is a list of operations for the cloud to author, in order.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import NamedTuple

from classtap_cli.demo import offers
from classtap_cli.demo.care import SIGNED, Care, PlannedFile
from classtap_cli.demo.names import TRADITIONS, Tradition, full_name
from classtap_core.access.blueprints import FRONT_DESK, INSTRUCTOR, MANAGER, OWNER
from classtap_core.access.operations import AddStaff, GiveGrant, SetPin
from classtap_core.access.pins import hash_pin
from classtap_core.booking.operations import CreateBooking
from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.checkin.rules import CHECKIN_POLICY, Window
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id, derived, fresh
from classtap_core.kernel.operations import Payload
from classtap_core.passes.operations import IssuePass
from classtap_core.people.guardian_operations import EditGuardian, GuardianFacts
from classtap_core.people.guardians import PRIMARY, SECONDARY, Role
from classtap_core.people.operations import AddFamily, ChildDraft, ContactDraft
from classtap_core.people.verification import VerifyContact
from classtap_core.schedule.facts import ClassFacts
from classtap_core.schedule.offer_operations import EditCategory, EditClass
from classtap_core.schedule.operations import (
    AddClass,
    AddInstructor,
    AddLocation,
    AddRoom,
    AddSessions,
    FoundStudio,
    Planned,
)
from classtap_core.schedule.series_operations import PlanSeries
from classtap_core.timekeeping.rules import instant_ms, local_of

FOUNDED_MS = 1_780_300_800_000
"""1 June 2026: ids of the demo are made from here on, whatever the clock says."""

DAY_S = 24 * 60 * 60
STUDIO_NAME = "Little Steps"
ZONE = "Europe/Madrid"

PLACES = (
    ("Riverside", ("Dance hall", "Blue room", "Sun studio", "Little gym", "Loft")),
    ("Hill Street", ("Mirror room", "Attic", "Garden room")),
    ("Harbour", ("Boat house", "Sail loft", "Pier room")),
)
KIDS = ("Tiny ballet", "Junior ballet", "Hip-hop", "Gymnastics", "Circus", "Judo", "Drums", "Choir")
ADULTS = ("Yoga flow", "Pilates", "Contemporary", "Barre", "Salsa")
CATEGORIES = {"kids": "For children", "adults": "For grown-ups"}
WITH_ROLES = 60
"""So many families have guardians with roles: enough to show, and a ground of thousands stays as small as it was."""
UNSIGNED = 4
"""The family that has not signed yet: five children, so that the door has something to say."""
WHOLE = 3
"""The family that has somebody who only picks up, somebody who is kept away, a grade and a place in the season."""
HEALTH_NOTES = (
    "Peanut allergy, pen in the blue bag", "Asthma, inhaler in the bag", "Wears hearing aids", "Coeliac",
    "Epilepsy, plan at the desk", "Bee stings: call 112, then the family", "Type 1 diabetes, snack at half time",
)  # fmt: skip

STAFF = (
    ("Olga Brandt", OWNER, "", "314159"),
    ("Marisol Vega", MANAGER, "", "271828"),
    ("Dilnoza Karimova", FRONT_DESK, "Riverside", "161803"),
    ("Kwame Mensah", FRONT_DESK, "Hill Street", "141421"),
    ("Sinéad Walsh", FRONT_DESK, "Harbour", "173205"),
    ("Ayumi Sato", INSTRUCTOR, "Riverside", "223606"),
)
"""Name, role, place ("" for all) and PIN. These PINs are for demonstrations and are printed in docs/model.md."""

TEACHERS = (
    "Tomás Quiroga",
    "Amara Eze",
    "Ivana Petrović",
    "Luca Moretti",
    "Hyun-woo Baek",
    "Fatima Zahra",
    "Per Ødegård",
)


class Draft(NamedTuple):
    """One operation for the cloud's own device to author."""

    author: Author
    payload: Payload


class DemoPin(NamedTuple):
    """Somebody who can sign in, and with what."""

    staff: Id
    name: str
    role: str
    location: str
    pin: str


class DemoChild(NamedTuple):
    child: Id
    given: str
    surname: str


class DemoFamily(NamedTuple):
    """A family of the plan. `due` counts its children's bookings in the window at the main location now."""

    family: Id
    name: str
    language: str
    home: Id
    handle: str
    children: tuple[DemoChild, ...]
    guardian: str
    due: int


class Plan(NamedTuple):
    """A whole studio as operations.

    Attributes:
        cloud: the studio's own cloud device, which authors them. main: where the demo's kiosk stands.
        pass_number: the studio's number inside passes, 16 hex digits. pepper: for the PINs, 32 bytes.
        files: what operations name that is too large for them; durable in the cloud before they are said.
    """

    studio: Id
    cloud: Id
    name: str
    pass_number: str
    pepper: bytes
    main: Id
    locations: tuple[tuple[Id, str], ...]
    staff: tuple[DemoPin, ...]
    families: tuple[DemoFamily, ...]
    drafts: tuple[Draft, ...]
    files: tuple[PlannedFile, ...]

    def chunks(self, size: int = 400) -> Iterator[tuple[Draft, ...]]:
        """The drafts in runs that one transaction takes well."""
        for start in range(0, len(self.drafts), size):
            yield self.drafts[start : start + size]


def make_studio(seed: int, families: int, now_ms: int, *, zone: str = ZONE) -> Plan:
    """Plan a studio.

    `families` of 1 to 5 children (about 3.1 people each with guardians); `now_ms` is the moment the week is laid
    around, so that several kids' sessions are open for check-in at the main location whatever the time of day.
    """
    return _Maker(seed, now_ms, zone).plan(families)


_Span = tuple[int, int]
"""Begin and end of a session, milliseconds since the Unix epoch."""


class _Slot(NamedTuple):
    """A session that can be booked. `now`: it lies in today's window at the main location."""

    session: Id
    location: Id
    start: datetime
    now: bool


class _Maker:
    """Makes one plan, front to back.

    Every choice comes from a seeded stream. Each family has its own, so that families are the same whatever the day.
    """

    def __init__(self, seed: int, now_ms: int, zone: str) -> None:
        self.seed = seed
        self._turn_to("studio", FOUNDED_MS)
        self.zone, self.now_ms, self.now_s = zone, now_ms, now_ms // 1000
        self.now = datetime.fromisoformat(local_of(now_ms, zone))
        self.studio, self.cloud, self.owner = self.id(), self.id(), self.id()
        self.pass_number = self.random.randbytes(8).hex()
        self.pepper = self.random.randbytes(32)
        self.locations = {name: self.id() for name, _ in PLACES}
        self.main = self.locations[PLACES[0][0]]
        self.care = Care(seed, self.studio, STUDIO_NAME)
        self.drafts: list[Draft] = []
        self.left: dict[Id, int] = {}
        self.taught: dict[Id, list[_Span]] = {}
        self.slots: list[_Slot] = []

    def _turn_to(self, stream: str, from_ms: int) -> None:
        self.random = Random(f"classtap-demo/{self.seed}/{stream}")
        self.ids = count(from_ms)

    def id(self) -> Id:
        return fresh(next(self.ids), self.random.randbytes)

    def say(self, payload: Payload, by: Id | None = None) -> None:
        self.drafts.append(Draft(Author(type="staff", id=by or self.owner), payload))

    def plan(self, families: int) -> Plan:
        founding = FoundStudio(
            name=STUDIO_NAME, pass_number=self.pass_number, owner=self.owner, owner_name=STAFF[0][0], environment="test"
        )
        self.drafts.append(Draft(Author(type="clock", id=self.studio), founding))
        rooms = self._places()
        staff = self._staff()
        self._turn_to("week", FOUNDED_MS + DAY_S * 1000)
        self._week(rooms)
        window = Window()
        policy = {"before_min": window.before_min, "after_min": window.after_min}
        self.say(PublishPolicy(name=CHECKIN_POLICY, head=0, values=dict(policy)))
        manager = staff[1].staff
        made = tuple(self._family(position, manager) for position in range(families))
        return Plan(
            self.studio, self.cloud, STUDIO_NAME, self.pass_number, self.pepper, self.main,
            tuple((id, name) for name, id in self.locations.items()), staff, made, tuple(self.drafts),
            tuple(self.care.files),
        )  # fmt: skip

    def _places(self) -> dict[Id, list[Id]]:
        rooms: dict[Id, list[Id]] = {}
        for place, names in PLACES:
            location = self.locations[place]
            self.say(AddLocation(location=location, name=place, zone=self.zone))
            rooms[location] = [self.id() for _ in names]
            for room, name in zip(rooms[location], names, strict=True):
                self.say(AddRoom(room=room, location=location, name=name, capacity=20))
                self.say(offers.of_room(room, name, 20))
        for payload in offers.of_places(self.locations, self.main):
            self.say(payload)
        self.say(offers.closure(self.studio, self.locations[PLACES[-1][0]], self.now))
        return rooms

    def _staff(self) -> tuple[DemoPin, ...]:
        people = []
        for name, role, place, pin in STAFF:
            staff = self.owner if role == OWNER else self.id()
            location = self.locations[place] if place else ""
            if role != OWNER:
                self.say(AddStaff(staff=staff, name=name))
                self.say(GiveGrant(grant=self.id(), holder=staff, role=role, location=location))
            self.say(SetPin(staff=staff, hash=hash_pin(pin, pepper=self.pepper, entropy=self.random.randbytes)))
            people.append(DemoPin(staff, name, role, location, pin))
        return tuple(people)

    def _week(self, rooms: dict[Id, list[Id]]) -> None:
        for audience, called in CATEGORIES.items():
            self.say(EditCategory(category=self._named("category", audience), name=called))
        for payload in offers.of_levels(self.studio):
            self.say(payload)
        kids, adults = [self._class(name, "kids") for name in KIDS], [self._class(name, "adults") for name in ADULTS]
        signed_in = {
            draft.payload.staff: draft.payload.name for draft in self.drafts if isinstance(draft.payload, AddStaff)
        }
        teachers = [self.id() for _ in (*TEACHERS, "Ayumi Sato")]
        for id, name in zip(teachers, (*TEACHERS, "Ayumi Sato"), strict=True):
            staff = next((staff for staff, called in signed_in.items() if called == name), "")
            self.say(AddInstructor(instructor=id, name=name, staff=staff))
            self.say(offers.of_teacher(id, name, (*kids, *adults), self.now.year))
        for location, held in rooms.items():
            items: list[Planned] = []
            busy: dict[Id, list[_Span]] = {room: [] for room in held}
            if location == self.main:
                items += self._around_now(held, kids, teachers, busy)
            items += self._timetable(location, held, kids, adults, teachers, busy)
            items.sort(key=lambda item: (item.start, item.session))
            for start in range(0, len(items), 50):
                self.say(AddSessions(location=location, items=tuple(items[start : start + 50])))
        self._season(rooms[self.main][0], kids[-1], teachers[0], stand_in=teachers[1])
        self.say(offers.program(self.studio, self.main, rooms[self.main][1], kids[0], teachers[2], self.now))
        self.say(offers.pack(self.studio, kids))
        next_week = (self.now + timedelta(days=7)).strftime("%Y-%m-%d")
        for payload in self.care.asked(gymnastics=kids[KIDS.index("Gymnastics")], season=kids[-1], first=next_week):
            self.say(payload)

    def _class(self, name: str, audience: str) -> Id:
        id = self.id()
        self.say(AddClass(class_type=id, name=name, audience=audience))
        category = self._named("category", audience)
        facts = offers.class_facts(self.studio, name, category)
        self.say(EditClass(class_type=id, base=ClassFacts(name=name), wanted=facts))
        return id

    def _named(self, kind: str, name: str) -> Id:
        """An id that draws nothing from the stream."""
        return derived(f"demo.{kind}", self.studio, name)

    def _season(self, room: Id, class_type: Id, teacher: Id, *, stand_in: Id) -> None:
        """Eight weeks of one class, from next week on; one evening is an hour later, and three are otherwise than the rest."""
        first = (self.now + timedelta(days=7)).replace(hour=18, minute=0)
        without, beside = (first + timedelta(weeks=6), first + timedelta(weeks=6, hours=1))
        self.say(
            PlanSeries(
                series=self._named("series", "season"), location=self.main, rule="FREQ=WEEKLY;COUNT=8",
                start=first.strftime("%Y-%m-%dT%H:%M"), class_type=class_type, room=room, instructor=teacher,
                duration_min=45, capacity=12, skip=(without.strftime("%Y-%m-%dT%H:%M"),),
                extra=(beside.strftime("%Y-%m-%dT%H:%M"),),
            )
        )  # fmt: skip
        for payload in offers.of_season(self._named("series", "season"), self.main, first, stand_in):
            self.say(payload)

    def _around_now(
        self, rooms: Sequence[Id], kids: Sequence[Id], teachers: Sequence[Id],
        busy: dict[Id, list[_Span]],
    ) -> list[Planned]:  # fmt: skip
        """Two kids' sessions in each of four rooms, one after the other, all open for check-in now."""
        items = []
        base = self.now.replace(minute=self.now.minute // 5 * 5)
        for position, (room, offset) in enumerate(zip(rooms, (-20, -10, 0, 10), strict=False)):
            for turn in range(2):
                start = base + timedelta(minutes=offset + turn * 50)
                while not _is_free(busy[room], self._span(start, 45)):  # an hour that the clock skips in spring
                    start += timedelta(minutes=5)
                items.append(
                    self._session(
                        self.main, room, start, 45, kids[(position * 2 + turn) % len(kids)],
                        teachers[position * 2 + turn], capacity=14, busy=busy[room], kids=True,
                    )
                )  # fmt: skip
        return items

    def _timetable(
        self, location: Id, rooms: Sequence[Id], kids: Sequence[Id], adults: Sequence[Id], teachers: Sequence[Id],
        busy: dict[Id, list[_Span]],
    ) -> list[Planned]:  # fmt: skip
        """A week from three days ago: kids after school and at the weekend, adults before and after work."""
        items = []
        today = self.now.replace(hour=0, minute=0)
        for day in (today + timedelta(days=number) for number in range(-3, 4)):
            weekend = day.weekday() >= 5
            for_kids = ("09:30", "10:30", "11:30", "16:30") if weekend else ("16:00", "17:00", "18:00")
            for_adults = ("08:15", "18:00") if weekend else ("07:15", "13:00", "19:15", "20:30")
            for position, room in enumerate(rooms):
                for clock in sorted((*for_kids, *for_adults)):
                    young = clock in for_kids
                    if self.random.randrange(5) == 0 or (not young and position % 2 == 0):
                        continue
                    hour, minute = clock.split(":")
                    start = day.replace(hour=int(hour), minute=int(minute))
                    minutes = 45 if young else 60
                    span = self._span(start, minutes)
                    free = [one for one in teachers if _is_free(self.taught.get(one, ()), span)]
                    if not free or not _is_free(busy[room], span):
                        continue
                    items.append(
                        self._session(
                            location, room, start, minutes, self.random.choice(kids if young else adults),
                            self.random.choice(free), capacity=self.random.choice((10, 12, 14)), busy=busy[room],
                            kids=young,
                        )
                    )  # fmt: skip
        return items

    def _session(
        self, location: Id, room: Id, start: datetime, minutes: int, class_type: Id, instructor: Id, *,
        capacity: int, busy: list[_Span], kids: bool,
    ) -> Planned:  # fmt: skip
        id = self.id()
        local = start.strftime("%Y-%m-%dT%H:%M")
        for taken in (busy, self.taught.setdefault(instructor, [])):
            taken.append(self._span(start, minutes))
        if kids:
            open_now = location == self.main and Window().holds(instant_ms(local, self.zone), self.now_ms)
            self.slots.append(_Slot(id, location, start, open_now))
            self.left[id] = capacity
        return Planned(
            session=id, class_type=class_type, room=room, instructor=instructor,
            start=local, duration_min=minutes, capacity=capacity,
        )  # fmt: skip

    def _span(self, start: datetime, minutes: int) -> _Span:
        begin = instant_ms(start.strftime("%Y-%m-%dT%H:%M"), self.zone)
        return begin, begin + minutes * 60_000

    def _family(self, position: int, manager: Id) -> DemoFamily:
        self._turn_to(f"family {position}", FOUNDED_MS + DAY_S * (2000 + position))
        tradition = self._tradition(position)
        homes = tuple(self.locations.values())
        home = homes[(0, 1, 0, 2, 0)[position % 5]]
        name = tradition.surname(self.random.randrange(len(tradition.surnames)), feminine=False)
        family = self.id()
        children = self._children(tradition, name, position)
        contacts = self._guardians(tradition, name, position)
        drafts = tuple(
            ChildDraft(
                child=one.child, given=one.given, surname=one.surname, birth_date=self._birth_date(),
                health_notes=self.random.choice(HEALTH_NOTES) if self.random.randrange(8) == 0 else "",
                blocked=("Rainer Kolb",) if (position, number) == (0, 0) else (),
                custody_note="Court order of 12 March: release to the guardians on record only."
                if (position, number) == (0, 0) else "",
            )
            for number, one in enumerate(children)
        )  # fmt: skip
        self.say(AddFamily(family=family, home=home, name=name, items=drafts, contacts=contacts), manager)
        if position < WITH_ROLES:
            self._guardianships(children, contacts, manager)
        if position == WHOLE:
            self._whole_family(family, home, children, contacts)
        if position < SIGNED:
            self._care(position, drafts, contacts[0], family, home, tradition.language)
        handle = self.random.randbytes(8).hex()
        self.say(
            IssuePass(
                family=family, home=home, handle=handle, issued_s=self.now_s - 30 * DAY_S,
                expires_s=self.now_s + 335 * DAY_S,
            ),
            manager,
        )  # fmt: skip
        due = self._book(family, home, children, manager)
        if position == WHOLE:
            season = self._named("series", "season")
            self.say(offers.season_booking(self.studio, season, self.main, family, children[0].child), manager)
        return DemoFamily(family, name, tradition.language, home, handle, children, contacts[0].name, due)

    def _whole_family(
        self, family: Id, home: Id, children: Sequence[DemoChild], contacts: Sequence[ContactDraft]
    ) -> None:
        """One family shows all that can be said of one."""
        ids = [one.child for one in children]
        second = contacts[1] if len(contacts) > 1 else None
        since = local_of(self.now_ms - 200 * DAY_S * 1000, self.zone)[:10]
        for payload in offers.more_guardians(family, home, ids, second, since):
            self.say(payload)
        self.say(offers.learner(ids[0], local_of(self.now_ms, self.zone)[:10]))

    def _guardianships(self, children: Sequence[DemoChild], contacts: Sequence[ContactDraft], manager: Id) -> None:
        """The first guardian is every child's primary, the others are secondary."""
        since = local_of(self.now_ms - 200 * DAY_S * 1000, self.zone)[:10]
        for child in children:
            for contact, role in zip(contacts, (PRIMARY, *(SECONDARY for _ in contacts)), strict=False):
                wanted = GuardianFacts(relation=contact.relation, roles=(Role(role, since),))
                said = EditGuardian(child=child.child, guardian=contact.contact, base=GuardianFacts(), wanted=wanted)
                self.say(said, manager)

    def _care(
        self, position: int, children: Sequence[ChildDraft], contact: ContactDraft, family: Id, home: Id, language: str
    ) -> None:
        """Health and papers of the first families; all of them but one have signed."""
        self.drafts.append(
            Draft(Author(type="clock", id=self.studio), VerifyContact(contact=contact.contact, way="email"))
        )
        today = local_of(self.now_ms, self.zone)[:10]
        for child in children:
            for payload in (*self.care.health(child, contact, today), self.care.described(child, language)):
                self.say(payload)
        if position != UNSIGNED:
            said = self.care.signed(
                children, contact, family=family, home=home, at_ms=self.now_ms - DAY_S * 1000, zone=self.zone
            )
            self.drafts.append(Draft(Author(type="guardian", id=contact.contact), said))

    def _tradition(self, position: int) -> Tradition:
        """Each language once, so that even a small studio shows them all; then by how common they are."""
        if position < len(TRADITIONS):
            return TRADITIONS[position]
        return self.random.choices(TRADITIONS, weights=[one.weight for one in TRADITIONS])[0]

    def _children(self, tradition: Tradition, name: str, position: int) -> tuple[DemoChild, ...]:
        many = (2, 3, 1, 2, 5, 2, 1, 3, 4, 2)[position % 10]
        row = tradition.surnames.index(name)
        pool = [(given, True) for given in tradition.girls[1:]] + [(given, False) for given in tradition.boys[1:]]
        chosen = self.random.sample(pool, min(many, len(pool)))
        return tuple(
            DemoChild(self.id(), given, tradition.surname(row, feminine=feminine)) for given, feminine in chosen
        )

    def _guardians(self, tradition: Tradition, name: str, position: int) -> tuple[ContactDraft, ...]:
        row = tradition.surnames.index(name)
        both = ((tradition.girls[0], True, "mother"), (tradition.boys[0], False, "father"))
        first = self.random.randrange(2)
        chosen = both if self.random.randrange(3) else both[first : first + 1]
        return tuple(
            ContactDraft(
                contact=self.id(), relation=relation,
                name=full_name(tradition.language, given, tradition.surname(row, feminine=feminine)),
                phone=f"+44 7700 {900_000 + (position * 2 + number) % 1000}", email=f"{relation}.{position}@example.com",
            )
            for number, (given, feminine, relation) in enumerate(chosen)
        )  # fmt: skip

    def _birth_date(self) -> str:
        age_days = self.random.randrange(3 * 365, 12 * 365)
        return (datetime(2026, 6, 1) - timedelta(days=age_days)).strftime("%Y-%m-%d")  # noqa: DTZ001 - a date

    def _book(self, family: Id, home: Id, children: Sequence[DemoChild], manager: Id) -> int:
        """Each child at the main location has a session now, siblings in different rooms where they fit; some have two."""
        due = 0
        siblings: set[Id] = set()
        for child in children:
            taken: list[_Slot] = []
            open_now = [slot for slot in self._free(home) if slot.now]
            apart = [slot for slot in open_now if slot.session not in siblings] or open_now
            if apart:
                taken.append(self.random.choice(apart))
                siblings.add(taken[0].session)
                second = [slot for slot in open_now if slot not in taken]
                if second and self.random.randrange(6) == 0:
                    taken.append(self.random.choice(second))
            others = [slot for slot in self._free(home) if not slot.now]
            for _ in range(self.random.choice((0, 1, 1, 2))):
                days = {slot.start.date() for slot in taken}
                other_days = [slot for slot in others if slot.start.date() not in days]
                if other_days:
                    taken.append(self.random.choice(other_days))
            for slot in dict.fromkeys(taken):
                self.left[slot.session] -= 1
                due += slot.now
                self.say(
                    CreateBooking(
                        session=slot.session, child=child.child, family=family, location=slot.location, via="family"
                    ),
                    manager,
                )
        return due

    def _free(self, home: Id) -> list[_Slot]:
        """Sessions of a location with places; two of each around now stay free for who walks in."""
        return [
            slot for slot in self.slots if slot.location == home and self.left[slot.session] > (2 if slot.now else 0)
        ]


def _is_free(taken: Iterable[_Span], span: _Span) -> bool:
    return not any(begin < span[1] and span[0] < end for begin, end in taken)
