"""Pairing by a one-time code, and what a device is given."""

import sqlite3

import httpx
import pytest
from sqlalchemy import delete, select

from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from classtap_core.passes.keys import verify_bundle
from cloud.composition import Cloud
from cloud.serve import CloudServer
from cloud.storage.directory import StudioEntry
from sync import protocol
from sync.client.transport import Rejected, Transport
from tests.cloud.rig import ALL, PLACE, Device, code_of


def new_code(cloud: Cloud, studio: StudioEntry) -> str:
    return cloud.studios.pairing_code(studio.id, role="kiosk", location=PLACE, name="Front door").code


def test_a_code_becomes_a_device(cloud: Cloud, studio: StudioEntry, server: CloudServer, client: httpx.Client) -> None:
    code = cloud.studios.pairing_code(studio.id, role="kiosk", location=PLACE, name="Front door")
    assert code.url == server.url
    assert code.expires == cloud.clock.now().wall + 600_000
    device = Device(client)
    assert device.pair(code.code).status_code == 200
    papers = device.papers
    assert papers is not None
    assert (papers.studio, papers.studio_name, papers.role, papers.location) == (
        studio.id, "Toy studio", "kiosk", PLACE,
    )  # fmt: skip
    assert (papers.scopes, papers.epoch, papers.environment) == (ALL, 1, "live")
    assert papers.pass_studio == studio.pass_studio
    listed = [entry for entry in cloud.studios.devices(studio.id) if entry.id == papers.device]
    assert [(entry.name, entry.role, entry.revoked_ms) for entry in listed] == [("Front door", "kiosk", None)]


@pytest.mark.parametrize(
    ("given", "asked", "called"), [("Front door", "Mine", "Front door"), ("", "Mine", "Mine"), ("", "", "Kiosk")]
)
def test_what_a_device_is_called(
    cloud: Cloud, studio: StudioEntry, client: httpx.Client, given: str, asked: str, called: str
) -> None:
    code = cloud.studios.pairing_code(studio.id, role="kiosk", location=PLACE, name=given).code
    assert Device(client).pair(code, name=asked).status_code == 200
    assert [entry.name for entry in cloud.studios.devices(studio.id) if entry.role == "kiosk"] == [called]


def test_a_code_has_at_least_60_bits(cloud: Cloud, studio: StudioEntry) -> None:
    text = new_code(cloud, studio).replace("-", "")
    assert 32 ** len(text) >= 2**60
    assert len({new_code(cloud, studio) for _ in range(50)}) == 50


@pytest.mark.parametrize("bend", [str.lower, lambda text: text.replace("-", " "), lambda text: text.replace("1", "l")])
def test_a_code_may_be_typed_as_people_type(
    cloud: Cloud, studio: StudioEntry, client: httpx.Client, bend: object
) -> None:
    assert callable(bend)
    assert Device(client).pair(bend(new_code(cloud, studio))).status_code == 200


def test_a_code_works_once(cloud: Cloud, studio: StudioEntry, client: httpx.Client) -> None:
    code = new_code(cloud, studio)
    assert Device(client).pair(code).status_code == 200
    assert code_of(Device(client).pair(code)) == (403, "pair.code")


def test_a_lost_answer_is_asked_for_again(cloud: Cloud, studio: StudioEntry, client: httpx.Client) -> None:
    code = new_code(cloud, studio)
    device = Device(client)
    device.pair(code)
    first = device.papers
    assert device.pair(code).status_code == 200
    assert first is not None
    assert device.papers is not None
    assert device.papers.device == first.device
    assert len(cloud.studios.devices(studio.id)) == 2
    # The earlier token is worth nothing any more; and once the device has spoken, neither is the code.
    stale = client.get("/sync/v1/pull", headers={"Authorization": f"Bearer {first.token}"})
    assert code_of(stale) == (401, "auth.token")
    assert client.get("/sync/v1/pull", headers=device.headers).status_code == 200
    assert code_of(device.pair(code)) == (403, "pair.code")
    assert client.get("/sync/v1/pull", headers=device.headers).status_code == 200


def test_the_old_token_works_until_the_next_one_was_used(
    cloud: Cloud, studio: StudioEntry, client: httpx.Client, device: Device
) -> None:
    assert device.papers is not None

    def asks(token: str) -> int:
        return client.get("/sync/v1/pull", headers={"Authorization": f"Bearer {token}"}).status_code

    def next_of(token: str) -> str:
        answer = client.post("/sync/v1/token", headers={"Authorization": f"Bearer {token}"})
        renewed: protocol.Renewed = protocol.decode(protocol.Renewed, answer.content)
        return renewed.token

    first = device.papers.token
    lost = next_of(first)  # its answer never came: the device asks again
    second = next_of(first)
    assert len({first, lost, second}) == 3
    assert [asks(first), asks(lost), asks(first)] == [200, 401, 200]
    assert [asks(second), asks(first), asks(second)] == [200, 401, 200]
    third = next_of(second)
    cloud.studios.revoke(studio.id, device.papers.device)
    assert [asks(second), asks(third)] == [403, 403]
    assert code_of(client.post("/sync/v1/token", headers={"Authorization": f"Bearer {third}"}))[1] == "device.revoked"


def test_a_cloud_of_yesterday_that_knows_only_the_token_before_is_asked_under_that(
    server: CloudServer, cloud: Cloud, device: Device
) -> None:
    assert device.papers is not None
    first = device.papers.token
    transport = Transport(server.url, first)
    try:
        with cloud.database.administer() as connection:
            saved = [dict(row._mapping) for row in connection.execute(select(cloud.books.tables.tokens))]
        transport.use(transport.renew().token)
        assert transport.pull("", ALL).through >= 0
        with cloud.database.administer() as connection:
            connection.execute(delete(cloud.books.tables.tokens))
            connection.execute(cloud.books.tables.tokens.insert(), saved)
        assert transport.pull("", ALL).through >= 0
        assert transport.token == first
        with cloud.database.administer() as connection:
            connection.execute(delete(cloud.books.tables.tokens))
        with pytest.raises(Rejected) as no:
            transport.pull("", ALL)
        assert no.value.code == "auth.token"
    finally:
        transport.close()


def test_a_code_ends_after_ten_minutes(
    cloud: Cloud, studio: StudioEntry, client: httpx.Client, clock: ManualClock
) -> None:
    early, late = new_code(cloud, studio), new_code(cloud, studio)
    clock.advance(599_999)
    assert Device(client).pair(early).status_code == 200
    clock.advance(1)
    assert code_of(Device(client).pair(late)) == (403, "pair.code")


def test_pairing_many_devices_from_one_address_is_no_guessing(
    cloud: Cloud, studio: StudioEntry, client: httpx.Client
) -> None:
    assert [Device(client).pair(new_code(cloud, studio)).status_code for _ in range(12)] == [200] * 12
    answers = [code_of(Device(client).pair("0000-0000-00000")) for _ in range(11)]
    assert answers == [(403, "pair.code")] * 10 + [(429, "rate.limited")]


def test_guessing_codes_is_slowed_down(client: httpx.Client, studio: StudioEntry, clock: ManualClock) -> None:
    answers = [code_of(Device(client).pair("0000-0000-00000")) for _ in range(11)]
    assert answers == [(403, "pair.code")] * 10 + [(429, "rate.limited")]
    clock.advance(6_000)
    assert code_of(Device(client).pair("0000-0000-00000")) == (403, "pair.code")


def test_what_is_no_request_to_pair(client: httpx.Client, cloud: Cloud, studio: StudioEntry) -> None:
    def ask(body: bytes) -> tuple[int, str]:
        return code_of(client.post("/sync/v1/pair", content=body))

    assert ask(b"{") == (400, "sync.malformed")
    assert ask(b"x" * 5_000) == (413, "body.too_large")
    pair = protocol.Pair(code=new_code(cloud, studio), public_key="00", name="", program="")
    assert ask(protocol.encode(pair)) == (400, "pair.key")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # looks into the file
def test_neither_codes_nor_tokens_nor_keys_rest_in_the_open(
    cloud: Cloud, studio: StudioEntry, client: httpx.Client, tmp_path: object
) -> None:
    code = new_code(cloud, studio)
    device = Device(client)
    device.pair(code)
    assert device.papers is not None
    path = cloud.database._engine.url.database
    assert path is not None
    with sqlite3.connect(path) as connection:
        everything = "\n".join(connection.iterdump())
    connection.close()
    assert device.papers.token not in everything
    assert code not in everything
    assert code.replace("-", "") not in everything
    assert cloud.books.secret.fingerprint in everything


def test_the_key_bundle_is_signed_by_the_pinned_root(device: Device, client: httpx.Client, clock: ManualClock) -> None:
    assert device.papers is not None
    answer = client.get("/sync/v1/keys", headers=device.headers)
    bundle = verify_bundle(answer.content, bytes.fromhex(device.papers.root))
    assert f"{bundle.studio:016x}" == device.papers.pass_studio
    assert [key.key_id for key in bundle.keys] == [1]
    assert bundle.issued_at == clock.wall // 1000


def test_unknown_devices_and_studios_are_said_so(cloud: Cloud, studio: StudioEntry) -> None:
    with pytest.raises(Refused, match=r"device\.unknown"):
        cloud.studios.revoke(studio.id, Id("99" * 16))
    with pytest.raises(Refused, match=r"cloud\.no_studio"):
        cloud.studios.pairing_code(Id("99" * 16), role="kiosk", location=PLACE, name="")
