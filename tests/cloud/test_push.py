"""Pushing over HTTP: each operation takes effect exactly once, and nothing bad stops what is good."""

import gzip
import os
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import msgspec
import pytest
import zstandard
from sqlalchemy import func, select

from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import derived
from classtap_core.kernel.memory import MemoryDevice
from classtap_core.kernel.outcomes import ACCEPTED, Status
from cloud.bodies import from_zstd, unpacked
from cloud.composition import Cloud
from cloud.storage.directory import StudioEntry
from sync import protocol
from tests.cloud.conftest import paired
from tests.cloud.rig import ALL, Device, child_id, code_of, marks, seed
from tests.unit.kernel import toy


def logged(cloud: Cloud) -> int:
    """How many operations the cloud has decided."""
    with cloud.database.administer() as connection:
        return connection.scalar(select(func.count()).select_from(cloud.books.tables.log)) or 0


@pytest.mark.parametrize("count", [1, 2, 499, 500])
def test_a_batch_of_any_allowed_size_lands_whole(device: Device, cloud: Cloud, count: int) -> None:
    device.submit(marks(count))
    pushed = device.push(1, count)
    assert [answer.sequence for answer in pushed.answers] == list(range(1, count + 1))
    assert {answer.outcome.status for answer in pushed.answers} == {Status.ACCEPTED}
    assert [answer.included for answer in pushed.answers] == list(range(1, count + 1))
    assert pushed.acked == count
    assert pushed.takes["toy.mark"] == 1
    assert logged(cloud) == count


def test_501_operations_are_too_many(device: Device, cloud: Cloud) -> None:
    device.submit(marks(501))
    assert code_of(device.send(device.batch(1, 501))) == (413, "sync.too_many")
    assert logged(cloud) == 0


def test_delivered_twice_answers_the_same_and_changes_nothing(device: Device, cloud: Cloud) -> None:
    device.submit(marks(20))
    first = device.push(1, 20)
    second = device.push(1, 20)
    assert second.answers == first.answers
    assert logged(cloud) == 20
    # A longer batch that begins with what is known: the known part is answered as before.
    device.submit(marks(5, start=20))
    third = device.push(15, 25)
    assert third.answers[:6] == first.answers[14:]
    assert logged(cloud) == 25


def test_delivered_twice_an_answer_has_the_effects_that_its_author_owes(
    device: Device, cloud: Cloud, studio: StudioEntry
) -> None:
    """Where the first answer was lost, the second is what sets them going."""
    places = derived("seats", "two")
    seed(cloud, studio.id, [toy.Post(seats=places, free=2)])
    device.submit([toy.Borrow(seats=places, lease=False)] * 3)
    first = device.push(1, 3)
    assert [len(answer.effects) for answer in first.answers] == [1, 1, 0]
    assert [answer.outcome.stands for answer in first.answers] == [True, True, False]
    assert device.push(1, 3).answers == first.answers


def test_the_answer_carries_a_first_page_of_what_changed(device: Device) -> None:
    device.submit(marks(3))
    pushed = device.push(1, 3, scopes=["roster/h1"])
    assert pushed.page is not None
    assert {row.id for row in pushed.page.rows} == {toy.presence_id(child_id(number)) for number in range(3)}
    assert pushed.page.through == 3


def test_a_gap_names_what_is_expected(device: Device, cloud: Cloud) -> None:
    device.submit(marks(5))
    answer = device.send(device.batch(3, 5))
    assert code_of(answer) == (409, "sync.gap")
    assert protocol.decode(protocol.Problem, answer.content).params == {"expected": 1}
    assert logged(cloud) == 0


def test_operations_out_of_their_order_are_not_taken(device: Device, cloud: Cloud) -> None:
    device.submit(marks(4))
    push = device.batch(1, 4)
    first, second, third, last = push.items
    for items in ((second, first, third, last), (first, third, second, last), (first, last), (first, first, second)):
        status, code = code_of(device.send(msgspec.structs.replace(push, items=items)))
        assert (status, code) in {(400, "sync.broken_chain"), (401, "sync.signature")}
    assert logged(cloud) == 0
    assert device.push(1, 4).acked == 4


def test_a_second_history_of_the_same_device_is_a_fork(device: Device, cloud: Cloud, client: httpx.Client) -> None:
    twin = Device(client)
    twin.key, twin.papers = device.key, device.papers
    assert device.papers is not None
    device.submit(marks(3))
    device.push(1, 3)
    twin.store = toy_store(twin)
    twin.bus = type(device.bus)(twin.store, toy.bus(authority=False), twin.clock, os.urandom)
    twin.submit(marks(4, start=50))
    assert code_of(twin.send(twin.batch(1, 3))) == (409, "sync.fork")
    assert code_of(twin.send(twin.batch(4, 4))) == (409, "sync.fork")
    assert logged(cloud) == 3


def toy_store(twin: Device) -> MemoryDevice:
    assert twin.papers is not None
    return MemoryDevice(toy.registry(), studio=twin.papers.studio, device=twin.papers.device, scopes=ALL)


def test_an_envelope_moved_to_another_epoch_is_no_longer_signed(device: Device) -> None:
    device.submit(marks(1))
    push = device.batch(1, 1)
    raw = push.items[0].envelope.replace('"epoch":1', '"epoch":2')
    bent = msgspec.structs.replace(push, epoch=2, items=(protocol.WireOperation(raw, push.items[0].parts),))
    assert code_of(device.send(bent)) == (401, "sync.signature")


@pytest.mark.parametrize("signature", ["00" * 64, "", "zz", "00" * 63])
def test_a_forged_signature_stores_nothing(device: Device, cloud: Cloud, signature: str) -> None:
    device.submit(marks(2))
    status, code = code_of(device.send(device.batch(1, 2, signature=signature)))
    assert (status, code) in {(401, "sync.signature"), (400, "sync.malformed")}
    assert logged(cloud) == 0
    assert device.push(1, 2).acked == 2


def test_a_changed_envelope_breaks_the_signature_or_the_chain(device: Device, cloud: Cloud) -> None:
    device.submit(marks(2))
    push = device.batch(1, 2)
    first, last = push.items
    bent = protocol.WireOperation(last.envelope.replace('"wall":17', '"wall":18'), last.parts)
    assert code_of(device.send(msgspec.structs.replace(push, items=(first, bent)))) == (401, "sync.signature")
    bent = protocol.WireOperation(first.envelope.replace('"wall":17', '"wall":18'), first.parts)
    assert code_of(device.send(msgspec.structs.replace(push, items=(bent, last))))[1] == "sync.broken_chain"
    part = {subject: text.replace("present", "absent ") for subject, text in first.parts.items()}
    bent = protocol.WireOperation(first.envelope, part)
    assert code_of(device.send(msgspec.structs.replace(push, items=(bent, last))))[1] == "envelope.commitment"
    assert logged(cloud) == 0


def test_another_studio_or_device_cannot_be_spoken_for(device: Device, cloud: Cloud, client: httpx.Client) -> None:
    elsewhere = paired(cloud, cloud.studios.found("Elsewhere"), client)
    assert device.papers is not None
    assert elsewhere.papers is not None
    device.submit(marks(1))
    push = device.batch(1, 1)
    answer = elsewhere.send(push)
    assert code_of(answer) == (403, "sync.other_studio")
    bent = msgspec.structs.replace(push, studio=elsewhere.papers.studio)
    assert code_of(elsewhere.send(bent)) == (409, "sync.unpaired")
    bent = msgspec.structs.replace(bent, device=elsewhere.papers.device)
    assert code_of(elsewhere.send(bent)) == (400, "sync.mixed")
    assert logged(cloud) == 0


def test_a_faulty_operation_is_quarantined_and_the_others_land(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as older:
        # The device's own program could handle it; the cloud's has a bug.
        older.setattr(toy.Faulty.SPEC, "handler", lambda tx, op: ACCEPTED)
        device.submit([*marks(2), toy.Faulty(why="bug"), *marks(2, start=2)])
    pushed = device.push(1, 5)
    assert [answer.outcome.status for answer in pushed.answers] == [
        Status.ACCEPTED, Status.ACCEPTED, Status.QUARANTINED, Status.ACCEPTED, Status.ACCEPTED,
    ]  # fmt: skip
    assert pushed.acked == 5


def test_an_unknown_kind_is_quarantined_and_acknowledged(device: Device, cloud: Cloud) -> None:
    spec = cloud.bus.registry.specs.pop("toy.take")
    try:
        device.submit([*marks(1), toy.Take(seats=child_id(1)), *marks(1, start=1)])
        pushed = device.push(1, 3)
    finally:
        cloud.bus.registry.specs["toy.take"] = spec
    assert [answer.outcome.status for answer in pushed.answers][1] == Status.QUARANTINED
    assert pushed.answers[1].outcome.reasons[0].code == "operation.unknown"
    assert pushed.acked == 3


@contextmanager
def poisoned(cloud: Cloud, table: str, id: str) -> Iterator[None]:
    """A table that refuses one row."""
    if cloud.database.dialect == "sqlite":
        put = f"CREATE TRIGGER poison BEFORE INSERT ON {table} WHEN NEW.id = '{id}' BEGIN SELECT RAISE(ABORT, 'poison'); END"
        take = "DROP TRIGGER poison"
    else:
        put = f"ALTER TABLE {table} ADD CONSTRAINT poison CHECK (id <> '{id}')"
        take = f"ALTER TABLE {table} DROP CONSTRAINT poison"
    with cloud.database.administer() as connection:
        connection.exec_driver_sql(put)
    try:
        yield
    finally:
        with cloud.database.administer() as connection:
            connection.exec_driver_sql(take)


@pytest.mark.expected_log("error ignored terminating", reason="psycopg's word on a row that PostgreSQL refuses")
@pytest.mark.expected_log("looking for the operation", reason="the storage refuses an operation on purpose")
def test_what_the_storage_cannot_take_is_found_and_set_apart(device: Device, cloud: Cloud, studio: StudioEntry) -> None:
    device.submit(marks(20))
    with poisoned(cloud, "record_presence", toy.presence_id(child_id(7))):
        pushed = device.push(1, 20)
    statuses = [answer.outcome.status for answer in pushed.answers]
    assert statuses[7] == Status.QUARANTINED
    assert statuses.count(Status.ACCEPTED) == 19
    assert pushed.acked == 20
    assert device.push(1, 20).answers == pushed.answers
    assert logged(cloud) == 20


def test_bodies_that_are_none(device: Device, client: httpx.Client, cloud: Cloud) -> None:
    device.submit(marks(2))
    packed = gzip.compress(protocol.encode(device.batch(1, 2)))
    zipped = {**device.headers, "Content-Encoding": "gzip"}

    def send(body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        return code_of(client.post("/sync/v1/push", content=body, headers=headers))

    assert send(packed[:-20], zipped) == (400, "body.truncated")
    assert send(packed + b"more", zipped) == (400, "body.truncated")
    assert send(b"no gzip", zipped) == (400, "body.truncated")
    assert send(gzip.compress(b" " * (protocol.MOST_BYTES + 1)), zipped) == (413, "body.too_large")
    assert send(b" " * (protocol.MOST_BYTES + 1), device.headers) == (413, "body.too_large")
    assert send(b"{}", device.headers) == (400, "sync.malformed")
    assert send(b"", device.headers) == (400, "sync.malformed")
    assert send(b"[" * 100_000, device.headers) == (400, "sync.malformed")
    deep = b'{"unknown":' + b"[" * 4_000
    assert send(deep, device.headers) == (400, "sync.malformed")
    assert code_of(client.post("/sync/v1/pair", content=deep)) == (400, "sync.malformed")
    assert send(packed, {**device.headers, "Content-Encoding": "br"}) == (415, "body.encoding")
    squeezed = zstandard.compress(protocol.encode(device.batch(1, 2)))
    in_zstd = {**device.headers, "Content-Encoding": "zstd"}
    for broken in (squeezed[:-3], squeezed + b"more", squeezed * 2, packed, b""):
        assert send(broken, in_zstd) == (400, "body.truncated")
    assert send(zstandard.compress(b" " * (protocol.MOST_BYTES + 1)), in_zstd) == (413, "body.too_large")
    assert send(protocol.encode(device.batch(1, 1, items=())), device.headers) == (400, "sync.empty")
    assert logged(cloud) == 0


def test_a_bomb_is_stopped_before_it_unfolds() -> None:
    bomb = gzip.compress(bytes(200_000_000), 9)
    with pytest.raises(BadInput, match=r"body\.too_large"):
        unpacked(bomb, most=1_000_000)
    bomb = zstandard.compress(bytes(200_000_000))
    tracemalloc.start()
    with pytest.raises(BadInput, match=r"body\.too_large"):
        from_zstd(bomb, most=1_000_000)
    assert tracemalloc.get_traced_memory()[1] < 40_000_000
    tracemalloc.stop()


def test_a_batch_in_zstd_is_taken(device: Device, client: httpx.Client, cloud: Cloud) -> None:
    device.submit(marks(2))
    body = zstandard.compress(protocol.encode(device.batch(1, 2)))
    answer = client.post("/sync/v1/push", content=body, headers={**device.headers, "Content-Encoding": "zstd"})
    assert protocol.decode(protocol.Pushed, answer.content).acked == 2
    assert logged(cloud) == 2


def test_who_asks_must_be_known(device: Device, client: httpx.Client) -> None:
    assert code_of(client.get("/sync/v1/pull")) == (401, "auth.missing")
    assert code_of(client.get("/sync/v1/pull", headers={"Authorization": "Bearer nonsense"})) == (401, "auth.token")
    assert code_of(client.get("/sync/v1/nowhere")) == (404, "http.not_found")
    answer = client.get("/sync/v1/push", headers=device.headers)
    assert (code_of(answer), answer.headers["allow"]) == ((405, "http.method"), "POST")
    assert client.delete("/f/in/nobody").headers["allow"] == "GET, HEAD, POST"
    assert code_of(client.get("/sync/v1/pull/", headers=device.headers)) == (404, "http.not_found")


def test_guessing_tokens_is_slowed_down(client: httpx.Client, server: object) -> None:
    answers = [
        code_of(client.get("/sync/v1/pull", headers={"Authorization": f"Bearer {number}"})) for number in range(62)
    ]
    assert answers[59] == (401, "auth.token")
    assert answers[61] == (429, "rate.limited")


def test_a_revoked_device_is_heard_but_told_nothing(device: Device, cloud: Cloud, client: httpx.Client) -> None:
    assert device.papers is not None
    device.submit(marks(2))
    device.push(1, 1)
    cloud.studios.revoke(device.papers.studio, device.papers.device)
    answer = protocol.decode(protocol.Pushed, device.send(device.batch(2, 2)).content)
    assert [one.sequence for one in answer.answers] == [2]
    assert answer.page is None
    for path in ("pull", "snapshot/roster/*", "keys", "live"):
        assert code_of(client.get(f"/sync/v1/{path}", headers=device.headers)) == (403, "device.revoked")
    assert logged(cloud) == 2
