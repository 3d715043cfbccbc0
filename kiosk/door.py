"""Scan to verdict, tap to saved: what a kiosk does at its own store. No Qt, no camera, no network.

Every step runs on the store's writer, so a verdict is committed before anybody hears it, and a mark before anything
turns green.
"""

import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import NamedTuple

from classtap_core.access.blueprints import Capability
from classtap_core.access.pins import OPEN, Lock, Tries, after_wrong, lock_of, verify_pin
from classtap_core.access.records import Device, Grant, StaffPin
from classtap_core.access.rules import decide, device_stands
from classtap_core.booking.records import Policy, policy_id
from classtap_core.checkin import rules
from classtap_core.checkin.board import Board, board
from classtap_core.checkin.operations import ChildMark, MarkAttendance, RecordScan
from classtap_core.checkin.reading import fetch, search
from classtap_core.checkin.records import Attendance, attendance_id
from classtap_core.checkin.scanning import FACTS, HeldPasses, HeldScans, handle_text
from classtap_core.kernel.clock import Timestamp
from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import EnvironmentFault, NotHeld, Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Resource
from classtap_core.kernel.outcomes import Outcome, Status
from classtap_core.kernel.tx import Reader
from classtap_core.passes.verify import Environment, Tolerance, Verdict, verify
from classtap_core.timekeeping.rules import local_date
from sync.client.node import Node

UNKNOWN_CLOCK_S = 120.0
"""How far off a clock is taken to be before the cloud has been heard once."""


class Sighted(NamedTuple):
    """What a scan came to.

    Attributes:
        outcome: the contract's code. reason: why, as a code with params. family: whose pass, "" when not known here.
        board: what to show; None unless the outcome is ok and the family is held here.
        scan: the operation that recorded it, "" for a refusal that is only counted.
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
        passes = HeldPasses(reader)
        started = time.perf_counter()
        verdict = self._verify(text, at, reader, passes)
        verify_ms = (time.perf_counter() - started) * 1000
        family = passes.family(verdict.claims.handle) if verdict.claims else None
        started = time.perf_counter()
        scan = self._record(bus, verdict, at, family, decode_us, int(verify_ms * 1000), trace) if keep else ""
        commit_ms = (time.perf_counter() - started) * 1000
        why = verdict.reasons[0] if verdict.reasons else None
        return Sighted(
            outcome=verdict.outcome.value,
            reason=why.code if why else "",
            params=why.params if why else {},
            warnings=tuple(warning.code for warning in verdict.warnings),
            family=family or "",
            board=self._board(reader, family, at) if verdict.accepted and family else None,
            scan=scan,
            verify_ms=verify_ms,
            commit_ms=commit_ms,
        )

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
        self,
        bus: DeviceBus,
        verdict: Verdict,
        at: Timestamp,
        family: Id | None,
        decode_us: int,
        verify_us: int,
        trace: str,
    ) -> str:
        if verdict.outcome not in FACTS or verdict.claims is None:
            self.node.observe("scan.refused", verdict.outcome.value, at.corrected)
            return ""
        receipt = bus.submit(
            RecordScan(
                location=self.location,
                date=local_date(at.corrected, self.node.zone()),
                outcome=verdict.outcome.value,
                handle=handle_text(verdict.claims.handle),
                epoch=verdict.claims.epoch,
                family=family or "",
                key_id=verdict.key_id or 0,
                reason=verdict.reasons[0].code if verdict.reasons else "",
                decode_us=decode_us,
                verify_us=verify_us,
                trace=trace,
            ),
            self.author,
            source="kiosk",
            at=at,
        )
        if receipt.outcome.status is Status.REFUSED:
            raise Refused("scan.not_allowed", why=receipt.outcome.reasons[0].code)
        return receipt.operation

    # --- the board

    def board(self, family: Id) -> "Future[Board | None]":
        """The family's board as it stands; None where the family is not held here."""
        return self.node.later(lambda bus: self._board(bus.backend, family, self.node.clock.now()))

    def _board(self, reader: Reader, family: Id, at: Timestamp) -> Board | None:
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
        id = policy_id(self.studio, rules.CHECKIN_POLICY)
        policy = fetch(reader, Policy, [id]).get(id)
        return rules.window_of(policy.values if policy else {})

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

    def check_pin(self, pin: str) -> PinCheck:
        """Whose PIN this is, among those who may leave the kiosk here. Tries count on this device, over restarts.

        Takes about 30 ms for each of them: not for the window's thread.
        """
        pepper = bytes.fromhex(self.node.papers.pepper)
        now_ms = self.node.clock.now().corrected
        tries = self._tries or self.node.tries("kiosk.exit")
        lock = lock_of(tries, now_ms)
        if lock.locked:
            return PinCheck(None, lock, 0)
        staff = self.node.call(lambda bus: self._who_may_leave(bus.backend, now_ms))
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

    def _who_may_leave(self, reader: Reader, now_ms: int) -> list[tuple[Id, str]]:
        resource = Resource(self.location)
        found = []
        for pin in search(reader, StaffPin, "by_id"):
            grants = search(reader, Grant, "by_holder", pin.id)
            if decide(grants, Capability.EXIT_KIOSK, resource, at_ms=now_ms).allowed:
                found.append((pin.id, pin.hash))
        return found

    def revoked(self) -> bool:
        """Whether this kiosk has been told that it is not to be believed any more."""
        now_ms = self.node.clock.now().corrected
        device = self.node.call(lambda bus: fetch(bus.backend, Device, [self.author.id]).get(self.author.id))
        return device is not None and not device_stands(device, now_ms).allowed
