"""A loopback proxy that counts what goes over the wire, both ways."""

from types import TracebackType
from typing import Self

from classtap_cli.demo.proxy import SwitchProxy


class CountingProxy:
    """Stands before a server. Attributes: `url` to connect to, `passed` bytes of HTTP in both directions."""

    def __init__(self, url: str) -> None:
        self.passed = 0
        self._proxy = SwitchProxy(int(url.rsplit(":", 1)[1]))
        self._proxy.scissors = self._count
        self.url = self._proxy.url

    def _count(self, direction: str, passed: int, chunk: bytes) -> None:
        self.passed += len(chunk)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._proxy.close()
