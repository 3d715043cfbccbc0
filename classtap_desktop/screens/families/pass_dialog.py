"""One family's pass looked at: its picture, what became of it, and switching it off or making it anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from classtap_core.access.blueprints import Capability
from classtap_core.booking.policies import read_policy
from classtap_core.checkin.reading import search
from classtap_core.checkin.records import Scan
from classtap_core.checkin.settings import PASS_POLICY, pass_settings
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.ids import Id
from classtap_core.passes import branding
from classtap_core.passes.history import Moment, history
from classtap_core.passes.operations import IssuePass, RevokePass
from classtap_core.passes.records import Pass
from classtap_desktop.desk import Desk, Trouble, failure
from classtap_desktop.frame.dialog import Dialog
from classtap_desktop.kit import Button, Label, theme
from classtap_desktop.source import DeskSource
from classtap_desktop.spacing import column, row

SIDE = 212
REASONS = ("lost", "stolen", "left", "other")
"""Why a pass is switched off; the words are the catalogue's `desk.pass.off.<reason>`."""


class PassFacts(NamedTuple):
    """A pass as this desk holds it. `shown`: the last scan, by time (ms) and verdict. `life_s`: of the next epoch."""

    held: Pass
    moments: tuple[Moment, ...]
    shown: tuple[int, str] | None
    life_s: int


def read_facts(source: DeskSource, family: Id) -> PassFacts | None:
    """Return what is known here; None without a pass."""
    reader = source.reader
    held = next(iter(search(reader, Pass, "by_family", family)), None)
    if held is None:
        return None
    scans = search(reader, Scan, "by_handle", held.handle)
    last = max(scans, key=lambda scan: scan.at_ms, default=None)
    days = pass_settings(read_policy(reader, source.place.studio, PASS_POLICY)[1]).life_days
    return PassFacts(held, history(held), (last.at_ms, last.outcome) if last else None, days * 86_400)


def read_picture(source: DeskSource, family: Id) -> bytes:
    """Return the picture as the studio has it drawn. Raises EnvironmentFault `cloud.unreachable`, Refused."""
    brand = pass_settings(read_policy(source.reader, source.place.studio, PASS_POLICY)[1]).brand
    return branding.drawn(source.pass_text(family).text, brand)


class PassDialog(Dialog):
    """Reads what is held at once, and asks the cloud for the picture. Nothing in it is done by one press alone."""

    def __init__(self, desk: Desk, over: QWidget, *, family: Id, name: str, zone: str) -> None:
        super().__init__(over, theme().words.say("desk.pass.of", name=name), wide=760, high=560)
        self._desk, self._family, self._zone = desk, family, zone
        self._facts: PassFacts | None = None
        self._buttons: list[Button] = []
        sides = row(gap=20)
        self.picture = QLabel()
        self.picture.setFixedSize(theme().px(SIDE), theme().px(SIDE))
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setWordWrap(True)
        sides.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignTop)
        self.said: QVBoxLayout = column(gap=6)
        sides.addLayout(self.said, 1)
        self.body.addLayout(sides)
        self.body.addStretch(1)
        self.reload()

    def reload(self) -> None:
        """Read everything anew."""
        family = self._family
        self._desk.read("pass", lambda source: read_facts(source, family), then=self._show, failed=self._fail)
        self._desk.read(
            "pass.picture", lambda source: read_picture(source, family), then=self._draw, failed=self._no_picture
        )

    def _show(self, facts: PassFacts | None) -> None:
        self._facts = facts
        words = theme().words
        while (item := self.said.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        if facts is None:
            self.said.addWidget(Label(words.say("desk.pass.none_hint"), "text", token="muted", wrap=True))
            return
        if facts.shown is not None:
            at_ms, outcome = facts.shown
            known = f"outcome.{outcome}.title"
            verdict = words.say(known) if words.has(known) else outcome
            line = words.say("desk.pass.shown", when=words.datetime(at_ms, self._zone), verdict=verdict)
        else:
            line = words.say("desk.pass.never_shown")
        self.said.addWidget(Label(line, "text", wrap=True))
        self.said.addWidget(Label(words.say("desk.pass.history"), "label", token="muted"))
        for moment in facts.moments:
            self.said.addWidget(Label(self._sentence(moment), "text", wrap=True))
        self.said.addStretch(1)
        self._offer()

    def _sentence(self, moment: Moment) -> str:
        words = theme().words
        when = words.datetime(moment.at_ms, self._zone)
        if moment.what == "issued":
            known = f"desk.pass.was.{moment.why}"
            return words.say("desk.pass.moment", when=when, what=words.say(known) if words.has(known) else moment.why)
        known = f"desk.pass.off.{moment.why}"
        why = words.say(known) if words.has(known) else moment.why
        what = words.say("desk.pass.was_off", why=why) if why else words.say("desk.pass.revoked")
        return words.say("desk.pass.moment", when=when, what=what)

    def _draw(self, data: bytes) -> None:
        found = QPixmap()
        found.loadFromData(data)
        side = self.picture.width()
        self.picture.setFixedSize(side, side)
        self.picture.setPixmap(
            found.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.FastTransformation)
        )
        self.picture.setAccessibleName(theme().words.say("desk.pass.picture"))

    def _no_picture(self, trouble: Trouble) -> None:
        words = theme().words
        code = "desk.pass.no_picture" if trouble.code == "cloud.unreachable" else ""
        self.picture.setText(words.say(code) if code else trouble.sentence(words))
        side = self.picture.width()
        self.picture.setFixedHeight(max(side, self.picture.heightForWidth(side)))

    # --- switching off, making anew

    def _offer(self) -> None:
        """The deeds that are possible now; each asks once more."""
        facts, words = self._facts, theme().words
        if facts is None:
            return
        home, gone = facts.held.home, facts.held.revoked_at_ms is not None
        offers: list[tuple[str, str, Callable[[], object]]] = []
        if not gone and self._desk.may(Capability.REVOKE_PASS, location=home):
            offers.append((words.say("desk.pass.switch_off"), "plain", self._ask_off))
        if self._desk.may(Capability.ISSUE_PASS, location=home):
            offers.append((words.say("desk.pass.anew"), "primary" if gone else "plain", self._ask_anew))
        self._foot(offers)

    def _foot(self, offers: list[tuple[str, str, Callable[[], object]]]) -> None:
        for button in self._buttons:
            self.foot.removeWidget(button)
            button.deleteLater()
        below = len(offers) > 2 and theme().text_scale > 1.3
        self.foot.setDirection(self.foot.Direction.TopToBottom if below else self.foot.Direction.LeftToRight)
        self._buttons = [self.button(text, act, kind=kind) for text, kind, act in offers]

    def _ask_off(self) -> None:
        words = theme().words
        self.complain(words.say("desk.pass.why_off"))
        self._foot(
            [
                *((words.say(f"desk.pass.off.{why}"), "danger", lambda why=why: self._off(why)) for why in REASONS),
                (words.say("desk.cancel"), "plain", self._back),
            ]
        )

    def _ask_anew(self) -> None:
        words = theme().words
        self.complain(words.say("desk.pass.anew_means"))
        self._foot(
            [
                (words.say("desk.pass.anew"), "danger", self._anew),
                (words.say("desk.cancel"), "plain", self._back),
            ]
        )

    def _back(self) -> None:
        self.complain("")
        self._offer()

    def _off(self, why: str) -> None:
        if self._facts is not None:
            held = self._facts.held
            self._do(RevokePass(family=held.family, home=held.home, epoch=held.epoch, reason=why), "desk.pass.is_off")

    def _anew(self) -> None:
        if self._facts is not None:
            held, now_s = self._facts.held, self._desk.now().corrected // 1000
            because = "lost" if held.revoked_at_ms is None else "revoked"
            payload = IssuePass(
                family=held.family, home=held.home, handle=held.handle, issued_s=now_s,
                expires_s=now_s + self._facts.life_s, because=because,
            )  # fmt: skip
            self._do(payload, "desk.pass.is_asked")

    def _do(self, payload: RevokePass | IssuePass, told: str) -> None:
        self._foot([])
        self._desk.submit(payload, then=lambda receipt: self._done(receipt, told), failed=self._fail)

    def _done(self, receipt: Receipt, told: str) -> None:
        """Switched off holds at once; a new pass is the cloud's to make, so the family's page shows it when it is there."""
        outcome = receipt.outcome
        if outcome.stands or outcome.status.value == "waiting":
            self._desk.tell(told)
            self.close_overlay()
            return
        reason = outcome.reasons[0] if outcome.reasons else None
        code, params = (reason.code, reason.params) if reason else (f"outcome.{outcome.status.value}", {})
        self.complain(failure(code, params, theme().words))
        self._offer()

    def _fail(self, trouble: Trouble) -> None:
        self.complain(trouble.sentence(theme().words))
        self._offer()
