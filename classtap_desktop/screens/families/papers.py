"""What is on file of a child: papers with their scans, what was signed, and what classes ask for beyond an age."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFileDialog, QVBoxLayout, QWidget

from classtap_core.access.blueprints import Capability
from classtap_core.booking.policies import health_seen
from classtap_core.checkin.reading import fetch, search
from classtap_core.documents.operations import TakeBackConsent
from classtap_core.documents.records import Consents, Document
from classtap_core.eligibility.rules import Fulfilled, Membership
from classtap_core.health import rules
from classtap_core.health.operations import FilePaper, UnfilePaper
from classtap_core.health.records import HealthPaper, HealthRequirement
from classtap_core.health.scans import media_of
from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload, Resource
from classtap_core.people.learners import EditLearner, Learner, LearnerFacts
from classtap_core.people.records import Child, Contact, ContactMasked
from classtap_core.schedule.records import Location
from classtap_core.timekeeping.rules import local_date
from classtap_desktop.desk import Desk, Trouble
from classtap_desktop.kit import Button, Label, theme
from classtap_desktop.operator import Operator
from classtap_desktop.private_file import write_private
from classtap_desktop.screens.entries import Entries, Entry, Field, Values
from classtap_desktop.screens.form import Form
from classtap_desktop.screens.sheet import number, words
from classtap_desktop.source import DeskSource
from classtap_desktop.spacing import column, row

_FULFILLED = (
    Field("code", "desk.papers.done"), Field("verified", "desk.papers.verified", hint="desk.form.date_hint"),
    Field("expires", "desk.studio.expires", hint="desk.form.date_hint"),
)  # fmt: skip
_MEMBERSHIP = (
    Field("plan", "desk.papers.membership"), Field("first", "desk.studio.issued", hint="desk.form.date_hint"),
    Field("last", "desk.studio.expires", hint="desk.form.date_hint"),
)  # fmt: skip


class Signed(NamedTuple):
    """A document that was signed for the child and counts: which version, on which day, by whom."""

    document: Id
    name: str
    number: int
    day: str
    by: str
    guardian: Id
    program: str


class Papers(NamedTuple):
    """What is on file of a child, as its reader may see it. `kinds`: papers a studio asks for, by code; `today` at home.

    `papers` and `learner` are None where the reader may not see them. `files`: whether the reader may file papers.
    """

    child: Id
    family: Id
    home: Id
    name: str
    today: str
    kinds: tuple[tuple[str, str], ...]
    papers: tuple[HealthPaper, ...] | None
    signed: tuple[Signed, ...]
    learner: LearnerFacts | None
    files: bool


def read_papers(source: DeskSource, id: Id, operator: Operator | None) -> Papers | None:
    """Return what is on file of a child; None where they are not here."""
    reader, now_ms = source.reader, source.clock.now().corrected
    child = fetch(reader, Child, [id]).get(id)
    if child is None or operator is None:
        return None
    home = child.home
    place = fetch(reader, Location, [home]).get(home)
    zone = place.zone if place is not None else "UTC"
    parts = health_seen(reader, source.place.studio, operator.grants, at_ms=now_ms)(Resource(home))
    sees = reader.holds(f"health/{home}") and rules.Part.PAPERS in parts
    named = {one.paper: one.name for one in search(reader, HealthRequirement, "by_state")}
    papers = tuple(one for one in search(reader, HealthPaper, "by_child", id) if not one.void) if sees else None
    named |= {one.paper: one.paper for one in papers or () if one.paper not in named}
    learner = fetch(reader, Learner, [id]).get(id)
    facts = LearnerFacts() if reader.holds(f"health/{home}") else None
    if learner is not None:
        facts = LearnerFacts(**{name: getattr(learner, name) for name in LearnerFacts.__struct_fields__})
    return Papers(
        id, child.family, home, f"{child.given} {child.surname}".strip(), local_date(now_ms, zone),
        tuple(sorted(named.items(), key=lambda one: one[1].casefold())), papers, _signed(source, id, zone), facts,
        operator.may(Capability.EDIT_HEALTH, location=home, at_ms=now_ms),
    )  # fmt: skip


def _signed(source: DeskSource, child: Id, zone: str) -> tuple[Signed, ...]:
    """The newest signing of each document and program that was not taken back since."""
    reader = source.reader
    consents = fetch(reader, Consents, [child]).get(child)
    if consents is None:
        return ()
    documents = fetch(reader, Document, (one.document for one in consents.signings))
    ends = {(one.document, one.program): one.at_ms for one in consents.endings}
    newest = {
        (one.document, one.program): one
        for one in consents.signings
        if one.at_ms > ends.get((one.document, one.program), 0)
    }
    guardians = [one.guardian for one in newest.values()]
    names = {id: one.name for id, one in fetch(reader, ContactMasked, guardians).items()}
    names |= {id: one.name for id, one in fetch(reader, Contact, guardians).items()}
    return tuple(
        Signed(
            one.document, documents[one.document].name, one.number, local_date(one.at_ms, zone),
            names.get(one.guardian, ""), one.guardian, one.program,
        )
        for one in newest.values() if one.document in documents
    )  # fmt: skip


class PapersForm(Form):
    """Attributes: ``paper`` (the fields of one more), ``scan`` (its file), ``void`` and ``back`` (boxes by id)."""

    def __init__(self, desk: Desk, over: QWidget, found: Papers) -> None:
        say = theme().words.say
        super().__init__(desk, over, say("desk.papers.title", name=found.name), found.family, self.payloads)
        self._found = found
        self.void: dict[Id, QCheckBox] = {}
        self.back: dict[tuple[Id, str], QCheckBox] = {}
        self.paper: Entry | None = None
        self.scan: ScanField | None = None
        if found.papers is not None:
            self._on_file(found, found.papers)
        part = self.section("desk.papers.signed")
        for one in found.signed:
            text = say("desk.papers.signed_line", name=one.name, n=one.number, day=one.day, by=one.by)
            self.back[one.document, one.program] = self._line(part, text, "desk.papers.take_back")
        if not found.signed:
            part.addWidget(Label(say("desk.papers.nothing_signed"), "text", token="muted", wrap=True))
        self._learner(found.learner or LearnerFacts())
        self.body.addStretch(1)

    def _on_file(self, found: Papers, papers: Sequence[HealthPaper]) -> None:
        say, names = theme().words.say, dict(found.kinds)
        part = self.section("desk.papers.on_file")
        for one in papers:
            ended = bool(one.expires) and one.expires < found.today
            until = say("desk.papers.ended" if ended else "desk.papers.until", day=one.expires) if one.expires else ""
            text = " · ".join(filter(None, (names.get(one.paper, one.paper), one.issued, until)))
            self.void[one.id] = self._line(part, text, "desk.papers.void", file=one.file, late=ended)
        if not papers:
            part.addWidget(Label(say("desk.papers.none"), "text", token="muted", wrap=True))
        if not found.files:
            for box in self.void.values():
                box.setEnabled(False)
            return
        more = self.section("desk.papers.more")
        fields = (
            Field("paper", "desk.papers.kind", things=(("", "–"), *found.kinds)),
            Field("issued", "desk.studio.issued", hint="desk.form.date_hint"),
            Field("expires", "desk.studio.expires", hint="desk.form.date_hint"),
        )
        self.paper = Entry(fields, {}, removable=False)
        self.paper.changed.connect(self.note_change)
        more.addWidget(self.paper)
        self.scan = ScanField(self._desk, found.child, f"health/{found.home}")
        self.scan.changed.connect(self.note_change)
        more.addWidget(self.scan)

    def _line(
        self, part: QVBoxLayout, text: str, box_code: str, *, file: Blob | None = None, late: bool = False
    ) -> QCheckBox:
        """What is there, with a box to say that it no longer counts."""
        line = row(gap=10)
        line.addWidget(Label(text, "text", token="warn" if late else "ink", wrap=True), 1)
        if file is not None:
            save = Button(theme().words.say("desk.papers.copy"), size="small", kind="quiet")
            save.clicked.connect(lambda _=False: self._copy(file))
            line.addWidget(save)
        box = QCheckBox(theme().words.say(box_code))
        box.setAccessibleName(f"{box.text()}: {text}")
        box.toggled.connect(lambda _: self.note_change())
        line.addWidget(box)
        part.addLayout(line)
        return box

    def _learner(self, facts: LearnerFacts) -> None:
        part = self.section("desk.papers.learner")
        fields = (
            Field("grade", "desk.papers.grade"), Field("graded", "desk.papers.graded", hint="desk.form.date_hint"),
            Field("tags", "desk.studio.tags", hint="desk.studio.commas"),
        )  # fmt: skip
        grade = "" if facts.grade is None else str(facts.grade)
        self.learner = Entry(
            fields, {"grade": grade, "graded": facts.graded, "tags": ", ".join(facts.tags)}, removable=False
        )
        done: list[Values] = [
            {"code": one.code, "verified": one.verified, "expires": one.expires} for one in facts.prerequisites
        ]
        plans: list[Values] = [{"plan": one.plan, "first": one.first, "last": one.last} for one in facts.memberships]
        self.done = Entries(_FULFILLED, "desk.papers.more_done", done)
        self.plans = Entries(_MEMBERSHIP, "desk.papers.more_memberships", plans)
        for card in (self.learner, self.done, self.plans):
            card.changed.connect(self.note_change)
            card.setEnabled(self._found.learner is not None)
            part.addWidget(card)

    def payloads(self) -> list[Payload]:
        found = self._found
        said: list[Payload] = [
            UnfilePaper(child=found.child, paper=id) for id, box in self.void.items() if box.isChecked()
        ]
        said += [
            TakeBackConsent(child=found.child, guardian=one.guardian, document=one.document, program=one.program)
            for one in found.signed
            if self.back[one.document, one.program].isChecked()
        ]
        if self.paper is not None and self.scan is not None and self.paper.values()["paper"]:
            values = {name: str(value) for name, value in self.paper.values().items()}
            said.append(FilePaper(child=found.child, file=self.scan.blob, **values))
        wanted = self._wanted()
        if found.learner is not None and wanted != found.learner:
            said.append(EditLearner(child=found.child, base=found.learner, wanted=wanted))
        return said

    def _wanted(self) -> LearnerFacts:
        values = self.learner.values()
        return LearnerFacts(
            grade=number(values["grade"], least=-2) if values["grade"] else None, graded=str(values["graded"]),
            tags=words(values["tags"]),
            prerequisites=tuple(
                Fulfilled(str(one["code"]), str(one["verified"]), str(one["expires"])) for one in self.done.values()
            ),
            memberships=tuple(
                Membership(str(one["plan"]), str(one["first"]), str(one["last"])) for one in self.plans.values()
            ),
        )  # fmt: skip

    def _copy(self, file: Blob) -> None:
        ending = {"application/pdf": "pdf", "image/png": "png"}.get(file.type, "jpg")
        chosen, _ = QFileDialog.getSaveFileName(
            self, theme().words.say("desk.papers.copy"), f"{self._found.name}.{ending}"
        )
        if chosen:
            self._desk.do(partial(_written, file.hash, Path(chosen)), then=self._copied, failed=self._failed)

    def _copied(self, there: bool) -> None:
        self.complain("" if there else theme().words.say("desk.papers.not_here"))


def _written(hash: str, path: Path, source: DeskSource) -> bool:
    """Write a scan to a file for this user alone; False while it is not here. Raises EnvironmentFault."""
    data = source.album.picture(hash)
    if data is None:
        return False
    write_private(path, data)
    return True


class ScanField(QWidget):
    """A scan chosen from a file, kept sealed before the form is saved. Attributes: ``blob``. Signals: ``changed``."""

    changed = Signal()

    def __init__(self, desk: Desk, of: Id, scope: str) -> None:
        super().__init__()
        self._desk, self._of, self._scope = desk, of, scope
        self.blob: Blob | None = None
        whole = column(self, gap=6)
        line = row(gap=10)
        self.choose = Button(theme().words.say("desk.papers.scan"), size="small")
        self.choose.clicked.connect(lambda _=False: self._choose())
        self.said = Label(theme().words.say("desk.papers.scan_text"), "secondary", token="muted", wrap=True)
        line.addWidget(self.choose)
        line.addWidget(self.said, 1)
        whole.addLayout(line)

    def take(self, file: Path) -> None:
        """Use a file."""

        def keep(source: DeskSource) -> Blob:
            try:
                data = file.read_bytes()
            except OSError as error:
                raise EnvironmentFault("file.cannot_read", file=str(file), why=error.strerror or "") from error
            return source.album.scan(data, media_of(data), of=self._of, scope=self._scope)

        self.choose.setEnabled(False)
        self._desk.do(keep, then=lambda blob: self._kept(blob, file.name), failed=self._failed)

    def _choose(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self, self.choose.text(), "", "PDF, JPEG, PNG (*.pdf *.jpg *.jpeg *.png)"
        )
        if chosen:
            self.take(Path(chosen))

    def _kept(self, blob: Blob, name: str) -> None:
        self.blob = blob
        self._say(name, "ink")
        self.changed.emit()

    def _failed(self, trouble: Trouble) -> None:
        self._say(trouble.sentence(theme().words), "absent")

    def _say(self, text: str, token: str) -> None:
        self.choose.setEnabled(True)
        self.said.set_token(token)
        self.said.show_text(text)
