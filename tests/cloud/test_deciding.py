"""A seat map's lock and publish over HTTP, waited for: 423 to a second editor, 409 to who books what is being moved."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from classtap_core import house
from classtap_core.access.records import Device as DeviceRecord
from classtap_core.booking.operations import CreateBooking
from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.ids import Id
from classtap_core.kernel.memory import MemoryDevice
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.outcomes import Status
from classtap_core.schedule.records import Session
from classtap_core.schedule.seats import LOCK_IDLE_MS
from classtap_core.seating.documents import packed
from classtap_core.seating.locking import ReleaseLock, TakeLock
from classtap_core.seating.operations import SaveDraft
from classtap_core.seating.publishing import PublishSeatMap
from cloud.deciding import http_status
from cloud.serve import CloudServer
from sync.protocol import Decided, Problem, Refusal, decode, encode
from tests.cloud.rig import Device
from tests.cloud.test_seat_rollout import Rig
from tests.unit.house.world import (
    ANA,
    BLUE,
    EVENING,
    FAMILY,
    MAIN,
    NINE_BALLET,
    OWNER,
    STUDIO,
    TEACHER,
    ZOE,
    World,
    named,
    staff,
)
from tests.unit.seating.rooms import spot_id
from tests.unit.seating.test_publishing import a_map


class Caller(Device):
    """A desk of the house whose every operation is sent alone and waited for."""

    def join(self, rig: Rig, role: str = "desk") -> "Caller":
        code = rig.cloud.studios.pairing_code(STUDIO, role=role, location=MAIN, name="Desk", scopes=None)
        assert self.pair(code.code).status_code == 200
        assert self.papers is not None
        self.clock = rig.clock
        self.store = MemoryDevice(house.registry(), studio=STUDIO, device=self.papers.device, scopes=("studio",))
        for row in World().cloud.state.all().values():
            if row.scope == "studio":
                self.store.base.put((row.kind, row.id), row)
                self.store.seen.put((row.kind, row.id), row)
        own = rig.cloud.studios.storage(STUDIO).rows(DeviceRecord, [self.papers.device])[self.papers.device]
        self.store.base.put((own.kind, own.id), own)
        self.store.seen.put((own.kind, own.id), own)
        count = iter(range(1, 1 << 20))
        self.bus = DeviceBus(
            self.store, house.bus(authority=False), self.clock, lambda size: next(count).to_bytes(size, "big")
        )
        return self

    def ask(self, payload: Payload, by: Id = OWNER) -> httpx.Response:
        self.clock.advance(10)
        assert self.bus.submit(payload, staff(by)).outcome.status is not Status.REFUSED
        return self.again()

    def again(self) -> httpx.Response:
        """Send the last operation once more."""
        last = self.store.head().sequence
        return self.client.post("/sync/v1/decide", content=encode(self.batch(last, last)), headers=self.headers)


class Studio:
    """The founded studio, served; two desks; a draft of four spots."""

    def __init__(self, rig: Rig, client: httpx.Client) -> None:
        self.rig = rig
        self.one, self.other = Caller(client).join(rig), Caller(client).join(rig)
        self.revision = rig.say(_draft()).link.operation

    def publish(self, sessions: tuple[Id, ...] = (NINE_BALLET, EVENING), head: int = 0) -> PublishSeatMap:
        return PublishSeatMap(
            draft=named("draft"), revision=self.revision, room=BLUE, location=MAIN, head=head, sessions=sessions
        )

    def places(self) -> list[int]:
        return [self.rig.one(Session, id).capacity for id in (NINE_BALLET, EVENING)]


def _draft() -> Payload:
    return SaveDraft(draft=named("draft"), room=BLUE, location=MAIN, name="Blue", document=packed(a_map()))


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    rig = Rig(tmp_path)
    with CloudServer(rig.cloud) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        yield Studio(rig, client)


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    found = decode(Problem, answer.content)
    assert found.status == answer.status_code
    return answer.status_code, found.code


LOCK = TakeLock(room=BLUE, location=MAIN, sessions=(EVENING,))


def test_one_edits_a_second_gets_423_and_who_books_a_moved_spot_409(studio: Studio) -> None:
    assert studio.one.ask(studio.publish()).status_code == 200
    assert studio.one.ask(LOCK).status_code == 200
    since = studio.rig.clock.wall
    told = studio.other.ask(LOCK, by=TEACHER)
    assert problem(told) == (423, "seatlock.taken")
    params = decode(Problem, told.content).params
    assert (params["holder"], params["since_ms"]) == (OWNER, since)
    book = CreateBooking(session=EVENING, child=ZOE, family=FAMILY, location=MAIN, spot=spot_id("1,1"))
    assert problem(studio.other.ask(book)) == (409, "SeatLocked")
    studio.rig.clock.advance(LOCK_IDLE_MS)
    assert studio.other.ask(LOCK, by=TEACHER).status_code == 200, "fifteen idle minutes"
    assert problem(studio.one.ask(ReleaseLock(room=BLUE, location=MAIN))) == (423, "seatlock.taken")
    assert studio.other.ask(ReleaseLock(room=BLUE, location=MAIN), by=TEACHER).status_code == 200
    assert studio.other.ask(replace(book, child=ANA)).status_code == 200


def test_several_occurrences_are_published_all_or_none_and_once(studio: Studio) -> None:
    """The evening owes three places; with a map of two nothing changes anywhere, and the refusal names the class."""
    for child in (ANA, ZOE):
        studio.rig.say(CreateBooking(session=EVENING, child=child, family=FAMILY, location=MAIN))
    small = SaveDraft(
        draft=named("draft"), room=BLUE, location=MAIN, name="Blue", document=packed(a_map("ab")), base=studio.revision
    )
    studio.revision = studio.rig.say(small).link.operation
    told = studio.one.ask(studio.publish())
    assert problem(told) == (422, "seatmap.capacity_owed")
    refusal = decode(Refusal, told.content)
    assert {item.key: [why.code for why in item.reasons] for item in refusal.answer.outcome.items} == {
        NINE_BALLET: ["session.with_others"], EVENING: ["seatmap.capacity_owed"],
    }  # fmt: skip
    assert studio.places() == [2, 8]
    large = SaveDraft(
        draft=named("draft"), room=BLUE, location=MAIN, name="Blue", document=packed(a_map()), base=studio.revision
    )
    studio.revision = studio.rig.say(large).link.operation
    first = studio.one.ask(studio.publish())
    again = studio.one.again()
    assert (first.status_code, studio.places()) == (200, [4, 4])
    answers = [decode(Decided, one.content).answer for one in (first, again)]
    assert answers[0] == answers[1], "the same operation, sent again, is answered as before"
    assert len(studio.rig.effects()) == 1
    anew = decode(Decided, studio.one.ask(studio.publish(head=1)).content).answer.outcome
    assert anew.status is Status.DUPLICATE
    assert len(studio.rig.effects()) == 1


def test_one_operation_at_a_time_and_none_of_a_stranger(studio: Studio) -> None:
    studio.one.ask(LOCK)
    studio.one.ask(LOCK)
    last = studio.one.store.head().sequence
    both = encode(studio.one.batch(last - 1, last))
    assert problem(studio.one.client.post("/sync/v1/decide", content=both, headers=studio.one.headers)) == (
        400, "sync.not_one",
    )  # fmt: skip
    assert studio.one.client.post("/sync/v1/decide", content=both).status_code == 401


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("seat.locked", 409), ("seatlock.taken", 423), ("permission.denied", 403), ("session.unknown", 404),
        ("seatmap.no_version", 404), ("seatmap.head_moved", 409), ("seatmap.sessions_moved", 409),
        ("seat.taken", 409), ("session.full", 409), ("seatmap.violation", 422), ("seatdraft.own", 422),
    ],
)  # fmt: skip
def test_every_refusal_has_a_status(code: str, status: int) -> None:
    assert http_status(code) == status
