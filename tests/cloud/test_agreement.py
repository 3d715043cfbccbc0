"""Digests over HTTP, what a role never gets, who may hold more or less, reports, and orders to destroy a store."""

import httpx
import msgspec
import pytest

from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.digests import digest, row_number
from cloud.composition import Cloud
from cloud.storage import numbering, pulls
from cloud.storage.directory import StudioEntry
from sync import protocol
from tests.cloud.conftest import paired
from tests.cloud.rig import ALL, Device, child_id, code_of, enrolments, marks, seed
from tests.unit.kernel import toy


def compared(device: Device, *scopes: str, cursor: str = "") -> protocol.Page:
    params = {"cursor": cursor, "scope": list(scopes), "digest": "1"}
    answer = device.client.get("/sync/v1/pull", params=params, headers=device.headers)
    page: protocol.Page = protocol.decode(protocol.Page, answer.content)
    return page


def digest_here(rows: tuple[protocol.WireRow, ...]) -> object:
    return digest(row_number(row.kind, row.id, row.scope, bytes(row.body)) for row in rows)


def test_a_digest_is_of_exactly_the_rows_that_a_snapshot_has(device: Device, cloud: Cloud, studio: StudioEntry) -> None:
    seed(cloud, studio.id, [*enrolments(30), *marks(12)])
    seed(cloud, studio.id, [toy.Enrol(child=child_id(3), house="h2", name="moved"), *marks(12)])
    page = compared(device, "families/*", "roster/h1", "families/h2", "schedule")
    assert page.digests is not None
    assert {scope: found.count for scope, found in page.digests.items()} == {
        "families/*": 30, "roster/h1": 12, "families/h2": 1, "schedule": 0,
    }  # fmt: skip
    for scope, found in page.digests.items():
        assert found == digest_here(device.snapshot(scope).rows)
    assert device.pull("families/*").digests is None


def test_leaves_add_up_and_each_can_be_fetched(device: Device, cloud: Cloud, studio: StudioEntry) -> None:
    seed(cloud, studio.id, enrolments(40))
    found = protocol.decode(
        protocol.Leaves, device.client.get("/sync/v1/digest/families/*", headers=device.headers).content
    )
    total = sum(int(text, 16) for text in found.leaves.values()) % (1 << 64)
    page = compared(device, "families/*")
    assert page.digests is not None
    assert f"{total:016x}" == page.digests["families/*"].sum
    rows = [row for leaf in found.leaves for row in device.snapshot("families/*", leaf=leaf).rows]
    assert {row.id for row in rows} == {child_id(number) for number in range(40)}
    assert all(row.id[-2:] in found.leaves for row in rows)
    for leaf in ("x", "g0", "000", "0G"):
        answer = device.client.get("/sync/v1/snapshot/families/*", params={"leaf": leaf}, headers=device.headers)
        assert code_of(answer) == (400, "sync.leaf")
    narrow = device.client.get("/sync/v1/digest/custody/x", headers=device.headers)
    assert code_of(narrow) == (403, "scope.not_yours")


def test_a_device_is_told_of_more_and_of_less(device: Device, cloud: Cloud, studio: StudioEntry) -> None:
    assert device.papers is not None

    def asked(*scopes: str) -> protocol.Page:
        params = {"scope": ["schedule"], "holding": protocol.named(scopes)}
        answer = device.client.get("/sync/v1/pull", params=params, headers=device.headers)
        page: protocol.Page = protocol.decode(protocol.Page, answer.content)
        return page

    assert asked(*ALL).allowed is None
    cloud.studios.set_scopes(studio.id, device.papers.device, ("schedule", "more/x"))
    assert asked(*ALL).allowed == ("schedule", "more/x")
    assert asked("schedule", "more/x").allowed is None


def test_entries_of_what_is_gone_expire_and_what_is_here_stays(
    device: Device, cloud: Cloud, studio: StudioEntry, clock: ManualClock
) -> None:
    seed(cloud, studio.id, enrolments(10))
    old = device.pull("families/h1").cursor
    seed(cloud, studio.id, [toy.Enrol(child=child_id(1), house="h2", name="moved")])
    clock.advance(1_000)
    assert pulls.forget(cloud.books, studio.id, before_ms=clock.wall) == 1
    assert pulls.forget(cloud.books, studio.id, before_ms=clock.wall) == 0
    seed(cloud, studio.id, [toy.Rename(child=child_id(2), name="since")])
    assert device.pull("families/h1", cursor=old).resnapshot == ("families/h1",)
    assert len(device.snapshot("families/*").rows) == 10
    page = compared(device, "families/*", cursor=pulls.written(pulls.Cursor(studio.id, 11)))
    assert page.digests is not None
    assert page.digests["families/*"] == digest_here(device.snapshot("families/*").rows)


def test_a_desk_is_told_how_the_devices_are(cloud: Cloud, studio: StudioEntry, client: httpx.Client) -> None:
    desk = paired(cloud, studio, client, role="desk")
    kiosk = paired(cloud, studio, client, role="kiosk")
    assert kiosk.papers is not None
    said = protocol.Report(
        program="kiosk", version="1", pending=3, protection="keyring", uncertainty_ms=12, keys_version=4,
        keys_ms=1_795_248_000_000, keys_end_ms=1_826_784_000_000,
    )  # fmt: skip
    answer = client.post("/sync/v1/report", content=protocol.encode(said), headers=kiosk.headers)
    assert answer.status_code == 204
    found = protocol.decode(protocol.Devices, client.get("/sync/v1/devices", headers=desk.headers).content)
    (mine,) = [one for one in found.devices if one.device == kiosk.papers.device]
    assert (mine.report, mine.seen_ms, mine.role) == (said, cloud.clock.now().corrected, "kiosk")
    assert code_of(client.get("/sync/v1/devices", headers=kiosk.headers)) == (403, "devices.not_here")


def test_pairing_is_a_contact(cloud: Cloud, studio: StudioEntry, client: httpx.Client) -> None:
    desk = paired(cloud, studio, client, role="desk")
    paired(cloud, studio, client, role="kiosk")  # and was unplugged at once
    found = protocol.decode(protocol.Devices, client.get("/sync/v1/devices", headers=desk.headers).content)
    assert [one.seen_ms for one in found.devices] == [cloud.clock.now().corrected] * 2
    assert [one.report for one in found.devices] == [None] * 2


def test_a_report_of_before_that_cannot_be_read_hides_no_device(
    cloud: Cloud, studio: StudioEntry, client: httpx.Client
) -> None:
    desk = paired(cloud, studio, client, role="desk")
    assert client.post("/sync/v1/report", json={"program": "desk", "version": "1"}, headers=desk.headers).is_success
    with cloud.database.write(studio.id) as connection:
        table = cloud.books.tables.device
        kept = '{"program":"desk","version":"1","pending":-1}'
        connection.execute(table.update().where(table.c.studio_id == studio.id).values(report=kept))
    found = protocol.decode(protocol.Devices, client.get("/sync/v1/devices", headers=desk.headers).content)
    assert [(one.seen_ms, one.report) for one in found.devices] == [(cloud.clock.now().corrected, None)]


def test_numbers_that_cannot_be(device: Device, client: httpx.Client) -> None:
    """Counts and times begin at 0, and all integers end before 2^53 (RFC 8259, section 6)."""
    report, purged = {"program": "kiosk", "version": "1"}, {"order": child_id(1), "done": False}
    counted = (
        "pending", "oldest_ms", "quarantined", "store_bytes", "free_bytes", "uncertainty_ms", "keys_version", "keys_ms",
        "keys_end_ms",
    )  # fmt: skip
    cases = [("report", report, name, value) for name in counted for value in (-1, 2**53, 10**30)]
    cases += [("report", report, "offset_ms", value) for value in (-(2**53), 2**53)]
    cases += [("purged", purged, "unsent", value) for value in (-1, 2**53)]
    for path, said, field, value in cases:
        answer = client.post(f"/sync/v1/{path}", json={**said, field: value}, headers=device.headers)
        assert code_of(answer) == (400, "sync.malformed"), (field, value)
        assert f"$.{field}" in str(protocol.decode(protocol.Problem, answer.content).params["where"])
    least = {**report, **dict.fromkeys(counted, 0), "offset_ms": 1 - 2**53}
    assert client.post("/sync/v1/report", json=least, headers=device.headers).status_code == 204


def test_an_order_to_destroy_comes_instead_of_every_answer_until_it_is_done(
    cloud: Cloud, studio: StudioEntry, client: httpx.Client, device: Device
) -> None:
    assert device.papers is not None
    device.submit(marks(2))
    with cloud.database.write(studio.id) as connection:
        order = child_id(77)
        cloud.studios.directory.order_purge(connection, studio.id, device.papers.device, order=order)
    for path in ("pull", "snapshot/roster/*", "keys", "live", "digest/roster/*"):
        answer = client.get(f"/sync/v1/{path}", headers=device.headers)
        assert code_of(answer) == (403, "device.purge")
        assert protocol.decode(protocol.Problem, answer.content).params == {"order": order}
    assert device.push(1, 2).acked == 2  # what it had not sent is taken still

    def says(**fields: object) -> httpx.Response:
        word = msgspec.structs.replace(protocol.Purged(order=order, done=False), **fields)
        return client.post("/sync/v1/purged", content=protocol.encode(word), headers=device.headers)

    assert code_of(says(order=child_id(78))) == (409, "device.no_order")
    assert says().status_code == 204
    assert code_of(client.get("/sync/v1/keys", headers=device.headers)) == (403, "device.purge")
    assert says(done=True).status_code == 204
    assert code_of(client.get("/sync/v1/keys", headers=device.headers)) == (401, "auth.token")


def test_bad_signatures_are_counted(device: Device, client: httpx.Client) -> None:
    device.submit(marks(1))
    assert code_of(device.send(device.batch(1, 1, signature="00" * 64))) == (401, "sync.signature")
    assert 'classtap_refusals_total{code="sync.signature"} 1' in client.get("/metrics").text


@pytest.mark.parametrize("path", ["report", "purged"])
def test_words_that_are_none(device: Device, client: httpx.Client, path: str) -> None:
    answer = client.post(f"/sync/v1/{path}", content=b"[]", headers=device.headers)
    assert code_of(answer) == (400, "sync.malformed")


def test_rows_from_before_there_were_numbers_get_them_once(device: Device, cloud: Cloud, studio: StudioEntry) -> None:
    seed(cloud, studio.id, [*enrolments(20), *marks(5)])
    seed(cloud, studio.id, [toy.Enrol(child=child_id(3), house="h2", name="moved")])
    right = compared(device, "families/*", "roster/*").digests
    tables = cloud.books.tables
    with cloud.database.write(studio.id) as connection:
        connection.execute(tables.change.update().where(tables.change.c.studio_id == studio.id).values(digest=None))
    with cloud.database.write() as connection:
        connection.execute(tables.facts.delete().where(tables.facts.c.name == "row_numbers"))
    assert compared(device, "families/*", "roster/*").digests != right
    assert numbering.fill(cloud.books, cloud.studios.directory) == 25
    assert compared(device, "families/*", "roster/*").digests == right
    assert numbering.fill(cloud.books, cloud.studios.directory) == 0
