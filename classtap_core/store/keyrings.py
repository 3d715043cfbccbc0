"""The system's keyring, asked with patience: one that hangs, or fails in a way of its own, is one that does not answer."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

import keyring
from keyring.errors import KeyringError

T = TypeVar("T")

PATIENCE_S = 45.0
"""Somebody may have to type the keyring's password; after this, nobody is there."""


class SystemRing:
    """The keyring of whoever is logged in, by the keyring library. Raises KeyringError, whatever goes wrong."""

    def __init__(self, *, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s

    def get_password(self, service: str, username: str, /) -> str | None:
        return self._ask(lambda: keyring.get_password(service, username))

    def set_password(self, service: str, username: str, password: str, /) -> None:
        self._ask(lambda: keyring.set_password(service, username, password))

    def delete_password(self, service: str, username: str, /) -> None:
        self._ask(lambda: keyring.delete_password(service, username))

    def _ask(self, what: Callable[[], T]) -> T:
        """On a thread of its own, which is left behind when it hangs: nothing can end a call into the system."""
        answer: Future[T] = Future()

        def ask() -> None:
            try:
                answer.set_result(what())
            except Exception as error:  # noqa: BLE001 - back ends raise what their bus raises
                answer.set_exception(error if isinstance(error, KeyringError) else KeyringError(str(error)))

        threading.Thread(target=ask, name="classtap-keyring", daemon=True).start()
        try:
            return answer.result(timeout=self._patience_s)
        except TimeoutError as error:
            raise KeyringError("the keyring does not answer") from error
