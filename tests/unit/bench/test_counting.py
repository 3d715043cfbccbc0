"""The counting proxy: every byte, both ways, and not one more."""

import socket
import threading

from bench.ground.counting import CountingProxy


def test_every_byte_is_counted_both_ways() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_answer, args=(server,))
        thread.start()
        with CountingProxy(f"http://127.0.0.1:{server.getsockname()[1]}") as proxy:
            with socket.create_connection(("127.0.0.1", int(proxy.url.rsplit(":", 1)[1]))) as client:
                client.sendall(b"q" * 1_000)
                assert len(client.makefile("rb").read(5_000)) == 5_000
            thread.join()
            assert proxy.passed == 6_000


def _answer(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        assert len(connection.makefile("rb").read(1_000)) == 1_000
        connection.sendall(b"a" * 5_000)
