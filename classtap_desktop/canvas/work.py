"""One room's map being worked on: loading, saving drafts, the recovery copy, the lock, asking for approval, publishing."""

from __future__ import annotations

import json
import os

from PySide6.QtCore import QObject, QTimer, Signal

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.ids import Id, fresh
from classtap_core.kernel.outcomes import Status
from classtap_core.seating import rules
from classtap_core.seating.documents import packed
from classtap_core.seating.locking import ReleaseLock, TakeLock
from classtap_core.seating.model import SeatMap
from classtap_core.seating.operations import DecideDraft, DiscardDraft, SaveDraft, SubmitDraft
from classtap_core.seating.presets import SavePreset
from classtap_core.seating.publishing import PublishSeatMap, RollBack
from classtap_core.seating.templates import Template, template_plain
from classtap_core.seating.versions import unsettled
from classtap_desktop.canvas.document import Document
from classtap_desktop.canvas.life.reach import Reach
from classtap_desktop.canvas.life.reading import (
    Around,
    Asked,
    Refusal,
    keep_asked,
    read_around,
    reasons_of,
    sessions_to_come,
)
from classtap_desktop.canvas.reading import Opened, keep_recovery
from classtap_desktop.desk import Desk, Trouble

RECOVER_AFTER_MS = 2_000
RENEW_MS = 5 * 60_000


class Work(QObject):
    """Attributes: ``opened`` (the room and its draft as last read or saved), ``saved_ms`` (0: never), ``saving``,
    ``around`` (what others do to the room meanwhile; None before it was read).

    Signals: ``saved`` when a draft is kept, ``published(status)`` when a publish was taken or waits for the cloud,
    ``refused(reasons)`` with codes and parameters, ``failed(trouble)``, ``locked(reasons)`` when somebody else edits,
    ``stood`` when ``around`` was read anew.
    """

    saved = Signal()
    published = Signal(str)
    refused = Signal(object)
    failed = Signal(object)
    locked = Signal(object)
    stood = Signal()

    def __init__(self, desk: Desk, document: Document, opened: Opened, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.desk, self.document, self.opened = desk, document, opened
        self.saved_ms = opened.saved_ms
        self.saving = False
        self.around: Around | None = None
        self._closed = False
        self._sent: Asked | None = None
        self._active = False
        self._draft = opened.draft or fresh(desk.now().corrected, os.urandom)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.keep_copy)
        self._renewing = QTimer(self)
        self._renewing.timeout.connect(self._renew)
        self._touched = False
        document.marked.connect(self._changed)  # `changed` comes while the step is not counted yet

    def close(self) -> None:
        """Nobody works on it any more: give the lock back."""
        self._closed = True
        self._timer.stop()
        self._renewing.stop()
        if self._touched and self.desk.operator is not None:
            # nobody waits for the answer: the window may be gone before it comes
            release = ReleaseLock(room=self.opened.room, location=self.opened.location)
            self.desk.source.submit(release, self.desk.operator.author)

    # --- what a person asks for

    @property
    def may_edit(self) -> bool:
        """Whether the person here may change maps, and this draft is open."""
        allowed = self.desk.may(Capability.EDIT_SEATMAP, location=self.opened.location)
        return allowed and self.opened.state == rules.DRAFT

    @property
    def may_decide(self) -> bool:
        """Whether the person here may approve what waits, or send it back."""
        allowed = self.desk.may(Capability.PUBLISH_SEATMAP, location=self.opened.location)
        return allowed and self.opened.state == rules.PENDING

    @property
    def may_publish(self) -> bool:
        """Whether the person here may publish, or must ask for approval."""
        allowed = self.desk.may(Capability.PUBLISH_SEATMAP, location=self.opened.location)
        return allowed and (not self.opened.approval or self.opened.state == rules.APPROVED)

    @property
    def may_roll_back(self) -> bool:
        """Whether the person here may bring an earlier version back."""
        return self.desk.may(Capability.PUBLISH_SEATMAP, location=self.opened.location)

    @property
    def may_comment(self) -> bool:
        """Whether the person here may say something about drafts and versions."""
        return self.desk.may(Capability.EDIT_SEATMAP, location=self.opened.location)

    def look_around(self) -> None:
        """Read what others did to the room and the draft."""
        room, draft = self.opened.room, self.opened.draft
        self.desk.read(
            f"maps.around.{room}", lambda source: read_around(source, room, draft), then=self._stand,
            failed=lambda _trouble: None,
        )  # fmt: skip

    def _stand(self, around: Around) -> None:
        if self._closed:
            return
        self.around = around
        self.opened = self.opened._replace(head=around.head)
        if around.state and around.revision == self.opened.revision:
            waits = self._waits(around)
            self.opened = self.opened._replace(state=rules.PENDING if waits else around.state)
            if around.asked is not None and around.state == rules.PUBLISHED:
                self.answered()
        self.stood.emit()

    def _waits(self, around: Around) -> bool:
        """Whether a publish of this very draft waits for the cloud."""
        asked = around.asked or self._sent  # what was kept a moment ago may not have been read yet
        return asked is not None and asked.revision == self.opened.revision and around.refusal is None

    @property
    def refusal(self) -> Refusal | None:
        """The cloud's no to what was published from this draft as it is, until somebody has seen to it."""
        around = self.around
        if around is None or around.refusal is None or around.asked is None:
            return None
        return around.refusal if around.asked.revision == self.opened.revision else None

    def save(self, *, then_publish: Reach | None = None, then_submit: bool = False) -> None:
        """Save the draft; afterwards publish it to these classes, or ask for approval, where that is wanted."""
        if self.saving:
            return
        if not self.document.unsaved and self.opened.draft:
            self._after_save(then_publish, then_submit)
            return
        self.saving = True
        seat_map = self.document.seat_map
        payload = SaveDraft(
            draft=Id(self._draft), room=self.opened.room, location=self.opened.location, name=seat_map.name,
            document=packed(seat_map), base=self.opened.revision, based_on=self.opened.based_on,
        )  # fmt: skip

        def kept(receipt: Receipt) -> None:
            self.saving = False
            if not receipt.outcome.stands:
                self.refused.emit(reasons_of(receipt.outcome))
                return
            beside = next(
                (one.params.get("draft") for one in receipt.outcome.reasons if one.code == "seatdraft.kept_beside"),
                None,
            )
            self._draft = str(beside or self._draft)
            self.saved_ms = self.desk.now().corrected
            self.opened = self.opened._replace(
                draft=self._draft, revision=receipt.operation, saved_ms=self.saved_ms, seat_map=seat_map
            )
            if self.document.seat_map is seat_map:
                self.document.saved()
                self._timer.stop()
                self._keep(None)
            if self._touched:
                self.take_lock()
            self.saved.emit()
            if beside:
                self.refused.emit([("seatdraft.kept_beside", {})])
            self._after_save(then_publish, then_submit)

        self.desk.submit(payload, then=kept, failed=self._failed)

    def _after_save(self, publish: Reach | None, submit: bool) -> None:
        if publish is not None:
            self._publish(publish)
        elif submit:
            self._ask()

    def _publish(self, reach: Reach) -> None:
        payload = PublishSeatMap(
            room=self.opened.room, location=self.opened.location, head=self.opened.head, sessions=reach.sessions,
            alone=reach.alone, since=reach.since, draft=Id(self._draft), revision=Id(self.opened.revision),
            moves=reach.moves,
        )  # fmt: skip
        self.answered()
        self.desk.submit(payload, then=self._told_of_publish, failed=self._failed)

    def roll_back(self, to: int, reach: Reach) -> None:
        """Bring an earlier version back for these classes."""
        payload = RollBack(
            room=self.opened.room, location=self.opened.location, head=self.opened.head, sessions=reach.sessions,
            alone=reach.alone, since=reach.since, to=to,
        )  # fmt: skip

        def told(receipt: Receipt) -> None:
            if receipt.outcome.stands or receipt.outcome.status is Status.WAITING:
                self.desk.tell("map.told.rolled_back", tone="info", version=to)
            else:
                self.refused.emit(reasons_of(receipt.outcome))

        self.desk.submit(payload, then=told, failed=self._failed)

    def answered(self) -> None:
        """Somebody has seen the cloud's answer to the last publish: it need not be shown again."""
        self._sent = None
        refusal, room = None if self.around is None else self.around.refusal, self.opened.room
        if refusal is not None:
            self.desk.do(lambda source: source.seen(refusal.operation))
        self.desk.do(lambda source: keep_asked(source, room, None))

    def _told_of_publish(self, receipt: Receipt) -> None:
        outcome = receipt.outcome
        if outcome.status in (Status.ACCEPTED, Status.DUPLICATE, Status.WAITING):
            waits = outcome.status is Status.WAITING  # until the cloud answers it is read-only, as one that is pending
            self.opened = self.opened._replace(state=rules.PENDING if waits else rules.PUBLISHED)
            if waits:
                room = self.opened.room
                self._sent = asked = Asked(receipt.operation, Id(self._draft), Id(self.opened.revision))
                self.desk.do(lambda source: keep_asked(source, room, asked), then=lambda _done: self.look_around())
            self.published.emit(str(outcome.status))
        else:
            self.refused.emit(reasons_of(outcome))

    def _ask(self) -> None:
        payload = SubmitDraft(draft=Id(self._draft), location=self.opened.location, revision=Id(self.opened.revision))

        def asked(receipt: Receipt) -> None:
            if receipt.outcome.stands:
                self.opened = self.opened._replace(state=rules.PENDING)
                self.published.emit("asked")
            else:
                self.refused.emit(reasons_of(receipt.outcome))

        self.desk.submit(payload, then=asked, failed=self._failed)

    def discard_changes(self) -> None:
        """Go back to what was saved last, or to what is in force."""
        kept = self.opened.seat_map
        if kept is not None:
            self._timer.stop()
            self._keep(None)
            self.document.load(kept)

    def discard_draft(self) -> None:
        """Put the draft away."""
        if self.opened.revision:
            payload = DiscardDraft(
                draft=Id(self._draft), location=self.opened.location, revision=Id(self.opened.revision)
            )
            self.desk.submit(payload, then=lambda _receipt: self.published.emit("discarded"), failed=self._failed)

    def save_preset(self, template: Template, base: str = "") -> None:
        """Keep a template for the whole organisation under its name."""
        text = json.dumps(template_plain(template), ensure_ascii=False)

        def kept(receipt: Receipt) -> None:
            if receipt.outcome.stands:
                self.desk.tell("map.told.preset", name=template.name)
            else:
                self.refused.emit(reasons_of(receipt.outcome))

        self.desk.submit(SavePreset(name=template.name, template=text, base=base), then=kept, failed=self._failed)

    def decide(self, *, approve: bool, comment: str) -> None:
        """Approve the draft as it was opened, or send it back with a reason."""
        if self.desk.operator is None:
            return
        payload = DecideDraft(
            draft=Id(self._draft), location=self.opened.location, revision=Id(self.opened.revision), approve=approve,
            decider=self.desk.operator.id, comment=comment,
        )  # fmt: skip

        def told(receipt: Receipt) -> None:
            if receipt.outcome.stands or receipt.outcome.status is Status.WAITING:
                state = rules.APPROVED if approve else rules.DRAFT
                self.opened = self.opened._replace(state=state)
                self.published.emit("decided")
            else:
                self.refused.emit(reasons_of(receipt.outcome))

        self.desk.submit(payload, then=told, failed=self._failed)

    def take_lock(self) -> None:
        """Say that this room's map is being edited; without the cloud the question waits and editing goes on.

        Spots in force that the draft moves or drops cannot be booked meanwhile, in any class to come.
        """
        self._active = False
        room, location, published = self.opened.room, self.opened.location, self.opened.published
        spots = () if published is None else unsettled(published, self.document.seat_map)
        if not spots:
            self._lock(TakeLock(room=room, location=location))
            return
        self.desk.read(
            "maps.lock", lambda source: sessions_to_come(source, room, location),
            then=lambda ids: self._lock(TakeLock(room=room, location=location, sessions=ids, spots=spots)),
            failed=lambda _trouble: None,
        )  # fmt: skip

    def _lock(self, payload: TakeLock) -> None:
        def told(receipt: Receipt) -> None:
            if receipt.outcome.status is Status.REFUSED and not self._closed:
                self.locked.emit(reasons_of(receipt.outcome))

        if not self._closed:
            self.desk.submit(payload, then=told, failed=lambda _trouble: None)

    def _renew(self) -> None:
        """The lock ends by itself after 15 idle minutes: only who has changed something since keeps it."""
        if self._active:
            self.take_lock()

    # --- the recovery copy

    def _changed(self) -> None:
        if self.document.unsaved:
            self._timer.start(RECOVER_AFTER_MS)
            self._active = True
            if not self._touched:
                self._touched = True
                self.take_lock()
                self._renewing.start(RENEW_MS)

    def keep_copy(self) -> None:
        """Keep what is not saved yet where a crash cannot take it: in the encrypted store, never in a plain file."""
        if self.document.unsaved:
            self._keep(self.document.seat_map)

    def _keep(self, seat_map: SeatMap | None) -> None:
        room, revision = self.opened.room, self.opened.revision
        self.desk.do(lambda source: keep_recovery(source, room, revision, seat_map), failed=self._failed)

    def _failed(self, trouble: Trouble) -> None:
        self.saving = False
        self.failed.emit(trouble)
