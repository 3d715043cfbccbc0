"""Draws the pictures of docs/operator-store.md: its commands and screens, walked through on a studio of the demo's.

`python -m tests.end_to_end.store_pictures docs/images`; run it again when what they show has changed.
"""

import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import keyring
from keyring.backend import KeyringBackend
from PySide6.QtCore import QEventLoop, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetricsF, QImage, QPainter
from PySide6.QtWidgets import QApplication, QScrollArea

from classtap_cli.main import app as classtap
from classtap_cli.reach import ring
from classtap_core.kernel.clock import SystemClock
from classtap_core.people.operations import RenameFamily
from classtap_desktop.kit import theme
from classtap_desktop.node_source import NodeSource
from classtap_desktop.operator import operator_of
from classtap_desktop.screens.devices.view import DevicesScreen
from classtap_desktop.settings import Settings
from classtap_desktop.window import DeskWindow
from kiosk.screens import KioskWindow
from kiosk.view import Leaving, Notice, Screen, Stage, State
from sync.client.node import Node
from tests.end_to_end.house_rig import say, staff
from tests.end_to_end.rig import Studio

OWNER, MANAGER = "314159", "271828"
HOME = "/home/olga"
"""Where the pictures say that everything lies."""
WIDTH, MARGIN, LINE = 1120, 26, 23
INK, DIM, GREEN, RED, PAPER = "#e8e6e1", "#9d9a92", "#7fd1ae", "#f2a7b5", "#1b1d22"


class Kept(KeyringBackend):
    """A keyring for as long as the pictures are drawn; `Kept.words.clear()` is the day it is lost."""

    priority = 1
    words: dict[tuple[str, str], str] = {}  # noqa: RUF012 - one for all, as a user's keyring is

    def get_password(self, service: str, username: str) -> str | None:
        return self.words.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.words[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.words[service, username]


class Terminal:
    """What was typed and what was answered, to be drawn as one picture."""

    def __init__(self, here: Path, data: Path) -> None:
        self._here, self._data = here, data
        self._lines: list[tuple[str, str]] = []

    def run(self, *arguments: str, data: Path | None = None) -> None:
        """Run a command as it stands in the picture."""
        self._lines.append((f"$ classtap {' '.join(arguments)}", GREEN))
        out, err = io.StringIO(), io.StringIO()
        os.environ["CLASSTAP_DATA"] = str(data or self._data)
        with redirect_stdout(out), redirect_stderr(err), suppress(SystemExit):
            classtap(list(arguments), prog_name="classtap")
        self._lines += [(line, INK) for line in out.getvalue().splitlines()]
        self._lines += [(line, RED) for line in err.getvalue().splitlines()]
        self._lines.append(("", INK))

    def show(self, command: str, *lines: str) -> None:
        """Something that is not ours: a file shown, a file lost."""
        self._lines += [(f"$ {command}", GREEN), *((line, INK) for line in lines), ("", INK)]

    def draw(self, file: Path) -> None:
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font = QFont("DejaVu Sans Mono") if "DejaVu Sans Mono" in QFontDatabase.families() else font
        font.setPixelSize(14)
        drawn = list(self._wrapped(QFontMetricsF(font)))
        image = QImage(WIDTH, 2 * MARGIN + LINE * (len(drawn) - 1), QImage.Format.Format_RGB32)
        image.fill(QColor(PAPER))
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        painter.setFont(font)
        for number, (text, colour) in enumerate(drawn[:-1]):
            painter.setPen(QColor(DIM if text.startswith("  →") else colour))
            place = QRectF(MARGIN, MARGIN + number * LINE, WIDTH - 2 * MARGIN, LINE)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, text)
        painter.end()
        image.save(str(file))

    def _wrapped(self, metrics: QFontMetricsF) -> Iterator[tuple[str, str]]:
        for line, colour in self._lines:
            text = line.replace(str(self._here), HOME)
            while metrics.horizontalAdvance(text) > WIDTH - 2 * MARGIN:
                most = next(
                    at for at in range(len(text), 0, -1) if metrics.horizontalAdvance(text[:at]) <= WIDTH - 2 * MARGIN
                )
                cut = text.rfind(" ", 0, most) + 1 or most
                yield text[:cut], colour
                text = "    " + text[cut:]
            yield text, colour


def main(out: Path) -> None:
    """Walk through the page, top to bottom."""
    os.environ.pop("CLASSTAP_KEYRING", None)
    os.environ["LC_ALL"] = "C.UTF-8"
    keyring.set_keyring(Kept())  # type: ignore[no-untyped-call]
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        os.chdir(here)
        with Studio(here / "cloud", families=30) as studio:
            _walk(studio, here, out)


def _walk(studio: Studio, here: Path, out: Path) -> None:
    data, usb = here / "classtap", here / "usb"
    usb.mkdir()
    (here / "pin.txt").write_text(OWNER)
    data.mkdir(mode=0o700)
    Node.pair(
        data / "desk", url=studio.url, code=studio.code("desk", "Front desk"), name="Front desk", program="desk",
        clock=SystemClock(), ring=ring(),
    ).close()  # fmt: skip
    os.environ["CLASSTAP_DATA"] = str(data)

    def terminal() -> Terminal:
        return Terminal(here, data)

    Terminal(here, data).run("sync", "once")
    _offer(studio, data, out)
    shown = terminal()
    shown.run("store", "key", "seal", "-o", "owner-key.txt", "--pin-file", "pin.txt")
    shown.show("cat owner-key.txt", *(here / "owner-key.txt").read_text().splitlines())
    shown.run("sync", "once")
    shown.run("store", "key", "status")
    shown.draw(out / "store-set-up.png")

    shown = terminal()
    (data / "backups").mkdir(mode=0o700)
    (data / "backups" / "desk").mkdir(mode=0o700)
    shown.run("store", "backup", "classtap/backups/desk/friday.ctbackup")
    shown.show("cp classtap/backups/desk/friday.* usb/")
    shown.show("ls usb", *sorted(path.name for path in (data / "backups" / "desk").iterdir()))
    shown.draw(out / "store-backup.png")
    for path in (data / "backups" / "desk").iterdir():
        (usb / path.name).write_bytes(path.read_bytes())

    shown = terminal()
    shown.run("doctor")
    shown.draw(out / "store-doctor.png")

    shown = terminal()
    Kept.words.clear()
    shown.run("audit", "verify")
    shown.run("store", "key", "recover", "--recovery-key", "owner-key.txt")
    shown.run("audit", "verify")
    shown.draw(out / "store-lost-keyring.png")

    shown = terminal()
    shown.run("store", "restore", "usb/friday.ctbackup", "--recovery-key", "owner-key.txt", data=here / "new machine")
    shown.run("store", "check", data=here / "new machine")
    shown.draw(out / "store-new-machine.png")

    _screens(studio, data, out)
    _kiosk(out)


@contextmanager
def _desk(studio: Studio, data: Path, role: str) -> Iterator[tuple[DeskWindow, DevicesScreen]]:
    with Node.open(data / "desk", program="desk", clock=SystemClock(), ring=ring()) as node:
        if role == "manager":
            family = studio.plan.families[0]
            say(node, RenameFamily(family=family.family, base=family.name, name="Okafor-Lindqvist"), staff(studio))
        source = NodeSource(node)
        operator = operator_of(source, next(one.staff for one in studio.plan.staff if one.role == role))
        window = DeskWindow(source, settings=Settings(look="light", locale="en_GB"), operator=operator)
        window.resize(1280, 800)
        window.show()
        window.open("devices")
        screen = window.screens["devices"]
        assert isinstance(screen, DevicesScreen)
        _settled(window)
        yield window, screen
        window.close()


def _settled(window: DeskWindow) -> None:
    """Wait until everything that was asked has been answered and drawn."""
    _until(lambda: window.desk.standing is not None and not window.desk.waiting)


def _until(holds: Callable[[], object]) -> None:
    """Let the window work until something holds, and until it has drawn what came of it."""
    while not holds():
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
    for _ in range(3):
        QApplication.processEvents()


def _offer(studio: Studio, data: Path, out: Path) -> None:
    """What the owner of a studio without a key sees."""
    with _desk(studio, data, "owner") as (window, _):
        _until(lambda: window.owner_key.page is not None)
        _settled(window)
        window.grab().save(str(out / "store-desk-owner-key.png"))


def _screens(studio: Studio, data: Path, out: Path) -> None:
    with _desk(studio, data, "manager") as (window, screen):
        screen.findChild(QScrollArea).ensureWidgetVisible(screen.leave)
        _settled(window)
        window.grab().save(str(out / "store-desk-devices.png"))
        with _little_room():
            screen.desk.source.steward.keeping()  # type: ignore[union-attr]
            _until(window.keeping.isVisible)  # type: ignore[union-attr]
            window.grab().save(str(out / "store-desk-disk.png"))
        page = screen.open_leaving()
        _until(page.go_on.isEnabled)
        window.grab().save(str(out / "store-desk-sign-out.png"))
        page.go_on.click()
        _until(page.pad.isVisible)
        window.grab().save(str(out / "store-desk-sign-out-pin.png"))
        for digit in MANAGER:
            page.pad.keys[digit].click()
        _until(page.close_program.isVisible)
        window.grab().save(str(out / "store-desk-signed-out.png"))


@contextmanager
def _little_room() -> Iterator[None]:
    """A disk with 300 MB left, by its own account."""
    left = shutil._ntuple_diskusage(10**12, 10**12 - (300 << 20), 300 << 20)  # type: ignore[attr-defined]
    with patch("classtap_core.store.space.shutil.disk_usage", lambda folder: left):
        yield


def _kiosk(out: Path) -> None:
    """The kiosk's pages for staff, as its tests show them."""
    window = KioskWindow()
    window.show()
    about = (Notice("kiosk.staff.sound"), Notice("desk.protection.credential"))
    here = State(studio="Little Steps", locale="en_GB", home_locale="en_GB", waiting=12, wall_ms=1_795_276_650_643)
    loss = Leaving(Stage.LOSS, unsent=12)
    for name, state in (
        ("staff", replace(here, screen=Screen.STAFF, about=about)),
        ("sign-out", replace(here, screen=Screen.LEAVING, leaving=loss)),
    ):
        window.show_state(state)
        _until(window.isVisible)
        window.grab().save(str(out / f"store-kiosk-{name}.png"))
    window.close()


if __name__ == "__main__":
    application = QApplication(["classtap"])
    theme()
    main(Path(sys.argv[1]).absolute())
