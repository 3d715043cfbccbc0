"""Scan to verdict, tap to saved: what a kiosk does at its own store. No Qt, no camera, no network.

Every step runs on the store's writer, so a verdict is committed before anybody hears it, and a mark before anything
turns green.
"""

import time
from collections.abc import Sequence
from concurrent.futures import Future
from enum import StrEnum
from typing import NamedTuple

import msgspec

from classtap_core.access.blueprints import Capability
from classtap_core.access.pins import OPEN, Lock, Tries, after_wrong, lock_of, verify_pin
from classtap_core.access.records import Device, Grant, StaffPin
from classtap_core.access.rules import decide, device_stands
from classtap_core.auditing.lines import PIN
from classtap_core.booking.policies import read_policy
from classtap_core.checkin import rules
from classtap_core.checkin.attempts import (
    MAY_OVERRIDE,
    ROSTERS_OLD,
    WINDOW_MS,
    Attempt,
    OverrideScan,
    RecordAttempts,
    added,
)
from classtap_core.checkin.board import Board, board
from classtap_core.checkin.operations import ChildMark, MarkAttendance, RecordScan
from classtap_core.checkin.reading import fetch, search
from classtap_core.checkin.records import Attendance, attendance_id
from classtap_core.checkin.scanning import FACTS, HeldPasses, HeldScans, Whose, handle_text
from classtap_core.checkin.settings import KIOSK_POLICY, KioskSettings, kiosk_settings
from classtap_core.kernel.clock import Timestamp
from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import EnvironmentFault, NotHeld, Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Resource
from classtap_core.kernel.outcomes import Outcome, Status
from classtap_core.kernel.tx import Reader
from classtap_core.passes.verify import Environment, Note, Tolerance, Verdict, verify
from classtap_core.passes.verify import Outcome as PassOutcome
from classtap_core.timekeeping.rules import local_date
from sync.client.engine import State
from sync.client.node import Node

UNKNOWN_CLOCK_S = 24 * 3600.0
"""How far off a clock is taken to be before the cloud has been heard once."""

KEPT_ATTEMPTS = "attempts"
KEPT_OVERRIDES = "overrides"
KEPT_TRUSTED = "rosters"
HOUR_MS = 3_600_000
TOLD_EVERY_MS = 15_000
"""How soon after the last telling a device in contact tells of refused scans again."""


class Rosters(StrEnum):
    """What a door knows of who is due today: as of a short while ago; OLD: of longer ago than the studio trusts without a
    member of staff; OFFLINE: the studio trusts none without the cloud; MISSING: nothing, which is not that nobody is due."""

    FRESH = "fresh"
    OLD = "old"
    OFFLINE = "offline"
    MISSING = "missing"


FOR_STAFF = frozenset({Rosters.OLD, Rosters.OFFLINE})
"""With these a member of staff may go on for today."""


class Sighted(NamedTuple):
    """What a scan came to.

    Attributes:
        outcome: the contract's code. reason: why, as a code with params. family: whose pass, "" when not known here.
        child, session: whom an attendee pass names, "" otherwise. handle, epoch: of a text whose signature is good.
        board: what to show; None unless the outcome is ok and the family is held here.
        scan: the operation that recorded it, "" for a refusal that is only counted.
        overrides: how many staff may let in between two contacts; overridden: how many were, with this one.
        mark_on_scan: whether the studio marks everybody present by the scan.
        rosters: what was known of who is due; there is no board where that is nothing.
    """

    outcome: str
    reason: str
    params: dict[str, int]
    warnings: tuple[str, ...]
    family: str
    board: Board | None
    scan: str
    verify_ms: float
    commit_ms: float
    child: str = ""
    session: str = ""
    handle: str = ""
    epoch: int = 0
    overrides: int = 0
    overridden: int = 0
    mark_on_scan: bool = False
    rosters: Rosters = Rosters.FRESH

    @property
    def may_override(self) -> bool:
        """Whether a member of staff may let in whom this refused."""
        return bool(self.family) and self.outcome in MAY_OVERRIDE and self.overrides > 0


class Said(NamedTuple):
    """One child's mark, as tapped."""

    child: Id
    state: str
    reason: str = ""
    expected_ms: int = 0


class Marked(NamedTuple):
    """What became of marks: `refused` children each with a code; `board` as it stands after the commit."""

    outcome: Outcome
    refused: tuple[tuple[Id, str], ...]
    board: Board | None
    commit_ms: float


class PinCheck(NamedTuple):
    """Whether a PIN opened, and if not how things stand: tries left, or locked until, or only a manager."""

    staff: Id | None
    lock: Lock
    tries_left: int


def _suspect(at: Timestamp, tolerance: Tolerance) -> bool:
    """Whether a clock may be so wrong that what changes by the minute cannot be judged."""
    return at.uncertainty is None or at.uncertainty > tolerance.suspect_s * 1000


class Door:
    """A kiosk's door at one location."""

    def __init__(self, node: Node, *, tolerance: Tolerance | None = None) -> None:
        self.node = node
        self.tolerance = tolerance or Tolerance()
        self.studio = node.papers.studio
        self.location = node.papers.location
        self.author = Author(type="device", id=node.papers.device)
        self._tries: Tries | None = None

    # --- scan to verdict

    def scan(self, text: str, *, decode_us: int = 0, trace: str = "", keep: bool = True) -> "Future[Sighted]":
        """Judge a text, record it, and read the family's board.

        Without `keep` nothing is written (`classtap scan`). The future raises EnvironmentFault when it cannot be
        recorded: then there is no verdict.
        """
        return self.node.later(lambda bus: self._scan(bus, text, decode_us, trace, keep))

    def _scan(self, bus: DeviceBus, text: str, decode_us: int, trace: str, keep: bool) -> Sighted:
        reader = bus.backend
        at = self.node.clock.now()
        passes = HeldPasses(reader, self.studio)
        started = time.perf_counter()
        verdict = self._verify(text, at, reader, passes)
        verify_ms = (time.perf_counter() - started) * 1000
        claims = verdict.claims
        whose = passes.whose(claims) if claims else Whose()
        started = time.perf_counter()
        scan = self._record(bus, verdict, at, whose, decode_us, int(verify_ms * 1000), trace) if keep else ""
        commit_ms = (time.perf_counter() - started) * 1000
        why = verdict.reasons[0] if verdict.reasons else None
        if why is not None and why.code == "code_stale" and _suspect(at, self.tolerance):
            why = Note("clock_suspect")  # whose time is wrong, the phone's or this clock's, only staff can tell
        settings, rosters = self._settings(reader), self._rosters(reader, at)
        return Sighted(
            outcome=verdict.outcome.value, reason=why.code if why else "", params=why.params if why else {},
            warnings=tuple(warning.code for warning in verdict.warnings), family=whose.family,
            board=self._board_of(reader, whose, at) if verdict.accepted else None, scan=scan, verify_ms=verify_ms,
            rosters=rosters,
            commit_ms=commit_ms, child=whose.child, session=whose.session,
            handle=handle_text(claims.handle) if claims else "", epoch=claims.epoch if claims else 0,
            overrides=settings.overrides, mark_on_scan=settings.mark_on_scan,
        )  # fmt: skip

    def _verify(self, text: str, at: Timestamp, reader: Reader, passes: HeldPasses) -> Verdict:
        papers = self.node.papers
        return verify(
            text,
            keys=self.node.keys,
            studio=int(papers.pass_studio, 16),
            now_s=at.corrected / 1000,
            uncertainty_s=UNKNOWN_CLOCK_S if at.uncertainty is None else at.uncertainty / 1000,
            environment=Environment.LIVE if papers.environment == "live" else Environment.TEST,
            tolerance=self.tolerance,
            ledger=HeldScans(reader),
            passes=passes,
        )

    def _record(
        self, bus: DeviceBus, verdict: Verdict, at: Timestamp, whose: Whose, decode_us: int, verify_us: int, trace: str
    ) -> str:
        doubted = any(note.code == "clock_suspect" for note in verdict.warnings)
        reason = verdict.reasons[0].code if verdict.reasons else "clock_suspect" if doubted else ""
        if verdict.outcome not in FACTS or verdict.claims is None:
            self._count(verdict, reason, at.corrected)
            return ""
        attendee = whose.attendee
        receipt = bus.submit(
            RecordScan(
                location=self.location, date=local_date(at.corrected, self.node.zone()),
                outcome=verdict.outcome.value, handle=handle_text(verdict.claims.handle), epoch=verdict.claims.epoch,
                family=whose.family, key_id=verdict.key_id or 0, reason=reason, decode_us=decode_us,
                verify_us=verify_us, trace=trace, attendee=attendee.id if attendee else "",
                within=attendee.scope() if attendee else "",
            ),
            self.author,
            source="kiosk",
            at=at,
        )  # fmt: skip
        if receipt.outcome.status is Status.REFUSED:
            raise Refused("scan.not_allowed", why=receipt.outcome.reasons[0].code)
        return receipt.operation

    # --- what was tried in vain

    def _count(self, verdict: Verdict, reason: str, at_ms: int) -> None:
        """Add a refusal that is no fact to the sums; they outlive a restart. On the writer."""
        self.node.observe("scan.refused", verdict.outcome.value, at_ms)
        one = Attempt(
            outcome=verdict.outcome.value, reason=reason, count=1, first_ms=at_ms, last_ms=at_ms,
            key_id=-1 if verdict.key_id is None else verdict.key_id,
            handle=handle_text(verdict.claims.handle) if verdict.claims else "",
        )  # fmt: skip
        self.node.jot(KEPT_ATTEMPTS, msgspec.json.encode(added(self._attempts(), one)))

    def _attempts(self) -> tuple[Attempt, ...]:
        kept = self.node.kept(KEPT_ATTEMPTS)
        return msgspec.json.decode(kept, type=tuple[Attempt, ...]) if kept else ()

    def tell_attempts(self, *, online: bool) -> "Future[bool]":
        """Tell what was tried in vain, and how many entries left the ledger, when it is time: at most four times a minute
        in contact with the cloud, else every ten minutes. Whether it was."""
        return self.node.later(lambda bus: self._tell_attempts(bus, online))

    def _tell_attempts(self, bus: DeviceBus, online: bool) -> bool:
        now_ms = self.node.clock.now().corrected
        items, gone = self._attempts(), self.node.evicted()
        since = [one.first_ms for one in items] + ([gone.first_ms] if gone.untold else [])
        if not since or 0 <= now_ms - min(since) < (TOLD_EVERY_MS if online else WINDOW_MS):
            return False
        with self.node.store.device.atomic():
            bus.submit(
                RecordAttempts(
                    location=self.location, date=local_date(now_ms, self.node.zone()), items=items,
                    evicted=gone.untold, evicted_ms=gone.last_ms if gone.untold else 0,
                ),
                self.author, source="kiosk",
            )  # fmt: skip
            self.node.jot(KEPT_ATTEMPTS, b"")
            self.node.evicted_told()
        return True

    def override(self, sighted: Sighted, staff: Id, reason: str) -> "Future[Sighted]":
        """Let in whom a verdict refused, as a member of staff whose PIN was right; the family's board. Where the rosters
        were old: go on with them for the rest of today.

        The future raises Refused `scan.not_to_override`, `scan.override_limit` (as many between two contacts with the
        cloud as the studio set), `scan.override_reason`, or what the member of staff may not do.
        """
        return self.node.later(lambda bus: self._override(bus, sighted, staff, reason))

    def _override(self, bus: DeviceBus, sighted: Sighted, staff: Id, reason: str) -> Sighted:
        old = sighted.outcome == PassOutcome.OK.value and sighted.rosters in FOR_STAFF
        if not (sighted.may_override or old):
            raise Refused("scan.not_to_override")
        at = self.node.clock.now()
        since_ms = self.node.engine.status().last_success_ms or 0
        kept = self.node.kept(KEPT_OVERRIDES)
        made = [at_ms for at_ms in (msgspec.json.decode(kept, type=list[int]) if kept else []) if at_ms > since_ms]
        most = self._settings(bus.backend).overrides
        if len(made) >= most and not old:
            raise Refused("scan.override_limit", most=most)
        today = local_date(at.corrected, self.node.zone())
        receipt = bus.submit(
            OverrideScan(
                location=self.location, date=today,
                outcome=ROSTERS_OLD if old else sighted.outcome, handle=sighted.handle, family=sighted.family,
                reason=reason, epoch=sighted.epoch,
            ),
            Author(type="staff", id=staff, proof=PIN), source="kiosk", at=at,
        )  # fmt: skip
        if receipt.outcome.status is Status.REFUSED:
            raise Refused("scan.not_allowed", why=receipt.outcome.reasons[0].code)
        if old:  # somebody took it on themselves for today, whoever comes
            self.node.jot(KEPT_TRUSTED, today.encode())
            made, most = [], 0
        else:
            self.node.jot(KEPT_OVERRIDES, msgspec.json.encode([*made, at.corrected]))
        whose = Whose(sighted.family, sighted.child, sighted.session)
        board = self._board_of(bus.backend, whose, at)
        return sighted._replace(
            outcome=PassOutcome.OK.value, board=board, scan=receipt.operation, warnings=("overridden",), overrides=most,
            overridden=len(made) + 1, rosters=self._rosters(bus.backend, at),
        )  # fmt: skip

    # --- the board

    def board(self, family: Id) -> "Future[Board | None]":
        """The family's board as it stands; None where the family is not held here."""
        return self.node.later(lambda bus: self._board(bus.backend, family, self.node.clock.now()))

    def _board_of(self, reader: Reader, whose: Whose, at: Timestamp) -> Board | None:
        """The board of whom a pass stands for: all of a family, or one child in one session."""
        found = self._board(reader, Id(whose.family), at) if whose.family else None
        if found is None or not whose.session:
            return found
        groups = tuple(
            group._replace(children=tuple(child for child in group.children if child.child == whose.child))
            for group in found.groups
            if group.card.session.id == whose.session
        )
        return found._replace(groups=groups)

    def rosters(self) -> "Future[Rosters]":
        """What is known here of who is due today."""
        return self.node.later(lambda bus: self._rosters(bus.backend, self.node.clock.now()))

    def _rosters(self, reader: Reader, at: Timestamp) -> Rosters:
        """Rosters are as old as the last contact: a round takes all that changed (catalogue 14: a day, or as the studio set)."""
        today = local_date(at.corrected, self.node.zone())
        if self.location and not reader.holds(f"roster/{self.location}/{today}"):
            return Rosters.MISSING
        heard, settings = self.node.engine.last_success_ms, self._settings(reader)
        if heard is not None and at.corrected - heard > settings.stale_h * HOUR_MS:
            found = Rosters.OLD
        elif not settings.offline and self.node.engine.state not in (State.ONLINE, State.SYNCING):
            found = Rosters.OFFLINE
        else:
            return Rosters.FRESH
        return Rosters.FRESH if (self.node.kept(KEPT_TRUSTED) or b"").decode() == today else found

    def _board(self, reader: Reader, family: Id, at: Timestamp) -> Board | None:
        if self._rosters(reader, at) is Rosters.MISSING:
            return None
        try:
            return board(
                reader,
                self.studio,
                family,
                location=self.location,
                now_ms=at.corrected,
                window=self._window(reader),
            )
        except (NotHeld, Refused):
            return None

    def _window(self, reader: Reader) -> rules.Window:
        return rules.window_of(read_policy(reader, self.studio, rules.CHECKIN_POLICY)[1])

    def settings(self) -> KioskSettings:
        """What the studio set about its kiosks."""
        with self.node.reader() as reader:
            return self._settings(reader)

    def _settings(self, reader: Reader) -> KioskSettings:
        return kiosk_settings(read_policy(reader, self.studio, KIOSK_POLICY)[1])

    # --- tap to saved

    def mark(self, family: Id, session: Id, said: Sequence[Said], *, scan: str = "") -> "Future[Marked]":
        """Commit marks of one session in one transaction. The future raises when nothing of it is saved."""
        return self.node.later(lambda bus: self._mark(bus, family, session, said, scan))

    def _mark(self, bus: DeviceBus, family: Id, session: Id, said: Sequence[Said], scan: str) -> Marked:
        standing = self._standing(bus.backend, session, said)
        items = tuple(
            ChildMark(
                child=one.child,
                state=one.state,
                corrects=standing.get(one.child, ""),
                reason=one.reason,
                expected_ms=one.expected_ms,
            )
            for one in said
        )
        author = Author(type="device", id=self.author.id, proof=scan)
        started = time.perf_counter()
        receipt = bus.submit(MarkAttendance(session=session, items=items), author, source="kiosk")
        commit_ms = (time.perf_counter() - started) * 1000
        refused = tuple(
            (Id(item.key), item.reasons[0].code if item.reasons else "refused")
            for item in receipt.outcome.items
            if item.status in (Status.REFUSED, Status.CONTESTED)
        )
        if receipt.outcome.status is Status.REFUSED and not refused:
            code = receipt.outcome.reasons[0].code if receipt.outcome.reasons else "refused"
            refused = tuple((one.child, code) for one in said)
        return Marked(receipt.outcome, refused, self._board(bus.backend, family, self.node.clock.now()), commit_ms)

    def _standing(self, reader: Reader, session: Id, said: Sequence[Said]) -> dict[Id, str]:
        """The operation whose mark stands for each child: what a change of mind names."""
        ids = {attendance_id(self.studio, session, one.child): one.child for one in said}
        entries = fetch(reader, Attendance, ids)
        found: dict[Id, str] = {}
        for id, entry in entries.items():
            mark = rules.standing(entry.marks).mark
            if mark is not None:
                found[ids[id]] = mark.operation
        return found

    # --- staff and standing

    def check_pin(self, pin: str, capability: Capability = Capability.EXIT_KIOSK) -> PinCheck:
        """Whose PIN this is, among those who may leave the kiosk here or do something else. Tries count on this device,
        over restarts.

        Takes about 30 ms for each of them: not for the window's thread.
        """
        pepper = bytes.fromhex(self.node.papers.pepper)
        now_ms = self.node.clock.now().corrected
        tries = self._tries or self.node.tries("kiosk.exit")
        lock = lock_of(tries, now_ms)
        if lock.locked:
            return PinCheck(None, lock, 0)
        staff = self.node.call(lambda bus: self._who_may(bus.backend, capability, now_ms))
        for person, kept in staff:
            if verify_pin(pin, kept, pepper=pepper):
                self._keep_tries(Tries())
                return PinCheck(person, OPEN, 0)
        tries = after_wrong(tries, now_ms)
        self._keep_tries(tries)
        return PinCheck(None, lock_of(tries, now_ms), 3 - tries.wrong % 3)

    def _keep_tries(self, tries: Tries) -> None:
        """A full disk keeps nobody in, and lets nobody guess on: the count then lasts as long as the program."""
        try:
            self.node.keep_tries("kiosk.exit", tries)
            self._tries = None
        except EnvironmentFault:
            self._tries = tries

    def _who_may(self, reader: Reader, capability: Capability, now_ms: int) -> list[tuple[Id, str]]:
        resource = Resource(self.location)
        found = []
        for pin in search(reader, StaffPin, "by_id"):
            grants = search(reader, Grant, "by_holder", pin.id)
            if decide(grants, capability, resource, at_ms=now_ms).allowed:
                found.append((pin.id, pin.hash))
        return found

    def revoked(self) -> bool:
        """Whether this kiosk has been told that it is not to be believed any more."""
        now_ms = self.node.clock.now().corrected
        device = self.node.call(lambda bus: fetch(bus.backend, Device, [self.author.id]).get(self.author.id))
        return device is not None and not device_stands(device, now_ms).allowed
