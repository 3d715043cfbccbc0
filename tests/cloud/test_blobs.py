"""Blobs over HTTP between two real stores: in ranges, from where the link broke, only to who may hold them, whole or not at all."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import msgspec
import pytest

from classtap_core.kernel.blobs import RANGE_BYTES, Offer, Span
from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.store.sealed_file import CHUNK
from classtap_core.store.store import Store
from cloud.blobs import Blobs, copy_files
from cloud.composition import Cloud
from cloud.storage.directory import StudioEntry
from sync import protocol
from sync.client.blobs import BlobCourier
from sync.client.transport import Rejected, Transport, Unreachable
from tests.cloud.conftest import paired
from tests.cloud.rig import ALL, Device, code_of
from tests.unit.store import toy_blobs
from tests.unit.store.conftest import DEVICE, NOW, STUDIO, child_id
from tests.unit.store.test_transfers import offered
from tests.unit.store.toy_blobs import MARKER

SCOPES = (*ALL, "papers/*")
BIG = 9 * CHUNK


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    registry = toy_blobs.registry()
    with (
        Store.create(tmp_path / "one", registry, program="test", studio=STUDIO, device=DEVICE) as one,
        Store.create(tmp_path / "two", registry, program="test", studio=STUDIO, device=child_id(0)) as two,
    ):
        for store in (one, two):
            store.call(lambda store=store: store.device.hold(toy_blobs.ALL))  # type: ignore[misc]
        yield one, two


@pytest.fixture
def device(cloud: Cloud, studio: StudioEntry, client: httpx.Client) -> Device:
    return paired(cloud, studio, client, scopes=SCOPES)


Courier = Callable[..., BlobCourier]


@pytest.fixture
def courier() -> Iterator[Courier]:
    with ExitStack() as closes:

        def made(store: Store, device: Device, *, busy: bool = False) -> BlobCourier:
            assert device.papers is not None
            transport = Transport(str(device.client.base_url), device.papers.token)
            closes.callback(transport.close)
            return BlobCourier(store.transfers, lambda: transport, first=lambda: busy, now_ms=lambda: NOW)

        yield made


def test_a_photo_goes_up_and_comes_down_elsewhere(
    stores: tuple[Store, Store], courier: Courier, device: Device
) -> None:
    one, two = stores
    offer = offered(one, BIG)
    assert courier(one, device).carry()
    assert one.transfers.waiting() == []
    down = courier(two, device)
    down.wanted[offer.blob.hash] = None
    assert down.carry()
    assert down.wanted == {}
    assert two.blobs.read_all(offer.blob.hash) == one.blobs.read_all(offer.blob.hash)
    assert courier(one, device).carry(), "nothing is sent twice"


def test_what_the_cloud_has_not_yet_keeps_nothing_else_from_coming(
    stores: tuple[Store, Store], courier: Courier, device: Device
) -> None:
    one, two = stores
    offer = offered(one, BIG)
    assert courier(one, device).carry()
    down = courier(two, device)
    down.wanted.update({"00" * 32: None, offer.blob.hash: None})
    assert down.carry()
    assert list(down.wanted) == ["00" * 32]  # asked for again with the next round
    assert two.blobs.read_all(offer.blob.hash) == one.blobs.read_all(offer.blob.hash)


def test_a_copy_of_the_cloud_takes_the_blobs_along(
    stores: tuple[Store, Store], courier: Courier, device: Device, cloud: Cloud, tmp_path: Path
) -> None:
    one, _ = stores
    offer = offered(one, BIG)
    assert courier(one, device).carry()
    here, there = cloud.blobs._root, tmp_path / "elsewhere"
    assert copy_files(here, there) == 1
    assert copy_files(here, there) == 0, "what is there is not copied again"
    moved = Blobs(there, cloud.books)
    assert device.papers is not None
    studio, hash = device.papers.studio, offer.blob.hash
    assert moved.about(studio, hash) == cloud.blobs.about(studio, hash)
    assert moved.read(studio, hash, Span(0, 1000)) == cloud.blobs.read(studio, hash, Span(0, 1000))
    file = next(path for path in here.glob(f"*/*/{hash}"))
    file.write_bytes(b"bent" + file.read_bytes()[4:])
    with pytest.raises(EnvironmentFault, match=r"copy\.differs"):
        copy_files(here, tmp_path / "third")


@pytest.mark.expected_log("cloud.moved", reason="the cloud was moved on purpose")
def test_a_moved_cloud_finishes_no_blob(
    stores: tuple[Store, Store], courier: Courier, device: Device, cloud: Cloud
) -> None:
    """Its device would take it for sent; so it offers it again, to the cloud that goes on."""
    one, _ = stores
    offered(one, BIG)
    facts = cloud.books.tables.facts
    with cloud.database.administer() as connection:
        connection.execute(facts.insert(), [{"name": "moved", "value": "yes"}])
    with pytest.raises(Rejected) as no:
        courier(one, device).carry()
    assert no.value.code == "cloud.moved"
    assert len(one.transfers.waiting()) == 1


def test_offers_that_cannot_be(device: Device) -> None:
    hash, key = "ab" * 32, "cd" * 32
    for size, sealed in ((-1, 4_096), (10**30, 4_096), (5_000, 4_096), (0, 0), (1, -1)):
        said = {"blob": {"hash": hash, "size": size, "type": ""}, "sealed": sealed, "kind": "photo", "key": key}
        answer = device.client.post(
            f"/sync/v1/blob/{hash}", json={**said, "scope": "papers/h1"}, headers=device.headers
        )
        assert code_of(answer) == (400, "blob.offer"), (size, sealed)


def test_what_is_cut_goes_on_where_it_broke(
    stores: tuple[Store, Store], courier: Courier, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = stores
    offer = offered(one, BIG)
    sent: list[int] = []
    real = Transport.put_blob

    def cut(self: Transport, hash: str, start: int, data: bytes) -> protocol.BlobStanding:
        sent.append(start)
        standing = real(self, hash, start, data)
        if len(sent) < 3:
            raise Unreachable("cut on the way back")
        return standing

    monkeypatch.setattr(Transport, "put_blob", cut)
    for _ in range(2):
        with pytest.raises(Unreachable):
            courier(one, device).carry()
    assert courier(one, device).carry()
    ranges = -(-offer.sealed // RANGE_BYTES)
    assert sent == [at * RANGE_BYTES for at in range(ranges)], "no range travelled twice"
    assert ranges >= 3


def test_it_waits_for_what_is_more_urgent(stores: tuple[Store, Store], courier: Courier, device: Device) -> None:
    one, _ = stores
    offered(one)
    assert not courier(one, device, busy=True).carry()
    assert len(one.transfers.waiting()) == 1


def test_only_who_may_hold_its_scope_gets_any_of_it(
    stores: tuple[Store, Store],
    courier: Courier,
    device: Device,
    cloud: Cloud,
    studio: StudioEntry,
    client: httpx.Client,
) -> None:
    one, _ = stores
    offer = offered(one)
    narrow = paired(cloud, studio, client, scopes=ALL)
    with pytest.raises(Rejected, match=r"scope\.not_yours"):
        courier(one, narrow).carry()
    assert courier(one, device).carry()
    url = f"/sync/v1/blob/{offer.blob.hash}"
    for params in ({}, {"start": "0", "end": "10"}):
        assert code_of(client.get(url, params=params, headers=narrow.headers)) == (403, "scope.not_yours")
    stranger = paired(cloud, cloud.studios.found("Elsewhere"), client, scopes=SCOPES)
    assert code_of(client.get(url, headers=stranger.headers)) == (404, "blob.unknown")


def test_what_is_not_it_or_makes_no_sense_is_not_kept(
    stores: tuple[Store, Store], courier: Courier, device: Device, client: httpx.Client
) -> None:
    one, _ = stores
    offer = offered(one, 10)
    url = f"/sync/v1/blob/{offer.blob.hash}"
    whole = one.transfers.sealed_range(offer.blob.hash, Span(0, offer.sealed))

    def put(start: str, data: bytes) -> httpx.Response:
        return client.put(url, params={"start": start}, content=data, headers=device.headers)

    assert code_of(put("0", whole)) == (404, "blob.unknown")
    assert client.post(url, content=protocol.encode(offer), headers=device.headers).status_code == 200
    assert code_of(put("0", whole[:-1])) == (400, "blob.range")
    assert code_of(put("1", whole)) == (400, "blob.range")
    assert code_of(put("x", whole)) == (400, "blob.range")
    assert code_of(put("0", bytes(len(whole)))) == (400, "blob.not_it")
    assert code_of(client.get(url, headers=device.headers)) == (404, "blob.unknown")
    standing = protocol.decode(protocol.BlobStanding, put("0", whole).content)
    assert standing.whole
    assert code_of(client.get(url, params={"start": "5", "end": "5"}, headers=device.headers)) == (400, "blob.range")
    other = msgspec.structs.replace(offer, sealed=offer.sealed + 1)
    wrong = client.post("/sync/v1/blob/" + "0" * 64, content=protocol.encode(other), headers=device.headers)
    assert code_of(wrong) == (400, "blob.hash")
    assert code_of(client.get("/sync/v1/blob/..%2f..%2fx", headers=device.headers))[0] in (400, 404)


def test_nothing_of_it_is_readable_in_the_cloud_and_an_erased_person_takes_the_key_along(
    stores: tuple[Store, Store],
    courier: Courier,
    device: Device,
    cloud: Cloud,
    studio: StudioEntry,
    client: httpx.Client,
    tmp_path: Path,
) -> None:
    one, _ = stores
    offer = offered(one)
    assert courier(one, device).carry()
    files = [path for path in (tmp_path / "cloud" / "blobs").rglob("*") if path.is_file()]
    assert len(files) == 2
    for path in files:
        assert MARKER not in path.read_bytes()
        assert bytes.fromhex(offer.key) not in path.read_bytes()
        assert offer.key.encode() not in path.read_bytes()
    url = f"/sync/v1/blob/{offer.blob.hash}"
    found = protocol.decode(Offer, client.get(url, headers=device.headers).content)
    assert found == offer
    with cloud.database.write(studio.id) as connection:
        keys = cloud.books.keys(connection, studio.id)
        keys.destroy(offer.subject, now=1)
    cloud.books.cache.__init__()  # type: ignore[misc]
    assert code_of(client.get(url, headers=device.headers)) == (409, "blob.erased")
