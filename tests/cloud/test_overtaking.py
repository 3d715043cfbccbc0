"""A push that comes before the one it is behind waits for it a moment: asked again by nobody, and within bounds."""

import asyncio
import threading
from collections.abc import Awaitable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from classtap_core.kernel.authority import Pushed
from classtap_core.kernel.batches import Batch, read_batch
from classtap_core.kernel.envelope import Sealed
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from cloud.composition import Cloud
from cloud.overtaking import MOST_BYTES, MOST_HELD, Overtaking
from cloud.storage.audit import audit
from cloud.storage.directory import StudioEntry
from sync import protocol
from sync.signed import is_signed
from tests.cloud.rig import Device, code_of, marks

MOMENT_S = 0.2


@pytest.fixture
def refused(cloud: Cloud) -> threading.Semaphore:
    """Released for each push that met a gap."""
    gaps, submit = threading.Semaphore(0), cloud.intake.submit

    def heard(batch: Batch, sealed: Sequence[Sealed]) -> Future[Pushed]:
        going = submit(batch, sealed)
        going.add_done_callback(lambda done: gaps.release() if done.exception() else None)
        return going

    cloud.intake.submit = heard  # type: ignore[method-assign]
    return gaps


def test_those_that_overtook_are_taken_when_the_first_comes(
    cloud: Cloud, studio: StudioEntry, device: Device, refused: threading.Semaphore
) -> None:
    device.submit(marks(20))
    with ThreadPoolExecutor(4) as ways:
        ahead = []
        for first in (16, 11, 6):
            push = device.batch(first, first + 4, behind=True)
            ahead.append(ways.submit(device.send, push))
            assert refused.acquire(timeout=20)
        assert device.send(device.batch(1, 5)).status_code == 200
        answers = [one.result() for one in ahead]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    pushed = [protocol.decode(protocol.Pushed, answer.content) for answer in reversed(answers)]
    assert [answer.included for one in pushed for answer in one.answers] == list(range(6, 21))
    assert audit(cloud.books, studio.id, verify=is_signed).ok


def test_who_does_not_say_so_is_told_of_the_gap_at_once(device: Device, client: httpx.Client) -> None:
    device.submit(marks(4))
    assert code_of(device.send(device.batch(3, 4))) == (409, "sync.gap")


class Taken:
    """What a cloud has of a device, without a cloud."""

    def __init__(self) -> None:
        self.mark, self.tried = 0, 0
        self.order: list[int] = []

    def submit(self, batch: Batch, sealed: Sequence[Sealed]) -> Awaitable[Any]:
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.tried += 1
        if sealed[0].envelope.sequence != self.mark + 1:
            done.set_exception(Refused("sync.gap", expected=self.mark + 1))
        else:
            self.mark = sealed[-1].envelope.sequence
            self.order.append(self.mark)
            done.set_result(self.mark)
        return done


@pytest.fixture
def batches(device: Device) -> list[tuple[Batch, tuple[Sealed, ...]]]:
    """Twelve pushes of two operations each."""
    device.submit(marks(24))
    found = [protocol.batch_of(device.batch(first, first + 1)) for first in range(1, 25, 2)]
    return [(one, read_batch(one)) for one in found]


ON_A_FILE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@ON_A_FILE
def test_a_gap_that_stays_is_told_after_a_moment(batches: list[Any]) -> None:
    async def story() -> tuple[str, int]:
        taken = Taken()
        overtaking = Overtaking(taken.submit, alone=True, moment_s=MOMENT_S)
        with pytest.raises(Refused) as no:
            await overtaking.take(*batches[3], size=10, behind=True)
        assert (overtaking._news, +overtaking._held, overtaking._bytes) == ({}, {}, 0)
        return no.value.code, taken.tried

    assert asyncio.run(story()) == ("sync.gap", 2)


@ON_A_FILE
def test_one_that_came_by_another_worker_is_found(batches: list[Any]) -> None:
    async def story() -> int:
        taken = Taken()
        going = Overtaking(taken.submit, alone=False, moment_s=20).take(*batches[1], size=10, behind=True)
        await asyncio.sleep(0)
        taken.mark = 2
        return await going  # type: ignore[return-value]

    assert asyncio.run(story()) == 4


@ON_A_FILE
@pytest.mark.parametrize(("size", "waits"), [(10, MOST_HELD), (MOST_BYTES // 2, 2), (MOST_BYTES + 1, 0)])
def test_so_many_wait_and_no_more(batches: list[Any], size: int, waits: int) -> None:
    """Eleven come before the first, the last of them foremost; those that find no room are told at once."""

    async def story() -> tuple[list[int], set[str]]:
        taken = Taken()
        overtaking = Overtaking(taken.submit, alone=True, moment_s=20)
        going = [asyncio.ensure_future(overtaking.take(*one, size=size, behind=True)) for one in batches[:0:-1]]
        told = await asyncio.gather(*going[waits:], return_exceptions=True)
        assert not any(one.done() for one in going[:waits])
        for one in batches[: len(batches) - waits]:
            await overtaking.take(*one, size=size, behind=False)
        await asyncio.gather(*going[:waits])
        return taken.order, {one.code for one in told if isinstance(one, Refused)}

    order, told = asyncio.run(asyncio.wait_for(story(), 60))
    assert told == {"sync.gap"}
    assert order == list(range(2, 25, 2))


@ON_A_FILE
def test_who_carries_takes_no_place_from_the_author(batches: list[Any]) -> None:
    """Those that a carrier brought and that wait count as the carrier's."""

    async def story() -> list[bool]:
        overtaking = Overtaking(Taken().submit, alone=True, moment_s=20)
        theirs = [(batch._replace(carrier=Id("c" * 32)), sealed) for batch, sealed in batches[: -MOST_HELD - 1 : -1]]
        going = [asyncio.ensure_future(overtaking.take(*one, size=10, behind=True)) for one in [*theirs, batches[1]]]
        for _ in range(20):
            await asyncio.sleep(0)
        found = [one.done() for one in going]
        for one in going:
            one.cancel()
        return found

    assert asyncio.run(story()) == [False] * (MOST_HELD + 1)
