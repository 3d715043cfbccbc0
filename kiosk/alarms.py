"""Emergencies that reached nobody, as the staff's page says them. A kiosk knows whom they are about, and no telephone."""

from __future__ import annotations

from classtap_core.checkin.reading import fetch, search
from classtap_core.kernel.tx import Reader
from classtap_core.messaging.records import Unreached
from classtap_core.people.records import Child, Family
from kiosk.view import Notice
from resources.text import Catalogue


def any_urgent(reader: Reader) -> bool:
    """Whether there is one that nobody has taken on."""
    return bool(_raised(reader))


def emergencies(reader: Reader, words: Catalogue) -> tuple[Notice, ...]:
    """The oldest that nobody has taken on, and how many wait behind it; () where there is none."""
    found = sorted(_raised(reader), key=lambda one: (one.raised_ms, one.id))
    if not found:
        return ()
    first, more = found[0], len(found) - 1
    families = fetch(reader, Family, [first.family])
    children = fetch(reader, Child, first.children)
    names = ", ".join(sorted(child.given for child in children.values()))
    who = words.join([*(one.name for one in families.values()), names, f"+{words.number(more)}" if more else ""])
    return (Notice("kiosk.staff.alarm", (("who", who),), tone="absent"),)


def _raised(reader: Reader) -> list[Unreached]:
    return [one for one in search(reader, Unreached, "by_open", True) if one.urgent]
