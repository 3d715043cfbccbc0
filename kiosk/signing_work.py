"""Carries out what signing asks for, off the window's thread, and says what came of it."""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from classtap_core.documents.records import SigningCode
from classtap_core.kernel.errors import ClassTapError, EnvironmentFault
from classtap_core.kernel.ids import Id
from classtap_core.kernel.tx import Ref
from kiosk import signing
from kiosk.aside import Aside
from kiosk.signing_door import SigningDoor
from resources.text import Catalogue
from sync.client.node import Node

log = logging.getLogger("classtap.kiosk")

PATIENCE_MS = 20_000
"""So long the cloud may take to send a code; then somebody is asked to see the front desk."""


class SigningWork:
    """One kiosk's signatures in the making. `happen` takes the events it answers with."""

    def __init__(self, node: Node, aside: Aside, happen: Callable[[Any], None]) -> None:
        self._door, self._aside, self._happen = SigningDoor(node), aside, happen
        self._node = node
        self._waiting: tuple[str, int] | None = None

    def commands(self, locale: Callable[[], str], now: Callable[[], int]) -> dict[type, Callable[[Any], None]]:
        """What carries out each command; `locale` is the language on the screen, `now` monotonic ms."""
        return {
            signing.ReadForms: lambda command: self._read(command, locale()),
            signing.AskCode: lambda command: self._ask(command, now()),
            signing.JudgeCode: self._judge,
            signing.KeepSignature: lambda command: self._keep(command, locale()),
        }

    def changed(self, refs: frozenset[Ref]) -> None:
        """Something was pulled: perhaps the word that the code was sent."""
        if self._waiting is not None and any(kind == SigningCode.KIND for kind, _ in refs):
            self._aside.do(self._door.is_sent, self._looked)

    def tick(self, now_ms: int) -> None:
        """Wait no longer than somebody stands there."""
        if self._waiting is not None and now_ms >= self._waiting[1]:
            self._unsent(self._waiting[0])

    def _read(self, command: signing.ReadForms, locale: str) -> None:
        language = Catalogue(locale).language
        self._aside.do(partial(self._door.read, Id(command.family), language=language), self._found)

    def _found(self, future: "Future[signing.FormsRead]") -> None:
        if future.exception() is None:
            self._happen(future.result())

    def _ask(self, command: signing.AskCode, now_ms: int) -> None:
        self._waiting = (command.guardian, now_ms + PATIENCE_MS)
        self._aside.do(partial(self._door.ask, Id(command.guardian)), self._asked)

    def _asked(self, future: "Future[None]") -> None:
        if future.exception() is not None and self._waiting is not None:
            self._unsent(self._waiting[0])
        else:
            self._node.engine.nudge()

    def _looked(self, future: "Future[bool]") -> None:
        if future.exception() is None and future.result() and self._waiting is not None:
            guardian, self._waiting = self._waiting[0], None
            self._happen(signing.CodeSent(guardian))

    def _unsent(self, guardian: str) -> None:
        self._waiting = None
        self._happen(signing.CodeUnsent(guardian, "kiosk.sign_refused"))

    def _judge(self, command: signing.JudgeCode) -> None:
        left = self._door.judge(command.digits)
        self._happen(signing.CodeJudged(left < 0, max(0, left)))

    def _keep(self, command: signing.KeepSignature, locale: str) -> None:
        work = partial(
            self._door.sign, command.marks, name=command.name, strokes=command.strokes, words=Catalogue(locale)
        )
        self._aside.do(work, self._kept)

    def _kept(self, future: "Future[None]") -> None:
        fault = future.exception()
        if fault is None:
            self._happen(signing.SignatureKept())
            return
        if not isinstance(fault, ClassTapError):
            log.error("a signature: %s", type(fault).__name__)
        elif not isinstance(fault, EnvironmentFault):
            log.warning("a signature was not taken: %s", fault.code)
        self._happen(signing.SignatureFailed())
