"""Pushes of one device are written in the order they came, whichever was read first; other devices wait for none."""

import asyncio

import pytest

from classtap_core.kernel.ids import Id
from cloud.turns import Turns

KIOSK, DESK = Id("aa" * 16), Id("bb" * 16)


class Story:
    """Three pushes of a kiosk come one after another and one of a desk; how long each is read is told by events."""

    def __init__(self, *, fails: str = "") -> None:
        self.turns, self.fails = Turns(), fails
        self.written: list[str] = []

    async def push(self, device: Id, name: str, read: asyncio.Event) -> None:
        async with self.turns.of(device) as turn:
            await read.wait()
            if name == self.fails:
                raise ValueError(name)
            await turn()
            self.written.append(name)

    async def run(self) -> list[str]:
        read = {name: asyncio.Event() for name in ("first", "second", "third", "desk")}
        tasks = []
        for name in read:
            tasks.append(asyncio.ensure_future(self.push(DESK if name == "desk" else KIOSK, name, read[name])))
            await asyncio.sleep(0)
        for name in ("third", "desk", "second", "first"):
            read[name].set()
            for _ in range(5):
                await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert not self.turns._last
        return self.written


def run(story: Story) -> list[str]:
    return asyncio.run(asyncio.wait_for(story.run(), 60))


def test_the_order_is_that_of_coming() -> None:
    assert run(Story()) == ["desk", "first", "second", "third"]


@pytest.mark.parametrize(
    ("fails", "left"), [("first", ["desk", "second", "third"]), ("second", ["desk", "first", "third"])]
)
def test_one_that_fails_holds_up_nobody(fails: str, left: list[str]) -> None:
    assert run(Story(fails=fails)) == left
