"""The studio's rules: a year of series, one session among all, who may take a class, every gate, families from a sheet."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from bench.claims import Claim, claim, percentile
from classtap_core.access.records import Device, Grant
from classtap_core.access.rules import decide
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.documents.records import Attached, Consents, Document, Edition, Signing
from classtap_core.eligibility import rules as eligibility
from classtap_core.exchange import families
from classtap_core.exchange.bringing import bring_in
from classtap_core.exchange.columns import guess
from classtap_core.exchange.tables import read_table
from classtap_core.health.records import Cleared, HealthClearance, HealthRequirement
from classtap_core.house import bus, registry
from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.bus import Phase
from classtap_core.kernel.canonical import canonical
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Operation, Resource
from classtap_core.kernel.records import Record, plain
from classtap_core.kernel.tx import Snapshot
from classtap_core.people.learners import Learner
from classtap_core.people.records import Child, ChildHealth
from classtap_core.schedule.conflicts import Premises, Timetable, judged, judged_all, ways_round
from classtap_core.schedule.operations import AddSessions, Planned
from classtap_core.schedule.reach import Reach
from classtap_core.schedule.records import ClassType, Location, Room, Series, Session
from classtap_core.schedule.rules import starts_ms
from classtap_core.schedule.series import sessions_of
from classtap_core.store.device import SqlDevice
from classtap_core.timekeeping.rules import shift_date

RUNS = 1
NOW_MS = 1_795_248_000_000
STUDIO, OWNER = derived("bench.studio", "studio"), derived("bench.studio", "owner")
ZONE, YEAR = "Europe/Madrid", "2026-12-31"
PLACE = derived("bench.studio", "place")
ROOMS = tuple(derived("bench.studio", f"room {number}") for number in range(10))
DAYS = ("MO", "TU", "WE", "TH", "FR")
SLOTS = 4
"""Classes a day in each room: 10 rooms × 5 days × 4 slots are 200 weekly series."""


def run() -> list[Claim]:
    """One run of every claim."""
    return [*_year(), *_one_more(), _eligibility(), _family_of_five(), _permission(), _import()]


@cache
def premises() -> Premises:
    place = Location(id=PLACE, name="Bench", zone=ZONE)
    return Premises(place, {room: Room(id=room, location=PLACE, name=room, capacity=20) for room in ROOMS})


def series(number: int) -> Series:
    """One of the 200: each has its own room, weekday and time, and a teacher per room."""
    room, place = number % len(ROOMS), number // len(ROOMS)
    day, slot = place % len(DAYS), place // len(DAYS)
    id = derived("bench.studio", f"series {number}")
    return Series(
        id=id, location=PLACE, rule=f"FREQ=WEEKLY;BYDAY={DAYS[day]}", start=f"2026-01-0{5 + day}T{9 + 2 * slot:02}:00",
        zone=ZONE, class_type=id, room=ROOMS[room], instructor=derived("bench.studio", f"teacher {room}"),
        duration_min=60, capacity=12, stem=id, through=YEAR, state="open",
    )  # fmt: skip


def _year() -> list[Claim]:
    every = [series(number) for number in range(len(ROOMS) * len(DAYS) * SLOTS)]
    started = time.perf_counter()
    sessions = [session for one in every for session in sessions_of(one, through=YEAR)]
    clashes = judged_all(sessions, Timetable(), premises())
    elapsed = time.perf_counter() - started
    if any(clashes):
        raise RuntimeError("the bench's year has no clash in it")
    return [claim("studio.year_of_200_series.expanded_and_checked_s", elapsed, goal=2.0)]


@cache
def full() -> tuple[Session, ...]:
    """50,000 sessions: the year, again and again in further houses."""
    year = [session for number in range(200) for session in sessions_of(series(number), through=YEAR)]
    found = list(year)
    copy = 1
    while len(found) < 50_000:
        found += [_elsewhere(session, copy) for session in year]
        copy += 1
    return tuple(found[:50_000])


def _elsewhere(session: Session, copy: int) -> Session:
    return replace(
        session, id=derived("copy", session.id, str(copy)), location=derived("place", str(copy)),
        room=derived("copy", session.room, str(copy)), instructor=derived("copy", session.instructor, str(copy)),
    )  # fmt: skip


def _one_more() -> list[Claim]:
    sessions = full()
    timetable = Timetable(sessions)
    wanted = [_wanted(number) for number in range(200)]
    times = [_ms(partial(judged, one, timetable, premises())) for one in wanted]
    ways = [_ms(partial(ways_round, [one], timetable, premises())) for one in wanted[:40]]
    return [
        claim("studio.session.checked_among_50000_p95_ms", percentile(times, 95), goal=20.0),
        claim("studio.session.three_ways_round_p95_ms", percentile(ways, 95), goal=150.0),
        claim("studio.session.decided_among_50000_p95_ms", percentile(_decided(wanted), 95), goal=20.0),
    ]


def _wanted(number: int) -> Session:
    (first, *_) = sessions_of(series(number), through=YEAR)
    day = shift_date(first.date, 7 * (number % 50))
    return replace(
        first, id=derived("bench.studio", f"wanted {number}"), start=f"{day}T{9 + number % 12:02}:30", date=day
    )


def _decided(wanted: list[Session]) -> list[float]:
    """The whole operation, permission to answer, as a desk's preview decides it over an encrypted store of all 50,000."""
    house = bus(authority=True)
    with store() as device:
        times = []
        for session in wanted:
            op = _planned(session)
            started = time.perf_counter()
            decision = house.decide(op, Snapshot(device, device.registry), now=op.at.corrected, phase=Phase.AUTHOR)
            times.append((time.perf_counter() - started) * 1_000)
            if decision.fault is not None:
                raise decision.fault
        return times


def _planned(session: Session) -> Operation[AddSessions]:
    item = Planned(
        session=session.id, class_type=session.class_type, room=session.room, instructor=session.instructor,
        start=session.start, duration_min=session.duration_min, capacity=session.capacity,
    )  # fmt: skip
    return Operation(
        AddSessions.SPEC, AddSessions(location=PLACE, items=(item,)), id=session.id, studio=STUDIO, device=STUDIO,
        epoch=1, sequence=1, author=Author(type="staff", id=OWNER), at=ManualClock(NOW_MS).now(),
    )  # fmt: skip


@contextmanager
def store() -> Iterator[SqlDevice]:
    """An encrypted store that holds the whole studio."""
    records: list[Record] = [
        premises().location, *premises().rooms.values(), *full(),
        Device(id=STUDIO, name="cloud", role="cloud"), Grant(id=OWNER, holder=OWNER, role="owner"),
    ]  # fmt: skip
    with TemporaryDirectory() as folder:
        device = SqlDevice.create(Path(folder) / "store.db", bytes(32), registry(), studio=STUDIO, device=STUDIO)
        device.hold(("studio", "schedule/*", "seatmaps/*"))
        for start in range(0, len(records), 5_000):
            with device.atomic():
                device.put_base(
                    Pulled(one.KIND, one.id, one.scope(), canonical(plain(one)))
                    for one in records[start : start + 5_000]
                )
        try:
            yield device
        finally:
            device.close()


def _rule(number: int) -> str:
    """A rule that no other class has."""
    return eligibility.write(
        eligibility.Every((
            eligibility.Age(min_months=48 + number, max_months=119 + number),
            eligibility.Some((eligibility.Grade(min=0, max=4), eligibility.Tagged("approved"))),
            eligibility.Never(eligibility.Tagged("ban")),
            eligibility.During("2026-01-01", "2026-12-31", eligibility.Prerequisite("intro")),
        ))
    )  # fmt: skip


def _eligibility() -> Claim:
    """Fifty classes and five children, each asked with reasons and from when."""
    children = [
        eligibility.Learner(
            ("2016-02-29", "2017-07-15", "2020-02-29", "2021-12-31", "2019-01-31")[child], grade=child - 1, graded="2026-09-01",
            prerequisites=(eligibility.Fulfilled("intro", f"2026-1{child % 2}-01"),),
        )
        for child in range(5)
    ]  # fmt: skip
    classes = [(_rule(number), shift_date("2026-11-21", number)) for number in range(50)]

    def ask() -> None:
        for learner in children:
            for rule, day in classes:
                eligibility.decide(rule, learner, eligibility.Occasion(day, day))

    return claim(
        "studio.eligibility.50_classes_5_children_p95_ms", percentile([_ms(ask) for _ in range(20)], 95), goal=30.0
    )


def _family_of_five() -> Claim:
    """Every gate before five children who walk into a class with a rule, documents and papers, over the encrypted store."""
    house = bus(authority=True)
    family = [derived("bench.studio", f"child {number}") for number in range(5)]
    session = replace(sessions_of(series(0), through=YEAR)[40], capacity=12)
    records: list[Record] = [
        ClassType(id=session.class_type, name="Bench", audience="kids", eligibility=_rule(0)),
        *(ChildHealth(id=child, home=PLACE, birth_date="2019-02-28") for child in family),
        *(Learner(id=child, home=PLACE, grade=1, graded="2026-09-01") for child in family),
        *_asked(family),
    ]
    times = []
    with store() as device:
        device.hold(("health/*", "roster/*", "families/*"))
        with device.atomic():
            device.put_base(Pulled(one.KIND, one.id, one.scope(), canonical(plain(one))) for one in records)
        for number in range(100):
            op = _marked(session, family, number)
            started = time.perf_counter()
            decision = house.decide(op, Snapshot(device, device.registry), now=op.at.corrected, phase=Phase.AUTHOR)
            times.append((time.perf_counter() - started) * 1_000)
            for judged_by in ("consent", "health", "eligibility"):
                if len([gate for gate in decision.gates if gate.gate == judged_by]) != len(family):
                    raise RuntimeError(f"not judged by {judged_by}: {decision}")
    return claim("studio.gates.family_of_5_p95_ms", percentile(times, 95), goal=10.0)


def _asked(family: list[Id]) -> list[Record]:
    """Eight documents of three versions that everybody has to sign, two papers, and children who have signed and filed all."""
    editions = tuple(
        Edition(number=number, effective=f"2026-0{number}-01", hash="0" * 64, breaking=number == 3)
        for number in (1, 2, 3)
    )
    documents = [
        Document(
            id=derived("bench.document", str(number)), name="Waiver", category="waiver", revision=1, editions=editions,
            attached=(Attached(), Attached(reach=Reach(location=PLACE))), state="open",
        )
        for number in range(8)
    ]  # fmt: skip
    papers = [
        HealthRequirement(
            id=derived("bench.paper", name),
            paper=name,
            name=name,
            version=1,
            state="open",
            reach=(Reach(location=PLACE),),
        )
        for name in ("vaccination", "swimming")
    ]
    pdf = Blob(hash="0" * 64, size=1, type="application/pdf")
    signings = tuple(
        Signing(
            operation=OWNER,
            document=one.id,
            number=3,
            hash="0" * 64,
            guardian=OWNER,
            at_ms=1,
            method="typed",
            artifact=pdf,
        )
        for one in documents
    )
    cleared = tuple(Cleared(one.paper, "2026-01-01", "2027-01-01") for one in papers)
    return [
        *documents, *papers, *(Consents(id=child, home=PLACE, signings=signings) for child in family),
        *(HealthClearance(id=child, home=PLACE, papers=cleared) for child in family),
        *(Child(id=child, family=OWNER, home=PLACE, given="A", surname="B") for child in family),
    ]  # fmt: skip


def _permission() -> Claim:
    """One decision for somebody with forty grants over places, rooms, classes and times."""
    grants = [
        Grant(
            id=derived("bench.grant", str(number)), holder=OWNER, role=("manager", "front_desk", "instructor")[number % 3],
            location=derived("bench.place", str(number % 7)), class_type=ROOMS[number % 10] if number % 2 else "",
            valid_to_ms=NOW_MS + number - 20 if number % 5 == 0 else 0, deny=number % 13 == 0,
        )
        for number in range(40)
    ]  # fmt: skip
    asked = [Resource(derived("bench.place", str(number % 7)), None, ROOMS[number % 10]) for number in range(400)]
    times = [_ms(partial(decide, grants, "edit_family", one, at_ms=NOW_MS)) for one in asked]
    return claim("studio.permission.decided_p95_ms", percentile(times, 95), goal=1.0)


def _import() -> Claim:
    """Ten thousand families of a sheet, read, judged and in one commit of an encrypted store."""
    head = "Family ID,Family,First Name,Last Name,Date of Birth,Parent,Parent Phone,Parent Email"
    lines = [
        f"{number},Family {number},Ana,Sur {number},2018-0{1 + number % 9}-11,Gina {number},+34600{number:06},g{number}@a.example"
        for number in range(10_000)
    ]
    data = "\n".join([head, *lines]).encode()
    with store() as device:
        device.hold(("families/*", "health/*", "custody/*", "contact/*", "contact_masked/*"))
        desk = DeviceBus(device, bus(authority=False), ManualClock(NOW_MS), os.urandom)

        def bring() -> None:
            table = read_table(data)
            columns = guess(table.headers, families.ALIASES)
            found = families.read(table, columns, studio=STUDIO, home=PLACE, today="2026-11-21")
            bring_in(desk, found.steps, Author(type="staff", id=OWNER), going_on=lambda _: True)

        return claim("studio.import.10000_families_s", _ms(bring) / 1_000, goal=20.0)


def _marked(session: Session, family: list[Id], number: int) -> Operation[MarkAttendance]:
    items = tuple(ChildMark(child=child, state="present", override="bench") for child in family)
    return Operation(
        MarkAttendance.SPEC, MarkAttendance(session=session.id, items=items),
        id=derived("bench.studio", f"mark {number}"), studio=STUDIO, device=STUDIO, epoch=1, sequence=1,
        author=Author(type="staff", id=OWNER), at=ManualClock(starts_ms(session)).now(),
    )  # fmt: skip


def _ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1_000
