"""Finding devices by multicast DNS (RFC 6762, RFC 6763): no server, nothing to set up, nobody's data in what is said."""

import asyncio
import contextlib
import ipaddress
import logging
import re
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from classtap_core.kernel.clock import steady_ms
from sync.client.relay.finding import Address, Announced, Board, Spot
from sync.client.relay.messages import SERVICE, VERSION

if TYPE_CHECKING:
    from zeroconf import ServiceStateChange, Zeroconf
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

log = logging.getLogger("classtap.relay")
logging.getLogger("zeroconf").setLevel(logging.ERROR)  # each packet that a network does not take is a warning there

LOOK_S = 5.0
"""How often the machine's addresses are looked at."""
ANEW_MS = 600_000
"""After so long all begins anew: a machine that slept, or a switch that forgot, tells nobody."""
HALF_MS = 15_000
"""After so long where only IPv4 could be had, doubled each time."""
_ASK_MS = 3_000
_MOST_ASKED = 32
_NAME = re.compile(r"[0-9a-f]{16}\Z")


class Own(NamedTuple):
    """An address of this machine: its text, how many leading bits its network shares, and its interface's number."""

    text: str
    prefix: int
    interface: int


def on_link(address: str, own: Sequence[Own]) -> bool:
    """Whether an address is of one of the networks this machine is in: nobody may send us elsewhere. A link-local one
    of IPv6 has to name its interface."""
    try:
        there = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(there, ipaddress.IPv6Address) and there.is_link_local and there.scope_id is None:
        return False
    there = ipaddress.ip_address(address.partition("%")[0])
    return any(
        there.version == ipaddress.ip_address(one.text).version
        and there in ipaddress.ip_network(f"{one.text}/{one.prefix}", strict=False)
        for one in own
    )


class Multicast:
    """Announces this device under a name of the moment, and finds others of the same studio.

    `interfaces`: addresses of those to use; all but the machine's own loop without.
    """

    def __init__(self, interfaces: Sequence[str] = (), *, look_s: float = LOOK_S) -> None:
        self._interfaces, self._look_s = tuple(interfaces), look_s
        self._halves = 0

    async def run(self, announced: Announced, board: Board) -> None:
        """Until cancelled. Says `relay.no_network` while this machine has no address, `relay.no_multicast` where the
        system does not let it."""
        name = secrets.token_hex(8)
        while True:
            own = self._own()
            if not own:
                board.trouble("relay.no_network")
                await asyncio.sleep(self._look_s)
                continue
            try:
                await self._while_same(own, name, announced, board)
            except Exception as fault:  # noqa: BLE001 - whatever a network can do to a library: it is tried again
                log.info("multicast does not work here: %s: %s", type(fault).__name__, fault)
                board.trouble("relay.no_multicast")
                await asyncio.sleep(self._look_s)

    def _own(self) -> tuple[Own, ...]:
        try:
            import ifaddr

            adapters = list(ifaddr.get_adapters())
        except (ImportError, OSError) as fault:
            log.info("the machine's addresses cannot be seen: %s", fault)
            return ()
        found = []
        for adapter in adapters:
            for one in adapter.ips:
                text = one.ip if isinstance(one.ip, str) else one.ip[0]
                wanted = text in self._interfaces if self._interfaces else not ipaddress.ip_address(text).is_loopback
                if wanted:
                    found.append(Own(text, one.network_prefix, adapter.index or 0))
        return tuple(sorted(found))

    async def _while_same(self, own: Sequence[Own], name: str, announced: Announced, board: Board) -> None:
        from zeroconf import ServiceStateChange
        from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo

        line = self._open(own)
        asked: dict[str, asyncio.Task[None]] = {}

        def changed(
            zeroconf: "Zeroconf", service_type: str, name: str, state_change: "ServiceStateChange"
        ) -> None:  # fmt: skip
            key = name.removesuffix(f".{SERVICE}")
            if key == own_name or _NAME.match(key) is None:
                return
            if (before := asked.pop(key, None)) is not None:
                before.cancel()
            if state_change is ServiceStateChange.Removed:
                board.lost(key)
            elif len(asked) < _MOST_ASKED:
                info = AsyncServiceInfo(SERVICE, name)
                task = asyncio.create_task(self._ask(key, info, zeroconf, own, announced.tag, board))
                asked[key] = task
                task.add_done_callback(lambda done: asked.pop(key, None) if asked.get(key) is done else None)

        own_name = name
        browser = None
        try:
            await line.zeroconf.async_wait_for_start(timeout=self._look_s)
            browser = AsyncServiceBrowser(line.zeroconf, SERVICE, handlers=[changed])
            if announced.port:
                await (await line.async_register_service(_service(name, own, announced)))
            board.trouble("")
            began, most = steady_ms(), min(ANEW_MS, HALF_MS << self._halves) if self._halves else ANEW_MS
            while steady_ms() - began < most:
                await asyncio.sleep(self._look_s)
                if self._own() != tuple(own):
                    break
        finally:
            for task in list(asked.values()):
                task.cancel()
            if browser is not None:
                await browser.async_cancel()
            await _close(line)

    def _open(self, own: Sequence[Own]) -> "AsyncZeroconf":
        from zeroconf import IPVersion
        from zeroconf.asyncio import AsyncZeroconf

        old = [one.text for one in own if ":" not in one.text]
        new = [one.text for one in own if ipaddress.ip_address(one.text).is_link_local and ":" in one.text]
        if new:
            try:
                line = AsyncZeroconf(interfaces=old + new, ip_version=IPVersion.All)
            except (OSError, RuntimeError) as fault:  # an address that is just coming up, or a system with half an IPv6
                log.info("no multicast over IPv6: %s", fault)
                self._halves = min(self._halves + 1, 10)
            else:
                self._halves = 0
                return line
        return AsyncZeroconf(interfaces=old, ip_version=IPVersion.V4Only)

    async def _ask(
        self, key: str, info: "AsyncServiceInfo", zeroconf: "Zeroconf", own: Sequence[Own], tag: str, board: Board
    ) -> None:  # fmt: skip
        """What is behind a name; one that is of our studio and in our network is told."""
        try:
            if not await info.async_request(zeroconf, _ASK_MS):
                return
            said = info.properties
            if said.get(b"s") != tag.encode() or said.get(b"v") != str(VERSION).encode() or not info.port:
                return
            addresses: list[Address] = [
                (address, info.port) for address in info.parsed_scoped_addresses() if on_link(address, own)
            ]
        except Exception as fault:  # noqa: BLE001 - what strangers send must not end the search
            log.info("a name in the network says nothing sensible: %s", type(fault).__name__)
            return
        if addresses:
            board.found(Spot(key, tuple(addresses)))


def _service(name: str, own: Sequence[Own], announced: Announced) -> "AsyncServiceInfo":
    from zeroconf.asyncio import AsyncServiceInfo

    return AsyncServiceInfo(
        SERVICE,
        f"{name}.{SERVICE}",
        port=announced.port,
        properties={"v": str(VERSION), "s": announced.tag},
        server=f"{name}.local.",
        parsed_addresses=[one.text for one in own],
    )


async def _close(line: "AsyncZeroconf") -> None:
    """Say goodbye and close the sockets; in half a second, or without the goodbye."""
    try:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(0.5):
                await line.async_unregister_all_services()
    finally:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(0.5):
                await line.async_close()
