"""Reads by range within one batch see what the operations before them put, moved and took away."""

from typing import Any

from classtap_core.kernel.authority import Authority, CloudDraft, Mark
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.envelope import GENESIS, Author
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.memory import MemoryCloud
from classtap_core.kernel.records import decode
from tests.unit.kernel import toy

STUDIO, DEVICE, WHO = Id("a" * 32), Id("d" * 32), Author(type="staff", id=Id("b" * 32))


def counted(*payloads: Any) -> dict[Id, int]:
    """The free seats written by the censuses in one batch."""
    cloud = MemoryCloud(toy.registry(), STUDIO)
    cloud.set_mark(Mark(device=DEVICE, epoch=1, sequence=0, hash=GENESIS, public_key=b""))
    numbers = iter(range(1, 1_000_000))
    authority = Authority(
        cloud, toy.bus(authority=True), ManualClock(1_790_000_000_000),
        lambda size: next(numbers).to_bytes(size, "big"), lambda *_: True,
    )  # fmt: skip
    authority.author_all(DEVICE, [CloudDraft(payload, WHO, "test") for payload in payloads])
    return {id: decode(toy.Seats, row.body).free for id, row in cloud.state.table["seats"].items()}


def child(number: int, house: str) -> toy.Enrol:
    return toy.Enrol(child=derived("child", str(number)), house=house, name="x")


def census(house: str, number: int) -> tuple[toy.Census, Id]:
    into = derived("census", str(number))
    return toy.Census(house=house, into=into), into


def test_a_range_follows_what_the_batch_does() -> None:
    first, one = census("north", 1)
    second, two = census("north", 2)
    third, three = census("south", 3)
    fourth, four = census("north", 4)
    found = counted(
        child(1, "north"), child(2, "north"), first, child(3, "north"), second,
        child(1, "south"), third, fourth,
    )  # fmt: skip
    assert [found[id] for id in (one, two, three, four)] == [2, 3, 1, 2]
