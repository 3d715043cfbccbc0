"""One room's map being worked on: loading, saving drafts, the recovery copy, the lock, asking for approval, publishing."""

from __future__ import annotations

import json
import os

from PySide6.QtCore import QObject, QTimer, Signal

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.ids import Id, fresh
from classtap_core.kernel.outcomes import Outcome, Status
from classtap_core.seating import rules
from classtap_core.seating.documents import packed
from classtap_core.seating.locking import ReleaseLock, TakeLock
from classtap_core.seating.model import SeatMap
from classtap_core.seating.operations import DecideDraft, DiscardDraft, SaveDraft, SubmitDraft
from classtap_core.seating.presets import SavePreset
from classtap_core.seating.publishing import PublishSeatMap
from classtap_core.seating.templates import Template, template_plain
from classtap_desktop.canvas.document import Document
from classtap_desktop.canvas.reading import Opened, keep_recovery, sessions_to_come
from classtap_desktop.desk import Desk, Trouble

RECOVER_AFTER_MS = 2_000
RENEW_MS = 5 * 60_000


class Work(QObject):
    """Attributes: ``opened`` (the room and its draft as last read or saved), ``saved_ms`` (0: never), ``saving``.

    Signals: ``saved`` when a draft is kept, ``published(status)`` when a publish was taken or waits for the cloud,
    ``refused(reasons)`` with codes and parameters, ``failed(trouble)``, ``locked(reasons)`` when somebody else edits.
    """

    saved = Signal()
    published = Signal(str)
    refused = Signal(object)
    failed = Signal(object)
    locked = Signal(object)

    def __init__(self, desk: Desk, document: Document, opened: Opened, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.desk, self.document, self.opened = desk, document, opened
        self.saved_ms = opened.saved_ms
        self.saving = False
        self._draft = opened.draft or fresh(desk.now().corrected, os.urandom)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.keep_copy)
        self._renewing = QTimer(self)
        self._renewing.timeout.connect(self.take_lock)
        self._touched = False
        document.changed.connect(self._changed)

    def close(self) -> None:
        """Nobody works on it any more: give the lock back."""
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

    def save(self, *, then_publish: bool = False, then_submit: bool = False) -> None:
        """Save the draft; afterwards publish it, or ask for approval, where that is wanted."""
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
                self.refused.emit(_reasons(receipt.outcome))
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
            self.saved.emit()
            if beside:
                self.refused.emit([("seatdraft.kept_beside", {})])
            self._after_save(then_publish, then_submit)

        self.desk.submit(payload, then=kept, failed=self._failed)

    def _after_save(self, publish: bool, submit: bool) -> None:
        if publish:
            self._publish()
        elif submit:
            self._ask()

    def _publish(self) -> None:
        room, location = self.opened.room, self.opened.location
        self.desk.read(
            "maps.sessions",
            lambda source: sessions_to_come(source, room, location),
            then=self._publish_for,
            failed=self._failed,
        )

    def _publish_for(self, sessions: tuple[Id, ...]) -> None:
        payload = PublishSeatMap(
            room=self.opened.room, location=self.opened.location, head=self.opened.head, sessions=sessions,
            draft=Id(self._draft), revision=Id(self.opened.revision),
        )  # fmt: skip
        self.desk.submit(payload, then=self._told_of_publish, failed=self._failed)

    def _told_of_publish(self, receipt: Receipt) -> None:
        outcome = receipt.outcome
        if outcome.status in (Status.ACCEPTED, Status.DUPLICATE, Status.WAITING):
            self.opened = self.opened._replace(
                state=rules.PENDING if outcome.status is Status.WAITING else rules.PUBLISHED
            )
            self.published.emit(str(outcome.status))
        else:
            self.refused.emit(_reasons(outcome))

    def _ask(self) -> None:
        payload = SubmitDraft(draft=Id(self._draft), location=self.opened.location, revision=Id(self.opened.revision))

        def asked(receipt: Receipt) -> None:
            if receipt.outcome.stands:
                self.opened = self.opened._replace(state=rules.PENDING)
                self.published.emit("asked")
            else:
                self.refused.emit(_reasons(receipt.outcome))

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
                self.refused.emit(_reasons(receipt.outcome))

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
                self.refused.emit(_reasons(receipt.outcome))

        self.desk.submit(payload, then=told, failed=self._failed)

    def take_lock(self) -> None:
        """Say that this room's map is being edited; without the cloud the question waits and editing goes on."""

        def told(receipt: Receipt) -> None:
            if receipt.outcome.status is Status.REFUSED:
                self.locked.emit(_reasons(receipt.outcome))

        self.desk.submit(
            TakeLock(room=self.opened.room, location=self.opened.location), then=told, failed=lambda _trouble: None
        )

    # --- the recovery copy

    def _changed(self, _before: SeatMap, _after: SeatMap) -> None:
        if self.document.unsaved:
            self._timer.start(RECOVER_AFTER_MS)
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


def _reasons(outcome: Outcome) -> list[tuple[str, dict[str, object]]]:
    """Every reason of an outcome and of its items, each once."""
    found = [*outcome.reasons, *(reason for item in outcome.items for reason in item.reasons)]
    unique: dict[tuple[object, ...], tuple[str, dict[str, object]]] = {}
    for one in found:
        unique.setdefault((one.code, tuple(sorted(one.params.items()))), (one.code, dict(one.params)))
    if not unique and outcome.needs:
        return [("not_held", {"scope": outcome.needs[0]})]
    return list(unique.values())
