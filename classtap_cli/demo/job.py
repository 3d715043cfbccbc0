"""The main job, end to end, on the real frames: an outage at the door, and every roster in agreement afterwards."""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from classtap_cli.demo.hand import Hand, Marks, marks_in
from classtap_cli.demo.patience import HeardMailbox, Patience
from classtap_cli.demo.recording import Recording, write_recording
from classtap_cli.demo.report import Report
from classtap_cli.demo.surroundings import OWNER_KEY, DemoHouse
from classtap_cli.demo.visitors import Visit, visits
from classtap_core.access.blueprints import FRONT_DESK
from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.ids import Id
from classtap_core.passes import picture
from classtap_desktop.kit import theme
from classtap_desktop.node_source import NodeSource
from classtap_desktop.operator import operator_of
from classtap_desktop.settings import Settings
from classtap_desktop.window import DeskWindow
from cloud.storage.audit import audit
from kiosk.app import KioskApp
from kiosk.camera import Camera, Code
from kiosk.sources import source_of
from sync.client.engine import State as SyncState
from sync.client.node import Node
from sync.signed import is_signed

SIZE = (1280, 800)
LOOKS = ("light", "dark")
LOCALE = "en_GB"
PATIENCE_S = 20.0
BEAT_MS = 40
SLOWEST = 20
"""How many times as long as the recording its playing may take on a machine with other things to do."""


class Job:
    """Runs the job step by step in one process, offscreen, and leaves pictures of it."""

    def __init__(self, demo: DemoHouse, out: Path, report: Report) -> None:
        self.demo, self.out, self.report = demo, out, report
        self.screens = out / "screens"
        self.screens.mkdir(exist_ok=True)
        self.app = application()

    def run(self) -> None:
        """All steps. Raises EnvironmentFault where the surroundings do not let it go on."""
        cast, recording = self.prepare()
        self._windows(self.out / "recording.avi")
        try:
            self._cut()
            self._play(cast, recording)
            self._restore()
            self._agree()
            self._audit()
        finally:
            self.kiosk.close()
            self.kiosk.window.close()
            self.desk.close()
            self.app.processEvents()

    def prepare(self) -> tuple[list[Visit], Recording]:
        """Studio, cloud, devices, passes and the camera's recording."""
        self._studio()
        self._devices()
        texts = {family.family: self.demo.pass_text(family) for family in self.demo.plan.families}
        cast = visits(self.demo)
        self._passes(texts)
        return cast, self._recording(cast)

    # --- steps

    def _studio(self) -> None:
        started = time.perf_counter()
        operations = self.demo.found()
        plan = self.demo.plan
        self.report.step("studio.families", "families in a studio of three locations", len(plan.families), "families")
        people = sum(len(family.children) for family in plan.families)
        self.report.step("studio.children", "children, names from many languages and scripts", people, "children")
        took = time.perf_counter() - started
        self.report.step(
            "cloud.authored", f"operations authored by the cloud in {took:.1f} s", operations, "operations"
        )

    def _devices(self) -> None:
        for program in ("kiosk", "desk"):
            node = self.demo.pair(program)
            started = time.perf_counter()
            node.engine.once()
            took = (time.perf_counter() - started) * 1000
            with node.reader() as reader:
                whole = all(scope.complete for scope in reader.scopes())
            self.report.step(f"{program}.bootstrap", f"{program} paired and filled over HTTP", took, "ms", ok=whole)
            node.start()
        sealed = sum(_sealed(node) for node in self.demo.nodes)
        self.report.step(
            "owner.sealed", f"devices that the owner's key in {OWNER_KEY} opens too", sealed, "devices",
            ok=sealed == len(self.demo.nodes),
        )  # fmt: skip

    def _passes(self, texts: dict[Id, str]) -> None:
        folder = self.out / "passes"
        folder.mkdir(exist_ok=True)
        count = 0
        for family in self.demo.plan.families:
            (folder / f"{family.family}.png").write_bytes(picture.png(texts[family.family]))
            count += 1
        self.report.step("passes.pictures", "family passes drawn", count, "passes")

    def _recording(self, cast: list[Visit]) -> Recording:
        started = time.perf_counter()
        made = write_recording(
            [visit.scene for visit in cast], self.out / "recording.avi", seed=1, studio=self.demo.plan.name,
        )  # fmt: skip
        took = time.perf_counter() - started
        self.report.step(
            "recording.frames", f"frames recorded in {took:.1f} s of a lobby camera", made.frames, "frames"
        )
        return made

    def _windows(self, video: Path) -> None:
        kiosk, desk = self.demo.nodes
        source = NodeSource(desk)
        clerk = next(person for person in self.demo.plan.staff if person.role == FRONT_DESK)
        operator = operator_of(source, clerk.staff)
        self.desk = DeskWindow(
            source, settings=Settings(look="light", screen="today", locale=LOCALE), operator=operator
        )
        self.desk.resize(*SIZE)
        self.desk.show()
        self.patience = patience = Patience()
        camera = partial(Camera, clock=patience, pause=patience.pause, box=partial(HeardMailbox, patience))
        self.kiosk = KioskApp(kiosk, source_of(str(video)), locale=LOCALE, muted=True, camera=camera)
        self.kiosk.window.resize(*SIZE)
        self.hand = Hand(
            self.kiosk, on_board=lambda: self._once("kiosk-board"), on_refusal=self._once, busy=patience.hold
        )
        self._beat = QTimer()  # this thread shows what was read, and is waited for too
        self._beat.timeout.connect(partial(patience.heard, "window"))
        self._beat.start(BEAT_MS)

    def _cut(self) -> None:
        kiosk = self.demo.nodes[0]
        self._wait("kiosk online", lambda: kiosk.engine.status().state is SyncState.ONLINE)
        started = time.perf_counter()
        self.demo.proxy.cut()
        self._wait("offline noticed", lambda: kiosk.engine.status().state is SyncState.OFFLINE)
        self.report.step("network.cut", "the network is cut; the kiosk knows after", _ms(started), "ms")

    def _play(self, cast: list[Visit], recording: Recording) -> None:
        self.kiosk.start()
        self._wait("the first frame", lambda: self.kiosk.camera_code is Code.LIVE, 10)
        self._wait("the lobby in view", lambda: self.kiosk.frames > 12, 10)
        self._picture(self.kiosk.window, "kiosk-attract")
        self._wait(
            "the end of the recording", lambda: self.kiosk.camera_code is Code.ENDED, recording.seconds * SLOWEST
        )
        self._wait("marks to be saved", lambda: not self.kiosk.state.pending)
        expected = sorted(visit.scene.expected for visit in cast)
        self.report.step(
            "kiosk.sightings", f"codes held to the camera, all judged right, {self.hand.outcomes.count('ok')} of them passes",
            len(self.hand.outcomes), "sightings", ok=sorted(self.hand.outcomes) == expected,
        )  # fmt: skip
        self.report.step(
            "kiosk.marks", "children marked while offline", len(self.hand.marks), "children",
            ok=bool(self.hand.marks) and len({*self.hand.marks.values()}) == 3,
        )  # fmt: skip
        self.report.step(
            "kiosk.green", "buttons green before their mark was on disk", self.hand.too_green, "buttons",
            ok=self.hand.too_green == 0,
        )  # fmt: skip
        pending = self.demo.nodes[0].pending()
        badge = self.kiosk.state.waiting
        self.report.step(
            "kiosk.pending", "operations waiting, as the badge says", pending, "operations", ok=pending == badge > 0
        )

    def _restore(self) -> None:
        kiosk, desk = self.demo.nodes
        started = time.perf_counter()
        self.demo.proxy.restore()
        self._wait("the queue to drain", lambda: kiosk.pending() == 0)
        self.report.step("network.drained", "the network is back; the queue is empty after", _ms(started), "ms")
        self._wait("the desk to see every mark", lambda: self._seen(desk) == self.hand.marks)
        self.report.step("desk.live", "the desk has every mark, untouched, after", _ms(started), "ms")
        session = self.hand.busiest()
        self.desk.open("roster", session)
        self._wait("the roster", lambda: not self.desk.desk.waiting)
        self._picture(self.desk, "desk-roster")
        for screen in ("today", "schedule", "families", "devices"):
            self.desk.open(screen)
            self._wait(screen, lambda: not self.desk.desk.waiting)
            self._picture(self.desk, f"desk-{screen}")

    def _agree(self) -> None:
        cloud = self.demo.cloud.studios.storage(self.demo.plan.studio)
        found = marks_in(cloud, self.hand.sessions())
        agree = {key: state for key, state in found.items() if key in self.hand.marks} == self.hand.marks
        self.report.step("cloud.marks", "marks in the cloud, the same", len(found), "children", ok=agree)
        kiosk, desk = (self._seen(node) for node in self.demo.nodes)
        self.report.step(
            "devices.agree", "kiosk and desk hold the same marks", len(kiosk), "children", ok=kiosk == desk
        )

    def _audit(self) -> None:
        for node, program in zip(self.demo.nodes, ("kiosk", "desk"), strict=True):
            checked = node.store.check()
            self.report.step(
                f"{program}.audit",
                f"entries of the {program}'s chain verified",
                checked.entries,
                "entries",
                ok=checked.ok,
            )
        found = audit(self.demo.cloud.books, self.demo.plan.studio, verify=is_signed)
        self.report.step("cloud.audit", "entries of the cloud's chains verified", found.entries, "entries", ok=found.ok)

    # --- waiting, looking, drawing

    def _seen(self, node: Node) -> Marks:
        """The marks that a device holds, of the sessions that were marked."""
        with node.reader() as reader:
            return marks_in(reader, self.hand.sessions())

    def _picture(self, window: QWidget, name: str) -> None:
        for look in LOOKS:
            theme().use(look=look)
            self._settle()
            window.grab().save(str(self.screens / f"{name}-{look}.png"))
        theme().use(look=LOOKS[0])
        self._settle()

    def _once(self, name: str) -> None:
        if not (self.screens / f"{name}-{LOOKS[0]}.png").exists():
            self.patience.hold(True, why="picture")  # a slow machine draws while the next family would walk past
            self._picture(self.kiosk.window, name)
            self.patience.hold(False, why="picture")

    def _settle(self) -> None:
        for _ in range(5):
            self.app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)

    def _wait(self, what: str, holds: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
        """Let the windows live until something holds. Raises EnvironmentFault when it does not in time."""
        until = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > until:
                raise EnvironmentFault("demo.waited", what=what, seconds=int(seconds))
            self.app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 20)


def application() -> QApplication:
    """The one application of this process."""
    app = QApplication.instance() or QApplication([*sys.argv[:1], "-name", "classtap"])
    assert isinstance(app, QApplication)
    app.setApplicationName("ClassTap")
    return app


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def _sealed(node: Node) -> bool:
    """Whether the owner's key opens a store too: asked behind the sealing that the pulled key has queued."""
    return node.store.call(lambda: node.store.recovery) is not None
