"""Running the web server: in the foreground for `classtap cloud serve`, or in a thread for the demo and the tests."""

import gc
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import uvicorn

from classtap_core.interpreter import settle
from classtap_core.kernel.bus import Bus
from classtap_core.kernel.clock import Clock
from classtap_core.kernel.errors import EnvironmentFault
from cloud import crew
from cloud.app import make_app
from cloud.composition import Cloud, open_cloud
from cloud.jobs.ticks import Ticks
from sync.protocol import HEARTBEAT_S

Ready = Callable[[str], None]

_COLLECT_EVERY = 50_000
"""What a push makes goes when it is answered, without the collector (`Snapshot.done`): it meets only what stays. A push of 500
makes more than this; more would be longer walks: one over 100,000 objects stopped every push of the process for 60 to 90 ms."""


class _Server(uvicorn.Server):
    """Says when it listens, and ends the live connections before it waits for all connections to end."""

    def __init__(self, config: uvicorn.Config, cloud: Cloud, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._cloud, self._ready = cloud, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._cloud.hints.close()
        await super().shutdown(sockets)


_SHARES = sys.platform == "linux"
"""Whether the system deals out connections between several sockets at one port. Who shares one socket gets what it grabs:
of twenty connections one worker had seventeen."""


def _listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """`shared`: others of ours listen there too. Raises EnvironmentFault `cloud.port` when somebody else listens there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise EnvironmentFault("cloud.port", host=host, port=port) from error
    return listening


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _config(cloud: Cloud, heartbeat_s: float) -> uvicorn.Config:
    # No access log: addresses carry scopes, and scopes carry places and days.
    return uvicorn.Config(
        make_app(cloud, heartbeat_s=heartbeat_s), access_log=False, log_config=None, log_level="warning",
        lifespan="off", timeout_keep_alive=75, timeout_graceful_shutdown=10, server_header=False, date_header=False,
    )  # fmt: skip


class CloudServer:
    """A cloud with its web server in a thread of its own. A context manager; `stop` leaves no thread behind."""

    def __init__(
        self, cloud: Cloud, *, host: str = "127.0.0.1", port: int = 0, heartbeat_s: float = HEARTBEAT_S
    ) -> None:
        self.cloud = cloud
        self._listening = _listen(host, port)
        self.url = _url(self._listening)
        cloud.studios.url = self.url
        self._up = threading.Event()
        self._server = _Server(_config(cloud, heartbeat_s), cloud, self._up.set)
        self._thread = threading.Thread(target=self._run, name="cloud-server", daemon=True)
        self._ticks = Ticks(cloud.studios, cloud.runners)

    def start(self) -> Self:
        """Returns when it listens. Raises EnvironmentFault `cloud.start`."""
        self._thread.start()
        self._up.wait()
        if not self._server.started:
            raise EnvironmentFault("cloud.start")
        self._ticks.start()
        return self

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._listening])
        finally:
            self._up.set()

    def stop(self) -> None:
        """Answer what is being asked, then end, and close the cloud."""
        self._ticks.stop()
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join()
        self._listening.close()
        self.cloud.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve(
    data: Path, bus: Bus, *, host: str = "127.0.0.1", port: int = 8741, url: str = "", workers: int = 1,
    clock: Clock | None = None, ready: Ready | None = None,
) -> None:  # fmt: skip
    """Serve the cloud in `data/cloud` until the process is told to end (SIGINT, SIGTERM).

    `workers`: processes that share the port and the database; one that dies is replaced. `ready` is called with the
    address once all listen; port 0 takes a free one. Raises EnvironmentFault, among them `cloud.workers`: SQLite has
    one writer, and a second process would only wait for it.
    """
    if workers > 1:
        # Laid out once, before several come to it; and every mistake of the operator's is told once.
        cloud = open_cloud(data, bus, url=url, clock=clock)
        dialect = cloud.database.dialect
        cloud.close()
        if dialect == "sqlite" or not crew.POSSIBLE:
            raise EnvironmentFault("cloud.workers", most=1)
    with ExitStack() as stack:
        doors = _doors(host, port, workers if _SHARES else 1)
        for door in doors:
            stack.enter_context(door)
        address = _url(doors[0])
        tell = (lambda: ready(address)) if ready else (lambda: None)

        def work(number: int, told: Callable[[], None]) -> None:
            _serve_here(data, bus, doors[number % len(doors)], url=url, clock=clock, ready=told)

        if workers == 1:
            work(0, tell)
        else:
            crew.run(work, workers=workers, ready=tell)


def _doors(host: str, port: int, count: int) -> list[socket.socket]:
    """So many sockets that listen at one port. Raises EnvironmentFault `cloud.port`."""
    if count == 1:
        return [_listen(host, port)]
    with _listen(host, port) as probe:  # a shared port would also be shared with somebody else's
        free = probe.getsockname()[1]
    return [_listen(host, free, shared=True) for _ in range(count)]


def _serve_here(
    data: Path, bus: Bus, listening: socket.socket, *, url: str, clock: Clock | None, ready: Callable[[], None]
) -> None:
    """Serve in this process until it is told to end."""
    cloud = open_cloud(data, bus, url=url, clock=clock)
    ticks = Ticks(cloud.studios, cloud.runners)
    try:
        ticks.start()
        cloud.studios.url = _url(listening)
        gc.collect()
        settle(_COLLECT_EVERY)
        _Server(_config(cloud, HEARTBEAT_S), cloud, ready).run(sockets=[listening])
    finally:
        ticks.stop()
        cloud.close()
