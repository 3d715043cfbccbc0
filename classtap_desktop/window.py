"""The desk's window: side bar, top bar and screens, with the sign-in, the palette and the help page laid over them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QLocale, QPoint, QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QResizeEvent
from PySide6.QtWidgets import QMainWindow, QScrollArea, QStackedWidget, QWidget

from classtap_core.checkin.reading import fetch
from classtap_core.checkin.scanning import HeldPasses
from classtap_core.passes.codec import Unreadable, decode
from classtap_core.schedule.records import Studio
from classtap_desktop import actions
from classtap_desktop import settings as remembered
from classtap_desktop.canvas.screen import SeatMapsScreen
from classtap_desktop.desk import Desk
from classtap_desktop.frame.finding import Finding
from classtap_desktop.frame.help_page import HelpPage
from classtap_desktop.frame.idle import Idle
from classtap_desktop.frame.keys import Keys
from classtap_desktop.frame.overlay import Overlay
from classtap_desktop.frame.palette import Palette
from classtap_desktop.frame.sidebar import SideBar
from classtap_desktop.frame.sign_in import SignInPage
from classtap_desktop.frame.topbar import TopBar
from classtap_desktop.frame.waiting import WaitingBar
from classtap_desktop.kit import Toast, theme
from classtap_desktop.kit.scanner import HandScanner
from classtap_desktop.operator import Operator
from classtap_desktop.screens.access.view import AccessScreen
from classtap_desktop.screens.audit.view import AuditScreen
from classtap_desktop.screens.devices.owner_card import OwnerKeyOffer
from classtap_desktop.screens.devices.view import DevicesScreen
from classtap_desktop.screens.emergency import EmergencyPage
from classtap_desktop.screens.families.view import FamiliesScreen
from classtap_desktop.screens.health.banner import KeepingBanner
from classtap_desktop.screens.imports.view import ImportsScreen
from classtap_desktop.screens.messages.alarm import AlarmBanner
from classtap_desktop.screens.messages.view import MessagesScreen
from classtap_desktop.screens.people import colour_of
from classtap_desktop.screens.roster.view import RosterScreen
from classtap_desktop.screens.schedule.planner import DEEDS
from classtap_desktop.screens.schedule.view import ScheduleScreen
from classtap_desktop.screens.screen import Screen
from classtap_desktop.screens.settings.view import SettingsScreen
from classtap_desktop.screens.studio.view import StudioScreen
from classtap_desktop.screens.today.view import TodayScreen
from classtap_desktop.settings import Settings
from classtap_desktop.source import DeskSource
from classtap_desktop.spacing import column
from sync.client.engine import State

ABOVE = (
    ("today", "today"),
    ("schedule", "calendar"),
    ("roster", "roster"),
    ("families", "people"),
    ("messages", "message"),
    ("seatmaps", "seats"),
)
BELOW = (
    ("studio", "room"),
    ("imports", "disk"),
    ("access", "lock"),
    ("audit", "clock"),
    ("devices", "devices"),
    ("settings", "settings"),
)
TICK_MS = 30_000


class DeskWindow(QMainWindow):
    """One desk over one source.

    Attributes: ``desk`` (its model), ``screens`` (by name), ``keys`` (runs actions by id), ``settings``.
    """

    def __init__(
        self,
        source: DeskSource,
        *,
        settings: Settings | None = None,
        settings_file: Path | None = None,
        operator: Operator | None = None,
    ) -> None:
        """``settings_file`` is where likings are remembered (None: nowhere); ``settings`` overrides what it says;
        ``operator`` is signed in from the start, for demonstrations and tests."""
        super().__init__()
        self._file = settings_file
        self.settings = settings or remembered.load(settings_file, locale=QLocale.system().name())
        theme().use(look=self.settings.look, locale=self.settings.locale, text_scale=self.settings.text_scale)
        self.setMinimumSize(QSize(960, 600))
        self.desk = Desk(source, self)
        self.screens: dict[str, Screen] = {}
        self._build()
        self.keys = Keys(self.desk, self, self._does())
        self.palette_page = Palette(self.desk, self.keys, self.whole)
        self.palette_page.chosen.connect(self._open_finding)
        self.help_page = HelpPage(self.whole)
        self.card_page = EmergencyPage(self.desk, self.whole)
        self.desk.card_asked.connect(lambda child, name, place: self.card_page.ask(child, name, location=place))
        self.sign_in = SignInPage(self.desk, self.whole)
        self.sign_in.signed_in.connect(self._signed_in)
        self.owner_key = OwnerKeyOffer(self.desk, self.whole)
        self._opened_by = ""
        self._aside: list[Overlay] = []
        self.idle = Idle(self, after_s=self.settings.lock_after_s)
        self.idle.idle.connect(self.switch_staff)
        self.desk.operated.connect(
            lambda: self.idle.watch(self.desk.operator is not None and self.settings.lock_after_s > 0)
        )
        self.toast = Toast(self.stack)
        self.desk.told.connect(self._tell)
        self.desk.failed.connect(
            lambda trouble: self.toast.say(trouble.sentence(theme().words), tone="warn", icon="warn")
        )
        self.desk.opened.connect(self.open)
        self.scanner = HandScanner(self)
        self.scanner.scanned.connect(self._scanned)
        self.desk.stood.connect(self._show_standing)
        self.desk.operated.connect(self._show_operator)
        self.desk.read("studio", _studio_name, then=self._show_studio)
        theme().changed.connect(self._dress)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.desk.ticked)
        self._timer.timeout.connect(self.desk.look_at_standing)
        self._timer.start(TICK_MS)
        self._dress()
        self.resize(QSize(*self.settings.size))
        if self.settings.maximized:
            self.setWindowState(Qt.WindowState.WindowMaximized)
        self._screen = self.settings.screen if self.settings.screen in self.screens else "today"
        self.stack.setCurrentWidget(self.screens[self._screen])
        if operator is None:
            self.sign_in.open()
            self._show_operator()
        else:
            self.desk.operate(operator)
            self._signed_in()

    def _build(self) -> None:
        self.whole = whole = QWidget()
        self.setCentralWidget(whole)
        sides = column(whole)
        sides.setDirection(sides.Direction.LeftToRight)
        self.sidebar = SideBar(ABOVE, BELOW, whole)
        self.sidebar.chosen.connect(self.open)
        right = column()
        self.topbar = TopBar(whole)
        self.topbar.search.connect(lambda: self.keys.run("find"))
        self.topbar.staff.connect(self._staff_menu)
        self.stack = QStackedWidget()
        for made in (
            TodayScreen, ScheduleScreen, RosterScreen, FamiliesScreen, MessagesScreen, SeatMapsScreen, StudioScreen, ImportsScreen, AccessScreen, AuditScreen, DevicesScreen,
            SettingsScreen,
        ):  # fmt: skip
            screen = made(self.desk)
            self.screens[screen.NAME] = screen
            self.stack.addWidget(screen)
        roster, likings = self.screens["roster"], self.screens["settings"]
        assert isinstance(roster, RosterScreen)
        assert isinstance(likings, SettingsScreen)
        maps = self.screens["seatmaps"]
        assert isinstance(maps, SeatMapsScreen)
        self.roster, self.maps = roster, maps
        maps.filled.connect(self._fill)
        roster.menu.connect(lambda at: self.keys.show_menu("child", at))
        schedule = self.screens["schedule"]
        assert isinstance(schedule, ScheduleScreen)
        schedule.menu.connect(lambda at: self.keys.show_menu("session", at))
        likings.liked.connect(lambda choice: self._like(**choice))
        self.waiting = WaitingBar(self.desk, self.stack)
        right.addWidget(self.topbar)
        self.alarm = AlarmBanner(self.desk, whole)
        right.addWidget(self.alarm)
        steward = self.desk.source.steward
        self.keeping = None if steward is None else KeepingBanner(self.desk, steward, whole)
        if self.keeping is not None:
            right.addWidget(self.keeping)
        right.addWidget(self.stack, 1)
        sides.addWidget(self.sidebar)
        sides.addLayout(right, 1)

    def _does(self) -> dict[str, Callable[[], None]]:
        """Return what each action does; the table in `actions` says when."""
        schedule = self.screens["schedule"]
        families, studio = self.screens["families"], self.screens["studio"]
        assert isinstance(schedule, ScheduleScreen)
        assert isinstance(studio, StudioScreen)
        assert isinstance(families, FamiliesScreen)
        does: dict[str, Callable[[], None]] = {
            "find": lambda: self.palette_page.open(),
            "help": lambda: self.help_page.open(),
            "staff.switch": self.switch_staff,
            "sync.now": self.desk.source.sync_now,
            "undo": self.roster.live.undo,
            "roster.clear": lambda: self.roster.mark("none"),
            "roster.family": self.roster.open_family,
            "roster.pass": self.roster.open_pass,
            "roster.pickup": self.roster.open_pickup,
            "roster.answers": self.roster.open_answers,
            "roster.next": lambda: self.roster.live.step(1),
            "roster.previous": lambda: self.roster.live.step(-1),
            "families.new": families.new_family,
            "studio.new": studio.open_new,
            "schedule.open": schedule.open_chosen,
            **{f"schedule.{deed}": partial(schedule.plan, deed) for deed in DEEDS},
            "schedule.next": lambda: schedule.turn(1),
            "schedule.previous": lambda: schedule.turn(-1),
            "schedule.this_week": lambda: schedule.turn(0),
            "text.larger": lambda: self._like(text_scale=theme().text_scale + 0.25),
            "text.smaller": lambda: self._like(text_scale=theme().text_scale - 0.25),
        }
        does |= {f"go.{name}": partial(self.open, name) for name in self.screens}
        does |= {f"roster.{state}": partial(self.roster.mark, state) for state in ("present", "late", "absent")}
        does |= {id: partial(self.maps.run, id) for id in actions.BY_ID if id.startswith("map.")}
        does |= {f"look.{look}": partial(self._like, look=look) for look in ("light", "dark", "bright")}
        assert does.keys() == actions.BY_ID.keys()
        return does

    # --- what people do

    def open(self, screen: str, id: str = "") -> None:
        """Show a screen, about one thing where ``id`` names one."""
        if self.desk.operator is None:
            return
        self._screen = screen
        shown = self.screens[screen]
        self.stack.setCurrentWidget(shown)
        self._fill(False)
        self.sidebar.show_screen(screen)
        for name in self.screens:
            self.desk.state_fact(f"screen.{name}", name == screen)
        shown.open(id)
        shown.take_focus()

    def _scanned(self, text: str) -> None:
        """A pass held to a hand scanner opens its family; what the pass is worth is for a kiosk to say."""
        if self.desk.operator is not None:
            self.desk.read("scanner", partial(_family_of, text), then=self._show_scanned)

    def _show_scanned(self, family: str) -> None:
        if family:
            self.open("families", family)
        else:
            self.desk.told.emit("desk.scan.unknown", {}, "warn")

    def switch_staff(self) -> None:
        """Sign out and ask who is here; names are covered at once, and hidden from screen readers too."""
        if self.desk.operator is not None:
            self.desk.cancel()  # what was asked for them is not shown to who comes
            self.desk.look_at_standing()
        self.desk.operate(None)
        self.palette_page.close_overlay()
        self.help_page.close_overlay()
        self.owner_key.close()
        self._aside += [one for one in self.findChildren(Overlay) if one is not self.sign_in and not one.isHidden()]
        for page in (*self._aside, self.stack):
            page.hide()
        self.sign_in.open()

    def _fill(self, whole: bool) -> None:
        """Give a screen that draws the whole window, or take it back."""
        whole = whole and self.stack.currentWidget() is self.maps
        self.sidebar.setVisible(not whole)
        self.topbar.setVisible(not whole)

    def _signed_in(self) -> None:
        """Show the desk to who signed in; what lies open goes when it was somebody else's."""
        now = self.desk.operator.id if self.desk.operator else ""
        for page in (self.stack, *self._aside):
            page.show()
        self._aside = []
        if self._opened_by not in ("", now):
            for page in self.findChildren(Overlay):
                if page is not self.sign_in:
                    Overlay.close_overlay(page)  # also a form with something written, which would ask first
        self._opened_by = now
        self.open(self._screen)
        self.owner_key.look()

    def _open_finding(self, finding: Finding) -> None:
        if finding.kind == "action":
            self.keys.run(finding.id)
        else:
            self.open(finding.screen, finding.id)

    def _staff_menu(self) -> None:
        chip = self.topbar.chip
        start = 0 if self.layoutDirection() == Qt.LayoutDirection.RightToLeft else chip.width()
        self.keys.show_menu("staff", chip.mapToGlobal(QPoint(start - theme().px(220), chip.height())))

    def _like(self, *, look: str | None = None, locale: str | None = None, text_scale: float | None = None) -> None:
        here = theme()
        system = QLocale.system().name()
        here.use(look=look, locale=system if locale == system[:2] else locale, text_scale=text_scale)
        self.settings.look, self.settings.locale = here.look, here.words.locale
        self.settings.text_scale = here.text_scale
        remembered.save(self._file, self.settings)

    # --- what is shown

    def _show_studio(self, name: str) -> None:
        self.sidebar.show_studio(name)
        self.setWindowTitle(f"{name} · ClassTap" if name else "ClassTap")

    def _show_standing(self) -> None:
        standing = self.desk.standing
        if standing is not None:
            self.topbar.badge.show_queue(
                online=standing.online, waiting=standing.status.pending, hearing=standing.hearing,
                paused=standing.status.state is State.PAUSED,
            )  # fmt: skip

    def _show_operator(self) -> None:
        operator = self.desk.operator
        self.topbar.chip.show_staff(operator.name if operator else "", colour_of(operator.id) if operator else 0)

    def _tell(self, code: str, params: dict[str, object], tone: str) -> None:
        words = theme().words
        self.toast.say(
            words.say(code, **params),
            tone=tone,
            icon="check" if tone == "present" else "info" if tone == "info" else "warn",
        )

    def _dress(self) -> None:
        self._show_standing()
        self._show_operator()
        for name, screen in self.screens.items():
            said = theme().words.say(f"desk.screen.{name}")
            for area in screen.findChildren(QScrollArea):
                if not area.accessibleName() or area.property("screen"):
                    area.setProperty("screen", name)
                    area.setAccessibleName(said)  # it can be scrolled by keys, so a screen reader comes by

    # --- Qt's own

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.sidebar.fit(self.width())
        if not self.isMaximized():
            self.settings.size = (self.width(), self.height())

    def closeEvent(self, event: QCloseEvent) -> None:
        self.settings.maximized = self.isMaximized()
        self.settings.screen = self._screen
        remembered.save(self._file, self.settings)
        self._timer.stop()
        self.scanner.close()
        self.maps.close_screen()
        if self.keeping is not None:
            self.keeping.close_banner()
        self.desk.close()
        super().closeEvent(event)


def _studio_name(source: DeskSource) -> str:
    found = fetch(source.reader, Studio, [source.place.studio])
    return next((studio.name for studio in found.values()), "")


def _family_of(text: str, source: DeskSource) -> str:
    """The family whose pass a text names, "" where it names none that this desk holds."""
    try:
        claims = decode(text).claims
    except Unreadable:
        return ""
    return HeldPasses(source.reader, source.place.studio).whose(claims).family
