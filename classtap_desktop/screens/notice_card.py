"""What needs a person: changed results, each with a button that says it has been seen."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from classtap_core.contesting.choices import RETRY, Choice
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.outcomes import Outcome, Status
from classtap_core.kernel.tx import Ref
from classtap_core.seating.records import SeatDraft
from classtap_desktop.desk import Desk
from classtap_desktop.kit import Button, Card, Label, Rule, theme
from classtap_desktop.kit.notice_words import done_words, why_not
from classtap_desktop.screens import map_news
from classtap_desktop.screens.map_news import MapNews, read_map_news
from classtap_desktop.screens.notices import NoticeLine, read_notices, sentence
from classtap_desktop.screens.sessions import ago
from classtap_desktop.spacing import column, row


class NoticeCard(Card):
    """Attributes: ``lines`` and ``news`` (what is shown). Reads by itself whenever the standing changes."""

    def __init__(self, desk: Desk, asker: str, parent: QWidget | None = None, *, maps: bool = False) -> None:
        """`maps`: also what the one who signed in should hear of seat maps."""
        super().__init__(radius=18, parent=parent)
        self._desk, self._asker = desk, asker
        self.lines: tuple[NoticeLine, ...] = ()
        self.news: tuple[MapNews, ...] = ()
        inside = column(self, margins=(18, 15, 12, 14), gap=10)
        self.title = Label("", "strong")
        self.nothing = Label("", "text", token="muted", wrap=True)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeading)
        self.nothing.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside.addWidget(self.title)
        inside.addWidget(self.nothing)
        inside.addWidget(self.area, 1)
        self.summary: list[str] = []
        self.all, self.save = Button("", size="small"), Button("", size="small", kind="quiet")
        self.all.clicked.connect(lambda _=False: self.choose_recommended())
        self.save.clicked.connect(lambda _=False: self._choose_summary())
        for button in (self.all, self.save):
            inside.addWidget(button, 0, Qt.AlignmentFlag.AlignLeading)
        desk.stood.connect(self.reload)
        desk.operated.connect(self._operated)
        if maps:
            desk.operated.connect(self.hear)
            desk.changed.connect(self._changed)
        self.say()

    def reload(self) -> None:
        """Read what has not been seen and concerns who signed in."""
        operator = self._desk.operator
        if operator is not None:
            self._desk.read(self._asker, lambda source: read_notices(source, operator), then=self._show)

    def _operated(self) -> None:
        """Nothing of one person's stands before the next."""
        self.summary.clear()
        self.lines = ()
        self._fill()
        self.reload()

    def hear(self) -> None:
        """Read the news of seat maps: when somebody signs in, and when a draft changed. Drafts are whole maps, too long
        to be read with every mark."""
        operator = self._desk.operator
        if operator is not None:
            self._desk.read(f"{self._asker}.maps", lambda source: read_map_news(source, operator), then=self._hear)

    def _changed(self, refs: frozenset[Ref]) -> None:
        if any(kind == SeatDraft.KIND for kind, _ in refs):
            self.hear()

    def say(self) -> None:
        """Show the words in the language in force."""
        words = theme().words
        self.title.show_text(words.say("desk.notices.title"))
        self.nothing.show_text(words.say("desk.notices.none"))
        self.all.show_text(words.say("desk.choice.all"))
        self.save.show_text(words.say("desk.choice.save"))
        self._fill()

    def _show(self, lines: tuple[NoticeLine, ...]) -> None:
        if lines != self.lines:
            self.lines = lines
            self._fill()

    def _hear(self, news: tuple[MapNews, ...]) -> None:
        if news != self.news:
            self.news = news
            self._fill()

    def _fill(self) -> None:
        self.nothing.setVisible(not self.lines and not self.news)
        self.area.setVisible(bool(self.lines or self.news))
        self.all.setVisible(sum(bool(line.choices) for line in self.lines) > 1)
        self.save.setVisible(bool(self.summary))
        inside = QWidget()
        margins = (8, 0, 0, 0) if theme().rtl else (0, 0, 8, 0)  # Qt mirrors rows, and no margins
        whole: QVBoxLayout = column(inside, margins=margins, gap=10)
        blocks = [self._news(one) for one in self.news] + [self._line(line) for line in self.lines]
        for block in blocks:
            if block is not blocks[0]:
                whole.addWidget(Rule())
            whole.addLayout(block)
        whole.addStretch(1)
        self.area.setWidget(inside)

    def _line(self, line: NoticeLine) -> QVBoxLayout:
        words = theme().words
        block = column(gap=4)
        said = Label(sentence(line, words), "text", wrap=True)
        foot = row(gap=8)
        foot.addWidget(Label(ago(line.at_ms, self._desk.now().corrected, words), "secondary", token="muted"), 1)
        block.addWidget(said)
        block.addLayout(foot)
        if not line.choices:
            seen = Button(words.say("desk.notices.seen"), size="small", kind="quiet")
            seen.clicked.connect(lambda _=False: self._see(line))
            foot.addWidget(seen)
            return block
        for choice in line.choices:
            first = choice is line.choices[0]
            button = Button(words.say(f"desk.choice.{choice.code}"), size="small", kind="plain" if first else "quiet")
            button.clicked.connect(lambda _=False, choice=choice: self.choose(line, choice))
            block.addWidget(button, 0, Qt.AlignmentFlag.AlignLeading)
        return block

    def _news(self, news: MapNews) -> QVBoxLayout:
        words = theme().words
        block, foot = column(gap=4), row(gap=8)
        block.addWidget(Label(map_news.said(news, words), "text", wrap=True))
        foot.addWidget(Label(ago(news.at_ms, self._desk.now().corrected, words), "secondary", token="muted"), 1)
        shown = Button(words.say("desk.map_news.open"), size="small")
        shown.clicked.connect(lambda _=False: self._desk.open("seatmaps"))
        seen = Button(words.say("desk.notices.seen"), size="small", kind="quiet")
        seen.clicked.connect(lambda _=False: self._heard(news))
        for button in (shown, seen):
            foot.addWidget(button)
        block.addLayout(foot)
        return block

    def _heard(self, news: MapNews) -> None:
        operator = self._desk.operator
        if operator is not None:
            self._desk.do(lambda source: map_news.see(source, operator, news), then=lambda _done: self.hear())
            self._hear(tuple(one for one in self.news if one is not news))

    def choose(self, line: NoticeLine, choice: Choice) -> None:
        """Do what somebody chose about a notice; then it has been seen."""
        steward = self._desk.source.steward
        if choice == RETRY and steward is not None:
            self._desk.do(lambda _: steward.retry(line.sequence), then=lambda _: self._chosen(line, choice))
        elif choice.payload is None:
            self._chosen(line, choice)
        else:
            self._desk.submit(choice.payload, then=lambda receipt: self._said(line, choice, receipt))

    def _said(self, line: NoticeLine, choice: Choice, receipt: Receipt) -> None:
        """What was chosen has been said: the notice is done with, unless that was refused."""
        if receipt.outcome.status is not Status.REFUSED:
            self._chosen(line, choice)
            return
        why = refusal(receipt.outcome)
        self.summary.append(done_words(line, choice, theme().words, why=why))
        self._desk.tell(why, tone="absent")
        self._fill()

    def _chosen(self, line: NoticeLine, choice: Choice) -> None:
        self.summary.append(done_words(line, choice, theme().words))
        self._see(line)

    def choose_recommended(self) -> None:
        """Do what is recommended about every notice that leaves a choice; what was done can be saved."""
        self.summary.clear()
        for line in tuple(line for line in self.lines if line.choices):
            self.choose(line, line.choices[0])
        self._fill()

    def save_summary(self, file: Path) -> None:
        """Write what was done about the notices, a line each."""
        text = "\n".join(self.summary) + "\n"
        self._desk.do(
            lambda _: file.write_text(text, encoding="utf-8"),
            then=lambda _: self._desk.tell("desk.choice.saved", name=file.name),
        )

    def _choose_summary(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, self.save.text(), "conflicts.txt")
        if chosen:
            self.save_summary(Path(chosen))

    def _see(self, line: NoticeLine) -> None:
        self._desk.do(lambda source: source.seen(line.operation), then=lambda _done: self.reload())
        self._show(tuple(one for one in self.lines if one is not line))


def refusal(outcome: Outcome) -> str:
    """The code of the sentence that says why a choice was not taken."""
    return why_not([reason.code for reason in outcome.reasons], theme().words)
