"""Results somebody was told that are no longer so, with what can be done about them. Each stays until a person has seen it."""

from __future__ import annotations

from classtap_desktop.kit.notice_words import NoticeLine, lines_of, sentence
from classtap_desktop.screens.sessions import read_places
from classtap_desktop.source import DeskSource

__all__ = ["NoticeLine", "read_notices", "sentence"]


def read_notices(source: DeskSource) -> tuple[NoticeLine, ...]:
    """Return what has not been seen, newest first."""
    notices = source.notices()
    return lines_of(source.reader, notices, _zone(source)) if notices else ()


def _zone(source: DeskSource) -> str:
    places = read_places(source.reader)
    here = [place for place in places if place.id == source.place.location] or list(places)
    return here[0].zone if here else "UTC"
