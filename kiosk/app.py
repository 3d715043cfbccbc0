"""The kiosk put together: window, flow, camera, door. Everything slow happens elsewhere and comes back as an event."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.errors import ClassTapError, EnvironmentFault
from classtap_core.kernel.ids import Id
from classtap_core.kernel.tx import Ref
from classtap_core.passes.key_care import key_word
from classtap_core.store.backup import Made
from classtap_core.store.space import Level, Room
from classtap_desktop.kit import theme
from classtap_desktop.kit.device_words import warning
from classtap_desktop.kit.engine import Signals
from classtap_desktop.kit.tones import Tones
from kiosk import events as on
from kiosk import flow
from kiosk.alarms import emergencies
from kiosk.camera import Camera, CameraState, Code, Frame
from kiosk.changes import Changes
from kiosk.decoding import Decoder, DoorPick, Look, Purse, ScanWorker, Sighting
from kiosk.door import Door, Marked, PinCheck, Said, Sighted
from kiosk.screens.window import KioskWindow
from kiosk.showing import shown
from kiosk.signing_work import SigningWork
from kiosk.sources import Source
from kiosk.view import Notice, Screen, Stage, State
from sync.client.engine import State as SyncState
from sync.client.engine import Status
from sync.client.keeping import keeping_of
from sync.client.leaving import Allowed, Leaving
from sync.client.node import Node

log = logging.getLogger("classtap.kiosk")

T = TypeVar("T")

TICK_MS = 250
SUSPECT_MS = 120_000
"""A clock that may be off by more than this is said so on the screen (ruling 1's tolerance for printed cards)."""

STORE_AGAIN_MS = 3_000
"""How often a store that could not save is tried again."""

ATTEMPTS_EVERY_MS = 15_000
"""How often the door is asked whether refused scans are to be told."""

_ON_BOARDS = frozenset({"attendance", "booking", "session", "consents", "health_clearance", "document"})
"""What a board follows from, beside its family and children."""

_WELL = (Code.STARTING, Code.ENDED, Code.STOPPED)


class KioskApp(QObject):
    """One kiosk.

    Signals: `showed(state)` after each state was drawn; `judged(outcome)` for each sighting; `left()` when staff
    closed it by PIN.

    Attributes: `state`; `camera_code`, how the camera is; `frames` shown so far; `decoders` in use, () for all.
    """

    showed = Signal(object)
    judged = Signal(str)
    left = Signal()

    def __init__(
        self,
        node: Node,
        source: Source,
        *,
        locale: str = "en",
        again: bool = False,
        muted: bool = False,
        camera: Callable[..., Camera] = Camera,
    ) -> None:
        """`camera` makes the camera, for a demonstration with a clock of its own."""
        super().__init__()
        self._make_camera = camera
        self.node, self.door = node, Door(node)
        self._leaving = Leaving(node)
        self.window = KioskWindow()
        self.tones = Tones(muted=muted)
        self._signals = Signals(self)
        self._source, self._again = source, again
        self._camera: Camera | None = None
        self._worker: ScanWorker | None = None
        self._slow = ThreadPoolExecutor(1, "kiosk-pin")
        self.camera_code = Code.STARTING
        self.frames = 0
        self._closed = False
        self._checking_store, self._store_tried = False, 0
        self._scan = ""
        self._changes, self._staff = Changes(node), Id("")
        self._sighting: Sighted | None = None
        self._told_attempts = 0
        self._decode_us = 0
        self.decoders: tuple[str, ...] = ()
        self.state: State = flow.start(
            studio=node.papers.studio_name,
            zone=node.zone(),
            locale=locale,
            now_ms=_now(),
            wall_ms=node.clock.now().corrected,
        )
        self._commands: dict[type, Callable[[Any], None]] = {
            on.Verify: self._verify,
            on.Mark: self._mark,
            on.Tone: lambda command: self.tones.play(command.name),
            on.GoAttract: lambda command: None,
            on.SetLanguage: lambda command: None,
            on.RestartCamera: lambda command: self.restart_camera(),
            on.CheckStore: lambda command: self._check_store(),
            on.CheckPin: self._check_pin,
            on.CarryOut: self._carry_out,
            on.Override: self._override,
            on.Leave: lambda command: self.left.emit(),
            on.ReadStake: lambda command: self._read_stake(),
            on.SendQueue: lambda command: self.node.engine.nudge(),
            on.SaveSealed: self._save_sealed,
            on.EndDevice: self._end_device,
        }
        self._signing = SigningWork(node, self._slow, self._signals, self.happen)
        self._commands |= self._signing.commands(lambda: self.state.locale, _now)
        self.window.happened.connect(self.happen)
        self.window.closing.connect(self.close)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.CoarseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._ends = [
            node.on_status(self._signals.each(self._status)),
            node.on_change(self._signals.each(self._changed)),
            node.store.space.on_change(self._signals.each(self._room)),
        ]

    def start(self) -> None:
        """Show the window, open the camera, begin."""
        self.window.show_state(self.state)
        self.window.show()
        self._timer.start()
        self._status(self.node.engine.status())
        self.restart_camera()

    def close(self) -> None:
        """Stop camera, tones and timers; twice is fine. The node is its owner's to close."""
        if self._closed:
            return
        self._closed = True
        self._let_go()
        self._signals.close()
        self._slow.shutdown()
        self.tones.close()

    def happen(self, event: on.Event) -> None:
        """Take one event: the next state is drawn, its commands are carried out."""
        before = self.state.screen
        self.state, commands = flow.step(self.state, event, _now())
        if before is Screen.STAFF and self.state.screen is not Screen.STAFF:
            self._changes.seen()
        self.window.show_state(self.state)
        for command in commands:
            self._commands[type(command)](command)
        self.showed.emit(self.state)

    # --- commands

    def _verify(self, command: on.Verify) -> None:
        done = self._signals.each(lambda future: self._verdict(command.text, future))
        self.door.scan(command.text, decode_us=self._decode_us).add_done_callback(done)

    def _verdict(self, text: str, future: "Future[Sighted]") -> None:
        try:
            sighted = future.result()
        except EnvironmentFault as fault:
            self._unsaved("disk_full" if fault.code == "disk_full" else "store_failed")
            return
        except ClassTapError as trouble:
            log.warning("a scan was not recorded: %s", trouble.code)
            self._unsaved("store_failed")
            return
        self._scan = sighted.scan
        self.judged.emit(sighted.outcome)
        board = shown(sighted.board) if sighted.board else None
        params = tuple((name, value) for name, value in sighted.params.items())
        self._sighting = sighted
        self.happen(on.Verdict(text, sighted.outcome, board, params, sighted.may_override, sighted.reason))
        if sighted.mark_on_scan and board is not None:
            self.happen(on.TapAllPresent())

    def _unsaved(self, code: str) -> None:
        """A scan could not be recorded: there is no verdict, and whoever stands there is told at once."""
        self._store_tried = _now()
        self.happen(on.StoreFault(code))
        if self.state.screen is Screen.CHECKING:
            self.happen(on.Cancel())

    def _room(self, room: Room) -> None:
        """The disk is full: it is said before anybody scans in vain; when there is room again, the next look says so."""
        if room.level is Level.FULL:
            self._unsaved("disk_full")

    def _mark(self, command: on.Mark) -> None:
        board = self.state.board
        said = [Said(Id(item.child), item.status.value, item.reason, item.expected_ms or 0) for item in command.items]
        done = self._signals.each(lambda future: self._marked(command.request, future))
        family = Id(board.family if board else "")
        self.door.mark(family, Id(command.session), said, scan=self._scan).add_done_callback(done)

    def _marked(self, request: int, future: "Future[Marked]") -> None:
        try:
            found = future.result()
        except EnvironmentFault as fault:
            self.happen(on.SaveFailed(request, "disk_full" if fault.code == "disk_full" else "save_failed"))
            return
        except ClassTapError as trouble:
            log.warning("a mark was not saved: %s", trouble.code)
            self.happen(on.SaveFailed(request))
            return
        refused = tuple((child, code.removeprefix("gate.")) for child, code in found.refused)
        self.happen(on.Saved(request, refused))
        if found.board is not None:
            self.happen(on.Refresh(shown(found.board)))

    def _check_pin(self, command: on.CheckPin) -> None:
        done = self._signals.each(self._pin_checked)
        self._slow.submit(self.door.check_pin, command.pin).add_done_callback(done)

    def _pin_checked(self, future: "Future[PinCheck]") -> None:
        try:
            check = future.result()
        except ClassTapError as trouble:
            log.warning("a PIN could not be checked: %s", trouble.code)
            self.happen(on.PinRefused("manager"))
            return
        if check.staff is not None:
            self._staff = check.staff
            changes = self._changes.read(check.staff)
            self.happen(on.PinAccepted(self._about(short=bool(changes)), changes))
        else:
            self._pin_refused(check)

    def _pin_refused(self, check: PinCheck) -> None:
        if check.lock.manager:
            self.happen(on.PinRefused("manager"))
        elif check.lock.until_ms is not None:
            left_ms = check.lock.until_ms - self.node.clock.now().corrected
            self.happen(on.PinRefused("paused", max(1, -(-left_ms // 60_000))))
        else:
            self.happen(on.PinRefused("wrong", check.tries_left))

    # --- signing out

    def _about(self, *, short: bool) -> tuple[Notice, ...]:
        """What staff should know of this device; `short` where there is something to decide."""
        words, keeping, bundle = theme().words, keeping_of(self.node), self.node.keys
        warned = warning(keeping, words)
        kept = Notice("kiosk.staff.sound") if warned is None else Notice(warned.code, warned.params, tone=warned.tone)
        how = Notice(f"desk.protection.{self.node.store.protection.value}")
        doubt = self._keys_word(self.node.clock.now().corrected)
        heard = "" if bundle is None else words.datetime(bundle.issued_at * 1000, self.node.zone())
        keys = Notice("kiosk.staff.keys", (("when", heard),)) if heard else None
        with self.node.reader() as reader:
            alarms = emergencies(reader, words)  # these first; there is no room for everything
        about = (*alarms, kept) if alarms or short else (kept, how, doubt, keys)
        return tuple(one for one in about if one is not None)

    def _carry_out(self, command: on.CarryOut) -> None:
        staff = self._staff

        def decide() -> on.Event:
            error = self._changes.choose(Id(command.operation), command.code, staff)
            return on.Chosen(command.operation, self._changes.read(staff), error)

        self._aside(decide, lambda event: event)

    def _read_stake(self) -> None:
        self._aside(self._leaving.stake, lambda found: on.Stake(found.unsent, found.files, found.confirm))

    def _save_sealed(self, command: on.SaveSealed) -> None:
        def save() -> Made:
            return self._leaving.save(Path(command.file))

        self._aside(save, lambda made: on.LeaveSaid("desk.leave.saved", (("file", str(made.file)),), "muted"))

    def _end_device(self, command: on.EndDevice) -> None:
        self._aside(lambda: self._leaving.confirm(command.word, command.pin), self._begin_end)

    def _begin_end(self, allowed: Allowed) -> on.Event:
        """A manager said yes: let go of the store, tell the cloud, destroy."""
        self._let_go()

        def end() -> bool:
            revoked = self._leaving.revoke(allowed.author)
            self._leaving.destroy()
            return revoked

        self._aside(end, on.SignedOut)
        return on.LeaveBegun()

    def _aside(self, work: Callable[[], T], then: Callable[[T], on.Event]) -> None:
        """Do something that takes a while, off the window's thread; what stands in the way is said."""

        def done(future: "Future[T]") -> None:
            try:
                event = then(future.result())
            except ClassTapError as trouble:
                event = _said(trouble)
            self.happen(event)

        self._slow.submit(work).add_done_callback(self._signals.each(done))

    def _let_go(self) -> None:
        """Nothing reads the store from now on."""
        self._timer.stop()
        for end in self._ends:
            end()
        self._stop_camera()

    def _override(self, command: on.Override) -> None:
        """Let in whom the last verdict refused, when the PIN is of somebody who may."""
        sighted = self._sighting

        def work() -> PinCheck | Sighted:
            check = self.door.check_pin(command.pin, Capability.OVERRIDE_GATE)
            if check.staff is None or sighted is None:
                return check
            return self.door.override(sighted, check.staff, command.reason).result()

        self._slow.submit(work).add_done_callback(self._signals.each(self._override_done))

    def _override_done(self, future: "Future[PinCheck | Sighted]") -> None:
        try:
            found = future.result()
        except ClassTapError as trouble:
            log.warning("nobody was let in: %s", trouble.code)
            limit = trouble.code == "scan.override_limit"
            self.happen(on.OverrideRefused("error.override_limit" if limit else "error.override"))
            return
        if isinstance(found, PinCheck):
            self._pin_refused(found)
        elif found.board is None:
            self.happen(on.OverrideRefused("error.override"))
        else:
            self._scan = found.scan
            self.happen(on.Overridden(shown(found.board), found.overridden, found.overrides))

    def _check_store(self) -> None:
        if self._checking_store:
            return
        self._checking_store, self._store_tried = True, _now()
        self.node.probe().add_done_callback(self._signals.each(self._store_checked))

    def _store_checked(self, future: "Future[None]") -> None:
        self._checking_store = False
        if future.exception() is None:
            self.happen(on.StoreBack())

    # --- what comes from outside

    def _tick(self) -> None:
        at = self.node.clock.now()
        suspect = at.uncertainty is None or at.uncertainty > SUSPECT_MS
        if suspect != self.state.clock_suspect:
            self.happen(on.ClockSuspect(suspect))
        keys = self._keys_word(at.corrected)
        if keys != self.state.keys:
            self.happen(on.KeysDoubt(keys))
        self.happen(on.Tick(at.corrected))
        self._signing.tick(_now())
        if self.state.store_fault and _now() - self._store_tried >= STORE_AGAIN_MS:
            self._check_store()
        if _now() - self._told_attempts >= ATTEMPTS_EVERY_MS and not self.state.store_fault:
            self._told_attempts = _now()
            self.door.tell_attempts(online=self.state.online).add_done_callback(self._signals.each(self._told))

    def _keys_word(self, now_ms: int) -> Notice | None:
        """What staff should know of the keys, if anything."""
        found = key_word(
            self.node.keys, now_s=now_ms / 1000, newer=self.node.keys_newer, tolerance=self.door.tolerance
        )  # fmt: skip
        return None if found is None else Notice(f"keys.{found.code}", tuple(found.params.items()), tone="warn")

    def _told(self, future: "Future[bool]") -> None:
        """What was tried in vain is told, or waits in the store for the next time."""
        fault = future.exception()
        if fault is not None:
            log.warning("attempts were not told: %s", type(fault).__name__)

    def _status(self, status: Status) -> None:
        online = status.state in (SyncState.ONLINE, SyncState.SYNCING)
        self.happen(on.Connection(online, status.pending))
        if status.state is SyncState.REVOKED:
            self.happen(on.Lock("device_revoked"))
        if self.state.leaving is not None and self.state.leaving.stage is Stage.LOSS:
            if status.state in (SyncState.OFFLINE, SyncState.FAILING) and self.state.leaving.message is not None:
                self.happen(on.LeaveSaid("desk.leave.offline"))
            self._read_stake()

    def _changed(self, refs: frozenset[Ref]) -> None:
        self.node.later(lambda bus: self.node.pending()).add_done_callback(self._signals.each(self._counted))
        self._signing.changed(refs)
        if any(kind == "policy" for kind, _ in refs) and self.door.settings().decoders != self.decoders:
            self.restart_camera()
        board = self.state.board
        if board is None:
            return
        shown_refs = {("child", row.child) for row in board.rows()} | {("family", board.family)}
        if refs & shown_refs or any(kind in _ON_BOARDS for kind, _ in refs):
            self.door.board(Id(board.family)).add_done_callback(self._signals.each(self._refreshed))

    def _counted(self, future: "Future[int]") -> None:
        if future.exception() is None:
            self.happen(on.Connection(self.state.online, future.result()))

    def _refreshed(self, future: "Future[Any]") -> None:
        found = None if future.exception() else future.result()
        if found is not None:
            self.happen(on.Refresh(shown(found)))

    # --- the camera

    def restart_camera(self) -> None:
        """Open the camera anew, from the start of a file."""
        self._stop_camera()
        self.decoders = self.door.settings().decoders
        self._camera = self._make_camera(
            self._source, on_state=self._signals.each(self._camera_state), again=self._again
        )
        self._worker = ScanWorker(
            self._camera.mailbox(),
            self._signals.each(self._sighted),
            on_frame=self._signals.latest(self._frame),
            on_look=self._looked,
            on_hint=self._camera.help,
            decoder=Decoder(purse=Purse(), stages=self.decoders),
            pick=DoorPick(),
        )
        self._worker.start()
        self._camera.start()

    def _stop_camera(self) -> None:
        if self._worker is not None:
            self._worker.stop()
        if self._camera is not None:
            self._camera.stop()
        self._camera = self._worker = None

    def _looked(self, frame: Frame, look: Look) -> None:
        self._decode_us = int(look.ms * 1000)

    def _frame(self, frame: Frame) -> None:
        self.frames += 1
        self.window.show_frame(frame.picture, mirror=True)

    def _sighted(self, sighting: Sighting, frame: Frame) -> None:
        if sighting.decoder is not None:
            self.happen(on.Sighting(sighting.text))
        else:
            self.judged.emit("unreadable")

    def _camera_state(self, state: CameraState) -> None:
        self.camera_code = state.code
        if state.code is Code.LIVE:
            self.happen(on.CameraBack())
        elif state.code not in _WELL:
            self.happen(on.CameraFault(state.code.value))


def _said(trouble: ClassTapError) -> on.Event:
    """Why a device was not signed out: about the PIN at the pad, everything else as a sentence."""
    match trouble.code, trouble.params:
        case "pin.wrong", {"left": int(left)}:
            return on.PinRefused("wrong", left)
        case "pin.paused", {"minutes": int(minutes)}:
            return on.PinRefused("paused", minutes)
        case "pin.manager", _:
            return on.PinRefused("manager")
    return on.LeaveSaid(f"error.{trouble.code}", tuple(trouble.params.items()))


def _now() -> int:
    return time.monotonic_ns() // 1_000_000
