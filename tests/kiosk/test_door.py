"""The kiosk's door on a real store with a real studio in it: verdicts, marks, PINs, and what a full disk does to each."""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from classtap_cli.demo.studio import DemoFamily
from classtap_core.access.blueprints import Capability
from classtap_core.booking.operations import CreateBooking
from classtap_core.booking.records import Policy, policy_id
from classtap_core.checkin.attempts import ScanAttempts
from classtap_core.checkin.reading import fetch, search
from classtap_core.checkin.records import Scan
from classtap_core.checkin.rules import Window
from classtap_core.checkin.settings import (
    KIOSK_POLICY,
    KioskSettings,
    PassSettings,
    kiosk_settings,
    pass_settings,
)
from classtap_core.kernel.clock import SystemClock
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.records import plain
from classtap_core.passes.brand import Brand
from classtap_core.passes.operations import RevokePass
from classtap_core.passes.records import Pass, pass_id
from classtap_core.schedule.operations import AddSessions
from kiosk.door import Door, Rosters, Said, Sighted
from kiosk.headless import mark_all
from kiosk.showing import line
from sync.client.engine import State
from sync.client.health import health_of
from sync.client.node import Node
from sync.client.subscriptions import subscriptions
from tests.end_to_end.house_rig import Sky, WrongClock, cloud_row, families_due, filled, log_of, planned_starts
from tests.end_to_end.rig import Studio

PINS = {"marisol": "271828", "dilnoza": "161803", "ayumi": "223606"}
"""docs/model.md: a manager, the front desk at Riverside, an instructor."""


class Studied(NamedTuple):
    """What was made once: a kiosk's folder to copy, its families' passes, and a pass of another studio."""

    folder: Path
    families: list[DemoFamily]
    texts: dict[Id, str]
    foreign: str


class House:
    """A kiosk that never hears of the cloud again, under a sky of its own."""

    def __init__(self, made: Studied, folder: Path) -> None:
        self.sky, self.folder = Sky(), folder
        self.families, self.texts, self.foreign = made.families, made.texts, made.foreign
        shutil.copytree(made.folder, folder)
        self.open()

    def open(self) -> None:
        self.node = Node.open(self.folder, program="kiosk", clock=self.sky.clock(), ring=None)
        self.door = Door(self.node)

    def scan(self, family: DemoFamily, **how: Any) -> Sighted:
        return self.door.scan(self.texts[family.family], **how).result()


def double_book(studio: Studio, family: DemoFamily) -> None:
    """One child of the family in two sessions that share time and are open now, whatever the demo's dice said."""
    payloads = [draft.payload for draft in studio.plan.drafts]
    planned = [
        item for one in payloads if isinstance(one, AddSessions) and one.location == family.home for item in one.items
    ]
    now_ms, spans = studio.clock.now().wall, planned_starts(studio)
    now = [item for item in planned if Window().holds(spans[item.session], now_ms)]
    mine = [one for one in payloads if isinstance(one, CreateBooking) and one.family == family.family]
    booked = next(one for one in mine if one.session in {item.session for item in now})
    held = {one.session for one in mine if one.child == booked.child}
    near = min(
        (item for item in now if item.session not in held),
        key=lambda item: abs(spans[item.session] - spans[booked.session]),
    )
    assert abs(spans[near.session] - spans[booked.session]) < 45 * 60_000
    again = CreateBooking(
        session=near.session, child=booked.child, family=family.family, location=family.home, via="family"
    )
    assert studio.cloud.studios.author(studio.plan.studio, again, source="test").link.outcome.stands


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Studied:
    with Studio(tmp_path_factory.mktemp("studio") / "data", families=8) as studio:
        studios, id = studio.cloud.studios, studio.plan.studio
        families = families_due(studio)
        texts = {family.family: studio.pass_text(family) for family in families}
        gone = families[-1]
        studios.author(id, RevokePass(family=gone.family, home=gone.home, epoch=1, reason="lost"), source="test")
        double_book(studio, families[0])
        other = studios.found("Another studio", environment="test")
        issued = cloud_row(studio, Pass, pass_id(id, families[0].family))
        foreign = studios.pass_keys.issue(other, issued, now_s=SystemClock().now().wall // 1000)
        studio.pair("kiosk")
        studio.leave("kiosk")
        return Studied(studio.data / "kiosk", families, texts, foreign)


@pytest.fixture
def home(made: Studied, tmp_path: Path) -> Iterator[House]:
    house = House(made, tmp_path / "kiosk")
    yield house
    house.node.close()


def repeat(work: Callable[[], Any], times: int) -> None:
    """The pages that are there fill up at some time."""
    for _ in range(times):
        work()


def scans_of(node: Node) -> list[Any]:
    return [entry for entry in log_of(node) if entry.kind == "scan.record"]


def test_a_verdict_is_a_fact_before_it_is_heard(home: House) -> None:
    family = home.families[0]
    sighted = home.scan(family, decode_us=31_000, trace="frame 12")
    assert (sighted.outcome, sighted.family, sighted.warnings) == ("ok", family.family, ())
    assert sighted.board is not None
    shown = {child.child for group in sighted.board.groups for child in group.children}
    assert shown == {child for child in shown if child in {one.child for one in family.children}} != set()
    (entry,) = scans_of(home.node)
    assert entry.id == sighted.scan
    with home.node.reader() as reader:
        kept = fetch(reader, Scan, [Id(sighted.scan)])[Id(sighted.scan)]
    assert (kept.outcome, kept.family, kept.decode_us, kept.trace) == ("ok", family.family, 31_000, "frame 12")
    assert kept.device == home.node.papers.device
    assert kept.key_id > 0


@pytest.mark.parametrize("wrong_ms", [-86_400_000, -300_000, 300_000, 86_400_000])
def test_a_printed_pass_at_a_clock_that_somebody_set_is_taken_and_says_so(
    made: Studied, tmp_path: Path, wrong_ms: int
) -> None:
    house = House(made, tmp_path / "kiosk")
    house.node.close()
    house.node = Node.open(house.folder, program="kiosk", clock=WrongClock(wrong_ms), ring=None)
    house.door = Door(house.node)
    try:
        sighted = house.scan(house.families[0])
        assert sighted.outcome == "ok"
        assert "clock_suspect" in sighted.warnings
        with house.node.reader() as reader:
            assert fetch(reader, Scan, [Id(sighted.scan)])[Id(sighted.scan)].reason == "clock_suspect"
    finally:
        house.node.close()


def test_a_known_pass_that_is_refused_is_a_fact_too_and_shows_no_board(home: House) -> None:
    sighted = home.scan(home.families[-1])
    assert (sighted.outcome, sighted.board) == ("revoked", None)
    assert [entry.id for entry in scans_of(home.node)] == [sighted.scan]


def test_other_refusals_are_counted_and_leave_no_entry(home: House) -> None:
    text = home.texts[home.families[0].family]
    forged = text[:-9] + ("A" if text[-9] != "A" else "B") + text[-8:]
    refused = [forged, "https://parking.example/pay?lot=42", "", text[:40], "CT:" + "Ж" * 40]
    outcomes = [home.door.scan(one).result().outcome for one in refused]
    assert outcomes[0] == "tampered"
    assert outcomes[1:] == ["unreadable"] * 4
    assert home.door.scan(home.foreign).result().outcome == "other_studio"
    assert log_of(home.node) == []
    with home.node.reader() as reader:
        counted = reader.observations("scan.refused")
    totals: dict[str, int] = {}
    for (_, outcome), counts in counted.items():
        totals[outcome] = totals.get(outcome, 0) + counts["count"]
    assert totals == {"tampered": 1, "unreadable": 4, "other_studio": 1}


def test_what_was_tried_in_vain_is_told_in_sums_and_outlives_a_restart(home: House) -> None:
    text = home.texts[home.families[0].family]
    forged = text[:-9] + ("A" if text[-9] != "A" else "B") + text[-8:]
    for _ in range(7):
        home.door.scan(forged).result()
    home.door.scan(home.foreign).result()
    assert home.door.tell_attempts(online=True).result() is False, "not yet: more may come"
    home.node.close()
    home.open()
    home.sky.moved_ms += 20_000
    assert home.door.tell_attempts(online=False).result() is False, "offline they are kept for ten minutes"
    assert home.door.tell_attempts(online=True).result() is True
    assert home.door.tell_attempts(online=True).result() is False, "once"
    (entry,) = log_of(home.node)
    assert entry.kind == "scan.attempts"
    with home.node.reader() as reader:
        (told,) = search(reader, ScanAttempts, "by_device")
    assert {(one.outcome, one.count) for one in told.items} == {("tampered", 7), ("other_studio", 1)}
    assert {one.handle for one in told.items} == {""}, "nothing is passed on of what nobody signed"


def test_staff_may_let_in_twice_without_contact_and_never_a_revoked_pass(home: House) -> None:
    home.sky.moved_ms += 15 * 86_400_000
    stale = home.scan(home.families[0])
    assert (stale.outcome, stale.board, stale.may_override) == ("keys_stale", None, True)
    clerk = home.door.check_pin(PINS["dilnoza"], Capability.OVERRIDE_GATE).staff
    assert clerk is not None
    for _ in range(2):
        let_in = home.door.override(stale, clerk, "known").result()
        assert (let_in.outcome, let_in.family, let_in.rosters, let_in.board) == ("ok", stale.family, "missing", None)
    written = log_of(home.node)
    assert [(entry.kind, entry.told.stands) for entry in written] == [("scan.override", True)] * 2
    assert clerk.encode() in written[-1].data
    assert written[-1].id == let_in.scan
    with pytest.raises(Refused, match="override_limit"):
        home.door.override(stale, clerk, "known").result()
    home.node.close()
    home.open()
    with pytest.raises(Refused, match="override_limit"):
        home.door.override(stale, clerk, "known").result()
    assert (let_in.overridden, let_in.overrides) == (2, 2)
    revoked = home.scan(home.families[-1])
    assert (revoked.outcome, revoked.may_override) == ("revoked", False)
    with pytest.raises(Refused, match="not_to_override"):
        home.door.override(revoked, clerk, "known").result()


def test_a_day_that_is_not_held_is_never_read_as_nobody_being_due(home: House) -> None:
    """A kiosk holds a week ahead; its keys are good for two (OPERATIONS, authoring 3)."""
    home.sky.moved_ms += 9 * 86_400_000
    found = home.scan(home.families[0])
    assert (found.outcome, found.rosters, found.board) == ("ok", Rosters.MISSING, None)
    assert line(found, decoder="zxing", decode_ms=1.0, frame=1)["rosters"] == "missing"
    assert home.door.rosters().result() is Rosters.MISSING


def test_a_studio_may_have_staff_check_in_whenever_a_kiosk_is_offline(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catalogue 44's "Allow offline check-ins"; the scan is recorded all the same (ruling 6)."""
    family = home.families[0]
    assert home.scan(family).rosters is Rosters.FRESH
    values = KioskSettings(offline=False).values()
    assert values["offline"] == 0
    set_ = Policy(
        id=policy_id(home.door.studio, KIOSK_POLICY), name=KIOSK_POLICY, version=1, values=values, published_ms=1
    )
    row = Pulled(set_.KIND, set_.id, set_.scope(), msgspec.json.encode(plain(set_)))
    home.node.call(lambda bus: bus.apply([row]))
    handed = home.scan(family)
    assert (handed.outcome, handed.rosters, bool(handed.scan)) == ("ok", Rosters.OFFLINE, True)
    with monkeypatch.context() as patch:
        patch.setattr(type(home.node.engine), "state", property(lambda _: State.ONLINE))
        assert home.scan(family).rosters is Rosters.FRESH
    clerk = home.door.check_pin(PINS["dilnoza"], Capability.OVERRIDE_GATE).staff
    assert clerk is not None
    let_in = home.door.override(handed, clerk, "kiosk").result()
    assert (let_in.board is not None, let_in.rosters) == (True, Rosters.FRESH)
    assert home.scan(home.families[1]).rosters is Rosters.FRESH, "for whoever comes today"
    home.sky.moved_ms += 24 * 3_600_000
    assert home.scan(family).rosters is Rosters.OLD, "another day, and older by now than is trusted anyway"


def test_rosters_older_than_a_day_ask_staff_once_a_day(home: House) -> None:
    """Catalogue 14: a warning after 24 hours, and an override to go on."""
    first, second = home.families[:2]
    home.sky.moved_ms += 23 * 3_600_000
    assert home.scan(first).rosters is Rosters.FRESH
    home.sky.moved_ms += 2 * 3_600_000
    old = home.scan(first)
    assert (old.outcome, old.rosters, old.may_override) == ("ok", Rosters.OLD, False)
    teacher = home.door.check_pin(PINS["ayumi"], Capability.OVERRIDE_GATE).staff
    clerk = home.door.check_pin(PINS["dilnoza"], Capability.OVERRIDE_GATE).staff
    assert (teacher, clerk is not None) == (None, True)
    assert clerk is not None
    let_in = home.door.override(old, clerk, "kiosk").result()
    assert (let_in.board is not None, let_in.rosters, let_in.overrides) == (True, Rosters.FRESH, 0)
    (*_, entry) = log_of(home.node)
    assert (entry.kind, entry.told.stands) == ("scan.override", True)
    assert home.scan(second).rosters is Rosters.FRESH, "for whoever comes today"
    home.node.close()
    home.open()
    assert home.scan(second).rosters is Rosters.FRESH
    home.sky.moved_ms += 24 * 3_600_000
    assert home.scan(first).rosters is Rosters.OLD


def test_the_settings_of_a_studio_are_read_kindly() -> None:
    wanted = KioskSettings(decoders=("zxing", "opencv"), overrides=0, mark_on_scan=True)
    assert kiosk_settings(wanted.values()) == wanted
    assert kiosk_settings({"decoders": " zbar ,", "overrides": 999, "mark_on_scan": "yes"}) == KioskSettings(
        decoders=("zbar",), overrides=20
    )
    assert kiosk_settings({"overrides": "many"}) == KioskSettings()
    passes = PassSettings(life_days=30, grace_h=0, brand=Brand(dark="#223344", logo=b"\x89PNG"))
    assert pass_settings(passes.values()) == passes
    assert pass_settings({"logo": "?", "life_days": 1, "grace_h": -4}) == PassSettings(life_days=7, grace_h=0)


def test_looking_without_keeping_writes_nothing(home: House) -> None:
    sighted = home.scan(home.families[0], keep=False)
    assert (sighted.outcome, sighted.scan) == ("ok", "")
    assert sighted.board is not None
    assert log_of(home.node) == []


def test_a_tap_is_saved_and_a_change_of_mind_names_what_it_corrects(home: House) -> None:
    sighted = home.scan(home.families[0])
    assert sighted.board is not None
    group = sighted.board.groups[0]
    child = Id(group.children[0].child)
    states = []
    for state in ("present", "absent", "none", "late"):
        marked = home.door.mark(home.families[0].family, group.card.session.id, [Said(child, state)]).result()
        assert marked.outcome.status is Status.ACCEPTED
        assert marked.board is not None
        states.append(next(c.state.value for g in marked.board.groups for c in g.children if c.child == child))
    assert states == ["present", "absent", "none", "late"]
    assert len(log_of(home.node)) == 5
    assert home.node.store.check().ok


def test_a_gate_stops_one_child_and_no_sibling(home: House) -> None:
    """The first family has a child booked twice at one time (catalogue 14: overlap)."""
    stopped = 0
    for family in home.families[:-1]:
        for _, marked in mark_all(home.door, home.scan(family), "present"):
            refused = dict(marked.refused)
            assert set(refused.values()) <= {"gate.present_elsewhere"}
            stopped += len(refused)
            saved = {item.key for item in marked.outcome.items if item.status is Status.ACCEPTED}
            assert not saved & set(refused)
    assert stopped >= 1


def test_who_may_leave_may_leave_and_guessing_ends(home: House) -> None:
    assert home.door.check_pin(PINS["dilnoza"]).staff is not None
    assert home.door.check_pin(PINS["ayumi"]).staff is None, "an instructor's PIN is right, but may not leave"
    left = [home.door.check_pin(pin) for pin in ("000000", "12345")]
    assert [check.tries_left for check in left] == [1, 3]
    assert left[-1].lock.locked
    locked = home.door.check_pin(PINS["marisol"])
    assert (locked.staff, locked.lock.locked) == (None, True)
    home.sky.moved_ms += 5 * 60_000 + 1
    assert home.door.check_pin(PINS["marisol"]).staff is not None
    assert home.door.check_pin("000000").tries_left == 2


def test_wrong_pins_count_on_after_a_restart(home: House) -> None:
    for _ in range(3):
        home.door.check_pin("000000")
    home.node.close()
    home.open()
    assert home.door.check_pin(PINS["marisol"]).lock.locked


def test_a_full_disk_loses_nothing_and_says_so(home: House) -> None:
    family = home.families[0]
    sighted = home.scan(family)
    assert sighted.board is not None
    group = sighted.board.groups[0]
    said = [Said(Id(group.children[0].child), state) for state in ("present", "absent")]
    turns = cycle(said)

    def mark() -> Any:
        return home.door.mark(family.family, group.card.session.id, [next(turns)]).result()

    before = log_of(home.node)
    with filled(home.node):
        for work in (lambda: home.scan(family), mark, lambda: home.node.probe().result()):
            with pytest.raises(EnvironmentFault, match="disk_full"):
                repeat(work, 200)
        assert home.door.check_pin("000000").tries_left == 2
        assert home.door.check_pin("000000").tries_left == 1
        assert home.door.check_pin(PINS["marisol"]).staff is not None, "a full disk keeps nobody in"
    home.node.probe().result()
    assert [entry.id for entry in log_of(home.node)][: len(before)] == [entry.id for entry in before]
    assert mark().outcome.stands
    assert home.node.store.check().ok


def test_a_revoked_device_knows_it_from_its_own_records(home: House) -> None:
    assert home.door.revoked() is False


def pulled_scans(house: House, many: int, *, after_ms: int, date: str) -> list[Pulled]:
    """Scans of another door of this location, a millisecond apart, as the cloud sends them."""
    where = house.node.papers.location
    made = (
        Scan(
            id=derived("elsewhere", date, str(number)), outcome="ok", handle=f"{number % 900:016x}",
            at_ms=after_ms + 1 + number, location=where, date=date, device=derived("device", "elsewhere"),
        )
        for number in range(many)
    )  # fmt: skip
    return [Pulled("scan", one.id, one.scope(), msgspec.json.encode(one)) for one in made]


def test_the_ledger_ends_at_fifty_thousand_and_keeps_what_the_cloud_has_not_answered(home: House) -> None:
    """Catalogue 44: 50,000 entries, the oldest resolved ones first; what is unresolved stays however old it is."""
    node, rows = home.node, 50_030
    own = [home.scan(home.families[0]).scan for _ in range(3)]
    with node.reader() as reader:
        before = search(reader, Scan, "by_handle")
    newest = max(one.at_ms for one in before)
    later = pulled_scans(home, rows, after_ms=newest, date=before[0].date)
    node.store.apply(node.bus, later).result()
    assert [(bound.record, bound.most) for bound in node.rounds.bounds] == [(Scan, 50_000)]
    node.rounds.keep_within()
    with node.reader() as reader:
        left = {one.id for one in search(reader, Scan, "by_handle")}
        assert not reader.whole(later[0].scope)
    gone = len(before) + rows - 50_000
    assert len(left) == 50_000
    assert {one.id for one in before} <= left, "nobody has answered these"
    assert set(own) <= left
    assert [row.id for row in later if row.id not in left] == [row.id for row in later[:gone]]
    now_ms = node.clock.now().corrected
    told = node.evicted()
    assert (told.total, told.untold) == (gone, gone)
    assert 0 <= now_ms - told.last_ms < 600_000
    assert health_of(node).ledger == (50_000, gone, gone, told.last_ms)
    node.rounds.keep_within()
    with node.reader() as reader:
        assert len(search(reader, Scan, "by_handle")) == 50_000
    assert node.evicted() == told, "nothing more left"
    assert home.door.tell_attempts(online=True).result() is False
    home.sky.moved_ms += 20_000
    assert home.door.tell_attempts(online=True).result() is True
    entry = log_of(node)[-1]
    assert (entry.kind, entry.told.stands) == ("scan.attempts", True)
    with node.reader() as reader:
        (row,) = search(reader, ScanAttempts, "by_device")
    assert (row.items, row.evicted, row.evicted_ms) == ((), gone, told.last_ms)
    assert home.door.tell_attempts(online=True).result() is False, "once"
    assert health_of(node).ledger == (50_000, gone, 0, told.last_ms)
    assert node.store.check().ok


def test_scans_of_fourteen_days_stay_at_a_door_and_thirty_at_a_desk(home: House) -> None:
    today, where = home.node.today(), home.node.papers.location
    days = {ago: f"scans/{where}/{(today - timedelta(days=ago)).isoformat()}" for ago in (0, 1, 7, 13, 14, 15, 30)}
    stay = home.node.stay()
    assert stay == {"scans": 14}
    wanted = subscriptions(home.node.papers.scopes, today, held=[days[14], days[15], days[30]], stay=stay)
    assert [ago for ago, scope in days.items() if scope in wanted] == [0, 1, 7, 13, 14]
    fresh = subscriptions(home.node.papers.scopes, today, stay=stay)
    assert [ago for ago, scope in days.items() if scope in fresh] == [0, 1]
    assert kiosk_settings({}).scan_days == 30
    assert [kiosk_settings({"scan_days": days}).scan_days for days in (3, 90, 9_999)] == [14, 90, 400]
