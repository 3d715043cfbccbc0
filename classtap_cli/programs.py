"""`classtap desk` and `classtap kiosk`: the two programs of a studio, in windows; the kiosk also without one."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classtap_cli.invocation import As, Data, Invocation, Json, Now, answering, invocation, print_json
from classtap_cli.reach import opened
from classtap_cli.telling import telling
from classtap_core.interpreter import settle
from classtap_core.kernel.errors import BadInput, EnvironmentFault

if TYPE_CHECKING:
    from kiosk.sources import Source, Trouble

CameraOption = Annotated[
    str,
    typer.Option("--camera", metavar="SOURCE", help="A device index, a video file, a folder of images, an address."),
]
HeadlessOption = Annotated[bool, typer.Option("--headless", help="No window: one line of JSON a sighting.")]
MarkOption = Annotated[
    str, typer.Option("--mark", metavar="STATE", help="Mark whoever has no state yet: present, late or absent.")
]
RealtimeOption = Annotated[bool, typer.Option("--realtime", help="Take frames as they come and pass over late ones.")]
AgainOption = Annotated[bool, typer.Option("--again", help="In a window: play a file from its start when it ends.")]
STATES = ("present", "late", "absent")
FIRST_CAMERA = "0"


@answering
@telling
def desk(data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Open the desk's window."""
    call = invocation(data, program, now, json)
    needs_display()
    with opened(call) as node:
        from classtap_cli.questions.table import answering_others
        from classtap_desktop.app import run_desk
        from classtap_desktop.node_source import NodeSource

        with answering_others(node):
            node.start()
            node.site.start_soon()
            application = _application()
            _ends_on_signals(application, application.closeAllWindows)
            code = run_desk(NodeSource(node), settings_file=call.folder / "window.json")
    raise typer.Exit(code)


@answering
@telling
def kiosk(
    camera: CameraOption = "", headless: HeadlessOption = False, mark: MarkOption = "",
    realtime: RealtimeOption = False, again: AgainOption = False, data: Data = None, program: As = "kiosk", now: Now = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Open the kiosk's window, which staff close by PIN; or with --headless watch a source to its end."""
    call = invocation(data, program, now, json)
    if mark and mark not in STATES:
        raise typer.BadParameter(f"--mark is one of {', '.join(STATES)}")
    if headless and again:
        raise typer.BadParameter("--again goes with a window")
    if not headless and (mark or realtime):
        raise typer.BadParameter("--mark and --realtime go with --headless")
    if headless and not camera:
        raise typer.BadParameter("--headless needs --camera SOURCE")
    if headless:
        _watch(call, camera, mark=mark, realtime=realtime)
    else:
        _open_window(call, camera or FIRST_CAMERA, again=again)


def _watch(call: Invocation, camera: str, *, mark: str, realtime: bool) -> None:
    with opened(call) as node:
        from classtap_cli.questions.table import answering_others
        from kiosk.door import Door
        from kiosk.headless import watch

        source = checked_source(camera)
        with answering_others(node):
            node.start()
            node.site.start_soon()
            settle()
            watch(Door(node), source, print_json, mark=mark, realtime=realtime)


def _open_window(call: Invocation, camera: str, *, again: bool) -> None:
    needs_display()
    with opened(call) as node:
        from classtap_cli.questions.table import answering_others
        from kiosk.app import KioskApp
        from kiosk.sources import source_of

        application = _application()
        _ends_on_signals(application, lambda: application.exit(0))
        with answering_others(node):
            node.start()
            node.site.start_soon()
            app = KioskApp(node, source_of(camera), again=again)
            app.left.connect(lambda: application.exit(0))  # quit() asks the window, and a kiosk's window refuses
            app.start()
            settle()
            try:
                code = application.exec()
            finally:
                app.close()
    raise typer.Exit(code)


def checked_source(named: str) -> "Source":
    """The source a person named, seen to open. Raises EnvironmentFault `source.…`, BadInput `source.missing`."""
    from kiosk.sources import DeviceSource, StreamSource, source_of

    source = source_of(named)
    if not isinstance(source, DeviceSource | StreamSource) and not Path(named.removeprefix("file://")).exists():
        raise BadInput("source.missing", source=named)
    trouble = source.open()
    source.close()
    if trouble is not None:
        raise _fault(named, trouble)
    return source


def _fault(named: str, trouble: "Trouble") -> EnvironmentFault:
    codes = {
        "no_camera": "source.no_camera",
        "busy": "source.busy",
        "denied": "source.denied",
        "unreadable": "source.unreadable",
        "truncated": "source.unreadable",
        "gone": "source.no_camera",
    }
    return EnvironmentFault(codes.get(trouble.fault.value, "source.unreadable"), source=named)


def needs_display() -> None:
    """Raises EnvironmentFault `display.missing` where a window could not be shown."""
    chosen = os.environ.get("QT_QPA_PLATFORM")
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not chosen and not shown:
        raise EnvironmentFault("display.missing")


def _application() -> Any:
    from PySide6.QtWidgets import QApplication

    from classtap_desktop.kit import theme

    application = QApplication.instance() or QApplication([*sys.argv[:1], "-name", "classtap"])
    application.setApplicationName("ClassTap")
    theme()
    return application


def _ends_on_signals(application: Any, end: Callable[[], None]) -> None:
    """SIGINT and SIGTERM end the program; told before it runs, it ends as soon as it does.

    Python hears signals when Qt lets it: four times a second.
    """
    from PySide6.QtCore import QTimer

    told: list[int] = []
    for wanted in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wanted, lambda number, _: told.append(number))
    timer = QTimer(application)
    timer.timeout.connect(lambda: end() if told else None)
    timer.start(250)
