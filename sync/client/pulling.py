"""What comes from the cloud: snapshots of scopes, changes since a cursor, and the mending of what does not agree."""

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from typing import NamedTuple

import msgspec

from classtap_core.kernel.scopes import covers
from sync.client.arriving import Arriving, what_came
from sync.client.courier import Courier
from sync.client.local import Local, Position, ScopeState
from sync.client.pushing import Asking
from sync.client.subscriptions import subscriptions
from sync.client.transport import Rejected
from sync.protocol import Page, SnapshotPage, named, pulled

log = logging.getLogger("classtap.sync")

COMPARE_EVERY_MS = 6 * 3_600_000
"""How often the digests of all that is held are compared with the cloud's."""

MOST_DOUBT_MS = 3_600_000
"""Nothing goes for its age while the clock may be wrong by more."""

MOST_LEAVES = 16
"""A scope with more bad leaves than this is loaded anew as a whole."""


class _Lacking(NamedTuple):
    """A scope that is not all here: the page to ask for ("" for the first), and the last row that is."""

    scope: str
    token: str
    after: Position | None


class Pulling:
    """Keeps what is held like the cloud's.

    Attributes:
        allowed: what may be held, most urgent first. repaired: how many scopes were found wrong and mended.
        compared_ms: when all that is held was last found to agree, steady milliseconds; None before.
    """

    def __init__(
        self, local: Local, cloud: Courier, *, allowed: Sequence[str], today: Callable[[], date],
        nudge: Callable[[], None], stay: Callable[[], Mapping[str, int]],
    ) -> None:  # fmt: skip
        """`stay`: for how many days what is here of a dated prefix stays."""
        self.local, self.cloud, self.today, self._nudge, self._stay = local, cloud, today, nudge, stay
        self.allowed = tuple(allowed)
        self.repaired = 0
        self.compared_ms: int | None = None
        self._wanted = False
        self._began_ms = cloud.clock.now().mono

    # --- scopes

    def bootstrap(self) -> bool:
        """Take snapshots of wanted scopes that are not here yet, most urgent first, each page durable by itself; the next
        page, of whichever scope, is on its way while one is written. What came of a load that was cut is taken, and nothing
        asked for ahead any more: it would be lost with the next cut.

        Whether all is here now: a scope that may no longer be held ends the round, and the next one asks anew. The first
        answers may teach which day it is, and where: then the days around that one are taken too.
        """
        while True:
            today = self.today()
            if not self._take(today):
                return False
            if self.today() == today:
                return True

    def _take(self, today: date) -> bool:
        states = {state.scope: state for state in self.local.scopes()}
        wanted = subscriptions(self.allowed, today, held=states, stay=self._stay())
        gone = [scope for scope in states if scope not in wanted]
        if not self._knows_the_day():  # what may not be held any more goes on any day
            gone = [scope for scope in gone if not covers(self.allowed, scope)]
        if gone:
            self.local.release(gone)
        lacking = deque(
            _Lacking(scope, *_bookmarked(state.next))
            for scope in wanted
            if not (state := states.get(scope, ScopeState(scope, False, ""))).complete or state.again
        )
        if not lacking:
            self.local.load_ends()  # a program before this one may have been killed just short of it
            return True
        arriving, cursor = self.local.load_begins(), self.local.head().cursor
        cut = arriving.left()
        with ThreadPoolExecutor(1, "classtap-sync-ahead") as ahead:

            def ask() -> Future[SnapshotPage] | None:
                if not lacking:
                    return None
                scope, token, _ = lacking[0]
                return ahead.submit(self.page, arriving, scope, token, cursor)

            coming = ask()
            while coming is not None:
                scope, _, after = lacking.popleft()
                try:
                    page = coming.result()
                except Rejected as no:
                    if no.code != "scope.not_yours" or not self._ask_allowed(scope):
                        raise
                    return False
                last = Position(page.rows[-1].kind, page.rows[-1].scope, page.rows[-1].id) if page.rows else after
                if page.next:
                    lacking.appendleft(_Lacking(scope, page.next, last))
                coming = None if cut else ask()
                self.local.snapshot(
                    scope, pulled(page.rows), after=after, next=_bookmark(page.next, last) if page.next else "",
                    cursor=page.through, token=page.cursor,
                )  # fmt: skip
                if cut:
                    coming = ask()
        self.local.load_ends()
        return True

    def page(self, arriving: Arriving, scope: str, token: str, cursor: int) -> SnapshotPage:
        """A page of a scope: what came of it before, unless something newer was pulled since, else from the cloud."""
        came = arriving.take(scope, token)
        if came is not None and (kept := what_came(came)) is not None and kept.through >= cursor:
            return kept
        with arriving.keeping(scope, token) as keep:
            return self.cloud.snapshot(scope, token, keep=keep)

    def _knows_the_day(self) -> bool:
        """Else it may have been set wrong while the machine was off, and today's rosters would go before contact."""
        doubt = self.cloud.clock.now().uncertainty
        return doubt is not None and doubt <= MOST_DOUBT_MS

    def _ask_allowed(self, scope: str) -> bool:
        """A scope was refused: what may be held from now on. False when the cloud says nothing else."""
        page = self.cloud.pull(self.local.head().token, (scope,), holding=named(self.allowed), digest=False)
        if page.allowed is None:
            return False
        self._allow(page.allowed)
        return True

    def _allow(self, scopes: tuple[str, ...]) -> None:
        """Hold these from now on; what is missing is fetched, and what else is here goes, in the next round."""
        self.allowed = scopes
        self.local.allow(scopes)
        self._nudge()

    # --- changes

    def asking(self) -> Asking:
        """The pull that goes with a push."""
        return Asking(self.local.head().token, self._scopes(), named(self.allowed))

    def _scopes(self) -> tuple[str, ...]:
        """The scopes to pull: none while one is half loaded, for a cursor that moves on would lose its changes."""
        states = self.local.scopes()
        return tuple(state.scope for state in states) if all(state.complete for state in states) else ()

    def pull(self) -> None:
        scopes = self._scopes()
        cursor = self.local.head().token
        more = bool(scopes)
        while more:
            page = self.cloud.pull(cursor, scopes, holding=named(self.allowed), digest=self._compares())
            more, cursor = page.more, page.cursor
            self.take(page)
            if page.digests is not None and not page.more:
                self._compare(page)

    def take(self, page: Page) -> None:
        """Apply a page. That scopes are to be loaded anew is noted before the cursor moves: a crash loses no change."""
        if page.resnapshot:
            self.local.reload(list(page.resnapshot))
            self._nudge()
        if page.allowed is not None:
            self._allow(page.allowed)
        self.local.apply(pulled(page.rows), cursor=None if page.more else page.through, token=page.cursor)

    # --- agreement

    def compare(self) -> None:
        """Have the next pull compare digests, whenever the last time was."""
        self._wanted = True

    def _compares(self) -> bool:
        last = self._began_ms if self.compared_ms is None else self.compared_ms
        return self._wanted or self.cloud.clock.now().mono - last >= COMPARE_EVERY_MS

    def _compare(self, page: Page) -> None:
        """What the cloud has at the very sequence that was just pulled, against what is here whole."""
        theirs = page.digests or {}
        told = self.local.told_in()
        mine = self.local.digests(theirs)
        wrong = [scope for scope, digest in mine.items() if theirs[scope] != digest]
        for scope in wrong:
            self._mend(scope, told=any(covers((scope,), one) for one in told))
        self._wanted = False
        self.compared_ms = self.cloud.clock.now().mono

    def _mend(self, scope: str, *, told: bool) -> None:
        """Fetch those leaves of a scope that differ, or all of it where many do. Where others `told` what the cloud does
        not know yet it differs rightly, and what they told is laid over it again."""
        theirs, mine = self.cloud.leaves(scope).leaves, self.local.leaves(scope)
        bad = sorted(leaf for leaf in {*theirs, *mine} if theirs.get(leaf) != mine.get(leaf))
        if not told:
            log.warning("%d leaves of a scope differ from the cloud's", len(bad))
            self.repaired += 1
        if len(bad) <= MOST_LEAVES:
            pages = [(leaf, self.cloud.snapshot(scope, leaf=leaf)) for leaf in bad]
            if not any(page.next for _, page in pages):
                for leaf, page in pages:
                    self.local.mend(scope, leaf, pulled(page.rows))
                return
        self.local.reload([scope])
        self._nudge()


def _bookmark(token: str, last: Position | None) -> str:
    """How far the loading of a scope has come: the page to ask for, and the last row that is here."""
    return msgspec.json.encode([token, last]).decode()


def _bookmarked(kept: str) -> tuple[str, Position | None]:
    if not kept:
        return "", None
    if not kept.startswith("["):
        return kept, None  # as earlier versions kept it
    found: tuple[str, Position | None] = msgspec.json.decode(kept, type=tuple[str, Position | None])
    return found
