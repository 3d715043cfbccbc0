"""One room's map on the screen: its head with save and publish, the editor, and the dialogs over it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QMenu, QWidget

from classtap_core.kernel.tx import Ref
from classtap_core.seating import rules
from classtap_core.seating.model import Room, SeatMap
from classtap_core.seating.validation.findings import Violation
from classtap_core.seating.validation.telling import Teller
from classtap_desktop.canvas.dialogs.decision import DecisionDialog
from classtap_desktop.canvas.dialogs.difference import DifferenceDialog
from classtap_desktop.canvas.dialogs.export import ExportDialog
from classtap_desktop.canvas.dialogs.numbering import NumberingDialog
from classtap_desktop.canvas.dialogs.pattern import PatternDialog
from classtap_desktop.canvas.dialogs.question import Question
from classtap_desktop.canvas.dialogs.templates import TemplateDialog
from classtap_desktop.canvas.dialogs.underlay import UnderlayDialog, picture_of
from classtap_desktop.canvas.editor import Editor
from classtap_desktop.canvas.life.asking import LifeDialogs
from classtap_desktop.canvas.reading import Opened, read_library
from classtap_desktop.canvas.work import Work
from classtap_desktop.desk import Desk, Trouble, failure
from classtap_desktop.frame.overlay import Overlay
from classtap_desktop.kit import Button, Label, Pill, theme
from classtap_desktop.screens.sessions import ago
from classtap_desktop.spacing import column, grown, row

AROUND = frozenset({"seat_lock", "seat_comment", "seat_draft", "seat_map_version", "room_seating"})
"""Records of others that show on the page."""
EMPTY_ROOM = Room(width_um=10_000_000, length_um=8_000_000)


class MapPage(QWidget):
    """Attributes: ``work``, ``editor``, ``document``, ``dialogs`` (by name). Signals: ``left`` when the person goes back to the rooms."""

    left = Signal()

    def __init__(self, desk: Desk, opened: Opened, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        shown = opened.seat_map or SeatMap(name=opened.name, room=EMPTY_ROOM)
        whole = column(self)
        whole.addWidget(self._head())
        self.editor = Editor(shown)
        self.document = self.editor.document
        self.lock = Pill()
        self.editor.status.stand_beside(self.lock)
        self.work = Work(desk, self.document, opened._replace(seat_map=shown), self)
        whole.addWidget(self.editor, 1)
        self.dialogs: dict[str, Overlay] = {}
        self._told_of = ""
        self.life = LifeDialogs(self)
        self.editor.save_asked.connect(self.save_draft)
        self.editor.dialog_asked.connect(self.show_dialog)
        self.document.marked.connect(self.follow)
        self.editor.judge.judged.connect(lambda _map, _found: self.follow())
        self.work.saved.connect(self.follow)
        self.work.published.connect(self._published)
        self.work.refused.connect(self._refused)
        self.work.locked.connect(self._locked)
        self.work.failed.connect(self.fail)
        self.work.stood.connect(self._stood)
        desk.ticked.connect(self.work.look_around)
        desk.stood.connect(self.work.look_around)
        desk.changed.connect(self._touched)
        theme().changed.connect(self.say)
        self.document.readonly = not self.work.may_edit
        self.say()
        self._load_picture()
        self.work.look_around()
        if opened.recovered is not None and self.work.may_edit:
            self._offer_recovered(opened.recovered)

    def _head(self) -> QWidget:
        head = QWidget()
        head.setProperty("ground", "surface")
        head.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._head_grid = QGridLayout(head)
        self._head_grid.setContentsMargins(*(theme().px(length) for length in (10, 9, 16, 9)))
        self._head_grid.setHorizontalSpacing(theme().px(10))
        self._head_grid.setColumnStretch(0, 1)
        self._names, self._acts = QWidget(), QWidget()
        inside, acts = row(self._names, gap=10), row(self._acts, gap=10)
        self.back = Button("", kind="quiet", size="small", icon="arrow_back")
        self.back.clicked.connect(lambda _=False: self.leave())
        self.title = Label("", "strong", elide=True)
        self.pill = Pill()
        self.when = Label("", "secondary", token="muted", elide=True)
        self.versions = Button("", size="small", icon="clock")
        self.versions.clicked.connect(lambda _=False: self.life.show_versions())
        self.comments = Button("", size="small")
        self.comments.clicked.connect(lambda _=False: self.life.show_comments())
        self.more = Button("", size="small", trailing="chevron_down")
        self._menu = QMenu(self)
        self.more.clicked.connect(
            lambda _=False: self._menu.popup(self.more.mapToGlobal(QPoint(0, self.more.height())))
        )
        self.discard, self.compare, self.export = (self._menu.addAction("") for _ in range(3))
        self.discard.triggered.connect(lambda _=False: self._ask_discard())
        self.compare.triggered.connect(lambda _=False: self.show_dialog("difference"))
        self.export.triggered.connect(lambda _=False: self.show_dialog("export"))
        self.save = Button("", size="small")
        self.save.clicked.connect(lambda _=False: self.save_draft())
        self.publish = Button("", size="small", kind="primary")
        self.publish.clicked.connect(lambda _=False: self._publish())
        inside.addWidget(self.back)
        inside.addWidget(self.title)
        inside.addWidget(self.pill)
        inside.addWidget(self.when, 1)
        acts.addStretch(1)
        for button in (self.versions, self.comments, self.more, self.save, self.publish):
            acts.addWidget(button)
        self._head_grid.addWidget(self._names, 0, 0)
        self._spread_head()
        return head

    def _spread_head(self) -> None:
        """Put the buttons beside the room's name, or below it where large words leave it no room."""
        needed = (
            self._acts.sizeHint().width() + self.back.sizeHint().width() + self.pill.sizeHint().width() + grown(140)
        )
        self._head_grid.addWidget(self._acts, *((0, 1) if needed <= self.width() else (1, 0)))

    def close_page(self) -> None:
        """Keep what is not saved, give the lock back, end the threads."""
        self.work.keep_copy()
        self.work.close()
        self.editor.close_editor()

    def leave(self) -> None:
        """Back to the rooms; asks first where something is not saved."""
        if not self.document.unsaved or self.document.readonly:
            self.left.emit()
            return
        wrong = bool(self._wrong())
        question = Question(self, "map.leave_wrong" if wrong else "map.leave",
                            ("keep" if wrong else "save", "discard", "stay"))  # fmt: skip
        question.answered.connect(self._leave)
        question.open()

    def save_draft(self) -> None:
        """Save the draft, unless something is wrong with it: then say what (catalogue 15, requirements 3 and 5)."""
        wrong = self._wrong()
        if wrong:
            words, params = Teller(self.document.seat_map).told(wrong[0])
            said = theme().words
            self.editor.warn(said.say("map.told.save_blocked", why=said.say(words, **params)))
        else:
            self.work.save()

    def _wrong(self) -> tuple[Violation, ...]:
        """What is wrong with the map as it is now."""
        judge, seat_map = self.editor.judge, self.document.seat_map
        return judge.violations if judge.seat_map is seat_map else judge.checker_for(seat_map).violations()

    def _leave(self, answer: str) -> None:
        if answer == "save":
            self.work.saved.connect(self.left)
            self.work.save()
        elif answer == "keep":
            self.left.emit()  # closing the page keeps the copy that is offered when the room is opened again
        elif answer == "discard":
            self.work.discard_changes()
            self.document.saved()
            self.left.emit()

    # --- what is shown

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._spread_head()

    def say(self) -> None:
        """Show the words in the language in force."""
        words, opened = theme().words, self.work.opened
        self.back.show_text(words.say("map.back"))
        self.title.show_text(words.join([opened.place, opened.name], by=" / "))
        for name in ("versions", "more", "save"):
            button: Button = getattr(self, name)
            button.show_text(words.say(f"map.head.{name}"))
        for name in ("discard", "compare", "export"):
            getattr(self, name).setText(words.say(f"map.head.{name}"))
        self.follow()

    def follow(self) -> None:
        """Show whether it is saved, and whether it may be published."""
        if not hasattr(self, "work"):
            return
        words, opened, document = theme().words, self.work.opened, self.document
        unsaved = document.unsaved
        state = "unsaved" if unsaved else opened.state if opened.draft else "in_force" if opened.based_on else "new"
        tone = {"unsaved": "warn", "in_force": "present", "published": "present", "approved": "present"}.get(
            state, "late"
        )
        self.pill.show_pill(
            words.say(f"map.state.{state}", version=opened.based_on + 1), tone, "dot" if unsaved else None
        )
        self.pill.setMinimumWidth(self.pill.sizeHint().width())  # the name before it gives way first
        now = self.desk.now().corrected
        self.when.show_text(
            words.say("map.saved", ago=ago(self.work.saved_ms, now, words)) if self.work.saved_ms else ""
        )
        self._follow_others()
        allowed = self.work.may_publish
        self.publish.show_text(words.say("map.head.publish" if allowed else "map.head.submit"))
        if self.work.may_decide:
            self.publish.show_text(words.say("map.head.decide"))
        wrong = bool(self.editor.judge.violations) or self.editor.judge.seat_map is not document.seat_map
        self.publish.setEnabled((not wrong and not self.document.readonly and bool(document.seat_map.spots))
                                or (opened.state == rules.APPROVED and allowed) or self.work.may_decide)  # fmt: skip
        self.publish.setToolTip(words.say("map.head.blocked") if wrong else "")
        able = not self.document.readonly and (unsaved or not opened.draft) and not self.work.saving
        self.save.setEnabled(able and not wrong)
        self.save.setToolTip(words.say("map.head.blocked") if wrong else "")
        self.discard.setEnabled(unsaved)
        self.compare.setEnabled(opened.published is not None)

    def show_dialog(self, name: str) -> None:
        """Open one of the dialogs over the editor."""
        if name == "versions":
            self.life.show_versions()
        elif name == "comments":
            self.life.show_comments()
        elif name in ("export", "difference", "decision") or self.editor.may_change():
            if name == "templates":
                self.desk.read("maps.library", read_library, then=lambda found: self._open(name, found))
            else:
                self._open(name, None)

    def _open(self, name: str, found: object) -> None:
        made: dict[str, object] = {
            "numbering": lambda: NumberingDialog(self, self.editor),
            "templates": lambda: TemplateDialog(self, self.editor, self.work, found),  # type: ignore[arg-type]
            "pattern": lambda: PatternDialog(self, self.editor),
            "underlay": lambda: UnderlayDialog(self, self.editor, self.desk),
            "export": lambda: ExportDialog(self, self.editor),
            "decision": lambda: DecisionDialog(self, self.work),
            "difference": lambda: DifferenceDialog(self, self.editor, self.work.opened.published),
        }
        self.show_over(name, made[name]())  # type: ignore[operator]

    def show_over(self, name: str, dialog: Overlay) -> None:
        """Open a dialog over the editor, in place of the one of its name."""
        before = self.dialogs.pop(name, None)
        if before is not None:
            before.close_overlay()
            before.deleteLater()
        self.dialogs[name] = dialog
        dialog.open()

    def _publish(self) -> None:
        if self.work.may_decide:
            self.show_dialog("decision")
        elif self.work.may_publish:
            self.life.ask_reach()
        else:
            self.work.save(then_submit=True)

    # --- what others do

    def _touched(self, refs: frozenset[Ref]) -> None:
        if any(kind in AROUND for kind, _ in refs):
            self.work.look_around()

    def _stood(self) -> None:
        self.document.readonly = not self.work.may_edit
        self.follow()
        refusal = self.work.refusal
        if refusal is not None and refusal.operation != self._told_of:
            self._told_of = refusal.operation
            if self.work.may_publish:
                self.life.ask_reach()
            else:
                self._refused([(code, dict(params)) for code, params in refusal.reasons])

    def _follow_others(self) -> None:
        """Who else edits and since when; how much was said; why it was sent back."""
        words, around, opened = theme().words, self.work.around, self.work.opened
        locked = around is not None and bool(around.locked_by)
        self.lock.setVisible(locked)
        if around is not None and locked:
            since = words.time(around.locked_ms, opened.zone)
            self.lock.show_pill(words.say("map.locked_since", name=around.locked_by, time=since), "warn", "lock")
        count = around.comments if around is not None else 0
        self.comments.show_text(words.say_n("map.head.comments", count))
        self.comments.setEnabled(bool(opened.draft))
        if around is not None and around.decision and opened.state == rules.DRAFT:
            said = words.say("map.sent_back", name=around.decided_by or "–", text=around.decision)
            self.when.show_text(said)

    def _published(self, status: str) -> None:
        self.document.readonly = True
        self.desk.tell(f"map.told.published_{status}", tone="info" if status in ("waiting", "asked") else "present")
        self.follow()

    def _refused(self, reasons: list[tuple[str, dict[str, object]]]) -> None:
        words = theme().words
        lines = [failure(code, params, words) for code, params in reasons[:6]]  # type: ignore[arg-type]
        self.editor.warn("\n".join(lines))
        self.follow()

    def _locked(self, reasons: list[tuple[str, dict[str, object]]]) -> None:
        words, params = theme().words, reasons[0][1] if reasons else {}
        since = words.time(int(str(params["since_ms"])), self.work.opened.zone) if "since_ms" in params else ""
        self.editor.warn(words.say("map.told.locked_by_other", time=since))
        self.work.look_around()

    def fail(self, trouble: Trouble) -> None:
        """Say what failed, over the board."""
        self.editor.warn(trouble.sentence(theme().words))
        self.follow()

    def _ask_discard(self) -> None:
        question = Question(self, "map.discard", ("discard", "stay"))
        question.answered.connect(lambda answer: self.work.discard_changes() if answer == "discard" else None)
        question.open()

    def _offer_recovered(self, recovered: SeatMap) -> None:
        question = Question(self, "map.recovered", ("recover", "discard"))

        def answered(answer: str) -> None:
            if answer == "recover":
                self.document.load(recovered, recovered=True)
                self.editor.board.fit_on_resize()
            elif answer == "discard":
                self.work._keep(None)

        question.answered.connect(answered)
        question.open()

    def _load_picture(self) -> None:
        background = self.document.seat_map.background
        if background is not None:
            name = background.blob
            self.desk.read(
                "maps.picture",
                lambda source: source.kept(f"picture/{name}"),
                then=lambda data: self.editor.show_picture(picture_of(data, background.media_type) if data else None),
            )
