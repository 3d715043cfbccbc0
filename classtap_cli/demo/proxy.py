"""A loopback proxy with a switch: the demonstration's network cable, and the fault tests' scissors."""

import contextlib
import socket
import sys
import threading
from collections.abc import Callable


class SwitchProxy:
    """Forwards TCP on loopback to a port, until cut.

    Attributes:
        port: where clients connect.
        scissors: called with (direction ``"up"`` or ``"down"``, bytes passed so far in it, chunk) before each chunk of
            a connection; returns how much of the chunk may still pass, or None for all. Passing less ends both ends.
    """

    def __init__(self, target_port: int, *, port: int = 0) -> None:
        self._target = ("127.0.0.1", target_port)
        self.scissors: Callable[[str, int, bytes], int | None] = lambda direction, passed, chunk: None
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        # While the cable is out, the port must not become some connection's way out. Only Linux lets it be bound twice.
        self._kept = _bound(port) if sys.platform == "linux" else None
        self.port = self._kept.getsockname()[1] if self._kept else port
        self.restore()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_cut(self) -> bool:
        return self._listener is None

    def restore(self) -> None:
        """Plug the cable in."""
        if self._listener is not None:
            return
        listener = _bound(self.port)
        listener.listen(64)
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._run(self._accept, listener)

    def cut(self) -> None:
        """Pull the cable: no new connection, and every open one ends at once."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            still = list(self._open)
        for end in still:
            _sever(end)

    def close(self) -> None:
        self.cut()
        for thread in self._threads:
            thread.join()
        if self._kept is not None:
            self._kept.close()

    def _run(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, name="classtap-proxy", daemon=True)
        self._threads = [known for known in self._threads if known.is_alive()]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target, timeout=5)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            for end in (client, server):  # both ends of a real wire say so too, and a cable waits for nothing
                with contextlib.suppress(OSError):  # it has hung up already
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open |= {client, server}
            if self._listener is not listener:
                _sever(client)
                _sever(server)
            self._run(self._pump, "up", client, server)
            self._run(self._pump, "down", server, client)

    def _pump(self, direction: str, source: socket.socket, sink: socket.socket) -> None:
        passed = 0
        try:
            while chunk := source.recv(65_536):
                allowed = self.scissors(direction, passed, chunk)
                sink.sendall(chunk if allowed is None else chunk[:allowed])
                passed += len(chunk)
                if allowed is not None and allowed < len(chunk):
                    break
        except OSError:
            pass
        _sever(source)
        _sever(sink)
        with self._lock:
            self._open -= {source}
        source.close()


def _bound(port: int) -> socket.socket:
    made = socket.socket()
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("127.0.0.1", port))
    except OSError:
        made.close()
        raise
    return made


def _sever(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
