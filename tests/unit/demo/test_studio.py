"""The demo's studio: the same seed gives the same, every operation is accepted, and there is something to show."""

import re
import unicodedata
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from classtap_cli.demo.names import TRADITIONS, Tradition, full_name
from classtap_cli.demo.studio import HEALTH_NOTES, WHOLE, Plan, make_studio
from classtap_core.access.operations import SetPin
from classtap_core.access.pins import verify_pin
from classtap_core.access.records import Device, Grant
from classtap_core.booking.records import Booking
from classtap_core.checkin.board import board
from classtap_core.checkin.reading import day_of_sessions
from classtap_core.checkin.rules import Window
from classtap_core.house import bus, registry
from classtap_core.kernel.authority import Authority, CloudDraft, Mark
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.envelope import GENESIS
from classtap_core.kernel.memory import MemoryCloud
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.records import decode
from classtap_core.passes.records import Pass, pass_id
from classtap_core.people.guardians import RANKS, Guardianship
from classtap_core.people.records import Badge, Child, ChildHealth, Custody, Family
from classtap_core.schedule.records import ClassType, Location, Room, Series, Session
from classtap_core.timekeeping.rules import local_date, shift_date
from tests.unit.house.world import always, entropy, state_of

NOON = int(datetime(2026, 11, 21, 11, 7, tzinfo=UTC).timestamp() * 1000)


def authored(plan: Plan, now_ms: int) -> MemoryCloud:
    """The plan as the cloud's own device authors it; every operation must be accepted."""
    cloud = MemoryCloud(registry(), plan.studio)
    cloud.set_mark(Mark(device=plan.cloud, epoch=1, sequence=0, hash=GENESIS, public_key=b""))
    authority = Authority(cloud, bus(authority=True), ManualClock(now_ms), entropy("demo"), always)
    for run in plan.chunks():
        drafts = [CloudDraft(draft.payload, draft.author, "demo") for draft in run]
        for ledger in authority.author_all(plan.cloud, drafts):
            assert ledger.link.outcome.status is Status.ACCEPTED, (ledger.link.kind, ledger.link.outcome)
    return cloud


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_studio(7, 60, NOON)


@pytest.fixture(scope="module")
def cloud(plan: Plan) -> MemoryCloud:
    return authored(plan, NOON)


def test_the_same_seed_gives_the_same_studio(plan: Plan) -> None:
    assert make_studio(7, 60, NOON) == plan
    assert make_studio(8, 60, NOON).families != plan.families
    later = make_studio(7, 60, NOON + 3_600_000)
    assert [family._replace(due=0) for family in later.families] == [family._replace(due=0) for family in plan.families]
    assert (later.staff, later.pepper, later.pass_number) == (plan.staff, plan.pepper, plan.pass_number)


def test_what_there_is(plan: Plan, cloud: MemoryCloud) -> None:
    assert [name for _, name in plan.locations] == ["Riverside", "Hill Street", "Harbour"]
    assert len(state_of(cloud, Location)) == 3
    assert len(state_of(cloud, Room)) == 11
    assert len(state_of(cloud, Family)) == 60
    children = Counter(decode(Child, body).family for body in state_of(cloud, Child).values())
    assert set(children.values()) == {1, 2, 3, 4, 5}
    assert len(children) == 60
    kinds = {decode(ClassType, body).audience for body in state_of(cloud, ClassType).values()}
    assert kinds == {"kids", "adults"}
    sessions = [decode(Session, body) for body in state_of(cloud, Session).values()]
    days = {session.date for session in sessions if not session.series and not session.program}
    today = local_date(NOON, "Europe/Madrid")
    assert days == {shift_date(today, number) for number in range(-3, 4)}
    season = {session.date for session in sessions if session.series}
    assert season == {shift_date(today, 7 * week) for week in range(1, 9)}
    assert all(decode(Device, body).role == "cloud" for body in state_of(cloud, Device).values())


def test_every_family_has_a_pass_under_its_own_handle(plan: Plan, cloud: MemoryCloud) -> None:
    passes = state_of(cloud, Pass)
    assert len({family.handle for family in plan.families}) == 60
    for family in plan.families:
        held = decode(Pass, passes[pass_id(plan.studio, family.family)])
        assert (held.handle, held.home, held.epoch) == (family.handle, family.home, 1)
        assert held.issued_s * 1000 < NOON < held.expires_s * 1000


@pytest.mark.parametrize(
    ("moment", "least"),
    [
        ("2026-11-21T00:03", 7), ("2026-11-21T05:59", 7), ("2026-11-21T17:30", 7), ("2026-11-21T23:58", 7),
        ("2026-10-25T00:30", 4),  # the hour that comes twice: a wall clock cannot name its second half
        ("2026-03-29T00:45", 7),
    ],
)  # fmt: skip
def test_kids_sessions_are_open_now_whatever_the_time_of_day(moment: str, least: int) -> None:
    now = int(datetime.fromisoformat(moment + "+00:00").timestamp() * 1000)
    plan = make_studio(3, 40, now)
    held = authored(plan, now)
    boards = [
        board(held, plan.studio, family.family, location=plan.main, now_ms=now, window=Window())
        for family in plan.families
        if family.home == plan.main
    ]
    open_now = {group.card.session.id for shown in boards for group in shown.groups}
    assert len(open_now) >= least
    assert [sum(len(group.children) for group in shown.groups) for shown in boards] == [
        family.due for family in plan.families if family.home == plan.main
    ]
    assert all(child.may(state) for shown in boards for group in shown.groups for child in group.children
               for state in [child.state])  # fmt: skip


def test_siblings_are_in_different_rooms(plan: Plan, cloud: MemoryCloud) -> None:
    widest = max(plan.families, key=lambda family: family.due)
    shown = board(cloud, plan.studio, widest.family, location=plan.main, now_ms=NOON, window=Window())
    assert len({group.card.room for group in shown.groups}) >= 3
    assert len({group.card.start_ms for group in shown.groups}) >= 3


def test_no_session_is_overbooked_and_no_room_is_used_twice_at_once(cloud: MemoryCloud) -> None:
    sessions = {id: decode(Session, body) for id, body in state_of(cloud, Session).items()}
    booked = Counter(decode(Booking, body).session for body in state_of(cloud, Booking).values())
    assert all(count <= sessions[session].capacity for session, count in booked.items())
    for location in {session.location for session in sessions.values()}:
        cards = day_of_sessions(cloud, location, "2026-11-01", last="2026-11-30")
        for room in {card.room for card in cards}:
            held = [card for card in cards if card.room == room]
            assert all(one.end_ms <= other.start_ms for one, other in pairwise(held))


def test_health_and_custody_are_there_and_badges_tell_of_them(plan: Plan, cloud: MemoryCloud) -> None:
    notes = [decode(ChildHealth, body) for body in state_of(cloud, ChildHealth).values()]
    assert 5 <= sum(bool(one.notes) for one in notes) <= len(notes) // 4
    assert {one.notes for one in notes} <= {"", *HEALTH_NOTES}
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\d", one.birth_date) for one in notes)
    kept_from = {plan.families[at].children[0].child for at in (0, WHOLE)}
    assert set(state_of(cloud, Custody)) == kept_from
    assert all("pickup_check" in decode(Badge, state_of(cloud, Badge)[child]).codes for child in kept_from)


def test_the_studio_uses_every_noun_of_its_model(cloud: MemoryCloud) -> None:
    """What is there is what a desk can show; what comes of doors, devices and messages comes when the demo runs."""
    ours = {
        "studio", "location", "room", "closure", "category", "level", "class_type", "instructor", "series", "program",
        "pack", "session", "staff", "grant", "policy", "document", "document_version", "health_requirement",
        "custom_field", "family", "child", "child_health", "learner", "health_profile", "health_paper",
        "health_clearance", "badge", "custody", "contact", "contact_masked", "guardianship", "consents", "booking",
        "registration", "pass", "staff_pin",
    }  # fmt: skip
    assert ours <= {kind for kind, _ in cloud.state.all()}
    sessions = [decode(Session, body) for body in state_of(cloud, Session).values()]
    assert any(one.covers for one in sessions)
    assert any(one.state == "cancelled" and one.reason for one in sessions)
    assert any(one.overbook for one in sessions)
    assert any(one.equipment for one in sessions)
    assert any(one.skip and one.extra for one in (decode(Series, body) for body in state_of(cloud, Series).values()))
    roles = {role.role for body in state_of(cloud, Guardianship).values() for role in decode(Guardianship, body).roles}
    assert roles == set(RANKS)
    pairs = [decode(Guardianship, body) for body in state_of(cloud, Guardianship).values()]
    assert any(pair.blocked for pair in pairs)
    assert any(pair.allow for pair in pairs)


def test_names_come_from_everywhere_and_are_written_as_their_languages_write_them(plan: Plan) -> None:
    assert {family.language for family in plan.families} == {tradition.language for tradition in TRADITIONS}
    letters = {
        character for family in plan.families for child in family.children for character in child.given + child.surname
    }
    scripts = {unicodedata.name(letter).split()[0] for letter in letters if letter.isalpha()}
    assert scripts >= {
        "LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "BENGALI", "TAMIL", "CJK", "HANGUL", "THAI",
        "ETHIOPIC", "GEORGIAN", "ARMENIAN",
    }  # fmt: skip
    assert full_name("ja", "さくら", "佐藤") == "佐藤さくら"
    assert full_name("vi", "Bảo Trâm", "Nguyễn") == "Nguyễn Bảo Trâm"
    assert full_name("es", "Lucía", "García Núñez") == "Lucía García Núñez"


@pytest.mark.parametrize("tradition", TRADITIONS, ids=[tradition.language for tradition in TRADITIONS])
def test_a_tradition_is_whole(tradition: Tradition) -> None:
    assert not tradition.feminine or len(tradition.feminine) == len(tradition.surnames)
    names = (*tradition.surnames, *tradition.girls, *tradition.boys, *tradition.feminine)
    assert all(name == name.strip() and name for name in names)
    assert all(unicodedata.is_normalized("NFC", name) for name in names)


def test_staff_sign_in_with_their_pins(plan: Plan) -> None:
    hashes = {draft.payload.staff: draft.payload.hash for draft in plan.drafts if isinstance(draft.payload, SetPin)}
    assert set(hashes) == {one.staff for one in plan.staff}
    assert verify_pin("314159", hashes[plan.staff[0].staff], pepper=plan.pepper)
    assert not verify_pin("314159", hashes[plan.staff[1].staff], pepper=plan.pepper)
    assert [one.role for one in plan.staff] == [
        "owner", "manager", "front_desk", "front_desk", "front_desk", "instructor",
    ]  # fmt: skip


def test_grants_are_tuples_of_place_and_role(plan: Plan, cloud: MemoryCloud) -> None:
    held = {(decode(Grant, body).role, decode(Grant, body).location) for body in state_of(cloud, Grant).values()}
    places = {name: id for id, name in plan.locations}
    assert held == {
        ("owner", ""), ("manager", ""), ("front_desk", places["Riverside"]), ("front_desk", places["Hill Street"]),
        ("front_desk", places["Harbour"]), ("instructor", places["Riverside"]),
    }  # fmt: skip


def test_a_plan_for_a_bench_has_twenty_thousand_people() -> None:
    people = make_studio(1, 5800, NOON)
    assert sum(len(family.children) + 1 for family in people.families) >= 20_000
    assert len({family.handle for family in people.families}) == 5800


def test_the_pins_are_documented(plan: Plan) -> None:
    page = (Path(__file__).parents[3] / "docs" / "model.md").read_text(encoding="utf-8")
    for one in plan.staff:
        assert re.search(rf"\| {one.name} \| .* \| {one.pin} \|", page)
