"""The kiosk put together: window, flow, camera, door. Everything slow happens elsewhere and comes back as an event."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from classtap_core.kernel.tx import Ref
from classtap_core.messaging.records import Unreached
from classtap_core.passes.key_care import key_word
from classtap_core.store.space import Level, Room
from classtap_desktop.kit.engine import Signals
from classtap_desktop.kit.tones import Tones
from kiosk import commands as ask
from kiosk import events as on
from kiosk import flow
from kiosk.alarms import any_urgent
from kiosk.aside import Aside
from kiosk.camera import Camera, CameraState, Code, Frame
from kiosk.decoding import Sighting
from kiosk.door import Door, Rosters
from kiosk.door_work import DoorWork
from kiosk.screens.window import KioskWindow
from kiosk.signing_work import SigningWork
from kiosk.sources import Source
from kiosk.staff import BEHIND_PIN
from kiosk.staff_work import StaffWork
from kiosk.view import Notice, Screen, Stage, State
from kiosk.watching import Watching
from sync.client.engine import State as SyncState
from sync.client.engine import Status
from sync.client.node import Node
from sync.client.relay.saying import hearing

log = logging.getLogger("classtap.kiosk")

TICK_MS = 250
SUSPECT_MS = 120_000
"""A clock that may be off by more than this is said so on the screen (ruling 1's tolerance for printed cards)."""

STORE_AGAIN_MS = 3_000
"""How often a store that could not save is tried again."""

ATTEMPTS_EVERY_MS = 15_000
"""How often the door is asked whether refused scans are to be told."""

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
        self.node, self.door = node, Door(node)
        self.window = KioskWindow()
        self.tones = Tones(muted=muted)
        self._signals = Signals(self)
        self._aside = Aside(self._signals)
        self._closed = False
        self._checking_store, self._store_tried = False, 0
        self._told_attempts = 0
        self._rosters = Rosters.FRESH
        self.state: State = flow.start(
            studio=node.papers.studio_name,
            zone=node.zone(),
            locale=locale,
            now_ms=_now(),
            wall_ms=node.clock.now().corrected,
        )
        self._scanning = DoorWork(
            self.door, self._aside, self._signals, happen=self.happen, judged=self.judged.emit, unsaved=self._unsaved,
            board=lambda: self.state.board,
        )  # fmt: skip
        self._watching = Watching(
            source, self._signals, camera, again=again, sighted=self._sighted, frame=self._frame, state=self._camera_state,
            scanning=self._scanning,
        )  # fmt: skip
        self._staff = StaffWork(
            node, self.door, self._aside, happen=self.happen, keys_word=self._keys_word, let_go=self._let_go
        )
        self._signing = SigningWork(node, self._aside, self.happen)
        self._commands: dict[type, Callable[[Any], None]] = {
            ask.Tone: lambda command: self.tones.play(command.name),
            ask.GoAttract: lambda command: None,
            ask.SetLanguage: lambda command: None,
            ask.RestartCamera: lambda command: self.restart_camera(),
            ask.CheckStore: lambda command: self._check_store(),
            ask.Leave: lambda command: self.left.emit(),
            ask.SendQueue: lambda command: self.node.engine.nudge(),
            **self._scanning.commands(),
            **self._staff.commands(),
            **self._signing.commands(lambda: self.state.locale, _now),
        }
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

    @property
    def camera_code(self) -> Code:
        return self._watching.code

    @property
    def frames(self) -> int:
        return self._watching.frames

    @property
    def decoders(self) -> tuple[str, ...]:
        return self._watching.decoders

    def start(self) -> None:
        """Show the window, open the camera, begin."""
        self.window.show_state(self.state)
        self.window.show()
        self._timer.start()
        self._status(self.node.engine.status())
        self._look_urgent()
        self.restart_camera()

    def close(self) -> None:
        """Stop camera, tones and timers; twice is fine. The node is its owner's to close."""
        if self._closed:
            return
        self._closed = True
        self._let_go()
        self._signals.close()
        self._aside.close()
        self.tones.close()

    def happen(self, event: on.Event) -> None:
        """Take one event: the next state is drawn, its commands are carried out."""
        before = self.state.screen
        self.state, commands = flow.step(self.state, event, _now())
        if before in BEHIND_PIN and self.state.screen not in BEHIND_PIN:
            self._staff.seen()
        self.window.show_state(self.state)
        for command in commands:
            self._commands[type(command)](command)
        self.showed.emit(self.state)

    def restart_camera(self) -> None:
        """Open the camera anew, from the start of a file."""
        self._watching.start(self.door.settings().decoders)

    def _frame(self, frame: Frame) -> None:
        self.window.show_frame(frame.picture, mirror=True)

    def _sighted(self, sighting: Sighting, frame: Frame) -> None:
        if sighting.decoder is not None:
            self.happen(on.Sighting(sighting.text))
        else:
            self.judged.emit("unreadable")

    def _camera_state(self, state: CameraState) -> None:
        if state.code is Code.LIVE:
            self.happen(on.CameraBack())
        elif state.code not in _WELL:
            self.happen(on.CameraFault(state.code.value))

    def _let_go(self) -> None:
        """Nothing reads the store from now on."""
        self._timer.stop()
        for end in self._ends:
            end()
        self._watching.stop()

    # --- the store

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
        keys = self._keys_word()
        if keys != self.state.keys:
            self.happen(on.KeysDoubt(keys))
        if hearing(self.node.neighbourhood()) != self.state.hearing:
            self._connected(self.state.online, self.state.waiting)
        self.happen(on.Tick(at.corrected))
        self._signing.tick(_now())
        if self.state.store_fault and _now() - self._store_tried >= STORE_AGAIN_MS:
            self._check_store()
        if _now() - self._told_attempts >= ATTEMPTS_EVERY_MS and not self.state.store_fault:
            self._told_attempts = _now()
            self._look_rosters()
            self.door.tell_attempts(online=self.state.online).add_done_callback(self._signals.each(self._told))

    def _look_rosters(self) -> None:
        """Whether it is known here who is due; said before anybody scans (catalogue 14)."""
        self.door.rosters().add_done_callback(self._signals.each(self._know_rosters))

    def _know_rosters(self, future: "Future[Rosters]") -> None:
        if future.exception() is None:
            self._rosters = future.result()

    def _keys_word(self) -> Notice | None:
        """What staff should know of the keys, or of rosters that are old or not here, if anything."""
        found = key_word(
            self.node.keys, now_s=self.node.clock.now().corrected / 1000, newer=self.node.keys_newer,
            tolerance=self.door.tolerance,
        )  # fmt: skip
        if found is not None:
            return Notice(f"keys.{found.code}", tuple(found.params.items()), tone="warn")
        return None if self._rosters is Rosters.FRESH else Notice(f"rosters.{self._rosters}", tone="warn")

    def _told(self, future: "Future[bool]") -> None:
        """What was tried in vain is told, or waits in the store for the next time."""
        fault = future.exception()
        if fault is not None:
            log.warning("attempts were not told: %s", type(fault).__name__)

    def _status(self, status: Status) -> None:
        online = status.state in (SyncState.ONLINE, SyncState.SYNCING)
        self._connected(online, status.pending)
        self._look_rosters()
        if status.state is SyncState.REVOKED:
            self.happen(on.Lock("device_revoked"))
        if self.state.leaving is not None and self.state.leaving.stage is Stage.LOSS:
            if status.state in (SyncState.OFFLINE, SyncState.FAILING) and self.state.leaving.message is not None:
                self.happen(on.LeaveSaid("desk.leave.offline"))
            self._staff.read_stake()

    def _changed(self, refs: frozenset[Ref]) -> None:
        self.node.later(lambda bus: self.node.pending()).add_done_callback(self._signals.each(self._counted))
        self._signing.changed(refs)
        if any(kind == "policy" for kind, _ in refs) and self.door.settings().decoders != self.decoders:
            self.restart_camera()
        self._scanning.changed(refs)
        if any(kind == Unreached.KIND for kind, _ in refs):
            self._look_urgent()

    def _look_urgent(self) -> None:
        """Whether an emergency reached nobody: said to staff without a name, the rest behind the PIN."""
        looked = self.node.later(lambda bus: any_urgent(bus.backend))
        looked.add_done_callback(self._signals.each(self._know_urgent))

    def _know_urgent(self, future: "Future[bool]") -> None:
        if future.exception() is None and future.result() != self.state.urgent:
            self.happen(on.Urgent(future.result()))

    def _counted(self, future: "Future[int]") -> None:
        if future.exception() is None:
            self._connected(self.state.online, future.result())

    def _connected(self, online: bool, waiting: int) -> None:
        """A queue that is full is said before anybody scans in vain."""
        self.happen(on.Connection(online, waiting, hearing(self.node.neighbourhood())))
        if waiting >= self.node.store.device.queue_most and not self.state.store_fault:
            self._unsaved("queue_full")


def _now() -> int:
    return time.monotonic_ns() // 1_000_000
