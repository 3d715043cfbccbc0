"""A write of `/f` with an `Idempotency-Key` is done once (CONTRACTS: 409 while it runs, then the same bytes for 24 h)."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from sqlalchemy import func, select

from classtap_core.house import bus
from classtap_core.kernel.clock import ManualClock
from cloud.composition import open_cloud
from cloud.messaging.ports import LocalInbox
from cloud.pages import once
from cloud.pages.frame import COOKIE
from cloud.serve import CloudServer
from tests.cloud.families import GINA, Families, founded
from tests.unit.house.world import MINUTE, NINE, STUDIO

pytestmark = pytest.mark.leaves("ThreadPoolExecutor", reason="the clock's thread ends with the cloud")


class Rig(NamedTuple):
    families: Families
    url: str
    folder: Path

    def caller(self) -> httpx.Client:
        """A guardian's browser, signed in."""
        client = httpx.Client(base_url=self.url)
        doors = self.families.cloud.doors
        client.cookies.set(COOKIE, doors.enter(doors.link(STUDIO, GINA)))
        return client

    def sent(self) -> int:
        return len(LocalInbox(self.folder / "cloud" / "inbox").files())

    def kept(self) -> int:
        table = self.families.cloud.books.tables.once
        with self.families.cloud.database.read(STUDIO) as connection:
            return connection.scalar(select(func.count()).select_from(table).where(table.c.studio_id == STUDIO)) or 0


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("once")
    clock = ManualClock(NINE - 60 * MINUTE)
    cloud = open_cloud(folder, bus(authority=True), clock=clock)
    found = founded(cloud, clock)
    with CloudServer(cloud, heartbeat_s=1.0) as server:
        yield Rig(found, server.url, folder)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"way":5}', b'{"way":"\xff"}', b'{"way":' + b"[" * 2_000])
def test_a_body_that_is_none_says_so(rig: Rig, body: bytes) -> None:
    with rig.caller() as client:
        for path in ("code", "confirm", "wish"):
            answer = client.post(f"/f/home/{path}", content=body)
            assert (answer.status_code, answer.json()["code"]) == (400, "body.malformed")


def test_the_same_write_gives_the_same_bytes_and_is_done_once_and_another_body_is_refused(rig: Rig) -> None:
    with rig.caller() as client:
        before = rig.sent()
        key = {"Idempotency-Key": "send-1"}
        first = client.post("/f/home/code", json={"way": "email"}, headers=key)
        again = client.post("/f/home/code", json={"way": "email"}, headers=key)
        assert (first.status_code, again.status_code) == (200, 200)
        assert (first.content, first.headers["content-type"]) == (again.content, again.headers["content-type"])
        assert rig.sent() == before + 1
        other = client.post("/f/home/code", json={"way": "phone"}, headers=key)
        elsewhere = client.post("/f/home/confirm", json={"way": "email"}, headers=key)
        assert [one.status_code for one in (other, elsewhere)] == [422, 422]
        assert other.json()["code"] == "idempotency.other"
        assert client.post("/f/home/code", json={}, headers={"Idempotency-Key": "a b"}).status_code == 400
    with rig.caller() as another:
        assert another.post("/f/home/confirm", json={"code": "1"}, headers=key).status_code == 409, "a key of their own"


def left(answer: httpx.Response) -> int:
    """How many tries an answer says are left."""
    return int("".join(letter for letter in answer.json()["said"] if letter.isdigit()))


def test_a_wrong_code_told_twice_costs_one_try(rig: Rig) -> None:
    rig.families.clock.advance(10 * MINUTE)
    with rig.caller() as client:
        client.post("/f/home/code", json={"way": "email"})
        key = {"Idempotency-Key": "try-1"}
        answers = [client.post("/f/home/confirm", json={"code": "nope"}, headers=key) for _ in range(3)]
        assert {one.content for one in answers} == {answers[0].content}
        assert left(client.post("/f/home/confirm", json={"code": "nope"})) == left(answers[0]) - 1


def test_a_link_entered_twice_with_one_key_opens_the_same_session(rig: Rig) -> None:
    link = rig.families.cloud.doors.link(STUDIO, GINA)
    key = {"Idempotency-Key": "enter-1"}
    first, again = (httpx.post(f"{rig.url}/f/in/{link}", headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (303, 303)
    assert first.headers["set-cookie"] == again.headers["set-cookie"]
    assert httpx.post(f"{rig.url}/f/in/{link}").status_code == 410
    cookie = first.headers["set-cookie"].partition("=")[2].partition(";")[0].encode()
    table = rig.families.cloud.books.tables.once
    with rig.families.cloud.database.read(STUDIO) as connection:
        assert all(cookie not in (row.answer or b"") for row in connection.execute(select(table))), "it rests sealed"


def test_while_the_first_runs_the_second_waits_its_turn_and_after_a_day_the_key_is_free(rig: Rig) -> None:
    rig.families.clock.advance(10 * MINUTE)
    books, now_ms = rig.families.cloud.books, rig.families.clock.now().corrected
    with rig.caller() as client:
        key = {"Idempotency-Key": "slow"}
        assert client.post("/f/home/code", json={"way": "email"}, headers=key).status_code == 200
        table = books.tables.once
        with rig.families.cloud.database.write(STUDIO) as connection:  # the first one, before it has an answer
            connection.execute(table.update().where(table.c.made_ms == now_ms).values(answer=None))
        second = client.post("/f/home/code", json={"way": "email"}, headers=key)
        assert (second.status_code, second.json()["code"]) == (409, "idempotency.running")
        rig.families.clock.advance(once.RUNNING_MS)
        assert client.post("/f/home/code", json={"way": "email"}, headers=key).status_code == 200, "its worker died"
        rig.families.clock.advance(once.KEPT_MS)
        assert client.post("/f/home/code", json={"way": "phone"}, headers=key).status_code == 200
    once.forget(books, STUDIO, before_ms=rig.families.clock.now().corrected + 1)
    assert rig.kept() == 0


def test_whoever_is_out_already_goes_out_without_a_complaint(rig: Rig) -> None:
    for cookies in ({}, {COOKIE: "nonsense"}, {COOKIE: rig.families.cloud.doors.link(STUDIO, GINA)}):
        with httpx.Client(base_url=rig.url, cookies=cookies) as client:
            gone = client.post("/f/home/out")
            assert (gone.status_code, gone.json(), COOKIE in gone.headers["set-cookie"]) == (200, {}, True)
            looked = client.get("/f/home/out")
            assert (looked.status_code, looked.headers["location"]) == (303, "/f/home")
    with rig.caller() as client:
        assert client.get("/f/home/out").status_code == 303
        assert client.get("/f/home/day").status_code == 200, "looking ends no session"
        elsewhere = client.post("/f/home/out", headers={"Sec-Fetch-Site": "cross-site"})
        assert (elsewhere.status_code, client.get("/f/home/day").status_code) == (404, 200)
        assert client.post("/f/home/out").status_code == 200
        assert client.get("/f/home/day").status_code == 401


def test_strangers_leave_nothing_behind(rig: Rig) -> None:
    """Neither who names nothing, nor who names a studio there is without a word that it gave."""
    before = rig.kept()
    forged = base64.urlsafe_b64encode(bytes.fromhex(STUDIO) + bytes(24)).decode()
    phone = f"/f/wallet/v1/devices/phone/registrations/pass.example/{STUDIO}.{STUDIO}"
    for path in ("/f/home/code", "/f/in/nonsense", "/f/stop/nonsense", "/f/home/confirm", f"/f/in/{forged}", phone):
        for key in ("k", "no key"):
            answer = httpx.post(rig.url + path, headers={"Idempotency-Key": key}, json={})
            assert answer.status_code in (401, 404), f"{path}: a stranger's key is not looked at"
    assert rig.kept() == before


def test_who_asks_too_often_is_told_when_to_ask_again(rig: Rig) -> None:
    rig.families.clock.advance(20 * MINUTE)
    with rig.caller() as client:
        answers = [client.post("/f/home/code", json={"way": "email"}) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["retry-after"] == "60"
