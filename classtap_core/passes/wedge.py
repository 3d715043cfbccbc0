"""A hand-held scanner that types: letters that come faster than anybody types, ended by Enter, are one scanned text."""

from classtap_core.passes.codec import PREFIX

FASTEST_TYPING_MS = 50
"""Scanners leave one to ten milliseconds between two letters; people never less than fifty for long."""
LEAST_LETTERS = 12
MOST_LETTERS = 256


class Wedge:
    """Collects letters; `key` says when a text is whole. It knows no keyboard: whoever reads one tells it.

    Attributes: `busy`: a pass is coming, so that whoever else listens should not act on its letters. Other texts are
    not known before their end: fast fingers do three letters as fast.
    """

    def __init__(self) -> None:
        self._letters: list[str] = []
        self._last_ms: float | None = None

    @property
    def busy(self) -> bool:
        return "".join(self._letters[: len(PREFIX)]).upper() == PREFIX

    def key(self, letters: str, at_ms: float) -> str | None:
        """Take what a key gave at a time (ms, any clock that only rises); the text when it was the Enter after one.

        A break of more than 50 ms begins anew; so does a text that is too long for any code.
        """
        if self._last_ms is None or at_ms - self._last_ms > FASTEST_TYPING_MS or len(self._letters) > MOST_LETTERS:
            self._letters.clear()
        self._last_ms = at_ms
        if letters not in ("\r", "\n"):
            self._letters += [letter for letter in letters if letter.isprintable()]
            return None
        text = "".join(self._letters)
        self._letters.clear()
        return text if len(text) >= LEAST_LETTERS else None


def as_scanned(text: str) -> str:
    """A scanned text with what keyboards do to it undone: Caps Lock turns letters round, and passes have only large ones."""
    return text.upper() if text[: len(PREFIX)].upper() == PREFIX and text.isascii() else text
