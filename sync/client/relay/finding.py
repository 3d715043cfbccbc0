"""How devices of one network find each other: by being told addresses, or by several ways together."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol

Address = tuple[str, int]
"""Host (a name, or an address; a local IPv6 one names its interface behind `%`) and port."""


class Spot(NamedTuple):
    """Where a device may be reached, by a name that stays while it does."""

    key: str
    addresses: tuple[Address, ...]


class Announced(NamedTuple):
    """What others may find this device by. `tag`: of the studio. `port`: 0 while it listens nowhere."""

    tag: str
    port: int


class Board(Protocol):
    """Who wants to know. Called on the loop that runs the finding."""

    def found(self, place: Spot) -> None: ...

    def lost(self, key: str) -> None: ...

    def trouble(self, code: str) -> None:
        """Why nobody can be found this way; "" where they can."""
        ...


class Finding(Protocol):
    """A way to find other devices."""

    async def run(self, announced: Announced, board: Board) -> None:
        """Until cancelled; raises nothing else."""
        ...


class Fixed:
    """Addresses somebody wrote down: for networks that let no multicast through."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._addresses = tuple(addresses)

    async def run(self, announced: Announced, board: Board) -> None:
        for host, port in self._addresses:
            board.found(Spot(f"{host}:{port}", ((host, port),)))
        await asyncio.Event().wait()


class Together:
    """Several ways at once. There is trouble only while every one of them has some."""

    def __init__(self, *ways: Finding) -> None:
        self._ways = ways

    async def run(self, announced: Announced, board: Board) -> None:
        boards = [_Side(board) for _ in self._ways]
        for one in boards:
            one.others = boards
        async with asyncio.TaskGroup() as tasks:
            for way, one in zip(self._ways, boards, strict=True):
                tasks.create_task(way.run(announced, one))


class _Side:
    """One way's view of the board of all."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._code = ""
        self.others: Sequence[_Side] = ()
        self.found, self.lost = board.found, board.lost

    def trouble(self, code: str) -> None:
        self._code = code
        codes = [one._code for one in self.others]
        self._board.trouble(code if all(codes) else "")
