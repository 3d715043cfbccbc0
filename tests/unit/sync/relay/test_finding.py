"""How devices find each other: by multicast, by addresses, by both; and what a network may do to that."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from sync.client.relay import multicast
from sync.client.relay.finding import Announced, Board, Fixed, Spot, Together
from sync.client.relay.multicast import Multicast, Own, on_link
from tests.unit.sync.relay.homes import PATIENCE_S, Running, running, studio

TAG = "0123456789abcdef"


class Noted:
    """A board that remembers what was written on it."""

    def __init__(self) -> None:
        self.spots: dict[str, Spot] = {}
        self.troubles: list[str] = []
        self._changed = asyncio.Event()

    def found(self, spot: Spot) -> None:
        self.spots[spot.key] = spot
        self._changed.set()

    def lost(self, key: str) -> None:
        self.spots.pop(key, None)
        self._changed.set()

    def trouble(self, code: str) -> None:
        self.troubles.append(code)
        self._changed.set()

    async def wait(self, until: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not until():
                self._changed.clear()
                await self._changed.wait()


def multicast_is_possible() -> bool:
    """Whether what is sent to a group on the machine's own loop comes back."""
    group = ("224.0.0.251", 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        try:
            ear.bind(("", 0))
            loop = socket.inet_aton("127.0.0.1")
            ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group[0]) + loop)
            ear.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, loop)
            ear.settimeout(2.0)
            ear.sendto(b"?", (group[0], ear.getsockname()[1]))
            return ear.recv(1) == b"?"
        except OSError:
            return False


def test_two_devices_find_each_other_by_multicast_and_not_another_studios() -> None:
    pytest.importorskip("zeroconf", reason="no wheel for Intel Macs; addresses are written down there")
    if not multicast_is_possible():
        pytest.skip("this machine lets no multicast through, not even to itself")
    loop = ("127.0.0.1",)
    door, desk = studio("door", "desk")
    (other,) = studio("other")
    other.studio = other.device.id
    a, b, c = (Running(home, finding=Multicast(loop, look_s=0.2)) for home in (door, desk, other))
    with running(a, b, c):
        a.sees(b)
        b.sees(a)
        door.commit()
        a.relay.nudge()
        desk.wait(lambda: desk.told_by(door) == [1])
        assert not c.neighbours()
        assert a.relay.status().trouble == ""


def test_a_machine_without_a_network_says_so_and_sees_when_one_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        here: list[Own] = []
        board = Noted()
        way = Multicast(look_s=0.01)
        monkeypatch.setattr(way, "_own", lambda: tuple(here))
        met: list[Sequence[Own]] = []

        async def stood(own: Sequence[Own], *rest: Any) -> None:
            met.append(own)
            board.trouble("")
            await asyncio.Event().wait()

        monkeypatch.setattr(way, "_while_same", stood)
        task = asyncio.create_task(way.run(Announced(TAG, 1), board))
        await board.wait(lambda: board.troubles)
        assert set(board.troubles) == {"relay.no_network"}
        here.append(Own("192.0.2.7", 24, 2))
        await board.wait(lambda: board.troubles[-1] == "")
        assert met == [(Own("192.0.2.7", 24, 2),)]
        task.cancel()

    asyncio.run(scene())


def test_a_system_that_forbids_multicast_is_told_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        board = Noted()
        way = Multicast(look_s=0.01)
        monkeypatch.setattr(way, "_own", lambda: (Own("192.0.2.7", 24, 2),))

        def forbidden(own: Sequence[Own]) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(way, "_open", forbidden)
        task = asyncio.create_task(way.run(Announced(TAG, 1), board))
        await board.wait(lambda: len(board.troubles) >= 3)
        assert set(board.troubles) == {"relay.no_multicast"}
        task.cancel()

    asyncio.run(scene())


def test_what_is_announced_names_nobody() -> None:
    pytest.importorskip("zeroconf", reason="no wheel for Intel Macs; addresses are written down there")
    made = multicast._service("00112233445566aa", (Own("192.0.2.7", 24, 2),), Announced(TAG, 27_417))
    assert made.name == "00112233445566aa._classtap._tcp.local."
    assert made.server == "00112233445566aa.local."
    assert made.properties == {b"v": b"1", b"s": TAG.encode()}
    assert socket.gethostname() not in repr(made)


@pytest.mark.parametrize(
    ("address", "there"),
    [
        ("192.0.2.9", True),
        ("192.0.3.9", False),
        ("203.0.113.5", False),
        ("2001:db8::9", True),
        ("2001:db8:1::9", False),
        ("fe80::9%3", True),
        ("fe80::9", False),
        ("nonsense", False),
        ("127.0.0.1", False),
    ],
)
def test_only_addresses_of_this_network_are_dialled(address: str, there: bool) -> None:
    own = (Own("192.0.2.7", 24, 2), Own("2001:db8::7", 64, 2), Own("fe80::7", 64, 2))
    assert on_link(address, own) is there


class Says:
    """A way that has one thing to say of itself."""

    def __init__(self, code: str) -> None:
        self._code = code

    async def run(self, announced: Announced, board: Board) -> None:
        board.trouble(self._code)
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("codes", "last"),
    [(("relay.no_network", "relay.no_network"), "relay.no_network"), (("relay.no_multicast", ""), ""), (("",), "")],
)
def test_of_several_ways_one_that_works_is_enough(codes: Sequence[str], last: str) -> None:
    async def scene() -> None:
        board = Noted()
        ways = Together(*(Says(code) for code in codes), Fixed([]) if not all(codes) else Says(codes[0]))
        task = asyncio.create_task(ways.run(Announced(TAG, 1), board))
        await board.wait(lambda: len(board.troubles) >= len(codes))
        assert board.troubles[-1] == last
        task.cancel()

    asyncio.run(scene())


def test_addresses_that_are_written_down_are_told_as_they_are() -> None:
    async def scene() -> None:
        board = Noted()
        task = asyncio.create_task(Fixed([("desk.lan", 27_417)]).run(Announced(TAG, 1), board))
        await board.wait(lambda: board.spots)
        assert board.spots == {"desk.lan:27417": Spot("desk.lan:27417", (("desk.lan", 27_417),))}
        task.cancel()

    asyncio.run(scene())
