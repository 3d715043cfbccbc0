"""Results told at this kiosk that are no longer so, with what staff may do about them, signed by the PIN they came in with."""

from __future__ import annotations

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
from classtap_desktop.kit.notice_words import NoticeLine, lines_of, sentence
from kiosk.view import MOST_CHANGES, Change
from sync.client.node import Node

SEEN = Choice("seen")
MOST_CHOICES = 3
"""So many stand beside each other in the largest letters. Whoever came second takes the other back on the desk's roster."""


class Changes:
    """What is shown of them. Reads and writes the store: not for the window's thread, but for `seen`."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._lines: dict[Id, NoticeLine] = {}

    def read(self, staff: Id) -> tuple[Change, ...]:
        """The newest, in words, with what a member of staff may do."""
        with self._node.reader() as reader:
            by = Chooser(tuple(search(reader, Grant, "by_holder", staff)), self._node.clock.now().corrected)
            found = lines_of(reader, reader.notices(), self._node.zone(), by=by)[:MOST_CHANGES]
        self._lines = {line.operation: line for line in found}
        words = theme().words
        return tuple(
            Change(line.operation, sentence(line, words), tuple(choice.code for choice in _choices(line)))
            for line in found
        )

    def choose(self, operation: Id, code: str, staff: Id) -> str:
        """Do what a member of staff chose; "" when it is done, else the code of what stood in the way."""
        line = self._lines.get(operation)
        choice = None if line is None else next((one for one in _choices(line) if one.code == code), None)
        if line is None or choice is None:
            return ""
        try:
            refused = self._done(line, choice, Author(type="staff", id=staff, proof=PIN))
        except ClassTapError as trouble:
            return trouble.code
        if not refused:
            self._node.notices_seen([operation]).result()
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
        """Staff have read what was shown; waits for nothing."""
        lines, self._lines = self._lines, {}
        if lines:
            self._node.notices_seen(list(lines))


def _choices(line: NoticeLine) -> tuple[Choice, ...]:
    return line.choices[:MOST_CHOICES] or (SEEN,)
