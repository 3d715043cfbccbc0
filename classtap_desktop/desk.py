"""The desk without its windows: what every screen shares. Reads and writes leave the window's thread here."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import NamedTuple, TypeVar

from PySide6.QtCore import QObject, Signal

from classtap_core.kernel.clock import Timestamp
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.errors import ClassTapError, NotHeld
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.tx import Ref
from classtap_desktop.kit import Signals
from classtap_desktop.operator import Operator, operator_of
from classtap_desktop.reading import Doing, Gathering, Reading
from classtap_desktop.source import DeskSource
from resources.text import Catalogue
from sync.client.engine import State, Status
from sync.client.relay.local import Neighbourhood
from sync.client.relay.saying import hearing

T = TypeVar("T")


class Trouble(NamedTuple):
    """What went wrong: a code, what goes into its sentence, and details for support."""

    code: str
    params: Mapping[str, str | int]
    details: str

    def sentence(self, words: Catalogue) -> str:
        """Return what happened, what it means and what to do."""
        return failure(self.code, self.params, words)


class Standing(NamedTuple):
    """How this device stands with the cloud, and with the others in its network, read together."""

    status: Status
    oldest_ms: int | None
    neighbourhood: Neighbourhood | None = None

    @property
    def online(self) -> bool:
        """Whether the cloud answered last."""
        return self.status.state in (State.ONLINE, State.SYNCING)

    @property
    def hearing(self) -> int:
        """How many devices hear each other here; 0 where this one hears none."""
        return 0 if self.neighbourhood is None else hearing(self.neighbourhood)


class Desk(QObject):
    """Attributes: ``source``, ``operator`` (None while nobody is signed in), ``standing`` (None before it is known),
    ``facts`` (what `actions.possible` asks about).

    Signals: ``changed(refs)`` after records changed, ``stood`` when sync's standing was read anew, ``operated`` when
    somebody signs in or out, ``facts_changed``, ``told(code, params, tone)`` for a passing sentence, ``failed(trouble)``
    for what failed where no screen could say so,
    ``opened(screen, id)`` when a screen is asked for, ``card_asked(child, name, location)`` when an emergency card is,
    ``ticked`` every half minute, ``waited`` when questions begin or
    end to wait for their answers.
    """

    changed = Signal(object)
    stood = Signal()
    operated = Signal()
    facts_changed = Signal()
    told = Signal(str, object, str)
    failed = Signal(object)
    opened = Signal(str, str)
    card_asked = Signal(str, str, str)
    ticked = Signal()
    waited = Signal()

    def __init__(self, source: DeskSource, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.source = source
        self.operator: Operator | None = None
        self.standing: Standing | None = None
        self.facts: frozenset[str] = frozenset()
        self._asked: dict[str, int] = {}
        self._let_go: dict[str, int] = {}
        self._count = 0
        self._signals = Signals(self)
        self._reading = Reading(source)
        self._doing = Doing(source)
        self._deeds = 0
        self._gathering = Gathering(self._took)
        self._stops = [
            source.on_change(self._gathering.add),
            source.on_status(self._signals.latest(self.look_at_standing)),
        ]
        self.look_at_standing()

    def close(self) -> None:
        """End the subscriptions and the reading thread, and do what was to be done. Nothing arrives afterwards."""
        for stop in self._stops:
            stop()
        self._gathering.close()
        self._signals.close()
        self._reading.close()
        self._doing.close()

    def now(self) -> Timestamp:
        """Return the device's corrected time."""
        return self.source.clock.now()

    def read(
        self,
        asker: str,
        question: Callable[[DeskSource], T],
        *,
        then: Callable[[T], None],
        failed: Callable[[Trouble], None] | None = None,
    ) -> None:
        """Have a question answered off this thread; of several by one asker only the newest waiting is read."""
        fail = failed or self._tell_trouble
        self._count += 1
        number = self._asked[asker] = self._count
        self._reading.ask(
            asker,
            question,
            then=lambda answer: self._answered(asker, number, lambda: then(answer)),
            failed=lambda error: self._answered(asker, number, lambda: fail(trouble_of(error))),
        )
        self.waited.emit()

    def do(
        self,
        deed: Callable[[DeskSource], T],
        *,
        then: Callable[[T], None] | None = None,
        failed: Callable[[Trouble], None] | None = None,
    ) -> None:
        """Have something done off this thread that is no operation: a file written, the cloud told. Each is done."""
        fail = failed or self._tell_trouble
        self._deeds += 1
        self._doing.do(
            deed,
            then=lambda answer: self._done(lambda: then(answer) if then else None),
            failed=lambda error: self._done(lambda: fail(trouble_of(error))),
        )
        self.waited.emit()

    def _done(self, show: Callable[[], None]) -> None:
        self._deeds -= 1
        self.waited.emit()
        show()

    @property
    def waiting(self) -> bool:
        """Whether a question has no answer, or a deed is not done, yet."""
        return bool(self._asked) or self._deeds > 0

    def cancel(self) -> None:
        """Let go of every question without an answer; answers that come all the same are not shown."""
        for asker, number in self._asked.items():
            self._reading.drop(asker)
            self._let_go[asker] = number
        self._asked.clear()
        self.waited.emit()

    def _answered(self, asker: str, number: int, show: Callable[[], None]) -> None:
        """Note an answer, and show it if anybody still wants it."""
        if self._asked.get(asker) == number:
            del self._asked[asker]
            self.waited.emit()
        if number > self._let_go.get(asker, 0):
            show()

    def submit(
        self,
        payload: Payload,
        *,
        then: Callable[[Receipt], None],
        failed: Callable[[Trouble], None] | None = None,
    ) -> None:
        """Do something as the signed-in person; ``then`` gets the receipt once it is durable."""
        if self.operator is None:
            return
        fail = failed or self._tell_trouble
        done = self._signals.each(lambda future: _finished(future, then, fail))
        self.source.submit(payload, self.operator.author).add_done_callback(done)

    def submit_all(
        self,
        payloads: Sequence[Payload],
        *,
        then: Callable[[list[Receipt]], None],
        failed: Callable[[Trouble], None] | None = None,
    ) -> None:
        """Do several things together as the signed-in person: all are durable, or none is. Each has its own receipt."""
        if self.operator is None:
            return
        fail = failed or self._tell_trouble
        done = self._signals.each(lambda future: _finished(future, then, fail))
        self.source.submit_all(payloads, self.operator.author).add_done_callback(done)

    def may(self, capability: str, *, location: str | None = None) -> bool:
        """Say whether the signed-in person may do something at a location (None: everywhere)."""
        at_ms = self.now().corrected
        return self.operator is not None and self.operator.may(capability, location=location, at_ms=at_ms)

    def operate(self, operator: Operator | None) -> None:
        """Somebody signed in, or nobody is any more."""
        self.operator = operator
        self.state_fact("signed_in", operator is not None)
        self.operated.emit()

    def state_fact(self, fact: str, holds: bool) -> None:
        """Say whether a fact that actions depend on holds."""
        facts = self.facts | {fact} if holds else self.facts - {fact}
        if facts != self.facts:
            self.facts = facts
            self.facts_changed.emit()

    def open(self, screen: str, id: str = "") -> None:
        """Show a screen, about one thing where it can be."""
        self.opened.emit(screen, id)

    def show_card(self, child: str, name: str, location: str) -> None:
        """Show a child's emergency card, opened at a location."""
        self.card_asked.emit(child, name, location)

    def tell(self, code: str, *, tone: str = "present", **params: object) -> None:
        """Say a passing sentence."""
        self.told.emit(code, params, tone)

    def look_at_standing(self) -> None:
        """Read sync's standing anew."""
        self.read("standing", _standing, then=self._stand)

    def _stand(self, standing: Standing) -> None:
        self.standing = standing
        self.stood.emit()

    def _took(self, refs: frozenset[Ref]) -> None:
        self.look_at_standing()
        if self.operator is not None and any(kind in ("grant", "staff") for kind, _ in refs):
            staff = self.operator.id
            self.read("operator", lambda source: operator_of(source, staff), then=self._renew)
        self.changed.emit(refs)

    def _renew(self, operator: Operator | None) -> None:
        if self.operator is not None and operator is not None and self.operator.id == operator.id:
            self.operator = operator
            self.operated.emit()

    def _tell_trouble(self, trouble: Trouble) -> None:
        self.failed.emit(trouble)


def _standing(source: DeskSource) -> Standing:
    steward = source.steward
    neighbourhood = None if steward is None else steward.neighbourhood()
    return Standing(source.status(), source.oldest_pending_ms(), neighbourhood)


def _finished(future: Future[T], then: Callable[[T], None], failed: Callable[[Trouble], None]) -> None:
    error = future.exception()
    if error is None:
        then(future.result())
    else:
        failed(trouble_of(error))


def trouble_of(error: BaseException) -> Trouble:
    """Return what to show for an exception: its own code where a person can be told, else that something failed."""
    details = "".join(traceback.format_exception(error)).strip()
    if isinstance(error, ClassTapError):
        return Trouble(error.code, error.params, details)
    if isinstance(error, NotHeld):
        return Trouble("not_held", {"scope": error.scope}, details)
    return Trouble(type(error).__name__, {}, details)


def failure(code: str, params: Mapping[str, str | int], words: Catalogue) -> str:
    """Return the sentence of a code wherever the catalogue has one: the desk's own words first."""
    for known in (f"desk.error.{code}", f"desk.refused.{code}", f"error.{code}"):
        if words.has(known):
            return words.say(known, **params)
    return words.say("desk.error.other", code=code)
