"""Any device may bring another's batch: each operation once, whoever comes first, and nothing that a carrier could spoil."""

import os
from concurrent.futures import ThreadPoolExecutor

import httpx
import msgspec
import pytest
from sqlalchemy import select, update

from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.envelope import batch_statement, link_hash
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.memory import MemoryDevice
from classtap_core.kernel.outcomes import Status
from cloud.composition import Cloud
from cloud.storage.audit import audit
from cloud.storage.directory import DeviceEntry, StudioEntry
from sync import protocol
from sync.signed import is_signed
from tests.cloud.conftest import paired
from tests.cloud.rig import ALL, STAFF, Device, code_of, enrolments, marks, seed
from tests.cloud.test_push import logged
from tests.unit.kernel import toy


@pytest.fixture
def carrier(cloud: Cloud, studio: StudioEntry, client: httpx.Client) -> Device:
    """A device that may hold less than the author."""
    return paired(cloud, studio, client, scopes=("roster/h1",))


@pytest.fixture
def other(cloud: Cloud, studio: StudioEntry, client: httpx.Client) -> Device:
    return paired(cloud, studio, client)


def id_of(device: Device) -> Id:
    assert device.papers is not None
    return device.papers.device


def entry_of(cloud: Cloud, device: Device) -> DeviceEntry:
    assert device.papers is not None
    return next(one for one in cloud.studios.devices(device.papers.studio) if one.id == device.papers.device)


def brought(carrier: Device, push: protocol.Push) -> protocol.Pushed:
    answer = carrier.send(push)
    assert answer.status_code == 200, answer.text
    found: protocol.Pushed = protocol.decode(protocol.Pushed, answer.content)
    return found


def less(push: protocol.Push, *at: int) -> protocol.Push:
    """The batch without the parts that are about somebody, of operations at these places."""
    items = tuple(
        msgspec.structs.replace(item, parts={"": item.parts[""]}) if place in at else item
        for place, item in enumerate(push.items)
    )
    return msgspec.structs.replace(push, items=items)


def carriers(cloud: Cloud) -> dict[int, str | None]:
    """Who brought each batch, by its end."""
    batch = cloud.books.tables.batch
    with cloud.database.administer() as connection:
        rows = connection.execute(select(batch.c.sequence, batch.c.carrier).where(batch.c.signature.is_not(None)))
        return {row.sequence: row.carrier for row in rows}


def test_what_a_carrier_brings_counts_as_its_author_s_word(
    device: Device, carrier: Device, cloud: Cloud, studio: StudioEntry, client: httpx.Client
) -> None:
    device.submit(marks(5))
    before = entry_of(cloud, device).seen_ms
    first = brought(carrier, device.batch(1, 3))
    assert ([answer.sequence for answer in first.answers], first.acked, first.epoch) == ([1, 2, 3], 3, 1)
    assert {answer.outcome.status for answer in first.answers} == {Status.ACCEPTED}
    assert first.takes["toy.mark"] == 1
    assert brought(carrier, device.batch(1, 3)) == msgspec.structs.replace(first, cloud_ms=first.cloud_ms)
    # the author is told the same, and goes on where the carrier stopped
    whole = device.push(1, 5)
    assert whole.answers[:3] == first.answers
    assert [answer.included for answer in whole.answers] == [1, 2, 3, 4, 5]
    assert carriers(cloud) == {3: id_of(carrier), 5: None}
    assert logged(cloud) == 5
    assert audit(cloud.books, studio.id, verify=is_signed).ok
    # the author was not heard of by that, but for how far its log has come; the carrier has said nothing of its own
    assert entry_of(cloud, device).seen_ms == before
    assert (entry_of(cloud, device).sequence, entry_of(cloud, carrier).sequence) == (5, 0)
    assert "classtap_carried_total 3" in client.get("/metrics").text


def test_what_is_told_with_it_is_the_carrier_s_own(
    device: Device, carrier: Device, cloud: Cloud, studio: StudioEntry
) -> None:
    seed(cloud, studio.id, enrolments(3))
    device.submit(marks(2))
    page = brought(carrier, device.batch(1, 2, scopes=ALL)).page
    assert page is not None
    assert page.allowed == ("roster/h1",)
    assert {row.scope for row in page.rows} == {"roster/h1"}
    # and what the author has to do is told to the author alone
    seats = derived("seats")
    seed(cloud, studio.id, [toy.Post(seats=seats, free=1)])
    device.submit([toy.Borrow(seats=seats, lease=False)])
    for _ in range(2):
        (told,) = brought(carrier, device.batch(3, 3)).answers
        assert (told.outcome.status, told.effects) == (Status.ACCEPTED, ())
    (own,) = device.push(3, 3).answers
    assert [effect.body for effect in own.effects] == [{"text": "borrowed"}]


def test_a_carrier_without_a_part_spoils_nothing(device: Device, carrier: Device, cloud: Cloud) -> None:
    device.submit(marks(4))
    answer = carrier.send(less(device.batch(1, 4), 2))
    assert code_of(answer) == (409, "sync.parts_missing")
    assert answer.json()["params"] == {"sequence": 3}
    assert logged(cloud) == 0
    assert {one.outcome.status for one in device.push(1, 2).answers} == {Status.ACCEPTED}
    # what is here already is answered by its hash, parts or none
    again = brought(carrier, less(device.batch(1, 2), 0, 1))
    assert [one.outcome.status for one in again.answers] == [Status.ACCEPTED, Status.ACCEPTED]
    assert brought(carrier, less(device.batch(1, 4), 0, 1)).acked == 4
    # of itself a device may say that it erased somebody: that is set aside, as ever
    device.submit(marks(1, start=4))
    (own,) = brought(device, less(device.batch(5, 5), 0)).answers
    assert own.outcome.reasons[0].code == "operation.part_missing"


def bent(push: protocol.Push, how: str, carrier: Device) -> protocol.Push:
    """A batch as a hostile or broken carrier might bring it."""
    assert carrier.papers is not None
    first, second = push.items[0], push.items[-1]
    altered = {subject: text.replace("present", "absent ") for subject, text in first.parts.items()}
    statement = batch_statement(
        studio=push.studio, device=push.device, epoch=1, last_sequence=3, last_hash=link_hash(second.envelope.encode())
    )  # fmt: skip
    return {
        "cut off behind": lambda: msgspec.structs.replace(push, items=push.items[:-1]),
        "cut off before": lambda: msgspec.structs.replace(push, items=push.items[1:]),
        "a hole": lambda: msgspec.structs.replace(push, items=(first, second)),
        "out of order": lambda: msgspec.structs.replace(push, items=push.items[::-1]),
        "other words": lambda: msgspec.structs.replace(
            push, items=(protocol.WireOperation(first.envelope, altered), *push.items[1:])
        ),
        "signed by the carrier": lambda: msgspec.structs.replace(push, signature=carrier.key.sign(statement).hex()),
        "as its own": lambda: msgspec.structs.replace(push, device=carrier.papers.device),
        "another epoch": lambda: msgspec.structs.replace(push, epoch=2),
        "nothing": lambda: msgspec.structs.replace(push, items=()),
        "of nobody": lambda: msgspec.structs.replace(push, device=Id("9" * 32)),
    }[how]()


HOSTILE = (
    ("cut off behind", (401, "sync.signature")),
    ("cut off before", (409, "sync.gap")),
    ("a hole", (400, "sync.broken_chain")),
    ("out of order", (400, "sync.broken_chain")),
    ("other words", (400, "envelope.commitment")),
    ("signed by the carrier", (401, "sync.signature")),
    ("as its own", (400, "sync.mixed")),
    ("another epoch", (400, "sync.mixed")),
    ("nothing", (400, "sync.empty")),
    ("of nobody", (409, "sync.unpaired")),
)


def test_a_hostile_carrier_gets_nowhere(device: Device, carrier: Device, cloud: Cloud) -> None:
    """And the author is taken afterwards as if nothing had been."""
    carrier.submit(marks(1, start=50))
    carrier.push(1, 1)  # its token is known to this worker by now
    device.submit(marks(3))
    for how, expected in HOSTILE:
        assert code_of(carrier.send(bent(device.batch(1, 3), how, carrier))) == expected, how
        carrier.push(1, 1)
    assert logged(cloud) == 1
    assert [one.outcome.status for one in device.push(1, 3).answers] == [Status.ACCEPTED] * 3
    assert carrier.pull("roster/h1").rows, "the carrier's own papers are as good as before"


def test_the_studio_s_own_device_and_another_studio_s_are_not_carried(
    device: Device, carrier: Device, cloud: Cloud, studio: StudioEntry, client: httpx.Client
) -> None:
    elsewhere = paired(cloud, cloud.studios.found("Elsewhere"), client)
    device.submit(marks(1))
    push = device.batch(1, 1)
    assert code_of(carrier.send(msgspec.structs.replace(push, device=studio.cloud_device))) == (
        403,
        "sync.carried_cloud",
    )
    assert code_of(elsewhere.send(push)) == (403, "sync.other_studio")
    elsewhere.submit(marks(1))
    assert code_of(carrier.send(elsewhere.batch(1, 1))) == (403, "sync.other_studio")
    answer = client.post("/sync/v1/decide", content=protocol.encode(push), headers=carrier.headers)
    assert code_of(answer) == (403, "sync.other_device"), "who waits for an answer asks for itself"
    assert logged(cloud) == 0


def test_who_was_withdrawn_carries_nothing_any_more(
    device: Device, carrier: Device, cloud: Cloud, studio: StudioEntry
) -> None:
    """At once, though this worker saw its token a moment ago: its own word it may still tell."""
    carrier.submit(marks(2, start=50))
    device.submit(marks(1))
    carrier.push(1, 1)
    cloud.studios.revoke(studio.id, id_of(carrier))
    assert code_of(carrier.send(device.batch(1, 1))) == (403, "device.revoked")
    table = cloud.books.tables.device
    with cloud.database.administer() as connection:
        connection.execute(update(table).where(table.c.id == id_of(carrier)).values(purge="0" * 32))
    assert code_of(carrier.send(device.batch(1, 1))) == (403, "device.purge")
    assert carrier.push(2, 2).acked == 2
    assert logged(cloud) == 2


def test_an_earlier_epoch_is_taken_beside_the_present_one(device: Device, carrier: Device, cloud: Cloud) -> None:
    """A carrier may have what its author sent before it was restored, and comes with it late, or again."""
    device.submit(marks(4))
    old, half = device.batch(1, 4), device.batch(1, 2)
    brought(carrier, half)
    papers = device.papers
    assert papers is not None
    store = MemoryDevice(toy.registry(), studio=papers.studio, device=papers.device, scopes=papers.scopes)
    store._head = msgspec.structs.replace(store._head, epoch=2)
    bus = DeviceBus(store, toy.bus(authority=False), device.clock, os.urandom)
    device.clock.advance(10)
    bus.submit(marks(1, start=9)[0], STAFF)
    (entry,) = store.log
    statement = batch_statement(
        studio=papers.studio, device=papers.device, epoch=2, last_sequence=1, last_hash=entry.hash
    )
    new = protocol.Push(
        studio=papers.studio, device=papers.device, epoch=2,
        items=(protocol.wire_operation(entry.data, entry.parts),), signature=device.key.sign(statement).hex(),
    )  # fmt: skip
    assert brought(device, new).acked == 1
    for _ in range(2):
        assert (brought(carrier, old).acked, brought(carrier, half).acked) == (4, 4)
        assert (entry_of(cloud, device).epoch, entry_of(cloud, device).sequence) == (2, 1)
        assert brought(device, new).acked == 1
    assert logged(cloud) == 5


def test_a_device_whose_work_was_brought_has_spoken(
    cloud: Cloud, studio: StudioEntry, client: httpx.Client, carrier: Device
) -> None:
    """Its code is used up: a second one with its key would write another history under the same numbers."""
    code = cloud.studios.pairing_code(studio.id, role="kiosk", location=Id("10" * 16), name="x")
    late = Device(client)
    assert late.pair(code.code).status_code == 200
    late.submit(marks(1))
    push = late.batch(1, 1)
    brought(carrier, push)
    again = Device(client)
    again.key = late.key
    assert code_of(again.pair(code.code)) == (403, "pair.code")


def test_author_and_two_carriers_at_once(
    device: Device, carrier: Device, other: Device, cloud: Cloud, studio: StudioEntry
) -> None:
    """Overlapping runs, pushed together and behind one another: each operation once, and all are told the same."""
    device.submit(marks(60))
    runs = [(1, last) for last in range(10, 61, 10)] + [(first, first + 9) for first in range(1, 60, 5) if first < 52]
    ways = [(who, device.batch(*run, behind=True)) for who in (device, carrier, other) for run in runs]
    with ThreadPoolExecutor(6) as pool:
        found = [pushed.answers for pushed in pool.map(lambda way: brought(*way), ways)]
    told: dict[int, set[tuple[int, str]]] = {}
    for answers in found:
        for one in answers:
            told.setdefault(one.sequence, set()).add((one.included, one.outcome.status.value))
    assert set(told) == set(range(1, 61))
    assert all(len(said) == 1 for said in told.values())
    assert sorted(included for said in told.values() for included, _ in said) == list(range(1, 61))
    assert logged(cloud) == 60
    assert audit(cloud.books, studio.id, verify=is_signed).ok
    assert entry_of(cloud, device).sequence == 60
