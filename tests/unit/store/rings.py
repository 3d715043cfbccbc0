"""Keyrings of a test: one that forgets with it, and one that is not there."""

from keyring.errors import NoKeyringError


class MemoryRing:
    """A keyring that forgets with the test."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str, /) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str, /) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str, /) -> None:
        del self.kept[service, username]


class NoRing(MemoryRing):
    def get_password(self, service: str, username: str, /) -> str | None:
        raise NoKeyringError

    def set_password(self, service: str, username: str, password: str, /) -> None:
        raise NoKeyringError
