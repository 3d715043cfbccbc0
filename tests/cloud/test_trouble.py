"""Trouble on the way: cut connections, a full disk, many at once. What is acknowledged counts, once."""

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from classtap_core.kernel.ids import derived
from classtap_core.kernel.outcomes import Status
from cloud.composition import Cloud
from cloud.serve import CloudServer
from cloud.storage.audit import audit
from cloud.storage.directory import StudioEntry
from sync import protocol
from sync.signed import is_signed
from tests.cloud.conftest import paired
from tests.cloud.rig import Device, code_of, marks, seed
from tests.cloud.test_push import logged
from tests.unit.kernel import toy


def raw(server: CloudServer, device: Device, push: protocol.Push) -> tuple[bytes, int]:
    """A whole HTTP request as bytes, and where its body begins."""
    body = protocol.encode(push)
    head = (
        f"POST /sync/v1/push HTTP/1.1\r\nHost: {server.url[7:]}\r\nContent-Length: {len(body)}\r\n"
        f"Authorization: {device.headers['Authorization']}\r\n\r\n"
    )
    return head.encode() + body, len(head)


@pytest.mark.parametrize("cut", ["in the headers", "after them", "in the body", "one byte short", "before the answer"])
def test_a_cut_push_sent_again_counts_once(server: CloudServer, cloud: Cloud, device: Device, cut: str) -> None:
    device.submit(marks(20))
    data, body = raw(server, device, device.batch(1, 20))
    end = {
        "in the headers": 40, "after them": body, "in the body": (body + len(data)) // 2,
        "one byte short": len(data) - 1, "before the answer": len(data),
    }[cut]  # fmt: skip
    host, port = server.url[7:].split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(data[:end])
    pushed = device.push(1, 20)
    assert [answer.included for answer in pushed.answers] == list(range(1, 21))
    assert logged(cloud) == 20


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # PostgreSQL's is in test_bad_days.py
@pytest.mark.expected_log("cloud.database", reason="the disk is full on purpose")
def test_a_full_disk_keeps_nothing_and_says_so(device: Device, cloud: Cloud, studio: StudioEntry) -> None:
    full = {"pages": 1}

    def checkout(connection: Any, *_: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={full['pages']}")

    event.listen(cloud.database._engine, "checkout", checkout)
    device.submit(marks(400))
    answer = device.send(device.batch(1, 400))
    assert code_of(answer) == (503, "cloud.database_full")
    assert answer.headers["retry-after"] == "5"
    assert logged(cloud) == 0
    full["pages"] = 1_000_000
    assert device.push(1, 400).acked == 400
    assert audit(cloud.books, studio.id, verify=is_signed).ok


def test_many_devices_at_once_never_take_more_than_there_is(
    cloud: Cloud, studio: StudioEntry, server: CloudServer
) -> None:
    """8 devices ask for 5 places each; 7 are there."""
    seats = derived("seats", "one")
    with httpx.Client(base_url=server.url, timeout=60) as client:
        devices = [paired(cloud, studio, client) for _ in range(8)]
        seed(cloud, studio.id, [*(toy.Enrol(child=derived("c", str(n)), house="h", name="x") for n in range(7))])
        seed(cloud, studio.id, [toy.Census(house="h", into=seats)])
        for device in devices:
            device.submit([toy.Take(seats=seats) for _ in range(5)])
        with ThreadPoolExecutor(8) as pool:
            answers = [answer for found in pool.map(lambda one: one.push(1, 5).answers, devices) for answer in found]
        statuses = [answer.outcome.status for answer in answers]
        assert statuses.count(Status.ACCEPTED) == 7
        assert statuses.count(Status.REFUSED) == 33
        assert sorted(answer.included for answer in answers) == list(range(9, 49))
        row = cloud.studios.storage(studio.id).rows(toy.Seats, [seats])[seats]
        assert b'"free":0' in row.body
        assert audit(cloud.books, studio.id, verify=is_signed).ok
