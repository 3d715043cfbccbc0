"""One child's pass to one session: asked of the cloud, with how often it admits; printed once it is there, or switched off."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from PySide6.QtWidgets import QComboBox, QFileDialog, QWidget

from classtap_core.access.blueprints import Capability
from classtap_core.checkin.attendees import (
    MOST_ENTRIES,
    AttendeePass,
    IssueAttendeePass,
    PassUse,
    RevokeAttendeePass,
    attendee_pass_id,
    pass_use_id,
)
from classtap_core.checkin.reading import fetch
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.tx import Ref
from classtap_core.passes.admission import admitted
from classtap_desktop.desk import Desk, Trouble, failure
from classtap_desktop.frame.dialog import CountField, Dialog, form, named
from classtap_desktop.kit import Button, Label, theme
from classtap_desktop.pass_cards import PassCard, sheet
from classtap_desktop.screens.roster.reading import RosterLine
from classtap_desktop.screens.sessions import SessionLine
from classtap_desktop.source import DeskSource
from resources.text import Catalogue

AFTER_S = 2 * 3_600
"""How long after its session's end a pass is good."""
WINDOWS = (("ever", 0), ("day", 86_400), ("hour", 3_600))
"""Within how long the entries are counted, in seconds; 0 for ever."""


class Held(NamedTuple):
    """The pass as it stands here, and how many it let in."""

    attendee: AttendeePass
    entries: int

    @property
    def revoked(self) -> bool:
        return any(word.epoch >= self.attendee.epoch for word in self.attendee.revoked)


def read_held(source: DeskSource, session: Id, child: Id) -> Held | None:
    """Return the child's pass to the session; None before one was asked for."""
    id = attendee_pass_id(source.place.studio, session, child)
    attendee = fetch(source.reader, AttendeePass, [id]).get(id)
    if attendee is None:
        return None
    use = fetch(source.reader, PassUse, [pass_use_id(id)]).get(pass_use_id(id))
    uses = () if use is None else use.uses
    limit, window_ms = attendee.entry_limit, attendee.entry_window_s * 1_000
    return Held(attendee, len(admitted(uses, limit=limit, window_ms=window_ms)))


class AttendeeDialog(Dialog):
    """What is asked for waits for the cloud; the dialog follows when it is there."""

    def __init__(self, desk: Desk, over: QWidget, *, line: RosterLine, session: SessionLine) -> None:
        words = theme().words
        super().__init__(over, words.say("desk.attendee.title", name=line.name), wide=640, high=460)
        self._desk, self._line, self._session = desk, line, session
        self.held: Held | None = None
        self._buttons: list[Button] = []
        about = words.join([session.name, session.when(words), session.where()])
        self.body.addWidget(Label(about, "text", wrap=True))
        self.entries = CountField(1, least=0, most=MOST_ENTRIES)
        self.within = QComboBox()
        for name, seconds in WINDOWS:
            self.within.addItem(words.say(f"desk.attendee.within.{name}"), seconds)
        fields = form()
        fields.addRow(named(self.entries, words.say("desk.attendee.entries")), self.entries)
        fields.addRow(named(self.within, words.say("desk.attendee.within")), self.within)
        self.body.addLayout(fields)
        self.state = Label("", "text", token="muted", wrap=True)
        self.body.addWidget(self.state)
        self.body.addStretch(1)
        desk.changed.connect(self._changed)
        self.closed.connect(lambda: desk.changed.disconnect(self._changed))
        self.reload()

    def reload(self) -> None:
        """Read how the pass stands."""
        session, child = self._session.id, self._line.child
        self._desk.read(
            "attendee", lambda source: read_held(source, session, child), then=self._show, failed=self._fail
        )  # fmt: skip

    def _changed(self, refs: frozenset[Ref]) -> None:
        if any(kind in (AttendeePass.KIND, PassUse.KIND) for kind, _ in refs):
            self.reload()

    def _show(self, held: Held | None) -> None:
        self.held = held
        words, place = theme().words, self._session.location
        may = self._desk.may(Capability.ISSUE_PASS, location=place)
        offers: list[tuple[str, str, Callable[[], object]]] = []
        if held is None:
            self.state.show_text(words.say("desk.attendee.none"))
            if may:
                offers.append((words.say("desk.attendee.issue"), "primary", self._issue))
        elif held.revoked:
            self.state.show_text(words.say("desk.attendee.off"))
            if may:
                offers.append((words.say("desk.attendee.again"), "primary", self._issue))
        else:
            limit = held.attendee.entry_limit
            code = "desk.attendee.stands" if limit else "desk.attendee.stands_any"
            self.state.show_text(words.say(code, n=held.entries, limit=limit))
            if self._desk.may(Capability.REVOKE_PASS, location=place):
                offers.append((words.say("desk.pass.switch_off"), "plain", self._off))
            if may:
                offers.append((words.say("desk.pass.print"), "primary", self._print))
        self.entries.setEnabled(held is None or held.revoked)
        self.within.setEnabled(held is None or held.revoked)
        for button in self._buttons:
            self.foot.removeWidget(button)
            button.deleteLater()
        self._buttons = [self.button(text, act, kind=kind) for text, kind, act in offers]

    # --- what the buttons do

    def _issue(self) -> None:
        now_s = self._desk.now().corrected // 1_000
        again = self.held is not None
        payload = IssueAttendeePass(
            session=self._session.id, child=self._line.child, handle=os.urandom(8).hex(), token=os.urandom(6).hex(),
            issued_s=now_s, expires_s=max(now_s, self._session.end_ms // 1_000) + AFTER_S,
            entry_limit=self.entries.value(), entry_window_s=int(self.within.currentData()), again=again,
        )  # fmt: skip
        self._desk.submit(payload, then=self._asked, failed=self._fail)

    def _asked(self, receipt: Receipt) -> None:
        outcome = receipt.outcome
        if outcome.status in (Status.WAITING, Status.ACCEPTED, Status.DUPLICATE):
            self.state.show_text(theme().words.say("desk.attendee.asked"))
            for button in self._buttons:
                button.setEnabled(False)
            return
        self._refused(receipt)

    def _off(self) -> None:
        if self.held is not None:
            payload = RevokeAttendeePass(
                session=self._session.id, child=self._line.child, epoch=self.held.attendee.epoch, reason="desk"
            )
            self._desk.submit(payload, then=self._refused, failed=self._fail)

    def _refused(self, receipt: Receipt) -> None:
        """Say why not; what stands is shown by the change it made."""
        if receipt.outcome.stands:
            return
        reason = receipt.outcome.reasons[0] if receipt.outcome.reasons else None
        code = reason.code if reason else f"outcome.{receipt.outcome.status.value}"
        self.complain(failure(code, reason.params if reason else {}, theme().words))

    def _print(self) -> None:
        words = theme().words
        file, _ = QFileDialog.getSaveFileName(
            self._over, words.say("desk.pass.print_title"), f"{self._line.name}.pdf", "PDF (*.pdf)"
        )
        if file:
            line, session = self._line, self._session
            self._desk.do(
                lambda source: write_card(source, line, session, Path(file), words),
                then=lambda done: self._desk.tell("desk.pass.printed", file=done.name), failed=self._fail,
            )  # fmt: skip

    def _fail(self, trouble: Trouble) -> None:
        self.complain(trouble.sentence(theme().words))


def write_card(source: DeskSource, line: RosterLine, session: SessionLine, file: Path, words: Catalogue) -> Path:
    """Ask the cloud for the text and write its card. Raises EnvironmentFault `cloud.unreachable`, Refused."""
    found = source.attendee_text(session.id, line.child)
    until = datetime.fromtimestamp(found.expires, tz=UTC).astimezone(ZoneInfo(session.zone)).date()
    name = words.join([line.name, session.name])
    file.write_bytes(sheet([PassCard(source.place_name(), name, found.text, until)], words, title=line.name))
    return file
