"""What the studio sets about its doors and passes: how codes are read, who may let in, how long a pass is good, its look."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from PySide6.QtWidgets import QCheckBox, QFileDialog, QLineEdit, QWidget

from classtap_core.booking.policies import read_policy
from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.checkin.settings import (
    GRACE_H,
    KIOSK_POLICY,
    LIFE_DAYS,
    MOST_OVERRIDES,
    PASS_POLICY,
    SCAN_DAYS,
    STALE_H,
    KioskSettings,
    PassSettings,
    kiosk_settings,
    pass_settings,
)
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.errors import Refused
from classtap_core.passes import branding
from classtap_core.passes.brand import Brand
from classtap_desktop.desk import Desk, Trouble, failure
from classtap_desktop.frame.dialog import CountField, Dialog, form, named
from classtap_desktop.kit import Button, Label, theme
from classtap_desktop.screens.settings.cards import CardsPrinting
from classtap_desktop.source import DeskSource
from classtap_desktop.spacing import column, row

DECODERS = ("zxing", "zxing-2x", "zxing-soft", "zxing-sharp", "zbar", "opencv")
"""The kiosk's ways to read a code, as its policy names them; a test holds them to the kiosk's own list."""
MOST_LOGO_BYTES = 10_000
"""A logo travels to every device in the policy."""
SAMPLE = "CT:" + "0A1B2C3D4E5F" * 12 + "012345678"
"""A text as long as a printed pass, to try a look on."""


class Standing(NamedTuple):
    """The policies as they stand, and the heads they stand at."""

    kiosk: KioskSettings
    kiosk_head: int
    passes: PassSettings
    passes_head: int


def read_standing(source: DeskSource) -> Standing:
    """Return what is published."""
    kiosk_head, kiosk = read_policy(source.reader, source.place.studio, KIOSK_POLICY)
    passes_head, passes = read_policy(source.reader, source.place.studio, PASS_POLICY)
    return Standing(kiosk_settings(kiosk), kiosk_head, pass_settings(passes), passes_head)


def read_logo(file: Path) -> bytes:
    """A picture's bytes. Raises Refused `brand.logo`, `brand.logo_big`."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise Refused("brand.logo") from error
    if len(data) > MOST_LOGO_BYTES:
        raise Refused("brand.logo_big", most=MOST_LOGO_BYTES // 1000)
    return data


class DoorDialog(Dialog):
    """A form over two policies; what did not change is not published again."""

    def __init__(self, desk: Desk, over: QWidget) -> None:
        words = theme().words
        super().__init__(over, words.say("desk.doors.title"), wide=720, high=620)
        self._desk = desk
        self._standing: Standing | None = None
        self._logo = b""
        self._wanted: list[PublishPolicy] = []
        self.decoders = {name: QCheckBox(words.say(f"desk.doors.decoder.{name}")) for name in DECODERS}
        self.overrides = CountField(2, least=0, most=MOST_OVERRIDES)
        self.mark = QCheckBox(words.say("desk.doors.mark_on_scan"))
        self.offline = QCheckBox(words.say("desk.doors.offline"))
        self._warned: bool | None = None
        self.life = CountField(365, least=LIFE_DAYS[0], most=LIFE_DAYS[1])
        self.grace = CountField(24, least=GRACE_H[0], most=GRACE_H[1])
        self.scan_days = CountField(30, least=SCAN_DAYS[0], most=SCAN_DAYS[1])
        self.stale = CountField(24, least=STALE_H[0], most=STALE_H[1])
        self.dark, self.light = QLineEdit(), QLineEdit()
        self.logo = Label("", "text", token="muted")
        self._lay_out()
        self.printing = CardsPrinting(desk, self.complain)
        self.above_foot(self.printing)
        self.closed.connect(self.printing.cancel)
        self.cards = self.button(words.say("desk.doors.cards"), lambda: self.printing.ask(self._over))
        self.cancel = self.button(words.say("desk.cancel"), self.close_overlay)
        self.save = self.button(words.say("desk.doors.save"), self._save, kind="primary")
        self.save.setEnabled(False)
        desk.read("doors", read_standing, then=self._show, failed=self._fail)

    def _lay_out(self) -> None:
        words = theme().words
        self.body.addWidget(Label(words.say("desk.doors.at_the_door"), "label", token="muted"))
        self.body.addWidget(self.mark)
        self.body.addWidget(self.offline)
        counts = form()
        for field, name in (
            (self.overrides, "overrides"), (self.life, "life"), (self.grace, "grace"), (self.scan_days, "scan_days"),
            (self.stale, "stale_h"),
        ):  # fmt: skip
            counts.addRow(named(field, words.say(f"desk.doors.{name}")), field)
        self.body.addLayout(counts)
        self.body.addWidget(Label(words.say("desk.doors.decoders"), "label", token="muted"))
        ways = column(gap=2)
        for box in self.decoders.values():
            ways.addWidget(box)
        self.body.addLayout(ways)
        self.body.addWidget(Label(words.say("desk.doors.look"), "label", token="muted"))
        colours = form()
        for line, name in ((self.dark, "dark"), (self.light, "light")):
            colours.addRow(named(line, words.say(f"desk.doors.{name}")), line)
        self.body.addLayout(colours)
        choose = Button(words.say("desk.doors.choose_logo"), size="small")
        choose.clicked.connect(lambda _=False: self._choose_logo())
        clear = Button(words.say("desk.doors.no_logo"), size="small", kind="quiet")
        clear.clicked.connect(lambda _=False: self.take_logo(b""))
        beside = row(gap=10)
        beside.addWidget(choose)
        beside.addWidget(clear)
        beside.addWidget(self.logo, 1)
        self.body.addLayout(beside)
        self.body.addWidget(Label(words.say("desk.doors.look_hint"), "secondary", token="muted", wrap=True))

    def _show(self, standing: Standing) -> None:
        self._standing = standing
        kiosk, passes = standing.kiosk, standing.passes
        for name, box in self.decoders.items():
            box.setChecked(not kiosk.decoders or name in kiosk.decoders)
        self.overrides.set_value(kiosk.overrides)
        self.mark.setChecked(kiosk.mark_on_scan)
        self.offline.setChecked(kiosk.offline)
        self.scan_days.set_value(kiosk.scan_days)
        self.stale.set_value(kiosk.stale_h)
        self.life.set_value(passes.life_days)
        self.grace.set_value(passes.grace_h)
        self.dark.setText(passes.brand.dark)
        self.light.setText(passes.brand.light)
        self.take_logo(passes.brand.logo)
        self.save.setEnabled(True)

    def _choose_logo(self) -> None:
        words = theme().words
        file, _ = QFileDialog.getOpenFileName(
            self._over, words.say("desk.doors.choose_logo"), "", "PNG, JPEG (*.png *.jpg *.jpeg)"
        )
        if file:
            self._desk.do(lambda source: read_logo(Path(file)), then=self.take_logo, failed=self._fail)

    def take_logo(self, data: bytes) -> None:
        """Have another logo, or with nothing none."""
        self._logo = data
        words = theme().words
        size = -(-len(data) // 1000)
        self.logo.show_text(words.say("desk.doors.has_logo", n=size) if data else words.say("desk.doors.has_none"))

    # --- saving

    def wanted(self) -> tuple[KioskSettings, PassSettings]:
        """What the form says. Every way to read a code ticked is kept as no choice, so that later ones count too."""
        ticked = tuple(name for name, box in self.decoders.items() if box.isChecked())
        brand = Brand(dark=self.dark.text().strip(), light=self.light.text().strip(), logo=self._logo)
        return (
            KioskSettings(
                decoders=() if len(ticked) == len(DECODERS) else ticked, overrides=self.overrides.value(),
                mark_on_scan=self.mark.isChecked(), scan_days=self.scan_days.value(),
                stale_h=self.stale.value(), offline=self.offline.isChecked(),
            ),
            PassSettings(life_days=self.life.value(), grace_h=self.grace.value(), brand=brand),
        )  # fmt: skip

    def _save(self) -> None:
        standing = self._standing
        if standing is None:
            return
        kiosk, passes = self.wanted()
        if not any(box.isChecked() for box in self.decoders.values()):
            self.complain(theme().words.say("desk.doors.one_decoder"))
            return
        if kiosk.offline not in (standing.kiosk.offline, self._warned):  # what it risks is read before it is said twice
            self._warned = kiosk.offline
            self.complain(theme().words.say("desk.doors.offline_on" if kiosk.offline else "desk.doors.offline_off"))
            return
        self._wanted = [
            PublishPolicy(name=name, head=head, values=new.values())
            for name, head, new, old in (
                (KIOSK_POLICY, standing.kiosk_head, kiosk, standing.kiosk),
                (PASS_POLICY, standing.passes_head, passes, standing.passes),
            )
            if new != old
        ]
        self.save.setEnabled(False)
        self.complain("")
        if passes.brand != standing.passes.brand and not passes.brand.plain:
            self.complain(theme().words.say("desk.doors.trying"))
            self._desk.do(
                lambda source: branding.check(passes.brand, SAMPLE), then=lambda _: self._publish(), failed=self._fail
            )
        else:
            self._publish()

    def _publish(self) -> None:
        if not self._wanted:
            self.close_overlay()
            return
        self._desk.submit_all(self._wanted, then=self._done, failed=self._fail)

    def _done(self, receipts: list[Receipt]) -> None:
        refused = next((one.outcome for one in receipts if one.outcome.status.value == "refused"), None)
        if refused is None:
            self._desk.tell("desk.doors.saved")
            self.close_overlay()
            return
        self.complain(failure(refused.reasons[0].code, refused.reasons[0].params, theme().words))
        self.save.setEnabled(True)

    def _fail(self, trouble: Trouble) -> None:
        self.complain(trouble.sentence(theme().words))
        self.save.setEnabled(self._standing is not None)
