"""Results told at this kiosk that are no longer so, with what staff may do about them, signed by the PIN they came in with."""

from __future__ import annotations

from typing import NamedTuple

from classtap_core.access.records import Grant
from classtap_core.auditing.lines import PIN
from classtap_core.checkin.reading import search
from classtap_core.contesting.choices import RETRY, Choice
from classtap_core.contesting.doubling import Chooser
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import ClassTapError
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Status
from classtap_desktop.kit import theme
from classtap_desktop.kit.notice_words import NoticeLine, done_words, lines_of, sentence, why_not
from kiosk.view import MOST_CHANGES, Change
from sync.client.node import Node

SEEN = Choice("seen")
MOST_CHOICES = 3
"""So many stand beside each other in the largest letters. Whoever came second takes the other back on the desk's roster."""


class Shown(NamedTuple):
    """The newest results in words, and how many there are in all that leave a choice."""

    changes: tuple[Change, ...]
    open: int


class Changes:
    """What is shown of them. Reads and writes the store: not for the window's thread, but for `seen`."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._lines: dict[Id, NoticeLine] = {}

    def read(self, staff: Id) -> Shown:
        """The newest, in words, with what a member of staff may do."""
        found = self._all(staff)
        shown = found[:MOST_CHANGES]
        self._lines = {line.operation: line for line in shown}
        words = theme().words
        changes = tuple(
            Change(line.operation, sentence(line, words), tuple(choice.code for choice in _choices(line)))
            for line in shown
        )
        return Shown(changes, sum(bool(line.choices) for line in found))

    def _all(self, staff: Id) -> tuple[NoticeLine, ...]:
        with self._node.reader() as reader:
            by = Chooser(tuple(search(reader, Grant, "by_holder", staff)), self._node.clock.now().corrected)
            return lines_of(reader, reader.notices(), self._node.zone(), by=by)

    def choose(self, operation: Id, code: str, staff: Id) -> str:
        """Do what a member of staff chose; "" when it is done, else the code of what stood in the way."""
        line = self._lines.get(operation)
        choice = None if line is None else next((one for one in _choices(line) if one.code == code), None)
        return "" if line is None or choice is None else self._chosen(line, choice, staff)

    def choose_recommended(self, staff: Id) -> tuple[str, ...]:
        """Do what is recommended about every result that leaves a choice; what was done, in words, a line each."""
        words, done = theme().words, []
        for line in self._all(staff):
            if line.choices:
                error = self._chosen(line, line.choices[0], staff)
                done.append(done_words(line, line.choices[0], words, why=why_not([error], words) if error else ""))
        return tuple(done)

    def _chosen(self, line: NoticeLine, choice: Choice, staff: Id) -> str:
        try:
            refused = self._done(line, choice, Author(type="staff", id=staff, proof=PIN))
        except ClassTapError as trouble:
            return trouble.code
        if not refused:
            self._node.notices_seen([line.operation]).result()
        return refused

    def _done(self, line: NoticeLine, choice: Choice, author: Author) -> str:
        if choice == RETRY:
            self._node.retry(line.sequence).result()
        elif choice.payload is not None:
            outcome = self._node.submit(choice.payload, author, source="kiosk").result().outcome
            if outcome.status is Status.REFUSED:
                return outcome.reasons[0].code if outcome.reasons else "choice.refused"
        return ""

    def seen(self) -> None:
        """Staff have read what was shown: what leaves no choice is done with. Waits for nothing."""
        lines, self._lines = self._lines, {}
        read = [line.operation for line in lines.values() if not line.choices]
        if read:
            self._node.notices_seen(read)


def _choices(line: NoticeLine) -> tuple[Choice, ...]:
    return line.choices[:MOST_CHOICES] or (SEEN,)
