"""Small drawn facts: pills with a word, the state pill, the connection badge and a person's initials."""

from __future__ import annotations

import unicodedata

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from classtap_desktop.kit import painting, photos
from classtap_desktop.kit.states import FACES
from classtap_desktop.kit.theme import theme

# a person's colours; never the green of "present"
_TONES = ("accent", "info", "late", "absent")
_SIZES = {"desk": ("label", 28, 12, 15, 6), "kiosk": ("badge", 44, 18, 22, 10), "chip": ("chip", 31, 12, 16, 6)}


class Pill(QWidget):
    """A word on a pale ground of its tone (``present``, ``late``, ``absent``, ``info``, ``warn``, ``accent``, ``plain``).

    ``size`` is ``desk``, ``chip`` or ``kiosk``.
    """

    def __init__(
        self,
        text: str = "",
        tone: str = "plain",
        *,
        icon: str | None = None,
        size: str = "desk",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._text = text
        self._tone = tone
        self._icon = icon
        self._size = size
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(text)
        theme().changed.connect(self._dress)

    def show_pill(self, text: str, tone: str = "plain", icon: str | None = None) -> None:
        """Show other words in another tone."""
        if (text, tone, icon) == (self._text, self._tone, self._icon):
            return
        self._text, self._tone, self._icon = text, tone, icon
        self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def whole_text(self) -> str:
        """Return the words."""
        return self._text

    def is_cut(self) -> bool:
        """Say whether the words do not fit."""
        return bool(self._text) and self.width() < self.sizeHint().width()

    def _dress(self) -> None:
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        here = theme()
        role, height, padding, icon, gap = _SIZES[self._size]
        font = here.font(role)
        mark = here.px(icon) * here.text_scale if self._icon else 0.0
        wide = painting.line_width(self._text, font, icon=mark, gap=here.px(gap)) + 2 * here.px(padding)
        return QSize(round(wide + 2), max(here.px(height), here.metrics(role).height() + here.px(8)))

    def minimumSizeHint(self) -> QSize:
        full = self.sizeHint()
        return QSize(min(full.width(), 4 * full.height()), full.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._text:
            return
        here = theme()
        role, _, padding, icon, gap = _SIZES[self._size]
        plain = self._tone == "plain"
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        radius = area.height() / 2 if self._size != "chip" else here.px(9)
        painting.box(
            painter, area, radius=radius, fill=here.color("raised" if plain else f"{self._tone}_soft"),
            edge=here.color("line") if plain or here.tokens["bg"] == "#FFFFFF" else None,
        )  # fmt: skip
        painting.line(
            painter, area.adjusted(here.px(padding), 0, -here.px(padding), 0), self._text, font=here.font(role),
            color=here.color("muted" if plain else self._tone), icon=self._icon,
            icon_size=here.px(icon) * here.text_scale if self._icon else 0, gap=here.px(gap),
            rtl=self.layoutDirection() == Qt.LayoutDirection.RightToLeft,
        )  # fmt: skip
        painter.end()


class StatePill(Pill):
    """A child's state as icon, word and colour."""

    def __init__(self, state: str = "none", *, size: str = "desk", parent: QWidget | None = None) -> None:
        super().__init__(size=size, parent=parent)
        self._state = state
        self.show_state(state)

    def show_state(self, state: str) -> None:
        """Show ``none``, ``present``, ``late`` or ``absent``; raises ``KeyError`` for anything else."""
        face = FACES[state]
        self._state = state
        self.show_pill(theme().words.say(face.code), "plain" if state == "none" else face.token, face.icon)

    def _dress(self) -> None:
        self.show_state(self._state)
        super()._dress()


class QueueBadge(Pill):
    """Whether the internet is there and how much waits on this device: calm, and exact to one."""

    def __init__(self, *, size: str = "desk", parent: QWidget | None = None) -> None:
        super().__init__(size=size, parent=parent)
        self._online, self._waiting, self._paused, self._hearing = True, 0, False, 0
        self.show_queue(online=True, waiting=0)

    def show_queue(self, *, online: bool, waiting: int, paused: bool = False, hearing: int = 0) -> None:
        """Show the connection and the number of saved operations the cloud has not acknowledged. `paused`: by somebody.
        `hearing`: how many devices hear each other here meanwhile, this one among them.
        """
        self._online, self._waiting, self._paused, self._hearing = online, waiting, paused, hearing
        words = theme().words
        short = "_short" if theme().text_scale > 1.4 else ""
        heard = words.say_n("queue.hearing", hearing) if hearing and not online else ""
        self.setAccessibleDescription(heard)
        self.setToolTip(heard)
        if paused:
            word = words.say("desk.sync.paused")
            self.show_pill(f"{word} · {waiting}" if waiting else word, "late", "offline")
        elif online and waiting:
            self.show_pill(words.say_n("queue.sending", waiting), "info", "sync")
        elif online:
            self.show_pill(words.say(f"queue.all_sent{short}"), "present", "check")
        else:
            said = words.say_n(f"queue.saved_here{short}", waiting) if waiting else words.say("queue.offline")
            self.show_pill(words.join((said, heard)) if heard and not short else said, "late", "offline")

    def _dress(self) -> None:
        self.show_queue(online=self._online, waiting=self._waiting, paused=self._paused, hearing=self._hearing)
        super()._dress()


class Avatar(QWidget):
    """A person's initials on a pale disc; the colour goes with the person, never with a state."""

    def __init__(self, name: str = "", colour: int = 0, *, size: int = 60, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._size = size
        self._letters = initials(name)
        self._colour = colour
        self._picture: QImage | None = None
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self._dress)

    def show_person(self, name: str, colour: int = 0) -> None:
        """Show another person; ``colour`` is any whole number that goes with them."""
        self._letters, self._colour = initials(name), colour
        self.update()

    def show_picture(self, picture: QImage | None) -> None:
        """Show a picture of them instead of letters; None for letters again."""
        self._picture = picture
        self.update()

    def _dress(self) -> None:
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        side = round(theme().px(self._size) * min(theme().text_scale, 1.4))
        return QSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        tone = _TONES[self._colour % len(_TONES)]
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        if self._picture is not None:
            photos.draw_round(painter, area, self._picture)
            painter.end()
            return
        painting.box(painter, area, radius=area.height() / 2, fill=here.color(f"{tone}_soft"))
        font = here.font("strong")
        font.setPixelSize(round(area.height() * 0.36))
        # centred on what is really drawn: scripts without capitals sit elsewhere on the line
        drawn = QFontMetricsF(font).tightBoundingRect(self._letters)
        painter.setFont(font)
        painter.setPen(here.color(tone))
        painter.drawText(area.center() - drawn.center(), self._letters)
        painter.end()


def initials(name: str) -> str:
    """Return one or two letters for a name in any script: first and last word where letters stand apart, else the first."""
    words = [word for word in name.split() if any(char.isalpha() for char in word)]
    if not words:
        return ""
    first = _first_letter(words[0])
    if len(words) == 1 or not _has_case(first):
        return first
    return first + _first_letter(words[-1])


def _first_letter(word: str) -> str:
    """Return the first letter with the marks that belong to it; a vowel written before its consonant (Thai, Lao) is left."""
    chars = [char for char in word if char.isalpha() or unicodedata.category(char).startswith("M")]
    while len(chars) > 1 and chars[0] in "เแโใไເແໂໃໄ":
        chars.pop(0)
    taken = chars[:1]
    for char in chars[1:]:
        if not unicodedata.category(char).startswith("M"):
            break
        taken.append(char)
    return "".join(taken).upper()


def _has_case(letter: str) -> bool:
    return letter.lower() != letter.upper()
