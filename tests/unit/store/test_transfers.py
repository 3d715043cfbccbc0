"""Blobs on their way, in ranges: in any order, as often as they come, whatever cuts the link."""

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.kernel.blobs import RANGE_BYTES, Blob, Offer, Span, joined, missing, without
from classtap_core.kernel.errors import BadInput, EnvironmentFault, Refused
from classtap_core.store.blob_rows import BlobKind
from classtap_core.store.blobs import Quotas
from classtap_core.store.sealed_file import CHUNK, STEP
from classtap_core.store.store import Store
from classtap_core.store.sweeping import sweep
from tests.unit.store import toy_blobs
from tests.unit.store.conftest import DEVICE, NOW, STUDIO, child_id
from tests.unit.store.test_blobs import answer, cite, files_of
from tests.unit.store.toy_blobs import ALL, MARKER, added, bus_over, paper_row

spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)).map(lambda one: Span(one[0], one[0] + one[1])))


@given(spans, st.integers(0, 70), st.integers(1, 9))
def test_ranges_are_sets_of_bytes(some: list[Span], size: int, most: int) -> None:
    """Against plain sets of positions."""
    have: tuple[Span, ...] = ()
    here: set[int] = set()
    for span in some:
        have, here = joined(have, span), here | set(range(*span))
    assert {at for span in have for at in range(*span)} == here
    assert all(one.end < other.start for one, other in pairwise(have))
    left = list(missing([span for span in have if span.end <= size], size, most=most))
    inside = {at for span in have if span.end <= size for at in range(*span)}
    assert {at for span in left for at in range(*span)} == set(range(size)) - inside
    assert all(0 < span.length <= most for span in left)
    for less in some:
        cut = {at for span in without(have, less) for at in range(*span)}
        assert cut == here - set(range(*less))


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """The device that took a photo, and another that will fetch it."""
    with (
        Store.create(tmp_path / "one", toy_blobs.registry(), program="test", studio=STUDIO, device=DEVICE) as one,
        Store.create(tmp_path / "two", toy_blobs.registry(), program="test", studio=STUDIO, device=child_id(0)) as two,
    ):
        for store in (one, two):
            store.call(lambda store=store: store.device.hold(ALL))  # type: ignore[misc]
        yield one, two


def offered(one: Store, size: int = 9 * CHUNK) -> Offer:
    blob = added(one, 1, size)
    cite(one, 1, blob)
    (offer,) = one.transfers.waiting()
    assert offer.blob == blob
    return offer


def test_one_waits_until_an_operation_cites_it(pair: tuple[Store, Store]) -> None:
    one, _ = pair
    first, second = added(one, 1), added(one, 2, now_ms=NOW + 1)
    one.blobs.add_thumbnail(first.hash, MARKER, "image/jpeg", now_ms=NOW)
    assert one.transfers.waiting() == []
    cite(one, 2, second)
    cite(one, 1, first)
    assert [offer.blob for offer in one.transfers.waiting()] == [first, second]
    offer = one.transfers.waiting()[0]
    assert (offer.kind, offer.subject, offer.scope) == ("photo", child_id(1), "papers/north")
    answer(one, 1, 2)  # the operations need not wait for it, nor it for them
    assert len(one.transfers.waiting()) == 2
    one.transfers.arrived(first.hash)
    assert [waiting.blob for waiting in one.transfers.waiting()] == [second]


def test_one_that_cannot_be_read_holds_up_nobody(pair: tuple[Store, Store]) -> None:
    one, _ = pair
    first, second = added(one, 1), added(one, 2, now_ms=NOW + 1)
    cite(one, 1, first)
    cite(one, 2, second)
    one.blobs.files.path(first.hash).unlink()
    with pytest.raises(EnvironmentFault, match=r"blob\.damaged"):
        one.transfers.sealed_range(first.hash, Span(0, 100))
    assert [offer.blob for offer in one.transfers.waiting()] == [second]


def test_it_comes_over_a_bad_link(pair: tuple[Store, Store]) -> None:
    """Ranges shuffled, some twice, the program ending between any two: nothing that was durable comes again."""
    one, two = pair
    offer, chance = offered(one), random.Random(5)
    folder, sent = two.folder, 0
    while not two.blobs.has(offer.blob.hash):
        two.transfers.expect(offer, now_ms=NOW)
        wanted = two.transfers.missing(offer.blob.hash)
        chance.shuffle(wanted)
        for span in [*wanted[:1], *wanted[:1]]:
            data = one.transfers.sealed_range(offer.blob.hash, span)
            sent += len(data)
            if two.transfers.put(offer.blob.hash, span.start, data):
                break
        two.transfers.pause()
        two.close()
        two = Store.open(folder, toy_blobs.registry(), program="test")
    with two:
        assert two.blobs.read_all(offer.blob.hash) == one.blobs.read_all(offer.blob.hash)
        assert sent <= 2 * offer.sealed
        assert (two.transfers.missing(offer.blob.hash), two.transfers.wanted()) == ([], [])
        assert [path.name for path in files_of(two)] == [offer.blob.hash]
        assert two.check().ok


def test_what_was_not_yet_durable_is_asked_for_again(pair: tuple[Store, Store]) -> None:
    one, two = pair
    offer = offered(one)
    two.transfers.expect(offer, now_ms=NOW)
    two.transfers.put(offer.blob.hash, 0, one.transfers.sealed_range(offer.blob.hash, Span(0, RANGE_BYTES)))
    assert two.transfers.missing(offer.blob.hash)[0].start == RANGE_BYTES
    two.close()  # without pause: as a power cut would have it
    with Store.open(two.folder, toy_blobs.registry(), program="test") as again:
        assert again.transfers.missing(offer.blob.hash)[0].start == 0
        assert sweep(again, now_ms=NOW) == (0, 0, 0)


def fetched(one: Store, two: Store, offer: Offer) -> None:
    for span in two.transfers.missing(offer.blob.hash):
        two.transfers.put(offer.blob.hash, span.start, one.transfers.sealed_range(offer.blob.hash, span))


def test_wrong_bytes_are_noticed_and_only_they_come_again(pair: tuple[Store, Store]) -> None:
    one, two = pair
    offer = offered(one)
    two.transfers.expect(offer, now_ms=NOW)
    *first, last = two.transfers.missing(offer.blob.hash)
    for span in first:
        data = bytearray(one.transfers.sealed_range(offer.blob.hash, span))
        data[0] ^= span.start == RANGE_BYTES
        two.transfers.put(offer.blob.hash, span.start, bytes(data))
    with pytest.raises(BadInput, match=r"blob\.not_it"):
        two.transfers.put(offer.blob.hash, last.start, one.transfers.sealed_range(offer.blob.hash, last))
    again = two.transfers.missing(offer.blob.hash)
    assert sum(span.length for span in again) <= STEP + 8
    fetched(one, two, offer)
    assert two.blobs.has(offer.blob.hash)


def test_a_file_that_is_another_altogether(pair: tuple[Store, Store]) -> None:
    one, two = pair
    offer = offered(one, 5_000)
    two.transfers.expect(offer, now_ms=NOW)
    for _ in range(2):
        with pytest.raises(BadInput, match=r"blob\.not_it"):
            two.transfers.put(offer.blob.hash, 0, bytes(offer.sealed))
        assert not two.blobs.has(offer.blob.hash)
    fetched(one, two, offer)
    assert two.blobs.has(offer.blob.hash)


def test_what_cannot_be_is_refused(pair: tuple[Store, Store]) -> None:
    one, two = pair
    offer = offered(one)
    blob = offer.blob
    for wrong in (
        Offer(blob=Blob(hash="../store.db", size=1, type=""), sealed=1, kind="photo", key=offer.key),
        Offer(blob=blob, sealed=offer.sealed + 1, kind="photo", key=offer.key),
        Offer(blob=blob, sealed=offer.sealed, kind="virus", key=offer.key),
        Offer(blob=blob, sealed=offer.sealed, kind="photo", key="ab"),
    ):
        with pytest.raises(BadInput, match=r"blob\.(hash|offer)"):
            two.transfers.expect(wrong, now_ms=NOW)
    with pytest.raises(Refused, match=r"blob\.unknown"):
        two.transfers.put(blob.hash, 0, b"x")
    two.transfers.expect(offer, now_ms=NOW)
    for start, data in ((-1, b"x"), (offer.sealed, b"x"), (0, b"")):
        with pytest.raises(BadInput, match=r"blob\.range"):
            two.transfers.put(blob.hash, start, data)
    for span in (Span(-1, 5), Span(5, 5), Span(0, RANGE_BYTES + 1), Span(offer.sealed - 1, offer.sealed + 1)):
        with pytest.raises(BadInput, match=r"blob\.range"):
            one.transfers.sealed_range(blob.hash, span)
    with pytest.raises(Refused, match=r"blob\.away"):
        two.transfers.sealed_range(blob.hash, Span(0, 5))
    two.call(lambda: two.device.erase(child_id(1)))
    with pytest.raises(Refused, match=r"blob\.unknown"):
        two.transfers.put(blob.hash, 0, b"x")
    with pytest.raises(Refused, match=r"blob\.erased"):
        two.transfers.expect(offer, now_ms=NOW)
    assert files_of(two) == []


def test_what_a_pulled_row_names_is_wanted(pair: tuple[Store, Store]) -> None:
    one, two = pair
    offer = offered(one)
    two.apply(bus_over(two.device), [paper_row(1, offer.blob)], cursor=1, token="1").result()
    assert two.transfers.wanted() == [offer.blob.hash]
    cite(two, 1, offer.blob)  # the cloud has it, so it may be cited before it is here
    two.transfers.expect(offer, now_ms=NOW)
    fetched(one, two, offer)
    assert two.transfers.wanted() == []
    two.call(lambda: two.device.erase(child_id(1)))
    assert not two.blobs.has(offer.blob.hash)


def test_quotas_count_what_is_coming(pair: tuple[Store, Store]) -> None:
    one, two = pair
    offer = offered(one)
    two.blobs.quotas = Quotas(kinds={BlobKind.PHOTO: offer.sealed + 10_000})
    two.transfers.expect(offer, now_ms=NOW)
    with pytest.raises(Refused, match=r"blob\.quota"):
        added(two, 2, 20_000)
