"""What is said of a device at the desk and at the kiosk: what signing it out would lose, how much room it has."""

from __future__ import annotations

from typing import NamedTuple

from classtap_core.store.space import Level
from resources.text import Catalogue
from sync.client.keeping import Keeping
from sync.client.relay.local import Neighbourhood
from sync.client.relay.saying import hearing, relay_codes


def loss_words(unsent: int, files: int, words: Catalogue) -> str:
    """Return what would be lost: so many things done here, so many photos and documents; or that nothing would."""
    said = [words.say_n(f"desk.leave.{name}", count) for name, count in (("unsent", unsent), ("files", files)) if count]
    return "\n".join(said) or words.say("desk.leave.nothing")


def size_words(amount: int, words: Catalogue) -> str:
    """Return bytes in the largest unit that leaves a whole number of at least one."""
    for unit, size in (("gb", 1 << 30), ("mb", 1 << 20)):
        if amount >= size:
            return words.say(f"desk.health.{unit}", number=words.number(amount // size))
    return words.say("desk.health.kb", number=words.number(-(-amount // 1024)))


def relay_words(found: Neighbourhood, words: Catalogue) -> str:
    """Return who hears whom in this network, and what stands in the way, as sentences."""
    codes = relay_codes(on=found.on, trouble=found.trouble, heard=len(found.neighbours))
    return " ".join(words.say_n(code, hearing(found), code=found.trouble) for code in codes)


class Warned(NamedTuple):
    """What somebody has to be told of the store before it hurts: a code with what goes into it, and how much it matters."""

    code: str
    params: tuple[tuple[str, str | int], ...]
    tone: str

    def sentence(self, words: Catalogue) -> str:
        """Return it in a language."""
        return words.say(self.code, **dict(self.params))


def warning(keeping: Keeping, words: Catalogue) -> Warned | None:
    """The most urgent of what is wrong with the room, the queue or the store; None while all is well."""
    free, waiting = size_words(keeping.free, words), (("number", words.number(keeping.waiting)),)
    if keeping.level is Level.FULL:
        return Warned("desk.keeping.full", (("free", free),), "warn")
    if keeping.queue is Level.FULL:
        return Warned("desk.keeping.queue_full", waiting, "warn")
    if not keeping.sound:
        return Warned("desk.keeping.mends" if keeping.mends else "desk.keeping.damaged", (), "warn")
    if keeping.level is Level.LOW:
        return Warned("desk.keeping.low", (("free", free), ("marks", keeping.marks)), "late")
    if keeping.queue is Level.LOW:
        return Warned("desk.keeping.queue_low", waiting, "late")
    return None
